//! Verifying a directory, top to bottom: whose log, which keys, what was signed; then every entry; then whether the two
//! agree.
//!
//! Reads and never writes. The clock is not asked: times in the log are compared with each other only.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use self::judge::{Judge, KeySet};
use self::signed::read_signed;
use self::walk::Walk;
use crate::checkpoint::Checkpoint;
use crate::note::NOTE_BYTES_MAX;
use crate::report::{Finding, FindingKind, KeptSeen, KeysFrom, Report, TornTail, UnsignedTail};
use crate::segments::{self, Segment};
use crate::tree::Hash;
use crate::trust::{KeyError, Policy, VerifierKey};

pub(crate) mod judge;
mod signed;
mod walk;

/// Entries are dated by those who ask for them and ordered by the one thread that writes them; and clocks are corrected.
const TIME_TOLERANCE: Duration = Duration::from_secs(5);

/// A log asks its witnesses every ten seconds while it is written to, and every five minutes one that has turned silent.
const WITNESS_LAG_MAX: Duration = Duration::from_mins(10);

/// What to hold a log against.
#[derive(Clone, Debug)]
pub struct Options {
    /// The log's keys, from wherever the caller trusts; if empty, the policy's, and if that names none, those beside the
    /// log, which the report says. Of a log that has replaced its keys, the newest come last: they alone sign its newest
    /// checkpoint.
    pub keys: Vec<VerifierKey>,
    /// Which witnesses must have signed, and which keys the log has.
    pub policy: Option<Policy>,
    /// Earlier checkpoints that the log must extend.
    pub kept: Vec<Kept>,
    /// Whether to compare `tile/` too. What it holds is derived and proves nothing.
    pub tiles: bool,
    /// How far an entry may be dated before an earlier one.
    pub time_tolerance: Duration,
    /// How much earlier than the newest checkpoint was signed a quorum of witnesses may have seen the log last. A longer gap is
    /// one in which nobody outside has looked.
    pub witness_lag_max: Duration,
}

impl Default for Options {
    fn default() -> Self {
        let (keys, kept) = (Vec::new(), Vec::new());
        Self {
            keys,
            policy: None,
            kept,
            tiles: false,
            time_tolerance: TIME_TOLERANCE,
            witness_lag_max: WITNESS_LAG_MAX,
        }
    }
}

/// A checkpoint that somebody kept.
#[derive(Clone, Debug)]
pub struct Kept {
    /// What findings call it: a file's name, for instance.
    pub name: String,
    /// The signed note.
    pub note: Vec<u8>,
}

/// Why nothing could be verified. What is wrong with a log that can be read is in the [`Report`].
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// There is no such directory.
    #[error("`{0}` is not a directory")]
    NotADirectory(PathBuf),
    /// It holds nothing.
    #[error("`{0}` is empty; a log has a file `origin` and a folder `segments`")]
    Empty(PathBuf),
    /// It holds other things.
    #[error("`{0}` is not a log: it has no file `origin`; was its data directory meant, or a folder within it?")]
    NotALog(PathBuf),
    /// The origin is not one line.
    #[error("`{0}` does not hold one line with the log's name")]
    Origin(PathBuf),
    /// Keys are needed and there are none.
    #[error("no keys were given and `{0}` is not there; give the log's verifier keys")]
    NoKeys(PathBuf),
    /// A file of keys is not one.
    #[error("`{path}` holds no usable keys: {source}")]
    Keys {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: KeyError,
    },
    /// The disk or the rights to it.
    #[error("`{path}` cannot be read: {source}")]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Verifies the log in `directory`.
pub fn verify(directory: &Path, options: &Options) -> Result<Report, VerifyError> {
    let origin = read_origin(directory)?;
    let (keys_from, sets) = choose_keys(directory, options)?;
    let (segments, strange) = segments::list(directory).map_err(unreadable(directory.join("segments")))?;

    let mut report = Report::new(origin, keys_from);
    report.keys = sets.iter().flat_map(|set| &set.keys).map(ToString::to_string).collect();
    report.segments = segments.len() as u64;
    report.add_all(strange);

    let claims = read_claims(directory, options, &sets, &mut report)?;
    let walk = walk(directory, options, &segments, &claims, &mut report)?;
    settle(&claims, &walk, options, &mut report);
    Ok(report)
}

/// What checkpoints claim, before any entry is read.
#[derive(Debug, Default)]
struct Claims {
    newest: Option<Checkpoint>,
    /// When the log says it signed the newest, in seconds since 1970.
    signed_at: Option<u64>,
    /// The newest that witnesses have cosigned, from the file `cosigned`.
    cosigned: Option<Checkpoint>,
    /// Whether the quorum has seen that one only, and not the newest.
    quorum_saw_less: bool,
    /// From the file `signed`.
    signed: Option<(u64, Hash)>,
    /// By place in [`Report::kept`].
    kept: Vec<Option<Checkpoint>>,
}

