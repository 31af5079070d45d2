//! `gwanmun audit show`: what happened, as a table; or one entry whole, with those that belong to it.

use std::collections::VecDeque;

use clap::Args;
use serde::Serialize;
use serde_json::value::RawValue;
use unicode_width::UnicodeWidthChar as _;

use super::{
    chosen::Chosen,
    entry::Entry,
    held::{self, Held, Which},
    lines::plain,
    payload,
};
use crate::{
    failure::{Answer, Failure},
    place::Place,
    table,
    terminal::{FAINT, STRONG, Terminal},
};

/// Entries shown where nobody says how many.
const LAST: u64 = 20;
/// Columns of a cell whose text others chose.
const CELL_WIDTH_MAX: usize = 32;
/// Entries after a decision among which those that belong to it are looked for: a request ends long before so many others began.
const BELONGING_WITHIN: u64 = 1 << 18;

const HEADINGS: [&str; 10] =
    ["entry", "time", "kind", "key", "team", "model", "destination", "tokens", "bytes", "what"];

const EXAMPLES: &str = "\
Examples:
  gwanmun audit show                        the last 20 entries
  gwanmun audit show --last 100 --kind refusal
  gwanmun audit show --request f40a1d0ff5e9253400000000
  gwanmun audit show 12                     one entry whole, and what belongs to it
  gwanmun audit show 12 --payload           what was asked and answered, where that is kept

The table shows what the log's files say; `gwanmun audit verify` says whether they hold.";

/// Show what the log holds
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Show {
    /// One entry, whole
    #[arg(value_name = "ENTRY", conflicts_with_all = ["last", "from", "to", "kind", "request", "team"])]
    entry: Option<u64>,
    /// So many of those that fit, the newest [default: 20; all, with `--from` or `--to`]
    #[arg(long, value_name = "N")]
    last: Option<u64>,
    #[command(flatten)]
    chosen: Chosen,
    /// Only of this request
    #[arg(long, value_name = "ID")]
    request: Option<String>,
    /// Only of this team's requests
    #[arg(long)]
    team: Option<String>,
    /// Open the request and answer that are kept of it (`[audit_log] payloads = "sealed"`), and hold them against the log
    #[arg(long, requires = "entry", conflicts_with = "directory")]
    payload: bool,
    /// As JSON, one object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    which: Which,
}

/// One entry, for programs.
#[derive(Serialize)]
struct Line<'a> {
    index: u64,
    entry: &'a RawValue,
}

impl Show {
    pub(super) fn run(self, place: &Place, terminal: &mut Terminal) -> Result<Answer, Failure> {
        let mut held = self.which.open(place)?;
        if let Some(index) = self.entry {
            return self.one(index, &mut held, place, terminal);
        }
        let chosen = self.choose(&mut held)?;
        if self.json {
            for entry in &chosen {
                writeln!(terminal.out(), "{}", json(entry)?)?;
            }
        } else if chosen.is_empty() {
            writeln!(terminal.out(), "no entry fits")?;
        } else {
            let mut rows = Vec::with_capacity(chosen.len());
            for entry in &chosen {
                rows.push(row(entry, &mut held)?);
            }
            table::write(terminal.out(), HEADINGS, &rows)?;
        }
        Ok(Answer::Yes)
    }

    /// Those that fit, from the newest back until there are enough; in the order of the log.
    fn choose(&self, held: &mut Held) -> Result<VecDeque<Entry>, Failure> {
        let range = self.chosen.range(held.size);
        let wanted = self.last.unwrap_or(if self.chosen.is_bounded() { u64::MAX } else { LAST });
        let mut chosen = VecDeque::new();
        for index in range.rev() {
            if chosen.len() as u64 >= wanted {
                break;
            }
            let entry = held.entry(index)?;
            if !self.fits(entry) {
                continue;
            }
            let entry = entry.clone();
            if self.is_of_team(&entry, held)? {
                chosen.push_front(entry);
            }
        }
        Ok(chosen)
    }

    fn fits(&self, entry: &Entry) -> bool {
        self.chosen.fits(entry) && self.request.as_deref().is_none_or(|request| entry.text("request") == Some(request))
    }

    fn is_of_team(&self, entry: &Entry, held: &mut Held) -> Result<bool, Failure> {
        let Some(team) = &self.team else { return Ok(true) };
        Ok(asked(entry, held)?.text("team") == Some(team))
    }

