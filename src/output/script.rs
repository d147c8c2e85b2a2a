//! The files of `shell/`: each makes the program a command of its shell that can change it.
//!
//! They stand there as they can be linted; two words in them are replaced: the program's path, quoted for the shell,
//! and the command's name.

use std::str::FromStr;

use super::{elvish, fish, powershell, tcsh, xonsh};

/// A shell that has such a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Script {
    /// bash
    Bash,
    /// zsh
    Zsh,
    /// fish
    Fish,
    /// PowerShell
    PowerShell,
    /// Nushell
    Nu,
    /// Elvish
    Elvish,
    /// Xonsh
    Xonsh,
    /// tcsh
    Tcsh,
    /// dash, ksh, mksh and their kind
    Posix,
}

/// Where the path stands.
const BINARY: &str = "__BINARY__";
/// Where the name stands.
const COMMAND: &str = "__COMMAND__";

/// The file, and the one of its prompt segment, if it can make one by itself.
macro_rules! files {
    ($command:literal) => {
        (include_str!(concat!("../../shell/", $command)), None)
    };
    ($command:literal, $prompt:literal) => {
        (include_str!(concat!("../../shell/", $command)), Some(include_str!(concat!("../../shell/", $prompt))))
    };
}

impl Script {
    /// The words for them, in the order of the variants.
    pub const NAMES: [&str; 9] = ["bash", "zsh", "fish", "powershell", "nu", "elvish", "xonsh", "tcsh", "posix"];
    /// Other words: names of programs.
    pub const OTHER_NAMES: [&str; 11] =
        ["sh", "dash", "ash", "ksh", "ksh93", "mksh", "oksh", "yash", "busybox", "pwsh", "csh"];

    /// The file of a shell, by the name of its program; `None` for a program that is no shell we have one for.
    pub fn of_program(program: &str) -> Option<Self> {
        Some(match super::program_name(program)? {
            "bash" => Self::Bash,
            "zsh" => Self::Zsh,
            "fish" => Self::Fish,
            "pwsh" | "powershell" => Self::PowerShell,
            "nu" => Self::Nu,
            "elvish" => Self::Elvish,
            "xonsh" => Self::Xonsh,
            "tcsh" | "csh" => Self::Tcsh,
            "posix" | "sh" | "dash" | "ash" | "ksh" | "ksh93" | "mksh" | "oksh" | "yash" | "busybox" => Self::Posix,
            _ => return None,
        })
    }

    /// The file for the program at that path, as a command of that name, which no shell needs quoted.
    pub fn command(self, binary: &str, name: &str) -> String {
        self.files().0.replace(BINARY, &self.quoted(binary)).replace(COMMAND, name)
    }

    /// The file of `completions/` for the program at that path, which need not be where the shell looks for programs.
    pub fn completion(self, file: &str, binary: &str) -> String {
        let quoted = self.quoted(binary);
        let (call, ours) = match self {
            Self::Bash | Self::Zsh | Self::Fish => ("command mfa-cred ", format!("command {quoted} ")),
            Self::PowerShell => ("-Name mfa-cred ", format!("-Name {quoted} ")),
            Self::Nu => ("^mfa-cred ", format!("^{quoted} ")),
            Self::Elvish => ("(external mfa-cred)", format!("(external {quoted})")),
            Self::Xonsh => ("[\"mfa-cred\", ", format!("[{quoted}, ")),
            // It stands within quotes, so it is the variable of the other file.
            Self::Tcsh => ("\\mfa-cred ", "$__mfa_cred:q ".to_owned()),
            Self::Posix => return file.to_owned(),
        };
        file.replace(call, &ours)
    }

    /// The file that adds a segment to the prompt; `None` for a shell that cannot tell the time by itself.
    pub fn prompt(self) -> Option<&'static str> {
        self.files().1
    }

    fn files(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Bash => files!("mfa-cred.bash", "prompt.bash"),
            Self::Zsh => files!("mfa-cred.zsh", "prompt.zsh"),
            Self::Fish => files!("mfa-cred.fish", "prompt.fish"),
            Self::PowerShell => files!("mfa-cred.ps1", "prompt.ps1"),
            Self::Nu => files!("mfa-cred.nu", "prompt.nu"),
            Self::Elvish => files!("mfa-cred.elv", "prompt.elv"),
            Self::Xonsh => files!("mfa-cred.xsh", "prompt.xsh"),
            Self::Tcsh => files!("mfa-cred.tcsh"),
            Self::Posix => files!("mfa-cred.sh"),
        }
    }

    fn quoted(self, path: &str) -> String {
        match self {
            Self::Bash | Self::Zsh | Self::Posix => format!("'{}'", path.replace('\'', "'\\''")),
            Self::Fish => fish::word(path).expose().clone(),
            Self::PowerShell => format!("({})", powershell::word(path).expose()),
            Self::Elvish => elvish::word(path).expose().clone(),
            Self::Xonsh => xonsh::word(path).expose().clone(),
            Self::Tcsh => tcsh::word(path).expose().clone(),
            Self::Nu => nu_string(path),
        }
    }
}

