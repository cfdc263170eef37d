//! The media engine on real sockets: engines that call each other, peers made of plain sockets,
//! attackers on 127.0.0.2.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::Receiver;
use warmline::base::audio::{Pcm, level_dbfs};
use warmline::base::ids::{LegId, PlayId};
use warmline::base::key::Key;
use warmline::base::session::{Codec, Direction, MediaPlan};
use warmline::call::command::{Recording, Route};
use warmline::media::rtp::Packet;
use warmline::media::tone::{sine, tone_level_dbfs};
use warmline::media::{
    CallMedia, Clip, Engine, InboundSettings, LegHandle, MediaEvent, Settings, Tap, wav,
};

const AGENT: LegId = LegId(1);

fn engine() -> Engine {
    Engine::start(Settings::default()).unwrap()
}

fn host() -> IpAddr {
    IpAddr::from([127, 0, 0, 1])
}

fn plan(port: u16, codec: Codec) -> MediaPlan {
    MediaPlan {
        remote: SocketAddr::new(host(), port),
        rtcp_remote: None,
        codec,
        payload_type: match codec {
            Codec::Pcmu => 0,
            Codec::Pcma => 8,
            Codec::G722 => 9,
            Codec::Opus => 111,
        },
        dtmf_payload_type: Some(101),
        comfort_noise_payload_type: Some(13),
        ptime_ms: 20,
        direction: Direction::SendRecv,
    }
}

/// A call with one leg of ours, in an engine, whose peer is `port`.
struct Side {
    call: CallMedia,
    events: Receiver<MediaEvent>,
    leg: LegHandle,
}

impl Side {
    fn open(engine: &Engine, name: &str) -> Self {
        let (call, events) = engine.open_call(name, Instant::now());
        let leg = call.open_leg(LegId::CALLER).unwrap();
        Self { call, events, leg }
    }

    fn plan(&self, port: u16, codec: Codec) {
        self.leg.set_plan(plan(port, codec)).unwrap();
    }
}

/// Two engines' legs that talk with each other.
fn pair(a: &Engine, b: &Engine, codec: Codec) -> (Side, Side) {
    let (left, right) = (Side::open(a, "left"), Side::open(b, "right"));
    left.plan(right.leg.local_port(), codec);
    right.plan(left.leg.local_port(), codec);
    (left, right)
}

fn tone_clip(hz: f64, ms: u64) -> Arc<Clip> {
    Clip::new(&Pcm::new(16_000, sine(16_000, hz, ms, -16.0)))
}

fn sleep(ms: u64) {
    std::thread::sleep(Duration::from_millis(ms));
}

/// Waits for an event that `wanted` accepts; panics after `longest`.
fn wait_for(
    events: &mut Receiver<MediaEvent>,
    longest: Duration,
    wanted: impl Fn(&MediaEvent) -> bool,
) -> MediaEvent {
    let end = Instant::now() + longest;
    let mut others = Vec::new();
    while Instant::now() < end {
        match events.try_recv() {
            Ok(event) if wanted(&event) => return event,
            Ok(event) => others.push(event),
            Err(_) => sleep(2),
        }
    }
    panic!("the event did not come; these came: {others:?}");
}

/// Sound that a tap gave, and its rate.
fn samples(tap: &Tap) -> (Vec<i16>, u32) {
    let mut frames = Vec::new();
    tap.drain(&mut frames);
    let rate = frames.last().map_or(8_000, |frame| frame.rate_hz);
    (frames.iter().flat_map(|frame| frame.samples().to_vec()).collect(), rate)
}

/// Where the tone of `hz` begins in sound of 8 kHz, in samples.
fn onset(sound: &[i16], hz: f64) -> Option<usize> {
    let mut frames = sound.chunks_exact(160);
    frames.position(|frame| tone_level_dbfs(frame, 8_000, hz) > -25.0).map(|frame| frame * 160)
}

/// What a tap gives from the onset of this tone on, as soon as it is so long.
fn heard_from_onset(tap: &Tap, hz: f64, ms: usize) -> Vec<i16> {
    let end = Instant::now() + Duration::from_secs(5);
    let mut heard = Vec::new();
    while Instant::now() < end {
        heard.extend(samples(tap).0);
        if let Some(at) = onset(&heard, hz).filter(|at| heard.len() >= at + ms * 8) {
            return heard.split_off(at);
        }
        sleep(10);
    }
    panic!("{hz} Hz was not heard for {ms} ms")
}

