//! The formats themselves: every text arrives byte for byte, and nothing in it is executed.
//!
//! Files allow no control characters in names, and AWS issues no quotes. So the library is called directly with such
//! values, and a real shell evaluates the result: many payloads per process, several values per payload.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use mfa_cred::names::ProfileName;
use mfa_cred::output::{Export, Format};
use mfa_cred::secret::{Credentials, Secret};

use super::{BASH, DASH, FISH, FORMS, Form, KSH, MKSH, NAMES, Shell, ZSH, assert_nothing_ran, nul_ended, trap};
use crate::support::pty::{PATIENCE, off_terminal, run};

/// The variables of [`Values`], in their order.
const CARRIERS: &str = "AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN MFA_CRED_PROFILE AWSUME_PROFILE";

/// Texts for every variable that accepts any: three of the credentials, and the name, which appears twice.
pub(super) type Values = [String; 4];

pub(super) fn export(values: &Values) -> Export {
    let [id, secret, token, profile] = values;
    let credentials = Credentials {
        access_key_id: id.clone(),
        secret_access_key: Secret::from(secret.as_str()),
        session_token: Some(Secret::from(token.as_str())),
        expiration: None,
        account: None,
    };
    Export::of(&credentials, &ProfileName::new(profile.as_str()).expect("not empty"), None, false)
}

fn format(shell: Shell) -> Format {
    if shell.is_fish {
        Format::Shell(mfa_cred::shell::Shell::Fish)
    } else {
        Format::Shell(mfa_cred::shell::Shell::Posix)
    }
}

/// Texts in groups of four, filled up with plain ones.
fn by_four(texts: impl IntoIterator<Item = String>) -> Vec<Values> {
    let texts: Vec<String> = texts.into_iter().collect();
    let chunk = |four: &[String]| std::array::from_fn(|n| four.get(n).cloned().unwrap_or_else(|| "plain".to_owned()));
    texts.chunks(4).map(chunk).collect()
}

/// Evaluates a payload for each of `all` after the lines `options`, and compares the environment of a child of the
/// shell.
fn assert_read_back(shell: Shell, form: Form, options: &str, all: &[Values]) {
    let (work, folder) = (trap(), tempfile::tempdir().expect("a folder"));
    let mut script = format!("{options}\n");
    for (n, values) in all.iter().enumerate() {
        fs::write(
            folder.path().join(n.to_string()),
            format(shell).render(&export(values)).expect("it holds any text").expose(),
        )
        .expect("a file");
        script += &shell.take(form, &format!("cat \"$FOLDER/{n}\""));
        script += &format!("\nprintenv -0 {CARRIERS} >>\"$FOLDER/seen\"\n");
    }
    script += "printf done\n";
    let what = format!("{} {form:?} after `{options}`", shell.program);
    let finished = run_script(shell, &script, work.path(), folder.path());
    assert_eq!((finished.stdout.as_str(), finished.stderr.as_str()), ("done", ""), "{what}");
    let seen = nul_ended(&folder.path().join("seen"));
    let written: Vec<&String> =
        all.iter().flat_map(|[id, secret, token, profile]| [id, secret, token, profile, profile]).collect();
    for (at, (seen, written)) in seen.iter().zip(&written).enumerate() {
        assert_eq!(&seen, written, "{what}: value {at}");
    }
    assert_eq!(seen.len(), written.len(), "{what}");
    assert_nothing_ran(work.path(), &what);
}

fn run_script(shell: Shell, script: &str, work: &Path, folder: &Path) -> crate::support::pty::Finished {
    let file = folder.join("script");
    fs::write(&file, script).expect("a script");
    let mut command = off_terminal(shell.program);
    command.args(shell.bare).arg(&file).env_clear().current_dir(work);
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("LANG", "C.UTF-8");
    command.env("HOME", work).env("FOLDER", folder);
    run(command, b"", PATIENCE)
}

/// Where a program is.
fn path_of(program: &str) -> PathBuf {
    let path = std::env::var_os("PATH").expect("there is a PATH");
    let found = std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file());
    found.unwrap_or_else(|| panic!("{program} is missing"))
}

