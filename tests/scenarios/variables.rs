//! Every environment variable is named once in the source: in `src/names/variables.rs`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::files::files_below;
use syn::visit::Visit;
use syn::{Attribute, Item, ItemMod, LitStr};

/// String literals that consist of a variable's name.
#[derive(Default)]
struct Names(Vec<String>);

impl<'ast> Visit<'ast> for Names {
    fn visit_lit_str(&mut self, text: &'ast LitStr) {
        let name = text.value();
        let ours = ["AWS_", "AWSUME_", "MFA_CRED_"].iter().any(|start| name.starts_with(start));
        if ours && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_') {
            self.0.push(name);
        }
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        if !is_test(&module.attrs) {
            syn::visit::visit_item_mod(self, module);
        }
    }

    fn visit_item(&mut self, item: &'ast Item) {
        let attributes: &[Attribute] = match item {
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            _ => &[],
        };
        if !is_test(attributes) {
            syn::visit::visit_item(self, item);
        }
    }

    /// Documentation may mention variables.
    fn visit_attribute(&mut self, _: &'ast Attribute) {}
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg") && attribute.parse_args::<syn::Ident>().is_ok_and(|word| word == "test")
    })
}

fn names(text: &str) -> Vec<String> {
    let mut names = Names::default();
    names.visit_file(&syn::parse_file(text).expect("Rust"));
    names.0
}

/// The files of the program, without the unit tests.
fn program_files(src: &Path) -> impl Iterator<Item = PathBuf> {
    let is_test =
        |path: &Path| path.with_extension("").iter().any(|name| name == "tests" || name == "oracle" || name == "brute");
    let files = files_below(src).into_iter();
    let files = files.filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    files.filter(move |path| !is_test(path.strip_prefix(src).expect("below the folder")))
}

#[test]
fn each_variable_name_is_written_in_one_file() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    for path in program_files(&src) {
        let names = names(&fs::read_to_string(&path).expect("a source"));
        if path == src.join("names/variables.rs") {
            assert!(names.len() > 30, "{names:?}");
        } else {
            found.extend(names.into_iter().map(|name| format!("{}: {name}", path.display())));
        }
    }
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn a_repeated_variable_name_is_detected() {
    let text = "/// `AWS_REGION`\nfn f() { g(\"AWS_REGION\", \"set AWS_REGION=x\") }\n\
                #[cfg(test)]\nmod tests { const X: &str = \"AWS_PROFILE\"; }\n";
    assert_eq!(names(text), ["AWS_REGION"]);
}
