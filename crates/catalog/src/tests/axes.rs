//! Where data goes and whose law reaches it: the walk, link by link, and what a missing link does to the answer.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::{code, with};
use crate::{Answer, Axes, Catalog, Gap, Jurisdiction};

/// A world of made-up companies in which everything is known, but for the line that a test leaves out or changes.
const KNOWN: &str = r#"
[source.s]
document = "made up"
date = 2026-01-01

[organisation.maker]
name = "Maker"
seat = { value = "VN", source = "s" }
parent = { value = "none", source = "s" }

[organisation.operator]
name = "Operator"
seat = { value = "KR", source = "s" }
parent = { value = "holding", source = "s" }

[organisation.holding]
name = "Holding"
seat = { value = "JP", source = "s" }
parent = { value = "none", source = "s" }

[organisation.hoster]
name = "Hoster"
seat = { value = "US", source = "s" }
parent = { value = "none", source = "s" }

[organisation.watcher]
name = "Watcher"
seat = { value = "FR", source = "s" }
parent = { value = "none", source = "s" }

[licence.revocable]
name = "Revocable"
revocable = { value = true, source = "s" }

[licence.granted]
name = "Granted"
revocable = { value = false, source = "s" }

[model.bound]
name = "Bound"
developer = { value = "maker", source = "s" }
licence = { value = "revocable", source = "s" }

[model.free]
name = "Free"
developer = { value = "maker", source = "s" }
licence = { value = "granted", source = "s" }

[model.derived]
name = "Derived"
developer = { value = "operator", source = "s" }
licence = { value = "granted", source = "s" }
built_on = { value = "bound", source = "s" }

[model.closed]
name = "Closed"
developer = { value = "operator", source = "s" }
licence = { value = "none", source = "s" }

[provider.service]
name = "Service"
operator = { value = "operator", source = "s" }
cloud = { value = "hoster", source = "s" }
sub_processors = { value = ["watcher"], source = "s" }

[provider.service.region.seoul]
processed_in = { value = ["KR"], source = "s" }

[provider.service.region.europe]
processed_in = { value = ["EU"], source = "s" }
"#;

fn axes(text: &str, region: Option<&str>, model: Option<&str>) -> Axes {
    with(text).axes("service", region, model).unwrap()
}

fn codes(set: &BTreeSet<Jurisdiction>) -> Vec<&str> {
    set.iter().map(Jurisdiction::code).collect()
}

#[test]
fn control_follows_operator_parent_cloud_sub_processors_and_licence() {
    let control = |model| codes(axes(KNOWN, Some("seoul"), Some(model)).controlled_by.jurisdictions()).join(" ");
    assert_eq!(control("free"), "FR JP KR US", "a licence that cannot be taken back adds nobody");
    assert_eq!(control("bound"), "FR JP KR US VN", "one that can adds the developer");
    assert_eq!(control("derived"), "FR JP KR US VN", "so does that of the model it is built on");
    assert_eq!(control("closed"), "FR JP KR US", "its own maker needs no licence");
    assert!(axes(KNOWN, Some("seoul"), Some("bound")).controlled_by.is_known());
}

#[test]
fn bytes_are_where_the_region_says_and_without_one_wherever_any_says() {
    let catalog = with(KNOWN);
    let at = |region| axes(KNOWN, region, Some("free")).processed_in;
    assert_eq!(codes(at(Some("seoul")).jurisdictions()), ["KR"]);
    assert_eq!(at(Some("europe")).jurisdictions(), &catalog.bloc("EU").unwrap().jurisdictions);
    assert_eq!(at(None).jurisdictions().len(), 28);
    assert_eq!(at(Some("seoul")).lies_within(&catalog.place("KR").unwrap()), Answer::Yes);
    assert_eq!(at(None).lies_within(&catalog.place("KR").unwrap()), Answer::No);
    assert_eq!(at(Some("europe")).lies_within(&catalog.place("EEA").unwrap()), Answer::Yes);
}

