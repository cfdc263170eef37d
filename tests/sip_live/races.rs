//! What only a peer of our own making does: answers that cross a CANCEL, forks, foreign
//! challenges, requests that come twice, floods. The peer is a bare UDP socket.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::time::timeout;
use warmline::base::ids::TrunkId;
use warmline::call::command::HangUpCause;
use warmline::call::event::{DialFailure, LegEnd};
use warmline::sip::sdp::{self, LocalMedia};
use warmline::sip::{
    Cidr, Credentials, Dial, EndpointHandle, LegEvent, LegHandle, Secret, Settings, SipEvent,
    TrunkSettings,
};

use crate::harness::{Answerer, Manner, local, open_settings, options, start};

/// A peer that says what the test tells it to.
struct Peer {
    socket: UdpSocket,
    from: SocketAddr,
}

impl Peer {
    async fn new() -> Self {
        let socket = UdpSocket::bind(local()).await.expect("binds");
        let from = local();
        Self { socket, from }
    }

    fn at(&self) -> SocketAddr {
        self.socket.local_addr().expect("bound")
    }

    /// The next message, or `None` after a second and a half.
    async fn hear(&mut self) -> Option<String> {
        let mut buffer = vec![0; 65_536];
        let got = timeout(Duration::from_millis(1_500), self.socket.recv_from(&mut buffer)).await;
        let (length, from) = got.ok()?.ok()?;
        self.from = from;
        Some(String::from_utf8_lossy(buffer.get(..length)?).into_owned())
    }

    /// The next message that begins so; what else comes is passed over.
    async fn wait_for(&mut self, beginning: &str) -> String {
        for _ in 0..20 {
            let Some(text) = self.hear().await else { break };
            if text.starts_with(beginning) {
                return text;
            }
        }
        panic!("no {beginning}")
    }

    async fn reply(&self, request: &str, status: &str, tag: &str, extra: &str, body: &str) {
        let line = |name: &str| {
            let found = request.lines().find(|line| line.starts_with(&format!("{name}: ")));
            found.unwrap_or_else(|| panic!("no {name} in {request}")).to_owned()
        };
        let tag = if line("To").contains(";tag=") { "" } else { tag };
        let text = format!(
            "SIP/2.0 {status}\r\n{}\r\n{}\r\n{}{tag}\r\n{}\r\n{}\r\n\
             Contact: <sip:peer@{}>\r\n{extra}Content-Length: {}\r\n\r\n{body}",
            line("Via"),
            line("From"),
            line("To"),
            line("Call-ID"),
            line("CSeq"),
            self.at(),
            body.len()
        );
        self.socket.send_to(text.as_bytes(), self.from).await.expect("sent");
    }

    async fn accept(&self, invite: &str, tag: &str) {
        let answer = sdp::offer(&media());
        let kind = "Content-Type: application/sdp\r\n";
        self.reply(invite, "200 OK", tag, kind, &answer).await;
    }
}

fn media() -> LocalMedia {
    LocalMedia::new("127.0.0.1".parse().expect("address"), 41_000)
}

fn dial(handle: &EndpointHandle, peer: &Peer, trunk: Option<&str>) -> LegHandle {
    let uri = format!("sip:peer@{};transport=udp", peer.at());
    let trunk = trunk.map(TrunkId::from);
    handle.dial(Dial { trunk, ..Dial::to_uri(&uri, sdp::offer(&media())) }).expect("dials")
}

