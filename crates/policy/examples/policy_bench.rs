//! The judge measured alone: `policy_bench table|cache DECISIONS` reads, compiles and proves a policy of 500 rules for 200
//! destinations, decides so often, and prints one JSON object. `table` names facts whose combinations fit a table, `cache` more.
//! Cedar decides some of the same requests for one destination each, in the same run. Knows no server.
#![expect(clippy::print_stdout, reason = "what it measured is its output")]
#![expect(clippy::disallowed_methods, reason = "it measures time")]
#![expect(clippy::cast_precision_loss, reason = "figures of a few digits")]

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::error::Error;
use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use cedar_policy::{
    Authorizer, Context, Entities, Entity, EntityId, EntityTypeName, EntityUid, PolicySet, Request,
    RestrictedExpression as Value,
};
use policy::{Action, Axis, Class, Destination, Facts, File, Judge, Policy, Vocabulary};
use serde_json::json;

type Fallible<T> = Result<T, Box<dyn Error>>;

const RULES: usize = 500;
const DESTINATIONS: usize = 200;
const TEAMS: usize = 40;
/// Kinds of findings that rules tell apart: with so many the combinations fit a table.
const KINDS_OF_A_TABLE: usize = 8;
/// With so many they do not.
const KINDS_OF_A_CACHE: usize = 16;
/// Requests that are asked again and again, as those of a day are.
const REQUESTS: usize = 2_000;
const PLACES: [&str; 8] = ["KR", "US", "FR", "DE", "JP", "VN", "SG", "GB"];

fn main() -> Fallible<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (kinds, decisions) = match arguments.as_slice() {
        ["table", decisions] => (KINDS_OF_A_TABLE, decisions.parse()?),
        ["cache", decisions] => (KINDS_OF_A_CACHE, decisions.parse()?),
        _ => return Err("table DECISIONS | cache DECISIONS".into()),
    };
    let text = rules(kinds)?;
    let words = vocabulary(kinds);
    let destinations: Vec<Destination> = (0..DESTINATIONS).map(destination).collect();

    let started = Instant::now();
    let policy = Policy::read("bench", File { name: "bench.cedar", text: &text }, None, &words)?;
    let read = started.elapsed();
    let judge = policy.compile(destinations.clone());
    let compiled = started.elapsed();
    let proof = judge.prove();
    let proved = started.elapsed();
    if let Some(mistake) = proof.mistakes.first() {
        return Err(format!("the policy is refused: {mistake}").into());
    }

    let mut chance = Chance(1);
    let warm: Vec<Sample> = (0..REQUESTS).map(|_| Sample::of(&mut chance, kinds)).collect();
    let first = timed(&judge, &warm, (0..warm.len()).collect());
    let order = (0..decisions).map(|_| chance.below(warm.len())).collect();
    let again = timed(&judge, &warm, order);
    let cedar = in_cedar(&text, &destinations, &warm)?;
    let whole = again.iter().map(|ns| *ns as f64).sum::<f64>() / again.len().max(1) as f64;
    println!(
        "{}",
        json!({
            "rules": policy.rules().len(), "destinations": DESTINATIONS, "combinations": proof.combinations,
            "complete": proof.complete, "read_s": read.as_secs_f64(), "compile_s": compiled.saturating_sub(read).as_secs_f64(),
            "prove_s": proved.saturating_sub(compiled).as_secs_f64(), "load_s": proved.as_secs_f64(),
            "first": spread(first), "again": spread(again), "mean_ns": whole, "cedar_ns": cedar,
        })
    );
    Ok(())
}

/// SplitMix64.
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ word >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ word >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((word ^ word >> 31) >> 33).unwrap_or_default() % most
    }
}

/// One request's facts, with the strings that they point to.
struct Sample {
    team: String,
    class: Class,
    findings: Vec<String>,
    action: Action,
    high_impact: bool,
    unread: bool,
}

impl Sample {
    fn of(chance: &mut Chance, kinds: usize) -> Self {
        let class = [Class::Open, Class::Sensitive, Class::Classified].into_iter().nth(chance.below(3));
        Self {
            team: format!("t{}", chance.below(TEAMS + 4)),
            class: class.unwrap_or_default(),
            findings: (0..kinds).filter(|_| chance.below(5) == 0).map(|kind| format!("own.k{kind}")).collect(),
            action: if chance.below(8) == 0 { Action::Embed } else { Action::Infer },
            high_impact: chance.below(4) == 0,
            unread: chance.below(10) == 0,
        }
    }

    fn facts<'a>(&'a self, findings: &'a [&'a str]) -> Facts<'a> {
        Facts {
            tenant: "default",
            team: &self.team,
            key: "key",
            action: self.action,
            class: self.class,
            findings,
            signals: &[],
            needs: &[],
            surface: if self.action == Action::Embed { "embeddings" } else { "chat" },
            language: "ko",
            purpose: "",
            use_area: "",
            high_impact: self.high_impact,
            unread: self.unread,
            stream: true,
            prompt_kib: 4,
        }
    }
}

/// Nanoseconds of each decision, in this order of requests.
fn timed(judge: &Judge, samples: &[Sample], order: Vec<usize>) -> Vec<u64> {
    let findings: Vec<Vec<&str>> =
        samples.iter().map(|sample| sample.findings.iter().map(String::as_str).collect()).collect();
    let mut times = Vec::with_capacity(order.len());
    for (sample, findings) in order.into_iter().filter_map(|number| samples.get(number).zip(findings.get(number))) {
        let facts = sample.facts(findings);
        let started = Instant::now();
        black_box(judge.decide(black_box(&facts)));
        times.push(u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX));
    }
    times
}

