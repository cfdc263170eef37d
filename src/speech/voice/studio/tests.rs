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

/// Until a Mandarin voice is installed; the installed voice is not even asked.
#[test]
fn a_language_that_the_voice_lacks_is_spoken_by_espeak() {
    let there = std::process::Command::new("espeak-ng").arg("--version").output().is_ok();
    if !there {
        println!("Mandarin by espeak-ng: skipped, the program is not installed");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let (studio, told, _go) = studio(false, folder.path());
    let render = |text: &str| {
        let spoken = Spoken::fixed("x", text, Language::mandarin());
        let piece = studio.render(spoken).blocking_recv().expect("comes");
        piece.expect("is sound").pcm
    };
    let (long, short) = (render("欢迎致电我们，请问有什么可以帮您。"), render("您好。"));
    assert!(level_dbfs(&long.samples) > -40.0);
    assert!(long.duration_ms() > 1_500 && long.duration_ms() < 8_000, "{}", long.duration_ms());
    assert!(short.duration_ms() * 3 < long.duration_ms() * 2, "each sign takes its time");
    assert!(told.try_recv().is_err(), "the English voice was not asked");
    assert!(!studio.is_degraded(), "nothing failed");
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
    let speak = |piper: &mut Piper| piper.synthesize("Hello.", &Language::english(), 1.0);
    let mut other = Piper::load(&voice).expect("loads");
    let (once, again) = (speak(&mut other).expect("speaks"), speak(&mut other).expect("speaks"));
    assert_eq!(once.samples, again.samples, "a sentence sounds the same each time");
    let (usual, slow) = (render(false), render(true));
    assert!((1_200..4_000).contains(&usual.duration_ms()), "{} ms", usual.duration_ms());
    assert!(slow.duration_ms() > usual.duration_ms() * 11 / 10, "{} ms", slow.duration_ms());
    let level = level_dbfs(&usual.samples);
    assert!((-34.0..-22.0).contains(&level), "{level} dBFS");
    assert!(!studio.is_degraded());
}

/// Fails as a program does that hangs: after a while.
struct Hangs;

impl Synthesizer for Hangs {
    fn name(&self) -> String {
        "hangs".into()
    }

    fn speaks(&self, _: &Language) -> bool {
        true
    }

    fn synthesize(&mut self, _: &str, _: &Language, _: f32) -> Result<Pcm, SynthesisError> {
        std::thread::sleep(HANG_MIN);
        Err(SynthesisError::Server("hangs".into()))
    }
}

fn worker(engine: Box<dyn Synthesizer>, folder: &Path) -> Worker {
    let shared = Arc::new(Shared {
        waiting: Mutex::default(),
        wake: Condvar::new(),
        degraded: AtomicBool::new(false),
        silent: AtomicBool::new(false),
    });
    let cache = Cache::open(folder);
    Worker { shared, engine, fallback: Box::new(Hangs), cache, prompts: None, silent_until: None }
}

fn request(text: &str, since: Instant) -> (Request, Pieces) {
    let (out, pieces) = mpsc::unbounded_channel();
    (Request { what: say(text), out, since }, pieces)
}

#[test]
fn when_the_last_voice_hangs_only_what_is_rendered_is_heard() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut worker = worker(Box::new(Hangs), folder.path());
    let key = Cache::key("hangs", "en", 1.0, "Known.");
    worker.cache.put(&key, &Pcm::new(16_000, vec![1; 160]), false);
    let mut hear = |text: &str| {
        let (request, mut pieces) = request(text, Instant::now());
        worker.serve(&request);
        pieces.try_recv().expect("something comes").map_err(|error| error.to_string())
    };
    assert!(hear("First.").is_err_and(|error| error.contains("hangs")));
    // Refused without a try: each would have held the one worker.
    assert!(hear("Second.").is_err_and(|error| error.contains("a moment ago")));
    assert!(hear("Known.").is_ok(), "the cache needs no voice");
    assert!(worker.shared.silent.load(Ordering::Relaxed));
    worker.silent_until = None;
    worker.fallback = Box::new(Tone);
    let (request, mut pieces) = request("Third.", Instant::now());
    worker.serve(&request);
    assert!(pieces.try_recv().is_ok_and(|piece| piece.is_ok()), "it is tried again");
    assert!(!worker.shared.silent.load(Ordering::Relaxed));
}

/// A steady tone for every sentence.
struct Tone;

impl Synthesizer for Tone {
    fn name(&self) -> String {
        "tone".into()
    }

    fn speaks(&self, _: &Language) -> bool {
        true
    }

    fn synthesize(&mut self, _: &str, _: &Language, _: f32) -> Result<Pcm, SynthesisError> {
        let wave = |n: i32| ((n as f32 * 0.2).sin() * 8_000.0) as i16;
        Ok(Pcm::new(16_000, (0..8_000).map(wave).collect::<Vec<_>>()))
    }
}

