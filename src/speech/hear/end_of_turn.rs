//! A second voice on whether a caller has finished: Smart Turn (Daily), which hears how the last
//! words were said. Asked where the text leaves it open; beside the text it cuts fewer callers off
//! at the same wait (benchmark `turns`, part `smart`).
//!
//! In: a turn of mono sound at 16 kHz. Out: the probability that its speaker has finished.

use std::f32::consts::TAU;
use std::path::Path;
use std::sync::Arc;

use rten::{Model, NodeId, RunOptions, ThreadPool, ValueOrView};
use rten_tensor::NdTensor;
use rten_tensor::prelude::*;

use super::transcript::{Hint, StopFlag, TranscribeError, Transcriber, Transcript};

/// The model hears the last 8 s, in samples.
pub const WINDOW: usize = 8 * 16_000;
/// Whisper's spectrum: bands, samples from frame to frame, samples of a frame.
const MELS: usize = 80;
const HOP: usize = 160;
const FFT: usize = 400;
const BINS: usize = FFT / 2 + 1;

/// The loaded model, shared by all who ask.
pub struct EndOfTurn {
    model: Model,
    input: NodeId,
    output: NodeId,
    threads: Arc<ThreadPool>,
    filters: Vec<[f32; BINS]>,
    /// Sine and cosine of each step of a whole turn.
    waves: Vec<(f32, f32)>,
}

impl std::fmt::Debug for EndOfTurn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EndOfTurn")
    }
}

impl EndOfTurn {
    /// Loads the ONNX file at `path`.
    ///
    /// # Errors
    /// A file that is none, or that has other ends than this model.
    pub fn load(path: &Path) -> Result<Self, String> {
        let named = |error: String| format!("{}: {error}", path.display());
        let model = Model::load_file(path).map_err(|error| named(error.to_string()))?;
        let node = |name: &str| model.node_id(name).map_err(|error| named(error.to_string()));
        let (input, output) = (node("input_features")?, node("logits")?);
        let threads = Arc::new(ThreadPool::with_num_threads(1));
        let waves = (0..FFT).map(|n| (TAU * n as f32 / FFT as f32).sin_cos()).collect();
        Ok(Self { model, input, output, threads, filters: mel_filters(), waves })
    }

    /// Probability that the speaker of `sound` has finished, 0 to 1.
    ///
    /// # Errors
    /// What the network's runtime says.
    pub fn finished(&self, sound: &[i16]) -> Result<f32, String> {
        let features = NdTensor::from_data([1, MELS, WINDOW / HOP], self.features(sound));
        let inputs: Vec<(NodeId, ValueOrView)> = vec![(self.input, features.into())];
        let options = RunOptions::default().with_thread_pool(Some(self.threads.clone()));
        let out = self.model.run(inputs, &[self.output], Some(options));
        let out = out.map_err(|error| error.to_string())?.into_iter().next();
        let out = out.and_then(|value| value.into_tensor::<f32>());
        let number = out.and_then(|tensor| tensor.iter().next().copied());
        number.filter(|p| p.is_finite()).ok_or_else(|| "the model gives no number".to_owned())
    }

    /// Whisper's logarithmic mel spectrum of the last 8 s, padded in front, mean 0 and variance 1;
    /// band by band.
    fn features(&self, sound: &[i16]) -> Vec<f32> {
        let last = sound.get(sound.len().saturating_sub(WINDOW)..).unwrap_or_default();
        let padding = WINDOW - last.len();
        let mut wave = vec![0f32; padding];
        wave.extend(last.iter().map(|sample| f32::from(*sample) / 32_768.0));
        let mean = wave.iter().sum::<f32>() / WINDOW as f32;
        let variance = wave.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / WINDOW as f32;
        let scale = 1.0 / (variance + 1e-7).sqrt();
        // Mirrored at both ends.
        let at = |place: usize| {
            let from_begin = place.abs_diff(FFT / 2);
            let place =
                if from_begin >= WINDOW { 2 * (WINDOW - 1) - from_begin } else { from_begin };
            (wave.get(place).copied().unwrap_or(0.0) - mean) * scale
        };
        let frames = WINDOW / HOP;
        let mut spectrum = vec![0f32; MELS * frames];
        let mut loudest = f32::MIN;
        let mut bands = [0f32; MELS];
        for frame in 0..frames {
            // Frames of nothing but padding are all alike.
            let is_padding = frame > 0 && frame * HOP + FFT / 2 < padding;
            if !is_padding {
                let begin = frame * HOP;
                // Hann's window, whose cosine is that of one whole turn.
                let windowed = self.waves.iter().enumerate();
                let windowed = windowed.map(|(n, (_, cos))| at(begin + n) * (0.5 - 0.5 * cos));
                let power = self.power(&windowed.collect::<Vec<f32>>());
                for (band, filter) in bands.iter_mut().zip(&self.filters) {
                    let energy: f32 = filter.iter().zip(&power).map(|(a, b)| a * b).sum();
                    *band = energy.max(1e-10).log10();
                    loudest = loudest.max(*band);
                }
            }
            for (row, band) in spectrum.chunks_exact_mut(frames).zip(&bands) {
                row.iter_mut().skip(frame).take(1).for_each(|value| *value = *band);
            }
        }
        spectrum.iter().map(|value| (value.max(loudest - 8.0) + 4.0) / 4.0).collect()
    }

