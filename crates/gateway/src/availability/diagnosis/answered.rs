//! What an answer that is an error says of the place that gave it: by its words where they are plain, else by its status.
//!
//! The order is that of `spec/availability.md`: what is the request's own fault, what names a withdrawal, what the status says.

use std::time::Duration;

use unicode_normalization::UnicodeNormalization as _;

use super::{
    Cause, Diagnosis, Evidence, Extent, Outage, Sickness, Told, outage, suspected,
    words::{self, Sign, Sure},
};

/// What is read of the words of an error, in bytes.
const WORDS_BYTES_MAX: usize = 4 * 1024;

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
    /// Whether it says nothing at all.
    is_empty: bool,
    is_json: bool,
    /// The request, folded: looked at only where words were found.
    asked: &'a [u8],
}

impl<'a> Said<'a> {
    fn new(told: &Told<'_>, asked: &'a [u8]) -> Self {
        let parts = told.codes.iter().map(|code| &**code).chain([&*told.message]);
        let words = folded(parts.collect::<Vec<_>>().join(" ").as_bytes(), WORDS_BYTES_MAX);
        Self { is_empty: words.trim().is_empty(), words, is_json: told.is_json, asked }
    }

    /// Whether one of these signs is there, and is not only the request's own words given back.
    fn shows(&self, signs: &[Sign]) -> bool {
        signs.iter().filter(|sign| sign.is_in(&self.words)).any(|sign| {
            let asked = folded(self.asked, usize::MAX);
            !sign.is_in(&asked)
        })
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
    if status < 500 && !is_shut && said.shows(words::FILTERED) {
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
        401 | 407 => (suspected(Cause::Credentials), Destination, "it refused the gateway's key"),
        402 => (suspected(Cause::Account), Destination, "it wants to be paid"),
        403 if said.shows(words::ABOUT_A_MODEL) => {
            (suspected(Cause::Model), Model, "it refused the gateway this model")
        }
        403 => (suspected(Cause::Credentials), Destination, "it refused the gateway"),
        404 if is_about_a_path(said) => (outage(Outage::Broken), Destination, "it does not have this address"),
        404 => (suspected(Cause::Model), Model, "it does not have the model"),
        429 if said.shows(words::UNPAID) && !said.shows(words::FOR_A_WHILE) => {
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

/// The first group of words that is there.
fn withdrawn(status: u16, said: &Said<'_>) -> Option<(Sickness, Extent, &'static str)> {
    let group = words::WITHDRAWN.iter().filter(|group| group.holds_under(status)).find(|group| said.shows(group.signs));
    group.map(|group| {
        let certain = group.sure == Sure::AtOnce;
        (Sickness::Withdrawal { cause: group.cause, certain }, group.extent, group.what)
    })
}

/// Whether a 404 is about the address: something answers there, but not this API.
fn is_about_a_path(said: &Said<'_>) -> bool {
    if said.is_empty {
        return false;
    }
    !said.is_json || (said.shows(words::ABOUT_A_PATH) && !said.shows(words::ABOUT_A_MODEL))
}

/// An error inside an answer that had begun.
fn inside(said: &Said<'_>) -> (Sickness, Extent, &'static str) {
    let sickness = if said.shows(words::OVERLOADED) { Outage::Overloaded } else { Outage::Broken };
    (outage(sickness), Extent::Model, "it broke its answer off with an error")
}

fn certain(cause: Cause) -> Sickness {
    Sickness::Withdrawal { cause, certain: true }
}
