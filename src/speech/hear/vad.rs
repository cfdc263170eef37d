//! Voice activity: which frames of a leg carry a voice.
//!
//! In: 20 ms frames at 16 kHz. Out: [`VoiceFrame`]. A small neural detector (earshot) behind an
//! energy gate whose floor follows the noise of the line, so that silence and hiss never reach it
//! and nothing under the floor counts as voice.

use std::collections::VecDeque;

use earshot::Detector;

use crate::base::audio::level_dbfs;

/// Samples of one step of the detector: 16 ms at 16 kHz.
const STEP_SAMPLES: usize = 256;

/// What was found in one frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VoiceFrame {
    pub voiced: bool,
    /// The detector's probability, 0 to 1.
    pub score: f32,
    pub level_dbfs: f32,
}

/// Finds voices in a stream of frames. Stands as a trait so that tests can script it.
pub trait VoiceDetector: Send {
    /// Looks at the next frame (16 kHz; 20 ms as a rule, any length is accepted).
    fn push(&mut self, frame_16k: &[i16]) -> VoiceFrame;
    /// Forgets the stream, as at the start of a call.
    fn reset(&mut self);
}

/// Settings of the detector.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VadSettings {
    /// Probability at which a voice begins, 0 to 1.
    pub onset_score: f32,
    /// Probability under which it ends.
    pub release_score: f32,
    /// Nothing quieter is a voice, dB relative to full scale.
    pub level_min_dbfs: f32,
    /// A voice begins so far above the noise of the line, and ends under the second figure.
    pub onset_above_floor_db: f32,
    pub release_above_floor_db: f32,
}

impl Default for VadSettings {
    fn default() -> Self {
        Self {
            onset_score: 0.5,
            release_score: 0.4,
            level_min_dbfs: -52.0,
            onset_above_floor_db: 6.0,
            release_above_floor_db: 3.5,
        }
    }
}

/// earshot behind an energy gate.
pub struct NeuralDetector {
    settings: VadSettings,
    network: Box<Detector>,
    pending: Vec<i16>,
    score: f32,
    voiced: bool,
    floor: NoiseFloor,
}

impl NeuralDetector {
    pub fn new(settings: VadSettings) -> Self {
        Self {
            settings,
            network: Box::new(Detector::default()),
            pending: Vec::with_capacity(2 * STEP_SAMPLES),
            score: 0.0,
            voiced: false,
            floor: NoiseFloor::default(),
        }
    }

    /// The best score of the steps that this frame completes; the last one if it completes none.
    fn score(&mut self, frame_16k: &[i16]) -> f32 {
        self.pending.extend_from_slice(frame_16k);
        let mut best: Option<f32> = None;
        let whole = self.pending.len() / STEP_SAMPLES * STEP_SAMPLES;
        for step in self.pending.chunks_exact(STEP_SAMPLES) {
            let score = self.network.predict_i16(step);
            best = Some(best.map_or(score, |known| known.max(score)));
        }
        self.pending.drain(..whole);
        self.score = best.unwrap_or(self.score);
        self.score
    }
}

impl VoiceDetector for NeuralDetector {
    fn push(&mut self, frame_16k: &[i16]) -> VoiceFrame {
        let level = level_dbfs(frame_16k);
        let score = self.score(frame_16k);
        let floor = self.floor.follow(level);
        let settings = &self.settings;
        let (needed, above_db) = match self.voiced {
            true => (settings.release_score, settings.release_above_floor_db),
            false => (settings.onset_score, settings.onset_above_floor_db),
        };
        let gate = settings.level_min_dbfs.max(floor + above_db);
        self.voiced = score >= needed && level >= gate;
        VoiceFrame { voiced: self.voiced, score, level_dbfs: level }
    }

    fn reset(&mut self) {
        *self = Self::new(self.settings);
    }
}

/// The level of the line while nobody speaks: the quietest of the last two seconds. Speech has
/// gaps in that time; a tone, a hum or a hiss has none, and so becomes the floor itself.
#[derive(Default)]
struct NoiseFloor {
    levels: VecDeque<f32>,
}

const FLOOR_FRAMES: usize = 100;
const FLOOR_MIN_DBFS: f32 = -70.0;
/// A floor above this would shut out every caller.
const FLOOR_MAX_DBFS: f32 = -18.0;
/// Quieter than this is no line at all but silence that was filled in.
const FILLED_IN_DBFS: f32 = -80.0;

impl NoiseFloor {
    fn follow(&mut self, level: f32) -> f32 {
        if level > FILLED_IN_DBFS {
            self.levels.push_back(level);
            if self.levels.len() > FLOOR_FRAMES {
                self.levels.pop_front();
            }
        }
        let quietest = self.levels.iter().copied().fold(FLOOR_MAX_DBFS, f32::min);
        quietest.max(FLOOR_MIN_DBFS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::speech::hear::sounds;

    fn voiced_ms(sound: &[i16]) -> u64 {
        let mut detector = NeuralDetector::new(VadSettings::default());
        sound.chunks(320).filter(|frame| detector.push(frame).voiced).count() as u64 * 20
    }

    #[test]
    fn silence_hiss_and_hum_have_no_voice() {
        assert_eq!(voiced_ms(&[0; 160_000]), 0);
        assert_eq!(voiced_ms(&sounds::hiss(10_000, -45.0, 1)), 0);
        assert_eq!(voiced_ms(&sounds::hiss(10_000, -30.0, 2)), 0);
        assert_eq!(voiced_ms(&sounds::tone(&[50.0, 150.0, 250.0], 10_000, -35.0)), 0);
    }

    #[test]
    fn the_tones_of_the_network_have_no_voice() {
        assert_eq!(voiced_ms(&sounds::tone(&[440.0], 10_000, -20.0)), 0);
        assert_eq!(voiced_ms(&sounds::tone(&[2_100.0], 10_000, -20.0)), 0, "fax");
        let ringing = sounds::cadence(&[440.0, 480.0], 2_000, 4_000, 12_000, -20.0);
        let busy = sounds::cadence(&[480.0, 620.0], 500, 500, 12_000, -20.0);
        assert_eq!((voiced_ms(&ringing), voiced_ms(&busy)), (0, 0));
        assert_eq!(voiced_ms(&sounds::keys("1234567890*#", -15.0)), 0);
    }

    #[test]
    fn odd_frames_are_accepted() {
        let mut detector = NeuralDetector::new(VadSettings::default());
        for length in [0, 1, 255, 256, 257, 5_000] {
            assert!(!detector.push(&vec![0; length]).voiced);
        }
        detector.reset();
        assert!(detector.pending.is_empty());
    }

    #[test]
    fn the_floor_is_the_quietest_of_two_seconds() {
        let mut floor = NoiseFloor::default();
        assert_eq!(floor.follow(-40.0), -40.0);
        (0..99).for_each(|_| assert_eq!(floor.follow(-20.0), -40.0));
        assert_eq!(floor.follow(-20.0), -20.0, "two seconds later the pause is forgotten");
        assert_eq!(floor.follow(-96.0), -20.0, "what was filled in is not the line");
        assert_eq!(floor.follow(-76.0), FLOOR_MIN_DBFS);
        let mut loud = NoiseFloor::default();
        assert_eq!(loud.follow(0.0), FLOOR_MAX_DBFS);
    }
}
