//! How fast this machine reads memory: what writing an answer is bound by. It must not know models.

use std::hint::black_box;
use std::io;

use crate::buffer::Buffer;
use crate::pool::Pool;

/// Bytes that a thread takes at once.
const PIECE_BYTES: usize = 1 << 20;

/// Memory as the engine has it (in huge pages where there are any), to be read plainly by as many threads.
pub struct MemoryReader {
    bytes: Buffer<u8>,
    pool: Pool,
}

impl MemoryReader {
    /// Takes `bytes` of memory, writes all of it, and starts `threads` threads, the caller's among them.
    pub fn new(bytes: usize, threads: usize) -> io::Result<Self> {
        let mut bytes = Buffer::zeroed(bytes)?;
        bytes.values_mut().fill(1);
        Ok(Self { bytes, pool: Pool::start(threads.max(1))? })
    }

    /// Reads all of it once: time it.
    pub fn read(&mut self) {
        let bytes = self.bytes.values();
        let pieces = bytes.len().div_ceil(PIECE_BYTES);
        let read = self.pool.share(pieces, 1, &|pieces| {
            for piece in bytes[pieces.start * PIECE_BYTES..].chunks(PIECE_BYTES).take(pieces.len()) {
                black_box(sum(piece));
            }
        });
        debug_assert!(read.is_ok(), "a sum does not panic");
    }
}

/// The sum of all 64-bit words, in eight lanes so that the additions are not what is waited for.
fn sum(bytes: &[u8]) -> u64 {
    let mut lanes = [0_u64; 8];
    for line in bytes.as_chunks::<64>().0 {
        for (lane, word) in lanes.iter_mut().zip(line.as_chunks::<8>().0) {
            *lane = lane.wrapping_add(u64::from_ne_bytes(*word));
        }
    }
    lanes.iter().fold(0, |sum, lane| sum.wrapping_add(*lane))
}

#[cfg(test)]
mod tests;
