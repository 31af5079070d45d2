//! The report of a drill: one value, its canonical JSON, and the same as a page for people in Markdown and HTML.
//!
//! The SHA-256 of the JSON stands in the entry `drill.end`, which the log signs; the pages are made from the JSON alone, so that anybody
//! can make them again. It must not know how a drill is run.

use std::fmt::Write as _;

use minijinja::{Environment, Value, syntax::SyntaxConfig, value::Serde};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Mode, Plan, Why, measured::Measured, reference::Score};
use crate::what_if::amount;

/// The form of this version.
pub const VERSION: u64 = 1;
/// Names of a report's files.
pub const JSON: &str = "report.json";
/// For people.
pub const MARKDOWN: &str = "report.md";
/// For people, to be printed.
pub const HTML: &str = "report.html";
/// The proof that the log holds the entry with the report's hash.
pub const PROOF: &str = "report.proof";

/// All of it. Fields are described in `spec/drill.md`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "described where the form is promised")]
pub struct Report {
    pub v: u64,
    pub id: String,
    pub plan: Plan,
    pub began: String,
    pub ended: String,
    pub why: Why,
    pub log: LogRange,
    pub policy: String,
    pub catalog: String,
    pub config: String,
    pub during: Measured,
    pub before: Option<Measured>,
    pub answered_permille: u64,
    pub degraded_permille: u64,
    pub held: Option<bool>,
    pub added_p50_us: Option<i64>,
    pub added_p95_us: Option<i64>,
    pub quality: Option<Quality>,
    pub pairs: Vec<Pair>,
    pub not_measured: Vec<String>,
}

/// What was counted, so that anybody can count again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "described where the form is promised")]
pub struct LogRange {
    pub origin: String,
    pub first: u64,
    pub last: u64,
    pub checkpoint_size: u64,
    pub checkpoint_root: String,
}

/// The reference questions, of today's first choice and of what answered instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "described where the form is promised")]
pub struct Quality {
    pub model: String,
    pub before: Score,
    pub during: Score,
}

/// What becomes of a team and a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "described where the form is promised")]
pub struct Pair {
    pub team: Option<String>,
    pub model: String,
    pub classes: Vec<String>,
    pub today: Option<String>,
    pub instead: Option<String>,
    pub fate: String,
}

