//! Looks through a ggml model file before whisper.cpp does, which trusts what it reads.
//!
//! In: a path. Out: what the model is, or a clear reason why it cannot be used. Only headers are
//! read; weights are stepped over. (Hashes are checked by the models room, which finds the file.)

use std::fs::File;
use std::io::{BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use thiserror::Error;

/// "ggml", read as a little-endian number.
const MAGIC: u32 = 0x6767_6d6c;
/// More tensors than the largest Whisper has (1,259 in large).
const TENSORS_MAX: usize = 4_000;
/// Longer names or more words than any Whisper has.
const NAME_BYTES_MAX: u32 = 512;
const VOCABULARY_MAX: u32 = 100_000;

/// What the header of a Whisper model says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelHeader {
    pub vocabulary: u32,
    /// Positions of the encoder for 30 s; 1,500 in all official models.
    pub audio_positions: u32,
    pub text_positions: u32,
    pub text_layers: u32,
    pub mel_bands: u32,
    /// Knows other languages than English.
    pub multilingual: bool,
    /// Weight tensors in the file.
    pub tensors: usize,
    pub bytes: u64,
}

/// Why a model cannot be used.
#[derive(Debug, Error)]
pub enum ModelError {
    #[error("no model file at {0}; `warmline models fetch` brings it")]
    Missing(PathBuf),
    #[error("cannot read the model {path}: {error}")]
    Unreadable { path: PathBuf, error: std::io::Error },
    #[error("{path} is not a ggml model: it begins with {found:#010x}, not with \"ggml\"")]
    WrongMagic { path: PathBuf, found: u32 },
    #[error("the model {path} is cut short at {bytes} bytes ({place})")]
    Truncated { path: PathBuf, bytes: u64, place: &'static str },
    #[error("{path} is a ggml file but no Whisper model that we know: {why}")]
    NotWhisper { path: PathBuf, why: String },
    #[error("whisper.cpp refused the model {path}: {why}")]
    Refused { path: PathBuf, why: String },
}

/// Reads the whole structure of the file at `path`.
pub fn check(path: &Path) -> Result<ModelHeader, ModelError> {
    let unreadable = |error| ModelError::Unreadable { path: path.to_owned(), error };
    let file = File::open(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => ModelError::Missing(path.to_owned()),
        _ => unreadable(error),
    })?;
    let about = file.metadata().map_err(unreadable)?;
    if !about.is_file() {
        return Err(unreadable(std::io::Error::other("it is not a file")));
    }
    Walk { path, file: BufReader::new(file), bytes: about.len(), place: "in its header" }.whole()
}

struct Walk<'a> {
    path: &'a Path,
    file: BufReader<File>,
    bytes: u64,
    /// Where we are, in words, for the error.
    place: &'static str,
}

impl Walk<'_> {
    fn whole(mut self) -> Result<ModelHeader, ModelError> {
        let magic = self.number()?;
        if magic != MAGIC {
            return Err(ModelError::WrongMagic { path: self.path.to_owned(), found: magic });
        }
        let mut header = self.header()?;
        self.place = "in its mel filters";
        let (bands, bins) = (self.number()?, self.number()?);
        if bands != header.mel_bands || bins > 4_096 {
            return Err(self.not_whisper(format!("{bands} × {bins} mel filters")));
        }
        self.skip(u64::from(bands) * u64::from(bins) * 4)?;
        self.place = "in its vocabulary";
        let words = self.number()?;
        if words > header.vocabulary {
            return Err(self.not_whisper(format!("{words} words of {}", header.vocabulary)));
        }
        for _ in 0..words {
            let length = self.number()?;
            if length > NAME_BYTES_MAX {
                return Err(self.not_whisper(format!("a word of {length} bytes")));
            }
            self.skip(u64::from(length))?;
        }
        self.place = "in its weights";
        while self.file.stream_position().map_err(|error| self.unreadable(error))? < self.bytes {
            self.tensor()?;
            header.tensors += 1;
            if header.tensors > TENSORS_MAX {
                return Err(self.not_whisper(format!("more than {TENSORS_MAX} tensors")));
            }
        }
        if header.tensors == 0 {
            return Err(ModelError::Truncated {
                path: self.path.to_owned(),
                bytes: self.bytes,
                place: "before its weights",
            });
        }
        Ok(header)
    }

    fn header(&mut self) -> Result<ModelHeader, ModelError> {
        let mut fields = [0_u32; 11];
        for field in &mut fields {
            *field = self.number()?;
        }
        let [vocabulary, audio_positions, _, _, _, text_positions, _, _, layers, bands, _] = fields;
        let plausible = (50_000..=VOCABULARY_MAX).contains(&vocabulary)
            && (1..=3_000).contains(&audio_positions)
            && (1..=4_096).contains(&text_positions)
            && (1..=64).contains(&layers)
            && (1..=256).contains(&bands);
        if !plausible {
            return Err(self.not_whisper(format!("its sizes are {fields:?}")));
        }
        Ok(ModelHeader {
            vocabulary,
            audio_positions,
            text_positions,
            text_layers: layers,
            mel_bands: bands,
            multilingual: vocabulary >= 51_865,
            tensors: 0,
            bytes: self.bytes,
        })
    }

    fn tensor(&mut self) -> Result<(), ModelError> {
        let (dimensions, name_bytes, kind) = (self.number()?, self.number()?, self.number()?);
        if dimensions > 4 || name_bytes > NAME_BYTES_MAX {
            return Err(self.not_whisper(format!("a tensor of {dimensions} dimensions")));
        }
        let mut elements = 1_u64;
        for _ in 0..dimensions {
            elements = elements.saturating_mul(u64::from(self.number()?));
        }
        let Some((block, block_bytes)) = block_of(kind) else {
            return Err(self.not_whisper(format!("weights of unknown type {kind}")));
        };
        let weights = (elements / block).saturating_mul(block_bytes);
        self.skip(u64::from(name_bytes).saturating_add(weights))
    }

    fn number(&mut self) -> Result<u32, ModelError> {
        let mut bytes = [0; 4];
        match self.file.read_exact(&mut bytes) {
            Ok(()) => Ok(u32::from_le_bytes(bytes)),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Err(self.truncated()),
            Err(error) => Err(self.unreadable(error)),
        }
    }

    fn skip(&mut self, bytes: u64) -> Result<(), ModelError> {
        let here = self.file.stream_position().map_err(|error| self.unreadable(error))?;
        let there = here.saturating_add(bytes);
        if there > self.bytes {
            return Err(self.truncated());
        }
        // Within the buffer this moves no file position, so a vocabulary costs no system calls.
        let step = i64::try_from(bytes).map_err(|_| self.truncated())?;
        match self.file.seek_relative(step) {
            Ok(()) => Ok(()),
            Err(_) => match self.file.seek(SeekFrom::Start(there)) {
                Ok(_) => Ok(()),
                Err(error) => Err(self.unreadable(error)),
            },
        }
    }

    fn truncated(&self) -> ModelError {
        ModelError::Truncated { path: self.path.to_owned(), bytes: self.bytes, place: self.place }
    }

    fn unreadable(&self, error: std::io::Error) -> ModelError {
        ModelError::Unreadable { path: self.path.to_owned(), error }
    }

    fn not_whisper(&self, why: String) -> ModelError {
        ModelError::NotWhisper { path: self.path.to_owned(), why }
    }
}

