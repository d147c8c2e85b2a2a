//! The formats of the shells that are neither POSIX shells nor fish: every text arrives byte for byte.

use std::fs;
use std::path::Path;
use std::process::Command;

use mfa_cred::output::{Export, Format};
use mfa_cred::shell::Shell;

use super::quoting::{Values, every_byte, export, many};
use super::{assert_nothing_ran, nul_ended, trap};
use crate::support::pty::{Finished, PATIENCE, run};
use crate::support::tools;

/// The variables of [`Values`], in their order.
const CARRIERS: &str = "AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN MFA_CRED_PROFILE AWSUME_PROFILE";

/// A shell, its format, and the lines that evaluate the payload in a file `$FOLDER/N` and record a child's environment.
pub(super) struct Reader {
    pub(super) program: &'static str,
    bare: &'static [&'static str],
    format: Format,
    take: &'static str,
    note: &'static str,
}

const TCSH: Reader = Reader {
    program: "tcsh",
    bare: &["-f"],
    format: Format::Shell(Shell::Tcsh),
    take: "eval `cat \"$FOLDER/N\"`",
    note: "env printenv -0 CARRIERS >>\"$FOLDER/seen\"",
};
const ELVISH: Reader = Reader {
    program: "elvish",
    bare: &["-norc"],
    format: Format::Shell(Shell::Elvish),
    take: "eval (cat $E:FOLDER/N | slurp)",
    note: "try { printenv -0 CARRIERS >> $E:FOLDER/seen } catch _ { }",
};
/// Its own `$(…)` and `>>` lose data now and then on a busy machine.
const XONSH: Reader = Reader {
    program: "xonsh",
    bare: &["--no-rc"],
    format: Format::Shell(Shell::Xonsh),
    take: "execx(open($FOLDER + '/N').read())",
    note: "__import__('subprocess').run('printenv -0 CARRIERS >>\"$FOLDER/seen\"', shell=True, env=${...}.detype())",
};
const NU: Reader = Reader {
    program: "nu",
    bare: &["--no-config-file"],
    format: Format::Shell(Shell::Nu),
    take: "^cat $\"($env.FOLDER)/N\" | from json | load-env",
    note: "try { ^printenv -0 CARRIERS out>> $\"($env.FOLDER)/seen\" }",
};

pub(super) const ALL: [Reader; 4] = [TCSH, ELVISH, XONSH, NU];

impl Reader {
    fn run(&self, script: &str, work: &Path, folder: &Path) -> Option<Finished> {
        let program = tools::find(self.program, &[self.bare, &["-c", "exit"]].concat());
        let Some(program) = program else {
            tools::skip_without("its format", self.program);
            return None;
        };
        let file = folder.join("script");
        fs::write(&file, script.replace("CARRIERS", CARRIERS)).expect("a script");
        let mut command = Command::new(program);
        command.args(self.bare).arg(&file).env_clear().current_dir(work);
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("LANG", "C.UTF-8");
        command.env("HOME", work).env("FOLDER", folder);
        Some(run(command, b"", PATIENCE))
    }

    fn lines(&self, take: &str, n: usize) -> String {
        format!("{}\n{}\n", take.replace('N', &n.to_string()), self.note)
    }

    /// Every text, and then a payload that unsets everything.
    fn reads_every_value(&self, take: &str) {
        let (work, folder) = (trap(), tempfile::tempdir().expect("a folder"));
        let all: Vec<Values> = [every_byte(), many()].concat();
        let exports = all.iter().map(export).chain([Export::clearing()]);
        let payloads: Vec<_> = exports.map(|export| self.format.render(&export).expect("it holds any text")).collect();
        let mut script = String::new();
        for (n, payload) in payloads.iter().enumerate() {
            fs::write(folder.path().join(n.to_string()), payload.expose()).expect("a file");
            script += &self.lines(take, n);
        }
        let Some(finished) = self.run(&script, work.path(), folder.path()) else { return };
        assert_eq!((finished.stdout.as_str(), finished.stderr.as_str()), ("", ""), "{take}");
        let seen = nul_ended(&folder.path().join("seen"));
        let written: Vec<&String> =
            all.iter().flat_map(|[id, secret, token, profile]| [id, secret, token, profile, profile]).collect();
        for (at, (seen, written)) in seen.iter().zip(&written).enumerate() {
            assert_eq!(&seen, written, "{take}: value {at}");
        }
        // The last payload left no variable.
        assert_eq!(seen.len(), written.len(), "{take}");
        assert_nothing_ran(work.path(), take);
    }
}

