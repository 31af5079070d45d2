//! Policies compared before anybody puts one in force: a text is read, proved and tried on its cases, and what it would judge otherwise
//! than the policy in force is told.

use std::path::PathBuf;
use std::sync::Arc;

use ::policy::{CaseResult, Difference, Differences, File, Hide, Outcome, Policy, Terms};
use askama::Template;
use axum::response::Response;
use gateway::app::InForce;
use gateway::config::{Edit, vocabulary};
use http::StatusCode;
use sha2::{Digest as _, Sha256};

use crate::answer::{self, Refused};
use crate::call::Call;
use crate::entrance;
use crate::language::Language;
use crate::page::{self, Page};
use crate::screens::configuring::{self, NotMade};
use crate::screens::subjects::named_place;

/// How mistakes name what was pasted.
const RULES: &str = "rules.cedar";
const SETTINGS: &str = "rules.toml";
/// A policy's name: it is one of a file.
const NAME_BYTES_MAX: usize = 48;
/// Differences that are shown; a person reads no more of them.
const SHOWN_MAX: usize = 200;

#[derive(Template)]
#[template(path = "jurisdictions-policy.html")]
struct PolicyPage {
    page: Page,
    policy: String,
    shipped: &'static [&'static str],
    homes: Vec<Home>,
    may_change: bool,
    /// The file, where it is somebody else's to change.
    read_only: Option<String>,
    rules: String,
    settings: String,
    name: String,
    found: Option<Found>,
}

/// A jurisdiction that can be home.
pub(crate) struct Home {
    pub(crate) code: String,
    pub(crate) name: String,
    pub(crate) is_in_force: bool,
}

/// All that can be home.
pub(crate) fn homes(in_force: &InForce) -> Vec<Home> {
    let home = in_force.config.policy.home;
    let of = |code: catalog::Jurisdiction| Home {
        code: code.code().to_owned(),
        name: named_place(&in_force.judgement, code.code()),
        is_in_force: home == Some(code),
    };
    in_force.judgement.catalog().jurisdictions().map(of).collect()
}

/// What a text is found to be.
enum Found {
    /// It could not come into force, for these: file, line and how to mend it.
    Wrong(Vec<String>),
    Read(Compared),
}

/// What it would change.
#[derive(Default)]
struct Compared {
    cases: u64,
    passed: u64,
    /// Cases that are not decided as expected: name, and what is wrong.
    failed: Vec<(String, String)>,
    over: u64,
    complete: bool,
    all: u64,
    opens: u64,
    closes: u64,
    differences: Vec<Told>,
}

/// One difference.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Told {
    change: Change,
    /// Facts, as rules name them.
    when: Vec<String>,
    destinations: Vec<String>,
    old: String,
    new: String,
}

/// How a destination changes; what needs the closest look comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    Opens,
    Terms,
    Closes,
    Reason,
}

impl Change {
    /// As messages are named.
    fn word(self) -> &'static str {
        match self {
            Self::Opens => "opens",
            Self::Terms => "terms",
            Self::Closes => "closes",
            Self::Reason => "reason",
        }
    }

    fn of(difference: &Difference) -> Self {
        match (&difference.old, &difference.new) {
            (Outcome::Refused(_), Outcome::Permitted(_)) => Self::Opens,
            (Outcome::Permitted(_), Outcome::Refused(_)) => Self::Closes,
            (Outcome::Permitted(_), Outcome::Permitted(_)) => Self::Terms,
            (Outcome::Refused(_), Outcome::Refused(_)) => Self::Reason,
        }
    }
}

/// `GET /jurisdictions/policy`: where a text is pasted; one that is shipped can be begun from.
pub(crate) async fn show(call: Call) -> Result<Response, Refused> {
    let from = call.query.get("from").and_then(Policy::shipped_files);
    let (rules, settings) = from.map(|(rules, settings)| (rules.text, settings.text)).unwrap_or_default();
    shown(&call, frame(&call), rules.to_owned(), settings.to_owned(), None)
}

