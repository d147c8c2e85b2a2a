//! The scenarios: the real binary against a strict AWS, in homes of their own. One binary, one link.

mod support;

#[cfg(unix)]
mod bad_input;
#[cfg(unix)]
mod clock;
#[cfg(unix)]
mod day;
#[cfg(unix)]
mod keyrings;
#[cfg(target_os = "linux")]
mod instructions;
mod layers;
#[cfg(unix)]
mod network;
#[cfg(unix)]
mod terminal;
#[cfg(unix)]
mod together;
