//! Presses as the senders of this world make them, packet by packet.

use super::*;
use proptest::prelude::*;

/// A packet: milliseconds since the beginning, RTP timestamp, event, end bit, duration.
type P = (u64, u32, u8, bool, u16);

fn check(name: &str, packets: &[P], expect: &str) {
    let start = Instant::now();
    let mut receiver = DtmfReceiver::default();
    let mut heard = String::new();
    for (ms, timestamp, event, end, duration) in packets {
        let payload = EventPayload { event: *event, end: *end, volume: 10, duration: *duration };
        let now = start + Duration::from_millis(*ms);
        if let Some(key) = receiver.on_packet(now, *timestamp, &payload.bytes()) {
            heard.push(key.symbol());
        }
    }
    assert_eq!(heard, expect, "{name}");
}

#[test]
fn presses_of_every_make() {
    check(
        "by the book: one timestamp, growing duration, three ends",
        &[
            (0, 1_000, 5, false, 160),
            (20, 1_000, 5, false, 320),
            (40, 1_000, 5, true, 480),
            (40, 1_000, 5, true, 480),
            (40, 1_000, 5, true, 480),
        ],
        "5",
    );
    check("only the end arrives", &[(0, 1_000, 11, true, 800)], "#");
    check("only the beginning arrives", &[(0, 1_000, 10, false, 160)], "*");
    check(
        "the ends are lost, the same key again",
        &[
            (0, 1_000, 1, false, 160),
            (20, 1_000, 1, false, 320),
            (400, 4_200, 1, false, 160),
            (420, 4_200, 1, true, 320),
        ],
        "11",
    );
    check(
        "the ends are lost, the same key again at once",
        &[(0, 1_000, 1, false, 640), (150, 2_200, 1, false, 160), (170, 2_200, 1, true, 320)],
        "11",
    );
    check(
        "the same key twice with its ends",
        &[
            (0, 1_000, 1, false, 160),
            (20, 1_000, 1, true, 320),
            (100, 1_800, 1, false, 160),
            (120, 1_800, 1, true, 320),
        ],
        "11",
    );
    check(
        "the timestamp moves with each packet",
        &[
            (0, 1_000, 7, false, 160),
            (20, 1_160, 7, false, 320),
            (40, 1_320, 7, false, 480),
            (60, 1_480, 7, true, 640),
            (60, 1_480, 7, true, 640),
        ],
        "7",
    );
    check(
        "an end comes late, after the next key began",
        &[
            (0, 1_000, 1, false, 160),
            (100, 1_800, 2, false, 160),
            (105, 1_000, 1, true, 320),
            (120, 1_800, 2, true, 320),
            (125, 1_000, 1, true, 320),
        ],
        "12",
    );
    check(
        "a key held for nine seconds, in segments",
        &[
            (0, 1_000, 9, false, 160),
            (8_000 - 50, 1_000, 9, false, 63_600),
            (8_000 + 100, 1_000, 9, false, 65_000),
            (8_191, 1_000, 9, false, 65_535),
            (8_211, 66_535, 9, false, 160),
            (8_231, 66_535, 9, true, 320),
        ],
        "9",
    );
    check("no telephone key", &[(0, 1_000, 16, false, 160), (20, 1_000, 255, true, 160)], "");
    check(
        "a new stream begins far back",
        &[(0, 3_000_000, 3, false, 160), (40, 3_000_000, 3, true, 320), (900, 50, 3, true, 160)],
        "33",
    );
}

#[test]
fn keys_sent_are_keys_received() {
    let mut sender = DtmfSender::default();
    let keys = "0123456789*#ABCD";
    keys.chars().for_each(|symbol| sender.push(Key::new(symbol).unwrap()));
    let mut receiver = DtmfReceiver::default();
    let start = Instant::now();
    let mut heard = String::new();
    for tick in 0..400u32 {
        let Some(sent) = sender.tick() else { continue };
        let timestamp = (tick * 160).wrapping_sub(sent.since_start);
        let now = start + Duration::from_millis(u64::from(tick) * 20);
        if let Some(key) = receiver.on_packet(now, timestamp, &sent.payload.bytes()) {
            assert!(sent.first);
            heard.push(key.symbol());
        }
    }
    assert_eq!(heard, keys);
}

#[test]
fn a_key_is_down_until_its_end_or_a_while() {
    let mut receiver = DtmfReceiver::default();
    let now = Instant::now();
    receiver.on_packet(now, 0, &[1, 10, 0, 160]);
    assert!(receiver.is_pressed(now + Duration::from_millis(100)));
    assert!(!receiver.is_pressed(now + Duration::from_secs(1)));
    receiver.on_packet(now, 0, &[1, 0x8a, 1, 64]);
    assert!(!receiver.is_pressed(now));
}

proptest! {
    #[test]
    fn any_payload_is_taken(bytes in proptest::collection::vec(any::<u8>(), 0..8), at: u32) {
        let _ = DtmfReceiver::default().on_packet(Instant::now(), at, &bytes);
    }
}
