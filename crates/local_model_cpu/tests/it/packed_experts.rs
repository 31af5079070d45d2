//! gpt-oss as it is published: experts packed as blocks of 4-bit floats, their scales apart, gates and ups in turns. Held from a
//! folder against Hugging Face's class, and against a GGUF file of the same weights, which must compute the same to the bit.

use local_model::{Engine, Run, Token};
use local_model_cpu::{FloatWeights, KernelChoice, Settings, file_sizes, inspect, load_engine};
use safetensors::tensor::Dtype;
use serde_json::{Value, json};

use crate::architectures::{Golden, committed, prompts_at_once, token_by_token};
use crate::blocks::{Kind, Random};
use crate::drawn::{Drawn, drawn, fnv_1a};
use crate::folder_writer::{FolderWriter, RawTensor, Tensor};
use crate::gguf_writer::GgufWriter;
use crate::hostile_files::SETTINGS;

const NAME: &str = "gpt-oss-packed";
const EXPERTS: usize = 8;
/// How far logits may be where activations are rounded to 8 bits: the farthest, and in the mean. Wrong halves of blocks, or
/// gates and ups changed for each other, are twenty times as far away at least.
const APART: (f64, f64) = (0.25, 0.02);

/// Bytes that a golden names by the range that they are drawn from.
fn bytes(tensor: &Value) -> Option<RawTensor> {
    let [first, count] = [0, 1].map(|at| tensor["bytes"][at].as_u64());
    let (first, count) = (first?, count?);
    let name = tensor["name"].as_str().unwrap().to_owned();
    let dims = tensor["dims"].as_array().unwrap();
    let shape: Vec<usize> = dims.iter().rev().map(|length| length.as_u64().unwrap() as usize).collect();
    let mut random = Random(fnv_1a(&name));
    let bytes = (0..shape.iter().product()).map(|_| (first + (random.next() >> 16) % count) as u8).collect();
    Some(RawTensor { name, shape, dtype: Dtype::U8, bytes })
}

fn packed() -> Vec<RawTensor> {
    committed(NAME)["tensors"].as_array().unwrap().iter().filter_map(bytes).collect()
}

/// The golden's network as a folder.
fn folder() -> FolderWriter {
    let mut writer = FolderWriter::of_golden(NAME);
    writer.config["quantization_config"] = json!({"quant_method": "mxfp4", "modules_to_not_convert": ["lm_head"]});
    let layers = writer.config["num_hidden_layers"].as_u64().unwrap();
    let prefix = |layer: u64| format!("model.layers.{layer}.mlp.experts.");
    for layer in 0..layers {
        let [gates, ups] = ["gate", "up"].map(|part| {
            let name = format!("{}{part}_proj.bias", prefix(layer));
            let at = writer.tensors.iter().position(|tensor| tensor.name == name).unwrap();
            writer.tensors.remove(at)
        });
        let values = gates.values.iter().zip(&ups.values).flat_map(|(gate, up)| [*gate, *up]).collect();
        let (name, shape) = (format!("{}gate_up_proj_bias", prefix(layer)), vec![EXPERTS, 2 * gates.shape[1]]);
        writer.tensors.push(Tensor { name, shape, values });
        writer.tensor(&format!("{}down_proj.bias", prefix(layer))).name = format!("{}down_proj_bias", prefix(layer));
    }
    for mut tensor in packed() {
        let parts: Vec<&str> = tensor.name.split('.').collect();
        let [_, layer, stem, kind] = parts[..] else { panic!("{} is no name", tensor.name) };
        let matrix = stem.trim_start_matches("ffn_").trim_end_matches("_exps");
        tensor.name = format!("{}{matrix}_proj_{kind}", prefix(layer.parse().unwrap()));
        writer.raw.push(tensor);
    }
    writer
}

