//! The thread's wiring: what is played is known to the listener as the echo's reference, the
//! order to a recogniser carries the caller's language, pressed recognisers shorten turns, late
//! words are told.

use std::sync::mpsc;

use tokio::sync::mpsc as inboxes;

use super::*;
use crate::base::audio::level_dbfs;
use crate::base::ids::CallId;
use crate::base::language::Language;
use crate::base::limits::HOLD_ON_AFTER_MS;
use crate::base::listen::ListenMode;
use crate::media::tap::{TapWriter, tap};
use crate::speech::hear::order::DecodeClass;
use crate::speech::hear::pool::{MakeTranscriber, PoolSettings};
use crate::speech::hear::transcript::{Hint, StopFlag, TranscribeError, Transcriber};
use crate::speech::hear::vad::{VoiceDetector, VoiceFrame};
use crate::understanding::{self, Understander};

/// Whatever sounds is a voice.
struct Loud;

impl VoiceDetector for Loud {
    fn push(&mut self, frame_16k: &[i16]) -> VoiceFrame {
        let level_dbfs = level_dbfs(frame_16k);
        let voiced = level_dbfs > -60.0;
        VoiceFrame { voiced, score: if voiced { 1.0 } else { 0.0 }, level_dbfs }
    }

    fn reset(&mut self) {}
}

/// Tells what it was asked for; then gives a text at once, or works until it is stopped.
struct Stub {
    asked: mpsc::Sender<Hint>,
    endless: bool,
}

impl Transcriber for Stub {
    fn transcribe(
        &mut self,
        _pcm_16k: &[i16],
        hint: &Hint,
        stop: &StopFlag,
    ) -> Result<Transcript, TranscribeError> {
        let _ = self.asked.send(hint.clone());
        while self.endless && !stop.is_stopped() {
            std::thread::sleep(Duration::from_millis(1));
        }
        let text = "where is my order".to_owned();
        let language = hint.language.clone();
        Ok(Transcript {
            text,
            confidence: 0.9,
            mean_logprob: -0.1,
            language,
            ..Transcript::default()
        })
    }
}

/// One leg with both ends of its taps, and the thread's body without its thread.
struct Scene {
    thread: Thread,
    key: EarKey,
    messages: Sender<Message>,
    heard: TapWriter,
    played: TapWriter,
    events: inboxes::Receiver<Inbound>,
    asked: mpsc::Receiver<Hint>,
    frames: u64,
}

fn scene(endless: bool) -> Scene {
    let (tell, asked) = mpsc::channel();
    let make: MakeTranscriber =
        Arc::new(move || Ok(Box::new(Stub { asked: tell.clone(), endless })));
    let hang_after = Duration::from_secs(120);
    let settings =
        PoolSettings { workers: 1, queue_max: 32, hang_after, stuck_max: 1, two_cores: false };
    let pool = Arc::new(Pool::start(settings, make).expect("a pool"));
    let (messages, inbox) = channel();
    let (heard, heard_tap) = tap();
    let (played, played_tap) = tap();
    let (events_in, events) = inboxes::channel(256);
    let judge = judge::by(Understander::new(understanding::Tables::embedded_rules()));
    let key: EarKey = (CallId::new(1, [0; 10]), LegId::CALLER);
    let ear = Ear {
        heard: heard_tap,
        played: played_tap,
        listener: Listener::with_detector(ListenerSettings::default(), judge, Box::new(Loud)),
        inbox: events_in,
        leg: LegId::CALLER,
        began: Instant::now(),
        tickets: HashMap::new(),
        frames: Vec::new(),
        echo: Vec::new(),
    };
    let thread = Thread { ears: HashMap::new(), inbox, back: messages.clone(), pool };
    messages.send(Message::Open(key.clone(), Box::new(ear))).expect("is read");
    Scene { thread, key, messages, heard, played, events, asked, frames: 0 }
}

impl Scene {
    fn listen_in(&mut self, code: &str) {
        let language = Language::new(code).expect("a code");
        let listening = Listening::to(ListenMode::Turn, language);
        self.messages.send(Message::Listen(self.key.clone(), listening)).expect("is read");
    }

