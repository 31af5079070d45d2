//! Packing loses nothing but what the module's page says: every kind against ggml's formulas, written out plainly.

use half::{bf16, f16};

use super::*;
use crate::samples::{KINDS, Random, pack, pack_as};

fn half_at(block: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([block[at], block[at + 1]]).to_f32()
}

/// A block's weights, as ggml's own `dequantize_row_*` give them.
fn plain(kind: TensorKind, block: &[u8]) -> Vec<f32> {
    let nibble = |bytes: &[u8], index: usize| {
        if index < 16 { f32::from(bytes[index] & 15) } else { f32::from(bytes[index - 16] >> 4) }
    };
    let fifth = |at: usize, index: usize| f32::from((block[at + index / 8] >> (index % 8)) & 1) * 16.0;
    match kind {
        TensorKind::F32 => vec![f32::from_le_bytes(block.try_into().unwrap())],
        TensorKind::F16 => vec![half_at(block, 0)],
        TensorKind::Bf16 => vec![bf16::from_le_bytes([block[0], block[1]]).to_f32()],
        TensorKind::Q4_0 => (0..32).map(|i| half_at(block, 0) * (nibble(&block[2..], i) - 8.0)).collect(),
        TensorKind::Q4_1 => (0..32).map(|i| half_at(block, 0) * nibble(&block[4..], i) + half_at(block, 2)).collect(),
        TensorKind::Q5_0 => {
            (0..32).map(|i| half_at(block, 0) * (nibble(&block[6..], i) + fifth(2, i) - 16.0)).collect()
        }
        TensorKind::Q5_1 => {
            (0..32).map(|i| half_at(block, 0) * (nibble(&block[8..], i) + fifth(4, i)) + half_at(block, 2)).collect()
        }
        TensorKind::Q8_0 => (0..32).map(|i| half_at(block, 0) * f32::from(block[2 + i].cast_signed())).collect(),
        TensorKind::Q4K | TensorKind::Q5K => plain_k(kind, block),
        TensorKind::Q6K => plain_q6_k(block),
        TensorKind::Mxfp4 => {
            let size = |index: usize| [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0_f32][index % 8];
            let float = |index: usize| if index < 8 { size(index) } else { -size(index) };
            let scale = f32::from(i16::from(block[0]) - 127).exp2();
            (0..32).map(|i| scale * float(nibble(&block[1..], i) as usize)).collect()
        }
    }
}

fn plain_k(kind: TensorKind, block: &[u8]) -> Vec<f32> {
    let five = kind == TensorKind::Q5K;
    let quants = if five { &block[48..] } else { &block[16..] };
    let packed = &block[4..16];
    let mut weights = Vec::new();
    for group in 0..8 {
        let (scale, minimum) = match group {
            0..4 => (packed[group] & 63, packed[group + 4] & 63),
            _ => (
                (packed[group + 4] & 0xf) | ((packed[group - 4] >> 6) << 4),
                (packed[group + 4] >> 4) | ((packed[group] >> 6) << 4),
            ),
        };
        for index in 0..32 {
            let byte = quants[group / 2 * 32 + index];
            let mut quant = if group % 2 == 0 { byte & 15 } else { byte >> 4 };
            if five && block[16 + index] & (1 << group) != 0 {
                quant += 16;
            }
            let scaled = half_at(block, 0) * f32::from(scale) * f32::from(quant);
            weights.push(scaled - half_at(block, 2) * f32::from(minimum));
        }
    }
    weights
}

