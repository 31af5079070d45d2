//! Step 4: all that the judge may know of a request: who asks, what it holds, how sensitive it is, what is needed, how large.
//!
//! Pure but for the memory of conversations. It must not know what the policy makes of it, nor where anything goes.

mod conversations;

use std::collections::BTreeMap;
use std::sync::Arc;

use ::policy::Class;
use http::{HeaderMap, HeaderName, StatusCode};
use wire::{error::Code, needs::Needed};

pub(crate) use conversations::Conversations;

use crate::{
    app::App,
    config::Registered,
    contents::Contents,
    error::ApiError,
    judge::{Chain, Judgement},
    keys::Caller,
    read::{Ask, Surface, Words},
};

/// By which a caller raises the class of a request, and is told of which it was.
pub(crate) const CLASS_HEADER: HeaderName = HeaderName::from_static("x-gwanmun-class");
/// By which a caller says that requests belong together.
const CONVERSATION_HEADER: HeaderName = HeaderName::from_static("x-gwanmun-conversation");
/// Characters of a conversation's name.
const CONVERSATION_BYTES_MAX: usize = 128;
/// A body longer than this is read beside the road, so that others do not wait for it: a quarter of a millisecond.
pub(crate) const ASIDE_BYTES_MIN: usize = 64 * 1024;

/// What the server knows of a request when it judges.
#[derive(Clone, Debug)]
pub(crate) struct Facts<'a> {
    /// Whose request it is.
    pub(crate) caller: &'a Caller,
    /// By which address it came.
    pub(crate) surface: Surface,
    /// The model asked for, as the caller spelt it.
    pub(crate) model: &'a str,
    /// What the request needs beyond text in and text out.
    pub(crate) needs: Vec<Needed>,
    /// What its texts hold.
    pub(crate) contents: Arc<Contents>,
    /// How sensitive it is.
    pub(crate) class: Class,
    /// What it is for, as registered; empty where nobody has said.
    pub(crate) purpose: Arc<str>,
    /// Where it is used, as registered.
    pub(crate) use_area: Arc<str>,
    /// Whether it decides over people, as registered.
    pub(crate) high_impact: bool,
    /// Size of the body; the prompt has at most as many tokens.
    pub(crate) prompt_bytes: u64,
    /// Tokens that each answer may have, where the caller says.
    pub(crate) answer_tokens_max: Option<u64>,
    /// Answers wanted.
    pub(crate) choices: u32,
    /// Answers made to choose them from.
    pub(crate) candidates: u64,
    /// Whether the answer is streamed.
    pub(crate) stream: bool,
    /// The conversation that the caller says it belongs to.
    pub(crate) conversation: Option<Arc<str>>,
}

/// What a caller declares of a request. It can make the rules stricter, never weaker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Declared {
    class: Option<Class>,
    conversation: Option<Arc<str>>,
}

impl Declared {
    /// Reads what the headers declare. Of several classes the highest counts: whoever stands between a caller and the gateway
    /// may add one, and must not be undone by the caller's own.
    pub(crate) fn read(headers: &HeaderMap) -> Result<Self, ApiError> {
        let texts = |name: &HeaderName| {
            let values = headers.get_all(name).into_iter();
            values.map(|value| value.to_str().unwrap_or_default().trim().to_owned()).collect::<Vec<_>>()
        };
        let mut class = None;
        for word in texts(&CLASS_HEADER) {
            let declared = word.parse::<Class>().map_err(|no| {
                let message = format!("`x-gwanmun-class` {no}");
                ApiError::field(Code::InvalidValue, message, CLASS_HEADER.as_str())
            })?;
            class = class.max(Some(declared));
        }
        let conversation = match texts(&CONVERSATION_HEADER).as_slice() {
            [] => None,
            [name] if (1..=CONVERSATION_BYTES_MAX).contains(&name.len()) => Some(name.as_str().into()),
            _ => {
                let message = format!(
                    "`x-gwanmun-conversation` must be one name of 1 to {CONVERSATION_BYTES_MAX} visible characters"
                );
                return Err(ApiError::field(Code::InvalidValue, message, CONVERSATION_HEADER.as_str()));
            }
        };
        Ok(Self { class, conversation })
    }
}

/// Gathers the facts of an admitted request.
pub(crate) async fn inspect<'a>(
    caller: &'a Caller,
    ask: &'a Ask,
    declared: &Declared,
    judgement: &Arc<Judgement>,
    app: &App,
) -> Result<Facts<'a>, ApiError> {
    let contents = Arc::new(contents(ask, judgement, app).await.ok_or_else(not_read)?);
    let mut facts = facts(caller, ask, contents, declared.class, judgement);
    if let Some(conversation) = &declared.conversation {
        facts.class = app.conversations().raise(&caller.team, conversation, facts.class);
        facts.conversation = Some(Arc::clone(conversation));
    }
    Ok(facts)
}

