//! Size and SHA-256 of a model's file, before anything reads it.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::manifest::ModelFile;

/// "ggml" as a little-endian number.
const GGML_MAGIC: &[u8] = b"lmgg";

/// What a file on the disk is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Good,
    Missing {
        file: String,
    },
    Truncated {
        file: String,
        found: u64,
        expected: u64,
    },
    /// The right size, and no such file at all: its first bytes are not those of its kind.
    WrongMagic {
        file: String,
        found: String,
    },
    WrongHash {
        file: String,
        found: String,
    },
    Unreadable {
        file: String,
        error: String,
    },
}

impl fmt::Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Good => out.write_str("good"),
            Verdict::Missing { file } => write!(out, "{file} is missing"),
            Verdict::Truncated { file, found, expected } => {
                write!(out, "{file} has {found} bytes instead of {expected}")
            }
            Verdict::WrongMagic { file, found } => {
                write!(out, "{file} is no model: it begins with {found}")
            }
            Verdict::WrongHash { file, found } => {
                write!(out, "{file} has the wrong SHA-256 {found}")
            }
            Verdict::Unreadable { file, error } => write!(out, "{file} cannot be read: {error}"),
        }
    }
}

/// Judges `path` as `file`: the official bytes, or the ones converted from the same weights.
pub fn check(file: &ModelFile, path: &Path) -> Verdict {
    check_with(file, path, hash_file)
}

/// [`check`] with a hash that comes from elsewhere.
pub fn check_with(
    file: &ModelFile,
    path: &Path,
    hash: impl FnOnce(&Path) -> io::Result<String>,
) -> Verdict {
    let name = path.display().to_string();
    let meta = match std::fs::metadata(path) {
        Ok(meta) => meta,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Verdict::Missing { file: name };
        }
        Err(error) => return Verdict::Unreadable { file: name, error: error.to_string() },
    };
    let converted = file.pip.as_ref().and_then(|pip| pip.convert.as_ref());
    let sizes = [Some(file.bytes), converted.map(|c| c.bytes)];
    if !sizes.contains(&Some(meta.len())) {
        let (found, expected) = (meta.len(), file.bytes);
        return Verdict::Truncated { file: name, found, expected };
    }
    match begins_wrong(file, path) {
        Ok(None) => {}
        Ok(Some(found)) => return Verdict::WrongMagic { file: name, found },
        Err(error) => return Verdict::Unreadable { file: name, error: error.to_string() },
    }
    match hash(path) {
        Ok(found) if found == file.sha256 => Verdict::Good,
        Ok(found) if converted.is_some_and(|c| c.sha256 == found) => Verdict::Good,
        Ok(found) => Verdict::WrongHash { file: name, found },
        Err(error) => Verdict::Unreadable { file: name, error: error.to_string() },
    }
}

/// The first bytes of a ggml file that does not begin as one; `None` for one that does, and for
/// files of other kinds.
fn begins_wrong(file: &ModelFile, path: &Path) -> io::Result<Option<String>> {
    let is_ggml = file.name.starts_with("ggml-") && file.name.ends_with(".bin");
    let mut head = Vec::new();
    if is_ggml {
        File::open(path)?.take(GGML_MAGIC.len() as u64).read_to_end(&mut head)?;
    }
    let wrong = is_ggml && head != GGML_MAGIC;
    Ok(wrong.then(|| format!("\"{}\" ({})", head.escape_ascii(), hex(&head))))
}

/// SHA-256 of a file in lower-case hexadecimal.
pub fn hash_file(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0u8; 1 << 20];
    loop {
        let length = file.read(&mut buffer)?;
        if length == 0 {
            return Ok(hex(&hasher.finalize()));
        }
        hasher.update(buffer.get(..length).unwrap_or_default());
    }
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
