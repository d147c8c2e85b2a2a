//! Locks, held by several parts of one process in the way that several processes hold them.

use std::cell::{Cell, RefCell};
use std::fs::{self, File};
use std::io;
use std::time::{Duration, Instant};

use super::Home;
use crate::os::files::is_still_at;
use crate::state::lock::{Wanted, mark};
use crate::state::{Folder, FolderError, Lease, Turn};

fn take(folder: &Folder) -> Lease {
    match folder.take_turn::<(), FolderError>("a-lock", &mut || Ok(None), &mut |_| Ok(())) {
        Ok(Turn::Ours(lease)) => lease,
        other => panic!("{other:?}"),
    }
}

fn text(home: &Home) -> String {
    fs::read_to_string(mark(&home.folder.path().join("locks/a-lock"))).expect("a lock's file")
}

#[test]
fn a_lock_has_one_holder_and_names_it() {
    let home = Home::new();
    let lease = take(&home.folder);
    assert_eq!(text(&home), format!("held {}\n", std::process::id()));
    // A waiting process takes what another one has made, without the lock.
    let looks = Cell::new(0);
    let turn = home.folder.take_turn::<_, FolderError>(
        "a-lock",
        &mut || {
            looks.set(looks.get() + 1);
            Ok((looks.get() == 3).then_some("made"))
        },
        &mut |pid| {
            assert_eq!(pid, None, "it did not take long");
            Ok(())
        },
    );
    assert!(matches!(turn, Ok(Turn::Ready("made"))), "{turn:?}");
    assert_eq!(looks.get(), 3);
    drop(lease);
    let turn = home.folder.take_turn::<_, FolderError>("a-lock", &mut || Ok(Some("made")), &mut |_| Ok(()));
    assert!(matches!(turn, Ok(Turn::Ready("made"))), "with the lock in hand it looks once more: {turn:?}");
    drop(take(&home.folder));
}

#[test]
fn a_long_wait_is_reported_once_and_names_the_holder() {
    let home = Home::new();
    let lease = take(&home.folder);
    let (said, start) = (RefCell::new(Vec::new()), Instant::now());
    let ready = &mut || Ok((start.elapsed() > Duration::from_millis(3200)).then_some(()));
    let turn = home.folder.take_turn::<_, FolderError>("a-lock", ready, &mut |pid| {
        if let Some(pid) = pid {
            assert!(start.elapsed() >= Duration::from_secs(3), "too soon");
            said.borrow_mut().push(pid);
        }
        Ok(())
    });
    assert!(matches!(turn, Ok(Turn::Ready(()))), "{turn:?}");
    assert_eq!(*said.borrow(), [std::process::id()]);
    drop(lease);
}

/// Two hundred processes waiting for a person once used a quarter of a processor, and a thousand all of it.
#[test]
fn a_wait_for_a_person_checks_at_most_five_times_a_second() {
    let home = Home::new();
    let lease = take(&home.folder);
    let (start, looks) = (Instant::now(), Cell::new(0));
    let turn = home.folder.take_turn::<_, FolderError>(
        "a-lock",
        &mut || {
            let waited = start.elapsed();
            looks.set(looks.get() + u32::from(waited > Duration::from_secs(1)));
            Ok((waited > Duration::from_millis(2400)).then_some(()))
        },
        &mut |_| Ok(()),
    );
    assert!(matches!(turn, Ok(Turn::Ready(()))), "{turn:?}");
    assert!(looks.get() <= 8, "{} looks in the 1.4 seconds after the first", looks.get());
    drop(lease);
}

/// The file stays open during the wait: a removed file must not be waited for.
// Wine keeps the name of a removed file as long as the file is open.
#[cfg_attr(windows, ignore = "passes on Windows alone, not under Wine")]
#[test]
fn a_waiter_whose_lock_file_is_removed_gets_the_next_one() {
    let home = Home::new();
    let stopped = take(&home.folder);
    let (path, looks) = (home.folder.path().join("locks/a-lock"), Cell::new(0));
    let turn = home.folder.take_turn::<(), FolderError>(
        "a-lock",
        &mut || {
            looks.set(looks.get() + 1);
            if looks.get() == 2 {
                fs::remove_file(&path).expect("it is ours");
            }
            assert!(looks.get() < 100, "it is waited for without an end");
            Ok(None)
        },
        &mut |_| Ok(()),
    );
    assert!(matches!(turn, Ok(Turn::Ours(_))), "{turn:?}");
    drop(stopped);
}

#[test]
fn a_cancellation_ends_the_waiters_and_a_later_process_asks_again() {
    for cancels in [true, false] {
        let home = Home::new();
        let lease = Cell::new(Some(take(&home.folder)));
        let turn = home.folder.take_turn::<(), FolderError>(
            "a-lock",
            &mut || {
                // The wait has begun.
                match lease.take() {
                    Some(lease) if cancels => lease.cancel(),
                    lease => drop(lease),
                }
                Ok(None)
            },
            &mut |_| Ok(()),
        );
        match turn {
            Ok(Turn::Canceled) => assert!(cancels),
            Ok(Turn::Ours(lease)) => {
                assert!(!cancels);
                drop(lease);
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(text(&home).starts_with("canceled "), cancels);
        assert_eq!(take(&home.folder).canceled_by(), None, "it says `held` again");
    }
}

#[test]
fn a_cancellation_by_another_process_does_not_count() {
    let home = Home::new();
    let path = home.folder.subfolder("locks").expect("it is made").join("a-lock");
    for stranger in ["canceled 1\n", "canceled\n", "canceled x\n", "junk", ""] {
        fs::write(mark(&path), stranger).expect("it is written");
        drop(take(&home.folder));
    }
    fs::write(mark(&path), "canceled 4711\n").expect("it is written");
    let lease = Wanted::new(&path).try_take().expect("it works").expect("it is free");
    assert_eq!(lease.canceled_by(), Some(4711));
    assert!(Wanted::new(&path).try_take().expect("it works").is_none(), "it is held");
}

// Wine keeps the name of a removed file as long as the file is open.
#[cfg_attr(windows, ignore = "passes on Windows alone, not under Wine")]
#[test]
fn a_lock_on_a_removed_file_is_useless() {
    let home = Home::new();
    let path = home.folder.subfolder("locks").expect("it is made").join("a-lock");
    let file = File::create(&path).expect("it is made");
    assert!(is_still_at(&file, &path).expect("it is looked at"));
    fs::remove_file(&path).expect("it is ours");
    assert!(!is_still_at(&file, &path).expect("it is looked at"), "removed");
    fs::write(&path, "").expect("it is written");
    assert!(!is_still_at(&file, &path).expect("it is looked at"), "replaced");
    // Windows does not say that a file is in the way.
    let below = is_still_at(&file, &path.join("x"));
    assert!(below.is_err_and(|error| error.kind() == io::ErrorKind::NotADirectory) || cfg!(windows));
}
