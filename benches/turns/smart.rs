//! Smart Turn as a second voice beside the text, on human clips: at each pause of a clip the text
//! so far is judged and the model is asked; then waits are chosen by the text alone and by both,
//! and false cut-offs are counted beside the wait after the last word.

use std::f32::consts::TAU;
use std::path::Path;
use std::sync::Arc;

use rten::{Model, NodeId, RunOptions, ThreadPool, ValueOrView};
use rten_tensor::NdTensor;
use rten_tensor::prelude::*;
use warmline::base::audio::Pcm;
use warmline::base::language::Language;
use warmline::base::listen::ListenMode;
use warmline::base::upsample::to_speech_rate;
use warmline::media::g711::{ulaw_decode, ulaw_encode};
use warmline::speech::hear::listener::{Completeness, CompletenessJudge, Listening};
use warmline::speech::hear::transcript::{Hint, StopFlag, Transcriber};
use warmline::speech::hear::vad::{NeuralDetector, VadSettings, VoiceDetector};
use warmline::speech::hear::whisper::Whisper;
use warmline::speech::voice::level::resample;

use crate::sound::{percentile, processor_us, read};

const FRAME: usize = 320;
/// The model hears the last 8 s.
const WINDOW: usize = 8 * 16_000;
const MELS: usize = 80;
const HOP: usize = 160;
const FFT: usize = 400;
const BINS: usize = FFT / 2 + 1;
/// A turn ends after no less; the model is asked then.
const ASKED_AFTER_MS: usize = 200;
/// Pauses put into each clip, beside its own.
const PAUSES_MS: [usize; 6] = [200, 400, 600, 800, 1_000, 1_200];
const ENDLESS_MS: usize = 3_000;

/// The model with what its features need.
pub struct SmartTurn {
    model: Model,
    input: NodeId,
    output: NodeId,
    threads: Arc<ThreadPool>,
    filters: Vec<[f32; BINS]>,
    waves: Vec<(f32, f32)>,
}

impl SmartTurn {
    pub fn load(path: &Path) -> Result<Self, String> {
        let model = Model::load_file(path).map_err(|error| error.to_string())?;
        let node = |name: &str| model.node_id(name).map_err(|error| error.to_string());
        let (input, output) = (node("input_features")?, node("logits")?);
        let threads = Arc::new(ThreadPool::with_num_threads(1));
        let waves = (0..FFT).map(|n| (TAU * n as f32 / FFT as f32).sin_cos()).collect();
        Ok(Self { model, input, output, threads, filters: mel_filters(), waves })
    }

    /// Probability that the speaker has finished, 0 to 1.
    pub fn complete(&self, sound: &[i16]) -> Result<f32, String> {
        let features = NdTensor::from_data([1, MELS, WINDOW / HOP], self.features(sound));
        let inputs: Vec<(NodeId, ValueOrView)> = vec![(self.input, features.into())];
        let options = RunOptions::default().with_thread_pool(Some(self.threads.clone()));
        let out = self.model.run(inputs, &[self.output], Some(options));
        let out = out.map_err(|error| error.to_string())?.into_iter().next();
        let out = out.and_then(|value| value.into_tensor::<f32>()).ok_or("gives no number")?;
        out.iter().next().copied().ok_or_else(|| "gives no number".to_owned())
    }

    /// Whisper's logarithmic mel spectrum of the last 8 s, padded in front, mean 0 and variance 1.
    fn features(&self, sound: &[i16]) -> Vec<f32> {
        let last = &sound[sound.len().saturating_sub(WINDOW)..];
        let mut wave = vec![0f32; WINDOW - last.len()];
        wave.extend(last.iter().map(|sample| f32::from(*sample) / 32_768.0));
        let mean = wave.iter().sum::<f32>() / WINDOW as f32;
        let variance = wave.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / WINDOW as f32;
        let scale = 1.0 / (variance + 1e-7).sqrt();
        let at = |place: isize| {
            let end = WINDOW as isize - 1;
            let place = if place < 0 { -place } else { place };
            let place = if place > end { 2 * end - place } else { place };
            (wave[place as usize] - mean) * scale
        };
        let frames = WINDOW / HOP;
        let mut spectrum = vec![0f32; MELS * frames];
        let mut loudest = f32::MIN;
        for frame in 0..frames {
            let begin = (frame * HOP) as isize - (FFT / 2) as isize;
            let windowed: Vec<f32> = (0..FFT)
                .map(|n| at(begin + n as isize) * (0.5 - 0.5 * (TAU * n as f32 / FFT as f32).cos()))
                .collect();
            let power = self.power(&windowed);
            for (mel, filter) in self.filters.iter().enumerate() {
                let energy: f32 = filter.iter().zip(&power).map(|(a, b)| a * b).sum();
                let value = energy.max(1e-10).log10();
                loudest = loudest.max(value);
                spectrum[mel * frames + frame] = value;
            }
        }
        spectrum.iter().map(|value| (value.max(loudest - 8.0) + 4.0) / 4.0).collect()
    }

