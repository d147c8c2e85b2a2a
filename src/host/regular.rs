//! Reading a file that may be of any kind: anything but a regular file is refused at once, and so is one that is too
//! long.

use std::io::{self, Read};
use std::path::Path;

use zeroize::Zeroizing;

use crate::disk::whole;
use crate::os::files;
use crate::secret::Secret;

/// The longest file that is read: thirty times the size of one with 5,000 profiles.
const LONGEST: u64 = 16 << 20;

/// Reads a whole regular file, or the null device, with which people say that there is no file.
///
/// # Errors
/// The system's error; a pipe, a device or a socket; more than 16 MB.
pub fn read_regular(path: &Path) -> io::Result<Secret<Vec<u8>>> {
    if path == Path::new(files::EMPTY) {
        return Ok(Secret::new(Vec::new()));
    }
    let mut file = files::open(path)?;
    let found = file.metadata()?;
    if found.is_dir() {
        // The system's wording.
        file.read_exact(&mut [0])?;
    }
    if !found.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    if found.len() > LONGEST {
        return Err(too_large());
    }
    let mut text = Zeroizing::new(whole::room(found.len(), LONGEST));
    match whole::read(file, found.len(), LONGEST, &mut text) {
        // It has grown since it was checked.
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => Err(too_large()),
        result => result.map(|()| Secret::new(std::mem::take(&mut *text))),
    }
}

fn too_large() -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, "it is longer than 16 MB")
}
