//! Tests of the judge: one request, one verdict, a line each.

use super::*;

const HEAD: &str = "Via: SIP/2.0/UDP h;branch=z9hG4bKx\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\n\
    Call-ID: c\r\nContact: <sip:a@h>\r\nMax-Forwards: 70\r\n";

fn status(text: &str) -> u16 {
    let request = Request::try_from(text.as_bytes()).expect(text);
    judge(&request, ALLOW).map_or_else(|refusal| refusal.status, |()| 0)
}

/// An INVITE with one more header line.
fn invite(extra: &str) -> u16 {
    status(&format!("INVITE sip:b@h SIP/2.0\r\n{HEAD}CSeq: 1 INVITE\r\n{extra}\r\n"))
}

#[test]
fn one_more_header_decides() {
    for (extra, wanted) in [
        ("", 0),
        ("Require: 100rel, timer\r\n", 0),
        ("Require: 100REL\r\n", 0),
        ("Require: nothingSupportsThis\r\n", 420),
        ("Supported: nothingSupportsThis\r\n", 0),
        ("Proxy-Require: x\r\n", 0),
        ("To: <sip:c@h>\r\n", 400),
        ("CSeq: 2 INVITE\r\n", 400),
        ("Content-Length: 5\r\n", 400),
        ("Content-Length: -5\r\n", 400),
        ("Content-Length: 0\r\n", 0),
    ] {
        assert_eq!(invite(extra), wanted, "{extra:?}");
    }
}

#[test]
fn one_header_replaced_decides() {
    let whole = format!("INVITE sip:b@h SIP/2.0\r\n{HEAD}CSeq: 1 INVITE\r\n\r\n");
    for (old, new, wanted) in [
        ("CSeq: 1 INVITE", "CSeq: 1 OPTIONS", 400),
        ("CSeq: 1 INVITE", "CSeq: 4294967296 INVITE", 400),
        ("CSeq: 1 INVITE", "CSeq: INVITE", 400),
        ("CSeq: 1 INVITE", "X: y", 400),
        (";tag=1", "", 400),
        ("<sip:a@h>;tag", "<>;tag", 400),
        ("Max-Forwards: 70", "Max-Forwards: 0", 483),
        ("Max-Forwards: 70", "Max-Forwards: 300", 400),
        ("Max-Forwards: 70", "Max-Forwards: -1", 400),
        ("Contact: <sip:a@h>", "X: y", 400),
        ("To: <sip:b@h>", "To: \"B <sip:b@h>", 400),
        ("To: <sip:b@h>", "To: \"B\\\" <x>\" <sip:b@h>", 0),
        ("branch=z9hG4bKx", "branch=z9hG4bKx;;,", 400),
        ("branch=z9hG4bKx", "branch=z9hG4bKx, SIP/2.0/TCP p;branch=z9hG4bKy", 0),
        ("z9hG4bKx", "z9hG4bK", 400),
        ("sip:b@h SIP/2.0", "sip:b@h SIP/7.0", 505),
        ("sip:b@h SIP/2.0", "nobodyKnowsThisScheme:b@h SIP/2.0", 416),
        ("sip:b@h SIP/2.0", "sips:b@h SIP/2.0", 416),
        ("sip:b@h SIP/2.0", "tel:+4930 SIP/2.0", 0),
    ] {
        assert!(whole.contains(old), "{old}");
        assert_eq!(status(&whole.replacen(old, new, 1)), wanted, "{old} → {new}");
    }
}

#[test]
fn methods_that_we_do_not_serve_are_told_which_we_do() {
    for method in ["MESSAGE", "SUBSCRIBE", "NOTIFY", "REFER", "PUBLISH", "REGISTER"] {
        let text = format!("{method} sip:b@h SIP/2.0\r\n{HEAD}CSeq: 1 {method}\r\n\r\n");
        let request = Request::try_from(text.as_bytes()).expect(method);
        let refusal = judge(&request, ALLOW).expect_err(method);
        assert_eq!(refusal, Refusal::new(405, "method").with("Allow", ALLOW));
    }
    for method in ["OPTIONS", "BYE", "UPDATE", "PRACK", "INFO"] {
        let text = format!("{method} sip:b@h SIP/2.0\r\n{HEAD}CSeq: 1 {method}\r\n\r\n");
        assert_eq!(status(&text), 0, "{method}");
    }
}

#[test]
fn the_unsupported_header_names_them_all() {
    let text = format!(
        "INVITE sip:b@h SIP/2.0\r\n{HEAD}CSeq: 1 INVITE\r\nRequire: timer, a\r\nRequire: b\r\n\r\n"
    );
    let request = Request::try_from(text.as_bytes()).expect("well formed");
    let refusal = judge(&request, ALLOW).expect_err("unknown");
    assert_eq!(refusal.headers, [("Unsupported", "a, b".to_owned())]);
}

#[test]
fn bodies_of_other_types_are_refused() {
    for (kind, wanted) in [
        ("application/sdp", 0),
        ("multipart/mixed;boundary=x", 0),
        ("text/plain", 415),
        ("application/sdp\r\nContent-Encoding: gzip", 415),
        ("application/sdp\r\nContent-Encoding: identity", 0),
    ] {
        let head = format!("{HEAD}CSeq: 1 INVITE\r\nContent-Type: {kind}\r\nContent-Length: 3");
        assert_eq!(
            status(&format!("INVITE sip:b@h SIP/2.0\r\n{head}\r\n\r\nv=0")),
            wanted,
            "{kind}"
        );
    }
}

#[test]
fn what_could_not_be_parsed_is_answered_by_its_bytes() {
    let source = "127.0.0.1:5070".parse().expect("address");
    let tail = format!("{HEAD}CSeq: 1 INVITE\r\n\r\n");
    for (first, wanted) in [
        ("INVITE sip:b@h SIP/3.0", Some("505 ")),
        ("FOO sip:b@h SIP/2.0", Some("405 ")),
        ("INVITE  SIP/2.0", Some("400 ")),
        ("INVITE sip:b@h", Some("400 ")),
        ("ACK  SIP/2.0", None),
        ("SIP/2.0 2xx what", None),
    ] {
        let text = format!("{first}\r\n{tail}");
        let answer = answer_unparsed(text.as_bytes(), source, ALLOW);
        match (&answer, wanted) {
            (Some(text), Some(status)) => {
                assert!(text.starts_with(&format!("SIP/2.0 {status}")), "{first}: {text}");
                assert!(text.contains(";received=127.0.0.1;rport=5070\r\n"), "{text}");
            }
            (None, None) => {}
            _ => panic!("{first}: {answer:?}"),
        }
    }
    for bytes in [&b""[..], b"\0\0\0", b"INVITE", b"\xff\xfe\r\n\r\n", b"X\r\nVia: x\r\n\r\n"] {
        assert_eq!(answer_unparsed(bytes, source, ALLOW), None);
    }
}

#[test]
fn first_lines_are_three_plain_words() {
    for (line, sound) in [
        ("INVITE sip:a@h SIP/2.0", true),
        ("SIP/2.0 200 = 2**3", true),
        ("INVITE <sip:a@h> SIP/2.0", false),
        ("INVITE  sip:a@h  SIP/2.0", false),
        ("INVITE sip:a@h SIP/2.0  ", false),
        ("INVITE sip:a@h; lr SIP/2.0", false),
        ("INVITE sip:a@h", false),
        ("", false),
    ] {
        assert_eq!(first_line_is_sound(format!("{line}\r\nTo: x").as_bytes()), sound, "{line}");
    }
}
