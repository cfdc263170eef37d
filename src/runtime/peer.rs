//! A phone of our own.
