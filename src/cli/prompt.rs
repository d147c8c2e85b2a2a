//! The arguments of `prompt`.

use clap::Args as ClapArgs;

use super::options::shell_with;
use crate::output::segment::Template;
use crate::shell::Shell;

// A prompt segment.
#[allow(missing_docs, reason = "clap would print it in place of the command's own text")]
#[derive(Clone, Debug, Default, ClapArgs, PartialEq)]
pub struct PromptArgs {
    /// What to print: {profile}, {left}, {region} and {account} are filled in [default: {profile} {left}]
    #[arg(long, value_name = "TEMPLATE")]
    pub format: Option<Template>,
    /// Use color, with the markers that this shell's prompt needs
    #[arg(long, value_name = "SHELL", value_parser = shell_with(|dialect| dialect.color_marks.as_ref()))]
    pub shell: Option<Shell>,
}
