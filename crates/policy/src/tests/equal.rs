//! The judge against Cedar itself: random rules over the whole language, random destinations, random requests. What may go where,
//! by which rules, must be the same, but that an error denies where Cedar would skip the rule.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt::Write as _;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, PolicyId, PolicySet, Request, RestrictedExpression,
};

use super::{destination, read};
use crate::judge::Memory;
use crate::places::{entity, uid};
use crate::split::{depth, pieces};
use crate::{Action, Class, Destination, Facts, Judge, Outcome};

/// A seed to run again; none for a new one each time.
const AGAIN: Option<u64> = None;
const POLICIES: usize = 60;
const REQUESTS: usize = 300;
const DESTINATIONS: usize = 6;

/// SplitMix64.
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ word >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ word >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((word ^ word >> 31) >> 33).unwrap() % most
    }

    pub(crate) fn of<'a, T: ?Sized>(&mut self, list: &[&'a T]) -> &'a T {
        list[self.below(list.len())]
    }

    fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}

const KINDS: [&str; 8] =
    ["kr.resident", "kr.phone", "kr.business", "email", "secret.api_key", "kr", "person", "secret"];

/// A condition over everything that can be asked.
fn condition(chance: &mut Chance, depth: usize) -> String {
    if depth == 0 || chance.once_in(4) {
        return if chance.once_in(2) { ask(chance) } else { place(chance) };
    }
    let mut part = || condition(chance, depth - 1);
    let (first, second, third) = (part(), part(), part());
    match chance.below(6) {
        0 | 1 => format!("({first} && {second})"),
        2 | 3 => format!("({first} || {second})"),
        4 => format!("!({first})"),
        _ => format!("(if {first} then {second} else {third})"),
    }
}

fn kinds(chance: &mut Chance) -> String {
    let count = 1 + chance.below(3);
    let list: Vec<String> = (0..count).map(|_| format!("\"{}\"", chance.of(&KINDS))).collect();
    format!("[{}]", list.join(", "))
}

fn ask(chance: &mut Chance) -> String {
    let class = chance.of(&["open", "sensitive", "classified"]);
    let list = kinds(chance);
    let kind = chance.of(&KINDS);
    let size = chance.of(&["-1", "0", "1", "2", "64", "9223372036854775807"]);
    let compare = chance.of(&["<", "<=", ">", ">=", "==", "!="]);
    match chance.below(22) {
        0 => format!("context.class == \"{class}\""),
        1 => format!("\"{class}\" != context.class"),
        2 => format!("[\"{class}\", \"sensitive\"].contains(context.class)"),
        3 => format!("context.findings.contains(\"{kind}\")"),
        4 => format!("context.findings.containsAny({list})"),
        5 => format!("context.findings.containsAll({list})"),
        6 => format!("{list}.containsAll(context.findings)"),
        7 => format!("{list}.containsAny(context.findings)"),
        8 => "context.findings.isEmpty()".to_owned(),
        9 => format!("context.prompt_kib {compare} {size}"),
        10 => format!("{size} {compare} context.prompt_kib"),
        11 => "context.high_impact".to_owned(),
        12 => "context.unread == false".to_owned(),
        13 => "context.signals.contains(\"signal.override\")".to_owned(),
        14 => "context.needs.containsAny([\"tools\", \"vision\"])".to_owned(),
        15 => "context.language == \"ko\"".to_owned(),
        16 => "context.purpose != \"\"".to_owned(),
        17 => "[\"chat\", \"completions\"].contains(context.surface)".to_owned(),
        18 => format!("principal in {}", group(chance)),
        19 => "principal in [Team::\"hr\", Team::\"ops\"]".to_owned(),
        20 => "action in [Action::\"embed\"]".to_owned(),
        _ => "true != context.stream".to_owned(),
    }
}

