//! Data classes: how sensitive a request is. Korea's O, S and C; the order is the meaning.

use std::fmt;
use std::str::FromStr;

/// How sensitive data is. What is not known counts as [`Class::Sensitive`]; mixed data takes the highest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Anybody may read it.
    Open,
    /// It may harm people or the organisation.
    #[default]
    Sensitive,
    /// It must not leave those who are cleared for it.
    Classified,
}

/// A word that names no class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoClass;

impl Class {
    /// All, from the lowest.
    pub const ALL: [Self; 3] = [Self::Open, Self::Sensitive, Self::Classified];

    /// The word for it in policies, headers and entries.
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Sensitive => "sensitive",
            Self::Classified => "classified",
        }
    }
}

impl FromStr for Class {
    type Err = NoClass;

    fn from_str(word: &str) -> Result<Self, NoClass> {
        Self::ALL.into_iter().find(|class| class.word() == word).ok_or(NoClass)
    }
}

/// What the word must be instead, to be read after the name of what holds it.
impl fmt::Display for NoClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [open, sensitive, classified] = Class::ALL.map(Class::word);
        write!(f, "must be `{open}`, `{sensitive}` or `{classified}`")
    }
}

impl std::error::Error for NoClass {}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_names_no_class_is_told_which_do() {
        let told = "Open".parse::<Class>().unwrap_err().to_string();
        assert_eq!(told, "must be `open`, `sensitive` or `classified`");
    }
}