    fn power(&self, windowed: &[f32]) -> Vec<f32> {
        let of_bin = |bin: usize| {
            let (mut real, mut imaginary) = (0f32, 0f32);
            for (n, value) in windowed.iter().enumerate() {
                let (sin, cos) = self.waves[bin * n % FFT];
                real += value * cos;
                imaginary += value * sin;
            }
            real * real + imaginary * imaginary
        };
        (0..BINS).map(of_bin).collect()
    }
}

/// Slaney's triangular filters, 0 to 8 kHz.
fn mel_filters() -> Vec<[f32; BINS]> {
    const LINEAR_HZ: f32 = 200.0 / 3.0;
    let step = 6.4f32.ln() / 27.0;
    let hz = |mel: f32| match mel < 15.0 {
        true => mel * LINEAR_HZ,
        false => 1_000.0 * ((mel - 15.0) * step).exp(),
    };
    let highest = 15.0 + 8f32.ln() / step;
    let edges: Vec<f32> =
        (0..MELS + 2).map(|n| hz(highest * n as f32 / (MELS + 1) as f32)).collect();
    let filter = |edge: &[f32]| {
        let (low, middle, high) = (edge[0], edge[1], edge[2]);
        std::array::from_fn(|bin| {
            let hz = bin as f32 * 16_000.0 / FFT as f32;
            let rise = (hz - low) / (middle - low);
            let fall = (high - hz) / (high - middle);
            rise.min(fall).max(0.0) * 2.0 / (high - low)
        })
    };
    edges.windows(3).map(filter).collect()
}

/// A place where a speaker is silent: in the middle, or for good.
struct Pause {
    /// How long; [`ENDLESS_MS`] where nothing follows.
    ms: usize,
    text: Completeness,
    complete: f32,
}

impl Pause {
    fn is_last(&self) -> bool {
        self.ms >= ENDLESS_MS
    }
}

/// A clip as a telephone brings it.
fn telephone(path: &Path) -> Option<Vec<i16>> {
    let line = resample(&Pcm::new(16_000, read(path)?), 8_000);
    let coded: Vec<i16> = line.samples.iter().map(|s| ulaw_decode(ulaw_encode(*s))).collect();
    Some(to_speech_rate(&coded, 8_000))
}

/// First and last frame beyond each stretch without a voice of [`ASKED_AFTER_MS`] or more.
fn silences(sound: &[i16]) -> Vec<(usize, usize)> {
    let mut detector = NeuralDetector::new(VadSettings::default());
    let voiced: Vec<bool> = sound.chunks(FRAME).map(|frame| detector.push(frame).voiced).collect();
    let mut found = Vec::new();
    let (mut last, mut seen) = (None, 0);
    for (frame, _) in voiced.iter().enumerate().filter(|(_, voiced)| **voiced) {
        if let Some(before) = last
            && (frame - before - 1) * 20 >= ASKED_AFTER_MS
            && seen * 20 >= 300
        {
            found.push((before + 1, frame));
        }
        (last, seen) = (Some(frame), seen + 1);
    }
    found.extend(last.filter(|_| seen * 20 >= 300).map(|before| (before + 1, usize::MAX)));
    found
}

