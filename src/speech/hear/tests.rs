//! Real models on real and simulated callers. Skipped, and said so, where they are absent.

use std::path::PathBuf;

use super::file::{self, FileHearing};
use super::listener::{Completeness, Listener, ListenerSettings, Listening, Output};
use super::model_file::ModelError;
use super::score::{Errors, word_errors};
use super::sounds;
use super::transcript::{Hint, StopFlag, Transcriber, Transcript};
use super::whisper::{Whisper, WhisperModel, WhisperSettings};
use crate::base::audio::level_dbfs;
use crate::base::limits::PRE_ROLL_MS;
use crate::base::listen::ListenMode;
use crate::base::moment::Moment;
use crate::base::upsample::to_speech_rate;

const TINY: &str = "ggml-tiny.en-q8_0.bin";
const BASE: &str = "ggml-base-q8_0.bin";

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn model_path(file: &str) -> Option<PathBuf> {
    let path = root().join("models").join(file);
    let there = path.is_file();
    if !there {
        assert!(std::env::var_os("CI").is_none(), "CI must have fetched {file}");
        eprintln!("SKIPPED: models/{file} is not there (`warmline models fetch` brings it)");
    }
    there.then_some(path)
}

fn transcriber(file: &str, settings: WhisperSettings) -> Option<Whisper> {
    Some(WhisperModel::load(&model_path(file)?).unwrap().transcriber(settings).unwrap())
}

fn speech_data() -> Option<PathBuf> {
    let path = root().join("../shared/data/speech");
    let there = path.is_dir();
    if !there {
        eprintln!("SKIPPED: ../shared/data/speech is not there");
    }
    there.then_some(path)
}

fn wav_16k(path: &std::path::Path) -> Vec<i16> {
    let mut reader = hound::WavReader::open(path).unwrap();
    let rate_hz = reader.spec().sample_rate;
    let samples: Vec<i16> = reader.samples::<i16>().map(Result::unwrap).collect();
    to_speech_rate(&samples, rate_hz)
}

/// Every `step`th caller of the set: what was said, and its sound.
fn callers(step: usize, spoken: bool) -> Option<Vec<(String, Vec<i16>)>> {
    let folder = speech_data()?.join("callers");
    let manifest = std::fs::read_to_string(folder.join("manifest.jsonl")).unwrap();
    let clips = manifest
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter(|clip| clip["text"].as_str().unwrap().is_empty() != spoken)
        .step_by(step)
        .map(|clip| {
            let sound = wav_16k(&folder.join(clip["file"].as_str().unwrap()));
            (clip["text"].as_str().unwrap().to_owned(), sound)
        });
    Some(clips.collect())
}

fn decode(transcriber: &mut dyn Transcriber, sound: &[i16], hint: &Hint) -> Transcript {
    transcriber.transcribe(sound, hint, &StopFlag::default()).unwrap()
}

/// Errors of a whole set, and the longest text in tokens beyond what the guard allows.
fn errors_of(whisper: &mut Whisper, clips: &[(String, Vec<i16>)]) -> Errors {
    let mut errors = Errors::default();
    for (said, sound) in clips {
        errors += word_errors(said, &decode(whisper, sound, &Hint::default()).text);
    }
    errors
}

fn heard(whisper: &mut Whisper, sound: &[i16], mode: ListenMode) -> String {
    let hearing = FileHearing { mode, ..FileHearing::default() };
    let utterances = file::transcribe(sound, 16_000, hearing, whisper).unwrap();
    let texts: Vec<String> = utterances.into_iter().map(|one| one.text).collect();
    texts.join(" ")
}

#[test]
fn the_guarded_cut_decode_errs_about_as_little_as_the_plain_one() {
    let Some(clips) = callers(10, true) else { return };
    let Some(mut plain) = transcriber(TINY, WhisperSettings::PLAIN) else { return };
    let Some(mut cut) = transcriber(TINY, WhisperSettings::default()) else { return };
    let (plain, cut) = (errors_of(&mut plain, &clips), errors_of(&mut cut, &clips));
    eprintln!("tiny.en: plain {:.1} %, cut {:.1} %", plain.percent(), cut.percent());
    assert!(cut.percent() <= plain.percent() + 3.0, "{} > {}", cut.percent(), plain.percent());
}

#[test]
fn base_hears_callers_and_never_loops() {
    let Some(clips) = callers(10, true) else { return };
    let Some(mut base) = transcriber(BASE, WhisperSettings::default()) else { return };
    let mut errors = Errors::default();
    for (said, sound) in &clips {
        let transcript = decode(&mut base, sound, &Hint::default());
        let tokens_max = (sound.len() / 16 * 8).div_ceil(1_000) + 6 + 1;
        assert!(transcript.tokens <= tokens_max, "{} tokens: {said}", transcript.tokens);
        assert!(transcript.words.windows(2).all(|two| two[0].began_ms <= two[1].began_ms));
        errors += word_errors(said, &transcript.text);
    }
    eprintln!("base: cut {:.1} %", errors.percent());
    assert!(errors.percent() <= 20.0, "{}", errors.percent());
}

