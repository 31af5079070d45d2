//! Plans worked out by hand, and what must hold for any load.

use proptest::prelude::*;

use super::*;
use crate::Catalog;

const GB: u64 = 1_000_000_000;
const TERA: u64 = 1_000_000_000_000;

/// 8 GB of weights, 100 kB of cache a token.
const SMALL: Sizes =
    Sizes { weight_bytes: 8 * GB, read_bytes: 8 * GB, cache_bytes_a_token: 100_000, cache_shards: None };
const WEIGHTS: u64 = 8 * GB;
const CARD: Card = Card { memory_bytes: 40 * GB, bandwidth: 1000 * GB, operations: Some(100 * TERA) };

fn load(streams: u64, tokens_per_second: u64, context_tokens: u64) -> Load {
    Load { streams, tokens_per_second, context_tokens }
}

fn cards(planned: Planned) -> Plan {
    match planned {
        Planned::Cards(plan) => plan,
        Planned::TooSlow(_) | Planned::TooLarge => panic!("{planned:?}"),
    }
}

#[test]
fn one_card_is_enough_until_memory_or_speed_ends() {
    // Each stream's 10,000 tokens take 1 GB: 32 streams fill the card, a step of 32 reads 40 GB in 40 ms.
    let found = cards(plan(&SMALL, WEIGHTS, load(32, 20, 10_000), CARD));
    assert_eq!((found.cards_a_copy, found.copies, found.bound), (1, 1, Bound::Memory));
    assert!((found.tokens_per_second - 25.0).abs() < 0.01, "{found:?}");
    // One more needs another card: two copies, or two cards for one; the smaller copy is taken.
    let found = cards(plan(&SMALL, WEIGHTS, load(33, 20, 10_000), CARD));
    assert_eq!((found.cards(), found.cards_a_copy), (2, 1));
    // At 50 tokens a second a step may take 20 ms: 20 GB, 12 streams beside the weights.
    let found = cards(plan(&SMALL, WEIGHTS, load(12, 50, 10_000), CARD));
    assert_eq!((found.cards(), found.bound), (1, Bound::Bandwidth));
    assert_eq!(cards(plan(&SMALL, WEIGHTS, load(13, 50, 10_000), CARD)).cards(), 2);
    // Without contexts operations end first: 16 GFLOP a token, 100 TFLOPS, 20 ms a step are 125 streams.
    let found = cards(plan(&SMALL, WEIGHTS, load(125, 50, 0), CARD));
    assert_eq!((found.cards(), found.bound), (1, Bound::Compute));
    assert_eq!(cards(plan(&SMALL, WEIGHTS, load(126, 50, 0), CARD)).cards(), 2);
    let unknown = Card { operations: None, ..CARD };
    assert_eq!(cards(plan(&SMALL, WEIGHTS, load(126, 50, 0), unknown)).cards(), 1);
}

#[test]
fn a_large_model_is_spread_and_no_stage_makes_a_stream_faster() {
    let large =
        Sizes { weight_bytes: 600 * GB, read_bytes: 600 * GB, cache_bytes_a_token: 100_000, cache_shards: None };
    let found = cards(plan(&large, 300 * GB, load(1, 1, 1000), CARD));
    assert_eq!((found.cards_a_copy, found.copies), (16, 1), "600 GB do not fit into eight cards of 40");
    // Eight cards read together: 600 GB at 8 TB/s are 75 ms, however many stages there are.
    assert!((found.tokens_per_second - 13.3).abs() < 0.05, "{found:?}");
    let found = plan(&large, 300 * GB, load(1, 20, 1000), CARD);
    assert!(matches!(found, Planned::TooSlow(fastest) if (fastest - 13.3).abs() < 0.05), "{found:?}");
}

#[test]
fn a_mixture_reads_at_worst_the_experts_of_every_stream() {
    let mixture = Sizes { weight_bytes: 30 * GB, read_bytes: 3 * GB, cache_bytes_a_token: 0, cache_shards: None };
    let speed = |streams| cards(plan(&mixture, 3 * GB, load(streams, 1, 0), CARD)).tokens_per_second;
    assert!((speed(1) - 333.3).abs() < 0.1);
    assert!((speed(5) - 66.7).abs() < 0.1);
    assert!((speed(20) - 33.3).abs() < 0.1, "no more than all weights");
}

