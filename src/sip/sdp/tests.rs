//! Tests of descriptions, offers and answers: text in, text or refusal out.

use proptest::prelude::*;

use super::*;
use crate::base::session::{Codec, Direction, MediaPlan};

const HEAD: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n";

fn ours() -> LocalMedia {
    LocalMedia::new([198, 51, 100, 7].into(), 40_000)
}

fn parsed(media: &str) -> SessionDescription {
    parse(format!("{HEAD}{media}").replace('|', "\r\n").as_bytes()).expect(media)
}

fn plan(media: &str) -> Result<MediaPlan, SdpRefusal> {
    negotiate(&parsed(media), &ours()).map(|(_, plan)| plan)
}

/// Codec, payload type, telephone-event, comfort noise, ptime.
fn formats(media: &str) -> (Codec, u8, Option<u8>, Option<u8>, u8) {
    let plan = plan(media).expect(media);
    let noise = plan.comfort_noise_payload_type;
    (plan.codec, plan.payload_type, plan.dtmf_payload_type, noise, plan.ptime_ms)
}

#[test]
fn the_peers_first_codec_that_we_speak_is_taken() {
    use Codec::{G722, Pcma, Pcmu};
    for (media, wanted) in [
        ("m=audio 4000 RTP/AVP 0", (Pcmu, 0, None, None, 20)),
        ("m=audio 4000 RTP/AVP 8 0", (Pcma, 8, None, None, 20)),
        ("m=audio 4000 RTP/AVP 9 8", (G722, 9, None, None, 20)),
        ("m=audio 4000 RTP/AVP 18 0 13", (Pcmu, 0, None, Some(13), 20)),
        (
            "m=audio 4000 RTP/AVP 97 96|a=rtpmap:97 opus/48000/2|a=rtpmap:96 PCMA/8000",
            (Pcma, 96, None, None, 20),
        ),
        (
            "m=audio 4000 RTP/AVP 8 101|a=rtpmap:101 telephone-event/8000|a=ptime:30",
            (Pcma, 8, Some(101), None, 30),
        ),
        (
            "m=audio 4000 RTP/AVP 0 96 97|a=rtpmap:96 telephone-event/48000\
          |a=rtpmap:97 telephone-event/8000",
            (Pcmu, 0, Some(97), None, 20),
        ),
        (
            "m=audio 4000 RTP/AVP 0 100|a=rtpmap:100 CN/8000|a=maxptime:10|a=ptime:45",
            (Pcmu, 0, None, Some(100), 10),
        ),
        ("m=audio 4000 RTP/AVP 0|a=ptime:0", (Pcmu, 0, None, None, 20)),
        ("m=audio 4000 RTP/AVP 0|a=ptime:5000", (Pcmu, 0, None, None, 60)),
        ("m=audio 4000 RTP/AVP 0|a=ptime:45", (Pcmu, 0, None, None, 40)),
        ("m=audio 4000/2 RTP/AVP 96|a=rtpmap:96 G722/16000", (G722, 96, None, None, 20)),
        // A static number with a map of its own is what the map says.
        ("m=audio 4000 RTP/AVP 0|a=rtpmap:0 PCMA/8000", (Pcma, 0, None, None, 20)),
    ] {
        assert_eq!(formats(media), wanted, "{media}");
    }
}

#[test]
fn what_we_cannot_meet_is_refused_by_name() {
    use SdpRefusal::{NoAddress, NoAudio, NoCommonCodec, NotPlainRtp};
    for (media, wanted) in [
        ("m=audio 4000 RTP/AVP 18 4", NoCommonCodec),
        ("m=audio 4000 RTP/AVP 0|a=rtpmap:0 PCMU/16000", NoCommonCodec),
        ("m=audio 4000 RTP/AVP 96|a=rtpmap:96 PCMU/8000/2", NoCommonCodec),
        ("m=audio 4000 RTP/SAVP 0", NotPlainRtp),
        ("m=audio 4000 UDP/TLS/RTP/SAVPF 0", NotPlainRtp),
        ("m=audio 0 RTP/AVP 0", NoAudio),
        ("m=video 4000 RTP/AVP 0", NoAudio),
        ("m=image 4000 udptl t38", NoAudio),
        ("m=audio 4000 RTP/AVP 0|c=IN IP4 host.example", NoAddress),
        ("m=audio 4000 RTP/AVP 0|c=IN IP4 224.0.0.1", NoAddress),
        ("m=audio 4000 RTP/AVP 0|c=IN IP4 255.255.255.255", NoAddress),
        ("m=audio 4000 RTP/AVP 0|c=IN IP6 ff02::1", NoAddress),
    ] {
        assert_eq!(plan(media), Err(wanted), "{media}");
    }
}

