//! What is shipped is sound, and whole: every file, every fact with its source, every code.

mod axes;
mod hash;
mod mistakes;
mod overrides;
mod rows;
mod values;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use jiff::civil::date;

use crate::build::build;
use crate::entry::Line;
use crate::index::Kind;
use crate::{Bloc, Catalog, File, Jurisdiction, Permission, shipped};

/// An operator's file of that text.
fn file(text: &str) -> File {
    File { name: "own.toml".to_owned(), text: text.to_owned() }
}

/// What is shipped, with `text` laid over it.
fn with(text: &str) -> Catalog {
    Catalog::with(&[file(text)]).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

fn code(text: &str) -> Jurisdiction {
    text.parse().unwrap()
}

fn lines(catalog: &Catalog) -> impl Iterator<Item = (Kind, &str, &Line)> {
    catalog.said.iter().flat_map(|((kind, id), said)| said.lines.iter().map(move |line| (*kind, id.as_str(), line)))
}

#[test]
fn every_file_of_the_folder_is_compiled_in() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../catalog");
    let mut there: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| format!("catalog/{}", entry.unwrap().file_name().into_string().unwrap()))
        .collect();
    there.sort();
    let compiled: Vec<&str> = shipped::FILES.iter().map(|(name, _)| *name).collect();
    assert_eq!(compiled, there);
}

#[test]
fn every_shipped_fact_has_a_source_of_a_sane_day() {
    let catalog = Catalog::shipped();
    let mut facts = 0;
    for (kind, id, line) in lines(&catalog).filter(|(_, _, line)| line.field != "name") {
        let Some(source) = &line.source else {
            assert_eq!(line.values, None, "{kind} {id} {}: known, without a source", line.field);
            continue;
        };
        assert!(!source.document.is_empty(), "{kind} {id} {}", line.field);
        assert!(source.date >= date(2020, 1, 1), "{kind} {id} {}: {}", line.field, source.date);
        assert!(source.date <= date(2026, 11, 22), "{kind} {id} {}: {}", line.field, source.date);
        facts += 1;
    }
    assert!(facts > 500, "{facts} facts");
}

#[test]
fn the_codes_are_those_of_iso_3166() {
    let catalog = Catalog::shipped();
    let codes: BTreeSet<Jurisdiction> = catalog.jurisdictions().collect();
    assert_eq!(codes.len(), 249, "officially assigned codes");
    for wrong in ["UK", "EU", "XK", "ZZ", "AA"] {
        assert!(!codes.contains(&code(wrong)), "{wrong}");
    }
    for right in ["KR", "KP", "VN", "JP", "FR", "US", "CN", "GB", "TW"] {
        assert!(catalog.jurisdiction(code(right)).and_then(|name| name.known()).is_some(), "{right}");
    }
    assert!(codes.iter().all(|code| !code.is_user_assigned()));
}

#[test]
fn the_blocs_hold_as_many_as_their_sources_say() {
    let catalog = Catalog::shipped();
    let counts: Vec<(&str, usize)> = catalog.blocs().map(|(id, bloc)| (id, bloc.jurisdictions.len())).collect();
    assert_eq!(counts, [("ASEAN", 11), ("EEA", 30), ("EU", 27), ("FIVE-EYES", 5), ("OECD", 38)]);
    for (member, bloc, is) in [
        ("FR", "EU", true),
        ("FR", "EEA", true),
        ("NO", "EU", false),
        ("NO", "EEA", true),
        ("GB", "EU", false),
        ("CH", "EEA", false),
        ("VN", "ASEAN", true),
        ("TL", "ASEAN", true),
        ("KR", "OECD", true),
        ("KR", "FIVE-EYES", false),
    ] {
        assert_eq!(catalog.is_member(code(member), bloc), Some(is), "{member} in {bloc}");
    }
    assert_eq!(catalog.is_member(code("FR"), "NATO"), None);
}