impl Claims {
    /// Nothing below this size can be a tail that a crash left.
    fn signed_size(&self) -> u64 {
        let newest = self.newest.as_ref().map_or(0, |checkpoint| checkpoint.size);
        newest.max(self.signed.map_or(0, |(size, _)| size))
    }

    fn sizes(&self) -> impl Iterator<Item = u64> {
        let kept = self.kept.iter().flatten().chain(&self.cosigned).map(|checkpoint| checkpoint.size);
        kept.chain(self.newest.as_ref().map(|checkpoint| checkpoint.size)).chain(self.signed.map(|(size, _)| size))
    }
}

fn read_origin(directory: &Path) -> Result<String, VerifyError> {
    if !directory.is_dir() {
        return Err(VerifyError::NotADirectory(directory.to_owned()));
    }
    let mut files = fs::read_dir(directory).map_err(unreadable(directory.to_owned()))?;
    if files.next().is_none() {
        return Err(VerifyError::Empty(directory.to_owned()));
    }
    let path = directory.join("origin");
    let Some(origin) = read_small(&path)? else {
        return Err(VerifyError::NotALog(directory.to_owned()));
    };
    let line = String::from_utf8(origin).ok().and_then(|text| text.strip_suffix('\n').map(str::to_owned));
    line.filter(|line| !line.is_empty() && !line.contains(char::is_control)).ok_or(VerifyError::Origin(path))
}

fn choose_keys(directory: &Path, options: &Options) -> Result<(KeysFrom, Vec<KeySet>), VerifyError> {
    if !options.keys.is_empty() {
        return Ok((KeysFrom::Given, key_sets(&options.keys)));
    }
    if let Some(policy) = options.policy.as_ref().filter(|policy| !policy.logs.is_empty()) {
        return Ok((KeysFrom::Policy, key_sets(&policy.logs)));
    }
    let mut sets = Vec::new();
    for file in fs::read_dir(directory).map_err(unreadable(directory.to_owned()))? {
        let name = file.map_err(unreadable(directory.to_owned()))?.file_name().to_string_lossy().into_owned();
        let until = match name.strip_prefix("key.pub") {
            Some("") => None,
            Some(rest) => match rest.strip_prefix('.').and_then(crate::checkpoint::read_decimal) {
                Some(size) => Some(size),
                None => continue,
            },
            None => continue,
        };
        let path = directory.join(name);
        let text = String::from_utf8(read_small(&path)?.unwrap_or_default()).unwrap_or_default();
        let keys = VerifierKey::read_all(&text).map_err(|source| VerifyError::Keys { path, source })?;
        sets.push(KeySet { keys, until });
    }
    if sets.iter().all(|set| set.until.is_some()) {
        return Err(VerifyError::NoKeys(directory.join("key.pub")));
    }
    Ok((KeysFrom::BesideTheLog, sets))
}

/// The keys of a log that has replaced some, in their order: another set begins with a second key of one name and algorithm.
fn key_sets(keys: &[VerifierKey]) -> Vec<KeySet> {
    let mut sets: Vec<KeySet> = Vec::new();
    for key in keys {
        let same = |held: &VerifierKey| held.name() == key.name() && held.algorithm() == key.algorithm();
        match sets.last_mut() {
            Some(set) if !set.keys.iter().any(same) => set.keys.push(key.clone()),
            Some(_) | None => sets.push(KeySet { keys: vec![key.clone()], until: None }),
        }
    }
    sets
}

fn read_claims(
    directory: &Path,
    options: &Options,
    sets: &[KeySet],
    report: &mut Report,
) -> Result<Claims, VerifyError> {
    let mut claims = Claims::default();
    let origin = report.origin.clone();
    let judge = Judge { origin: Some(&origin), sets, policy: options.policy.as_ref() };
    read_checkpoints(directory, judge, options.witness_lag_max, &mut claims, report)?;
    match read_small(&directory.join("signed"))?.map(|text| read_signed(&text, &origin)) {
        Some(Ok(signed)) => claims.signed = Some(signed),
        Some(Err(wrong)) => report.add(Finding::of_file(FindingKind::SignedState, "signed", wrong.to_owned())),
        None if claims.newest.is_some() => {
            let wrong = "the file is not there, though a checkpoint was signed".to_owned();
            report.add(Finding::of_file(FindingKind::SignedState, "signed", wrong));
        }
        None => {}
    }
    for kept in &options.kept {
        let judged = Judge { origin: Some(&origin), sets, policy: None }.judge(&kept.note);
        let consistent = judged.doubts.is_empty();
        for (kind, wrong) in judged.doubts {
            report.add(Finding::of_file(kind, &kept.name, wrong));
        }
        let size = judged.claim.as_ref().map(|claim| claim.size);
        report.kept.push(KeptSeen { name: kept.name.clone(), size, consistent });
        claims.kept.push(judged.claim.filter(|_| consistent));
    }
    Ok(claims)
}