#[test]
fn directions_are_mirrored_and_hold_is_seen() {
    use Direction::{Inactive, RecvOnly, SendOnly, SendRecv};
    for (media, ours, held) in [
        ("m=audio 4000 RTP/AVP 0", SendRecv, false),
        ("m=audio 4000 RTP/AVP 0|a=sendonly", RecvOnly, true),
        ("m=audio 4000 RTP/AVP 0|a=recvonly", SendOnly, false),
        ("m=audio 4000 RTP/AVP 0|a=inactive", Inactive, true),
        ("a=sendonly|m=audio 4000 RTP/AVP 0", RecvOnly, true),
        ("a=sendonly|m=audio 4000 RTP/AVP 0|a=sendrecv", SendRecv, false),
        ("m=audio 4000 RTP/AVP 0|c=IN IP4 0.0.0.0", RecvOnly, true),
        ("m=audio 4000 RTP/AVP 0|c=IN IP4 0.0.0.0|a=recvonly", Inactive, true),
    ] {
        assert_eq!(plan(media).expect(media).direction, ours, "{media}");
        assert_eq!(parsed(media).holds(), held, "{media}");
    }
}

#[test]
fn rtcp_stays_with_its_host() {
    for (media, wanted) in [
        ("m=audio 4000 RTP/AVP 0", None),
        ("m=audio 4000 RTP/AVP 0|a=rtcp:5001", Some("192.0.2.9:5001")),
        ("m=audio 4000 RTP/AVP 0|a=rtcp:5001 IN IP4 192.0.2.9", Some("192.0.2.9:5001")),
        ("m=audio 4000 RTP/AVP 0|a=rtcp:5001 IN IP4 203.0.113.1", Some("192.0.2.9:5001")),
        ("m=audio 4000 RTP/AVP 0|a=rtcp:0", None),
    ] {
        let rtcp = plan(media).expect(media).rtcp_remote;
        assert_eq!(rtcp, wanted.map(|at| at.parse().expect(at)), "{media}");
    }
}

#[test]
fn the_answer_keeps_every_line_in_its_place() {
    let offer = parsed(
        "m=video 4002 RTP/AVP 96 97|a=rtpmap:96 H264/90000|m=audio 4000 RTP/AVP 18 8 101\
         |a=rtpmap:101 telephone-event/8000|m=audio 4004 RTP/AVP 0|m=image 5 udptl t38",
    );
    let (answer, plan) = negotiate(&offer, &ours()).expect("common");
    let media: Vec<&str> = answer.lines().filter(|line| line.starts_with("m=")).collect();
    assert_eq!(
        media,
        [
            "m=video 0 RTP/AVP 96 97",
            "m=audio 40000 RTP/AVP 8 101",
            "m=audio 0 RTP/AVP 0",
            "m=image 0 udptl t38",
        ]
    );
    assert_eq!(plan.remote, "192.0.2.9:4000".parse::<std::net::SocketAddr>().expect("address"));
    assert!(answer.contains("c=IN IP4 198.51.100.7\r\n"), "{answer}");
    assert!(answer.contains("a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"));
    assert_eq!(parse(answer.as_bytes()).expect("ours").media.len(), 4);
}

#[test]
fn our_offer_and_its_answer_meet() {
    let ours = ours();
    let offered = parse(offer(&ours).as_bytes()).expect("our own offer");
    let theirs =
        LocalMedia { codecs: vec![Codec::Pcmu], ..LocalMedia::new([10, 0, 0, 1].into(), 7) };
    let (answer, their_plan) = negotiate(&offered, &theirs).expect("common");
    let answer = parse(answer.as_bytes()).expect("well formed");
    let our_plan = accept_answer(&ours, &answer).expect("accepted");
    assert_eq!((our_plan.codec, our_plan.payload_type), (Codec::Pcmu, 0));
    assert_eq!(our_plan.remote, "10.0.0.1:7".parse::<std::net::SocketAddr>().expect("address"));
    assert_eq!(
        their_plan.remote,
        "198.51.100.7:40000".parse::<std::net::SocketAddr>().expect("address")
    );
    assert_eq!(our_plan.dtmf_payload_type, Some(101));
    assert_eq!(our_plan.comfort_noise_payload_type, Some(13));
}

#[test]
fn answers_that_break_the_rules_are_refused() {
    for (media, wanted) in [
        ("m=audio 0 RTP/AVP 0", SdpRefusal::NoAudio),
        ("m=video 4000 RTP/AVP 0|m=audio 4000 RTP/AVP 0", SdpRefusal::NoAudio),
        ("m=audio 4000 RTP/AVP 18", SdpRefusal::NoCommonCodec),
        ("m=audio 4000 RTP/SAVP 0", SdpRefusal::NotPlainRtp),
    ] {
        assert_eq!(accept_answer(&ours(), &parsed(media)), Err(wanted), "{media}");
    }
    let hold = accept_answer(&ours(), &parsed("m=audio 4000 RTP/AVP 0|a=recvonly"));
    assert_eq!(hold.map(|plan| plan.direction), Ok(Direction::SendOnly));
}

#[test]
fn six_is_spoken_too() {
    let ours = LocalMedia::new("2001:db8::1".parse().expect("address"), 40_000);
    assert!(offer(&ours).contains("c=IN IP6 2001:db8::1\r\n"));
    let plan = plan("m=audio 4000 RTP/AVP 0|c=IN IP6 2001:db8::9").expect("common");
    assert_eq!(plan.remote, "[2001:db8::9]:4000".parse::<std::net::SocketAddr>().expect("address"));
}

