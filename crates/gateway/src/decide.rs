//! Step 5: what policy says of the facts. Pure and total: no I/O, no clock, no failure; what nothing permits is refused.
//!
//! The policy is compiled ([`crate::judge`]); here its verdict is held against the chain of the model that was asked for and
//! against what the request needs. It must not know HTTP, nor how a destination is reached.

mod refusal;

use std::{fmt, sync::Arc, time::Duration};

use ::policy::{Action, Class, Denial, Outcome, Terms, Verdict};
use catalog::Capability;
use wire::{
    error::Code,
    needs::{Need, Needed},
};

use crate::{
    availability::{Cause, Outage},
    config::Registered,
    contents::Contents,
    inspect::Facts,
    judge::{Chain, Hashes, Judgement, Link, TENANT},
    keys::Caller,
    read::Surface,
};

/// What policy says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Decision {
    /// Nothing may answer.
    Refused(Refusal),
    /// These may.
    Permitted(Permitted),
}

/// Where a request may go. Made by [`decide`] only.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Permitted {
    model: Arc<str>,
    places: Vec<Place>,
    skipped: Vec<Skipped>,
    nfc: bool,
    tokens_worst: u64,
    hashes: Hashes,
}

/// A destination that is permitted, and under which terms.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Place {
    /// Where.
    pub(crate) link: Link,
    /// What the rules that permit it ask for.
    pub(crate) terms: Arc<Terms>,
}

/// A place that is permitted and that is not asked, because it cannot answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Skipped {
    /// What entries call it.
    pub(crate) label: Arc<str>,
    /// In what way it is sick.
    pub(crate) how: Sick,
}

/// In what way a place is sick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sick {
    /// It does not work now, and may again after so long.
    Outage(Outage, Duration),
    /// It has been taken away.
    Withdrawn(Cause),
}

/// That nothing may answer, and why.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    asked: String,
    skipped: Vec<Skipped>,
    /// The model asked for, where it is known.
    model: Option<Arc<str>>,
    why: Why,
    hashes: Hashes,
}

/// Why nothing may answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Why {
    /// No destination has the model; these can be asked for.
    UnknownModel(Vec<Arc<str>>),
    /// Destinations have the model, but policy permits none of them: what it says of the first.
    Forbidden {
        /// The policy's name.
        policy: Arc<str>,
        /// What it says.
        denial: Arc<Denial>,
        /// The class that the request has.
        class: Class,
    },
    /// It may go out only with something hidden that cannot be hidden.
    CannotHide {
        /// The rule that asks for it.
        rule: Option<Arc<str>>,
        /// What stands in the way.
        what: String,
    },
    /// Every permitted destination lacks what the request needs.
    Lacks(Needed),
    /// Every permitted destination is sick: the refusal names them. Said by [`crate::arrange`].
    Sick,
    /// It may take more tokens than a key may hold at once. Said by [`crate::reserve`].
    TooLong {
        /// What it may take.
        tokens: u64,
        /// What a key may hold.
        most: u64,
    },
    /// The key's other requests leave too few tokens for it. Said by [`crate::reserve`].
    Held {
        /// What it may take.
        tokens: u64,
        /// What the others hold.
        held: u64,
        /// What a key may hold.
        most: u64,
    },
}

/// Judges `facts`.
pub(crate) fn decide(facts: &Facts<'_>, judgement: &Judgement) -> Decision {
    let hashes = judgement.hashes();
    let refused = |model, why| {
        Decision::Refused(Refusal { asked: facts.model.to_owned(), skipped: Vec::new(), model, why, hashes })
    };
    let Some(chain) = judgement.chain(facts.model) else {
        return refused(None, Why::UnknownModel(models_for(facts.caller, judgement)));
    };
    let model = Arc::clone(&chain.model);
    let verdict = verdict(facts, judgement);
    let permitted: Vec<Place> = permitted(chain, &verdict).collect();
    if permitted.is_empty() {
        return refused(Some(model), forbidden(facts, chain, &verdict, judgement));
    }
    let lacking = permitted.iter().find_map(|place| lack(facts, &place.link)).cloned();
    let able: Vec<Place> = permitted.into_iter().filter(|place| lack(facts, &place.link).is_none()).collect();
    if let (Some(need), true) = (lacking, able.is_empty()) {
        return refused(Some(model), Why::Lacks(need));
    }
    // Where none can hold it, the first says so itself.
    let holds = |place: &Place| !is_surely_too_long(facts, &place.link);
    let places = if able.iter().any(holds) { able.into_iter().filter(holds).collect() } else { able };
    let tokens_worst = places.iter().map(|place| worst(facts, &place.link)).max().unwrap_or(0);
    Decision::Permitted(Permitted { model, places, skipped: Vec::new(), nfc: chain.nfc, tokens_worst, hashes })
}

