//! Follows a chunked body (RFC 9112, section 7.1) to its end, byte for byte.
//!
//! Chunk extensions are let pass within a limit, for a recipient must ignore them; trailers are refused. Pure.

use super::Refusal;
use super::refusals as no;

/// Extensions of all chunks of a body together, in bytes. Nobody sends any; the library below takes 16 KiB.
const EXTENSION_BYTES_MAX: usize = 4 * 1024;

/// Where in a chunked body the next byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chunks {
    at: At,
    extension_bytes: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// In a chunk's size, of which so many digits have come.
    Size { digits: u8, size: u64 },
    /// In the extensions of a chunk of this size.
    Extension { size: u64 },
    /// At the LF after a chunk's size.
    SizeLf { size: u64 },
    /// In a chunk's bytes, of which so many are still to come.
    Data { left: u64 },
    /// At the CR after a chunk's bytes.
    DataCr,
    /// At the LF after a chunk's bytes.
    DataLf,
    /// At the CR of the empty line that ends the body.
    EndCr,
    /// At its LF.
    EndLf,
    /// Behind the body.
    End,
}

impl Chunks {
    /// At the start of a body.
    pub(super) const START: Self = Self { at: At::Size { digits: 0, size: 0 }, extension_bytes: 0 };

    /// Goes on over `bytes`; gives how many of them belong to the body: fewer than all only when its end is among them.
    pub(super) fn advance(&mut self, bytes: &[u8]) -> Result<usize, Refusal> {
        let mut rest = bytes;
        while !self.ended() {
            if let At::Data { left } = self.at {
                let here = rest.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                rest = rest.get(here..).unwrap_or_default();
                let left = left - here as u64;
                self.at = if left == 0 { At::DataCr } else { At::Data { left } };
            }
            let Some((byte, after)) = rest.split_first() else { break };
            self.at = self.step(*byte)?;
            rest = after;
        }
        Ok(bytes.len() - rest.len())
    }

    /// Whether the whole body has passed.
    pub(super) fn ended(&self) -> bool {
        self.at == At::End
    }

    fn step(&mut self, byte: u8) -> Result<At, Refusal> {
        match (self.at, byte) {
            (At::Size { digits, size }, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') if digits < 16 => {
                let digit = char::from(byte).to_digit(16).map_or(0, u64::from);
                Ok(At::Size { digits: digits + 1, size: (size << 4) | digit })
            }
            (At::Size { digits: 1.., size } | At::Extension { size }, b'\r') => Ok(At::SizeLf { size }),
            (At::Size { digits: 1.., size }, b';') => Ok(At::Extension { size }),
            (At::Extension { size }, b'\t' | b' '..=b'~') if self.extension_bytes < EXTENSION_BYTES_MAX => {
                self.extension_bytes += 1;
                Ok(At::Extension { size })
            }
            (At::Extension { .. }, _) => Err(no::CHUNK_EXTENSION),
            (At::SizeLf { size: 0 }, b'\n') => Ok(At::EndCr),
            (At::SizeLf { size }, b'\n') => Ok(At::Data { left: size }),
            (At::DataCr, b'\r') => Ok(At::DataLf),
            (At::DataLf, b'\n') => Ok(At::Size { digits: 0, size: 0 }),
            (At::EndCr, b'\r') => Ok(At::EndLf),
            (At::EndLf, b'\n') => Ok(At::End),
            (At::Size { .. } | At::SizeLf { .. }, _) => Err(no::CHUNK_SIZE),
            (At::EndCr, _) => Err(no::TRAILERS),
            (At::Data { .. } | At::DataCr | At::DataLf | At::EndLf | At::End, _) => Err(no::CHUNK_END),
        }
    }
}

#[cfg(test)]
mod tests;
