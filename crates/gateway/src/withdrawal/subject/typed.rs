//! Subjects as people type them: short, and resolved against the configuration and its catalogue. What could mean two things is an
//! error that names both; what means nothing is told what is near.

use std::{fmt, sync::Arc};

use catalog::Catalog;

use super::Subject;
use crate::{
    config::{Config, Operator},
    judge::LOCAL_DESTINATION,
};

/// How alike two words must be to be worth a suggestion, of 1.
const ALIKE_MIN: f64 = 0.75;

/// Why what was typed names no subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubjectError {
    /// It is of no form that there is.
    Malformed {
        /// What was typed.
        typed: String,
    },
    /// Nothing of that name is in the configuration or its catalogue.
    Unknown {
        /// What was typed.
        typed: String,
        /// What may have been meant.
        near: Option<String>,
    },
    /// It could be any of these.
    Ambiguous {
        /// What was typed.
        typed: String,
        /// In their canonical forms, at least two.
        choices: Vec<Subject>,
    },
    /// It is a model of a route, which is answered at these places.
    Route {
        /// What was typed.
        typed: String,
        /// The route's destinations, as the configuration has them.
        places: Vec<String>,
    },
    /// It is the local floor, which nobody can take away.
    Floor,
}

impl Subject {
    /// What was meant by `typed`: a canonical form, or a short one (`US`, `EU`, `outside KR`, `openai`, `gpt-5`, `azure-kr/large`).
    /// Case does not matter in the short ones.
    ///
    /// # Errors
    /// What means nothing here, or two things.
    pub fn parse(typed: &str, config: &Config) -> Result<Self, SubjectError> {
        let text = typed.trim();
        let catalog = &*config.policy.catalog;
        if text.eq_ignore_ascii_case(LOCAL_DESTINATION) {
            return Err(SubjectError::Floor);
        }
        if let Some(place) = text.strip_prefix("outside ").or_else(|| text.strip_prefix("outside:")) {
            let id = place_id(place.trim(), catalog).ok_or_else(|| unknown(typed, config))?;
            return Ok(Self::Outside(id));
        }
        match text.parse::<Self>() {
            // A name with a slash may also be a model's own.
            Ok(subject @ Self::Place(..)) => {
                if let Some(subject) = exact(subject, config) {
                    return Ok(subject);
                }
            }
            Ok(subject) => return exact(subject, config).ok_or_else(|| unknown(typed, config)),
            Err(SubjectError::Floor) => return Err(SubjectError::Floor),
            Err(_) => {}
        }
        let mut found = candidates(text, config);
        match (found.pop(), found.is_empty()) {
            (Some(only), true) => Ok(only),
            (Some(last), false) => {
                found.push(last);
                Err(SubjectError::Ambiguous { typed: text.to_owned(), choices: found })
            }
            (None, _) => Err(of_route(text, config).unwrap_or_else(|| unknown(typed, config))),
        }
    }
}

/// What a canonical form names, if it is there; spelt as it is there.
fn exact(subject: Subject, config: &Config) -> Option<Subject> {
    let catalog = &*config.policy.catalog;
    match subject {
        Subject::Destination(name) => destination(&name, config).map(Subject::Destination),
        Subject::Place(name, model) => {
            let at = config.destinations.iter().find(|at| at.name.eq_ignore_ascii_case(&name))?;
            let model = at.models.iter().find(|it| it.name == model || it.upstream == model)?;
            Some(Subject::Place(Arc::clone(&at.name), Arc::clone(&model.name)))
        }
        Subject::Provider(id) => provider(&id, config).map(Subject::Provider),
        Subject::Operator(id) => operator(&id, catalog).map(Subject::Operator),
        Subject::Model(name) => model(&name, config).map(Subject::Model),
        Subject::Jurisdiction(id) => place_id(&id, catalog).map(Subject::Jurisdiction),
        Subject::Outside(id) => place_id(&id, catalog).map(Subject::Outside),
    }
}

/// Everything that a bare word can mean. A provider comes before the operator of the same name, which it belongs to.
fn candidates(word: &str, config: &Config) -> Vec<Subject> {
    let catalog = &*config.policy.catalog;
    let company =
        provider(word, config).map(Subject::Provider).or_else(|| operator(word, catalog).map(Subject::Operator));
    let all = [
        destination(word, config).map(Subject::Destination),
        company,
        model(word, config).map(Subject::Model),
        place_id(word, catalog).map(Subject::Jurisdiction),
    ];
    all.into_iter().flatten().collect()
}

fn destination(name: &str, config: &Config) -> Option<Arc<str>> {
    let found = config.destinations.iter().find(|at| at.name.eq_ignore_ascii_case(name))?;
    Some(Arc::clone(&found.name))
}

/// By identifier or name; also one that a destination names and the catalogue has not.
fn provider(word: &str, config: &Config) -> Option<Arc<str>> {
    let used = config.destinations.iter().filter_map(|at| match at.operated_by.as_ref()? {
        Operator::Own => Some("own"),
        Operator::Provider { provider, .. } => Some(&**provider),
    });
    let listed = config.policy.catalog.providers();
    let of_catalog = listed.filter(|(id, it)| is_called(word, id, &it.name)).map(|(id, _)| id);
    used.filter(|id| id.eq_ignore_ascii_case(word)).chain(of_catalog).next().map(Arc::from)
}

