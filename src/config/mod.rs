//! From the operator's TOML files to settings, with every fault named at once.

pub mod problem;
pub mod reader;

pub use problem::{Problem, Problems};
pub use reader::Table;