#[test]
fn cards_that_are_more_than_the_heads_hold_copies() {
    // Two cards for 60 GB of weights leave 20 GB; each stream's 10,000 tokens take 1 GB.
    let model =
        |cache_shards| Sizes { weight_bytes: 60 * GB, read_bytes: 60 * GB, cache_bytes_a_token: 100_000, cache_shards };
    let planned = |cache_shards, streams| cards(plan(&model(cache_shards), 60 * GB, load(streams, 1, 10_000), CARD));
    for shards in [None, Some(2), Some(8)] {
        assert_eq!(planned(shards, 20).cards(), 2, "{shards:?}");
        assert!(planned(shards, 21).cards() > 2, "{shards:?}");
    }
    // A latent cache lies whole on each card.
    assert_eq!(planned(Some(1), 10).cards(), 2);
    assert!(planned(Some(1), 11).cards() > 2);
    // And is read by each: 60 and 20 GB at 2 TB/s are 40 ms.
    assert!((planned(Some(1), 10).tokens_per_second - 25.0).abs() < 0.01);
}

#[test]
fn ends_of_the_numbers_are_answers() {
    let none = cards(plan(&SMALL, WEIGHTS, load(0, 20, 8192), CARD));
    assert_eq!((none.cards(), none.copies), (1, 1), "without streams it is still held");
    let endless =
        Sizes { weight_bytes: u64::MAX, read_bytes: u64::MAX, cache_bytes_a_token: u64::MAX, cache_shards: None };
    assert_eq!(plan(&endless, u64::MAX, load(u64::MAX, u64::MAX, u64::MAX), CARD), Planned::TooLarge);
    let crowd = cards(plan(&SMALL, WEIGHTS, load(u64::MAX, 1, 8192), CARD));
    assert!(crowd.cards() > 1 << 50, "{crowd:?}");
    let useless = Card { memory_bytes: 0, bandwidth: 0, operations: Some(0) };
    assert_eq!(plan(&SMALL, WEIGHTS, load(1, 1, 1), useless), Planned::TooLarge);
    let still = Card { bandwidth: 0, ..CARD };
    assert_eq!(plan(&SMALL, WEIGHTS, load(1, 1, 1), still), Planned::TooSlow(0.0));
}

#[test]
fn cards_of_the_catalogue_give_what_is_assumed_or_name_what_is_missing() {
    let catalog = Catalog::shipped();
    let card = |id: &str, precision| {
        let accelerator = catalog.accelerators().find(|(it, _)| *it == id).unwrap().1;
        Card::of(accelerator, precision)
    };
    let h100 = card("h100-sxm", Precision::Fp8).unwrap();
    assert_eq!((h100.memory_bytes, h100.bandwidth), (72 * GB, 1_842_500_000_000));
    assert_eq!(h100.operations, Some(1_087_900_000_000_000));
    let a100 = card("a100-80gb", Precision::Fp8).unwrap();
    assert_eq!(a100.operations, card("a100-80gb", Precision::Bf16).unwrap().operations, "it has no FP8");
    assert_eq!(card("h100-pcie", Precision::Bf16).unwrap().operations, None);
    assert_eq!(card("atom-max", Precision::Bf16), Err(vec!["memory_gb", "bandwidth_gb_per_second"]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// What is planned holds: streams fit, each gets its speed; and a smaller load never needs more.
    #[test]
    fn a_plan_carries_its_load(weights in 1_u64..2_000, share in 1_u64..=100, a_token in 0_u64..2_000_000,
        streams in 0_u64..5_000, speed in 1_u64..200, context in 0_u64..200_000, memory in 1_u64..300, bandwidth in 1_u64..10_000,
        teras in proptest::option::of(1_u64..5_000)) {
        let weight_bytes = weights * GB;
        let read_bytes = weight_bytes / 100 * share;
        let sizes = Sizes { weight_bytes, read_bytes, cache_bytes_a_token: a_token, cache_shards: None };
        let active = sizes.read_bytes;
        let card = Card { memory_bytes: memory * GB, bandwidth: bandwidth * GB, operations: teras.map(|it| it * TERA) };
        let asked = load(streams, speed, context);
        match plan(&sizes, active, asked, card) {
            Planned::Cards(found) => {
                prop_assert!(found.tokens_per_second >= real(speed), "{found:?}");
                let a_copy = streams.div_ceil(found.copies);
                prop_assert!(weight_bytes + a_copy * a_token * context <= found.cards_a_copy * memory * GB, "{found:?}");
                if streams > 0 {
                    let fewer = cards(plan(&sizes, active, load(streams - 1, speed, context), card));
                    prop_assert!(fewer.cards() <= found.cards(), "{fewer:?} {found:?}");
                }
            }
            Planned::TooSlow(fastest) => prop_assert!(fastest < real(speed)),
            Planned::TooLarge => prop_assert!(weight_bytes + a_token * context > CARDS_A_COPY_MAX * memory * GB),
        }
    }
}
