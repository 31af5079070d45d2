//! What an answer that is an error says of the place that gave it: by its words where they are plain, else by its status.
//!
//! The order is that of `spec/availability.md`: what is the request's own fault, what names a withdrawal, what the status says.

use std::{cell::OnceCell, time::Duration};

use serde_json::Value;
use unicode_normalization::UnicodeNormalization as _;

use super::{
    Cause, Diagnosis, Evidence, Extent, Outage, Sickness, Told, outage, suspected,
    words::{self, Group, Sign, Sure},
};

/// What is read of the words of an error, in bytes.
const WORDS_BYTES_MAX: usize = 4 * 1024;
/// Requests that are larger are not searched: any word may be theirs.
const ASKED_BYTES_MAX: usize = 1024 * 1024;
/// So many signs of a group are looked for in the request: an error that gives back more of them is made of it.
const SIGNS_SEARCHED_MAX: usize = 8;

/// See [`super::diagnose`].
pub(super) fn diagnose(status: u16, told: &Told<'_>, retry_after: Option<Duration>, asked: &[u8]) -> Option<Diagnosis> {
    let said = Said::new(told, asked);
    let (sickness, extent, what) = judge(status, &said)?;
    let code = told.code().map(Box::from);
    Some(Diagnosis { sickness, extent, retry_after, evidence: Evidence { what, status: Some(status), code } })
}

/// The words of an error, made comparable.
struct Said<'a> {
    /// Codes and sentences, folded.
    words: String,
    /// Codes alone, folded.
    codes: String,
    /// Whether it says nothing at all.
    is_empty: bool,
    is_json: bool,
    asked: &'a [u8],
    /// The request, folded; nothing if it is too large. Made only where words were found, and once.
    asked_words: OnceCell<Option<String>>,
}

impl<'a> Said<'a> {
    fn new(told: &Told<'_>, asked: &'a [u8]) -> Self {
        let codes = told.codes.join(" ");
        let words = folded(format!("{codes} {}", told.message).as_bytes(), WORDS_BYTES_MAX);
        let codes = folded(codes.as_bytes(), WORDS_BYTES_MAX);
        let (is_empty, asked_words) = (words.trim().is_empty(), OnceCell::new());
        Self { words, codes, is_empty, is_json: told.is_json, asked, asked_words }
    }

    /// Whether one of these signs is there, from whomever. For what takes nothing away: a caller who has it said harms no one else.
    fn says(&self, signs: &[Sign]) -> bool {
        signs.iter().any(|sign| sign.is_in(&self.words))
    }

    /// Whether one of these signs is there, and is not the request's own words given back.
    fn shows(&self, signs: &[Sign]) -> bool {
        self.proves(signs, &self.words)
    }

    /// The same of its codes alone.
    fn shows_by_code(&self, signs: &[Sign]) -> bool {
        self.proves(signs, &self.codes)
    }

    fn proves(&self, signs: &[Sign], words: &str) -> bool {
        let mut found = signs.iter().filter(|sign| sign.is_in(words)).take(SIGNS_SEARCHED_MAX);
        found.any(|sign| self.asked_words().is_some_and(|asked| !sign.may_be_from(asked)))
    }

    fn asked_words(&self) -> Option<&str> {
        self.asked_words
            .get_or_init(|| (self.asked.len() <= ASKED_BYTES_MAX).then(|| asked_words(self.asked)))
            .as_deref()
    }
}

/// A request as it was written and, for escapes hide words, as it is read; folded.
fn asked_words(asked: &[u8]) -> String {
    let mut words = folded(asked, asked.len());
    if asked.contains(&b'\\')
        && let Ok(value) = serde_json::from_slice::<Value>(asked)
    {
        let mut read = String::with_capacity(asked.len());
        gather(&value, &mut read);
        words.push(' ');
        words.push_str(&folded(read.as_bytes(), read.len()));
    }
    words
}