#[test]
fn malformed_descriptions_are_named() {
    let o = "o=- 1 1 IN IP4 1.1.1.1";
    let media = "m=audio 4000 RTP/AVP 0";
    for (text, wanted) in [
        (String::new(), SdpError::NoVersion),
        ("v=1".into(), SdpError::NoVersion),
        (format!("{o}|v=0"), SdpError::NoVersion),
        ("v=0".into(), SdpError::NoOrigin),
        (format!("v=0|o=- x 1 IN IP4 1.1.1.1|{media}"), SdpError::NoOrigin),
        (format!("v=0|o=- 1 1|{media}"), SdpError::NoOrigin),
        (format!("v=0|{o}"), SdpError::NoMedia),
        (format!("v=0|{o}|nonsense"), SdpError::BadLine(3)),
        (format!("v=0|{o}|ab=c"), SdpError::BadLine(3)),
        (format!("v=0|{o}|m=audio x RTP/AVP 0"), SdpError::BadMedia(3)),
        (format!("v=0|{o}|m=audio 70000 RTP/AVP 0"), SdpError::BadMedia(3)),
        (format!("v=0|{o}|m=audio 4000 RTP/AVP"), SdpError::BadMedia(3)),
        (format!("v=0|{o}|m=audio -1 RTP/AVP 0"), SdpError::BadMedia(3)),
        (format!("v=0|{o}|c=IN IP4"), SdpError::BadConnection(3)),
        (format!("v=0|{o}|c=IN IP4 ::1"), SdpError::BadConnection(3)),
        (format!("v=0|{o}|c=IN IP6 1.1.1.1"), SdpError::BadConnection(3)),
        (format!("v=0|{o}|c=ATM X 1"), SdpError::BadConnection(3)),
        (format!("v=0|{o}|{}", [media; 17].join("|")), SdpError::TooManyMedia),
        (format!("v=0|{o}|{}", ["a=x"; 600].join("|")), SdpError::TooManyLines),
    ] {
        let text = text.replace('|', "\r\n");
        assert_eq!(parse(text.as_bytes()), Err(wanted), "{text}");
    }
    assert_eq!(parse(&[b'x'; 9_000]), Err(SdpError::TooLong(9_000)));
    assert_eq!(parse(b"v=0\r\n\xff"), Err(SdpError::NotText));
}

#[test]
fn lines_may_end_in_any_way_and_unknown_ones_pass() {
    let text = "v=0\no=- 1 1 IN IP4 1.1.1.1\nc=IN IP4 1.1.1.1/127\nz=0 0\nm=audio 9 RTP/AVP 0\na=:\na=rtpmap:\na=rtpmap:999 x/1\n\n";
    let description = parse(text.as_bytes()).expect("tolerated");
    assert_eq!(description.media.len(), 1);
    assert!(negotiate(&description, &ours()).is_ok());
}

#[test]
fn the_version_rises_with_changes_only() {
    let mut keeper = OriginKeeper::new(u64::MAX);
    let mut version = |text: &str| {
        let stamped = keeper.stamp(text);
        let origin = stamped.lines().find(|line| line.starts_with("o=")).expect("origin");
        let words: Vec<String> = origin.split(' ').map(str::to_owned).collect();
        assert_eq!(words.get(3..), Some(&["IN", "IP4", "198.51.100.7"].map(str::to_owned)[..]));
        (words[1].clone(), words[2].clone())
    };
    let plain = offer(&ours());
    let held = offer(&LocalMedia { direction: Direction::SendOnly, ..ours() });
    let (id, first) = version(&plain);
    assert_eq!(first, "1");
    for (text, wanted) in [(&plain, "1"), (&held, "2"), (&held, "2"), (&plain, "3")] {
        assert_eq!(version(text), (id.clone(), wanted.to_owned()));
    }
    assert!(id.parse::<i64>().is_ok(), "some peers read it as signed");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        if let Ok(description) = parse(&bytes) {
            let _ = negotiate(&description, &ours());
        }
    }

    #[test]
    fn no_lines_make_it_panic(lines in proptest::collection::vec(
        "(a=(rtpmap|rtcp|ptime|fmtp|maxptime|sendonly|inactive):?[0-9 a-z/-]{0,20}|\
          m=(audio|video) [0-9]{1,6}(/[0-9])? RTP/S?AVP( [0-9]{1,4}){0,6}|\
          c=IN IP[46] [0-9a-f.:]{1,15}|[a-z]=[ -~]{0,20})", 0..30)) {
        let text = format!("{HEAD}{}", lines.join("\r\n"));
        if let Ok(description) = parse(text.as_bytes())
            && let Ok((answer, plan)) = negotiate(&description, &ours())
        {
            let again = parse(answer.as_bytes()).expect("our answer parses");
            prop_assert_eq!(again.media.len(), description.media.len());
            prop_assert!((10..=60).contains(&plan.ptime_ms));
        }
    }
}
