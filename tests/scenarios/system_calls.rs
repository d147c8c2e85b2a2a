//! What a call asks of the kernel, counted with `strace`: the table in `docs/performance.md` is true, and neither many
//! profiles nor many entries add calls that they do not need.

use std::fs;

use crate::support::pty::PATIENCE;
use crate::support::tools::{find, skip};
use crate::support::world::{Cast, MFA_CRED, World};

const PAGE: &str = include_str!("../../docs/performance.md");

/// Made by Rust's runtime, the C library and the allocator, or, the last, by an unoptimized build alone, which checks
/// every file that it closes.
const NOT_OURS: [&str; 11] = [
    "mmap(",
    "munmap(",
    "mremap(",
    "mprotect(",
    "madvise(",
    "brk(",
    "rt_sig",
    "sigaltstack(",
    "clock_gettime(",
    "getrandom(",
    "fcntl(",
];

/// Can this machine trace?
fn can_trace(what: &str) -> bool {
    let can = find("strace", &["-o", "/dev/null", "true"]).is_some();
    if !can {
        skip(what, "strace, or the right to trace,");
    }
    can
}

/// The program's own calls, from the start of `main` to what is done last with the output.
fn calls(world: &World, words: &[&str]) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let trace = folder.path().join("trace");
    let traced = ["-qq", "-e", "signal=none", "-o", trace.to_str().expect("a path"), MFA_CRED];
    let done = world.run_other("strace", &[&traced, words].concat(), PATIENCE);
    assert!(done.status.success(), "{words:?}: {done:?}");
    let trace = fs::read_to_string(trace).expect("a trace");
    let main = trace.lines().skip_while(|line| !line.starts_with("prctl(PR_SET_DUMPABLE"));
    let mut calls: Vec<_> =
        main.filter(|line| !NOT_OURS.iter().any(|name| line.starts_with(name))).map(str::to_owned).collect();
    // `process` looks after its output whether that is a terminal.
    let is_last = |call: &String| call.starts_with("write(1,") || call.starts_with("ioctl(1,");
    calls.truncate(calls.iter().rposition(is_last).expect("an output") + 1);
    calls
}

/// The numbers of the table's column for a command, and the sum that stands below them.
fn column(number: usize) -> (Vec<usize>, usize) {
    let table = PAGE.split("## System calls of a warm call").nth(1).expect("the section");
    let table = table.split("\n## ").next().expect("its end");
    let rows = table.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| what for"));
    let cell = |row: &str| row.split('|').nth(number).map(|cell| cell.replace(['*', ' '], ""));
    let mut counts: Vec<usize> = rows.filter_map(cell).filter_map(|cell| cell.parse().ok()).collect();
    let sum = counts.pop().expect("a sum");
    (counts, sum)
}

#[test]
fn a_warm_call_makes_the_system_calls_of_the_table() {
    if !can_trace("how many system calls a warm call makes") {
        return;
    }
    let Cast { world, device, .. } = World::cast();
    world.sign_in(&device, &["process", "deploy"]);
    for (number, words) in [(3, &["process", "deploy"][..]), (4, &["env", "deploy"]), (5, &["prompt"])] {
        if words[0] == "prompt" {
            world.set("MFA_CRED_PROFILE", "deploy");
        }
        let (counts, sum) = column(number);
        assert_eq!(counts.iter().sum::<usize>(), sum, "the sum of the column for {words:?}");
        let calls = calls(&world, words);
        assert_eq!(calls.len(), sum, "{words:?}: {calls:#?}");
        let terminal = calls.iter().find(|call| call.contains("/dev/tty") || call.contains("boot_id"));
        assert_eq!(terminal, None, "{words:?}");
    }
}

#[test]
fn names_and_entries_take_no_more_calls_than_they_need() {
    if !can_trace("how many system calls a list makes") {
        return;
    }
    let Cast { world, device, .. } = World::cast();
    world.sign_in(&device, &["process", "deploy"]);
    for words in [&["list", "--names"][..], &["__complete", "zsh", "--", "env", ""]] {
        let few = calls(&world, words).len();
        let plain = world.read(".aws/config");
        world.add_config(&(0..200).map(|n| format!("[profile p{n}]\nregion = r\n")).collect::<String>());
        let many = calls(&world, words);
        world.write(".aws/config", plain);
        assert_eq!(many.len(), few, "{words:?}: {many:#?}");
    }
    // Each entry is opened once, and what tells which key seals here, too.
    let status = calls(&world, &["status", "deploy"]);
    let opened = |name: &str| status.iter().filter(|call| call.starts_with("openat(") && call.contains(name)).count();
    assert_eq!((opened("/entries/"), opened("/key-id")), (world.entries().len(), 1), "{status:#?}");
    // A save passes over the entries once, and opens each of them once beside the one that it looks for.
    let save = calls(&world, &["process", "audit"]);
    let opened = |name: &str| save.iter().filter(|call| call.starts_with("openat(") && call.contains(name)).count();
    assert_eq!(opened("/entries\""), 1, "{save:#?}");
}