#[test]
fn without_the_guard_the_cut_context_would_loop() {
    // The reason for the guard: were it gone, this would show.
    let Some(clips) = callers(16, true) else { return };
    let Some(mut base) = transcriber(BASE, WhisperSettings::default()) else { return };
    let ended_by_guard = clips
        .iter()
        .map(|(_, sound)| decode(&mut base, sound, &Hint::default()).end)
        .filter(|end| *end != super::transcript::TextEnd::Model)
        .count();
    assert!(ended_by_guard > 0, "the guard ended none of {} texts", clips.len());
}

#[test]
fn sounds_without_words_give_none() {
    let Some(mut base) = transcriber(BASE, WhisperSettings::default()) else { return };
    // Six minutes; with WARMLINE_FULL sixty.
    let count = if std::env::var_os("WARMLINE_FULL").is_some() { 240 } else { 24 };
    let sounds_of = |clips: Option<Vec<(String, Vec<i16>)>>| -> Vec<Vec<i16>> {
        clips.unwrap_or_default().into_iter().map(|(_, sound)| sound).collect()
    };
    let voices = sounds_of(callers(6, true));
    let noises = sounds_of(callers(1, false)).concat();
    for index in 0..count {
        let (name, sound) = sounds::wordless(index, 15_000, &voices, &noises);
        let mode = [ListenMode::Turn, ListenMode::Digits, ListenMode::Conversation][index % 3];
        assert_eq!(heard(&mut base, &sound, mode), "", "{name}, {index}, in {mode:?}");
    }
}

/// A listener with a prompt of ours in its ear; what it put out while `returned` came back.
fn while_prompting(prompt: &[i16], returned: &[i16]) -> Vec<Output> {
    let judge = std::sync::Arc::new(|_: &str, _: &Listening| Completeness::Open);
    let mut listener = Listener::new(ListenerSettings::default(), judge);
    let english = crate::base::language::Language::english();
    listener.set_mode(Listening::to(ListenMode::Turn, english));
    listener.set_prompt_playing(true);
    let mut outputs = Vec::new();
    let played = prompt.chunks_exact(320).map(Some).chain(std::iter::repeat(None));
    for (n, (frame, played)) in returned.chunks_exact(320).zip(played).enumerate() {
        match played {
            Some(played) => listener.push_played(played),
            None => listener.set_prompt_playing(false),
        }
        listener.push_frame(Moment(20 * (n as u64 + 1)), frame, 16_000);
        outputs.extend(std::iter::from_fn(|| listener.poll_output()));
    }
    outputs
}

#[test]
fn our_own_prompt_returned_by_the_line_is_no_voice() {
    let Some(clips) = callers(40, true) else { return };
    for (said, prompt) in &clips {
        for loss_db in [20.0, 25.0, 30.0, 35.0, 40.0] {
            for late_ms in [50, 90, 150, 220, 300] {
                let mut returned = sounds::hiss(late_ms, -66.0, 1);
                returned.extend(sounds::gain(prompt, -loss_db));
                returned.extend(sounds::hiss(1_000, -66.0, 2));
                let outputs = while_prompting(prompt, &returned);
                assert_eq!(outputs, [], "{said}: −{loss_db} dB, {late_ms} ms late");
            }
        }
    }
}

#[test]
fn a_caller_over_the_echo_of_our_prompt_is_a_voice() {
    let Some(clips) = callers(40, true) else { return };
    let (_, prompt) = &clips[0];
    for (said, caller) in &clips[1..] {
        let mut returned = sounds::gain(prompt, -26.0);
        returned.resize(prompt.len().max(caller.len() + 8_000), 0);
        for (place, sample) in caller.iter().enumerate() {
            returned[8_000 + place] = returned[8_000 + place].saturating_add(*sample);
        }
        let outputs = while_prompting(prompt, &returned);
        assert!(outputs.contains(&Output::SpeechBegan), "{said}: {outputs:?}");
    }
}

#[test]
fn the_listener_loses_no_words_and_hears_a_quiet_caller() {
    let Some(clips) = callers(16, true) else { return };
    let Some(mut base) = transcriber(BASE, WhisperSettings::default()) else { return };
    let whole = errors_of(&mut base, &clips);
    let (mut listened, mut quiet) = (Errors::default(), Errors::default());
    for (said, sound) in &clips {
        // A second of line before and after, as in a call.
        let mut call = vec![0; 16_000];
        call.extend_from_slice(sound);
        call.extend(vec![0; 24_000]);
        listened += word_errors(said, &heard(&mut base, &call, ListenMode::Conversation));
        let faint = sounds::gain(&call, -38.0 - level_dbfs(sound));
        quiet += word_errors(said, &heard(&mut base, &faint, ListenMode::Conversation));
    }
    let (whole, listened, quiet) = (whole.percent(), listened.percent(), quiet.percent());
    eprintln!("whole clip {whole:.1} %, listened {listened:.1} %, at −38 dBFS {quiet:.1} %");
    assert!(listened <= whole + 5.0, "{listened} > {whole}");
    assert!(quiet <= whole + 8.0, "{quiet} > {whole}");
}

