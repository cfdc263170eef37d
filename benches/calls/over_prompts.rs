//! Barge-in on a real SIP call, by the caller's capture: from the first sound of a voice over the
//! greeting until what the caller hears is 9 dB quieter than the greeting, and until it is gone.
//! Where the greeting itself is between two words, the next word counts: the figures are upper
//! bounds.

use std::path::Path;

use super::likeness::{onset, quieter_from, shift};
use super::phone::{FRAME, Phone};
use super::server::Server;
use super::sound::{callers, voice_begins};

/// All of the greeting may be interrupted.
const NO_NOTICE: &str = "[[numbers]]\ndialled = \"help\"\nconsent = \"off\"\n";
const GREETING_MS: usize = 11_000;
/// Calls, each with another caller's voice.
const CALLS: usize = 16;
const SAMPLES_PER_MS: usize = 8;
/// The prompt is ducked by 15 dB, and then silent but for comfort noise.
const DUCKED_DB: f32 = 9.0;
const GONE_DB: f32 = 24.0;

pub fn measure() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/speech/callers");
    let clips = callers(&folder, CALLS, true);
    let clips: Vec<Vec<i16>> = clips.iter().filter_map(|clip| read(&clip.file)).collect();
    if clips.is_empty() {
        return println!("barge-in skipped, ../shared/data/speech is not there");
    }
    let server = Server::start(NO_NOTICE);
    let mut quiet = Phone::call(&server);
    quiet.talk(GREETING_MS, |_, _| Vec::new());
    quiet.hang_up();
    let whole = quiet.heard;
    let (mut ducked, mut gone, mut calls) = (Vec::new(), Vec::new(), 0);
    for (number, clip) in clips.iter().enumerate() {
        let mut phone = Phone::call(&server);
        let (mut from, after) = (None, (900 + 137 * number) * SAMPLES_PER_MS);
        phone.talk(7_000, |at, heard| {
            if onset(heard).is_some_and(|begin| at > begin + after) {
                from.get_or_insert(at);
            }
            let place = from.map_or(usize::MAX, |from| at - from);
            let part = clip.get(place..).unwrap_or_default();
            part[..FRAME.min(part.len())].to_vec()
        });
        phone.hang_up();
        let Some(from) = from else { continue };
        let voice = from + voice_begins(clip, FRAME);
        let Some(shift) = shift(&whole, &phone.heard, voice) else { continue };
        calls += 1;
        let until = |by_db: f32| {
            let at = quieter_from(&whole, &phone.heard, shift, voice, by_db)?;
            Some(((at - voice) / SAMPLES_PER_MS) as u64)
        };
        ducked.extend(until(DUCKED_DB));
        gone.extend(until(GONE_DB));
    }
    for (what, times) in [("ducked", &mut ducked), ("silent", &mut gone)] {
        times.sort_unstable();
        println!(
            "barge-in by the caller's capture: first voice → prompt {what} p50 {} ms, p95 {} ms \
             ({} of {calls} calls)",
            super::percentile(times, 50),
            super::percentile(times, 95),
            times.len()
        );
    }
}

fn read(file: &Path) -> Option<Vec<i16>> {
    let mut reader = hound::WavReader::open(file).ok()?;
    reader.samples::<i16>().collect::<Result<_, _>>().ok()
}
