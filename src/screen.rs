//! What a person sees on the terminal: tables, the profile picker, and the page with a new device's seed.

pub(crate) mod page;
pub(crate) mod picker;
pub(crate) mod table;
