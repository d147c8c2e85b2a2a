//! Sections by kind and name: spans into the texts of the two files, sorted so that a name is found quickly.

use std::cmp::Ordering;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use super::SectionKind;
use super::read::{self, Found};

/// The bytes of the two files, in the order of [`WhichFile`].
pub(super) type Texts<'a> = [&'a [u8]; 2];

/// What was read from the files.
#[derive(Debug)]
pub(super) struct Index {
    pub(super) found: Found,
    /// All headers; those of one section are adjacent and in order of precedence.
    sorted: Vec<Slot>,
}

/// An index into `found.headers`. Ordered by its hash first, since comparing names costs more; equal hashes do no harm.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    hash: u64,
    pub(super) header: u32,
}

impl Index {
    /// Sorts what was read from these texts, config first.
    pub(super) fn of(mut found: Found, texts: Texts<'_>) -> Self {
        let slot = |header: u32| {
            let (kind, name) = identity(&found, texts, header);
            Slot { hash: hash(kind, name), header }
        };
        let mut sorted: Vec<Slot> = (0..read::small(found.headers.len())).map(slot).collect();
        sorted.sort_unstable_by(|a, b| compare(&found, texts, *a, *b).then(a.header.cmp(&b.header)));
        let mut before = None;
        for slot in &sorted {
            let leads = before.is_none_or(|before| compare(&found, texts, before, *slot).is_ne());
            found.headers[slot.header as usize].leads = leads;
            before = Some(*slot);
        }
        Self { found, sorted }
    }

    /// The headers of the section with that kind and name; empty if there is no such section.
    pub(super) fn section(&self, texts: Texts<'_>, kind: SectionKind, name: &str) -> &[Slot] {
        let (hash, wanted) = (hash(kind, name.as_bytes()), (kind, name.as_bytes()));
        let compare =
            |slot: &Slot| slot.hash.cmp(&hash).then_with(|| identity(&self.found, texts, slot.header).cmp(&wanted));
        let rest = &self.sorted[self.sorted.partition_point(|slot| compare(slot).is_lt())..];
        &rest[..rest.partition_point(|slot| compare(slot).is_eq())]
    }
}

fn hash(kind: SectionKind, name: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    (kind, name).hash(&mut hasher);
    hasher.finish()
}

fn compare(found: &Found, texts: Texts<'_>, a: Slot, b: Slot) -> Ordering {
    let identity = |slot: Slot| identity(found, texts, slot.header);
    a.hash.cmp(&b.hash).then_with(|| identity(a).cmp(&identity(b)))
}

fn identity<'a>(found: &'a Found, texts: Texts<'a>, header: u32) -> (SectionKind, &'a [u8]) {
    let header = &found.headers[header as usize];
    (header.kind, header.name.bytes(texts[header.origin as usize]))
}
