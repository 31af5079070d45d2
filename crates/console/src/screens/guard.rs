//! The guard bench: what is found in a text that somebody pastes, marked where it stands, and the two forms in which it could leave;
//! beside it the table of what is read at all. Nothing of the text is kept.

mod marked;

use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use gateway::judge::coverage::{Edit, PARTS, Part};
use http::StatusCode;
use inspect::pseudonym::{DisguiseError, Hiding, RequestKey, disguise_all};
use inspect::{Findings, Kind, Rules};

use crate::answer::Refused;
use crate::call::Call;
use crate::entrance;
use crate::page::{self, Page};

use marked::{Piece, Row};

/// The longest text of a bench, in bytes: a page shows it four times. The road takes longer ones.
const TEXT_BYTES_MAX: usize = 256 * 1024;

#[derive(Template)]
#[template(path = "guard.html")]
struct GuardPage {
    page: Page,
    text: String,
    looked: Option<Looked>,
    /// Built-in kinds by the ends of their messages' names.
    kinds: Vec<(String, String)>,
    /// The operator's own, by name.
    own: Vec<String>,
    covered: [Side; 2],
}

/// What is read of requests, or of answers.
struct Side {
    /// The name of its message.
    title: &'static str,
    parts: Vec<Covered>,
}

/// What a text holds.
struct Looked {
    pieces: Vec<Piece>,
    rows: Vec<Row>,
    /// How many of what kind there are beyond those whose places are kept.
    beyond: Vec<(String, u64)>,
    signals: Vec<&'static str>,
    /// A BCP 47 tag; none where it cannot be told.
    language: Option<&'static str>,
    /// With every finding masked, or why that cannot be.
    masked: Result<String, &'static str>,
    /// With every finding pseudonymised, or why that cannot be.
    pseudonymised: Result<String, &'static str>,
}

/// A line of the coverage table.
struct Covered {
    /// Ends the name of its message.
    what: String,
    read: bool,
    /// Ends the name of its message.
    edit: &'static str,
    mark: &'static str,
}

pub(crate) async fn show(call: Call) -> Result<Response, Refused> {
    let page = call.page("guard");
    bench(&call, page, None)
}

pub(crate) async fn look(call: Call) -> Result<Response, Refused> {
    let text = call.form.raw("text").to_owned();
    let wrong = match text.len() {
        0 => Some(call.language.text("guard-text-wanted")),
        1..=TEXT_BYTES_MAX => None,
        _ => Some(call.language.text_with("guard-text-long", &[("kib", &(TEXT_BYTES_MAX / 1024).to_string())])),
    };
    if let Some(wrong) = wrong {
        let page = call.page("guard").telling(wrong, false);
        return Ok(entrance::with_status(bench(&call, page, None)?, StatusCode::UNPROCESSABLE_ENTITY));
    }
    let judgement = Arc::clone(&call.site.app.in_force().judgement);
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(Refused::ours)?;
    let looking = move || looked(&text, judgement.identifiers(), &RequestKey::new(key));
    let looked = call.site.tasks.blocking("guard bench", looking).await;
    let looked = looked.ok_or_else(|| Refused::ours("a text on the guard bench was not read to its end"))?;
    bench(&call, call.page("guard"), Some(looked))
}

fn bench(call: &Call, page: Page, looked: Option<Looked>) -> Result<Response, Refused> {
    let in_force = call.site.app.in_force();
    let covered = |of: &str| PARTS.iter().filter(|part| part.of == of).map(Covered::of).collect();
    let (words, patterns) = &in_force.config.policy.own;
    let own = words.iter().map(|own| &own.name).chain(patterns.iter().map(|own| &own.name));
    page::render(&GuardPage {
        page,
        text: call.form.raw("text").to_owned(),
        looked,
        kinds: Kind::BUILT_IN.iter().map(|kind| (kind.name().into_owned(), marked::word(kind))).collect(),
        own: own.map(|name| format!("own.{name}")).collect(),
        covered: [
            Side { title: "guard-of-request", parts: covered("request") },
            Side { title: "guard-of-answer", parts: covered("answer") },
        ],
    })
}

fn looked(text: &str, rules: &Rules, key: &RequestKey) -> Looked {
    let findings = inspect::scan(text, rules);
    let language = inspect::language::guess(text);
    let hidden = |how: &dyn Fn(&Kind) -> Hiding| hidden(text, &findings, key, how);
    Looked {
        pieces: marked::pieces(text, &findings),
        rows: marked::rows(text, &findings),
        beyond: findings.beyond().iter().map(|(kind, count)| (kind.name().into_owned(), *count)).collect(),
        signals: inspect::signals::signals(text).into_iter().map(inspect::signals::Signal::name).collect(),
        language: Some(language.tag()).filter(|_| language != inspect::language::Language::Unknown),
        masked: hidden(&|_| Hiding::Mask),
        // As on the road: a model has no use for a secret of the same shape.
        pseudonymised: hidden(&|kind| if kind.is_secret() { Hiding::Mask } else { Hiding::Pseudonym }),
    }
}

fn hidden(
    text: &str,
    findings: &Findings,
    key: &RequestKey,
    how: &dyn Fn(&Kind) -> Hiding,
) -> Result<String, &'static str> {
    let hidden = disguise_all(&[(text, findings)], key, how);
    hidden.map(|(mut texts, _)| texts.pop().unwrap_or_default()).map_err(|error| {
        let is_ambiguous = matches!(error, DisguiseError::Ambiguous);
        if is_ambiguous { "guard-cannot-ambiguous" } else { "guard-cannot-too-many" }
    })
}

impl Covered {
    fn of(part: &Part) -> Self {
        let letters = part.what.chars().map(|char| if char.is_ascii_alphanumeric() { char } else { ' ' });
        let words = letters.collect::<String>().split_whitespace().collect::<Vec<_>>().join("-");
        let (edit, mark) = match part.edit {
            Edit::Hidden => ("hidden", "good"),
            Edit::Masked => ("masked", "good"),
            Edit::TakesDestinationAway => ("takes-away", "warn"),
            Edit::Restored => ("restored", "good"),
            Edit::LeftOut => ("left-out", "warn"),
            Edit::Passed => ("passed", "bad"),
        };
        Self { what: format!("{}-{words}", part.of), read: part.read, edit, mark }
    }
}

#[cfg(test)]
mod tests;
