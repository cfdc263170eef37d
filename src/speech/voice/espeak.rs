//! espeak-ng, the program: phonemes for Piper, and the fallback voice of about a hundred
//! languages. It stays a program of its own; its licence (GPL-3) does not reach ours.

use std::io::{Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::base::audio::Pcm;
use crate::base::language::Language;

use super::engine::{SynthesisError, Synthesizer};

const PROGRAM: &str = "espeak-ng";
/// espeak-ng's setting for a calm telephone voice (about 155 words a minute).
const RATE: f32 = 140.0;
/// A sentence takes 20 to 40 ms; a program that hangs must not stop the one worker.
const RUN_MAX: Duration = Duration::from_secs(3);
const LOOK_EVERY: Duration = Duration::from_millis(1);
/// Most that is read of one sentence: two minutes at its rate.
const OUT_BYTES_MAX: u64 = 22_050 * 2 * 120;
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

fn run(arguments: &[&str], text: &str) -> Result<Vec<u8>, SynthesisError> {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).arg("--stdin");
    run_within(command, text, RUN_MAX)
}

/// Runs a program that turns `text` into bytes, and ends it after `limit`. The text goes in by
/// standard input: never on the command line, where other users see it.
fn run_within(
    mut command: Command,
    text: &str,
    limit: Duration,
) -> Result<Vec<u8>, SynthesisError> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| fault(error.to_string()))?;
    let (input, output) = (child.stdin.take(), child.stdout.take());
    let (Some(mut input), Some(output)) = (input, output) else {
        let _ = child.kill();
        return Err(fault("it has no pipes"));
    };
    // Both pipes are served apart from the clock: neither can block it.
    let text = text.to_owned();
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let reader = std::thread::spawn(move || {
        let mut out = Vec::new();
        output.take(OUT_BYTES_MAX).read_to_end(&mut out).map(|_| out)
    });
    let status = ended(&mut child, limit);
    let out = reader.join().map_err(|_| fault("its sound cannot be read"));
    let _ = writer.join();
    let status = status?;
    if !status.success() {
        return Err(fault(status.to_string()));
    }
    out?.map_err(|error| fault(error.to_string()))
}

fn ended(child: &mut Child, limit: Duration) -> Result<ExitStatus, SynthesisError> {
    let begun = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status),
            Ok(None) if begun.elapsed() < limit => std::thread::sleep(LOOK_EVERY),
            Ok(None) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(fault(format!("took longer than {} ms", limit.as_millis())));
            }
            Err(error) => return Err(fault(error.to_string())),
        }
    }
}

fn fault(error: impl Into<String>) -> SynthesisError {
    SynthesisError::Program { program: PROGRAM, error: error.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_hangs_is_ended_and_one_that_fails_is_told() {
        let run = |program: &str, arguments: &[&str], ms: u64| {
            let mut command = Command::new(program);
            command.args(arguments);
            run_within(command, "words", Duration::from_millis(ms)).map_err(|e| e.to_string())
        };
        assert_eq!(run("cat", &[], 20_000), Ok(b"words".to_vec()));
        assert!(run("sleep", &["60"], 100).is_err_and(|e| e.contains("longer than 100 ms")));
        assert!(run("false", &[], 20_000).is_err());
        assert!(run("/no/such/program", &[], 20_000).is_err());
    }
}
