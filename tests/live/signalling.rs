//! SIP as peers speak it: keys, hold, CANCEL, refusals, torture.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::path::Path;
use std::time::Duration;

use warmline::base::audio::level_dbfs;
use warmline::media::g711;
use warmline::media::tone::tone_level_dbfs;

use super::ports;
use super::server::Server;
use super::sipp::{self, ANSWERED, OFFER, Sipp, caller, expect, key, pause, request};

fn run(server: &Server, scenario: &str, arguments: &[&str]) -> Sipp {
    let mut arguments = arguments.to_vec();
    arguments.extend(["-m", "1", "-timeout", "40", "-timeout_error"]);
    let target = format!("127.0.0.1:{}", server.sip_port);
    let mut peer = Sipp::start(scenario, &target, &arguments);
    let status = peer.wait();
    assert_eq!(status, 0, "{}\n{}\n{}", peer.errors(), peer.messages(), server.log());
    peer
}

fn answered_then(steps: &str) -> String {
    let acked = request("ACK", 1);
    let bye = request("BYE", 9);
    caller("", OFFER, &format!("{ANSWERED}{acked}{steps}{bye}{}", expect(200)))
}

#[test]
fn keys_hold_cancel_and_refusals() {
    if !sipp::is_there("signalling") {
        return;
    }
    let server = Server::start("");
    run(&server, &answered_then(&format!("{}{}{}", pause(1500), key('0'), pause(3000))), &[]);
    run(&server, &answered_then(&pause(500)), &["-t", "t1"]);
    run(&server, &answered_then(&hold_and_resume()), &[]);
    run(&server, &refused("Require: nonsense\n", OFFER, 420), &[]);
    run(&server, &refused("", "this is no SDP\n", 400), &[]);
    run(&server, &refused("", &OFFER.replace("RTP/AVP 0 101", "RTP/AVP 3"), 488), &[]);

    let calls = server.ended_calls(3, Duration::from_secs(30));
    let text = serde_json::to_string(&calls).unwrap_or_default();
    let by_key = calls.iter().flat_map(|call| call["decisions"].as_array().into_iter().flatten());
    let by_key = by_key.filter(|decision| decision["rule"] == "key").count();
    assert_eq!(by_key, 1, "0 asks for a person, once: {text}");
    assert_eq!(calls.iter().filter(|call| call["disposition"] == "system_failure").count(), 0);
}

/// The lines that begin so in SIPp's list of messages, each with the first line and the `CSeq` of
/// its message: what was sent again, because one of us was slow, stands there once.
fn lines_of<'a>(messages: &'a str, beginning: &str) -> BTreeSet<(&'a str, &'a str, &'a str)> {
    let (mut first, mut sequence, mut found) = ("", "", BTreeSet::new());
    for line in messages.lines().map(str::trim) {
        if line.starts_with("SIP/2.0 ") || line.ends_with(" SIP/2.0") {
            first = line;
        } else if line.starts_with("CSeq:") {
            sequence = line;
        } else if line.starts_with(beginning) {
            found.insert((first, sequence, line));
        }
    }
    found
}

/// A caller with G.722 who keys by INFO and moves in mid-call: what the SIP room can, the binary
/// does.
#[test]
fn a_wideband_codec_a_new_address_and_keys_by_info() {
    if !sipp::is_there("wideband") {
        return;
    }
    let server = Server::start("");
    let wideband =
        OFFER.replace("RTP/AVP 0 101\na=rtpmap:0 PCMU/8000", "RTP/AVP 9 101\na=rtpmap:9 G722/8000");
    let info = request("INFO", 2).replace(
        "Content-Length: 0\n\n",
        "Content-Type: application/dtmf-relay\nContent-Length: [len]\n\nSignal=0\nDuration=160\n",
    );
    let update = request("UPDATE", 3).replace(
        "Content-Length: 0\n\n",
        &format!("Content-Type: application/sdp\nContent-Length: [len]\n\n{wideband}"),
    );
    let steps = format!(
        "{ANSWERED}{}{}{info}{}{update}{}{}{}{}",
        request("ACK", 1),
        pause(1_000),
        expect(200),
        expect(200),
        pause(500),
        request("BYE", 4),
        expect(200)
    );
    let peer = run(&server, &caller("", &wideband, &steps), &[]);
    let messages = peer.messages();
    let sessions = lines_of(&messages, "m=audio").len();
    assert_eq!(sessions, 4, "INVITE and UPDATE are each answered with a session:\n{messages}");
    let calls = server.ended_calls(1, Duration::from_secs(30));
    assert_eq!(calls[0]["legs"][0]["codec"], "G722", "{:#}", calls[0]);
    assert!(calls[0]["legs"][0]["peer"].is_string(), "{:#}", calls[0]);
    let by_key = calls[0]["decisions"].to_string();
    assert!(by_key.contains("\"key\""), "0 by INFO asks for a person: {:#}", calls[0]);
}

