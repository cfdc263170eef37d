//! Nouns without I/O: what every room speaks of. Imports nothing of ours.

pub mod audio;
pub mod caller;
pub mod card;
pub mod consent;
pub mod disposition;
pub mod ids;
pub mod key;
pub mod language;
pub mod limits;
pub mod listen;
pub mod markup;
pub mod moment;
pub mod number_words;
pub mod phone;
pub mod pii;
pub mod reason;
pub mod session;
pub mod spoken;
pub mod upsample;
pub mod utterance;
