//! What a scan looks for: which built-in kinds, and the operator's own words and patterns. Checked and compiled once, bounded
//! in size, so that no configuration can make a scan slow.

use std::sync::Arc;

use crate::own::Own;
use crate::{Kind, own};

/// Names of dictionaries and patterns: as long as an audit entry wants them.
const NAME_MAX: usize = 64;

/// Words of a kind of the operator's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dictionary {
    /// What a finding is called: `own.NAME`.
    pub name: String,
    /// The words; ASCII letters match in either case, Latin words only whole.
    pub words: Vec<String>,
}

/// A pattern of the operator's own, in the syntax of the `regex` crate, over the folded text, ASCII unless `(?u)` says else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// What a finding is called: `own.NAME`.
    pub name: String,
    /// The regular expression: of bounded length, without anchors.
    pub regex: String,
}

/// Why rules were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RulesError {
    /// The name could not stand in an audit entry.
    #[error("the name `{0}` is not 1 to {NAME_MAX} characters of a-z, 0-9, `_`, `.` and `-`: choose another")]
    Name(String),
    /// Two of one name.
    #[error("the name `{0}` is used twice: give each dictionary and pattern its own")]
    Twice(String),
    /// No built-in kind of that name.
    #[error("no kind is named `{0}`: the names stand in spec/identifiers.md")]
    Kind(String),
    /// Too many words, or too long ones.
    #[error("the dictionary `{name}` {reason}")]
    Words {
        /// Which.
        name: String,
        /// What is wrong, and the limit.
        reason: String,
    },
    /// A pattern that is wrong, unbounded or too large.
    #[error("the pattern `{name}` {reason}")]
    Pattern {
        /// Which.
        name: String,
        /// What is wrong, and how to mend it.
        reason: String,
    },
}

/// What to look for; cheap to clone.
#[derive(Debug, Clone)]
pub struct Rules {
    built_in: Vec<Kind>,
    own: Option<Arc<Own>>,
}

impl Default for Rules {
    /// Every built-in kind, nothing of the operator's own.
    fn default() -> Self {
        Self { built_in: Kind::BUILT_IN.to_vec(), own: None }
    }
}

impl Rules {
    /// Every built-in kind, and these.
    pub fn new(dictionaries: &[Dictionary], patterns: &[Pattern]) -> Result<Self, RulesError> {
        let names = || dictionaries.iter().map(|it| &it.name).chain(patterns.iter().map(|it| &it.name));
        for (place, name) in names().enumerate() {
            if !is_name(name) {
                return Err(RulesError::Name(name.clone()));
            }
            if names().skip(place + 1).any(|other| other == name) {
                return Err(RulesError::Twice(name.clone()));
            }
        }
        let own = own::compile(dictionaries, patterns)?;
        Ok(Self { own: own.map(Arc::new), ..Self::default() })
    }

    /// The same, looking for no other built-in kinds than `names`.
    pub fn only(self, names: &[&str]) -> Result<Self, RulesError> {
        let kind = |name: &&str| Kind::of_name(name).ok_or_else(|| RulesError::Kind((*name).to_owned()));
        Ok(Self { built_in: names.iter().map(kind).collect::<Result<_, _>>()?, ..self })
    }

    pub(crate) fn built_in(&self) -> &[Kind] {
        &self.built_in
    }

    pub(crate) fn own(&self) -> Option<Arc<Own>> {
        self.own.clone()
    }
}

fn is_name(name: &str) -> bool {
    let is_character = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.-".contains(&byte);
    (1..=NAME_MAX).contains(&name.len()) && name.bytes().all(is_character)
}
