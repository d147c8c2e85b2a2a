//! The two programs of a build. `mfa-cred` answers from the cache, and becomes `mfa-cred-main`, which lies in the same
//! folder, for everything else. What is handed over is the command line as it was typed, and the version, since files of
//! two versions in one folder are a broken installation.

use std::ffi::{OsStr, OsString};
use std::io;
#[cfg(target_os = "linux")]
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
#[cfg(target_os = "linux")]
use std::process::Command;

#[cfg(target_os = "linux")]
use crate::os::streams::close_what_was_closed;

/// The name of the program that people and shells start.
const FRONT: &str = "mfa-cred";
/// The name of the program that does everything.
const MAIN: &str = "mfa-cred-main";
/// The first argument of a handed-over command line: this and the version.
const MARK: &str = "--handed-over-by=";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Why a command line was not handed over.
#[derive(Debug, thiserror::Error)]
pub enum PairError {
    /// `mfa-cred-main` cannot be started.
    #[error("{} cannot be started", .main.display())]
    Start {
        /// Where it should be.
        main: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The system does not know where this program is.
    #[error("the path of this program is unknown")]
    Nowhere(#[source] io::Error),
    /// The two programs are of two versions.
    #[error("{FRONT} is version {front}, and {MAIN} is version {VERSION}")]
    Versions {
        /// The version of `mfa-cred`.
        front: String,
    },
}

impl PairError {
    /// What a person can do about it.
    pub fn hint(&self) -> String {
        format!("install mfa-cred again: {FRONT} and {MAIN} of the same version belong in one folder")
    }
}

/// Becomes `mfa-cred-main` with this command line. Returns only if that fails.
#[cfg(target_os = "linux")]
pub fn hand_over(argv: &[OsString]) -> PairError {
    let main = match own_path() {
        Ok(own) => own.with_file_name(MAIN),
        Err(error) => return PairError::Nowhere(error),
    };
    let mut command = Command::new(&main);
    command.arg0(argv.first().map_or(OsStr::new(FRONT), OsString::as_os_str));
    command.arg(format!("{MARK}{VERSION}")).args(argv.iter().skip(1));
    close_what_was_closed();
    PairError::Start { source: command.exec(), main }
}

/// The command line as it was typed, whether it was handed over or not.
///
/// # Errors
/// It was handed over by another version.
pub fn taken_over(mut argv: Vec<OsString>) -> Result<Vec<OsString>, PairError> {
    let Some(front) = argv.get(1).and_then(|word| word.to_str()?.strip_prefix(MARK)) else { return Ok(argv) };
    if front != VERSION {
        return Err(PairError::Versions { front: front.to_owned() });
    }
    argv.remove(1);
    Ok(argv)
}

/// The file of this program, with links followed.
#[cfg(target_os = "linux")]
fn own_path() -> io::Result<PathBuf> {
    std::env::current_exe().or_else(|error| {
        // Without `/proc`: as it was called, if that says where it is.
        let called = std::env::args_os().next().map(PathBuf::from).filter(|path| path.components().count() > 1);
        called.map_or(Err(error), std::fs::canonicalize)
    })
}

/// The program that people start, if `own` is the other one of a pair.
pub(super) fn front_of(own: PathBuf) -> PathBuf {
    let front = own.with_file_name(FRONT);
    if own.file_name() == Some(OsStr::new(MAIN)) && is_program(&front) { front } else { own }
}

fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| found.is_file())
}

#[cfg(test)]
mod tests {
    use super::{MARK, VERSION, front_of, taken_over};
    use std::ffi::OsString;
    use std::path::Path;

    #[test]
    fn a_command_line_is_taken_over_as_it_was_typed() {
        let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        let mark = format!("{MARK}{VERSION}");
        for typed in [&["mfa-cred"][..], &["mfa-cred", "env", "x"], &["mfa-cred", "exec", "x", "--", &mark], &[]] {
            assert_eq!(taken_over(words(typed)).expect("a command line"), words(typed));
            if let [name, rest @ ..] = typed {
                let handed = [&[*name, &mark][..], rest].concat();
                assert_eq!(taken_over(words(&handed)).expect("the same version"), words(typed));
            }
        }
        for other in ["", "0.0.1", &format!("{VERSION}.1")] {
            let handed = words(&["mfa-cred", &format!("{MARK}{other}"), "env"]);
            let error = taken_over(handed).expect_err("another version");
            assert!(error.to_string().contains(&format!("is version {other}, and")), "{error}");
        }
    }

    #[test]
    fn only_the_other_half_of_a_pair_has_a_front() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        assert_eq!(front_of(path("mfa-cred-main")), path("mfa-cred-main"));
        std::fs::write(path("mfa-cred"), "").expect("a file");
        assert_eq!(front_of(path("mfa-cred-main")), path("mfa-cred"));
        assert_eq!(front_of(path("mfa")), path("mfa"));
        assert_eq!(front_of(Path::new("mfa-cred-main").to_owned()), Path::new("mfa-cred-main"));
    }
}