fn spread(mut times: Vec<u64>) -> serde_json::Value {
    times.sort_unstable();
    let at = |share: usize| times.get((times.len().saturating_sub(1)) * share / 1_000).copied().unwrap_or_default();
    json!({"decisions": times.len(), "p50_ns": at(500), "p99_ns": at(990), "p999_ns": at(999), "max_ns": at(1_000)})
}

/// Rules of four sorts: what each team may do at home and abroad, what a finding forbids, what is looked after.
fn rules(kinds: usize) -> Fallible<String> {
    let mut text = String::from(
        "@id(\"at-home\")\npermit (principal, action, resource)\nwhen { resource.processed_within.contains(\"KR\") && \
         resource.controlled_within.contains(\"KR\") };\n",
    );
    for number in 1..RULES {
        let (team, kind) = (number % TEAMS, number % kinds);
        let place = PLACES.get(number % PLACES.len()).copied().unwrap_or("KR");
        match number % 5 {
            0 => write!(
                text,
                "@id(\"r{number}\") @code(\"finding\")\nforbid (principal in Team::\"t{team}\", action, resource)\nwhen {{ context.findings.contains(\"own.k{kind}\") }}\nunless {{ resource.processed_within.contains(\"{place}\") }};\n"
            ),
            1 => write!(
                text,
                "@id(\"r{number}\") @edit(\"mask\")\npermit (principal in Team::\"t{team}\", action, resource)\nwhen {{ !resource.local && resource.processed_within.contains(\"{place}\") }};\n"
            ),
            2 => write!(
                text,
                "@id(\"r{number}\") @label(\"ai\")\npermit (principal in Team::\"t{team}\", action == Action::\"infer\", resource)\nwhen {{ context.class == \"open\" && resource has card && resource.card == \"m{kind}\" }};\n"
            ),
            3 => write!(
                text,
                "@id(\"r{number}\")\nforbid (principal in Team::\"t{team}\", action, resource)\nwhen {{ (context.high_impact || context.unread) && resource.controlled_within.contains(\"{place}\") }};\n"
            ),
            _ => write!(
                text,
                "@id(\"r{number}\") @review(\"human\")\npermit (principal in Team::\"t{team}\", action, resource)\nwhen {{ context.high_impact && context.class == \"open\" && (resource.local || resource has provider) }};\n"
            ),
        }?;
    }
    Ok(text)
}

fn vocabulary(kinds: usize) -> Vocabulary {
    let none = BTreeSet::new;
    Vocabulary {
        places: PLACES.iter().map(|place| ((*place).to_owned(), none())).collect(),
        kinds: (0..kinds).map(|kind| (format!("own.k{kind}"), none())).collect::<BTreeMap<_, _>>(),
        ..Vocabulary::default()
    }
}

fn destination(number: usize) -> Destination {
    let axis = |number: usize| {
        let place: BTreeSet<Arc<str>> =
            PLACES.iter().skip(number % PLACES.len()).take(1).map(|place| Arc::from(*place)).collect();
        Axis { known: place.clone(), within: place }
    };
    Destination {
        id: format!("d{number}").into(),
        name: format!("n{}", number / 4).into(),
        model: format!("m{number}").into(),
        local: number == 0,
        processed_in: axis(number),
        controlled_by: axis(number / 2),
        card: (!number.is_multiple_of(3)).then(|| format!("m{}", number % 16).into()),
        provider: (!number.is_multiple_of(7)).then(|| "somebody".into()),
        ..Destination::default()
    }
}

fn uid(kind: &str, id: &str) -> Fallible<EntityUid> {
    Ok(EntityUid::from_type_name_and_id(kind.parse::<EntityTypeName>()?, EntityId::new(id)))
}

/// The median of what Cedar takes to decide one request for one destination, in nanoseconds.
fn in_cedar(text: &str, destinations: &[Destination], samples: &[Sample]) -> Fallible<u64> {
    let rules: PolicySet = text.parse()?;
    let set = |words: &BTreeSet<Arc<str>>| Value::new_set(words.iter().map(|word| Value::new_string(word.to_string())));
    let mut times = Vec::new();
    for (sample, there) in samples.iter().zip(destinations.iter().cycle()).take(500) {
        let mut attributes = HashMap::from([
            ("local".to_owned(), Value::new_bool(there.local)),
            ("processed_within".to_owned(), set(&there.processed_in.within)),
            ("controlled_within".to_owned(), set(&there.controlled_by.within)),
        ]);
        let known = [("card", &there.card), ("provider", &there.provider)];
        let known = known
            .into_iter()
            .filter_map(|(name, text)| Some((name.to_owned(), Value::new_string(text.as_ref()?.to_string()))));
        attributes.extend(known);
        let (key, team) = (uid("Key", "key")?, uid("Team", &sample.team)?);
        let (action, resource) = (uid("Action", sample.action.word())?, uid("Destination", &there.id)?);
        let entities = [
            Entity::new(resource.clone(), attributes, HashSet::new())?,
            Entity::new(key.clone(), HashMap::new(), HashSet::from([team]))?,
        ];
        let entities = Entities::from_entities(entities, None)?;
        let findings = sample.findings.iter().map(|kind| Value::new_string(kind.clone()));
        let context = Context::from_pairs([
            ("class".to_owned(), Value::new_string(sample.class.word().to_owned())),
            ("findings".to_owned(), Value::new_set(findings)),
            ("high_impact".to_owned(), Value::new_bool(sample.high_impact)),
            ("unread".to_owned(), Value::new_bool(sample.unread)),
        ])?;
        let request = Request::new(key, action, resource, context, None)?;
        let started = Instant::now();
        black_box(Authorizer::new().is_authorized(black_box(&request), &rules, &entities));
        times.push(u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX));
    }
    times.sort_unstable();
    times.get(times.len() / 2).copied().ok_or_else(|| "nothing was asked".into())
}
