//! The studio: one worker that renders sentences, live ones before those ahead of time.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use crate::base::audio::{Pcm, SPEECH_RATE_HZ};
use crate::base::markup;
use crate::base::spoken::Spoken;

use super::cache::{Cache, read_wav};
use super::engine::{SynthesisError, Synthesizer};
use super::espeak::Espeak;
use super::spoken::Sentence;
use super::{level, spoken};

/// Requests that wait for the worker; one more is refused, and its play fails at once.
const WAITING_MAX: usize = 256;
/// The same for what is rendered ahead of time: all prompts and answers of a large table.
const AHEAD_MAX: usize = 4_096;
/// What waited for so long is stale: its moment in the call is over.
const WAIT_MAX: Duration = Duration::from_secs(20);
/// A voice that fails after so long hung.
const HANG_MIN: Duration = Duration::from_secs(1);
/// After the last voice hung, nothing is tried for so long: only what is rendered is heard.
const SILENT_FOR: Duration = Duration::from_secs(10);
/// How much slower "slower" is.
const SLOW: f32 = 1.4;
/// Silence after each sentence.
const PAUSE_MS: u64 = 180;

/// What the studio works with.
pub struct Settings {
    pub cache: PathBuf,
    /// The operator's own recordings, `LANG/NAME.wav`.
    pub prompts: Option<PathBuf>,
    /// Runs once on the worker's thread, to lower its priority.
    pub on_start: Option<Box<dyn FnOnce() + Send>>,
}

/// One sentence, rendered at 16 kHz.
#[derive(Clone, Debug)]
pub struct Piece {
    pub pcm: Pcm,
    /// The words as they were written: what the transcript shows.
    pub text: String,
    /// Named places of the text that this sentence holds.
    pub marks: Vec<String>,
}

/// Sentences of a request as they are rendered; the end without a fault closes the channel.
pub type Pieces = mpsc::UnboundedReceiver<Result<Piece, String>>;

struct Request {
    what: Spoken,
    out: mpsc::UnboundedSender<Result<Piece, String>>,
    since: Instant,
}

#[derive(Default)]
struct Waiting {
    live: VecDeque<Request>,
    ahead: VecDeque<Request>,
    closed: bool,
}

struct Shared {
    waiting: Mutex<Waiting>,
    wake: Condvar,
    degraded: AtomicBool,
    silent: AtomicBool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A handle to the worker; the worker ends when the last handle is gone.
#[derive(Clone)]
pub struct Studio {
    shared: Arc<Shared>,
    engine: Arc<str>,
    _life: Arc<Life>,
}

struct Life(Arc<Shared>);

impl Drop for Life {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.wake.notify_all();
    }
}

impl Studio {
    /// Starts the worker with `engine`, espeak-ng behind it.
    pub fn start(settings: Settings, engine: Box<dyn Synthesizer>) -> std::io::Result<Studio> {
        let shared = Arc::new(Shared {
            waiting: Mutex::default(),
            wake: Condvar::new(),
            degraded: AtomicBool::new(false),
            silent: AtomicBool::new(false),
        });
        let name: Arc<str> = engine.name().into();
        let worker = shared.clone();
        std::thread::Builder::new().name("voice".into()).spawn(move || {
            let Settings { cache, prompts, on_start } = settings;
            if let Some(on_start) = on_start {
                on_start();
            }
            let cache = Cache::open(&cache);
            let fallback = Box::new(Espeak);
            let silent_until = None;
            Worker { shared: worker, engine, fallback, cache, prompts, silent_until }.run();
        })?;
        Ok(Studio { shared: shared.clone(), engine: name, _life: Arc::new(Life(shared)) })
    }

    /// Renders for a caller who waits: the first sentence comes first. Dropping the receiver
    /// stops the work before its next sentence.
    pub fn render(&self, what: Spoken) -> Pieces {
        self.submit(what, true)
    }

    /// Renders ahead of time, behind everything live.
    pub fn render_ahead(&self, what: Spoken) -> Pieces {
        self.submit(what, false)
    }

    fn submit(&self, what: Spoken, live: bool) -> Pieces {
        let (out, pieces) = mpsc::unbounded_channel();
        let mut waiting = self.shared.lock();
        let (queue, most) = match live {
            true => (&mut waiting.live, WAITING_MAX),
            false => (&mut waiting.ahead, AHEAD_MAX),
        };
        // Who gave up waiting makes room first.
        if queue.len() >= most {
            queue.retain(|request| !request.out.is_closed());
        }
        if queue.len() >= most {
            let _ = out.send(Err("too much waits to be spoken".into()));
            return pieces;
        }
        queue.push_back(Request { what, out, since: Instant::now() });
        drop(waiting);
        self.shared.wake.notify_one();
        pieces
    }

    /// The engine, for `/healthz`.
    pub fn engine(&self) -> &str {
        &self.engine
    }

    /// `true` while no voice works at all, and only what is in the cache is heard.
    pub fn is_silent(&self) -> bool {
        self.shared.silent.load(Ordering::Relaxed)
    }

    /// `true` while the fallback has to speak for the engine.
    pub fn is_degraded(&self) -> bool {
        self.shared.degraded.load(Ordering::Relaxed)
    }
}

struct Worker {
    shared: Arc<Shared>,
    engine: Box<dyn Synthesizer>,
    fallback: Box<dyn Synthesizer>,
    cache: Cache,
    prompts: Option<PathBuf>,
    silent_until: Option<Instant>,
}

impl Worker {
    fn run(&mut self) {
        while let Some(request) = self.next() {
            self.serve(&request);
        }
    }

