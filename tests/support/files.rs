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

/// Makes a named pipe that its owner alone can use. Not every system has a call for that in safe Rust.
#[cfg(unix)]
pub(crate) fn make_pipe(path: &Path) {
    let made = std::process::Command::new("mkfifo").args(["-m", "600"]).arg(path).status().expect("it starts");
    assert!(made.success(), "no pipe at {}", path.display());
}
