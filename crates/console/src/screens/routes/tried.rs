//! A dry run as it is shown: what is known of the request, and for each place why it would be asked or not. Plain values.

use std::sync::Arc;

use gateway::judge::{Explained, FoundIn, Judgement, Step};
use policy::{Class, Destination, Hide, Outcome, Terms};
use serde_json::{Map, Value, json};

use super::chains::{Axis, Now};
use crate::site::Stand;

/// What would become of a request.
pub(super) struct Tried {
    pub(super) surface: &'static str,
    pub(super) model: String,
    pub(super) team: Arc<str>,
    pub(super) class: Class,
    pub(super) because: Vec<(&'static str, Class)>,
    pub(super) found: Vec<Finding>,
    pub(super) signals: Vec<&'static str>,
    /// A BCP 47 tag; none where it cannot be told.
    pub(super) language: Option<&'static str>,
    pub(super) unread: bool,
    pub(super) registered: Vec<(&'static str, Arc<str>)>,
    pub(super) high_impact: bool,
    pub(super) needs: Vec<String>,
    pub(super) places: Vec<Place>,
    /// Those that would be asked now, in the chain's order.
    pub(super) asked: Vec<Arc<str>>,
    /// Of a refusal: the code, the rule, and what the caller is told.
    pub(super) refused: Option<(String, Option<Arc<str>>, String)>,
}

/// What was found, and how often.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) kind: String,
    pub(super) place: &'static str,
    pub(super) strength: &'static str,
    pub(super) text: String,
    pub(super) count: u64,
}

/// What is said of one place.
pub(super) struct Place {
    pub(super) label: Arc<str>,
    pub(super) local: bool,
    pub(super) processed_in: Axis,
    pub(super) controlled_by: Axis,
    pub(super) state: Now,
    pub(super) fate: Fate,
    /// The rules that permit, or the one that forbids, each with the reason that it gives.
    pub(super) rules: Vec<(Arc<str>, Option<Arc<str>>)>,
    pub(super) terms: Asks,
    /// How many findings are hidden, and the body as it would be sent.
    pub(super) hidden: Option<(u64, String)>,
}

/// What becomes of a request there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It would be asked.
    Asked,
    /// Policy permits it; it is withdrawn or does not work now.
    Skipped,
    /// Policy permits it; it lacks what the request needs.
    Lacks(&'static str),
    /// Policy permits it with something hidden that cannot be hidden.
    CannotHide(String),
    /// Policy permits it; it is not asked for another reason, which the refusal says.
    NotAsked,
    /// A rule forbids it, or none permits it: the code that callers are told.
    Refused(Arc<str>),
}

/// What a permission asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Asks {
    pub(super) masked: Vec<Arc<str>>,
    pub(super) pseudonymised: Vec<Arc<str>>,
    pub(super) answer: Vec<Arc<str>>,
    pub(super) labels: Vec<Arc<str>>,
    pub(super) review: bool,
}

impl Fate {
    /// Ends the names of messages.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Skipped => "skipped",
            Self::Lacks(_) => "lacks",
            Self::CannotHide(_) => "cannot-hide",
            Self::NotAsked => "not-asked",
            Self::Refused(_) => "refused",
        }
    }

    /// The class of its mark.
    pub(super) fn mark(&self) -> &'static str {
        match self {
            Self::Asked => "good",
            Self::Skipped => "warn",
            Self::Lacks(_) | Self::CannotHide(_) | Self::NotAsked | Self::Refused(_) => "bad",
        }
    }
}

impl Tried {
    pub(super) fn new(
        it: &Explained,
        judgement: &Judgement,
        state: &dyn Fn(&Destination) -> Stand,
        team: &Arc<str>,
    ) -> Self {
        let places: Vec<Place> = it.steps.iter().filter_map(|step| place(step, it, judgement, state)).collect();
        let asked = places.iter().filter(|place| place.fate == Fate::Asked).map(|place| Arc::clone(&place.label));
        let registered = [("purpose", &it.purpose), ("use-area", &it.use_area)];
        let registered = registered.into_iter().filter(|(_, word)| !word.is_empty());
        Self {
            surface: it.surface,
            model: it.model.clone(),
            team: Arc::clone(team),
            class: it.class,
            because: it.because.iter().map(|(source, class)| (*source, *class)).collect(),
            found: counted(&it.found),
            signals: it.signals.clone(),
            language: Some(it.language).filter(|language| *language != "unknown"),
            unread: it.unread,
            registered: registered.map(|(name, word)| (name, Arc::clone(word))).collect(),
            high_impact: it.high_impact,
            needs: it.needs.iter().map(|(need, param)| format!("{need} ({param})")).collect(),
            asked: asked.collect(),
            places,
            refused: it.refused.clone(),
        }
    }
}

