//! What a configuration judges by: the policy in use, the catalogue, what is looked for in texts, and what routes and teams
//! are registered with. The files that the configuration names are read here, once, when it is loaded.
//!
//! It knows how these are read, not how they judge ([`crate::judge`]).

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use ::inspect::language::Language;
use ::inspect::signals::Signal;
use ::inspect::{Dictionary, Kind, Pattern, Rules};
use ::policy::{Class, Judge, Vocabulary};
use catalog::{Bloc, Capability, Catalog, Jurisdiction, Permission, Training, TransferBasis};

use super::{Config, Continuity, Manner, Mistake, Mistakes, read_file};
use crate::judge::Judgement;

/// The policy where none is chosen: nothing leaves the machine.
const POLICY: &str = "local";

/// The organisation's own jurisdiction.
pub type Home = Jurisdiction;

/// What judges, and by which facts. Equal where the same files said the same.
#[derive(Clone)]
pub struct Judged {
    /// Which policy was chosen.
    pub used: UsedPolicy,
    /// Where the organisation's own machines are. `None`: not known, so that they are nowhere.
    pub home: Option<Home>,
    /// The operator's folder that is laid over the shipped catalogue.
    pub catalog_folder: Option<PathBuf>,
    /// The policy, read and checked.
    pub rules: ::policy::Policy,
    /// Whether settings lay beside its rules: its classes and cases.
    pub has_settings: bool,
    /// The catalogue in force.
    pub catalog: Arc<Catalog>,
    /// What is looked for in texts.
    pub identifiers: Rules,
    /// The operator's own words and patterns, which `identifiers` looks for.
    pub own: (Vec<Dictionary>, Vec<Pattern>),
    /// The rules over the configuration's destinations, from when they were proved: to compile them takes a while.
    pub compiled: Option<Arc<Judge>>,
}

/// The policy that was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UsedPolicy {
    /// One that is shipped, by name.
    Shipped(Arc<str>),
    /// A file of Cedar rules, ending in `.cedar`.
    File(PathBuf),
}

/// What a route, a team or a key is registered with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registered {
    /// The least class of its data. `None`: nobody has said.
    pub class: Option<Class>,
    /// What it is for; empty where nobody has said.
    pub purpose: Arc<str>,
    /// In which area it is used; empty where nobody has said.
    pub use_area: Arc<str>,
    /// Whether it decides over people (in the sense of the AI Acts).
    pub high_impact: bool,
    /// Of a key: what becomes of answers that break off. `None`: what the route says.
    pub continuity: Option<Continuity>,
}

/// `[[route]]`: a model as callers ask for it, and where it may be answered, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// What callers ask for.
    pub model: Arc<str>,
    /// At least one, each once.
    pub steps: Vec<RouteStep>,
    /// What requests by it are registered with.
    pub registered: Registered,
    /// Whether texts are brought into the Unicode form NFC before they are sent.
    pub nfc: bool,
    /// How its destinations are used.
    pub manner: Manner,
}

/// One destination of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RouteStep {
    /// The local floor.
    Local,
    /// A model of a `[[destination]]`, by the names of both.
    Remote {
        /// The destination.
        destination: Arc<str>,
        /// Its model.
        model: Arc<str>,
    },
}

static SHIPPED_CATALOG: LazyLock<Arc<Catalog>> = LazyLock::new(|| Arc::new(Catalog::shipped()));

impl Judged {
    /// The shipped policy of that name, over the shipped catalogue.
    ///
    /// # Errors
    /// Where none has the name.
    pub fn shipped(name: &str) -> Result<Self, Mistakes> {
        let (catalog, used) = (Arc::clone(&SHIPPED_CATALOG), UsedPolicy::Shipped(name.into()));
        let rules = used.read(Path::new(""), &vocabulary(&catalog, &[], &[]))?;
        let own = (Vec::new(), Vec::new());
        Ok(Self {
            used,
            home: None,
            catalog_folder: None,
            rules,
            catalog,
            identifiers: Rules::default(),
            own,
            compiled: None,
            has_settings: true,
        })
    }

    /// The files that were read beside the configuration: a change of one is a change of it.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        if let UsedPolicy::File(path) = &self.used {
            files.extend([path.clone(), settings_beside(path)]);
        }
        if let Some(folder) = &self.catalog_folder {
            files.push(folder.clone());
            let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
            files.extend(entries.map(|entry| entry.path()));
        }
        files.sort();
        files
    }
}

