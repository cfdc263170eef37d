//! `warmline transcribe FILE.wav…`: text, timing, intent and stress of recordings.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use crate::base::language::Language;
use crate::media::wav;
use crate::runtime::speech;
use crate::speech::hear::file::{FileHearing, transcribe};
use crate::speech::hear::transcript::Transcriber;
use crate::speech::hear::whisper::WhisperSettings;
use crate::understanding::outcome::Expecting;
use crate::understanding::{Memory, Tables, Understander};

#[derive(Args)]
#[command(after_help = "Example: warmline transcribe --json call.wav")]
pub struct TranscribeArgs {
    /// WAV files.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// One JSON object an utterance.
    #[arg(long)]
    json: bool,
    /// A recogniser of `warmline models list`, or auto.
    #[arg(long, default_value = "base-q8_0")]
    model: String,
    /// The language that is spoken in them, such as en or zh.
    #[arg(long, default_value = "en", value_parser = language)]
    language: Language,
}

fn language(code: &str) -> Result<Language, String> {
    Language::new(code).ok_or_else(|| "expected two letters, as in \"en\"".to_owned())
}

pub fn run(args: &TranscribeArgs) -> ExitCode {
    super::log::start("warn");
    let loaded = speech::whisper(&args.model, None).and_then(|model| {
        model.transcriber(WhisperSettings::default()).map_err(|error| error.to_string())
    });
    let mut whisper = match loaded {
        Ok(whisper) => whisper,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    let understander = Understander::new(Tables::embedded());
    let mut failed = false;
    for file in &args.files {
        if let Err(error) = one(file, args, &mut whisper, &understander) {
            failed = true;
            eprintln!("{}: {error}", file.display());
        }
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn one(
    file: &Path,
    args: &TranscribeArgs,
    whisper: &mut dyn Transcriber,
    understander: &Understander,
) -> Result<(), String> {
    let pcm = wav::read(file).map_err(|error| error.to_string())?;
    let hearing = FileHearing { language: args.language.clone(), ..FileHearing::default() };
    let utterances = transcribe(&pcm.samples, pcm.rate_hz, hearing, whisper)
        .map_err(|error| error.to_string())?;
    let mut memory = Memory::new(jiff::Zoned::now().date());
    for utterance in utterances {
        let heard = understander.understand(&utterance, &mut memory, &Expecting::Anything);
        let intent = heard.intent.as_ref().map(|intent| intent.intent.to_string());
        if args.json {
            let line = json!({
                "file": file.display().to_string(), "text": utterance.text,
                "began_ms": utterance.began.0, "ended_ms": utterance.ended.0,
                "confidence": utterance.confidence, "words": utterance.words,
                "intent": intent, "stress": heard.stress.score,
                "syllables_per_s": heard.stress.syllables_per_s,
            });
            println!("{line}");
        } else {
            println!(
                "{}–{}  {}  [{}, stress {:.2}]",
                utterance.began.clock(),
                utterance.ended.clock(),
                utterance.text,
                intent.as_deref().unwrap_or("no intent"),
                heard.stress.score
            );
        }
    }
    Ok(())
}
