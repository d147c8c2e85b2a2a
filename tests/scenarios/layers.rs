//! The structure of `src`, read from the code: data flows down the list of modules in `src/lib.rs`, files do not depend on
//! each other in cycles, functions have few parameters, and no public item is unused.

mod reader;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use syn::Item;
use syn::visit::Visit;

use self::reader::{Module, Reader, attributes, is_for_tests};
use crate::support::files::files_below;

/// The maximum number of a function's parameters, not counting `self`.
const MOST_PARAMETERS: usize = 5;

/// Dependencies among the modules of one parent, and the names that cause them.
type Ties<'t> = BTreeMap<(&'t str, &'t str), BTreeSet<String>>;

/// All modules of the package, by path. A path is a list of names below `crate`.
struct Tree(BTreeMap<Vec<String>, Module>);

impl Tree {
    fn of_source() -> Self {
        let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut tree = Self(BTreeMap::new());
        tree.read(&src, &src.join("lib.rs"), Vec::new());
        for program in ["main", "front"] {
            tree.read(&src, &src.join(program).with_extension("rs"), vec![program.to_owned()]);
        }
        tree
    }

    fn of(files: &[(&str, &str)]) -> Self {
        let mut tree = Self(BTreeMap::new());
        for (path, text) in files {
            let path = path.split("::").filter(|name| !name.is_empty()).map(str::to_owned).collect::<Vec<_>>();
            let file = PathBuf::from(path.join("/")).with_extension("rs");
            let parsed = syn::parse_file(text).expect("Rust");
            tree.add(&file, path, &parsed.items);
        }
        tree
    }

    fn read(&mut self, src: &Path, file: &Path, path: Vec<String>) {
        let text = fs::read_to_string(file).expect("a source");
        let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let shown = file.strip_prefix(src).expect("below src").to_owned();
        for child in self.add(&shown, path, &parsed.items) {
            let inner = src.join(child.join("/")).with_extension("rs");
            self.read(src, &inner, child);
        }
    }

    /// Adds a module, and returns its children that have files of their own.
    fn add(&mut self, file: &Path, path: Vec<String>, items: &[Item]) -> Vec<Vec<String>> {
        let mut reader = Reader { module: Module { file: file.to_owned(), ..Module::default() } };
        let mut children = Vec::new();
        for item in items.iter().filter(|item| !is_for_tests(attributes(item))) {
            if let Item::Mod(inner) = item {
                let mut below = path.clone();
                below.push(inner.ident.to_string());
                match &inner.content {
                    Some((_, items)) => children.extend(self.add(file, below, items)),
                    None => children.push(below),
                }
            } else {
                reader.visit_item(item);
            }
        }
        self.0.insert(path, reader.module);
        children
    }

    /// The module that defines a name, as seen from `from`; `None` for names of other crates.
    fn source_of(&self, from: &[String], path: &[String]) -> Option<Vec<String>> {
        let mut at = from.to_vec();
        let mut rest = path;
        match rest.first()?.as_str() {
            "crate" => at.clear(),
            "self" => {}
            "super" => {
                at.pop()?;
            }
            first => {
                let mut child = at.clone();
                child.push(first.to_owned());
                let here = self.0.get(&at)?;
                if !self.0.contains_key(&child) && !here.items.contains(first) {
                    let target = here.imports.get(first)?;
                    if target.first() == path.first() {
                        return None;
                    }
                    let whole: Vec<String> = target.iter().chain(&rest[1..]).cloned().collect();
                    return self.source_of(from, &whole);
                }
                return self.below(&at, rest);
            }
        }
        rest = &rest[1..];
        while rest.first().is_some_and(|name| name == "super") {
            at.pop()?;
            rest = &rest[1..];
        }
        self.below(&at, rest)
    }

    fn below(&self, at: &[String], path: &[String]) -> Option<Vec<String>> {
        let Some(first) = path.first() else { return Some(at.to_vec()) };
        let module = self.0.get(at)?;
        let child: Vec<String> = at.iter().chain([first]).cloned().collect();
        if self.0.contains_key(&child) {
            return self.below(&child, &path[1..]);
        }
        if let Some(target) = module.imports.get(first).filter(|_| !module.items.contains(first)) {
            return self.source_of(at, target);
        }
        Some(at.to_vec())
    }

    /// Modules of one parent that use each other in a cycle: each group with the uses that cause it. A module includes
    /// everything inside it; using something from the common parent does not count as using a sibling.
    fn circles(&self) -> Vec<String> {
        let mut uses: BTreeMap<&[String], Ties<'_>> = BTreeMap::new();
        for (at, module) in &self.0 {
            for path in &module.paths {
                let Some(source) = self.source_of(at, path) else { continue };
                let depth = at.iter().zip(&source).take_while(|(one, other)| one == other).count();
                let (Some(user), Some(used)) = (at.get(depth), source.get(depth)) else { continue };
                // The key must live as long as the tree: the parent's path is a prefix of the user's.
                let names = uses.entry(&at[..depth]).or_default().entry((user, self.name_of(&source, depth, used)));
                names.or_default().insert(path.last().cloned().unwrap_or_default());
            }
        }
        uses.iter().flat_map(|(parent, ties)| circles_among(parent, ties)).collect()
    }

