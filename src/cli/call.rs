//! `warmline call SIP-URI`: a simulated caller places a real call, speaks, listens, and judges
//! what it hears.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;

use crate::base::audio::{Pcm, TELEPHONE_RATE_HZ};
use crate::base::key::Key;
use crate::config::settings::Voice;
use crate::media::wav;
use crate::runtime::peer::{Capture, Peer, PeerCall};
use crate::runtime::speech;
use crate::speech::hear::file::{FileHearing, transcribe};
use crate::speech::hear::whisper::WhisperSettings;
use crate::speech::voice::Synthesizer;
use crate::speech::voice::caller::{CallerVoice, Noise};

/// The other side has finished when it was quiet for this long.
const QUIET: Duration = Duration::from_millis(1_100);

#[derive(Args)]
#[command(
    after_help = "Example: warmline call sip:help@127.0.0.1:5060 --say \"When are you open?\" \
                        --expect open"
)]
pub struct CallArgs {
    /// Whom to call, such as sip:help@127.0.0.1:5060.
    uri: String,
    /// What the caller says first.
    #[arg(long)]
    say: Option<String>,
    /// What the caller says in the next turn; may be given several times.
    #[arg(long, conflicts_with = "wav")]
    then: Vec<String>,
    /// A recording instead of a voice.
    #[arg(long, conflicts_with = "say")]
    wav: Option<PathBuf>,
    /// Keys to press after the greeting, before anything is said, such as 0 or *7.
    #[arg(long, value_parser = keys)]
    key: Option<Keys>,
    /// A word or phrase that must be heard (several: all of them); otherwise the status is 1.
    #[arg(long)]
    expect: Vec<String>,
    /// How long to listen after the last words, seconds.
    #[arg(long, default_value_t = 12)]
    listen_s: u64,
    /// The other side has finished answering when it was quiet for so long, seconds (0.2 to 20).
    #[arg(long, default_value = "1.1", value_parser = quiet)]
    quiet_s: Duration,
    /// Pitch in cents, −350 to 500.
    #[arg(long, default_value_t = 0.0, allow_hyphen_values = true, value_parser = pitch)]
    pitch: f32,
    /// Pace, 0.72 (fast) to 2.5 (slow).
    #[arg(long, default_value_t = 1.0, value_parser = pace)]
    pace: f32,
    /// Noise in the line: decibels of speech over it, −20 to 60.
    #[arg(long, allow_hyphen_values = true, value_parser = snr)]
    snr: Option<f32>,
    /// What the noise is: car, hiss, hum or babble.
    #[arg(long, default_value = "car", requires = "snr", value_parser = noise)]
    noise: Noise,
    /// One JSON object a turn.
    #[arg(long)]
    json: bool,
    /// Write what was heard to this WAV.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Write both sides to this WAV on one clock: said left, heard right.
    #[arg(long)]
    capture: Option<PathBuf>,
}

fn pitch(text: &str) -> Result<f32, String> {
    number(text, -350.0..=500.0)
}

fn pace(text: &str) -> Result<f32, String> {
    number(text, 0.72..=2.5)
}

fn snr(text: &str) -> Result<f32, String> {
    number(text, -20.0..=60.0)
}

fn quiet(text: &str) -> Result<Duration, String> {
    number(text, 0.2..=20.0).map(Duration::from_secs_f32)
}

fn number(text: &str, range: RangeInclusive<f32>) -> Result<f32, String> {
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| format!("a number from {} to {}", range.start(), range.end()))
}

/// A string of telephone keys.
#[derive(Clone)]
struct Keys(Vec<Key>);

fn keys(text: &str) -> Result<Keys, String> {
    let key = |symbol| Key::new(symbol).ok_or_else(|| format!("{symbol:?} is no key"));
    text.chars().map(key).collect::<Result<_, _>>().map(Keys)
}

fn noise(text: &str) -> Result<Noise, String> {
    match text {
        "car" => Ok(Noise::Car),
        "hiss" => Ok(Noise::Hiss),
        "hum" => Ok(Noise::Hum),
        "babble" => Ok(Noise::Babble),
        _ => Err("car, hiss, hum or babble".into()),
    }
}

