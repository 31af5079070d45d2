//! Which entries are wanted, as `show` and `export` let them be chosen. It must not know what is done with them.

use std::ops::Range;

use clap::Args;

use super::entry::Entry;

/// The kinds of entries.
const KINDS: [&str; 8] = ["decision", "refusal", "attempt", "outcome", "administration", "start", "stop", "erasure"];

/// `--from`, `--to`, `--kind`
#[derive(Args)]
pub(super) struct Chosen {
    /// From this entry on
    #[arg(long, value_name = "ENTRY")]
    from: Option<u64>,
    /// Up to this entry, and with it
    #[arg(long, value_name = "ENTRY")]
    to: Option<u64>,
    /// Only of this kind
    #[arg(long, value_parser = KINDS)]
    kind: Option<String>,
}

impl Chosen {
    /// Entries from one to another, both with them, as far as a log of `size` has any.
    pub(super) fn range(&self, size: u64) -> Range<u64> {
        self.from.unwrap_or(0)..self.to.map_or(size, |to| to.saturating_add(1)).min(size)
    }

    /// Whether a first or a last one was named.
    pub(super) fn is_bounded(&self) -> bool {
        self.from.is_some() || self.to.is_some()
    }

    /// Whether it is of the kind that is wanted.
    pub(super) fn fits(&self, entry: &Entry) -> bool {
        self.kind.as_deref().is_none_or(|kind| kind == entry.kind())
    }
}