/// Why a page could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The JSON is none of a report.
    #[error("it is no report of a drill: {0}")]
    Form(#[from] serde_json::Error),
    /// Of another version.
    #[error("it is of version {0}, this program reads version {VERSION}")]
    Version(u64),
    /// A page could not be made.
    #[error("the page could not be made: {0}")]
    Page(#[from] minijinja::Error),
}

impl Report {
    /// Reads the JSON.
    ///
    /// # Errors
    /// What is none, or of another version.
    pub fn read(json: &[u8]) -> Result<Self, ReportError> {
        let report: Self = serde_json::from_slice(json)?;
        if report.v == VERSION { Ok(report) } else { Err(ReportError::Version(report.v)) }
    }

    /// Its canonical JSON (RFC 8785): what the hash is taken of.
    ///
    /// # Errors
    /// None that a report can have.
    pub fn canonical(&self) -> Result<String, ReportError> {
        let mut out = String::new();
        write_canonical(&serde_json::to_value(self)?, &mut out)?;
        Ok(out)
    }

    /// For people.
    ///
    /// # Errors
    /// A template that is wrong.
    pub fn markdown(&self) -> Result<String, ReportError> {
        self.page("report.md", include_str!("report.md.jinja"))
    }

    /// For people, to be printed: one file, without scripts.
    ///
    /// # Errors
    /// A template that is wrong.
    pub fn html(&self) -> Result<String, ReportError> {
        self.page("report.html", include_str!("report.html.jinja"))
    }

    fn page(&self, name: &str, template: &str) -> Result<String, ReportError> {
        let mut environment = Environment::new();
        environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
        environment.add_filter("percent", crate::what_if::percent);
        environment.add_filter("time", time);
        environment.add_filter("added", added);
        environment.add_filter("money", amount);
        environment.add_filter("cell", cell);
        environment.add_template(name, template)?;
        let sha256 = sha256(self.canonical()?.as_bytes());
        let context = minijinja::context! {
            r => Value::from(Serde(self)),
            told => self.plan.told(),
            why => self.why.to_string(),
            mode => self.mode_told(),
            sha256,
            sentence => self.sentence(),
            verdict => self.verdict(),
        };
        Ok(environment.get_template(name)?.render(context)?)
    }

    /// What was found, in a sentence.
    pub fn sentence(&self) -> String {
        let percent = crate::what_if::percent;
        let (told, requests) = (self.plan.told(), self.during.requests);
        let (verb, told) = match self.plan.mode {
            Mode::Replay => ("would have been", format!("With {told} withdrawn")),
            Mode::Shadow => ("were", format!("Asked again as if {told} were withdrawn")),
            Mode::Live => ("were", format!("With {told} withdrawn")),
        };
        let got = if self.plan.mode == Mode::Replay { "would have got" } else { "got" };
        if requests == 0 {
            return format!("{told} there was no request to measure.");
        }
        format!(
            "{told}, {} of {requests} requests {verb} answered, {} by the local floor, and {} {got} an honest error.",
            percent(self.answered_permille),
            percent(self.degraded_permille),
            self.during.unanswered,
        )
    }

    /// Whether it held, in a sentence without its end.
    pub fn verdict(&self) -> String {
        let least = crate::what_if::percent(self.plan.least_answered_permille);
        match self.held {
            Some(true) => format!("it held: {least} answered was asked for"),
            Some(false) => format!("it did not hold: {least} answered was asked for"),
            None => format!("it says nothing of whether {least} would be answered: too few requests were measured"),
        }
    }

    fn mode_told(&self) -> &'static str {
        match self.plan.mode {
            Mode::Replay => "replay: decisions of the past were taken again; no traffic was touched",
            Mode::Shadow => {
                "shadow: a sample of requests was asked again beside its answer, and the second answers thrown away"
            }
            Mode::Live => "live: the withdrawal was real for everybody while it lasted",
        }
    }
}

/// Of a report's JSON, in lower-case hex.
pub fn sha256(json: &[u8]) -> String {
    hex::encode(Sha256::digest(json))
}

/// Microseconds as people read them.
pub fn time(us: Option<u64>) -> String {
    us.map_or_else(|| "unknown".to_owned(), |us| told_time(us, ""))
}

/// A difference of microseconds.
fn added(us: Option<i64>) -> String {
    us.map_or_else(|| "unknown".to_owned(), |us| told_time(us.unsigned_abs(), if us < 0 { "−" } else { "+" }))
}

fn told_time(us: u64, sign: &str) -> String {
    match us {
        0..10_000 => format!("{sign}{}.{} ms", us / 1000, us % 1000 / 100),
        10_000..1_000_000 => format!("{sign}{} ms", us / 1000),
        _ => format!("{sign}{}.{} s", us / 1_000_000, us % 1_000_000 / 100_000),
    }
}

/// A name in a cell of a Markdown table.
fn cell(text: &str) -> String {
    let mut cell = String::new();
    for letter in text.chars() {
        match letter {
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' => {
                cell.push('\\');
                cell.push(letter);
            }
            letter if letter.is_control() => cell.push(' '),
            letter => cell.push(letter),
        }
    }
    cell
}

/// RFC 8785 for what reports hold: whole numbers, texts, truth, lists, and objects with keys of ASCII.
fn write_canonical(value: &serde_json::Value, out: &mut String) -> Result<(), serde_json::Error> {
    use serde_json::Value as Json;
    match value {
        Json::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(key, _)| key.as_str());
            out.push('{');
            for (number, (key, value)) in fields.into_iter().enumerate() {
                // Writing to a text cannot fail.
                let _ = write!(out, "{}{}:", if number > 0 { "," } else { "" }, serde_json::to_string(key)?);
                write_canonical(value, out)?;
            }
            out.push('}');
        }
        Json::Array(items) => {
            out.push('[');
            for (number, item) in items.iter().enumerate() {
                if number > 0 {
                    out.push(',');
                }
                write_canonical(item, out)?;
            }
            out.push(']');
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => out.push_str(&serde_json::to_string(value)?),
    }
    Ok(())
}
