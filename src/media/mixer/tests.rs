//! Whole calls on a virtual clock: who hears what, in which tick.

use super::*;
use crate::base::audio::{Pcm, level_dbfs};
use crate::base::session::{Codec, Direction};
use crate::media::codec::{Decoder, encode_all};
use crate::media::rtp::Packet;
use crate::media::tone::{self, sine, tone_level_dbfs};

const CALLER: LegId = LegId::CALLER;
const AGENT: LegId = LegId(1);
const THIRD: LegId = LegId(2);

/// What was sent, per leg: payloads of the voice packets.
#[derive(Default)]
struct Sent {
    voice: Vec<(LegId, Vec<u8>)>,
    rtcp: Vec<(LegId, Vec<u8>)>,
}

impl Wire for Sent {
    fn send(&mut self, leg: LegId, port: Port, _to: SocketAddr, bytes: &[u8]) -> bool {
        match port {
            Port::Rtp => self.voice.push((leg, Packet::parse(bytes).unwrap().payload.to_vec())),
            Port::Rtcp => self.rtcp.push((leg, bytes.to_vec())),
        }
        true
    }
}

struct World {
    mixer: Mixer,
    codecs: Vec<(LegId, Codec)>,
    now: Instant,
    tick: u32,
}

impl World {
    fn new(legs: &[(LegId, Codec)]) -> Self {
        let music = Arc::new(OnceLock::new());
        let _ = music.set(Clip::looped(Pcm::new(8_000, sine(8_000, 1_000.0, 1_000, -26.0))));
        let noise = Clip::looped(tone::comfort_noise());
        let ringing = Clip::looped(tone::ringing("US"));
        let now = Instant::now();
        let beds = Beds { noise, music, ringing };
        let mut mixer = Mixer::new(now, InboundSettings::default(), beds, 5);
        for (index, (leg, codec)) in legs.iter().enumerate() {
            let seeds = Seeds { ssrc: index as u32, sequence: 0, timestamp: 0 };
            assert!(mixer.add_leg(now, *leg, seeds));
            mixer.leg_mut(*leg).unwrap().set_plan(now, plan(*leg, *codec));
        }
        Self { mixer, codecs: legs.to_vec(), now, tick: 0 }
    }

    fn codec(&self, leg: LegId) -> Codec {
        self.codecs.iter().find(|one| one.0 == leg).unwrap().1
    }

    /// `ticks` in which each of `speakers` says its tone (hertz); gives what each leg was sent,
    /// decoded.
    fn run(&mut self, ticks: u32, speakers: &[(LegId, f64)]) -> Vec<(LegId, Vec<i16>)> {
        let voices: Vec<(LegId, Vec<u8>)> = speakers
            .iter()
            .map(|(leg, hz)| {
                let codec = self.codec(*leg);
                let tone = sine(codec.sample_rate_hz(), *hz, 3_000, -20.0);
                (*leg, encode_all(codec, &tone))
            })
            .collect();
        let mut sent = Sent::default();
        for index in 0..ticks {
            for (leg, bytes) in &voices {
                let payload = &bytes[(index as usize % 150) * 160..][..160];
                self.say(*leg, payload);
            }
            self.mixer.tick(self.now, 0, &mut sent);
            self.now += Duration::from_millis(20);
            self.tick += 1;
        }
        self.decode(&sent)
    }

    fn say(&mut self, leg: LegId, payload: &[u8]) {
        let plan = plan(leg, self.codec(leg));
        let packet = Packet {
            marker: false,
            payload_type: plan.payload_type,
            sequence: self.tick as u16,
            timestamp: self.tick * 160,
            ssrc: 50 + leg.0,
            payload,
        };
        let mut bytes = Vec::new();
        packet.write(&mut bytes);
        let now = self.now;
        self.mixer.leg_mut(leg).unwrap().inbound.on_rtp(now, plan.remote, &bytes);
    }