/// 180 while it rings, or 183 with the session that the 200 has, and our tone in it.
#[test]
fn it_rings_by_180_or_by_183_with_a_session() {
    if !sipp::is_there("ringing") {
        return;
    }
    let rest = format!(
        "{}{}{}{}{}",
        "  <recv response=\"200\" rrs=\"true\"/>\n",
        request("ACK", 1),
        pause(500),
        request("BYE", 2),
        expect(200)
    );
    let trying = "  <recv response=\"100\" optional=\"true\"/>\n";
    for (setting, status) in [("", 180), ("early_media = true\n", 183)] {
        let server = Server::start_with_sip(&format!("answer_after_ms = 1500\n{setting}"));
        let steps = format!("{trying}{}{rest}", expect(status));
        let ear = Ear::open();
        let offer = OFFER.replace("[media_port]", &ear.port.to_string());
        let peer = run(&server, &caller("", &offer, &steps), &[]);
        let messages = peer.messages();
        let ours = lines_of(&messages, "o=-");
        let origins: BTreeSet<&str> = ours.iter().map(|(_, _, line)| *line).collect();
        match status {
            180 => assert_eq!(ours.len(), 1, "a session in the 200 alone:\n{messages}"),
            _ => assert_eq!((ours.len(), origins.len()), (2, 1), "{messages}"),
        }
        // Of the 1.5 s before the answer.
        let tone = ear.heard_ringing_s();
        match status {
            180 => assert_eq!(tone, 0.0, "the trunk rings"),
            _ => assert!((0.9..=1.7).contains(&tone), "our ringing tone for {tone} s"),
        }
    }
}

/// Where a caller's sound goes: a socket that keeps every sample of G.711 (µ-law).
struct Ear {
    port: u16,
    socket: UdpSocket,
}

impl Ear {
    fn open() -> Ear {
        let port = ports() + 4;
        let socket = UdpSocket::bind(("127.0.0.1", port)).expect("a free port");
        socket.set_read_timeout(Some(Duration::from_millis(200))).expect("is taken");
        Ear { port, socket }
    }

    /// Seconds in which the ringing tone of North America (440 and 480 Hz) was heard.
    fn heard_ringing_s(&self) -> f32 {
        let mut samples = Vec::new();
        let mut packet = [0u8; 2_048];
        while let Ok(bytes) = self.socket.recv(&mut packet) {
            // Payload type 0 behind the 12 bytes of the header (RFC 3550 section 5.1).
            if bytes > 12 && packet[1] & 0x7f == 0 {
                samples.extend(packet[12..bytes].iter().map(|&code| g711::ulaw_decode(code)));
            }
        }
        let power = |level_dbfs: f32| 10f32.powf(level_dbfs / 10.0);
        let ringing = samples.chunks_exact(800).filter(|part| {
            let tones = [440.0, 480.0].map(|hz| power(tone_level_dbfs(part, 8_000, hz)));
            let whole = power(level_dbfs(part));
            tones[0].min(tones[1]) > 0.3 * whole && whole > power(-40.0)
        });
        ringing.count() as f32 / 10.0
    }
}

