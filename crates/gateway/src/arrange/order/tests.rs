//! Each strategy does what its name says, and none moves the floor.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use ::inspect::language::Language;
use catalog::{Catalog, Price};

use super::Order;
use crate::{
    availability::Figures,
    config::{Config, Manner, Strategy},
    judge::{FloorModel, Judgement, Link},
};

/// Places `a`, `b` and `c` and the floor; `b` twice as dear as `a`, `c` without a price.
fn made() -> Vec<Link> {
    let destination = |name: &str| {
        format!("[[destination]]\nname = \"{name}\"\nbase_url = \"https://{name}.example/v1\"\nmodels = [\"m\"]\n")
    };
    let route = "[[route]]\nmodel = \"r\"\ndestinations = [\"a/m\", \"b/m\", \"c/m\", \"local\"]\n";
    let text: String = ["a", "b", "c"].into_iter().map(destination).chain([route.to_owned()]).collect();
    let config = Config::parse(&text, "test.toml").unwrap();
    let judgement =
        Judgement::new(&config, Some(&FloorModel { name: "floor".into(), context_tokens: 2_048, serves: [].into() }));
    let mut links = judgement.chain("r").unwrap().links.clone();
    let price = |micros| Arc::new(Price { currency: "KRW".into(), input_micros: micros, output_micros: micros });
    (links[0].price, links[1].price) = (Some(price(1_000)), Some(price(2_000)));
    links
}

/// Made once: a catalogue takes a while to read.
static LINKS: LazyLock<Vec<Link>> = LazyLock::new(made);
static CATALOG: LazyLock<Catalog> = LazyLock::new(Catalog::shipped);

fn put(manner: &Manner, name: &str, beginning: u8, figures: &dyn Fn(&Link) -> Figures) -> Vec<usize> {
    let links: Vec<&Link> = LINKS.iter().collect();
    let order = Order {
        manner,
        catalog: &CATALOG,
        name,
        beginning: [beginning; 32],
        language: Language::Korean,
        prompt_bytes: 400,
    };
    let mut standing = vec![0, 1, 2, 3];
    order.put(&mut standing, &links, figures);
    standing
}

fn manner(strategy: Strategy) -> Manner {
    Manner { strategy, ..Manner::default() }
}

fn nothing_known(_: &Link) -> Figures {
    Figures::default()
}

#[test]
fn the_floor_stays_where_it_stands() {
    for (_, strategy) in Strategy::WORDS {
        for number in 0..50 {
            let order = put(&manner(strategy), &format!("request-{number}"), number, &nothing_known);
            assert_eq!(order[3], 3, "{strategy:?}");
            let mut all = order.clone();
            all.sort_unstable();
            assert_eq!(all, [0, 1, 2, 3], "{strategy:?}: each once");
        }
    }
}

#[test]
fn weights_are_shares() {
    let weighted = |weights: [u32; 3]| {
        let mut first: BTreeMap<usize, u32> = BTreeMap::new();
        for number in 0..2_000 {
            let weighted = LINKS.iter().cloned().zip(weights.into_iter().chain([1]));
            let links: Vec<Link> = weighted.map(|(link, weight)| Link { weight, ..link }).collect();
            let links: Vec<&Link> = links.iter().collect();
            let manner = manner(Strategy::Weighted);
            let name = format!("request-{number}");
            let order = Order {
                manner: &manner,
                catalog: &CATALOG,
                name: &name,
                beginning: [0; 32],
                language: Language::Unknown,
                prompt_bytes: 1,
            };
            let mut standing = vec![0, 1, 2, 3];
            order.put(&mut standing, &links, &nothing_known);
            *first.entry(standing[0]).or_default() += 1;
        }
        first
    };
    let first = weighted([7, 2, 1]);
    assert!((1_300..1_500).contains(&first[&0]) && (340..460).contains(&first[&1]), "{first:?}");
    assert_eq!(weighted([0, 1, 0]), BTreeMap::from([(1, 2_000)]), "a share of 0 is none while another answers");
}

#[test]
fn the_cheapest_counts_tokens_as_they_are_counted_there() {
    let cheapest = manner(Strategy::Cheapest);
    assert_eq!(put(&cheapest, "r", 0, &nothing_known), [0, 1, 2, 3], "the price decides; without one, last");
    // The dearer provider makes a third of the tokens of the same text.
    let counted = |link: &Link| {
        let mut figures = Figures::default();
        figures.counted(Language::Korean, 1_000, if &*link.destination == "a" { 900 } else { 300 });
        figures
    };
    assert_eq!(put(&cheapest, "r", 0, &counted), [1, 0, 2, 3]);
}

#[test]
fn the_fastest_and_the_least_loaded_go_by_what_was_measured() {
    let figures = |link: &Link| match &*link.destination {
        "a" => Figures { first_byte: Some(Duration::from_millis(300)), in_flight: 2, ..Figures::default() },
        "b" => Figures { first_byte: Some(Duration::from_millis(100)), in_flight: 5, ..Figures::default() },
        _ => Figures { first_byte: Some(Duration::from_millis(200)), in_flight: 1, ..Figures::default() },
    };
    assert_eq!(put(&manner(Strategy::LeastLoaded), "r", 0, &figures), [2, 0, 1, 3]);
    let fastest = |number: u32| put(&manner(Strategy::Fastest), &format!("r{number}"), 0, &figures);
    let others = (0..3_200).filter(|number| fastest(*number) != [1, 2, 0, 3]).count();
    assert!((30..200).contains(&others), "about one in 32 finds out how the others are: {others}");
}

#[test]
fn one_conversation_stays_and_many_spread() {
    let sticky = manner(Strategy::Sticky);
    let mut first: BTreeMap<usize, u32> = BTreeMap::new();
    for beginning in 0..=255 {
        let once = put(&sticky, "one", beginning, &nothing_known);
        assert_eq!(once, put(&sticky, "another", beginning, &nothing_known));
        *first.entry(once[0]).or_default() += 1;
    }
    assert!(first.values().all(|times| *times > 40), "{first:?}");
}
