//! Every operation of every instruction set against plain arithmetic on the lanes.
#![expect(clippy::float_cmp, reason = "what is exact is compared exactly")]

use super::*;
use crate::samples::Random;
use half::{bf16, f16};
use portable::Portable;

fn everywhere(check: impl Fn(&dyn Fn(&[[f32; LANES]; 3]) -> Vec<[f32; LANES]>)) {
    check(&|lanes| all_float_operations(Portable, lanes));
    #[cfg(target_arch = "x86_64")]
    {
        if let Some(simd) = avx2::Avx2::detect() {
            check(&|lanes| all_float_operations(simd, lanes));
        }
        if let Some(simd) = avx512::Avx512::detect() {
            check(&|lanes| all_float_operations(simd, lanes));
        }
    }
}

fn all_float_operations<S: Simd>(simd: S, lanes: &[[f32; LANES]; 3]) -> Vec<[f32; LANES]> {
    let [a, b, c] = [0, 1, 2].map(|index| simd.load(&lanes[index]));
    let results = [
        simd.add(a, b),
        simd.sub(a, b),
        simd.mul(a, b),
        simd.div(a, b),
        simd.min(a, b),
        simd.max(a, b),
        simd.round(a),
        simd.scale_by_power(a, simd.round(b)),
        simd.splat(simd.greatest(a)),
        simd.mul_add(a, b, c),
        simd.splat(simd.sum(a)),
        simd.exp(a),
    ];
    results
        .into_iter()
        .map(|result| {
            let mut lanes = [0.0; LANES];
            simd.store(result, &mut lanes);
            lanes
        })
        .collect()
}

#[test]
fn float_operations_are_the_lanes_own() {
    everywhere(|operations| {
        let mut random = Random(31);
        for _ in 0..100 {
            let lanes = [0, 1, 2].map(|_| [0; LANES].map(|_| random.float() * 20.0));
            let [a, b, c] = lanes;
            let results = operations(&lanes);
            for lane in 0..LANES {
                let (a, b, c) = (a[lane], b[lane], c[lane]);
                let exact = [a + b, a - b, a * b, a / b, a.min(b), a.max(b), a.round_ties_even()];
                for (result, expected) in results.iter().zip(exact) {
                    assert_eq!(result[lane], expected);
                }
                assert_eq!(results[7][lane], a * b.round_ties_even().exp2());
                assert_eq!(results[8][lane], lanes[0].iter().copied().fold(f32::MIN, f32::max));
                assert!((results[9][lane] - (a * b + c)).abs() <= 1e-4);
                assert!((results[10][lane] - lanes[0].iter().sum::<f32>()).abs() <= 1e-4);
                assert!((results[11][lane] / a.exp() - 1.0).abs() <= 3e-7, "e^{a}: {}", results[11][lane]);
            }
        }
    });
}

#[test]
fn the_exponential_is_whole_at_the_ends_of_its_range() {
    everywhere(|operations| {
        for (x, low, high) in [
            (0.0, 1.0, 1.0),
            (-87.0, 1e-38, 2e-38),
            (-1e30, 1e-38, 2e-38),
            (f32::NEG_INFINITY, 0.0, 2e-38),
            (88.0, 1e38, 2e38),
            (1e9, 1e38, 2e38),
        ] {
            let result = operations(&[[x; LANES], [1.0; LANES], [0.0; LANES]])[11][3];
            assert!((low..=high).contains(&result), "e^{x} = {result}");
        }
    });
}

