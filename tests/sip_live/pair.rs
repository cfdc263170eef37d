//! Two endpoints of our own: one dials, the other answers, refuses, or lets it ring.

use std::time::Duration;

use tokio::sync::mpsc;
use warmline::base::session::Direction;
use warmline::call::command::HangUpCause;
use warmline::call::event::{DialFailure, LegEnd};
use warmline::sip::sdp::{self, LocalMedia};
use warmline::sip::{BodyPart, Dial, LegEvent, SipEvent};

use crate::harness::{Answerer, Manner, local, open_settings, start};

fn media() -> LocalMedia {
    LocalMedia::new("127.0.0.1".parse().expect("address"), 41_000)
}

async fn next(events: &mut mpsc::Receiver<SipEvent>) -> LegEvent {
    let wait = tokio::time::timeout(Duration::from_secs(12), events.recv());
    match wait.await.expect("an event in time").expect("open") {
        SipEvent::Leg { event, .. } => event,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_call_is_dialled_held_resumed_and_ended_over_both_transports() {
    for transport in ["udp", "tcp"] {
        let callee = Answerer::start(open_settings(), Manner::Answer);
        let (caller, mut events) = start(open_settings());
        let port = if transport == "udp" { callee.udp } else { callee.tcp };
        let uri = format!("sip:ivr@{port};transport={transport}");
        let leg = caller.dial(Dial::to_uri(&uri, sdp::offer(&media()))).expect("dials");
        assert_eq!(next(&mut events).await, LegEvent::Ringing { status: 180 });
        let LegEvent::Answered { answer } = next(&mut events).await else { panic!("no answer") };
        assert!(sdp::accept_answer(&media(), &answer).is_ok());
        assert!(
            callee
                .until(2, |heard| heard
                    .events
                    .iter()
                    .any(|event| { matches!(event, LegEvent::Acked { answer: None }) }))
                .await,
            "no ACK over {transport}"
        );
        for direction in [Direction::SendOnly, Direction::SendRecv] {
            let offer = sdp::offer(&LocalMedia { direction, ..media() });
            leg.reinvite(offer).expect("offers");
            let LegEvent::Changed { answer } = next(&mut events).await else { panic!("none") };
            let plan = sdp::accept_answer(&LocalMedia { direction, ..media() }, &answer);
            assert_eq!(plan.map(|plan| plan.direction), Ok(direction));
        }
        let holds = |event: &LegEvent| matches!(event, LegEvent::Change { offer } if offer.holds());
        assert_eq!(callee.count(holds), 1);
        leg.hang_up(HangUpCause::Normal).expect("hangs up");
        let ended = LegEvent::Ended { end: LegEnd::ByUs, reason: None };
        assert_eq!(next(&mut events).await, ended);
        assert!(
            callee
                .until(2, |heard| heard.events.iter().any(|event| {
                    matches!(event, LegEvent::Ended { end: LegEnd::HungUp, reason: Some(why) }
                if why.contains("cause=16"))
                }))
                .await
        );
        assert_eq!(callee.settles(2).await, (0, 0), "something stays");
        let ladder = leg.ladder();
        let lines: Vec<String> =
            ladder.iter().map(|line| line.first_line.reveal().clone()).collect();
        assert!(lines.first().is_some_and(|line| line.starts_with("INVITE ")), "{lines:?}");
        assert!(lines.iter().any(|line| line.starts_with("BYE ")), "{lines:?}");
        assert!(lines.last().is_some_and(|line| line.contains("200")), "{lines:?}");
    }
}

#[tokio::test]
async fn an_offer_carries_its_transcript_and_headers_by_tcp() {
    let agent = Answerer::start(open_settings(), Manner::Answer);
    // The agent's UDP and TCP ports differ here: nothing but TCP can reach the TCP one.
    let (caller, mut events) = start(open_settings());
    let transcript = BodyPart {
        content_type: "text/plain;charset=utf-8".into(),
        body: "caller: where is my order?\r\n".repeat(60).into_bytes(),
    };
    let dial = Dial {
        headers: vec![
            ("User-to-User".into(), "00;encoding=hex".into()),
            ("X-Summary".into(), "order\r\nEvil: yes".into()),
            ("Route".into(), "<sip:evil>".into()),
        ],
        parts: vec![transcript.clone()],
        from_name: Some("Warm \"line\"".into()),
        from_user: "+4930".into(),
        ..Dial::to_uri(&format!("sip:agent@{}", agent.tcp), sdp::offer(&media()))
    };
    caller.dial(dial).expect("dials");
    assert_eq!(next(&mut events).await, LegEvent::Ringing { status: 180 });
    let heard = agent.heard.lock().expect("whole");
    let call = heard.incoming.first().expect("came");
    assert_eq!(call.parts, [transcript]);
    assert!(call.headers.contains(&("X-Summary".into(), "orderEvil: yes".into())));
    assert!(call.headers.iter().any(|(name, _)| name == "User-to-User"));
    assert!(!call.headers.iter().any(|(name, _)| name == "Route" || name == "Evil"));
    assert_eq!(call.name.as_ref().map(|name| name.reveal().as_str()), Some("Warm line"));
    assert_eq!(call.number.as_ref().map(|number| number.reveal().as_str()), Some("+4930"));
    assert_eq!((call.dialled.as_str(), call.trunk.as_str()), ("agent", "local"));
}

#[tokio::test]
async fn refusals_and_silence_are_typed() {
    let busy = Answerer::start(open_settings(), Manner::Busy);
    // Ports where nobody listens, kept so that no other test is given them: bound and refusing by
    // TCP; by UDP only for one other peer, so that the kernel refuses everybody else.
    let refuses = tokio::net::TcpSocket::new_v4().expect("a socket");
    refuses.bind(local()).expect("binds");
    let no_tcp = refuses.local_addr().expect("bound");
    let deaf = std::net::UdpSocket::bind(local()).expect("binds");
    deaf.connect("127.0.0.1:9").expect("has a peer");
    let no_udp = deaf.local_addr().expect("bound");
    let (caller, mut events) = start(open_settings());
    for (uri, failure) in [
        (format!("sip:a@{};transport=udp", busy.udp), DialFailure::Busy),
        (format!("sip:a@{no_tcp};transport=tcp"), DialFailure::Unreachable),
        (format!("sip:a@{no_udp};transport=udp"), DialFailure::Unreachable),
        ("sip:a@no-such-host.invalid".into(), DialFailure::Unreachable),
    ] {
        caller.dial(Dial::to_uri(&uri, sdp::offer(&media()))).expect("dials");
        match next(&mut events).await {
            LegEvent::Failed { failure: found, .. } => assert_eq!(found, failure, "{uri}"),
            other => panic!("{uri}: {other:?}"),
        }
    }
    for uri in ["tel:+4930", "sips:a@h", "sip:", "sip:a@h>\r\nEvil: x", "http://x"] {
        assert!(caller.dial(Dial::to_uri(uri, String::new())).is_err(), "{uri}");
    }
}

#[tokio::test]
async fn a_ringing_call_is_cancelled() {
    let callee = Answerer::start(open_settings(), Manner::Ring);
    let (caller, mut events) = start(open_settings());
    let uri = format!("sip:a@{};transport=udp", callee.udp);
    let leg = caller.dial(Dial::to_uri(&uri, sdp::offer(&media()))).expect("dials");
    assert_eq!(next(&mut events).await, LegEvent::Ringing { status: 180 });
    leg.hang_up(HangUpCause::OfferWithdrawn).expect("cancels");
    let failed = LegEvent::Failed { failure: DialFailure::Cancelled, status: Some(487) };
    assert_eq!(next(&mut events).await, failed);
    assert!(
        callee
            .until(2, |heard| heard.events.iter().any(|event| {
                matches!(event, LegEvent::Ended { end: LegEnd::Cancelled, reason: Some(why) }
            if why.contains("elsewhere"))
            }))
            .await
    );
    assert_eq!(callee.settles(2).await, (0, 0));
}
