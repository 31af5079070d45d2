//! All entries once, in order: the tree they make, the history they tell, and what is wrong with either.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use crate::derived::Derived;
use crate::entry::Fault;
use crate::history::History;
use crate::pipeline::{self, Checked, Verdict};
use crate::report::{Finding, FindingKind, Report};
use crate::segments::{Batch, RECORD_HEADER_BYTES, Record, Segment};
use crate::tree::{Frontier, Hash};

/// Records of one sync at most, twice; more in doubt is damage, not a torn tail.
const DOUBTED_MAX: usize = 8192;

/// The state of a pass over the segments.
#[derive(Debug)]
pub(super) struct Walk {
    frontier: Frontier,
    history: History,
    /// Sizes asked for, and the roots found.
    roots: BTreeMap<u64, Option<Hash>>,
    newest: u64,
    signed_size: u64,
    tolerance_us: i64,
    tiles: Option<Derived>,
    /// From a damaged record on: a torn tail, if nothing shows that it was promised.
    doubted: Vec<Doubted>,
    /// The durable size of the last sound record.
    durable: u64,
    /// Entries are missing somewhere, so that no later root can be computed.
    pub(super) broken: bool,
    pub(super) torn: Option<Torn>,
    /// The latest time among the entries that the newest checkpoint covers.
    pub(super) latest_at_newest: Option<i64>,
    failed: Option<io::Error>,
}

/// A record that does not count yet: damaged, or after a damaged one.
#[derive(Debug)]
struct Doubted {
    file: Arc<str>,
    offset: u64,
    index: u64,
    verdict: Verdict,
    leaf: Hash,
    durable: u64,
    length: u32,
}

/// Bytes at the end that are no whole record.
#[derive(Debug)]
pub(super) struct Torn {
    pub(super) file: Arc<str>,
    pub(super) offset: u64,
    pub(super) bytes: u64,
}

impl Walk {
    pub(super) fn new(
        newest: u64,
        signed_size: u64,
        roots: BTreeMap<u64, Option<Hash>>,
        tolerance_us: i64,
        tiles: Option<&Path>,
    ) -> Self {
        Self {
            frontier: Frontier::default(),
            history: History::default(),
            roots,
            newest,
            signed_size,
            tolerance_us,
            tiles: tiles.map(|directory| Derived::new(directory, newest)),
            doubted: Vec::new(),
            durable: 0,
            broken: false,
            torn: None,
            latest_at_newest: None,
            failed: None,
        }
    }

    /// Passes over all segments; what it finds goes to the report.
    pub(super) fn run(&mut self, segments: &[Segment], report: &mut Report) -> io::Result<()> {
        self.note_root();
        let origin = report.origin.clone();
        pipeline::run(segments, &origin, &mut |checked| self.take(checked, report))?;
        self.end(report);
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        if let Some(tiles) = &mut self.tiles {
            tiles.finish()?;
            report.derived_files = tiles.compared;
            report.add_all(std::mem::take(&mut tiles.findings));
        }
        report.open = self.history.open();
        report.replicas = self.history.replicas();
        report.kinds = std::mem::take(&mut self.history.kinds);
        report.first_at = self.history.first_at.and_then(show_time);
        report.last_at = self.history.latest_at.and_then(show_time);
        Ok(())
    }

    /// The root over the first `size` entries, where they could be read.
    pub(super) fn root_at(&self, size: u64) -> Option<Hash> {
        self.roots.get(&size).copied().flatten()
    }

    fn take(&mut self, checked: Checked, report: &mut Report) {
        match checked {
            Checked::Records(batch, verdicts) => {
                self.broken |= batch.after_gap;
                for ((record, verdict), place) in batch.records.iter().zip(verdicts).zip(0..) {
                    self.take_record(&batch, record, verdict, batch.first.saturating_add(place), report);
                }
            }
            Checked::Fault(finding) => {
                self.broken |= matches!(finding.kind, FindingKind::DamagedRecord | FindingKind::SegmentGap);
                self.flush(report);
                report.add(finding);
            }
            Checked::Torn { file, offset, bytes, entry } => {
                if entry < self.signed_size {
                    let wrong = format!("no whole record begins here, and {bytes} bytes after it cannot be read");
                    self.flush(report);
                    report.add(Finding::at(FindingKind::DamagedRecord, &file, offset, Some(entry), wrong));
                }
                self.torn = Some(Torn { file, offset, bytes });
            }
        }
    }

