//! A prompt: sound rendered once, and encoded once per codec, so that playing it to a leg costs a
//! copy and a send. In: PCM of any rate. Out: frames, as samples and as payload bytes.

use std::sync::{Arc, OnceLock};

use crate::base::audio::{FRAME_MS, Pcm, frame_samples};
use crate::base::session::Codec;

use super::codec::{Encoded, encode_all};
use super::limits::CLIP_MS_MAX;
use super::resample::resample;

/// Rise and fall at the ends of a clip, so that it does not click.
const EDGE_MS: usize = 3;

/// Sound to be played, shared by all legs that play it.
#[derive(Debug)]
pub struct Clip {
    source: Pcm,
    frames: usize,
    narrow: OnceLock<Arc<[i16]>>,
    wide: OnceLock<Arc<[i16]>>,
    pcmu: OnceLock<Encoded>,
    pcma: OnceLock<Encoded>,
    g722: OnceLock<Encoded>,
    opus: OnceLock<Encoded>,
}

impl Clip {
    /// A prompt: soft edges, any rate; beyond 30 minutes it is cut.
    pub fn new(pcm: &Pcm) -> Arc<Clip> {
        let mut samples = pcm.samples.to_vec();
        let edge = EDGE_MS * pcm.rate_hz as usize / 1_000;
        let count = samples.len();
        for index in 0..edge.min(count / 2) {
            let gain = index as f32 / edge as f32;
            for place in [index, count - 1 - index] {
                if let Some(sample) = samples.get_mut(place) {
                    *sample = (f32::from(*sample) * gain) as i16;
                }
            }
        }
        Self::looped(Pcm::new(pcm.rate_hz, samples))
    }

    /// Sound whose end joins its beginning (music, ringing, noise): the edges are left alone.
    pub fn looped(pcm: Pcm) -> Arc<Clip> {
        let most = (u64::from(pcm.rate_hz) * CLIP_MS_MAX / 1_000) as usize;
        let source = match pcm.samples.get(..most) {
            Some(cut) => Pcm::new(pcm.rate_hz, cut),
            None => pcm,
        };
        let frames = source.duration_ms().div_ceil(FRAME_MS) as usize;
        Arc::new(Clip {
            source,
            frames,
            narrow: OnceLock::new(),
            wide: OnceLock::new(),
            pcmu: OnceLock::new(),
            pcma: OnceLock::new(),
            g722: OnceLock::new(),
            opus: OnceLock::new(),
        })
    }

    /// Encodes now, on this thread, what a leg with `codec` will need, so that the pacing thread
    /// finds it ready.
    pub fn prepare(&self, codec: Codec) {
        self.payload(codec);
        self.samples(codec.sample_rate_hz());
    }

    /// Length in whole frames.
    pub fn frames(&self) -> usize {
        self.frames
    }

    /// Length of the sound, milliseconds.
    pub fn duration_ms(&self) -> u64 {
        self.source.duration_ms()
    }

    /// The payload of frame `index`. `None` past the end.
    pub fn payload_frame(&self, codec: Codec, index: usize) -> Option<&[u8]> {
        self.payload(codec).frame(index)
    }

    /// The samples of frame `index` at 8,000 or 16,000 Hz; the last may be short. `None` past
    /// the end.
    pub fn sample_frame(&self, rate_hz: u32, index: usize) -> Option<&[i16]> {
        let frame = frame_samples(rate_hz);
        let samples = self.samples(rate_hz);
        let start = index.checked_mul(frame)?;
        let end = samples.len().min(start + frame);
        samples.get(start..end).filter(|frame| !frame.is_empty())
    }

    fn payload(&self, codec: Codec) -> &Encoded {
        let cache = match codec {
            Codec::Pcmu => &self.pcmu,
            Codec::Pcma => &self.pcma,
            Codec::G722 => &self.g722,
            Codec::Opus => &self.opus,
        };
        cache.get_or_init(|| encode_all(codec, self.samples(codec.sample_rate_hz())))
    }

    fn samples(&self, rate_hz: u32) -> &Arc<[i16]> {
        let cache = if rate_hz == 8_000 { &self.narrow } else { &self.wide };
        let rate_hz = if rate_hz == 8_000 { 8_000 } else { 16_000 };
        cache.get_or_init(|| resample(&self.source, rate_hz).samples)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::tone::{sine, tone_level_dbfs};

    #[test]
    fn frames_of_every_codec_and_rate() {
        let clip = Clip::new(&Pcm::new(22_050, sine(22_050, 500.0, 1_010, -20.0)));
        assert_eq!(clip.frames(), 51);
        for codec in [Codec::Pcmu, Codec::Pcma, Codec::G722, Codec::Opus] {
            assert!(clip.payload_frame(codec, 50).is_some(), "{codec:?}");
            assert!(clip.payload_frame(codec, 51).is_none(), "{codec:?}");
            assert!(clip.payload_frame(codec, usize::MAX).is_none(), "{codec:?}");
        }
        for rate in [8_000, 16_000] {
            let middle: Vec<i16> = (10..20)
                .flat_map(|index| clip.sample_frame(rate, index).unwrap().to_vec())
                .collect();
            assert!((tone_level_dbfs(&middle, rate, 500.0) + 20.0).abs() < 0.3);
            assert_eq!(clip.sample_frame(rate, 50).map(<[i16]>::len), Some(rate as usize / 100));
        }
    }

    #[test]
    fn edges_are_soft_but_not_in_a_loop() {
        let square = Pcm::new(8_000, vec![10_000i16; 1_600]);
        assert_eq!(Clip::new(&square).sample_frame(8_000, 0).unwrap()[0], 0);
        assert_eq!(Clip::looped(square).sample_frame(8_000, 0).unwrap()[0], 10_000);
    }

    #[test]
    fn nothing_is_no_frames() {
        let clip = Clip::new(&Pcm::silence(8_000, 0));
        assert_eq!((clip.frames(), clip.sample_frame(8_000, 0)), (0, None));
    }
}