    fn decode(&self, sent: &Sent) -> Vec<(LegId, Vec<i16>)> {
        let mut all = Vec::new();
        for (leg, codec) in &self.codecs {
            let mut decoder = Decoder::new(*codec).unwrap();
            let mut samples = Vec::new();
            for (_, payload) in sent.voice.iter().filter(|(to, _)| to == leg) {
                let mut frame = [0i16; 320];
                let count = decoder.decode(payload, &mut frame);
                samples.extend_from_slice(&frame[..count]);
            }
            all.push((*leg, samples));
        }
        all
    }

    /// Level of a tone in what a leg was sent, after the first 200 ms.
    fn level(&self, heard: &[(LegId, Vec<i16>)], leg: LegId, hz: f64) -> f32 {
        let samples = &heard.iter().find(|one| one.0 == leg).unwrap().1;
        let rate = self.codec(leg).sample_rate_hz();
        tone_level_dbfs(&samples[rate as usize / 5..], rate, hz)
    }
}

fn plan(leg: LegId, codec: Codec) -> MediaPlan {
    MediaPlan {
        remote: ([127, 0, 0, 1], 4_000 + 2 * leg.0 as u16).into(),
        rtcp_remote: None,
        codec,
        payload_type: if codec == Codec::Pcma { 8 } else { 0 },
        dtmf_payload_type: Some(101),
        comfort_noise_payload_type: None,
        ptime_ms: 20,
        direction: Direction::SendRecv,
    }
}

fn bridge(world: &mut World) {
    world.mixer.set_routes(&[
        (CALLER, Route::Bridge { with: AGENT }),
        (AGENT, Route::Bridge { with: CALLER }),
    ]);
}

fn tone_clip(hz: f64, ms: u64) -> Arc<Clip> {
    Clip::new(&Pcm::new(8_000, sine(8_000, hz, ms, -20.0)))
}

#[test]
fn a_bridge_passes_each_voice_to_the_other_in_every_pair_of_codecs() {
    for a in [Codec::Pcmu, Codec::Pcma, Codec::G722] {
        for b in [Codec::Pcmu, Codec::Pcma, Codec::G722] {
            let mut world = World::new(&[(CALLER, a), (AGENT, b)]);
            bridge(&mut world);
            let heard = world.run(60, &[(CALLER, 500.0), (AGENT, 900.0)]);
            for (leg, own, other) in [(CALLER, 500.0, 900.0), (AGENT, 900.0, 500.0)] {
                let level = world.level(&heard, leg, other);
                assert!((level + 20.0).abs() < 1.5, "{a:?} {b:?} {leg}: {level}");
                let echo = world.level(&heard, leg, own);
                assert!(echo < -50.0, "{a:?} {b:?} {leg} hears itself at {echo}");
            }
        }
    }
}

#[test]
fn same_law_is_forwarded_untouched() {
    let mut world = World::new(&[(CALLER, Codec::Pcmu), (AGENT, Codec::Pcmu)]);
    bridge(&mut world);
    let mut sent = Sent::default();
    let mut odd: Vec<u8> = (0..160).map(|index| (index * 7 % 256) as u8).collect();
    // Negative zero would come back as 0xff if it had been decoded and encoded.
    odd[5] = 0x7f;
    for _ in 0..10 {
        world.say(CALLER, &odd);
        world.mixer.tick(world.now, 0, &mut sent);
        world.now += Duration::from_millis(20);
        world.tick += 1;
    }
    assert!(sent.voice.iter().any(|(leg, payload)| *leg == AGENT && *payload == odd));
}

