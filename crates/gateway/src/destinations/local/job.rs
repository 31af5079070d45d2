//! From a request to jobs: the prompt through the model's own template, the sampling, the limits. What the model cannot do
//! is refused with the field's name; nothing is left out silently.

use std::sync::Arc;

use http::StatusCode;
use local_model::{
    CodecError, Continuation, Effort, Form, FormError, Job, Listener, LocalModel, Opened, Reasoning, Sampling, Token,
    Wanted,
};
use wire::{
    chat::ChatRequest,
    completion::{CompletionRequest, Prompt},
    error::Code,
};

use super::asked::{self, Asked};
use crate::{destinations::Errand, error::ApiError, read::Words, relay::Partial};

/// Text up to this size is made into tokens on the spot; more would hold up other requests of the same thread.
const ENCODE_AT_ONCE_BYTES_MAX: usize = 16 * 1024;

/// What is asked of the model: a job for each prompt.
pub(super) struct Order {
    /// The jobs, in the order of the prompts.
    pub(super) jobs: Vec<Job>,
    /// The prompts' own texts, where the answer is to begin with them; otherwise empty.
    pub(super) echo: Vec<String>,
    /// Listens to an answer of a chat; to each a copy of it.
    pub(super) listener: Option<Listener>,
}

/// What is to be made into tokens.
enum Source {
    Chat(Box<Asked>),
    Texts(Vec<String>),
    Tokens(Vec<Vec<Token>>),
}

/// Makes the order that `errand` asks for.
pub(super) async fn order(model: &LocalModel, errand: &Errand, answer_tokens_default: u32) -> Result<Order, ApiError> {
    let (template, source, echo) = match &errand.ask.words {
        Words::Chat(request) => {
            let mut asked = Asked::of(request, model.card().defaults.system.as_ref(), model.codec().dialect())?;
            if errand.continuing.is_some() {
                // What was begun are words of an answer: the reasoning before it is not told again.
                asked.conversation.effort = Some(Effort::None);
            }
            (of_chat(model, request, answer_tokens_default)?, Source::Chat(Box::new(asked)), false)
        }
        Words::Completion(request) => {
            (of_completion(model, request)?, prompts(&request.prompt), request.echo.unwrap_or(false))
        }
        Words::Embedding(_) => {
            let message = "this model makes no vectors: it answers in words";
            return Err(ApiError::field(Code::UnsupportedParameter, message, "input"));
        }
    };
    let echo = if echo { echoed(model, &source) } else { Vec::new() };
    let Encoded { prompts, form, listener } = encode(model, source).await?;
    let going_on = || Listener::going_on(*model.codec().dialect());
    let listener = if errand.continuing.is_some() { Some(going_on()) } else { listener };
    let in_messages = model.codec().dialect().messages.is_some();
    let job = |prompt| Job {
        caller: Arc::clone(&errand.caller),
        owner: Arc::clone(&errand.team),
        prompt,
        form: form.clone(),
        listener: listener.clone().filter(|_| in_messages),
        ..template.clone()
    };
    let mut jobs: Vec<Job> = prompts.into_iter().map(job).collect();
    if let (Some(partial), Some(job)) = (&errand.continuing, jobs.first_mut()) {
        go_on(model, partial, errand, job)?;
    }
    Ok(Order { jobs, echo, listener })
}

/// Makes of a job for a whole answer one that goes on with what was given, token by token: the model finds it begun, as if it
/// had said it itself.
fn go_on(model: &LocalModel, partial: &Partial, errand: &Errand, job: &mut Job) -> Result<(), ApiError> {
    let begun = Continuation::of(partial.text(), model.codec()).map_err(tokenizer_failed)?;
    if let Some(most) = errand.ask.answer_tokens_max() {
        let left = u64::from(most).saturating_sub(partial.tokens());
        job.answer_tokens_max = u32::try_from(left).unwrap_or(u32::MAX);
        if left == 0 {
            let message = "the answer broke off where its limit of tokens was reached";
            return Err(ApiError::gateway(StatusCode::BAD_GATEWAY, Code::AnswerInterrupted, message));
        }
    }
    let again = u32::try_from(begun.taken_back).unwrap_or(u32::MAX);
    job.answer_tokens_max = job.answer_tokens_max.saturating_add(again);
    job.prompt.extend(begun.tokens);
    job.begins_with = begun.begins_with;
    Ok(())
}

