//! `packaging/install.sh`, in the shells that people have, with small archives from a web server on the loopback.

mod interrupted;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread;

use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use crate::support::tools;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/install.sh");
const TARGET: &str = "x86_64-unknown-linux-musl";
/// What happens to a release before it is installed: the site, and the name of the archive.
type Damage = fn(&Site, &str);

const SHELLS: [&[&str]; 4] = [&["dash"], &["busybox", "sh"], &["bash", "--posix"], &["mksh"]];

/// A web server with archives, and a prefix to install into.
struct Site {
    folder: TempDir,
    url: String,
}

impl Site {
    fn start() -> Self {
        let folder = TempDir::new().expect("a folder");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        fs::create_dir_all(folder.path().join("site")).expect("a folder");
        let site = folder.path().join("site");
        // It ends with the tests' process.
        thread::spawn(move || listener.incoming().flatten().for_each(|stream| serve(&site, stream)));
        Self { folder, url }
    }

    /// A folder that is not there, and in it the prefix.
    fn top(&self) -> PathBuf {
        self.folder.path().join("new")
    }

    fn prefix(&self) -> PathBuf {
        self.top().join("prefix")
    }

    /// The archive of a version with these manual pages, and its checksum.
    fn publish(&self, version: &str, pages: &[&str]) -> PathBuf {
        self.publish_with(version, pages, &format!("echo mfa-cred {version}"))
    }

    fn publish_with(&self, version: &str, pages: &[&str], program: &str) -> PathBuf {
        let name = format!("mfa-cred-{version}-{TARGET}");
        let files = self.folder.path().join(&name);
        let write = |path: &str, text: &str| {
            let path = files.join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(&path, text).expect("a file");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("its mode");
        };
        write("mfa-cred", &format!("#!/bin/sh\n{program}\n"));
        write("mfa-cred-main", &format!("#!/bin/sh\necho main {version}\n"));
        for page in pages {
            write(&format!("man/{page}.1"), ".TH");
        }
        for completion in ["mfa-cred.bash", "_mfa-cred", "mfa-cred.fish"] {
            write(&format!("completions/{completion}"), "#");
        }
        self.pack(&name, &[&name])
    }

    /// An archive of these paths below the folder, under a name of the site.
    fn pack(&self, name: &str, paths: &[&str]) -> PathBuf {
        let archive = self.folder.path().join("site").join(format!("{name}.tar.gz"));
        let mut tar = Command::new("tar");
        tar.arg("-C").arg(self.folder.path()).arg("-czf").arg(&archive).args(paths);
        assert!(tar.status().expect("tar").success());
        let sum = base16ct::lower::encode_string(&Sha256::digest(fs::read(&archive).expect("the archive")));
        self.write_sum(name, &format!("{sum}  {name}.tar.gz\n"));
        archive
    }

    fn write_sum(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join("site").join(format!("{name}.tar.gz.sha256")), text).expect("a file");
    }

    fn command(&self, shell: &[&str], words: &[&str]) -> Command {
        let mut command = Command::new(shell[0]);
        command.args(&shell[1..]).arg(SCRIPT).args(words).arg("--prefix").arg(self.prefix());
        command.env("MFA_CRED_BASE_URL", &self.url).env("HOME", self.folder.path());
        command.args(["--target", TARGET]);
        command
    }

    fn install(&self, version: &str) -> Output {
        self.command(SHELLS[0], &["--version", version]).output().expect("a shell")
    }

    fn uninstall(&self) -> Output {
        self.command(SHELLS[0], &["--uninstall"]).output().expect("a shell")
    }

    /// What the installed program says of its version, if there is one.
    fn installed(&self) -> Option<String> {
        let output = Command::new(self.prefix().join("bin/mfa-cred")).arg("--version").output().ok()?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}