fn plain_q6_k(block: &[u8]) -> Vec<f32> {
    let mut weights = vec![0.0; 256];
    for half in 0..2 {
        let (low, high) = (&block[64 * half..], &block[128 + 32 * half..]);
        let scales = &block[192 + 8 * half..];
        for l in 0..32 {
            let quants = [
                (low[l] & 15) | ((high[l] & 3) << 4),
                (low[l + 32] & 15) | (((high[l] >> 2) & 3) << 4),
                (low[l] >> 4) | (((high[l] >> 4) & 3) << 4),
                (low[l + 32] >> 4) | (((high[l] >> 6) & 3) << 4),
            ];
            for (quarter, quant) in quants.into_iter().enumerate() {
                let scale = f32::from(scales[l / 16 + 2 * quarter].cast_signed());
                weights[128 * half + 32 * quarter + l] = half_at(block, 208) * scale * (f32::from(quant) - 32.0);
            }
        }
    }
    weights
}

fn check(kind: TensorKind, rows: usize, columns: usize) {
    let stored = Random(11).stored(kind, rows * columns);
    let (matrix, memory) = pack(kind, &stored, rows, columns);
    // Scales of the K kinds are rounded to halves; of the greatest weight of a group that is 2^-11.
    let rounded = matches!(kind, TensorKind::Q4K | TensorKind::Q5K | TensorKind::Q6K);
    let allowed = if rounded { 0.02 * 64.0 * 32.0 / 2048.0 } else { 1e-6 };
    let expected: Vec<f32> = stored.chunks_exact(kind.block_bytes()).flat_map(|block| plain(kind, block)).collect();
    for (row, expected) in expected.chunks_exact(columns).enumerate() {
        let mut unpacked = vec![f32::NAN; columns];
        matrix.unpack_row(memory.values(), row, &mut unpacked);
        for (index, (unpacked, expected)) in unpacked.iter().zip(expected).enumerate() {
            assert!((unpacked - expected).abs() <= allowed, "{kind:?} {row} {index}: {unpacked} {expected}");
        }
    }
}

#[test]
fn every_kind_comes_back_as_the_file_means_it() {
    for kind in KINDS {
        check(kind, 16, 256);
        check(kind, 40, 512);
    }
}

#[test]
fn scales_of_k_kinds_are_within_a_half_of_what_the_file_means() {
    for kind in [TensorKind::Q4K, TensorKind::Q5K, TensorKind::Q6K] {
        let stored = Random(13).stored(kind, 16 * 256);
        let (matrix, memory) = pack(kind, &stored, 16, 256);
        let (mut error, mut size) = (0.0, 0.0);
        for (row, block) in stored.chunks_exact(kind.block_bytes()).enumerate() {
            let mut unpacked = vec![0.0; 256];
            matrix.unpack_row(memory.values(), row, &mut unpacked);
            for (unpacked, expected) in unpacked.iter().zip(plain(kind, block)) {
                error += f64::from(unpacked - expected).powi(2);
                size += f64::from(expected).powi(2);
            }
        }
        assert!((error / size).sqrt() < 3e-4, "{kind:?}: {}", (error / size).sqrt());
    }
}

#[test]
fn floats_come_back_within_half_a_step_of_the_greatest_of_their_32() {
    for kind in [TensorKind::F32, TensorKind::F16, TensorKind::Bf16] {
        let stored = Random(19).stored(kind, 40 * 256);
        let (matrix, memory) = pack_as(TensorKind::Q8_0, kind, &stored, 40, 256);
        let expected: Vec<f32> = stored.chunks_exact(kind.block_bytes()).flat_map(|block| plain(kind, block)).collect();
        for (row, expected) in expected.chunks_exact(256).enumerate() {
            let mut unpacked = vec![f32::NAN; 256];
            matrix.unpack_row(memory.values(), row, &mut unpacked);
            for (unpacked, expected) in unpacked.chunks_exact(32).zip(expected.chunks_exact(32)) {
                let greatest = expected.iter().fold(0.0_f32, |greatest, weight| greatest.max(weight.abs()));
                // A scale that was rounded to a half puts the greatest at most 127 times that farther away.
                let allowed = greatest / 127.0 * 0.5 + greatest / 2048.0;
                for (unpacked, expected) in unpacked.iter().zip(expected) {
                    assert!((unpacked - expected).abs() <= allowed, "{kind:?} {row}: {unpacked} {expected}");
                }
            }
        }
        assert!(scales_are_finite(TensorKind::Q8_0, memory.values()));
    }
    let zeros = [0; 32 * 4];
    let (matrix, memory) = pack_as(TensorKind::Q8_0, TensorKind::F32, &zeros, 1, 32);
    let mut unpacked = vec![f32::NAN; 32];
    matrix.unpack_row(memory.values(), 0, &mut unpacked);
    assert_eq!(unpacked, [0.0; 32]);
    for unsound in [f32::NAN, f32::NEG_INFINITY, f32::MAX] {
        let stored: Vec<u8> = (0..32).flat_map(|at| if at == 9 { unsound } else { 0.5 }.to_le_bytes()).collect();
        let (_, memory) = pack_as(TensorKind::Q8_0, TensorKind::F32, &stored, 1, 32);
        assert!(
            !scales_are_finite(TensorKind::Q8_0, &memory.values()[..strip_bytes(TensorKind::Q8_0, 32)]),
            "{unsound}"
        );
    }
}

