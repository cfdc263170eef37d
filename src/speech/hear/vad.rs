//! Voice activity: which frames of a leg carry a voice.
//!
//! In: 20 ms frames at 16 kHz. Out: [`VoiceFrame`]. A small neural detector (earshot) behind an
//! energy gate whose floor follows the noise of the line, so that silence and hiss never reach it
//! and nothing under the floor counts as voice.

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
    /// A voice stands so far above the noise of the line.
    pub above_floor_db: f32,
}

impl Default for VadSettings {
    fn default() -> Self {
        Self { onset_score: 0.5, release_score: 0.35, level_min_dbfs: -52.0, above_floor_db: 5.0 }
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
        let gate = self.settings.level_min_dbfs.max(self.floor.dbfs + self.settings.above_floor_db);
        let needed =
            if self.voiced { self.settings.release_score } else { self.settings.onset_score };
        self.voiced = score >= needed && level >= gate;
        self.floor.follow(level, score);
        VoiceFrame { voiced: self.voiced, score, level_dbfs: level }
    }

    fn reset(&mut self) {
        *self = Self::new(self.settings);
    }
}

/// The level of the line while nobody speaks.
struct NoiseFloor {
    dbfs: f32,
}

impl Default for NoiseFloor {
    fn default() -> Self {
        // Low, so that the very first word of a call passes; noise lifts it within a second.
        Self { dbfs: FLOOR_MIN_DBFS }
    }
}

const FLOOR_MIN_DBFS: f32 = -70.0;
/// A floor above this would shut out quiet callers on a loud line.
const FLOOR_MAX_DBFS: f32 = -36.0;
/// A frame under this score is noise for certain, and lifts the floor.
const NOISE_SCORE_MAX: f32 = 0.2;
const RISE_DB_PER_FRAME: f32 = 0.3;
/// In speech the floor only creeps, so that a long vowel does not become noise.
const CREEP_DB_PER_FRAME: f32 = 0.01;

impl NoiseFloor {
    fn follow(&mut self, level: f32, score: f32) {
        let moved = if level < self.dbfs {
            // Falls at once most of the way: the pause between words shows the true floor.
            self.dbfs + (level - self.dbfs) * 0.5
        } else if score < NOISE_SCORE_MAX {
            (self.dbfs + RISE_DB_PER_FRAME).min(level)
        } else {
            (self.dbfs + CREEP_DB_PER_FRAME).min(level)
        };
        self.dbfs = moved.clamp(FLOOR_MIN_DBFS, FLOOR_MAX_DBFS);
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
    fn odd_frames_are_accepted() {
        let mut detector = NeuralDetector::new(VadSettings::default());
        for length in [0, 1, 255, 256, 257, 5_000] {
            assert!(!detector.push(&vec![0; length]).voiced);
        }
        detector.reset();
        assert!(detector.pending.is_empty());
    }

    #[test]
    fn the_floor_falls_at_once_and_rises_slowly() {
        let mut floor = NoiseFloor::default();
        (0..100).for_each(|_| floor.follow(-40.0, 0.05));
        assert!((floor.dbfs + 40.0).abs() < 1.0, "{}", floor.dbfs);
        (0..100).for_each(|_| floor.follow(-20.0, 0.9));
        assert!(floor.dbfs < -38.0, "speech does not lift it: {}", floor.dbfs);
        (0..8).for_each(|_| floor.follow(-65.0, 0.05));
        assert!(floor.dbfs < -63.0, "{}", floor.dbfs);
        (0..10_000).for_each(|_| floor.follow(0.0, 0.05));
        assert_eq!(floor.dbfs, FLOOR_MAX_DBFS);
    }
}