/// Waits until something is so, for no longer than a stalled machine needs.
fn until(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(5);
    while !is_so() {
        assert!(Instant::now() < end, "not in time: {what}");
        sleep(5);
    }
}

#[test]
fn a_prompt_is_heard_at_the_other_end_in_every_codec() {
    let (a, b) = (engine(), engine());
    for codec in [Codec::Pcmu, Codec::Pcma, Codec::G722] {
        let (mut left, right) = pair(&a, &b, codec);
        let tap = right.leg.tap_heard();
        left.leg.play(PlayId(1), tone_clip(700.0, 400));
        let ended = wait_for(&mut left.events, Duration::from_secs(2), |event| {
            matches!(event, MediaEvent::PlayEnded { .. })
        });
        let expected = MediaEvent::PlayEnded {
            leg: LegId::CALLER,
            play: PlayId(1),
            played_ms: 400,
            complete: true,
        };
        assert_eq!(ended, expected);
        sleep(200);
        let (heard, rate) = samples(&tap);
        assert_eq!(rate, codec.sample_rate_hz());
        let voiced: Vec<i16> = heard
            .chunks(rate as usize / 50)
            .filter(|frame| level_dbfs(frame) > -30.0)
            .flatten()
            .copied()
            .collect();
        let ms = voiced.len() * 1_000 / rate as usize;
        assert!((360..=440).contains(&ms), "{codec:?}: {ms} ms of tone");
        let level = tone_level_dbfs(&voiced, rate, 700.0);
        assert!((level + 16.0).abs() < 1.5, "{codec:?}: {level} dBFS");
    }
}

#[test]
fn keys_go_through_once_each() {
    let (a, b) = (engine(), engine());
    let (left, mut right) = pair(&a, &b, Codec::Pcmu);
    for symbol in "14*#07".chars() {
        left.leg.send_digit(Key::new(symbol).unwrap());
    }
    let mut heard = String::new();
    while heard.len() < 6 {
        let event = wait_for(&mut right.events, Duration::from_secs(3), |event| {
            matches!(event, MediaEvent::Digit { .. })
        });
        if let MediaEvent::Digit { key, .. } = event {
            heard.push(key.symbol());
        }
    }
    assert_eq!(heard, "14*#07");
    sleep(300);
    let more = std::iter::from_fn(|| right.events.try_recv().ok());
    assert_eq!(more.filter(|event| matches!(event, MediaEvent::Digit { .. })).count(), 0);
}

/// A peer made of a plain socket.
struct Peer {
    socket: UdpSocket,
    sequence: u16,
}

impl Peer {
    fn on(address: [u8; 4]) -> Self {
        let socket = UdpSocket::bind((IpAddr::from(address), 0)).unwrap();
        socket.set_nonblocking(true).unwrap();
        Self { socket, sequence: 0 }
    }

    fn port(&self) -> u16 {
        self.socket.local_addr().unwrap().port()
    }

    fn send(&mut self, port: u16, ssrc: u32, payload: &[u8]) {
        let packet = Packet {
            marker: false,
            payload_type: 0,
            sequence: self.sequence,
            timestamp: u32::from(self.sequence) * 160,
            ssrc,
            payload,
        };
        self.sequence = self.sequence.wrapping_add(1);
        let mut bytes = Vec::new();
        packet.write(&mut bytes);
        self.socket.send_to(&bytes, (host(), port)).unwrap();
    }

    fn received(&self) -> usize {
        let mut buffer = [0; 2_048];
        std::iter::from_fn(|| self.socket.recv_from(&mut buffer).ok()).count()
    }
}