    /// The tree's own copy of a name.
    fn name_of<'t>(&'t self, path: &[String], depth: usize, name: &str) -> &'t str {
        let kept = self.0.keys().find(|kept| kept.len() > depth && kept[..=depth] == path[..=depth]);
        kept.map_or("", |kept| kept[depth].as_str()).get(..name.len()).unwrap_or_default()
    }

    /// Every use of a module that is below the user's own in the list.
    fn upward_uses(&self, rooms: &[String]) -> Vec<String> {
        let rank = |room: &str| rooms.iter().position(|name| name == room);
        let mut found = BTreeSet::new();
        for (at, module) in &self.0 {
            let Some(own) = at.first().and_then(|room| rank(room)) else { continue };
            for path in &module.paths {
                let source = self.source_of(at, path);
                let used = source.as_ref().and_then(|source| source.first());
                if let Some(used) = used.filter(|used| rank(used).is_some_and(|rank| rank > own)) {
                    found.insert(format!("{} -> {used}", module.file.display()));
                }
            }
        }
        found.into_iter().collect()
    }

    fn long_signatures(&self) -> Vec<String> {
        let of = |module: &Module| {
            module.long.iter().map(|name| format!("{}: {name}", module.file.display())).collect::<Vec<_>>()
        };
        self.0.values().flat_map(of).collect()
    }

    /// Public names that no other module uses, including the package's tests, and that no public signature needs.
    fn unused(&self, others: &BTreeSet<String>) -> Vec<String> {
        let mut found = Vec::new();
        for module in self.0.values() {
            let elsewhere = |name: &str| {
                others.contains(name)
                    || module.exposed.contains(name)
                    || self.0.values().any(|other| !std::ptr::eq(other, module) && other.words.contains(name))
            };
            found.extend(
                module
                    .public
                    .iter()
                    .filter(|name| !elsewhere(name))
                    .map(|name| format!("{}: {name}", module.file.display())),
            );
        }
        found
    }
}

/// The groups of names that depend on each other.
fn circles_among(parent: &[String], ties: &Ties<'_>) -> Vec<String> {
    let reach = |from: &str| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
        while let Some(name) = open.pop() {
            for (_, next) in ties.keys().filter(|(user, _)| *user == name) {
                if seen.insert(*next) {
                    open.push(next);
                }
            }
        }
        seen
    };
    let names: BTreeSet<&str> = ties.keys().map(|(user, _)| *user).collect();
    let reached: BTreeMap<&str, BTreeSet<&str>> = names.iter().map(|name| (*name, reach(name))).collect();
    let are_tied = |one: &str, other: &str| {
        let reaches = |from: &str, to: &str| reached.get(from).is_some_and(|all| all.contains(to));
        reaches(one, other) && reaches(other, one)
    };
    let circles: BTreeSet<Vec<&str>> = names
        .iter()
        .filter(|name| are_tied(name, name))
        .map(|name| names.iter().copied().filter(|other| are_tied(name, other)).collect())
        .collect();
    let told = |circle: Vec<&str>| {
        let inside = ties.iter().filter(|((user, used), _)| circle.contains(user) && circle.contains(used));
        let lines = inside.map(|((user, used), names)| format!("\n  {user} -> {used}: {names:?}"));
        format!("in `{}`:{}", parent.join("::"), lines.collect::<String>())
    };
    circles.into_iter().map(told).collect()
}

fn rooms() -> Vec<String> {
    let lib = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).expect("lib.rs");
    let name = |line: &str| line.strip_prefix("pub mod ").map(|rest| rest.trim_end_matches(';').to_owned());
    lib.lines().filter_map(name).collect()
}

/// Every identifier in the tests, the benchmarks, the fuzz targets, and the unit tests.
fn words_of_tests() -> BTreeSet<String> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut words = BTreeSet::new();
    let mut take = |text: &str| {
        words.extend(text.split(|c: char| !(c.is_alphanumeric() || c == '_')).map(str::to_owned));
    };
    for file in rust_files(&package.join("tests")) {
        take(&fs::read_to_string(file).expect("a source"));
    }
    for file in rust_files(&package.join("src")) {
        let text = fs::read_to_string(&file).expect("a source");
        let is_tests =
            file.components().any(|part| Path::new(part.as_os_str()).file_stem().is_some_and(|it| it == "tests"));
        let beside = text.split_once("#[cfg(test)]\nmod ").map_or("", |(_, tests)| tests);
        take(if is_tests { &text } else { beside });
    }
    words
}

