//! Between deciding and sending: the request in the form in which each permitted place may have it. As it came, or with
//! findings masked or disguised, as the rules that permit the place demand; what cannot be hidden takes the place away.
//!
//! It must not know why something is to be hidden, nor where the places are.

use std::{collections::BTreeMap, sync::Arc};

use ::inspect::{Kind, pseudonym::Map};
use ::policy::{Class, Hide, Terms};
use bytes::Bytes;

use crate::{
    contents::Contents,
    decide::{Decision, Place, Why},
    disguise::{self, CannotHide},
    inspect::{ASIDE_BYTES_MIN, Facts},
    read::Ask,
    tasks::Tasks,
};

/// A request in the forms in which it may go out.
#[derive(Debug)]
pub(crate) struct Forms {
    /// The class of the request.
    pub(crate) class: Class,
    list: Vec<Outgoing>,
}

impl Forms {
    /// The form for the place that entries call so.
    pub(crate) fn of(&self, label: &str) -> Option<&Outgoing> {
        self.list.iter().find(|it| *it.place.link.label == *label)
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
/// decision.
pub(crate) async fn prepare(
    decision: Decision,
    ask: Arc<Ask>,
    facts: &Facts<'_>,
    key: [u8; 32],
    tasks: &Tasks,
) -> (Decision, Forms) {
    let is_long = ask.bytes.len() >= ASIDE_BYTES_MIN;
    let class = facts.class;
    let Decision::Permitted(permitted) = decision else { return (decision, Forms { class, list: Vec::new() }) };
    let plain = if permitted.nfc() { in_nfc(&ask) } else { None };
    let plain = Arc::new(plain.unwrap_or(Form { ask, map: None, hidden: 0, changed: Vec::new() }));
    let mut forms: Vec<(Edits, Result<Arc<Form>, CannotHide>)> = Vec::new();
    let mut list: Vec<Outgoing> = Vec::new();
    for place in permitted.places() {
        let edits = &place.terms.edits;
        let known = forms.iter().find(|(known, _)| known == edits).map(|(_, form)| form.clone());
        let form = match known {
            Some(form) => form,
            None if edits.is_empty() => Ok(Arc::clone(&plain)),
            None => {
                let (plain, terms, contents) =
                    (Arc::clone(&plain), Arc::clone(&place.terms), Arc::clone(&facts.contents));
                let hide = move || hidden(&plain, &terms, &contents, &key);
                // What takes long is done beside the road, so that others do not wait for it.
                let made = if is_long { tasks.blocking("disguise", hide).await } else { Some(hide()) };
                let made = made.unwrap_or_else(|| Err(CannotHide::unreadable()));
                forms.push((edits.clone(), made.clone()));
                made
            }
        };
        if let Ok(form) = form {
            list.push(Outgoing { place: place.clone(), form });
        }
    }
    let trouble = forms.into_iter().find_map(|(_, form)| form.err());
    let rule = permitted.places().first().and_then(|place| place.terms.rules.first().cloned());
    let has_form = |place: &Place| list.iter().any(|it| it.place.link == place.link);
    let why = || Why::CannotHide { rule, what: trouble.map_or_else(String::new, |trouble| trouble.to_string()) };
    (permitted.only(has_form, why), Forms { class, list })
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
