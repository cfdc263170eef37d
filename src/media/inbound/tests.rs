//! One leg's receiving half under a virtual clock: life, silence, hold, floods and strangers.

use super::*;
use crate::base::session::Direction;
use crate::media::codec::encode_all;
use crate::media::g711::ulaw_encode;
use crate::media::tone::sine;

const PEER: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 1)), 4_000);
const ENEMY: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 2)), 4_000);

struct World {
    inbound: Inbound,
    start: Instant,
    now_ms: u64,
    sequence: u16,
    heard: Heard,
    noticed: Vec<(u64, Noticed)>,
}

fn plan(direction: Direction) -> MediaPlan {
    MediaPlan {
        remote: PEER,
        rtcp_remote: None,
        codec: Codec::Pcmu,
        payload_type: 0,
        dtmf_payload_type: Some(101),
        comfort_noise_payload_type: Some(13),
        ptime_ms: 20,
        direction,
    }
}

impl World {
    fn new() -> Self {
        let start = Instant::now();
        let mut inbound = Inbound::new(InboundSettings::default(), start);
        inbound.set_plan(start, &plan(Direction::SendRecv));
        let heard = Heard::default();
        Self { inbound, start, now_ms: 0, sequence: 0, heard, noticed: Vec::new() }
    }

    fn now(&self) -> Instant {
        self.start + Duration::from_millis(self.now_ms)
    }

    fn packet(&mut self, from: SocketAddr, payload_type: u8, payload: &[u8]) {
        let packet = Packet {
            marker: false,
            payload_type,
            sequence: self.sequence,
            timestamp: (self.now_ms * 8) as u32,
            ssrc: 7,
            payload,
        };
        self.sequence = self.sequence.wrapping_add(1);
        let mut bytes = Vec::new();
        packet.write(&mut bytes);
        self.inbound.on_rtp(self.now(), from, &bytes);
    }

    /// Ticks until `ms`; in each tick `send` may send.
    fn run(&mut self, until_ms: u64, mut send: impl FnMut(&mut Self)) {
        while self.now_ms < until_ms {
            send(self);
            self.inbound.receive(self.now(), &mut self.heard);
            while let Some(noticed) = self.inbound.poll_noticed() {
                self.noticed.push((self.now_ms, noticed));
            }
            self.now_ms += 20;
        }
    }

    fn speak(&mut self) {
        self.packet(PEER, 0, &[0x80; 160]);
    }
}

#[test]
fn silence_is_told_at_3_s_and_ends_the_leg_at_15() {
    let mut world = World::new();
    world.run(1_000, World::speak);
    world.run(40_000, |_| {});
    let expected = [
        (0, Noticed::Seen { from: PEER }),
        (3_980, Noticed::Silent { expected: PEER }),
        (15_980, Noticed::Lost),
    ];
    assert_eq!(world.noticed, expected);
}

#[test]
fn a_peer_that_never_speaks_has_30_s() {
    let mut world = World::new();
    world.run(60_000, |_| {});
    let expected = [(3_000, Noticed::Silent { expected: PEER }), (30_000, Noticed::Lost)];
    assert_eq!(world.noticed, expected);
}

#[test]
fn voice_that_comes_back_is_seen_again() {
    let mut world = World::new();
    world.run(1_000, World::speak);
    world.run(6_000, |_| {});
    world.run(7_000, World::speak);
    let last = world.noticed.last().copied();
    assert_eq!(last, Some((6_000, Noticed::Seen { from: PEER })));
    assert!(world.heard.is_audible());
}

#[test]
fn hold_rtcp_and_comfort_noise_keep_a_leg() {
    let mut held = World::new();
    held.run(1_000, World::speak);
    held.inbound.set_plan(held.now(), &plan(Direction::SendOnly));
    held.run(120_000, |_| {});
    assert_eq!(held.noticed.len(), 1, "held: {:?}", held.noticed);
    held.inbound.set_plan(held.now(), &plan(Direction::SendRecv));
    held.run(134_900, |_| {});
    assert!(!held.noticed.iter().any(|(_, noticed)| *noticed == Noticed::Lost));
    held.run(136_000, |_| {});
    assert_eq!(held.noticed.last().map(|(ms, _)| *ms), Some(135_000), "15 s from the resumption");

    let mut reporting = World::new();
    reporting.run(1_000, World::speak);
    reporting.run(60_000, |world| {
        if world.now_ms.is_multiple_of(5_000) {
            let from = SocketAddr::new(PEER.ip(), 4_001);
            world.inbound.on_rtcp(world.now(), from, &[0x80, 201, 0, 1, 0, 0, 0, 7], 1);
        }
    });
    let lost = reporting.noticed.iter().any(|(_, noticed)| *noticed == Noticed::Lost);
    assert!(!lost, "RTCP: {:?}", reporting.noticed);

    let mut resting = World::new();
    resting.run(1_000, World::speak);
    resting.run(60_000, |world| {
        if (world.now_ms - 1_000).is_multiple_of(4_000) {
            world.packet(PEER, 13, &[60]);
        }
    });
    assert_eq!(resting.noticed.len(), 1, "comfort noise: {:?}", resting.noticed);
    assert_eq!(resting.inbound.stats.concealed, 0, "rest is not loss");
}

