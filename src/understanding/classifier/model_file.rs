//! A trained classifier as bytes: magic, version, sizes, names, rows, weights and a checksum.
//! Little endian. Every size is bounded before anything is kept, so that no file can ask for
//! more memory than a model may have.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use super::calibrate::Calibration;
use super::likeness::{KNOWN_MAX, Known, Likeness, TEXT_BYTES_MAX};
use super::{Classifier, FEATURES_MAX, INTENTS_MAX};
use crate::understanding::embedding::{Vector, WIDTH};

const MAGIC: &[u8; 8] = b"WARMINTS";
/// Of a model without vectors.
const VERSION_WORDS: u32 = 1;
/// Of one with: the same, then embedding, scales, weights and examples.
const VERSION: u32 = 2;
const NAME_BYTES_MAX: usize = 200;
const CHECKSUM_BYTES: usize = 32;
/// Largest model file, bytes.
pub const MODEL_BYTES_MAX: usize = 512 * 1024 * 1024;

/// Why a model file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelFault {
    #[error("this is no intent model (its first bytes are not {})", String::from_utf8_lossy(MAGIC))]
    NotAModel,
    #[error("the model has version {0}, this Warmline reads {VERSION}: train it again")]
    Version(u32),
    #[error("the model is cut off or damaged (its checksum does not fit): train it again")]
    Damaged,
    #[error("the model has {what} {found}, at most {most} are read")]
    TooLarge { what: &'static str, found: usize, most: usize },
    #[error("the model holds a number that is none, or names that are not in order")]
    Senseless,
}

impl Classifier {
    /// The model as bytes for a file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.weights.len() + self.rarity.len() * 12 + 1_024);
        out.extend_from_slice(MAGIC);
        let version = if self.likeness.is_some() { VERSION } else { VERSION_WORDS };
        out.extend_from_slice(&version.to_le_bytes());
        out.extend_from_slice(&self.fingerprint.to_le_bytes());
        out.extend_from_slice(&(self.names.len() as u32).to_le_bytes());
        out.extend_from_slice(&(self.rarity.len() as u32).to_le_bytes());
        for name in &self.names {
            out.extend_from_slice(&(name.len() as u32).to_le_bytes());
            out.extend_from_slice(name.as_bytes());
        }
        let floats = |list: &[f32], out: &mut Vec<u8>| {
            list.iter().for_each(|number| out.extend_from_slice(&number.to_le_bytes()));
        };
        floats(&self.calibration.weights, &mut out);
        floats(&[self.calibration.scope_min], &mut out);
        let mut keys: Vec<(u32, u32)> = self.rows.iter().map(|(key, row)| (*row, *key)).collect();
        keys.sort_unstable();
        keys.iter().for_each(|(_, key)| out.extend_from_slice(&key.to_le_bytes()));
        floats(&self.rarity, &mut out);
        floats(&self.scales, &mut out);
        let bytes = |list: &[i8], out: &mut Vec<u8>| {
            out.extend(list.iter().map(|weight| weight.to_le_bytes()[0]));
        };
        bytes(&self.weights, &mut out);
        if let Some(likeness) = &self.likeness {
            out.extend_from_slice(&likeness.embedding.to_le_bytes());
            floats(&likeness.scales, &mut out);
            bytes(&likeness.weights, &mut out);
            out.extend_from_slice(&(likeness.known.len() as u32).to_le_bytes());
            for known in &likeness.known {
                out.extend_from_slice(&known.class.to_le_bytes());
                out.extend_from_slice(&(known.text.len() as u32).to_le_bytes());
                out.extend_from_slice(known.text.as_bytes());
                floats(&[known.vector.step], &mut out);
                bytes(&known.vector.units, &mut out);
            }
        }
        let sum = Sha256::digest(&out);
        out.extend_from_slice(&sum);
        out
    }

    /// Reads what [`Classifier::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelFault> {
        if !bytes.starts_with(MAGIC) {
            return Err(ModelFault::NotAModel);
        }
        let mut head = Cursor { rest: bytes.get(MAGIC.len()..).unwrap_or_default() };
        let version = head.number()?;
        if !(VERSION_WORDS..=VERSION).contains(&version) {
            return Err(ModelFault::Version(version));
        }
        let length = bytes.len().checked_sub(CHECKSUM_BYTES).ok_or(ModelFault::Damaged)?;
        let (body, sum) = bytes.split_at(length);
        if Sha256::digest(body).as_slice() != sum {
            return Err(ModelFault::Damaged);
        }
        let start = MAGIC.len() + size_of::<u32>();
        let mut cursor = Cursor { rest: body.get(start..).unwrap_or_default() };
        let mut model = cursor.model()?;
        if version == VERSION {
            model.likeness = Some(cursor.likeness(model.names.len())?);
        }
        if cursor.rest.is_empty() { Ok(model) } else { Err(ModelFault::Senseless) }
    }
}

