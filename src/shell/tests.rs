//! Tests of the whole table, and how each shell handles hostile words.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::candidates::{Candidate, Cursor};
use super::line::CommandLine;
use super::{Completion, Init, Shell};

const PATH: &str = "/a b/it's $(touch PWNED)\\\"/mfa-cred";

fn init(shell: Shell) -> &'static Init {
    shell.dialect().init.as_ref().expect("it has an init script")
}

fn completion(name: &str) -> &'static Completion {
    name.parse::<Shell>().expect("a shell").dialect().completion.as_ref().expect("it completes")
}

fn candidates(words: &[&str]) -> Vec<Candidate> {
    words.iter().map(|word| Candidate { value: (*word).to_owned(), about: String::new() }).collect()
}

/// The first line that a shell is offered for a word.
fn shown(name: &str, word: &str) -> String {
    let cursor = Cursor { line: &CommandLine::default(), replaced: "", current: "", before: "" };
    let offered = (completion(name).offer)(&cursor, &candidates(&[word]));
    offered.lines().next().unwrap_or_default().trim_end_matches('\t').to_owned()
}

#[test]
fn every_name_belongs_to_one_shell() {
    let mut names = BTreeSet::new();
    for shell in Shell::ALL {
        let dialect = shell.dialect();
        for name in [dialect.name].iter().chain(dialect.programs) {
            assert_eq!(name.parse::<Shell>().ok(), Some(shell), "{name}");
            assert!(names.insert(*name), "{name} is listed twice");
        }
    }
}

#[test]
fn shells_are_recognized_by_program_name() {
    for (program, shell) in [
        ("bash", Some(Shell::Bash)),
        ("-zsh", Some(Shell::Zsh)),
        ("/usr/bin/fish", Some(Shell::Fish)),
        (r"C:\Windows\System32\cmd.exe", Some(Shell::Cmd)),
        ("pwsh", Some(Shell::PowerShell)),
        ("powershell.exe", Some(Shell::PowerShell)),
        ("nu", Some(Shell::Nu)),
        ("elvish", Some(Shell::Elvish)),
        ("xonsh", Some(Shell::Xonsh)),
        ("-csh", Some(Shell::Tcsh)),
        ("ksh93", Some(Shell::Posix)),
        ("python3", None),
        ("", None),
    ] {
        assert_eq!(Shell::of_program(program), shell, "{program:?}");
    }
}

#[test]
fn every_script_belongs_to_a_shell() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let texts = |folder: &str| -> BTreeSet<String> {
        let files = fs::read_dir(root.join(folder)).expect("a folder").map(|file| file.expect("a file").path());
        files.map(|path| fs::read_to_string(path).expect("a script")).collect()
    };
    let dialects = Shell::ALL.map(Shell::dialect);
    let inits = dialects.iter().filter_map(|dialect| dialect.init.as_ref());
    let of_shells =
        inits.flat_map(|init| [Some(init.command), init.renewal, init.segment]).flatten().map(str::to_owned);
    assert_eq!(texts("shell"), of_shells.collect());
    let completions = dialects.iter().filter_map(|dialect| dialect.completion.as_ref());
    assert_eq!(texts("completions"), completions.map(|completion| completion.script.to_owned()).collect());
}

