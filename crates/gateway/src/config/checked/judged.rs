//! What the typed settings of policy, catalogue, routes, teams and own words mean. It reads the files that they name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::inspect::{Dictionary, Pattern, Rules, RulesError};
use ::policy::Class;
use catalog::Catalog;

use super::super::judged::vocabulary;
use super::super::typed::{self, At};
use super::super::{Destination, Home, Judged, Operator, Registered, Route, RouteStep, UsedPolicy};
use super::{Finder, LISTED_MAX, listed, name, one_of};

/// The provider that is the organisation itself.
const OWN: &str = "own";
/// Purposes and areas of use, in bytes: rules and pages name them.
const WORD_BYTES_MAX: usize = 64;

/// `[policy]`, `[[dictionary]]`, `[[pattern]]`.
pub(super) fn policy(
    typed: &typed::Policy,
    dictionaries: &[typed::Dictionary],
    patterns: &[typed::Pattern],
    mistakes: &mut Finder<'_>,
) -> Judged {
    let mut judged = Judged::default();
    let folder = Path::new(mistakes.file()).parent().map_or_else(PathBuf::new, Path::to_path_buf);
    if let Some(typed) = &typed.catalog {
        let path = folder.join(&typed.value);
        match Catalog::load(&path) {
            Ok(catalog) => judged.catalog = Arc::new(catalog),
            Err(found) => mistakes.add_elsewhere(super::super::Mistakes::from(found).list().iter().cloned()),
        }
        judged.catalog_folder = Some(path);
    }
    judged.home = typed.home.as_ref().and_then(|typed| home(typed, &judged.catalog, mistakes));
    judged.own = own(dictionaries, patterns, mistakes);
    // What is wrong with one of them is told where it is.
    if let Ok(rules) = Rules::new(&judged.own.0, &judged.own.1) {
        judged.identifiers = rules;
    }
    let chosen = typed.used.as_ref().map(|typed| (UsedPolicy::new(&typed.value, &folder), typed.at));
    let (used, at) = chosen.unwrap_or((judged.used.clone(), 0));
    let words = vocabulary(&judged.catalog, &judged.own.0, &judged.own.1);
    match used.read(&folder, &words) {
        Ok(rules) => judged.rules = rules,
        Err(found) => match &used {
            UsedPolicy::Shipped(_) => {
                found.list().iter().for_each(|mistake| mistakes.add(at, format!("`policy.use`: {}", mistake.what)));
            }
            UsedPolicy::File(path) if !path.exists() => {
                let what = "and there is no such file: name a shipped policy, or a file that is there";
                mistakes.add(at, format!("`policy.use` is `{}`, {what}", path.display()));
            }
            UsedPolicy::File(path) if path.with_extension("toml") == Path::new(mistakes.file()) => {
                let what = "whose settings would be this very file: give the rules or the configuration another name";
                mistakes.add(at, format!("`policy.use` is `{}`, {what}", path.display()));
            }
            UsedPolicy::File(_) => mistakes.add_elsewhere(found.list().iter().cloned()),
        },
    }
    judged.has_settings = used.has_settings();
    judged.used = used;
    judged
}

fn home(typed: &At<String>, catalog: &Catalog, mistakes: &mut Finder<'_>) -> Option<Home> {
    let code = typed.value.parse::<Home>().ok().filter(|code| catalog.jurisdiction(*code).is_some());
    if code.is_none() {
        let what = "must be a jurisdiction of the catalogue, such as `KR`";
        mistakes.add(typed.at, format!("`policy.home` is `{}`, and {what}", typed.value.escape_debug()));
    }
    code
}

fn own(
    dictionaries: &[typed::Dictionary],
    patterns: &[typed::Pattern],
    mistakes: &mut Finder<'_>,
) -> (Vec<Dictionary>, Vec<Pattern>) {
    let dictionary = dictionaries.iter().map(|it| ("dictionary", it.at, &it.missing));
    for (what, at, missing) in dictionary.chain(patterns.iter().map(|it| ("pattern", it.at, &it.missing))) {
        for key in missing {
            mistakes.add(at, format!("this {what} has no `{key}`: add one"));
        }
    }
    let dictionaries = dictionaries.iter().filter_map(|it| {
        let words = it.words.as_ref()?.value.iter().map(|word| word.value.clone()).collect();
        Some((it.at, Dictionary { name: it.name.as_ref()?.value.clone(), words }))
    });
    let patterns = patterns.iter().filter_map(|it| {
        Some((it.at, Pattern { name: it.name.as_ref()?.value.clone(), regex: it.regex.as_ref()?.value.clone() }))
    });
    let (mut sound, mut names) = ((Vec::new(), Vec::new()), BTreeSet::new());
    for (at, dictionary) in dictionaries {
        let rules = Rules::new(std::slice::from_ref(&dictionary), &[]).map(drop);
        if is_sound(at, &dictionary.name, rules, &mut names, mistakes) {
            sound.0.push(dictionary);
        }
    }
    for (at, pattern) in patterns {
        let rules = Rules::new(&[], std::slice::from_ref(&pattern)).map(drop);
        if is_sound(at, &pattern.name, rules, &mut names, mistakes) {
            sound.1.push(pattern);
        }
    }
    sound
}

