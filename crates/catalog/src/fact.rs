//! A fact: a value with its source, or unknown. Knows no kind of fact.

use std::sync::Arc;

use jiff::civil::Date;

/// What is known of one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact<T> {
    /// It was read somewhere.
    Known {
        /// What was read.
        value: T,
        /// Where and when.
        source: Arc<Source>,
    },
    /// It was not found; never to be read as "no", "none" or zero.
    Unknown {
        /// Where it was looked for, if anywhere.
        looked_in: Option<Arc<Source>>,
    },
}

/// Where a fact was read, and when.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    /// The document, or what was opened.
    pub document: String,
    /// Its address, where it has one.
    pub url: Option<String>,
    /// The day on which it was read.
    pub date: Date,
}

impl<T> Fact<T> {
    /// Nobody looked for it.
    pub const UNKNOWN: Self = Self::Unknown { looked_in: None };

    /// The value, where it is known.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known { value, .. } => Some(value),
            Self::Unknown { .. } => None,
        }
    }

    /// Where it was read, or looked for in vain.
    pub fn source(&self) -> Option<&Source> {
        match self {
            Self::Known { source, .. } => Some(source),
            Self::Unknown { looked_in } => looked_in.as_deref(),
        }
    }
}
