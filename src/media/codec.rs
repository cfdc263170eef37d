//! Encoders and decoders of the media plane, one frame at a time: G.711 both laws, G.722, Opus.
//! In all but Opus one byte is one tick of the RTP clock.

use std::fmt;

use ezk_g722::libg722::{self, Bitrate};

use crate::base::session::Codec;

use super::g711;
use super::limits::{FRAME_BYTES, FRAME_BYTES_MAX, FRAME_SAMPLES_MAX};
use super::opus::{self, OpusDecoder, OpusEncoder};

/// Whether the media plane can carry this codec.
pub fn is_supported(codec: Codec) -> bool {
    match codec {
        Codec::Pcmu | Codec::Pcma | Codec::G722 | Codec::Opus => true,
    }
}

/// A frame of silence.
pub fn silence(codec: Codec) -> &'static [u8] {
    match codec {
        Codec::Pcmu => &[g711::ULAW_SILENCE; FRAME_BYTES],
        Codec::Pcma => &[g711::ALAW_SILENCE; FRAME_BYTES],
        Codec::G722 => &[0xfa; FRAME_BYTES],
        Codec::Opus => &opus::SILENCE,
    }
}

/// Payload bytes → samples at the codec's rate.
pub enum Decoder {
    Pcmu,
    Pcma,
    G722(Box<libg722::decoder::Decoder>),
    Opus(OpusDecoder),
}

/// Samples at the codec's rate → payload bytes.
pub enum Encoder {
    Pcmu,
    Pcma,
    G722(Box<libg722::encoder::Encoder>),
    Opus(OpusEncoder),
}

impl Decoder {
    /// `None` only if memory is short.
    pub fn new(codec: Codec) -> Option<Decoder> {
        match codec {
            Codec::Pcmu => Some(Decoder::Pcmu),
            Codec::Pcma => Some(Decoder::Pcma),
            Codec::G722 => {
                let inner = libg722::decoder::Decoder::new(Bitrate::Mode1_64000, false, false);
                Some(Decoder::G722(Box::new(inner)))
            }
            Codec::Opus => OpusDecoder::new().map(Decoder::Opus),
        }
    }

    /// Decodes `payload` into the front of `output` and says how many samples that gave;
    /// what does not fit is dropped.
    pub fn decode(&mut self, payload: &[u8], output: &mut [i16]) -> usize {
        match self {
            Decoder::Pcmu => map(payload, output, |code| g711::ulaw_decode(*code)),
            Decoder::Pcma => map(payload, output, |code| g711::alaw_decode(*code)),
            Decoder::G722(inner) => map(&inner.decode(payload), output, |sample| *sample),
            Decoder::Opus(inner) => inner.decode(payload, output),
        }
    }
}

impl Encoder {
    /// For live sound. `None` only if memory is short.
    pub fn new(codec: Codec) -> Option<Encoder> {
        match codec {
            Codec::Pcmu => Some(Encoder::Pcmu),
            Codec::Pcma => Some(Encoder::Pcma),
            Codec::G722 => {
                let inner = libg722::encoder::Encoder::new(Bitrate::Mode1_64000, false, false);
                Some(Encoder::G722(Box::new(inner)))
            }
            Codec::Opus => OpusEncoder::live().map(Encoder::Opus),
        }
    }

    /// Encodes samples into the front of `output` and says how many bytes that gave.
    pub fn encode(&mut self, samples: &[i16], output: &mut [u8]) -> usize {
        match self {
            Encoder::Pcmu => map(samples, output, |sample| g711::ulaw_encode(*sample)),
            Encoder::Pcma => map(samples, output, |sample| g711::alaw_encode(*sample)),
            Encoder::G722(inner) => map(&inner.encode(samples), output, |byte| *byte),
            Encoder::Opus(inner) => inner.encode(samples, output),
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

/// A whole clip, encoded frame by frame.
#[derive(Debug, Default)]
pub struct Encoded {
    bytes: Vec<u8>,
    /// Where each frame ends.
    ends: Vec<u32>,
}

impl Encoded {
    /// The payload of frame `index`; `None` past the end.
    pub fn frame(&self, index: usize) -> Option<&[u8]> {
        let end = *self.ends.get(index)? as usize;
        let start = index.checked_sub(1).and_then(|before| self.ends.get(before));
        self.bytes.get(start.map_or(0, |start| *start as usize)..end)
    }

    pub fn frames(&self) -> usize {
        self.ends.len()
    }
}

/// Encodes a whole clip at the codec's rate, padded to whole frames.
pub fn encode_all(codec: Codec, samples: &[i16]) -> Encoded {
    let encoder = match codec {
        Codec::Opus => OpusEncoder::prompt().map(Encoder::Opus),
        Codec::Pcmu | Codec::Pcma | Codec::G722 => Encoder::new(codec),
    };
    let Some(mut encoder) = encoder else { return Encoded::default() };
    let frame = codec.sample_rate_hz() as usize / 50;
    let mut encoded = Encoded::default();
    let mut padded = [0i16; FRAME_SAMPLES_MAX];
    let mut payload = [0u8; FRAME_BYTES_MAX];
    for from in samples.chunks(frame) {
        padded[..from.len()].copy_from_slice(from);
        padded[from.len()..frame].fill(0);
        let count = encoder.encode(&padded[..frame], &mut payload);
        encoded.bytes.extend_from_slice(payload.get(..count).unwrap_or_default());
        encoded.ends.push(encoded.bytes.len() as u32);
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::tone::{sine, tone_level_dbfs};

    #[test]
    fn a_tone_survives_every_codec() {
        for codec in [Codec::Pcmu, Codec::Pcma, Codec::G722, Codec::Opus] {
            let rate = codec.sample_rate_hz();
            let samples = sine(rate, 1_000.0, 410, -16.0);
            let encoded = encode_all(codec, &samples);
            assert_eq!(encoded.frames(), 21);
            assert!(encoded.frame(21).is_none() && encoded.frame(usize::MAX).is_none());
            let mut decoder = Decoder::new(codec).unwrap();
            let mut output = Vec::new();
            for index in 0..encoded.frames() {
                let mut frame = vec![0i16; rate as usize / 50];
                let count = decoder.decode(encoded.frame(index).unwrap(), &mut frame);
                assert_eq!(count, frame.len());
                output.extend(frame);
            }
            let (start, end) = (rate as usize / 10, rate as usize * 2 / 5);
            let level = tone_level_dbfs(&output[start..end], rate, 1_000.0);
            let allowed = if codec == Codec::Opus { 2.0 } else { 0.5 };
            assert!((level + 16.0).abs() < allowed, "{codec:?}: {level}");
        }
    }

    #[test]
    fn silence_is_silent_in_every_codec() {
        for codec in [Codec::Pcmu, Codec::Pcma, Codec::G722, Codec::Opus] {
            let mut decoder = Decoder::new(codec).unwrap();
            let mut frame = [99i16; FRAME_SAMPLES_MAX];
            let samples = codec.sample_rate_hz() as usize / 50;
            assert_eq!(decoder.decode(silence(codec), &mut frame), samples);
            assert!(frame[..samples].iter().all(|sample| sample.abs() < 40), "{codec:?}");
        }
    }
}
