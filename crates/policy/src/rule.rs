//! A rule of a policy: its name, what it does, and what its annotations ask for. Must not know when it applies.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cedar_policy::pst::{self, Template};

use crate::condition::Condition;
use crate::mistakes::Found;
use crate::split::{Piece, position};
use crate::vocabulary::hint;
use crate::{Hide, Vocabulary};

/// What a rule does where it applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// It opens a destination, unless another rule forbids it.
    Permit,
    /// It closes a destination, whatever permits it.
    Forbid,
}

/// One rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its name, unique in its policy.
    pub id: Arc<str>,
    /// What it does.
    pub effect: Effect,
    /// A sentence for people.
    pub why: Option<Arc<str>>,
    /// The line on which it begins, counted from 1.
    pub line: usize,
    /// Its annotations as they stand in the file.
    pub annotations: BTreeMap<Arc<str>, Arc<str>>,
    pub(crate) code: Arc<str>,
    pub(crate) edit: Option<Hide>,
    /// What `edit` hides; never empty.
    pub(crate) kinds: BTreeSet<Arc<str>>,
    pub(crate) answer: bool,
    pub(crate) label: Option<Arc<str>>,
    pub(crate) review: bool,
    pub(crate) condition: Condition,
}

/// What callers are told where no rule says otherwise.
pub(crate) const NOT_PERMITTED: &str = "not_permitted";
/// Every kind of finding.
const ALL_KINDS: &str = "*";
const LONGEST: usize = 64;
const ANNOTATIONS: [&str; 8] = ["id", "why", "code", "edit", "kinds", "answer", "label", "review"];

impl Effect {
    /// As Cedar writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Permit => "permit",
            Self::Forbid => "forbid",
        }
    }
}

impl Rule {
    /// Reads what stands at the head of a rule; mistakes are told where their annotation stands.
    pub(crate) fn read(
        rule: &Template,
        condition: Condition,
        piece: Piece<'_>,
        words: &Vocabulary,
        found: &mut Found<'_>,
    ) -> Self {
        let effect = match rule.effect {
            pst::Effect::Permit => Effect::Permit,
            pst::Effect::Forbid => Effect::Forbid,
        };
        let annotations: BTreeMap<Arc<str>, Arc<str>> =
            rule.annotations.iter().map(|(key, text)| (Arc::from(key.as_str()), Arc::from(text.as_str()))).collect();
        let line = found.line(piece.at);
        let mut notes = Notes { annotations: &annotations, effect, piece, found };
        notes.known();
        let id = notes.id();
        let edit = notes.word(
            "edit",
            Effect::Permit,
            |word| match word {
                "mask" => Some(Hide::Mask),
                "pseudonymise" => Some(Hide::Pseudonymise),
                _ => None,
            },
            "`mask` or `pseudonymise`",
        );
        let kinds = notes.kinds(edit, words);
        let answer = notes.word("answer", Effect::Permit, |word| (word == "mask").then_some(()), "`mask`").is_some();
        let review = notes.word("review", Effect::Permit, |word| (word == "human").then_some(()), "`human`").is_some();
        let code = notes.name("code", Effect::Forbid, '_', "a-z 0-9 _");
        let label = notes.name("label", Effect::Permit, '-', "a-z 0-9 -");
        Self {
            id,
            effect,
            why: annotations.get("why").cloned(),
            line,
            code: code.unwrap_or_else(|| NOT_PERMITTED.into()),
            edit,
            kinds,
            answer,
            label,
            review,
            condition,
            annotations,
        }
    }
}

/// The annotations of one rule while they are read.
struct Notes<'a, 'f, 'x> {
    annotations: &'a BTreeMap<Arc<str>, Arc<str>>,
    effect: Effect,
    piece: Piece<'a>,
    found: &'f mut Found<'x>,
}

impl Notes<'_, '_, '_> {
    fn wrong(&mut self, key: &str, what: impl Into<String>) {
        let text = self.annotations.get(key).map(|text| format!("{key} {}", quoted(text)));
        let at = text.and_then(|text| position(self.piece.text, &text)).or_else(|| position(self.piece.text, key));
        self.found.add(self.piece.at + at.unwrap_or(0), what);
    }

    fn known(&mut self) {
        for key in self.annotations.keys() {
            if !ANNOTATIONS.contains(&&**key) {
                self.wrong(key, format!("there is no annotation `@{key}`{}", hint(key, ANNOTATIONS)));
            }
        }
    }

    fn id(&mut self) -> Arc<str> {
        match self.annotations.get("id") {
            None => {
                let what = format!("the rule needs a name: write `@id(\"…\")` before `{}`", self.effect.word());
                self.found.add(self.piece.at, what);
                Arc::from("")
            }
            Some(id) => {
                if !is_name(id, '-') {
                    self.wrong("id", format!("`@id` must be 1 to {LONGEST} of `a-z 0-9 -`, not `{id}`"));
                }
                id.clone()
            }
        }
    }

    /// The text of an annotation that only rules of one effect can have.
    fn of(&mut self, key: &'static str, effect: Effect) -> Option<Arc<str>> {
        let text = self.annotations.get(key)?.clone();
        if self.effect != effect {
            let (right, wrong) = (effect.word(), self.effect.word());
            self.wrong(key, format!("`@{key}` says nothing on a `{wrong}`: it belongs on a `{right}`"));
            return None;
        }
        Some(text)
    }

    fn word<T>(
        &mut self,
        key: &'static str,
        effect: Effect,
        read: impl Fn(&str) -> Option<T>,
        words: &str,
    ) -> Option<T> {
        let text = self.of(key, effect)?;
        let value = read(&text);
        if value.is_none() {
            self.wrong(key, format!("`@{key}` must be {words}, not `{text}`"));
        }
        value
    }

    fn name(&mut self, key: &'static str, effect: Effect, extra: char, letters: &str) -> Option<Arc<str>> {
        let text = self.of(key, effect)?;
        if !is_name(&text, extra) {
            self.wrong(key, format!("`@{key}` must be 1 to {LONGEST} of `{letters}`, not `{text}`"));
        }
        Some(text)
    }

    fn kinds(&mut self, edit: Option<Hide>, words: &Vocabulary) -> BTreeSet<Arc<str>> {
        let Some(text) = self.of("kinds", Effect::Permit) else { return BTreeSet::from([ALL_KINDS.into()]) };
        let has_edit = edit.is_some() || self.annotations.contains_key("edit");
        if !has_edit && !self.annotations.contains_key("answer") {
            self.wrong("kinds", "`@kinds` says nothing without `@edit` or `@answer`: add one, or take it away");
        }
        let kinds: BTreeSet<Arc<str>> = text.split_whitespace().map(Arc::from).collect();
        if kinds.is_empty() {
            self.wrong("kinds", "`@kinds` names nothing: leave it out to hide every kind");
        }
        for kind in kinds.iter().filter(|kind| !words.kinds.contains_key(&***kind)) {
            let near = hint(kind, words.kinds.keys().map(String::as_str));
            self.wrong("kinds", format!("there is no kind or group of findings `{kind}`{near}"));
        }
        kinds
    }
}

/// A text as Cedar's files hold it, for the plain ones that annotations are.
fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

fn is_name(text: &str, extra: char) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == extra;
    (1..=LONGEST).contains(&text.len()) && text.chars().all(fits)
}
