//! One value as it was typed: of which kind it is, and whether what it names is there. Knows neither fields nor sources.

use toml_edit::{TableLike, Value};

use crate::entry::UNKNOWN;
use crate::index::{Index, Kind, TEXT_BYTES_MAX, is_plain};
use crate::jurisdiction::{Jurisdiction, PlaceName};
use crate::words::{Words, listed, nearest};

/// A value where it stands.
#[derive(Clone, Copy)]
pub(crate) struct Typed<'a> {
    index: &'a Index<'a>,
    value: &'a Value,
}

impl<'a> Typed<'a> {
    pub(crate) fn new(index: &'a Index<'a>, value: &'a Value) -> Self {
        Self { index, value }
    }

    /// One line of text.
    pub(crate) fn text(self) -> Result<&'a str, String> {
        let text = self.value.as_str().ok_or_else(|| format!("must be a text, not {}", self.value.type_name()))?;
        if is_plain(text) {
            Ok(text)
        } else {
            Err(format!("must be a text of 1 to {TEXT_BYTES_MAX} bytes on one line"))
        }
    }

    pub(crate) fn owned(self) -> Result<String, String> {
        self.text().map(ToOwned::to_owned)
    }

    /// A whole number from `least` on.
    pub(crate) fn whole(self, least: u64) -> Result<u64, String> {
        let number = self.value.as_integer().and_then(|number| u64::try_from(number).ok());
        number.filter(|number| *number >= least).ok_or_else(|| format!("must be a whole number, at least {least}"))
    }

    /// A whole number within a range, both ends included.
    pub(crate) fn within(self, least: u64, most: u64) -> Result<u64, String> {
        match self.whole(least)? {
            number if number <= most => Ok(number),
            number => Err(format!("is {number}: it must be a whole number, {least} to {most}")),
        }
    }

    pub(crate) fn truth(self) -> Result<bool, String> {
        self.value.as_bool().ok_or_else(|| format!("must be true or false, not {}", self.value.type_name()))
    }

    pub(crate) fn word<T: Words>(self) -> Result<T, String> {
        let text = self.text()?;
        T::ALL.iter().copied().find(|value| value.word() == text).ok_or_else(|| {
            let all: Vec<&str> = T::ALL.iter().map(|value| value.word()).chain([UNKNOWN]).collect();
            format!("is `{text}`: it can be {}", listed(&all))
        })
    }

    pub(crate) fn table(self) -> Result<&'a dyn TableLike, String> {
        match self.value.as_inline_table() {
            Some(table) => Ok(table),
            None => Err(format!("must be a table in braces, not {}", self.value.type_name())),
        }
    }

    /// An http address.
    pub(crate) fn address(self) -> Result<String, String> {
        let text = self.text()?;
        if text.starts_with("https://") || text.starts_with("http://") {
            return Ok(text.to_owned());
        }
        Err(format!("is `{text}`, which is not an address: begin it with `https://`"))
    }

    /// An entry of the catalogue.
    pub(crate) fn reference(self, kind: Kind) -> Result<String, String> {
        let id = self.text()?;
        if self.index.has(kind, id) {
            return Ok(id.to_owned());
        }
        let hint = nearest(id, self.index.ids(kind)).map_or_else(
            || format!("add `[{kind}.{id}]`"),
            |near| format!("did you mean `{near}`? if not, add `[{kind}.{id}]`"),
        );
        Err(format!("names the {kind} `{id}`, which is not in the catalogue: {hint}"))
    }

    pub(crate) fn jurisdiction(self) -> Result<Jurisdiction, String> {
        let text = self.text()?;
        // First: a bloc of an operator's that takes a jurisdiction's name is a mistake of its own, told once.
        if self.index.has(Kind::Jurisdiction, text) {
            return text.parse();
        }
        if self.index.has(Kind::Bloc, text) {
            return Err(format!("is `{text}`, a bloc: name one jurisdiction"));
        }
        Err(not_listed(text))
    }

    pub(crate) fn place(self) -> Result<PlaceName, String> {
        let text = self.text()?;
        if self.index.has(Kind::Bloc, text) {
            return Ok(PlaceName::Bloc(text.to_owned()));
        }
        self.jurisdiction().map(PlaceName::Jurisdiction)
    }
}

/// What to say of a code that is not in the list; two are in wide use and wrong.
fn not_listed(text: &str) -> String {
    let instead = match text.to_ascii_uppercase().as_str() {
        "UK" => "did you mean `GB`?",
        "EL" => "did you mean `GR`?",
        _ => {
            "use an ISO 3166-1 alpha-2 code, such as `KR`, or a bloc of the catalogue, such as `EU`, where blocs can stand"
        }
    };
    format!("names `{text}`, which is no jurisdiction of the catalogue: {instead}")
}
