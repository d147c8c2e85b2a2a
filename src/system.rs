//! The real host: this process and this machine.

pub mod pair;

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::disk::trust::{Distrust, distrust};
use crate::host::{self, Clock, Env, Files, Folders};
use crate::os::events::wait_for_input;
use crate::os::files::open;
use crate::os::processes;
use crate::secret::Secret;

/// Gives this process's environment, and this machine's files, clock and folders.
#[derive(Clone, Copy, Debug)]
pub struct System;

impl Env for System {
    fn os(&self, name: &str) -> Option<OsString> {
        std::env::var_os(name).filter(|value| value.to_str().is_none_or(|text| !text.trim().is_empty()))
    }
}

/// The longest file that is read, in bytes.
const LONGEST: usize = 16 << 20;
/// The most bytes that are read from a file without a length, such as the pipe of `policy check <(…)`. The buffer is
/// allocated at full size up front: a buffer that grows would leave copies of secrets in memory.
const LONGEST_PIPE: usize = 1 << 20;
/// How long to wait for the next bytes of such a file.
const SILENCE: Duration = Duration::from_secs(5);

impl Files for System {
    /// In addition to the trait's contract: a pipe that nobody writes to and a device that never ends do not block
    /// forever.
    fn read(&self, path: &Path) -> io::Result<Secret<Vec<u8>>> {
        let file = open(path)?;
        let found = file.metadata()?;
        let length = usize::try_from(found.len()).unwrap_or(usize::MAX);
        let limit = if found.is_file() { LONGEST } else { LONGEST_PIPE };
        let mut text = Zeroizing::new(Vec::with_capacity(if found.is_file() { length.min(limit) } else { limit } + 1));
        let mut rest = Patient { file, is_regular: found.is_file() }.take(limit as u64 + 1);
        rest.read_to_end(&mut text)?;
        if text.len() > limit {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(Secret::new(std::mem::take(&mut *text)))
    }

    fn read_regular(&self, path: &Path) -> io::Result<Secret<Vec<u8>>> {
        host::read_regular(path)
    }

    fn distrust(&self, path: &Path) -> Option<Distrust> {
        distrust(path)
    }
}

/// A file that is read with a time limit.
struct Patient {
    file: File,
    is_regular: bool,
}

impl Read for Patient {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.is_regular {
                wait_for_input(&self.file, SILENCE)?;
            }
            match self.file.read(buffer) {
                // Another process reads from the same pipe.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return read,
            }
        }
    }
}

impl Clock for System {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn since_boot(&self) -> Option<Duration> {
        processes::since_boot()
    }

    fn boot(&self) -> Option<String> {
        fs::read_to_string("/proc/sys/kernel/random/boot_id").ok().map(|id| id.trim_end().to_owned())
    }

    fn sleep(&self, time: Duration) {
        std::thread::sleep(time);
    }
}

/// This user's folders, as the operating system defines them.
pub fn folders() -> Folders {
    // One that is relative would be another with each working folder; it counts as absent, as XDG says of its own.
    let whole = |path: Option<PathBuf>| path.filter(|path| path.is_absolute());
    Folders {
        home: whole(dirs::home_dir()),
        config: whole(dirs::config_dir()),
        data: whole(dirs::data_local_dir()),
        // macOS and Windows have no folder for state.
        state: whole(dirs::state_dir()).or_else(|| whole(dirs::data_local_dir())),
    }
}

/// The same from the environment alone; `None` if it does not name the home folder. The user's entry in the system's
/// database is not read: that takes whatever `nsswitch.conf` names, which a statically linked program cannot load.
pub fn folders_of_environment() -> Option<Folders> {
    let path = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = path("HOME")?;
    let folder = |name: &str, usual: &str| path(name).unwrap_or_else(|| home.join(usual));
    let (config, state) = (folder("XDG_CONFIG_HOME", ".config"), folder("XDG_STATE_HOME", ".local/state"));
    let data = folder("XDG_DATA_HOME", ".local/share");
    Some(Folders { config: Some(config), data: Some(data), state: Some(state), home: Some(home) })
}

/// The name of the user that the process runs as, by user id and not by `$USER`, which anyone can set. The number
/// itself if the user has no name, as in many containers.
pub fn user() -> String {
    let name = whoami::username().ok().filter(|name| !name.is_empty());
    name.or_else(processes::user_name_elsewhere).unwrap_or_else(processes::user_id)
}

/// The host name of this machine.
pub fn machine() -> String {
    whoami::hostname().unwrap_or_default()
}

/// The name of the parent process's program, where the system tells it.
pub fn parent() -> Option<String> {
    processes::parent()
}

