//! Hides what a request's body holds before it is sent: masked for good, or under pseudonyms that the answer's reader undoes.
//! Pure. It must not know where anything goes, nor why something is hidden.
//!
//! Where a finding stands in something that must stay as it is, the request cannot be disguised, and must not be sent so.

use std::collections::BTreeMap;
use std::ops::Range;

use bytes::Bytes;
use inspect::pseudonym::{DisguiseError, Hiding, Map, RequestKey, Watch, disguise_all};
use inspect::{Findings, Kind};
use policy::Hide;
use unicode_normalization::{UnicodeNormalization as _, is_nfc};
use wire::place::Place;
use wire::strict_json::{Token, TokenKind, quoted, splice, walk};

use crate::contents::{Contents, Found, Seen, Words, leaves};
use crate::read::{Surface, Words as Asked};

/// Strings of one request that can be disguised together.
const TEXTS_MAX: usize = 1 << 18;

/// A request's body with what must be hidden hidden. Its `Debug` shows no text.
pub(crate) struct Disguised {
    /// The body: a request by the same address. The caller's own bytes where nothing had to be hidden.
    pub(crate) bytes: Bytes,
    /// What the answer's pseudonyms stand for; none where nothing was pseudonymised.
    pub(crate) map: Option<Map>,
    /// How many findings were hidden.
    pub(crate) hidden: u64,
}

/// Why a request cannot be disguised; then it must not be sent where it would have to be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CannotHide {
    /// A finding stands in something that must stay as it is.
    #[error("`{kind}` stands in a {place}, where nothing can be replaced: leave it out there")]
    Place {
        /// What kind of words it is in.
        place: &'static str,
        /// Its kind.
        kind: String,
    },
    /// What is hidden elsewhere stands again where nothing can be replaced.
    #[error("what must be hidden stands again in a {place}, where nothing can be replaced: leave it out there")]
    Again {
        /// What kind of words it is in.
        place: &'static str,
    },
    /// More is found, or more strings there are, than can be disguised at once.
    #[error("the request holds more than can be disguised at once: send less at a time")]
    TooMuch,
    /// Every pseudonym drawn stands in the request already.
    #[error("no pseudonym could be found that the request does not hold already: send less at a time")]
    Ambiguous,
    /// With what is hidden it would be no request any more, such as one with a key twice.
    #[error("with what must be hidden the request would not be well-formed (`{param}`): leave it out there")]
    Form {
        /// The field.
        param: String,
    },
}

impl CannotHide {
    /// With what is hidden, it would not be read as a request.
    pub(crate) fn unreadable() -> Self {
        Self::Form { param: String::new() }
    }
}

impl std::fmt::Debug for Disguised {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Disguised").field("hidden", &self.hidden).finish_non_exhaustive()
    }
}

/// Hides what `hide` names of `contents`, which was read from `bytes`. One original has one pseudonym in all of the request,
/// and what is masked in one place is masked in all; secrets are never pseudonymised. `key` is this request's alone.
pub(crate) fn disguise(
    contents: &Contents,
    bytes: &Bytes,
    hide: impl Fn(&Kind) -> Option<Hide>,
    key: &[u8; 32],
) -> Result<Disguised, CannotHide> {
    let hidings: BTreeMap<&Kind, Hiding> = contents
        .kinds()
        .filter_map(|kind| {
            let hiding = match hide(kind)? {
                Hide::Pseudonymise if !kind.is_secret() => Hiding::Pseudonym,
                Hide::Pseudonymise | Hide::Mask => Hiding::Mask,
            };
            Some((kind, hiding))
        })
        .collect();
    let is_unknown = contents.is_cut() && contents.kinds().next().is_none();
    if hidings.is_empty() && !is_unknown {
        return Ok(Disguised { bytes: bytes.clone(), map: None, hidden: 0 });
    }
    if contents.is_cut() {
        return Err(CannotHide::TooMuch);
    }
    let strings = Strings::collect(contents, bytes, &hidings)?;
    let texts: Vec<(&str, &Findings)> = strings.texts.iter().map(|text| (text.said.as_str(), &text.findings)).collect();
    let hiding = |kind: &Kind| hidings.get(kind).copied().unwrap_or(Hiding::Mask);
    let (disguised, map) = disguise_all(&texts, &RequestKey::new(*key), hiding)?;
    let sent = Bytes::from(strings.written(bytes, &disguised)?);
    strings.check(&sent, contents.surface())?;
    let hidden = strings.texts.iter().map(|text| text.findings.len() as u64).sum();
    Ok(Disguised { bytes: sent, map: Some(map).filter(|map| !map.is_empty()), hidden })
}

