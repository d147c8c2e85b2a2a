//! The arguments of `prompt`.

use clap::{Args as ClapArgs, ValueEnum};

use crate::output::segment::{Colours, Template};

// A prompt segment.
#[allow(missing_docs, reason = "clap would print it in place of the command's own text")]
#[derive(Clone, Debug, Default, ClapArgs, PartialEq)]
pub struct PromptArgs {
    /// What to print: {profile}, {left}, {region} and {account} are filled in [default: {profile} {left}]
    #[arg(long, value_name = "TEMPLATE")]
    pub format: Option<Template>,
    /// In colour, with the marks that this shell's prompt needs around it
    #[arg(long, value_name = "SHELL")]
    pub shell: Option<PromptShell>,
}

/// A shell whose prompt the segment stands in.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum PromptShell {
    /// Within `PS1`.
    Bash,
    /// Within `PROMPT`, with `setopt PROMPT_SUBST`.
    Zsh,
    /// From `fish_prompt`.
    Fish,
}

impl PromptShell {
    /// How its prompt takes colours.
    pub fn colours(self) -> Colours {
        match self {
            Self::Bash => Colours::Bash,
            Self::Zsh => Colours::Zsh,
            Self::Fish => Colours::Plain,
        }
    }
}
