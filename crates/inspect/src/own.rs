//! The operator's own words and patterns: one automaton for the words, one for all patterns, both linear in the text.

use std::sync::Arc;

use aho_corasick::{AhoCorasick, Anchored, Input as WordInput, MatchKind, StartKind};
use regex_automata::meta::{self, Regex};
use regex_automata::util::syntax;
use regex_automata::{Input, MatchKind as RegexMatchKind};

use crate::fold::Folder;
use crate::rules::{Dictionary, Pattern, RulesError};
use crate::verdict::{Match, is_word};
use crate::view::{KEPT_BEFORE, View};
use crate::{Kind, Strength};

/// Limits: words in all, bytes of all words, bytes of one word.
const WORDS_MAX: usize = 100_000;
const WORDS_BYTES_MAX: usize = 4 * 1024 * 1024;
const WORD_BYTES: std::ops::RangeInclusive<usize> = 2..=200;

/// Limits: patterns, bytes of one, bytes that one may match, memory of all compiled.
const PATTERNS_MAX: usize = 64;
const PATTERN_BYTES_MAX: usize = 1024;
const MATCH_BYTES_MAX: usize = 200;
const COMPILED_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Compiled.
#[derive(Debug)]
pub(crate) struct Own {
    words: Option<(AhoCorasick, Vec<Kind>)>,
    patterns: Option<(Regex, Vec<Kind>)>,
    /// The longest that either can match, in bytes of the view.
    longest: usize,
}

/// Compiles; none if there is nothing.
pub(crate) fn compile(dictionaries: &[Dictionary], patterns: &[Pattern]) -> Result<Option<Own>, RulesError> {
    let (words, longest_word) = compile_words(dictionaries)?;
    let (patterns, longest_match) = compile_patterns(patterns)?;
    if words.is_none() && patterns.is_none() {
        return Ok(None);
    }
    Ok(Some(Own { words, patterns, longest: longest_word.max(longest_match) }))
}

type Compiled<Search> = (Option<(Search, Vec<Kind>)>, usize);

fn compile_words(dictionaries: &[Dictionary]) -> Result<Compiled<AhoCorasick>, RulesError> {
    let (mut words, mut kinds, mut bytes) = (Vec::new(), Vec::new(), 0);
    for dictionary in dictionaries {
        let refuse = |reason: String| RulesError::Words { name: dictionary.name.clone(), reason };
        let kind = Kind::Own(Arc::from(dictionary.name.as_str()));
        for word in &dictionary.words {
            let folded = fold(word);
            if !WORD_BYTES.contains(&folded.len()) {
                let (least, most) = (WORD_BYTES.start(), WORD_BYTES.end());
                return Err(refuse(format!("has `{word}`, which is not {least} to {most} bytes long: leave it out")));
            }
            bytes += folded.len();
            words.push(folded);
            kinds.push(kind.clone());
        }
        if words.len() > WORDS_MAX || bytes > WORDS_BYTES_MAX {
            return Err(refuse(format!("passes {WORDS_MAX} words or {WORDS_BYTES_MAX} bytes in all: shorten it")));
        }
    }
    if words.is_empty() {
        return Ok((None, 0));
    }
    let search = AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::LeftmostLongest)
        .start_kind(StartKind::Unanchored)
        .build(&words)
        .map_err(|error| RulesError::Words { name: "all".to_owned(), reason: format!("cannot be built: {error}") })?;
    let longest = words.iter().map(Vec::len).max().unwrap_or_default();
    Ok((Some((search, kinds)), longest))
}

fn fold(word: &str) -> Vec<u8> {
    let (mut folder, mut view) = (Folder::new(), View::default());
    folder.push(word.as_bytes(), true, &mut view);
    view.known().0.to_vec()
}

