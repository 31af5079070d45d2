//! Why a request would go where: the same reading, the same facts, the same decision as on the road, told instead of done.
//! Nothing is recorded and nothing sent.

use std::{collections::BTreeMap, sync::Arc};

use ::policy::{Class, Outcome};
use bytes::Bytes;

use super::{Judgement, Link};
use crate::{
    config::Registered,
    contents::Contents,
    decide::{Decision, Refusal, decide, verdict},
    disguise::disguise,
    error::ApiError,
    inspect::{Facts, Registers, class, facts},
    keys::Caller,
    outgoing::hides,
    read::{Ask, Surface},
};

/// What is asked about: a chat request, as somebody would send it.
#[derive(Clone, Debug)]
pub struct Question {
    /// The body of a `POST /v1/chat/completions`.
    pub body: Bytes,
    /// The caller's key, by its id; any text where there is none.
    pub key: Arc<str>,
    /// The caller's team.
    pub team: Arc<str>,
    /// What the key is registered with.
    pub registered: Registered,
    /// The class that the caller declares.
    pub declared: Option<Class>,
}

/// What would come of it.
#[derive(Clone, Debug)]
pub struct Explained {
    /// The model asked for.
    pub model: String,
    /// The request's class.
    pub class: Class,
    /// Each class that counts, by what says it: `registered`, `declared`, `findings`, `unread`.
    pub because: BTreeMap<&'static str, Class>,
    /// What was found, in the order of the body.
    pub found: Vec<FoundIn>,
    /// Names of the signals of prompt injection.
    pub signals: Vec<&'static str>,
    /// The language of most of it, or `unknown`.
    pub language: &'static str,
    /// Whether it holds what is not read.
    pub unread: bool,
    /// As registered.
    pub purpose: Arc<str>,
    /// As registered.
    pub use_area: Arc<str>,
    /// As registered.
    pub high_impact: bool,
    /// What it needs beside text, and the field that shows it.
    pub needs: Vec<(&'static str, String)>,
    /// Each destination of the model's chain, in order; empty where nobody has the model.
    pub steps: Vec<Step>,
    /// Names of the destinations that would be asked, in order; empty where it is refused.
    pub permitted: Vec<Arc<str>>,
    /// Of a refusal: the code, the rule, and the words that the caller is told.
    pub refused: Option<(String, Option<Arc<str>>, String)>,
}

/// One finding, without its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundIn {
    /// The kind of words it stands in (`message`, `tool_input`, …).
    pub place: &'static str,
    /// Its kind.
    pub kind: String,
    /// `checked`, `context` or `form`.
    pub strength: &'static str,
}

/// What is said of one destination.
#[derive(Clone, Debug)]
pub struct Step {
    /// The destination.
    pub link: Link,
    /// What the policy says.
    pub outcome: Outcome,
    /// What the request needs and it lacks.
    pub lacks: Option<&'static str>,
    /// Where it may go there only with something hidden: how many findings, and the body as it would be sent; or why that
    /// cannot be.
    pub hidden: Option<Result<(u64, String), String>>,
}

impl Judgement {
    /// What would come of `question`.
    ///
    /// # Errors
    /// Where its body is no request.
    pub fn explain(&self, question: &Question) -> Result<Explained, ApiError> {
        let ask = Ask::alone(Surface::Chat, question.body.clone())?;
        let registered = question.registered.clone();
        let (key_id, team) = (Arc::clone(&question.key), Arc::clone(&question.team));
        let caller = Caller { name: Arc::clone(&key_id), key_id, team, registered };
        let contents = Arc::new(Contents::read(&ask.bytes, Surface::Chat, self.identifiers()));
        let because = class(&Registers::of(&caller, self.chain(ask.model()), self), &contents, question.declared, self);
        let facts = facts(&caller, &ask, contents, question.declared, self);
        let steps: Vec<Step> = self.steps(&facts);
        let (permitted, refused) = match decide(&facts, self) {
            Decision::Permitted(permitted) => {
                let can = |label: &Arc<str>| steps.iter().any(|step| step.link.label == *label && step.can_be_sent());
                let labels = permitted.places().iter().map(|place| Arc::clone(&place.link.label));
                (labels.filter(can).collect(), None)
            }
            Decision::Refused(refusal) => (Vec::new(), Some(told(&refusal))),
        };
        Ok(Explained {
            model: ask.model().to_owned(),
            class: facts.class,
            because,
            found: found(&facts.contents),
            signals: facts.contents.signals().to_vec(),
            language: facts.contents.language(),
            unread: facts.contents.unread(),
            purpose: Arc::clone(&facts.purpose),
            use_area: Arc::clone(&facts.use_area),
            high_impact: facts.high_impact,
            needs: facts.needs.iter().map(|needed| (needed.need.word(), needed.param.clone())).collect(),
            steps,
            permitted,
            refused,
        })
    }

    fn steps(&self, facts: &Facts<'_>) -> Vec<Step> {
        let Some(chain) = self.chain(facts.model) else { return Vec::new() };
        let verdict = verdict(facts, self);
        let step = |link: &Link| {
            let outcome = verdict.of(link.judged)?.clone();
            let lacks = facts.needs.iter().find(|_| !link.understands_everything).map(|needed| needed.need.word());
            let hidden = outcome.terms().filter(|terms| !terms.edits.is_empty()).map(|terms| {
                let hide = |kind: &::inspect::Kind| hides(terms, kind);
                // Pseudonyms of an explanation are nobody's: any key does.
                let done = disguise(&facts.contents, facts.contents.bytes(), hide, &[0; 32]);
                done.map(|done| (done.hidden, String::from_utf8_lossy(&done.bytes).into_owned()))
                    .map_err(|why| why.to_string())
            });
            Some(Step { link: link.clone(), outcome, lacks, hidden })
        };
        chain.links.iter().filter_map(step).collect()
    }
}

impl Step {
    fn can_be_sent(&self) -> bool {
        !matches!(self.hidden, Some(Err(_)))
    }
}

fn told(refusal: &Refusal) -> (String, Option<Arc<str>>, String) {
    (refusal.reason().to_owned(), refusal.rule().cloned(), refusal.to_string())
}

fn found(contents: &Contents) -> Vec<FoundIn> {
    let strength = |strength| match strength {
        ::inspect::Strength::Form => "form",
        ::inspect::Strength::Context => "context",
        ::inspect::Strength::Checked => "checked",
    };
    let each = contents.found().iter().flat_map(|leaf| leaf.findings.iter().map(|finding| (leaf.at.place, finding)));
    let told = each.map(|(place, finding)| FoundIn {
        place: place.word(),
        kind: finding.kind.name().into_owned(),
        strength: strength(finding.strength),
    });
    told.collect()
}
