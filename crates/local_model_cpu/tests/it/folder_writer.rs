//! Writes models as folders of Hugging Face's form for tests: good ones, and ones that lie. It must not know what the
//! engine makes of them.
#![expect(clippy::disallowed_methods, reason = "a test's own files, which no crash can harm")]

use std::fs;
use std::path::Path;

use safetensors::tensor::{Dtype, TensorView};
use serde_json::{Map, Value, json};

use crate::blocks::Random;

/// A folder in the making.
#[derive(Clone)]
pub(crate) struct FolderWriter {
    pub(crate) config: Value,
    pub(crate) tensors: Vec<Tensor>,
    /// Tensors that are stored as they are.
    pub(crate) raw: Vec<RawTensor>,
    /// How the weights are stored.
    pub(crate) dtype: Dtype,
    /// Files that the weights are spread over.
    pub(crate) shards: usize,
    /// Files beside `config.json` and the weights: name and text.
    pub(crate) files: Vec<(String, String)>,
}

#[derive(Clone)]
pub(crate) struct RawTensor {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) dtype: Dtype,
    pub(crate) bytes: Vec<u8>,
}

#[derive(Clone)]
pub(crate) struct Tensor {
    pub(crate) name: String,
    /// Rows before columns.
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Vec<f32>,
}

impl FolderWriter {
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
        Self { config, tensors, raw: Vec::new(), dtype: Dtype::BF16, shards: 1, files: Vec::new() }
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
        let floats = |tensor: &Tensor| {
            let Tensor { name, shape, values } = tensor.clone();
            RawTensor { name, shape, dtype: self.dtype, bytes: stored(self.dtype, &values) }
        };
        let stored: Vec<RawTensor> = self.tensors.iter().map(floats).chain(self.raw.iter().cloned()).collect();
        let view = |at: usize| {
            let RawTensor { name, shape, dtype, bytes } = &stored[at];
            (name.clone(), TensorView::new(*dtype, shape.clone(), bytes).unwrap())
        };
        if self.shards == 1 {
            let bytes = safetensors::serialize((0..stored.len()).map(view), None).unwrap();
            fs::write(folder.join("model.safetensors"), bytes).unwrap();
            return;
        }
        let mut map = Map::new();
        let each = stored.len().div_ceil(self.shards);
        for (number, first) in (0..stored.len()).step_by(each).enumerate() {
            let name = format!("model-{:05}-of-{:05}.safetensors", number + 1, self.shards);
            let part = first..(first + each).min(stored.len());
            fs::write(folder.join(&name), safetensors::serialize(part.clone().map(view), None).unwrap()).unwrap();
            map.extend(stored[part].iter().map(|tensor| (tensor.name.clone(), json!(name))));
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