fn operator(word: &str, catalog: &Catalog) -> Option<Arc<str>> {
    let ids = catalog::rows::list(catalog, Some(catalog::Kind::Organisation));
    ids.into_iter().find(|row| is_called(word, &row.id, &row.name)).map(|row| row.id.into())
}

/// As callers ask for it, as a destination calls it, or as the catalogue does.
fn model(word: &str, config: &Config) -> Option<Arc<str>> {
    let models = config.destinations.iter().flat_map(|at| &at.models);
    let names = models.flat_map(|it| [Some(&it.name), Some(&it.upstream), it.card.as_ref()]).flatten();
    let used = names.map(AsRef::as_ref).find(|name: &&str| name.eq_ignore_ascii_case(word));
    let of_catalog = || config.policy.catalog.models().find(|(id, it)| is_called(word, id, &it.name)).map(|(id, _)| id);
    used.or_else(of_catalog).map(Arc::from)
}

/// A country or a bloc, by its code or its name.
fn place_id(word: &str, catalog: &Catalog) -> Option<Arc<str>> {
    let bloc = catalog.blocs().find(|(id, bloc)| is_called(word, id, &bloc.name)).map(|(id, _)| Arc::from(id));
    bloc.or_else(|| {
        let named = |code: &catalog::Jurisdiction| {
            catalog
                .jurisdiction(*code)
                .and_then(|name| name.known())
                .is_some_and(|name| is_called(word, code.code(), name))
        };
        catalog.jurisdictions().find(named).map(|code| code.code().into())
    })
}

fn is_called(word: &str, id: &str, name: &str) -> bool {
    word.eq_ignore_ascii_case(id) || word.to_lowercase() == name.to_lowercase()
}

/// A route is the organisation's own name for a chain: nobody can take that away, only what is behind it.
fn of_route(word: &str, config: &Config) -> Option<SubjectError> {
    let route = config.routes.iter().find(|route| route.model.eq_ignore_ascii_case(word))?;
    let places = route.steps.iter().filter_map(|step| match step {
        crate::config::RouteStep::Local => None,
        crate::config::RouteStep::Remote { destination, model } => Some(format!("{destination}/{model}")),
    });
    Some(SubjectError::Route { typed: word.to_owned(), places: places.collect() })
}

fn unknown(typed: &str, config: &Config) -> SubjectError {
    let catalog = &*config.policy.catalog;
    let word = typed.rsplit([':', ' ']).next().unwrap_or(typed).to_lowercase();
    let own = config.destinations.iter().flat_map(|at| {
        let models = at.models.iter().flat_map(|it| [it.name.to_string(), format!("{}/{}", at.name, it.name)]);
        std::iter::once(at.name.to_string()).chain(models)
    });
    let ids = catalog.providers().map(|(id, _)| id.to_owned()).chain(catalog.models().map(|(id, _)| id.to_owned()));
    let places = catalog.blocs().map(|(id, _)| id.to_owned()).chain(catalog.jurisdictions().map(|it| it.to_string()));
    // What the configuration uses is meant more often than what the catalogue has besides.
    let near = nearest(&word, own).or_else(|| nearest(&word, ids.chain(places)));
    SubjectError::Unknown { typed: typed.trim().to_owned(), near }
}

fn nearest(word: &str, names: impl Iterator<Item = String>) -> Option<String> {
    let scored = names.map(|name| (strsim::jaro_winkler(word, &name.to_lowercase()), name));
    let near = scored.filter(|(alike, _)| *alike >= ALIKE_MIN).max_by(|(a, _), (b, _)| a.total_cmp(b));
    near.map(|(_, name)| name)
}

impl fmt::Display for SubjectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const FORMS: &str = "name a jurisdiction (`US`, `EU`), everything outside one (`outside KR`), a provider, an operator, a \
                             model, a destination, or a model there (`NAME/MODEL`)";
        match self {
            Self::Malformed { typed } => write!(f, "`{typed}` names nothing that can be withdrawn: {FORMS}"),
            Self::Unknown { typed, near: Some(near) } => {
                write!(f, "`{typed}` is neither in the configuration nor in the catalogue: did you mean `{near}`?")
            }
            Self::Unknown { typed, near: None } => {
                write!(f, "`{typed}` is neither in the configuration nor in the catalogue: {FORMS}")
            }
            Self::Ambiguous { typed, choices } => {
                write!(f, "`{typed}` could be more than one thing: write {}", listed(choices))
            }
            Self::Route { typed, places } if places.is_empty() => {
                write!(f, "`{typed}` is a route to the local floor alone, which nobody can take away")
            }
            Self::Route { typed, places } => write!(
                f,
                "`{typed}` is a route of your own, which nobody can take away: name what is behind it, {}",
                listed(places)
            ),
            Self::Floor => f.write_str("the local floor runs in this process: nobody can take it away"),
        }
    }
}

/// "`a`, `b` or `c`".
fn listed(words: &[impl fmt::Display]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, before)) => format!("{} or {last}", before.join(", ")),
        None => String::new(),
    }
}

impl std::error::Error for SubjectError {}