    fn take_record(&mut self, batch: &Batch, record: &Record, verdict: Verdict, index: u64, report: &mut Report) {
        let sound = verdict.checksum_holds;
        // A sound record that was written after the damaged ones had been promised shows that they are no torn tail.
        let promises = sound && self.doubted.first().is_some_and(|first| record.durable > first.index);
        if promises || self.doubted.len() >= DOUBTED_MAX {
            self.flush(report);
        }
        let (file, offset) = (Arc::clone(&batch.file), record.offset);
        let doubted =
            Doubted { file, offset, index, verdict, leaf: record.leaf, durable: record.durable, length: record.length };
        if !sound || !self.doubted.is_empty() {
            self.doubted.push(doubted);
        } else {
            self.settle_record(doubted, report);
        }
    }

    fn settle_record(&mut self, record: Doubted, report: &mut Report) {
        let Doubted { file, offset, index, verdict, leaf, durable, length } = record;
        let told_at = |kind, wrong| Finding::at(kind, &file, offset, Some(index), wrong);
        let entry_intact = verdict.leaf == leaf;
        if !verdict.checksum_holds {
            let intact = if entry_intact { "; the entry itself matches its leaf hash" } else { "" };
            report.add(told_at(FindingKind::BadChecksum, format!("the record's checksum does not hold{intact}")));
        } else if !entry_intact {
            let wrong = "the leaf hash written beside the entry is not the entry's".to_owned();
            report.add(told_at(FindingKind::WrongLeafHash, wrong));
        } else if durable > index || durable < self.durable {
            let wrong =
                format!("it says that {durable} entries were durable, after a record that said {}", self.durable);
            report.add(told_at(FindingKind::DurableSize, wrong));
        } else {
            self.durable = durable;
        }
        self.take_entry(verdict, index, u64::from(length), &told_at, report);
    }

    fn take_entry(
        &mut self,
        verdict: Verdict,
        index: u64,
        bytes: u64,
        told_at: &dyn Fn(FindingKind, String) -> Finding,
        report: &mut Report,
    ) {
        report.entries += 1;
        report.entry_bytes += bytes;
        match verdict.facts {
            Ok(facts) => {
                let mut told = Vec::new();
                self.history.take(index, facts, self.tolerance_us, &mut told);
                report.add_all(told.into_iter().map(|(kind, wrong)| told_at(kind, wrong)));
            }
            Err(Fault::Form(wrong)) => report.add(told_at(FindingKind::NotCanonical, wrong)),
            Err(Fault::Schema(wrong)) => report.add(told_at(FindingKind::NotInSchema, wrong)),
        }
        self.grow(verdict.leaf);
    }

    fn grow(&mut self, leaf: Hash) {
        if self.broken {
            return;
        }
        self.frontier.push(leaf);
        self.note_root();
        if let Some(tiles) = &mut self.tiles
            && let Err(error) = tiles.push(leaf)
        {
            self.failed.get_or_insert(error);
        }
    }

    fn note_root(&mut self) {
        let size = self.frontier.size();
        if let Some(root) = self.roots.get_mut(&size) {
            *root = Some(self.frontier.root());
        }
        if size == self.newest {
            self.latest_at_newest = self.history.latest_at;
        }
    }

    /// What was in doubt is no torn tail: it counts, with its damage.
    fn flush(&mut self, report: &mut Report) {
        for record in std::mem::take(&mut self.doubted) {
            self.settle_record(record, report);
        }
    }

    fn end(&mut self, report: &mut Report) {
        let Some(first) = self.doubted.first() else { return };
        let (file, offset) = (Arc::clone(&first.file), first.offset);
        let in_one_file = self.doubted.iter().all(|record| record.file == file);
        if first.index < self.signed_size || !in_one_file {
            self.flush(report);
            return;
        }
        let records = self.doubted.drain(..).map(|record| u64::from(record.length) + RECORD_HEADER_BYTES as u64);
        let bytes: u64 = records.sum::<u64>() + self.torn.take().map_or(0, |torn| torn.bytes);
        self.torn = Some(Torn { file, offset, bytes });
    }
}

fn show_time(at_us: i64) -> Option<String> {
    Timestamp::from_microsecond(at_us).ok().map(|time| time.to_string())
}
