//! Answers, connectors to business systems, and what is learned from outcomes.

pub mod lookup;
