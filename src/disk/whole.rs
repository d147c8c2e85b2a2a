//! Reads a regular file whole, with as few system calls as possible.
//!
//! In: the open file, and its length when it was checked. Out: all of its bytes, in a buffer that never grew, since a
//! growing buffer leaves copies of secrets.

use std::fs::File;
use std::io::{self, Read};

use crate::os::files::read_once;

/// Capacity for a file of that length plus one byte, which shows whether the file has grown.
pub fn room(length: u64, longest: u64) -> Vec<u8> {
    Vec::with_capacity(usize::try_from(length.min(longest)).unwrap_or_default() + 1)
}

/// Appends the whole file to a buffer that has [`room`] for it. A file that has grown is still read whole.
///
/// # Errors
/// The system's error; [`io::ErrorKind::FileTooLarge`] for more than `longest` bytes.
pub fn read(file: File, length: u64, longest: u64, bytes: &mut Vec<u8>) -> io::Result<()> {
    if !is_read_at_once(&file, length, bytes)? {
        let more = (longest + 1).saturating_sub(bytes.len() as u64);
        file.take(more).read_to_end(bytes)?;
    }
    if bytes.len() as u64 > longest { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(()) }
}

/// Did one call return exactly the expected length, with room for more? Then the file has ended, and a second call to
/// confirm it is not needed.
fn is_read_at_once(file: &File, length: u64, bytes: &mut Vec<u8>) -> io::Result<bool> {
    let count = read_once(file, bytes)?;
    Ok(count > 0 && count as u64 == length && bytes.len() < bytes.capacity())
}

#[cfg(test)]
mod tests {
    use super::{read, room};
    use std::fs::{self, File};
    use std::io;

    #[test]
    fn the_whole_file_is_read_whatever_length_was_expected_up_to_the_limit() {
        let place = tempfile::tempdir().expect("a folder");
        let path = place.path().join("x");
        for text in ["", "a", "ab", "0123456789"] {
            fs::write(&path, text).expect("it is written");
            for seen in [0, 1, 2, 9, 10, 11, 100] {
                for longest in [0, 1, 9, 10, 11] {
                    let mut bytes = room(seen, longest);
                    let read = read(File::open(&path).expect("it is there"), seen, longest, &mut bytes);
                    let wanted = if text.len() as u64 > longest { Err(io::ErrorKind::FileTooLarge) } else { Ok(text) };
                    let found = read.map(|()| str::from_utf8(&bytes).expect("text")).map_err(|error| error.kind());
                    assert_eq!(found, wanted, "{text:?}, seen as {seen} bytes, limit {longest}");
                }
            }
        }
    }
}