fn serve(site: &Path, mut stream: TcpStream) {
    let mut request = String::new();
    let mut reader = BufReader::new(&stream);
    while reader.read_line(&mut request).is_ok_and(|read| read > 2) {}
    let path = request.split(' ').nth(1).unwrap_or_default().trim_start_matches('/');
    let (status, body) = match fs::read(site.join(path)) {
        Ok(body) => ("200 OK", body),
        Err(_) => ("404 Not Found", Vec::new()),
    };
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
}

/// Every path below a folder, with the text of a file or the target of a link.
fn snapshot(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut left = vec![folder.to_owned()];
    while let Some(path) = left.pop() {
        let Ok(kind) = path.symlink_metadata() else { continue };
        let what = if kind.is_symlink() {
            format!("-> {}", fs::read_link(&path).expect("a link").display())
        } else if kind.is_dir() {
            left.extend(fs::read_dir(&path).expect("a folder").map(|entry| entry.expect("an entry").path()));
            "folder".to_owned()
        } else {
            fs::read_to_string(&path).expect("text")
        };
        found.insert(path, what);
    }
    found
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A folder with everything that the script may use, but without one program.
fn path_without(missing: &str, folder: &Path) -> PathBuf {
    let programs = folder.join(format!("without-{missing}"));
    fs::create_dir(&programs).expect("a folder");
    for place in ["/usr/bin", "/bin"] {
        for file in fs::read_dir(place).expect(place) {
            let file = file.expect("an entry");
            if file.file_name() != missing {
                let _ = symlink(file.path(), programs.join(file.file_name()));
            }
        }
    }
    programs
}

#[test]
fn every_shell_and_downloader_installs_and_removes_exactly_what_it_installed() {
    for shell in SHELLS {
        if tools::find(shell[0], &["-c", "true"]).or_else(|| tools::find(shell[0], &["true"])).is_none() {
            tools::skip_without("packaging/install.sh", shell[0]);
            continue;
        }
        for missing in ["wget", "curl"] {
            let site = Site::start();
            site.publish("1.2.3", &["mfa-cred", "mfa-cred-env"]);
            let own = site.prefix().join("share/man/man1/own.1");
            fs::create_dir_all(own.parent().expect("a folder")).expect("folders");
            fs::write(&own, "mine").expect("a file");
            let before = snapshot(&site.prefix());
            let path = path_without(missing, site.folder.path());
            let run = |words: &[&str]| {
                let output = site.command(shell, words).env("PATH", &path).output().expect("a shell");
                assert!(output.status.success() && output.stderr.is_empty(), "{shell:?} {words:?}: {}", text(&output));
                text(&output)
            };
            let planned = run(&["--version", "1.2.3", "--dry-run"]);
            assert!(planned.contains("would download") && snapshot(&site.prefix()) == before, "{planned}");
            let said = run(&["--version", "v1.2.3"]);
            assert!(said.contains("checksum verified") && said.contains("add it to your PATH"), "{said}");
            assert_eq!(site.installed().as_deref(), Some("mfa-cred 1.2.3"));
            for link in [
                "share/man/man1/mfa-cred-env.1",
                "share/bash-completion/completions/mfa-cred",
                "share/zsh/site-functions/_mfa-cred",
                "share/fish/vendor_completions.d/mfa-cred.fish",
            ] {
                assert!(site.prefix().join(link).is_file(), "{shell:?}: {link}");
            }
            run(&["--version", "1.2.3"]);
            assert!(run(&["--uninstall", "--dry-run"]).contains("bin/mfa-cred"), "{shell:?}");
            run(&["--uninstall"]);
            assert_eq!(snapshot(&site.prefix()), before, "{shell:?} without {missing}");
        }
    }
}

#[test]
fn a_first_installation_is_removed_with_the_prefix_that_it_made() {
    let site = Site::start();
    site.publish("1.2.3", &["mfa-cred"]);
    assert!(site.install("1.2.3").status.success());
    assert!(site.uninstall().status.success());
    assert!(!site.top().exists());
    let again = site.uninstall();
    assert!(!again.status.success() && text(&again).contains("was installed by this script"), "{}", text(&again));
}

#[test]
fn what_cannot_be_verified_or_run_is_not_installed() {
    let name = format!("mfa-cred-1.2.3-{TARGET}");
    let cases: [(&str, Damage); 9] = [
        ("the checksum of", |site, name| {
            let path = site.folder.path().join("site").join(format!("{name}.tar.gz"));
            let mut bytes = fs::read(&path).expect("the archive");
            *bytes.last_mut().expect("a byte") ^= 1;
            fs::write(path, bytes).expect("the archive");
        }),
        ("the checksum of", |site, name| site.write_sum(name, &"0".repeat(64))),
        ("is not a SHA-256 checksum", |site, name| site.write_sum(name, "<html>Sign in</html>")),
        ("is not a SHA-256 checksum", |site, name| site.write_sum(name, "")),
        ("is not a SHA-256 checksum", |site, name| site.write_sum(name, &"z".repeat(64))),
        ("cannot download", |site, name| {
            fs::remove_file(site.folder.path().join("site").join(format!("{name}.tar.gz.sha256"))).expect("the file");
        }),
        ("has files outside of", |site, name| {
            fs::write(site.folder.path().join("other"), "").expect("a file");
            site.pack(name, &[name, "other"]);
        }),
        ("does not run on this system", |site, _| {
            site.publish_with("1.2.3", &["mfa-cred"], "exit 1");
        }),
        ("contains `mfa-cred 1.2.4`, not mfa-cred 1.2.3", |site, _| {
            site.publish_with("1.2.3", &["mfa-cred"], "echo mfa-cred 1.2.4");
        }),
    ];
    for (reason, damage) in cases {
        let site = Site::start();
        site.publish("1.2.2", &["mfa-cred"]);
        site.publish("1.2.3", &["mfa-cred", "mfa-cred-new"]);
        damage(&site, &name);
        let refused = site.install("1.2.3");
        assert_eq!(refused.status.code(), Some(1), "{reason}: {}", text(&refused));
        assert!(text(&refused).contains(reason), "{reason}: {}", text(&refused));
        assert!(!site.top().exists(), "{reason}");
        // The version that is there stays.
        assert!(site.install("1.2.2").status.success());
        let before = snapshot(&site.prefix());
        assert!(!site.install("1.2.3").status.success(), "{reason}");
        let links = |tree: &BTreeMap<PathBuf, String>| -> BTreeMap<PathBuf, String> {
            tree.iter().filter(|(path, _)| !path.ends_with("installed")).map(|(p, w)| (p.clone(), w.clone())).collect()
        };
        assert_eq!(links(&snapshot(&site.prefix())), links(&before), "{reason}");
    }
}

#[test]
fn a_checksum_from_somewhere_else_takes_the_place_of_the_sites() {
    let site = Site::start();
    let archive = site.publish("1.2.3", &["mfa-cred"]);
    let sum = base16ct::lower::encode_string(&Sha256::digest(fs::read(archive).expect("the archive")));
    site.write_sum(&format!("mfa-cred-1.2.3-{TARGET}"), "not read");
    let run = |sum: &str| site.command(SHELLS[0], &["--version", "1.2.3", "--sha256", sum]).output().expect("a shell");
    assert!(text(&run(&sum.replace(&sum[..1], "g"))).contains("is not a SHA-256 checksum"));
    assert!(text(&run(&"0".repeat(64))).contains("nothing was installed"));
    assert!(run(&sum).status.success());
}

#[test]
fn files_that_somebody_else_put_there_are_left_alone() {
    let site = Site::start();
    site.publish("1.2.3", &["mfa-cred"]);
    let bin = site.prefix().join("bin");
    fs::create_dir_all(&bin).expect("a folder");
    fs::write(bin.join("mfa-cred"), "mine").expect("a file");
    let before = snapshot(&site.prefix());
    let refused = site.install("1.2.3");
    assert!(text(&refused).contains("was not installed by this script"), "{}", text(&refused));
    assert_eq!(snapshot(&site.prefix()), before);

    // Put in the place of ours later, they outlive us.
    fs::remove_file(bin.join("mfa-cred")).expect("a file");
    assert!(site.install("1.2.3").status.success());
    let page = site.prefix().join("share/man/man1/mfa-cred.1");
    fs::remove_file(&page).expect("a link");
    fs::write(&page, "mine").expect("a file");
    fs::write(site.prefix().join("lib/mfa-cred/notes"), "mine").expect("a file");
    let removed = site.uninstall();
    assert!(removed.status.success() && text(&removed).contains("kept"), "{}", text(&removed));
    assert_eq!(fs::read_to_string(page).expect("text"), "mine");
    assert_eq!(fs::read_to_string(site.prefix().join("lib/mfa-cred/notes")).expect("text"), "mine");
    assert!(!bin.join("mfa-cred").exists());
}

#[test]
fn an_upgrade_replaces_both_programs_at_once_and_drops_old_pages() {
    let site = Site::start();
    site.publish("1.2.3", &["mfa-cred", "mfa-cred-old"]);
    site.publish("1.3.0", &["mfa-cred", "mfa-cred-new"]);
    assert!(site.install("1.2.3").status.success());
    assert!(site.install("1.3.0").status.success());
    assert_eq!(site.installed().as_deref(), Some("mfa-cred 1.3.0"));
    let real = fs::canonicalize(site.prefix().join("bin/mfa-cred")).expect("a program");
    let main = Command::new(real.with_file_name("mfa-cred-main")).output().expect("the other program");
    assert_eq!(String::from_utf8_lossy(&main.stdout), "main 1.3.0\n");
    let pages = site.prefix().join("share/man/man1");
    assert!(pages.join("mfa-cred-new.1").is_file() && pages.join("mfa-cred-old.1").symlink_metadata().is_err());
    let versions = fs::read_dir(site.prefix().join("lib/mfa-cred")).expect("a folder");
    let versions = versions.filter(|entry| entry.as_ref().expect("an entry").file_type().expect("a kind").is_dir());
    assert_eq!(versions.count(), 1);
    assert!(site.uninstall().status.success() && !site.top().exists());
}

#[test]
fn the_placeholder_and_plain_http_are_refused_before_a_connection() {
    let site = Site::start();
    for (base, reason) in [
        (None, "has no download site yet"),
        (Some("http://downloads.example.net/x"), "is not https"),
        (Some("http://127.0.0.1.example.net/x"), "is not https"),
        (Some("ftp://127.0.0.1/x"), "is not https"),
    ] {
        let mut command = site.command(SHELLS[0], &[]);
        command.env_remove("MFA_CRED_BASE_URL");
        match base {
            Some(base) => command.env("MFA_CRED_BASE_URL", base),
            None => command.env_remove("MFA_CRED_BASE_URL"),
        };
        let output = command.output().expect("a shell");
        assert_eq!(output.status.code(), Some(1), "{}", text(&output));
        assert!(text(&output).contains(reason), "{base:?}: {}", text(&output));
    }
    for words in [&["--verbose"][..], &["--version", "../x"], &["--version"]] {
        let output = Command::new("dash").arg(SCRIPT).args(words).output().expect("a shell");
        assert_eq!(output.status.code(), Some(1), "{words:?}: {}", text(&output));
    }
}

/// `curl … | sh` runs what has arrived when the connection breaks.
#[test]
fn a_script_that_was_cut_off_does_nothing() {
    let site = Site::start();
    site.publish("1.2.3", &["mfa-cred"]);
    let whole = fs::read_to_string(SCRIPT).expect("the script");
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    let cut = site.folder.path().join("cut.sh");
    for count in 0..lines.len() {
        fs::write(&cut, lines[..count].concat()).expect("a file");
        let mut command = Command::new("dash");
        command.arg(&cut).args(["--version", "1.2.3", "--target", TARGET, "--prefix"]).arg(site.prefix());
        let output = command.env("MFA_CRED_BASE_URL", &site.url).output().expect("a shell");
        assert!(output.stdout.is_empty() && !site.top().exists(), "{count}: {}", text(&output));
    }
}