/// A small generator (xorshift), so that a failure can be reproduced.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).expect("it is below a usize")
    }

    /// A text made of pieces with a meaning in shells, of any byte except zero, and of non-ASCII letters.
    fn text(&mut self) -> String {
        const PIECES: [&str; 20] = [
            "$(touch PWNED)",
            "`touch PWNED`",
            "';touch PWNED;'",
            "\";touch PWNED;\"",
            "\\",
            "\\\\",
            "'",
            "''",
            "\"",
            "\n",
            "\r\n",
            "\t",
            "  ",
            "*",
            "{a,b}",
            "\u{1b}[31m",
            "\u{9b}",
            "\u{202e}",
            "x",
            "\\0101",
        ];
        let length = 1 + self.below(12);
        let mut text = String::new();
        for _ in 0..length {
            match self.below(3) {
                0 => text.push_str(PIECES[self.below(PIECES.len())]),
                1 => text.push(char::from(u8::try_from(1 + self.below(127)).expect("it is ASCII"))),
                _ => text.extend(char::from_u32(u32::try_from(1 + self.below(0x2_0000)).expect("small"))),
            }
        }
        text
    }
}

/// Every character alone, between letters, doubled, and at either end, where shells trim.
pub(super) fn every_byte() -> Vec<Values> {
    let bytes = (1..=127_u8).map(char::from);
    by_four(bytes.flat_map(|c| [c.to_string(), format!("x{c}y"), format!("{c}{c}z{c}"), format!("x {c}{c}")]))
}

pub(super) fn many() -> Vec<Values> {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let names = NAMES.map(str::to_owned).into_iter();
    let others = ["a\nb", "\n", "a\n\n", "\na", "\r", "\t\t", " \t\n", "'\n'", "\\\n", "\u{80}\u{9f}", "\u{1}"];
    let long = ["x".repeat(100_000), "$(touch PWNED) \n".repeat(1_000), "'\\".repeat(5_000), "ü ".repeat(5_000)];
    let random = std::iter::repeat_with(|| dice.text()).take(200);
    by_four(names.chain(others.map(str::to_owned)).chain(long).chain(random))
}

/// Every text of `all`, in both forms.
fn every_value_in(shell: Shell) {
    if !shell.is_here() {
        return;
    }
    for form in FORMS {
        assert_read_back(shell, form, "", &[every_byte(), many()].concat());
    }
}

/// Only the names, after options that change how a shell parses.
fn names_after(shell: Shell, options: &[&str]) {
    if !shell.is_here() {
        return;
    }
    let names = by_four(NAMES.map(str::to_owned));
    for options in options {
        for form in FORMS {
            assert_read_back(shell, form, options, &names);
        }
    }
}

#[test]
fn every_value_in_dash() {
    every_value_in(DASH);
}

#[test]
fn every_value_in_bash() {
    every_value_in(BASH);
}

#[test]
fn every_value_in_zsh() {
    every_value_in(ZSH);
}

#[test]
fn every_value_in_ksh() {
    every_value_in(KSH);
}

#[test]
fn every_value_in_mksh() {
    every_value_in(MKSH);
}

#[test]
fn every_value_in_fish() {
    every_value_in(FISH);
}

#[test]
fn names_under_odd_options_of_dash() {
    names_after(DASH, &["set -f", "set -eu", "set -a", "LC_ALL=C"]);
}

#[test]
fn names_under_odd_options_of_bash() {
    names_after(
        BASH,
        &[
            "shopt -s extglob nullglob",
            "shopt -s extglob failglob dotglob globstar nocaseglob",
            "set -f",
            "set -eu",
            "set -euo pipefail; set -o posix",
            "set -H; set -o history",
            "export LC_ALL=C",
        ],
    );
}

#[test]
fn names_under_odd_options_of_zsh() {
    names_after(
        ZSH,
        &[
            "setopt sh_word_split glob_subst",
            "setopt sh_word_split glob_subst extended_glob null_glob ksh_glob magic_equal_subst glob_assign",
            "setopt no_unset err_exit rc_expand_param rc_quotes csh_junkie_quotes",
            "setopt bang_hist interactive_comments csh_null_glob",
            "setopt no_glob ignore_braces posix_builtins posix_strings",
            "emulate sh",
            "emulate ksh",
            "emulate csh",
            "export LC_ALL=C",
        ],
    );
}

#[test]
fn names_under_odd_options_of_ksh() {
    names_after(KSH, &["set -f", "set -eu", "set -o globstar", "set -G -B", "export LC_ALL=C"]);
}

#[test]
fn names_under_odd_options_of_mksh() {
    names_after(MKSH, &["set -f", "set -eu", "set -o posix", "set -U", "export LC_ALL=C"]);
}