fn place(step: &Step, it: &Explained, judgement: &Judgement, state: &dyn Fn(&Destination) -> Stand) -> Option<Place> {
    let judged = judgement.judge().destinations().get(step.link.judged)?;
    let state = state(judged);
    let fate = fate(step, it.permitted.contains(&step.link.label), state.is_ready());
    let (rules, terms) = match &step.outcome {
        Outcome::Permitted(terms) => (terms.rules.clone(), asks(terms)),
        Outcome::Refused(denial) => (denial.rule.iter().cloned().collect(), Asks::default()),
    };
    let why = |rule: &str| judgement.policy().rules().iter().find(|known| *known.id == *rule)?.why.clone();
    let hidden = step.hidden.as_ref().and_then(|form| form.as_ref().ok()).filter(|hidden| hidden.count > 0);
    Some(Place {
        label: Arc::clone(&step.link.label),
        local: step.link.local,
        processed_in: Axis::of(&judged.processed_in),
        controlled_by: Axis::of(&judged.controlled_by),
        state: Now::of(&state),
        fate,
        rules: rules.into_iter().map(|rule| (Arc::clone(&rule), why(&rule))).collect(),
        terms,
        hidden: hidden.map(|hidden| (hidden.count, laid_out(&hidden.body))),
    })
}

fn fate(step: &Step, permitted: bool, ready: bool) -> Fate {
    match &step.outcome {
        Outcome::Refused(denial) => Fate::Refused(Arc::clone(&denial.code)),
        Outcome::Permitted(_) => match (&step.lacks, &step.hidden) {
            (Some(lacks), _) => Fate::Lacks(lacks),
            (None, Some(Err(why))) => Fate::CannotHide(why.clone()),
            (None, _) if !permitted => Fate::NotAsked,
            (None, _) if !ready => Fate::Skipped,
            (None, _) => Fate::Asked,
        },
    }
}

fn asks(terms: &Terms) -> Asks {
    let hidden = |wanted: Hide| {
        let kinds = terms.edits.iter().filter(move |(_, hide)| **hide == wanted);
        kinds.map(|(kind, _)| Arc::clone(kind)).collect()
    };
    Asks {
        masked: hidden(Hide::Mask),
        pseudonymised: hidden(Hide::Pseudonymise),
        answer: terms.answer.clone(),
        labels: terms.labels.clone(),
        review: terms.review,
    }
}

/// Equal findings once, in the order of the request.
fn counted(found: &[FoundIn]) -> Vec<Finding> {
    let mut all: Vec<Finding> = Vec::new();
    for one in found {
        let same = |known: &&mut Finding| {
            (known.kind == one.kind && known.text == one.text)
                && (known.place == one.place && known.strength == one.strength)
        };
        match all.iter_mut().find(same) {
            Some(known) => known.count += 1,
            None => all.push(Finding {
                kind: one.kind.clone(),
                place: one.place,
                strength: one.strength,
                text: one.text.clone(),
                count: 1,
            }),
        }
    }
    all
}

/// JSON with a line for each thing.
fn laid_out(body: &str) -> String {
    let parsed = serde_json::from_str::<Value>(body).ok();
    parsed.and_then(|body| serde_json::to_string_pretty(&body).ok()).unwrap_or_else(|| body.to_owned())
}

/// The request that was meant: what was pasted, where it is one, otherwise a user who says it. The model is the one chosen; without,
/// the request's own, and without that `first`.
pub(super) fn body(text: &str, model: Option<&str>, first: &str) -> String {
    let is_request =
        |body: &Map<String, Value>| ["messages", "prompt", "input"].iter().any(|key| body.contains_key(*key));
    let whole = serde_json::from_str::<Map<String, Value>>(text).ok().filter(is_request);
    // Read as it came, so that what is wrong with it is told as its caller would be told.
    if model.is_none() && whole.as_ref().is_some_and(|body| body.contains_key("model")) {
        return text.to_owned();
    }
    let said = || Map::from_iter([("messages".to_owned(), json!([{ "role": "user", "content": text }]))]);
    let mut body = whole.unwrap_or_else(said);
    body.insert("model".to_owned(), model.unwrap_or(first).into());
    Value::Object(body).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_what_a_user_says_and_a_request_stays_one() {
        let read = |text, model| serde_json::from_str::<Value>(&body(text, model, "first")).unwrap();
        assert_eq!(
            read("hello {", None),
            json!({ "model": "first", "messages": [{ "role": "user", "content": "hello {" }] })
        );
        let whole = r#"{"model":"own","prompt":"x"}"#;
        assert_eq!(body(whole, None, "first"), whole);
        assert_eq!(read(whole, Some("other"))["model"], "other");
        assert_eq!(read(r#"{"input":"x"}"#, None), json!({ "model": "first", "input": "x" }));
        // JSON that is no request is something that somebody says.
        assert_eq!(read(r#"{"a":1}"#, None)["messages"][0]["content"], r#"{"a":1}"#);
    }

    #[test]
    fn what_is_found_twice_is_counted() {
        let found = |text: &str| FoundIn {
            place: "message",
            kind: "email".to_owned(),
            strength: "form",
            text: text.to_owned(),
        };
        let counted = counted(&[found("a@b.kr"), found("c@d.kr"), found("a@b.kr")]);
        let told: Vec<_> = counted.iter().map(|one| (&*one.text, one.count)).collect();
        assert_eq!(told, [("a@b.kr", 2), ("c@d.kr", 1)]);
    }
}
