//! `warmline say "…" --out FILE`: hear the voice.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::base::audio::Pcm;
use crate::base::language::Language;
use crate::base::markup;
use crate::base::spoken::Spoken;
use crate::config::settings::{Voice, VoiceEngine};
use crate::models::Catalogue;
use crate::models::manifest::Kind;
use crate::runtime::speech;
use crate::speech::voice::cache::write_wav;
use crate::speech::voice::level;

#[derive(Args)]
#[command(after_help = "Example: warmline say \"Your order is on its way.\" --out order.wav")]
pub struct SayArgs {
    /// The text, in quotes; it may hold markup such as <digits>4217</digits>.
    text: String,
    /// The WAV to write.
    #[arg(long)]
    out: PathBuf,
    /// The language of the text, such as en or zh.
    #[arg(long, default_value = "en")]
    language: String,
    /// A voice of `warmline models list`, or espeak-ng [default: en_US-joe-medium].
    #[arg(long)]
    voice: Option<String>,
    /// Speak slower, as callers who ask for it hear it.
    #[arg(long)]
    slow: bool,
    /// Pace, 0.5 (twice as fast) to 2.0 (half as fast).
    #[arg(long, default_value_t = 1.0)]
    pace: f32,
    /// Samples a second, 8000 to 48000.
    #[arg(long, default_value_t = 16_000)]
    rate: u32,
}

pub fn run(args: &SayArgs) -> ExitCode {
    super::log::start("warn");
    match say(args) {
        Ok(pcm) => {
            println!("{}: {} ms", args.out.display(), pcm.duration_ms());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn say(args: &SayArgs) -> Result<Pcm, String> {
    if !(8_000..=48_000).contains(&args.rate) {
        return Err(format!("--rate {}: 8000 to 48000", args.rate));
    }
    let language = Language::new(&args.language)
        .ok_or_else(|| format!("{:?} is no language code such as \"en\"", args.language))?;
    if !(0.5..=2.0).contains(&args.pace) {
        return Err(format!("--pace {}: 0.5 to 2.0", args.pace));
    }
    markup::parse(&args.text).map_err(|error| format!("the text's markup: {error}"))?;
    let cache = std::env::temp_dir().join("warmline-voice");
    let usual = Voice::default();
    let voice = match args.voice.as_deref() {
        None => Voice { cache, ..usual },
        Some("espeak-ng") => Voice { engine: VoiceEngine::Espeak, cache, ..usual },
        Some(model) => {
            // Asked for by name: another voice in its place would be a lie.
            speech::files_of(model, None)?;
            let catalogue = Catalogue::embedded().map_err(|problems| problems.to_string())?;
            if catalogue.find(model).is_none_or(|model| model.kind != Kind::Voice) {
                return Err(format!("{model} is no voice; see warmline models list"));
            }
            Voice { model: model.to_owned(), cache, ..usual }
        }
    };
    let studio = speech::studio(&voice, None, None).map_err(|error| error.to_string())?;
    let what = Spoken {
        prompt: None,
        text: format!("<prosody rate=\"{:.0}%\">{}</prosody>", 100.0 / args.pace, args.text),
        language,
        fixed: false,
        slow: args.slow,
        barge_in: true,
    };
    let mut pieces = studio.render(what);
    let (mut samples, mut rate_hz) = (Vec::new(), 16_000);
    while let Some(piece) = pieces.blocking_recv() {
        let piece = piece?;
        rate_hz = piece.pcm.rate_hz;
        samples.extend_from_slice(&piece.pcm.samples);
    }
    if samples.is_empty() {
        return Err("there is nothing to say in this text".into());
    }
    let pcm = level::resample(&Pcm::new(rate_hz, samples), args.rate);
    write_wav(&args.out, &pcm).map_err(|error| format!("{}: {error}", args.out.display()))?;
    Ok(pcm)
}