/// The same as a GGUF file: each block's scale before it, its first half in the low halves of its bytes.
fn file() -> GgufWriter {
    let mut file = Golden::entries(NAME);
    for tensor in committed(NAME)["tensors"].as_array().unwrap() {
        if tensor["bytes"].is_null() {
            let Drawn { name, dims, values } = drawn(tensor);
            file.tensor(
                &name,
                &dims,
                Kind::F32.number(),
                values.iter().flat_map(|value| value.to_le_bytes()).collect(),
            );
        }
    }
    let packed = packed();
    for blocks in packed.iter().filter(|tensor| tensor.name.ends_with(".blocks")) {
        let stem = blocks.name.trim_end_matches(".blocks");
        let scales = packed.iter().find(|tensor| tensor.name == format!("{stem}.scales")).unwrap();
        let [_, rows, row_blocks, _] = blocks.shape[..] else { panic!("{stem} has other sizes") };
        let both = stem.contains("gate_up");
        for part in if both { &["gate", "up"][..] } else { &["down"] } {
            let name = format!("{}.ffn_{part}_exps.weight", stem.rsplit_once('.').unwrap().0);
            let is_here = |row: usize| !both || row.is_multiple_of(2) == (*part == "gate");
            let mut stored = Vec::new();
            for (at, (block, scale)) in blocks.bytes.chunks_exact(16).zip(&scales.bytes).enumerate() {
                if is_here(at / row_blocks) {
                    let floats: Vec<u8> = block.iter().flat_map(|byte| [byte & 15, byte >> 4]).collect();
                    stored.push(*scale);
                    stored.extend((0..16).map(|at| floats[at] | floats[at + 16] << 4));
                }
            }
            let rows = if both { rows / 2 } else { rows };
            file.tensor(&name, &[32 * row_blocks as u64, rows as u64, EXPERTS as u64], Kind::Mxfp4.number(), stored);
        }
    }
    file
}

fn logits(engine: &mut dyn Engine, tokens: &[Token]) -> Vec<f32> {
    let slot = engine.reserve(tokens.len()).unwrap();
    let run = Run { slot, position: 0, tokens, logits: 1 };
    let logits = engine.forward(&[run]).unwrap().rows().next().unwrap().to_vec();
    engine.release(slot);
    logits
}

#[test]
fn a_published_folder_computes_what_hugging_face_computes_of_it() {
    let home = tempfile::tempdir().unwrap();
    let golden = Golden::read_rows(NAME);
    folder().write(home.path());
    let path = home.path().join("network.gguf");
    file().write(&path);
    for kernels in [KernelChoice::Portable, KernelChoice::Auto] {
        for float_weights in [FloatWeights::AsStored, FloatWeights::EightBits] {
            let settings =
                Settings { threads: 2, cache_bytes: 16 << 20, kernels, float_weights, ..Settings::default() };
            let mut engine = load_engine(home.path(), &settings).unwrap();
            let ways = [prompts_at_once(engine.as_mut(), &golden), token_by_token(engine.as_mut(), &golden, 100)];
            for apart in ways {
                println!("{kernels:?}, {float_weights:?}: max {:.6}, mean {:.6}", apart.max, apart.mean());
                assert!(apart.max < APART.0 && apart.mean() < APART.1, "{}, {}", apart.max, apart.mean());
            }
            if float_weights == FloatWeights::AsStored {
                let mut of_file = load_engine(&path, &settings).unwrap();
                let tokens: Vec<Token> = (0..90).map(|at| at * 7 % 61).collect();
                assert_eq!(logits(engine.as_mut(), &tokens), logits(of_file.as_mut(), &tokens), "{kernels:?}");
            }
        }
    }
}

#[test]
fn packed_experts_keep_their_four_bits() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("network.gguf");
    file().write(&path);
    folder().write(home.path());
    let [of_file, of_folder] = [path.as_path(), home.path()].map(|path| file_sizes(path).unwrap().weight_bytes);
    let floats: usize = packed().iter().map(|tensor| tensor.bytes.len()).sum::<usize>();
    assert!(of_file > floats as u64, "{of_file} {floats}");
    // Beside experts all is floats: of 32 bits as stored, of 8 bits and scales where they are rounded.
    let others: usize = folder().tensors.iter().filter(|tensor| tensor.shape.len() == 2).map(|t| t.values.len()).sum();
    assert!(of_file.abs_diff(of_folder) < 4 * others as u64, "{of_file} {of_folder} {others}");
}

