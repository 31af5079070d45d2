//! The file's quantised blocks, read 32 weights at a time, and floats rounded to such blocks. It must not know how the weights are packed afterwards.
//!
//! Layouts are ggml's (`ggml-common.h`, `ggml-quants.c` of llama.cpp); `q` below counts from 0.

use half::{bf16, f16};

use crate::gguf::TensorKind;

/// 32 neighbouring weights of a row: `unit · step · (q − centre) + minimum_unit · minimum_step`, the centre being that of the
/// tile's weights. A part that a kind does not have is nothing, or one step.
pub(crate) struct Group {
    /// As they are stored, Q8_0's moved by 128; of 4-bit floats their bits.
    pub(crate) quants: [u8; 32],
    /// IEEE halves' bits.
    pub(crate) unit: u16,
    pub(crate) minimum_unit: u16,
    /// Of the first and the second 16 weights: whole numbers, signed in Q6_K; of MXFP4 the exponent of their power of two.
    pub(crate) steps: [u8; 2],
    pub(crate) minimum_step: u8,
}

const PLAIN: Group = Group { quants: [0; 32], unit: 0, minimum_unit: 0, steps: [1; 2], minimum_step: 1 };
/// Where zero is among the weights of tiles of bytes.
const BYTE_CENTRE: u8 = 128;
/// What the greatest exponent of MXFP4, which stands for no number, becomes.
pub(crate) const NO_EXPONENT: u8 = u8::MAX - 1;
/// The sign of an IEEE half.
const SIGN: u16 = 1 << 15;

/// The `index`-th 32 weights of a row; floats are rounded to 8 bits.
pub(crate) fn group(kind: TensorKind, row: &[u8], index: usize) -> Group {
    if kind.block_weights() == 1 {
        return rounded(&floats(kind, &row[32 * index * kind.block_bytes()..][..32 * kind.block_bytes()]));
    }
    let groups_in_block = kind.block_weights() / 32;
    let block = &row[index / groups_in_block * kind.block_bytes()..][..kind.block_bytes()];
    let within = index % groups_in_block;
    match kind {
        TensorKind::Q4_0 => q4_0(block),
        TensorKind::Q4_1 => q4_1(block),
        TensorKind::Q5_0 => q5_0(block),
        TensorKind::Q5_1 => q5_1(block),
        TensorKind::Q8_0 => q8_0(block),
        TensorKind::Q4K => q4_k(block, within),
        TensorKind::Q5K => q5_k(block, within),
        TensorKind::Q6K => q6_k(block, within),
        TensorKind::Mxfp4 => mxfp4(block),
        // Rounded above.
        TensorKind::F32 | TensorKind::F16 | TensorKind::Bf16 => rounded(&[0.0; 32]),
    }
}

/// 32 weights that are stored as floats.
fn floats(kind: TensorKind, bytes: &[u8]) -> [f32; 32] {
    let mut floats = [0.0; 32];
    match kind {
        TensorKind::F16 => {
            let halves = bytes.as_chunks::<2>().0;
            floats.iter_mut().zip(halves).for_each(|(to, bits)| *to = f16::from_le_bytes(*bits).to_f32());
        }
        TensorKind::Bf16 => {
            let brains = bytes.as_chunks::<2>().0;
            floats.iter_mut().zip(brains).for_each(|(to, bits)| *to = bf16::from_le_bytes(*bits).to_f32());
        }
        _ => {
            let singles = bytes.as_chunks::<4>().0;
            floats.iter_mut().zip(singles).for_each(|(to, bits)| *to = f32::from_le_bytes(*bits));
        }
    }
    floats
}

/// Floats in 255 steps of the greatest among them, as Q8_0 is made; the scale is not finite where one of them is not.
fn rounded(floats: &[f32; 32]) -> Group {
    let greatest = floats.iter().fold(0.0_f32, |greatest, value| greatest.max(value.abs()));
    let all_finite = floats.iter().all(|value| value.is_finite());
    let unit = f16::from_f32(if all_finite { greatest / 127.0 } else { f32::NAN });
    let steps = if unit.to_f32() > 0.0 { 1.0 / unit.to_f32() } else { 0.0 };
    let quants = floats.map(|value| {
        let steps = (value * steps).round().clamp(-127.0, 127.0) as i8;
        steps.cast_unsigned().wrapping_add(BYTE_CENTRE)
    });
    Group { quants, unit: unit.to_bits(), ..PLAIN }
}

/// An IEEE half's bits.
fn half_at(block: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([block[at], block[at + 1]])
}