/// Behind a router: who calls from elsewhere is told the public address, in the session and as
/// our contact; who calls from this machine is not.
#[test]
fn callers_from_elsewhere_are_told_the_public_address() {
    if !sipp::is_there("public address") {
        return;
    }
    let Some(here) = own_address() else {
        println!("public address: skipped, this machine has no address but loopback");
        return;
    };
    let server = Server::start_on_all(
        "public_address = \"203.0.113.7\"\n",
        &format!("[[trunks]]\nid = \"lan\"\naddresses = [\"{here}\"]\n"),
    );
    let asked = [(here, "203.0.113.7"), (Ipv4Addr::LOCALHOST, "127.0.0.1")];
    for (from, told) in asked {
        let from = from.to_string();
        let target = format!("{from}:{}", server.sip_port);
        let scenario = answered_then(&pause(300));
        let arguments = ["-i", &from, "-m", "1", "-timeout", "40", "-timeout_error"];
        let mut peer = Sipp::start(&scenario, &target, &arguments);
        let status = peer.wait();
        let messages = peer.messages();
        assert_eq!(status, 0, "{}\n{messages}\n{}", peer.errors(), server.log());
        let answer = messages.split("SIP/2.0 200 OK").nth(1).unwrap_or_default();
        assert!(answer.contains(&format!("c=IN IP4 {told}")), "{messages}");
        let contact = answer.lines().find(|line| line.starts_with("Contact:")).unwrap_or_default();
        assert!(contact.contains(&format!("{told}:{}", server.sip_port)), "{messages}");
    }
}

/// This machine's address on its network, if it has one.
fn own_address() -> Option<Ipv4Addr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    // Asks the routing table; nothing is sent (an address for examples, RFC 5737).
    socket.connect(("198.51.100.1", 9)).ok()?;
    match socket.local_addr().ok()?.ip() {
        IpAddr::V4(ip) if !ip.is_loopback() && !ip.is_unspecified() => Some(ip),
        IpAddr::V4(_) | IpAddr::V6(_) => None,
    }
}

/// A caller whose sound does not arrive: the log says where to look, names the call, and keeps
/// the number to itself; the ladder shows the messages without credentials.
#[test]
fn no_sound_is_said_once_and_numbers_stay_out_of_the_log() {
    if !sipp::is_there("no sound") {
        return;
    }
    let server = Server::start("");
    let number = "+4930123456789";
    let credentials = "Authorization: Digest username=\"ada\", realm=\"x\", nonce=\"n\", \
                       uri=\"sip:help@x\", response=\"c0ffee00c0ffee00c0ffee00c0ffee00\"\n";
    let steps = format!(
        "{ANSWERED}{}{}{}{}",
        request("ACK", 1),
        pause(4_500),
        request("BYE", 9),
        expect(200)
    );
    let scenario =
        caller(credentials, OFFER, &steps).replace("sip:ada@", &format!("sip:{number}@"));
    run(&server, &scenario, &[]);
    let calls = server.ended_calls(1, Duration::from_secs(30));
    let id = calls[0]["id"].as_str().unwrap_or_default();
    let log = server.log();
    let told: Vec<&str> = log.lines().filter(|line| line.contains("no RTP from")).collect();
    assert_eq!(told.len(), 1, "{log}");
    assert!(told[0].contains("127.0.0.1") && told[0].contains("check public_address"), "{log}");
    assert!(!id.is_empty() && told[0].contains(id), "the call is named: {log}");
    assert!(!log.contains("30123456789"), "the number is not in the log: {log}");
    let ladder = server.get(&format!("/api/calls/{id}/ladder")).1;
    for message in ["INVITE", "200", "ACK", "BYE"] {
        assert!(ladder.contains(message), "{message}: {ladder}");
    }
    assert!(!ladder.contains("c0ffee00"), "no credentials: {ladder}");
}

fn hold_and_resume() -> String {
    let reinvite = |cseq: u32, direction: &str| {
        let body = format!("{OFFER}a={direction}\n");
        let with_body = request("INVITE", cseq).replace(
            "Content-Length: 0\n\n",
            &format!("Content-Type: application/sdp\nContent-Length: [len]\n\n{body}"),
        );
        format!("{with_body}{}{}{}", expect_after_trying(), request("ACK", cseq), pause(700))
    };
    format!("{}{}{}", pause(500), reinvite(2, "sendonly"), reinvite(3, "sendrecv"))
}

