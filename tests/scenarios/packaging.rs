//! What `packaging/` makes without a release build: the manifests, the notices, archives, and the list of the crate's files.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use crate::support::files::files_below;

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).expect(path)
}

fn run(script: &str, words: &[&Path]) -> Output {
    let mut command = Command::new(root().join("packaging").join(script));
    command.args(words).env("CARGO_NET_OFFLINE", "true").env("SOURCE_DATE_EPOCH", "1700000000");
    command.output().expect(script)
}

fn done(script: &str, words: &[&Path]) -> String {
    let output = run(script, words);
    assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// The archives that the manifests name: `TARGET.tar.gz` or `TARGET.zip`.
fn named_archives() -> BTreeSet<String> {
    let texts = files_below(&root().join("packaging/templates"))
        .into_iter()
        .map(|file| fs::read_to_string(file).expect("text"));
    let names = |text: String| -> Vec<String> {
        text.split("@URL:").skip(1).filter_map(|rest| Some(rest.split_once('@')?.0.to_owned())).collect()
    };
    texts.flat_map(names).collect()
}

#[test]
fn the_installer_is_that_of_this_version_and_repository() {
    let installer = read("packaging/install.sh");
    for line in [format!("version={VERSION}"), format!("repository={}", env!("CARGO_PKG_REPOSITORY"))] {
        assert!(installer.lines().any(|found| found == line), "{line}");
    }
    assert!(read("packaging/nix/flake.nix").contains(env!("CARGO_PKG_DESCRIPTION")));
}

#[test]
fn every_archive_that_a_manifest_or_the_installer_names_is_built_by_the_release() {
    let release = read(".github/workflows/release.yml");
    let built: BTreeSet<&str> =
        release.split("target: ").skip(1).filter_map(|rest| rest.split([' ', '\n']).next()).collect();
    let named = named_archives();
    assert!(named.len() > 5, "{named:?}");
    for archive in &named {
        let (target, extension) = archive.split_once('.').expect("an extension");
        assert!(built.contains(target), "{target}");
        assert_eq!(extension, if target.contains("windows") { "zip" } else { "tar.gz" });
    }
    for target in ["x86_64", "aarch64"].iter().flat_map(|machine| {
        ["unknown-linux-gnu", "unknown-linux-musl", "apple-darwin"].map(|system| format!("{machine}-{system}"))
    }) {
        assert!(built.contains(target.as_str()), "{target}");
    }
}

/// A checksum that a reader of YAML takes for a number, unless it is quoted.
fn sum(number: usize) -> String {
    format!("{number:064}")
}

/// Writes the manifests for archives with the checksums `sum(0)` and so on. Returns the folders of both.
fn write_manifests(folder: &Path, archives: &[String]) -> (PathBuf, PathBuf) {
    let (sums, manifests) = (folder.join("sums"), folder.join("manifests"));
    fs::create_dir(&sums).expect("a folder");
    for (number, archive) in archives.iter().enumerate() {
        let name = format!("mfa-cred-{VERSION}-{archive}");
        fs::write(sums.join(format!("{name}.sha256")), format!("{}  {name}\n", sum(number))).expect("a file");
    }
    done("manifests", &[&sums, &manifests]);
    (sums, manifests)
}

#[test]
fn manifests_of_windows_are_read_as_they_are_meant() {
    use saphyr::{LoadableYamlNode as _, Yaml};

    let folder = TempDir::new().expect("a folder");
    let archives: Vec<String> = named_archives().into_iter().collect();
    let (_, manifests) = write_manifests(folder.path(), &archives);
    let text = |path: &str| fs::read_to_string(manifests.join(path)).expect(path);
    let number = archives.iter().position(|archive| archive.contains("windows")).expect("an archive for Windows");
    let scoop: serde_json::Value = serde_json::from_str(&text("scoop/mfa-cred.json")).expect("JSON");
    let download = &scoop["architecture"]["64bit"];
    let values = [&scoop["version"], &scoop["description"], &download["hash"]];
    assert_eq!(values.map(|value| value.as_str()), [VERSION, env!("CARGO_PKG_DESCRIPTION"), &sum(number)].map(Some));
    for (file, key, value) in [
        ("mfa-cred.mfa-cred.yaml", "PackageVersion", VERSION),
        ("mfa-cred.mfa-cred.installer.yaml", "PackageVersion", VERSION),
        ("mfa-cred.mfa-cred.installer.yaml", "InstallerSha256", &sum(number)),
        ("mfa-cred.mfa-cred.locale.en-US.yaml", "PackageVersion", VERSION),
        ("mfa-cred.mfa-cred.locale.en-US.yaml", "ShortDescription", env!("CARGO_PKG_DESCRIPTION")),
    ] {
        let text = text(&format!("winget/{file}"));
        let documents = Yaml::load_from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
        let [document] = &*documents else { panic!("{file} is one document") };
        let place = if key == "InstallerSha256" { &document["Installers"][0] } else { document };
        assert_eq!(place[key].as_str(), Some(value), "{file}: {key}");
    }
}

#[test]
fn manifests_have_the_checksums_of_the_archives_and_nothing_is_left_open() {
    let folder = TempDir::new().expect("a folder");
    let archives: Vec<String> = named_archives().into_iter().collect();
    let (sums, manifests) = write_manifests(folder.path(), &archives);
    let texts: Vec<(PathBuf, String)> = files_below(&manifests)
        .into_iter()
        .map(|file| (file.clone(), fs::read_to_string(&file).expect("text")))
        .collect();
    assert_eq!(texts.len(), 7);
    for (file, text) in &texts {
        assert!(
            text.contains(VERSION) && !text.contains("@URL") && !text.contains("@SHA"),
            "{}: {text}",
            file.display()
        );
    }
    for (number, archive) in archives.iter().enumerate() {
        let url = format!("/releases/download/v{VERSION}/mfa-cred-{VERSION}-{archive}");
        let with_it: Vec<_> = texts.iter().filter(|(_, text)| text.contains(&url)).collect();
        assert!(!with_it.is_empty(), "{archive}");
        for (file, text) in with_it {
            assert!(text.contains(&sum(number)), "{}: {archive}", file.display());
        }
    }
    // A missing or damaged checksum is an error, never an empty place.
    for text in ["", "<html>"] {
        fs::write(sums.join(format!("mfa-cred-{VERSION}-{}.sha256", archives[0])), text).expect("a file");
        assert!(!run("manifests", &[&sums, &manifests]).status.success());
    }
}

#[test]
fn an_archive_depends_on_nothing_but_the_files() {
    let folder = TempDir::new().expect("a folder");
    let files = folder.path().join("mfa-cred-1-x");
    fs::create_dir_all(files.join("man")).expect("a folder");
    fs::write(files.join("mfa-cred"), "program").expect("a file");
    fs::write(files.join("man/mfa-cred.1"), "page").expect("a file");
    for extension in ["tar.gz", "zip"] {
        let pack = |name: &str| {
            let target = folder.path().join(format!("{name}.{extension}"));
            done("archive", &[&files, &target]);
            fs::read(target).expect("the archive")
        };
        let first = pack("first");
        let later = SystemTime::now() + Duration::from_secs(100);
        let page = fs::File::options().write(true).open(files.join("man/mfa-cred.1")).expect("the page");
        page.set_modified(later).expect("its time");
        assert!(first == pack("second"), "{extension}");
        fs::write(files.join("mfa-cred"), extension).expect("a file");
        assert!(first != pack("third"), "{extension}");
    }
}

#[test]
fn notices_have_a_license_for_every_crate() {
    let notices = done("notices", &[Path::new("x86_64-unknown-linux-gnu")]);
    let rule = "=".repeat(80);
    let parts: Vec<&str> = notices.split(&rule).collect();
    let crates: Vec<&str> = parts[0].lines().skip(2).filter_map(|line| line.split(':').next()).collect();
    assert!(crates.len() > 200 && crates.iter().any(|name| name.starts_with("ring ")), "{crates:?}");
    let titles = parts.iter().skip(1).step_by(2).flat_map(|title| title.trim().split(", ")).collect::<BTreeSet<_>>();
    for name in crates.iter().filter(|name| !name.starts_with("The ") && !name.is_empty()) {
        assert!(titles.contains(name), "{name}");
    }
    assert!(titles.contains("The GNU C Library") && notices.contains("GNU LESSER GENERAL PUBLIC LICENSE"));
    // These bring no text of their own.
    assert!(notices.contains("Copyright (c) Klas Segeljakt") && titles.iter().any(|title| title.starts_with("vsimd ")));
}

/// What is published: everything that is compiled in, and nothing that only the repository needs.
#[test]
fn the_crate_has_what_a_build_and_a_user_need() {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["package", "--list", "--allow-dirty", "--offline", "--manifest-path"]).arg(root().join("Cargo.toml"));
    let output = cargo.output().expect("cargo");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let listed = String::from_utf8(output.stdout).expect("text");
    let listed: BTreeSet<&str> = listed.lines().collect();
    let top: BTreeSet<&str> = listed.iter().filter_map(|path| path.split('/').next()).collect();
    let expected = [
        "CHANGELOG.md",
        "Cargo.lock",
        "Cargo.toml",
        "Cargo.toml.orig",
        "LICENSE-APACHE",
        "LICENSE-MIT",
        "README.md",
        "SECURITY.md",
        "build.rs",
        "completions",
        "docs",
        "shell",
        "src",
    ];
    assert_eq!(top.iter().filter(|name| **name != ".cargo_vcs_info.json").copied().collect::<Vec<_>>(), expected);
    for place in ["src", "completions", "shell", "docs"] {
        for file in files_below(&root().join(place)) {
            let path = file.strip_prefix(root()).expect("a path below").to_string_lossy().into_owned();
            assert!(listed.contains(path.as_str()), "{path}");
        }
    }
}
