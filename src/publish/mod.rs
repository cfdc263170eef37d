//! What leaves Warmline for other systems: metrics and exported calls.

pub mod metrics;
pub mod vcon;

pub use metrics::Metrics;
