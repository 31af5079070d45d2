//! Tiles and bundles (C2SP `tlog-tiles`) held against the leaves as they come in. They prove nothing; but readers of a
//! served log see only them.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::report::{Finding, FindingKind};
use crate::tree::{Frontier, Hash, leaf_hash};

/// Hashes in a full tile.
const WIDTH: usize = 256;

/// A bundle of the longest entries, with their lengths.
const BUNDLE_BYTES_MAX: u64 = (WIDTH as u64) * (65_535 + 2);

/// Compares what lies under `tile/` with the tree that the segments make.
#[derive(Debug)]
pub(crate) struct Derived {
    directory: PathBuf,
    /// The newest checkpoint's size: up to it, tiles must be there.
    size: u64,
    levels: Vec<Level>,
    pub(crate) compared: u64,
    pub(crate) findings: Vec<Finding>,
}

#[derive(Clone, Debug, Default)]
struct Level {
    /// Full tiles before this one.
    number: u64,
    hashes: Vec<Hash>,
}

/// What a derived file holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Content {
    Hashes,
    Entries,
}

impl Derived {
    pub(crate) fn new(directory: &Path, size: u64) -> Self {
        let directory = directory.to_owned();
        Self { directory, size, levels: Vec::new(), compared: 0, findings: Vec::new() }
    }

    /// Takes the next leaf.
    pub(crate) fn push(&mut self, leaf: Hash) -> io::Result<()> {
        let mut hash = leaf;
        for height in 0.. {
            if self.levels.len() <= height {
                self.levels.push(Level::default());
            }
            let Some(level) = self.levels.get_mut(height) else { break };
            level.hashes.push(hash);
            if level.hashes.len() < WIDTH {
                break;
            }
            let full = Level { number: level.number, hashes: std::mem::take(&mut level.hashes) };
            level.number += 1;
            self.compare(height, &full)?;
            let mut subtree = Frontier::default();
            full.hashes.iter().for_each(|hash| subtree.push(*hash));
            hash = subtree.root();
        }
        Ok(())
    }

    /// Compares what is left on the right edge.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        for (height, level) in std::mem::take(&mut self.levels).iter().enumerate() {
            if !level.hashes.is_empty() {
                self.compare(height, level)?;
            }
        }
        Ok(())
    }

    fn compare(&mut self, height: usize, level: &Level) -> io::Result<()> {
        self.compare_content(&format!("tile/{height}/{}", place(level.number)), height, level, Content::Hashes)?;
        if height == 0 {
            self.compare_content(&format!("tile/entries/{}", place(level.number)), 0, level, Content::Entries)?;
        }
        Ok(())
    }

    fn compare_content(&mut self, path: &str, height: usize, level: &Level, content: Content) -> io::Result<()> {
        let full_is_there = self.compare_file(path, WIDTH, level, content)?;
        let mut widths = Vec::new();
        for name in names(&self.directory.join(format!("{path}.p")))? {
            let partial = format!("{path}.p/{name}");
            match name.parse::<usize>() {
                Ok(width) if (1..WIDTH).contains(&width) && name == width.to_string() => {
                    self.compare_file(&partial, width, level, content)?;
                    widths.push(width);
                }
                _ => {
                    let wrong = "its name is not the width of a partial tile".to_owned();
                    self.findings.push(Finding::of_file(FindingKind::UnexpectedFile, &partial, wrong));
                }
            }
        }
        // What the newest checkpoint's tree has of this tile: all, the beginning, or nothing.
        let nodes = u32::try_from(height * 8).ok().and_then(|shift| self.size.checked_shr(shift)).unwrap_or(0);
        let here = usize::try_from(nodes.saturating_sub(level.number.saturating_mul(WIDTH as u64))).unwrap_or(WIDTH);
        let needed = here.min(WIDTH);
        if needed > 0 && !full_is_there && !widths.contains(&needed) {
            let (path, wrong) = if needed == WIDTH {
                (path.to_owned(), "it must be there in full".to_owned())
            } else {
                (format!("{path}.p/{needed}"), "the newest checkpoint needs it".to_owned())
            };
            self.findings.push(Finding::of_file(FindingKind::DerivedFileMissing, &path, wrong));
        }
        Ok(())
    }

    /// False when the file is not there.
    fn compare_file(&mut self, path: &str, width: usize, level: &Level, content: Content) -> io::Result<bool> {
        let file = self.directory.join(path);
        let bytes = match fs::metadata(&file) {
            Ok(found) if found.len() > BUNDLE_BYTES_MAX => Vec::new(),
            Ok(_) => fs::read(&file)?,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        self.compared += 1;
        let difference = match (level.hashes.get(..width), content) {
            (None, _) => Some((0, "the log has fewer entries than it holds")),
            (Some(expected), Content::Hashes) => compare_hashes(&bytes, expected),
            (Some(expected), Content::Entries) => compare_entries(&bytes, expected),
        };
        if let Some((at, wrong)) = difference {
            let first = level.number.saturating_mul(WIDTH as u64).saturating_add(at as u64);
            let entry = path.starts_with("tile/entries/") || path.starts_with("tile/0/");
            let told = format!("{wrong}, from its place {at} on");
            let finding = Finding::of_file(FindingKind::DerivedFileWrong, path, told);
            self.findings.push(Finding { entry: entry.then_some(first), ..finding });
        }
        Ok(true)
    }
}

fn compare_hashes(bytes: &[u8], expected: &[Hash]) -> Option<(usize, &'static str)> {
    if bytes.len() != expected.len() * 32 {
        return Some((0, "it does not have the length of its hashes"));
    }
    let differs = bytes.chunks_exact(32).zip(expected).position(|(found, expected)| found != expected);
    differs.map(|at| (at, "its hashes are not those of the segments' entries"))
}

fn compare_entries(bytes: &[u8], expected: &[Hash]) -> Option<(usize, &'static str)> {
    let mut rest = bytes;
    for (at, leaf) in expected.iter().enumerate() {
        let split = rest.split_first_chunk::<2>();
        let Some((entry, after)) =
            split.and_then(|(length, rest)| rest.split_at_checked(usize::from(u16::from_be_bytes(*length))))
        else {
            return Some((at, "it ends before its entries do"));
        };
        if leaf_hash(entry) != *leaf {
            return Some((at, "its entries are not those of the segments"));
        }
        rest = after;
    }
    (!rest.is_empty()).then_some((expected.len(), "something follows its entries"))
}

/// `1234067` is `x001/x234/067`.
fn place(number: u64) -> String {
    let mut path = format!("{:03}", number % 1000);
    let mut rest = number / 1000;
    while rest > 0 {
        path = format!("x{:03}/{path}", rest % 1000);
        rest /= 1000;
    }
    path
}

/// The names in a folder; none where there is no folder.
fn names(folder: &Path) -> io::Result<Vec<String>> {
    let files = match fs::read_dir(folder) {
        Ok(files) => files,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    files.map(|file| Ok(file?.file_name().to_string_lossy().into_owned())).collect()
}
