//! What the command prints: entries, fields with their sources, and what is to be looked after.

use jiff::civil::date;

use super::{code, with};
use crate::rows::{Verdict, axes, check, list, show};
use crate::{Catalog, Kind};

#[test]
fn the_list_holds_every_entry_with_what_is_known_of_it() {
    let catalog = Catalog::shipped();
    let all = list(&catalog, None);
    assert_eq!(all.len(), Kind::ALL.iter().map(|kind| list(&catalog, Some(*kind)).len()).sum::<usize>());
    assert_eq!(list(&catalog, Some(Kind::Jurisdiction)).len(), 249);
    let row = list(&catalog, Some(Kind::Model)).into_iter().find(|row| row.id == "midm-2.0-base").unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&row).unwrap());
}

#[test]
fn an_entry_is_shown_with_its_sources() {
    let catalog = Catalog::shipped();
    let shown: Vec<String> = ["azure", "skt-ax"]
        .into_iter()
        .flat_map(|id| show(&catalog, id))
        .map(|row| {
            let value = row.value.unwrap_or_else(|| "unknown".to_owned());
            let from = row.document.map(|document| format!(" ({document}, {})", row.date.unwrap())).unwrap_or_default();
            format!("{} {}: {value}{from}", row.kind, row.field)
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n"));
    assert!(show(&catalog, "nobody").is_empty());
}

#[test]
fn the_axes_of_an_entry_are_worked_out_with_their_gaps() {
    let catalog = Catalog::shipped();
    let home = Some(code("KR"));
    let shown: Vec<String> = ["azure", "skt-ax", "ax-4.0", "skt"]
        .into_iter()
        .flat_map(|id| axes(&catalog, id, home).unwrap())
        .map(|row| {
            let of = row.of.map(|of| format!(" of {of}")).unwrap_or_default();
            format!("{} {}{of}: {}; not known: {}", row.kind, row.axis, row.known.join(" "), row.gaps.join("; "))
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n"));
    assert_eq!(axes(&catalog, "ax-4.0", None).unwrap(), [], "a model is nowhere before it is put somewhere");
    assert!(axes(&catalog, "ax-4.0", Some(code("XA"))).is_err());
}

#[test]
fn the_check_tells_of_the_unknown_the_old_and_the_future() {
    let catalog = with(
        "[source.old]\ndocument = \"old\"\ndate = 2025-11-20\n[source.new]\ndocument = \"new\"\ndate = 2026-11-20\n\
        [source.future]\ndocument = \"future\"\ndate = 2026-11-22\n\
        [provider.ours]\nname = \"Ours\"\nretention_days = { value = 0, source = \"old\" }\n\
        training_on_input = { value = \"never\", source = \"new\" }\nbase_url = { value = \"https://a.kr\", source = \"future\" }\n\
        cloud = \"unknown\"\noperator = { value = \"unknown\", source = \"new\" }\n",
    );
    let found: Vec<(String, Verdict)> = check(&catalog, date(2026, 11, 21), 365)
        .into_iter()
        .filter(|row| row.id == "ours")
        .map(|row| (row.field, row.verdict))
        .collect();
    let expected = [
        ("operator", Verdict::Unknown),
        ("cloud", Verdict::Unknown),
        ("base_url", Verdict::FromTheFuture),
        ("retention_days", Verdict::Old),
    ];
    let mut expected: Vec<(String, Verdict)> = expected.map(|(field, verdict)| (field.to_owned(), verdict)).into();
    let mut found = found;
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn nothing_shipped_is_from_the_future_of_the_day_it_was_written() {
    let rows = check(&Catalog::shipped(), date(2026, 11, 22), 3650);
    assert!(rows.iter().all(|row| row.verdict == Verdict::Unknown));
}
