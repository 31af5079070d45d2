//! One place beside another: where each lies, what each can do, what each costs; and what is lost from the one to the other. What is
//! not known is said to be unknown, never taken for nothing.

use std::{collections::BTreeSet, sync::Arc};

use ::policy::{Axis, Destination};
use catalog::{Catalog, Price, TokensByLanguage};
use serde::Serialize;

use crate::judge::{Judgement, Link};

/// Languages that prices are compared in.
const LANGUAGES: [&str; 5] = ["ko", "vi", "ja", "fr", "en"];

/// A place, as people look at it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stand {
    /// As the judge calls it.
    pub id: String,
    /// As entries and headers call it.
    pub label: String,
    /// Whether it is the local floor.
    pub local: bool,
    /// Jurisdictions known to be on the axis; of many, the bloc that holds them.
    pub processed_in: Vec<String>,
    /// The same.
    pub controlled_by: Vec<String>,
    /// Whether each of the two axes is known in whole: the first, the second.
    pub known_in_whole: (bool, bool),
    /// The catalogue's provider.
    pub provider: Option<String>,
    /// The catalogue's model.
    pub card: Option<String>,
    /// What it can do, as far as the catalogue says; empty where it does not.
    pub capabilities: Vec<String>,
    /// Languages that its developer names.
    pub languages: Vec<String>,
    /// Tokens of prompt and answer together.
    pub context_tokens: Option<u64>,
    /// What a million tokens cost; none where it is not known, or has none.
    pub price: Option<PriceOf>,
    /// Tokens of the same 1,997 sentences, by language, where they were counted.
    pub tokens: Vec<(String, u64)>,
}

/// A price of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PriceOf {
    /// ISO 4217.
    pub currency: String,
    /// Of a million tokens sent, in millionths of the currency's unit.
    pub input_micros: u64,
    /// Of a million tokens answered, the same.
    pub output_micros: u64,
}

/// What a substitute has not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lost {
    /// `capability`, `context`, `language`, `price`, `tokens`, or `unknown` where it could not be compared.
    pub what: &'static str,
    /// For people.
    pub told: String,
}

impl Stand {
    /// Of the place that a chain's link names.
    pub fn of(judgement: &Judgement, link: &Link) -> Self {
        let nowhere = Destination::default();
        let place = judgement.judge().destinations().get(link.judged).unwrap_or(&nowhere);
        let catalog = judgement.catalog();
        // The floor's model is no fact of the judge's: it may be one of the catalogue's all the same.
        let card = place.card.clone().or_else(|| link.local.then(|| card_of_floor(catalog, &link.model)).flatten());
        let model = card.as_deref().and_then(|card| catalog.model(card));
        let words = |set: &BTreeSet<Arc<str>>| set.iter().map(ToString::to_string).collect::<Vec<_>>();
        let tokenizer = model.and_then(|model| model.tokenizer.known()).and_then(|id| catalog.tokenizer(id));
        let tokens = tokenizer.and_then(|tokenizer| tokenizer.ntrex_tokens.known());
        Self {
            id: place.id.to_string(),
            label: link.label.to_string(),
            local: link.local,
            processed_in: axis(&place.processed_in, catalog),
            controlled_by: axis(&place.controlled_by, catalog),
            known_in_whole: (!place.processed_in.within.is_empty(), !place.controlled_by.within.is_empty()),
            provider: place.provider.as_deref().map(str::to_owned),
            card: card.as_deref().map(str::to_owned),
            capabilities: if link.local { vec!["chat".to_owned()] } else { words(&place.capabilities) },
            languages: match model.filter(|_| link.local).and_then(|model| model.languages.known()) {
                Some(languages) => languages.iter().cloned().collect(),
                None => words(&place.languages),
            },
            context_tokens: link
                .context_tokens
                .filter(|tokens| *tokens > 0)
                .or_else(|| model.and_then(|model| model.context_tokens.known().copied())),
            price: link.price.as_deref().map(PriceOf::of),
            tokens: tokens.map(by_language).unwrap_or_default(),
        }
    }

    /// Both axes in one word: processed in, then controlled by: `KR/US`, with `?` for what is not known.
    pub fn axes(&self) -> String {
        let axis = |known: &[String], whole: bool| match (known.is_empty(), whole) {
            (true, _) => "?".to_owned(),
            (false, true) => known.join("+"),
            (false, false) => format!("{}+?", known.join("+")),
        };
        let (processed, controlled) = self.known_in_whole;
        format!("{}/{}", axis(&self.processed_in, processed), axis(&self.controlled_by, controlled))
    }

    /// Whether it costs money by the token: what runs on one's own machines does not.
    pub fn is_own(&self) -> bool {
        self.local || self.provider.as_deref() == Some("own")
    }
}

impl PriceOf {
    fn of(price: &Price) -> Self {
        let (input_micros, output_micros) = (price.input_micros, price.output_micros);
        Self { currency: price.currency.clone(), input_micros, output_micros }
    }

    /// What so many tokens cost, in millionths of the currency's unit.
    pub fn micros(&self, prompt: u64, completion: u64) -> u64 {
        let cost = |tokens: u64, price: u64| u128::from(tokens) * u128::from(price) / 1_000_000;
        u64::try_from(cost(prompt, self.input_micros) + cost(completion, self.output_micros)).unwrap_or(u64::MAX)
    }

