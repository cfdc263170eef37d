//! Answers, connectors to business systems, and what is learned from outcomes.

pub mod connector;
pub mod hours;
pub mod lookup;
mod tables;

pub use tables::{Knowledge, SHIPPED, files_of, language_of};
