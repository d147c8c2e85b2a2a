//! Files and folders.

use std::fs;
use std::path::{Path, PathBuf};

/// All regular files in a folder and its subfolders. Links are not followed; an unreadable folder counts as empty.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let Ok(files) = fs::read_dir(folder) else { return Vec::new() };
    files
        .flatten()
        .flat_map(|file| match file.file_type() {
            Ok(kind) if kind.is_dir() => files_below(&file.path()),
            Ok(kind) if kind.is_file() => vec![file.path()],
            _ => Vec::new(),
        })
        .collect()
}
