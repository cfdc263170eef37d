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
    /// Time with a voice, as the listener counted it.
    pub voiced_ms: u64,
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
        let kinds = [Noise::Car, Noise::Hiss, Noise::Hum, Noise::Babble];
        let mut voice = CallerVoice {
            pitch_cents: [0.0, 250.0, -200.0, 400.0, 100.0][number % 5],
            length: [1.0, 0.8, 1.2, 0.9, 1.35, 0.75, 1.1][number % 7],
            snr_db: None,
            noise: kinds[number % kinds.len()],
        };
        let clean = voice.speak(&mut self.voice, text).ok()?;
        voice.snr_db = condition.0;
        let sent = match condition.0 {
            Some(snr_db) => with_noise(&clean, voice.noise, snr_db),
            None => clean.clone(),
        };
        let line: Vec<i16> = sent.samples.iter().map(|s| ulaw_decode(ulaw_encode(*s))).collect();
        let silence = vec![0; 12_000];
        let sound = [&silence[..4_000], &line, &silence].concat();
        let heard = transcribe(&sound, 8_000, FileHearing::default(), &mut self.ears).ok()?;
        Some(Heard {
            text: heard.iter().map(|one| one.text.as_str()).collect::<Vec<_>>().join(" "),
            voiced_ms: heard.iter().map(|one| one.voiced_ms).sum(),
            true_ms: loud_ms(&clean),
        })
    }
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
