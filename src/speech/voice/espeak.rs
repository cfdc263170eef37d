//! espeak-ng, the program: phonemes for Piper, and the fallback voice of about a hundred
//! languages. It stays a program of its own; its licence (GPL-3) does not reach ours.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::base::audio::Pcm;
use crate::base::language::Language;

use super::engine::{SynthesisError, Synthesizer};

const PROGRAM: &str = "espeak-ng";
/// espeak-ng's setting for a calm telephone voice (about 155 words a minute).
const RATE: f32 = 140.0;
/// WAV header of espeak's standard output.
const HEADER_BYTES: usize = 44;

/// espeak-ng as a voice.
pub struct Espeak;

impl Synthesizer for Espeak {
    fn name(&self) -> String {
        "espeak-ng".into()
    }

    fn speaks(&self, _language: &Language) -> bool {
        true
    }

    fn synthesize(
        &mut self,
        sentence: &str,
        language: &Language,
        pace: f32,
    ) -> Result<Pcm, SynthesisError> {
        let rate = format!("{:.0}", RATE / pace.clamp(0.5, 2.0));
        let voice = voice(language);
        let wav = run(&["-v", voice, "-s", &rate, "--stdout"], sentence)?;
        let rate_hz = wav
            .get(24..28)
            .map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
            .filter(|rate| (8_000..=48_000).contains(rate));
        let Some(rate_hz) = rate_hz else {
            return Err(fault("its sound has no header"));
        };
        let samples = wav.get(HEADER_BYTES..).unwrap_or_default().chunks_exact(2);
        let samples: Vec<i16> = samples.map(|b| i16::from_le_bytes([b[0], b[1]])).collect();
        Ok(Pcm::new(rate_hz, samples))
    }
}

/// The phonemes of `text` in IPA, a line a clause.
pub fn phonemes(text: &str, voice: &str) -> Result<String, SynthesisError> {
    let out = run(&["-q", "--ipa", "-v", voice], text)?;
    Ok(String::from_utf8_lossy(&out).into_owned())
}

/// espeak-ng's name of a language.
fn voice(language: &Language) -> &str {
    match language.code() {
        "en" => "en-us",
        "zh" => "cmn",
        other => other,
    }
}

/// The text goes in by standard input: never on the command line, where other users see it.
fn run(arguments: &[&str], text: &str) -> Result<Vec<u8>, SynthesisError> {
    let mut child = Command::new(PROGRAM)
        .args(arguments)
        .arg("--stdin")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| fault(error.to_string()))?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(text.as_bytes()).map_err(|error| fault(error.to_string()))?;
    }
    let out = child.wait_with_output().map_err(|error| fault(error.to_string()))?;
    if out.status.success() {
        return Ok(out.stdout);
    }
    Err(fault(out.status.to_string()))
}

fn fault(error: impl Into<String>) -> SynthesisError {
    SynthesisError::Program { program: PROGRAM, error: error.into() }
}
