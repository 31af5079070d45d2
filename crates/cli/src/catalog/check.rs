//! `gwanmun catalog check`: mistakes in the folder's files, facts that are old, what is not known.

use std::collections::BTreeMap;

use ::catalog::{
    Catalog as Facts, Mistakes,
    rows::{self, CheckRow, Verdict},
};
use clap::Args;
use gateway::clock::Clock;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::Laid;
use crate::{
    failure::{Answer, Failure},
    paragraph,
    place::Place,
    terminal::{BAD, FAINT, GOOD, STRONG, Terminal},
};

/// Look for mistakes, for facts that are old, and for what is not known
///
/// Exit status 1 where there is a mistake, or a fact is old or from the future. What is unknown is counted: it never
/// counts as harmless, so it is safe, but perhaps not what you want.
#[derive(Args)]
pub(super) struct Check {
    /// A fact that was read so many days ago is still good
    #[arg(long, value_name = "DAYS", default_value_t = 365)]
    older_than: u32,
    /// List what is unknown, entry by entry
    #[arg(long)]
    unknown: bool,
    #[command(flatten)]
    laid: Laid,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// What was found, for programs.
#[derive(Serialize)]
struct Report {
    good: bool,
    /// Names the facts; none where there are mistakes.
    hash: Option<String>,
    entries: usize,
    known: usize,
    mistakes: Vec<Told>,
    facts: Vec<CheckRow>,
}

#[derive(Serialize)]
struct Told {
    file: String,
    line: usize,
    what: String,
}

impl Check {
    pub(super) fn run(&self, place: &Place, terminal: &mut Terminal) -> Result<Answer, Failure> {
        let read = self.laid.read(place)?;
        let report = match &read {
            Err(mistakes) => mistaken(mistakes),
            Ok(facts) => self.report(facts),
        };
        if self.json {
            terminal.json(&report)?;
        } else {
            self.write(&report, terminal)?;
        }
        Ok(if report.good { Answer::Yes } else { Answer::No })
    }

    fn report(&self, facts: &Facts) -> Report {
        let today = Clock::system().wall().to_zoned(TimeZone::UTC).date();
        let entries = rows::list(facts, None);
        let found = rows::check(facts, today, self.older_than);
        Report {
            good: found.iter().all(|row| row.verdict == Verdict::Unknown),
            hash: Some(facts.hash().to_string()),
            entries: entries.len(),
            known: entries.iter().map(|entry| entry.known).sum(),
            mistakes: Vec::new(),
            facts: found,
        }
    }

    fn write(&self, report: &Report, terminal: &mut Terminal) -> Result<(), Failure> {
        for mistake in &report.mistakes {
            let line = if mistake.line > 0 { format!(":{}", mistake.line) } else { String::new() };
            writeln!(terminal.out(), "{BAD}✗{BAD:#} {}{line}: {}", mistake.file, mistake.what)?;
        }
        let Some(hash) = &report.hash else { return Ok(()) };
        let counts = format!("{} entries, {} facts with source and date", report.entries, report.known);
        writeln!(terminal.out(), "{GOOD}✓{GOOD:#} {counts}; the hash that entries of the log name:\n  {hash}")?;
        for row in &report.facts {
            let date = row.date.map(|date| date.to_string()).unwrap_or_default();
            let what = match row.verdict {
                Verdict::Old => format!("was read on {date}: look again, and date its source anew"),
                Verdict::FromTheFuture => {
                    format!("was read on {date}, which has not come: mend the date of its source")
                }
                Verdict::Unknown => continue,
            };
            writeln!(terminal.out(), "{BAD}✗{BAD:#} {} {}: `{}` {what}", row.kind, row.id, row.field)?;
        }
        self.write_unknown(report, terminal)
    }

    fn write_unknown(&self, report: &Report, terminal: &mut Terminal) -> Result<(), Failure> {
        let mut unknown: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
        for row in report.facts.iter().filter(|row| row.verdict == Verdict::Unknown) {
            unknown.entry((&row.kind, &row.id)).or_default().push(&row.field);
        }
        let facts: usize = unknown.values().map(Vec::len).sum();
        if facts == 0 {
            return Ok(());
        }
        let how = if self.unknown { ":" } else { "; `--unknown` lists them" };
        writeln!(terminal.out(), "{FAINT}–{FAINT:#} {facts} facts of {} entries are unknown{how}", unknown.len())?;
        for ((kind, id), fields) in unknown.iter().filter(|_| self.unknown) {
            let fields = paragraph::hanging(&fields.join(", "), 6);
            writeln!(terminal.out(), "  {STRONG}{kind} {id}{STRONG:#}\n      {fields}")?;
        }
        Ok(())
    }
}

fn mistaken(mistakes: &Mistakes) -> Report {
    let told = mistakes.list().iter().map(|mistake| Told {
        file: mistake.file.clone(),
        line: mistake.line,
        what: mistake.what.clone(),
    });
    Report { good: false, hash: None, entries: 0, known: 0, mistakes: told.collect(), facts: Vec::new() }
}
