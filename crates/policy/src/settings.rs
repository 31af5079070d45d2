//! The settings beside a policy's rules, `NAME.toml`: its title, its data classes, the destinations that only its cases know,
//! and the cases. Must not know Cedar.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use toml_edit::{Document, TableLike};

use crate::cases::{Case, Expect};
use crate::mistakes::Found;
use crate::typed::{Row, key_at};
use crate::vocabulary::hint;
use crate::{Action, Axis, Class, Classes, Destination, File, Hide, Mistake, NoClass, Vocabulary};

/// What a settings file says.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) title: Option<Arc<str>>,
    pub(crate) classes: Classes,
    pub(crate) destinations: Vec<Destination>,
    pub(crate) cases: Vec<Case>,
}

/// Those that the rest is checked against.
struct Names<'a> {
    words: &'a Vocabulary,
    /// Ids of the rules.
    rules: &'a BTreeSet<Arc<str>>,
}

const HIDES: [&str; 2] = ["mask", "pseudonymise"];

impl Settings {
    /// Of a policy without a settings file.
    pub(crate) fn none() -> Self {
        let classes = Classes { default: Class::default(), unread: Class::default(), findings: BTreeMap::new() };
        Self { title: None, classes, destinations: vec![local()], cases: Vec::new() }
    }

    pub(crate) fn read(file: File<'_>, words: &Vocabulary, rules: &BTreeSet<Arc<str>>) -> Result<Self, Vec<Mistake>> {
        let mut found = Found::of(file.name, file.text);
        let document = match Document::parse(file.text) {
            Ok(document) => document,
            Err(wrong) => {
                found.add(wrong.span().map_or(0, |span| span.start), wrong.message().trim().replace('\n', ": "));
                return Err(found.finish());
            }
        };
        let mut settings = Self::none();
        settings.fill(document.as_table(), &Names { words, rules }, &mut found);
        if found.is_empty() { Ok(settings) } else { Err(found.finish()) }
    }

    fn fill(&mut self, root: &dyn TableLike, names: &Names<'_>, found: &mut Found<'_>) {
        let mut row = Row::of(root, 0, found);
        let policy = row.table("policy");
        let classes = row.table("classes");
        let destinations = row.tables("destination");
        let cases = row.tables("case");
        row.end();
        if let Some((table, at)) = policy {
            let mut row = Row::of(table, at, found);
            self.title = row.text("title");
            // For people alone, who read them in the file.
            row.text("version");
            row.texts("sources");
            row.end();
        }
        if let Some((table, at)) = classes {
            self.classes = read_classes(table, at, names, found);
        }
        for (table, at) in destinations {
            if let Some(destination) = read_destination(table, at, names, found) {
                self.add(destination, at, found);
            }
        }
        for (table, at) in cases {
            self.cases.push(read_case(table, at, names, &self.destinations, found));
        }
    }

    /// A destination; the one that every file has may be told again.
    fn add(&mut self, destination: Destination, at: usize, found: &mut Found<'_>) {
        match self.destinations.iter_mut().enumerate().find(|(_, there)| there.id == destination.id) {
            Some((0, local)) => *local = destination,
            Some(_) => found.add(at, format!("the destination `{}` is there twice: rename one", destination.id)),
            None => self.destinations.push(destination),
        }
    }
}

/// The floor in this process, which every file has.
fn local() -> Destination {
    let word: Arc<str> = "local".into();
    Destination { id: word.clone(), name: word.clone(), model: word, local: true, ..Destination::default() }
}

fn read_classes(table: &dyn TableLike, at: usize, names: &Names<'_>, found: &mut Found<'_>) -> Classes {
    let mut row = Row::of(table, at, found);
    let default = row.word("default", &Class::ALL.map(Class::word), |word| word.parse().ok()).unwrap_or_default();
    let unread = row.word("unread", &Class::ALL.map(Class::word), |word| word.parse().ok()).unwrap_or_default();
    let kinds = row.table("findings");
    row.end();
    let mut findings = BTreeMap::new();
    for (key, item) in kinds.iter().flat_map(|(table, _)| table.iter()) {
        let at = kinds.and_then(|(table, _)| key_at(table, key)).unwrap_or(at);
        if !names.words.kinds.contains_key(key) {
            let near = hint(key, names.words.kinds.keys().map(String::as_str));
            found.add(at, format!("there is no kind or group of findings `{key}`{near}"));
        }
        match item.as_str().map_or(Err(NoClass), str::parse) {
            Ok(class) => drop(findings.insert(Arc::from(key), class)),
            Err(no) => found.add(at, format!("the class of `{key}` {no}")),
        }
    }
    Classes { default, unread, findings }
}

