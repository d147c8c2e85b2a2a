//! Whether a file of the user's that decides what is run is the user's word, and whether one that holds a secret is a
//! secret.

use std::path::{Path, PathBuf};

/// Why a file is nobody's word in particular.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Distrust {
    /// Neither ours nor root's.
    #[error("`{}` belongs to user {owner}", path.display())]
    Foreign {
        /// The file, or its folder.
        path: PathBuf,
        /// The numerical user id.
        owner: u32,
    },
    /// Others may write to it.
    #[error("`{}` can be written to by other users", path.display())]
    Open {
        /// The file, or its folder.
        path: PathBuf,
    },
}

/// Could others have written the file, or put it there? Links are followed: where they stand is the user's own choice.
/// What is not there is trusted.
#[cfg(unix)]
pub fn distrust(file: &Path) -> Option<Distrust> {
    use std::os::unix::fs::MetadataExt;
    let ours = rustix::process::geteuid().as_raw();
    [Some(file), file.parent()].into_iter().flatten().find_map(|path| {
        let found = std::fs::metadata(path).ok()?;
        if ![0, ours].contains(&found.uid()) {
            return Some(Distrust::Foreign { path: path.to_owned(), owner: found.uid() });
        }
        // Where every user has a group of their own, and a umask that trusts it, a file is its group's to write too.
        let is_private = found.gid() == found.uid() && !has_acl(path);
        let open = if is_private { 0o002 } else { 0o022 };
        (found.mode() & open != 0).then(|| Distrust::Open { path: path.to_owned() })
    })
}

/// What a user's folders let others do there is inherited from the user's own.
#[cfg(not(unix))]
pub fn distrust(_: &Path) -> Option<Distrust> {
    None
}

/// Can others than its owner read the file? An ACL's mask stands in the mode, so this sees what an ACL grants.
pub fn is_readable_by_others(file: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        std::fs::metadata(file).is_ok_and(|found| found.mode() & 0o044 != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        false
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn has_acl(path: &Path) -> bool {
    rustix::fs::getxattr_query(path, "system.posix_acl_access").is_ok()
}

#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
fn has_acl(_: &Path) -> bool {
    false
}
