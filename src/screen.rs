//! What a person sees: tables, the picker, and the page with a new device's seed.

pub(crate) mod page;
pub(crate) mod picker;
pub(crate) mod table;
