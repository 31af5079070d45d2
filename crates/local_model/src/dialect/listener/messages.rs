//! Takes answers apart that are written as messages. Models get headers wrong now and then: what a header cannot be is words,
//! what one was that came to nothing is reasoning, and what another speaker would say is not heard.

use super::{Depth, Listener, Place, Said};
use crate::dialect::{CallSyntax, Kind, Messages};

/// Stands in what is held before each mark. Unicode keeps it for a program's own use; where a model says it, it is replaced.
pub(super) const MARK: char = '\u{fdd0}';

/// Bytes that a header may have before the mark that ends it: a function's name among them.
const HEADER_BYTES_MAX: usize = 256;

/// What stands between two messages.
const GAP: &str = "\n\n";

/// Adds text to what is held, and notes its marks.
pub(super) fn hold(held: &mut String, text: &str, marks: &[usize]) {
    let mut begin = 0;
    for end in marks.iter().copied().chain([text.len()]) {
        let part = text.get(begin..end).unwrap_or_default();
        held.extend(part.chars().map(|letter| if letter == MARK { char::REPLACEMENT_CHARACTER } else { letter }));
        if end < text.len() {
            held.push(MARK);
        }
        begin = end;
    }
}

/// What the text before a message's content is.
enum Header {
    /// It may become one.
    Unfinished,
    /// The content begins at this byte, or with the mark there.
    Whole(usize, &'static str),
    /// It was ended before there was any content; what comes after begins here.
    Empty(usize),
    /// None, but for marks in so many bytes.
    None(usize),
}

impl Messages {
    /// Whether nothing follows a message with this header.
    pub(super) fn ends_after(&self, header: &str) -> bool {
        self.kind_of(header).1 == Kind::LastWords
    }

    fn header(&self, held: &str) -> Header {
        let first = held.find(MARK);
        if !self.may_begin(held.get(..first.unwrap_or(held.len())).unwrap_or_default()) {
            return Header::None(0);
        }
        let mut marked = 0;
        for (place, _) in held.match_indices(MARK).take_while(|(place, _)| *place <= HEADER_BYTES_MAX) {
            let after = place.saturating_add(MARK.len_utf8());
            let Some(mark) = held.get(after..).and_then(|rest| self.mark_of(rest)) else { return Header::Unfinished };
            marked = after.saturating_add(mark.len());
            if mark == self.close {
                return Header::Empty(marked);
            }
            if self.contents.contains(&mark) {
                return Header::Whole(place, mark);
            }
        }
        // A mark that begins within these bytes has come whole when so many more are there.
        let longest = self.marks().map(str::len).max().unwrap_or(0).saturating_add(MARK.len_utf8());
        if held.len() <= HEADER_BYTES_MAX.saturating_add(longest) { Header::Unfinished } else { Header::None(marked) }
    }

    /// Whether a header may begin so, as far as there is no mark in it: with nothing, or as one of the signs does.
    fn may_begin(&self, text: &str) -> bool {
        let text = text.trim_start();
        let fits = |sign: &&str| text.starts_with(sign) || sign.starts_with(text);
        text.is_empty() || (text.len() <= HEADER_BYTES_MAX && self.kinds.iter().any(|(sign, _)| fits(sign)))
    }

    /// A header without the word for who speaks, if that is the model.
    fn own<'a>(&self, header: &'a str) -> Option<&'a str> {
        let opened = header.rsplit_once(self.open).map(|(_, header)| header);
        opened.map_or(Some(header), |header| header.trim_start().strip_prefix(self.speaker))
    }

    /// A text without marks.
    fn plain(&self, held: &str) -> String {
        let cut = |part: &str| self.mark_of(part).map_or(0, str::len);
        let mut parts = held.split(MARK);
        let begin = parts.next().unwrap_or_default().to_owned();
        parts.fold(begin, |text, part| text + part.get(cut(part)..).unwrap_or_default())
    }
}

impl Listener {
    /// Goes on to the next place in an answer of messages.
    pub(super) fn step_in_messages(&mut self, messages: &Messages, at_end: bool, said: &mut Vec<Said>) -> bool {
        match self.place {
            Place::Beginning | Place::After | Place::Header => self.header(messages, at_end, said),
            Place::Thought | Place::Words => self.content(messages, said),
            Place::Head => self.named(said),
            Place::Arguments(depth) => {
                let ended = self.arguments(depth, said);
                if ended {
                    self.enter(Place::Header);
                }
                ended
            }
            Place::Over => {
                self.held.clear();
                false
            }
        }
    }