impl Default for Judged {
    fn default() -> Self {
        static LOCAL: LazyLock<Judged> = LazyLock::new(|| {
            #[expect(clippy::expect_used, reason = "compiled-in rules, and a test reads them")]
            Judged::shipped(POLICY).expect("the shipped policy `local` is sound")
        });
        LOCAL.clone()
    }
}

impl fmt::Debug for Judged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Judged").field("used", &self.used).field("home", &self.home).finish_non_exhaustive()
    }
}

impl PartialEq for Judged {
    fn eq(&self, other: &Self) -> bool {
        let of = |it: &Self| (it.used.clone(), it.home, it.rules.hash(), it.catalog.hash().bytes());
        of(self) == of(other) && self.catalog_folder == other.catalog_folder && self.own == other.own
    }
}

impl UsedPolicy {
    /// A name, or a file: what ends in `.cedar`. A file that is not named from the root lies in `folder`.
    pub fn new(typed: &str, folder: &Path) -> Self {
        let is_file = Path::new(typed).extension().is_some_and(|ending| ending == "cedar");
        if is_file { Self::File(folder.join(typed)) } else { Self::Shipped(typed.into()) }
    }

    /// Reads it, whose words are those of `vocabulary`.
    ///
    /// # Errors
    /// All of its mistakes; a shipped one that there is not.
    pub fn read(&self, folder: &Path, vocabulary: &Vocabulary) -> Result<::policy::Policy, Mistakes> {
        match self {
            Self::Shipped(name) => {
                let Some((rules, settings)) = ::policy::Policy::shipped_files(name) else {
                    let hint = super::nearest(name, ::policy::Policy::SHIPPED).map_or_else(
                        || {
                            format!(
                                "name one of {}, or a file ending in `.cedar`",
                                super::listed(::policy::Policy::SHIPPED)
                            )
                        },
                        |near| format!("did you mean `{near}`?"),
                    );
                    let what = format!("there is no policy `{name}`: {hint}");
                    return Err(Mistakes::of_file(&folder.display().to_string(), what));
                };
                ::policy::Policy::read(name, rules, Some(settings), vocabulary).map_err(Mistakes::from)
            }
            Self::File(path) => {
                let rules = text(path)?;
                let beside = settings_beside(path);
                let settings = if is_absent(&beside) { None } else { Some(text(&beside)?) };
                let (name, beside) = (path.display().to_string(), beside.display().to_string());
                let rules = ::policy::File { name: &name, text: &rules };
                let settings = settings.as_ref().map(|text| ::policy::File { name: &beside, text });
                let called = path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
                ::policy::Policy::read(&called, rules, settings, vocabulary).map_err(Mistakes::from)
            }
        }
    }
}

impl UsedPolicy {
    /// Whether settings lie beside its rules.
    pub(super) fn has_settings(&self) -> bool {
        match self {
            Self::Shipped(_) => true,
            Self::File(path) => !is_absent(&settings_beside(path)),
        }
    }
}

impl fmt::Display for UsedPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shipped(name) => f.write_str(name),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

/// `NAME.toml` beside `NAME.cedar`.
fn settings_beside(rules: &Path) -> PathBuf {
    rules.with_extension("toml")
}

/// Whether there is nothing of that name: what is there and cannot be read is a mistake, for without its settings a policy
/// gives other classes.
fn is_absent(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
}

fn text(path: &Path) -> Result<String, Mistakes> {
    read_file(path).map_err(|error| Mistakes::of_file(&path.display().to_string(), format!("cannot be read: {error}")))
}

/// The words that a policy can name: those of the catalogue, of what is looked for in texts, and of requests.
pub fn vocabulary(catalog: &Catalog, dictionaries: &[Dictionary], patterns: &[Pattern]) -> Vocabulary {
    Vocabulary {
        places: places(catalog),
        kinds: kinds(dictionaries, patterns),
        signals: Signal::ALL.iter().map(|signal| signal.name().to_owned()).collect(),
        needs: crate::decide::needs().map(|capability| capability.word().to_owned()).collect(),
        languages: Language::ALL.iter().map(|language| tag(*language)).collect(),
        attributes: attributes(catalog),
    }
}

