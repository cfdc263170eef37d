//! Rendered sentences by hash: some in memory, all on the disk for good.

use std::collections::HashMap;
use std::fs;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::base::audio::Pcm;

/// Sentences held in memory; the whole is dropped when it is full, the disk has it still.
const HELD_MAX: usize = 1_000;

/// The cache of one engine's sentences.
pub struct Cache {
    folder: PathBuf,
    held: HashMap<String, Pcm>,
}

impl Cache {
    /// A folder that cannot be written is no fault: then only memory holds.
    pub fn open(folder: &Path) -> Self {
        let _ = fs::create_dir_all(folder);
        Self { folder: folder.to_owned(), held: HashMap::new() }
    }

    /// Names a sentence by everything that makes its sound.
    pub fn key(engine: &str, language: &str, pace: f32, sentence: &str) -> String {
        let mut hasher = Sha256::new();
        for part in [engine, language, &format!("{pace:.2}"), "16000", sentence] {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    pub fn get(&mut self, key: &str) -> Option<Pcm> {
        if let Some(pcm) = self.held.get(key) {
            return Some(pcm.clone());
        }
        let file = fs::File::open(self.path(key)).ok()?;
        let pcm = read_wav(BufReader::new(file)).ok()?;
        self.hold(key, &pcm);
        Some(pcm)
    }

    /// Keeps a sentence: for good if its words never vary, else in memory only, as it may hold
    /// what belongs to a caller.
    pub fn put(&mut self, key: &str, pcm: &Pcm, for_good: bool) {
        self.hold(key, pcm);
        if for_good {
            // Of this process alone: others may fill the same folder.
            let part = self.path(key).with_extension(format!("{}.part", std::process::id()));
            if write_wav(&part, pcm).is_ok() {
                let _ = fs::rename(&part, self.path(key));
            }
        }
    }

    fn hold(&mut self, key: &str, pcm: &Pcm) {
        if self.held.len() >= HELD_MAX {
            self.held.clear();
        }
        self.held.insert(key.to_owned(), pcm.clone());
    }

    fn path(&self, key: &str) -> PathBuf {
        self.folder.join(format!("{key}.wav"))
    }
}

/// Why a WAV of speech cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SoundFault {
    #[error("it is no whole WAV: {0}")]
    Broken(#[from] hound::Error),
    #[error("it holds no sound")]
    Empty,
}

/// Reads any common WAV as mono.
///
/// # Errors
/// [`SoundFault`]; a file that is shorter than its header says is broken, not short.
pub fn read_wav(source: impl Read) -> Result<Pcm, SoundFault> {
    let mut reader = hound::WavReader::new(source)?;
    let spec = reader.spec();
    let channels = usize::from(spec.channels.max(1));
    let all: Vec<f32> = match spec.sample_format {
        hound::SampleFormat::Float => reader.samples::<f32>().collect::<Result<_, _>>()?,
        hound::SampleFormat::Int => {
            let full = (1i64 << (spec.bits_per_sample.clamp(1, 32) - 1)) as f32;
            let whole = reader.samples::<i32>();
            whole.map(|sample| sample.map(|s| s as f32 / full)).collect::<Result<_, _>>()?
        }
    };
    if all.is_empty() {
        return Err(SoundFault::Empty);
    }
    let mono = all.chunks(channels).map(|frame| frame.iter().sum::<f32>() / channels as f32);
    let samples: Vec<i16> = mono.map(|v| (v.clamp(-1.0, 1.0) * 32_767.0) as i16).collect();
    Ok(Pcm::new(spec.sample_rate, samples))
}

/// Writes mono 16-bit.
pub fn write_wav(path: &Path, pcm: &Pcm) -> Result<(), hound::Error> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: pcm.rate_hz,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec)?;
    for sample in pcm.samples.iter() {
        writer.write_sample(*sample)?;
    }
    writer.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_varies_is_never_written_to_disk() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut cache = Cache::open(folder.path());
        let pcm = Pcm::new(16_000, vec![1, 2, 3]);
        cache.put("fixed", &pcm, true);
        cache.put("private", &pcm, false);
        assert_eq!(cache.get("private").as_ref(), Some(&pcm));
        let mut again = Cache::open(folder.path());
        assert_eq!(again.get("fixed").map(|pcm| pcm.samples.len()), Some(3));
        assert_eq!(again.get("private"), None);
    }

    #[test]
    fn a_file_cut_short_is_not_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let pcm = Pcm::new(16_000, vec![5; 1_000]);
        Cache::open(folder.path()).put("fixed", &pcm, true);
        let file = folder.path().join("fixed.wav");
        let whole = fs::read(&file).expect("is there");
        for length in [0, 20, 44, 1_000] {
            fs::write(&file, &whole[..length]).expect("is writable");
            assert_eq!(Cache::open(folder.path()).get("fixed"), None, "{length} bytes");
        }
        fs::write(&file, &whole).expect("is writable");
        assert!(Cache::open(folder.path()).get("fixed").is_some());
    }

    #[test]
    fn every_part_of_the_key_counts() {
        let key = Cache::key("e", "en", 1.0, "Hi.");
        assert_ne!(key, Cache::key("e", "en", 1.25, "Hi."));
        assert_ne!(key, Cache::key("ee", "n", 1.0, "Hi."));
        assert_eq!(key, Cache::key("e", "en", 1.0, "Hi."));
    }
}