/// What the request needs that the place is known not to have. Of one that nobody knows anything of it is left to the place to say.
fn lack<'f>(facts: &'f Facts<'_>, link: &Link) -> Option<&'f Needed> {
    let lacks = |needed: &&Needed| match (capability(needed.need), &link.capabilities) {
        _ if !link.serves(needed.need) => true,
        (Some(capability), Some(known)) => !known.contains(&capability),
        (Some(_), None) | (None, _) => false,
    };
    facts.needs.iter().find(lacks)
}

/// Whether no way of counting makes the prompt fit there: few tokens stand for more bytes than this, in any language.
fn is_surely_too_long(facts: &Facts<'_>, link: &Link) -> bool {
    const BYTES_A_TOKEN_MAX: u64 = 12;
    link.context_tokens.is_some_and(|context| facts.prompt_bytes / BYTES_A_TOKEN_MAX > context)
}

/// What the policy says, for each of the judge's destinations.
pub(crate) fn verdict(facts: &Facts<'_>, judgement: &Judgement) -> Arc<Verdict> {
    let names = facts.contents.names();
    let findings: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    let needs: Vec<&str> =
        facts.needs.iter().filter_map(|needed| capability(needed.need)).map(Capability::word).collect();
    judgement.judge().decide(&::policy::Facts {
        tenant: TENANT,
        team: &facts.caller.team,
        key: &facts.caller.key_id,
        action: facts.surface.action(),
        class: facts.class,
        findings: &findings,
        signals: facts.contents.signals(),
        needs: &needs,
        surface: facts.surface.name(),
        language: facts.contents.language(),
        purpose: &facts.purpose,
        use_area: &facts.use_area,
        high_impact: facts.high_impact,
        unread: facts.contents.unread(),
        stream: facts.stream,
        prompt_kib: facts.prompt_bytes.div_ceil(1024),
    })
}

/// What requests need for which the catalogue has a word, and that word: what a model must be able to do.
const CAPABILITIES: [(Need, Capability); 9] = [
    (Need::Tools, Capability::Tools),
    (Need::Images, Capability::Vision),
    (Need::AudioInput, Capability::Audio),
    (Need::AudioOutput, Capability::Audio),
    (Need::JsonObject, Capability::StructuredOutput),
    (Need::JsonSchema, Capability::StructuredOutput),
    (Need::Grammar, Capability::StructuredOutput),
    (Need::Reasoning, Capability::Reasoning),
    (Need::Embeddings, Capability::Embeddings),
];

fn capability(need: Need) -> Option<Capability> {
    CAPABILITIES.iter().find(|(there, _)| *there == need).map(|(_, capability)| *capability)
}

/// Everything that policies can be told that a request needs.
pub(crate) fn needs() -> impl Iterator<Item = Capability> {
    CAPABILITIES.iter().map(|(_, capability)| *capability)
}

fn permitted(chain: &Chain, verdict: &Verdict) -> impl Iterator<Item = Place> {
    chain.links.iter().filter_map(|link| {
        let terms = verdict.of(link.judged).and_then(Outcome::terms)?;
        Some(Place { link: link.clone(), terms: Arc::clone(terms) })
    })
}

/// What is said of the first destination that a rule forbids; of the first where none does.
fn forbidden(facts: &Facts<'_>, chain: &Chain, verdict: &Verdict, judgement: &Judgement) -> Why {
    let denials: Vec<&Arc<Denial>> = chain.links.iter().filter_map(|link| denial(verdict.of(link.judged)?)).collect();
    let by_rule = denials.iter().find(|denial| denial.rule.is_some());
    match by_rule.or(denials.first()) {
        Some(denial) => {
            let policy = judgement.policy().name().into();
            Why::Forbidden { policy, denial: Arc::clone(denial), class: facts.class }
        }
        None => nothing(facts, judgement),
    }
}

fn denial(outcome: &Outcome) -> Option<&Arc<Denial>> {
    match outcome {
        Outcome::Refused(denial) => Some(denial),
        Outcome::Permitted(_) => None,
    }
}

/// Nothing is said, so nothing is permitted.
fn nothing(facts: &Facts<'_>, judgement: &Judgement) -> Why {
    let denial = Denial { rule: None, code: Code::NotPermitted.word().into(), why: None };
    Why::Forbidden { policy: judgement.policy().name().into(), denial: Arc::new(denial), class: facts.class }
}

/// The models that `caller` may ask for: those to which a short plain request of his may go, of the least class that it can have.
pub(crate) fn models_for(caller: &Caller, judgement: &Judgement) -> Vec<Arc<str>> {
    offered(caller, judgement).map(|(chain, _)| Arc::clone(&chain.model)).collect()
}