/// What the request holds is not known: it is not judged by half of it.
pub(crate) fn not_read() -> ApiError {
    let message = "what this request holds could not be read to its end, and without that nothing is sent";
    ApiError::gateway(StatusCode::INTERNAL_SERVER_ERROR, Code::InternalError, message)
}

/// Nothing where it could not be read to its end.
async fn contents(ask: &Ask, judgement: &Arc<Judgement>, app: &App) -> Option<Contents> {
    if ask.bytes.len() < ASIDE_BYTES_MIN {
        return Some(Contents::read(&ask.bytes, ask.surface(), judgement.identifiers()));
    }
    let (bytes, surface, aside) = (ask.bytes.clone(), ask.surface(), Arc::clone(judgement));
    app.aside("inspect", move || Contents::read(&bytes, surface, aside.identifiers())).await
}

/// The facts, of contents that are known. Pure.
pub(crate) fn facts<'a>(
    caller: &'a Caller,
    ask: &'a Ask,
    contents: Arc<Contents>,
    declared: Option<Class>,
    judgement: &Judgement,
) -> Facts<'a> {
    let mut facts = facts_of_contents(caller, ask.surface(), ask.model(), contents, judgement);
    facts.class = declared.map_or(facts.class, |declared| declared.max(facts.class));
    facts.needs = needs(&ask.words);
    facts.prompt_bytes = ask.bytes.len() as u64;
    facts.answer_tokens_max = ask.answer_tokens_max().map(u64::from);
    facts.choices = ask.choices();
    facts.candidates = ask.candidates().into();
    facts.stream = ask.streams();
    facts
}

/// The facts of a request that holds this and asks for nothing more than the model.
pub(crate) fn facts_of_contents<'a>(
    caller: &'a Caller,
    surface: Surface,
    model: &'a str,
    contents: Arc<Contents>,
    judgement: &Judgement,
) -> Facts<'a> {
    let registered = Registers::of(caller, judgement.chain(model), judgement);
    Facts {
        caller,
        surface,
        model,
        needs: Vec::new(),
        class: class(&registered, &contents, None, judgement).into_values().max().unwrap_or_default(),
        purpose: registered.word(|it| &it.purpose),
        use_area: registered.word(|it| &it.use_area),
        high_impact: registered.each().any(|it| it.high_impact),
        contents,
        prompt_bytes: 0,
        answer_tokens_max: None,
        choices: 1,
        candidates: 1,
        stream: false,
        conversation: None,
    }
}

/// What the server has registered of a request: of its route, its caller's key and team.
pub(crate) struct Registers<'a> {
    route: Option<&'a Registered>,
    key: &'a Registered,
    team: Option<&'a Registered>,
}

impl<'a> Registers<'a> {
    pub(crate) fn of(caller: &'a Caller, chain: Option<&'a Chain>, judgement: &'a Judgement) -> Self {
        let route = chain.map(|chain| &chain.registered);
        Self { route, key: &caller.registered, team: judgement.team(&caller.team) }
    }

    fn each(&self) -> impl Iterator<Item = &'a Registered> {
        self.route.into_iter().chain([self.key]).chain(self.team)
    }

    /// The nearest that says anything: the route, then the key, then the team.
    fn word(&self, of: impl Fn(&'a Registered) -> &'a Arc<str>) -> Arc<str> {
        self.each().map(of).find(|word| !word.is_empty()).cloned().unwrap_or_else(|| "".into())
    }

    /// The highest class that anything is registered with.
    fn class(&self) -> Option<Class> {
        self.each().filter_map(|it| it.class).max()
    }
}

/// Each class that counts, by what says it; the highest is the request's.
pub(crate) fn class(
    registered: &Registers<'_>,
    contents: &Contents,
    declared: Option<Class>,
    judgement: &Judgement,
) -> BTreeMap<&'static str, Class> {
    let classes = judgement.policy().classes();
    let names = contents.names();
    let counting = [
        ("registered", Some(registered.class().unwrap_or_else(|| classes.default()))),
        ("declared", declared),
        ("findings", classes.of_findings(names.iter().map(AsRef::as_ref))),
        ("unread", contents.unread().then(|| classes.unread())),
    ];
    counting.into_iter().filter_map(|(source, class)| Some((source, class?))).collect()
}

fn needs(words: &Words) -> Vec<Needed> {
    match words {
        Words::Chat(request) => request.needs(),
        Words::Completion(request) => request.needs(),
        Words::Embedding(request) => request.needs(),
    }
}

#[cfg(test)]
mod tests;