/// Digits of one speaker, one after another.
fn digit_string(folder: &std::path::Path, speaker: &str, digits: &str, gap_ms: usize) -> Vec<i16> {
    let mut sound = vec![0; PRE_ROLL_MS as usize * 16];
    for digit in digits.chars() {
        sound.extend(wav_16k(&folder.join(format!("{digit}_{speaker}_0.wav"))));
        sound.extend(vec![0; gap_ms * 16]);
    }
    sound
}

#[test]
fn human_digits_are_heard_one_by_one() {
    let Some(folder) = speech_data().map(|data| data.join("digits")) else { return };
    let Some(mut base) = transcriber(BASE, WhisperSettings::default()) else { return };
    let hint = Hint { digits: true, ..Hint::default() };
    let mut errors = Errors::default();
    let strings = ["4217", "90125", "338864", "5550172", "16180339"];
    for (speaker, digits) in ["jackson", "theo", "george", "lucas", "nicolas"].iter().zip(strings) {
        let sound = digit_string(&folder, speaker, digits, 150);
        let text = decode(&mut base, &sound, &hint).text;
        eprintln!("{speaker}: {digits} heard as {text:?}");
        errors += word_errors(digits, &text);
    }
    assert!(errors.percent() <= 20.0, "{} %", errors.percent());
}

#[test]
fn a_human_reader_is_heard_without_errors() {
    let Some(data) = speech_data() else { return };
    let Some(mut base) = transcriber(BASE, WhisperSettings::default()) else { return };
    let said = std::fs::read_to_string(data.join("jfk.txt")).unwrap();
    let text = decode(&mut base, &wav_16k(&data.join("jfk.wav")), &Hint::default()).text;
    assert!(word_errors(&said, &text).percent() <= 5.0, "{text}");
}

/// A Mandarin reading. Base writes some characters in their older form and errs in some (small is
/// the size for Mandarin): half of them must be there.
#[test]
fn mandarin_is_written_in_its_characters() {
    let Some(data) = speech_data().map(|data| data.join("read")) else { return };
    let Some(mut base) = transcriber(BASE, WhisperSettings::default()) else { return };
    let clip = "aishell-BAC009S0724W0121.wav";
    let said = std::fs::read_to_string(data.join("trans.tsv")).unwrap();
    let said = said.lines().find_map(|line| line.strip_prefix(clip)).unwrap().trim();
    let sound = wav_16k(&data.join(clip));
    let language = crate::base::language::Language::new("zh").unwrap();
    let hint = Hint { language: language.clone(), ..Hint::default() };
    let heard = decode(&mut base, &sound, &hint);
    eprintln!("{said} heard as {}", heard.text);
    assert_eq!(heard.language, language);
    let right = said.chars().filter(|one| heard.text.contains(*one)).count();
    assert!(2 * right >= said.chars().count(), "{}", heard.text);
}

#[test]
fn a_stopped_decode_says_so_and_the_next_one_works() {
    let Some(mut tiny) = transcriber(TINY, WhisperSettings::default()) else { return };
    let stop = StopFlag::default();
    stop.stop();
    let sound = sounds::hiss(3_000, -30.0, 1);
    let stopped = tiny.transcribe(&sound, &Hint::default(), &stop);
    assert_eq!(stopped, Err(super::transcript::TranscribeError::Stopped));
    assert!(tiny.transcribe(&sound, &Hint::default(), &StopFlag::default()).is_ok());
}

#[test]
fn a_decode_that_runs_can_be_stopped() {
    let Some(mut tiny) = transcriber(TINY, WhisperSettings::PLAIN) else { return };
    let stop = StopFlag::default();
    let from_outside = stop.clone();
    let stopper = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(60));
        from_outside.stop();
    });
    let sound = sounds::hiss(20_000, -30.0, 1);
    let stopped = tiny.transcribe(&sound, &Hint::default(), &stop);
    assert_eq!(stopped, Err(super::transcript::TranscribeError::Stopped));
    stopper.join().unwrap();
}

#[test]
fn lengths_at_the_edges_are_accepted_or_refused() {
    let Some(mut tiny) = transcriber(TINY, WhisperSettings::default()) else { return };
    for ms in [0, 1, 99, 119, 121, 200] {
        assert!(tiny.transcribe(&vec![0; ms * 16], &Hint::default(), &StopFlag::default()).is_ok());
    }
    let long = tiny.transcribe(&vec![0; 30_000 * 16], &Hint::default(), &StopFlag::default());
    assert!(matches!(long, Err(super::transcript::TranscribeError::TooLong { .. })));
}

#[test]
fn a_truncated_model_is_refused_before_whisper_sees_it() {
    let Some(path) = model_path(TINY) else { return };
    let folder = tempfile::tempdir().unwrap();
    let cut = folder.path().join("cut.bin");
    let whole = std::fs::read(path).unwrap();
    std::fs::write(&cut, &whole[..whole.len() - 1_000]).unwrap();
    let refused = WhisperModel::load(&cut).unwrap_err();
    assert!(matches!(refused, ModelError::Truncated { .. }), "{refused}");
}
