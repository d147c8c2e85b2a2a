//! Whether to trust a user's file that decides what is run, and whether a file that holds a secret is private.

use std::path::{Path, PathBuf};

use crate::os::files;

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
pub fn distrust(file: &Path) -> Option<Distrust> {
    [Some(file), file.parent()].into_iter().flatten().find_map(|path| {
        let found = std::fs::metadata(path).ok()?;
        if let Some(owner) = files::stranger(&found) {
            return Some(Distrust::Foreign { path: path.to_owned(), owner });
        }
        files::is_writable_by_others(path, &found).then(|| Distrust::Open { path: path.to_owned() })
    })
}
