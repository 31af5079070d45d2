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
use crate::segments::{Batch, RECORD_HEADER_BYTES, Record, Segment, Unreadable};
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
    /// From damage on: a torn tail, if nothing shows that it was promised.
    doubted: Vec<Doubted>,
    place: Place,
    /// The durable size of the last sound record.
    durable: u64,
    /// Entries are missing somewhere, so that no later root can be computed.
    pub(super) broken: bool,
    pub(super) torn: Option<Torn>,
    /// The latest time among the entries that the newest checkpoint covers.
    pub(super) latest_at_newest: Option<i64>,
    /// The time of the first entry that the cosigning witnesses have not seen.
    pub(super) first_unseen_at: Option<i64>,
    /// The size of the tree that ends with it.
    first_unseen: Option<u64>,
    failed: Option<io::Error>,
}

/// What does not count yet: damage, or what stands after it.
#[derive(Debug)]
enum Doubted {
    Record(Settling),
    Gap(Unreadable),
}

/// A record on its way into the tree.
#[derive(Debug)]
struct Settling {
    file: Arc<str>,
    offset: u64,
    index: u64,
    verdict: Verdict,
    checksum_holds: bool,
    leaf: Hash,
    durable: u64,
    length: u32,
}

impl Doubted {
    fn index(&self) -> u64 {
        match self {
            Self::Record(record) => record.index,
            Self::Gap(gap) => gap.entry,
        }
    }

    fn file_and_offset(&self) -> (&Arc<str>, u64) {
        match self {
            Self::Record(record) => (&record.file, record.offset),
            Self::Gap(gap) => (&gap.file, gap.offset),
        }
    }

    fn bytes(&self) -> u64 {
        match self {
            Self::Record(record) => u64::from(record.length) + RECORD_HEADER_BYTES as u64,
            Self::Gap(gap) => gap.bytes,
        }
    }
}

/// Where records stand that come after unreadable bytes: nobody knows how many entries those were, but the counters of the
/// entries behind them tell.
#[derive(Debug, Default)]
struct Place {
    file: Option<Arc<str>>,
    /// How many more entries are missing in this file than were counted.
    missing: u64,
    /// Unreadable bytes have been passed, and no counter has been seen since.
    unsure: bool,
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
        cosigned: Option<u64>,
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
            place: Place::default(),
            durable: 0,
            broken: false,
            torn: None,
            latest_at_newest: None,
            first_unseen_at: None,
            first_unseen: cosigned.and_then(|size| size.checked_add(1)),
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
            Checked::Unreadable(gap) => {
                let in_last = gap.in_last;
                self.doubted.push(Doubted::Gap(gap));
                if !in_last {
                    self.flush(report);
                }
            }
        }
    }

    fn take_record(&mut self, batch: &Batch, record: &Record, verdict: Verdict, index: u64, report: &mut Report) {
        let sound = record.checksum_holds;
        // A sound record that was written after the damaged ones had been promised shows that they are no torn tail.
        let promises = sound && self.doubted.first().is_some_and(|first| record.durable > first.index());
        if promises || self.doubted.len() >= DOUBTED_MAX {
            self.flush(report);
        }
        let settling = Settling {
            file: Arc::clone(&batch.file),
            offset: record.offset,
            index,
            verdict,
            checksum_holds: sound,
            leaf: record.leaf,
            durable: record.durable,
            length: record.length,
        };
        if !sound || !self.doubted.is_empty() {
            self.doubted.push(Doubted::Record(settling));
        } else {
            self.settle_record(settling, report);
        }
    }

    fn settle_gap(&mut self, gap: &Unreadable, report: &mut Report) {
        self.enter(&gap.file);
        let wrong = format!("no whole record begins here, and {} bytes from here on cannot be read", gap.bytes);
        let entry = gap.entry.saturating_add(self.place.missing);
        report.add(Finding::at(FindingKind::DamagedRecord, &gap.file, gap.offset, Some(entry), wrong));
        self.broken = true;
        self.place.unsure = true;
    }

    /// A file's name says where it begins, whatever is missing before.
    fn enter(&mut self, file: &Arc<str>) {
        if self.place.file.as_ref() != Some(file) {
            self.place = Place { file: Some(Arc::clone(file)), ..Place::default() };
        }
    }

    /// The record's place in the log, as well as it can be known.
    fn place_of(&mut self, record: &Settling) -> u64 {
        self.enter(&record.file);
        if self.place.unsure
            && let Ok(facts) = &record.verdict.facts
        {
            let next = self.history.next_of(&facts.replica);
            // One entry was counted as missing already.
            self.place.missing += next.map_or(0, |next| facts.seq.saturating_sub(next).saturating_sub(1));
            self.place.unsure = false;
        }
        record.index.saturating_add(self.place.missing)
    }

    fn settle_record(&mut self, record: Settling, report: &mut Report) {
        let index = self.place_of(&record);
        let Settling { file, offset, index: _, verdict, checksum_holds, leaf, durable, length } = record;
        let told_at = |kind, wrong| Finding::at(kind, &file, offset, Some(index), wrong);
        let entry_intact = verdict.leaf == leaf;
        if !checksum_holds {
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
        if Some(size) == self.first_unseen {
            self.first_unseen_at = self.history.latest_at;
        }
    }

    /// What was in doubt is no torn tail: it counts, with its damage.
    fn flush(&mut self, report: &mut Report) {
        for doubted in std::mem::take(&mut self.doubted) {
            match doubted {
                Doubted::Record(record) => self.settle_record(record, report),
                Doubted::Gap(gap) => self.settle_gap(&gap, report),
            }
        }
    }

    fn end(&mut self, report: &mut Report) {
        let Some(first) = self.doubted.first() else { return };
        let (file, offset) = first.file_and_offset();
        let (file, offset) = (Arc::clone(file), offset);
        let in_one_file = self.doubted.iter().all(|doubted| *doubted.file_and_offset().0 == file);
        if first.index() < self.signed_size || !in_one_file {
            self.flush(report);
            return;
        }
        let bytes = self.doubted.drain(..).map(|doubted| doubted.bytes()).sum();
        self.torn = Some(Torn { file, offset, bytes });
    }
}

fn show_time(at_us: i64) -> Option<String> {
    Timestamp::from_microsecond(at_us).ok().map(|time| time.to_string())
}