#[test]
fn what_waited_too_long_is_shed_in_words_and_the_next_is_served() {
    let folder = tempfile::tempdir().expect("a folder");
    let worker = worker(Box::new(Tone), folder.path());
    let long_ago = Instant::now().checked_sub(WAIT_MAX * 2).expect("the machine runs longer");
    let (old, mut old_pieces) = request("Old.", long_ago);
    let (new, _new_pieces) = request("New.", Instant::now());
    worker.shared.lock().live.extend([old, new]);
    assert_eq!(worker.next().map(|request| request.what.text).as_deref(), Some("New."));
    let told = old_pieces.try_recv().expect("is told");
    assert!(told.is_err_and(|error| error.contains("waited too long")));
}

#[test]
fn markup_is_heard_as_level_and_silence() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut worker = worker(Box::new(Tone), folder.path());
    let text = "One.<break time=\"1s\"/><prosody volume=\"-6dB\">Two.</prosody>";
    let (request, mut pieces) = request(text, Instant::now());
    worker.serve(&request);
    let mut next = || pieces.try_recv().expect("comes").expect("is sound");
    let (one, two) = (next(), next());
    assert_eq!((one.text.as_str(), two.text.as_str()), ("One.", "Two."));
    assert_eq!(two.pcm.duration_ms(), one.pcm.duration_ms() + 1_000);
    let (silence, words) = two.pcm.samples.split_at(16_000);
    assert!(silence.iter().all(|sample| *sample == 0));
    let quieter = level_dbfs(&one.pcm.samples) - level_dbfs(words);
    assert!((quieter - 6.0).abs() < 0.2, "{quieter} dB");
}

/// Level of what is loud enough to be speech, dBFS.
fn speech_level(pcm: &Pcm) -> f32 {
    let frames: Vec<f32> = pcm.samples.chunks(320).map(level_dbfs).collect();
    let loudest = frames.iter().copied().fold(-96.0, f32::max);
    let active: Vec<f32> = frames.into_iter().filter(|level| *level > loudest - 30.0).collect();
    let power: f32 = active.iter().map(|db| 10f32.powf(db / 10.0)).sum();
    10.0 * (power / active.len() as f32).log10()
}

/// The real voice as a listener measures it: level, peak, silence at both ends, sound in the
/// telephone's band, and whisper's ears.
#[test]
fn the_real_voice_keeps_its_level_and_is_read_back() {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let (voice, ears) = (models.join("en_US-joe-medium.onnx"), models.join("ggml-base-q8_0.bin"));
    if !voice.exists() || !ears.exists() {
        println!("the real voice: skipped, the default models are not fetched");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let settings = Settings { cache: folder.path().to_owned(), prompts: None, on_start: None };
    let studio =
        Studio::start(settings, Box::new(Piper::load(&voice).expect("loads"))).expect("starts");
    let model = crate::speech::hear::whisper::WhisperModel::load(&ears).expect("loads");
    let mut whisper = model.transcriber(Default::default()).expect("starts");
    for (text, heard) in [
        ("Thanks for calling Northwind. How can I help you today?", "how can i help you today"),
        ("We are open from 9:00 to 17:30 on weekdays.", "on weekdays"),
        ("Please hold the line while I find somebody for you.", "hold the line"),
        ("Order 4217 will arrive on the 3rd of May.", "will arrive on"),
        ("Thank you for calling. Goodbye.", "goodbye"),
    ] {
        let mut pieces = studio.render(say(text));
        let mut samples: Vec<i16> = Vec::new();
        while let Some(piece) = pieces.blocking_recv() {
            let pcm = piece.expect("is sound").pcm;
            let level = speech_level(&pcm);
            assert!((level + 26.0).abs() <= 1.0, "{text}: {level} dBFS");
            let peak = pcm.samples.iter().map(|s| s.unsigned_abs()).max().unwrap_or(0);
            assert!(peak <= 23_198, "{text}: peak {peak}, -3 dBFS is 23,198");
            let loud = |sample: &i16| sample.unsigned_abs() > 60;
            let first = pcm.samples.iter().position(loud).unwrap_or(usize::MAX);
            let last = pcm.samples.iter().rposition(loud).unwrap_or(0);
            assert!(first < 16 * 80, "{text}: begins after {} ms", first / 16);
            let after_ms = (pcm.samples.len() - last) / 16;
            assert!((150..350).contains(&after_ms), "{text}: {after_ms} ms behind");
            samples.extend_from_slice(&pcm.samples);
        }
        let hearing = crate::speech::hear::file::FileHearing::default();
        let said = crate::speech::hear::file::transcribe(&samples, 16_000, hearing, &mut whisper);
        let said: String =
            said.expect("is heard").iter().map(|one| one.text.to_lowercase() + " ").collect();
        assert!(said.contains(heard), "{text:?} is heard as {said:?}");
    }
    assert!(!studio.is_degraded());
}
