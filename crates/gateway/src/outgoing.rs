//! Between deciding and sending: the request in the form in which each permitted place may have it. As it came, or with
//! findings masked or disguised, as the rules that permit the place demand; what cannot be hidden takes the place away.
//!
//! It must not know why something is to be hidden, nor where the places are.

use std::{collections::BTreeMap, sync::Arc};

use ::inspect::{Kind, language::Language, pseudonym::Map};
use ::policy::{Class, Hide, Terms};
use bytes::Bytes;

use crate::{
    app::App,
    contents::Contents,
    decide::{Decision, Place, Why},
    disguise::{self, CannotHide},
    error::ApiError,
    inspect::{ASIDE_BYTES_MIN, Facts, not_read},
    read::{Ask, Surface},
};

/// A request in the forms in which it may go out.
#[derive(Debug)]
pub(crate) struct Forms {
    /// What is known of the request beside its forms.
    pub(crate) asked: Asked,
    list: Vec<Outgoing>,
    /// Places that cannot have one, and why.
    without: Vec<(Place, CannotHide)>,
}

impl Forms {
    /// The form for the place that entries call so.
    pub(crate) fn of(&self, label: &str) -> Option<&Outgoing> {
        self.list.iter().find(|it| *it.place.link.label == *label)
    }

    /// The model asked for, where there is a form at all.
    pub(crate) fn model(&self) -> Option<&str> {
        self.list.first().map(|it| it.form.ask.model())
    }

    /// Why the place that entries call so cannot have one, if it cannot.
    pub(crate) fn without(&self, label: &str) -> Option<&CannotHide> {
        self.without.iter().find(|(place, _)| *place.link.label == *label).map(|(_, why)| why)
    }
}

/// What is known of a request, for whoever follows its answer.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// How sensitive it is.
    pub(crate) class: Class,
    /// What is spoken in it.
    pub(crate) language: Language,
    /// Size of the body.
    pub(crate) prompt_bytes: u64,
    /// Whether it asks for one plain text and nothing else.
    pub(crate) plain: bool,
    /// Who asks: the key's id.
    pub(crate) caller: Arc<str>,
}

impl Asked {
    pub(crate) fn of(facts: &Facts<'_>) -> Self {
        Self {
            class: facts.class,
            language: facts.contents.spoken(),
            prompt_bytes: facts.prompt_bytes,
            plain: facts.needs.is_empty() && facts.choices == 1 && facts.surface == Surface::Chat,
            caller: Arc::clone(&facts.caller.key_id),
        }
    }
}

/// A request as one place gets it.
#[derive(Debug)]
pub(crate) struct Outgoing {
    /// The place.
    pub(crate) place: Place,
    /// What it is sent.
    pub(crate) form: Arc<Form>,
}

impl Outgoing {
    /// Whether the place has the request as it is, and the caller its answer: nothing is hidden, brought back or masked.
    pub(crate) fn is_plain(&self) -> bool {
        self.form.hidden == 0 && self.form.map.is_none() && self.place.terms.answer.is_empty()
    }
}

/// One form of a request.
#[derive(Debug)]
pub(crate) struct Form {
    /// The request.
    pub(crate) ask: Arc<Ask>,
    /// What brings disguised originals back in the answer.
    pub(crate) map: Option<Map>,
    /// Findings that are hidden in it.
    pub(crate) hidden: u64,
    /// What was changed of what the caller sent, as words for `x-gwanmun-changed`.
    pub(crate) changed: Vec<&'static str>,
}

/// What must be hidden, and how: places that demand the same share a form.
type Edits = BTreeMap<Arc<str>, Hide>;

/// Makes each permitted place's form, with pseudonyms drawn from `key`. Places that cannot have one are taken out of the
/// decision. What takes long is done beside the road.
pub(crate) async fn prepare(
    decision: Decision,
    ask: Arc<Ask>,
    facts: &Facts<'_>,
    key: [u8; 32],
    app: &App,
) -> Result<(Decision, Forms), ApiError> {
    let is_long = ask.bytes.len() >= ASIDE_BYTES_MIN;
    let (contents, asked) = (Arc::clone(&facts.contents), Asked::of(facts));
    let work = move || forms(decision, ask, &contents, asked, &key);
    if is_long { app.aside("disguise", work).await.ok_or_else(not_read) } else { Ok(work()) }
}