#[test]
fn routes_change_for_both_in_one_tick_and_end_with_the_leg() {
    let mut world = World::new(&[(CALLER, Codec::Pcmu), (AGENT, Codec::Pcmu)]);
    world.mixer.set_routes(&[(CALLER, Route::Music), (AGENT, Route::Quiet)]);
    let heard = world.run(50, &[(CALLER, 500.0), (AGENT, 900.0)]);
    assert!(world.level(&heard, CALLER, 1_000.0) > -28.0, "music");
    assert!(world.level(&heard, AGENT, 500.0) < -60.0, "no leak before the bridge");
    assert!(world.level(&heard, CALLER, 900.0) < -50.0, "no leak before the bridge");
    world.mixer.set_routes(&[(CALLER, Route::Ringback)]);
    let heard = world.run(50, &[]);
    assert!(world.level(&heard, CALLER, 440.0) > -30.0, "ringing");
    bridge(&mut world);
    let mut sent = Sent::default();
    world.mixer.remove_leg(world.now, 0, AGENT, &mut sent);
    assert!(sent.rtcp.iter().any(|(_, bytes)| bytes.windows(2).any(|w| w == [0x81, 203])), "BYE");
    let heard = world.run(50, &[(CALLER, 500.0)]);
    let alone = &heard.iter().find(|one| one.0 == CALLER).unwrap().1;
    assert_eq!(alone.len(), 50 * 160, "comfort noise goes on");
    assert!((-68.0..-58.0).contains(&level_dbfs(alone)), "{}", level_dbfs(alone));
}

#[test]
fn three_parties_whisper_and_listening() {
    let legs = [(CALLER, Codec::Pcmu), (AGENT, Codec::Pcma), (THIRD, Codec::G722)];
    let speakers = [(CALLER, 500.0), (AGENT, 900.0), (THIRD, 1_300.0)];
    let mut world = World::new(&legs);
    world.mixer.set_hearing(&[
        (CALLER, vec![AGENT, THIRD]),
        (AGENT, vec![CALLER, THIRD]),
        (THIRD, vec![CALLER, AGENT, THIRD]),
    ]);
    let heard = world.run(60, &speakers);
    for (leg, own) in speakers {
        for (_, hz) in speakers {
            let level = world.level(&heard, leg, hz);
            assert_eq!(level > -23.0, hz != own, "{leg} at {hz}: {level}");
        }
    }
    // Whisper: the third speaks to the agent alone, and hears both.
    world.mixer.set_hearing(&[(CALLER, vec![AGENT])]);
    let heard = world.run(60, &speakers);
    assert!(world.level(&heard, CALLER, 1_300.0) < -50.0);
    assert!(world.level(&heard, AGENT, 1_300.0) > -23.0);
}

#[test]
fn a_prompt_over_a_bridge_lowers_the_other_party() {
    let mut world = World::new(&[(CALLER, Codec::Pcmu), (AGENT, Codec::Pcmu)]);
    bridge(&mut world);
    world.run(10, &[(AGENT, 900.0)]);
    world.mixer.play(CALLER, PlayId(1), Sound::Clip(tone_clip(1_500.0, 1_200)));
    let heard = world.run(60, &[(AGENT, 900.0)]);
    let (prompt, agent) =
        (world.level(&heard, CALLER, 1_500.0), world.level(&heard, CALLER, 900.0));
    assert!((prompt + 20.0).abs() < 1.0 && (agent + 32.0).abs() < 1.5, "{prompt} {agent}");
}

#[test]
fn a_prompt_stops_within_a_frame_and_can_be_ducked() {
    let mut world = World::new(&[(CALLER, Codec::Pcmu)]);
    world.mixer.play(CALLER, PlayId(1), Sound::Clip(tone_clip(1_500.0, 5_000)));
    world.mixer.leg_mut(CALLER).unwrap().give_way(GiveWay::Duck);
    let heard = world.run(30, &[]);
    let level = world.level(&heard, CALLER, 1_500.0);
    assert!((level + 35.0).abs() < 1.0, "ducked: {level}");
    world.mixer.leg_mut(CALLER).unwrap().give_way(GiveWay::No);
    world.run(10, &[]);
    world.mixer.leg_mut(CALLER).unwrap().player.stop();
    let heard = world.run(5, &[]);
    let samples = &heard[0].1;
    assert!(level_dbfs(&samples[..40]) > -30.0, "the first 5 ms fade");
    assert!(level_dbfs(&samples[48..160]) < -55.0, "{}", level_dbfs(&samples[48..160]));
    let step = samples.windows(2).map(|pair| (pair[0] - pair[1]).abs()).max().unwrap();
    assert!(step < 5_000, "no click: {step}");
    let ended = std::iter::from_fn(|| world.mixer.poll_event())
        .find(|event| matches!(event, MediaEvent::PlayEnded { .. }));
    let expected =
        MediaEvent::PlayEnded { leg: CALLER, play: PlayId(1), played_ms: 800, complete: false };
    assert_eq!(ended, Some(expected));
}