/// Whether one of the operator's own can be looked for; where it cannot, says so at its line.
fn is_sound(
    at: usize,
    name: &str,
    rules: Result<(), RulesError>,
    names: &mut BTreeSet<String>,
    mistakes: &mut Finder<'_>,
) -> bool {
    let twice = (!names.insert(name.to_owned())).then(|| RulesError::Twice(name.to_owned()));
    let found = rules.err().or(twice);
    if let Some(error) = &found {
        // A mistake is one line.
        let words: Vec<String> = error.to_string().lines().map(|line| line.trim().to_owned()).collect();
        mistakes.add(at, words.join(" "));
    }
    found.is_none()
}

/// Who operates a destination.
pub(super) fn operator(
    provider: Option<At<String>>,
    region: Option<At<String>>,
    policy: &Judged,
    mistakes: &mut Finder<'_>,
) -> Option<Operator> {
    let Some(provider) = provider else {
        if let Some(region) = region {
            mistakes.add(region.at, "`destination.region` is of no use without `destination.provider`: name that too");
        }
        return None;
    };
    if provider.value == OWN {
        if policy.home.is_none() {
            let what =
                "a destination of your own is where you are: set `policy.home` to your jurisdiction, such as `KR`";
            mistakes.add(provider.at, what);
        }
        if let Some(region) = region {
            mistakes.add(region.at, "a destination of your own has no `region`: take it out");
        }
        return Some(Operator::Own);
    }
    let Some(known) = policy.catalog.provider(&provider.value) else {
        let all: Vec<&str> = policy.catalog.providers().map(|(id, _)| id).collect();
        let hint = super::nearest(&provider.value, &all).map(|near| format!(": did you mean `{near}`?"));
        let hint = hint
            .unwrap_or_else(|| ": `gwanmun catalog list` shows what it has; add yours to `policy.catalog`".to_owned());
        let typed = provider.value.escape_debug();
        mistakes
            .add(provider.at, format!("`destination.provider` is `{typed}`, which the catalogue does not have{hint}"));
        return None;
    };
    let region = region.map(|region| {
        if !known.regions.contains_key(&region.value) {
            let regions: Vec<&str> = known.regions.keys().map(String::as_str).collect();
            let what = match regions.as_slice() {
                [] => "the catalogue has no regions of it: take it out, or add one to `policy.catalog`".to_owned(),
                _ => format!("the catalogue has {}", listed(&regions)),
            };
            mistakes.add(region.at, format!("`destination.region` is `{}`, and {what}", region.value.escape_debug()));
        }
        region.value.into()
    });
    Some(Operator::Provider { provider: provider.value.into(), region })
}

/// Which model of the catalogue it is.
pub(super) fn card(typed: At<String>, policy: &Judged, mistakes: &mut Finder<'_>) -> Option<Arc<str>> {
    if policy.catalog.model(&typed.value).is_none() {
        let all: Vec<&str> = policy.catalog.models().map(|(id, _)| id).collect();
        let hint = super::nearest(&typed.value, &all).map(|near| format!(": did you mean `{near}`?"));
        let hint = hint.unwrap_or_else(|| ": `gwanmun catalog list --kind model` shows what it has".to_owned());
        let shown = typed.value.escape_debug();
        mistakes.add(typed.at, format!("`card` is `{shown}`, a model that the catalogue does not have{hint}"));
        return None;
    }
    Some(typed.value.into())
}

/// What destinations offer as it was typed, `DESTINATION/MODEL`: a destination with a mistake is told by that alone.
pub(super) fn offered(typed: &[typed::Destination]) -> BTreeSet<String> {
    let named = typed.iter().filter_map(|it| Some((&it.name.as_ref()?.value, &it.models.as_ref()?.value)));
    named.flat_map(|(name, models)| models.iter().map(move |model| format!("{name}/{}", model.name.value))).collect()
}