#[test]
fn a_link_that_is_not_known_makes_it_foreign_to_everybody() {
    let world: BTreeSet<Jurisdiction> = with(KNOWN).jurisdictions().collect();
    let cases = [
        ("operator = { value = \"operator\", source = \"s\" }\ncloud", "cloud", Gap::Operator),
        ("cloud = { value = \"hoster\", source = \"s\" }", "cloud = \"unknown\"", Gap::Cloud),
        ("sub_processors = { value = [\"watcher\"], source = \"s\" }", "", Gap::SubProcessors),
        ("seat = { value = \"JP\", source = \"s\" }", "", Gap::Seat("holding".to_owned())),
        (
            "seat = { value = \"US\", source = \"s\" }\nparent = { value = \"none\", source = \"s\" }",
            "seat = { value = \"US\", source = \"s\" }\nparent = { value = \"unknown\", source = \"s\" }",
            Gap::Parent("hoster".to_owned()),
        ),
        ("licence = { value = \"revocable\", source = \"s\" }", "", Gap::Licence("bound".to_owned())),
        (
            "name = \"Bound\"\ndeveloper = { value = \"maker\", source = \"s\" }",
            "name = \"Bound\"",
            Gap::Developer("bound".to_owned()),
        ),
    ];
    for (known, unknown, gap) in cases {
        assert!(KNOWN.contains(known), "{known}");
        let axis = axes(&KNOWN.replacen(known, unknown, 1), Some("seoul"), Some("bound")).controlled_by;
        assert_eq!(axis.gaps(), &BTreeSet::from([gap]));
        assert_eq!(axis.lies_within(&world), Answer::Unknown);
        assert!(axis.is_foreign_to(&world));
    }
    let complete = axes(KNOWN, Some("seoul"), Some("bound")).controlled_by;
    assert!(!complete.is_foreign_to(&world));
}

#[test]
fn a_licence_of_which_nobody_knows_whether_it_can_be_ended_counts_as_one_that_can() {
    let text = KNOWN.replace("revocable = { value = false, source = \"s\" }", "revocable = \"unknown\"");
    assert!(axes(&text, None, Some("free")).controlled_by.jurisdictions().contains(&code("VN")));
}

#[test]
fn a_provider_without_regions_processes_nobody_knows_where() {
    let (without_regions, _) = KNOWN.split_once("[provider.service.region.seoul]").unwrap();
    let processed_in = axes(without_regions, None, Some("free")).processed_in;
    assert_eq!(processed_in.gaps(), &BTreeSet::from([Gap::Region]));
    assert!(processed_in.is_foreign_to(&BTreeSet::from([code("KR")])));
}

#[test]
fn a_region_that_is_not_known_spoils_the_provider_without_a_region() {
    let text = format!("{KNOWN}\n[provider.service.region.elsewhere]\nprocessed_in = \"unknown\"\n");
    assert!(axes(&text, Some("seoul"), Some("free")).processed_in.is_known());
    assert!(!axes(&text, None, Some("free")).processed_in.is_known());
}

#[test]
fn at_home_only_the_licence_reaches_in() {
    let catalog = with(KNOWN);
    let home = |model| catalog.axes_at_home(code("KR"), Some(model)).unwrap();
    assert_eq!(codes(home("free").controlled_by.jurisdictions()), ["KR"]);
    assert_eq!(codes(home("bound").controlled_by.jurisdictions()), ["KR", "VN"]);
    assert_eq!(codes(home("bound").processed_in.jurisdictions()), ["KR"]);
    let nobody_knows =
        KNOWN.replacen("name = \"Bound\"\ndeveloper = { value = \"maker\", source = \"s\" }", "name = \"Bound\"", 1);
    let by_whom = with(&nobody_knows).axes_at_home(code("KR"), Some("bound")).unwrap().controlled_by;
    assert_eq!(by_whom.gaps(), &BTreeSet::from([Gap::Developer("bound".to_owned())]));
    assert!(catalog.axes_at_home(code("KR"), None).unwrap().controlled_by.gaps().contains(&Gap::Model));
    let shipped = Catalog::shipped();
    let apache = shipped.axes_at_home(code("KR"), Some("smollm2-135m-instruct")).unwrap();
    assert!(!apache.controlled_by.is_foreign_to(&shipped.place("KR").unwrap()), "{apache:?}");
    let exaone = shipped.axes_at_home(code("KR"), Some("exaone-4.0-32b")).unwrap();
    assert_eq!(exaone.controlled_by.gaps().len(), 2, "the seat and owner of its licensor: {exaone:?}");
}

