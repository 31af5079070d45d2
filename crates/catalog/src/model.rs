//! Models: who made each from what, under which licence, how open, how large, what it can do. Knows nothing of who serves it.

use std::collections::BTreeSet;
use std::fmt;

use crate::entry::Entry;
use crate::fact::Fact;
use crate::index::Kind;
use crate::organisation::NONE;
use crate::quantisation::MILLIBITS_MAX;
use crate::typed::Typed;
use crate::words::{listed, words};

words! {
    /// What a model can do.
    Capability {
        /// Hold a conversation.
        Chat = "chat",
        /// Write programs.
        Code = "code",
        /// Call tools.
        Tools = "tools",
        /// Read images.
        Vision = "vision",
        /// Hear speech.
        Audio = "audio",
        /// Think before it answers.
        Reasoning = "reasoning",
        /// Keep to a schema.
        StructuredOutput = "structured-output",
        /// Turn text into vectors.
        Embeddings = "embeddings",
    }
}

words! {
    /// How training compute was arrived at.
    ComputeMethod {
        /// The developer says so.
        Stated = "stated",
        /// From parameters and tokens.
        Theoretical = "theoretical",
        /// From measurements of training.
        Empirical = "empirical",
        /// From hardware, hours and its use.
        Hardware = "hardware",
    }
}

/// No network leaves more numbers of one token in its cache.
const CACHE_VALUES_MAX: u64 = 1 << 30;
/// No network has more heads of keys.
const CACHE_SHARDS_MAX: u64 = 1 << 16;

/// A set of weights, or a hosted model's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// How it is called.
    pub name: String,
    /// The organisation that made it.
    pub developer: Fact<String>,
    /// The model whose weights it began from.
    pub built_on: Fact<BuiltOn>,
    /// Of the weights.
    pub licence: Fact<LicenceOf>,
    /// Share of the weights that anyone can fetch, in percent.
    pub open_weights: Fact<u64>,
    /// The same of the training data.
    pub open_data: Fact<u64>,
    /// The same of the training code.
    pub open_code: Fact<u64>,
    /// All of them.
    pub parameters: Fact<u64>,
    /// Those used for a token.
    pub active_parameters: Fact<u64>,
    /// What its training took.
    pub training_flop: Fact<Compute>,
    /// Tokens that it was trained on.
    pub training_tokens: Fact<u64>,
    /// The longest that it takes, in tokens.
    pub context_tokens: Fact<u64>,
    /// What it is known to be able to do.
    pub capabilities: Fact<BTreeSet<Capability>>,
    /// Languages that its developer names, as BCP 47 tags.
    pub languages: Fact<BTreeSet<String>>,
    /// How it cuts text.
    pub tokenizer: Fact<String>,
    /// The family of networks, as `general.architecture` of a GGUF file calls it.
    pub architecture: Fact<String>,
    /// Thousandths of a bit that a weight takes as the model is published, where that is a form of its own and no other is made of
    /// it.
    pub published_millibits: Fact<u64>,
    /// The same of the weights that a token passes through, where they differ.
    pub published_active_millibits: Fact<u64>,
    /// Numbers that a token leaves in the cache of keys and values, over all layers.
    pub cache_values: Fact<u64>,
    /// Parts into which that cache can be cut: heads of keys, or one where attention is latent.
    pub cache_shards: Fact<u64>,
}

/// What a model began from: another's identifier, or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BuiltOn {
    /// From scratch.
    None,
    /// This model's weights.
    Model(String),
}

/// Under what the weights are given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LicenceOf {
    /// They are given to nobody.
    None,
    /// The licence of this identifier.
    Licence(String),
}

/// Floating-point operations, and how the number was arrived at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compute {
    /// Exact: 10^26 is a threshold of law.
    pub flop: u128,
    /// How.
    pub method: ComputeMethod,
}

