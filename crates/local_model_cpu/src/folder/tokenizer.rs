//! From `tokenizer.json`, `tokenizer_config.json` and the chat template's file to GGUF's entries. What is said there and
//! not done here is refused by name: a text cut a little differently gives plausible tokens and worse answers, which nobody
//! would notice. It must not know how texts are encoded.

mod cuts;
mod pieces;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::config::Config;
use crate::LoadError;
use crate::codec::entries as keys;
use crate::gguf::EntryWriter;
use crate::small_file::{DESCRIPTION_BYTES_MAX, TOKENIZER_BYTES_MAX, small_file, small_json};

pub(super) const TOKENIZER_FILE: &str = "tokenizer.json";
const TOKENIZER_CONFIG_FILE: &str = "tokenizer_config.json";
const TEMPLATE_FILE: &str = "chat_template.jinja";
const GENERATION_FILE: &str = "generation_config.json";
/// Bytes of `tokenizer_config.json` at most: it may tell of each of thousands of tokens.
const TOKENIZER_CONFIG_BYTES_MAX: u64 = 16 << 20;
/// Tokens that a vocabulary may have; the largest known has 262,144.
const TOKENS_MAX: u64 = 1 << 20;

/// Numbers of `tokenizer.ggml.token_type`.
const NORMAL: i32 = 1;
const CONTROL: i32 = 3;
const USER_DEFINED: i32 = 4;
const UNUSED: i32 = 5;
const BYTE: i32 = 6;

/// `tokenizer.json`, as far as it matters here.
#[derive(Deserialize)]
struct File {
    #[serde(default)]
    added_tokens: Vec<AddedToken>,
    normalizer: Option<Value>,
    pre_tokenizer: Option<Value>,
    post_processor: Option<Value>,
    model: Model,
}

#[derive(Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "the file's own names")]
struct AddedToken {
    id: u32,
    content: String,
    #[serde(default)]
    special: bool,
    #[serde(default)]
    single_word: bool,
    #[serde(default)]
    lstrip: bool,
    #[serde(default)]
    rstrip: bool,
    /// Whether it is looked for in texts as they have been changed (spaces written as `▁`).
    #[serde(default)]
    normalized: bool,
}

#[derive(Deserialize)]
struct Model {
    vocab: HashMap<String, u32>,
    merges: Vec<Merge>,
    dropout: Option<f32>,
    continuing_subword_prefix: Option<String>,
    end_of_word_suffix: Option<String>,
    /// Whether it is a vocabulary of SentencePiece's: pieces, and bytes for what has none.
    #[serde(default)]
    byte_fallback: bool,
    #[serde(default)]
    ignore_merges: bool,
}

/// A pair of pieces: newer files have a list, older ones a line.
#[derive(Deserialize)]
#[serde(untagged)]
enum Merge {
    Pair(String, String),
    Line(String),
}

/// What the kind of a `tokenizer.json` is, before the rest is understood.
#[derive(Deserialize)]
struct Kind {
    model: KindOfModel,
}

#[derive(Deserialize)]
struct KindOfModel {
    #[serde(rename = "type")]
    kind: Option<String>,
}

/// `tokenizer_config.json`, as far as it matters here.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Settings {
    add_bos_token: Option<bool>,
    bos_token: Option<Spelled>,
    eos_token: Option<Spelled>,
    chat_template: Option<Templates>,
}

/// A token by its spelling, plain or with more said of it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Spelled {
    Plain(String),
    Whole { content: String },
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Templates {
    One(String),
    Several(Vec<NamedTemplate>),
}

