//! How each kind stores weights, written down plainly a second time: random blocks, and what they mean. It shares
//! nothing with the engine; `blocks.json` holds it against the `gguf` package.

use half::{bf16, f16};

/// A kind with its number and name in the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    F32,
    F16,
    Bf16,
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q8_0,
    Q4K,
    Q5K,
    Q6K,
    Mxfp4,
}

pub(crate) const KINDS: [Kind; 12] = [
    Kind::F32,
    Kind::F16,
    Kind::Bf16,
    Kind::Q4_0,
    Kind::Q4_1,
    Kind::Q5_0,
    Kind::Q5_1,
    Kind::Q8_0,
    Kind::Q4K,
    Kind::Q5K,
    Kind::Q6K,
    Kind::Mxfp4,
];

impl Kind {
    /// Number in the file, name, weights and bytes of a block.
    pub(crate) fn facts(self) -> (u32, &'static str, usize, usize) {
        match self {
            Self::F32 => (0, "F32", 1, 4),
            Self::F16 => (1, "F16", 1, 2),
            Self::Bf16 => (30, "BF16", 1, 2),
            Self::Q4_0 => (2, "Q4_0", 32, 18),
            Self::Q4_1 => (3, "Q4_1", 32, 20),
            Self::Q5_0 => (6, "Q5_0", 32, 22),
            Self::Q5_1 => (7, "Q5_1", 32, 24),
            Self::Q8_0 => (8, "Q8_0", 32, 34),
            Self::Q4K => (12, "Q4_K", 256, 144),
            Self::Q5K => (13, "Q5_K", 256, 176),
            Self::Q6K => (14, "Q6_K", 256, 210),
            Self::Mxfp4 => (39, "MXFP4", 32, 17),
        }
    }

    pub(crate) fn number(self) -> u32 {
        self.facts().0
    }

    pub(crate) fn block_weights(self) -> usize {
        self.facts().2
    }
}

/// Marsaglia's xorshift: the same numbers in every run.
pub(crate) struct Random(pub u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Between −1 and 1.
    pub(crate) fn float(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() >> 16) as usize % end
    }
}

/// A matrix of random weights with a spread of about `spread`, as a file stores it.
pub(crate) fn random_blocks(random: &mut Random, kind: Kind, weights: usize, spread: f32) -> Vec<u8> {
    let (_, _, block_weights, _) = kind.facts();
    (0..weights / block_weights).flat_map(|_| random_block(random, kind, spread)).collect()
}

fn random_block(random: &mut Random, kind: Kind, spread: f32) -> Vec<u8> {
    let uniform = spread * 1.7 * random.float();
    let mut block: Vec<u8> = (0..kind.facts().3).map(|_| (random.next() >> 24) as u8).collect();
    let mut put = |at: usize, value: f32| block[at..at + 2].copy_from_slice(&f16::from_f32(value).to_le_bytes());
    match kind {
        Kind::F32 => return uniform.to_le_bytes().to_vec(),
        Kind::F16 => return f16::from_f32(uniform).to_le_bytes().to_vec(),
        Kind::Bf16 => return bf16::from_f32(uniform).to_le_bytes().to_vec(),
        // The divisors are the spreads of the whole numbers that the scale multiplies.
        Kind::Q4_0 => put(0, spread / 4.6),
        Kind::Q5_0 => put(0, spread / 9.2),
        Kind::Q8_0 => put(0, spread / 74.0),
        Kind::Q4_1 => {
            put(0, spread / 4.6);
            put(2, -7.5 * spread / 4.6);
        }
        Kind::Q5_1 => {
            put(0, spread / 9.2);
            put(2, -15.5 * spread / 9.2);
        }
        Kind::Q4K => {
            put(0, spread / 250.0);
            put(2, 7.5 * spread / 250.0);
        }
        Kind::Q5K => {
            put(0, spread / 500.0);
            put(2, 15.5 * spread / 500.0);
        }
        Kind::Q6K => put(208, spread / 1370.0),
        // Of random bits the floats spread by 2.9; a power of two comes near.
        Kind::Mxfp4 => block[0] = (127.0 + (spread / 2.9).log2()).round() as u8,
    }
    block
}

/// What stored weights mean.
pub(crate) fn decode(kind: Kind, bytes: &[u8]) -> Vec<f32> {
    let (_, _, _, block_bytes) = kind.facts();
    bytes.chunks_exact(block_bytes).flat_map(|block| decode_block(kind, block)).collect()
}

