//! Links `mfa-cred`, the small program that answers from the cache, statically, still as a position-independent
//! executable: the dynamic linker's work takes as long as ours. It calls nothing for which the C library would load a
//! module (`nsswitch.conf`), see `system::folders_of_environment`.
//!
//! rustc links statically only if a flag of the whole build says so, and a package cannot say so for those who install it.
//! What it names to the linker is therefore found in a folder of ours first, where each library is the archive of that
//! name. Where the C library's archive is not installed, or the system is another one, the program is linked as usual.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

/// What rustc links a program for Linux with glibc with.
const LIBRARIES: [&str; 6] = ["c", "m", "rt", "pthread", "util", "dl"];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let var = |name: &str| env::var(name).unwrap_or_default();
    let is_static = var("CARGO_CFG_TARGET_FEATURE").split(',').any(|feature| feature == "crt-static");
    if var("CARGO_CFG_TARGET_OS") != "linux" || var("CARGO_CFG_TARGET_ENV") != "gnu" || is_static {
        return;
    }
    let is_native = var("TARGET") == var("HOST");
    let linker = env::var("RUSTC_LINKER").ok().or_else(|| is_native.then(|| "cc".to_owned()));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo names it"));
    if let Some(linker) = linker
        && let Ok(true) = shadow(&out.join("static"), &linker)
    {
        println!("cargo::rustc-link-arg-bin=mfa-cred=-static-pie");
        println!("cargo::rustc-link-arg-bin=mfa-cred=-L{}", out.join("static").display());
    }
}

/// Fills the folder; false if an archive is missing that must be there.
fn shadow(folder: &Path, linker: &str) -> io::Result<bool> {
    fs::create_dir_all(folder)?;
    let Some(unwinder) = archive(linker, "gcc_eh")? else { return Ok(false) };
    let unwinder = unwinder.display();
    for name in LIBRARIES {
        let Some(found) = archive(linker, name)? else {
            if name == "c" {
                return Ok(false);
            }
            continue;
        };
        fs::write(folder.join(format!("lib{name}.a")), format!("GROUP ( {} {unwinder} -lgcc )\n", found.display()))?;
    }
    fs::write(folder.join("libgcc_s.a"), format!("GROUP ( {unwinder} -lgcc )\n"))?;
    Ok(true)
}

/// The path of an archive that the linker would use.
fn archive(linker: &str, name: &str) -> io::Result<Option<PathBuf>> {
    let said = Command::new(linker).arg(format!("-print-file-name=lib{name}.a")).output()?;
    let path = PathBuf::from(String::from_utf8_lossy(&said.stdout).trim());
    Ok(path.is_absolute().then_some(path))
}
