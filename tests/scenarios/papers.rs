//! The documentation: every link has a target, and every page is listed in the README.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::world::{Cast, World};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn pages() -> Vec<PathBuf> {
    let folders = ["docs", "docs/ja"].map(|folder| fs::read_dir(root().join(folder)).expect("a folder"));
    let docs = folders.into_iter().flatten().map(|file| file.expect("a file").path());
    let docs = docs.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    let top =
        ["README.md", "README.ja.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"].map(|name| root().join(name));
    docs.chain(top).collect()
}

/// The local links of a page: each path, and the heading after `#`.
fn links(text: &str) -> Vec<(String, Option<String>)> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let own = targets.filter(|target| !target.contains("://") && !target.contains(char::is_whitespace));
    own.map(|target| match target.split_once('#') {
        Some((path, heading)) => (path.to_owned(), Some(heading.to_owned())),
        None => (target.to_owned(), None),
    })
    .collect()
}

/// The headings of a page, in the form used by links.
fn headings(text: &str) -> Vec<String> {
    let name = |heading: &str| {
        let heading = heading.trim().to_lowercase();
        let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    text.lines().filter(|line| line.starts_with('#')).map(|line| name(line.trim_start_matches('#'))).collect()
}

#[test]
fn every_link_leads_to_an_existing_page_and_heading() {
    let mut seen = 0;
    for page in pages() {
        let text = fs::read_to_string(&page).expect("text");
        for (path, heading) in links(&text) {
            let target = if path.is_empty() { page.clone() } else { page.with_file_name("").join(&path) };
            assert!(target.exists(), "{}: {path} is not there", page.display());
            if let Some(heading) = heading {
                let there = fs::read_to_string(&target).expect("text");
                assert!(headings(&there).contains(&heading), "{}: {path} has no heading `{heading}`", page.display());
            }
            seen += 1;
        }
    }
    assert!(seen > 15, "{seen}");
}

/// The texts of all files with this extension below a folder.
fn texts(folder: &Path, extension: &str) -> String {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let text = |path: PathBuf| match path.is_dir() {
        true => texts(&path, extension),
        false if path.extension().is_some_and(|found| found == extension) => fs::read_to_string(path).expect("text"),
        false => String::new(),
    };
    entries.map(text).collect()
}

/// The error texts in the first column of a page's table of troubles.
fn troubles(page: &str) -> Vec<String> {
    let page = fs::read_to_string(root().join(page)).expect("text");
    let heads = ["| the message says |", "| メッセージ |"];
    let rows = page.lines().skip_while(|line| !heads.iter().any(|head| line.starts_with(head))).skip(2);
    let cells =
        rows.take_while(|line| line.starts_with('|')).filter_map(|row| row.split('|').nth(1).map(str::to_owned));
    cells.flat_map(|cell| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>()).collect()
}

/// A person searches the page for what the terminal says.
#[test]
fn the_readmes_error_texts_are_those_of_the_program_and_of_aws_in_both_languages() {
    let known = texts(&root().join("src"), "rs") + &texts(&root().join("tests/support/aws"), "rs");
    let english = troubles("README.md");
    assert!(english.len() >= 10, "{english:?}");
    for text in &english {
        assert!(known.contains(text), "README.md: `{text}` is no error of ours or of AWS");
    }
    assert_eq!(english, troubles("README.ja.md"));
}

/// The commands of a page, without their comments.
fn commands(page: &str) -> Vec<String> {
    let page = fs::read_to_string(root().join(page)).expect("text");
    let code = page.lines().filter_map(|line| line.strip_prefix("    "));
    let commands = code.filter(|line| ["mfa-cred", "cargo"].iter().any(|name| line.contains(name)));
    commands.map(|line| line.split(" #").next().unwrap_or(line).trim_end().to_owned()).collect()
}

#[test]
fn both_readmes_show_the_same_commands() {
    let english = commands("README.md");
    assert!(english.len() > 20, "{english:?}");
    assert_eq!(english, commands("README.ja.md"));
}

/// The pages of a folder, without the book's table of contents.
fn names(folder: &str) -> Vec<String> {
    let folder = root().join(folder);
    let pages = pages().into_iter().filter(|page| page.parent() == Some(&folder));
    let names = pages.map(|page| page.file_name().expect("a name").to_string_lossy().into_owned());
    names.filter(|name| name != "SUMMARY.md").collect()
}

#[test]
fn every_page_of_docs_is_linked_from_the_readme() {
    let readme = fs::read_to_string(root().join("README.md")).expect("text");
    for name in names("docs") {
        assert!(readme.contains(&format!("(docs/{name})")), "{name}");
    }
}

#[test]
fn the_book_has_every_page_once() {
    let contents = fs::read_to_string(root().join("docs/SUMMARY.md")).expect("text");
    let all = names("docs").into_iter().chain(names("docs/ja").into_iter().map(|name| format!("ja/{name}")));
    for name in all {
        assert_eq!(contents.matches(&format!("({name})")).count(), 1, "{name}");
    }
}

/// The variables that `env` changes, with everything that it can set: the page of the output names them all, and the
/// settings name those that are our own.
#[test]
fn every_exported_variable_is_documented() {
    let Cast { world, device, .. } = World::cast();
    world.sign_in(&device, &["login", "deploy"]);
    let done = world.run(&["env", "deploy", "--region", "ap-northeast-3", "--format", "json"]);
    let export: serde_json::Value = serde_json::from_str(&done.stdout).expect("JSON");
    let names: Vec<&String> = export.as_object().expect("an object").keys().collect();
    assert!(names.iter().filter(|name| name.starts_with("MFA_CRED_")).count() == 2, "{names:?}");
    let page = |name: &str| fs::read_to_string(root().join("docs").join(name)).expect("a page");
    let (output, settings) = (page("output.md"), page("settings.md"));
    let paragraph = output.split("\n\n").find(|text| text.starts_with("`env` sets")).expect("the list");
    for name in names {
        let quoted = format!("`{name}`");
        assert!(paragraph.contains(&quoted), "docs/output.md: {name}");
        assert!(!name.starts_with("MFA_CRED_") || settings.contains(&quoted), "docs/settings.md: {name}");
    }
}
