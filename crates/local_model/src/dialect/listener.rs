//! Takes an answer apart as it comes: reasoning, words, calls and their arguments. What it cannot tell yet it holds back, never
//! more than a marker's or a header's length and blanks. Pure; a caller's text cannot break it: what does not fit is words.

mod messages;

use super::{CallSyntax, Dialect};
use messages::MARK;

/// A piece of what a model says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// More of its reasoning.
    Thought(String),
    /// More of its answer.
    Words(String),
    /// It calls a function.
    Call {
        /// Which call of the answer, from 0.
        index: u32,
        /// The function.
        name: String,
    },
    /// More of the arguments of that call, as JSON.
    Arguments {
        /// Which call of the answer, from 0.
        index: u32,
        /// What is new of them.
        text: String,
    },
}

/// Listens to one answer.
#[derive(Clone, Debug)]
pub struct Listener {
    dialect: Dialect,
    /// Whether calls are understood; else their markers are words.
    calls: bool,
    place: Place,
    /// What is not told yet.
    held: String,
    /// Calls begun so far.
    begun: u32,
    /// Whether anything but blanks has been told in the present place.
    told: bool,
    /// Of an answer in messages: whether the present one is its last.
    last: bool,
    /// Of an answer in messages: whether reasoning has been told, and words.
    heard: (bool, bool),
}

/// Where in an answer we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Nothing but blanks so far.
    Beginning,
    Thought,
    Words,
    /// After a trigger, before the name.
    Head,
    /// In the arguments of the call under way.
    Arguments(Depth),
    /// After a call.
    After,
    /// Of an answer in messages: before the content of one.
    Header,
    /// After the end of an answer that no token ended.
    Over,
}

/// How deep in a JSON value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Depth {
    open: u32,
    in_text: bool,
    escaped: bool,
}

impl Listener {
    /// `calls`: the model was held to the dialect's way of calling; `thinking`: the prompt leaves reasoning open.
    pub fn new(dialect: Dialect, calls: bool, thinking: bool) -> Self {
        let place = match dialect.messages {
            _ if thinking => Place::Thought,
            Some(_) => Place::Header,
            None => Place::Beginning,
        };
        Self { dialect, calls, place, held: String::new(), begun: 0, told: false, last: false, heard: (false, false) }
    }

    /// Listens to an answer that was begun elsewhere and is gone on with: words from the first letter on, blanks too.
    pub fn going_on(dialect: Dialect) -> Self {
        let last = dialect.messages.is_some_and(|messages| messages.ends_after(messages.answer));
        Self { place: Place::Words, told: true, last, ..Self::new(dialect, false, false) }
    }

    /// Whether the answer called anything.
    pub fn called(&self) -> bool {
        self.begun > 0
    }

    /// Whether the answer has come to its end though no end token said so: nothing that follows is heard.
    pub fn is_over(&self) -> bool {
        self.place == Place::Over
    }

    /// Whether what comes next is said, not written round it.
    pub fn is_in_content(&self) -> bool {
        matches!(self.place, Place::Thought | Place::Words)
    }

    /// Takes more text, in which the dialect's marks begin at these bytes; see [`crate::Event::Text`].
    pub fn hear(&mut self, text: &str, marks: &[usize]) -> Vec<Said> {
        match self.dialect.messages {
            Some(_) => messages::hold(&mut self.held, text, marks),
            None => self.held.push_str(text),
        }
        let mut said = Vec::new();
        while self.step(false, &mut said) {}
        said
    }

    /// The end of the answer: gives what was held back.
    pub fn finish(&mut self) -> Vec<Said> {
        let mut said = Vec::new();
        while self.step(true, &mut said) {}
        said
    }

    /// Goes on to the next place, if what is held says where that is.
    fn step(&mut self, at_end: bool, said: &mut Vec<Said>) -> bool {
        if let Some(messages) = self.dialect.messages {
            return self.step_in_messages(messages, at_end, said);
        }
        match self.place {
            Place::Beginning => self.begin(at_end),
            Place::Thought => {
                let close = self.dialect.thought.map_or("", |thought| thought.close);
                let found = self.tell_until(close, at_end, said);
                if found {
                    self.enter(Place::Words);
                }
                found
            }
            Place::Words => {
                let trigger = if self.calls { self.dialect.calls.trigger } else { "" };
                let found = self.tell_until(trigger, at_end, said);
                if found {
                    self.enter(Place::Head);
                }
                found
            }
            Place::Head => self.name(said) || (at_end && self.no_call(said)),
            Place::Arguments(depth) => self.arguments(depth, said),
            Place::After => self.after(),
            Place::Header | Place::Over => false,
        }
    }

    fn enter(&mut self, place: Place) {
        self.place = place;
        self.told = false;
    }

