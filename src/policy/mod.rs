//! From understanding to decision: rules as tables, and the dialogue that walks them. Pure.

pub mod step;