fn of_chat(model: &LocalModel, request: &ChatRequest, answer_tokens_default: u32) -> Result<Job, ApiError> {
    let defaults = &model.card().defaults;
    Ok(Job {
        caller: Arc::from(""),
        owner: Arc::from(""),
        prompt: Vec::new(),
        begins_with: Vec::new(),
        choices: request.choices(),
        answer_tokens_max: request.answer_tokens_max().unwrap_or(answer_tokens_default),
        sampling: Sampling {
            temperature: number(request.temperature, defaults.temperature.unwrap_or(1.0)),
            top_p: number(request.top_p, defaults.top_p.unwrap_or(1.0)),
            top_k: top_k(request.top_k),
            min_p: number(request.min_p, 0.0),
            frequency_penalty: number(request.frequency_penalty, 0.0),
            presence_penalty: number(request.presence_penalty, 0.0),
            repetition_penalty: number(request.repetition_penalty, 1.0),
            logit_bias: logit_bias(model, &request.logit_bias)?,
            seed: seed(request.seed)?,
        },
        stop: request.stop.to_vec(),
        form: None,
        listener: None,
        top_logprobs: request.logprobs_wanted(),
    })
}

fn of_completion(model: &LocalModel, request: &CompletionRequest) -> Result<Job, ApiError> {
    if request.answer_tokens_max() == 0 {
        let message = "`max_tokens` is `0`; this model needs at least 1 to answer with";
        return Err(ApiError::field(Code::UnsupportedValue, message, "max_tokens"));
    }
    let defaults = &model.card().defaults;
    Ok(Job {
        caller: Arc::from(""),
        owner: Arc::from(""),
        prompt: Vec::new(),
        begins_with: Vec::new(),
        choices: request.choices(),
        answer_tokens_max: request.answer_tokens_max(),
        sampling: Sampling {
            temperature: number(request.temperature, defaults.temperature.unwrap_or(1.0)),
            top_p: number(request.top_p, defaults.top_p.unwrap_or(1.0)),
            top_k: top_k(request.top_k),
            min_p: number(request.min_p, 0.0),
            frequency_penalty: number(request.frequency_penalty, 0.0),
            presence_penalty: number(request.presence_penalty, 0.0),
            repetition_penalty: number(request.repetition_penalty, 1.0),
            logit_bias: logit_bias(model, &request.logit_bias)?,
            seed: seed(request.seed)?,
        },
        stop: request.stop.to_vec(),
        form: None,
        listener: None,
        top_logprobs: request.logprobs,
    })
}

#[expect(clippy::cast_possible_truncation, reason = "within ±100 by the parse; single precision is what logits have")]
fn number(given: Option<f64>, default: f32) -> f32 {
    given.map_or(default, |number| number as f32)
}

/// 0 and −1 both mean all tokens.
fn top_k(given: Option<i32>) -> u32 {
    given.and_then(|count| u32::try_from(count).ok()).unwrap_or(0)
}

fn logit_bias(model: &LocalModel, given: &[(u32, f64)]) -> Result<Vec<(Token, f32)>, ApiError> {
    let vocabulary = model.capacity().vocabulary;
    let known = |token: u32| usize::try_from(token).is_ok_and(|token| token < vocabulary);
    if let Some((token, _)) = given.iter().find(|(token, _)| !known(*token)) {
        let message =
            format!("`logit_bias` names token `{token}`; this model has tokens 0 to {}", vocabulary.saturating_sub(1));
        return Err(ApiError::field(Code::InvalidValue, message, format!("logit_bias.{token}")));
    }
    Ok(given.iter().map(|&(token, bias)| (token, number(Some(bias), 0.0))).collect())
}