    /// Reasoning, a call without a trigger, or words?
    fn begin(&mut self, at_end: bool) -> bool {
        let said = self.held.trim_start();
        let CallSyntax { trigger, head, .. } = self.dialect.calls;
        let bare = (self.calls && trigger.is_empty()).then_some((head, Place::Head));
        let thought = self.dialect.thought.map(|thought| (thought.open, Place::Thought));
        for (sign, place) in thought.into_iter().chain(bare) {
            if said.starts_with(sign) {
                let kept = if place == Place::Head { said } else { said.get(sign.len()..).unwrap_or_default() };
                self.held = kept.to_owned();
                self.enter(place);
                return true;
            }
            if sign.starts_with(said) && !at_end {
                return false;
            }
        }
        self.enter(Place::Words);
        // Blanks before an answer without reasoning belong to it.
        self.told = self.dialect.thought.is_none() && !self.calls;
        true
    }

    /// Tells what stands before the marker. Without a marker in sight, what may be its beginning waits, and blanks with it.
    fn tell_until(&mut self, marker: &str, at_end: bool, said: &mut Vec<Said>) -> bool {
        let words = self.place == Place::Words;
        let found = if marker.is_empty() { None } else { self.held.find(marker) };
        let free = match found {
            Some(place) => self.held.get(..place).unwrap_or_default().trim_end().len(),
            None if at_end && words => self.held.len(),
            None if at_end => self.held.trim_end().len(),
            None if marker.is_empty() => self.held.len(),
            None => self.held.len().saturating_sub(held_back(&self.held, marker)),
        };
        let text: String = self.held.drain(..free).collect();
        let text = if self.told { text } else { text.trim_start().to_owned() };
        if !text.is_empty() {
            said.push(if words { Said::Words(text) } else { Said::Thought(text) });
            self.told = true;
        }
        if found.is_some() {
            let end = self.held.find(marker).map_or(0, |place| place.saturating_add(marker.len()));
            self.held.drain(..end.min(self.held.len()));
        } else if at_end {
            self.held.clear();
        }
        found.is_some()
    }

    fn name(&mut self, said: &mut Vec<Said>) -> bool {
        let CallSyntax { open, head, middle, .. } = self.dialect.calls;
        let rest = self.held.trim_start();
        let rest = rest.strip_prefix(open).unwrap_or(rest);
        let Some((name, arguments)) = rest.strip_prefix(head).and_then(|rest| rest.split_once(middle)) else {
            return false;
        };
        let (name, arguments) = (name.to_owned(), arguments.to_owned());
        said.push(self.call(&name));
        self.held = arguments;
        self.enter(Place::Arguments(Depth::default()));
        true
    }

    /// At the end: what looked like a call without a trigger was words after all.
    fn no_call(&mut self, said: &mut Vec<Said>) -> bool {
        if self.dialect.calls.trigger.is_empty() && !self.held.is_empty() {
            said.push(Said::Words(std::mem::take(&mut self.held)));
        }
        false
    }

    /// A call of that function begins.
    fn call(&mut self, name: &str) -> Said {
        let index = self.begun;
        self.begun = self.begun.saturating_add(1);
        Said::Call { index, name: name.to_owned() }
    }

    fn arguments(&mut self, mut depth: Depth, said: &mut Vec<Said>) -> bool {
        let in_messages = self.dialect.messages.is_some();
        let end = self.held.char_indices().find_map(|(place, letter)| match letter {
            MARK if in_messages => Some(place),
            _ => depth.closes(letter).then_some(place + 1),
        });
        let text: String = self.held.drain(..end.unwrap_or(self.held.len())).collect();
        if !text.is_empty() {
            said.push(Said::Arguments { index: self.begun.saturating_sub(1), text });
        }
        self.place = if end.is_some() { Place::After } else { Place::Arguments(depth) };
        end.is_some()
    }

    /// Another call, or nothing more.
    fn after(&mut self) -> bool {
        let CallSyntax { trigger, head, separator, .. } = self.dialect.calls;
        let next = if separator.is_some() { head } else { trigger };
        let place = (!next.is_empty()).then(|| self.held.find(next)).flatten();
        let Some(place) = place else { return false };
        let skipped = if separator.is_some() { place } else { place.saturating_add(next.len()) };
        self.held.drain(..skipped);
        self.enter(Place::Head);
        true
    }
}

impl Depth {
    /// Takes one more letter; tells whether it closes the value.
    fn closes(&mut self, letter: char) -> bool {
        if self.in_text {
            match letter {
                _ if self.escaped => self.escaped = false,
                '\\' => self.escaped = true,
                '"' => self.in_text = false,
                _ => {}
            }
            return false;
        }
        match letter {
            '"' => self.in_text = true,
            '{' | '[' => self.open = self.open.saturating_add(1),
            '}' | ']' => self.open = self.open.saturating_sub(1),
            _ => return false,
        }
        self.open == 0 && !self.in_text
    }
}

/// Bytes at the end of `text` that may be the beginning of `marker`, with the blanks before them.
fn held_back(text: &str, marker: &str) -> usize {
    let begins = |&(place, _): &(usize, char)| text.get(place..).is_some_and(|end| marker.starts_with(end));
    let far = text.len().saturating_sub(marker.len());
    let partial =
        text.char_indices().filter(|(place, _)| *place >= far).find(begins).map_or(text.len(), |(place, _)| place);
    let before = text.get(..partial).unwrap_or_default().trim_end().len();
    text.len().saturating_sub(before)
}
