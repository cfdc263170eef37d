//! From an utterance to intent, slots and stress, each with reasons. Pure functions over
//! operator-edited tables.

pub mod outcome;
