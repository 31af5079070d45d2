//! Sizes worked out by hand, and what must hold for any sizes.

use proptest::prelude::*;

use super::*;
use crate::Catalog;

const GB: u64 = 1_000_000_000;

fn demand(context_tokens: u64, sequences: u64) -> Demand {
    Demand { context_tokens, sequences }
}

fn network(id: &str) -> Network {
    Network::of(Catalog::shipped().model(id).unwrap()).unwrap()
}

#[test]
fn a_models_bytes_are_its_weights_by_their_bits() {
    let exaone = network("exaone-4.0-32b");
    assert_eq!((exaone.parameters, exaone.active), (32 * GB, 32 * GB), "nobody says that it is a mixture");
    assert!(!exaone.cache_is_estimated);
    let sizes = exaone.sizes(16_000, 16_000);
    assert_eq!((sizes.weight_bytes, sizes.read_bytes), (64 * GB, 64 * GB));
    assert_eq!(sizes.cache_bytes_a_token, 262_144, "2 × 64 layers × 8 heads × 128 numbers of 2 bytes");
    assert_eq!(sizes.cache_bytes(demand(8192, 4)), 4 * (2 << 30));
    assert_eq!(sizes.bytes(demand(8192, 1)), 64 * GB + (2 << 30) + OVERHEAD_BYTES);

    let mixture = network("k-exaone-236b").sizes(4_000, 4_000);
    assert_eq!((mixture.weight_bytes, mixture.read_bytes), (118 * GB, 11_500_000_000));
    assert_eq!(Network::of(Catalog::shipped().model("qwen3").unwrap()), None, "its size is not known");
}

#[test]
fn what_a_cache_takes_is_estimated_where_it_is_not_known() {
    for (billions, layers) in [(0, 1), (1, 20), (7, 39), (32, 64), (72, 84), (1000, 200)] {
        assert_eq!(estimated_cache_values(billions * GB) / 2048, layers, "{billions}");
    }
    assert!(network("ax-3.1").cache_is_estimated);
    let near = [("exaone-4.0-32b", 0.7, 1.5), ("midm-2.0-base", 0.7, 1.5), ("solar-open-100b", 0.9, 2.5)];
    for (id, least, most) in near {
        let known = network(id);
        let ratio = real(estimated_cache_values(known.parameters)) / real(known.cache_values);
        assert!((least..most).contains(&ratio), "{id}: {ratio}");
    }
}

#[test]
fn a_model_fits_or_fits_with_less_or_does_not() {
    let sizes = Sizes { weight_bytes: 10 * GB, read_bytes: 10 * GB, cache_bytes_a_token: 100_000, cache_shards: None };
    let exactly = sizes.bytes(demand(8192, 2));
    assert_eq!(sizes.verdict(demand(8192, 2), exactly), Verdict::Fits);
    assert_eq!(sizes.verdict(demand(8192, 2), exactly - 1), Verdict::FitsWithContext(8191));
    let least = 10 * GB + OVERHEAD_BYTES + 2 * 100_000 * CONTEXT_TOKENS_MIN;
    assert_eq!(sizes.verdict(demand(8192, 2), least), Verdict::FitsWithContext(CONTEXT_TOKENS_MIN));
    assert_eq!(sizes.verdict(demand(8192, 2), least - 1), Verdict::DoesNotFit);
    assert_eq!(sizes.verdict(demand(8192, 2), 0), Verdict::DoesNotFit);
    assert_eq!(sizes.verdict(demand(8192, 0), 10 * GB + OVERHEAD_BYTES), Verdict::Fits, "no sequence takes nothing");
    assert_eq!(sizes.verdict(demand(8192, 0), 10 * GB), Verdict::DoesNotFit);
    let endless =
        Sizes { weight_bytes: u64::MAX, read_bytes: u64::MAX, cache_bytes_a_token: u64::MAX, cache_shards: None };
    assert_eq!(endless.verdict(demand(u64::MAX, u64::MAX), u64::MAX), Verdict::DoesNotFit);
}

#[test]
fn speed_is_bandwidth_by_what_a_token_reads() {
    let sizes = Sizes { weight_bytes: 8 * GB, read_bytes: 2 * GB, cache_bytes_a_token: 250_000, cache_shards: None };
    assert!((sizes.tokens_per_second(0, 20 * GB) - 10.0).abs() < 1e-9);
    assert!((sizes.tokens_per_second(8000, 20 * GB) - 5.0).abs() < 1e-9, "a context of 2 GB is read too");
    let nothing = Sizes { weight_bytes: 0, read_bytes: 0, cache_bytes_a_token: 0, cache_shards: None };
    assert!(nothing.tokens_per_second(8000, 20 * GB).abs() < f64::EPSILON, "not endless");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// Whatever the sizes: nothing overflows, more memory never fits less, what fits with a shorter context fits with it.
    #[test]
    fn more_memory_never_fits_less(parameters in any::<u64>(), millibits in 1_u64..64_000, cache_values in any::<u64>(),
        tokens in any::<u64>(), sequences in any::<u64>(), memory in any::<u64>(), more in any::<u64>()) {
        let active = parameters;
        let network = Network { parameters, active, cache_values, cache_is_estimated: false, cache_shards: None };
        let sizes = network.sizes(millibits, millibits);
        let rank = |memory| match sizes.verdict(demand(tokens, sequences), memory) {
            Verdict::DoesNotFit => 0,
            Verdict::FitsWithContext(tokens) => tokens,
            Verdict::Fits => u64::MAX,
        };
        prop_assert!(rank(memory.saturating_add(more)) >= rank(memory));
        if let Verdict::FitsWithContext(fewer) = sizes.verdict(demand(tokens, sequences), memory) {
            prop_assert!(fewer >= CONTEXT_TOKENS_MIN);
            prop_assert!(sizes.bytes(demand(fewer, sequences)) <= memory);
        }
        prop_assert!(sizes.tokens_per_second(tokens, memory).is_finite());
        prop_assert!(integer_root(parameters).pow(3) <= parameters);
    }
}