pub fn run(args: &CallArgs) -> ExitCode {
    super::log::start("error");
    let sounds = match sounds(args) {
        Ok(sounds) => sounds,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    super::block_on(async {
        match place(args, &sounds).await {
            Ok(heard) => judge(args, &heard),
            Err(error) => {
                eprintln!("{error}");
                ExitCode::from(2)
            }
        }
    })
}

/// What will be said, rendered before the call so that nobody waits for it.
fn sounds(args: &CallArgs) -> Result<Vec<(String, Pcm)>, String> {
    if let Some(file) = &args.wav {
        let pcm = wav::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
        return Ok(vec![(file.display().to_string(), pcm)]);
    }
    let texts: Vec<&String> = args.say.iter().chain(&args.then).collect();
    if texts.is_empty() {
        return Ok(Vec::new());
    }
    let (mut engine, _) = speech::engine(&Voice::default(), None);
    let voice = CallerVoice {
        pitch_cents: args.pitch,
        length: args.pace,
        snr_db: args.snr,
        noise: args.noise,
    };
    let engine: &mut dyn Synthesizer = engine.as_mut();
    texts
        .into_iter()
        .map(|text| {
            let pcm = voice.speak(engine, text).map_err(|error| error.to_string())?;
            Ok((text.clone(), pcm))
        })
        .collect()
}

async fn place(args: &CallArgs, sounds: &[(String, Pcm)]) -> Result<Pcm, String> {
    let peer = Peer::start().map_err(|error| error.to_string())?;
    let call = peer.dial(&args.uri, "caller", "Simulated caller").await;
    let mut call = call.map_err(|error| error.to_string())?;
    note(args, json!({ "event": "answered" }), "answered");
    call.wait_for_turn(QUIET, Duration::from_secs(25)).await;
    for key in args.key.iter().flat_map(|keys| &keys.0) {
        call.press(*key);
        call.listen(Duration::from_millis(400)).await;
    }
    for (text, sound) in sounds {
        if call.is_over() {
            break;
        }
        turn(args, &mut call, text, sound).await;
    }
    call.listen(Duration::from_secs(if sounds.is_empty() { args.listen_s } else { 0 })).await;
    let ended = if call.is_over() { "the other side hung up" } else { "hung up" };
    note(args, json!({ "event": ended, "length_ms": call.length().as_millis() as u64 }), ended);
    call.hang_up();
    if let Some(file) = &args.capture {
        write_capture(file, call.capture())
            .map_err(|error| format!("{}: {error}", file.display()))?;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    Ok(call.sound())
}

fn write_capture(file: &Path, capture: &Capture) -> Result<(), hound::Error> {
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: TELEPHONE_RATE_HZ,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(file, spec)?;
    for at in 0..capture.said.len().max(capture.heard.len()) {
        for side in [&capture.said, &capture.heard] {
            writer.write_sample(side.get(at).copied().unwrap_or(0))?;
        }
    }
    writer.finalize()
}

/// Speaks, and measures how soon a voice answers.
async fn turn(args: &CallArgs, call: &mut PeerCall, text: &str, sound: &Pcm) {
    call.listen_afresh();
    call.say(&trailing_silence_cut(sound)).await;
    let said = Instant::now();
    call.listen_afresh();
    call.wait_for_turn(args.quiet_s, Duration::from_secs(args.listen_s)).await;
    let first = call.first_voice_after(said).map(|after| after.as_millis() as u64);
    let shown = match first {
        Some(ms) => format!("said \"{text}\"; first sound after {ms} ms"),
        None => format!("said \"{text}\"; no answer"),
    };
    note(args, json!({ "event": "said", "text": text, "first_audio_ms": first }), &shown);
}

/// Ends the sound where the voice ends, so that the answer's delay counts from there.
fn trailing_silence_cut(sound: &Pcm) -> Pcm {
    let last = sound.samples.iter().rposition(|sample| sample.unsigned_abs() > 300);
    let end = last.map_or(sound.samples.len(), |at| at + 1);
    Pcm::new(sound.rate_hz, sound.samples.get(..end).unwrap_or_default().to_vec())
}

fn note(args: &CallArgs, line: serde_json::Value, shown: &str) {
    if args.json {
        println!("{line}");
    } else {
        println!("{shown}");
    }
}

/// Transcribes what was heard and looks for what was expected.
fn judge(args: &CallArgs, heard: &Pcm) -> ExitCode {
    if let Some(out) = &args.out
        && let Err(error) = wav::write(out, heard)
    {
        eprintln!("{}: {error}", out.display());
    }
    let whisper = speech::whisper("base-q8_0", None).and_then(|model| {
        model.transcriber(WhisperSettings::default()).map_err(|error| error.to_string())
    });
    let mut whisper = match whisper {
        Ok(whisper) => whisper,
        Err(error) => {
            eprintln!("cannot transcribe what was heard: {error}");
            return if args.expect.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(2) };
        }
    };
    let lines = transcribe(&heard.samples, heard.rate_hz, FileHearing::default(), &mut whisper);
    let lines = lines.unwrap_or_default();
    for line in &lines {
        let shown = format!("{}  heard  {}", line.began.clock(), line.text);
        note(args, json!({ "event": "heard", "text": line.text, "at_ms": line.began.0 }), &shown);
    }
    let text: String = lines.iter().map(|line| line.text.to_lowercase() + " ").collect();
    let missing: Vec<&String> =
        args.expect.iter().filter(|wanted| !text.contains(&wanted.to_lowercase())).collect();
    for wanted in &missing {
        eprintln!("expected to hear {wanted:?}, and did not");
    }
    if missing.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
