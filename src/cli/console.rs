//! `mfa-cred console`

use clap::Args as ClapArgs;

use super::ProfileArgs;

// A page of the AWS console.
#[allow(missing_docs, reason = "clap would print it in place of the command's own text")]
#[derive(Clone, Debug, Default, ClapArgs, PartialEq)]
pub struct ConsoleArgs {
    /// A service, such as s3, or a page's address
    ///
    /// Without it, the home of the console is opened. TAB completes the names of services. A name that is not in the list is used as it is.
    #[arg(value_name = "SERVICE|URL", index = 2)]
    pub page: Option<String>,
    /// Print the address, and open no browser
    ///
    /// For 15 minutes, it signs in anyone who has it.
    #[arg(long)]
    pub print: bool,
    /// The browser's command [default: $BROWSER]
    ///
    /// It is split into words as in a shell, and started without one. `{url}` stands for the address, which is
    /// otherwise the last word, and `{profile}` for the profile. Where they are parameters of another address, they are
    /// percent-encoded: `firefox 'ext+container:name={profile}&url={url}'`.
    #[arg(long, value_name = "CMD", conflicts_with = "print")]
    pub browser: Option<String>,
    /// End the browser's old session first
    ///
    /// The console has one session at a time, unless its multi-session support is turned on.
    #[arg(long)]
    pub logout_first: bool,
    /// The profile and its options.
    #[command(flatten)]
    pub target: Box<ProfileArgs>,
}