async fn next(events: &mut mpsc::Receiver<SipEvent>) -> LegEvent {
    match timeout(Duration::from_secs(12), events.recv()).await.expect("in time").expect("open") {
        SipEvent::Leg { event, .. } => event,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_answer_that_crosses_our_cancel_is_taken_and_ended() {
    let (ours, mut events) = start(open_settings());
    let mut peer = Peer::new().await;
    let leg = dial(&ours, &peer, None);
    let invite = peer.wait_for("INVITE ").await;
    peer.reply(&invite, "180 Ringing", ";tag=a", "", "").await;
    assert_eq!(next(&mut events).await, LegEvent::Ringing { status: 180 });
    leg.hang_up(HangUpCause::OfferWithdrawn).expect("cancels");
    let cancel = peer.wait_for("CANCEL ").await;
    assert!(cancel.contains("Reason: SIP;cause=200;text=\"Call completed elsewhere\""));
    peer.reply(&cancel, "200 OK", ";tag=a", "", "").await;
    peer.accept(&invite, ";tag=a").await;
    peer.wait_for("ACK ").await;
    let bye = peer.wait_for("BYE ").await;
    peer.reply(&bye, "200 OK", "", "", "").await;
    let failed = LegEvent::Failed { failure: DialFailure::Cancelled, status: None };
    assert_eq!(next(&mut events).await, failed);
}

#[tokio::test]
async fn a_cancel_waits_for_the_first_response() {
    let (ours, mut events) = start(open_settings());
    let mut peer = Peer::new().await;
    let leg = dial(&ours, &peer, None);
    let invite = peer.wait_for("INVITE ").await;
    leg.hang_up(HangUpCause::Normal).expect("cancels");
    let early = peer.hear().await.expect("the INVITE again");
    assert!(early.starts_with("INVITE "), "{early}");
    peer.reply(&invite, "100 Trying", "", "", "").await;
    let cancel = peer.wait_for("CANCEL ").await;
    peer.reply(&cancel, "200 OK", ";tag=a", "", "").await;
    peer.reply(&invite, "487 Request Terminated", ";tag=a", "", "").await;
    peer.wait_for("ACK ").await;
    let failed = LegEvent::Failed { failure: DialFailure::Cancelled, status: Some(487) };
    assert_eq!(next(&mut events).await, failed);
}

#[tokio::test]
async fn a_phone_that_wakes_up_late_is_cancelled() {
    let (ours, mut events) = start(open_settings());
    let mut peer = Peer::new().await;
    dial(&ours, &peer, None);
    let failed = LegEvent::Failed { failure: DialFailure::Unreachable, status: None };
    assert_eq!(next(&mut events).await, failed, "after eight silent seconds");
    let invite = peer.wait_for("INVITE ").await;
    peer.reply(&invite, "180 Ringing", ";tag=a", "", "").await;
    let cancel = peer.wait_for("CANCEL ").await;
    peer.reply(&cancel, "200 OK", ";tag=a", "", "").await;
    peer.reply(&invite, "487 Request Terminated", ";tag=a", "", "").await;
    peer.wait_for("ACK ").await;
}

#[tokio::test]
async fn a_repeated_answer_is_acknowledged_again_and_a_fork_ended() {
    let (ours, mut events) = start(open_settings());
    let mut peer = Peer::new().await;
    dial(&ours, &peer, None);
    let invite = peer.wait_for("INVITE ").await;
    peer.accept(&invite, ";tag=a").await;
    let ack = peer.wait_for("ACK ").await;
    assert!(matches!(next(&mut events).await, LegEvent::Answered { .. }));
    peer.accept(&invite, ";tag=a").await;
    assert_eq!(peer.wait_for("ACK ").await, ack);
    peer.accept(&invite, ";tag=b").await;
    assert!(peer.wait_for("ACK ").await.contains(";tag=b"));
    let bye = peer.wait_for("BYE ").await;
    assert!(bye.contains(";tag=b"), "{bye}");
    peer.reply(&bye, "200 OK", "", "", "").await;
    assert_eq!(ours.legs().1, 1, "the first answer stands");
}

fn with_trunk(address: &str) -> Settings {
    let mut trunk = TrunkSettings::new("carrier");
    trunk.addresses = vec![Cidr::parse(address).expect("address")];
    let password = Secret::new("secret");
    trunk.credentials = Some(Credentials { user: "line".into(), password });
    Settings { trunks: vec![trunk], ..open_settings() }
}

const CHALLENGE: &str =
    "WWW-Authenticate: Digest realm=\"x\", nonce=\"n\", algorithm=MD5, qop=\"auth\"\r\n";

#[tokio::test]
async fn only_the_trunk_itself_gets_its_challenge_answered() {
    let (ours, mut events) = start(with_trunk("127.0.0.1"));
    let mut peer = Peer::new().await;
    dial(&ours, &peer, Some("carrier"));
    let first = peer.wait_for("INVITE ").await;
    peer.reply(&first, "401 Unauthorized", ";tag=a", CHALLENGE, "").await;
    peer.wait_for("ACK ").await;
    let second = peer.wait_for("INVITE ").await;
    assert!(second.contains("Authorization: Digest username=\"line\""), "{second}");
    assert!(second.contains("CSeq: 2 INVITE"));
    peer.reply(&second, "401 Unauthorized", ";tag=a", CHALLENGE, "").await;
    let failed = LegEvent::Failed { failure: DialFailure::Forbidden, status: Some(401) };
    assert_eq!(next(&mut events).await, failed);

    let (ours, mut events) = start(with_trunk("192.0.2.1"));
    let mut peer = Peer::new().await;
    dial(&ours, &peer, Some("carrier"));
    let first = peer.wait_for("INVITE ").await;
    peer.reply(&first, "401 Unauthorized", ";tag=a", CHALLENGE, "").await;
    assert_eq!(next(&mut events).await, failed);
    while let Some(text) = peer.hear().await {
        assert!(!text.contains("Authorization"), "{text}");
    }
}

#[tokio::test]
async fn a_caller_that_challenges_our_bye_gets_nothing_to_crack() {
    let (ours, mut events) = start(with_trunk("192.0.2.1"));
    let mut peer = Peer::new().await;
    let leg = dial(&ours, &peer, Some("carrier"));
    let invite = peer.wait_for("INVITE ").await;
    peer.accept(&invite, ";tag=a").await;
    peer.wait_for("ACK ").await;
    assert!(matches!(next(&mut events).await, LegEvent::Answered { .. }));
    leg.hang_up(HangUpCause::Normal).expect("hangs up");
    let bye = peer.wait_for("BYE ").await;
    peer.reply(&bye, "401 Unauthorized", "", CHALLENGE, "").await;
    assert_eq!(next(&mut events).await, LegEvent::Ended { end: LegEnd::ByUs, reason: None });
    assert_eq!(peer.hear().await, None);
}

/// An INVITE of a raw caller.
fn invite(peer: &Peer, to: SocketAddr, branch: &str, extra: &str) -> String {
    let body = sdp::offer(&media());
    format!(
        "INVITE sip:ivr@{to} SIP/2.0\r\nVia: SIP/2.0/UDP {};branch=z9hG4bK{branch};rport\r\n\
         From: <sip:raw@h>;tag=r1\r\nTo: <sip:ivr@{to}>\r\nCall-ID: raw-1\r\nCSeq: 1 INVITE\r\n\
         Contact: <sip:raw@{}>\r\nMax-Forwards: 70\r\n{extra}Content-Type: application/sdp\r\n\
         Content-Length: {}\r\n\r\n{body}",
        peer.at(),
        peer.at(),
        body.len()
    )
}

#[tokio::test]
async fn the_same_request_by_another_way_is_a_loop() {
    let ours = Answerer::start(open_settings(), Manner::Ring);
    let mut peer = Peer::new().await;
    for branch in ["one", "one", "two"] {
        let text = invite(&peer, ours.udp, branch, "");
        peer.socket.send_to(text.as_bytes(), ours.udp).await.expect("sent");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let refused = peer.wait_for("SIP/2.0 482").await;
    assert!(refused.contains("z9hG4bKtwo"), "{refused}");
    assert_eq!(ours.heard.lock().expect("whole").incoming.len(), 1);
}

#[tokio::test]
async fn a_reliable_response_is_sent_until_its_prack() {
    let ours = Answerer::start(open_settings(), Manner::Ring);
    let mut peer = Peer::new().await;
    let text = invite(&peer, ours.udp, "rel", "Require: 100rel\r\n");
    peer.socket.send_to(text.as_bytes(), ours.udp).await.expect("sent");
    let first = peer.wait_for("SIP/2.0 180").await;
    assert_eq!(peer.wait_for("SIP/2.0 180").await, first);
    assert_eq!(peer.wait_for("SIP/2.0 180").await, first);
    let line = |name: &str| {
        let found = first.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
        found.unwrap_or_else(|| panic!("no {name}")).to_owned()
    };
    let prack = format!(
        "PRACK sip:ivr@{} SIP/2.0\r\nVia: SIP/2.0/UDP {};branch=z9hG4bKprack;rport\r\n\
         From: {}\r\nTo: {}\r\nCall-ID: raw-1\r\nCSeq: 2 PRACK\r\nMax-Forwards: 70\r\n\
         RAck: {} 1 INVITE\r\nContent-Length: 0\r\n\r\n",
        ours.udp,
        peer.at(),
        line("From"),
        line("To"),
        line("RSeq")
    );
    peer.socket.send_to(prack.as_bytes(), ours.udp).await.expect("sent");
    assert!(peer.wait_for("SIP/2.0 200").await.contains("CSeq: 2 PRACK"));
    tokio::time::sleep(Duration::from_millis(1_600)).await;
    assert_eq!(peer.hear().await, None, "it goes on after its PRACK");
}

#[tokio::test]
async fn changes_that_meet_are_both_made_in_the_end() {
    let callee = Answerer::start(open_settings(), Manner::Answer);
    let (ours, mut events) = start(open_settings());
    let uri = format!("sip:a@{};transport=udp", callee.udp);
    let leg = ours.dial(Dial::to_uri(&uri, sdp::offer(&media()))).expect("dials");
    while !matches!(next(&mut events).await, LegEvent::Answered { .. }) {}
    assert!(
        callee
            .until(2, |heard| {
                heard.events.iter().any(|event| matches!(event, LegEvent::Acked { .. }))
            })
            .await
    );
    let theirs = callee.heard.lock().expect("whole").incoming.first().map(|call| call.leg.clone());
    let moved = |port| sdp::offer(&LocalMedia { port, ..media() });
    leg.reinvite(moved(42_000)).expect("offers");
    theirs.expect("a leg").reinvite(moved(43_000)).expect("offers");
    let (mut changed, mut answered) = (false, false);
    while !(changed && answered) {
        match next(&mut events).await {
            LegEvent::Changed { .. } => changed = true,
            LegEvent::Change { offer } => {
                answered = true;
                let (text, _) = sdp::negotiate(&offer, &media()).expect("common");
                leg.answer_change(text).expect("answers");
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(
        callee
            .until(6, |heard| {
                let changes = heard.events.iter();
                changes.filter(|event| matches!(event, LegEvent::Changed { .. })).count() == 1
            })
            .await
    );
}

/// How long an OPTIONS waits for its answer. It is sent again where none comes, as every peer does
/// over UDP: the kernel may drop one in a flood.
async fn ping(peer: &mut Peer, to: SocketAddr, number: u32) -> Duration {
    let text = options(to, number).replace("@PORT", &peer.at().port().to_string());
    let own = format!("Call-ID: ping-{number}\r\n");
    let sent = Instant::now();
    for _ in 0..3 {
        peer.socket.send_to(text.as_bytes(), to).await.expect("sent");
        while let Some(heard) = peer.hear().await {
            if heard.starts_with("SIP/2.0 200") && heard.contains(&own) {
                return sent.elapsed();
            }
        }
    }
    panic!("OPTIONS {number} is not answered")
}

/// Most of them at once, and none late: one alone may meet a stall of the machine.
fn answered_soon(mut pings: Vec<Duration>) {
    pings.sort();
    assert!(pings[pings.len() / 2] < Duration::from_millis(500), "{pings:?}");
    assert!(pings[pings.len() - 1] < Duration::from_secs(3), "{pings:?}");
}

#[tokio::test]
async fn a_flood_of_a_stranger_hurts_nobody_else() {
    let mut settings = open_settings();
    settings.accept_anyone = warmline::sip::AcceptAnyone::No;
    settings.udp = Some("0.0.0.0:0".parse().expect("address"));
    let mut trunk = TrunkSettings::new("carrier");
    trunk.addresses = vec![Cidr::parse("127.0.0.1").expect("address")];
    settings.trunks = vec![trunk];
    let ours = Answerer::start(settings, Manner::Answer);
    let to = SocketAddr::from(([127, 0, 0, 1], ours.udp.port()));
    let evil = UdpSocket::bind("127.0.0.2:0").await.expect("binds");
    let mut peer = Peer::new().await;
    let mut pings = Vec::new();
    for number in 0..5_000 {
        let text = options(to, number);
        let _ = evil.send_to(text.as_bytes(), to).await;
        if number % 1_000 == 999 {
            pings.push(ping(&mut peer, to, 10_000 + number).await);
        }
    }
    answered_soon(pings);
    assert!(ours.handle.is_banned("127.0.0.2".parse().expect("address")));
    let heard = timeout(Duration::from_millis(300), evil.recv_from(&mut [0; 64])).await;
    assert!(heard.is_err(), "the stranger was answered");
}

#[tokio::test]
async fn nobody_passes_for_another_by_a_via_of_his_own() {
    let mut settings = with_trunk("192.0.2.1");
    settings.trunks[0].credentials = None;
    let ours = Answerer::start(settings, Manner::Ring);
    let mut peer = Peer::new().await;
    let text = invite(&peer, ours.udp, "forged", "").replace(";rport", ";received=192.0.2.1");
    assert!(text.contains(";received=192.0.2.1\r\n"), "{text}");
    peer.socket.send_to(text.as_bytes(), ours.udp).await.expect("sent");
    peer.wait_for("SIP/2.0 180").await;
    let heard = ours.heard.lock().expect("whole");
    let call = heard.incoming.first().expect("came");
    assert_eq!((call.source, call.trunk.as_str()), (peer.at(), "local"));
}

/// A request that a raw caller would write in the dialog that `response` made.
fn in_dialog(peer: &Peer, to: SocketAddr, response: &str, first: &str, cseq: &str) -> String {
    let line = |name: &str| {
        let found = response.lines().find(|line| line.starts_with(&format!("{name}: ")));
        found.unwrap_or_else(|| panic!("no {name}")).to_owned()
    };
    let branch = cseq.replace(' ', "");
    format!(
        "{first} sip:ivr@{to} SIP/2.0\r\nVia: SIP/2.0/UDP {};branch=z9hG4bK{branch};rport\r\n\
         {}\r\n{}\r\nCall-ID: raw-1\r\nCSeq: {cseq}\r\nMax-Forwards: 70\r\n\
         Content-Length: 0\r\n\r\n",
        peer.at(),
        line("From"),
        line("To")
    )
}

/// How long until a message comes that begins so.
async fn wait_long(peer: &mut Peer, beginning: &str, seconds: u64) -> u64 {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(seconds) {
        match peer.hear().await {
            Some(text) if text.starts_with(beginning) => return began.elapsed().as_secs(),
            Some(_) | None => {}
        }
    }
    panic!("no {beginning} in {seconds} s")
}

#[tokio::test]
#[ignore = "takes a minute: ./dev test --full"]
async fn sessions_are_refreshed_and_dead_ones_ended_in_time() {
    let lost =
        |event: &LegEvent| matches!(event, LegEvent::Ended { end: LegEnd::SignallingLost, .. });
    let call = async |who: &str| {
        let ours = Answerer::start(open_settings(), Manner::Answer);
        let mut peer = Peer::new().await;
        let timer = format!("Supported: timer\r\nSession-Expires: 90;refresher={who}\r\n");
        let text = invite(&peer, ours.udp, who, &timer);
        peer.socket.send_to(text.as_bytes(), ours.udp).await.expect("sent");
        let answer = peer.wait_for("SIP/2.0 200").await;
        let ack = in_dialog(&peer, ours.udp, &answer, "ACK", "1 ACK");
        peer.socket.send_to(ack.as_bytes(), ours.udp).await.expect("sent");
        (ours, peer)
    };
    let refreshed = async {
        let (_ours, mut peer) = call("uas").await;
        let after = wait_long(&mut peer, "INVITE ", 60).await;
        assert!((44..=47).contains(&after), "refreshed after {after} s");
    };
    let dead = async {
        let (ours, mut peer) = call("uac").await;
        let after = wait_long(&mut peer, "BYE ", 70).await;
        assert!((59..=62).contains(&after), "ended after {after} s");
        assert_eq!(ours.count(lost), 1);
    };
    let unacknowledged = async {
        let ours = Answerer::start(open_settings(), Manner::Answer);
        let mut peer = Peer::new().await;
        let text = invite(&peer, ours.udp, "noack", "");
        peer.socket.send_to(text.as_bytes(), ours.udp).await.expect("sent");
        let after = wait_long(&mut peer, "BYE ", 40).await;
        assert!((31..=34).contains(&after), "ended after {after} s");
        assert_eq!(ours.count(lost), 1);
    };
    tokio::join!(refreshed, dead, unacknowledged);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_stops_reading_holds_up_nobody() {
    let ours = Answerer::start(open_settings(), Manner::Answer);
    let mut peer = Peer::new().await;
    let socket = tokio::net::TcpSocket::new_v4().expect("socket");
    socket.set_recv_buffer_size(4_096).expect("set");
    let mut stream = socket.connect(ours.tcp).await.expect("connects");
    let long = "x".repeat(4_000);
    let flood = tokio::spawn(async move {
        use tokio::io::AsyncWriteExt as _;
        for number in 0..6_000 {
            let text = format!(
                "OPTIONS sip:a@h SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK{number}\r\n\
                 From: <sip:a@h>;tag=1\r\nTo: <sip:a@h>\r\nCall-ID: {long}{number}\r\n\
                 CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
            );
            if stream.write_all(text.as_bytes()).await.is_err() {
                break;
            }
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
    });
    let mut pings = Vec::new();
    for number in 0..20 {
        pings.push(ping(&mut peer, ours.udp, 20_000 + number).await);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    flood.abort();
    answered_soon(pings);
}
