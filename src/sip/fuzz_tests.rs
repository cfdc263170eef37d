//! No bytes of a peer make anything panic: mutated messages through every reader of this room,
//! and through the parts of rsipstack that run before a transaction exists.

use proptest::prelude::*;
use rsipstack::sip::{SipMessage, Transport};
use rsipstack::transaction::key::{TransactionKey, TransactionRole};
use rsipstack::transport::SipConnection;

use super::dialog::Dialog;
use super::digest::Fields;
use super::ladder::{Ladders, Way};
use super::session_timer::SessionTimer;
use super::{body, judge, keys, net, wire};

const INVITE: &str = "INVITE sip:+4930%40x@[::1]:5060;transport=tcp?a=b SIP/2.0\r\n\
    Via: SIP/2.0/UDP [::1]:5060;branch=z9hG4bKx;rport, SIP/2.0/TCP h;received=1.2.3.4\r\n\
    From: \"A \\\" B\" <sip:a:b@h>;tag=1\r\nTo: <tel:+49;phone-context=x>\r\nCall-ID: c@h\r\n\
    CSeq: 1 INVITE\r\nContact: <sip:a@h;lr>;expires=5;q=0.5, <sip:b@h>\r\nMax-Forwards: 70\r\n\
    Record-Route: <sip:p;lr>,<sip:q>\r\nSession-Expires: 90;refresher=uas\r\nMin-SE: 90\r\n\
    Authorization: Digest username=\"a\", nonce=\"b\", nc=00000001\r\nRequire: timer\r\n\
    Content-Type: multipart/mixed;boundary=\"x\"\r\nContent-Length: 60\r\n\r\n\
    --x\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--x\r\n\r\ny\r\n--x--\r\n";

fn read_all(bytes: &[u8]) {
    let source = "[2001:db8::1]:5060".parse().expect("address");
    let _ = judge::answer_unparsed(bytes, source, judge::ALLOW);
    let _ = judge::first_line_is_sound(bytes);
    let _ = net::frame(&mut bytes::BytesMut::from(bytes));
    let _ = keys::read("application/dtmf-relay", bytes);
    let Ok(mut message) = SipMessage::try_from(bytes) else { return };
    let ladders = Ladders::default();
    ladders.open("c@h");
    ladders.note(&message, Way::In, None);
    if let SipMessage::Request(request) = &mut message {
        wire::harden_via(request);
    }
    let transport = Transport::Udp;
    let Ok(message) = SipConnection::update_msg_received(message, source, transport) else {
        return;
    };
    match message {
        SipMessage::Request(request) => {
            let _ = TransactionKey::from_request(&request, TransactionRole::Server);
            let _ = judge::judge(&request, judge::ALLOW);
            let _ = SessionTimer::as_server(&request, 1_800);
            let _ = body::read(&request, &request.body);
            let _ = wire::header(&request, "Authorization").and_then(Fields::parse);
            for name in ["From", "To", "Contact", "Via", "Record-Route"] {
                for value in wire::headers(&request, name).flat_map(wire::split_list) {
                    let _ = (wire::display_of(value), wire::user_of(wire::uri_of(value)));
                }
            }
            if let Some(mut dialog) = Dialog::as_server(&request, "t", "<sip:us>") {
                let made = dialog.request(rsipstack::sip::Method::Bye);
                assert!(made.is_none_or(|bye| !bye.to_string().contains("\r\n\r\n\r\n")));
                let _ = dialog.behind_nat(source);
            }
        }
        SipMessage::Response(response) => {
            let _ = TransactionKey::from_response(&response, TransactionRole::Client);
            let _ = SessionTimer::as_client(&response);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn mutated_messages_are_survived(
        cuts in proptest::collection::vec((any::<prop::sample::Index>(), 0usize..12,
            prop_oneof![
                Just(Vec::new()),
                proptest::collection::vec(any::<u8>(), 1..6),
                proptest::sample::select(vec![
                    "<", ">", "\"", ";", ",", ":", "[", "]", "@", "%", "%4", "=", "\r\n", " ",
                    "\r\n\r\n", "4294967296", "-1", "é", "\\", "?", "sip:", "//", "\0",
                ]).prop_map(|text| text.as_bytes().to_vec()),
            ]), 1..6),
        response in any::<bool>(),
    ) {
        let mut bytes = INVITE.as_bytes().to_vec();
        if response {
            let end = bytes.iter().position(|byte| *byte == b'\r').unwrap_or(0);
            bytes.splice(..end, b"SIP/2.0 200 OK".iter().copied());
        }
        for (place, length, insert) in cuts {
            if bytes.is_empty() {
                break;
            }
            let from = place.index(bytes.len());
            let to = (from + length).min(bytes.len());
            bytes.splice(from..to, insert);
        }
        read_all(&bytes);
    }

    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        read_all(&bytes);
    }
}

#[test]
fn the_message_that_is_mutated_is_sound() {
    let message = SipMessage::try_from(INVITE.as_bytes()).expect("parses");
    let SipMessage::Request(request) = message else { panic!("a request") };
    assert_eq!(judge::judge(&request, judge::ALLOW), Ok(()));
    read_all(INVITE.as_bytes());
}
