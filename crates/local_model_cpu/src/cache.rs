//! Keys and values of all sequences, in pages of 64 tokens, so that sequences of any length share one memory. It must
//! not know how attention reads a page, only how large a head's part of it is.
//!
//! `[page][layer][key-value head][one head's keys and values]`; pages never used cost no memory.

use std::io;

use local_model::Slot;

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
}

/// The cache.
pub(crate) struct Cache {
    values: Buffer<u16>,
    shape: PageShape,
    pages: usize,
    free: Vec<usize>,
    slots: Vec<Option<Room>>,
}

impl Cache {
    /// A cache of `pages` pages for up to `slots` sequences.
    pub(crate) fn new(shape: PageShape, pages: usize, slots: usize) -> io::Result<Self> {
        let values = pages.checked_mul(shape.values()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self {
            values: Buffer::zeroed(values)?,
            shape,
            pages,
            // The first pages are taken first and again, so that the others stay untouched.
            free: (0..pages).rev().collect(),
            slots: (0..slots).map(|_| None).collect(),
        })
    }

    pub(crate) fn shape(&self) -> PageShape {
        self.shape
    }

    /// Tokens of all sequences together.
    pub(crate) fn tokens_max(&self) -> usize {
        self.pages * PAGE_TOKENS
    }

    /// Sequences at once.
    pub(crate) fn slots_max(&self) -> usize {
        self.slots.len()
    }

    /// Room for a sequence of `tokens` tokens, or nothing while pages or slots lack.
    pub(crate) fn reserve(&mut self, tokens: usize) -> Option<Slot> {
        let left = self.free.len().checked_sub(tokens.div_ceil(PAGE_TOKENS))?;
        let slot = self.slots.iter().position(Option::is_none)?;
        let mut pages = self.free.split_off(left);
        pages.reverse();
        self.slots[slot] = Some(Room { pages, tokens });
        Some(Slot(slot))
    }

    /// Gives a sequence's pages back.
    pub(crate) fn release(&mut self, slot: Slot) {
        if let Some(room) = self.slots.get_mut(slot.0).and_then(Option::take) {
            self.free.extend(room.pages.into_iter().rev());
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