#[test]
fn an_attacker_hears_nothing_and_is_not_heard() {
    let engine = engine();
    let calls: Vec<Side> = (0..10).map(|_| Side::open(&engine, "call")).collect();
    let mut peers: Vec<Peer> = (0..10).map(|_| Peer::on([127, 0, 0, 1])).collect();
    let mut enemy = Peer::on([127, 0, 0, 2]);
    for (call, peer) in calls.iter().zip(&peers) {
        call.plan(peer.port(), Codec::Pcmu);
    }
    let taps: Vec<Tap> = calls.iter().map(|call| call.leg.tap_heard()).collect();
    // 0x80 is the loudest code word, 0xff silence: the enemy shouts, the callers are quiet. The
    // enemy begins before the callers do.
    for round in 0..200 {
        for (call, peer) in calls.iter().zip(&mut peers) {
            enemy.send(call.leg.local_port(), 666, &[0x80; 160]);
            if round >= 10 {
                peer.send(call.leg.local_port(), 7, &[0xff; 160]);
            }
        }
        enemy.sequence = enemy.sequence.wrapping_sub(9);
        sleep(10);
    }
    sleep(1_300);
    assert_eq!(enemy.received(), 0, "packets sent to the attacker");
    for ((call, peer), tap) in calls.iter().zip(&peers).zip(&taps) {
        let loudest = samples(tap).0.iter().map(|sample| sample.abs()).max().unwrap();
        assert!(loudest < 1_000, "the attacker was heard at {loudest}");
        assert!(peer.received() > 100, "the caller is served");
        let stats = call.leg.stats();
        assert!(stats.strangers >= 150, "{stats:?}");
    }
}

#[test]
fn a_bridge_joins_two_callers_and_the_recording_holds_both_sides() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { recordings: Some(folder.path().to_owned()), ..Settings::default() };
    let ours = Engine::start(settings).unwrap();
    let theirs = engine();
    let mut caller = Side::open(&ours, "call-1");
    let agent_leg = caller.call.open_leg(AGENT).unwrap();
    let (caller_peer, agent_peer) = (Side::open(&theirs, "a"), Side::open(&theirs, "b"));
    caller.plan(caller_peer.leg.local_port(), Codec::Pcmu);
    caller_peer.plan(caller.leg.local_port(), Codec::Pcmu);
    agent_leg.set_plan(plan(agent_peer.leg.local_port(), Codec::Pcma)).unwrap();
    agent_peer.plan(agent_leg.local_port(), Codec::Pcma);
    let began = Instant::now();
    caller.call.record(Recording::Start);
    // A briefing that only the agent hears must not be in the recording.
    agent_leg.play(PlayId(1), tone_clip(1_900.0, 300));
    wait_for(&mut caller.events, Duration::from_secs(3), |event| {
        matches!(event, MediaEvent::PlayEnded { leg: AGENT, .. })
    });
    let (at_caller, at_agent) = (caller_peer.leg.tap_heard(), agent_peer.leg.tap_heard());
    let bridge = [
        (LegId::CALLER, Route::Bridge { with: AGENT }),
        (AGENT, Route::Bridge { with: LegId::CALLER }),
    ];
    caller.call.set_routes(&bridge);
    // They go on through the pause: without one they would be in the recording to its end.
    caller_peer.leg.play(PlayId(1), tone_clip(500.0, 10_000));
    agent_peer.leg.play(PlayId(1), tone_clip(900.0, 10_000));
    for (tap, own, other) in [(at_caller, 500.0, 900.0), (at_agent, 900.0, 500.0)] {
        let heard = heard_from_onset(&tap, other, 600);
        let middle = &heard[8 * 100..8 * 400];
        assert!(tone_level_dbfs(middle, 8_000, other) > -18.0, "the other is heard");
        assert!(tone_level_dbfs(middle, 8_000, own) < -45.0, "no echo");
    }
    caller.call.record(Recording::Pause { from: None });
    sleep(600);
    let ran_ms = began.elapsed().as_millis() as u64;
    caller.call.record(Recording::Stop);
    let closed = wait_for(&mut caller.events, Duration::from_secs(3), |event| {
        matches!(event, MediaEvent::RecordingClosed { .. })
    });
    let MediaEvent::RecordingClosed { path, duration_ms } = closed else { unreachable!() };
    let closed_ms = began.elapsed().as_millis() as u64;
    let expected = ran_ms - 200..closed_ms + 100;
    assert!(expected.contains(&duration_ms), "{duration_ms}, of {expected:?}");
    let sides = wav::read_channels(&path).unwrap();
    for (side, hz) in sides.iter().zip([500.0, 900.0]) {
        let bridged = onset(&side.samples, hz).expect("the tone is recorded");
        let bridged = &side.samples[bridged + 8 * 100..bridged + 8 * 400];
        let level = tone_level_dbfs(bridged, 8_000, hz);
        assert!(level > -19.0, "{hz} Hz at {level}");
        assert!(tone_level_dbfs(&side.samples, 8_000, 1_900.0) < -60.0, "briefing recorded");
        let paused = side.samples.iter().rev().take_while(|sample| **sample == 0).count();
        assert!(paused >= 8 * 300, "the pause holds sound: {paused} samples of silence");
    }
}