/// What the catalogue's facts about a destination can be ([`crate::judge`] tells them), by attribute.
fn attributes(catalog: &Catalog) -> BTreeMap<String, BTreeSet<String>> {
    fn set<'w>(words: impl Iterator<Item = &'w str>) -> BTreeSet<String> {
        words.map(str::to_owned).collect()
    }
    let regions = catalog.providers().flat_map(|(_, provider)| provider.regions.keys());
    let developers = catalog::rows::list(catalog, Some(catalog::Kind::Organisation)).into_iter().map(|row| row.id);
    let of_models = catalog.models().filter_map(|(_, model)| model.languages.known()).flatten();
    let languages = of_models.cloned().chain(Language::ALL.iter().map(|language| tag(*language)));
    let permissions = set(Permission::ALL.iter().map(|word| word.word()));
    let attributes = [
        // The organisation itself, or one of the catalogue.
        ("provider", set(catalog.providers().map(|(id, _)| id).chain(["own"]))),
        ("region", set(regions.map(String::as_str))),
        ("card", set(catalog.models().map(|(id, _)| id))),
        ("developer", developers.collect()),
        ("languages", languages.collect()),
        ("capabilities", set(Capability::ALL.iter().map(|word| word.word()))),
        ("training_on_input", set(Training::ALL.iter().map(|word| word.word()))),
        ("transfer_basis", set(TransferBasis::ALL.iter().map(|word| word.word()))),
        ("commercial_use", permissions.clone()),
        ("offer_to_third_parties", permissions),
    ];
    attributes.into_iter().map(|(attribute, words)| (attribute.to_owned(), words)).collect()
}

/// Every jurisdiction and bloc, each with those others within which it lies.
fn places(catalog: &Catalog) -> BTreeMap<String, BTreeSet<String>> {
    let codes = catalog.jurisdictions().map(|code| code.to_string());
    let names: Vec<String> = codes.chain(catalog.blocs().map(|(id, _)| id.to_owned())).collect();
    let around = |name: &String| {
        let inner = catalog.place(name).unwrap_or_default();
        let holds = |(_, bloc): &(&str, &Bloc)| !inner.is_empty() && inner.is_subset(&bloc.jurisdictions);
        let blocs = catalog.blocs().filter(holds).map(|(id, _)| id.to_owned());
        blocs.filter(|id| id != name).collect()
    };
    names.into_iter().map(|name| (name.clone(), around(&name))).collect()
}

/// Every kind of finding, and every group, each with the groups to which it belongs.
fn kinds(dictionaries: &[Dictionary], patterns: &[Pattern]) -> BTreeMap<String, BTreeSet<String>> {
    let own = dictionaries.iter().map(|it| &it.name).chain(patterns.iter().map(|it| &it.name));
    let own = own.map(|name| Kind::Own(name.as_str().into()));
    let mut kinds: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for kind in Kind::BUILT_IN.iter().cloned().chain(own) {
        let (name, names) = (kind.name().into_owned(), kind.names().map(Cow::into_owned));
        let groups: BTreeSet<String> = names.into_iter().filter(|group| *group != name).collect();
        for group in &groups {
            kinds.entry(group.clone()).or_default();
        }
        kinds.insert(name, groups);
    }
    // Policies may speak of the operator's own words before there are any.
    kinds.entry("own".to_owned()).or_default();
    kinds
}

/// A language as policies say it.
fn tag(language: Language) -> String {
    if language == Language::Unknown { "unknown".to_owned() } else { language.tag().to_owned() }
}

/// Proves what the policy promises, for the destinations of the configuration; keeps what was compiled for that.
pub(super) fn prove(config: &mut Config) -> Result<(), Mistakes> {
    let judgement = Judgement::new(config, None);
    config.policy.compiled = Some(Arc::clone(judgement.judge()));
    let found = judgement.proof().mistakes;
    let list = found.into_iter().map(|mistake| Mistake {
        file: mistake.file.to_string(),
        line: mistake.line,
        what: mistake.what,
    });
    let list: Vec<_> = list.collect();
    if list.is_empty() { Ok(()) } else { Err(Mistakes::of(list)) }
}

impl From<::policy::Mistakes> for Mistakes {
    fn from(mistakes: ::policy::Mistakes) -> Self {
        let list = mistakes.list().iter().map(|it| Mistake {
            file: it.file.to_string(),
            line: it.line,
            what: it.what.clone(),
        });
        Self::of(list.collect())
    }
}

impl From<catalog::Mistakes> for Mistakes {
    fn from(mistakes: catalog::Mistakes) -> Self {
        let list =
            mistakes.list().iter().map(|it| Mistake { file: it.file.clone(), line: it.line, what: it.what.clone() });
        Self::of(list.collect())
    }
}
