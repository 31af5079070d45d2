//! The name that a stored model goes by: also its folder's name and what callers write, so its grammar is narrow.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Longest name in bytes; a folder's name may have 255, and suffixes need room.
const BYTES_MAX: usize = 96;

/// A model's name: a lower-case letter or a digit, then those, `.`, `_` and `-`; at most 96 of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ModelName(String);

impl ModelName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A name made from a file's name: its folder and the ending `.gguf` dropped, capitals lowered, what a name cannot
    /// hold replaced by `-`. Nothing when nothing would be left.
    pub fn from_file_name(file: &str) -> Option<Self> {
        let base = file.rsplit(['/', '\\']).next().unwrap_or(file).to_lowercase();
        let stem = base.strip_suffix(".gguf").unwrap_or(&base);
        let slug: String = stem.chars().map(|c| if is_inner(c) { c } else { '-' }).take(BYTES_MAX).collect();
        let slug = slug.trim_start_matches(['.', '_', '-']).trim_end_matches(['.', '_', '-']);
        slug.parse().ok()
    }
}

fn is_inner(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-')
}

impl FromStr for ModelName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let starts_well = text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
        if starts_well && text.len() <= BYTES_MAX && text.chars().all(is_inner) {
            Ok(Self(text.to_owned()))
        } else {
            Err("a model's name has 1 to 96 of a-z, 0-9, `.`, `_` and `-`, and begins with a letter or a digit")
        }
    }
}

impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for ModelName {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ModelName> for String {
    fn from(name: ModelName) -> Self {
        name.0
    }
}