/// Low nibbles first, then high ones.
fn nibbles(bytes: &[u8]) -> [u8; 32] {
    let mut quants = [0; 32];
    for (index, byte) in bytes[..16].iter().enumerate() {
        quants[index] = byte & 15;
        quants[index + 16] = byte >> 4;
    }
    quants
}

fn q4_0(block: &[u8]) -> Group {
    Group { quants: nibbles(&block[2..]), unit: half_at(block, 0), ..PLAIN }
}

fn q4_1(block: &[u8]) -> Group {
    Group { quants: nibbles(&block[4..]), unit: half_at(block, 0), minimum_unit: half_at(block, 2), ..PLAIN }
}

/// Nibbles with a fifth bit each.
fn five_bits(low: [u8; 32], fifth: u32) -> [u8; 32] {
    let mut quants = low;
    for (index, quant) in quants.iter_mut().enumerate() {
        *quant |= ((fifth >> index & 1) as u8) << 4;
    }
    quants
}

fn q5_0(block: &[u8]) -> Group {
    let fifth = u32::from_le_bytes([block[2], block[3], block[4], block[5]]);
    Group { quants: five_bits(nibbles(&block[6..]), fifth), unit: half_at(block, 0), ..PLAIN }
}

fn q5_1(block: &[u8]) -> Group {
    let fifth = u32::from_le_bytes([block[4], block[5], block[6], block[7]]);
    let quants = five_bits(nibbles(&block[8..]), fifth);
    Group { quants, unit: half_at(block, 0), minimum_unit: half_at(block, 2), ..PLAIN }
}

fn q8_0(block: &[u8]) -> Group {
    let mut quants = [0; 32];
    for (quant, byte) in quants.iter_mut().zip(&block[2..34]) {
        *quant = byte.wrapping_add(BYTE_CENTRE);
    }
    Group { quants, unit: half_at(block, 0), ..PLAIN }
}

/// The 6-bit scale and minimum of one of the eight groups of a Q4_K or Q5_K block: the first four lie whole in their
/// bytes, of the others the upper two bits lie above those.
fn scale_and_minimum(packed: &[u8], group: usize) -> (u8, u8) {
    if group < 4 {
        (packed[group] & 63, packed[group + 4] & 63)
    } else {
        (packed[group + 4] & 15 | (packed[group - 4] >> 6) << 4, packed[group + 4] >> 4 | (packed[group] >> 6) << 4)
    }
}

/// Four bits of 32 bytes: two groups share them, the even one the low nibbles.
fn shared_nibbles(bytes: &[u8], group: usize) -> [u8; 32] {
    let mut quants = [0; 32];
    for (quant, byte) in quants.iter_mut().zip(&bytes[group / 2 * 32..][..32]) {
        *quant = if group.is_multiple_of(2) { byte & 15 } else { byte >> 4 };
    }
    quants
}

/// What is taken away is added here, with the other sign.
fn of_steps(block: &[u8], group: usize, quants: [u8; 32]) -> Group {
    let (step, minimum_step) = scale_and_minimum(&block[4..16], group);
    Group { quants, unit: half_at(block, 0), minimum_unit: half_at(block, 2) ^ SIGN, steps: [step; 2], minimum_step }
}

fn q4_k(block: &[u8], group: usize) -> Group {
    of_steps(block, group, shared_nibbles(&block[16..], group))
}

fn q5_k(block: &[u8], group: usize) -> Group {
    let mut fifth = 0;
    for (index, byte) in block[16..48].iter().enumerate() {
        fifth |= u32::from(byte >> group & 1) << index;
    }
    of_steps(block, group, five_bits(shared_nibbles(&block[48..], group), fifth))
}

/// A block is two halves of four groups: groups 0 and 1 take the low nibbles of 64 bytes, 2 and 3 the high ones; 32
/// bytes hold two upper bits for each of the four.
fn q6_k(block: &[u8], group: usize) -> Group {
    let (half, quarter) = (group / 4, group % 4);
    let low = &block[64 * half + 32 * (quarter % 2)..][..32];
    let high = &block[128 + 32 * half..][..32];
    let mut quants = [0; 32];
    for (quant, (low, high)) in quants.iter_mut().zip(low.iter().zip(high)) {
        let low = if quarter < 2 { low & 15 } else { low >> 4 };
        *quant = low | (high >> (2 * quarter) & 3) << 4;
    }
    let steps = [block[192 + 2 * group], block[192 + 2 * group + 1]];
    Group { quants, unit: half_at(block, 208), steps, ..PLAIN }
}

/// Low nibbles are the first 16 floats. The exponent is one less, because the floats are counted in halves.
fn mxfp4(block: &[u8]) -> Group {
    Group { quants: nibbles(&block[1..]), steps: [block[0].saturating_sub(1); 2], ..PLAIN }
}
