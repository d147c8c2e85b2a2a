//! Whether to trust a user's file that decides what is run, and whether a file that holds a secret is private.

use std::path::{Path, PathBuf};

/// Why a file cannot be trusted.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Distrust {
    /// Owned by neither this user nor root.
    #[error("`{}` belongs to user {owner}", path.display())]
    Foreign {
        /// The file or its folder.
        path: PathBuf,
        /// The numeric user ID.
        owner: u32,
    },
    /// Other users may write to it.
    #[error("`{}` can be written to by other users", path.display())]
    Open {
        /// The file or its folder.
        path: PathBuf,
    },
}

/// Could others have written or created the file? Links are followed, since the user chose where they are. A missing
/// file is trusted.
#[cfg(unix)]
pub fn distrust(file: &Path) -> Option<Distrust> {
    use std::os::unix::fs::MetadataExt;
    let ours = rustix::process::geteuid().as_raw();
    [Some(file), file.parent()].into_iter().flatten().find_map(|path| {
        let found = std::fs::metadata(path).ok()?;
        if ![0, ours].contains(&found.uid()) {
            return Some(Distrust::Foreign { path: path.to_owned(), owner: found.uid() });
        }
        // On systems where each user has a private group and a matching umask, files are writable by the group.
        let is_private = found.gid() == found.uid() && !has_acl(path);
        let open = if is_private { 0o002 } else { 0o022 };
        (found.mode() & open != 0).then(|| Distrust::Open { path: path.to_owned() })
    })
}

/// Access rights are inherited from the user's profile folder.
#[cfg(not(unix))]
pub fn distrust(_: &Path) -> Option<Distrust> {
    None
}

/// Can users other than the owner read the file? The mode includes the ACL's mask, so this covers what an ACL grants.
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