/// `POST /jurisdictions/policy/use`: puts a shipped policy in force, or the text that was compared, under a name of its own.
pub(crate) async fn take(call: Call) -> Result<Response, Refused> {
    let home = call.form.get("home").map(str::to_owned);
    let (used, files) = match call.form.get("policy") {
        Some(shipped) => (shipped.to_owned(), Vec::new()),
        None => match published(&call) {
            Ok(published) => published,
            Err(message) => return unmade(&call, frame(&call).telling(call.language.text(message), false), None),
        },
    };
    match configuring::change(&call, vec![Edit::Policy { used, home }], files).await {
        Ok(_) if call.form.get("back") == Some("first-steps") => answer::see("/first-steps#policy"),
        Ok(_) => answer::see("/jurisdictions"),
        Err(NotMade::Mistakes(mistakes)) => unmade(&call, frame(&call), Some(Found::Wrong(mistakes))),
        Err(NotMade::Refused(refused)) => Err(refused),
    }
}

/// The page again, with what was pasted and why it is not in force.
fn unmade(call: &Call, page: Page, found: Option<Found>) -> Result<Response, Refused> {
    let text = |name: &str| call.form.get(name).unwrap_or_default().to_owned();
    let response = shown(call, page, text("rules"), text("settings"), found)?;
    Ok(entrance::with_status(response, StatusCode::UNPROCESSABLE_ENTITY))
}

/// The frame of the page, wherever it was asked for: there the reader comes back to.
fn frame(call: &Call) -> Page {
    Page { path: "/jurisdictions/policy".to_owned(), ..call.page("jurisdictions") }
}

/// A name in the configuration, and the files that it means.
type Published = (String, Vec<(PathBuf, String)>);

/// The name in the configuration, and the files, of a text that is to be in force, or the message that says what it lacks. Another text
/// has other names.
fn published(call: &Call) -> Result<Published, &'static str> {
    let rules = call.form.get("rules").ok_or("jurisdictions-policy-wanted")?;
    let name = call.form.get("name").ok_or("jurisdictions-policy-name-wanted")?;
    let proper = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '-';
    if name.len() > NAME_BYTES_MAX || !name.chars().all(proper) {
        return Err("jurisdictions-policy-name-wanted");
    }
    let settings = call.form.get("settings").unwrap_or_default();
    let hash = hex::encode(Sha256::digest(format!("{rules}\0{settings}")));
    let path = |ending: &str| format!("policies/{name}-{hash:.8}.{ending}");
    let mut files = vec![(PathBuf::from(path("cedar")), format!("{rules}\n"))];
    if !settings.is_empty() {
        files.push((PathBuf::from(path("toml")), format!("{settings}\n")));
    }
    Ok((path("cedar"), files))
}

/// `POST /jurisdictions/policy`: what it would change. Nothing is kept.
pub(crate) async fn compare(call: Call) -> Result<Response, Refused> {
    let rules = call.required("rules", "jurisdictions-policy-wanted")?.to_owned();
    let settings = call.form.get("settings").unwrap_or_default().to_owned();
    let in_force: Arc<InForce> = call.site.app.in_force();
    let (read, beside, language) = (rules.clone(), settings.clone(), call.language);
    // Two policies of many facts take seconds to compare: not on a thread that answers, and one pair at a time, also for those who
    // ask and go away.
    let turn = Arc::clone(&call.site.comparing).try_acquire_owned().map_err(|_| Refused::Busy("refused-too-many"))?;
    let work = move || {
        let _turn = turn;
        found(&in_force, &read, &beside, language)
    };
    let found = call.site.tasks.blocking("console policy diff", work).await;
    let found = found.ok_or_else(|| Refused::ours("two policies could not be compared"))?;
    shown(&call, frame(&call), rules, settings, Some(found))
}