fn group(chance: &mut Chance) -> &'static str {
    chance.of(&["Team::\"hr\"", "Team::\"sales\"", "Tenant::\"t1\"", "Tenant::\"t2\"", "Key::\"k1\""])
}

fn place(chance: &mut Chance) -> String {
    let axis = chance.of(&["processed_in", "processed_within", "controlled_by", "controlled_within"]);
    let place = chance.of(&["KR", "US", "FR", "EU", "OECD"]);
    match chance.below(13) {
        0..=3 => format!("resource.{axis}.contains(\"{place}\")"),
        4 => format!("resource.{axis}.isEmpty()"),
        5 => "resource.local".to_owned(),
        6 => "(resource has retention_days && resource.retention_days <= 30)".to_owned(),
        7 => "resource has card".to_owned(),
        8 => "(resource has card && resource.card like \"exa*\")".to_owned(),
        // Fails where it is reached: too large a number.
        9 => "(resource has retention_days && resource.retention_days * 9223372036854775807 > 7)".to_owned(),
        10 => "resource == Destination::\"d1\"".to_owned(),
        // Fails where it is reached: there is no such destination.
        11 => "Destination::\"gone\".local".to_owned(),
        _ => "resource.name == \"d2\"".to_owned(),
    }
}

pub(crate) fn rules(chance: &mut Chance) -> String {
    let mut text = String::new();
    for number in 0..=chance.below(7) {
        let permit = !chance.once_in(3);
        writeln!(text, "@id(\"r{number}\")").unwrap();
        if permit && chance.once_in(4) {
            writeln!(text, "@edit(\"{}\")", chance.of(&["mask", "pseudonymise"])).unwrap();
        }
        let principal = match chance.below(8) {
            0 => format!("principal in {}", group(chance)),
            1 => "principal == Key::\"k2\"".to_owned(),
            2 => "principal is Key in Team::\"hr\"".to_owned(),
            3 => "principal is Key".to_owned(),
            _ => "principal".to_owned(),
        };
        let action = chance.of(&[
            "action",
            "action",
            "action == Action::\"infer\"",
            "action in [Action::\"infer\", Action::\"embed\"]",
        ]);
        let resource =
            chance.of(&["resource", "resource", "resource is Destination", "resource == Destination::\"d0\""]);
        write!(text, "{} ({principal}, {action}, {resource})", if permit { "permit" } else { "forbid" }).unwrap();
        // What is too deep is refused before anything is compared.
        let clauses = loop {
            let clauses = clauses(chance);
            if depth(&clauses) < 50 {
                break clauses;
            }
        };
        text.push_str(&clauses);
        text.push_str(";\n");
    }
    text
}

fn clauses(chance: &mut Chance) -> String {
    let mut text = String::new();
    for _ in 0..chance.below(3) {
        let clause = if chance.once_in(3) { "unless" } else { "when" };
        let depth = chance.below(4);
        write!(text, "\n  {clause} {{ {} }}", condition(chance, depth)).unwrap();
    }
    text
}

pub(crate) fn some_destinations(chance: &mut Chance) -> Vec<Destination> {
    let one = |number: usize| {
        let mut axis = || chance.of(&["KR", "US", "FR", "?"]);
        let mut there = destination(&format!("d{number}"), axis(), axis());
        there.local = chance.once_in(4);
        there.retention_days = [None, Some(0), Some(30), Some(400)][chance.below(4)];
        there.card = [None, Some(Arc::from("exaone")), Some(Arc::from("qwen"))][chance.below(3)].clone();
        there
    };
    (0..DESTINATIONS).map(one).collect()
}

/// Keys with their teams and tenants.
const CALLERS: [(&str, &str, &str); 4] =
    [("k1", "hr", "t1"), ("k2", "sales", "t1"), ("k3", "ops", "t2"), ("k4", "sales", "t1")];

