//! Providers: who runs each service on whose machines, where, on which terms, and which models it offers. Knows nothing of
//! how to speak with them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::entry::Entry;
use crate::fact::Fact;
use crate::index::{Kind, check_text, check_word};
use crate::jurisdiction::PlaceName;
use crate::typed::Typed;
use crate::words::words;

words! {
    /// The form in which a service is spoken to.
    Api {
        /// OpenAI's chat completions.
        OpenAiChat = "openai-chat",
        /// OpenAI's embeddings.
        OpenAiEmbeddings = "openai-embeddings",
        /// OpenAI's responses.
        OpenAiResponses = "openai-responses",
        /// Anthropic's messages.
        AnthropicMessages = "anthropic-messages",
        /// Google's Gemini.
        Gemini = "gemini",
    }
}

words! {
    /// Whether what is sent is used to train; unknown counts as always.
    Training {
        /// It is not.
        Never = "never",
        /// Unless one objects.
        OptOut = "opt-out",
        /// Only if one agrees.
        OptIn = "opt-in",
        /// It is.
        Always = "always",
    }
}

words! {
    /// On what a transfer abroad rests (PIPA 28-8 and GDPR chapter V name such grounds).
    TransferBasis {
        /// The person's separate consent.
        Consent = "consent",
        /// A law or treaty.
        LawOrTreaty = "law-or-treaty",
        /// Needed for a contract with the person, and disclosed.
        DisclosedContract = "disclosed-contract",
        /// The recipient is certified.
        CertifiedRecipient = "certified-recipient",
        /// The country is recognised.
        AdequateCountry = "adequate-country",
        /// Standard contractual clauses.
        StandardClauses = "standard-clauses",
        /// Binding corporate rules.
        BindingRules = "binding-rules",
    }
}

/// Who operates models as a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// How it is called.
    pub name: String,
    /// The organisation that runs it.
    pub operator: Fact<String>,
    /// On whose machines.
    pub cloud: Fact<Cloud>,
    /// Organisations that get the data besides; empty where it is known that there are none.
    pub sub_processors: Fact<BTreeSet<String>>,
    /// Where its API is.
    pub base_url: Fact<String>,
    /// How it is spoken to.
    pub apis: Fact<BTreeSet<Api>>,
    /// Whether what is sent is used to train.
    pub training_on_input: Fact<Training>,
    /// Days for which requests or answers are kept; unknown counts as for ever.
    pub retention_days: Fact<u64>,
    /// On what a transfer abroad rests.
    pub transfer_basis: Fact<BTreeSet<TransferBasis>>,
    /// By their identifiers.
    pub regions: BTreeMap<String, Region>,
    /// By the name that the provider gives the model.
    pub offers: BTreeMap<String, Offer>,
}

/// On whose machines a service runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cloud {
    /// The operator's.
    Own,
    /// The organisation of this identifier.
    Organisation(String),
}

/// One region of a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// Where the bytes are processed and stored; of a bloc: somewhere in it.
    pub processed_in: Fact<BTreeSet<PlaceName>>,
    /// Where its API is, if it has its own.
    pub base_url: Fact<String>,
}

/// One model of a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The model that it serves under this name.
    pub model: Fact<String>,
    /// What it accepts, in tokens.
    pub context_tokens: Fact<u64>,
    /// What it costs.
    pub price: Fact<Price>,
}

/// The price of a million tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    /// ISO 4217.
    pub currency: String,
    /// Of those sent, in millionths of the currency's unit.
    pub input_micros: u64,
    /// Of those answered, the same.
    pub output_micros: u64,
}

/// The word for a service on its operator's machines.
const OWN: &str = "own";

impl Provider {
    pub(crate) fn read(entry: &mut Entry<'_, '_>) -> Self {
        Self {
            name: entry.name(),
            operator: entry.fact("operator", |typed| typed.reference(Kind::Organisation)),
            cloud: entry.fact("cloud", |typed| match typed.text()? {
                OWN => Ok(Cloud::Own),
                _ => typed.reference(Kind::Organisation).map(Cloud::Organisation),
            }),
            sub_processors: entry.set("sub_processors", true, |typed| typed.reference(Kind::Organisation)),
            base_url: entry.fact("base_url", Typed::address),
            apis: entry.set("apis", false, Typed::word),
            training_on_input: entry.fact("training_on_input", Typed::word),
            retention_days: entry.fact("retention_days", |typed| typed.whole(0)),
            transfer_basis: entry.set("transfer_basis", false, Typed::word),
            regions: entry.tables("region", check_word, Region::read),
            offers: entry.tables("offer", check_text, Offer::read),
        }
    }
}

impl Region {
    fn read(entry: &mut Entry<'_, '_>) -> Self {
        Self {
            processed_in: entry.set("processed_in", false, Typed::place),
            base_url: entry.fact("base_url", Typed::address),
        }
    }
}

impl Offer {
    fn read(entry: &mut Entry<'_, '_>) -> Self {
        Self {
            model: entry.fact("model", |typed| typed.reference(Kind::Model)),
            context_tokens: entry.fact("context_tokens", |typed| typed.whole(1)),
            price: entry.fact("price", price),
        }
    }
}

fn price(typed: Typed<'_>) -> Result<Price, String> {
    let table = typed.table()?;
    let form = "write `{ input = \"0.15\", output = \"0.60\", currency = \"USD\" }`";
    if let Some((key, _)) = table.iter().find(|(key, _)| !["input", "output", "currency"].contains(key)) {
        return Err(format!("has no `{key}`: {form}"));
    }
    let text = |key: &str| {
        let text = table.get(key).and_then(toml_edit::Item::as_str);
        text.ok_or_else(|| format!("does not say its `{key}`, as a text: {form}"))
    };
    let money = |key: &str| {
        let amount = text(key)?;
        micros(amount).ok_or_else(|| format!("has `{amount}` for its `{key}`: at most six decimals, as `0.15`"))
    };
    let currency = text("currency")?;
    if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Err(format!("is in `{currency}`, which is not a code of ISO 4217, such as `KRW`"));
    }
    Ok(Price { currency: currency.to_owned(), input_micros: money("input")?, output_micros: money("output")? })
}

/// An amount in millionths, exactly.
fn micros(amount: &str) -> Option<u64> {
    let (whole, fraction) = amount.split_once('.').unwrap_or((amount, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || fraction.len() > 6 {
        return None;
    }
    format!("{whole}{fraction:0<6}").parse().ok()
}

impl fmt::Display for Cloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Own => OWN,
            Self::Organisation(id) => id,
        })
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (input, output) = (Amount(self.input_micros), Amount(self.output_micros));
        write!(f, "{} {input} in, {output} out for a million tokens", self.currency)
    }
}

/// Millionths, shown with at least two decimals.
struct Amount(u64);

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fraction = format!("{:06}", self.0 % 1_000_000);
        let shown = fraction.trim_end_matches('0');
        write!(f, "{}.{shown:0<2}", self.0 / 1_000_000)
    }
}
