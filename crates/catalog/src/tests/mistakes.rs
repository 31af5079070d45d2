//! Mistakes: each tells its file and line, what is wrong and how to mend it, and all are told at once.

use super::file;
use crate::Catalog;

/// Every mistake that a file can hold; each comment says what is meant.
const WRONG: &str = r#"
[source.contract]
document = "contract 12"
date = 2026-09-01
[source.undated]
document = "no date"
[source.quoted]
document = "date in quotes"
date = "2026-09-01"
[source.early]
document = "before there were such models"
date = 1961-09-30
[source.nowhere]
date = 2026-09-01
[source.bad-address]
document = "page"
url = "example.org"
date = 2026-09-01
[source.chatty]
document = "page"
pages = 12
date = 2026-09-01

[organisation.unsourced]
name = "A fact without a source"
seat = "KR"
parent = { value = "none" }
[organisation.wrong-source]
name = "A source that is not there"
seat = { value = "KR", source = "contrct" }
parent = { value = "none", source = "undated" }
[organisation.places]
name = "Places"
seat = { value = "UK", source = "contract" }
parent = { value = "nobody", source = "contract" }
[organisation.in-a-bloc]
name = "A bloc is no seat"
seat = { value = "EU", source = "contract" }
parent = { value = "up-stage", source = "contract" }
[organisation.nameless]
seat = { value = "QQ", source = "contract" }
[organisation.Capital]
name = "Identifiers are small"
[organisation.a]
name = "a"
parent = { value = "b", source = "contract" }
[organisation.b]
name = "b"
parent = { value = "c", source = "contract" }
[organisation.c]
name = "c"
parent = { value = "a", source = "contract" }
[organisation.d]
name = "leads into the circle"
parent = { value = "a", source = "contract" }

[jurisdiction]
UK = { name = { value = "made up", source = "contract" } }
XA = {}
kr = { name = { value = "small", source = "contract" } }

[bloc.NORTH]
name = "north"
members = { value = ["KR", "SOUTH", "ZX"], source = "contract" }
[bloc.SOUTH]
name = "south"
members = { value = ["NORTH", "KR", "KR"], source = "contract" }
[bloc.EMPTY]
name = "empty"
members = { value = [], source = "contract" }
[bloc.UNKNOWN]
name = "unknown"
members = { value = "unknown", source = "contract" }
[bloc.NONE]
name = "none"
[bloc.small]
name = "small"
[bloc.KR]
name = "a bloc that would stand for a jurisdiction"
members = { value = ["KR", "US"], source = "contract" }

[provider.ours]
name = "Ours"
operater = { value = "upstage", source = "contract" }
cloud = { value = "own", source = "contract", note = "verbal" }
training_on_input = { value = "sometimes", source = "contract" }
retention_days = { value = -1, source = "contract" }
transfer_basis = { value = "consent", source = "contract" }
base_url = { value = "ours.example", source = "contract" }
sub_processors = { value = [], source = "contract" }
[provider.ours.region.kr]
processed_in = { value = ["Korea"], source = "contract" }
[provider.ours.region.KR]
[provider.ours.offer."two\nlines"]
[provider.ours.offer]
text = "gpt"
[provider.ours.offer.gpt]
model = { value = "gpt4o", source = "contract" }
price = { value = { input = 0.15, output = "0.60", currency = "USD" }, source = "contract" }
[provider.ours.offer.gpt-2]
price = { value = { input = "0.1234567", output = "0.60", currency = "USD" }, source = "contract" }
[provider.ours.offer.gpt-3]
price = { value = { input = "0.12", output = "0.60", currency = "dollars" }, source = "contract" }

[model.ours-1.5b]
name = "a dot without quotes"

[model.ours]
name = "Ours"
licence = { value = "apache", source = "contract" }
built_on = { value = "ours", source = "contract" }
open_weights = { value = 150, source = "contract" }
parameters = { value = "7B", source = "contract" }
training_flop = { value = { flop = "1e25.5", method = "stated" }, source = "contract" }
capabilities = { value = ["chat", "telepathy"], source = "contract" }
languages = { value = ["ko", "Korean"], source = "contract" }
tokenizer = { value = { a = 1 }, source = "contract" }
[model.ours-2]
name = ""
training_flop = { value = { flop = "3.3e24", method = "guessed" }, source = "contract" }

[organisations.ours]
name = "no such kind"
[person]
"#;

#[test]
fn every_mistake_is_told_at_once_with_file_line_and_how_to_mend_it() {
    let told = Catalog::with(&[file(WRONG)]).unwrap_err();
    insta::assert_snapshot!(told.to_string());
    assert!(told.list().iter().all(|mistake| mistake.file == "own.toml" && mistake.line > 0));
    let mut lines: Vec<usize> = told.list().iter().map(|mistake| mistake.line).collect();
    assert!(lines.is_sorted());
    lines.dedup();
    assert!(lines.len() > 50, "{}", lines.len());
}

#[test]
fn the_same_entry_twice_in_the_folder_is_told_with_both_places() {
    let one = file("[organisation.one]\nname = \"One\"\n");
    let mut other = file("\n[organisation.one]\nname = \"Another\"\n");
    other.name = "other.toml".to_owned();
    let told = Catalog::with(&[one, other]).unwrap_err().to_string();
    assert_eq!(told, "other.toml:2: `organisation.one` is already there, at own.toml:1: keep one of them");
}

#[test]
fn a_file_that_is_not_toml_is_told_alone() {
    let broken = file("[organisation.one\nname = \"One\"\n");
    let mut names_it = file("[provider.x]\nname = \"x\"\noperator = \"one\"\n");
    names_it.name = "other.toml".to_owned();
    let told = Catalog::with(&[broken, names_it]).unwrap_err().to_string();
    assert_eq!(told, "own.toml:1: this is not TOML: unclosed table, expected `]`");
}

#[test]
fn sources_are_of_their_own_file() {
    let source = file("[source.contract]\ndocument = \"contract\"\ndate = 2026-01-01\n");
    let mut uses_it = file("[organisation.one]\nname = \"One\"\nseat = { value = \"KR\", source = \"contract\" }\n");
    uses_it.name = "other.toml".to_owned();
    let told = Catalog::with(&[source, uses_it]).unwrap_err().to_string();
    assert_eq!(
        told,
        "other.toml:3: `organisation.one.seat` names the source `contract`, which is not sound or not there: add \
        `[source.contract]` with its document and date to this file"
    );
}