/// `[[route]]`
pub(super) fn routes(
    typed: Vec<typed::Route>,
    offered: &BTreeSet<String>,
    destinations: &[Arc<Destination>],
    mistakes: &mut Finder<'_>,
) -> Vec<Route> {
    if let Some(over) = typed.get(LISTED_MAX) {
        mistakes.add(over.at, format!("there are more than {LISTED_MAX} routes"));
    }
    let (mut models, mut routes) = (BTreeSet::new(), Vec::new());
    for typed in typed.into_iter().take(LISTED_MAX) {
        for key in typed.missing {
            mistakes.add(typed.at, format!("this route has no `{key}`: add one"));
        }
        let registered = registered("route", typed.registered, mistakes);
        let named = typed.destinations.as_ref().map_or(0, |typed| typed.value.len());
        let manner = super::manner::manner(&typed.manner, named, typed.at, mistakes);
        let steps = typed.destinations.map(|typed| steps(typed, offered, destinations, mistakes));
        let model = typed.model.and_then(|typed| name("route.model", &typed, mistakes));
        let (Some(model), Some(steps)) = (model, steps) else { continue };
        if !models.insert(Arc::clone(&model)) {
            mistakes.add(typed.at, format!("there are two routes for the model `{model}`"));
        }
        routes.push(Route { model, steps, registered, nfc: typed.nfc.unwrap_or(false), manner });
    }
    routes
}

fn steps(
    typed: At<Vec<At<String>>>,
    offered: &BTreeSet<String>,
    destinations: &[Arc<Destination>],
    mistakes: &mut Finder<'_>,
) -> Vec<RouteStep> {
    if typed.value.is_empty() || typed.value.len() > LISTED_MAX {
        mistakes.add(typed.at, format!("`route.destinations` must name 1 to {LISTED_MAX} destinations"));
    }
    let mut steps = Vec::new();
    for typed in typed.value {
        let Some(step) = step(&typed, offered, destinations, mistakes) else { continue };
        if steps.contains(&step) {
            mistakes.add(typed.at, format!("`route.destinations` names `{}` twice", typed.value.escape_debug()));
        } else {
            steps.push(step);
        }
    }
    steps
}

fn step(
    typed: &At<String>,
    offered: &BTreeSet<String>,
    destinations: &[Arc<Destination>],
    mistakes: &mut Finder<'_>,
) -> Option<RouteStep> {
    if typed.value == "local" {
        return Some(RouteStep::Local);
    }
    let found = typed.value.split_once('/').and_then(|(destination, model)| {
        let destination = destinations.iter().find(|it| *it.name == *destination)?;
        let model = destination.models.iter().find(|it| *it.name == *model)?;
        Some(RouteStep::Remote { destination: Arc::clone(&destination.name), model: Arc::clone(&model.name) })
    });
    if found.is_none() && !offered.contains(&typed.value) {
        let all: Vec<&str> = offered.iter().map(String::as_str).chain(["local"]).collect();
        let hint = super::nearest(&typed.value, &all).map(|near| format!(": did you mean `{near}`?"));
        let hint = hint.unwrap_or_else(|| ": write `DESTINATION/MODEL`, or `local`".to_owned());
        let shown = typed.value.escape_debug();
        mistakes.add(typed.at, format!("`route.destinations` has `{shown}`, which there is not{hint}"));
    }
    found
}

/// `[[team]]`
pub(super) fn teams(typed: Vec<typed::Team>, mistakes: &mut Finder<'_>) -> BTreeMap<Arc<str>, Registered> {
    let mut teams = BTreeMap::new();
    for typed in typed {
        for key in typed.missing {
            mistakes.add(typed.at, format!("this team has no `{key}`: add one"));
        }
        let registered = registered("team", typed.registered, mistakes);
        let Some(name) = typed.name else { continue };
        if teams.insert(Arc::from(name.value.as_str()), registered).is_some() {
            mistakes.add(name.at, format!("there are two teams named `{}`", name.value.escape_debug()));
        }
    }
    teams
}

fn registered(of: &str, typed: typed::Registered, mistakes: &mut Finder<'_>) -> Registered {
    let words = Class::ALL.map(|class| (class.word(), class));
    let mut word = |key: &str, typed: Option<At<String>>| -> Arc<str> {
        let Some(typed) = typed else { return "".into() };
        let proper = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
        if typed.value.is_empty() || typed.value.len() > WORD_BYTES_MAX || !typed.value.bytes().all(proper) {
            let what = format!("must be 1 to {WORD_BYTES_MAX} of `a-z`, `0-9`, `-`, `_` and `.`");
            mistakes.add(typed.at, format!("`{of}.{key}` is `{}`, and {what}", typed.value.escape_debug()));
        }
        typed.value.into()
    };
    let (purpose, use_area) = (word("purpose", typed.purpose), word("use_area", typed.use_area));
    let class = one_of(&format!("{of}.class"), typed.class.as_ref(), &words, mistakes);
    Registered { class, purpose, use_area, high_impact: typed.high_impact.unwrap_or(false), continuity: None }
}
