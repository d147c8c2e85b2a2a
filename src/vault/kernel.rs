//! The Linux kernel keyring as a store of keys: fast, silent, gone with the machine's power.
//!
//! In: a name, a secret, how long it may live. Out: the secret, from any session of the same user. It opens no D-Bus,
//! asks nobody and waits for nothing, which is why the vault asks it first.
//!
//! How a key gets there is not the obvious way, so that it works in login, `su`, container and `setsid` sessions alike,
//! also without `pam_keyinit`: a key that is added to the user keyring directly is not *possessed* by a process whose
//! session does not link that keyring, and its permissions and timeout can then not be set. It is therefore added to
//! the process keyring, made ready there, where nobody else can see it, and only then linked into the user keyring. A
//! key that cannot be made ready is ended: none ever stands there without its timeout.
//!
//! The persistent keyring outlives the user's last process where the user keyring does not. Only a process that can
//! possess it may use it, and to possess it costs a process keyring, which counts against the user's quota of 200 keys;
//! so keys are linked into both, and the persistent one is read only when the user keyring has no such key.
//!
//! On other systems the store is there and says that it is absent.

use std::time::Duration;

use crate::host::{Keystore, StoreError};
use crate::secret::Secret;

/// The kernel's keys of this user. Holds no state; every call goes to the kernel.
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
}

#[cfg(not(target_os = "linux"))]
fn absent() -> StoreError {
    StoreError::Absent("only Linux has a kernel keyring".to_owned())
}

#[cfg(target_os = "linux")]
impl Keystore for KernelKeyring {
    /// A key that has expired or was revoked is `None`.
    fn get(&self, name: &str) -> Result<Option<Secret<Vec<u8>>>, StoreError> {
        linux::get(&linux::description(name)).map_err(linux::explain)
    }

    /// `life` is rounded up to whole seconds, of which the kernel wants at least one. A key that is there already with
    /// the same secret gets the new timeout and takes up no more quota.
    fn put(&self, name: &str, secret: &Secret<Vec<u8>>, life: Option<Duration>) -> Result<(), StoreError> {
        linux::put(&linux::description(name), secret, life).map_err(linux::explain)
    }

    fn delete(&self, name: &str) -> Result<(), StoreError> {
        linux::delete(&linux::description(name)).map_err(linux::explain)
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::time::Duration;

    use linux_keyutils::{Key, KeyError, KeyPermissions, KeyRing, KeyRingIdentifier};

    use super::{Secret, StoreError};

    /// Everything for the possessor and for the same user's other sessions, nothing for group and others.
    const OWNER_ONLY: u32 = 0x3f3f_0000;
    /// Function not implemented: a kernel without keyrings, or a sandbox that plays one.
    const ENOSYS: i32 = 38;
    /// A key is found by name and then read by number; one that was replaced in between is looked for again.
    const TRIES: usize = 3;

    /// A key and what it holds.
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
        // For the next reader; the persistent keyring goes on holding it when this fails.
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
            // Whichever of the two the system allows; the process keyring ends with this process in any case.
            let _ = key.invalidate().or_else(|_| key.revoke());
        }
        let _ = process.unlink_key(key);
        published
    }

    /// Makes a key ready that only this process can see, then lets the user's other processes see it; linking replaces
    /// a key of the same name in one step.
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

    /// Ends the key for whoever has a link to it, which unlinking it here would not.
    fn end(ring: KeyRing, description: &str) -> Result<(), KeyError> {
        match ring.search(description).and_then(|key| key.invalidate()) {
            Err(error) if !is_missing(error) => Err(error),
            _ => Ok(()),
        }
    }

    fn user() -> Result<KeyRing, KeyError> {
        KeyRing::from_special_id(KeyRingIdentifier::User, false)
    }

    /// The persistent keyring, where this process may have it: kernels can be built without, and sessions of `su`,
    /// cron and containers may be refused.
    fn persistent() -> Option<KeyRing> {
        KeyRing::get_persistent(KeyRingIdentifier::Process).ok()
    }

    /// A persistent keyring that this process may not use is one that it does not have.
    fn unless_refused<T>(answer: Result<Option<T>, KeyError>) -> Result<Option<T>, KeyError> {
        match answer {
            Err(KeyError::AccessDenied | KeyError::PermissionDenied) => Ok(None),
            other => other,
        }
    }

    fn keep_after_logout(key: Key) {
        if let Some(ring) = persistent() {
            // The user keyring has it; without this link it ends with the user's last process, and no worse.
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
        // Not `read_to_vec`, which always takes 64 KiB: this runs on the warm path.
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

    /// Zero would mean no timeout at all, to the kernel.
    fn seconds(life: Option<Duration>) -> usize {
        let Some(life) = life else { return 0 };
        let whole = life.as_secs().saturating_add(u64::from(life.subsec_nanos() > 0));
        u32::try_from(whole.max(1)).unwrap_or(u32::MAX) as usize
    }

    /// Is this the kernel's definite answer that there is no such key?
    fn is_missing(error: KeyError) -> bool {
        matches!(error, KeyError::KeyDoesNotExist | KeyError::KeyExpired | KeyError::KeyRevoked | KeyError::KeyRejected)
    }

    pub(super) fn explain(error: KeyError) -> StoreError {
        match error {
            KeyError::QuotaExceeded => StoreError::Full,
            KeyError::PermissionDenied => StoreError::Absent("the kernel keyring is forbidden here (EPERM)".to_owned()),
            KeyError::AccessDenied => StoreError::Absent("the kernel keyring is forbidden here (EACCES)".to_owned()),
            KeyError::OperationNotSupported | KeyError::Unknown(ENOSYS) => {
                StoreError::Absent("this kernel has no keyring".to_owned())
            }
            KeyError::Unknown(errno) => StoreError::Failed(std::io::Error::from_raw_os_error(errno).to_string()),
            other => StoreError::Failed(format!("the kernel answers {other:?}")),
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn lives_are_whole_seconds_and_never_endless_by_accident() {
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
        fn refusals_are_told_apart() {
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
