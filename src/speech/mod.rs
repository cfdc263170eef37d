//! Speech: listening to legs (`hear`).

pub mod hear;