/// Every text of `value`, names included.
fn gather(value: &Value, texts: &mut String) {
    match value {
        Value::String(text) => texts.extend([text, " "]),
        Value::Array(values) => values.iter().for_each(|value| gather(value, texts)),
        Value::Object(fields) => fields.iter().for_each(|(name, value)| {
            texts.extend([name, " "]);
            gather(value, texts);
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Lower case, in Unicode's form NFKC, with single blanks: so that the same words are the same bytes.
fn folded(text: &[u8], bytes_max: usize) -> String {
    let text = String::from_utf8_lossy(text.get(..bytes_max).unwrap_or(text));
    let mut folded = String::with_capacity(text.len());
    for letter in text.nfkc().flat_map(char::to_lowercase) {
        match letter {
            '\u{2019}' => folded.push('\''),
            letter if letter.is_whitespace() && folded.ends_with(' ') => {}
            letter if letter.is_whitespace() => folded.push(' '),
            letter => folded.push(letter),
        }
    }
    folded
}

fn judge(status: u16, said: &Said<'_>) -> Option<(Sickness, Extent, &'static str)> {
    use Extent::{Destination, Model};
    // A filter that was triggered is about what was asked, whatever the status; unless the account is shut for it.
    let is_shut = speaks(status) && said.shows(words::SHUT);
    if status < 500 && !is_shut && said.says(words::FILTERED) {
        return None;
    }
    if speaks(status)
        && let Some(found) = withdrawn(status, said)
    {
        return Some(found);
    }
    Some(match status {
        400 | 411..=417 | 422 | 431 => return None,
        451 => (certain(Cause::Legal), Destination, "it may not answer, by law"),
        410 => (certain(Cause::Model), Model, "the model is gone for good"),
        // A wall before the place, which knows nothing of the gateway's key.
        401 | 403 if !said.is_json && !said.is_empty => {
            (outage(Outage::Broken), Destination, "it refused with what its api does not say")
        }
        401 | 407 => (suspected(Cause::Credentials), Destination, "it refused the gateway's key"),
        402 => (suspected(Cause::Account), Destination, "it wants to be paid"),
        403 if said.says(words::ABOUT_A_MODEL) => (suspected(Cause::Model), Model, "it refused the gateway this model"),
        403 => (suspected(Cause::Credentials), Destination, "it refused the gateway"),
        404 if is_about_a_path(said) => (outage(Outage::Broken), Destination, "it does not have this address"),
        404 => (suspected(Cause::Model), Model, "it does not have the model"),
        429 if said.shows(words::UNPAID) && !said.says(words::FOR_A_WHILE) => {
            (suspected(Cause::Account), Destination, "the account's quota is used up")
        }
        429 | 503 | 529 => (outage(Outage::Overloaded), Model, "it takes no more requests for now"),
        408 | 504 | 522 | 524 => (outage(Outage::Timeout), Model, "it ran out of time"),
        500..=599 => (outage(Outage::Unavailable), Model, "it failed"),
        200 => inside(said),
        300..=399 => (outage(Outage::Broken), Destination, "it redirects, and redirects are not followed"),
        _ => (outage(Outage::Broken), Destination, "its answer is of a kind that was not asked for"),
    })
}

/// Whether words tell of a withdrawal under this status: a server that fails says many things.
fn speaks(status: u16) -> bool {
    matches!(status, 200 | 400..=404 | 406 | 409 | 410 | 412 | 422 | 423 | 426 | 429 | 451)
}

/// Whether sentences make sure: not where they are about what was asked, nor those of a page that is not the API's.
fn is_plain(status: u16, said: &Said<'_>) -> bool {
    said.is_json && !matches!(status, 200 | 400 | 422)
}

/// The first group of words that is there.
fn withdrawn(status: u16, said: &Said<'_>) -> Option<(Sickness, Extent, &'static str)> {
    let mut groups = words::WITHDRAWN.iter().filter(|group| group.holds_under(status));
    let is_plain = is_plain(status, said);
    let by_code = |group: &&Group| group.sure == Sure::AtOnce && said.shows_by_code(group.signs);
    let sure = if is_plain { None } else { groups.clone().find(by_code) };
    let group = sure.or_else(|| groups.find(|group| said.shows(group.signs)));
    group.map(|group| {
        let certain = group.sure == Sure::AtOnce && (is_plain || sure.is_some());
        (Sickness::Withdrawal { cause: group.cause, certain }, group.extent, group.what)
    })
}

/// Whether a 404 is about the address: something answers there, but not this API.
fn is_about_a_path(said: &Said<'_>) -> bool {
    if said.is_empty {
        return false;
    }
    !said.is_json || (said.says(words::ABOUT_A_PATH) && !said.says(words::ABOUT_A_MODEL))
}

/// An error inside an answer that had begun.
fn inside(said: &Said<'_>) -> (Sickness, Extent, &'static str) {
    let sickness = if said.says(words::OVERLOADED) { Outage::Overloaded } else { Outage::Broken };
    (outage(sickness), Extent::Model, "it broke its answer off with an error")
}

fn certain(cause: Cause) -> Sickness {
    Sickness::Withdrawal { cause, certain: true }
}
