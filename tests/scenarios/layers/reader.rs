//! Reads the names, paths, and signatures of one module.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use syn::visit::Visit;
use syn::{Attribute, FnArg, Item, Signature, UseTree, Visibility};

use super::MOST_PARAMETERS;

/// A module, in a file of its own or inline.
#[derive(Default)]
pub(super) struct Module {
    pub(super) file: PathBuf,
    /// The items that are defined here.
    pub(super) items: BTreeSet<String>,
    /// Imported names, and the paths that they stand for.
    pub(super) imports: BTreeMap<String, Vec<String>>,
    /// Every path in the code, including `use` declarations.
    pub(super) paths: BTreeSet<Vec<String>>,
    /// The names of public items, methods, and fields.
    pub(super) public: BTreeSet<String>,
    /// Every identifier in the code.
    pub(super) words: BTreeSet<String>,
    /// The types in public signatures, public fields, implemented traits, and bounds of public types: the language
    /// requires that they are public.
    pub(super) exposed: BTreeSet<String>,
    /// Functions with too many parameters.
    pub(super) long: Vec<String>,
}

/// Reads the items of one module.
pub(super) struct Reader {
    pub(super) module: Module,
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        if let Item::Fn(it) = item {
            self.expose(&it.vis, |words| words.visit_signature(&it.sig));
        }
        let named = match item {
            Item::Const(it) => Some((&it.ident, &it.vis)),
            Item::Enum(it) => Some((&it.ident, &it.vis)),
            Item::Fn(it) => Some((&it.sig.ident, &it.vis)),
            Item::Static(it) => Some((&it.ident, &it.vis)),
            Item::Struct(it) => Some((&it.ident, &it.vis)),
            Item::Trait(it) => Some((&it.ident, &it.vis)),
            Item::Type(it) => Some((&it.ident, &it.vis)),
            _ => None,
        };
        if let Some((ident, visibility)) = named {
            self.module.items.insert(ident.to_string());
            self.publish(&ident.to_string(), visibility);
        }
        syn::visit::visit_item(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !is_for_tests(&item.attrs) {
            self.publish(&item.sig.ident.to_string(), &item.vis);
            self.expose(&item.vis, |words| words.visit_signature(&item.sig));
            syn::visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_impl_item_const(&mut self, item: &'ast syn::ImplItemConst) {
        self.publish(&item.ident.to_string(), &item.vis);
        syn::visit::visit_impl_item_const(self, item);
    }

    fn visit_impl_item_type(&mut self, item: &'ast syn::ImplItemType) {
        self.expose(&Visibility::Public(syn::token::Pub::default()), |words| words.visit_type(&item.ty));
        syn::visit::visit_impl_item_type(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        self.expose(&Visibility::Public(syn::token::Pub::default()), |words| words.visit_signature(&item.sig));
        syn::visit::visit_trait_item_fn(self, item);
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.expose(&item.vis, |words| words.visit_generics(&item.generics));
        syn::visit::visit_item_struct(self, item);
    }

    fn visit_variant(&mut self, variant: &'ast syn::Variant) {
        // The fields of a variant are as public as the variant.
        self.expose(&Visibility::Public(syn::token::Pub::default()), |words| words.visit_fields(&variant.fields));
        syn::visit::visit_variant(self, variant);
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        if let Some(ident) = &field.ident {
            self.publish(&ident.to_string(), &field.vis);
        }
        self.expose(&field.vis, |words| words.visit_type(&field.ty));
        syn::visit::visit_field(self, field);
    }

    fn visit_signature(&mut self, signature: &'ast Signature) {
        let count = signature.inputs.iter().filter(|input| matches!(input, FnArg::Typed(_))).count();
        if count > MOST_PARAMETERS {
            self.module.long.push(format!("{} takes {count} parameters", signature.ident));
        }
        syn::visit::visit_signature(self, signature);
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let mut leaves = Vec::new();
        flatten(&item.tree, &mut Vec::new(), &mut leaves);
        for (path, name) in leaves {
            self.module.words.extend(path.iter().cloned());
            // A re-exported item is used by those who import it from here.
            if matches!(item.vis, Visibility::Inherited) {
                self.module.paths.insert(path.clone());
            }
            self.module.imports.insert(name, path);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.module.paths.insert(names);
        syn::visit::visit_path(self, path);
    }

    fn visit_ident(&mut self, ident: &'ast syn::Ident) {
        self.module.words.insert(ident.to_string());
    }

    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        // The arguments of a macro are not parsed yet: their words count as used, and paths are recognized if they are
        // written in one piece.
        let text = mac.tokens.to_string();
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        self.module.words.extend(text.split(|c| !is_word(c)).filter(|word| !word.is_empty()).map(str::to_owned));
        let joined = text.replace(" :: ", "::");
        for path in joined.split(|c: char| !is_word(c) && c != ':').filter(|path| path.contains("::")) {
            self.module.paths.insert(path.split("::").map(str::to_owned).collect());
        }
        syn::visit::visit_macro(self, mac);
    }
}

impl Reader {
    /// Records a name that others may use; derived and implemented items have no visibility of their own.
    fn publish(&mut self, name: &str, visibility: &Visibility) {
        if !matches!(visibility, Visibility::Inherited) {
            self.module.public.insert(name.to_owned());
        }
    }

    /// Records the names in a public part of the code.
    fn expose(&mut self, visibility: &Visibility, visit: impl FnOnce(&mut Words)) {
        if !matches!(visibility, Visibility::Inherited) {
            let mut words = Words::default();
            visit(&mut words);
            self.module.exposed.extend(words.0);
        }
    }
}

/// Collects identifiers.
#[derive(Default)]
struct Words(BTreeSet<String>);

impl<'ast> Visit<'ast> for Words {
    fn visit_signature(&mut self, signature: &'ast Signature) {
        // The function's own name does not count.
        signature.inputs.iter().for_each(|input| self.visit_fn_arg(input));
        self.visit_return_type(&signature.output);
        self.visit_generics(&signature.generics);
    }

    fn visit_ident(&mut self, ident: &'ast syn::Ident) {
        self.0.insert(ident.to_string());
    }
}

fn flatten(tree: &UseTree, before: &mut Vec<String>, leaves: &mut Vec<(Vec<String>, String)>) {
    match tree {
        UseTree::Path(path) => {
            before.push(path.ident.to_string());
            flatten(&path.tree, before, leaves);
            before.pop();
        }
        UseTree::Group(group) => group.items.iter().for_each(|tree| flatten(tree, before, leaves)),
        UseTree::Name(name) if name.ident == "self" => {
            leaves.push((before.clone(), before.last().cloned().unwrap_or_default()));
        }
        UseTree::Name(name) => {
            let path = before.iter().cloned().chain([name.ident.to_string()]).collect();
            leaves.push((path, name.ident.to_string()));
        }
        UseTree::Rename(rename) => {
            let path = before.iter().cloned().chain([rename.ident.to_string()]).collect();
            leaves.push((path, rename.rename.to_string()));
        }
        UseTree::Glob(_) => leaves.push((before.clone(), "*".to_owned())),
    }
}

pub(super) fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Mod(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Const(item) => &item.attrs,
        _ => &[],
    }
}

pub(super) fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let syn::Meta::List(list) = &attribute.meta else { return false };
        list.path.is_ident("cfg") && list.tokens.to_string() == "test"
    })
}