/// The newest checkpoint, and the newest that witnesses have cosigned. A log signs once a second and asks witnesses more
/// rarely, so a quorum may have seen a somewhat smaller tree than the newest.
fn read_checkpoints(
    directory: &Path,
    judge: Judge<'_>,
    witness_lag_max: Duration,
    claims: &mut Claims,
    report: &mut Report,
) -> Result<(), VerifyError> {
    let Some(newest) = read_small(&directory.join("checkpoint"))? else {
        report.add(Finding::of_file(FindingKind::NoCheckpoint, "checkpoint", "the file is not there".to_owned()));
        return Ok(());
    };
    // Who stole a key that was replaced must not sign with it: of keys given in their order, only the last sign the newest.
    let ordered = judge.sets.iter().all(|set| set.until.is_none());
    let sets = if ordered { judge.sets.last().map_or(judge.sets, std::slice::from_ref) } else { judge.sets };
    let mut newest = Judge { sets, ..judge }.judge(&newest);
    if let Some(cosigned) = read_small(&directory.join("cosigned"))? {
        let mut cosigned = judge.judge(&cosigned);
        // It may still be signed by keys that the log has replaced since: then it is worth nothing here, and nothing is wrong.
        let by_others = cosigned.doubts.iter().any(|(kind, _)| *kind == FindingKind::NotSigned);
        // Of the two, either may have been seen by enough: what is missing is told of the newest.
        cosigned.doubts.retain(|(kind, _)| !matches!(kind, FindingKind::QuorumNotMet | FindingKind::NotSigned));
        let quorum = cosigned.seen.as_ref().and_then(|seen| seen.quorum.as_ref());
        let lag = newest.log_time.unwrap_or(u64::MAX).saturating_sub(cosigned.witness_time.unwrap_or(0));
        let seen_by_quorum = !by_others
            && cosigned.doubts.is_empty()
            && quorum.is_some_and(|quorum| quorum.met)
            && lag <= witness_lag_max.as_secs();
        for (kind, wrong) in cosigned.doubts {
            report.add(Finding::of_file(kind, "cosigned", wrong));
        }
        if seen_by_quorum {
            let told = newest.doubts.len();
            newest.doubts.retain(|(kind, _)| *kind != FindingKind::QuorumNotMet);
            claims.quorum_saw_less = newest.doubts.len() < told;
        }
        (claims.cosigned, report.cosigned) = (cosigned.claim, cosigned.seen);
    }
    for (kind, wrong) in newest.doubts {
        report.add(Finding::of_file(kind, "checkpoint", wrong));
    }
    (claims.newest, claims.signed_at, report.checkpoint) = (newest.claim, newest.log_time, newest.seen);
    Ok(())
}

fn walk(
    directory: &Path,
    options: &Options,
    segments: &[Segment],
    claims: &Claims,
    report: &mut Report,
) -> Result<Walk, VerifyError> {
    let newest = claims.newest.as_ref().map_or(0, |checkpoint| checkpoint.size);
    let tolerance_us = i64::try_from(options.time_tolerance.as_micros()).unwrap_or(i64::MAX);
    let sizes: BTreeMap<u64, Option<Hash>> = claims.sizes().map(|size| (size, None)).collect();
    let tiles = options.tiles.then_some(directory);
    let cosigned = claims.cosigned.as_ref().map(|cosigned| cosigned.size);
    let mut walk = Walk::new(newest, claims.signed_size(), cosigned, sizes, tolerance_us, tiles);
    walk.run(segments, report).map_err(unreadable(directory.join("segments")))?;
    Ok(walk)
}