/// A string of Nushell, in which backslashes escape and nothing expands.
fn nu_string(text: &str) -> String {
    let mut quoted = "\"".to_owned();
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            _ if c.is_control() => quoted.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
            _ => quoted.push(c),
        }
    }
    quoted + "\""
}

impl FromStr for Script {
    type Err = UnknownShell;

    fn from_str(name: &str) -> Result<Self, UnknownShell> {
        Self::of_program(name).ok_or(UnknownShell)
    }
}

/// A word that names no shell.
#[derive(Debug, thiserror::Error)]
#[error("the shells are {}", Script::NAMES.join(", "))]
pub struct UnknownShell;

#[cfg(test)]
mod tests {
    use super::Script;

    const PATH: &str = "/a b/it's $(touch PWNED)\\\"/mfa-cred";

    #[test]
    fn every_name_is_a_shell() {
        for name in Script::NAMES.iter().chain(&Script::OTHER_NAMES) {
            assert!(name.parse::<Script>().is_ok(), "{name}");
        }
        assert!("cmd".parse::<Script>().is_err());
        assert_eq!(Script::of_program("-zsh"), Some(Script::Zsh));
    }

    #[test]
    fn the_path_is_quoted_for_the_shell_and_nothing_is_left_to_replace() {
        let posix = r#"'/a b/it'\''s $(touch PWNED)\"/mfa-cred'"#;
        for (name, quoted) in [
            ("bash", posix),
            ("zsh", posix),
            ("posix", posix),
            ("fish", r#"'/a b/it\'s $(touch PWNED)\\"/mfa-cred'"#),
            ("powershell", r#"('/a b/it''s $(touch PWNED)\"/mfa-cred')"#),
            ("nu", r#""/a b/it's $(touch PWNED)\\\"/mfa-cred""#),
            ("elvish", r#""/a b/it's $(touch PWNED)\\\"/mfa-cred""#),
            ("xonsh", r#"'/a b/it\'s $(touch PWNED)\\"/mfa-cred'"#),
            ("tcsh", r"$'\057a\040b\057it\047s\040\044\050touch\040PWNED\051\134\042\057mfa\055cred'"),
        ] {
            let script: Script = name.parse().expect("a shell");
            let text = script.command(PATH, "awsume");
            assert!(text.contains(quoted), "{name}: {text}");
            assert!(!text.contains("__BINARY__") && !text.contains("__COMMAND__"), "{name}: {text}");
            assert!(text.contains("awsume"), "{name}");
            assert!(!script.prompt().unwrap_or_default().contains("__BINARY__"), "{name}");
        }
    }

    #[test]
    fn what_completes_asks_the_program_at_its_path() {
        for (name, file, asks) in [
            ("bash", include_str!("../../completions/mfa-cred.bash"), "\\command '/a b/x' __complete bash"),
            ("zsh", include_str!("../../completions/_mfa-cred"), "\\command '/a b/x' __complete zsh"),
            ("fish", include_str!("../../completions/mfa-cred.fish"), "command '/a b/x' __complete fish"),
            ("powershell", include_str!("../../completions/mfa-cred.ps1"), "Get-Command -Name ('/a b/x') -CommandType"),
            ("nu", include_str!("../../completions/mfa-cred.nu"), "^\"/a b/x\" __complete nu"),
            ("elvish", include_str!("../../completions/mfa-cred.elv"), "(external \"/a b/x\") __complete elvish"),
            ("xonsh", include_str!("../../completions/mfa-cred.xsh"), "['/a b/x', \"__complete\", \"xonsh\""),
            ("tcsh", include_str!("../../completions/mfa-cred.tcsh"), "`$__mfa_cred:q __complete tcsh`"),
        ] {
            let script: Script = name.parse().expect("a shell");
            let text = script.completion(file, "/a b/x");
            assert_eq!(text.matches(asks).count(), 1, "{name}: {text}");
        }
    }
}
