//! Speech both ways: what is heard becomes words, and words become sound.

pub mod voice;
