//! What an answer in messages may be. Its marks are control tokens, which no text in a grammar matches: texts need no guard against
//! them.

use std::fmt::Write as _;

use super::{body, call_rules, literal};
use crate::dialect::messages::Piece;
use crate::dialect::{Dialect, Messages};
use crate::{Reasoning, Wanted};

/// Rules of what is wanted so, the first of them `start`: the headers, and what the contents may be.
pub(super) fn rules(
    wanted: &Wanted,
    (dialect, messages): (&Dialect, &Messages),
    reasoning: Reasoning,
    (rules, answer): (&mut String, &mut Option<String>),
) {
    let own = |text: &str| written(messages, text);
    let next = own(&format!("{}{}{}", messages.close, messages.open, messages.speaker));
    let _ = writeln!(rules, "TEXT: /(.|\\n)*/\nsaid: TEXT {next}");
    let mut before = Vec::new();
    if let Some(thought) = dialect.thought.filter(|_| reasoning != Reasoning::Done) {
        before.push(format!("{} said", own(thought.open)));
    }
    let mut words = |wanted: &Wanted| {
        let form = body(wanted, (&dialect.calls, None), rules, answer);
        let _ = writeln!(rules, "form: {form}");
        format!("{} form", own(messages.answer))
    };
    let last = match wanted {
        Wanted::Json { .. } | Wanted::Regex(_) | Wanted::OneOf(_) | Wanted::Lark(_) => words(wanted),
        Wanted::Calls { tools, required, several, words: form } => {
            let words = match form {
                _ if *required => None,
                Some(form) => Some(words(form)),
                None => {
                    before.extend(messages.preamble.map(|preamble| format!("{} said", own(preamble))));
                    Some(format!("{} TEXT", own(messages.answer)))
                }
            };
            call_rules((&dialect.calls, &own), tools, *several, rules);
            words.map_or("calls".to_owned(), |words| format!("calls | {words}"))
        }
    };
    let open = if reasoning == Reasoning::Open { "said " } else { "" };
    let before = if before.is_empty() { String::new() } else { format!("({})* ", before.join(" | ")) };
    let _ = writeln!(rules, "last: {last}\nstart: {open}{before}last");
}

/// What the dialect itself writes, in the notation: marks by their names, the rest quoted.
fn written(messages: &Messages, text: &str) -> String {
    let one = |piece: Piece<'_>| match piece {
        Piece::Mark(mark) => mark.to_owned(),
        Piece::Text(text) => literal(text),
    };
    let pieces: Vec<String> = messages.pieces(text).into_iter().map(one).collect();
    if pieces.is_empty() { literal("") } else { pieces.join(" ") }
}
