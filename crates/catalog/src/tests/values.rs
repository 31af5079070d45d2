//! Single values: numbers that must be exact, tags, and texts that nobody meant.

use proptest::prelude::*;

use super::file;
use crate::build::build;
use crate::{Catalog, Mistakes};

const SOURCE: &str = "[source.s]\ndocument = \"d\"\ndate = 2026-01-01\n";

fn model(field: &str, value: &str) -> Result<Catalog, Mistakes> {
    let text = format!("{SOURCE}[model.m]\nname = \"m\"\n{field} = {{ value = {value}, source = \"s\" }}\n");
    Catalog::with(&[file(&text)])
}

#[test]
fn compute_is_exact() {
    let flop = |text: &str| {
        let catalog = model("training_flop", &format!("{{ flop = \"{text}\", method = \"theoretical\" }}")).ok()?;
        let flop = *catalog.model("m")?.training_flop.known()?;
        Some((flop.flop, flop.to_string()))
    };
    let threshold = 10_u128.pow(26);
    assert_eq!(flop("1e26"), Some((threshold, "1e26 (theoretical)".to_owned())));
    assert_eq!(flop("1.0001e26").map(|(flop, _)| flop > threshold), Some(true));
    assert_eq!(flop("3.30e24"), Some((33 * 10_u128.pow(23), "33e23 (theoretical)".to_owned())));
    assert_eq!(flop("99999999999e26").map(|(flop, _)| flop), Some(99_999_999_999 * threshold));
    for wrong in
        ["0e3", "1e38", "1", "e26", ".5e3", "-1e3", "1.5e0", "1e-3", "1e26 ", "１e26", "999999999999999999999e30"]
    {
        assert_eq!(flop(wrong), None, "{wrong}");
    }
}

#[test]
fn prices_are_whole_millionths() {
    let price = |input: &str| {
        let text = format!(
            "{SOURCE}[provider.p]\nname = \"p\"\n[provider.p.offer.o]\n\
            price = {{ value = {{ input = \"{input}\", output = \"0\", currency = \"KRW\" }}, source = \"s\" }}\n"
        );
        let catalog = Catalog::with(&[file(&text)]).ok()?;
        let price = catalog.provider("p")?.offers.get("o")?.price.known()?.clone();
        Some((price.input_micros, price.to_string()))
    };
    let shown = |input: &str| format!("KRW {input} in, 0.00 out for a million tokens");
    assert_eq!(price("0.15"), Some((150_000, shown("0.15"))));
    assert_eq!(price("1200"), Some((1_200_000_000, shown("1200.00"))));
    assert_eq!(price("0.000001"), Some((1, shown("0.000001"))));
    for wrong in ["", ".5", "1.", "-1", "1e3", "0.0000001", "1,5", "99999999999999999999"] {
        assert_eq!(price(wrong), None, "{wrong}");
    }
}

/// What is wrong with one field of a made-up entry; nothing where it is sound.
fn mistake(kind: &str, field: &str, value: &str) -> Option<String> {
    let text = format!("{SOURCE}[{kind}.e]\nname = \"e\"\n{field} = {{ value = {value}, source = \"s\" }}\n");
    let mistakes = Catalog::with(&[file(&text)]).err()?;
    let found = mistakes.list().iter().find(|mistake| mistake.what.contains(field));
    Some(found.unwrap_or_else(|| panic!("{mistakes}")).what.clone())
}

