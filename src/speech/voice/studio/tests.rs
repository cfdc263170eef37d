//! Order, cancelling, fallback, cache, own recordings; and the real voice where it is there.

use std::path::Path;
use std::sync::mpsc as std_mpsc;

use super::super::piper::Piper;
use super::*;
use crate::base::audio::level_dbfs;
use crate::base::language::Language;

/// Gives a tone a sentence and tells what it was asked; waits for `go` before each.
struct Told {
    tell: std_mpsc::Sender<String>,
    go: std_mpsc::Receiver<()>,
    fails: bool,
}

impl Synthesizer for Told {
    fn name(&self) -> String {
        "told".into()
    }

    fn speaks(&self, language: &Language) -> bool {
        language.code() == "en"
    }

    fn synthesize(&mut self, text: &str, _: &Language, _: f32) -> Result<Pcm, SynthesisError> {
        let _ = self.tell.send(text.to_owned());
        let _ = self.go.recv();
        if self.fails {
            return Err(SynthesisError::Server("down".into()));
        }
        Ok(Pcm::new(16_000, vec![3_000; 3_200]))
    }
}

fn studio(
    fails: bool,
    folder: &Path,
) -> (Studio, std_mpsc::Receiver<String>, std_mpsc::Sender<()>) {
    let (tell, told) = std_mpsc::channel();
    let (give, go) = std_mpsc::channel();
    let prompts = Some(folder.join("prompts"));
    let settings = Settings { cache: folder.join("cache"), prompts, on_start: None };
    let studio = Studio::start(settings, Box::new(Told { tell, go, fails })).expect("starts");
    (studio, told, give)
}

fn say(text: &str) -> Spoken {
    Spoken::fixed("x", text, Language::english())
}

#[test]
fn live_comes_before_ahead_and_barge_in_stops_the_rest() {
    let folder = tempfile::tempdir().expect("a folder");
    let (studio, told, go) = studio(false, folder.path());
    let first = studio.render(say("One. Two. Three."));
    assert_eq!(told.recv().as_deref(), Ok("One."));
    let _ahead = studio.render_ahead(say("Ahead."));
    let mut live = studio.render(say("Live."));
    drop(first);
    go.send(()).expect("waits");
    assert_eq!(told.recv().as_deref(), Ok("Live."), "the rest of a dropped request is not spoken");
    go.send(()).expect("waits");
    let piece = live.blocking_recv().expect("comes").expect("is sound");
    assert_eq!(piece.text, "Live.");
    assert_eq!(told.recv().as_deref(), Ok("Ahead."));
    go.send(()).expect("waits");
}

#[test]
fn what_was_rendered_once_is_not_rendered_again() {
    let folder = tempfile::tempdir().expect("a folder");
    for round in 0..2 {
        let (studio, told, go) = studio(false, folder.path());
        go.send(()).expect("waits");
        let mut pieces = studio.render(say("Cached."));
        assert!(pieces.blocking_recv().is_some_and(|piece| piece.is_ok()));
        assert!(pieces.blocking_recv().is_none(), "the end closes the channel");
        assert_eq!(told.try_recv().is_ok(), round == 0, "round {round}");
    }
}

#[test]
fn a_failing_engine_is_spoken_for_by_espeak() {
    let folder = tempfile::tempdir().expect("a folder");
    let (studio, _told, go) = studio(true, folder.path());
    go.send(()).expect("waits");
    let piece = studio.render(say("Hello there.")).blocking_recv().expect("comes");
    match piece {
        Ok(piece) => assert!(piece.pcm.duration_ms() > 300),
        Err(error) => assert!(error.contains("espeak-ng"), "only a missing program: {error}"),
    }
    assert!(studio.is_degraded());
}

#[test]
fn an_operators_recording_replaces_the_words() {
    let folder = tempfile::tempdir().expect("a folder");
    let own = folder.path().join("prompts/en");
    std::fs::create_dir_all(&own).expect("is writable");
    let tone = Pcm::new(8_000, vec![5_000; 4_000]);
    super::super::cache::write_wav(&own.join("x.wav"), &tone).expect("is writable");
    let (studio, _told, _go) = studio(false, folder.path());
    let piece = studio.render(say("Never rendered.")).blocking_recv();
    let piece = piece.expect("comes").expect("is sound");
    assert_eq!(piece.text, "Never rendered.");
    assert!(piece.pcm.duration_ms().abs_diff(500) < 10);
}

#[test]
fn the_real_voice_speaks_at_its_level_and_slower_is_longer() {
    let voice = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/en_US-joe-medium.onnx");
    if !voice.exists() {
        println!("the real voice: skipped, models/en_US-joe-medium.onnx is not fetched");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let settings = Settings { cache: folder.path().to_owned(), prompts: None, on_start: None };
    let piper = Piper::load(&voice).expect("loads");
    let studio = Studio::start(settings, Box::new(piper)).expect("starts");
    let render = |slow: bool| {
        let spoken = Spoken { slow, ..say("Thanks for calling, how can I help?") };
        studio.render(spoken).blocking_recv().expect("comes").expect("is sound").pcm
    };
    let (usual, slow) = (render(false), render(true));
    assert!((1_200..4_000).contains(&usual.duration_ms()), "{} ms", usual.duration_ms());
    assert!(slow.duration_ms() > usual.duration_ms() * 11 / 10, "{} ms", slow.duration_ms());
    let level = level_dbfs(&usual.samples);
    assert!((-34.0..-22.0).contains(&level), "{level} dBFS");
    assert!(!studio.is_degraded());
}