#[derive(Deserialize)]
struct NamedTemplate {
    name: String,
    template: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Generation {
    eos_token_id: Option<Value>,
}

impl Spelled {
    fn text(&self) -> &str {
        match self {
            Self::Plain(text) | Self::Whole { content: text } => text,
        }
    }
}

/// Writes the entries of a tokenizer whose network has `rows` rows of embedding.
pub(super) fn translate(folder: &Path, config: &Config, rows: u64, entries: &mut EntryWriter) -> Result<(), LoadError> {
    let file = read(folder)?;
    let settings: Settings = small_json(folder, TOKENIZER_CONFIG_FILE, TOKENIZER_CONFIG_BYTES_MAX)?.unwrap_or_default();
    if file.model.byte_fallback {
        pieces::refuse_others(&file)?;
        entries.string("tokenizer.ggml.model", "llama");
        entries.bool("tokenizer.ggml.add_space_prefix", false);
    } else {
        let cutting = cuts::read(&file)?;
        entries.string("tokenizer.ggml.model", "gpt2");
        entries.string("tokenizer.ggml.pre", cutting.name);
        entries.bool(keys::WHOLE_WORDS, file.model.ignore_merges);
        entries.bool(keys::COMPOSES, cutting.composes);
    }
    let tokens = Tokens::of(&file, rows)?;
    entries.strings("tokenizer.ggml.tokens", &tokens.spellings);
    entries.i32s("tokenizer.ggml.token_type", &tokens.types);
    entries.strings("tokenizer.ggml.merges", &merges(&file.model.merges)?);
    let begin = tokens.named(settings.bos_token.as_ref(), "bos_token")?;
    if let Some(begin) = begin {
        entries.u64("tokenizer.ggml.bos_token_id", begin.into());
    }
    let first = file.post_processor.as_ref().map(cuts::first_token).transpose()?.flatten();
    let begins = first.is_some() && first.as_deref() == settings.bos_token.as_ref().map(Spelled::text);
    entries.bool("tokenizer.ggml.add_bos_token", settings.add_bos_token.unwrap_or(begins));
    let end = tokens.named(settings.eos_token.as_ref(), "eos_token")?;
    let ends = ends(folder, config, end)?;
    if let Some(end) = end.map(u64::from).or(ends.first().copied()) {
        entries.u64("tokenizer.ggml.eos_token_id", end);
    }
    let listed: Vec<i32> = ends.iter().filter_map(|end| i32::try_from(*end).ok()).collect();
    entries.i32s(keys::ENDS, &listed);
    if let Some(template) = template(folder, settings.chat_template)? {
        entries.string("tokenizer.chat_template", &template);
    }
    Ok(())
}

fn wrong(problem: &str) -> LoadError {
    LoadError::Unsupported(format!("`{TOKENIZER_FILE}` {problem}"))
}

fn read(folder: &Path) -> Result<File, LoadError> {
    let Some(bytes) = small_file(folder, TOKENIZER_FILE, TOKENIZER_BYTES_MAX)? else {
        return Err(wrong("is not in the folder; texts cannot be made into tokens without it"));
    };
    let unreadable = |error: serde_json::Error| wrong(&format!("cannot be read: {error}"));
    let kind: Kind = serde_json::from_slice(&bytes).map_err(unreadable)?;
    if let Some(kind) = kind.model.kind.filter(|kind| kind != "BPE") {
        return Err(wrong(&format!("is of the kind `{kind}`, which is not read; of folders BPE is")));
    }
    let file: File = serde_json::from_slice(&bytes).map_err(unreadable)?;
    let model = &file.model;
    let said = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
    if model.byte_fallback && model.ignore_merges {
        return Err(wrong("takes whole pieces before it joins letters (`ignore_merges`), which is not done of pieces"));
    }
    if model.dropout.is_some_and(|dropout| dropout != 0.0)
        || said(&model.continuing_subword_prefix)
        || said(&model.end_of_word_suffix)
    {
        return Err(wrong(
            "has `dropout`, `continuing_subword_prefix` or `end_of_word_suffix`, which is not done here",
        ));
    }
    if let Some(token) = file.added_tokens.iter().find(|token| token.single_word || token.lstrip || token.rstrip) {
        let token = token.content.escape_debug();
        return Err(wrong(&format!("gives the token `{token}` a say over its neighbours, which is not done here")));
    }
    Ok(file)
}

/// A vocabulary in the order of its numbers.
struct Tokens<'a> {
    spellings: Vec<Cow<'a, str>>,
    types: Vec<i32>,
    numbers: HashMap<&'a str, u32>,
}

