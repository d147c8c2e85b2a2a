//! Builds the real host, runs, exits.
fn main() {}
