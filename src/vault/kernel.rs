//! The Linux kernel keyring as a key store: fast, without prompts, and cleared when the machine shuts down.
//!
//! In: a name, a secret and how long it may live. Out: the secret, in any session of the same user. It needs no D-Bus,
//! never prompts and never waits, which is why the vault asks it first.
//!
//! The way a key gets there is not the obvious one, so that it works in login, `su`, container and `setsid` sessions
//! alike, and without `pam_keyinit`. A key added directly to the user keyring is not *possessed* by a process whose
//! session does not link that keyring, so its permissions and timeout cannot be set. The key is therefore added to the
//! process keyring, prepared there, where no other process can see it, and only then linked to the user keyring. A key
//! that cannot be prepared is destroyed: no key is ever in the user keyring without its timeout.
//!
//! The persistent keyring outlives the user's last process, while the user keyring does not. Only a process that
//! possesses it may use it, and possessing it takes a process keyring, which counts against the user's quota of 200
//! keys. So keys are linked to both keyrings, and the persistent one is read only if the user keyring has no such key.
//!
//! On other systems this store exists and reports that it is absent.

use std::time::Duration;

use crate::host::{Keystore, Life, StoreError};
use crate::secret::Secret;

/// The kernel's keys of this user. It has no state: every call goes to the kernel.
#[derive(Clone, Copy, Debug, Default)]
pub struct KernelKeyring;

#[cfg(not(target_os = "linux"))]
impl Keystore for KernelKeyring {
    fn get(&self, _name: &str) -> Result<Option<Secret<Vec<u8>>>, StoreError> {
        Err(absent())
    }

    fn put(&self, _name: &str, _secret: &Secret<Vec<u8>>, _life: Option<Duration>) -> Result<(), StoreError> {
        Err(absent())
    }

    fn delete(&self, _name: &str) -> Result<(), StoreError> {
        Err(absent())
    }

    fn life(&self, _name: &str) -> Result<Option<Life>, StoreError> {
        Err(absent())
    }
}

#[cfg(not(target_os = "linux"))]
fn absent() -> StoreError {
    StoreError::Absent("only Linux has a kernel keyring".to_owned())
}

#[cfg(target_os = "linux")]
impl Keystore for KernelKeyring {
    /// An expired or revoked key is `None`.
    fn get(&self, name: &str) -> Result<Option<Secret<Vec<u8>>>, StoreError> {
        linux::get(&linux::description(name)).map_err(linux::explain)
    }

    /// `life` is rounded up to whole seconds; the kernel requires at least one. A key that already exists with the same
    /// secret gets the new timeout and takes no additional quota.
    fn put(&self, name: &str, secret: &Secret<Vec<u8>>, life: Option<Duration>) -> Result<(), StoreError> {
        linux::put(&linux::description(name), secret, life).map_err(linux::explain)
    }

    fn delete(&self, name: &str) -> Result<(), StoreError> {
        linux::delete(&linux::description(name)).map_err(linux::explain)
    }

    fn limit(&self, name: &str, life: Duration) -> Result<(), StoreError> {
        linux::limit(&linux::description(name), life).map_err(linux::explain)
    }

