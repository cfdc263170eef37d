//! The manual, where it is compiled: what always holds, what was decided and why, what is
//! attacked, and how to run it.

pub mod decisions;
pub mod invariants;
pub mod operations;
pub mod threats;