#[test]
fn an_unwatched_leg_may_ring_for_long() {
    let mut world = World::new();
    world.inbound.set_watched(world.now(), false);
    world.run(50_000, |_| {});
    assert!(world.noticed.is_empty());
    world.inbound.set_watched(world.now(), true);
    world.run(79_900, |_| {});
    assert_eq!(world.noticed.len(), 1, "only the hint: {:?}", world.noticed);
}

#[test]
fn strangers_and_rubbish_are_counted_and_not_heard() {
    let mut world = World::new();
    world.run(2_000, |world| {
        world.speak();
        let sequence = world.sequence;
        world.packet(ENEMY, 0, &[0x00; 160]);
        world.sequence = sequence;
        if world.now_ms.is_multiple_of(100) {
            world.inbound.on_rtp(world.now(), PEER, b"rubbish");
            world.packet(PEER, 34, &[1; 160]);
            world.sequence = sequence;
        }
    });
    let stats = world.inbound.stats;
    assert_eq!((stats.packets_in, stats.strangers, stats.malformed), (100, 100, 40));
    assert_eq!(world.heard.samples()[80], crate::media::g711::ulaw_decode(0x80));
    assert_eq!(world.inbound.destination(), Some(PEER));
}

#[test]
fn a_flood_is_cut_to_a_bearable_rate() {
    let mut world = World::new();
    world.run(10_000, |world| (0..10).for_each(|_| world.speak()));
    let stats = world.inbound.stats;
    assert!(stats.packets_in <= 2_100 && stats.excess >= 2_900, "{stats:?}");
}

#[test]
fn a_lost_packet_is_concealed_and_a_pressed_key_is_not() {
    let tone: Vec<u8> = sine(8_000, 200.0, 2_000, -20.0).iter().map(|s| ulaw_encode(*s)).collect();
    let mut world = World::new();
    world.run(2_000, |world| {
        let at = (world.now_ms * 8) as usize;
        if world.now_ms == 1_000 {
            world.sequence += 1;
        } else {
            world.packet(PEER, 0, &tone[at..at + 160]);
        }
    });
    assert_eq!(world.inbound.stats.concealed, 1);
    assert_eq!(world.inbound.stats_now().lost, 1);
    world.run(2_100, |world| world.packet(PEER, 101, &[5, 10, 0, 160]));
    assert_eq!(world.noticed.iter().filter(|(_, n)| matches!(n, Noticed::Key(_))).count(), 5);
    assert_eq!(world.inbound.stats.concealed, 1, "a key is no loss");
}

#[test]
fn a_new_ssrc_from_the_same_peer_is_heard() {
    let mut world = World::new();
    world.run(1_000, World::speak);
    let packet = |sequence: u16| Packet {
        marker: true,
        payload_type: 0,
        sequence,
        timestamp: 3_000_000_000u32.wrapping_add(u32::from(sequence) * 160),
        ssrc: 99,
        payload: &[0x90; 160],
    };
    let mut bytes = Vec::new();
    let mut sequence = 40_000;
    world.run(1_400, |world| {
        packet(sequence).write(&mut bytes);
        sequence += 1;
        world.inbound.on_rtp(world.now(), PEER, &bytes);
    });
    assert_eq!(world.heard.samples()[80], crate::media::g711::ulaw_decode(0x90));
}

#[test]
fn opus_runs_over_the_wrap_of_its_clock_and_repairs_a_loss() {
    let mut world = World::new();
    let opus = MediaPlan { codec: Codec::Opus, payload_type: 111, ..plan(Direction::SendRecv) };
    world.inbound.set_plan(world.now(), &opus);
    let voice = encode_all(Codec::Opus, &sine(16_000, 400.0, 4_000, -20.0));
    let mut weakest = 0.0f32;
    // The wrap comes a second in; every tenth packet is lost.
    let first = 0u32.wrapping_sub(48_000);
    world.run(4_000, |world| {
        let index = (world.now_ms / 20) as u32;
        let packet = Packet {
            marker: false,
            payload_type: 111,
            sequence: index as u16,
            timestamp: first.wrapping_add(index * 960),
            ssrc: 7,
            payload: voice.frame(index as usize).unwrap(),
        };
        let mut bytes = Vec::new();
        packet.write(&mut bytes);
        if index % 10 != 9 {
            world.inbound.on_rtp(world.now(), PEER, &bytes);
        }
        if index > 10 {
            weakest = weakest.min(crate::base::audio::level_dbfs(world.heard.samples()));
        }
    });
    let stats = *world.inbound.stats_now();
    assert!(weakest > -36.0, "a hole of {weakest} dBFS: {stats:?}");
    assert!((18..=20).contains(&stats.concealed), "{stats:?}");
    assert_eq!((stats.late, stats.duplicates, stats.malformed), (0, 0, 0), "{stats:?}");
    assert!(stats.jitter_ms < 1.0, "{stats:?}");
}

proptest::proptest! {
    #[test]
    fn no_datagram_can_break_a_leg(
        datagrams in proptest::collection::vec(
            proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200), 0..40),
    ) {
        let mut world = World::new();
        for mut datagram in datagrams {
            if let Some(first) = datagram.first_mut() {
                *first = (*first & 0x3f) | 0x80;
            }
            if let Some(second) = datagram.get_mut(1) {
                *second %= 3;
            }
            world.inbound.on_rtp(world.now(), PEER, &datagram);
            world.inbound.on_rtcp(world.now(), PEER, &datagram, 1);
            let until = world.now_ms + 20;
            world.run(until, |_| {});
        }
    }
}
