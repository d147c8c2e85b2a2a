//! Options of a sign-in to IAM Identity Center.

use clap::Args as ClapArgs;

// How the person confirms it.
#[allow(missing_docs, reason = "clap would print it in place of the command's own text")]
#[derive(Clone, Copy, Debug, Default, ClapArgs, PartialEq)]
pub struct SignInArgs {
    /// SSO: open no browser, print the address
    #[arg(long, hide_short_help = true)]
    pub no_browser: bool,
    /// SSO: confirm a code, on any device
    ///
    /// This is the default without a display, over SSH, and for profiles without `sso_session`.
    #[arg(long, hide_short_help = true)]
    pub use_device_code: bool,
}