/// The caller's seed, or one by chance.
fn seed(given: Option<i64>) -> Result<u64, ApiError> {
    match given {
        Some(seed) => Ok(seed.cast_unsigned()),
        None => getrandom::u64().map_err(|error| {
            let message = "the system gives no random numbers";
            ApiError::gateway(StatusCode::INTERNAL_SERVER_ERROR, Code::InternalError, message).detail(error)
        }),
    }
}

fn prompts(prompt: &Prompt) -> Source {
    match prompt {
        Prompt::Text(_) | Prompt::Texts(_) => Source::Texts(prompt.texts().to_vec()),
        Prompt::Tokens(_) | Prompt::ManyTokens(_) => Source::Tokens(prompt.tokens().to_vec()),
    }
}

fn echoed(model: &LocalModel, source: &Source) -> Vec<String> {
    match source {
        Source::Chat(_) => Vec::new(),
        Source::Texts(texts) => texts.clone(),
        Source::Tokens(prompts) => {
            let text = |prompt: &Vec<Token>| {
                let bytes: Vec<u8> = prompt.iter().flat_map(|&token| model.codec().bytes(token)).copied().collect();
                String::from_utf8_lossy(&bytes).into_owned()
            };
            prompts.iter().map(text).collect()
        }
    }
}

/// Prompts as tokens, and what goes with them.
struct Encoded {
    prompts: Vec<Vec<Token>>,
    form: Option<Form>,
    listener: Option<Listener>,
}

async fn encode(model: &LocalModel, source: Source) -> Result<Encoded, ApiError> {
    let at_once = match &source {
        Source::Chat(asked) => asked.wanted.is_none() && asked.bytes() <= ENCODE_AT_ONCE_BYTES_MAX,
        Source::Texts(texts) => texts.iter().map(String::len).sum::<usize>() <= ENCODE_AT_ONCE_BYTES_MAX,
        Source::Tokens(_) => true,
    };
    if at_once {
        return encode_now(model, source);
    }
    let model = model.clone();
    let encoding = tokio::task::spawn_blocking(move || encode_now(&model, source));
    encoding.await.unwrap_or_else(|error| Err(tokenizer_failed(error)))
}

fn encode_now(model: &LocalModel, source: Source) -> Result<Encoded, ApiError> {
    let codec = model.codec();
    let encoded = match source {
        Source::Chat(asked) => return encode_chat(model, &asked),
        Source::Texts(texts) => texts.iter().map(|text| codec.encode_prompt(text)).collect(),
        Source::Tokens(prompts) => Ok(prompts),
    };
    let prompts = encoded.map_err(refused)?;
    Ok(Encoded { prompts, form: None, listener: None })
}

fn encode_chat(model: &LocalModel, asked: &Asked) -> Result<Encoded, ApiError> {
    let codec = model.codec();
    let Opened { tokens, thinking } = codec.open(&asked.conversation).map_err(refused)?;
    let reasoning = match asked.conversation.effort {
        _ if thinking => Reasoning::Open,
        Some(Effort::None) => Reasoning::Done,
        Some(Effort::Low | Effort::Medium | Effort::High) | None => Reasoning::Possible,
    };
    let form = asked.wanted.as_ref().map(|wanted| model.forms().make(wanted, reasoning)).transpose();
    let form = form.map_err(|error| match error {
        FormError::Tool(index, words) => asked::tool_problem(index, &words),
        FormError::Answer(words) => {
            let param = asked.form_param;
            ApiError::field(Code::InvalidValue, format!("`{param}` cannot be enforced: {words}"), param)
        }
    })?;
    let calls = matches!(asked.wanted, Some(Wanted::Calls { .. }));
    let listener = Some(Listener::new(*codec.dialect(), calls, thinking));
    Ok(Encoded { prompts: vec![tokens], form, listener })
}

fn refused(error: CodecError) -> ApiError {
    match error {
        CodecError::Template(_) => ApiError::field(Code::InvalidValue, error.to_string(), "messages"),
        CodecError::Tokenizer(_) => tokenizer_failed(error),
    }
}

fn tokenizer_failed(error: impl std::fmt::Display) -> ApiError {
    let message = "the local model's tokenizer failed";
    ApiError::gateway(StatusCode::INTERNAL_SERVER_ERROR, Code::InternalError, message).detail(error)
}