    /// `USD 0.25 / 0.25`: of a million tokens sent and answered.
    pub fn told(&self) -> String {
        format!("{} {} / {}", self.currency, amount(self.input_micros), amount(self.output_micros))
    }
}

/// Millionths with two decimals, more where they say something.
pub fn amount(micros: u64) -> String {
    let fraction = format!("{:06}", micros % 1_000_000);
    let shown = fraction.trim_end_matches('0');
    format!("{}.{shown:0<2}", micros / 1_000_000)
}

/// A model file is called after its model, and what follows says how it was packed.
fn card_of_floor(catalog: &Catalog, model: &str) -> Option<Arc<str>> {
    let named = catalog.models().map(|(id, _)| id).filter(|id| model.starts_with(id));
    named.max_by_key(|id| id.len()).map(Arc::from)
}

/// Jurisdictions; where they are the whole of a bloc, the bloc.
pub fn axis(axis: &Axis, catalog: &Catalog) -> Vec<String> {
    let codes =
        |bloc: &catalog::Bloc| bloc.jurisdictions.iter().map(|code| Arc::from(code.code())).collect::<BTreeSet<_>>();
    if axis.known.len() > 3
        && let Some((id, _)) = catalog.blocs().find(|(_, bloc)| codes(bloc) == axis.known)
    {
        return vec![id.to_owned()];
    }
    axis.known.iter().map(ToString::to_string).collect()
}

fn by_language(tokens: &TokensByLanguage) -> Vec<(String, u64)> {
    let of = |language: &str| {
        let exact = tokens.0.get(language).map(|count| (language.to_owned(), *count));
        exact.or_else(|| {
            let narrower = |(tag, _): &(&String, &u64)| tag.split('-').next() == Some(language);
            tokens.0.iter().find(narrower).map(|(_, count)| (language.to_owned(), *count))
        })
    };
    LANGUAGES.into_iter().filter_map(of).collect()
}

/// What is lost from `today` to `instead`.
pub(super) fn lost(today: &Stand, instead: &Stand) -> Vec<Lost> {
    let mut lost = Vec::new();
    capabilities(today, instead, &mut lost);
    context(today, instead, &mut lost);
    languages(today, instead, &mut lost);
    price(today, instead, &mut lost);
    lost
}

fn capabilities(today: &Stand, instead: &Stand, lost: &mut Vec<Lost>) {
    let mut add = |what, told: String| lost.push(Lost { what, told });
    if instead.local && today.capabilities.is_empty() {
        add("capability", "all but plain text (tools, pictures, schemas)".to_owned());
    } else if today.capabilities.is_empty() || instead.capabilities.is_empty() {
        add("unknown", "whether it can do the same".to_owned());
    } else {
        for gone in today.capabilities.iter().filter(|it| !instead.capabilities.contains(it)) {
            add("capability", gone.clone());
        }
    }
}

fn context(today: &Stand, instead: &Stand, lost: &mut Vec<Lost>) {
    match (today.context_tokens, instead.context_tokens) {
        (Some(today), Some(instead)) if instead < today => {
            lost.push(Lost { what: "context", told: format!("context {today} → {instead} tokens") });
        }
        (Some(_), Some(_)) => {}
        (None, Some(instead)) => {
            lost.push(Lost { what: "context", told: format!("context ? → {instead} tokens") });
        }
        (_, None) => lost.push(Lost { what: "unknown", told: "its context".to_owned() }),
    }
}

fn languages(today: &Stand, instead: &Stand, lost: &mut Vec<Lost>) {
    if instead.languages.is_empty() {
        lost.push(Lost { what: "unknown", told: "its languages".to_owned() });
        return;
    }
    let gone: Vec<&str> =
        today.languages.iter().filter(|it| !instead.languages.contains(it)).map(String::as_str).collect();
    if !gone.is_empty() {
        lost.push(Lost { what: "language", told: format!("not made for {}", gone.join(", ")) });
    } else if today.languages.is_empty() {
        lost.push(Lost { what: "language", told: format!("made for {} alone", instead.languages.join(", ")) });
    }
}

fn price(today: &Stand, instead: &Stand, lost: &mut Vec<Lost>) {
    let told = match (&today.price, &instead.price) {
        (_, _) if instead.is_own() => None,
        (Some(today), Some(instead)) if today == instead => None,
        (Some(today), Some(instead)) => Some(format!("price {} → {}", today.told(), instead.told())),
        (None, Some(instead)) => Some(format!("price ? → {}", instead.told())),
        (_, None) => {
            lost.push(Lost { what: "unknown", told: "its price".to_owned() });
            None
        }
    };
    lost.extend(told.map(|told| Lost { what: "price", told }));
    for (language, before) in &today.tokens {
        let Some((_, after)) = instead.tokens.iter().find(|(of, _)| of == language) else { continue };
        // A tenth more is worth a word.
        if after * 10 > before * 11 {
            let times = after * 100 / before.max(&1);
            let told = format!("{}.{:02} times the tokens in {language}", times / 100, times % 100);
            lost.push(Lost { what: "tokens", told });
        }
    }
}

/// Jurisdictions of the substitute, on either axis, that are on none of the present place.
pub(super) fn other_jurisdictions(today: &Stand, instead: &Stand) -> Vec<String> {
    let of = |stand: &Stand| -> BTreeSet<String> {
        stand.processed_in.iter().chain(&stand.controlled_by).cloned().collect()
    };
    of(instead).difference(&of(today)).cloned().collect()
}
