//! How a tensor's weights are stored: sizes of blocks and names as ggml gives them. It must not know how they are
//! computed.

/// A way of storing weights that this engine reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum TensorKind {
    /// 32-bit floating point.
    F32,
    /// 16-bit floating point (IEEE half).
    F16,
    /// 16-bit floating point with the range of `F32`.
    Bf16,
    /// 32 weights: an f16 scale, 4 bits each, minus 8.
    Q4_0,
    /// 32 weights: an f16 scale and an f16 minimum, 4 bits each.
    Q4_1,
    /// 32 weights: an f16 scale, 5 bits each, minus 16.
    Q5_0,
    /// 32 weights: an f16 scale and an f16 minimum, 5 bits each.
    Q5_1,
    /// 32 weights: an f16 scale, 8 bits each.
    Q8_0,
    /// 256 weights: 8 sub-blocks with 6-bit scales and minima, 4 bits each.
    Q4K,
    /// 256 weights: 8 sub-blocks with 6-bit scales and minima, 5 bits each.
    Q5K,
    /// 256 weights: 16 sub-blocks with 8-bit scales, 6 bits each.
    Q6K,
    /// 32 weights: a power of two, 4-bit floats (E2M1; OCP Microscaling Formats 1.0).
    Mxfp4,
}

/// Number in the file, name, kind where it is read.
const KINDS: [(u32, &str, Option<TensorKind>); 35] = [
    (0, "F32", Some(TensorKind::F32)),
    (1, "F16", Some(TensorKind::F16)),
    (2, "Q4_0", Some(TensorKind::Q4_0)),
    (3, "Q4_1", Some(TensorKind::Q4_1)),
    (6, "Q5_0", Some(TensorKind::Q5_0)),
    (7, "Q5_1", Some(TensorKind::Q5_1)),
    (8, "Q8_0", Some(TensorKind::Q8_0)),
    (9, "Q8_1", None),
    (10, "Q2_K", None),
    (11, "Q3_K", None),
    (12, "Q4_K", Some(TensorKind::Q4K)),
    (13, "Q5_K", Some(TensorKind::Q5K)),
    (14, "Q6_K", Some(TensorKind::Q6K)),
    (15, "Q8_K", None),
    (16, "IQ2_XXS", None),
    (17, "IQ2_XS", None),
    (18, "IQ3_XXS", None),
    (19, "IQ1_S", None),
    (20, "IQ4_NL", None),
    (21, "IQ3_S", None),
    (22, "IQ2_S", None),
    (23, "IQ4_XS", None),
    (24, "I8", None),
    (25, "I16", None),
    (26, "I32", None),
    (27, "I64", None),
    (28, "F64", None),
    (29, "IQ1_M", None),
    (30, "BF16", Some(TensorKind::Bf16)),
    (31, "Q4_0_4_4", None),
    (32, "Q4_0_4_8", None),
    (33, "Q4_0_8_8", None),
    (34, "TQ1_0", None),
    (35, "TQ2_0", None),
    (39, "MXFP4", Some(TensorKind::Mxfp4)),
];

impl TensorKind {
    /// The kind with this number in the file, or words that say why there is none.
    pub(super) fn from_number(number: u32) -> Result<Self, String> {
        let stored = match KINDS.iter().find(|kind| kind.0 == number) {
            Some((_, _, Some(kind))) => return Ok(*kind),
            Some((_, name, None)) => format!("is stored as {name}"),
            None => format!("is stored in a way with the unknown number {number}"),
        };
        let read: Vec<&str> = KINDS.iter().filter(|kind| kind.2.is_some()).map(|kind| kind.1).collect();
        Err(format!(
            "{stored}, which this engine does not read; take a file of the model that uses {}",
            read.join(", ")
        ))
    }

    /// The name as ggml writes it, such as `Q4_K`.
    pub(crate) fn name(self) -> &'static str {
        KINDS.iter().find(|kind| kind.2 == Some(self)).map_or("", |kind| kind.1)
    }

    /// Weights in a block; a row is a whole number of blocks.
    pub(crate) fn block_weights(self) -> usize {
        match self {
            Self::F32 | Self::F16 | Self::Bf16 => 1,
            Self::Q4_0 | Self::Q4_1 | Self::Q5_0 | Self::Q5_1 | Self::Q8_0 | Self::Mxfp4 => 32,
            Self::Q4K | Self::Q5K | Self::Q6K => 256,
        }
    }

    /// Bytes of a block.
    pub(crate) fn block_bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
            Self::Q4_0 => 2 + 16,
            Self::Q4_1 => 2 + 2 + 16,
            Self::Q5_0 => 2 + 4 + 16,
            Self::Q5_1 => 2 + 2 + 4 + 16,
            Self::Q8_0 => 2 + 32,
            Self::Q4K => 2 + 2 + 12 + 128,
            Self::Q5K => 2 + 2 + 12 + 32 + 128,
            Self::Q6K => 128 + 64 + 16 + 2,
            Self::Mxfp4 => 1 + 16,
        }
    }

    /// Bytes of this many weights, a whole number of blocks; nothing where that exceeds 64 bits.
    pub(crate) fn bytes_of(self, weights: u64) -> Option<u64> {
        (weights / self.block_weights() as u64).checked_mul(self.block_bytes() as u64)
    }
}