#[test]
fn a_prompt_that_gave_way_goes_on_where_it_was() {
    let mut world = World::new(&[(CALLER, Codec::Pcmu)]);
    world.mixer.play(CALLER, PlayId(1), Sound::Clip(tone_clip(400.0, 1_000)));
    let mut all = world.run(20, &[])[0].1.clone();
    for how in [GiveWay::Duck, GiveWay::Pause] {
        world.mixer.leg_mut(CALLER).unwrap().give_way(how);
        all.extend_from_slice(&world.run(10, &[])[0].1);
    }
    let ended = |world: &mut World| {
        std::iter::from_fn(|| world.mixer.poll_event())
            .find(|event| matches!(event, MediaEvent::PlayEnded { .. }))
    };
    assert_eq!(ended(&mut world), None, "paused is not ended");
    let paused = &all[30 * 160 + 48..];
    assert!(level_dbfs(paused) < -55.0, "{}", level_dbfs(paused));
    world.mixer.leg_mut(CALLER).unwrap().give_way(GiveWay::No);
    all.extend_from_slice(&world.run(25, &[])[0].1);
    let step = all.windows(2).map(|pair| (pair[0] - pair[1]).abs()).max().unwrap();
    assert!(step < 2_000, "no click: {step}");
    let heard_again = &all[40 * 160..60 * 160];
    assert!((tone_level_dbfs(&heard_again[400..], 8_000, 400.0) + 20.0).abs() < 1.0);
    let expected =
        MediaEvent::PlayEnded { leg: CALLER, play: PlayId(1), played_ms: 1_000, complete: true };
    assert_eq!(ended(&mut world), Some(expected), "all of it was heard");
}

#[test]
fn nothing_is_sent_on_hold_and_plays_end_all_the_same() {
    let mut world = World::new(&[(CALLER, Codec::Pcmu)]);
    let mut held = plan(CALLER, Codec::Pcmu);
    held.direction = Direction::RecvOnly;
    let now = world.now;
    world.mixer.leg_mut(CALLER).unwrap().set_plan(now, held);
    world.mixer.play(CALLER, PlayId(1), Sound::Clip(tone_clip(1_500.0, 100)));
    let heard = world.run(20, &[(CALLER, 500.0)]);
    assert!(heard[0].1.is_empty());
    let mut ended = std::iter::from_fn(|| world.mixer.poll_event());
    assert!(ended.any(|event| matches!(event, MediaEvent::PlayEnded { complete: true, .. })));
}

#[test]
fn a_play_for_a_leg_that_is_gone_ends_at_once() {
    let mut world = World::new(&[(CALLER, Codec::Pcmu)]);
    world.mixer.play(AGENT, PlayId(9), Sound::Clip(tone_clip(1_500.0, 100)));
    let expected =
        MediaEvent::PlayEnded { leg: AGENT, play: PlayId(9), played_ms: 0, complete: false };
    assert_eq!(world.mixer.poll_event(), Some(expected));
}

#[test]
fn reports_come_every_five_seconds_or_so() {
    let mut world = World::new(&[(CALLER, Codec::Pcmu)]);
    let mut sent = Sent::default();
    for _ in 0..60 * 50 {
        world.mixer.tick(world.now, 0, &mut sent);
        world.now += Duration::from_millis(20);
    }
    assert!((8..=25).contains(&sent.rtcp.len()), "{} in a minute", sent.rtcp.len());
}
