//! What a caller's line brings while a prompt plays: a noise, our own echo, a voice; judged by
//! what the caller's phone recorded and what the call's record holds.

use std::f32::consts::TAU;
use std::time::Duration;

use warmline::speech::hear::sounds::hiss;

use super::likeness::{best_place, levels, onset, shift};
use super::phone::{FRAME, Phone};
use super::server::{Server, have_models, speak};
use super::tone;

/// Everything of the greeting may be interrupted.
const NO_NOTICE: &str = "[[numbers]]\ndialled = \"help\"\nconsent = \"off\"\n";
/// Longer than the greeting.
const GREETING_MS: usize = 12_000;

/// A groan: the throat's pulses through two resonances, 8 kHz. A voice without words.
fn groan(ms: usize) -> Vec<i16> {
    let count = ms * 8;
    let mut phase = 0.0;
    let mut sound: Vec<f32> = (0..count)
        .map(|at| {
            phase += 105.0 * (1.0 + 0.03 * (TAU * 5.0 * at as f32 / 8_000.0).sin()) / 8_000.0;
            let pulse = phase >= 1.0;
            phase = if pulse { phase - 1.0 } else { phase };
            f32::from(u8::from(pulse))
        })
        .collect();
    for (hz, width_hz) in [(650.0, 90.0), (1_050.0, 110.0)] {
        let radius = (-std::f32::consts::PI * width_hz / 8_000.0).exp();
        let (first, second) = (2.0 * radius * (TAU * hz / 8_000.0).cos(), -radius * radius);
        let (mut last, mut before) = (0.0, 0.0);
        for sample in &mut sound {
            let next = *sample + first * last + second * before;
            (before, last) = (last, next);
            *sample = next;
        }
    }
    let loudest = sound.iter().fold(1e-9f32, |most, sample| most.max(sample.abs()));
    sound.iter().map(|sample| (sample / loudest * 9_000.0) as i16).collect()
}

/// What `sound` gives at `at` when it begins at `from`.
fn part(sound: &[i16], from: usize, at: usize) -> Vec<i16> {
    let place = at.checked_sub(from);
    let part = place.and_then(|place| sound.get(place..(place + FRAME).min(sound.len())));
    part.unwrap_or_default().to_vec()
}

/// The greeting as it is heard by a caller who says nothing.
fn undisturbed(server: &Server) -> Vec<i16> {
    let mut phone = Phone::call(server);
    phone.talk(GREETING_MS, |_, _| Vec::new());
    phone.hang_up();
    phone.heard
}

/// What `noisy` gives, and the greeting as [`undisturbed`] hears it at the same time.
fn beside_an_undisturbed<T>(server: &Server, noisy: impl FnOnce() -> T) -> (Vec<i16>, T) {
    std::thread::scope(|both| {
        let whole = both.spawn(|| undisturbed(server));
        let noisy = noisy();
        (whole.join().expect("the other caller"), noisy)
    })
}

/// Neither of two callers has a line in the record.
fn nothing_was_written_down(server: &Server) {
    let calls = server.ended_calls(2, Duration::from_secs(15));
    let heard_words = calls.iter().filter(|call| call["lines"].to_string().contains("\"caller\""));
    assert_eq!(heard_words.count(), 0, "{calls:#?}");
}

/// Whether sample `at` is more than 900 ms after the first loud one that a phone has heard.
fn in_the_greeting(heard: &[i16], at: usize) -> bool {
    onset(heard).is_some_and(|begin| at > begin + 900 * 8)
}

/// A noise silences the greeting, which goes on where it was: each of its parts is heard, in
/// its order.
#[test]
fn a_noise_over_the_prompt_only_delays_it() {
    if !have_models("noise over a prompt") {
        return;
    }
    let server = Server::start(NO_NOTICE);
    let (whole, (heard, noise_at)) = beside_an_undisturbed(&server, || {
        let mut phone = Phone::call(&server);
        // No line is quite silent: the hiss is at -62 dBFS.
        let hiss = hiss(1_000, -62.0, 1);
        let (noise, mut from) = (groan(700), None);
        phone.talk(GREETING_MS + 4_000, |at, heard| {
            if in_the_greeting(heard, at) {
                from.get_or_insert(at);
            }
            let mut frame = part(&hiss, 0, at % 8_000);
            let noise = from.map(|from| part(&noise, from, at)).unwrap_or_default();
            for (sample, more) in frame.iter_mut().zip(noise) {
                *sample = sample.saturating_add(more);
            }
            frame
        });
        phone.hang_up();
        (phone.heard, from.expect("a greeting"))
    });
    let begin = shift(&whole, &heard, noise_at).expect("the greeting begins");
    let loud = levels(&whole);
    let (mut latest, mut delayed) = (begin, 0);
    // Parts of 300 ms that are loud all the time; the one in which it fell silent is in two.
    for first in (0..loud.len().saturating_sub(15)).step_by(15) {
        if loud[first..first + 15].iter().filter(|level| **level > -42.0).count() < 8 {
            continue;
        }
        let pattern = &whole[first * FRAME..(first + 15) * FRAME];
        let expected = (first * FRAME) as i64 + latest;
        let places = (expected - 400).max(0) as usize..(expected + 5 * 8_000) as usize;
        let Some((place, like)) = best_place(&heard, pattern, places) else { continue };
        if like < 0.8 {
            let cut = place.abs_diff(noise_at) < 2 * 8_000 && delayed == 0;
            assert!(cut, "{} ms of the greeting are not heard ({like:.2})", first * 20);
            continue;
        }
        delayed = delayed.max(place as i64 - (first * FRAME) as i64 - begin);
        latest = place as i64 - (first * FRAME) as i64;
    }
    assert!(delayed > 100 * 8, "the greeting never fell silent: {delayed} samples");
    nothing_was_written_down(&server);
}