/// Depending on `IFS`, an unquoted `eval` sees only parts of the statements. Then the values are lost, but nothing in
/// them may be executed.
fn no_ifs_runs_a_value(shell: Shell) {
    if !shell.is_here() {
        return;
    }
    let names = [
        "touch PWNED",
        "$(touch PWNED)",
        "`touch PWNED`",
        "x;touch PWNED;",
        " touch PWNED ",
        "PATH=/nonexistent",
        "-f touch PWNED",
        "a[$(touch PWNED)]",
        "' touch PWNED '",
        "\" touch PWNED \"",
        "}touch PWNED;",
        "-eq a[`touch PWNED`]",
    ];
    let all = by_four(names.map(str::to_owned));
    let payloads: Vec<_> = all
        .iter()
        .map(|values| format(shell).render(&export(values)).expect("it holds any text").expose().clone())
        .collect();
    let letters: BTreeSet<char> = payloads.concat().chars().collect();
    let marks = letters.iter().filter(|c| !c.is_alphanumeric());
    let pairs = marks.clone().flat_map(|a| marks.clone().filter(move |b| a < *b).map(move |b| format!("{a}{b} ")));
    let alone = letters.iter().flat_map(|c| [c.to_string(), format!("{c} ")]);
    let most = ["export", "unset"].map(|word| letters.iter().filter(|c| !word.contains(**c)).collect());
    let (work, folder) = (trap(), tempfile::tempdir().expect("a folder"));
    for (n, payload) in payloads.iter().enumerate() {
        fs::write(folder.path().join(n.to_string()), payload).expect("a file");
    }
    // What remains of a statement may happen to be a command, and only these are available.
    let programs = folder.path().join("programs");
    fs::create_dir(&programs).expect("a folder");
    for program in ["cat", "printf", "touch"] {
        std::os::unix::fs::symlink(path_of(program), programs.join(program)).expect("a link");
    }
    let mut script = "PATH=$FOLDER/programs\n".to_owned();
    for letters in alone.chain(pairs).chain(most) {
        for n in 0..payloads.len() {
            let (letters, take) = (shell.word(&letters), shell.take(Form::Usual, &format!("cat \"$FOLDER/{n}\"")));
            // In the background, since ksh otherwise avoids forking for subshells and ends them all together.
            let watch = "case $PATH in */nonexistent*) : >PWNED_PATH;; esac";
            script += &format!("(IFS={letters}; {take}; {watch}) >/dev/null 2>&1 &\nwait\n");
        }
    }
    script += "touch done\n";
    run_script(shell, &script, work.path(), folder.path());
    assert!(work.path().join("done").exists(), "{}: not all was tried", shell.program);
    assert_nothing_ran(work.path(), shell.program);
}

#[test]
fn no_ifs_runs_a_value_in_dash() {
    no_ifs_runs_a_value(DASH);
}

#[test]
fn no_ifs_runs_a_value_in_bash() {
    no_ifs_runs_a_value(BASH);
}

#[test]
fn no_ifs_runs_a_value_in_zsh() {
    no_ifs_runs_a_value(ZSH);
}

#[test]
fn no_ifs_runs_a_value_in_ksh() {
    no_ifs_runs_a_value(KSH);
}

#[test]
fn no_ifs_runs_a_value_in_mksh() {
    no_ifs_runs_a_value(MKSH);
}

/// `set -U` applies to all sessions permanently, so it is not ours to erase.
#[test]
fn universal_variables_in_fish_are_kept() {
    if !FISH.is_here() {
        return;
    }
    let (work, folder) = (trap(), tempfile::tempdir().expect("a folder"));
    let plain = std::array::from_fn(|_| "plain".to_owned());
    fs::write(
        folder.path().join("env"),
        Format::Shell(mfa_cred::shell::Shell::Fish).render(&export(&plain)).expect("it holds any text").expose(),
    )
    .expect("a file");
    fs::write(
        folder.path().join("unset"),
        Format::Shell(mfa_cred::shell::Shell::Fish).render(&Export::clearing()).expect("it holds any text").expose(),
    )
    .expect("a file");
    for form in FORMS {
        let (env, unset) = (FISH.take(form, "cat $FOLDER/env"), FISH.take(form, "cat $FOLDER/unset"));
        let look = "echo $status $AWS_PROFILE $AWS_ACCESS_KEY_ID";
        let script = format!(
            "set -Ux AWS_PROFILE mine; set -Ux AWS_ACCESS_KEY_ID old\n{env}; {look}\n{unset}; {look}\n\
             set -gx AWS_PROFILE here\n{env}; {look}\n"
        );
        // Without its configuration, fish has no universal variables.
        let finished = run_script(Shell { bare: &[], ..FISH }, &script, work.path(), folder.path());
        // While credentials are held, programs see their profile in AWS_PROFILE.
        let expected = "0 plain plain\n0 mine old\n0 plain plain\n";
        assert_eq!((finished.stdout.as_str(), finished.stderr.as_str()), (expected, ""), "{form:?}");
    }
}
