//! What an operator may choose about the engine, and what it is when nothing is chosen.

use std::str::FromStr;

/// How a model is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Threads that compute, the caller's among them; 0 for one for each core that the process may use.
    pub threads: usize,
    /// Bytes of the key-value cache. They are taken when first used, not when the model is loaded.
    pub cache_bytes: usize,
    /// Tokens of one sequence at most, where the model was not made for fewer.
    pub context_tokens_max: usize,
    /// Instruction set.
    pub kernels: KernelChoice,
    /// How matrices are kept that a model's folder stores as floats; those of a GGUF file stay as it stores them.
    pub float_weights: FloatWeights,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            threads: 0,
            // Of a model of a billion weights some 40,000 tokens: five full contexts, or hundreds of short ones.
            cache_bytes: 1 << 30,
            context_tokens_max: 8192,
            kernels: KernelChoice::Auto,
            float_weights: FloatWeights::EightBits,
        }
    }
}

/// How matrices of floats are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FloatWeights {
    /// Rounded to 8 bits with a scale for each 32 weights, as GGUF's Q8_0: half the memory of 16-bit floats, and answers
    /// that can hardly be told from theirs.
    #[default]
    EightBits,
    /// As they are stored.
    AsStored,
}

/// Instruction sets that there are kernels for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KernelChoice {
    /// The best that the processor has.
    #[default]
    Auto,
    /// What the compiler makes of plain Rust.
    Portable,
    /// AVX2, FMA and F16C.
    Avx2,
    /// AVX-512 with F, BW, VL, DQ and VNNI.
    Avx512Vnni,
    /// The same, and matrix registers (AMX) with bfloat16s where many rows are computed at once.
    Amx,
}

impl FromStr for KernelChoice {
    type Err = String;

    /// The word that the measuring programs take.
    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "auto" => Ok(Self::Auto),
            "portable" => Ok(Self::Portable),
            "avx2" => Ok(Self::Avx2),
            "avx512" => Ok(Self::Avx512Vnni),
            "amx" => Ok(Self::Amx),
            other => Err(format!("no kernels are named `{other}`; take auto, portable, avx2, avx512 or amx")),
        }
    }
}