fn read_destination(table: &dyn TableLike, at: usize, names: &Names<'_>, found: &mut Found<'_>) -> Option<Destination> {
    let mut row = Row::of(table, at, found);
    let id = row.text("id");
    let floor = id.as_deref() == Some("local");
    let name = row.text("name").or_else(|| id.as_deref()?.split('/').next().map(Arc::from));
    let model = row.text("model").or_else(|| id.as_deref()?.split('/').next_back().map(Arc::from));
    let destination = Destination {
        id: id.clone().unwrap_or_default(),
        name: name.unwrap_or_default(),
        model: model.unwrap_or_default(),
        upstream: None,
        local: row.flag("local").unwrap_or(floor),
        processed_in: read_axis(&mut row, "processed_in", names),
        controlled_by: read_axis(&mut row, "controlled_by", names),
        provider: read_word(&mut row, "provider", names),
        region: read_word(&mut row, "region", names),
        card: read_word(&mut row, "card", names),
        developer: read_word(&mut row, "developer", names),
        training_on_input: read_word(&mut row, "training_on_input", names),
        retention_days: row.number("retention_days"),
        transfer_basis: read_set(&mut row, "transfer_basis", names),
        commercial_use: read_word(&mut row, "commercial_use", names),
        offer_to_third_parties: read_word(&mut row, "offer_to_third_parties", names),
        open_weights: row.number("open_weights"),
        open_data: row.number("open_data"),
        open_code: row.number("open_code"),
        frontier: row.flag("frontier"),
        capabilities: read_set(&mut row, "capabilities", names),
        languages: read_set(&mut row, "languages", names),
    };
    if id.is_none() {
        row.wrong("id", "a destination needs an `id`");
    }
    row.end();
    id.map(|_| destination)
}

/// An attribute that is one word.
fn read_word(row: &mut Row<'_, '_, '_>, key: &'static str, names: &Names<'_>) -> Option<Arc<str>> {
    let word = row.text(key)?;
    if let Some(what) = names.words.wrong(key, &word) {
        row.wrong(key, what);
    }
    Some(word)
}

/// An attribute that is several words.
fn read_set(row: &mut Row<'_, '_, '_>, key: &'static str, names: &Names<'_>) -> BTreeSet<Arc<str>> {
    let words: BTreeSet<Arc<str>> = row.texts(key).unwrap_or_default().into_iter().collect();
    for what in words.iter().filter_map(|word| names.words.wrong(key, word)) {
        row.wrong(key, what);
    }
    words
}

/// An axis of which all is known, or nothing where it is left out.
fn read_axis(row: &mut Row<'_, '_, '_>, key: &'static str, names: &Names<'_>) -> Axis {
    let known: BTreeSet<Arc<str>> = row.texts(key).unwrap_or_default().into_iter().collect();
    let mut within: Option<BTreeSet<Arc<str>>> = None;
    for place in &known {
        let Some(around) = names.words.places.get(&**place) else {
            let near = hint(place, names.words.places.keys().map(String::as_str));
            row.wrong(key, format!("there is no jurisdiction or bloc `{place}`{near}"));
            continue;
        };
        let mut around: BTreeSet<Arc<str>> = around.iter().map(|bloc| Arc::from(bloc.as_str())).collect();
        around.insert(place.clone());
        within = Some(match within {
            Some(within) => within.intersection(&around).cloned().collect(),
            None => around,
        });
    }
    Axis { known, within: within.unwrap_or_default() }
}

