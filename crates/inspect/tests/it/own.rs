//! The operator's own words and patterns, and what is refused.

use inspect::{Dictionary, Pattern, Rules, scan};

fn rules() -> Rules {
    let words = ["청룡 사업", "BLUEBIRD", "ＡＢＣ"].map(str::to_owned).to_vec();
    let dictionary = Dictionary { name: "project".to_owned(), words };
    let pattern = Pattern { name: "ticket".to_owned(), regex: r"\b[A-Z]{3}-[0-9]{5}\b".to_owned() };
    Rules::new(&[dictionary], &[pattern]).expect("rules")
}

#[test]
fn own_words_and_patterns_are_found() {
    let text = "청룡 사업은 Bluebird(bluebirds 아님), abc, ABC-12345와 ＡＢＣ-99999, xABC-12345";
    let findings = scan(text, &rules());
    let found: Vec<_> = findings.iter().map(|it| (it.kind.name().into_owned(), &text[it.range.clone()])).collect();
    let wanted = [
        ("own.project", "청룡 사업"),
        ("own.project", "Bluebird"),
        ("own.project", "abc"),
        ("own.project", "ABC"),
        ("own.ticket", "ABC-12345"),
        ("own.project", "ＡＢＣ"),
        ("own.ticket", "ＡＢＣ-99999"),
    ];
    let mut wanted: Vec<_> = wanted.iter().map(|(name, text)| ((*name).to_owned(), *text)).collect();
    let mut sorted = found;
    sorted.sort();
    wanted.sort();
    assert_eq!(sorted, wanted);
}

#[test]
fn what_could_be_slow_or_wrong_is_refused() {
    let pattern = |regex: &str| Pattern { name: "p".to_owned(), regex: regex.to_owned() };
    let rows = [
        ("(", "is wrong"),
        ("a*", "nothing at all"),
        ("a+", "bound its repetitions"),
        ("^a", "anchor"),
        ("(?:(?:a{1,50}){1,50}){1,50}", "bound its repetitions"),
    ];
    for (regex, reason) in rows {
        let error = Rules::new(&[], &[pattern(regex)]).expect_err(regex).to_string();
        assert!(error.contains(reason) && error.contains("`p`"), "{regex}: {error}");
    }
    let many: Vec<Pattern> =
        (0..65).map(|number| Pattern { name: format!("p{number}"), regex: "ab".to_owned() }).collect();
    assert!(Rules::new(&[], &many).expect_err("too many").to_string().contains("one too many"));
    let word = |name: &str, word: &str| Dictionary { name: name.to_owned(), words: vec![word.to_owned()] };
    assert!(Rules::new(&[word("d", "x")], &[]).expect_err("too short").to_string().contains("`x`"));
    assert!(Rules::new(&[word("D", "xy")], &[]).expect_err("a capital").to_string().contains("`D`"));
    assert!(Rules::new(&[word("d", "xy"), word("d", "zz")], &[]).expect_err("twice").to_string().contains("twice"));
}