impl<'a> Tokens<'a> {
    fn of(file: &'a File, rows: u64) -> Result<Self, LoadError> {
        // The weights' file holds so many rows.
        let Some(count) = usize::try_from(rows).ok().filter(|_| rows <= TOKENS_MAX) else {
            return Err(wrong(&format!("is of a model of {rows} tokens; up to {TOKENS_MAX} are read")));
        };
        let mut spelled: Vec<Option<(&str, i32)>> = vec![None; count];
        let stands_for_byte = |text: &str| {
            let digits = text.strip_prefix("<0x").and_then(|rest| rest.strip_suffix('>'));
            file.model.byte_fallback && digits.is_some_and(|digits| u8::from_str_radix(digits, 16).is_ok())
        };
        let kind = |text: &str| if stands_for_byte(text) { BYTE } else { NORMAL };
        let model = file.model.vocab.iter().map(|(text, id)| (text.as_str(), *id, kind(text)));
        // Tokens for pictures and sounds that this build's network has no row for: no text makes them.
        let of_others = |token: &&AddedToken| token.special && u64::from(token.id) >= rows;
        let added = file.added_tokens.iter().filter(|token| !of_others(token));
        let added =
            added.map(|token| (token.content.as_str(), token.id, if token.special { CONTROL } else { USER_DEFINED }));
        let mut numbers = HashMap::with_capacity(file.model.vocab.len() + file.added_tokens.len());
        for (text, id, kind) in model.chain(added) {
            let Some(place) = spelled.get_mut(id as usize) else {
                return Err(wrong(&format!("has a token of number {id}; the model has {rows}, counted from 0")));
            };
            if let Some((other, _)) = place.filter(|(other, _)| *other != text) {
                let (other, text) = (other.escape_debug(), text.escape_debug());
                return Err(wrong(&format!("gives the number {id} to both `{other}` and `{text}`")));
            }
            *place = Some((text, kind));
            numbers.insert(text, id);
        }
        let filled = |(at, place): (usize, Option<(&'a str, i32)>)| match place {
            Some((text, kind)) => (text.into(), kind),
            None => (format!("[PAD{at}]").into(), UNUSED),
        };
        let (spellings, types) = spelled.into_iter().enumerate().map(filled).unzip();
        Ok(Self { spellings, types, numbers })
    }

    /// The number of a token that `tokenizer_config.json` names.
    fn named(&self, token: Option<&Spelled>, field: &str) -> Result<Option<u32>, LoadError> {
        let Some(text) = token.map(Spelled::text).filter(|text| !text.is_empty()) else { return Ok(None) };
        self.numbers.get(text).copied().map(Some).ok_or_else(|| {
            let text = text.escape_debug();
            wrong(&format!("has no token `{text}`, which `{TOKENIZER_CONFIG_FILE}` names as `{field}`"))
        })
    }
}

fn merges(merges: &[Merge]) -> Result<Vec<Cow<'_, str>>, LoadError> {
    let mut lines = Vec::with_capacity(merges.len());
    for merge in merges {
        lines.push(match merge {
            Merge::Line(line) => Cow::from(line),
            Merge::Pair(left, right) if !left.contains(' ') && !right.contains(' ') => format!("{left} {right}").into(),
            Merge::Pair(left, right) => {
                let (left, right) = (left.escape_debug(), right.escape_debug());
                return Err(wrong(&format!("merges `{left}` and `{right}`, which have spaces in them")));
            }
        });
    }
    Ok(lines)
}

/// All tokens that end an answer, by `generation_config.json`, `config.json` and the tokenizer.
fn ends(folder: &Path, config: &Config, end: Option<u32>) -> Result<Vec<u64>, LoadError> {
    let generation: Generation = small_json(folder, GENERATION_FILE, DESCRIPTION_BYTES_MAX)?.unwrap_or_default();
    let listed = match generation.eos_token_id {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(Value::Array(list)) => list.iter().map(Value::as_u64).collect(),
        Some(one) => one.as_u64().map(|one| vec![one]),
    };
    let unreadable = "must be a whole number, or a list of some";
    let mut ends =
        listed.ok_or_else(|| LoadError::Unsupported(format!("`{GENERATION_FILE}`: `eos_token_id` {unreadable}")))?;
    ends.extend(config.sizes("eos_token_id")?);
    ends.extend(end.map(u64::from));
    let mut seen = HashSet::new();
    ends.retain(|end| seen.insert(*end));
    if let Some(end) = ends.iter().find(|end| i32::try_from(**end).is_err()) {
        return Err(config.wrong("eos_token_id", &format!("is {end}, more than any vocabulary has")));
    }
    Ok(ends)
}

/// The chat template: a file of its own, or a field of `tokenizer_config.json`, of several the default one.
fn template(folder: &Path, said: Option<Templates>) -> Result<Option<String>, LoadError> {
    if let Some(bytes) = small_file(folder, TEMPLATE_FILE, DESCRIPTION_BYTES_MAX)? {
        let text = String::from_utf8(bytes);
        let text = text.map_err(|_| LoadError::Unsupported(format!("`{TEMPLATE_FILE}` is no text in UTF-8")))?;
        return Ok(Some(text));
    }
    Ok(match said {
        None => None,
        Some(Templates::One(template)) => Some(template),
        Some(Templates::Several(several)) => {
            several.into_iter().find(|named| named.name == "default").map(|named| named.template)
        }
    })
}