    fn power(&self, windowed: &[f32]) -> Vec<f32> {
        let of_bin = |bin: usize| {
            let (mut real, mut imaginary) = (0f32, 0f32);
            let mut step = 0;
            for value in windowed {
                let (sin, cos) = self.waves.get(step).copied().unwrap_or_default();
                real += value * cos;
                imaginary += value * sin;
                step = (step + bin) % FFT;
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
    let edge = |n: usize| hz(highest * n as f32 / (MELS + 1) as f32);
    let filter = |n: usize| {
        let (low, middle, high) = (edge(n), edge(n + 1), edge(n + 2));
        std::array::from_fn(|bin| {
            let hz = bin as f32 * 16_000.0 / FFT as f32;
            let rise = (hz - low) / (middle - low);
            let fall = (high - hz) / (high - middle);
            rise.min(fall).max(0.0) * 2.0 / (high - low)
        })
    };
    (0..MELS).map(filter).collect()
}

/// A recogniser that also answers for the second voice.
pub struct WithEndOfTurn<T> {
    pub recogniser: T,
    pub second: Arc<EndOfTurn>,
}

impl<T: Transcriber> Transcriber for WithEndOfTurn<T> {
    fn transcribe(
        &mut self,
        pcm_16k: &[i16],
        hint: &Hint,
        stop: &StopFlag,
    ) -> Result<Transcript, TranscribeError> {
        if !hint.end_of_turn {
            return self.recogniser.transcribe(pcm_16k, hint, stop);
        }
        let finished = self.second.finished(pcm_16k).map_err(TranscribeError::Engine)?;
        Ok(Transcript { finished: Some(finished), ..Transcript::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Says what it was given, and knows no second voice.
    struct Plain;

    impl Transcriber for Plain {
        fn transcribe(
            &mut self,
            pcm_16k: &[i16],
            _hint: &Hint,
            _stop: &StopFlag,
        ) -> Result<Transcript, TranscribeError> {
            Ok(Transcript { text: pcm_16k.len().to_string(), ..Transcript::default() })
        }
    }

    fn installed() -> Option<EndOfTurn> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let file = root.join("models/smart-turn-v3.2-cpu.onnx");
        if !file.is_file() {
            println!("skipped: the model smart-turn-v3.2 is not in models/");
            return None;
        }
        Some(EndOfTurn::load(&file).expect("loads"))
    }

    #[test]
    fn a_human_speech_is_finished_at_its_end_and_often_not_before() {
        let Some(model) = installed() else { return };
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let Ok(mut reader) = hound::WavReader::open(root.join("../shared/data/speech/jfk.wav"))
        else {
            return println!("skipped: ../shared/data/speech is not beside the project");
        };
        let sound: Vec<i16> = reader.samples::<i16>().filter_map(Result::ok).collect();
        let until = |samples: usize| model.finished(&sound[..samples]).expect("answers");
        assert!(until(sound.len()) > 0.5, "{}", until(sound.len()));
        // Cut at every half second, wherever that is in a word or between two.
        let cuts: Vec<f32> = (2..20).map(|half| until(half * 8_000)).collect();
        let open = cuts.iter().filter(|finished| **finished < 0.5).count();
        assert!(open > cuts.len() / 2, "{cuts:?}");
    }

    #[test]
    fn any_length_of_sound_gets_an_answer() {
        let Some(model) = installed() else { return };
        for length in [0, 1, 319, WINDOW - 1, WINDOW, WINDOW + 1, 3 * WINDOW] {
            let sound: Vec<i16> = (0..length).map(|at| (at % 200) as i16 * 100 - 10_000).collect();
            let answer = model.finished(&sound).expect("answers");
            assert!((0.0..=1.0).contains(&answer), "{answer} for {length} samples");
        }
    }

    #[test]
    fn only_who_asks_for_it_gets_the_second_voice() {
        let Some(model) = installed() else { return };
        let mut both = WithEndOfTurn { recogniser: Plain, second: Arc::new(model) };
        let mut ask = |end_of_turn| {
            let hint = Hint { end_of_turn, ..Hint::default() };
            both.transcribe(&[0; 1_600], &hint, &StopFlag::default()).expect("answers")
        };
        assert_eq!((ask(false).text.as_str(), ask(false).finished), ("1600", None));
        assert!(ask(true).finished.is_some() && ask(true).text.is_empty());
    }

    #[test]
    fn another_file_is_no_model() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("smart-turn.onnx");
        for bytes in [&b""[..], b"not a network", &[0x08, 0x0a, 0xff, 0xff, 0xff]] {
            std::fs::write(&file, bytes).expect("is writable");
            let told = EndOfTurn::load(&file).expect_err("is no model");
            assert!(told.contains("smart-turn.onnx"), "{told}");
        }
    }
}