#[test]
fn silence_is_told_and_ends_a_leg_by_the_real_clock() {
    let quick = InboundSettings {
        silence_hint: Duration::from_millis(300),
        silence_max: Duration::from_millis(800),
        silence_max_first: Duration::from_millis(800),
        ..InboundSettings::default()
    };
    let engine = Engine::start(Settings { inbound: quick, ..Settings::default() }).unwrap();
    let mut side = Side::open(&engine, "call");
    let peer = Peer::on([127, 0, 0, 1]);
    side.plan(peer.port(), Codec::Pcmu);
    let expected = SocketAddr::new(host(), peer.port());
    let silent = wait_for(&mut side.events, Duration::from_secs(2), |_| true);
    assert_eq!(silent, MediaEvent::MediaSilent { leg: LegId::CALLER, expected });
    let lost = wait_for(&mut side.events, Duration::from_secs(2), |_| true);
    assert_eq!(lost, MediaEvent::MediaLost { leg: LegId::CALLER });
}

#[test]
fn a_stopped_prompt_is_gone_within_two_frames_on_the_wire() {
    let (a, b) = (engine(), engine());
    let (left, right) = pair(&a, &b, Codec::Pcmu);
    let tap = right.leg.tap_heard();
    let loud = || {
        let mut frames = Vec::new();
        tap.drain(&mut frames);
        frames.iter().filter(|frame| level_dbfs(frame.samples()) > -40.0).count()
    };
    left.leg.play(PlayId(1), tone_clip(700.0, 5_000));
    heard_from_onset(&tap, 700.0, 500);
    left.leg.stop_playing();
    // What came before the stop, and was not taken yet, says nothing of it.
    loud();
    sleep(400);
    let loud = loud();
    // One tick to stop, one of fading, and what was in flight and in the far jitter buffer.
    assert!(loud <= 6, "{loud} frames after the stop");
}

#[test]
fn closing_frees_ports_threads_and_tells() {
    let engine = engine();
    let side = Side::open(&engine, "call");
    side.plan(9, Codec::Pcmu);
    side.leg.play(PlayId(1), tone_clip(700.0, 5_000));
    let counted = || (engine.metrics().calls, engine.metrics().legs);
    until("the call is counted", || counted() == (1, 1));
    // Some of it is played before the leg closes.
    let ticks = engine.metrics().ticks;
    until("the clock goes on", || engine.metrics().ticks >= ticks + 5);
    let Side { call, mut events, leg } = side;
    leg.close();
    let ended = wait_for(&mut events, Duration::from_secs(3), |event| {
        matches!(event, MediaEvent::PlayEnded { .. })
    });
    assert!(matches!(ended, MediaEvent::PlayEnded { complete: false, played_ms: 20.., .. }));
    wait_for(&mut events, Duration::from_secs(3), |event| {
        matches!(event, MediaEvent::LegClosed { .. })
    });
    drop(call);
    until("nothing is counted any more", || counted() == (0, 0));
    until("without calls the thread sleeps", || {
        let ticks = engine.metrics().ticks;
        sleep(200);
        engine.metrics().ticks == ticks
    });
}

#[test]
fn a_full_disk_costs_the_recording_and_not_the_call() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings {
        recordings: Some(folder.path().to_owned()),
        recordings_quota_bytes: Some(8_000),
        ..Settings::default()
    };
    let engine = Engine::start(settings).unwrap();
    let mut side = Side::open(&engine, "call");
    let peer = Peer::on([127, 0, 0, 1]);
    side.plan(peer.port(), Codec::Pcmu);
    side.call.record(Recording::Start);
    wait_for(&mut side.events, Duration::from_secs(3), |event| {
        matches!(event, MediaEvent::RecordingFailed { .. })
    });
    peer.received();
    sleep(300);
    assert!(peer.received() >= 10, "the call goes on");
    let kept = wav::read(&folder.path().join("call.wav")).unwrap();
    assert!(kept.duration_ms() >= 100, "what was written opens");
}
