//! Whether every language says everything, and says figures in its own form.

use std::collections::{BTreeMap, BTreeSet};

use fluent_syntax::ast::{Entry, Expression, InlineExpression, Pattern, PatternElement};
use http::HeaderValue;

use super::*;

/// Each message of a language, by part and name, with the names of what is put in.
fn said(language: Language) -> BTreeMap<(&'static str, String), BTreeSet<String>> {
    let mut said = BTreeMap::new();
    for (part, text) in messages::files(language) {
        let resource = fluent_syntax::parser::parse(*text)
            .unwrap_or_else(|(_, errors)| panic!("{language}/{part}.ftl: {errors:?}"));
        for entry in resource.body {
            if let Entry::Message(message) = entry {
                let mut put_in = BTreeSet::new();
                message.value.iter().for_each(|pattern| variables(pattern, &mut put_in));
                let twice = said.insert((*part, message.id.name.to_owned()), put_in);
                assert!(twice.is_none(), "{language}/{part}.ftl says `{}` twice", message.id.name);
            }
        }
    }
    said
}

fn variables(pattern: &Pattern<&str>, found: &mut BTreeSet<String>) {
    for element in &pattern.elements {
        if let PatternElement::Placeable { expression } = element {
            match expression {
                Expression::Select { selector, variants } => {
                    inline(selector, found);
                    for variant in variants {
                        variables(&variant.value, found);
                    }
                }
                Expression::Inline(expression) => inline(expression, found),
            }
        }
    }
}

fn inline(expression: &InlineExpression<&str>, found: &mut BTreeSet<String>) {
    if let InlineExpression::VariableReference { id } = expression {
        found.insert(id.name.to_owned());
    }
}

#[test]
fn every_language_says_every_message_with_the_same_things_put_in() {
    let english = said(Language::English);
    assert!(english.len() > 60);
    for language in Language::ALL {
        let said = said(language);
        let missing: Vec<_> = english.keys().filter(|key| !said.contains_key(*key)).collect();
        let needless: Vec<_> = said.keys().filter(|key| !english.contains_key(*key)).collect();
        assert!(missing.is_empty() && needless.is_empty(), "{language}: missing {missing:?}, needless {needless:?}");
        for (key, put_in) in &english {
            // A language without a plural needs no number to choose by.
            let counts =
                |names: &BTreeSet<String>| names.iter().filter(|name| *name != "n").cloned().collect::<BTreeSet<_>>();
            let (own, wanted) = (counts(&said[key]), counts(put_in));
            // “one minute” may be said without the figure.
            assert_eq!(own, wanted, "{language}: {key:?}");
        }
    }
}

#[test]
fn each_language_is_its_own() {
    // Words that are the same in another language are names; whole sentences are not.
    let text = |language, part: &str| messages::files(language).iter().find(|(name, _)| *name == part).unwrap().1;
    for language in Language::ALL.into_iter().filter(|language| *language != Language::English) {
        for (part, english) in messages::files(Language::English) {
            let sentences: Vec<_> =
                english.lines().filter(|line| line.contains(" = ") && line.split(' ').count() > 7).collect();
            let own = text(language, part);
            let same: Vec<_> = sentences.iter().filter(|line| own.contains(**line)).collect();
            assert!(same.is_empty(), "{language}/{part}.ftl is not translated: {same:?}");
        }
    }
}

#[test]
fn what_the_browser_likes_best_is_spoken() {
    let accepted = |text: &'static str| {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static(text));
        Language::accepted(&headers)
    };
    assert_eq!(accepted("ko-KR,ko;q=0.9,en;q=0.8"), Language::Korean);
    assert_eq!(accepted("de, en;q=0.3, fr-CA;q=0.7"), Language::French);
    assert_eq!(accepted("en;q=0.2, ja;q=0"), Language::English);
    assert_eq!(accepted("vi"), Language::Vietnamese);
    assert_eq!(accepted("xx, ;;;,q=,"), Language::English);
}

#[test]
fn figures_are_in_the_readers_form() {
    assert_eq!(Language::English.number(1_234_567), "1,234,567");
    assert_eq!(Language::Vietnamese.number(1_234_567), "1.234.567");
    assert_eq!(Language::French.number(1_234_567), "1\u{202f}234\u{202f}567");
    assert_eq!(Language::Vietnamese.share(1, 3), "33,3%");
    assert_eq!(Language::English.share(0, 0), "–");
    let sizes = [(999, "999\u{a0}B"), (92_871_040, "92\u{a0}MB"), (1_117_320_768, "1.1\u{a0}GB"), (1_000, "1\u{a0}kB")];
    for (bytes, told) in sizes {
        assert_eq!(Language::English.size(bytes), told);
    }
    assert_eq!(Language::French.size(1_117_320_768), "1,1\u{a0}Go");
    let span = |language: Language, micros| language.span(std::time::Duration::from_micros(micros));
    for (micros, told) in [
        (1_234, "1.2 ms"),
        (840_000, "840 ms"),
        (5_000_000, "5 s"),
        (14_500_000, "14.5 s"),
        (90_000_000, "1 min 30 s"),
        (3_600_000_000, "1 h"),
        (5_400_000_000, "1 h 30 min"),
        (86_400_000_000, "1 day"),
        (30 * 86_400_000_000, "30 days"),
        (2 * 86_400_000_000 + 3_600_000_000, "2 days 1 h"),
    ] {
        assert_eq!(span(Language::English, micros), told);
    }
    assert_eq!(span(Language::Korean, 5_400_000_000), "1시간 30분");
    assert_eq!(span(Language::French, 1_234), "1,2 ms");
    assert_eq!(Language::English.money("1250 KRW"), "1,250\u{a0}KRW");
    assert_eq!(Language::French.money("123456 EUR"), "1\u{202f}234,56\u{a0}EUR");
    assert_eq!(Language::English.money("a lot"), "a lot");
    let at = "2026-11-22T09:05:00Z".parse().unwrap();
    assert_eq!(Language::English.time(at).machine, "2026-11-22T09:05:00Z");
    assert_eq!(Language::English.time(at).reader, "22 Nov 2026, 09:05:00 UTC");
    let korean = Language::Korean.time(at).reader;
    assert!(korean.starts_with("2026") && korean.contains("오전 9:05") && korean.ends_with("UTC"), "{korean}");
}

#[test]
fn a_number_chooses_the_form() {
    assert_eq!(
        Language::English.counted("sign-in-resting", 1),
        "There were too many wrong passwords. Try again in a minute."
    );
    assert!(Language::English.counted("sign-in-resting", 1200).contains("1,200 minutes"));
}