/// The absolute path under which this program was called, with symbolic links kept. A path written to a file (such as a
/// shell's start-up file) survives an upgrade only if it goes through the link that a package manager updates, not to
/// the link's target. A path found on `PATH` is used only if it leads to this very program.
///
/// # Errors
/// The system does not know the path of this program.
pub fn program() -> io::Result<PathBuf> {
    let real = pair::front_of(replaced(std::env::current_exe()?));
    let called = std::env::args_os().next().unwrap_or_default();
    let folders = std::env::var_os("PATH").unwrap_or_default();
    Ok(as_called(Path::new(&called), std::env::split_paths(&folders), &real).unwrap_or(real))
}

/// The path without what Linux adds to that of a program which was replaced while it ran, as by an upgrade.
fn replaced(path: PathBuf) -> PathBuf {
    let text = path.to_str().and_then(|text| text.strip_suffix(" (deleted)")).map(PathBuf::from);
    text.filter(|new| !path.exists() && new.exists()).unwrap_or(path)
}

/// If the program is on the PATH, that path, however it was called; otherwise the path that it was called by.
fn as_called(called: &Path, folders: impl Iterator<Item = PathBuf>, real: &Path) -> Option<PathBuf> {
    let name = called.file_name()?;
    let is_this = |path: &PathBuf| fs::canonicalize(path).is_ok_and(|path| path == real);
    let has_folder = called.components().count() > 1;
    let called = has_folder.then(|| std::path::absolute(called).ok()).flatten().filter(is_this);
    let found: Vec<PathBuf> =
        folders.filter_map(|folder| std::path::absolute(folder.join(name)).ok()).filter(is_this).collect();
    match called {
        Some(called) if found.contains(&called) => Some(called),
        called => found.into_iter().next().or(called),
    }
}

/// Ends this process after that time, as a failure of the network: nothing else takes as long.
pub fn end_within(limit: Duration) {
    // Without a thread there is only the limit of each call.
    let _ = std::thread::Builder::new().name("limit".to_owned()).spawn(move || {
        std::thread::sleep(limit);
        #[expect(clippy::exit, reason = "the main thread may be blocked, and locks end with the process")]
        std::process::exit(crate::exit::ExitCode::Network.number().into());
    });
}

#[cfg(all(test, unix))]
mod tests {
    use super::{as_called, replaced};
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::{Path, PathBuf};

    #[test]
    fn a_program_that_was_replaced_while_it_ran_is_found_under_its_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        assert_eq!(replaced(path("x (deleted)")), path("x (deleted)"), "neither is there");
        fs::write(path("x"), "").expect("a file");
        assert_eq!(replaced(path("x (deleted)")), path("x"));
        assert_eq!(replaced(path("x")), path("x"));
        fs::write(path("x (deleted)"), "").expect("a file");
        assert_eq!(replaced(path("x (deleted)")), path("x (deleted)"), "a name that somebody chose");
    }

    #[test]
    fn the_path_is_the_one_that_an_upgrade_moves_and_never_another_programs() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = fs::canonicalize(folder.path()).expect("it");
        for name in ["cellar/1.0", "cellar/2.0", "bin", "profile", "other"] {
            fs::create_dir_all(root.join(name)).expect("it");
        }
        let real = root.join("cellar/1.0/x");
        for file in [&real, &root.join("other/x")] {
            fs::write(file, "").expect("it");
        }
        symlink("../cellar/1.0/x", root.join("bin/x")).expect("it");
        symlink("../bin/x", root.join("profile/x")).expect("it");
        symlink(root.join("cellar/1.0"), root.join("current")).expect("it");
        let at = |text: &str| if text.contains('/') { root.join(text) } else { PathBuf::from(text) };
        for (called, on_path, wanted) in [
            ("x", "other bin profile", Some("bin/x")),
            ("x", "profile bin", Some("profile/x")),
            ("bin/x", "profile bin", Some("bin/x")),
            ("cellar/1.0/x", "bin", Some("bin/x")),
            ("cellar/1.0/x", "other", Some("cellar/1.0/x")),
            ("current/x", "", Some("current/x")),
            // A program's caller may choose any name for it.
            ("other/x", "other", None),
            ("sh", "bin", None),
            ("", "bin", None),
        ] {
            let folders = on_path.split(' ').filter(|name| !name.is_empty()).map(|name| root.join(name));
            let found = as_called(&at(called), folders, &real);
            assert_eq!(found, wanted.map(|name| root.join(name)), "{called} with {on_path}");
        }
        // One that leads there from here is made to lead there from everywhere, its link kept.
        let here = std::env::current_dir().expect("a folder");
        let up: PathBuf = here.components().skip(1).map(|_| "..").collect();
        let relative = up.join(root.strip_prefix("/").expect("an absolute path")).join("bin");
        assert!(relative.join("x").exists(), "{}", relative.display());
        let whole = here.join(&relative).join("x");
        assert_eq!(as_called(Path::new("x"), [relative].into_iter(), &real), Some(whole), "a folder that is relative");
    }
}