/// `bytes`, JSON, with every string in Unicode's Normalization Form C; none where they are so already.
pub(crate) fn nfc(bytes: &Bytes) -> Option<Bytes> {
    let mut edits = Vec::new();
    walk(bytes, |token, _| {
        if matches!(token.kind, TokenKind::Key | TokenKind::Text) && !token.text.is_ascii() && !is_nfc(&token.text) {
            edits.push((token.range.clone(), quoted(&token.text.nfc().collect::<String>())));
        }
    })
    .ok()?;
    let spliced = splice(bytes, edits.iter().map(|(range, with)| (range.clone(), with.as_str())));
    (!edits.is_empty()).then(|| spliced.into())
}

/// One string or number that is disguised by itself.
struct Text {
    said: String,
    /// What must be hidden in it.
    findings: Findings,
    kind: TokenKind,
    /// Its bytes: in the body, or in the string that it stands in.
    range: Range<usize>,
}

/// One string of the body, with the texts that it holds: itself, or those of the JSON that it is.
struct Outer {
    place: Place,
    texts: Range<usize>,
    /// Where it is JSON itself: its bytes in the body, and what it says.
    json: Option<(Range<usize>, String)>,
}

/// All strings of a body.
#[derive(Default)]
struct Strings {
    texts: Vec<Text>,
    outer: Vec<Outer>,
}

impl Strings {
    /// With the findings of kinds in `hidings`.
    fn collect(contents: &Contents, bytes: &Bytes, hidings: &BTreeMap<&Kind, Hiding>) -> Result<Self, CannotHide> {
        let mut strings = Self::default();
        let mut found = contents.found().iter().peekable();
        let mut refused = Ok(());
        let walked = leaves(bytes, contents.surface(), |seen| {
            if let (Seen::Words(words), Ok(())) = (seen, &refused) {
                let mut next = |inner: Option<&Range<usize>>| {
                    let is_its = |one: &&Found| one.at.token == words.token.range && one.at.inner.as_ref() == inner;
                    let mut findings = found.next_if(is_its).map(|one| one.findings.clone()).unwrap_or_default();
                    findings.retain(|finding| hidings.contains_key(&finding.kind));
                    findings
                };
                refused = strings.add(&words, &mut next);
            }
        });
        // It was walked through when its contents were read, so there is no mistake to tell but another's bytes.
        walked.map_err(|invalid| CannotHide::Form { param: invalid.param.unwrap_or_default() }).and(refused)?;
        Ok(strings)
    }

    /// Adds one string, with what `next` found in it. Nothing may be hidden across the strings within it, nor in a string that
    /// must stay as it is.
    fn add(
        &mut self,
        words: &Words<'_, '_>,
        next: &mut impl FnMut(Option<&Range<usize>>) -> Findings,
    ) -> Result<(), CannotHide> {
        let begin = self.texts.len();
        let mut astray = Findings::default();
        match &words.inner {
            None => self.push(words.token.clone(), next(None)),
            Some(inner) => {
                inner.each(|leaf| {
                    let findings = next(Some(&leaf.range));
                    self.push(leaf, findings);
                });
                astray = next(None);
            }
        }
        if self.texts.len() > TEXTS_MAX {
            return Err(CannotHide::TooMuch);
        }
        let texts = self.texts.get(begin..).unwrap_or_default();
        let mut fixed = texts.iter().filter(|_| is_fixed(words.place)).flat_map(|text| &text.findings);
        if let Some(finding) = astray.iter().next().or_else(|| fixed.next()) {
            return Err(CannotHide::Place { place: words.place.word(), kind: finding.kind.name().into_owned() });
        }
        self.outer.push(Outer {
            place: words.place,
            texts: begin..self.texts.len(),
            json: words.inner.map(|inner| (words.token.range.clone(), inner.json().to_owned())),
        });
        Ok(())
    }

