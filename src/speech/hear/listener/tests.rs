//! Timelines with a scripted voice: what is said, ordered and given out, and when.

mod failures;
mod late;
mod noise;
mod over_prompts;
mod second_voice;
mod waiting;

use std::sync::atomic::{AtomicUsize, Ordering};

use super::super::vad::VoiceFrame;
use super::*;

/// Every frame with sound in it is a voice; its score and level are those of a clear caller.
struct Scripted;

impl VoiceDetector for Scripted {
    fn push(&mut self, frame_16k: &[i16]) -> VoiceFrame {
        let level_dbfs = crate::base::audio::level_dbfs(frame_16k);
        VoiceFrame { voiced: level_dbfs > -60.0, score: 1.0, level_dbfs }
    }

    fn reset(&mut self) {}
}

/// Texts that end in "…" are unfinished, in "!" unknown to us; all others are complete.
fn judge(text: &str, _listening: &Listening) -> Completeness {
    match text.chars().last() {
        Some('…') => Completeness::Unfinished,
        Some('!') => Completeness::Open,
        _ => Completeness::Complete,
    }
}

/// A leg, a clock and a recogniser that gives the next of `texts` after `decode_ms`.
struct Scene {
    listener: Listener,
    now: u64,
    decode_ms: u64,
    texts: Vec<Result<&'static str, DecodeFailure>>,
    running: Vec<(u64, JobId, Result<&'static str, DecodeFailure>)>,
    /// What a second voice says, after `decode_ms`; it fails where this is empty.
    finished: Vec<f32>,
    asked: Vec<(u64, JobId)>,
    log: Vec<String>,
    orders: Vec<DecodeOrder>,
    heard: Vec<Utterance>,
}

const VOICE: i16 = 2_000;

impl Scene {
    fn new(mode: ListenMode, texts: &[&'static str]) -> Self {
        // Texts so far have a test of their own.
        let settings = ListenerSettings { partial_every_ms: 0, ..ListenerSettings::default() };
        Self::with(settings, mode, texts)
    }

    fn with(settings: ListenerSettings, mode: ListenMode, texts: &[&'static str]) -> Self {
        let mut listener = Listener::with_detector(settings, Arc::new(judge), Box::new(Scripted));
        listener.set_mode(Listening::to(mode, Language::english()));
        Self {
            listener,
            now: 0,
            decode_ms: 100,
            texts: texts.iter().map(|text| Ok(*text)).collect(),
            running: Vec::new(),
            finished: Vec::new(),
            asked: Vec::new(),
            log: Vec::new(),
            orders: Vec::new(),
            heard: Vec::new(),
        }
    }

    fn sound(&mut self, ms: u64, sample: i16) -> &mut Self {
        let frame: [i16; 320] =
            std::array::from_fn(|at| if at / 8 % 2 == 0 { sample } else { -sample });
        for _ in 0..ms / 20 {
            self.now += 20;
            self.decodes();
            self.listener.push_frame(Moment(self.now), &frame, 16_000);
            self.outputs();
        }
        self
    }

    fn voice(&mut self, ms: u64) -> &mut Self {
        self.sound(ms, VOICE)
    }

    fn pause(&mut self, ms: u64) -> &mut Self {
        self.sound(ms, 0)
    }

    /// Time without frames.
    fn gap(&mut self, ms: u64) -> &mut Self {
        for _ in 0..ms / 20 {
            self.now += 20;
            self.decodes();
            if self.listener.poll_timeout().is_some_and(|at| at <= Moment(self.now)) {
                self.listener.handle_timeout(Moment(self.now));
            }
            self.outputs();
        }
        self
    }

    fn prompt(&mut self, playing: bool) -> &mut Self {
        self.listener.set_prompt_playing(playing);
        self
    }

    fn decodes(&mut self) {
        let now = self.now;
        let answered: Vec<_> = self.asked.extract_if(.., |(at, _)| *at <= now).collect();
        for (_, job) in answered {
            let answer = match self.finished.is_empty() {
                true => Err(DecodeFailure::Shed),
                false => Ok(Transcript {
                    finished: Some(self.finished.remove(0)),
                    ..Transcript::default()
                }),
            };
            self.listener.handle_decoded(Moment(now), job, answer);
            self.outputs();
        }
        let done: Vec<_> = self.running.extract_if(.., |(at, ..)| *at <= now).collect();
        for (_, job, text) in done {
            let transcript = text.map(|text| Transcript {
                text: text.to_owned(),
                confidence: 0.9,
                mean_logprob: -0.1,
                ..Transcript::default()
            });
            self.listener.handle_decoded(Moment(now), job, transcript);
            self.outputs();
        }
    }

    fn outputs(&mut self) {
        while let Some(output) = self.listener.poll_output() {
            let now = self.now;
            self.log.push(match output {
                Output::SpeechSuspected => format!("{now} suspected"),
                Output::SpeechDismissed => format!("{now} dismissed"),
                Output::SoFar { text } => format!("{now} so far {text}"),
                Output::SpeechBegan => format!("{now} began"),
                Output::WordsLate => format!("{now} late"),
                Output::StartDecode(order) if order.hint.end_of_turn => {
                    self.asked.push((now + self.decode_ms, order.job));
                    let line = format!("{now} finished? {}", order.class.name());
                    self.orders.push(order);
                    line
                }
                Output::StartDecode(order) => {
                    let text = if self.texts.is_empty() { Ok("?") } else { self.texts.remove(0) };
                    self.running.push((now + self.decode_ms, order.job, text));
                    let line = format!("{now} decode {}", order.class.name());
                    self.orders.push(order);
                    line
                }
                Output::Raise { .. } => format!("{now} raise"),
                Output::Cancel { job } => {
                    self.running.retain(|(_, running, _)| *running != job);
                    self.asked.retain(|(_, asked)| *asked != job);
                    format!("{now} cancel")
                }
                Output::Heard(utterance) => {
                    let line = format!("{now} heard {}", utterance.text);
                    self.heard.push(*utterance);
                    line
                }
                Output::HeardNothing => format!("{now} nothing"),
                Output::SpeechUnavailable => format!("{now} unavailable"),
            });
        }
    }

    fn check(&self, expect: &[&str]) {
        assert_eq!(self.log, expect);
    }
}

use ListenMode::{Conversation, Digits, KeysOnly, Turn as Dialogue};

#[test]
fn a_complete_answer_ends_its_turn_after_200_ms() {
    let mut scene = Scene::new(Dialogue, &["What are your opening hours?"]);
    scene.pause(400).voice(1_000).pause(600);
    scene.check(&[
        "700 began",
        "1480 decode caller_speculative",
        "1600 heard What are your opening hours?",
    ]);
    let utterance = &scene.heard[0];
    assert_eq!((utterance.began, utterance.ended), (Moment(400), Moment(1_400)));
    assert_eq!((utterance.voiced_ms, utterance.decode_ms), (1_000, 180));
    assert!((utterance.level_dbfs + 24.3).abs() < 0.1, "{}", utterance.level_dbfs);
}

#[test]
fn time_of_speaking_leaves_out_pauses_but_not_gaps_within_words() {
    let mut scene = Scene::new(Conversation, &["My number is four two."]);
    scene.pause(400).voice(300).pause(100).voice(300).pause(400).voice(200).pause(1_000);
    let utterance = &scene.heard[0];
    assert_eq!((utterance.began, utterance.ended), (Moment(400), Moment(1_700)));
    // 300 and 100 and 300, and 200 after the pause; the end of a sound may fall into a frame more.
    assert!((900..=940).contains(&utterance.voiced_ms), "{} ms", utterance.voiced_ms);
}

#[test]
fn the_turn_waits_for_a_slow_decode_and_ends_with_it() {
    let mut scene = Scene::new(Dialogue, &["Yes."]);
    scene.decode_ms = 500;
    scene.voice(400).pause(800);
    scene.check(&["300 began", "480 decode caller_speculative", "600 raise", "980 heard Yes."]);
}

#[test]
fn open_and_unfinished_texts_get_more_time() {
    let mut scene = Scene::new(Dialogue, &["Something else!", "I want to, um…"]);
    scene.voice(400).pause(1_200).voice(400).pause(1_800);
    scene.check(&[
        "300 began",
        "480 decode caller_speculative",
        "1100 heard Something else!",
        "1900 began",
        "2080 decode caller_speculative",
        "3500 heard I want to, um…",
    ]);
}

#[test]
fn speech_that_goes_on_throws_the_text_away_and_nothing_is_said_twice() {
    let mut scene = Scene::new(Dialogue, &["My number is four two…", "Four two one seven."]);
    scene.voice(600).pause(500).voice(600).pause(600);
    scene.check(&[
        "300 began",
        "680 decode caller_speculative",
        "1780 decode caller_speculative",
        "1900 heard Four two one seven.",
    ]);
    let [first, second] = &scene.orders[..] else { panic!("two decodes") };
    assert!(second.samples.starts_with(&first.samples), "the second has all of the first");
}

#[test]
fn a_decode_that_runs_when_speech_goes_on_is_cancelled() {
    let mut scene = Scene::new(Dialogue, &["half", "whole"]);
    scene.decode_ms = 300;
    scene.voice(600).pause(160).voice(600).pause(800);
    scene.check(&[
        "300 began",
        "680 decode caller_speculative",
        "820 cancel",
        "1440 decode caller_speculative",
        "1560 raise",
        "1740 heard whole",
    ]);
}

#[test]
fn a_click_in_the_pause_does_not_throw_the_text_away() {
    let mut scene = Scene::new(Dialogue, &["Yes please…"]);
    scene.voice(600).pause(300).voice(40).pause(1_400);
    scene.check(&["300 began", "680 decode caller_speculative", "2100 heard Yes please…"]);
}

#[test]
fn the_first_word_has_its_pre_roll() {
    let mut scene = Scene::new(Dialogue, &["Hello."]);
    scene.pause(1_000).voice(400).pause(400);
    let samples = &scene.orders[0].samples;
    let before = samples.iter().take_while(|sample| **sample == 0).count();
    assert_eq!(before, 300 * 16);
    assert_eq!(samples.len(), (300 + 400 + 80) * 16);
}

#[test]
fn the_next_turn_has_nothing_of_the_one_before() {
    let mut scene = Scene::new(Dialogue, &["One.", "Two."]);
    scene.voice(400).pause(260).voice(400).pause(400);
    assert_eq!(scene.heard.len(), 2);
    let samples = &scene.orders[1].samples;
    assert_eq!(samples.iter().take_while(|sample| **sample == 0).count(), 260 * 16);
}

#[test]
fn digits_may_come_in_groups() {
    let mut scene = Scene::new(Digits, &["four two…", "four two one…", "four two one seven"]);
    scene.voice(600).pause(2_400).voice(400).pause(1_000).voice(400).pause(800);
    assert_eq!(scene.heard.len(), 1);
    assert_eq!(scene.heard[0].text, "four two one seven");
    assert_eq!(scene.log.last().unwrap(), "5200 heard four two one seven");
    assert!(scene.orders.iter().all(|order| order.hint.digits));
}

#[test]
fn digits_that_stop_end_after_the_gap() {
    let mut scene = Scene::new(Digits, &["four two…"]);
    scene.voice(600).pause(3_000);
    assert_eq!(scene.log.last().unwrap(), "3100 heard four two…");
}

#[test]
fn a_bridged_conversation_is_cut_at_pauses_with_low_priority() {
    let mut scene = Scene::new(Conversation, &["Hello", "world"]);
    scene.voice(600).pause(500).voice(300).pause(900).voice(300).pause(900);
    scene.check(&[
        "300 began",
        "2100 decode conversation",
        "2200 heard Hello",
        "2600 began",
        "3300 decode conversation",
        "3400 heard world",
    ]);
}

#[test]
fn texts_of_a_conversation_come_in_the_order_in_which_they_were_said() {
    let mut scene = Scene::new(Conversation, &["first", "second"]);
    scene.decode_ms = 3_000;
    scene.voice(400).pause(720);
    scene.decode_ms = 100;
    scene.voice(400).pause(4_000);
    let texts: Vec<&str> = scene.heard.iter().map(|one| one.text.as_str()).collect();
    assert_eq!(texts, ["first", "second"]);
}

#[test]
fn speech_beyond_the_longest_utterance_is_cut_and_goes_on() {
    let mut scene = Scene::new(Dialogue, &["long", "rest"]);
    scene.voice(26_000).pause(600);
    scene.check(&[
        "300 began",
        "25000 decode caller_final",
        "25100 heard long",
        "25300 began",
        "26080 decode caller_speculative",
        "26200 heard rest",
    ]);
    assert_eq!(scene.orders[0].samples.len(), 25_000 * 16);
    assert_eq!(scene.orders[1].samples.len(), 1_080 * 16);
}

#[test]
fn under_pressure_long_speech_is_cut_sooner() {
    let mut scene = Scene::new(Dialogue, &["long", "rest"]);
    scene.listener.set_pressed(true);
    scene.voice(9_000).pause(600);
    assert_eq!(scene.orders[0].samples.len(), 8_000 * 16);
    let texts: Vec<&str> = scene.heard.iter().map(|one| one.text.as_str()).collect();
    assert_eq!(texts, ["long", "rest"]);
}

#[test]
fn clicks_are_no_turn() {
    let mut scene = Scene::new(Dialogue, &[]);
    scene.voice(40).pause(600).voice(20).pause(400).voice(40).pause(2_000);
    scene.check(&[]);
}

#[test]
fn a_short_answer_counts_when_its_words_do() {
    let mut scene = Scene::new(Dialogue, &["No.", ""]);
    scene.voice(100).pause(600).voice(100).pause(2_000);
    scene.check(&[
        "180 decode caller_speculative",
        "300 began",
        "300 heard No.",
        "880 decode caller_speculative",
    ]);
}

/// A judge by a language's tables.
struct Told;

impl CompletenessJudge for Told {
    fn judge(&self, text: &str, listening: &Listening) -> Completeness {
        judge(text, listening)
    }

    fn text_before(&self, language: &Language) -> &str {
        if *language == Language::english() { "How can I help?" } else { "" }
    }
}

#[test]
fn the_recogniser_is_told_what_came_before_but_for_digits() {
    let asked = |mode, language: &str, words: Option<&str>, voice_ms, playing| {
        let mut scene = Scene::new(mode, &["Yes."]);
        let settings = ListenerSettings { partial_every_ms: 0, ..ListenerSettings::default() };
        scene.listener = Listener::with_detector(settings, Arc::new(Told), Box::new(Scripted));
        let language = Language::new(language).expect("a language");
        let prompt = words.map(str::to_owned);
        scene.listener.set_mode(Listening { prompt, ..Listening::to(mode, language) });
        scene.prompt(playing).voice(voice_ms).pause(3_000);
        scene.orders.first().expect("a decode").hint.prompt.clone()
    };
    let prompt = |mode, language, words| asked(mode, language, words, 1_500, false);
    assert_eq!(prompt(Dialogue, "en", None).as_deref(), Some("How can I help?"));
    assert_eq!(asked(Dialogue, "en", None, 1_480, false), None, "a murmur has no words");
    assert_eq!(asked(Dialogue, "en", None, 1_500, true), None, "nor a noise over a prompt");
    let both = prompt(Dialogue, "en", Some("Northwind."));
    assert_eq!(both.as_deref(), Some("How can I help? Northwind."));
    assert_eq!(prompt(Dialogue, "zh", None), None);
    assert_eq!(prompt(Digits, "en", None), None);
}

/// Every frame of silence asks how finished the text is.
#[test]
fn a_text_is_judged_once_for_what_was_asked() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let judge = move |_: &str, _: &Listening| {
        count.fetch_add(1, Ordering::Relaxed);
        Completeness::Unfinished
    };
    let mut scene = Scene::new(Dialogue, &["I want to", "I want to go"]);
    let settings = ListenerSettings { partial_every_ms: 0, ..ListenerSettings::default() };
    let again = Listening::to(Dialogue, Language::english());
    scene.listener = Listener::with_detector(settings, Arc::new(judge), Box::new(Scripted));
    scene.listener.set_mode(again.clone());
    scene.voice(400).pause(600);
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    scene.listener.set_mode(Listening { expecting: Expecting::YesNo, ..again });
    scene.pause(200);
    assert_eq!(asked.load(Ordering::Relaxed), 2, "what was asked has changed");
    scene.voice(400).pause(600);
    assert_eq!(asked.load(Ordering::Relaxed), 3, "a new text");
}

#[test]
fn a_short_answer_that_is_not_believed_is_looked_at_more_closely_once() {
    let mut scene = Scene::new(Dialogue, &["Oh.", "Yep.", "Oh.", "Oh.", "Oh."]);
    scene.voice(120).pause(1_000);
    scene.check(&[
        "200 decode caller_speculative",
        "300 decode caller_speculative",
        "320 raise",
        "400 began",
        "400 heard Yep.",
    ]);
    let [first, second] = &scene.orders[..] else { panic!("two decodes") };
    assert!(!first.hint.closer && second.hint.closer);
    scene.voice(120).pause(1_000);
    assert_eq!((scene.orders.len(), scene.heard.len()), (4, 1), "no third look");
    // While a prompt plays it is a murmur.
    scene.prompt(true).voice(120).pause(1_000);
    assert_eq!((scene.orders.len(), scene.heard.len()), (5, 1));
}

#[test]
fn noise_that_sounded_like_a_voice_was_nothing() {
    let mut scene = Scene::new(Dialogue, &["", "Thank you for watching!"]);
    scene.voice(400).pause(1_000).voice(400).pause(1_000);
    assert_eq!(scene.log.iter().filter(|line| line.ends_with("nothing")).count(), 2);
    assert!(scene.heard.is_empty());
}

#[test]
fn texts_so_far_come_while_somebody_speaks_and_give_way_to_the_final() {
    let settings = ListenerSettings { partial_every_ms: 500, ..ListenerSettings::default() };
    let texts = ["Where is", "Where is my order", "half", "Where is my order, please?"];
    let mut scene = Scene::with(settings, Dialogue, &texts);
    scene.voice(1_580);
    scene.check(&[
        "300 began",
        "500 decode partial",
        "600 so far Where is",
        "1000 decode partial",
        "1100 so far Where is my order",
        "1500 decode partial",
    ]);
    scene.log.clear();
    scene.decode_ms = 60;
    scene.pause(400);
    scene.check(&[
        "1600 so far half",
        "1660 decode caller_speculative",
        "1780 heard Where is my order, please?",
    ]);
}

#[test]
fn our_own_echo_does_not_interrupt_the_prompt() {
    let mut scene = Scene::new(Dialogue, &[]);
    scene.prompt(true);
    let level = |n: u64| 1_500 + 900 * ((n * 7) % 5) as i16;
    for n in 0..200 {
        scene.listener.push_played(&[level(n); 160]);
        // 20 dB down, 100 ms late.
        scene.sound(20, level(n.saturating_sub(5)) / 10);
    }
    scene.check(&[]);
    for n in 0..30 {
        scene.listener.push_played(&[level(n); 160]);
        scene.voice(20);
    }
    assert!(scene.log.iter().any(|line| line.ends_with("began")), "{:?}", scene.log);
}

#[test]
fn without_a_reference_a_faint_voice_does_not_interrupt() {
    let mut scene = Scene::new(Dialogue, &[]);
    scene.prompt(true).sound(1_000, 150).pause(600);
    scene.check(&[]);
    scene.prompt(false).sound(400, 150);
    scene.check(&["1900 began"]);
}

#[test]
fn a_turn_ends_when_frames_stop_coming() {
    let mut scene = Scene::new(Dialogue, &["Yes."]);
    scene.voice(400).gap(1_000);
    assert_eq!(scene.log.last().unwrap(), "600 heard Yes.");
}

#[test]
fn keys_only_hears_nothing_and_forgets_what_was_heard() {
    let mut scene = Scene::new(Dialogue, &["secret"]);
    scene.decode_ms = 1_000;
    scene.voice(400).pause(160);
    scene.listener.set_mode(Listening::to(KeysOnly, Language::english()));
    scene.voice(2_000).pause(2_000);
    assert_eq!(scene.log[2..], ["580 cancel"]);
    assert!(scene.heard.is_empty());
}

#[test]
fn the_end_of_a_recording_ends_the_turn() {
    let mut scene = Scene::new(Conversation, &["Bye then"]);
    scene.voice(400).pause(100);
    scene.listener.finish(Moment(scene.now));
    scene.outputs();
    scene.gap(200);
    assert_eq!(scene.heard.len(), 1);
}
