//! Answers, opening hours, and connectors to business systems.

pub mod connector;
pub mod hours;
pub mod lookup;
mod tables;

pub use tables::{Knowledge, SHIPPED, files_of, language_of};
