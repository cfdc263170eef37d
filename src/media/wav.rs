//! WAV files from operators and callers, and the repair of our own. Every way in which a file can
//! be bad has its own clear error; no file can make the reader panic or take endless memory.

use std::fs;
use std::io::{Cursor, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use hound::{SampleFormat, WavReader};
use thiserror::Error;

use crate::base::audio::Pcm;

use super::limits::{CLIP_MS_MAX, WAV_BYTES_MAX};

/// Bytes before the samples in a file of ours.
pub const HEADER_BYTES: u64 = 44;
/// Rates that are read.
const RATES_HZ: std::ops::RangeInclusive<u32> = 8_000..=48_000;

/// Why a file is no usable WAV.
#[derive(Debug, Error)]
pub enum WavError {
    #[error("cannot be read: {0}")]
    Unreadable(#[from] std::io::Error),
    #[error("is empty (0 bytes)")]
    Empty,
    #[error("holds no sound (0 samples)")]
    NoSamples,
    #[error("is not a WAV file: it does not begin with RIFF … WAVE")]
    NotWav,
    #[error("is cut short: its header promises {promised} bytes of sound, {present} are there")]
    Truncated { promised: u64, present: u64 },
    #[error("has a broken header: {0}")]
    BadHeader(String),
    #[error("has {0} channels; 1 or 2 can be read")]
    Channels(u16),
    #[error("has {0} samples a second; 8,000 to 48,000 can be read")]
    Rate(u32),
    #[error(
        "has {bits}-bit {format} samples; 8, 16, 24 and 32-bit integers and 32-bit floats can be \
         read"
    )]
    Format { bits: u16, format: &'static str },
    #[error("is compressed (format {0}); uncompressed PCM can be read")]
    Compressed(u16),
    #[error("is too long: {0} s; at most 1,800")]
    TooLong(u64),
    #[error("is too large: {0} bytes")]
    TooLarge(u64),
}

/// Reads a file as mono; two channels are averaged.
///
/// # Errors
/// [`WavError`], which says in words what is wrong.
pub fn read(path: &Path) -> Result<Pcm, WavError> {
    parse(&load(path)?)
}

/// Reads a file with its channels apart: one or two, of the same length.
///
/// # Errors
/// As [`read`].
pub fn read_channels(path: &Path) -> Result<Vec<Pcm>, WavError> {
    parse_channels(&load(path)?)
}

/// As [`read`], from memory.
///
/// # Errors
/// As [`read`].
pub fn parse(bytes: &[u8]) -> Result<Pcm, WavError> {
    let mut channels = parse_channels(bytes)?;
    let first = channels.remove(0);
    let Some(second) = channels.pop() else { return Ok(first) };
    let pairs = first.samples.iter().zip(second.samples.iter());
    let mono: Vec<i16> = pairs.map(|(a, b)| ((i32::from(*a) + i32::from(*b)) / 2) as i16).collect();
    Ok(Pcm::new(first.rate_hz, mono))
}

/// Writes a mono file of 16-bit samples, whole or not at all (by a rename).
///
/// # Errors
/// [`WavError::Unreadable`] with what the disk says.
pub fn write(path: &Path, pcm: &Pcm) -> Result<(), WavError> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: pcm.rate_hz,
        bits_per_sample: 16,
        sample_format: SampleFormat::Int,
    };
    let mut bytes = Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut bytes, spec).map_err(broken)?;
    for sample in pcm.samples.iter() {
        writer.write_sample(*sample).map_err(broken)?;
    }
    writer.finalize().map_err(broken)?;
    let unfinished = path.with_extension("wav.part");
    fs::write(&unfinished, bytes.into_inner())?;
    fs::rename(&unfinished, path)?;
    Ok(())
}

