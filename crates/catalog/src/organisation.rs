//! Organisations: where each has its seat, and who controls it. Knows nothing of what they operate.

use std::fmt;

use crate::entry::Entry;
use crate::fact::Fact;
use crate::index::Kind;
use crate::jurisdiction::Jurisdiction;
use crate::typed::Typed;

/// A company, institute or other body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organisation {
    /// How it is called.
    pub name: String,
    /// Whose company it is.
    pub seat: Fact<Jurisdiction>,
    /// Who controls it.
    pub parent: Fact<Parent>,
}

/// Who controls an organisation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Parent {
    /// Nobody: this is known.
    None,
    /// The organisation of this identifier.
    Organisation(String),
}

impl Organisation {
    pub(crate) fn read(entry: &mut Entry<'_, '_>) -> Self {
        Self {
            name: entry.name(),
            seat: entry.fact("seat", Typed::jurisdiction),
            parent: entry.fact("parent", |typed| match typed.text()? {
                NONE => Ok(Parent::None),
                _ => typed.reference(Kind::Organisation).map(Parent::Organisation),
            }),
        }
    }

    /// The parent, where it is known that there is one.
    pub(crate) fn parent_id(&self) -> Option<&str> {
        match self.parent.known()? {
            Parent::Organisation(id) => Some(id),
            Parent::None => None,
        }
    }
}

/// The word for what is known not to be there.
pub(crate) const NONE: &str = "none";

impl fmt::Display for Parent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => NONE,
            Self::Organisation(id) => id,
        })
    }
}
