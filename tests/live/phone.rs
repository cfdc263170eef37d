//! A telephone made of two sockets, whose both sides lie on one clock: it sends a frame and takes
//! what came, every 20 ms, so that it can answer what it hears, or return it as a bad line does.

use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use warmline::media::g711::{ulaw_decode, ulaw_encode};

use super::server::{Server, ports};

/// Samples of a frame of 20 ms at 8 kHz.
pub const FRAME: usize = 160;
const SAMPLES_PER_MS: usize = 8;
/// Bytes before the sound of a packet (RFC 3550 section 5.1).
const RTP_HEADER: usize = 12;
const ANSWERED_WITHIN: Duration = Duration::from_secs(20);

/// A call that was answered.
pub struct Phone {
    sip: UdpSocket,
    rtp: UdpSocket,
    media: SocketAddr,
    /// The lines that are the same in every request of the dialog.
    dialog: String,
    target: String,
    /// Both sides, sample by sample: what was sent and what came at the same time.
    pub said: Vec<i16>,
    pub heard: Vec<i16>,
    /// Place in `heard` of the timestamp 0 of what comes.
    origin: Option<i64>,
}

impl Phone {
    /// Calls the server's help line, and waits until it is answered.
    pub fn call(server: &Server) -> Phone {
        let port = ports();
        let sip = UdpSocket::bind(("127.0.0.1", port)).expect("a free port");
        let rtp = UdpSocket::bind(("127.0.0.1", port + 2)).expect("a free port");
        rtp.set_nonblocking(true).expect("is taken");
        sip.set_read_timeout(Some(Duration::from_millis(200))).expect("is taken");
        sip.connect(("127.0.0.1", server.sip_port)).expect("loopback");
        let from = format!(
            "Max-Forwards: 70\r\nFrom: <sip:ada@127.0.0.1:{port}>;tag=a{port}\r\n\
             Call-ID: phone-{port}\r\nContact: <sip:ada@127.0.0.1:{port}>\r\n"
        );
        let offer = format!(
            "v=0\r\no=ada 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
             m=audio {} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n",
            port + 2
        );
        let uri = server.uri();
        let invite = format!(
            "INVITE {uri} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bKi{port}\r\n\
             {from}To: <{uri}>\r\nCSeq: 1 INVITE\r\nContent-Type: application/sdp\r\n\
             Content-Length: {}\r\n\r\n{offer}",
            offer.len()
        );
        sip.send(invite.as_bytes()).expect("loopback");
        let answer = final_answer(&sip, server);
        let to = line(&answer, "To: ").to_owned();
        let target = line(&answer, "Contact: ").trim_matches(['<', '>']).to_owned();
        let target = target.split('>').next().unwrap_or(&target).to_owned();
        let media = line(&answer, "m=audio ").split(' ').next().and_then(|port| port.parse().ok());
        let mut phone = Phone {
            sip,
            rtp,
            media: ([127, 0, 0, 1], media.expect("a port of sound")).into(),
            dialog: format!("{from}To: {to}\r\n"),
            target,
            said: Vec::new(),
            heard: Vec::new(),
            origin: None,
        };
        phone.request("ACK", 1);
        phone
    }

    fn request(&mut self, method: &str, number: u32) {
        let here = self.sip.local_addr().expect("is bound");
        let text = format!(
            "{method} {} SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bK{method}{number}\r\n\
             {}CSeq: {number} {method}\r\nContent-Length: 0\r\n\r\n",
            self.target, self.dialog
        );
        self.sip.send(text.as_bytes()).expect("loopback");
    }

    /// Ends the call.
    pub fn hang_up(&mut self) {
        self.request("BYE", 2);
    }

    /// Speaks and hears for `ms`. `says` gives the samples of the next frame, from the place of
    /// its first one and all that was heard before; shorter ones are filled with silence.
    pub fn talk(&mut self, ms: usize, mut says: impl FnMut(usize, &[i16]) -> Vec<i16>) {
        let begun = Instant::now();
        for tick in 0..(ms * SAMPLES_PER_MS / FRAME) as u32 {
            self.take();
            let at = self.said.len();
            self.heard.resize(self.heard.len().max(at), 0);
            let mut frame = says(at, &self.heard[..at]);
            frame.resize(FRAME, 0);
            self.send(at, &frame);
            self.said.extend(frame);
            let due = begun + Duration::from_millis(20) * (tick + 1);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
    }

    fn send(&self, at: usize, frame: &[i16]) {
        let mut packet = vec![0x80, 0];
        packet.extend(((at / FRAME) as u16).to_be_bytes());
        packet.extend((at as u32).to_be_bytes());
        packet.extend(7u32.to_be_bytes());
        packet.extend(frame.iter().map(|sample| ulaw_encode(*sample)));
        let _ = self.rtp.send_to(&packet, self.media);
    }

    /// Takes what came; each packet lies where its timestamp says.
    fn take(&mut self) {
        let mut packet = [0u8; 2_048];
        while let Ok(bytes) = self.rtp.recv(&mut packet) {
            if bytes <= RTP_HEADER || packet[1] & 0x7f != 0 {
                continue;
            }
            let stamp = i64::from(u32::from_be_bytes([packet[4], packet[5], packet[6], packet[7]]));
            let origin = *self.origin.get_or_insert(self.said.len() as i64 - stamp);
            let Ok(place) = usize::try_from(origin + stamp) else { continue };
            let end = place + bytes - RTP_HEADER;
            if end > self.said.len() + 10 * 8_000 {
                continue;
            }
            self.heard.resize(self.heard.len().max(end), 0);
            for (sample, code) in self.heard[place..].iter_mut().zip(&packet[RTP_HEADER..bytes]) {
                *sample = ulaw_decode(*code);
            }
        }
    }
}

fn final_answer(sip: &UdpSocket, server: &Server) -> String {
    let begun = Instant::now();
    let mut packet = [0u8; 4_096];
    while begun.elapsed() < ANSWERED_WITHIN {
        let Ok(bytes) = sip.recv(&mut packet) else { continue };
        let text = String::from_utf8_lossy(&packet[..bytes]).into_owned();
        if text.starts_with("SIP/2.0 200") {
            return text;
        }
        assert!(text.starts_with("SIP/2.0 1"), "{text}");
    }
    panic!("no answer\n{}", server.log());
}

fn line<'a>(message: &'a str, head: &str) -> &'a str {
    message.lines().find_map(|line| line.strip_prefix(head)).unwrap_or_default()
}
