//! Sentences as vectors that lie near each other where the meanings do: a small BERT encoder
//! (all-MiniLM-L6-v2: 6 layers, 384 wide, 12 heads), mean over its tokens, length one. Bytes in,
//! numbers out: no file, no thread, no clock. Weights and what passes through them are rounded to
//! whole numbers of 7 and 8 bits, whose products no processor rounds differently, so a sentence
//! has the same vector on every machine, alone or among others.

mod encoder;
mod linear;
mod tensors;
mod word_pieces;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};

use encoder::Encoder;
use tensors::Tensors;
use word_pieces::WordPieces;

use super::rows::largest;

/// Numbers of one vector.
pub const WIDTH: usize = encoder::WIDTH;
/// Tokens of one sentence that are looked at, its two edges among them.
pub const TOKENS_MAX: usize = 64;
/// Raised whenever the same files give other vectors: then those that are kept, and the models
/// trained from them, are made anew.
const ENCODING: u64 = 1;
/// Tokens that go through the encoder together.
const BATCH_TOKENS_MAX: usize = 512;
/// Sentences whose vectors are kept (100 kB): the end of a turn asks for the same one with each
/// frame of its silence, then its meaning and its reasons do; and many callers are silent at once.
const RECENT_MAX: usize = 256;

/// Why a model of embeddings cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmbedFault {
    #[error("no safetensors file: {0}")]
    Tensors(String),
    #[error("the weights are no encoder of this kind: {0}")]
    Shape(String),
    #[error("no tokenizer.json with word pieces: {0}")]
    Tokenizer(String),
}

/// A sentence's vector, rounded: its numbers in steps of [`Vector::step`], of length about one.
#[derive(Clone, PartialEq)]
pub struct Vector {
    /// What one unit is worth.
    pub step: f32,
    pub units: Box<[i8]>,
}

impl Vector {
    /// Rounds `numbers` to 255 steps of the largest.
    pub fn round(numbers: &[f32]) -> Self {
        let largest = largest(numbers);
        let step = if largest > 0.0 && largest.is_finite() { largest / 127.0 } else { 1.0 };
        Self { step, units: numbers.iter().map(|one| (one / step).round() as i8).collect() }
    }

    /// The cosine between two sentences, −1 to 1: how alike they are.
    pub fn likeness(&self, other: &Vector) -> f32 {
        let pairs = self.units.iter().zip(&other.units);
        let dot: i32 = pairs.map(|(a, b)| i32::from(*a) * i32::from(*b)).sum();
        dot as f32 * self.step * other.step
    }

    pub fn numbers(&self) -> impl Iterator<Item = f32> + '_ {
        self.units.iter().map(|unit| f32::from(*unit) * self.step)
    }
}

impl fmt::Debug for Vector {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Vector({} numbers)", self.units.len())
    }
}

/// Turns sentences into vectors. About 25 MB; shared by all calls.
pub struct Embedder {
    pieces: WordPieces,
    encoder: Encoder,
    fingerprint: u64,
    /// Remembers by SHA-256, not by words that may be private, and changes no answer.
    recent: Mutex<VecDeque<(Sum, Vector)>>,
}

type Sum = [u8; 32];

impl fmt::Debug for Embedder {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Embedder({:016x})", self.fingerprint)
    }
}

impl Embedder {
    /// Reads `model.safetensors` and `tokenizer.json`.
    ///
    /// # Errors
    /// [`EmbedFault`] for anything that is not such a pair; nothing larger than the files is ever
    /// asked for.
    pub fn from_bytes(model: &[u8], tokenizer: &[u8]) -> Result<Self, EmbedFault> {
        let pieces = WordPieces::from_json(tokenizer)?;
        let encoder = Encoder::new(&Tensors::read(model)?, pieces.count())?;
        let sum = Sha256::new_with_prefix(model).chain_update(tokenizer).finalize();
        let files = sum.iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        let fingerprint = files ^ ENCODING;
        let recent = Mutex::new(VecDeque::with_capacity(RECENT_MAX));
        Ok(Self { pieces, encoder, fingerprint, recent })
    }

    /// Of the model's bytes and of how they are computed with: vectors of two models, or of two
    /// ways, are never compared.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// The vector of one sentence.
    pub fn embed(&self, text: &str) -> Vector {
        let sum: Sum = Sha256::digest(text).into();
        let recent = || self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = recent().iter().find(|(known, _)| *known == sum) {
            return known.clone();
        }
        let vector = self.embed_many(&[text]).pop();
        let vector = vector.unwrap_or_else(|| Vector::round(&[0.0; WIDTH]));
        let mut recent = recent();
        recent.truncate(RECENT_MAX - 1);
        recent.push_front((sum, vector.clone()));
        vector
    }

    /// The vectors of `texts` in their order; many together take half the time.
    pub fn embed_many(&self, texts: &[&str]) -> Vec<Vector> {
        let mut out = Vec::with_capacity(texts.len());
        let mut batch: Vec<Vec<u32>> = Vec::new();
        let mut tokens = 0;
        for text in texts {
            let ids = self.pieces.ids(text, TOKENS_MAX);
            if tokens + ids.len() > BATCH_TOKENS_MAX {
                out.extend(self.encoder.encode(&batch).iter().map(|one| Vector::round(one)));
                (batch, tokens) = (Vec::new(), 0);
            }
            tokens += ids.len();
            batch.push(ids);
        }
        out.extend(self.encoder.encode(&batch).iter().map(|one| Vector::round(one)));
        out
    }
}
