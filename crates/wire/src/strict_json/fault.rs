//! What can be wrong with a body, where, and in which words the caller is told.

use std::fmt::{self, Write as _};

use serde::de::{Expected, Unexpected};

use crate::error::{Code, Invalid};

/// How much of a value is repeated in a message.
const SHOWN_CHARS_MAX: usize = 64;

/// How many possible names are worth listing.
const LISTED_MAX: usize = 12;

/// Something wrong, with the way to it. Boxed, so that results stay small where nothing is wrong.
#[derive(Debug)]
pub(super) struct Fault(Box<Detail>);

#[derive(Debug)]
struct Detail {
    kind: Kind,
    /// From the innermost step outwards, for they are added on the way back.
    path: Vec<Step>,
    at: Option<usize>,
}

/// One step from the body to the place that is meant.
#[derive(Debug)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

#[derive(Debug)]
enum Kind {
    Syntax(Syntax),
    Unknown { name: String, possible: &'static [&'static str] },
    Missing(&'static str),
    Duplicate(String),
    WrongType { found: &'static str, wanted: String },
    WrongValue { found: String, wanted: String },
    WrongLength { found: usize, wanted: String },
    WrongWord { found: String, possible: &'static [&'static str] },
    Other(String),
}

/// What breaks JSON itself, or our limits on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Syntax {
    #[error("it begins with a byte order mark")]
    ByteOrderMark,
    #[error("it is not UTF-8")]
    NotUtf8,
    #[error("it ends too early")]
    Unfinished,
    #[error("a value was expected")]
    ValueExpected,
    #[error("a key in double quotes was expected")]
    KeyExpected,
    #[error("a colon was expected after the key")]
    ColonExpected,
    #[error("a comma or a closing bracket was expected")]
    CommaExpected,
    #[error("something follows after the end of the value")]
    TrailingData,
    #[error("a control character stands unescaped in a string")]
    ControlCharacter,
    #[error("an escape in a string is not one that JSON knows")]
    BadEscape,
    #[error("half of a surrogate pair stands alone in a string")]
    LoneSurrogate,
    #[error("a number is not written as JSON writes it")]
    BadNumber,
    #[error("a number is too large to be held exactly")]
    HugeNumber,
    #[error("it is nested deeper than {} levels", super::DEPTH_MAX)]
    TooDeep,
    #[error("it holds more than {} values", super::VALUES_MAX)]
    TooManyValues,
}

impl Fault {
    pub(super) fn syntax(syntax: Syntax, at: usize) -> Self {
        Self::new(Kind::Syntax(syntax)).locate(at)
    }

    /// A key that an object of free form has twice.
    pub(super) fn duplicate(key: &str) -> Self {
        Self::new(Kind::Duplicate(key.to_owned()))
    }

    /// Whether it is a key, not a value, that is wrong.
    pub(super) fn is_about_a_key(&self) -> bool {
        matches!(self.0.kind, Kind::Duplicate(_) | Kind::Unknown { .. })
    }

    /// Says where, unless a place closer to the mistake is known.
    pub(super) fn locate(mut self, at: usize) -> Self {
        self.0.at.get_or_insert(at);
        self
    }

    /// Adds a step further out.
    pub(super) fn under(mut self, step: Step) -> Self {
        self.0.path.push(step);
        self
    }

    pub(super) fn into_invalid(self, body: &[u8]) -> Invalid {
        let Detail { kind, path, at } = *self.0;
        let mut field = String::new();
        for step in path.iter().rev() {
            push_step(&mut field, step);
        }
        if let Kind::Unknown { name, .. } | Kind::Duplicate(name) = &kind {
            push_step(&mut field, &Step::Key(name.clone()));
        }
        if let Kind::Missing(name) = &kind {
            push_step(&mut field, &Step::Key((*name).to_owned()));
        }
        let code = kind.code();
        let mut message = kind.into_message(&field);
        if let Some(at) = at {
            let (line, column) = line_and_column(body, at);
            // Writing to a String does not fail.
            let _ = write!(message, " (line {line}, column {column})");
        }
        let param = Some(field).filter(|field| !field.is_empty());
        Invalid { message, param, code }
    }

    fn new(kind: Kind) -> Self {
        Self(Box::new(Detail { kind, path: Vec::new(), at: None }))
    }
}

impl Kind {
    fn code(&self) -> Code {
        match self {
            Self::Syntax(_) => Code::InvalidJson,
            Self::Unknown { .. } => Code::UnknownParameter,
            Self::Missing(_) => Code::MissingRequiredParameter,
            Self::Duplicate(_) => Code::DuplicateParameter,
            Self::WrongType { .. } => Code::InvalidType,
            Self::WrongValue { .. } | Self::WrongLength { .. } | Self::WrongWord { .. } | Self::Other(_) => {
                Code::InvalidValue
            }
        }
    }