#[test]
fn the_path_is_quoted_for_the_shell_and_no_placeholder_remains() {
    let posix = r#"'/a b/it'\''s $(touch PWNED)\"/mfa-cred'"#;
    for (name, quoted) in [
        ("bash", posix),
        ("zsh", posix),
        ("posix", posix),
        ("fish", r#"'/a b/it\'s $(touch PWNED)\\"/mfa-cred'"#),
        ("powershell", r#"('/a b/it''s $(touch PWNED)\"/mfa-cred')"#),
        ("nu", r#""/a b/it's $(touch PWNED)\\\"/mfa-cred""#),
        ("elvish", r#""/a b/it's $(touch PWNED)\\\"/mfa-cred""#),
        ("xonsh", r#"'/a b/it\'s $(touch PWNED)\\"/mfa-cred'"#),
        ("tcsh", r"$'\057a\040b\057it\047s\040\044\050touch\040PWNED\051\134\042\057mfa\055cred'"),
    ] {
        let init = init(name.parse().expect("a shell"));
        let text = init.command(PATH, "awsume");
        assert!(text.contains(quoted), "{name}: {text}");
        assert!(!text.contains("__BINARY__") && !text.contains("__COMMAND__"), "{name}: {text}");
        assert!(text.contains("awsume"), "{name}");
        assert!(!init.segment.unwrap_or_default().contains("__BINARY__"), "{name}");
        let renewal = init.renewal(PATH).unwrap_or_default();
        assert!(name == "posix" || renewal.contains(quoted), "{name}: {renewal}");
        assert!(!renewal.contains("__BINARY__"), "{name}: {renewal}");
    }
}

#[test]
fn completion_calls_the_program_at_its_path() {
    for (name, asks) in [
        ("bash", "\\command '/a b/x' __complete bash"),
        ("zsh", "\\command '/a b/x' __complete zsh"),
        ("fish", "command '/a b/x' __complete fish"),
        ("powershell", "Get-Command -Name ('/a b/x') -CommandType"),
        ("nu", "^\"/a b/x\" __complete nu"),
        ("elvish", "(external \"/a b/x\") __complete elvish"),
        ("xonsh", "['/a b/x', \"__complete\", \"xonsh\""),
        ("tcsh", "`$__mfa_cred:q __complete tcsh`"),
    ] {
        let init = init(name.parse().expect("a shell"));
        let text = completion(name).script_at(None, &(init.quote)("/a b/x"));
        assert_eq!(text.matches(asks).count(), 1, "{name}: {text}");
    }
}

#[test]
fn bash_words_are_quoted() {
    for (typed, replaced, word, shown) in [
        ("mfa-cred tw", "tw", "two words", "two\\ words"),
        ("mfa-cred two\\ w", "two\\ w", "two words", "two\\ words"),
        ("mfa-cred 'two w", "two w", "two words", "two words"),
        ("mfa-cred \"two w", "two w", "two words", "two words"),
        ("mfa-cred ", "", "$(touch PWNED)", "\\$\\(touch\\ PWNED\\)"),
        ("mfa-cred '$", "$", "$(touch PWNED)", "$(touch PWNED)"),
        ("mfa-cred \"", "", "$(touch PWNED)", "\\$(touch PWNED)"),
        ("mfa-cred '", "", "it's", "it'\\''s"),
        ("mfa-cred '", "", "it'", "it'\\'"),
        ("mfa-cred \"a", "a", "a!b", "a\"'!'\"b"),
        ("mfa-cred \"a", "a", "a!", "a\"'!'\"\""),
        ("mfa-cred \"a", "a", "a\"", "a\\\"\""),
        ("mfa-cred \\", "\\", "`touch PWNED`", "\\`touch\\ PWNED\\`"),
        ("mfa-cred \"\\", "\\", "`touch PWNED`", "\\`touch PWNED\\`"),
        ("mfa-cred ", "", "~root", "\\~root"),
        ("mfa-cred ", "", "#x", "\\#x"),
        ("mfa-cred team:d", "d", "team:dev", "dev"),
        ("mfa-cred ü", "ü", "ü 東京", "ü\\ 東京"),
    ] {
        let line = CommandLine::read(typed);
        let cursor = Cursor { line: &line, replaced, current: "", before: "" };
        assert_eq!((completion("bash").offer)(&cursor, &candidates(&[word])), format!("{shown}\n"), "{typed}");
    }
    let line = CommandLine::read("mfa-cred --source-profile=d");
    let cursor = Cursor { line: &line, replaced: "d", current: "", before: "--source-profile=" };
    assert_eq!((completion("bash").offer)(&cursor, &candidates(&["dev", "x"])), "dev\n");
}

#[test]
fn words_of_other_shells_are_quoted() {
    for (word, nu, powershell, xonsh) in [
        ("dev", "dev", "dev", "dev"),
        ("--region", "--region", "--region", "--region"),
        ("two words", "'two words'", "'two words'", "'two words'"),
        ("it's", "\"it's\"", "'it''s'", "@('it\\'s')"),
        ("$(x)", "'$(x)'", "'$(x)'", "@('$(x)')"),
        ("\\'\"", "\"\\\\'\\\"\"", "'\\''\"'", "@('\\\\\\'\"')"),
        ("1kb", "'1kb'", "'1kb'", "'1kb'"),
        ("true", "'true'", "true", "true"),
        ("a\u{2019}b", "'a\u{2019}b'", "'a\u{2019}\u{2019}b'", "'a\u{2019}b'"),
    ] {
        assert_eq!((shown("nu", word).as_str(), shown("powershell", word).as_str()), (nu, powershell));
        assert_eq!(shown("xonsh", word), xonsh);
    }
    for (word, zsh, tcsh) in [
        ("dev", "dev", "dev"),
        ("--x=y", "--x=y", "--x=y"),
        ("two words", "two words", ""),
        ("$(x)", "$(x)", ""),
        ("a`b`", "a`b`", ""),
        ("*", "*", ""),
        ("a:b", "a\\:b", "a:b"),
        ("c\\d", "c\\\\d", ""),
    ] {
        assert_eq!((shown("zsh", word).as_str(), shown("tcsh", word).as_str()), (zsh, tcsh));
    }
}