fn decode_block(kind: Kind, block: &[u8]) -> Vec<f32> {
    let half = |at: usize| f16::from_le_bytes([block[at], block[at + 1]]).to_f32();
    match kind {
        Kind::F32 => vec![f32::from_le_bytes(block.try_into().unwrap())],
        Kind::F16 => vec![half(0)],
        Kind::Bf16 => vec![bf16::from_le_bytes([block[0], block[1]]).to_f32()],
        Kind::Q4_0 => nibbles(&block[2..]).map(|q| half(0) * (f32::from(q) - 8.0)).collect(),
        Kind::Q4_1 => nibbles(&block[4..]).map(|q| half(0) * f32::from(q) + half(2)).collect(),
        Kind::Q5_0 => fifths(&block[2..]).map(|q| half(0) * (f32::from(q) - 16.0)).collect(),
        Kind::Q5_1 => fifths(&block[4..]).map(|q| half(0) * f32::from(q) + half(2)).collect(),
        Kind::Q8_0 => block[2..].iter().map(|q| half(0) * f32::from(q.cast_signed())).collect(),
        Kind::Q4K | Kind::Q5K => sub_blocks(kind, block),
        Kind::Q6K => sixths(block),
        Kind::Mxfp4 => {
            let scale = f32::from(i16::from(block[0]) - 127).exp2();
            nibbles(&block[1..]).map(|bits| scale * four_bit_float(bits)).collect()
        }
    }
}

/// 32 numbers of 4 bits: first all low halves, then all high ones.
fn nibbles(bytes: &[u8]) -> impl Iterator<Item = u8> {
    bytes.iter().map(|byte| byte & 15).chain(bytes.iter().map(|byte| byte >> 4))
}

/// A sign, two bits of an exponent that begins at 1 (0: half of it, without the leading one), one of a mantissa.
fn four_bit_float(bits: u8) -> f32 {
    let (exponent, half) = (bits >> 1 & 3, f32::from(bits & 1) / 2.0);
    let size = if exponent == 0 { half } else { (1.0 + half) * f32::from(exponent - 1).exp2() };
    if bits & 8 == 0 { size } else { -size }
}

/// 32 numbers of 5 bits: 32 high bits first, then the low ones as nibbles.
fn fifths(bytes: &[u8]) -> impl Iterator<Item = u8> {
    let high = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    nibbles(&bytes[4..]).enumerate().map(move |(at, low)| low | (((high >> at) & 1) as u8) << 4)
}

/// 8 sub-blocks of 32, each with a scale and a minimum of 6 bits.
fn sub_blocks(kind: Kind, block: &[u8]) -> Vec<f32> {
    let half = |at: usize| f16::from_le_bytes([block[at], block[at + 1]]).to_f32();
    let scales = &block[4..16];
    let (high, low) = if kind == Kind::Q5K { (&block[16..48], &block[48..]) } else { (&[][..], &block[16..]) };
    let mut weights = Vec::with_capacity(256);
    for sub in 0..8 {
        let (scale, minimum) = if sub < 4 {
            (scales[sub] & 63, scales[sub + 4] & 63)
        } else {
            let (low, top) = (scales[sub + 4], (scales[sub - 4] >> 6, scales[sub] >> 6));
            (low & 15 | top.0 << 4, low >> 4 | top.1 << 4)
        };
        for at in 0..32 {
            let byte = low[sub / 2 * 32 + at];
            let mut q = if sub % 2 == 0 { byte & 15 } else { byte >> 4 };
            if kind == Kind::Q5K {
                q |= (high[at] >> sub & 1) << 4;
            }
            weights.push(half(0) * f32::from(scale) * f32::from(q) - half(2) * f32::from(minimum));
        }
    }
    weights
}

/// 16 sub-blocks of 16 with a signed scale of 8 bits; weights of 6 bits, 4 low and 2 high.
fn sixths(block: &[u8]) -> Vec<f32> {
    let (low, high, scales) = (&block[..128], &block[128..192], &block[192..208]);
    let scale = f16::from_le_bytes([block[208], block[209]]).to_f32();
    let mut weights = Vec::with_capacity(256);
    for at in 0..256 {
        let (side, quarter, within) = (at / 128, at % 128 / 32, at % 32);
        let byte = low[side * 64 + quarter % 2 * 32 + within];
        let nibble = if quarter < 2 { byte & 15 } else { byte >> 4 };
        let top = high[side * 32 + within] >> (2 * quarter) & 3;
        let q = f32::from(nibble | top << 4) - 32.0;
        weights.push(scale * f32::from(scales[at / 16].cast_signed()) * q);
    }
    weights
}

#[test]
fn every_kind_means_what_the_gguf_package_says() {
    let golden: serde_json::Value = serde_json::from_str(include_str!("../../testdata/blocks.json")).unwrap();
    for kind in KINDS {
        let name = kind.facts().1;
        let stored = golden["kinds"][name]["bytes"].as_str().unwrap();
        let stored: Vec<u8> =
            (0..stored.len()).step_by(2).map(|at| u8::from_str_radix(&stored[at..at + 2], 16).unwrap()).collect();
        let expected = golden["kinds"][name]["weights"].as_str().unwrap();
        let expected: Vec<f32> = expected.split(' ').map(|weight| weight.parse().unwrap()).collect();
        let weights = decode(kind, &stored);
        assert_eq!(weights.len(), expected.len(), "{name}");
        for (weight, expected) in weights.iter().zip(expected) {
            assert!((weight - expected).abs() <= 1e-6 * expected.abs().max(1e-3), "{name}: {weight} for {expected}");
        }
    }
}
