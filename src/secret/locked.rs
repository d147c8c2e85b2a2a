//! The bytes of a long-lived secret, kept out of swap if the system allows it.
//!
//! Each secret has a memory page to itself: memory locks apply to pages and are not counted, so if two secrets shared a
//! page, dropping one would unlock the other. If the system refuses the lock (`RLIMIT_MEMLOCK`, a container), the
//! secret still works and is still zeroed.

use std::fmt;

use region::LockGuard;
use zeroize::Zeroize;

/// Never printed, zeroed when dropped, and in locked memory if the system allows it.
pub struct Locked {
    /// Declared before `memory`, so that it is dropped before the memory is freed.
    lock: Option<LockGuard>,
    memory: Vec<u8>,
    start: usize,
    length: usize,
}

impl Locked {
    /// Allocates `length` bytes, locks them while they are still empty, and fills them in place.
    pub fn filled<E>(length: usize, fill: impl FnOnce(&mut [u8]) -> Result<(), E>) -> Result<Self, E> {
        let page = region::page::size().max(1);
        let pages = length.max(1).next_multiple_of(page);
        let memory = vec![0; pages + page - 1];
        let start = memory.as_ptr().align_offset(page);
        // `align_offset` may return an offset out of range when it cannot compute one.
        let (start, lock) = match memory.get(start..start.saturating_add(pages)) {
            Some(own) => (start, region::lock(own.as_ptr(), own.len()).ok()),
            None => (0, None),
        };
        let mut locked = Self { lock, memory, start, length };
        fill(&mut locked.memory[start..start + length])?;
        Ok(locked)
    }

    /// Copies the bytes. The caller must zero the original.
    pub fn copy_of(bytes: &[u8]) -> Self {
        let copied: Result<Self, std::convert::Infallible> = Self::filled(bytes.len(), |own| {
            own.copy_from_slice(bytes);
            Ok(())
        });
        match copied {
            Ok(locked) => locked,
            Err(never) => match never {},
        }
    }

    /// The only way to read the bytes.
    pub fn expose(&self) -> &[u8] {
        &self.memory[self.start..self.start + self.length]
    }

    /// Did the system lock the memory?
    pub fn is_locked(&self) -> bool {
        self.lock.is_some()
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        self.memory[self.start..self.start + self.length].zeroize();
    }
}

impl Clone for Locked {
    fn clone(&self) -> Self {
        Self::copy_of(self.expose())
    }
}

impl fmt::Debug for Locked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::Locked;

    #[test]
    fn it_holds_the_given_bytes_and_never_displays_them() {
        for length in [0, 1, 32, 4096, 5000] {
            let bytes: Vec<u8> = (0..length).map(|n| u8::try_from(n % 251).expect("below 256")).collect();
            let locked = Locked::copy_of(&bytes);
            assert_eq!((locked.expose(), locked.clone().expose()), (&bytes[..], &bytes[..]));
            assert_eq!(format!("{locked:?}"), "[redacted]");
        }
    }

    /// What the kernel reports: the flag `lo` of the mapping that contains the bytes.
    #[cfg(target_os = "linux")]
    fn is_kept_out_of_swap(bytes: &[u8]) -> bool {
        let address = bytes.as_ptr().addr();
        let maps = std::fs::read_to_string("/proc/self/smaps").expect("it is there");
        let holds = |line: &str| {
            let (from, to) = line.split_once(' ')?.0.split_once('-')?;
            let number = |text| usize::from_str_radix(text, 16).ok();
            Some((number(from)?..number(to)?).contains(&address))
        };
        let mut lines = maps.lines().skip_while(|line| holds(line) != Some(true));
        let flags = lines.find(|line| line.starts_with("VmFlags:")).expect("every mapping has flags");
        flags.split(' ').any(|flag| flag == "lo")
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_long_lived_secret_stays_out_of_swap() {
        let (first, second) = (Locked::copy_of(b"first"), Locked::copy_of(b"second"));
        assert!(first.is_locked() && second.is_locked(), "the limit of locked memory is below two pages here");
        assert!(is_kept_out_of_swap(first.expose()) && is_kept_out_of_swap(second.expose()));
        drop(first);
        assert!(is_kept_out_of_swap(second.expose()), "dropping one secret unlocked another");
        assert!(!is_kept_out_of_swap(&Vec::from(*b"any other memory")));
    }
}
