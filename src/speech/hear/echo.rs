//! Keeps our own prompt, returned by the caller's line, from counting as the caller's voice.
//!
//! In: what is played to the leg and what comes back, frame by frame. Out: whether a frame may be
//! our own sound. A line returns it 20 to 40 dB down and up to 300 ms late; a caller who speaks
//! over a prompt is louder than that.

use std::collections::VecDeque;

use crate::base::audio::{FRAME_MS, level_dbfs};

/// The echo comes back within this time.
const DELAY_MS_MAX: u64 = 400;
const FRAMES_KEPT: usize = (DELAY_MS_MAX / FRAME_MS) as usize;
/// An echo is at least so far under what was played…
const LOSS_DB_MIN: f32 = 17.0;
/// …or, where its loudness goes up and down exactly with ours, this far.
const LOSS_DB_MIN_ALIKE: f32 = 6.0;
/// Likeness of the two courses of loudness, −1 to 1.
const LIKENESS_MIN: f32 = 0.9;
/// Frames over which the courses are compared.
const COURSE_FRAMES: usize = 15;
/// Quieter than this nothing returns that matters.
const PLAYED_MIN_DBFS: f32 = -60.0;

/// Levels of what was played and what came back, newest last.
#[derive(Clone, Debug, Default)]
pub struct EchoGuard {
    played: VecDeque<f32>,
    returned: VecDeque<f32>,
}

impl EchoGuard {
    /// The next frame that is played to the leg; give one for each frame of `returns`.
    pub fn plays(&mut self, frame: &[i16]) {
        keep(&mut self.played, level_dbfs(frame));
    }

    /// Whether the next frame from the leg, of this level, may be our own sound.
    pub fn returns(&mut self, level: f32) -> bool {
        keep(&mut self.returned, level);
        let loudest = self.played.iter().rev().take(FRAMES_KEPT).copied().fold(-96.0, f32::max);
        if loudest < PLAYED_MIN_DBFS {
            return false;
        }
        level < loudest - LOSS_DB_MIN
            || (level < loudest - LOSS_DB_MIN_ALIKE && self.likeness() > LIKENESS_MIN)
    }

    /// The best correlation of the two courses of loudness over all delays.
    fn likeness(&self) -> f32 {
        if self.returned.len() < COURSE_FRAMES || self.played.len() < COURSE_FRAMES {
            return 0.0;
        }
        let returned: Vec<f32> =
            self.returned.iter().rev().take(COURSE_FRAMES).map(|dbfs| dbfs.max(-70.0)).collect();
        let played: Vec<f32> = self.played.iter().rev().map(|dbfs| dbfs.max(-70.0)).collect();
        played
            .windows(COURSE_FRAMES)
            .map(|course| correlation(course, &returned))
            .fold(0.0, f32::max)
    }
}

fn keep(course: &mut VecDeque<f32>, level: f32) {
    course.push_back(level);
    while course.len() > FRAMES_KEPT + COURSE_FRAMES {
        course.pop_front();
    }
}

/// Pearson's correlation; 0 where one of the two does not move.
fn correlation(left: &[f32], right: &[f32]) -> f32 {
    let count = left.len().min(right.len()) as f32;
    let (left_mean, right_mean) =
        (left.iter().sum::<f32>() / count, right.iter().sum::<f32>() / count);
    let (mut cross, mut left_power, mut right_power) = (0.0, 0.0, 0.0);
    for (l, r) in left.iter().zip(right) {
        let (l, r) = (l - left_mean, r - right_mean);
        cross += l * r;
        left_power += l * l;
        right_power += r * r;
    }
    let power: f32 = left_power * right_power;
    if power < 1.0 { 0.0 } else { cross / power.sqrt() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::speech::hear::sounds;

    /// Loudness of a spoken prompt, frame by frame.
    fn prompt(frame: usize) -> f32 {
        -26.0 - 14.0 * ((frame * 7919) % 11) as f32 / 11.0
    }

    fn frame(level: f32) -> Vec<i16> {
        sounds::hiss(20, level, 3)
    }

    /// Frames taken for echo, of 100, when `returned(n)` comes back while the prompt plays.
    fn taken_for_echo(returned: impl Fn(usize) -> f32) -> usize {
        let mut guard = EchoGuard::default();
        (0..100)
            .filter(|n| {
                guard.plays(&frame(prompt(*n)));
                guard.returns(returned(*n))
            })
            .count()
    }

    #[test]
    fn our_prompt_returned_is_no_voice() {
        for loss_db in [20.0, 30.0, 40.0] {
            for late in [1, 5, 15] {
                let caught = taken_for_echo(|n| prompt(n.saturating_sub(late)) - loss_db);
                assert_eq!(caught, 100, "{loss_db} dB, {late} frames late");
            }
        }
    }

    #[test]
    fn a_loud_echo_is_known_by_its_course() {
        let caught = taken_for_echo(|n| prompt(n.saturating_sub(6)) - 12.0);
        assert!(caught > 75, "{caught}");
    }

    #[test]
    fn a_caller_over_the_prompt_is_a_voice() {
        let caught = taken_for_echo(|n| -30.0 - 8.0 * ((n * 104_729) % 7) as f32 / 7.0);
        assert!(caught < 5, "{caught}");
    }

    #[test]
    fn without_a_prompt_nothing_is_echo() {
        let mut guard = EchoGuard::default();
        assert!(!guard.returns(-50.0));
        (0..40).for_each(|_| guard.plays(&[0; 160]));
        assert!(!guard.returns(-50.0));
    }
}