fn conversions<S: Simd>(simd: S) {
    for first in (0..=u16::MAX).step_by(LANES) {
        let mut bits = [0; LANES];
        bits.iter_mut().zip(0..).for_each(|(bits, lane)| *bits = first + lane);
        let (mut halves, mut brains) = ([0.0; LANES], [0.0; LANES]);
        simd.store(simd.load_half(&bits), &mut halves);
        simd.store(simd.load_brain(&bits), &mut brains);
        for lane in 0..LANES {
            let (half, brain) = (f16::from_bits(bits[lane]).to_f32(), bf16::from_bits(bits[lane]).to_f32());
            assert!(halves[lane] == half || half.is_nan() && halves[lane].is_nan());
            assert!(brains[lane] == brain || brain.is_nan() && brains[lane].is_nan());
        }
    }
    let mut random = Random(41);
    for _ in 0..2000 {
        let mut floats = [0; LANES].map(|_| f32::from_bits(random.next() as u32));
        // Ties, both ways.
        floats[..2].copy_from_slice(&[f32::from_bits(0x3f80_8000), f32::from_bits(0x3f81_8000)]);
        let (mut halves, mut brains) = ([0; LANES], [0; LANES]);
        simd.store_half(simd.load(&floats), &mut halves);
        simd.store_brain(simd.load(&floats), &mut brains);
        for lane in 0..LANES {
            let float = floats[lane];
            let (half, brain) = (f16::from_bits(halves[lane]), bf16::from_bits(brains[lane]));
            assert!(if float.is_nan() { half.is_nan() } else { half == f16::from_f32(float) }, "{float}");
            assert!(if float.is_nan() { brain.is_nan() } else { brain == bf16::from_f32(float) }, "{float}");
        }
    }
    let whole: [f32; LANES] = std::array::from_fn(|lane| lane as f32 * 17.0 - 127.0);
    let mut bytes = [0; LANES];
    simd.store_bytes(simd.load(&whole), &mut bytes);
    assert_eq!(bytes.map(f32::from), whole.map(|lane| lane.min(127.0)));
}

/// What a byte of a vector should be.
type Meant<'a> = &'a dyn Fn(usize) -> u8;

fn bytes_and_dots<S: Simd>(simd: S) {
    let mut random = Random(37);
    for _ in 0..200 {
        let mut bytes = [[0_u8; 64]; 2].map(|vector| vector.map(|_| random.byte()));
        if random.byte() < 32 {
            bytes[0] = [255; 64];
        }
        let four = [0; 4].map(|_| (random.byte() as i8).max(-127));
        let [first, second] = [0, 1].map(|index| simd.load_bytes(&bytes[index]));
        let low = simd.low_nibbles(first);
        let vectors: [(S::Bytes, Meant<'_>); 7] = [
            (low, &|i| bytes[0][i] & 15),
            (simd.high_nibbles(first), &|i| bytes[0][i] >> 4),
            (simd.join_two_bits::<0>(low, second), &|i| bytes[0][i] & 15 | (bytes[1][i] & 3) << 4),
            (simd.join_two_bits::<1>(low, second), &|i| bytes[0][i] & 15 | (bytes[1][i] >> 2 & 3) << 4),
            (simd.join_two_bits::<2>(low, second), &|i| bytes[0][i] & 15 | (bytes[1][i] >> 4 & 3) << 4),
            (simd.join_two_bits::<3>(low, second), &|i| bytes[0][i] & 15 | (bytes[1][i] >> 6) << 4),
            (first, &|i| bytes[0][i]),
        ];
        for (index, (vector, byte)) in vectors.into_iter().enumerate() {
            let start = simd.splat_int(-1000);
            let dots = if index < 6 { simd.dot_small(start, vector, four) } else { simd.dot(start, vector, four) };
            let mut floats = [0.0; LANES];
            simd.store(simd.int_to_float(dots), &mut floats);
            for (lane, dot) in floats.into_iter().enumerate() {
                let products = (0..4).map(|i| i32::from(byte(4 * lane + i)) * i32::from(four[i]));
                assert_eq!(dot, (products.sum::<i32>() - 1000) as f32, "vector {index} lane {lane}");
            }
        }
    }
}

#[test]
fn sixteen_bit_floats_and_bytes_convert_exactly() {
    conversions(Portable);
    #[cfg(target_arch = "x86_64")]
    {
        avx2::Avx2::detect().into_iter().for_each(conversions);
        avx512::Avx512::detect().into_iter().for_each(conversions);
    }
}

#[test]
fn bytes_and_their_dot_products_are_exact() {
    bytes_and_dots(Portable);
    #[cfg(target_arch = "x86_64")]
    {
        avx2::Avx2::detect().into_iter().for_each(bytes_and_dots);
        avx512::Avx512::detect().into_iter().for_each(bytes_and_dots);
    }
}