#[test]
fn what_the_issue_names_is_there() {
    let catalog = Catalog::shipped();
    let models = [
        "exaone-3.5",
        "exaone-4.0-32b",
        "k-exaone-236b",
        "ax-3.1",
        "ax-4.0",
        "ax-k1",
        "hyperclova-x-seed-0.5b",
        "solar-pro2",
        "solar-pro3",
        "solar-open-100b",
        "varco",
        "vaetki",
        "kanana-2-30b-a3b",
        "midm-2.0-base",
        "phogpt",
        "llm-jp-3.1",
        "lucie-7b",
        "qwen3",
        "deepseek-v3",
        "kimi-k2",
        "llama-4",
        "gemma-3",
        "mistral-tekken",
        "gpt-oss",
        "gpt-oss-20b",
        "gpt-oss-120b",
        "gpt-4o",
        "claude",
        "gemini",
    ];
    for model in models {
        assert!(catalog.model(model).is_some(), "{model}");
    }
    for provider in
        ["clova-studio", "clova-studio-gov", "upstage", "friendli", "skt-ax", "openai", "anthropic", "azure"]
    {
        assert!(catalog.provider(provider).is_some(), "{provider}");
    }
}

#[test]
fn licences_say_what_was_read() {
    let catalog = Catalog::shipped();
    let offer = |id: &str| catalog.licence(id).unwrap().offer_to_third_parties.known().copied();
    assert_eq!(offer("apache-2.0"), Some(Permission::Yes));
    assert_eq!(offer("k-exaone"), Some(Permission::WithAgreement));
    assert_eq!(offer("hyperclova-x-seed"), Some(Permission::Limited));
    assert_eq!(offer("exaone-1.2-nc"), None);
    let commercial = |id: &str| catalog.licence(id).unwrap().commercial_use.known().copied();
    assert_eq!(commercial("exaone-1.2-nc"), Some(Permission::No));
}

#[test]
fn nothing_is_known_of_training_compute_and_that_is_not_zero() {
    let catalog = Catalog::shipped();
    assert!(catalog.models().all(|(_, model)| model.training_flop.known().is_none()));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(100))]

    /// Random groups of random jurisdictions and earlier groups: whoever belongs to a group belongs to every group that it
    /// belongs to, and nobody else does.
    #[test]
    fn membership_is_transitive(groups in proptest::collection::vec((proptest::collection::btree_set(0_usize..6, 0..4),
        proptest::collection::btree_set(0_usize..8, 0..3)), 1..8)) {
        let codes = ["KR", "VN", "JP", "FR", "US", "XA"];
        let mut text = "[source.s]\ndocument = \"d\"\ndate = 2026-01-01\n[jurisdiction]\n".to_owned();
        text.extend(codes.map(|code| format!("{code} = {{ name = {{ value = \"{code}\", source = \"s\" }} }}\n")));
        let mut expected: Vec<BTreeSet<&str>> = Vec::new();
        for (number, (direct, inner)) in groups.iter().enumerate() {
            let inner: Vec<usize> = inner.iter().copied().filter(|inner| *inner < number).collect();
            let mut names: Vec<String> = direct.iter().map(|at| codes[*at].to_owned()).collect();
            names.extend(inner.iter().map(|inner| format!("G{inner}")));
            let mut all: BTreeSet<&str> = direct.iter().map(|at| codes[*at]).collect();
            all.extend(inner.iter().flat_map(|inner| expected[*inner].clone()));
            if names.is_empty() {
                names.push("KR".to_owned());
                all.insert("KR");
            }
            text.extend([format!("[bloc.G{number}]\nname = \"g\"\nmembers = {{ value = {names:?}, source = \"s\" }}\n")]);
            expected.push(all);
        }
        let catalog = build(&[("own.toml", &text)], &[]).unwrap();
        for (number, expected) in expected.iter().enumerate() {
            let found: &Bloc = catalog.bloc(&format!("G{number}")).unwrap();
            let found: BTreeSet<&str> = found.jurisdictions.iter().map(Jurisdiction::code).collect();
            proptest::prop_assert_eq!(&found, expected);
        }
        for (outer, bloc) in catalog.blocs() {
            for inner in bloc.inner() {
                for code in &catalog.bloc(inner).unwrap().jurisdictions {
                    proptest::prop_assert_eq!(catalog.is_member(*code, outer), Some(true));
                }
            }
        }
    }
}
