//! The console port's addresses as values: a path is read whole, by one grammar, or it is none.
//!
//! What comes out holds numbers and no text of the caller, so that nothing a caller sent can name a file. Paths are compared
//! as they were sent: a letter written as `%2e` is not that letter. This file must not know what is at an address.

use std::path::PathBuf;

use tlog::{TILE_WIDTH, bundle_path, parse_decimal, tile_path};

/// A path longer than this is none: the longest tile's has 47 letters.
const PATH_BYTES_MAX: usize = 128;

/// Everything that the console port answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Address {
    /// `/`: what is here.
    Front,
    /// `/health/live`
    Live,
    /// Below `/log/`: the audit log, read-only (C2SP `tlog-tiles`).
    Log(LogFile),
    /// `/witness/add-checkpoint` (C2SP `tlog-witness`)
    AddCheckpoint,
    /// `/witness/key.pub`
    WitnessKeys,
}

/// One file of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LogFile {
    /// `checkpoint`
    Checkpoint,
    /// `cosigned`: the newest checkpoint that witnesses have cosigned.
    Cosigned,
    /// `key.pub`
    Keys,
    /// `key.pub.<size>`: the keys that signed until this size.
    KeysUntil(u64),
    /// `tile/…`
    Tile(Tile),
}

/// A tile of hashes or a bundle of entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tile {
    /// What it holds.
    pub(super) holds: Holds,
    /// Which one of its level.
    pub(super) index: u64,
    /// How many hashes or entries: 256, or fewer for a partial one.
    pub(super) width: u64,
}

/// What a tile holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    /// Hashes of this level, 0 to 63.
    Hashes(u32),
    /// Entries.
    Entries,
}

impl Address {
    /// The address that `path` is, if it is one.
    pub(super) fn of(path: &str) -> Option<Address> {
        if path.len() > PATH_BYTES_MAX {
            return None;
        }
        match path {
            "/" => Some(Self::Front),
            "/health/live" => Some(Self::Live),
            "/witness/add-checkpoint" => Some(Self::AddCheckpoint),
            "/witness/key.pub" => Some(Self::WitnessKeys),
            _ => LogFile::of(path.strip_prefix("/log/")?).map(Self::Log),
        }
    }

    /// The methods that it takes, as `Allow` names them.
    pub(super) fn methods(self) -> &'static str {
        if self == Self::AddCheckpoint { "POST" } else { "GET, HEAD" }
    }
}

impl LogFile {
    fn of(path: &str) -> Option<LogFile> {
        match path {
            "checkpoint" => Some(Self::Checkpoint),
            "cosigned" => Some(Self::Cosigned),
            "key.pub" => Some(Self::Keys),
            _ => match path.strip_prefix("key.pub.") {
                Some(size) => parse_decimal(size).map(Self::KeysUntil),
                None => Tile::of(path).map(Self::Tile),
            },
        }
    }
}

impl Tile {
    /// Reads generously, writes what it understood, and takes only what comes out the same: one spelling for each tile.
    fn of(path: &str) -> Option<Tile> {
        let (level, place) = path.strip_prefix("tile/")?.split_once('/')?;
        let holds = match level {
            "entries" => Holds::Entries,
            level => Holds::Hashes(parse_decimal(level).and_then(|level| u32::try_from(level).ok())?),
        };
        if matches!(holds, Holds::Hashes(64..)) {
            return None;
        }
        let (place, width) = match place.split_once(".p/") {
            Some((place, width)) => (place, parse_decimal(width).filter(|width| (1..TILE_WIDTH).contains(width))?),
            None => (place, TILE_WIDTH),
        };
        let mut index = 0_u64;
        for group in place.split('/') {
            let digits = group.strip_prefix('x').unwrap_or(group);
            let number = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<u64>().ok())??;
            index = index.checked_mul(1000)?.checked_add(number)?;
        }
        let tile = Tile { holds, index, width };
        (tile.path().to_str() == Some(path)).then_some(tile)
    }

    /// Its file, below the log's directory.
    pub(super) fn path(self) -> PathBuf {
        match self.holds {
            Holds::Hashes(level) => tile_path(level, self.index, self.width),
            Holds::Entries => bundle_path(self.index, self.width),
        }
    }

    /// The full tile in its place.
    pub(super) fn full(self) -> Tile {
        Tile { width: TILE_WIDTH, ..self }
    }

    /// Whether a tree of `size` entries has it.
    pub(super) fn is_in_tree(self, size: u64) -> bool {
        let height = match self.holds {
            Holds::Hashes(level) => 8 * level,
            Holds::Entries => 0,
        };
        let nodes = size.checked_shr(height).unwrap_or(0);
        let end = self.index.checked_mul(TILE_WIDTH).and_then(|start| start.checked_add(self.width));
        end.is_some_and(|end| end <= nodes)
    }
}

#[cfg(test)]
mod tests;