/// The line returns our prompt 25 dB down and 150 ms late: it is neither stopped nor written down.
#[test]
fn our_own_echo_neither_stops_the_prompt_nor_is_written_down() {
    if !have_models("echo") {
        return;
    }
    let server = Server::start(NO_NOTICE);
    let (whole, heard) = beside_an_undisturbed(&server, || {
        let mut phone = Phone::call(&server);
        let gain = 10f32.powf(-25.0 / 20.0);
        phone.talk(GREETING_MS, |at, heard| {
            let late = at.checked_sub(150 * 8);
            let echo = late.and_then(|late| heard.get(late..late + FRAME)).unwrap_or_default();
            echo.iter().map(|sample| (f32::from(*sample) * gain) as i16).collect()
        });
        phone.hang_up();
        phone.heard
    });
    let begin = shift(&whole, &heard, heard.len()).expect("the greeting");
    let first = onset(&whole).expect("is loud");
    let last = levels(&whole).iter().rposition(|level| *level > -42.0).expect("is loud") * FRAME;
    // All of it, at its time: no pause, no ducking.
    let from = (first as i64 + begin) as usize;
    let length = last - first - 8_000;
    let (ours, theirs) = (&whole[first..first + length], &heard[from..from + length]);
    let (_, like) = best_place(theirs, ours, 0..1).expect("as long");
    assert!(like > 0.9, "the greeting is as without an echo: {like:.2}");
    let quieter = levels(ours)
        .iter()
        .zip(levels(theirs))
        .filter(|(ours, theirs)| **ours > -42.0 && *theirs < **ours - 6.0)
        .count();
    assert_eq!(quieter, 0, "frames that were ducked");
    nothing_was_written_down(&server);
}

/// A caller speaks over the greeting: it stops, and the record has the first word.
#[test]
fn a_voice_over_the_prompt_stops_it_and_is_heard_from_its_first_word() {
    if !have_models("barge-in") {
        return;
    }
    let server = Server::start(NO_NOTICE);
    let folder = tempfile::tempdir().expect("a folder");
    let question = speak(folder.path(), "question.wav", "When are you open on Saturday?");
    let question = tone::read(&question);
    let (whole, (heard, voice_at)) = beside_an_undisturbed(&server, || {
        let mut phone = Phone::call(&server);
        let mut from = None;
        phone.talk(10_000, |at, heard| {
            if in_the_greeting(heard, at) {
                from.get_or_insert(at);
            }
            from.map(|from| part(&question, from, at)).unwrap_or_default()
        });
        phone.hang_up();
        (phone.heard, from.expect("a greeting"))
    });
    let begin = shift(&whole, &heard, voice_at).expect("the greeting begins");
    // From a second after the first voice on, in the sound's time, the greeting is gone.
    let voice_at = voice_at + onset(&question).unwrap_or(0);
    let from = voice_at + 8_000;
    let until = (voice_at + question.len()).min(heard.len());
    let rest = levels(&heard[from.min(until)..until]);
    assert!(rest.iter().all(|level| *level < -45.0), "the greeting is silent: {rest:?}");
    let end = &whole[((from as i64 - begin) as usize).min(whole.len())..];
    assert!(levels(end).iter().any(|level| *level > -35.0), "it would have gone on");
    let calls = server.ended_calls(2, Duration::from_secs(15));
    let said = calls.iter().map(|call| call["lines"].to_string().to_lowercase());
    let said = said.collect::<String>();
    assert!(said.contains("when are you open"), "{calls:#?}");
}