fn rust_files(folder: &Path) -> impl Iterator<Item = PathBuf> {
    files_below(folder).into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
}

#[test]
fn no_module_uses_a_higher_layer() {
    let rooms = rooms();
    assert!(rooms.len() > 10, "{rooms:?}");
    assert_eq!(Tree::of_source().upward_uses(&rooms), Vec::<String>::new());
}

#[test]
fn no_files_of_a_room_form_a_cycle() {
    // The package's modules are ordered by `lib.rs`, so a cycle among them always contains a use in the wrong
    // direction.
    assert_eq!(Tree::of_source().circles(), Vec::<String>::new());
}

#[test]
fn no_function_takes_more_than_five_parameters() {
    assert_eq!(Tree::of_source().long_signatures(), Vec::<String>::new());
}

#[test]
fn no_public_item_is_unused() {
    assert_eq!(Tree::of_source().unused(&words_of_tests()), Vec::<String>::new());
}

/// Where code may be chosen by system, besides the room `os`.
const DOORS: [&str; 6] = [
    // The two halves of the terminal, which is more than calls of the system.
    "terminal.rs",
    "terminal/tty/silence.rs",
    // Stores that only one system has.
    "vault/kernel.rs",
    "vault/keyring.rs",
    // Only Linux has two programs.
    "front.rs",
    "system/pair.rs",
];

/// The lines of a file that choose by system, apart from tests.
fn choices(text: &str) -> Vec<&str> {
    let systems = ["unix", "windows", "target_os", "target_env", "target_vendor", "target_family"];
    let code = text.split("\n#[cfg(test)]").next().unwrap_or_default();
    let code = code.split("\n#[cfg(all(test").next().unwrap_or_default();
    code.lines().filter(|line| line.contains("cfg") && systems.iter().any(|system| line.contains(system))).collect()
}

#[test]
fn code_is_chosen_by_system_behind_one_door() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    for file in files_below(&src) {
        let shown = file.strip_prefix(&src).expect("below src").to_string_lossy().replace('\\', "/");
        let is_for_tests = shown.contains("/tests/") || shown.ends_with("/tests.rs");
        if is_for_tests || shown.starts_with("os") || DOORS.contains(&shown.as_str()) {
            continue;
        }
        let text = fs::read_to_string(&file).expect("a source");
        found.extend(choices(&text).into_iter().map(|line| format!("{shown}: {}", line.trim())));
    }
    assert_eq!(found, Vec::<String>::new());
    assert_eq!(choices("#[cfg(unix)]\nx\n#[cfg(test)]\n#[cfg(windows)]"), ["#[cfg(unix)]"]);
    assert_eq!(choices("a(cfg!(windows))"), ["a(cfg!(windows))"]);
}

#[test]
fn using_a_higher_layer_is_detected() {
    let rooms = ["names", "plan", "command"].map(str::to_owned);
    let found = |text: &str| {
        let files = [("", "mod names; mod plan; mod command;"), ("names", "pub struct X;"), ("plan", text)];
        Tree::of(&[&files[..], &[("command", "pub fn run() {}")]].concat()).upward_uses(&rooms)
    };
    assert_eq!(found("use crate::command::run;"), ["plan.rs -> command"]);
    assert_eq!(found("use crate::{names::X, command};"), ["plan.rs -> command"]);
    assert_eq!(found("fn f() { super::command::run(); }"), ["plan.rs -> command"]);
    assert_eq!(found("fn f() { println!(\"{}\", crate::command::run()); }"), ["plan.rs -> command"]);
    assert!(found("use crate::names::X;").is_empty());
    assert!(found("#[cfg(test)] mod tests { use crate::command::run; }").is_empty());
}

#[test]
fn a_cycle_is_detected() {
    let circles = |one: &str, two: &str| {
        let room = "mod one; mod two; pub use one::A; pub struct Shared;";
        let tree = Tree::of(&[("", "mod room;"), ("room", room), ("room::one", one), ("room::two", two)]);
        tree.circles().len()
    };
    assert_eq!(circles("pub struct A; use super::two::B;", "pub struct B; use super::A;"), 1);
    assert_eq!(circles("pub struct A;", "pub struct B; use super::A;"), 0);
    assert_eq!(circles("pub struct A; use super::two::B;", "pub struct B; use super::Shared;"), 0);
    assert_eq!(circles("pub mod inner { use crate::room::two::B; }", "pub struct B; use super::one::inner;"), 1);
}

#[test]
fn a_sixth_parameter_and_an_unused_item_are_detected() {
    let tree = Tree::of(&[("", "pub fn six(a: u8, b: u8, c: u8, d: u8, e: u8, f: u8) {}")]);
    assert_eq!(tree.long_signatures().len(), 1);
    assert_eq!(tree.unused(&BTreeSet::new()).len(), 1);
    assert!(tree.unused(&BTreeSet::from(["six".to_owned()])).is_empty());
}
