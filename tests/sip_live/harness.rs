//! A small answering runtime: an endpoint and a loop that answers what comes with a fixed
//! description. What it heard is counted for the tests to look at.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use warmline::sip::sdp::{self, LocalMedia};
use warmline::sip::{
    AcceptAnyone, Endpoint, EndpointHandle, Incoming, LegEvent, LegHandle, Settings, SipEvent,
};

/// How the loop treats a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// 180, then 200 at once.
    Answer,
    /// 180, then 200 after a second and a half.
    AnswerSoon,
    /// 180 and nothing more.
    Ring,
    /// 486.
    Busy,
}

/// An endpoint that answers by itself.
pub struct Answerer {
    pub handle: EndpointHandle,
    pub udp: SocketAddr,
    pub tcp: SocketAddr,
    pub heard: Arc<Mutex<Heard>>,
}

/// What came.
#[derive(Default)]
pub struct Heard {
    pub incoming: Vec<Incoming>,
    pub events: Vec<LegEvent>,
    pub phones: Vec<(String, usize)>,
    pub trunks: Vec<warmline::sip::TrunkState>,
}

pub fn local() -> SocketAddr {
    "127.0.0.1:0".parse().expect("address")
}

/// Settings that let loopback in, on free ports.
pub fn open_settings() -> Settings {
    Settings {
        udp: Some(local()),
        tcp: Some(local()),
        accept_anyone: AcceptAnyone::Loopback,
        ..Settings::default()
    }
}

/// Starts an endpoint on the current runtime.
pub fn start(settings: Settings) -> (EndpointHandle, mpsc::Receiver<SipEvent>) {
    Endpoint::start(settings, &tokio::runtime::Handle::current()).expect("starts")
}

impl Answerer {
    pub fn start(settings: Settings, manner: Manner) -> Self {
        let (handle, mut events) = start(settings);
        let heard = Arc::new(Mutex::new(Heard::default()));
        let (udp, tcp) = (handle.udp_address(), handle.tcp_address());
        let notes = heard.clone();
        tokio::spawn(async move {
            let mut legs: Vec<LegHandle> = Vec::new();
            while let Some(event) = events.recv().await {
                match event {
                    SipEvent::Incoming(call) => {
                        legs.push(call.leg.clone());
                        treat(&call, manner);
                        notes.lock().expect("whole").incoming.push(*call);
                    }
                    SipEvent::Leg { leg, event } => {
                        if let LegEvent::Change { offer } = &event
                            && let Some(known) = legs.iter().find(|known| known.id() == leg)
                        {
                            change(known, offer);
                        }
                        notes.lock().expect("whole").events.push(event);
                    }
                    SipEvent::Phone { user, contacts, .. } => {
                        notes.lock().expect("whole").phones.push((user, contacts));
                    }
                    SipEvent::Trunk { state, .. } => {
                        notes.lock().expect("whole").trunks.push(state);
                    }
                }
            }
        });
        Self { handle, udp: udp.unwrap_or_else(local), tcp: tcp.unwrap_or_else(local), heard }
    }

    /// Waits until `wanted` holds of what was heard, at most `seconds`.
    pub async fn until(&self, seconds: u64, wanted: impl Fn(&Heard) -> bool) -> bool {
        let end = Instant::now() + Duration::from_secs(seconds);
        while Instant::now() < end {
            if wanted(&self.heard.lock().expect("whole")) {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        false
    }

    pub fn count(&self, which: impl Fn(&LegEvent) -> bool) -> usize {
        self.heard.lock().expect("whole").events.iter().filter(|event| which(event)).count()
    }

    /// Nothing of the calls stays in memory.
    pub async fn settles(&self, seconds: u64) -> (usize, usize) {
        let end = Instant::now() + Duration::from_secs(seconds);
        loop {
            let legs = self.handle.legs().1;
            let kept = self.handle.kept();
            if (legs == 0 && kept.1 == 0) || Instant::now() > end {
                return (legs, kept.1);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

fn treat(call: &Incoming, manner: Manner) {
    let ours = LocalMedia::new(call.media_address, 40_000);
    match manner {
        Manner::Ring => call.leg.ring().expect("rings"),
        Manner::Busy => call.leg.refuse(486, None).expect("refuses"),
        Manner::Answer | Manner::AnswerSoon => {
            call.leg.ring().expect("rings");
            let text = match &call.offer {
                Some(offer) => sdp::negotiate(offer, &ours).expect("judged before").0,
                None => sdp::offer(&ours),
            };
            let (leg, soon) = (call.leg.clone(), manner == Manner::AnswerSoon);
            tokio::spawn(async move {
                if soon {
                    tokio::time::sleep(Duration::from_millis(1_500)).await;
                }
                leg.answer(text).expect("answers");
            });
        }
    }
}

fn change(leg: &LegHandle, offer: &sdp::SessionDescription) {
    let ours = LocalMedia::new("127.0.0.1".parse().expect("address"), 40_000);
    match sdp::negotiate(offer, &ours) {
        Ok((text, _)) => leg.answer_change(text).expect("answers"),
        Err(_) => leg.refuse_change(488).expect("refuses"),
    }
}

/// Sends one datagram and gives the first reply that begins with a wanted text.
pub fn ask(to: SocketAddr, message: &[u8], within: Duration) -> Option<String> {
    let socket = std::net::UdpSocket::bind(local()).expect("binds");
    socket.set_read_timeout(Some(within)).expect("set");
    let text = String::from_utf8_lossy(message).replace("@PORT", &port(&socket));
    socket.send_to(text.as_bytes(), to).expect("sent");
    let mut buffer = vec![0; 65_536];
    let (length, _) = socket.recv_from(&mut buffer).ok()?;
    Some(String::from_utf8_lossy(buffer.get(..length)?).into_owned())
}

fn port(socket: &std::net::UdpSocket) -> String {
    socket.local_addr().expect("bound").port().to_string()
}

/// An OPTIONS whose answer shows that the endpoint lives.
pub fn options(to: SocketAddr, number: u32) -> String {
    format!(
        "OPTIONS sip:ping@{to} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:@PORT;branch=z9hG4bKo{number};\
         rport\r\nFrom: <sip:ping@h>;tag=p{number}\r\nTo: <sip:ping@{to}>\r\n\
         Call-ID: ping-{number}\r\nCSeq: {number} OPTIONS\r\nMax-Forwards: 70\r\n\
         Content-Length: 0\r\n\r\n"
    )
}