/// Counts false cut-offs of text alone and of text and model, at several waits.
pub fn second_voice(
    whisper: &mut Whisper,
    judge: &Arc<dyn CompletenessJudge>,
    speech: &Path,
    model: &Path,
) {
    let smart = match SmartTurn::load(model) {
        Ok(smart) => smart,
        Err(error) => return println!("turns: Smart Turn skipped, {error}"),
    };
    let mut files: Vec<_> =
        std::fs::read_dir(speech.join("commands")).into_iter().flatten().collect();
    files.extend(std::fs::read_dir(speech.join("read")).into_iter().flatten());
    let mut paths: Vec<_> = files.into_iter().flatten().map(|file| file.path()).collect();
    paths.push(speech.join("jfk.wav"));
    paths.retain(|path| {
        let name = path.to_string_lossy();
        name.ends_with(".wav") && !name.contains("aishell")
    });
    paths.sort();
    let (mut own, mut put_in, mut looks) = (Vec::new(), Vec::new(), Vec::new());
    for (place, path) in paths.iter().enumerate() {
        let Some(clip) = telephone(path) else { continue };
        let sound = [&clip[..], &vec![0; ENDLESS_MS * 16]].concat();
        own.extend(pauses(whisper, judge, &smart, &sound, &mut looks));
        let (cut, _) = crate::with_pause(&clip, PAUSES_MS[place % PAUSES_MS.len()]);
        put_in.extend(pauses(whisper, judge, &smart, &cut, &mut looks));
    }
    println!(
        "turns: Smart Turn on {} human clips, a look takes p50 {} ms, p95 {} ms",
        paths.len(),
        percentile(&mut looks, 50),
        percentile(&mut looks, 95)
    );
    for (name, pauses) in [("as they were said", own), ("with a pause put in", put_in)] {
        compare(name, &pauses);
    }
}

fn pauses(
    whisper: &mut Whisper,
    judge: &Arc<dyn CompletenessJudge>,
    smart: &SmartTurn,
    sound: &[i16],
    looks: &mut Vec<u64>,
) -> Vec<Pause> {
    let listening = Listening::to(ListenMode::Turn, Language::english());
    let mut found = Vec::new();
    for (from, to) in silences(sound) {
        let heard = &sound[..((from * FRAME) + 80 * 16).min(sound.len())];
        let Ok(text) = whisper.transcribe(heard, &Hint::default(), &StopFlag::default()) else {
            continue;
        };
        let text = judge.judge(&text.text, &listening);
        let begun = processor_us();
        let asked = ((from * FRAME) + ASKED_AFTER_MS * 16).min(sound.len());
        match smart.complete(&sound[..asked]) {
            Ok(complete) => {
                looks.push((processor_us() - begun) / 1_000);
                let ms = to.saturating_sub(from).saturating_mul(20).min(ENDLESS_MS);
                found.push(Pause { ms, text, complete });
            }
            Err(error) => println!("turns: Smart Turn failed: {error}"),
        }
    }
    found
}

/// Prints false cut-offs and the mean wait after the last word, by the text alone and by both.
fn compare(name: &str, pauses: &[Pause]) {
    let last = pauses.iter().filter(|pause| pause.is_last()).count();
    let inner = pauses.len() - last;
    let seen = pauses.iter().filter(|pause| pause.is_last() && pause.complete > 0.5).count();
    let open = pauses.iter().filter(|pause| !pause.is_last() && pause.complete <= 0.5).count();
    println!(
        "turns: clips {name}: {seen} of {last} ends seen as ends, {open} of {inner} pauses as pauses"
    );
    let count = |what: String, wait: &dyn Fn(&Pause) -> usize| {
        let cut = pauses.iter().filter(|one| !one.is_last() && wait(one) < one.ms).count();
        let waits: usize = pauses.iter().filter(|one| one.is_last()).map(wait).sum();
        println!("turns:   {what}: {cut} of {inner} cut off, {} ms", waits / last.max(1));
    };
    for open_ms in [300, 500, 700, 900, 1_100, 1_300] {
        count(format!("text alone, open {open_ms} ms"), &|pause| by_text(pause.text, open_ms));
    }
    for (likely_ms, unlikely_ms) in [(300, 900), (300, 1_300), (500, 1_100), (700, 1_300)] {
        count(format!("both, open {likely_ms} or {unlikely_ms} ms"), &|pause| {
            by_text(pause.text, if pause.complete > 0.5 { likely_ms } else { unlikely_ms })
        });
    }
}

/// The listener's waits, with another one where the text is open.
fn by_text(text: Completeness, open_ms: usize) -> usize {
    match text {
        Completeness::Complete => 200,
        Completeness::Open => open_ms,
        Completeness::Unfinished => 1_500.max(open_ms),
    }
}
