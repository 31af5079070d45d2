//! `gwanmun audit export`: entries for other programs, as JSON lines or as CSV.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use clap::{Args, ValueEnum};

use super::{chosen::Chosen, entry::Entry, held::Which, out, show};
use crate::{
    failure::{Answer, Failure},
    place::Place,
    terminal::Terminal,
};

/// CSV's columns: every field of every kind, in an order that stays. New ones come last.
const COLUMNS: [&str; 52] = [
    "index",
    "at",
    "kind",
    "replica",
    "seq",
    "request",
    "key",
    "team",
    "surface",
    "model",
    "stream",
    "choices",
    "request_bytes",
    "prompt_tokens",
    "answer_tokens_max",
    "destinations",
    "class",
    "findings",
    "policy",
    "config",
    "catalog",
    "law",
    "reservation",
    "commitment",
    "decision",
    "destination",
    "number",
    "reason",
    "ending",
    "status",
    "attempts",
    "completion_tokens",
    "answer_bytes",
    "duration_us",
    "first_byte_us",
    "tls_group",
    "finish",
    "label",
    "cost",
    "action",
    "subject",
    "by",
    "detail",
    "version",
    "scope",
    "keys",
    "rules",
    "rule",
    "hidden",
    "review",
    "skipped",
    "seam_at",
];

/// What makes a spreadsheet take a cell for a formula, in half and full width; and the sign that keeps it from that.
const FORMULA_BEGINS: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠', QUOTE];
const QUOTE: char = '\'';

const ABOUT_CSV: &str = "\
CSV: RFC 4180, UTF-8, one row an entry; lists and objects stand as JSON. A cell that begins with = + - @ or a tab would be a
formula to a spreadsheet, so a single quote is put before it; before a single quote too, so that a program takes the text back
by removing one.

Examples:
  gwanmun audit export --format jsonl --out november.jsonl
  gwanmun audit export --format csv --kind outcome --from 1000 > outcomes.csv";

/// Write entries for other programs
#[derive(Args)]
#[command(after_help = ABOUT_CSV)]
pub(super) struct Export {
    /// JSON lines, or CSV
    #[arg(long, value_enum)]
    format: Format,
    #[command(flatten)]
    chosen: Chosen,
    /// Write into this file, which must not be there yet
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    which: Which,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One object a line: the index, and the entry as the log holds it
    Jsonl,
    /// One row an entry
    Csv,
}

impl Export {
    pub(super) fn run(self, place: &Place, terminal: &mut Terminal) -> Result<Answer, Failure> {
        let mut held = self.which.open(place)?;
        out::to(self.out.as_deref(), terminal, |to| {
            if self.format == Format::Csv {
                row(to, COLUMNS.iter().map(|name| (*name).to_owned()))?;
            }
            for index in self.chosen.range(held.size) {
                let entry = held.entry(index)?;
                if !self.chosen.fits(entry) {
                    continue;
                }
                match self.format {
                    Format::Jsonl => writeln!(to, "{}", show::json(entry)?)?,
                    Format::Csv => row(to, COLUMNS.iter().map(|name| cell(entry, name)))?,
                }
            }
            Ok(())
        })?;
        Ok(Answer::Yes)
    }
}

fn cell(entry: &Entry, column: &str) -> String {
    if column == "index" {
        return entry.index.to_string();
    }
    let shown = entry.shown(column).unwrap_or_default();
    if shown.starts_with(FORMULA_BEGINS) { format!("{QUOTE}{shown}") } else { shown }
}

fn row(to: &mut dyn Write, cells: impl Iterator<Item = String>) -> io::Result<()> {
    for (place, cell) in cells.enumerate() {
        if place > 0 {
            to.write_all(b",")?;
        }
        if cell.contains([',', '"', '\r', '\n']) {
            write!(to, "\"{}\"", cell.replace('"', "\"\""))?;
        } else {
            to.write_all(cell.as_bytes())?;
        }
    }
    to.write_all(b"\r\n")
}