struct Cursor<'b> {
    rest: &'b [u8],
}

impl<'b> Cursor<'b> {
    fn take(&mut self, bytes: usize) -> Result<&'b [u8], ModelFault> {
        let (taken, rest) = self.rest.split_at_checked(bytes).ok_or(ModelFault::Damaged)?;
        self.rest = rest;
        Ok(taken)
    }

    fn number(&mut self) -> Result<u32, ModelFault> {
        let bytes = self.take(size_of::<u32>())?;
        Ok(bytes.try_into().map(u32::from_le_bytes).unwrap_or_default())
    }

    fn size(&mut self, what: &'static str, most: usize) -> Result<usize, ModelFault> {
        let found = self.number()? as usize;
        if found > most { Err(ModelFault::TooLarge { what, found, most }) } else { Ok(found) }
    }

    fn numbers(&mut self, count: usize) -> Result<Vec<u32>, ModelFault> {
        let bytes = self.take(count * size_of::<u32>())?;
        let (chunks, _) = bytes.as_chunks::<4>();
        Ok(chunks.iter().copied().map(u32::from_le_bytes).collect())
    }

    fn floats(&mut self, count: usize) -> Result<Vec<f32>, ModelFault> {
        let list: Vec<f32> = self.numbers(count)?.into_iter().map(f32::from_bits).collect();
        let sound = list.iter().all(|number| number.is_finite());
        if sound { Ok(list) } else { Err(ModelFault::Senseless) }
    }

    fn long_number(&mut self) -> Result<u64, ModelFault> {
        let bytes = self.take(size_of::<u64>())?;
        Ok(bytes.try_into().map(u64::from_le_bytes).unwrap_or_default())
    }

    fn bytes(&mut self, count: usize) -> Result<Vec<i8>, ModelFault> {
        Ok(self.take(count)?.iter().map(|byte| i8::from_le_bytes([*byte])).collect())
    }

    fn text(&mut self, what: &'static str, most: usize) -> Result<String, ModelFault> {
        let length = self.size(what, most)?;
        let text = std::str::from_utf8(self.take(length)?).or(Err(ModelFault::Senseless))?;
        Ok(text.to_owned())
    }

    fn likeness(&mut self, intents: usize) -> Result<Likeness, ModelFault> {
        let embedding = self.long_number()?;
        let scales = self.floats(WIDTH)?;
        let weights = self.bytes(WIDTH * intents)?;
        let count = self.size("examples", KNOWN_MAX)?;
        let mut known = Vec::new();
        for _ in 0..count {
            let class = self.number()?;
            if class as usize >= intents {
                return Err(ModelFault::Senseless);
            }
            let text = self.text("bytes in an example", TEXT_BYTES_MAX)?;
            let step = self.floats(1)?.first().copied().unwrap_or_default();
            let units = self.bytes(WIDTH)?.into_boxed_slice();
            known.push(Known { class, text, vector: Vector { step, units } });
        }
        Ok(Likeness { embedding, scales, weights, known })
    }

    fn model(&mut self) -> Result<Classifier, ModelFault> {
        let fingerprint = self.long_number()?;
        let intents = self.size("intents", INTENTS_MAX)?;
        let features = self.size("features", FEATURES_MAX)?;
        let mut names = Vec::with_capacity(intents);
        for _ in 0..intents {
            names.push(self.text("bytes in a name", NAME_BYTES_MAX)?);
        }
        if !names.is_sorted_by(|a, b| a < b) {
            return Err(ModelFault::Senseless);
        }
        let weights = self.floats(4)?.try_into().or(Err(ModelFault::Damaged))?;
        let scope_min = self.floats(1)?.first().copied().unwrap_or_default();
        let keys = self.numbers(features)?;
        let rows: HashMap<u32, u32> = keys.into_iter().zip(0..).collect();
        let rarity = self.floats(features)?;
        let bias = usize::from(intents > 0);
        let scales = self.floats(features + bias)?;
        let calibration = Calibration { weights, scope_min };
        let weights = self.bytes((features + bias) * intents)?;
        let likeness = None;
        Ok(Classifier { names, rows, rarity, scales, weights, calibration, fingerprint, likeness })
    }
}