/// Holds what was signed against what was read.
fn settle(claims: &Claims, walk: &Walk, options: &Options, report: &mut Report) {
    if let Some(newest) = &claims.newest {
        let verdict = compare(newest.size, &newest.root, walk, report, ("checkpoint", FindingKind::RootMismatch));
        if let Some(seen) = &mut report.checkpoint {
            seen.root_matches = verdict;
        }
        settle_time(claims, walk, options, report);
    }
    if let Some(cosigned) = &claims.cosigned {
        let means = ("cosigned", FindingKind::HistoryRewritten);
        let verdict = compare(cosigned.size, &cosigned.root, walk, report, means);
        if let Some(seen) = &mut report.cosigned {
            seen.root_matches = verdict;
        }
    }
    settle_unseen(claims, walk, options, report);
    if let Some((size, root)) = &claims.signed {
        compare(*size, root, walk, report, ("signed", FindingKind::SignedState));
        if claims.newest.as_ref().is_some_and(|newest| newest.size > *size) {
            let wrong = format!("it names size {size}, less than the newest checkpoint's");
            report.add(Finding::of_file(FindingKind::SignedState, "signed", wrong));
        }
    }
    for (place, claim) in claims.kept.iter().enumerate() {
        let Some(claim) = claim else { continue };
        let name = options.kept.get(place).map_or("", |kept| kept.name.as_str());
        let held = compare(claim.size, &claim.root, walk, report, (name, FindingKind::HistoryRewritten));
        let newer = claims.newest.as_ref().is_some_and(|newest| newest.size < claim.size);
        if newer {
            let wrong = format!("it covers {} entries, more than the newest checkpoint in the directory", claim.size);
            report.add(Finding::of_file(FindingKind::RolledBack, name, wrong));
        }
        if let Some(seen) = report.kept.get_mut(place) {
            seen.consistent = held == Some(true) && !newer;
        }
    }
    let newest = claims.newest.as_ref().map_or(0, |newest| newest.size);
    if report.entries > newest {
        report.unsigned = Some(UnsignedTail { from: newest, entries: report.entries - newest });
    }
    if let Some(torn) = &walk.torn {
        report.torn = Some(TornTail { file: torn.file.to_string(), offset: torn.offset, bytes: torn.bytes });
    }
}

/// Whether the entries lead to `root` at `size`; adds a finding when they do not.
fn compare(
    size: u64,
    root: &Hash,
    walk: &Walk,
    report: &mut Report,
    (file, kind): (&str, FindingKind),
) -> Option<bool> {
    let found = walk.root_at(size);
    match found {
        Some(found) if found == *root => Some(true),
        Some(_) => {
            let wrong = format!("the first {size} entries do not lead to its root");
            report.add(Finding::of_file(kind, file, wrong));
            Some(false)
        }
        None => {
            let wrong = if walk.broken {
                format!("it covers {size} entries, but the segments cannot be read in one piece so far")
            } else {
                format!("it covers {size} entries, but the segments hold {}", report.entries)
            };
            report.add(Finding::of_file(FindingKind::EntriesMissing, file, wrong));
            None
        }
    }
}

/// What the quorum has not seen must be new: a witness signs the same tree again at any time, and its newest time alone would
/// hide that nobody outside has looked at the rest.
fn settle_unseen(claims: &Claims, walk: &Walk, options: &Options, report: &mut Report) {
    let (Some(cosigned), Some(signed_at), Some(unseen_us)) = (&claims.cosigned, claims.signed_at, walk.first_unseen_at)
    else {
        return;
    };
    let signed_us = i64::try_from(signed_at).unwrap_or(i64::MAX).saturating_mul(1_000_000);
    let lag_us = i64::try_from(options.witness_lag_max.as_micros()).unwrap_or(i64::MAX);
    if claims.quorum_saw_less && signed_us.saturating_sub(unseen_us) > lag_us {
        let wrong = format!(
            "the quorum has seen {} entries; the next was written {} s before this checkpoint was signed",
            cosigned.size,
            signed_us.saturating_sub(unseen_us) / 1_000_000
        );
        report.add(Finding::of_file(FindingKind::QuorumNotMet, "checkpoint", wrong));
    }
}

fn settle_time(claims: &Claims, walk: &Walk, options: &Options, report: &mut Report) {
    let signed_us =
        claims.signed_at.and_then(|time| i64::try_from(time).ok()).and_then(|time| time.checked_mul(1_000_000));
    if let (Some(signed_us), Some(latest_us)) = (signed_us, walk.latest_at_newest) {
        // The signature's time is cut to whole seconds.
        let tolerance_us =
            i64::try_from(options.time_tolerance.as_micros()).unwrap_or(i64::MAX).saturating_add(1_000_000);
        let late_us = latest_us.saturating_sub(signed_us);
        if late_us > tolerance_us {
            let wrong = format!("an entry it covers is dated {late_us} microseconds after it");
            report.add(Finding::of_file(FindingKind::TimeAfterSignature, "checkpoint", wrong));
        }
    }
}

/// A whole small file; nothing when it is not there. Reads no more than one byte beyond what a note may have.
fn read_small(path: &Path) -> Result<Option<Vec<u8>>, VerifyError> {
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(path.to_owned())(error)),
    };
    let mut bytes = Vec::new();
    file.take(NOTE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).map_err(unreadable(path.to_owned()))?;
    Ok(Some(bytes))
}

fn unreadable(path: PathBuf) -> impl FnOnce(io::Error) -> VerifyError {
    move |source| VerifyError::Read { path, source }
}
