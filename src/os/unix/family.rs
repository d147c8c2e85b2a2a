//! The processes that a command started. They may share our process group, so the group does not identify them.

use std::collections::BTreeMap;
use std::fs;

use rustix::process::{Pid, Signal, kill_process};

/// New processes may start while others are killed.
const ROUNDS: usize = 20;

/// Kills the descendants of `root` and every process with `mark` in its environment: that includes processes whose
/// parents have exited, and those in a session of their own.
pub fn kill(root: u32, mark: &str) {
    for _ in 0..ROUNDS {
        let all = members(root, mark);
        if all.is_empty() {
            return;
        }
        for pid in all {
            if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
                let _ = kill_process(pid, Signal::KILL);
            }
        }
    }
}

fn members(root: u32, mark: &str) -> Vec<u32> {
    let parents = parents();
    let is_below = |pid: u32| {
        let mut chain = std::iter::successors(Some(pid), |pid| parents.get(pid).copied()).take(1000);
        chain.any(|pid| pid == root)
    };
    let is_marked = |pid: u32| {
        let environ = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environ.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
    };
    parents.keys().copied().filter(|pid| is_below(*pid) || is_marked(*pid)).collect()
}

/// The parent of each running process.
#[cfg(target_os = "linux")]
fn parents() -> BTreeMap<u32, u32> {
    let Ok(folders) = fs::read_dir("/proc") else { return BTreeMap::new() };
    let pids = folders.flatten().filter_map(|folder| folder.file_name().to_str()?.parse().ok());
    let parent = |pid: u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The process name before it may contain any character.
        let mut fields = stat.rsplit_once(") ")?.1.split(' ');
        let (state, parent) = (fields.next()?, fields.next()?.parse().ok()?);
        (!matches!(state, "Z" | "X")).then_some((pid, parent))
    };
    pids.filter_map(parent).collect()
}

#[cfg(not(target_os = "linux"))]
fn parents() -> BTreeMap<u32, u32> {
    let listed = std::process::Command::new("ps").args(["-A", "-o", "pid=,ppid="]).output();
    let text = listed.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let pair = |line: &str| {
        let mut numbers = line.split_whitespace().map(str::parse);
        Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
    };
    text.lines().filter_map(pair).collect()
}
