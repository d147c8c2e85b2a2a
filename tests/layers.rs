//! Data flows down the list of modules in `src/lib.rs`: a module uses only what stands above it.

use std::fs;
use std::path::{Path, PathBuf};

/// Every use of `crate::X` in a module that stands above X, or beside nothing.
fn upward_uses(modules: &[String], files: &[(String, String)]) -> Vec<String> {
    let rank = |name: &str| modules.iter().position(|module| module == name);
    let mut found = Vec::new();
    for (module, text) in files {
        let Some(own) = rank(module) else { continue };
        // Tests may look anywhere.
        let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
        for used in code.split("crate::").skip(1) {
            let names = match used.strip_prefix('{') {
                Some(list) => list.split('}').next().unwrap_or_default().split(',').map(first_word).collect(),
                None => vec![first_word(used)],
            };
            found.extend(
                names
                    .iter()
                    .filter(|name| rank(name).is_some_and(|rank| rank > own))
                    .map(|name| format!("{module} -> {name}")),
            );
        }
    }
    found
}

fn first_word(text: &str) -> String {
    text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

#[test]
fn no_module_reaches_upward() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let lib = fs::read_to_string(src.join("lib.rs")).expect("lib.rs");
    let modules: Vec<String> = lib.lines().filter_map(|line| line.strip_prefix("pub mod ")).map(first_word).collect();
    assert!(modules.len() > 10, "{modules:?}");
    let files: Vec<(String, String)> = sources(&src)
        .into_iter()
        .map(|path| {
            let inner = path.strip_prefix(&src).expect("below src");
            let module = inner.iter().next().expect("a name").to_string_lossy().trim_end_matches(".rs").to_owned();
            (module, fs::read_to_string(&path).expect("a source"))
        })
        .collect();
    assert_eq!(upward_uses(&modules, &files), Vec::<String>::new());
}

#[test]
fn reaching_upward_is_seen() {
    let modules = ["names", "plan", "command"].map(str::to_owned);
    let file = |text: &str| [("plan".to_owned(), text.to_owned())];
    assert_eq!(upward_uses(&modules, &file("use crate::command::run;")), ["plan -> command"]);
    assert_eq!(upward_uses(&modules, &file("use crate::{names::X, command};")), ["plan -> command"]);
    assert!(upward_uses(&modules, &file("use crate::names::X;")).is_empty());
}
