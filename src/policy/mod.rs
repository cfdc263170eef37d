//! From understanding to decision: rules as tables, and the dialogue that walks them. Pure.

mod dialogue;
mod prompts;
pub mod replay;
pub mod step;
mod tables;

pub use dialogue::{BackReason, Dialogue, IntentWords, Setup};
pub use prompts::fills_a_wait;
pub use tables::{IntentRow, LineColour, SHIPPED, Tables};
