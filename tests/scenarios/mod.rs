//! The behavior of the program as people and other programs experience it, file by file as a specification.

#[cfg(unix)]
mod accounts;
#[cfg(unix)]
mod audit;
#[cfg(unix)]
mod bad_input;
#[cfg(unix)]
mod bases;
#[cfg(unix)]
mod clients;
#[cfg(unix)]
mod clock;
#[cfg(unix)]
mod codes;
#[cfg(unix)]
mod commands;
#[cfg(unix)]
mod completion;
#[cfg(target_os = "linux")]
mod console;
#[cfg(unix)]
mod day;
#[cfg(unix)]
mod devices;
#[cfg(target_os = "linux")]
mod dialogs;
#[cfg(unix)]
mod editor;
#[cfg(unix)]
mod doctor;
#[cfg(unix)]
mod ends;
#[cfg(unix)]
mod errors;
#[cfg(target_os = "linux")]
mod faults;
#[cfg(unix)]
mod help;
#[cfg(unix)]
mod hints;
#[cfg(unix)]
mod iam;
#[cfg(unix)]
mod identity;
#[cfg(unix)]
mod init;
#[cfg(target_os = "linux")]
mod installer;
#[cfg(target_os = "linux")]
mod instructions;
#[cfg(unix)]
mod keyrings;
#[cfg(target_os = "linux")]
mod keys;
mod layers;
#[cfg(unix)]
mod network;
#[cfg(unix)]
mod pages;
#[cfg(target_os = "linux")]
mod packaging;
#[cfg(unix)]
mod papers;
#[cfg(target_os = "linux")]
mod pair;
mod partitions;
#[cfg(target_os = "linux")]
mod picker;
#[cfg(unix)]
mod picture;
mod plan;
mod policy;
#[cfg(unix)]
mod prompt;
#[cfg(unix)]
mod refusals;
#[cfg(unix)]
mod sandbox;
#[cfg(unix)]
mod serve;
mod settings;
#[cfg(target_os = "linux")]
mod setup;
#[cfg(target_os = "linux")]
mod sdks;
#[cfg(unix)]
mod shells;
#[cfg(target_os = "linux")]
mod sso;
#[cfg(target_os = "linux")]
mod sso_roles;
#[cfg(target_os = "linux")]
mod state_folder;
#[cfg(target_os = "linux")]
mod stores;
#[cfg(target_os = "linux")]
mod system_calls;
#[cfg(unix)]
mod terminal;
#[cfg(unix)]
mod together;
mod variables;
#[cfg(unix)]
mod wire;
#[cfg(target_os = "linux")]
mod signin;
#[cfg(target_os = "linux")]
mod web_identity;
#[cfg(windows)]
mod windows;