    fn life(&self, name: &str) -> Result<Option<Life>, StoreError> {
        linux::life(&linux::description(name)).map_err(linux::explain)
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::time::Duration;

    use linux_keyutils::{Key, KeyError, KeyPermissions, KeyRing, KeyRingIdentifier};

    use super::{Life, Secret, StoreError};

    /// All permissions for the possessor and for the same user's other sessions, none for group and others.
    const OWNER_ONLY: u32 = 0x3f3f_0000;
    /// Function not implemented: a kernel without keyrings, or a sandbox that pretends to be one.
    const ENOSYS: i32 = 38;
    /// A key is found by name and then read by its serial number; if it was replaced in between, the search is
    /// repeated.
    const TRIES: usize = 3;

    /// A key and its content.
    type Found = (Key, Secret<Vec<u8>>);

    pub(super) fn description(name: &str) -> String {
        format!("mfa-cred:{name}")
    }

    pub(super) fn get(description: &str) -> Result<Option<Secret<Vec<u8>>>, KeyError> {
        let user = user()?;
        if let Some((_, secret)) = find(user, description)? {
            return Ok(Some(secret));
        }
        let Some((key, secret)) = persistent().map_or(Ok(None), |ring| unless_refused(find(ring, description)))? else {
            return Ok(None);
        };
        // For the next reader. If this fails, the persistent keyring still holds the key.
        let _ = user.link_key(key);
        Ok(Some(secret))
    }

    pub(super) fn put(description: &str, secret: &Secret<Vec<u8>>, life: Option<Duration>) -> Result<(), KeyError> {
        let user = user()?;
        if let Some((key, old)) = find(user, description)?
            && old.expose() == secret.expose()
            && key.set_timeout(seconds(life)).is_ok()
        {
            keep_after_logout(key);
            return Ok(());
        }
        let process = KeyRing::from_special_id(KeyRingIdentifier::Process, true)?;
        let key = process.add_key(description, secret.expose())?;
        let published = publish(key, user, life);
        if published.is_err() {
            // Whichever of the two the system allows; the process keyring ends with this process anyway.
            let _ = key.invalidate().or_else(|_| key.revoke());
        }
        let _ = process.unlink_key(key);
        published
    }

    /// Prepares a key that only this process can see, then makes it visible to the user's other processes. Linking
    /// replaces a key with the same name atomically.
    fn publish(key: Key, user: KeyRing, life: Option<Duration>) -> Result<(), KeyError> {
        key.set_perms(KeyPermissions::from_u32(OWNER_ONLY))?;
        key.set_timeout(seconds(life))?;
        user.link_key(key)?;
        keep_after_logout(key);
        Ok(())
    }

    pub(super) fn delete(description: &str) -> Result<(), KeyError> {
        end(user()?, description)?;
        persistent().map_or(Ok(None), |ring| unless_refused(end(ring, description).map(Some)))?;
        Ok(())
    }

    pub(super) fn limit(description: &str, life: Duration) -> Result<(), KeyError> {
        match user()?.search(description).and_then(|key| key.set_timeout(seconds(Some(life)))) {
            Err(error) if !is_missing(error) => Err(error),
            _ => Ok(()),
        }
    }

    /// How long a key remains. The kernel tells a key's timeout in one place only: `/proc/keys`, the list of all keys
    /// that this process may see, including those of the persistent keyring. Without that list, only the user keyring
    /// can be asked whether it has the key.
    pub(super) fn life(description: &str) -> Result<Option<Life>, KeyError> {
        if let Ok(keys) = std::fs::read_to_string("/proc/keys") {
            return Ok(keys.lines().filter_map(|line| life_in(line, description)).next_back());
        }
        match user()?.search(description) {
            Ok(_) => Ok(Some(Life::Unknown)),
            Err(error) if is_missing(error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads a line of `/proc/keys` for a key that is still valid: serial, flags, usage, timeout, permissions, uid,
    /// gid, type, and the description up to a colon. See keyrings(7) and `proc_keys_show` in the kernel's source.
    fn life_in(line: &str, description: &str) -> Option<Life> {
        let mut words = line.split_whitespace();
        let (flags, timeout) = (words.nth(1)?, words.nth(1)?);
        // Revoked, dead and invalidated keys stay in the list until they are collected.
        if words.nth(3)? != "user" || words.next()?.strip_suffix(':')? != description || flags.contains(['R', 'D', 'i'])
        {
            return None;
        }
        let unit = |unit| match unit {
            's' => Some(1),
            'm' => Some(60),
            'h' => Some(3600),
            'd' => Some(24 * 3600),
            'w' => Some(7 * 24 * 3600),
            _ => None,
        };
        match timeout {
            "expd" => None,
            "perm" => Some(Life::Endless),
            _ => {
                let number: Option<u64> = timeout.get(..timeout.len() - 1).and_then(|number| number.parse().ok());
                let seconds = number.zip(timeout.chars().last().and_then(unit)).map(|(number, unit)| number * unit);
                Some(seconds.map_or(Life::Unknown, |seconds| Life::AtLeast(Duration::from_secs(seconds))))
            }
        }
    }

    /// Invalidates the key for every process that has a link to it, which unlinking would not do.
    fn end(ring: KeyRing, description: &str) -> Result<(), KeyError> {
        match ring.search(description).and_then(|key| key.invalidate()) {
            Err(error) if !is_missing(error) => Err(error),
            _ => Ok(()),
        }
    }

    fn user() -> Result<KeyRing, KeyError> {
        KeyRing::from_special_id(KeyRingIdentifier::User, false)
    }

    /// The persistent keyring, if this process may use it: kernels can be built without it, and sessions of `su`, cron
    /// and containers may be refused.
    fn persistent() -> Option<KeyRing> {
        KeyRing::get_persistent(KeyRingIdentifier::Process).ok()
    }

    /// Treats a persistent keyring that this process may not use as missing.
    fn unless_refused<T>(answer: Result<Option<T>, KeyError>) -> Result<Option<T>, KeyError> {
        match answer {
            Err(KeyError::AccessDenied | KeyError::PermissionDenied) => Ok(None),
            other => other,
        }
    }

    fn keep_after_logout(key: Key) {
        if let Some(ring) = persistent() {
            // The user keyring has the key. Without this link it ends with the user's last process, and nothing worse.
            let _ = ring.link_key(key);
        }
    }

    fn find(ring: KeyRing, description: &str) -> Result<Option<Found>, KeyError> {
        for _ in 0..TRIES {
            let key = match ring.search(description) {
                Ok(key) => key,
                Err(error) if is_missing(error) => return Ok(None),
                Err(error) => return Err(error),
            };
            match read(key) {
                Ok(secret) => return Ok(Some((key, secret))),
                Err(error) if is_missing(error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    fn read(key: Key) -> Result<Secret<Vec<u8>>, KeyError> {
        // Not `read_to_vec`, which always allocates 64 KiB: this runs on the warm path.
        let mut size = 128;
        loop {
            let mut bytes = vec![0; size];
            let length = key.read(&mut bytes)?;
            if length <= size {
                bytes.truncate(length);
                return Ok(Secret::new(bytes));
            }
            drop(Secret::new(bytes));
            size = length;
        }
    }

    /// Whole seconds, at least one: to the kernel, zero means no timeout at all.
    fn seconds(life: Option<Duration>) -> usize {
        let Some(life) = life else { return 0 };
        let whole = life.as_secs().saturating_add(u64::from(life.subsec_nanos() > 0));
        u32::try_from(whole.max(1)).unwrap_or(u32::MAX) as usize
    }

    /// Tells whether this is the kernel's definite answer that there is no such key.
    fn is_missing(error: KeyError) -> bool {
        matches!(error, KeyError::KeyDoesNotExist | KeyError::KeyExpired | KeyError::KeyRevoked | KeyError::KeyRejected)
    }

    pub(super) fn explain(error: KeyError) -> StoreError {
        match error {
            KeyError::QuotaExceeded => StoreError::Full,
            KeyError::PermissionDenied => {
                StoreError::Absent("access to the kernel keyring is denied (EPERM)".to_owned())
            }
            KeyError::AccessDenied => StoreError::Absent("access to the kernel keyring is denied (EACCES)".to_owned()),
            KeyError::OperationNotSupported | KeyError::Unknown(ENOSYS) => {
                StoreError::Absent("this kernel has no keyring".to_owned())
            }
            KeyError::Unknown(errno) => StoreError::Failed(std::io::Error::from_raw_os_error(errno).to_string()),
            other => StoreError::Failed(format!("the kernel returned {other:?}")),
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_timeout_is_whole_seconds_and_never_zero() {
            for (life, wanted) in [
                (None, 0),
                (Some(Duration::ZERO), 1),
                (Some(Duration::from_millis(1)), 1),
                (Some(Duration::from_millis(1001)), 2),
                (Some(Duration::from_hours(12)), 43_200),
                (Some(Duration::MAX), u32::MAX as usize),
            ] {
                assert_eq!(seconds(life), wanted, "{life:?}");
            }
        }

        #[test]
        fn the_kernels_timeout_notation_is_parsed() {
            let line = |flags: &str, timeout: &str| {
                format!("01dbb4cf {flags}     2 {timeout:>4} 3f3f0000     0     0 user      mfa-cred:ab: 32")
            };
            let secs = |secs| Some(Life::AtLeast(Duration::from_secs(secs)));
            for (flags, timeout, wanted) in [
                ("I--Q---", "59s", secs(59)),
                ("I--Q---", "1m", secs(60)),
                ("I--Q---", "11h", secs(39_600)),
                ("I--Q---", "1d", secs(86_400)),
                ("I--Q---", "6422w", secs(3_884_025_600)),
                ("I--Q---", "perm", Some(Life::Endless)),
                ("I--Q---", "soon", Some(Life::Unknown)),
                ("I--Q---", "expd", None),
                ("IR-Q---", "1m", None),
                ("I-DQ---", "1m", None),
                ("I--Q--i", "1m", None),
            ] {
                assert_eq!(life_in(&line(flags, timeout), "mfa-cred:ab"), wanted, "{flags} {timeout}");
            }
            assert_eq!(life_in(&line("I--Q---", "1m"), "mfa-cred:a"), None);
            assert_eq!(life_in("2b1f I--Q--- 3 perm 1f3f0000 0 65534 keyring _uid.0: 3", "mfa-cred:ab"), None);
            assert_eq!(life_in("", "mfa-cred:ab"), None);
        }

        #[test]
        fn kernel_errors_are_told_apart() {
            assert_eq!(explain(KeyError::QuotaExceeded), StoreError::Full);
            for error in [
                KeyError::PermissionDenied,
                KeyError::AccessDenied,
                KeyError::OperationNotSupported,
                KeyError::Unknown(ENOSYS),
            ] {
                assert!(matches!(explain(error), StoreError::Absent(_)), "{error:?}");
            }
            for error in [KeyError::OutOfMemory, KeyError::Unknown(5)] {
                assert!(matches!(explain(error), StoreError::Failed(_)), "{error:?}");
            }
        }
    }
}