    /// Both taps get frames of these amplitudes, as a tick of the media gives them.
    fn tick(&mut self, count: u64, heard: i16, played: i16) {
        for _ in 0..count {
            let at = Moment(self.frames * FRAME_MS);
            self.frames += 1;
            let frame = |loud: i16| {
                let kind = if loud == 0 { FrameKind::Silent } else { FrameKind::Sound };
                let samples: Vec<i16> =
                    (0..160).map(|n| if n % 8 < 4 { loud } else { -loud }).collect();
                Frame::new(at, 8_000, kind, &samples)
            };
            self.heard.push(frame(heard));
            self.played.push(frame(played));
            // The media's clock goes on in bursts: several frames wait at one look.
            if self.frames.is_multiple_of(3) {
                self.thread.look();
            }
        }
        self.thread.look();
    }

    fn suspected(&mut self) -> usize {
        let mut count = 0;
        while let Ok(event) = self.events.try_recv() {
            count += usize::from(matches!(event, Inbound::Event(Event::SpeechSuspected { .. })));
        }
        count
    }

    fn waiting_finals(&self) -> usize {
        let place = DecodeClass::ALL.iter().position(|class| *class == DecodeClass::CallerFinal);
        place.and_then(|at| self.thread.pool.figures().waiting.get(at).copied()).unwrap_or(0)
    }
}

/// Amplitudes of −10 dBFS and −40 dBFS.
const LOUD: i16 = 10_362;
const FAINT: i16 = 328;

#[test]
fn the_order_to_the_recogniser_carries_the_callers_language() {
    let mut scene = scene(false);
    for code in ["en", "zh", "en"] {
        scene.listen_in(code);
        scene.tick(40, LOUD, 0);
        scene.tick(15, 0, 0);
        let hint = scene.asked.recv_timeout(Duration::from_secs(10)).expect("an order");
        assert_eq!(hint.language.code(), code);
        // The turn ends by its silence before the next language is chosen.
        for _ in 0..100 {
            scene.tick(3, 0, 0);
            std::thread::sleep(Duration::from_millis(2));
        }
        while scene.asked.try_recv().is_ok() {}
    }
}

#[test]
fn what_is_played_is_known_as_the_echos_reference() {
    let echo_of = |played: i16| {
        let mut scene = scene(false);
        scene.listen_in("en");
        scene.messages.send(Message::Prompt(scene.key.clone(), true)).expect("is read");
        scene.tick(60, FAINT, played);
        scene.suspected()
    };
    assert_eq!(echo_of(LOUD), 0, "30 dB under what is played: our own prompt");
    assert!(echo_of(0) > 0, "nothing is played: somebody's voice");
}

#[test]
fn a_call_is_told_of_words_that_are_late() {
    let mut scene = scene(true);
    scene.listen_in("en");
    scene.tick(40, LOUD, 0);
    let mut told = |ms: u64| {
        scene.tick(ms / FRAME_MS, 0, 0);
        let events = std::iter::from_fn(|| scene.events.try_recv().ok());
        events.filter(|one| matches!(one, Inbound::Event(Event::WordsLate { .. }))).count()
    };
    assert_eq!(told(HOLD_ON_AFTER_MS - 100), 0);
    assert_eq!(told(200), 1);
    assert_eq!(told(500), 0, "once");
}

#[test]
fn pressed_recognisers_shorten_turns() {
    let finals_after_9_s = |waiting: usize| {
        let mut scene = scene(true);
        let submit = |scene: &Scene| {
            scene.thread.pool.submit(Job {
                samples: Arc::from([1_i16; 1_600]),
                hint: Hint::default(),
                class: DecodeClass::CallerFinal,
                deadline: Instant::now() + Duration::from_secs(100),
                reply: Box::new(|_| {}),
            })
        };
        submit(&scene);
        scene.asked.recv_timeout(Duration::from_secs(10)).expect("the worker is busy");
        for _ in 0..waiting {
            submit(&scene);
        }
        scene.listen_in("en");
        scene.tick(9_000 / FRAME_MS, LOUD, 0);
        scene.waiting_finals() - waiting
    };
    assert_eq!(finals_after_9_s(0), 0, "nobody waits: the turn goes on");
    assert_eq!(finals_after_9_s(4), 1, "pressed: cut at 8 s");
}
