//! Rounding to 8 bits, and where panels put their blocks.
#![expect(clippy::float_cmp, reason = "what is exact is compared exactly")]

use std::collections::HashSet;

use super::*;
use crate::samples::Random;
use crate::simd::avx2::Avx2;
use crate::simd::avx512::Avx512;
use crate::simd::portable::Portable;

#[test]
fn rounding_is_within_half_a_step_and_sums_are_of_what_was_rounded() {
    let mut random = Random(41);
    for _ in 0..200 {
        let floats: [f32; BLOCK_COLUMNS] = random.floats(BLOCK_COLUMNS).try_into().unwrap();
        let block = QuantBlock::of(Portable, &floats);
        let greatest = floats.iter().map(|x| x.abs()).fold(0.0, f32::max);
        assert_eq!(block.scale, greatest / 127.0);
        let values = block.values.as_flattened();
        for (value, float) in values.iter().zip(floats) {
            assert!((f32::from(*value) * block.scale - float).abs() <= block.scale * 0.5001);
        }
        let sum = |values: &[i8]| values.iter().map(|value| i32::from(*value)).sum::<i32>();
        assert_eq!(block.byte_start, -128 * sum(values));
        assert_eq!(block.six_starts, [-32 * sum(&values[..16]), -32 * sum(&values[16..])]);
        assert!((block.scaled_sum - block.scale * sum(values) as f32).abs() <= 1e-6);
    }
}

#[test]
fn nothing_and_next_to_nothing_round_to_finite_blocks() {
    for float in [0.0, 1e-45, 1e-40, f32::MIN_POSITIVE] {
        let block = QuantBlock::of(Portable, &[float; BLOCK_COLUMNS]);
        assert!(block.scale.is_finite() && block.scaled_sum.is_finite());
        assert_eq!(block.values, [[0; 4]; 8]);
    }
}

/// A file's weights may lead there; what comes of it is no number, and no panic.
#[test]
fn what_is_no_number_breaks_nothing() {
    let mut random = Random(43);
    let odd = [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN, 1e30, -1e30, 1e-30, 0.0];
    for _ in 0..5_000 {
        let mut floats: [f32; BLOCK_COLUMNS] = random.floats(BLOCK_COLUMNS).try_into().unwrap();
        for float in &mut floats {
            if random.byte() < 100 {
                *float = odd[usize::from(random.byte()) % odd.len()];
            }
        }
        QuantBlock::of(Portable, &floats);
        if let Some(simd) = Avx2::detect() {
            QuantBlock::of(simd, &floats);
        }
        if let Some(simd) = Avx512::detect() {
            QuantBlock::of(simd, &floats);
        }
    }
}

#[test]
fn panels_have_a_place_of_its_own_for_every_block() {
    for rows in 1..20 {
        for rows_max in [4, 8, 16] {
            let panels = Panels::new(rows, 96, rows_max);
            assert!(panels.width <= rows_max && panels.count() * panels.width >= rows);
            let mut places = HashSet::new();
            for row in 0..rows {
                for block in 0..3 {
                    let place = panels.place(row, block);
                    assert!(panels.range(row / panels.width).contains(&place));
                    assert!(places.insert(place), "{rows} {row} {block}");
                }
            }
            assert!(panels.range(panels.count() - 1).end <= rows.next_multiple_of(16) * 3);
        }
    }
}