/// As [`models_for`], with the first destination of each.
pub(crate) fn offered<'a>(caller: &'a Caller, judgement: &'a Judgement) -> impl Iterator<Item = (&'a Chain, Link)> {
    judgement.chains().iter().filter_map(move |chain| {
        let facts = Facts::of_nothing(caller, &chain.model, judgement);
        let verdict = verdict(&facts, judgement);
        let first = permitted(chain, &verdict).next()?;
        Some((chain, first.link))
    })
}

impl<'a> Facts<'a> {
    /// Of a short request that asks for nothing but the model.
    fn of_nothing(caller: &'a Caller, model: &'a str, judgement: &'a Judgement) -> Self {
        let contents = Arc::new(Contents::default());
        let facts = crate::inspect::facts_of_contents(caller, Surface::Chat, model, contents, judgement);
        Self { prompt_bytes: 1, ..facts }
    }
}

impl Judgement {
    /// What the policy says of a short request of this class in which nothing is found, for the chain's model, by a caller of
    /// that team (of none that anything names, without one).
    pub fn plain(&self, chain: &Chain, team: Option<&Arc<str>>, class: Class, action: Action) -> Arc<Verdict> {
        let nobody: Arc<str> = "".into();
        let team = Arc::clone(team.unwrap_or(&nobody));
        let (key_id, name) = (Arc::clone(&nobody), nobody);
        let caller = Caller { key_id, name, team, registered: Registered::default() };
        let mut facts = Facts::of_nothing(&caller, &chain.model, self);
        facts.class = class;
        if action == Action::Embed {
            facts.surface = Surface::Embeddings;
            facts.needs = vec![Needed { need: Need::Embeddings, param: "input".to_owned() }];
        }
        verdict(&facts, self)
    }
}

/// The most tokens that an answer from there can take. A byte of text is at most one token; a context holds no more than
/// it holds.
fn worst(facts: &Facts<'_>, link: &Link) -> u64 {
    let most = link.context_tokens.unwrap_or(u64::MAX);
    let answer = facts.answer_tokens_max.or(link.answer_tokens_default).unwrap_or(0);
    facts.prompt_bytes.saturating_add(answer).min(most).saturating_mul(facts.candidates)
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.how {
            Sick::Outage(outage, _) => write!(f, "{} (outage: {})", self.label, outage.word()),
            Sick::Withdrawn(cause) => write!(f, "{} (withdrawn: {})", self.label, cause.word()),
        }
    }
}

impl Permitted {
    /// The model asked for.
    pub(crate) fn model(&self) -> &Arc<str> {
        &self.model
    }

    /// Where the request may go, in order; never empty.
    pub(crate) fn places(&self) -> &[Place] {
        &self.places
    }

    /// Those that are permitted too and are not asked.
    pub(crate) fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// Whether its texts are brought into NFC.
    pub(crate) fn nfc(&self) -> bool {
        self.nfc
    }

    /// Tokens that the answer can take at worst, prompt included.
    pub(crate) fn tokens_worst(&self) -> u64 {
        self.tokens_worst
    }

    /// What permitted it.
    pub(crate) fn hashes(&self) -> Hashes {
        self.hashes
    }

    /// Only these of its places, in its order; a refusal where none is left. A permission can be narrowed, never widened.
    pub(crate) fn only(mut self, wanted: impl Fn(&Place) -> bool, why: impl FnOnce() -> Why) -> Decision {
        self.places.retain(wanted);
        if self.places.is_empty() { Decision::Refused(self.refused(why())) } else { Decision::Permitted(self) }
    }

    /// Its places in this order, those that `order` leaves out being `skipped`; a refusal where it leaves out all. An order can
    /// only name places that are permitted, each once.
    pub(crate) fn arranged(mut self, order: &[usize], skipped: Vec<Skipped>) -> Decision {
        self.skipped.extend(skipped);
        let mut places: Vec<Option<Place>> = std::mem::take(&mut self.places).into_iter().map(Some).collect();
        self.places = order.iter().filter_map(|index| places.get_mut(*index)?.take()).collect();
        if self.places.is_empty() { Decision::Refused(self.refused(Why::Sick)) } else { Decision::Permitted(self) }
    }

    /// What was permitted cannot be done: nothing may answer after all.
    pub(crate) fn refused(self, why: Why) -> Refusal {
        Refusal {
            asked: self.model.to_string(),
            skipped: self.skipped,
            model: Some(self.model),
            why,
            hashes: self.hashes,
        }
    }
}

#[cfg(test)]
mod tests;
