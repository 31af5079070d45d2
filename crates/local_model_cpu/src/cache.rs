//! Keys and values of all sequences, in pages of 64 tokens, so that sequences of any length share one memory. It must
//! not know how attention reads a page, only how large a head's part of it is.
//!
//! A page that is full and shared is not written again: any number of sequences of its owner may begin with it, and it stays
//! when they have ended, until its room is needed.
//!
//! `[page][layer][key-value head][one head's keys and values]`; pages never used cost no memory.

mod kept;

use std::io;

use local_model::{Beginning, Slot, Token};

use kept::Kept;

use crate::buffer::Buffer;
use crate::kernels::{PAGE_TOKENS, head_values};

/// Sizes that a page's own follows from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PageShape {
    pub(crate) layers: usize,
    pub(crate) kv_heads: usize,
    pub(crate) head_dim: usize,
}

impl PageShape {
    /// Values in a page.
    fn values(self) -> usize {
        self.layers * self.kv_heads * head_values(self.head_dim)
    }

    /// Bytes of a page.
    pub(crate) fn bytes(self) -> usize {
        self.values() * size_of::<u16>()
    }

    /// Where a head's part of a page begins.
    pub(crate) fn head(self, page: usize, layer: usize, head: usize) -> usize {
        page * self.values() + (layer * self.kv_heads + head) * head_values(self.head_dim)
    }
}

/// A sequence's room.
pub(crate) struct Room {
    /// Its pages in order.
    pub(crate) pages: Vec<usize>,
    /// Tokens that it was reserved for.
    pub(crate) tokens: usize,
    /// Tokens at its beginning that stand in pages which others may hold too: nothing is written there.
    pub(crate) shared: usize,
}

/// The cache.
pub(crate) struct Cache {
    values: Buffer<u16>,
    shape: PageShape,
    /// Pages that nobody holds and whose content is not known.
    free: Vec<usize>,
    kept: Kept,
    /// For each page, the rooms that hold it.
    holders: Vec<u32>,
    slots: Vec<Option<Room>>,
}

impl Cache {
    /// A cache of `pages` pages for up to `slots` sequences.
    pub(crate) fn new(shape: PageShape, pages: usize, slots: usize) -> io::Result<Self> {
        let values = pages.checked_mul(shape.values()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self {
            values: Buffer::zeroed(values)?,
            shape,
            // The first pages are taken first and again, so that the others stay untouched.
            free: (0..pages).rev().collect(),
            kept: Kept::default(),
            holders: vec![0; pages],
            slots: (0..slots).map(|_| None).collect(),
        })
    }

    pub(crate) fn shape(&self) -> PageShape {
        self.shape
    }

    /// Tokens of all sequences together.
    pub(crate) fn tokens_max(&self) -> usize {
        self.holders.len() * PAGE_TOKENS
    }

    /// Sequences at once.
    pub(crate) fn slots_max(&self) -> usize {
        self.slots.len()
    }

    /// Room for a sequence of `tokens` tokens, or nothing while pages or slots lack.
    pub(crate) fn reserve(&mut self, tokens: usize) -> Option<Slot> {
        self.take(tokens, Vec::new())
    }

    /// The same, with what is known of its prompt in it: so many tokens, never all.
    pub(crate) fn begin(&mut self, beginning: &Beginning<'_>) -> Option<(Slot, usize)> {
        let (_, but_one) = beginning.prompt.split_last()?;
        let known = self.kept.find(beginning.owner, but_one);
        let tokens = known.len() * PAGE_TOKENS;
        self.take(beginning.tokens.max(tokens), known).map(|slot| (slot, tokens))
    }

    /// A slot whose first pages are `known`.
    fn take(&mut self, tokens: usize, known: Vec<usize>) -> Option<Slot> {
        let slot = self.slots.iter().position(Option::is_none)?;
        let shared = known.len() * PAGE_TOKENS;
        let fresh = tokens.div_ceil(PAGE_TOKENS).saturating_sub(known.len());
        self.hold(&known);
        if let Some(lacking) = fresh.checked_sub(self.free.len()) {
            self.free.extend(self.kept.forget(lacking, |page| self.holders[page] == 0));
        }
        let Some(left) = self.free.len().checked_sub(fresh) else {
            self.let_go(&known);
            return None;
        };
        let mut pages = known;
        let fresh = self.free.split_off(left);
        self.hold(&fresh);
        pages.extend(fresh.into_iter().rev());
        self.slots[slot] = Some(Room { pages, tokens, shared });
        Some(Slot(slot))
    }

    /// Lets later sequences of `owner` begin with the first pages of this one, which hold `tokens`.
    pub(crate) fn share(&mut self, slot: Slot, owner: &str, tokens: &[Token]) {
        let Some(room) = self.slots.get_mut(slot.0).and_then(Option::as_mut) else { return };
        let before = room.pages.clone();
        self.kept.note(owner, tokens, &mut room.pages);
        let full = tokens.len() / PAGE_TOKENS * PAGE_TOKENS;
        room.shared = room.shared.max(full.min(room.pages.len() * PAGE_TOKENS));
        let changed = || before.iter().zip(&room.pages).filter(|(before, after)| before != after);
        let (left, taken): (Vec<usize>, Vec<usize>) = changed().map(|(&before, &after)| (before, after)).unzip();
        self.hold(&taken);
        self.let_go(&left);
    }

    /// Gives a sequence's pages back.
    pub(crate) fn release(&mut self, slot: Slot) {
        if let Some(room) = self.slots.get_mut(slot.0).and_then(Option::take) {
            self.let_go(&room.pages);
        }
    }

    fn hold(&mut self, pages: &[usize]) {
        for &page in pages {
            self.holders[page] += 1;
        }
    }

    /// The last holder of a page frees it, unless its content may be wanted again.
    fn let_go(&mut self, pages: &[usize]) {
        for &page in pages.iter().rev() {
            self.holders[page] -= 1;
            if self.holders[page] == 0 && !self.kept.holds(page) {
                self.free.push(page);
            }
        }
    }

    /// The slots' rooms, and all values, to write.
    pub(crate) fn parts_mut(&mut self) -> (Rooms<'_>, &mut [u16]) {
        (Rooms(&self.slots), self.values.values_mut())
    }
}

/// The rooms of the slots that are taken.
#[derive(Clone, Copy)]
pub(crate) struct Rooms<'a>(&'a [Option<Room>]);

impl<'a> Rooms<'a> {
    /// A sequence's room.
    pub(crate) fn of(&self, slot: Slot) -> Option<&'a Room> {
        self.0.get(slot.0)?.as_ref()
    }
}

#[cfg(test)]
mod tests;
