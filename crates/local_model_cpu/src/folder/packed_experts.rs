//! Experts that a folder holds packed, all of a layer in one: blocks of 4-bit floats, their scales and biases, gates and ups in
//! turns. They become what GGUF calls experts' tensors. It must not know how they are computed.

use std::collections::BTreeMap;

use super::tensors::{Place, Weights, floats};
use crate::LoadError;
use crate::apart::{BLOCK_BYTES, BLOCK_FLOATS, Turns};
use crate::gguf::TensorKind;
use crate::shard::Shard;

/// What gates and ups in one are called until they are told apart.
pub(super) const BOTH: &str = "ffn_gate_up_exps";
/// What the parts of a packed matrix end with until they are put together.
pub(super) const BLOCKS: &str = ".blocks";
pub(super) const SCALES: &str = ".scales";
const BIAS: &str = ".bias";

const ALL: Turns = Turns { first: 0, step: 1 };
const IN_TURNS: [(&str, Turns); 2] =
    [("ffn_gate_exps", Turns { first: 0, step: 2 }), ("ffn_up_exps", Turns { first: 1, step: 2 })];

/// Puts together what is packed.
pub(super) fn unpack(places: &mut BTreeMap<String, Place>, shards: &[Shard]) -> Result<(), LoadError> {
    let ending = |end: &str| -> Vec<String> {
        places.keys().filter_map(|name| name.strip_suffix(end)).map(str::to_owned).collect()
    };
    let (matrices, scales, biases) = (ending(BLOCKS), ending(SCALES), ending(&format!("{BOTH}{BIAS}")));
    if let Some(stem) = scales.iter().find(|stem| !places.contains_key(&format!("{stem}{BLOCKS}"))) {
        return Err(LoadError::tensor(places[&format!("{stem}{SCALES}")].stored_name(), "has no blocks beside it"));
    }
    for stem in matrices {
        matrix(&stem, places)?;
    }
    for layer in biases {
        both_biases(&layer, places, shards)?;
    }
    Ok(())
}

/// A matrix of blocks and scales, or two in turns.
fn matrix(stem: &str, places: &mut BTreeMap<String, Place>) -> Result<(), LoadError> {
    let Some(blocks) = places.remove(&format!("{stem}{BLOCKS}")) else { return Ok(()) };
    let name = blocks.stored_name().to_owned();
    let scales = places.remove(&format!("{stem}{SCALES}"));
    let scales = scales.ok_or_else(|| LoadError::tensor(&name, "has no scales beside it; the folder is incomplete"))?;
    let of_both = stem.strip_suffix(BOTH);
    // Sizes the other way round than the folder has them: bytes, blocks, rows, experts.
    let [block_bytes, row_blocks, rows, experts] = blocks.dims[..] else {
        let problem = "must have four sizes: experts, rows, blocks and 16 bytes";
        return Err(LoadError::tensor(&name, problem));
    };
    if block_bytes != BLOCK_BYTES as u64 || (of_both.is_some() && !rows.is_multiple_of(2)) {
        let problem = format!(
            "has {block_bytes} bytes a block and {rows} rows; {BLOCK_BYTES}, and gates and ups in turns, are read"
        );
        return Err(LoadError::tensor(&name, problem));
    }
    if scales.dims != [row_blocks, rows, experts] {
        let problem = format!("has the sizes {:?}; its blocks ask for {:?}", scales.dims, [row_blocks, rows, experts]);
        return Err(LoadError::tensor(scales.stored_name(), problem));
    }
    let columns = row_blocks * BLOCK_FLOATS as u64;
    let place = |turns: Turns| Place {
        dims: vec![columns, rows / turns.step as u64, experts],
        kind: TensorKind::Mxfp4,
        weights: Weights::Apart {
            blocks: Box::new(blocks.weights.clone()),
            scales: Box::new(scales.weights.clone()),
            turns,
        },
    };
    match of_both {
        Some(layer) => places.extend(IN_TURNS.map(|(name, turns)| (format!("{layer}{name}.weight"), place(turns)))),
        None => places.extend([(format!("{stem}.weight"), place(ALL))]),
    }
    Ok(())
}

/// Biases of gates and ups in turns; small, and made here.
fn both_biases(layer: &str, places: &mut BTreeMap<String, Place>, shards: &[Shard]) -> Result<(), LoadError> {
    let Some(both) = places.remove(&format!("{layer}{BOTH}{BIAS}")) else { return Ok(()) };
    // A matrix is larger by far: what is made here is bounded by the file.
    let gates = places.get(&format!("{layer}ffn_gate_exps.weight")).map(|gates| &gates.dims[1..]);
    let [rows, experts] = both.dims[..] else {
        return Err(LoadError::tensor(both.stored_name(), "must have two sizes: experts and rows"));
    };
    if !rows.is_multiple_of(2) || gates != Some(&[rows / 2, experts]) {
        let problem =
            format!("has the sizes {:?}, which are not those of the gates and ups that it is added to", both.dims);
        return Err(LoadError::tensor(both.stored_name(), problem));
    }
    for (name, Turns { first, step }) in IN_TURNS {
        let biases = floats(both.kind, both.weights.bytes(shards)).skip(first).step_by(step);
        let made = biases.flat_map(f32::to_le_bytes).collect();
        let place = Place { dims: vec![rows / 2, experts], kind: TensorKind::F32, weights: Weights::Made(made) };
        places.insert(format!("{layer}{name}{BIAS}"), place);
    }
    Ok(())
}