#[test]
fn every_value_in_tcsh() {
    TCSH.reads_every_value(TCSH.take);
    TCSH.reads_every_value("eval \"`cat '$FOLDER/N'`\"");
}

#[test]
fn every_value_in_elvish() {
    ELVISH.reads_every_value(ELVISH.take);
}

#[test]
fn every_value_in_xonsh() {
    XONSH.reads_every_value(XONSH.take);
}

#[test]
fn every_value_in_nu() {
    NU.reads_every_value(NU.take);
}

/// PowerShell is not available here. The output looks like that of the AWS CLI's `export-credentials --format
/// powershell`, except that the AWS CLI uses double quotes, in which `$` and backquotes would have a meaning.
#[test]
fn powershell_output_looks_like_that_of_the_aws_cli() {
    let values = ["ASIA", "a/b+c=", "t", "my-test-role"].map(str::to_owned);
    let payload = Format::Shell(Shell::PowerShell).render(&export(&values)).expect("it holds any text");
    let expected = "$Env:AWS_ACCESS_KEY_ID='ASIA'\n\
                    $Env:AWS_SECRET_ACCESS_KEY='a/b+c='\n\
                    $Env:AWS_SESSION_TOKEN='t'\n\
                    $Env:AWS_CREDENTIAL_EXPIRATION=$null\n\
                    $Env:MFA_CRED_PROFILE='my-test-role'\n\
                    $Env:AWSUME_PROFILE='my-test-role'\n\
                    $Env:AWS_PROFILE=$null\n\
                    $Env:AWS_DEFAULT_PROFILE=$null\n\
                    $Env:AWS_SECURITY_TOKEN=$null\n\
                    $Env:AWSUME_EXPIRATION=$null\n";
    assert_eq!(payload.expose(), expected);
}

/// In every text, no quote (PowerShell has five) is closed early, and nothing depends on a code page.
#[test]
fn no_value_escapes_its_quotes_in_powershell() {
    for values in [every_byte(), many()].concat() {
        let payload = Format::Shell(Shell::PowerShell).render(&export(&values)).expect("it holds any text");
        for line in payload.expose().lines() {
            assert!(line.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{line}");
            let (_, mut rest) = line.split_once('=').expect("an assignment");
            while rest != "$null" && !rest.is_empty() {
                let literal = rest.strip_prefix('\'').expect("a quote").replace("''", "\u{1}\u{1}");
                let end = literal.find('\'').expect("its end") + 2;
                rest = &rest[end..];
                let Some(number) = rest.strip_prefix("+[char]") else { break };
                rest = number.trim_start_matches(|c: char| c.is_ascii_digit()).strip_prefix('+').expect("a sum");
            }
            assert!(rest.is_empty() || rest == "$null", "{line}: {rest}");
        }
    }
}

#[test]
fn values_that_cmd_cannot_express_are_refused_with_a_hint() {
    use crate::support::world::{Cast, World};
    let Cast { world, device, .. } = World::cast();
    let arn = format!("arn:aws:iam::{}:role/deploy", world.aws.account());
    let serial = device.serial();
    world.add_config(&format!("[profile \"100%\"]\nsource_profile = alice\nrole_arn = {arn}\nmfa_serial = {serial}\n"));
    let payload = world.sign_in(&device, &["deploy", "--format", "cmd"]).stdout;
    assert!(payload.lines().all(|line| line.starts_with("set \"") && line.ends_with('"')), "it is as it should be");
    assert!(payload.contains("set \"MFA_CRED_PROFILE=deploy\"\n") && payload.contains("set \"AWS_PROFILE=\"\n"));
    let done = world.run(&["100%", "--format", "cmd"]);
    assert_eq!((done.status.code(), done.stdout.as_str()), (Some(1), ""));
    let said = "error: the format `cmd` cannot express the value of MFA_CRED_PROFILE\n\
                hint: `--format json` can hold any value\n";
    assert_eq!(done.stderr, said);
}
