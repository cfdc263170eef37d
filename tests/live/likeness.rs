//! Two recordings of one prompt laid over each other: where a part of the one is in the other,
//! and from when on the other is quieter.

/// Samples of a frame of 20 ms at 8 kHz.
const FRAME: usize = 160;
/// A frame of the prompt that is louder than this is speech, dBFS.
const LOUD_DBFS: f32 = -42.0;

/// Level of each frame.
pub fn levels(sound: &[i16]) -> Vec<f32> {
    sound.chunks(FRAME).map(warmline::base::audio::level_dbfs).collect()
}

/// First sample of the first loud frame.
pub fn onset(sound: &[i16]) -> Option<usize> {
    levels(sound).iter().position(|level| *level > LOUD_DBFS).map(|frame| frame * FRAME)
}

/// Where in `places` of `sound` the `pattern` fits best, and how well, −1 to 1.
pub fn best_place(
    sound: &[i16],
    pattern: &[i16],
    places: std::ops::Range<usize>,
) -> Option<(usize, f64)> {
    let last = (sound.len() + 1).saturating_sub(pattern.len());
    let best = |places: &mut dyn Iterator<Item = usize>| {
        places
            .filter_map(|at| Some((at, likeness(sound.get(at..at + pattern.len())?, pattern))))
            .max_by(|a, b| a.1.total_cmp(&b.1))
    };
    let (near, _) = best(&mut (places.start..places.end.min(last)).step_by(4))?;
    best(&mut (near.saturating_sub(4)..near + 5))
}

/// Normalised correlation at one place.
fn likeness(sound: &[i16], pattern: &[i16]) -> f64 {
    let (mut cross, mut ours, mut theirs) = (0f64, 0f64, 0f64);
    for (a, b) in sound.iter().zip(pattern) {
        let (a, b) = (f64::from(*a), f64::from(*b));
        cross += a * b;
        ours += a * a;
        theirs += b * b;
    }
    cross / (ours * theirs).sqrt().max(1.0)
}

/// Samples by which `whole` lies later in `heard`, from what was heard before `until`.
pub fn shift(whole: &[i16], heard: &[i16], until: usize) -> Option<i64> {
    let begin = onset(whole)?;
    let pattern = whole.get(begin..(begin + 8_000).min(whole.len()))?;
    let (place, like) = best_place(heard, pattern, 0..until)?;
    (like > 0.7).then_some(place as i64 - begin as i64)
}

/// First frame of `heard` from sample `from` on that is `by_db` quieter than the same moment of
/// `whole`, which lies `shift` samples earlier; its first sample.
#[allow(dead_code)] // for the benchmark
pub fn quieter_from(
    whole: &[i16],
    heard: &[i16],
    shift: i64,
    from: usize,
    by_db: f32,
) -> Option<usize> {
    let level = |sound: &[i16], at: i64| {
        let at = usize::try_from(at).ok()?;
        sound.get(at..at + FRAME).map(warmline::base::audio::level_dbfs)
    };
    (from..heard.len()).step_by(FRAME / 2).find(|&at| {
        let ours = level(whole, at as i64 - shift);
        let theirs = level(heard, at as i64);
        ours.zip(theirs).is_some_and(|(ours, theirs)| ours > LOUD_DBFS && theirs < ours - by_db)
    })
}

#[test]
fn a_shift_and_a_ducking_are_found() {
    // Noise without its high part, as a voice has little of it.
    let (mut draw, mut low) = (7u32, 0f32);
    let noise = std::iter::repeat_with(|| {
        draw = draw.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        low = 0.9 * low + ((draw >> 16) as f32 - 32_768.0) * 0.1;
        low as i16
    });
    let whole: Vec<i16> = noise.take(24_000).collect();
    let mut heard = [vec![0; 1_234], whole.clone()].concat();
    assert_eq!(shift(&whole, &heard, 4_000), Some(1_234));
    heard[16_000..].iter_mut().for_each(|sample| *sample /= 6);
    let ducked = quieter_from(&whole, &heard, 1_234, 8_000, 9.0).expect("is found");
    assert!((15_900..=16_100).contains(&ducked), "{ducked}");
    assert_eq!(quieter_from(&whole, &heard, 1_234, 8_000, 30.0), None);
}
