//! Opus (RFC 6716, RFC 7587) for voice: mono at 16 kHz, frames of 20 ms, in-band FEC on. libopus
//! resamples by itself, so that a browser's 48 kHz come out at our rate.
//!
//! An encoder or decoder that libopus refuses to make, or a packet that it refuses, gives silence:
//! nothing from outside can end a leg.

use opus::{Application, Bitrate, Channels};

use super::limits::FRAME_BYTES_MAX;

/// Our rate; the RTP clock is 48 kHz whatever the rate (RFC 7587 section 4.1).
const RATE_HZ: u32 = 16_000;
const FRAME_SAMPLES: usize = RATE_HZ as usize / 50;
/// Wideband speech is transparent to most ears from here on, and FEC finds room in it.
const BITS_PER_SECOND: i32 = 28_000;
/// Loss that the encoder prepares for, per cent: enough to write FEC.
const LOSS_PER_CENT: i32 = 10;
/// Effort for live sound: half of the most, a third of its time.
const COMPLEXITY_LIVE: i32 = 5;
/// Effort for prompts, which are encoded once.
const COMPLEXITY_PROMPT: i32 = 9;
/// 20 ms of silence: what is sent where a clip has no frame.
pub const SILENCE: [u8; 3] = [0xf8, 0xff, 0xfe];

/// Packets → 320 samples each.
pub struct OpusDecoder {
    inner: opus::Decoder,
}

impl OpusDecoder {
    /// `None` only if memory is short.
    pub fn new() -> Option<Self> {
        let inner = opus::Decoder::new(RATE_HZ, Channels::Mono).ok()?;
        Some(Self { inner })
    }

    /// Decodes one packet of 20 ms; silence if it is none.
    pub fn decode(&mut self, packet: &[u8], output: &mut [i16]) -> usize {
        self.run(packet, output, false)
    }

    /// Makes up the frame that was lost: from the repair that `behind`, the packet after it,
    /// carries, or else from what was said before.
    pub fn conceal(&mut self, behind: Option<&[u8]>, output: &mut [i16]) -> usize {
        self.run(behind.unwrap_or_default(), output, behind.is_some())
    }

    fn run(&mut self, packet: &[u8], output: &mut [i16], repair: bool) -> usize {
        let Some(frame) = output.get_mut(..FRAME_SAMPLES) else { return 0 };
        let count = self.inner.decode(packet, frame, repair).unwrap_or(0);
        frame.iter_mut().skip(count).for_each(|sample| *sample = 0);
        FRAME_SAMPLES
    }
}

/// Whether a packet is one that a tick can play: 20 ms, and not too long to keep.
pub fn is_one_frame(packet: &[u8]) -> bool {
    packet.len() <= FRAME_BYTES_MAX
        && opus::packet::get_nb_samples(packet, RATE_HZ).is_ok_and(|count| count == FRAME_SAMPLES)
}

/// 320 samples → a packet.
pub struct OpusEncoder {
    inner: opus::Encoder,
}

impl OpusEncoder {
    /// For what is said now. `None` only if memory is short.
    pub fn live() -> Option<Self> {
        Self::with_complexity(COMPLEXITY_LIVE)
    }

    /// For what is encoded once and played often.
    pub fn prompt() -> Option<Self> {
        Self::with_complexity(COMPLEXITY_PROMPT)
    }

    fn with_complexity(complexity: i32) -> Option<Self> {
        let mut inner = opus::Encoder::new(RATE_HZ, Channels::Mono, Application::Voip).ok()?;
        inner.set_bitrate(Bitrate::Bits(BITS_PER_SECOND)).ok()?;
        inner.set_complexity(complexity).ok()?;
        inner.set_inband_fec(true).ok()?;
        inner.set_packet_loss_perc(LOSS_PER_CENT).ok()?;
        Some(Self { inner })
    }

    /// Encodes 320 samples into the front of `output` and says how many bytes that took; silence
    /// if libopus refuses.
    pub fn encode(&mut self, samples: &[i16], output: &mut [u8]) -> usize {
        if let Ok(count) = self.inner.encode(samples, output) {
            return count;
        }
        for (to, from) in output.iter_mut().zip(SILENCE) {
            *to = from;
        }
        SILENCE.len().min(output.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::tone::{sine, tone_level_dbfs};

    fn encoded(samples: &[i16]) -> Vec<Vec<u8>> {
        let mut encoder = OpusEncoder::live().unwrap();
        let frames = samples.chunks_exact(FRAME_SAMPLES).map(|frame| {
            let mut bytes = [0; FRAME_BYTES_MAX];
            let count = encoder.encode(frame, &mut bytes);
            bytes[..count].to_vec()
        });
        frames.collect()
    }

    #[test]
    fn a_tone_comes_back_at_its_level() {
        let packets = encoded(&sine(RATE_HZ, 500.0, 1_000, -20.0));
        let mut decoder = OpusDecoder::new().unwrap();
        let mut heard = Vec::new();
        for packet in &packets {
            assert!(is_one_frame(packet));
            let mut frame = [0; FRAME_SAMPLES];
            assert_eq!(decoder.decode(packet, &mut frame), FRAME_SAMPLES);
            heard.extend_from_slice(&frame);
        }
        let level = tone_level_dbfs(&heard[4_800..], RATE_HZ, 500.0);
        assert!((level + 20.0).abs() < 2.0, "{level}");
    }

    #[test]
    fn a_lost_frame_is_repaired_from_the_next_better_than_from_the_past() {
        // A pitch that glides: what comes next cannot be guessed from what was.
        let glide: Vec<i16> = (0..32_000)
            .map(|index| {
                let t = f64::from(index) / 16_000.0;
                let phase = std::f64::consts::TAU * (150.0 * t + 220.0 * t * t);
                let voice: f64 = (1..6).map(|k| (phase * f64::from(k)).sin() / f64::from(k)).sum();
                (voice * 6_000.0) as i16
            })
            .collect();
        let packets = encoded(&glide);
        let error = |repair: bool| {
            let mut whole = OpusDecoder::new().unwrap();
            let mut lossy = OpusDecoder::new().unwrap();
            let mut sum = 0.0f64;
            for (index, packet) in packets.iter().enumerate() {
                let (mut one, mut other) = ([0i16; FRAME_SAMPLES], [0i16; FRAME_SAMPLES]);
                whole.decode(packet, &mut one);
                if index % 10 == 9 && index + 1 < packets.len() {
                    let behind = repair.then(|| packets[index + 1].as_slice());
                    lossy.conceal(behind, &mut other);
                    let pairs = one.iter().zip(&other);
                    sum += pairs.map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>();
                } else {
                    lossy.decode(packet, &mut other);
                }
            }
            sum
        };
        let (guessed, repaired) = (error(false), error(true));
        assert!(repaired < guessed * 0.7, "repaired {repaired:.0}, guessed {guessed:.0}");
    }

    #[test]
    fn nothing_from_outside_ends_it() {
        let mut decoder = OpusDecoder::new().unwrap();
        let mut frame = [7i16; FRAME_SAMPLES];
        for packet in [&[][..], &[0xff], &[0xff; 600], &SILENCE, &[3, 0, 0, 0, 1, 2]] {
            assert_eq!(decoder.decode(packet, &mut frame), FRAME_SAMPLES);
            decoder.conceal(Some(packet), &mut frame);
        }
        assert!(is_one_frame(&SILENCE));
        // 60 ms, nothing, too long.
        for packet in [&[0x18, 1, 2, 3][..], &[], &[0xf8; FRAME_BYTES_MAX + 1]] {
            assert!(!is_one_frame(packet), "{packet:?}");
        }
    }
}
