//! What a folder's small files say of an encoder: sizes, how many tokens a text may have, how a text's vector is made of its
//! tokens'. What is said there and not done here is refused by name: vectors that are nearly right are of no use to anyone.

use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::LoadError;
use crate::packed::BLOCK_COLUMNS;
use crate::simd::LANES;
use crate::small_file::{DESCRIPTION_BYTES_MAX, small_json};

const CONFIG_FILE: &str = "config.json";
/// The list of what `sentence-transformers` does one after another.
pub(super) const MODULES_FILE: &str = "modules.json";
const SENTENCE_FILE: &str = "sentence_bert_config.json";
const PROMPTS_FILE: &str = "config_sentence_transformers.json";
/// Greatest width and number of layers that are computed: several times the largest BERT's.
const SIZE_MAX: usize = 1 << 16;
const LAYERS_MAX: usize = 1024;

/// What is computed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Description {
    pub(super) layers: usize,
    /// Numbers of a token's vector, and of a text's.
    pub(super) width: usize,
    pub(super) heads: usize,
    pub(super) feed_width: usize,
    pub(super) vocabulary: usize,
    /// Positions that there are vectors for.
    pub(super) positions: usize,
    pub(super) types: usize,
    pub(super) epsilon: f32,
    /// Tokens of one text at most, those round it among them.
    pub(super) tokens_max: usize,
    pub(super) lower_case: bool,
    pub(super) pooling: Pooling,
    /// Whether vectors are brought to length 1.
    pub(super) unit: bool,
}

/// How a text's vector is made of its tokens'.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pooling {
    /// Their mean.
    Mean,
    /// The first token's.
    First,
}

/// `config.json`, as far as it matters here.
#[derive(Deserialize)]
struct Config {
    model_type: Option<String>,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    vocab_size: usize,
    max_position_embeddings: usize,
    #[serde(default = "two")]
    type_vocab_size: usize,
    #[serde(default = "tiny")]
    layer_norm_eps: f32,
    #[serde(default = "gelu")]
    hidden_act: String,
    position_embedding_type: Option<String>,
    #[serde(default)]
    is_decoder: bool,
}

#[derive(Deserialize)]
struct Module {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    path: String,
}

