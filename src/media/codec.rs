//! Encoders and decoders of the media plane, one frame at a time: G.711 both laws and G.722.
//! One byte is one tick of the RTP clock in all of them. Opus is not built in.

use std::fmt;

use ezk_g722::libg722::{self, Bitrate};

use crate::base::session::Codec;

use super::g711;
use super::limits::{FRAME_BYTES, FRAME_SAMPLES_MAX};

/// Whether the media plane can carry this codec.
pub fn is_supported(codec: Codec) -> bool {
    match codec {
        Codec::Pcmu | Codec::Pcma | Codec::G722 => true,
        Codec::Opus => false,
    }
}

/// The payload byte that stands for silence.
pub fn silence_byte(codec: Codec) -> u8 {
    match codec {
        Codec::Pcmu => g711::ULAW_SILENCE,
        Codec::Pcma => g711::ALAW_SILENCE,
        Codec::G722 | Codec::Opus => 0xfa,
    }
}

/// Payload bytes → samples at the codec's rate.
pub enum Decoder {
    Pcmu,
    Pcma,
    G722(Box<libg722::decoder::Decoder>),
}

/// Samples at the codec's rate → payload bytes.
pub enum Encoder {
    Pcmu,
    Pcma,
    G722(Box<libg722::encoder::Encoder>),
}

impl Decoder {
    /// `None` for a codec that is not built in.
    pub fn new(codec: Codec) -> Option<Decoder> {
        match codec {
            Codec::Pcmu => Some(Decoder::Pcmu),
            Codec::Pcma => Some(Decoder::Pcma),
            Codec::G722 => {
                let inner = libg722::decoder::Decoder::new(Bitrate::Mode1_64000, false, false);
                Some(Decoder::G722(Box::new(inner)))
            }
            Codec::Opus => None,
        }
    }

    /// Decodes `payload` into the front of `output` and says how many samples that gave;
    /// what does not fit is dropped.
    pub fn decode(&mut self, payload: &[u8], output: &mut [i16]) -> usize {
        match self {
            Decoder::Pcmu => map(payload, output, |code| g711::ulaw_decode(*code)),
            Decoder::Pcma => map(payload, output, |code| g711::alaw_decode(*code)),
            Decoder::G722(inner) => map(&inner.decode(payload), output, |sample| *sample),
        }
    }
}

impl Encoder {
    /// `None` for a codec that is not built in.
    pub fn new(codec: Codec) -> Option<Encoder> {
        match codec {
            Codec::Pcmu => Some(Encoder::Pcmu),
            Codec::Pcma => Some(Encoder::Pcma),
            Codec::G722 => {
                let inner = libg722::encoder::Encoder::new(Bitrate::Mode1_64000, false, false);
                Some(Encoder::G722(Box::new(inner)))
            }
            Codec::Opus => None,
        }
    }

    /// Encodes samples into the front of `output` and says how many bytes that gave.
    pub fn encode(&mut self, samples: &[i16], output: &mut [u8]) -> usize {
        match self {
            Encoder::Pcmu => map(samples, output, |sample| g711::ulaw_encode(*sample)),
            Encoder::Pcma => map(samples, output, |sample| g711::alaw_encode(*sample)),
            Encoder::G722(inner) => map(&inner.encode(samples), output, |byte| *byte),
        }
    }
}

impl fmt::Debug for Decoder {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Decoder")
    }
}

impl fmt::Debug for Encoder {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Encoder")
    }
}

#[inline]
fn map<A, B>(from: &[A], to: &mut [B], convert: impl Fn(&A) -> B) -> usize {
    for (to, from) in to.iter_mut().zip(from) {
        *to = convert(from);
    }
    from.len().min(to.len())
}

/// Encodes a whole clip at the codec's rate, padded to whole frames. Empty for a codec that is
/// not built in.
pub fn encode_all(codec: Codec, samples: &[i16]) -> Vec<u8> {
    let Some(mut encoder) = Encoder::new(codec) else { return Vec::new() };
    let frame = codec.sample_rate_hz() as usize / 50;
    let mut bytes = vec![silence_byte(codec); samples.len().div_ceil(frame) * FRAME_BYTES];
    let mut padded = [0i16; FRAME_SAMPLES_MAX];
    for (from, to) in samples.chunks(frame).zip(bytes.chunks_mut(FRAME_BYTES)) {
        padded[..from.len()].copy_from_slice(from);
        padded[from.len()..frame].fill(0);
        encoder.encode(&padded[..frame], to);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::tone::{sine, tone_level_dbfs};

    #[test]
    fn a_tone_survives_every_codec() {
        for codec in [Codec::Pcmu, Codec::Pcma, Codec::G722] {
            let rate = codec.sample_rate_hz();
            let samples = sine(rate, 1_000.0, 400, -16.0);
            let bytes = encode_all(codec, &samples);
            assert_eq!(bytes.len(), 20 * FRAME_BYTES);
            let mut decoder = Decoder::new(codec).unwrap();
            let mut output = vec![0i16; samples.len()];
            assert_eq!(decoder.decode(&bytes, &mut output), samples.len());
            let level = tone_level_dbfs(&output[rate as usize / 10..], rate, 1_000.0);
            assert!((level + 16.0).abs() < 0.5, "{codec:?}: {level}");
        }
    }

    #[test]
    fn opus_is_refused_rather_than_guessed() {
        assert!(Decoder::new(Codec::Opus).is_none() && Encoder::new(Codec::Opus).is_none());
        assert!(!is_supported(Codec::Opus));
        assert!(encode_all(Codec::Opus, &[0; 160]).is_empty());
    }
}