impl Model {
    pub(crate) fn read(entry: &mut Entry<'_, '_>) -> Self {
        let percent = |typed: Typed<'_>| match typed.whole(0)? {
            percent @ 0..=100 => Ok(percent),
            percent => Err(format!("is {percent}: it is a share in percent, 0 to 100")),
        };
        let amount = |typed: Typed<'_>| typed.whole(1);
        Self {
            name: entry.name(),
            developer: entry.fact("developer", |typed| typed.reference(Kind::Organisation)),
            built_on: entry.fact("built_on", |typed| match typed.text()? {
                NONE => Ok(BuiltOn::None),
                _ => typed.reference(Kind::Model).map(BuiltOn::Model),
            }),
            licence: entry.fact("licence", |typed| match typed.text()? {
                NONE => Ok(LicenceOf::None),
                _ => typed.reference(Kind::Licence).map(LicenceOf::Licence),
            }),
            open_weights: entry.fact("open_weights", percent),
            open_data: entry.fact("open_data", percent),
            open_code: entry.fact("open_code", percent),
            parameters: entry.fact("parameters", amount),
            active_parameters: entry.fact("active_parameters", amount),
            training_flop: entry.fact("training_flop", compute),
            training_tokens: entry.fact("training_tokens", amount),
            context_tokens: entry.fact("context_tokens", amount),
            capabilities: entry.set("capabilities", false, Typed::word),
            languages: entry.set("languages", false, |typed| language(typed.text()?)),
            tokenizer: entry.fact("tokenizer", |typed| typed.reference(Kind::Tokenizer)),
            architecture: entry.fact("architecture", Typed::owned),
            published_millibits: entry.fact("published_millibits", |typed| typed.within(1, MILLIBITS_MAX)),
            published_active_millibits: entry
                .fact("published_active_millibits", |typed| typed.within(1, MILLIBITS_MAX)),
            cache_values: entry.fact("cache_values", |typed| typed.within(1, CACHE_VALUES_MAX)),
            cache_shards: entry.fact("cache_shards", |typed| typed.within(1, CACHE_SHARDS_MAX)),
        }
    }

    /// The model that it is known to be built on.
    pub(crate) fn base_id(&self) -> Option<&str> {
        match self.built_on.known()? {
            BuiltOn::Model(id) => Some(id),
            BuiltOn::None => None,
        }
    }
}

/// A BCP 47 tag in its usual form: a language, then what narrows it.
pub(crate) fn language(tag: &str) -> Result<String, String> {
    let mut parts = tag.split('-');
    let first = parts.next().unwrap_or_default();
    let is_language = (2..=3).contains(&first.len()) && first.bytes().all(|byte| byte.is_ascii_lowercase());
    let narrows = |part: &str| (2..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_language && parts.all(narrows) {
        return Ok(tag.to_owned());
    }
    Err(format!("names the language `{tag}`, which is not a tag of BCP 47: `ko`, `zh-Hant`"))
}

fn compute(typed: Typed<'_>) -> Result<Compute, String> {
    let table = typed.table()?;
    let form = "write `{ flop = \"3.3e24\", method = \"stated\" }`";
    if let Some((key, _)) = table.iter().find(|(key, _)| !["flop", "method"].contains(key)) {
        return Err(format!("has no `{key}`: {form}"));
    }
    let text = |key: &str| {
        let text = table.get(key).and_then(toml_edit::Item::as_str);
        text.ok_or_else(|| format!("does not say its `{key}`, as a text: {form}"))
    };
    let (flop, method) = (text("flop")?, text("method")?);
    let flop = scientific(flop).ok_or_else(|| {
        format!("has `{flop}` for its FLOP: write a number such as `3.3e24`, whole when written out, and below 1e38")
    })?;
    let method = ComputeMethod::ALL.iter().copied().find(|known| known.word() == method).ok_or_else(|| {
        let all: Vec<&str> = ComputeMethod::ALL.iter().map(|known| known.word()).collect();
        format!("has the method `{method}`: it can be {}", listed(&all))
    })?;
    Ok(Compute { flop, method })
}

/// `3.3e24`, exactly.
fn scientific(text: &str) -> Option<u128> {
    let (mantissa, exponent) = text.split_once('e')?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if whole.is_empty() || digits.len() > 20 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let exponent = exponent.parse::<u32>().ok().filter(|exponent| *exponent < 38)?;
    let shift = exponent.checked_sub(u32::try_from(fraction.len()).ok()?)?;
    let flop = digits.parse::<u128>().ok()?.checked_mul(10_u128.checked_pow(shift)?)?;
    Some(flop).filter(|flop| (1..10_u128.pow(38)).contains(flop))
}

impl fmt::Display for BuiltOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => NONE,
            Self::Model(id) => id,
        })
    }
}

impl fmt::Display for LicenceOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => NONE,
            Self::Licence(id) => id,
        })
    }
}

impl fmt::Display for Compute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.flop.to_string();
        let significant = digits.trim_end_matches('0');
        let zeros = digits.len() - significant.len();
        write!(f, "{significant}e{zeros} ({})", self.method)
    }
}
