//! The goldens' networks as Hugging Face's classes have them, written as folders: the other way round than converters go. It
//! must not know what the engine makes of them.

use safetensors::tensor::Dtype;
use serde_json::json;

use crate::architectures::committed;
use crate::drawn::{Drawn, drawn};
use crate::folder_writer::{FolderWriter, Tensor};

impl FolderWriter {
    /// The network of a golden, as Hugging Face's class has it.
    pub(crate) fn of_golden(name: &str) -> Self {
        let golden = committed(name);
        let mut config = golden["config"].clone();
        config["architectures"] = json!([golden["class"]]);
        let published = Published {
            architecture: golden["entries"][0][2].as_str().unwrap().to_owned(),
            head_dim: config["head_dim"].as_u64().unwrap() as usize,
        };
        let all = golden["tensors"].as_array().unwrap().iter().map(drawn);
        let tensors = all.filter(|tensor| tensor.name != "rope_freqs.weight").map(|tensor| published.tensor(tensor));
        Self { config, tensors: tensors.collect(), dtype: Dtype::F32, shards: 1, files: Vec::new() }
    }
}

/// How Hugging Face's class has what GGUF has: the other way round than converters go, written out plainly.
struct Published {
    /// GGUF's.
    architecture: String,
    head_dim: usize,
}

impl Published {
    fn tensor(&self, Drawn { name, dims, mut values }: Drawn) -> Tensor {
        let shape: Vec<usize> = dims.iter().rev().map(|length| *length as usize).collect();
        let stem = name.rsplit('.').nth(1).unwrap();
        let neighbours = ["llama", "smollm3", "granite"].contains(&self.architecture.as_str());
        if neighbours && ["attn_q", "attn_k"].contains(&stem) {
            values = self.halves(&values, values.len() / shape[0]);
        }
        if self.architecture == "gemma3" && stem.ends_with("_norm") {
            for value in &mut values {
                *value -= 1.0;
            }
        }
        Tensor { name: self.name(&name), shape, values }
    }

    /// Rows that turn together: neighbours in GGUF, half a head apart here.
    fn halves(&self, values: &[f32], row: usize) -> Vec<f32> {
        let mut turned = Vec::with_capacity(values.len());
        for head in values.chunks_exact(self.head_dim * row) {
            for half in 0..2 {
                for pair in 0..self.head_dim / 2 {
                    turned.extend(&head[(2 * pair + half) * row..][..row]);
                }
            }
        }
        turned
    }

    fn name(&self, gguf: &str) -> String {
        match gguf {
            "token_embd.weight" => return "model.embed_tokens.weight".to_owned(),
            "output_norm.weight" => return "model.norm.weight".to_owned(),
            "output.weight" => return "lm_head.weight".to_owned(),
            _ => {}
        }
        let mut parts = gguf.split('.').skip(1);
        let (layer, stem, kind) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        let here = match (stem, self.architecture.as_str()) {
            ("attn_norm", _) => "input_layernorm",
            ("post_attention_norm", "hyperclovax") => "post_norm1",
            ("post_ffw_norm", "hyperclovax") => "post_norm2",
            ("ffn_norm", "gemma3") => "pre_feedforward_layernorm",
            ("ffn_norm" | "post_attention_norm", _) => "post_attention_layernorm",
            ("post_ffw_norm", _) => "post_feedforward_layernorm",
            ("attn_q", _) => "self_attn.q_proj",
            ("attn_k", _) => "self_attn.k_proj",
            ("attn_v", _) => "self_attn.v_proj",
            ("attn_output", _) => "self_attn.o_proj",
            ("attn_q_norm", _) => "self_attn.q_norm",
            ("attn_k_norm", _) => "self_attn.k_norm",
            ("ffn_gate", _) => "mlp.gate_proj",
            ("ffn_up", _) => "mlp.up_proj",
            ("ffn_down", _) => "mlp.down_proj",
            (other, _) => panic!("{other} has no name here"),
        };
        format!("model.layers.{layer}.{here}.{kind}")
    }
}