fn shown(call: &Call, page: Page, rules: String, settings: String, found: Option<Found>) -> Result<Response, Refused> {
    let in_force = call.site.app.in_force();
    page::render(&PolicyPage {
        page,
        policy: in_force.judgement.policy().name().to_owned(),
        shipped: Policy::SHIPPED,
        homes: homes(&in_force),
        may_change: configuring::may(call),
        read_only: call.site.settings.editor.is_none().then(|| call.site.settings.path.display().to_string()),
        name: call.form.get("name").unwrap_or_default().to_owned(),
        rules,
        settings,
        found,
    })
}

fn found(in_force: &InForce, rules: &str, settings: &str, language: Language) -> Found {
    let judged = &in_force.config.policy;
    let words = vocabulary(&judged.catalog, &judged.own.0, &judged.own.1);
    let beside = Some(File { name: SETTINGS, text: settings }).filter(|file| !file.text.is_empty());
    let new = match Policy::read("pasted", File { name: RULES, text: rules }, beside, &words) {
        Ok(policy) => policy,
        Err(mistakes) => return Found::Wrong(mistakes.list().iter().map(ToString::to_string).collect()),
    };
    let destinations = in_force.judgement.judge().destinations().to_vec();
    let proof = new.compile(destinations.clone()).prove();
    if !proof.mistakes.is_empty() {
        return Found::Wrong(proof.mistakes.iter().map(ToString::to_string).collect());
    }
    let tried = new.test();
    let failed = tried.iter().filter(|result| !result.passed()).map(told_case);
    let Differences { found, complete } = ::policy::diff(in_force.judgement.policy(), &new, &destinations);
    let count = |change: Change| found.iter().filter(|it| Change::of(it) == change).count() as u64;
    let mut differences: Vec<Told> = found.iter().map(|difference| Told::of(difference, language)).collect();
    differences.sort();
    differences.truncate(SHOWN_MAX);
    Found::Read(Compared {
        cases: tried.len() as u64,
        passed: tried.iter().filter(|result| result.passed()).count() as u64,
        failed: failed.collect(),
        over: destinations.len() as u64,
        complete,
        all: found.len() as u64,
        opens: count(Change::Opens),
        closes: count(Change::Closes),
        differences,
    })
}

fn told_case(result: &CaseResult) -> (String, String) {
    (result.case.name.to_string(), result.wrong.join("; "))
}

impl Told {
    fn of(difference: &Difference, language: Language) -> Self {
        Self {
            change: Change::of(difference),
            when: difference.when.clone(),
            destinations: difference.destinations.iter().map(ToString::to_string).collect(),
            old: noticed(&difference.old, language),
            new: noticed(&difference.new, language),
        }
    }
}

/// What callers notice of an outcome.
fn noticed(outcome: &Outcome, language: Language) -> String {
    match outcome {
        Outcome::Permitted(terms) => {
            let permitted = language.text("jurisdictions-permitted");
            std::iter::once(permitted).chain(demanded(terms, language)).collect::<Vec<_>>().join("; ")
        }
        Outcome::Refused(_) => language.text("jurisdictions-refused"),
    }
}

fn demanded(terms: &Terms, language: Language) -> Vec<String> {
    let mut demanded = Vec::new();
    for (hide, message) in [(Hide::Mask, "jurisdictions-masked"), (Hide::Pseudonymise, "jurisdictions-pseudonymised")] {
        let kinds: Vec<&str> =
            terms.edits.iter().filter(|(_, how)| **how == hide).map(|(kind, _)| kind.as_ref()).collect();
        if !kinds.is_empty() {
            demanded.push(language.text_with(message, &[("kinds", &kinds.join(", "))]));
        }
    }
    if !terms.answer.is_empty() {
        demanded.push(language.text("jurisdictions-answer-masked"));
    }
    demanded.extend(terms.labels.iter().map(|label| language.text_with("jurisdictions-label", &[("label", label)])));
    if terms.review {
        demanded.push(language.text("jurisdictions-review"));
    }
    demanded
}
