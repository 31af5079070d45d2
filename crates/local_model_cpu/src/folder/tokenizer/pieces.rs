//! What a `tokenizer.json` of SentencePiece's kind may say, for its texts to become the same pieces here. It must not know how
//! pieces are joined.

use std::collections::HashSet;

use serde_json::Value;

use super::cuts::{flag, kind, normalizers, steps};
use super::{File, wrong};
use crate::LoadError;

/// How vocabularies of pieces write a space.
const SPACE: &str = "▁";
const PUTS_A_SPACE: &str = "puts a space before each text, which is not done here";

/// Checks that a file's texts are made into pieces as they are here.
pub(super) fn refuse_others(file: &File) -> Result<(), LoadError> {
    refuse_other_texts(file)?;
    refuse_tokens_among_pieces(file)
}

/// Texts are taken whole, spaces written as `▁` and none put before them.
fn refuse_other_texts(file: &File) -> Result<(), LoadError> {
    let mut writes_spaces = false;
    for step in normalizers(file) {
        let replaced = step.get("pattern").and_then(|pattern| pattern.get("String")).and_then(Value::as_str);
        let by = step.get("content").and_then(Value::as_str);
        match kind(step) {
            "Replace" if (replaced, by) == (Some(" "), Some(SPACE)) => writes_spaces = true,
            "Prepend" => return Err(wrong(PUTS_A_SPACE)),
            other => return Err(wrong(&format!("changes texts by `{other}` in a way that is not done here"))),
        }
    }
    let mut found = Vec::new();
    file.pre_tokenizer
        .iter()
        .filter(|value| !value.is_null())
        .for_each(|step| steps(step, "pretokenizers", &mut found));
    for step in found {
        let pattern = step.get("pattern").and_then(|pattern| pattern.get("String")).and_then(Value::as_str);
        match kind(step) {
            // There is none left to split at.
            "Split" if pattern == Some(" ") && writes_spaces && !flag(step, "invert", false) => {}
            "Metaspace" if flag(step, "split", true) => {
                return Err(wrong("cuts texts at spaces (`Metaspace` that splits), which is not done here"));
            }
            "Metaspace" if step.get("prepend_scheme").and_then(Value::as_str) != Some("never") => {
                return Err(wrong(PUTS_A_SPACE));
            }
            "Metaspace" if step.get("replacement").and_then(Value::as_str) == Some(SPACE) => writes_spaces = true,
            other => return Err(wrong(&format!("cuts texts by a step `{other}` in a way that is not done here"))),
        }
    }
    if writes_spaces { Ok(()) } else { Err(wrong("does not write spaces as `▁`, as vocabularies of pieces do here")) }
}

/// Added tokens of a vocabulary of pieces that would be found elsewhere than where the file's own program finds them.
fn refuse_tokens_among_pieces(file: &File) -> Result<(), LoadError> {
    let added = || file.added_tokens.iter().filter(|token| !token.special);
    if let Some(token) = added().find(|token| token.normalized && token.content.contains('▁')) {
        let token = token.content.escape_debug();
        return Err(wrong(&format!(
            "looks for the token `{token}` in changed texts (`normalized`), which is not done here"
        )));
    }
    let names: HashSet<&str> = file.added_tokens.iter().map(|token| token.content.as_str()).collect();
    let letters: HashSet<char> = added().filter_map(|token| single(&token.content)).collect();
    let within = |piece: &&String| {
        single(piece).is_none() && !names.contains(piece.as_str()) && piece.contains(|letter| letters.contains(&letter))
    };
    match file.model.vocab.keys().filter(within).min() {
        Some(piece) if !letters.is_empty() => {
            let piece = piece.escape_debug();
            Err(wrong(&format!("adds a token of one letter that the piece `{piece}` has too, which is not done here")))
        }
        _ => Ok(()),
    }
}

fn single(text: &str) -> Option<char> {
    let mut letters = text.chars();
    letters.next().filter(|_| letters.next().is_none())
}