    /// More of what a message says, up to the next mark.
    fn content(&mut self, messages: &Messages, said: &mut Vec<Said>) -> bool {
        let mark = self.held.find(MARK);
        let text: String = self.held.drain(..mark.unwrap_or(self.held.len())).collect();
        self.tell(&text, said);
        let Some(mark) = messages.mark_of(self.held.get(MARK.len_utf8()..).unwrap_or_default()) else { return false };
        let over = mark == messages.close && self.last;
        self.enter(if over { Place::Over } else { Place::Header });
        if mark == messages.close {
            self.held.drain(..MARK.len_utf8().saturating_add(mark.len()));
        }
        true
    }

    /// Tells text of the present message, with a gap before it where another message was told before.
    fn tell(&mut self, text: &str, said: &mut Vec<Said>) {
        if text.is_empty() {
            return;
        }
        let words = self.place == Place::Words;
        let before = if words { &mut self.heard.1 } else { &mut self.heard.0 };
        let gap = if std::mem::replace(before, true) && !self.told { GAP } else { "" };
        self.told = true;
        let text = format!("{gap}{text}");
        said.push(if words { Said::Words(text) } else { Said::Thought(text) });
    }

    /// Finds out what the message is that begins here.
    fn header(&mut self, messages: &Messages, at_end: bool, said: &mut Vec<Said>) -> bool {
        match messages.header(&self.held) {
            Header::Whole(place, mark) => self.begin_message(messages, place, mark, said),
            Header::Empty(end) => {
                let header: String = self.held.drain(..end).collect();
                let remains = messages.plain(messages.own(&header).unwrap_or_default());
                let remains = remains.trim();
                self.enter(Place::Thought);
                if !messages.kinds.iter().any(|(sign, _)| *sign == remains) {
                    self.tell(remains, said);
                }
                self.enter(Place::Header);
                true
            }
            Header::None(end) => {
                let header: String = self.held.drain(..end).collect();
                let own = messages.own(&header).map(|header| messages.plain(header));
                self.last = false;
                self.enter(if own.is_some() { Place::Words } else { Place::Over });
                self.held.insert_str(0, &own.unwrap_or_default());
                true
            }
            Header::Unfinished if at_end => {
                let held = std::mem::take(&mut self.held);
                self.enter(Place::Words);
                // One that was cut off says nothing.
                let alone = self.heard == (false, false) && !self.called();
                if !held.contains(MARK) && (alone || !held.trim().is_empty()) {
                    self.tell(&held, said);
                }
                self.enter(Place::Header);
                false
            }
            Header::Unfinished => false,
        }
    }

    /// Begins the message whose header ends with the mark at `place`.
    fn begin_message(&mut self, messages: &Messages, place: usize, mark: &str, said: &mut Vec<Said>) -> bool {
        let end = place.saturating_add(MARK.len_utf8()).saturating_add(mark.len());
        let header = self.held.get(..end).unwrap_or_default().replace(MARK, "");
        let Some(header) = messages.own(&header) else {
            self.enter(Place::Over);
            return true;
        };
        let (sign, kind) = messages.kind_of(header);
        let name = header.split_once(sign).map_or("", |(_, rest)| rest);
        let name = name.split(|letter: char| letter.is_whitespace() || letter == '<').next().unwrap_or_default();
        self.last = kind == Kind::LastWords;
        // Calls keep the mark: it may be the first call's own.
        let end = if kind == Kind::Calls && self.calls { place } else { end };
        let next = match kind {
            Kind::Words | Kind::LastWords => Place::Words,
            Kind::Call if self.calls && !name.is_empty() => {
                said.push(self.call(name));
                Place::Arguments(Depth::default())
            }
            Kind::Calls if self.calls => Place::Head,
            Kind::Thought | Kind::Call | Kind::Calls => Place::Thought,
        };
        self.held.drain(..end.min(self.held.len()));
        self.enter(next);
        true
    }

    /// The name of a call that stands before its arguments, once it has come whole.
    fn named(&mut self, said: &mut Vec<Said>) -> bool {
        let CallSyntax { head, after_id, middle, .. } = self.dialect.calls;
        let whole = [Some(head), after_id].into_iter().flatten().try_fold(self.held.as_str(), |rest, mark| {
            let (_, rest) = rest.split_once(MARK)?;
            Some(rest.split_once(mark)?.1)
        });
        let Some((name, arguments)) = whole.and_then(|rest| rest.split_once(middle)) else { return false };
        let (name, arguments) = (name.trim_end_matches(MARK).trim().to_owned(), arguments.to_owned());
        said.push(self.call(&name));
        self.held = arguments;
        self.enter(Place::Arguments(Depth::default()));
        true
    }
}
