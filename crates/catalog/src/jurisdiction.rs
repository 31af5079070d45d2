//! Codes of jurisdictions, and names of places that are jurisdictions or blocs. Knows no list of them.

use std::fmt;
use std::str::FromStr;

/// A jurisdiction: an ISO 3166-1 alpha-2 code, such as `KR`. That it is listed, the catalogue knows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Jurisdiction([u8; 2]);

impl Jurisdiction {
    /// The code.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Whether ISO leaves the code to its users: `AA`, `QM` to `QZ`, `XA` to `XZ`, `ZZ`.
    pub fn is_user_assigned(self) -> bool {
        matches!(self.0, [b'A', b'A'] | [b'Q', b'M'..=b'Z'] | [b'X', _] | [b'Z', b'Z'])
    }
}

impl FromStr for Jurisdiction {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.as_bytes() {
            [first, second] if first.is_ascii_uppercase() && second.is_ascii_uppercase() => Ok(Self([*first, *second])),
            _ => Err(format!("`{text}` is not a code of two capitals, such as `KR`")),
        }
    }
}

impl fmt::Display for Jurisdiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Jurisdiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A place as a fact names it: a jurisdiction, or somewhere in a bloc.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PlaceName {
    /// This jurisdiction.
    Jurisdiction(Jurisdiction),
    /// The bloc of this identifier.
    Bloc(String),
}

impl fmt::Display for PlaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Jurisdiction(code) => code.fmt(f),
            Self::Bloc(id) => f.write_str(id),
        }
    }
}