fn entities(destinations: &[Destination]) -> Entities {
    let child = |of: (&str, &str), parent: (&str, &str)| {
        let parents = HashSet::from([uid(parent.0, parent.1).unwrap()]);
        Entity::new(uid(of.0, of.1).unwrap(), HashMap::new(), parents).unwrap()
    };
    let keys = CALLERS.iter().map(|(key, team, _)| child(("Key", key), ("Team", team)));
    let teams = [("hr", "t1"), ("sales", "t1"), ("ops", "t2")];
    let teams = teams.iter().map(|(team, tenant)| child(("Team", team), ("Tenant", tenant)));
    let tenants = ["t1", "t2"].into_iter().map(|tenant| Entity::with_uid(uid("Tenant", tenant).unwrap()));
    let destinations = destinations.iter().map(|destination| entity(destination).unwrap());
    Entities::from_entities(keys.chain(teams).chain(tenants).chain(destinations), None).unwrap()
}

fn some<'a>(chance: &mut Chance, words: &[&'a str]) -> Vec<&'a str> {
    words.iter().copied().filter(|_| chance.once_in(3)).collect()
}

fn context(facts: &Facts<'_>) -> Context {
    let text = |text: &str| RestrictedExpression::new_string(text.to_owned());
    let set = |words: &[&str]| RestrictedExpression::new_set(words.iter().map(|word| text(word)));
    let flag = RestrictedExpression::new_bool;
    let pairs = [
        ("class", text(facts.class.word())),
        ("findings", set(facts.findings)),
        ("signals", set(facts.signals)),
        ("needs", set(facts.needs)),
        ("surface", text(facts.surface)),
        ("language", text(facts.language)),
        ("purpose", text(facts.purpose)),
        ("use_area", text(facts.use_area)),
        ("high_impact", flag(facts.high_impact)),
        ("unread", flag(facts.unread)),
        ("stream", flag(facts.stream)),
        ("prompt_kib", RestrictedExpression::new_long(i64::try_from(facts.prompt_kib).unwrap_or(i64::MAX))),
    ];
    Context::from_pairs(pairs.map(|(name, value)| (name.to_owned(), value))).unwrap()
}

/// Cedar's own reading of the same file.
fn in_cedar(text: &str) -> PolicySet {
    let rule = |(number, piece): (usize, crate::split::Piece<'_>)| {
        cedar_policy::Policy::parse(Some(PolicyId::new(format!("r{number}"))), piece.text).unwrap()
    };
    PolicySet::from_policies(pieces(text).into_iter().enumerate().map(rule)).unwrap()
}

struct Oracle {
    rules: PolicySet,
    entities: Entities,
    edits: BTreeSet<String>,
}

impl Oracle {
    /// Compares one outcome with what Cedar says.
    fn agrees(&self, facts: &Facts<'_>, context: &Context, to: &str, outcome: &Outcome) -> Result<(), String> {
        let [principal, action, resource] = [("Key", facts.key), ("Action", facts.action.word()), ("Destination", to)]
            .map(|(kind, id)| uid(kind, id).unwrap());
        let request = Request::new(principal, action, resource, context.clone(), None).unwrap();
        let response = Authorizer::new().is_authorized(&request, &self.rules, &self.entities);
        let reasons: BTreeSet<String> = response.diagnostics().reason().map(ToString::to_string).collect();
        let fails = response.diagnostics().errors().count() > 0;
        let edited = reasons.iter().any(|rule| self.edits.contains(rule));
        let told = || format!("cedar: {response:?}, judge: {outcome:?}");
        let right = match (response.decision(), outcome) {
            (Decision::Allow, Outcome::Permitted(terms)) => {
                let rules: BTreeSet<String> = terms.rules.iter().map(ToString::to_string).collect();
                !fails && rules == reasons && terms.edits.is_empty() != edited
            }
            (Decision::Allow, Outcome::Refused(denial)) => match &*denial.code {
                "policy_failed" => fails,
                "cannot_hide" => !fails && edited && (facts.unread || facts.action == Action::Embed),
                _ => false,
            },
            (Decision::Deny, Outcome::Permitted(_)) => false,
            // The first that forbids; otherwise one that fails; otherwise none.
            (Decision::Deny, Outcome::Refused(denial)) => match reasons.iter().next() {
                Some(first) => denial.rule.as_deref() == Some(first),
                None if fails => &*denial.code == "policy_failed",
                None => denial.rule.is_none(),
            },
        };
        if right { Ok(()) } else { Err(told()) }
    }
}

