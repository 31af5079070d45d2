//! Cards of models: each field of the catalogue in its order, with where it was read. Plain values.

use std::collections::BTreeMap;

use catalog::rows::{self, FieldRow};
use catalog::{Catalog, Model};
use gateway::judge::Judgement;

/// What the catalogue says of a model that is configured.
pub(super) struct Card {
    pub(super) name: String,
    /// Its identifier in the catalogue.
    pub(super) id: String,
    /// Where it is configured: the destination and the model's name there.
    pub(super) places: Vec<(String, String)>,
    /// What is known of it, and what is not.
    pub(super) known: Vec<Fact>,
    pub(super) unknown: Vec<Fact>,
    /// Whether its training took as much as the law's threshold; none where that is not known.
    pub(super) frontier: Option<bool>,
    /// Tokens that its tokenizer needs for the same text, by language; empty where nobody measured it.
    pub(super) tokens: Vec<(String, u64)>,
}

/// One field.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fact {
    /// Ends the name of its message.
    pub(super) field: String,
    pub(super) value: Value,
    /// The document, its address, and the day on which it was read.
    pub(super) source: Option<(String, Option<String>, String)>,
}

/// What is known.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// Nobody knows.
    Unknown,
    /// There is none.
    None,
    /// A share in hundredths.
    Share(u64),
    Number(u64),
    /// Ends of names of messages.
    Capabilities(Vec<String>),
    Text(String),
}

/// A place, and the name of the model there.
type Place = (String, String);

/// The cards of what is configured, by name; and the places of which no card is known.
pub(super) fn of(judgement: &Judgement, frontier: u128) -> (Vec<Card>, Vec<Place>) {
    let mut places: BTreeMap<String, Vec<Place>> = BTreeMap::new();
    let mut without = Vec::new();
    for link in judgement.chains().iter().flat_map(|chain| &chain.links).filter(|link| !link.local) {
        let place = (link.destination.to_string(), link.model.to_string());
        let known = match &link.card {
            Some(card) => places.entry(card.to_string()).or_default(),
            None => &mut without,
        };
        if !known.contains(&place) {
            known.push(place);
        }
    }
    let catalog = judgement.catalog();
    let card = |(id, places): (String, Vec<Place>)| Some(card(catalog, catalog.model(&id)?, id, places, frontier));
    let mut cards: Vec<Card> = places.into_iter().filter_map(card).collect();
    cards.sort_by(|one, other| one.name.cmp(&other.name));
    (cards, without)
}

fn card(catalog: &Catalog, model: &Model, id: String, places: Vec<Place>, frontier: u128) -> Card {
    let rows = rows::show(catalog, &id).into_iter().filter(|row| row.kind == "model" && row.field != "name");
    let tokenizer = model.tokenizer.known().and_then(|id| catalog.tokenizer(id));
    let facts = rows.map(|row| fact(catalog, row));
    let (unknown, known) = facts.partition(|fact: &Fact| fact.value == Value::Unknown);
    let tokens = tokenizer.and_then(|tokenizer| tokenizer.ntrex_tokens.known());
    Card {
        name: model.name.clone(),
        known,
        unknown,
        frontier: model.training_flop.known().map(|compute| compute.flop >= frontier),
        tokens: tokens.map(|tokens| tokens.0.clone().into_iter().collect()).unwrap_or_default(),
        id,
        places,
    }
}

fn fact(catalog: &Catalog, row: FieldRow) -> Fact {
    let value = value(catalog, &row.field, row.value);
    let source = row.document.zip(row.date).map(|(document, date)| (document, row.url, date.to_string()));
    Fact { field: row.field.replace('_', "-"), value, source }
}

fn value(catalog: &Catalog, field: &str, value: Option<String>) -> Value {
    let Some(value) = value else { return Value::Unknown };
    if value.is_empty() || value == "none" {
        return Value::None;
    }
    let named = |name: Option<&String>| Value::Text(name.cloned().unwrap_or_else(|| value.clone()));
    match (field, value.parse::<u64>()) {
        ("open_weights" | "open_data" | "open_code", Ok(share)) => Value::Share(share),
        (_, Ok(number)) => Value::Number(number),
        ("developer", Err(_)) => named(catalog.organisation(&value).map(|organisation| &organisation.name)),
        ("licence", Err(_)) => named(catalog.licence(&value).map(|licence| &licence.name)),
        ("tokenizer", Err(_)) => named(catalog.tokenizer(&value).map(|tokenizer| &tokenizer.name)),
        ("built_on", Err(_)) => named(catalog.model(&value).map(|model| &model.name)),
        ("capabilities", Err(_)) => Value::Capabilities(value.split(", ").map(str::to_owned).collect()),
        (_, Err(_)) => Value::Text(value),
    }
}
