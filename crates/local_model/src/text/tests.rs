//! Whatever the cuts between tokens, the text is the same; and nothing of a stop string is ever given out.

use proptest::prelude::*;

use super::{AnswerText, Piece};
use crate::TokenScore;

fn score(number: usize, bytes: &[u8]) -> TokenScore {
    TokenScore {
        token: u32::try_from(number).expect("few tokens"),
        bytes: bytes.to_vec(),
        logprob: 0.0,
        top: Vec::new(),
    }
}

/// Gives the pieces that these tokens make, the last from `finish` unless a stop string came.
fn pieces(tokens: &[&[u8]], stop: &[String]) -> (Vec<Piece>, bool) {
    let mut text = AnswerText::new(stop);
    let mut pieces = Vec::new();
    for (number, bytes) in tokens.iter().enumerate() {
        pieces.push(text.push(bytes, Some(score(number, bytes))));
        if text.stopped() {
            return (pieces, true);
        }
    }
    pieces.push(text.finish());
    (pieces, false)
}

fn joined(pieces: &[Piece]) -> String {
    pieces.iter().map(|piece| piece.text.as_str()).collect()
}

/// Cuts the bytes at the places whose bit is set.
fn cut<'a>(bytes: &'a [u8], cuts: &[bool]) -> Vec<&'a [u8]> {
    let mut tokens = Vec::new();
    let mut begin = 0;
    for end in 1..=bytes.len() {
        if end == bytes.len() || cuts[end % cuts.len()] {
            tokens.push(&bytes[begin..end]);
            begin = end;
        }
    }
    tokens
}

#[test]
fn every_way_to_cut_a_short_text_gives_the_same() {
    let text = "a안b\u{1F600}END".as_bytes();
    let stop = ["EN".to_owned(), "b\u{1F601}".to_owned()];
    for bits in 0..1_u32 << (text.len() - 1) {
        let cuts: Vec<bool> = (0..text.len()).map(|place| place > 0 && bits >> (place - 1) & 1 == 1).collect();
        let (pieces, stopped) = pieces(&cut(text, &cuts), &stop);
        assert_eq!((joined(&pieces).as_str(), stopped), ("a안b\u{1F600}", true), "cut at {bits:b}");
    }
}

proptest! {
    #[test]
    fn cuts_change_nothing(
        text in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..40),
            "[ab\u{1F600}\u{e9}\u{ac00}]{0,12}".prop_map(String::into_bytes),
        ],
        stop in prop::collection::vec("[ab\u{1F600}\u{e9}\u{ac01}]{1,3}", 0..4),
        cuts in prop::collection::vec(any::<bool>(), 1..40),
    ) {
        let (whole, whole_stopped) = pieces(&[&text], &stop);
        let (parts, parts_stopped) = pieces(&cut(&text, &cuts), &stop);
        prop_assert_eq!(joined(&whole), joined(&parts));
        prop_assert_eq!(whole_stopped, parts_stopped);
        if !whole_stopped {
            prop_assert_eq!(joined(&whole), String::from_utf8_lossy(&text).into_owned());
        }
        for found in &stop {
            prop_assert!(!joined(&parts).contains(found.as_str()), "{found:?} leaked");
        }
    }

    #[test]
    fn scores_come_once_in_order_and_with_their_text(
        text in "[ab\u{1F600}\u{e9}]{0,12}",
        stop in prop::collection::vec("[ab\u{1F600}]{1,3}", 0..3),
        cuts in prop::collection::vec(any::<bool>(), 1..40),
    ) {
        let tokens = cut(text.as_bytes(), &cuts);
        let (pieces, _) = pieces(&tokens, &stop);
        let answer = joined(&pieces);
        let mut given = 0;
        let mut numbers = 0..;
        for piece in &pieces {
            given += piece.text.len();
            for score in &piece.scores {
                let number = numbers.next().expect("endless");
                prop_assert_eq!(score.token, number);
                let begin: usize = tokens[..number as usize].iter().map(|token| token.len()).sum();
                prop_assert!(begin < given, "token {number} came before its text");
            }
        }
        let begun = tokens.iter().scan(0, |at, token| { *at += token.len(); Some(*at - token.len()) });
        prop_assert_eq!(numbers.next().expect("endless") as usize, begun.filter(|&begin| begin < answer.len()).count());
    }
}

#[test]
fn text_flows_as_soon_as_it_is_whole() {
    let mut text = AnswerText::new(&["stop".to_owned()]);
    let mut push = |bytes: &[u8]| text.push(bytes, None).text;
    assert_eq!(push(b"on"), "on");
    assert_eq!(push(b"e s"), "e ");
    assert_eq!(push(b"to"), "");
    assert_eq!(push(b"re \xe2\x82"), "store ");
    assert_eq!(push(b"\xac"), "\u{20ac}");
    assert_eq!(push(b"\xff!"), "\u{fffd}!");
}

#[test]
fn a_broken_character_at_the_end_is_marked() {
    let mut text = AnswerText::new(&[]);
    assert_eq!(text.push(b"a\xe2\x82", None).text, "a");
    assert_eq!(text.finish().text, "\u{fffd}");
}

#[test]
fn what_only_looked_like_a_stop_string_is_given_at_the_end() {
    let mut text = AnswerText::new(&["end.".to_owned()]);
    assert_eq!(text.push(b"the end", None).text, "the ");
    assert_eq!(text.finish().text, "end");
}

#[test]
fn tokens_without_text_keep_their_scores() {
    let mut text = AnswerText::new(&[]);
    assert!(text.push(b"", Some(score(0, b""))).is_empty());
    assert_eq!(text.push(b"a", Some(score(1, b"a"))).scores.len(), 2);
    assert!(text.push(b"", Some(score(2, b""))).is_empty());
    assert_eq!(text.finish().scores.len(), 1);
}

#[test]
fn marks_are_told_where_they_begin_in_what_is_given() {
    let mut text = AnswerText::new(&["stop".to_owned()]);
    let mut piece = text.push("\u{ac00}\u{e9}".as_bytes(), None);
    // A character that never becomes whole is longer as text than it was.
    piece.append(text.push(b"\xf0\x9f", None));
    text.mark();
    piece.append(text.push(b"<|a|>", None));
    text.mark();
    piece.append(text.push(b"<|s", None));
    assert_eq!((piece.text.as_str(), piece.marks.as_slice()), ("\u{ac00}\u{e9}\u{fffd}<|a|><|", [8, 13].as_slice()));
    // What the stop string takes is not given, and no mark of it.
    piece = text.push(b"t", None);
    text.mark();
    piece.append(text.push(b"op", None));
    assert!(piece.marks.is_empty() && text.stopped(), "{piece:?}");
}
