//! The reader's language: which one, its messages (Fluent), and numbers and times in its form (ICU4X).
//!
//! No page holds words of its own: it names a message. A message that a language lacks is a mistake that a test finds; at run time
//! English stands in. It must not know pages.

mod messages;
mod written;

use std::fmt;

use fluent_bundle::{FluentArgs, FluentValue};
use http::{HeaderMap, header};

pub(crate) use written::Written;

/// A language that the console speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Language {
    Korean,
    English,
    Vietnamese,
    French,
    Japanese,
}

/// Languages of an `Accept-Language` that are looked at; nobody reads more.
const ACCEPTED_MAX: usize = 16;

impl Language {
    /// All, in the order in which the switch shows them.
    pub(crate) const ALL: [Self; 5] = [Self::Korean, Self::English, Self::Vietnamese, Self::French, Self::Japanese];

    /// Its BCP 47 tag.
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::Korean => "ko",
            Self::English => "en",
            Self::Vietnamese => "vi",
            Self::French => "fr",
            Self::Japanese => "ja",
        }
    }

    /// What it calls itself.
    pub(crate) fn own_name(self) -> &'static str {
        match self {
            Self::Korean => "한국어",
            Self::English => "English",
            Self::Vietnamese => "Tiếng Việt",
            Self::French => "Français",
            Self::Japanese => "日本語",
        }
    }

    /// The language of that tag, or of the tag's first part: `fr-CA` is French.
    pub(crate) fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next().unwrap_or(tag);
        Self::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(primary))
    }

    /// What the browser likes best of what there is; English where it likes none.
    pub(crate) fn accepted(headers: &HeaderMap) -> Self {
        let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let mut best = None;
        for wish in accepted.split(',').take(ACCEPTED_MAX) {
            let mut parts = wish.split(';').map(str::trim);
            let Some(language) = parts.next().and_then(Self::of_tag) else { continue };
            let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(Some(1.0_f32), |q| q.parse().ok());
            let weight = weight.filter(|weight| *weight > 0.0).unwrap_or(0.0);
            if weight > best.map_or(0.0, |(_, best)| best) {
                best = Some((language, weight));
            }
        }
        best.map_or(Self::English, |(language, _)| language)
    }

    /// The names of all messages.
    #[cfg(test)]
    pub(crate) fn names(self) -> Vec<String> {
        let lines = messages::files(self).iter().flat_map(|(_, text)| text.lines());
        lines.filter_map(|line| line.split_once(" =")).map(|(name, _)| name.to_owned()).collect()
    }

    /// The message of that name.
    pub(crate) fn text(self, name: &str) -> String {
        messages::text(self, name, None)
    }

    /// The message of that name, with texts put in.
    pub(crate) fn text_with(self, name: &str, with: &[(&str, &str)]) -> String {
        let mut arguments = FluentArgs::with_capacity(with.len());
        for (name, value) in with {
            arguments.set(*name, *value);
        }
        messages::text(self, name, Some(&arguments))
    }

    /// The message of that name, in the form for a number: `$count` is its figure in the reader's form, `$n` the number that chooses.
    pub(crate) fn counted(self, name: &str, count: u64) -> String {
        let mut arguments = FluentArgs::with_capacity(2);
        arguments.set("n", FluentValue::from(count));
        arguments.set("count", self.number(count));
        messages::text(self, name, Some(&arguments))
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.tag())
    }
}

#[cfg(test)]
mod tests;