#[test]
fn hardware_and_sizes_have_ranges_and_units() {
    let sound = [
        ("accelerator", "memory_gb", "80"),
        ("accelerator", "maker_in", "\"KR\""),
        ("accelerator", "fp8_tflops", "\"none\""),
        ("accelerator", "fp8_tflops", "\"unknown\""),
        ("accelerator", "reached_percent", "100"),
        ("quantisation", "weight_millibits", "4_894"),
        ("model", "cache_values", "30_720"),
        ("model", "cache_shards", "1"),
        ("model", "published_millibits", "4_250"),
        ("model", "published_active_millibits", "8_214"),
    ];
    for (kind, field, value) in sound {
        assert_eq!(mistake(kind, field, value), None, "{kind} {field} {value}");
    }
    let wrong = [
        ("accelerator", "memory_gb", "80.5", "`accelerator.e.memory_gb` must be a whole number, at least 1"),
        ("accelerator", "memory_gb", "85_899_345_920", "is 85899345920: it must be a whole number, 1 to 10000"),
        ("accelerator", "bandwidth_gb_per_second", "0", "must be a whole number, at least 1"),
        ("accelerator", "bf16_tflops", "\"some\"", "must be a whole number, at least 1, or \"none\""),
        ("accelerator", "reached_percent", "101", "is 101: it must be a whole number, 1 to 100"),
        ("accelerator", "maker_in", "\"UK\"", "did you mean `GB`?"),
        ("accelerator", "memory_gib", "80", "has no field `memory_gib`: did you mean `memory_gb`?"),
        ("quantisation", "weight_millibits", "64_001", "is 64001: it must be a whole number, 1 to 64000"),
        ("quantisation", "weight_millibits", "\"unknown\"", "must be known here"),
        ("model", "cache_values", "0", "must be a whole number, at least 1"),
        ("model", "published_millibits", "64_001", "is 64001: it must be a whole number, 1 to 64000"),
        ("model", "cache_shards", "65_537", "is 65537: it must be a whole number, 1 to 65536"),
    ];
    for (kind, field, value, what) in wrong {
        let told = mistake(kind, field, value).unwrap_or_default();
        assert!(told.contains(what), "{kind} {field} {value}: {told}");
    }
}

#[test]
fn languages_are_tags() {
    for (tag, is) in
        [("ko", true), ("zh-Hant", true), ("fil", true), ("Ko", false), ("k", false), ("ko-", false), ("", false)]
    {
        assert_eq!(model("languages", &format!("[\"{tag}\"]")).is_ok(), is, "{tag}");
    }
}

/// What a file is laid over: little, because it is read for every case.
const UNDER_IT: &str = "[source.s]\ndocument = \"d\"\ndate = 2026-01-01\n[jurisdiction]\nKR = { name = { value = \"Korea\", \
    source = \"s\" } }\n[bloc.EU]\nname = \"made up\"\nmembers = { value = [\"KR\"], source = \"s\" }\n";

/// A file in which everything is right.
const SOUND: &str = "[source.s]\ndocument = \"d\"\nurl = \"https://a.kr\"\ndate = 2026-01-01\n[organisation.one]\nname = \"One\"\n\
    seat = { value = \"KR\", source = \"s\" }\nparent = { value = \"none\", source = \"s\" }\n[bloc.OURS]\nname = \"Ours\"\n\
    members = { value = [\"KR\", \"EU\"], source = \"s\" }\n[provider.p]\nname = \"p\"\noperator = { value = \"one\", source = \"s\" }\n\
    [provider.p.region.kr]\nprocessed_in = { value = [\"OURS\"], source = \"s\" }\n";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever is cut, doubled or put in, the answer is a catalogue or mistakes with lines that exist.
    #[test]
    fn a_file_that_was_tampered_with_is_read_or_refused(at in 0_usize..SOUND.len(), cut in 0_usize..40,
        put in prop_oneof!["[\\[\\]{}=\"#.\n ]{0,3}", "[a-zA-Z0-9é関]{0,6}", Just("\u{0}".to_owned())]) {
        let mut text: Vec<u8> = SOUND.as_bytes().to_vec();
        let end = (at + cut).min(text.len());
        text.splice(at..end, put.bytes());
        let text = String::from_utf8(text).unwrap();
        let lines = text.lines().count() + 1;
        match build(&[("shipped.toml", UNDER_IT)], &[file(&text)]) {
            Ok(catalog) => drop(catalog.axes("p", None, None)),
            Err(mistakes) => for mistake in mistakes.list() {
                prop_assert_eq!(&mistake.file, "own.toml");
                prop_assert!((1..=lines).contains(&mistake.line), "{}", mistake.line);
                prop_assert!(!mistake.what.is_empty());
            },
        }
    }
}
