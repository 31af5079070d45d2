//! A report for a person: what was looked at, line by line, each with a mark; then what is wrong; then the answer.

use std::{io, path::Path};

use audit_verify::{CheckpointSeen, Finding, FindingKind, KeysFrom, Report, Severity, Signer};

use crate::{
    audit::{
        lines::{Mark, counted, grouped, plain, write},
        signatures::{cosigned, signed_by, signed_tree},
    },
    table,
    terminal::{BAD, GOOD, STRONG, Terminal},
};

/// Findings shown to a person; a program gets the first thousand.
const FINDINGS_SHOWN_MAX: usize = 20;
/// Open decisions named to a person.
const OPEN_SHOWN_MAX: usize = 10;

/// Findings that speak of what entries say of each other.
const ACCOUNTS: [FindingKind; 5] = [
    FindingKind::OutcomeWithoutDecision,
    FindingKind::SecondOutcome,
    FindingKind::AttemptWithoutDecision,
    FindingKind::NotPermitted,
    FindingKind::OtherRequest,
];
/// Findings that speak of counters.
const COUNTERS: [FindingKind; 1] = [FindingKind::CounterJump];
/// Findings that speak of tiles.
const TILES: [FindingKind; 2] = [FindingKind::DerivedFileWrong, FindingKind::DerivedFileMissing];

/// What was asked, beside what the report tells.
pub(super) struct Asked<'a> {
    pub(super) directory: &'a Path,
    /// The files of `--key`.
    pub(super) key_files: String,
    /// Whether there is a policy.
    pub(super) witnesses: bool,
    /// Where the keys given were replaced: until which size they signed.
    pub(super) replaced: Option<u64>,
}

/// Tells it all.
pub(super) fn tell(report: &Report, asked: &Asked<'_>, terminal: &mut Terminal) -> io::Result<()> {
    writeln!(terminal.out(), "{STRONG}{}{STRONG:#} in {}", plain(&report.origin), asked.directory.display())?;
    keys(report, asked, terminal)?;
    checkpoint(report, terminal)?;
    witnesses(report, asked, terminal)?;
    kept(report, terminal)?;
    entries(report, terminal)?;
    accounts(report, terminal)?;
    counters(report, terminal)?;
    tail(report, terminal)?;
    for finding in report.findings.iter().take(FINDINGS_SHOWN_MAX) {
        found(finding, terminal)?;
    }
    let all = report.faults + report.notices;
    let shown = report.findings.len().min(FINDINGS_SHOWN_MAX) as u64;
    if all > shown {
        let more = format!("{} more; `--json` has the first thousand", grouped(all - shown));
        write(terminal, Mark::Note, "…", &more)?;
    }
    answer(report, terminal)
}

fn keys(report: &Report, asked: &Asked<'_>, terminal: &mut Terminal) -> io::Result<()> {
    let named = format!("{}+", report.origin);
    let keys: Vec<&str> = report.keys.iter().map(|key| key.strip_prefix(&named).unwrap_or(key)).collect();
    let keys = plain(&keys.join(", "));
    match report.keys_from {
        KeysFrom::Given => {
            let mut found = format!("{keys}\nfrom {}", asked.key_files);
            if let Some(size) = asked.replaced {
                found = format!(
                    "{found}\nthe log replaced these after {}: the `key.rotate` entry before that names the new ones;\n\
                     get the new key.pub and give both, each with `--key`",
                    counted(size, "entry", "entries")
                );
            }
            write(terminal, Mark::of(asked.replaced.is_none()), "keys", &found)
        }
        KeysFrom::Policy => write(terminal, Mark::Good, "keys", &format!("{keys}\nfrom the policy")),
        KeysFrom::BesideTheLog => {
            let found = format!(
                "{keys}\n{BAD}from beside the log: whoever can rewrite the log can rewrite them{BAD:#}\n\
                 give a copy of key.pub that you have from elsewhere with `--key`"
            );
            write(terminal, Mark::Warn, "keys", &found)
        }
    }
}

