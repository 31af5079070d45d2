//! Why a request would go where: the same reading, the same facts, the same decision as on the road, told instead of done.
//! Nothing is recorded and nothing sent.

use std::{collections::BTreeMap, fmt, sync::Arc};

use ::policy::{Class, Hide, Outcome, Terms};
use bytes::Bytes;

use super::{Judgement, Link};
use crate::{
    config::Registered,
    contents::{Contents, Found},
    decide::{Decision, Refusal, decide, verdict},
    disguise::disguise,
    error::ApiError,
    inspect::{Facts, Registers, class, facts},
    keys::Caller,
    outgoing::{Asked, Forms, forms, hides},
    read::{Ask, Surface},
};

/// What is asked about: a request, as somebody would send it.
#[derive(Clone, Debug)]
pub struct Question {
    /// The body of a `POST /v1/chat/completions`; without `messages` but with a `prompt`, of a `POST /v1/completions`, with an
    /// `input` of a `POST /v1/embeddings`.
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
    /// `chat`, `completions` or `embeddings`.
    pub surface: &'static str,
    /// The model asked for.
    pub model: String,
    /// The request's class.
    pub class: Class,
    /// Each class that counts, by what says it: `registered` or, where nobody has registered any, `default`; `declared`,
    /// `findings`, `unread`.
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

/// One finding. Its `Debug` shows no text.
#[derive(Clone, PartialEq, Eq)]
pub struct FoundIn {
    /// The kind of words it stands in (`message`, `tool_input`, …).
    pub place: &'static str,
    /// Its kind.
    pub kind: String,
    /// `checked`, `context` or `form`.
    pub strength: &'static str,
    /// What was found: the caller's words, for those alone who may see them.
    pub text: String,
}

/// A body with something hidden. Its `Debug` shows no text.
#[derive(Clone, PartialEq, Eq)]
pub struct Hidden {
    /// How many findings are hidden.
    pub count: u64,
    /// The body as it would be sent. The pseudonyms of a real request are others.
    pub body: String,
    /// The same with everything else that was found masked, so that nothing found is in it; none where that cannot be.
    pub shown: Option<String>,
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
    /// Where it may go there only with something hidden: what would be sent, or why that cannot be.
    pub hidden: Option<Result<Hidden, String>>,
}

impl Judgement {
    /// What would come of `question`.
    ///
    /// # Errors
    /// Where its body is no request.
    pub fn explain(&self, question: &Question) -> Result<Explained, ApiError> {
        let ask = Arc::new(Ask::alone(surface(&question.body), question.body.clone())?);
        let registered = question.registered.clone();
        let (key_id, team) = (Arc::clone(&question.key), Arc::clone(&question.team));
        let caller = Caller { name: Arc::clone(&key_id), key_id, team, registered };
        let contents = Arc::new(Contents::read(&ask.bytes, ask.surface(), self.identifiers()));
        let because = self.because(&caller, ask.model(), &contents, question.declared);
        let facts = facts(&caller, &ask, contents, question.declared, self);
        // Pseudonyms of an explanation are nobody's: any key does.
        let (decision, forms) =
            forms(decide(&facts, self), Arc::clone(&ask), &facts.contents, Asked::of(&facts), &[0; 32]);
        let steps: Vec<Step> = self.steps(&facts, &forms);
        let (permitted, refused) = match decision {
            Decision::Permitted(permitted) => {
                (permitted.places().iter().map(|place| Arc::clone(&place.link.label)).collect(), None)
            }
            Decision::Refused(refusal) => (Vec::new(), Some(told(&refusal))),
        };
        Ok(Explained {
            surface: ask.surface().name(),
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

    /// Each class that counts; that of the policy itself is told as its default.
    fn because(
        &self,
        caller: &Caller,
        model: &str,
        contents: &Contents,
        declared: Option<Class>,
    ) -> BTreeMap<&'static str, Class> {
        let chain = self.chain(model);
        let registered = chain.map(|chain| &chain.registered).into_iter().chain([&caller.registered]);
        let is_registered = registered.chain(self.team(&caller.team)).any(|it| it.class.is_some());
        let mut because = class(&Registers::of(caller, chain, self), contents, declared, self);
        if let Some(class) = because.remove("registered") {
            because.insert(if is_registered { "registered" } else { "default" }, class);
        }
        because
    }

    fn steps(&self, facts: &Facts<'_>, forms: &Forms) -> Vec<Step> {
        let Some(chain) = self.chain(facts.model) else { return Vec::new() };
        let verdict = verdict(facts, self);
        let step = |link: &Link| {
            let outcome = verdict.of(link.judged)?.clone();
            let lacks = facts.needs.iter().find(|needed| !link.serves(needed.need)).map(|needed| needed.need.word());
            let terms = outcome.terms().filter(|terms| !terms.edits.is_empty());
            let hidden = terms.and_then(|terms| hidden(&facts.contents, terms, forms, &link.label));
            Some(Step { link: link.clone(), outcome, lacks, hidden })
        };
        chain.links.iter().filter_map(step).collect()
    }
}

fn told(refusal: &Refusal) -> (String, Option<Arc<str>>, String) {
    (refusal.reason().to_owned(), refusal.rule().cloned(), refusal.to_string())
}

/// By which address a body like that comes.
fn surface(body: &Bytes) -> Surface {
    let parsed = serde_json::from_slice::<serde_json::Value>(body);
    let has = |key: &str| parsed.as_ref().is_ok_and(|body| body.get(key).is_some());
    match (has("messages"), has("prompt"), has("input")) {
        (false, true, _) => Surface::Completions,
        (false, false, true) => Surface::Embeddings,
        _ => Surface::Chat,
    }
}

/// What would be sent there, or why that cannot be; nothing where it is not asked for another reason.
fn hidden(contents: &Contents, terms: &Terms, forms: &Forms, label: &str) -> Option<Result<Hidden, String>> {
    if let Some(why) = forms.without(label) {
        return Some(Err(why.to_string()));
    }
    let form = &forms.of(label)?.form;
    let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
    let all = |kind: &::inspect::Kind| hides(terms, kind).or(Some(Hide::Mask));
    let shown = disguise(contents, contents.bytes(), all, &[0; 32]).ok().map(|shown| text(&shown.bytes));
    Some(Ok(Hidden { count: form.hidden, body: text(&form.ask.bytes), shown }))
}

fn found(contents: &Contents) -> Vec<FoundIn> {
    contents.found().iter().flat_map(|leaf| of_leaf(leaf, contents.bytes())).collect()
}

/// The findings of one string, with what they found.
fn of_leaf(leaf: &Found, body: &Bytes) -> Vec<FoundIn> {
    let outer = decoded(body.get(leaf.at.token.clone()).unwrap_or_default());
    let words = match &leaf.at.inner {
        Some(inner) => decoded(outer.get(inner.clone()).unwrap_or_default().as_bytes()),
        None => outer,
    };
    let told = |finding: &::inspect::Finding| FoundIn {
        place: leaf.at.place.word(),
        kind: finding.kind.name().into_owned(),
        strength: match finding.strength {
            ::inspect::Strength::Form => "form",
            ::inspect::Strength::Context => "context",
            ::inspect::Strength::Checked => "checked",
        },
        text: words.get(finding.range.clone()).unwrap_or_default().to_owned(),
    };
    leaf.findings.iter().map(told).collect()
}

/// A JSON string without its quotes and escapes; a number as it stands.
fn decoded(token: &[u8]) -> String {
    serde_json::from_slice(token).unwrap_or_else(|_| String::from_utf8_lossy(token).into_owned())
}

impl fmt::Debug for FoundIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in a {} ({})", self.kind, self.place, self.strength)
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hidden").field("count", &self.count).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
