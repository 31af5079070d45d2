//! Which policies are meant: shipped ones by name, others by their file; and the words that they may use. Knows nothing of what
//! they say.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
};

use ::catalog::{Capability, Catalog};
use inspect::{Kind, language::Language, signals::Signal};
use policy::{File, Policy, Vocabulary};

use crate::failure::Failure;

/// What a file of rules ends in.
const RULES: &str = "cedar";

/// A policy and the text of its settings, for what is told of its cases.
pub(super) struct Source {
    name: String,
    rules: (String, String),
    settings: Option<(String, String)>,
}

impl Source {
    /// A shipped policy by its name, or a file of rules with its settings beside it.
    pub(super) fn of(named: &str) -> Result<Self, Failure> {
        let path = Path::new(named);
        if path.extension().is_none_or(|ending| ending != RULES) {
            return Self::shipped(named);
        }
        let unreadable =
            |path: &Path, error: io::Error| Failure::trouble(format!("could not read `{}`: {error}", path.display()));
        let rules = fs::read_to_string(path).map_err(|error| unreadable(path, error))?;
        let beside = path.with_extension("toml");
        let settings = match fs::read_to_string(&beside) {
            Ok(text) => Some((beside.display().to_string(), text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(unreadable(&beside, error)),
        };
        let name = path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        Ok(Self { name, rules: (named.to_owned(), rules), settings })
    }

    fn shipped(name: &str) -> Result<Self, Failure> {
        let Some((rules, settings)) = Policy::shipped_files(name) else {
            return Err(Failure::usage(format!("there is no policy `{name}`")).hint(format!(
                "shipped are {}; a policy of your own is a file ending in `.cedar`",
                Policy::SHIPPED.join(", ")
            )));
        };
        let owned = |file: File<'_>| (file.name.to_owned(), file.text.to_owned());
        Ok(Self { name: name.to_owned(), rules: owned(rules), settings: Some(owned(settings)) })
    }

    /// Reads it.
    pub(super) fn read(&self, words: &Vocabulary) -> Result<Policy, policy::Mistakes> {
        Policy::read(&self.name, file(&self.rules), self.settings.as_ref().map(file), words)
    }

    /// The lines of its settings from that one on, up to the next table: a case as it was written.
    pub(super) fn written(&self, line: usize) -> impl Iterator<Item = &str> {
        let text = self.settings.as_ref().map_or("", |(_, text)| text);
        let is_of_it = |line: &&str| !line.is_empty() && !line.starts_with(['[', '#']);
        text.lines().skip(line).take_while(is_of_it)
    }

    /// Where its cases stand.
    pub(super) fn settings_name(&self) -> &str {
        self.settings.as_ref().map_or("", |(name, _)| name)
    }
}

fn file((name, text): &(String, String)) -> File<'_> {
    File { name, text }
}

/// The words that a policy can use: of the catalogue, of findings and signals, of requests.
pub(super) fn vocabulary(catalog: &Catalog) -> Vocabulary {
    let codes: BTreeSet<String> = catalog.jurisdictions().map(|code| code.to_string()).collect();
    let blocs: BTreeSet<String> = catalog.blocs().map(|(id, _)| id.to_owned()).collect();
    let around = |name: &String| {
        let inside = catalog.place(name).unwrap_or_default();
        let holds = |bloc: &&String| *bloc != name && catalog.place(bloc).is_some_and(|place| inside.is_subset(&place));
        blocs.iter().filter(holds).cloned().collect::<BTreeSet<_>>()
    };
    let places = codes.iter().chain(&blocs).map(|name| (name.clone(), around(name))).collect();
    let mut kinds: BTreeMap<String, BTreeSet<String>> = BTreeMap::from([("own".to_owned(), BTreeSet::new())]);
    for kind in Kind::BUILT_IN {
        let groups: BTreeSet<String> = kind.groups().iter().map(|group| (*group).to_owned()).collect();
        kinds.extend(groups.iter().map(|group| (group.clone(), BTreeSet::new())));
        kinds.insert(kind.name().into_owned(), groups);
    }
    Vocabulary {
        places,
        kinds,
        signals: Signal::ALL.iter().map(|signal| signal.name().to_owned()).collect(),
        needs: Capability::ALL.iter().map(|capability| capability.word().to_owned()).collect(),
        languages: Language::ALL.iter().map(|language| language.tag().to_owned()).collect(),
    }
}
