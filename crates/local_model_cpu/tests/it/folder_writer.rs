//! Writes models as folders of Hugging Face's form for tests: good ones, and ones that lie. It must not know what the
//! engine makes of them.
#![expect(clippy::disallowed_methods, reason = "a test's own files, which no crash can harm")]

use std::fs;
use std::path::Path;

use safetensors::tensor::{Dtype, TensorView};
use serde_json::{Map, Value, json};

use crate::architectures::{Drawn, committed, drawn};
use crate::blocks::Random;

/// A folder in the making.
#[derive(Clone)]
pub(crate) struct FolderWriter {
    pub(crate) config: Value,
    pub(crate) tensors: Vec<Tensor>,
    /// How the weights are stored.
    pub(crate) dtype: Dtype,
    /// Files that the weights are spread over.
    pub(crate) shards: usize,
    /// Files beside `config.json` and the weights: name and text.
    pub(crate) files: Vec<(String, String)>,
}

#[derive(Clone)]
pub(crate) struct Tensor {
    pub(crate) name: String,
    /// Rows before columns.
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Vec<f32>,
}

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

    /// A network of one layer and of random weights, with so many tokens.
    pub(crate) fn small(class: &str, vocabulary: usize) -> Self {
        let config = json!({
            "architectures": [class], "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 1,
            "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 32, "rms_norm_eps": 1e-5,
            "rope_theta": 10_000.0, "max_position_embeddings": 512, "vocab_size": vocabulary, "hidden_act": "silu",
            "tie_word_embeddings": true, "eos_token_id": vocabulary - 1, "torch_dtype": "bfloat16",
        });
        let layer = |what: &str| format!("model.layers.0.{what}.weight");
        let mut shapes = vec![
            ("model.embed_tokens.weight".to_owned(), vec![vocabulary, 64]),
            ("model.norm.weight".to_owned(), vec![64]),
            (layer("input_layernorm"), vec![64]),
            (layer("post_attention_layernorm"), vec![64]),
            (layer("self_attn.q_proj"), vec![64, 64]),
            (layer("self_attn.k_proj"), vec![32, 64]),
            (layer("self_attn.v_proj"), vec![32, 64]),
            (layer("self_attn.o_proj"), vec![64, 64]),
            (layer("mlp.gate_proj"), vec![96, 64]),
            (layer("mlp.up_proj"), vec![96, 64]),
            (layer("mlp.down_proj"), vec![64, 96]),
        ];
        if class.starts_with("Qwen3") {
            shapes.extend([(layer("self_attn.q_norm"), vec![32]), (layer("self_attn.k_norm"), vec![32])]);
        }
        let mut random = Random(0x2545_f491_4f6c_dd1d);
        let tensor = |(name, shape): (String, Vec<usize>)| {
            let values = (0..shape.iter().product::<usize>()).map(|_| 0.2 * random.float()).collect();
            Tensor { name, shape, values }
        };
        let tensors = shapes.into_iter().map(tensor).collect();
        Self { config, tensors, dtype: Dtype::BF16, shards: 1, files: Vec::new() }
    }

    pub(crate) fn with_file(mut self, name: &str, text: &Value) -> Self {
        self.files.push((name.to_owned(), text.to_string()));
        self
    }

    /// The same, `rope_parameters` said as before there was such a field.
    pub(crate) fn in_the_older_form(mut self) -> Self {
        let newer = self.config.as_object_mut().unwrap().remove("rope_parameters").unwrap();
        let mut full = newer.get("full_attention").unwrap_or(&newer).clone();
        self.config["rope_theta"] = full.as_object_mut().unwrap().remove("rope_theta").unwrap();
        if let Some(windowed) = newer.get("sliding_attention") {
            self.config["rope_local_base_freq"] = windowed["rope_theta"].clone();
        }
        self.config["rope_scaling"] = if full["rope_type"] == "default" { Value::Null } else { full };
        self
    }

    pub(crate) fn tensor(&mut self, name: &str) -> &mut Tensor {
        self.tensors.iter_mut().find(|tensor| tensor.name == name).unwrap()
    }

    /// Writes all files.
    pub(crate) fn write(&self, folder: &Path) {
        fs::write(folder.join("config.json"), self.config.to_string()).unwrap();
        for (name, text) in &self.files {
            fs::write(folder.join(name), text).unwrap();
        }
        let stored: Vec<(&Tensor, Vec<u8>)> =
            self.tensors.iter().map(|tensor| (tensor, stored(self.dtype, &tensor.values))).collect();
        let view = |(tensor, bytes): &(&Tensor, Vec<u8>)| {
            (tensor.name.clone(), TensorView::new(self.dtype, tensor.shape.clone(), &bytes.clone().leak()[..]).unwrap())
        };
        if self.shards == 1 {
            let bytes = safetensors::serialize(stored.iter().map(view), None).unwrap();
            fs::write(folder.join("model.safetensors"), bytes).unwrap();
            return;
        }
        let mut map = Map::new();
        for (number, part) in stored.chunks(stored.len().div_ceil(self.shards)).enumerate() {
            let name = format!("model-{:05}-of-{:05}.safetensors", number + 1, self.shards);
            fs::write(folder.join(&name), safetensors::serialize(part.iter().map(view), None).unwrap()).unwrap();
            map.extend(part.iter().map(|(tensor, _)| (tensor.name.clone(), json!(name))));
        }
        let index = json!({"metadata": {"total_size": 1}, "weight_map": map});
        fs::write(folder.join("model.safetensors.index.json"), index.to_string()).unwrap();
    }
}

fn stored(dtype: Dtype, values: &[f32]) -> Vec<u8> {
    match dtype {
        Dtype::BF16 => values.iter().flat_map(|value| half::bf16::from_f32(*value).to_le_bytes()).collect(),
        Dtype::F16 => values.iter().flat_map(|value| half::f16::from_f32(*value).to_le_bytes()).collect(),
        Dtype::F64 => values.iter().flat_map(|value| f64::from(*value).to_le_bytes()).collect(),
        _ => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
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