fn checkpoint(report: &Report, terminal: &mut Terminal) -> io::Result<()> {
    const WHAT: &str = "checkpoint";
    let faults = |finding: &&Finding| finding.file == WHAT && finding.severity == Severity::Fault;
    // A quorum that is not met has a line of its own.
    let doubted = report.findings.iter().filter(faults).any(|finding| finding.kind != FindingKind::QuorumNotMet);
    let Some(checkpoint) = &report.checkpoint else {
        return write(terminal, Mark::Bad, WHAT, "none that can be read: nothing here is proved");
    };
    let leads = match checkpoint.root_matches {
        Some(true) => "the entries lead to it",
        Some(false) => "the entries do not lead to it",
        None => "the entries cannot be read so far",
    };
    let found = format!("{}; {leads}\n{}", signed_tree(checkpoint), signed_by(checkpoint, Signer::Log));
    write(terminal, Mark::of(!doubted && checkpoint.root_matches == Some(true)), WHAT, &found)
}

/// Witnesses are asked more rarely than the log signs: where too few have signed the newest checkpoint, enough may have signed
/// the one before.
fn witnesses(report: &Report, asked: &Asked<'_>, terminal: &mut Terminal) -> io::Result<()> {
    let Some(newest) = &report.checkpoint else { return Ok(()) };
    let met = |checkpoint: &&CheckpointSeen| checkpoint.quorum.as_ref().is_some_and(|quorum| quorum.met);
    let earlier = report.cosigned.as_ref().filter(met).filter(|_| !met(&newest));
    let (mark, mut found) = cosigned(earlier.unwrap_or(newest), asked.witnesses);
    if let Some(earlier) = earlier {
        found = format!("{found}\nof the first {}", counted(earlier.size, "entry", "entries"));
    }
    // What is missing is a finding of the newest; where there is none, what enough have seen is recent enough.
    let missing = report.findings.iter().any(|finding| finding.kind == FindingKind::QuorumNotMet);
    write(terminal, if missing { Mark::Bad } else { mark }, "witnesses", &found)
}

fn kept(report: &Report, terminal: &mut Terminal) -> io::Result<()> {
    for kept in &report.kept {
        let verdict = if kept.consistent { "this log extends it" } else { "this log does not extend it" };
        let found = match kept.size {
            Some(size) => format!("{}, {}: {verdict}", kept.name, counted(size, "entry", "entries")),
            None => format!("{}: it cannot be read", kept.name),
        };
        write(terminal, Mark::of(kept.consistent), "kept", &found)?;
    }
    Ok(())
}

fn entries(report: &Report, terminal: &mut Terminal) -> io::Result<()> {
    // What stands in a segment, but is not about what entries say of each other.
    let of_others = |kind| ACCOUNTS.contains(&kind) || COUNTERS.contains(&kind);
    let faults = |finding: &Finding| finding.severity == Severity::Fault && finding.file.starts_with("segments/");
    let damaged = report.findings.iter().any(|finding| faults(finding) && !of_others(finding.kind));
    let segments = counted(report.segments, "segment", "segments");
    let mut found = vec![format!("{} in {segments}, {}", grouped(report.entries), table::bytes(report.entry_bytes))];
    if let (Some(first), Some(last)) = (&report.first_at, &report.last_at) {
        found.push(format!("{first} to {last}"));
    }
    let kinds: Vec<String> = report.kinds.iter().map(|(kind, count)| format!("{} {kind}", grouped(*count))).collect();
    if !kinds.is_empty() {
        found.push(kinds.join(", "));
    }
    write(terminal, Mark::of(!damaged), "entries", &found.join("\n"))
}

