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
        let floats = golden["tensors"].as_array().unwrap().iter().filter(|tensor| tensor["bytes"].is_null());
        let all = floats.map(drawn);
        let stored = all.filter(|tensor| tensor.name != "rope_freqs.weight").flat_map(apart);
        let tensors = stored.map(|tensor| published.tensor(tensor)).collect();
        Self { config, tensors, raw: Vec::new(), dtype: Dtype::F32, shards: 1, files: Vec::new() }
    }

    /// A network of Llama's class as EXAONE 3.5's own class has it.
    pub(crate) fn in_exaones_own_form(mut self) -> Self {
        let fields = [
            ("num_hidden_layers", "num_layers"),
            ("rms_norm_eps", "layer_norm_epsilon"),
            ("hidden_act", "activation_function"),
        ];
        self.config["hidden_act"] = json!("silu");
        let config = self.config.as_object_mut().unwrap();
        for (usual, own) in fields {
            let value = config.remove(usual).unwrap();
            config.insert(own.to_owned(), value);
        }
        config.insert("architectures".to_owned(), json!(["ExaoneForCausalLM"]));
        for tensor in &mut self.tensors {
            for (usual, own) in [
                ("model.layers", "transformer.h"),
                ("model.embed_tokens", "transformer.wte"),
                ("model.norm", "transformer.ln_f"),
                ("input_layernorm", "ln_1"),
                ("post_attention_layernorm", "ln_2"),
                ("self_attn.o_proj", "attn.attention.out_proj"),
                ("self_attn", "attn.attention"),
                ("gate_proj", "c_fc_0"),
                ("up_proj", "c_fc_1"),
                ("down_proj", "c_proj"),
            ] {
                tensor.name = tensor.name.replace(usual, own);
            }
        }
        self
    }
}

/// What GGUF has of all experts in one, expert by expert.
fn apart(tensor: Drawn) -> Vec<Drawn> {
    let [columns, rows, _] = *tensor.dims else { return vec![tensor] };
    let each = tensor.values.chunks_exact((columns * rows) as usize).enumerate();
    let expert = |(number, values): (usize, &[f32])| Drawn {
        name: tensor.name.replace("_exps.", &format!("_exps.{number}.")),
        dims: vec![columns, rows],
        values: values.to_vec(),
    };
    each.map(expert).collect()
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
        let parts: Vec<&str> = gguf.split('.').collect();
        if let [_, layer, stem, expert, "weight"] = parts[..] {
            let matrix = stem.trim_start_matches("ffn_").trim_end_matches("_exps");
            return format!("model.layers.{layer}.mlp.experts.{expert}.{matrix}_proj.weight");
        }
        let [_, layer, stem, kind] = parts[..] else { panic!("{gguf} is no name") };
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
            ("exp_probs_b", _) => return format!("model.layers.{layer}.mlp.gate.e_score_correction_bias"),
            ("attn_sinks", _) => return format!("model.layers.{layer}.self_attn.sinks"),
            ("ffn_gate_inp", "gpt-oss") => "mlp.router",
            ("ffn_gate_exps", _) => "mlp.experts.gate_proj",
            ("ffn_up_exps", _) => "mlp.experts.up_proj",
            ("ffn_down_exps", _) => "mlp.experts.down_proj",
            ("ffn_gate_inp", _) => "mlp.gate",
            ("ffn_gate_shexp", _) => "mlp.shared_experts.gate_proj",
            ("ffn_up_shexp", _) => "mlp.shared_experts.up_proj",
            ("ffn_down_shexp", _) => "mlp.shared_experts.down_proj",
            ("ffn_gate", _) => "mlp.gate_proj",
            ("ffn_up", _) => "mlp.up_proj",
            ("ffn_down", _) => "mlp.down_proj",
            (other, _) => panic!("{other} has no name here"),
        };
        format!("model.layers.{layer}.{here}.{kind}")
    }
}