/// A pooling's `config.json`: the newer form names the way, the older one has a switch for each.
#[derive(Default, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, clippy::struct_field_names, reason = "the file's own names")]
struct PoolingConfig {
    pooling_mode: Option<String>,
    pooling_mode_mean_tokens: bool,
    pooling_mode_cls_token: bool,
    pooling_mode_max_tokens: bool,
    pooling_mode_mean_sqrt_len_tokens: bool,
    pooling_mode_weightedmean_tokens: bool,
    pooling_mode_lasttoken: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Sentence {
    max_seq_length: Option<usize>,
    do_lower_case: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Prompts {
    default_prompt_name: Option<String>,
}

fn two() -> usize {
    2
}

fn tiny() -> f32 {
    1e-12
}

fn gelu() -> String {
    "gelu".to_owned()
}

/// Whether a folder's `config.json` says that it is BERT's.
pub(super) fn is_bert(folder: &Path) -> bool {
    #[derive(Deserialize)]
    struct Kind {
        model_type: Option<String>,
    }
    let read = read::<Kind>(folder, CONFIG_FILE).ok().flatten();
    read.and_then(|kind| kind.model_type).is_some_and(|kind| kind == "bert")
}

impl Description {
    pub(super) fn read(folder: &Path) -> Result<Self, LoadError> {
        let Some(config) = read::<Config>(folder, CONFIG_FILE)? else {
            return Err(unsupported(format!("the folder has no `{CONFIG_FILE}`, which says what the model is")));
        };
        config.check()?;
        let sentence = read::<Sentence>(folder, SENTENCE_FILE)?.unwrap_or_default();
        let prompts = read::<Prompts>(folder, PROMPTS_FILE)?.unwrap_or_default();
        if let Some(name) = prompts.default_prompt_name {
            return Err(unsupported(format!(
                "`{PROMPTS_FILE}` puts the prompt `{name}` before every text, which is not done here"
            )));
        }
        let (pooling, unit) = pooling(folder)?;
        let tokens_max = sentence.max_seq_length.unwrap_or(usize::MAX).min(config.max_position_embeddings);
        if tokens_max < 3 {
            return Err(unsupported(format!("`{SENTENCE_FILE}` allows {tokens_max} tokens: too few for any text")));
        }
        Ok(Self {
            layers: config.num_hidden_layers,
            width: config.hidden_size,
            heads: config.num_attention_heads,
            feed_width: config.intermediate_size,
            vocabulary: config.vocab_size,
            positions: config.max_position_embeddings,
            types: config.type_vocab_size,
            epsilon: config.layer_norm_eps,
            tokens_max,
            lower_case: sentence.do_lower_case,
            pooling,
            unit,
        })
    }

    pub(super) fn head_width(&self) -> usize {
        self.width / self.heads
    }
}

impl Config {
    fn check(&self) -> Result<(), LoadError> {
        let wrong = |problem: String| Err(unsupported(format!("`{CONFIG_FILE}`: {problem}")));
        let kind = self.model_type.as_deref().unwrap_or("none");
        if kind != "bert" {
            return wrong(format!("the model type is `{kind}`; of encoders `bert` is computed"));
        }
        if self.is_decoder {
            return wrong("`is_decoder` is true; encoders only are computed".to_owned());
        }
        if !matches!(self.hidden_act.as_str(), "gelu" | "gelu_python") {
            return wrong(format!("`hidden_act` is `{}`; `gelu` is computed", self.hidden_act));
        }
        if let Some(kind) = self.position_embedding_type.as_deref().filter(|kind| *kind != "absolute") {
            return wrong(format!("`position_embedding_type` is `{kind}`; `absolute` is computed"));
        }
        let sizes = [
            ("hidden_size", self.hidden_size, BLOCK_COLUMNS),
            ("intermediate_size", self.intermediate_size, BLOCK_COLUMNS),
            ("num_attention_heads", self.num_attention_heads, 1),
            ("vocab_size", self.vocab_size, 1),
            ("max_position_embeddings", self.max_position_embeddings, 1),
            ("type_vocab_size", self.type_vocab_size, 1),
        ];
        for (name, size, of) in sizes {
            let most = if name == "vocab_size" { 1 << 22 } else { SIZE_MAX };
            if size == 0 || size > most || !size.is_multiple_of(of) {
                return wrong(format!("`{name}` is {size}; a multiple of {of} up to {most} is computed"));
            }
        }
        if self.num_hidden_layers == 0 || self.num_hidden_layers > LAYERS_MAX {
            return wrong(format!("`num_hidden_layers` is {}; 1 to {LAYERS_MAX} are computed", self.num_hidden_layers));
        }
        let heads = self.num_attention_heads;
        if !self.hidden_size.is_multiple_of(heads) || !(self.hidden_size / heads).is_multiple_of(LANES) {
            return wrong(format!(
                "{} numbers in {heads} heads; heads of a multiple of {LANES} numbers are computed",
                self.hidden_size
            ));
        }
        if !(self.layer_norm_eps.is_finite() && self.layer_norm_eps >= 0.0) {
            return wrong(format!("`layer_norm_eps` is {}", self.layer_norm_eps));
        }
        Ok(())
    }
}

/// How a text's vector is made, and whether it is brought to length 1. Without `modules.json` it is the mean and stays as it is,
/// as `sentence-transformers` does it.
fn pooling(folder: &Path) -> Result<(Pooling, bool), LoadError> {
    let Some(modules) = read::<Vec<Module>>(folder, MODULES_FILE)? else { return Ok((Pooling::Mean, false)) };
    let kinds: Vec<&str> = modules.iter().map(|module| module.kind.rsplit('.').next().unwrap_or_default()).collect();
    let unit = match kinds.as_slice() {
        ["Transformer", "Pooling"] => false,
        ["Transformer", "Pooling", "Normalize"] => true,
        _ => {
            return Err(unsupported(format!(
                "`{MODULES_FILE}` has the steps {}; Transformer, Pooling and then perhaps Normalize are done",
                kinds.join(", ")
            )));
        }
    };
    let at = modules.get(1).map_or("", |module| module.path.as_str());
    // A path out of the folder would read another's file.
    if at.is_empty() || at.contains(['/', '\\']) || at.starts_with('.') {
        return Err(unsupported(format!("`{MODULES_FILE}` puts the pooling in `{at}`; it must be a folder beside it")));
    }
    let file = format!("{at}/{CONFIG_FILE}");
    let Some(config) = read::<PoolingConfig>(folder, &file)? else {
        return Err(unsupported(format!("`{MODULES_FILE}` names `{file}`, which is not there")));
    };
    config.way().map(|way| (way, unit)).ok_or_else(|| {
        unsupported(format!("`{file}` asks for another pooling than the mean of all tokens, or the first token"))
    })
}

impl PoolingConfig {
    fn way(&self) -> Option<Pooling> {
        if let Some(named) = &self.pooling_mode {
            return match named.as_str() {
                "mean" => Some(Pooling::Mean),
                "cls" => Some(Pooling::First),
                _ => None,
            };
        }
        let others = self.pooling_mode_max_tokens
            || self.pooling_mode_mean_sqrt_len_tokens
            || self.pooling_mode_weightedmean_tokens
            || self.pooling_mode_lasttoken;
        match (self.pooling_mode_mean_tokens, self.pooling_mode_cls_token, others) {
            (true, false, false) => Some(Pooling::Mean),
            (false, true, false) => Some(Pooling::First),
            _ => None,
        }
    }
}

fn read<T: DeserializeOwned>(folder: &Path, name: &str) -> Result<Option<T>, LoadError> {
    small_json(folder, name, DESCRIPTION_BYTES_MAX)
}

fn unsupported(problem: String) -> LoadError {
    LoadError::Unsupported(problem)
}