fn expect_after_trying() -> String {
    format!("  <recv response=\"100\" optional=\"true\"/>\n{}", expect(200))
}

fn refused(headers: &str, body: &str, status: u16) -> String {
    let trying = "  <recv response=\"100\" optional=\"true\"/>\n";
    // The ACK of a refusal belongs to the INVITE's transaction, three messages back.
    let ack = before_the_dialog("ACK", "ACK", 3);
    caller(headers, body, &format!("{trying}{}{ack}", expect(status)))
}

/// CANCEL while it rings (the server of this test rings a while before it answers).
fn cancelled() -> String {
    let trying = "  <recv response=\"100\" optional=\"true\"/>\n";
    let cancel = before_the_dialog("CANCEL", "CANCEL", 3);
    let ack = before_the_dialog("ACK", "ACK", 6);
    let steps = format!("{trying}{}{cancel}{}{}{ack}", expect(180), expect(200), expect(487));
    caller("", OFFER, &steps)
}

/// A request in the INVITE's own transaction: its URI, its branch (`back` messages ago), no tag.
fn before_the_dialog(method: &str, sequence: &str, back: u8) -> String {
    request(method, 1)
        .replace(&format!("CSeq: 1 {method}"), &format!("CSeq: 1 {sequence}"))
        .replace("[next_url]", "sip:help@[remote_ip]:[remote_port]")
        .replace("branch=[branch]", &format!("branch=[branch-{back}]"))
        .replace("[peer_tag_param]", if method == "ACK" { "[peer_tag_param]" } else { "" })
        .replace(" retrans=\"500\"", "")
}

#[test]
fn a_caller_who_gives_up_while_it_rings_is_cancelled() {
    if !sipp::is_there("cancel") {
        return;
    }
    let server = Server::start_with_sip("answer_after_ms = 2000");
    run(&server, &cancelled(), &[]);
    let calls = server.ended_calls(1, Duration::from_secs(10));
    assert_eq!(calls[0]["disposition"], "cancelled", "{:#}", calls[0]);
}

/// Every message of RFC 4475 over UDP: answered or dropped, and an OPTIONS after each answered.
#[test]
fn torture_messages_leave_it_alive() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/rfc4475");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("torture: skipped, no ../shared/data/rfc4475");
        return;
    };
    let mut server = Server::start("");
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    socket.set_read_timeout(Some(Duration::from_millis(200))).expect("is settable");
    let mut sent = 0;
    for (number, entry) in entries.flatten().enumerate() {
        let message = std::fs::read(entry.path()).expect("is readable");
        let _ = socket.send_to(&message, ("127.0.0.1", server.sip_port));
        assert!(
            answers_options(&socket, server.sip_port, number),
            "no answer to OPTIONS after {}\n{}",
            entry.path().display(),
            server.log()
        );
        sent += 1;
    }
    assert!(sent >= 49, "{sent} messages");
    assert!(server.is_alive());
}

fn answers_options(socket: &UdpSocket, port: u16, number: usize) -> bool {
    let from = socket.local_addr().expect("is bound");
    let id = format!("control-{number}");
    let options = format!(
        "OPTIONS sip:help@127.0.0.1:{port} SIP/2.0\r\nVia: SIP/2.0/UDP {from};\
         branch=z9hG4bK{id};rport\r\nFrom: <sip:control@{from}>;tag={id}\r\n\
         To: <sip:help@127.0.0.1:{port}>\r\nCall-ID: {id}\r\nCSeq: 1 OPTIONS\r\n\
         Max-Forwards: 70\r\nContact: <sip:control@{from}>\r\nContent-Length: 0\r\n\r\n"
    );
    let mut buffer = [0u8; 65_535];
    for _ in 0..10 {
        let _ = socket.send_to(options.as_bytes(), ("127.0.0.1", port));
        for _ in 0..20 {
            let Ok(length) = socket.recv(&mut buffer) else { break };
            let reply = String::from_utf8_lossy(&buffer[..length]);
            if reply.contains(&id) && reply.starts_with("SIP/2.0 200") {
                return true;
            }
        }
    }
    false
}