#[test]
fn what_is_not_listed_is_said_by_name() {
    let catalog = with(KNOWN);
    let mend = "add it to the catalogue's folder, or name another";
    for (asked, what) in [
        (catalog.axes("servise", None, None), "provider `servise`"),
        (catalog.axes("service", Some("tokyo"), None), "region `tokyo`"),
        (catalog.axes("service", None, Some("gpt-9")), "model `gpt-9`"),
        (catalog.axes_at_home(code("UK"), None), "jurisdiction `UK`"),
    ] {
        assert_eq!(asked.unwrap_err().to_string(), format!("the catalogue has no {what}: {mend}"));
    }
}

#[test]
fn azure_in_korea_has_its_bytes_there_and_its_control_elsewhere() {
    let catalog = Catalog::shipped();
    let korea = catalog.place("KR").unwrap();
    let axes = catalog.axes("azure", Some("korea-central"), None).unwrap();
    assert!(!axes.processed_in.is_foreign_to(&korea));
    assert_eq!(axes.controlled_by.touches(&catalog.place("FIVE-EYES").unwrap()), Answer::Yes);
    assert_eq!(axes.controlled_by.touches(&korea), Answer::Unknown);
    assert_eq!(axes.controlled_by.lies_within(&korea), Answer::No);
}

#[test]
fn no_shipped_service_is_at_home_anywhere_while_its_owners_are_unknown() {
    let catalog = Catalog::shipped();
    let world: BTreeSet<Jurisdiction> = catalog.jurisdictions().collect();
    for (id, provider) in catalog.providers() {
        for offer in provider.offers.values() {
            let axes = catalog.axes(id, None, offer.model.known().map(String::as_str)).unwrap();
            assert!(axes.controlled_by.is_foreign_to(&world), "{id}");
        }
    }
}

static MADE_UP: LazyLock<Catalog> = LazyLock::new(|| with(KNOWN));

proptest! {
    /// Not foreign to a place means not foreign to any place that holds it; knowing less never makes anything less foreign.
    #[test]
    fn foreignness_only_shrinks_with_the_place(home in prop::collection::btree_set(0_usize..6, 0..6),
        more in prop::collection::btree_set(0_usize..6, 0..6), model in 0_usize..4, region in 0_usize..3) {
        let places = ["KR", "JP", "US", "FR", "VN", "EU"];
        let catalog = &*MADE_UP;
        let set = |at: &BTreeSet<usize>| -> BTreeSet<Jurisdiction> {
            at.iter().flat_map(|at| catalog.place(places[*at]).unwrap()).collect()
        };
        let (home, wider) = (set(&home), set(&home.union(&more).copied().collect()));
        let model = ["bound", "free", "derived", "closed"][model];
        let region = [None, Some("seoul"), Some("europe")][region];
        let axes = catalog.axes("service", region, Some(model)).unwrap();
        for axis in [&axes.processed_in, &axes.controlled_by] {
            prop_assert!(!axis.is_foreign_to(&wider) || axis.is_foreign_to(&home));
        }
        let unnamed = catalog.axes("service", region, None).unwrap();
        prop_assert!(unnamed.controlled_by.is_foreign_to(&home));
    }
}
