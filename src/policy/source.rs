//! Files that contain policies → the policies, each with its place, and the sets in which they are judged.
//!
//! The content of a file determines its kind: a policy, output of `aws iam`, a Terraform plan, state or configuration,
//! or a CloudFormation template in JSON or YAML. A reference to something that is not in the files stays unknown. Pure:
//! no other file is opened, nothing is run, and the time is proportional to the size of the files.

mod account;
mod answers;
mod cloudformation;
mod hcl;
mod holder;
mod ignored;
mod inventory;
mod organization;
mod plan;
mod terraform;
mod tree;
mod written;
mod yaml;

use std::sync::Arc;

use self::inventory::Inventory;
use self::terraform::Resources;
use self::tree::Node;
use super::document::{Document, DocumentError, File, PolicyKind, Problem, json};
use crate::names::{AccountId, Partition};

pub use self::holder::Holder;
pub use self::inventory::{Case, Whose};

/// The values of a template's pseudo parameters for the account and the partition.
#[derive(Clone, Debug)]
pub struct Here {
    /// The account that is checked.
    pub account: AccountId,
    /// Its partition.
    pub partition: Partition,
}

/// An input file.
#[derive(Debug)]
pub struct Input {
    /// Its name, for people.
    pub name: String,
    /// The contents.
    pub bytes: Vec<u8>,
}

/// The policies in the files.
#[derive(Debug, Default)]
pub struct Reading {
    /// Every policy.
    pub documents: Vec<Document>,
    /// The sets of policies to judge.
    pub cases: Vec<Case>,
    /// Is any file more than just a policy?
    pub has_containers: bool,
    /// Messages about what was left out.
    pub notes: Vec<String>,
}

/// The first account that an ARN in one of the files names.
pub fn account_in(inputs: &[Input]) -> Option<AccountId> {
    let of = |input: &Input| {
        let bytes = &input.bytes;
        let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
        let starts = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(b":"));
        let found = starts
            .map(|at| at + 1)
            .find(|at| bytes.get(at + 12) == Some(&b':') && (0..12).all(|digit| is_digit(at + digit)))?;
        std::str::from_utf8(&bytes[found..found + 12]).ok()?.parse().ok()
    };
    inputs.iter().find_map(of)
}

/// The first partition that an ARN in one of the files names.
pub fn partition_in(inputs: &[Input]) -> Option<Partition> {
    let of = |input: &Input| {
        let text = String::from_utf8_lossy(&input.bytes);
        text.match_indices("arn:").find_map(|(at, _)| text[at + 4..].split(':').next()?.parse().ok())
    };
    inputs.iter().find_map(of)
}

/// Reads files that belong together. A file of no other known kind is read as a policy, of the given kind or of the
/// kind that its elements show.
///
/// # Errors
/// The first thing that cannot be read or that IAM would reject, with its place.
pub fn read(inputs: &[Input], kind: Option<PolicyKind>, here: &Here) -> Result<Reading, DocumentError> {
    let mut inventory = Inventory::default();
    inventory.wants_organization = kind == Some(PolicyKind::Organization);
    let mut resources = Resources::default();
    for input in inputs {
        one(input, kind, here, &mut inventory, &mut resources)?;
    }
    resources.take_stock(&mut inventory)?;
    Ok(inventory.reading())
}

fn one(
    input: &Input,
    kind: Option<PolicyKind>,
    here: &Here,
    inventory: &mut Inventory,
    resources: &mut Resources,
) -> Result<(), DocumentError> {
    let text = std::str::from_utf8(&input.bytes).unwrap_or_default();
    // Windows editors may put a byte order mark there; in a policy, its parser reports it as an error.
    let start = text.trim_start();
    if start.starts_with('{') || start.starts_with("%7B") || start.starts_with("%7b") || start.starts_with("\"%7") {
        return of_json(input, kind, here, inventory, resources);
    }
    if hcl::is_such(text, &input.name) {
        inventory.has_containers = true;
        let file = Arc::new(File::new(&input.name, text));
        let found = hcl::read(&file, here)?;
        resources.extend(found.resources);
        found.modules.iter().for_each(|module| inventory.is_elsewhere(module));
        return Ok(());
    }
    if cloudformation::is_such_text(text) {
        let file = Arc::new(File::new(&input.name, text));
        let roots = yaml::read(&file)?;
        return container(&file, inventory, |inventory| {
            roots.iter().try_for_each(|root| cloudformation::read(&file, root, here, inventory))
        });
    }
    plain(input, kind, inventory)
}

fn of_json(
    input: &Input,
    kind: Option<PolicyKind>,
    here: &Here,
    inventory: &mut Inventory,
    resources: &mut Resources,
) -> Result<(), DocumentError> {
    let text = json::text(&input.name, &input.bytes)?;
    let file = Arc::new(File::new(&input.name, text));
    if !text.trim_start().starts_with('{') {
        let whole = tree::Text::known(text.trim().trim_matches('"'));
        let start = text.len() - text.trim_start().len();
        let node = Node::new(start..text.len(), tree::Value::Text(whole));
        let kind = kind.or_else(|| written::kind_of(&file, &node)).unwrap_or_default();
        let document = written::document(&file, "the percent-encoded policy", &node, kind)?;
        inventory.add_plain(document);
        return Ok(());
    }
    let source = json::SourceText { name: &file.name, text: &file.text, lines: file.lines(), origin: None };
    let Ok(tree) = json::tree(&source) else { return plain(input, kind, inventory) };
    let root = Node::of_json(&tree, &[], &|offset| offset);
    let has = |name: &str| root.get(name).is_some();
    if has("Statement") {
        plain(input, kind, inventory)
    } else if has("UserDetailList") && !(kind == Some(PolicyKind::Trust) && has("RoleDetailList")) {
        container(&file, inventory, |inventory| account::read(&file, &root, inventory))
    } else if plan::is_such(&root) {
        inventory.has_containers = true;
        resources.extend(plan::read(&file, &root));
        Ok(())
    } else if cloudformation::is_such(&root) {
        container(&file, inventory, |inventory| cloudformation::read(&file, &root, here, inventory))
    } else if let Some((content, own)) = organization::answer(&root) {
        container(&file, inventory, |inventory| organization::read(&file, (content, &own), kind, inventory))
    } else if answers::is_such(&root) {
        container(&file, inventory, |inventory| answers::read(&file, &root, inventory))
    } else {
        plain(input, kind, inventory)
    }
}

fn plain(input: &Input, kind: Option<PolicyKind>, inventory: &mut Inventory) -> Result<(), DocumentError> {
    let own = kind.or_else(|| Document::kind_of(&input.bytes));
    let Some(own) = own else { return Err(organization::with_principals(&input.name, &input.bytes)) };
    let document = Document::parse(&input.name, &input.bytes, own)?;
    inventory.add_plain(if kind.is_some() { document } else { organization::refuse(document)? });
    Ok(())
}

/// Reads a file with several policies; it is an error if there are none.
fn container(
    file: &Arc<File>,
    inventory: &mut Inventory,
    read: impl FnOnce(&mut Inventory) -> Result<(), DocumentError>,
) -> Result<(), DocumentError> {
    let before = inventory.len();
    inventory.has_containers = true;
    read(inventory)?;
    if inventory.len() == before {
        return Err(DocumentError { name: file.name.clone(), place: file.place(0), problem: Problem::NoPolicy });
    }
    Ok(())
}
