//! Whether the text of a partial could stand for a turn's: how often one covers the speech, what
//! it would save, and how many words differ from the decode in the pause.

use warmline::speech::hear::score::normalise;
use warmline::speech::hear::transcript::{StopFlag, Transcriber};
use warmline::speech::hear::whisper::Whisper;

use crate::course::loudness;
use crate::sound::{Clip, percentile, processor_us, usual_hint};

/// A partial is asked for so often while somebody speaks, and one that ended so long before the
/// last voice covers the speech.
const EVERY_MS: u64 = 1_000;
const COVERS_MS: [u64; 4] = [120, 80, 40, 0];
/// The decode in the pause starts after so much silence; no turn ends before the second figure.
const PAUSE_MS: u64 = 80;
const END_MS_MIN: u64 = 200;

/// End of the last frame that is within 25 dB of the loudest.
fn last_voice_ms(sound: &[i16]) -> u64 {
    let (levels, loudest) = loudness(sound);
    levels.iter().rposition(|level| *level > loudest - 25.0).map_or(0, |frame| frame + 1) as u64
        * 20
}

pub fn measure(whisper: &mut Whisper, clips: &[Clip]) {
    let (mut decodes, mut differ) = (Vec::new(), [(0, 0); COVERS_MS.len()]);
    let mut words = 0;
    for clip in clips {
        let line = [&clip.sound[..], &[0; 16_000]].concat();
        let ended = last_voice_ms(&clip.sound);
        let mut decode = |until_ms: u64| {
            let heard = &line[..(until_ms as usize * 16).min(line.len())];
            let begun = processor_us();
            let text = whisper.transcribe(heard, &usual_hint(), &StopFlag::default());
            (text.map(|text| normalise(&text.text)).unwrap_or_default(), processor_us() - begun)
        };
        let (fresh, took) = decode(ended + PAUSE_MS);
        decodes.push(took / 1_000);
        words += fresh.len();
        for (place, before_ms) in COVERS_MS.into_iter().enumerate() {
            let (partial, _) = decode(ended.saturating_sub(before_ms));
            let wrong = fresh.iter().zip(&partial).filter(|(a, b)| a != b).count()
                + fresh.len().abs_diff(partial.len());
            differ[place].0 += wrong;
            differ[place].1 += usize::from(wrong > 0);
        }
    }
    let decode_ms = percentile(&mut decodes, 50);
    // A partial ordered at the last voice is there when its decode is done.
    let saved_ms = (PAUSE_MS + decode_ms).max(END_MS_MIN) - decode_ms.max(END_MS_MIN);
    for (place, before_ms) in COVERS_MS.into_iter().enumerate() {
        let (wrong, turns) = differ[place];
        println!(
            "turns: a partial that ends {before_ms} ms before the last voice: {wrong} of {words} \
             words unlike the decode in the pause, {turns} of {} turns touched",
            clips.len()
        );
    }
    println!(
        "turns: partials every {EVERY_MS} ms: {:.0} % of turns have one within {} ms of their \
         last voice; it saves them at most {saved_ms} ms (a decode takes {decode_ms} ms, no turn \
         ends before {END_MS_MIN} ms)",
        100.0 * COVERS_MS[0] as f64 / EVERY_MS as f64,
        COVERS_MS[0]
    );
}