fn read_case(
    table: &dyn TableLike,
    at: usize,
    names: &Names<'_>,
    destinations: &[Destination],
    found: &mut Found<'_>,
) -> Case {
    let line = found.line(at);
    let words = names.words;
    let mut row = Row::of(table, at, found);
    let (kinds, signals, needs) = (words.kinds.keys(), words.signals.iter(), words.needs.iter());
    let action = row.word("action", &["infer", "embed"], |word| Action::ALL.into_iter().find(|a| a.word() == word));
    let surface = row.text("surface");
    let case = Case {
        line,
        name: row.text("name").unwrap_or_default(),
        tenant: row.text("tenant").unwrap_or_else(|| "default".into()),
        team: row.text("team").unwrap_or_default(),
        key: row.text("key").unwrap_or_default(),
        action: action.unwrap_or(if surface.as_deref() == Some("embeddings") { Action::Embed } else { Action::Infer }),
        class: row.word("class", &Class::ALL.map(Class::word), |word| word.parse().ok()),
        findings: read_words(&mut row, "findings", "kind or group of findings", &kinds),
        signals: read_words(&mut row, "signals", "signal", &signals),
        needs: read_words(&mut row, "needs", "need", &needs),
        surface: surface.unwrap_or_else(|| {
            let embeds = action == Some(Action::Embed);
            Arc::from(if embeds { "embeddings" } else { "chat" })
        }),
        language: row.text("language").unwrap_or_else(|| "unknown".into()),
        purpose: row.text("purpose").unwrap_or_default(),
        use_area: row.text("use_area").unwrap_or_default(),
        high_impact: row.flag("high_impact").unwrap_or_default(),
        unread: row.flag("unread").unwrap_or_default(),
        stream: row.flag("stream").unwrap_or_default(),
        prompt_kib: row.number("prompt_kib").and_then(|kib| u64::try_from(kib).ok()).unwrap_or(1),
        to: row.text("to").unwrap_or_default(),
        expect: read_expect(&mut row),
    };
    check_case(&case, &mut row, names, destinations);
    row.end();
    case
}

fn read_expect(row: &mut Row<'_, '_, '_>) -> Expect {
    let permitted = row.word("expect", &["permitted", "refused"], |word| match word {
        "permitted" => Some(true),
        "refused" => Some(false),
        _ => None,
    });
    if !row.has("expect") {
        row.wrong("expect", "a case needs `expect = \"permitted\"` or `expect = \"refused\"`");
    }
    Expect {
        permitted: permitted.unwrap_or_default(),
        rule: row.text("rule"),
        code: row.text("code"),
        edit: row.word("edit", &HIDES, |word| match word {
            "mask" => Some(Hide::Mask),
            "pseudonymise" => Some(Hide::Pseudonymise),
            _ => None,
        }),
        answer: row.word("answer", &["mask", "none"], |word| match word {
            "mask" => Some(true),
            "none" => Some(false),
            _ => None,
        }),
        labels: row.texts("labels"),
        review: row.flag("review"),
    }
}

fn read_words<'w>(
    row: &mut Row<'_, '_, '_>,
    key: &'static str,
    what: &str,
    known: &(impl Iterator<Item = &'w String> + Clone),
) -> Vec<Arc<str>> {
    let list = row.texts(key).unwrap_or_default();
    for word in &list {
        if !known.clone().any(|known| **known == **word) {
            row.wrong(key, format!("there is no {what} `{word}`{}", hint(word, known.clone().map(String::as_str))));
        }
    }
    list
}

fn check_case(case: &Case, row: &mut Row<'_, '_, '_>, names: &Names<'_>, destinations: &[Destination]) {
    if case.name.is_empty() {
        row.wrong("name", "a case needs a `name` that says what it shows");
    }
    if !destinations.iter().any(|destination| destination.id == case.to) {
        let near = hint(&case.to, destinations.iter().map(|destination| &*destination.id));
        row.wrong("to", format!("`to` must name a destination of this file or `local`, not `{}`{near}", case.to));
    }
    if let Some(rule) = case.expect.rule.as_deref()
        && rule != "none"
        && !names.rules.contains(rule)
    {
        let near = hint(rule, names.rules.iter().map(|rule| &**rule));
        row.wrong("rule", format!("there is no rule `{rule}`{near}"));
    }
    if !["chat", "completions", "embeddings"].contains(&&*case.surface) {
        let near = hint(&case.surface, ["chat", "completions", "embeddings"]);
        row.wrong("surface", format!("there is no surface `{}`{near}", case.surface));
    }
}