/// The form of each place that `decision` permits, and the decision without those that cannot have one. Pure.
pub(crate) fn forms(
    decision: Decision,
    ask: Arc<Ask>,
    contents: &Contents,
    asked: Asked,
    key: &[u8; 32],
) -> (Decision, Forms) {
    let mut forms = Forms { asked, list: Vec::new(), without: Vec::new() };
    let Decision::Permitted(permitted) = decision else { return (decision, forms) };
    // A body that would be no request in NFC, such as one with two keys that are then alike, goes out as it came.
    let plain = if permitted.nfc() { in_nfc(&ask) } else { None };
    let plain = Arc::new(plain.unwrap_or(Form { ask, map: None, hidden: 0, changed: Vec::new() }));
    let mut made: Vec<(&Edits, Result<Arc<Form>, CannotHide>)> = Vec::new();
    for place in permitted.places() {
        let edits = &place.terms.edits;
        let known = made.iter().find(|(known, _)| *known == edits).map(|(_, form)| form.clone());
        let form = known.unwrap_or_else(|| {
            let form =
                if edits.is_empty() { Ok(Arc::clone(&plain)) } else { hidden(&plain, &place.terms, contents, key) };
            made.push((edits, form.clone()));
            form
        });
        match form {
            Ok(form) => forms.list.push(Outgoing { place: place.clone(), form }),
            Err(why) => forms.without.push((place.clone(), why)),
        }
    }
    let why = forms.without.first().map(|(place, why)| Why::CannotHide {
        rule: asking_rule(&place.terms, why, contents).cloned(),
        what: why.to_string(),
    });
    let decision = match why {
        None => Decision::Permitted(permitted),
        Some(why) => {
            let has_form = |place: &Place| forms.list.iter().any(|it| it.place.link == place.link);
            permitted.only(has_form, || why)
        }
    };
    (decision, forms)
}

/// The rule that asks for what cannot be hidden: for the kind that is in the way, or for anything that was found.
fn asking_rule<'t>(terms: &'t Terms, why: &CannotHide, contents: &Contents) -> Option<&'t Arc<str>> {
    let is_in_the_way = |found: &&Kind| match why {
        CannotHide::Place { kind, .. } => *found.name() == **kind,
        CannotHide::Again { .. } | CannotHide::TooMuch | CannotHide::Ambiguous | CannotHide::Form { .. } => true,
    };
    let names: Vec<_> = contents.kinds().filter(is_in_the_way).flat_map(Kind::names).collect();
    terms.rule_that_hides(names.iter().map(AsRef::as_ref))
}

fn in_nfc(ask: &Arc<Ask>) -> Option<Form> {
    let ask = ask.rewritten(disguise::nfc(&ask.bytes)?)?;
    Some(Form { ask: Arc::new(ask), map: None, hidden: 0, changed: vec!["nfc"] })
}

fn hidden(plain: &Arc<Form>, terms: &Terms, contents: &Contents, key: &[u8; 32]) -> Result<Arc<Form>, CannotHide> {
    let hide = |kind: &Kind| hides(terms, kind);
    // Findings have their places in the body that came: one that was brought into NFC is read again.
    let of_nfc = (plain.ask.bytes != contents.bytes()).then(|| contents.of(&plain.ask.bytes));
    let contents = of_nfc.as_ref().unwrap_or(contents);
    let done = disguise::disguise(contents, &plain.ask.bytes, hide, key)?;
    if done.hidden == 0 {
        return Ok(Arc::clone(plain));
    }
    let ask = rewritten(&plain.ask, done.bytes)?;
    let mut changed = plain.changed.clone();
    changed.push(if done.map.is_some() { "pseudonymised" } else { "masked" });
    Ok(Arc::new(Form { ask: Arc::new(ask), map: done.map, hidden: done.hidden, changed }))
}

/// How a finding of this kind must be hidden under these terms, if it must.
pub(crate) fn hides(terms: &Terms, kind: &Kind) -> Option<Hide> {
    let names: Vec<_> = kind.names().collect();
    terms.hides(names.iter().map(AsRef::as_ref))
}

/// A body that was rewritten is read as strictly as one that came.
fn rewritten(ask: &Ask, bytes: Bytes) -> Result<Ask, CannotHide> {
    ask.rewritten(bytes).ok_or_else(CannotHide::unreadable)
}
