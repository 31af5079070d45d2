//! Weights made bfloat16s, on processors that can do so, whether or not they have matrix registers.

use half::bf16;

use super::*;
use crate::samples::{KINDS, Random, random_matrix};

#[test]
fn weights_become_the_nearest_bfloat16s() {
    const COLUMNS: usize = 768;
    let vectors = is_x86_feature_detected!("avx512bf16") && is_x86_feature_detected!("avx512vbmi");
    let Some(simd) = Avx512::detect().filter(|_| vectors) else {
        println!("left out: the processor lacks AVX-512 with VBMI or bfloat16s");
        return;
    };
    for kind in KINDS.into_iter().filter(|kind| kind.block_weights() > 1) {
        let (matrix, memory) = random_matrix(&mut Random(23), kind, 32, COLUMNS);
        for (strip, blocks) in [(0, 0..24), (1, 0..24), (1, 3..17), (0, 23..24)] {
            let mut to: Box<[BrainPairs; BLOCKS]> = vec![BrainPairs([[0; 32]; 16]); BLOCKS].try_into().ok().unwrap();
            expand(simd, matrix.strip(memory.values(), strip), blocks.clone(), &mut to);
            for row in 0..16 {
                let mut weights = vec![0.0; COLUMNS];
                matrix.unpack_row(memory.values(), 16 * strip + row, &mut weights);
                for (within, weight) in weights[32 * blocks.start..32 * blocks.end].iter().enumerate() {
                    let pair = to[within / 32].0[within % 32 / 2];
                    let ours = bf16::from_bits(pair[2 * row + within % 2]).to_f32();
                    // A bfloat16 is off by at most 2^-8 of itself; what is added and taken away again is in 32 bits.
                    let allowed = weight.abs() / 256.0 + 1e-6;
                    assert!((ours - weight).abs() <= allowed, "{kind:?} {row} {within}: {ours} for {weight}");
                }
            }
        }
    }
}