fn load(path: &Path) -> Result<Vec<u8>, WavError> {
    let length = fs::metadata(path)?.len();
    if length > WAV_BYTES_MAX {
        return Err(WavError::TooLarge(length));
    }
    let mut bytes = Vec::with_capacity(length as usize);
    // A file that grows while it is read is cut at the bound.
    fs::File::open(path)?.take(WAV_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn parse_channels(bytes: &[u8]) -> Result<Vec<Pcm>, WavError> {
    check_layout(bytes)?;
    let reader = WavReader::new(Cursor::new(bytes)).map_err(broken)?;
    let spec = reader.spec();
    if !matches!(spec.channels, 1 | 2) {
        return Err(WavError::Channels(spec.channels));
    }
    if !RATES_HZ.contains(&spec.sample_rate) {
        return Err(WavError::Rate(spec.sample_rate));
    }
    let seconds = u64::from(reader.duration()) / u64::from(spec.sample_rate);
    if seconds > CLIP_MS_MAX / 1_000 {
        return Err(WavError::TooLong(seconds));
    }
    let samples = read_samples(reader)?;
    if samples.is_empty() {
        return Err(WavError::NoSamples);
    }
    let count = usize::from(spec.channels);
    let channel = |index: usize| {
        let one: Vec<i16> = samples.iter().skip(index).step_by(count).copied().collect();
        Pcm::new(spec.sample_rate, one)
    };
    Ok((0..count).map(channel).collect())
}

fn read_samples(mut reader: WavReader<Cursor<&[u8]>>) -> Result<Vec<i16>, WavError> {
    let spec = reader.spec();
    match (spec.sample_format, spec.bits_per_sample) {
        (SampleFormat::Int, bits @ (8 | 16 | 24 | 32)) => {
            let samples = reader.samples::<i32>();
            let to_16 = |sample: i32| match bits {
                8 => (sample << 8) as i16,
                16 => sample as i16,
                24 => (sample >> 8) as i16,
                _ => (sample >> 16) as i16,
            };
            samples.map(|sample| sample.map(to_16).map_err(broken)).collect()
        }
        (SampleFormat::Float, 32) => {
            let to_16 = |sample: f32| (sample * 32_767.0).clamp(-32_768.0, 32_767.0) as i16;
            reader.samples::<f32>().map(|sample| sample.map(to_16).map_err(broken)).collect()
        }
        (SampleFormat::Int, bits) => Err(WavError::Format { bits, format: "integer" }),
        (SampleFormat::Float, bits) => Err(WavError::Format { bits, format: "float" }),
    }
}

/// Walks the chunks, so that what is wrong is told better than the decoder could.
fn check_layout(bytes: &[u8]) -> Result<(), WavError> {
    if bytes.is_empty() {
        return Err(WavError::Empty);
    }
    let is_wav = bytes.get(..4) == Some(b"RIFF") && bytes.get(8..12) == Some(b"WAVE");
    if !is_wav {
        return Err(WavError::NotWav);
    }
    let mut rest = bytes.get(12..).unwrap_or_default();
    while let Some((head, body)) = rest.split_first_chunk::<8>() {
        let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        match &head[..4] {
            b"data" if length > body.len() => {
                let (promised, present) = (length as u64, body.len() as u64);
                return Err(WavError::Truncated { promised, present });
            }
            b"data" if length == 0 => return Err(WavError::NoSamples),
            b"data" => return Ok(()),
            b"fmt " => {
                if let [low, high, ..] = body
                    && !matches!(u16::from_le_bytes([*low, *high]), 1 | 3 | 0xfffe)
                {
                    return Err(WavError::Compressed(u16::from_le_bytes([*low, *high])));
                }
            }
            _ => {}
        }
        // Chunks are padded to an even length.
        rest = body.get(length + (length & 1)..).unwrap_or_default();
    }
    Err(WavError::BadHeader("it ends before any sound".to_owned()))
}

fn broken(error: hound::Error) -> WavError {
    match error {
        hound::Error::IoError(error) => WavError::Unreadable(error),
        other => WavError::BadHeader(other.to_string()),
    }
}

/// Mends the recordings in a folder whose header disagrees with their length, as a crash leaves
/// them. Whole files are only read. Says which were mended.
///
/// # Errors
/// If the folder itself cannot be read; a file that cannot be mended is skipped and logged.
pub fn repair(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut mended = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "wav") {
            continue;
        }
        match repair_one(&path) {
            Ok(true) => mended.push(path),
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "recording could not be mended");
            }
        }
    }
    mended.sort();
    Ok(mended)
}

/// Only files laid out as our recorder does (44 bytes, then samples) are touched.
fn repair_one(path: &Path) -> std::io::Result<bool> {
    let mut file = fs::File::open(path)?;
    let length = file.metadata()?.len();
    let mut header = [0u8; HEADER_BYTES as usize];
    if length < HEADER_BYTES {
        return Ok(false);
    }
    file.read_exact(&mut header)?;
    let field = |at: usize| header.get(at..at + 4);
    let ours = field(0) == Some(b"RIFF")
        && field(8) == Some(b"WAVE")
        && field(12) == Some(b"fmt ")
        && field(36) == Some(b"data");
    let block = u64::from(u16::from_le_bytes([header[32], header[33]]));
    if !ours || block == 0 {
        return Ok(false);
    }
    let said = u64::from(u32::from_le_bytes([header[40], header[41], header[42], header[43]]));
    let present = (length - HEADER_BYTES) / block * block;
    if said == present && length == HEADER_BYTES + present {
        return Ok(false);
    }
    let mut file = fs::OpenOptions::new().write(true).open(path)?;
    file.set_len(HEADER_BYTES + present)?;
    let present = u32::try_from(present).unwrap_or(u32::MAX - 64);
    file.seek(SeekFrom::Start(4))?;
    file.write_all(&(present + HEADER_BYTES as u32 - 8).to_le_bytes())?;
    file.seek(SeekFrom::Start(40))?;
    file.write_all(&present.to_le_bytes())?;
    file.sync_data()?;
    Ok(true)
}

#[cfg(test)]
#[path = "wav/tests.rs"]
mod tests;
