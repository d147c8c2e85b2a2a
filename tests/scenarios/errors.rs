//! What an error says: only its own part, and with the same hint in every command.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use syn::visit::Visit;
use syn::{Attribute, Fields, Meta};

use crate::support::world::World;

/// Errors whose text repeats the cause that the error chain prints again.
#[derive(Default)]
struct Repeated(Vec<String>);

impl Repeated {
    fn of(text: &str) -> Vec<String> {
        let mut found = Self::default();
        found.visit_file(&syn::parse_file(text).expect("Rust"));
        found.0
    }

    fn look(&mut self, name: &syn::Ident, attributes: &[Attribute], fields: &Fields) {
        let Some(text) = text(attributes) else { return };
        for (at, field) in fields.iter().enumerate() {
            let name_of = field.ident.as_ref().map_or_else(|| at.to_string(), ToString::to_string);
            let is_marked = |word: &str| field.attrs.iter().any(|attribute| attribute.path().is_ident(word));
            let is_source = name_of == "source" || is_marked("source") || is_marked("from");
            let is_shown = [format!("{{{name_of}}}"), format!("{{{name_of}:"), format!(".{name_of}")];
            if is_source && is_shown.iter().any(|shown| text.contains(shown)) {
                self.0.push(format!("{name}: {text}"));
            }
        }
    }
}

impl<'ast> Visit<'ast> for Repeated {
    fn visit_variant(&mut self, variant: &'ast syn::Variant) {
        self.look(&variant.ident, &variant.attrs, &variant.fields);
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.look(&item.ident, &item.attrs, &item.fields);
    }
}

/// The contents of `#[error(…)]`, including the arguments of its text. A transparent error is its cause, and prints it
/// once.
fn text(attributes: &[Attribute]) -> Option<String> {
    let said = attributes.iter().find(|attribute| attribute.path().is_ident("error"))?;
    let Meta::List(list) = &said.meta else { return None };
    Some(list.tokens.to_string().replace(" . ", ".").replace(". ", ".")).filter(|text| text != "transparent")
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let files = entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] });
    files.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

#[test]
fn no_error_repeats_its_cause() {
    let files = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert!(files.len() > 100, "{}", files.len());
    for file in files {
        let text = fs::read_to_string(&file).expect("a source");
        assert_eq!(Repeated::of(&text), Vec::<String>::new(), "{}", file.display());
        // Chains built in another way would not be detected.
        let has_its_own = text.contains("fn source(&self) -> Option<&(dyn");
        assert!(!has_its_own || text.contains("self.cause.source()"), "{}", file.display());
    }
}

#[test]
fn an_error_that_repeats_its_cause_is_detected() {
    for (variant, is_seen) in [
        (r#"#[error("{path} cannot be used: {source}")] A { path: String, source: Io }"#, true),
        (r#"#[error("no: {0}")] A(#[from] Io)"#, true),
        (r#"#[error("no: {}", .why.kind())] A { #[source] why: Io }"#, true),
        (r#"#[error("no: {why:?}")] A { #[source] why: Io }"#, true),
        (r#"#[error("{path} cannot be used")] A { path: String, source: Io }"#, false),
        (r#"#[error("no: {why}")] A { why: String }"#, false),
        ("#[error(transparent)] A(#[from] Io)", false),
    ] {
        assert_eq!(!Repeated::of(&format!("enum E {{ {variant} }}")).is_empty(), is_seen, "{variant}");
    }
}

/// `clear` used to print "Not a directory (os error 20)" twice.
#[test]
fn an_unusable_state_folder_is_reported_once_with_its_reason() {
    let world = World::cast().world;
    world.write("state", "a file");
    for words in [&["clear"][..], &["env", "alice"], &["login", "alice"], &["status"], &["list"]] {
        let done = world.run(words);
        assert_eq!(done.stderr.matches("os error").count(), 1, "{words:?}: {done:?}");
    }
    let status = world.run(&["status"]);
    assert!(status.status.success(), "{status:?}");
    assert!(status.stderr.starts_with("warning: the cache cannot be read: "), "{status:?}");
}

/// Answers every request in this way, and returns the address.
fn answering(attend: impl Fn(TcpStream) + Send + Sync + Copy + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address").to_string();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || attend(stream));
        }
    });
    address
}

fn wants_a_password(mut stream: TcpStream) {
    let _ = stream.read(&mut [0; 4096]);
    let head = "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"office\"\r\n";
    let _ = write!(stream, "{head}Content-Length: 0\r\nConnection: close\r\n\r\n");
}

fn never_answers(mut stream: TcpStream) {
    let _ = stream.read(&mut [0; 4096]);
    thread::sleep(Duration::from_secs(20));
}

#[test]
fn network_errors_have_the_same_hint_in_every_command() {
    let world = World::cast().world;
    let limits = "connect_timeout = 1\nattempt_timeout = 1\ncall_timeout = 2\nallow_http = true\n";
    world.write("config/mfa-cred/config.ini", limits);
    world.add_config("[profile bare]\nsource_profile = alice\nrole_arn = arn:aws:iam::123456789012:role/bare\n");
    let closed = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address");
    let proxy = answering(wants_a_password);
    let network = "check the network, the proxy variables and the region";
    for (endpoint, proxy, hint) in [
        (format!("http://{closed}"), String::new(), network),
        (format!("http://{}", answering(never_answers)), String::new(), network),
        ("http://sts.test".to_owned(), format!("http://{proxy}"), "HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT"),
    ] {
        world.set("AWS_ENDPOINT_URL", &endpoint);
        world.set("HTTP_PROXY", &proxy);
        let hints =
            ["process bare", "login bare", "device list alice", "policy check --user bob --profile bare"].map(|line| {
                let done = world.run(&line.split(' ').collect::<Vec<_>>());
                assert_eq!(done.status.code(), Some(6), "{line}: {done:?}");
                let told: Vec<String> =
                    done.stderr.lines().filter(|line| line.starts_with("hint: ")).map(str::to_owned).collect();
                assert!(told.len() == 1 && told[0].contains(hint), "{endpoint} {line}: {done:?}");
                told
            });
        assert!(hints.iter().all(|told| *told == hints[0]), "{hints:?}");
    }
}