fn accounts(report: &Report, terminal: &mut Terminal) -> io::Result<()> {
    let wrong = report.findings.iter().filter(|finding| ACCOUNTS.contains(&finding.kind)).count() as u64;
    let mut found = if wrong == 0 {
        "every outcome and attempt belongs to its decision, and went where that let it go".to_owned()
    } else {
        format!("{} that do not fit their decision", counted(wrong, "entry", "entries"))
    };
    if report.open.count > 0 {
        let mut named: Vec<String> = report.open.entries.iter().take(OPEN_SHOWN_MAX).map(u64::to_string).collect();
        if report.open.count > named.len() as u64 {
            named.push("…".to_owned());
        }
        let open = counted(report.open.count, "decision", "decisions");
        let named = named.join(" ");
        found = format!(
            "{found}\n{open} without outcome yet, under way or to be closed as lost at the next start: {named}"
        );
    }
    write(terminal, Mark::of(wrong == 0), "accounts", &found)
}

fn counters(report: &Report, terminal: &mut Terminal) -> io::Result<()> {
    let jumps = report.findings.iter().filter(|finding| COUNTERS.contains(&finding.kind)).count() as u64;
    let replicas = counted(report.replicas.len() as u64, "replica", "replicas");
    let found = if jumps == 0 {
        format!("{replicas}, no number left out or given twice")
    } else {
        format!("{replicas}, {}", counted(jumps, "jump", "jumps"))
    };
    write(terminal, Mark::of(jumps == 0), "counters", &found)
}

/// What is not yet signed, what a crash left, what was derived.
fn tail(report: &Report, terminal: &mut Terminal) -> io::Result<()> {
    if let Some(tail) = &report.unsigned {
        let found = format!(
            "{} from {} on, which the next checkpoint will cover",
            counted(tail.entries, "entry", "entries"),
            tail.from
        );
        write(terminal, Mark::Note, "unsigned", &found)?;
    }
    if let Some(torn) = &report.torn {
        let found = format!(
            "{} at the end of {}, from byte {}: under way, or left by a crash; nobody was promised them",
            counted(torn.bytes, "byte", "bytes"),
            torn.file,
            torn.offset
        );
        write(terminal, Mark::Note, "torn", &found)?;
    }
    if report.derived_files > 0 {
        let wrong = report.findings.iter().any(|finding| TILES.contains(&finding.kind));
        let compared = counted(report.derived_files, "file", "files");
        write(terminal, Mark::of(!wrong), "tiles", &format!("{compared} compared with the segments"))?;
    }
    Ok(())
}

fn found(finding: &Finding, terminal: &mut Terminal) -> io::Result<()> {
    let place = [
        Some(plain(&finding.file)),
        finding.offset.map(|offset| format!("byte {offset}")),
        finding.entry.map(|entry| format!("entry {entry}")),
    ];
    let place: Vec<String> = place.into_iter().flatten().collect();
    let place = place.join(", ");
    let (mark, what) = match finding.severity {
        Severity::Fault => (Mark::Bad, "fault"),
        Severity::Notice => (Mark::Note, "notice"),
    };
    let found = format!("{} in {place}\n{}\n{}", finding.kind.word(), plain(&finding.wrong), finding.means);
    write(terminal, mark, what, &found)
}

/// The last line says plainly whether it holds.
fn answer(report: &Report, terminal: &mut Terminal) -> io::Result<()> {
    if !report.holds() {
        let faults = counted(report.faults, "fault", "faults");
        return writeln!(terminal.out(), "{BAD}the log does not hold: {faults}{BAD:#}");
    }
    let signed = report.checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.size);
    let all = counted(signed, "entry", "entries");
    if report.keys_from == KeysFrom::BesideTheLog {
        let told = format!("the log holds ({all}), as far as the keys beside it can be trusted");
        return writeln!(terminal.out(), "{STRONG}{told}{STRONG:#}");
    }
    writeln!(terminal.out(), "{GOOD}the log holds: {all}, as they were signed{GOOD:#}")
}
