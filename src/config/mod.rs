//! From the operator's TOML files to settings, with every fault named at once.

mod decode;
mod defaults;
pub mod problem;
pub mod reader;
pub mod secret;
pub mod settings;

pub use problem::{Problem, Problems};
pub use reader::Table;
pub use secret::Secret;
pub use settings::Config;