    fn next(&self) -> Option<Request> {
        let mut waiting = self.shared.lock();
        loop {
            if let Some(request) = waiting.live.pop_front() {
                if request.since.elapsed() <= WAIT_MAX {
                    return Some(request);
                }
                let _ = request.out.send(Err("it waited too long to be spoken".into()));
                continue;
            }
            if let Some(request) = waiting.ahead.pop_front() {
                return Some(request);
            }
            if waiting.closed {
                return None;
            }
            waiting = self.shared.wake.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn serve(&mut self, request: &Request) {
        if let Some(pcm) = self.own_recording(&request.what) {
            let text = markup::plain(&request.what.text);
            let _ = request.out.send(Ok(Piece { pcm, text, marks: Vec::new() }));
            return;
        }
        let sentences = spoken::sentences(&request.what.text, &request.what.language);
        for sentence in sentences {
            if request.out.is_closed() {
                return;
            }
            let rendered = self.sentence(&request.what, &sentence);
            let failed = rendered.is_err();
            let piece = rendered
                .map(|pcm| {
                    let pcm = level::with_gain(&pcm, sentence.gain_db, sentence.pause_ms);
                    Piece { pcm, text: sentence.written, marks: sentence.marks }
                })
                .map_err(|error| error.to_string());
            let _ = request.out.send(piece);
            if failed {
                return;
            }
        }
    }

    /// The operator's WAV for this prompt, if there is one that can be read.
    fn own_recording(&self, what: &Spoken) -> Option<Pcm> {
        let (folder, name) = (self.prompts.as_ref()?, what.prompt.as_ref()?);
        let file = folder.join(what.language.code()).join(format!("{name}.wav"));
        let source = std::fs::File::open(&file).ok()?;
        match read_wav(std::io::BufReader::new(source)) {
            Ok(pcm) => Some(level::normalise(&level::resample(&pcm, SPEECH_RATE_HZ))),
            Err(error) => {
                tracing::warn!(file = %file.display(), %error, "a prompt's WAV cannot be used");
                None
            }
        }
    }

    fn sentence(&mut self, what: &Spoken, sentence: &Sentence) -> Result<Pcm, SynthesisError> {
        let usual = if what.slow { SLOW } else { 1.0 };
        let pace = usual * sentence.pace;
        let (language, words) = (&sentence.language, sentence.spoken.as_str());
        let own = self.engine.speaks(language);
        let engine = if own { self.engine.name() } else { self.fallback.name() };
        let key = Cache::key(&engine, language.code(), pace, words);
        if let Some(pcm) = self.cache.get(&key) {
            return Ok(pcm);
        }
        let (pcm, by_engine) = self.synthesize(sentence, pace, own)?;
        let pcm = level::normalise(&level::resample(&trimmed(&pcm), SPEECH_RATE_HZ));
        let pcm = with_pause(&pcm);
        // What the fallback said in the engine's place is not kept under the engine's name.
        if own == by_engine {
            self.cache.put(&key, &pcm, what.fixed);
        }
        Ok(pcm)
    }

    /// By the engine if it speaks the language, else or if it fails by the fallback. `true` if it
    /// was the engine.
    fn synthesize(
        &mut self,
        sentence: &Sentence,
        pace: f32,
        own: bool,
    ) -> Result<(Pcm, bool), SynthesisError> {
        if self.silent_until.is_some_and(|until| Instant::now() < until) {
            return Err(SynthesisError::Silent);
        }
        let (language, words) = (&sentence.language, sentence.spoken.as_str());
        let began = Instant::now();
        let degraded = &self.shared.degraded;
        if own {
            match self.engine.synthesize(words, language, pace) {
                Ok(pcm) => {
                    if degraded.swap(false, Ordering::Relaxed) {
                        tracing::info!("the voice speaks again");
                    }
                    self.sounds();
                    return Ok((pcm, true));
                }
                Err(error) if !degraded.swap(true, Ordering::Relaxed) => {
                    tracing::warn!(%error, "the voice fails: espeak-ng speaks instead");
                }
                Err(_) => {}
            }
        }
        match self.fallback.synthesize(words, language, pace) {
            Ok(pcm) => {
                self.sounds();
                Ok((pcm, false))
            }
            Err(error) => {
                if !self.shared.silent.swap(true, Ordering::Relaxed) {
                    tracing::error!(%error, "no voice works: only rendered prompts are heard");
                }
                if began.elapsed() >= HANG_MIN {
                    self.silent_until = Some(Instant::now() + SILENT_FOR);
                }
                Err(error)
            }
        }
    }

    fn sounds(&mut self) {
        self.silent_until = None;
        self.shared.silent.store(false, Ordering::Relaxed);
    }
}

/// Drops silence before and after the words.
fn trimmed(pcm: &Pcm) -> Pcm {
    const QUIET: u16 = 150;
    let loud = |sample: &i16| sample.unsigned_abs() > QUIET;
    let margin = pcm.rate_hz as usize / 50;
    let first = pcm.samples.iter().position(loud).unwrap_or(0).saturating_sub(margin);
    let last = pcm.samples.iter().rposition(loud).map_or(0, |at| at + margin);
    let last = last.min(pcm.samples.len());
    Pcm::new(pcm.rate_hz, pcm.samples.get(first..last).unwrap_or_default().to_vec())
}

fn with_pause(pcm: &Pcm) -> Pcm {
    let mut samples = pcm.samples.to_vec();
    let pause = pcm.rate_hz as u64 * PAUSE_MS / 1_000;
    samples.extend(std::iter::repeat_n(0, pause as usize));
    Pcm::new(pcm.rate_hz, samples)
}

#[cfg(test)]
mod tests;
