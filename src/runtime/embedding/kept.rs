//! Vectors on the disk: magic, fingerprint of the embedder, count, then for each the first half of
//! the SHA-256 of its text, its step and its units; a SHA-256 of all at the end. Little endian. A
//! file that is broken or of another embedder counts as empty and is written anew.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::models::disk;
use crate::understanding::embedding::{Vector, WIDTH};

const MAGIC: &[u8; 8] = b"WARMVEC1";
const KEY_BYTES: usize = 16;
const STEP_BYTES: usize = 4;
const ENTRY_BYTES: usize = KEY_BYTES + STEP_BYTES + WIDTH;
const SUM_BYTES: usize = 32;
/// Vectors of one file (24 MB); beyond, only those of the tables just learned stay.
const VECTORS_MAX: usize = 60_000;

type Key = [u8; KEY_BYTES];
type Known = BTreeMap<Key, Vector>;

/// Where vectors are kept; without a place they are computed each time.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    file: Option<PathBuf>,
}

impl Kept {
    /// In the user's cache folder; without a home nothing is kept.
    pub fn usual() -> Self {
        Self { file: disk::cached("example-vectors") }
    }

    pub fn at(file: &Path) -> Self {
        Self { file: Some(file.to_owned()) }
    }

    /// The vectors of `texts` in their order; `embed` gives those that are not kept yet, one each.
    /// None at all, and none are kept, where it gives another number.
    pub fn vectors(
        &self,
        embedder: u64,
        texts: &[&str],
        embed: impl FnOnce(&[&str]) -> Vec<Vector>,
    ) -> Vec<Vector> {
        let mut known = self.read(embedder);
        let keys: Vec<Key> = texts.iter().map(|text| key(text)).collect();
        let pairs = || keys.iter().zip(texts);
        let missing: BTreeMap<Key, &str> = pairs()
            .filter(|(key, _)| !known.contains_key(*key))
            .map(|(key, text)| (*key, *text))
            .collect();
        if !missing.is_empty() {
            if known.len() + missing.len() > VECTORS_MAX {
                let wanted: BTreeSet<&Key> = keys.iter().collect();
                known.retain(|key, _| wanted.contains(key));
            }
            let new = embed(&missing.values().copied().collect::<Vec<_>>());
            if new.len() != missing.len() {
                return Vec::new();
            }
            known.extend(missing.into_keys().zip(new));
            self.write(embedder, &known);
        }
        keys.iter().filter_map(|key| known.get(key).cloned()).collect()
    }

    fn read(&self, embedder: u64) -> Known {
        let most = (MAGIC.len() + 12 + VECTORS_MAX * ENTRY_BYTES + SUM_BYTES) as u64;
        let file = self.file.as_ref().filter(|file| {
            std::fs::metadata(file).is_ok_and(|meta| meta.is_file() && meta.len() <= most)
        });
        let bytes = file.and_then(|file| std::fs::read(file).ok()).unwrap_or_default();
        parse(&bytes, embedder).unwrap_or_default()
    }

    /// What cannot be written only costs the next start its time.
    fn write(&self, embedder: u64, known: &Known) {
        let Some(file) = self.file.as_ref().filter(|_| known.len() <= VECTORS_MAX) else { return };
        let mut bytes = MAGIC.to_vec();
        bytes.extend(embedder.to_le_bytes());
        bytes.extend((known.len() as u32).to_le_bytes());
        for (key, vector) in known {
            bytes.extend(key);
            bytes.extend(vector.step.to_le_bytes());
            bytes.extend(vector.units.iter().map(|unit| unit.to_le_bytes()[0]));
        }
        let sum = Sha256::digest(&bytes);
        bytes.extend(sum);
        if let Err(error) = disk::replace(file, &bytes) {
            tracing::debug!(%error, "the examples' vectors were not kept");
        }
    }
}

fn key(text: &str) -> Key {
    let sum = Sha256::digest(text);
    sum.first_chunk::<KEY_BYTES>().copied().unwrap_or_default()
}

/// `None` for anything but a whole file of this embedder.
fn parse(bytes: &[u8], embedder: u64) -> Option<Known> {
    let (body, sum) = bytes.split_at_checked(bytes.len().checked_sub(SUM_BYTES)?)?;
    if Sha256::digest(body).as_slice() != sum {
        return None;
    }
    let rest = body.strip_prefix(MAGIC)?;
    let (fingerprint, rest) = rest.split_first_chunk::<8>()?;
    let (count, rest) = rest.split_first_chunk::<4>()?;
    let whole = u64::from_le_bytes(*fingerprint) == embedder
        && (u32::from_le_bytes(*count) as usize).checked_mul(ENTRY_BYTES) == Some(rest.len());
    let entries = rest.chunks_exact(ENTRY_BYTES).map(|entry| {
        let (key, rest) = entry.split_first_chunk::<KEY_BYTES>()?;
        let (step, units) = rest.split_first_chunk::<STEP_BYTES>()?;
        let step = Some(f32::from_le_bytes(*step)).filter(|step| step.is_finite())?;
        let units = units.iter().map(|byte| i8::from_le_bytes([*byte])).collect();
        Some((*key, Vector { step, units }))
    });
    whole.then(|| entries.collect()).flatten()
}
