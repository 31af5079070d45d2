//! The hash: the same for the same facts, another for any other.

use sha2::{Digest as _, Sha256};

use super::{file, with};
use crate::build::build;
use crate::{Catalog, File};

const FIRST: &str = r#"
[source.a]
document = "paper"
url = "https://example.org/paper"
date = 2026-01-02

[organisation.one]
name = "One"
seat = { value = "KR", source = "a" }
parent = "unknown"

[bloc.OURS]
name = "Ours"
members = { value = ["KR", "VN", "EU"], source = "a" }
"#;

/// The same facts: other order, other names of sources, comments, another way to write tables.
const SECOND: &str = r#"
# A comment.
[bloc]
OURS = { members = { source = "z", value = ["EU", "KR", "VN"] }, name = "Ours" }

[source.unused]
document = "nothing rests on it"
date = 2025-01-01

[source.z]
date = 2026-01-02
url = "https://example.org/paper"
document = "paper"

[organisation.one]
parent = "unknown"
seat.value = "KR"
seat.source = "z"
name = "One"
"#;

#[test]
fn it_is_the_same_however_the_facts_are_laid_out() {
    assert_eq!(with(FIRST).hash(), with(SECOND).hash());
    let (source, rest) = FIRST.split_at(FIRST.find("[organisation.one]").unwrap());
    let (organisation, bloc) = rest.split_at(rest.find("[bloc.OURS]").unwrap());
    let named = |name: &str, text: &str| File { name: name.to_owned(), text: format!("{source}{text}") };
    for files in [[named("a", organisation), named("b", bloc)], [named("a", bloc), named("b", organisation)]] {
        assert_eq!(Catalog::with(&files).unwrap().hash(), with(FIRST).hash());
    }
}

#[test]
fn it_changes_with_every_fact() {
    let changes = [
        ("\"One\"", "\"Two\""),
        ("\"KR\", source", "\"VN\", source"),
        ("\"paper\"", "\"papers\""),
        ("org/paper", "org/papers"),
        ("2026-01-02", "2026-01-03"),
        ("parent = \"unknown\"", ""),
        ("parent = \"unknown\"", "parent = { value = \"unknown\", source = \"a\" }"),
        ("parent = \"unknown\"", "parent = { value = \"none\", source = \"a\" }"),
        ("[\"KR\", \"VN\", \"EU\"]", "[\"KR\", \"VN\"]"),
        ("OURS", "THEIRS"),
        ("organisation.one", "organisation.two"),
    ];
    let mut hashes = vec![with(FIRST).hash(), Catalog::shipped().hash()];
    for (before, after) in changes {
        assert!(FIRST.contains(before), "{before}");
        let hash = with(&FIRST.replace(before, after)).hash();
        assert!(!hashes.contains(&hash), "{before} → {after}");
        hashes.push(hash);
    }
}

#[test]
fn what_is_replaced_is_not_in_it() {
    let replaced = r#"
[source.ours]
document = "the same list"
date = 2026-01-02

[bloc.FIVE-EYES]
name = "Five Eyes"
members = { value = ["AU", "CA", "GB", "NZ", "US"], source = "ours" }
"#;
    let once = with(replaced);
    assert_ne!(once.hash(), Catalog::shipped().hash());
    let nothing = Catalog::with(&[file("# nothing")]).unwrap();
    assert_eq!(nothing.hash(), Catalog::shipped().hash());
}

/// The specification's example; its form and hash were worked out by another program, from the specification alone.
#[test]
fn it_is_the_hash_of_the_form_that_the_specification_describes() {
    let example = include_str!("../../../../spec/catalog/example.toml");
    let form = include_str!("../../../../spec/catalog/example.form");
    let catalog = build(&[("example.toml", example)], &[]).unwrap();
    assert_eq!(catalog.hash().to_string(), hex::encode(Sha256::digest(form)));
    assert_eq!(catalog.hash().to_string(), include_str!("../../../../spec/catalog/example.sha256").trim());
}
