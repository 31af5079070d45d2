//! Any cut gives the whole text's findings; nothing panics; ranges are characters.

use inspect::{Dictionary, Findings, Pattern, Rules, Scanner, scan};
use proptest::prelude::*;
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::made_up::MAKERS;
use crate::settings::put;

fn rules() -> Rules {
    let dictionary = Dictionary { name: "word".to_owned(), words: vec!["입니다".to_owned(), "value".to_owned()] };
    let pattern = Pattern { name: "pattern".to_owned(), regex: r"\b[0-9]{2}-[0-9]{2}\b|(?u:[가-힣]{2})a".to_owned() };
    Rules::new(&[dictionary], &[pattern]).expect("rules")
}

fn in_pieces<'a>(pieces: impl Iterator<Item = &'a [u8]>, rules: &Rules) -> Findings {
    let mut scanner = Scanner::new(rules);
    let (mut findings, mut text_end) = (Findings::default(), 0);
    for piece in pieces {
        let settled = scanner.settled();
        let later = scanner.push(piece);
        for finding in &later {
            assert!(finding.range.start >= settled, "{finding:?} begins before {settled}, which was settled");
        }
        findings.append(later);
        text_end += piece.len();
        assert!(scanner.settled() <= text_end, "more settled than came");
    }
    findings.append(scanner.finish());
    findings
}

fn sorted(findings: &Findings) -> Vec<(usize, usize, String)> {
    let mut all: Vec<_> =
        findings.iter().map(|it| (it.range.start, it.range.end, format!("{} {:?}", it.kind, it.strength))).collect();
    all.sort();
    all
}

fn texts() -> Vec<String> {
    let mut random = StdRng::seed_from_u64(7);
    let mut texts = Vec::new();
    for (_, make) in MAKERS {
        for _ in 0..4 {
            let first = put(&make(&mut random), &mut random);
            texts.push(first.text);
        }
    }
    texts
}

#[test]
fn every_cut_in_two_and_every_byte_alone() {
    let rules = rules();
    for text in texts() {
        let whole = sorted(&scan(&text, &rules));
        let bytes = text.as_bytes();
        for cut in 0..=bytes.len() {
            let (first, second) = bytes.split_at(cut);
            assert_eq!(sorted(&in_pieces([first, second].into_iter(), &rules)), whole, "{text:?} cut at {cut}");
        }
        assert_eq!(sorted(&in_pieces(bytes.chunks(1), &rules)), whole, "{text:?} byte by byte");
    }
}

#[test]
fn a_long_text_is_read_in_bounded_pieces() {
    let rules = rules();
    let text = texts().join(" 그리고 다음 문장이다. ").repeat(40);
    let whole = sorted(&scan(&text, &rules));
    assert!(whole.len() > 3_000, "{}", whole.len());
    for size in [7, 1_000, 40_000, 100_000] {
        assert_eq!(sorted(&in_pieces(text.as_bytes().chunks(size), &rules)), whole, "pieces of {size}");
    }
}

/// Text of what detection is made of: digits, separators, words, marks, letters.
fn crowded() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        4 => "[0-9]{1,7}",
        3 => "[-. /_()+@:]{1,2}",
        1 => prop::sample::select(vec![
            "계좌 ", "여권", "주문번호 ", "CCCD ", "sk-", "eyJ", "-----BEGIN PRIVATE KEY-----", "FR76", "M1", "입니다", "value", "e\u{301}",
            "\u{200B}", "９", "ー", "ㅡ", "①", "\u{1100}\u{1161}", "a@b.co", "::1", "\u{301}", "\n", "서울 ", "+82",
        ]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(part, 0..40).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn any_cut_of_any_text(text in crowded(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
        let rules = rules();
        let whole = scan(&text, &rules);
        for finding in &whole {
            prop_assert!(text.get(finding.range.clone()).is_some_and(|found| !found.is_empty()), "{finding:?}");
        }
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|pair| &text.as_bytes()[pair[0]..pair[1]]);
        prop_assert_eq!(sorted(&in_pieces(pieces, &rules)), sorted(&whole));
    }

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in any::<prop::sample::Index>()) {
        let rules = rules();
        let whole = sorted(&in_pieces([bytes.as_slice()].into_iter(), &rules));
        let (first, second) = bytes.split_at(cut.index(bytes.len() + 1));
        prop_assert_eq!(sorted(&in_pieces([first, second].into_iter(), &rules)), whole);
    }
}