fn compile_patterns(patterns: &[Pattern]) -> Result<Compiled<Regex>, RulesError> {
    let refuse = |name: &str, reason: String| RulesError::Pattern { name: name.to_owned(), reason };
    if let Some(pattern) = patterns.get(PATTERNS_MAX) {
        return Err(refuse(&pattern.name, format!("is one too many: {PATTERNS_MAX} are allowed, join some")));
    }
    let syntax = syntax::Config::new().unicode(false).utf8(false);
    let (mut parsed, mut longest) = (Vec::new(), 0);
    for pattern in patterns {
        let refuse = |reason: String| refuse(&pattern.name, reason);
        if pattern.regex.len() > PATTERN_BYTES_MAX {
            return Err(refuse(format!("is longer than {PATTERN_BYTES_MAX} bytes: split it")));
        }
        let hir = syntax::parse_with(&pattern.regex, &syntax).map_err(|error| refuse(format!("is wrong: {error}")))?;
        let properties = hir.properties();
        if properties.minimum_len().unwrap_or_default() == 0 {
            return Err(refuse("can match nothing at all: let it require a character".to_owned()));
        }
        let most = properties.maximum_len().filter(|most| *most <= MATCH_BYTES_MAX).ok_or_else(|| {
            refuse(format!("can match more than {MATCH_BYTES_MAX} bytes: bound its repetitions, as in `{{1,20}}`"))
        })?;
        if properties.look_set().contains_anchor() {
            return Err(refuse("has an anchor (`^`, `$`): a text comes in pieces, use `\\b`".to_owned()));
        }
        longest = longest.max(most);
        parsed.push(hir);
    }
    if parsed.is_empty() {
        return Ok((None, 0));
    }
    let config = meta::Config::new()
        .nfa_size_limit(Some(COMPILED_BYTES_MAX))
        .match_kind(RegexMatchKind::LeftmostFirst)
        .utf8_empty(false);
    let search = Regex::builder().configure(config).build_many_from_hir(&parsed).map_err(|error| {
        refuse("", format!("and the others together are too large to compile: shorten repetitions ({error})"))
    })?;
    let kinds = patterns.iter().map(|pattern| Kind::Own(Arc::from(pattern.name.as_str()))).collect();
    Ok((Some((search, kinds)), longest))
}

/// Looks for own kinds; words and patterns each on their own, so that neither hides the other.
#[derive(Debug)]
pub(crate) struct OwnSearch {
    own: Arc<Own>,
    words_at: usize,
    patterns_at: usize,
}

impl OwnSearch {
    pub(crate) fn new(own: Arc<Own>) -> Self {
        Self { own, words_at: 0, patterns_at: 0 }
    }

    /// What lies before is decided.
    pub(crate) fn decided(&self) -> usize {
        self.words_at.min(self.patterns_at)
    }

    /// Goes on as far as can be decided.
    pub(crate) fn run(&mut self, view: &View, found: &mut Vec<Match>) {
        let own = Arc::clone(&self.own);
        // A match may begin before this place and be known whole, with the byte after it.
        let limit = if view.is_whole() { view.end() } else { view.end().saturating_sub(own.longest) };
        if let Some((search, kinds)) = &own.words {
            let next = |haystack: &[u8], from: usize| {
                let input = WordInput::new(haystack).range(from..).anchored(Anchored::No);
                search.find(input).map(|it| (it.start(), it.end(), it.pattern().as_usize()))
            };
            self.words_at = walk(view, self.words_at, limit, kinds, true, next, found);
        } else {
            self.words_at = limit.max(self.words_at);
        }
        if let Some((search, kinds)) = &own.patterns {
            let next = |haystack: &[u8], from: usize| {
                let input = Input::new(haystack).range(from..);
                search.find(input).map(|it| (it.start(), it.end(), it.pattern().as_usize()))
            };
            self.patterns_at = walk(view, self.patterns_at, limit, kinds, false, next, found);
        } else {
            self.patterns_at = limit.max(self.patterns_at);
        }
    }
}

/// Takes every match that begins before `limit`; where to go on.
fn walk(
    view: &View,
    from: usize,
    limit: usize,
    kinds: &[Kind],
    whole_words: bool,
    next: impl Fn(&[u8], usize) -> Option<(usize, usize, usize)>,
    found: &mut Vec<Match>,
) -> usize {
    let (known, base) = view.known();
    let mut at = from;
    while at < limit {
        // What stands long before is not needed, and must not matter: it may have been given up.
        let behind = at.saturating_sub(KEPT_BEFORE).max(base);
        let haystack = known.get(behind - base..).unwrap_or_default();
        let Some((start, end, pattern)) = next(haystack, at - behind) else { return limit };
        let (start, end) = (start + behind, end + behind);
        if start >= limit {
            return limit;
        }
        let is_whole = !whole_words || stands_alone(view, start, end);
        match kinds.get(pattern) {
            Some(kind) if is_whole => {
                found.push(Match { range: start..end, kind: kind.clone(), strength: Strength::Form });
                at = end;
            }
            _ => at = start + 1,
        }
    }
    at.max(limit)
}

/// Latin words are found whole; Hangul and ideographs anywhere, for endings are joined to them.
fn stands_alone(view: &View, start: usize, end: usize) -> bool {
    let (first, last) = (view.before(start + 1, 1), view.before(end, 1));
    let joined_before = is_word(first) && is_word(view.before(start, 1));
    let joined_after = is_word(last) && is_word(view.before(end + 1, 1));
    !joined_before && !joined_after
}