    fn one(&self, index: u64, held: &mut Held, place: &Place, terminal: &mut Terminal) -> Result<Answer, Failure> {
        if index >= held.size {
            return Err(held::unknown(index, held.size));
        }
        let entry = held.entry(index)?.clone();
        let belonging = belonging(&entry, held)?;
        if self.payload {
            let asked = asked(&entry, held)?;
            let outcome = [&entry].into_iter().chain(&belonging).find(|entry| entry.kind() == "outcome");
            return payload::show((&asked, outcome), held.reader.origin(), place, self.json, terminal);
        }
        if self.json {
            for entry in [&entry].into_iter().chain(&belonging) {
                writeln!(terminal.out(), "{}", json(entry)?)?;
            }
            return Ok(Answer::Yes);
        }
        writeln!(terminal.out(), "{STRONG}entry {index}{STRONG:#} of {}", plain(held.reader.origin()))?;
        entry.write_all_fields(terminal)?;
        for other in &belonging {
            writeln!(terminal.out())?;
            writeln!(terminal.out(), "{FAINT}belongs to it:{FAINT:#} {STRONG}entry {}{STRONG:#}", other.index)?;
            other.write_all_fields(terminal)?;
        }
        Ok(Answer::Yes)
    }
}

/// An entry and its index as one line of JSON; the entry as the log holds it.
pub(super) fn json(entry: &Entry) -> Result<String, Failure> {
    let raw: &RawValue = serde_json::from_str(&entry.text)?;
    Ok(serde_json::to_string(&Line { index: entry.index, entry: raw })?)
}

/// The entry that says who asked for what: a decision for what belongs to one, else the entry itself.
fn asked(entry: &Entry, held: &mut Held) -> Result<Entry, Failure> {
    match entry.whole("decision").filter(|decision| *decision < entry.index) {
        Some(decision) => held.entry(decision).cloned(),
        None => Ok(entry.clone()),
    }
}

/// The other entries of the same decision, in the order of the log.
fn belonging(entry: &Entry, held: &mut Held) -> Result<Vec<Entry>, Failure> {
    let decision = asked(entry, held)?;
    if decision.kind() != "decision" {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    if decision.index != entry.index {
        found.push(decision.clone());
    }
    let end = held.size.min(decision.index.saturating_add(BELONGING_WITHIN));
    for index in decision.index + 1..end {
        let other = held.entry(index)?;
        if other.whole("decision") != Some(decision.index) {
            continue;
        }
        let ended = other.kind() == "outcome";
        if index != entry.index {
            found.push(other.clone());
        }
        if ended {
            break;
        }
    }
    Ok(found)
}

fn row(entry: &Entry, held: &mut Held) -> Result<[String; 10], Failure> {
    let asked = asked(entry, held)?;
    let of = |entry: &Entry, name: &str| entry.shown(name).map_or_else(|| "-".to_owned(), |shown| cell(&shown));
    let destination = match entry.kind() {
        "decision" => of(entry, "destinations").replace(['[', ']', '"'], "").replace(',', " "),
        _ => of(entry, "destination"),
    };
    let tokens = match (entry.whole("prompt_tokens"), entry.whole("completion_tokens")) {
        (None, None) => "-".to_owned(),
        (prompt, completion) => {
            let shown = |count: Option<u64>| count.map_or_else(|| "?".to_owned(), |count| count.to_string());
            if entry.kind() == "outcome" { format!("{}+{}", shown(prompt), shown(completion)) } else { shown(prompt) }
        }
    };
    let bytes = entry.whole("answer_bytes").or_else(|| entry.whole("request_bytes"));
    // Seconds are enough to read; the whole time stands in the entry.
    let time = entry.text("at").and_then(|at| at.split('.').next()).unwrap_or("-");
    Ok([
        entry.index.to_string(),
        cell(time),
        cell(entry.kind()),
        of(&asked, "key"),
        of(&asked, "team"),
        of(&asked, "model"),
        destination,
        tokens,
        bytes.map_or_else(|| "-".to_owned(), |bytes| bytes.to_string()),
        plain(&what(entry)),
    ])
}

/// What an entry says beyond the columns.
fn what(entry: &Entry) -> String {
    let text = |name: &str| entry.text(name).unwrap_or("-").to_owned();
    match entry.kind() {
        "outcome" => {
            let took = entry.whole("duration_us").map_or_else(String::new, |us| format!(" in {} ms", us / 1000));
            let why = entry.text("reason").map_or_else(String::new, |reason| format!(": {reason}"));
            format!("{}{took} (entry {}){why}", text("ending"), entry.shown("decision").unwrap_or_default())
        }
        "attempt" => format!(
            "number {} (entry {}): {}",
            entry.shown("number").unwrap_or_default(),
            entry.shown("decision").unwrap_or_default(),
            text("reason")
        ),
        "refusal" | "stop" => text("reason"),
        "administration" => format!("{} {} by {}", text("action"), text("subject"), text("by")),
        "start" => format!("version {}", text("version")),
        "erasure" => format!("{} by {}", text("scope"), text("by")),
        _ => text("surface"),
    }
}

/// Text that fits in a column.
fn cell(text: &str) -> String {
    let text = plain(text);
    let mut shown = String::new();
    let mut width = 0;
    for letter in text.chars() {
        width += letter.width().unwrap_or(0);
        if width > CELL_WIDTH_MAX {
            shown.push('…');
            break;
        }
        shown.push(letter);
    }
    shown
}
