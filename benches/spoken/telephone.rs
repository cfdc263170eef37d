//! A simulated caller at one end of a telephone line and the recogniser at the other.

use std::path::Path;

use warmline::base::audio::{Pcm, level_dbfs};
use warmline::media::g711::{ulaw_decode, ulaw_encode};
use warmline::speech::hear::file::{FileHearing, transcribe};
use warmline::speech::hear::whisper::{Whisper, WhisperModel, WhisperSettings};
use warmline::speech::voice::caller::{CallerVoice, Noise, with_noise};
use warmline::speech::voice::piper::Piper;

/// Loud frames are within this of the loudest, dB.
const LOUD_DB: f32 = 30.0;
/// Shorter pauses belong to the speech, milliseconds.
const GAP_MS: u64 = 200;
const FRAME_MS: u64 = 20;
const RATE_HZ: u32 = 8_000;
const NOISES: [Noise; 4] = [Noise::Car, Noise::Hiss, Noise::Hum, Noise::Babble];

/// Speech over noise, dB; none without. The kind of noise changes from sentence to sentence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Condition(Option<f32>);

impl Condition {
    pub const CLEAN: Condition = Condition(None);
    pub const NOISY: Condition = Condition(Some(15.0));
    pub const ALL: [Condition; 4] =
        [Self::CLEAN, Self::NOISY, Condition(Some(10.0)), Condition(Some(5.0))];

    pub fn name(self) -> String {
        match self.0 {
            None => "G.711".to_owned(),
            Some(snr_db) => format!("G.711 and noise at {snr_db} dB"),
        }
    }
}

/// What came out at the other end.
pub struct Heard {
    pub text: String,
    /// Time of speaking, as the listener counted it, and from the first voice to the last.
    pub voiced_ms: u64,
    pub span_ms: u64,
    /// Time in which the clean sound is loud.
    pub true_ms: u64,
}

pub struct Telephone {
    voice: Piper,
    ears: Whisper,
}

impl Telephone {
    pub fn install(models: &Path) -> Result<Self, String> {
        let voice = Piper::load(&models.join("en_US-joe-medium.onnx"));
        let ears = WhisperModel::load(&models.join("ggml-base-q8_0.bin"))
            .map_err(|error| error.to_string())?
            .transcriber(WhisperSettings::default())
            .map_err(|error| error.to_string())?;
        Ok(Self { voice: voice.map_err(|error| error.to_string())?, ears })
    }

    /// Says `text` with the `number`-th caller's voice.
    pub fn say(&mut self, text: &str, number: usize, condition: Condition) -> Option<Heard> {
        let length = [1.0, 0.8, 1.2, 0.9, 1.35, 0.75, 1.1][number % 7];
        let clean = voice_of(number, length).speak(&mut self.voice, text).ok()?;
        self.hear(&clean, number, condition)
    }

    /// The same at so many words a minute, pauses over 200 ms not counted.
    pub fn say_at(
        &mut self,
        text: &str,
        number: usize,
        words_a_minute: f32,
        condition: Condition,
    ) -> Option<Heard> {
        let mut length = 1.0;
        let mut clean = Pcm::new(RATE_HZ, Vec::new());
        // A voice stretches its sounds and not its pauses by the same: the second step mends it.
        for _ in 0..3 {
            clean = voice_of(number, length).speak(&mut self.voice, text).ok()?;
            length *= spoken_words_a_minute(text, loud_ms(&clean)) / words_a_minute;
        }
        self.hear(&clean, number, condition)
    }

    fn hear(&mut self, clean: &Pcm, number: usize, condition: Condition) -> Option<Heard> {
        // Noise is there before the first word and after the last one.
        let silence = vec![0; 12_000];
        let whole = [&silence[..4_000], &clean.samples, &silence].concat();
        let quieter_db = level_dbfs(&clean.samples) - level_dbfs(&whole);
        let whole = Pcm::new(clean.rate_hz, whole);
        let sent = match condition.0 {
            Some(snr_db) => with_noise(&whole, NOISES[number % NOISES.len()], snr_db - quieter_db),
            None => whole,
        };
        let line: Vec<i16> = sent.samples.iter().map(|s| ulaw_decode(ulaw_encode(*s))).collect();
        let heard = transcribe(&line, 8_000, FileHearing::default(), &mut self.ears).ok()?;
        Some(Heard {
            text: heard.iter().map(|one| one.text.as_str()).collect::<Vec<_>>().join(" "),
            voiced_ms: heard.iter().map(|one| one.voiced_ms).sum(),
            span_ms: heard.iter().map(|one| one.ended.since(one.began).as_millis() as u64).sum(),
            true_ms: loud_ms(clean),
        })
    }
}

fn voice_of(number: usize, length: f32) -> CallerVoice {
    CallerVoice {
        pitch_cents: [0.0, 250.0, -200.0, 400.0, 100.0][number % 5],
        length,
        snr_db: None,
        noise: NOISES[number % NOISES.len()],
    }
}

pub fn spoken_words_a_minute(text: &str, ms: u64) -> f32 {
    text.split_whitespace().count() as f32 * 60_000.0 / ms.max(1) as f32
}

/// Time in which `pcm` is loud, short pauses included.
fn loud_ms(pcm: &Pcm) -> u64 {
    let frame = (pcm.rate_hz as u64 * FRAME_MS / 1_000) as usize;
    let levels: Vec<f32> = pcm.samples.chunks(frame).map(level_dbfs).collect();
    let loudest = levels.iter().copied().fold(-96.0, f32::max);
    let (mut total, mut gap, mut begun) = (0, 0, false);
    for level in levels {
        if level > loudest - LOUD_DB {
            total += FRAME_MS + if begun && gap <= GAP_MS { gap } else { 0 };
            (gap, begun) = (0, true);
        } else {
            gap += FRAME_MS;
        }
    }
    total
}
