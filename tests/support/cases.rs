//! The grammar of the files in `tests/cases`: test cases as data.
//!
//! A file starts with a remark, and with the blocks that all of its cases share. Then come its cases: `== SENTENCE`,
//! text, and blocks. A block is `-- HEAD` and the lines below it, without blank lines at its end. What the blocks mean
//! is up to the test that reads them. `<<N TEXT>>` is TEXT repeated N times, with each `#` in it replaced by the number
//! of the repetition, from 1.

use std::fs;
use std::path::{Path, PathBuf};

/// A file of cases.
pub(crate) struct CaseFile {
    /// Such as `roles.txt`.
    pub(crate) name: String,
    /// The blocks before the first case.
    pub(crate) common: Vec<Block>,
    pub(crate) cases: Vec<Case>,
}

/// A case.
pub(crate) struct Case {
    pub(crate) sentence: String,
    /// The text between the sentence and the first block, unchanged.
    pub(crate) text: String,
    pub(crate) blocks: Vec<Block>,
}

/// A block of a case.
#[derive(Clone)]
pub(crate) struct Block {
    pub(crate) head: String,
    /// Empty, or lines that each end with a line feed.
    pub(crate) text: String,
}

impl Block {
    /// The first word of the head, and the rest of it.
    pub(crate) fn name(&self) -> (&str, &str) {
        self.head.split_once(' ').unwrap_or((&self.head, ""))
    }

    /// The lines that are not blank.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &str> {
        self.text.lines().filter(|line| !line.trim().is_empty())
    }
}

/// A file or folder of `tests/cases`.
pub(crate) fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(name)
}

/// All files of a folder of `tests/cases`, sorted by name.
pub(crate) fn read(folder: &str) -> Vec<CaseFile> {
    let files = fs::read_dir(path(folder)).expect("a folder of cases");
    let mut files: Vec<PathBuf> = files.map(|file| file.expect("a file").path()).collect();
    files.sort();
    let named = |path: PathBuf| {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        parse(name, &fs::read_to_string(path).expect("a text"))
    };
    files.into_iter().map(named).collect()
}

fn parse(name: String, text: &str) -> CaseFile {
    let mut parts = text.split("\n== ");
    let (_, common) = blocks(parts.next().unwrap_or_default());
    let case = |part: &str| {
        let (sentence, rest) = part.split_once('\n').unwrap_or((part, ""));
        let (text, blocks) = blocks(rest);
        Case { sentence: sentence.to_owned(), text, blocks }
    };
    CaseFile { name, common, cases: parts.map(case).collect() }
}

/// The text before the first block, and the blocks.
fn blocks(text: &str) -> (String, Vec<Block>) {
    let text = format!("\n{}", repeated(text));
    let mut parts = text.split("\n-- ");
    let before = parts.next().and_then(|text| text.strip_prefix('\n')).unwrap_or_default().to_owned();
    let block = |part: &str| {
        let (head, body) = part.split_once('\n').unwrap_or((part, ""));
        let body = body.trim_end_matches('\n');
        let text = if body.is_empty() { String::new() } else { format!("{body}\n") };
        Block { head: head.to_owned(), text }
    };
    (before, parts.map(block).collect())
}

/// The text with every `<<N TEXT>>` repeated. Other uses of `<<`, such as a here-document's, stay as they are.
fn repeated(text: &str) -> String {
    let Some((before, rest)) = text.split_once("<<") else { return text.to_owned() };
    let repetition = rest.split_once(">>").and_then(|(inner, after)| {
        let (times, piece) = inner.split_once(' ')?;
        Some((times.parse::<usize>().ok()?, piece, after))
    });
    let Some((times, piece, after)) = repetition else { return format!("{before}<<{}", repeated(rest)) };
    let written: String = (1..=times).map(|n| piece.replace('#', &n.to_string())).collect();
    format!("{before}{written}{}", repeated(after))
}

#[test]
fn a_file_is_read_as_its_grammar_says() {
    let text = "A remark.\n\n-- shared\nx\n\n== First\n-- policy of a user\n{\n\n}\n\n-- none\n== Second\nplain <<EOF\n\
                -- many\n<<2 a#;>>\n";
    let file = parse("a.txt".to_owned(), text);
    let all = |blocks: &[Block]| blocks.iter().map(|it| (it.head.clone(), it.text.clone())).collect::<Vec<_>>();
    let own = |head: &str, text: &str| (head.to_owned(), text.to_owned());
    assert_eq!(all(&file.common), [own("shared", "x\n")]);
    let [first, second] = &file.cases[..] else { panic!("{} cases", file.cases.len()) };
    assert_eq!((first.sentence.as_str(), first.text.as_str()), ("First", ""));
    assert_eq!(all(&first.blocks), [own("policy of a user", "{\n\n}\n"), own("none", "")]);
    assert_eq!(first.blocks[0].name(), ("policy", "of a user"));
    assert_eq!((second.sentence.as_str(), second.text.as_str()), ("Second", "plain <<EOF"));
    assert_eq!(all(&second.blocks), [own("many", "a1;a2;\n")]);
}