#[test]
fn the_judge_decides_as_cedar_does() {
    let seed = AGAIN.unwrap_or_else(|| RandomState::new().hash_one(0));
    println!("seed {seed:#x}");
    let mut chance = Chance(seed);
    let (mut compared, mut failed, mut tables, mut allowed) = (0_usize, 0_usize, 0_usize, 0_usize);
    for _ in 0..POLICIES {
        let text = rules(&mut chance);
        let policy = read(&text).unwrap_or_else(|wrong| panic!("seed {seed:#x}: {wrong}\n{text}"));
        let destinations = some_destinations(&mut chance);
        let edits = policy.rules().iter().filter(|rule| rule.edit.is_some()).map(|rule| rule.id.to_string()).collect();
        let oracle = Oracle { rules: in_cedar(&text), entities: entities(&destinations), edits };
        // What the guard of the cache closes Cedar would open.
        let table = policy.compile(destinations.clone()).unguarded();
        tables += usize::from(matches!(table.memory, Memory::Table(_)));
        let judges: [Judge; 2] = [table, policy.compile_without_table(destinations).unguarded()];
        for _ in 0..REQUESTS {
            let (key, team, tenant) = CALLERS[chance.below(CALLERS.len())];
            let findings = some(&mut chance, &["kr.resident", "kr.phone", "email", "kr", "person", "secret", "vn.tax"]);
            let (signals, needs) = (
                some(&mut chance, &["signal.override", "signal.reveal"]),
                some(&mut chance, &["tools", "vision", "audio"]),
            );
            let facts = Facts {
                tenant,
                team,
                key,
                action: Action::ALL[chance.below(2)],
                class: Class::ALL[chance.below(3)],
                findings: &findings,
                signals: &signals,
                needs: &needs,
                surface: chance.of(&["chat", "completions", "embeddings"]),
                language: chance.of(&["ko", "en", "unknown"]),
                purpose: chance.of(&["", "hiring"]),
                use_area: "",
                high_impact: chance.once_in(2),
                unread: chance.once_in(3),
                stream: chance.once_in(2),
                prompt_kib: [0, 1, 2, 3, 63, 64, 65, u64::MAX][chance.below(8)],
            };
            let context = context(&facts);
            let verdicts = judges.each_ref().map(|judge| judge.decide(&facts));
            for (number, there) in judges[0].destinations().iter().enumerate() {
                let outcome = verdicts[0].of(number).unwrap();
                let told = oracle.agrees(&facts, &context, &there.id, outcome);
                let wrong = |what: &str| panic!("seed {seed:#x}: {what}\n{text}\n{facts:?}\n{there:?}");
                told.unwrap_or_else(|what| wrong(&what));
                if verdicts[1].of(number) != Some(outcome) {
                    wrong(&format!("the table says {outcome:?}, the cache {:?}", verdicts[1].of(number)));
                }
                compared += 1;
                allowed += usize::from(outcome.terms().is_some());
                failed += usize::from(matches!(outcome, Outcome::Refused(denial) if &*denial.code == "policy_failed"));
            }
        }
    }
    println!("{compared} decisions, {allowed} permitted, {failed} failed, {tables} tables of {POLICIES}");
    assert!(compared >= 100_000, "only {compared} decisions were compared");
    assert!(failed > compared / 100 && allowed > compared / 20, "{failed} failed, {allowed} permitted");
    assert!(tables > POLICIES / 3, "only {tables} tables");
}
