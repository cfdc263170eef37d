//! Register.