    fn into_message(self, field: &str) -> String {
        let field = if field.is_empty() { "the body".to_owned() } else { format!("`{field}`") };
        match self {
            Self::Syntax(syntax) => format!("the body is not JSON that can be accepted: {syntax}"),
            Self::Unknown { name, possible } => {
                format!("unrecognized request argument {field}{}", hint(&name, possible))
            }
            Self::Missing(_) => format!("missing required argument {field}"),
            Self::Duplicate(_) => format!("{field} is given twice"),
            Self::WrongType { found, wanted } => format!("{field} is {found}; it must be {wanted}"),
            Self::WrongValue { found, wanted } => format!("{field} is {found}; it must be {wanted}"),
            Self::WrongLength { found, wanted } => format!("{field} has length {found}; it must be {wanted}"),
            Self::WrongWord { found, possible } => {
                format!("{field} is `{}`; it must be {}", shown(&found), one_of(possible))
            }
            Self::Other(text) => format!("{field} {text}"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}", self.0.kind)
    }
}

impl std::error::Error for Fault {}

impl serde::de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(Kind::Other(message.to_string()))
    }

    fn invalid_type(found: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        Self::new(Kind::WrongType { found: kind_of(&found), wanted: wanted.to_string() })
    }

    fn invalid_value(found: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        Self::new(Kind::WrongValue { found: value_of(&found), wanted: wanted.to_string() })
    }

    fn invalid_length(found: usize, wanted: &dyn Expected) -> Self {
        Self::new(Kind::WrongLength { found, wanted: wanted.to_string() })
    }

    fn unknown_variant(found: &str, possible: &'static [&'static str]) -> Self {
        Self::new(Kind::WrongWord { found: found.to_owned(), possible })
    }

    fn unknown_field(name: &str, possible: &'static [&'static str]) -> Self {
        Self::new(Kind::Unknown { name: name.to_owned(), possible })
    }

    fn missing_field(name: &'static str) -> Self {
        Self::new(Kind::Missing(name))
    }

    fn duplicate_field(name: &'static str) -> Self {
        Self::new(Kind::Duplicate(name.to_owned()))
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the other kinds are not JSON's")]
fn kind_of(found: &Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "a boolean",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => "a number",
        Unexpected::Str(_) | Unexpected::Char(_) => "a string",
        Unexpected::Unit | Unexpected::Option => "null",
        Unexpected::Seq => "an array",
        Unexpected::Map => "an object",
        _ => "of another type",
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "only scalars are told by their value")]
fn value_of(found: &Unexpected<'_>) -> String {
    match found {
        Unexpected::Bool(value) => format!("`{value}`"),
        Unexpected::Unsigned(value) => format!("`{value}`"),
        Unexpected::Signed(value) => format!("`{value}`"),
        Unexpected::Float(value) => format!("`{value}`"),
        Unexpected::Str(text) => format!("`{}`", shown(text)),
        other => kind_of(other).to_owned(),
    }
}

fn push_step(field: &mut String, step: &Step) {
    match step {
        Step::Key(key) if field.is_empty() => field.push_str(&shown(key)),
        Step::Key(key) => {
            field.push('.');
            field.push_str(&shown(key));
        }
        // Writing to a String does not fail.
        Step::Index(index) => drop(write!(field, "[{index}]")),
    }
}

/// The beginning of a value that a caller gave, fit for one line.
fn shown(text: &str) -> String {
    let mut short: String = text.chars().take(SHOWN_CHARS_MAX).flat_map(char::escape_debug).collect();
    if text.chars().nth(SHOWN_CHARS_MAX).is_some() {
        short.push('…');
    }
    short
}

/// What the caller may have meant by an unknown name; all the possible names where they are few.
fn hint(name: &str, possible: &'static [&'static str]) -> String {
    if let Some(close) = closest(name, possible) {
        return format!("; did you mean `{close}`?");
    }
    if possible.is_empty() || possible.len() > LISTED_MAX {
        return String::new();
    }
    format!("; possible here: {}", listed(possible))
}

/// The name at most a third away in edits, letter case not counted.
fn closest(name: &str, possible: &'static [&'static str]) -> Option<&'static str> {
    // Longer names are nobody's slip, and the comparison's time grows with the product of the lengths.
    if name.len() > SHOWN_CHARS_MAX {
        return None;
    }
    let name = name.to_lowercase();
    let near = possible.iter().map(|known| (strsim::damerau_levenshtein(&name, known), *known));
    near.filter(|(edits, known)| *edits * 3 <= known.len()).min().map(|(_, known)| known)
}

fn one_of(possible: &[&str]) -> String {
    match possible {
        [only] => format!("`{only}`"),
        _ => format!("one of {}", listed(possible)),
    }
}

fn listed(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

/// Both from 1; columns count characters.
fn line_and_column(body: &[u8], at: usize) -> (usize, usize) {
    let before = body.get(..at).unwrap_or(body);
    let line = before.split(|byte| *byte == b'\n');
    let last = line.clone().next_back().unwrap_or_default();
    (line.count(), String::from_utf8_lossy(last).chars().count() + 1)
}
