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