#[test]
fn tiles_are_as_large_as_what_they_hold() {
    // Thousandths of a bit a weight.
    let sizes = [
        (TensorKind::Q4_0, 4_500),
        (TensorKind::Q4_1, 5_000),
        (TensorKind::Q5_0, 5_500),
        (TensorKind::Q5_1, 6_000),
        (TensorKind::Q8_0, 8_500),
        (TensorKind::Q4K, 4_625),
        (TensorKind::Q5K, 5_625),
        (TensorKind::Q6K, 6_562),
        (TensorKind::Mxfp4, 4_250),
        (TensorKind::F16, 16_000),
        (TensorKind::Bf16, 16_000),
        (TensorKind::F32, 32_000),
    ];
    assert_eq!(sizes.len(), KINDS.len());
    for (kind, millibits) in sizes {
        assert_eq!(strip_bytes(kind, 256) * 8 * 1000 / (16 * 256), millibits, "{kind:?}");
    }
}

#[test]
fn powers_of_two_keep_their_ends() {
    // Of 4-bit floats the greatest is 6, the least 0.5; what has the least exponents is nothing.
    for (exponent, greatest) in [(2, 6.0 * 2_f32.powi(-125)), (127, 6.0), (252, 6.0 * 2_f32.powi(125))] {
        let block = [&[exponent][..], &[0x17; 16]].concat();
        let (matrix, memory) = pack(TensorKind::Mxfp4, &block, 1, 32);
        let mut unpacked = vec![f32::NAN; 32];
        matrix.unpack_row(memory.values(), 0, &mut unpacked);
        assert!(
            unpacked
                .iter()
                .zip([greatest; 16].iter().chain(&[greatest / 12.0; 16]))
                .all(|(a, b)| a.to_bits() == b.to_bits()),
            "{exponent}: {unpacked:?}"
        );
        assert!(scales_are_finite(TensorKind::Mxfp4, &memory.values()[..strip_bytes(TensorKind::Mxfp4, 32)]));
    }
    for exponent in [0, 1] {
        let block = [&[exponent][..], &[0x77; 16]].concat();
        let (matrix, memory) = pack(TensorKind::Mxfp4, &block, 1, 32);
        let mut unpacked = vec![f32::NAN; 32];
        matrix.unpack_row(memory.values(), 0, &mut unpacked);
        assert!(unpacked.iter().all(|weight| weight.abs() < 1e-37), "{exponent}: {unpacked:?}");
    }
    let block = [&[255][..], &[0x77; 16]].concat();
    let (_, memory) = pack(TensorKind::Mxfp4, &block, 1, 32);
    assert!(!scales_are_finite(TensorKind::Mxfp4, &memory.values()[..strip_bytes(TensorKind::Mxfp4, 32)]));
}
