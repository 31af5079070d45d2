//! The operator's folder: what it replaces, what it adds, and what cannot be read.

#![expect(clippy::disallowed_methods, reason = "these files are written for a test, and no crash comes between")]

use std::fs;

use crate::{Catalog, Jurisdiction, Mistake, Training};

const CONTRACT: &str = r#"
[source.contract]
document = "contract 2026-114, annex 3"
date = 2026-09-01

[provider.clova-studio]
name = "CLOVA Studio, as agreed"
training_on_input = { value = "never", source = "contract" }
retention_days = { value = 0, source = "contract" }

[provider.clova-studio.region.kr]
processed_in = { value = ["KR"], source = "contract" }
"#;

#[test]
fn an_entry_replaces_the_whole_entry_and_touches_no_other() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("contracts.toml"), CONTRACT).unwrap();
    fs::write(folder.path().join("README.md"), "not TOML [").unwrap();
    let (catalog, shipped) = (Catalog::load(folder.path()).unwrap(), Catalog::shipped());
    let ours = catalog.provider("clova-studio").unwrap();
    assert_eq!(ours.training_on_input.known(), Some(&Training::Never));
    assert_eq!(ours.retention_days.known(), Some(&0));
    assert_eq!(ours.retention_days.source().unwrap().document, "contract 2026-114, annex 3");
    assert_eq!(ours.operator.known(), None, "the whole entry is replaced");
    assert!(ours.offers.is_empty());
    assert_eq!(catalog.provider("upstage"), shipped.provider("upstage"));
    assert_eq!(catalog.providers().count(), shipped.providers().count());
}

#[test]
fn an_own_jurisdiction_and_an_own_group_can_be_added() {
    let catalog = super::with(
        "[source.s]\ndocument = \"our rules\"\ndate = 2026-01-01\n\
        [jurisdiction]\nXA = { name = { value = \"the ship\", source = \"s\" } }\n\
        [bloc.OUR-PARTNERS]\nname = \"whom we trust\"\nmembers = { value = [\"XA\", \"EEA\", \"KR\"], source = \"s\" }\n",
    );
    let partners = catalog.place("OUR-PARTNERS").unwrap();
    assert_eq!(partners.len(), 32);
    for member in ["XA", "KR", "FR", "NO"] {
        assert!(partners.contains(&member.parse::<Jurisdiction>().unwrap()), "{member}");
    }
}

#[test]
fn a_folder_that_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let told = Catalog::load(&missing).unwrap_err().to_string();
    assert!(told.starts_with(&format!("{}: the folder cannot be read", missing.display())), "{told}");

    let latin = folder.path().join("latin.toml");
    fs::write(&latin, b"# caf\xe9").unwrap();
    let told = Catalog::load(folder.path()).unwrap_err().to_string();
    assert_eq!(told, format!("{}: is not UTF-8: save it as UTF-8", latin.display()));

    fs::write(&latin, vec![b'#'; (1 << 20) + 1]).unwrap();
    let told = Catalog::load(folder.path()).unwrap_err().to_string();
    assert_eq!(told, format!("{}: is larger than 1048576 bytes: split it", latin.display()));
}

#[test]
fn files_are_read_by_name_and_mistakes_are_told_in_that_order() {
    let folder = tempfile::tempdir().unwrap();
    let names: Vec<String> = (b'a'..=b'z').map(|letter| format!("{}.toml", char::from(letter))).collect();
    for (number, name) in names.iter().enumerate().rev().filter(|(number, _)| number % 2 == 0) {
        fs::write(folder.path().join(name), format!("[organisation.o{number}]\nname = \"One\"\nseat = \"KR\"\n"))
            .unwrap();
    }
    for (number, name) in names.iter().enumerate().filter(|(number, _)| number % 2 == 1) {
        fs::write(folder.path().join(name), format!("[organisation.o{number}]\nname = \"One\"\n\n\nparent = 1\n"))
            .unwrap();
    }
    let told = Catalog::load(folder.path()).unwrap_err();
    let file_of = |mistake: &Mistake| mistake.file.rsplit('/').next().unwrap().to_owned();
    let places: Vec<(String, usize)> = told.list().iter().map(|mistake| (file_of(mistake), mistake.line)).collect();
    let lines = names.into_iter().enumerate().map(|(number, name)| (name, if number % 2 == 0 { 3 } else { 5 }));
    assert_eq!(places, lines.collect::<Vec<_>>());
}

#[test]
fn the_same_entry_in_two_files_is_a_mistake_of_the_later() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["b.toml", "a.toml"] {
        fs::write(folder.path().join(name), "[organisation.one]\nname = \"One\"\n").unwrap();
    }
    let told = Catalog::load(folder.path()).unwrap_err().to_string();
    let (a, b) = (folder.path().join("a.toml"), folder.path().join("b.toml"));
    let what = format!("`organisation.one` is already there, at {}:1: keep one of them", a.display());
    assert_eq!(told, format!("{}:1: {what}", b.display()));
}
