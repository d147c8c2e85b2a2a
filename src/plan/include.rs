//! aws-vault's `include_profile`, which is refused: what a person copies into the profile in its place.

use crate::profile::{Profile, ProfileSet, Property};

/// The keys of an inclusion: aws-vault's, and its older name.
pub(super) const KEYS: [&str; 2] = ["include_profile", "parent_profile"];

/// The most profiles that are followed.
const MOST: usize = 64;

/// The property that includes another profile.
pub(super) fn of(profile: Profile<'_>) -> Option<Property<'_>> {
    KEYS.into_iter().find_map(|key| profile.filled(key))
}

/// What the profiles that this one includes add to it: as in aws-vault, whatever is set nearer comes first.
pub fn included<'a>(set: &'a ProfileSet, profile: Profile<'a>) -> Vec<Property<'a>> {
    let (mut met, mut added): (Vec<Profile<'a>>, Vec<Property<'a>>) = (vec![profile], Vec::new());
    while let Some(next) = of(met[met.len() - 1]).and_then(|property| set.get(&property.value())) {
        if met.len() >= MOST || met.iter().any(|known| known.name() == next.name()) {
            break;
        }
        let is_new = |property: &Property<'a>| {
            let key = property.key();
            !KEYS.contains(&&*key) && profile.filled(&key).is_none() && added.iter().all(|known| known.key() != key)
        };
        let new: Vec<_> = next.properties().into_iter().filter(|it| !it.value().is_empty()).filter(is_new).collect();
        added.extend(new);
        met.push(next);
    }
    added
}
