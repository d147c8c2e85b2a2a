//! AWS credentials with MFA: type one code a day, keep the result encrypted, and use it in shells, SDKs and the prompt.
//!
//! Modules are listed in the order in which data flows: each uses only the ones above it, and a test enforces that.

pub mod os;
pub mod exit;
pub mod names;
pub mod secret;
pub mod disk;
pub mod host;
pub mod messages;
pub mod screen;
pub mod shell;
pub mod output;
pub mod policy;
pub mod audit;
pub mod vault;
pub mod cli;
pub mod web_token;
pub mod profile;
pub mod plan;
pub mod settings;
pub mod state;
pub mod safe;
pub mod terminal;
pub mod browser;
pub mod cache;
pub mod history;
pub mod code;
pub mod aws;
pub mod signin;
pub mod sso;
pub mod execute;
pub mod iam;
pub mod wire;
pub mod serve;
pub mod console;
pub mod error;
pub mod doctor;
pub mod command;
pub mod system;
pub mod program;