    /// Beyond what is taken, nothing more is kept.
    fn push(&mut self, token: Token<'_>, findings: Findings) {
        if self.texts.len() <= TEXTS_MAX {
            self.texts.push(Text { said: token.text.into_owned(), findings, kind: token.kind, range: token.range });
        }
    }

    /// The body with `disguised`, text for text, in place of what it held.
    fn written(&self, bytes: &Bytes, disguised: &[String]) -> Result<Vec<u8>, CannotHide> {
        let mut edits: Vec<(Range<usize>, String)> = Vec::new();
        for outer in &self.outer {
            let own = self.texts.get(outer.texts.clone()).unwrap_or_default();
            let others = disguised.get(outer.texts.clone()).unwrap_or_default();
            let changed: Vec<(Range<usize>, String)> = own
                .iter()
                .zip(others)
                .filter(|(text, other)| text.said != **other)
                .map(|(text, other)| (text.range.clone(), literal(text.kind, other)))
                .collect();
            if changed.is_empty() {
                continue;
            }
            if is_fixed(outer.place) {
                return Err(CannotHide::Again { place: outer.place.word() });
            }
            match &outer.json {
                None => edits.extend(changed),
                Some((range, json)) => {
                    let inner =
                        splice(json.as_bytes(), changed.iter().map(|(range, with)| (range.clone(), with.as_str())));
                    edits.push((range.clone(), quoted(&String::from_utf8_lossy(&inner))));
                }
            }
        }
        Ok(splice(bytes, edits.iter().map(|(range, with)| (range.clone(), with.as_str()))))
    }

    /// The proof before anything is sent: it is a request by the same address, and nothing in it is what was hidden, as it
    /// stands or within JSON.
    fn check(&self, sent: &Bytes, surface: Surface) -> Result<(), CannotHide> {
        let parsed = Asked::parse(surface, sent);
        let form = |invalid: wire::error::Invalid| CannotHide::Form { param: invalid.param.unwrap_or_default() };
        parsed.map_err(form)?;
        let hidden = self
            .texts
            .iter()
            .flat_map(|text| text.findings.iter().filter_map(|finding| text.said.get(finding.range.clone())));
        let watch = Watch::new(hidden)?;
        let mut again = None;
        leaves(sent, surface, |seen| {
            let Seen::Words(words) = seen else { return };
            let mut sees = watch.sees(&words.token.text);
            if let Some(inner) = words.inner {
                inner.each(|leaf| sees |= watch.sees(&leaf.text));
            }
            if sees {
                again = Some(CannotHide::Again { place: words.place.word() });
            }
        })
        .map_err(form)?;
        again.map_or(Ok(()), Err)
    }
}

/// What is fetched, looked up or called by exactly these letters.
fn is_fixed(place: Place) -> bool {
    matches!(place, Place::Url | Place::Data | Place::Reference | Place::ToolName)
}

/// How a text is written where a string or a number stood. A number stays one if it can.
fn literal(kind: TokenKind, text: &str) -> String {
    let mut is_number = false;
    let walked = walk(text.as_bytes(), |token, _| is_number = token.kind == TokenKind::Number);
    if kind == TokenKind::Number && walked.is_ok() && is_number { text.to_owned() } else { quoted(text) }
}

impl From<DisguiseError> for CannotHide {
    fn from(error: DisguiseError) -> Self {
        if error == DisguiseError::Ambiguous { Self::Ambiguous } else { Self::TooMuch }
    }
}

#[cfg(test)]
mod tests;