/// Elements and bytes of one block of a ggml weight type, by its number in the file.
fn block_of(kind: u32) -> Option<(u64, u64)> {
    Some(match kind {
        0 => (1, 4),      // f32
        1 => (1, 2),      // f16
        2 => (32, 18),    // q4_0
        3 => (32, 20),    // q4_1
        6 => (32, 22),    // q5_0
        7 => (32, 24),    // q5_1
        8 => (32, 34),    // q8_0
        10 => (256, 84),  // q2_K
        11 => (256, 110), // q3_K
        12 => (256, 144), // q4_K
        13 => (256, 176), // q5_K
        14 => (256, 210), // q6_K
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// A file with the structure of a Whisper model and two small tensors.
    fn small_model() -> Vec<u8> {
        let mut file = Vec::new();
        let mut put = |numbers: &[u32]| {
            for number in numbers {
                file.extend_from_slice(&number.to_le_bytes());
            }
        };
        put(&[MAGIC, 51_864, 1_500, 384, 6, 4, 448, 384, 6, 4, 80, 7]);
        put(&[80, 2]);
        put(&[0; 160]);
        put(&[2, 0, 0]);
        // Two dimensions, a name of four bytes, q8_0: 64 elements are two blocks of 34 bytes.
        put(&[2, 4, 8, 32, 2, u32::from_le_bytes(*b"a.w\0")]);
        put(&[0; 17]);
        put(&[1, 4, 0, 3, u32::from_le_bytes(*b"a.b\0"), 0, 0, 0]);
        file
    }

    fn checked(content: &[u8]) -> Result<ModelHeader, ModelError> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content).unwrap();
        check(file.path())
    }

    #[test]
    fn a_whole_file_is_read_to_its_end() {
        let header = checked(&small_model()).unwrap();
        assert_eq!((header.tensors, header.multilingual, header.mel_bands), (2, false, 80));
    }

    #[test]
    fn a_file_cut_anywhere_is_never_taken_for_whole() {
        let whole = small_model();
        let one_tensor = whole.len() - 32;
        for length in 0..whole.len() {
            let cut = checked(whole.get(..length).unwrap());
            // Cut exactly between tensors, the structure is sound: whisper.cpp counts them.
            assert!(cut.is_err() || length == one_tensor, "{length} of {}", whole.len());
        }
        let cut = checked(whole.get(..whole.len() - 5).unwrap()).unwrap_err();
        assert!(matches!(cut, ModelError::Truncated { .. }), "{cut}");
    }

    #[test]
    fn other_files_are_named_for_what_they_are() {
        let page = checked(b"<!DOCTYPE html><title>404</title>").unwrap_err();
        assert!(page.to_string().contains("not a ggml model"), "{page}");
        let mut odd = small_model();
        odd.splice(4..8, 7_u32.to_le_bytes());
        assert!(matches!(checked(&odd), Err(ModelError::NotWhisper { .. })));
        let missing = check(Path::new("nowhere/ggml-none.bin")).unwrap_err();
        assert!(matches!(missing, ModelError::Missing(_)));
        assert!(matches!(check(Path::new("/")), Err(ModelError::Unreadable { .. })));
    }

    #[test]
    fn a_lying_length_ends_in_an_error_not_in_a_long_read() {
        let mut lying = small_model();
        let tensor = lying.len() - 32;
        lying.splice(tensor + 12..tensor + 16, u32::MAX.to_le_bytes());
        assert!(matches!(checked(&lying), Err(ModelError::Truncated { .. })));
    }
}
