//! The address that signs a browser in: nobody else on this machine sees it or gets it.

use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::{pages, until, with_browser};
use crate::support::aws::{Aws, Kind};
use crate::support::world::{Cast, World};

/// What `ps` shows: the command line of every process.
fn command_lines() -> Vec<String> {
    let processes = fs::read_dir("/proc").expect("a folder").flatten();
    let read = |file: fs::DirEntry| fs::read(file.path().join("cmdline")).ok();
    processes.filter_map(read).map(|line| String::from_utf8_lossy(&line).replace('\0', " ")).collect()
}

/// Runs `with` while `ps` is looked at again and again: no command line may hold what signs a browser in.
pub(super) fn watched<T>(world: &World, with: impl FnOnce() -> T) -> T {
    let (aws, is_over) = (&world.aws, AtomicBool::new(false));
    thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let (mut seen, mut found) = (0, Vec::new());
            while !is_over.load(Ordering::SeqCst) {
                let tokens = tokens(aws);
                let lines = command_lines();
                seen += lines.iter().filter(|line| line.contains("http://127.0.0.1:")).count();
                found.extend(lines.into_iter().filter(|line| tokens.iter().any(|token| line.contains(token))));
                thread::sleep(Duration::from_millis(1));
            }
            (seen, found)
        });
        let done = with();
        // The browser may still run.
        until(|| !world.aws.visits().is_empty());
        is_over.store(true, Ordering::SeqCst);
        let (seen, found) = watch.join().expect("it does not panic");
        assert!(found.is_empty(), "{found:?}");
        assert!(seen > 0, "no browser was seen");
        done
    })
}

fn tokens(aws: &Aws) -> Vec<String> {
    let issued = aws.issued().into_iter().filter(|(kind, _)| *kind == Kind::SigninToken);
    issued.flat_map(|(_, token)| [token.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D"), token]).collect()
}

#[test]
fn no_command_line_holds_the_address_that_signs_in() {
    let script = "#!/bin/sh\nsleep 0.2\ncurl -s -L -b '' -o page \"$1\"\nsleep 0.2\n";
    let Cast { world, device, .. } = with_browser(script);
    let done = watched(&world, || world.sign_in(&device, &["console", "deploy"]));
    assert!(done.stderr.contains("opened the AWS console"), "{done:?}");
    assert_eq!(tokens(&world.aws).len(), 2);
}

/// The browser waits until somebody else has tried.
#[test]
fn a_program_that_guesses_or_comes_second_gets_nothing() {
    let script = "#!/bin/sh\nport=${1#http://127.0.0.1:}\nport=${port%%/*}\n\
                  for path in / /favicon.ico /federation /0123456789abcdef; do \
                  curl -s -i \"http://127.0.0.1:$port$path\" >>guessed; done\n\
                  curl -s -i -H 'Host: evil.example' \"$1\" >>guessed\ncurl -s -i -X POST \"$1\" >>guessed\n\
                  curl -s -L -b '' -o page \"$1\"\ncurl -s -i \"$1\" >second || echo gone >>second\n";
    let Cast { world, device, .. } = with_browser(script);
    world.sign_in(&device, &["console", "deploy"]);
    until(|| fs::read_to_string(world.home().join("second")).is_ok_and(|text| text.ends_with('\n')));
    let guessed = world.read("guessed");
    assert_eq!(guessed.matches("HTTP/1.1 4").count(), 6, "{guessed}");
    assert!(!guessed.to_lowercase().contains("location:"), "{guessed}");
    assert!(!world.read("second").to_lowercase().contains("location:"));
    assert_eq!(pages(&world).len(), 1);
}

/// Only root can start a program of another user.
#[test]
fn another_user_of_this_machine_who_is_faster_gets_nothing() {
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout == b"0\n");
    if !is_root {
        return;
    }
    let script = "#!/bin/sh\nsetpriv --reuid 1001 --clear-groups curl -s -i \"$1\" >theirs\n\
                  exec curl -s -L -b '' -o page \"$1\"\n";
    let Cast { world, device, .. } = with_browser(script);
    world.sign_in(&device, &["console", "deploy"]);
    let theirs = world.read("theirs");
    assert!(theirs.starts_with("HTTP/1.1 404 ") && !theirs.to_lowercase().contains("location:"), "{theirs}");
    until(|| pages(&world).len() == 1);
}