/// What is said of a folder that was spoilt.
fn told(spoil: impl FnOnce(&mut FolderWriter)) -> String {
    let home = tempfile::tempdir().unwrap();
    let mut writer = folder();
    spoil(&mut writer);
    writer.write(home.path());
    let words = load_engine(home.path(), &SETTINGS).err().unwrap().to_string();
    assert!(inspect(home.path()).is_err());
    words
}

#[test]
fn folders_that_are_packed_otherwise_are_refused_by_name() {
    const DOWN: &str = "model.layers.1.mlp.experts.down_proj";
    let without = |name: &'static str| told(move |writer| writer.raw.retain(|tensor| tensor.name != name));
    let changed = |name: &'static str, change: fn(&mut RawTensor)| {
        told(move |writer| change(writer.raw.iter_mut().find(|tensor| tensor.name == name).unwrap()))
    };
    let said = |field: &'static str, value: Value| told(move |writer| writer.config[field] = value);
    let cases = [
        (without("model.layers.1.mlp.experts.down_proj_scales"), "has no scales beside it"),
        (without("model.layers.1.mlp.experts.down_proj_blocks"), "has no blocks beside it"),
        (
            told(|writer| writer.raw.retain(|tensor| !tensor.name.starts_with(DOWN))),
            "tensor `model.layers.1.mlp.experts.down_proj_blocks` is missing",
        ),
        (
            told(|writer| writer.tensors.retain(|tensor| tensor.name != "model.layers.0.self_attn.sinks")),
            "tensor `model.layers.0.self_attn.sinks` is missing",
        ),
        (
            told(|writer| {
                writer.tensors.retain(|tensor| tensor.name != "model.layers.2.mlp.experts.gate_up_proj_bias");
            }),
            "tensor `model.layers.2.mlp.experts.gate_up_proj_bias` is missing",
        ),
        (
            changed("model.layers.0.mlp.experts.down_proj_scales", |scales| scales.shape = vec![EXPERTS, 32, 2]),
            "`model.layers.0.mlp.experts.down_proj_scales` has the sizes [2, 32, 8]; its blocks ask for [1, 64, 8]",
        ),
        (
            changed("model.layers.0.mlp.experts.down_proj_blocks", |blocks| blocks.shape = vec![EXPERTS, 64, 2, 8]),
            "has 8 bytes a block",
        ),
        (
            changed("model.layers.0.mlp.experts.down_proj_blocks", |blocks| blocks.shape = vec![EXPERTS, 64, 16]),
            "must have four sizes",
        ),
        (
            changed("model.layers.0.mlp.experts.down_proj_blocks", |blocks| {
                (blocks.dtype, blocks.shape) = (Dtype::BF16, vec![EXPERTS, 64, 1, 8]);
            }),
            "is stored as BF16; U8 is expected here",
        ),
        (
            changed("model.layers.0.mlp.experts.down_proj_blocks", |blocks| {
                (blocks.shape, blocks.bytes) = (vec![0, 1 << 40, 1 << 40, 16], Vec::new());
            }),
            "none may be zero",
        ),
        (
            told(|writer| {
                let bias = writer.tensor("model.layers.0.mlp.experts.gate_up_proj_bias");
                bias.shape = vec![EXPERTS, 65];
                bias.values = vec![0.0; EXPERTS * 65];
            }),
            "which are not those of the gates and ups",
        ),
        (said("attention_bias", json!(false)), "`attention_bias` is false, but the weights have such biases"),
        (said("quantization_config", json!({"quant_method": "gptq"})), "quantised by `gptq`"),
        (said("swiglu_limit", json!(10.0)), "`swiglu_limit` is 10; 7 is computed"),
        (said("num_local_experts", json!(16)), "but the metadata ask for [64, 16]"),
    ];
    for (words, expected) in cases {
        assert!(words.contains(expected), "{words}\nis not about: {expected}");
    }
}
