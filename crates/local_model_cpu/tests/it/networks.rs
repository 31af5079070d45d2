//! Small random networks, written as model files. It must not know how they are computed.

use std::path::{Path, PathBuf};

use crate::blocks::{Kind, Random, decode, random_blocks};
use crate::gguf_writer::GgufWriter;

/// The sizes and the family of a network.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// `llama` or `qwen2`.
    pub(crate) architecture: &'static str,
    /// How its matrices are stored.
    pub(crate) kind: Kind,
    pub(crate) layers: usize,
    pub(crate) width: usize,
    pub(crate) feed_width: usize,
    pub(crate) heads: usize,
    pub(crate) kv_heads: usize,
    pub(crate) head_dim: usize,
    pub(crate) vocabulary: usize,
    /// Whether queries, keys and values have biases.
    pub(crate) biases: bool,
    /// Whether the output is the embedding.
    pub(crate) tied: bool,
    /// Whether the file brings factors for the angles.
    pub(crate) rope_factors: bool,
    pub(crate) rope_base: f32,
}

impl Plan {
    /// The smallest network that a kind can store, of a family's usual build.
    pub(crate) fn small(architecture: &'static str, kind: Kind) -> Self {
        let qwen = architecture == "qwen2";
        let wide = kind.block_weights() == 256;
        Self {
            architecture,
            kind,
            layers: 2,
            width: if wide { 256 } else { 96 },
            feed_width: if wide { 256 } else { 160 },
            heads: if wide { 4 } else { 3 },
            kv_heads: if wide { 2 } else { 1 },
            head_dim: if wide { 64 } else { 32 },
            vocabulary: 301,
            biases: qwen,
            tied: qwen,
            rope_factors: false,
            rope_base: if qwen { 1_000_000.0 } else { 10_000.0 },
        }
    }
}

/// A matrix as the file means it: rows of weights.
#[derive(Clone)]
pub(crate) struct Matrix {
    pub(crate) columns: usize,
    pub(crate) weights: Vec<f32>,
}

/// A layer as the file means it.
pub(crate) struct Layer {
    pub(crate) attention_norm: Vec<f32>,
    pub(crate) query: Matrix,
    pub(crate) key: Matrix,
    pub(crate) value: Matrix,
    pub(crate) query_bias: Vec<f32>,
    pub(crate) key_bias: Vec<f32>,
    pub(crate) value_bias: Vec<f32>,
    pub(crate) attention_output: Matrix,
    pub(crate) feed_norm: Vec<f32>,
    pub(crate) gate: Matrix,
    pub(crate) up: Matrix,
    pub(crate) down: Matrix,
}

/// A network as its file means it, with the file.
pub(crate) struct Network {
    pub(crate) plan: Plan,
    pub(crate) embedding: Matrix,
    pub(crate) layers: Vec<Layer>,
    pub(crate) output_norm: Vec<f32>,
    pub(crate) output: Matrix,
    pub(crate) rope_factors: Vec<f32>,
    pub(crate) file: GgufWriter,
}

impl Network {
    /// Makes one; the same for the same plan.
    pub(crate) fn random(plan: &Plan) -> Self {
        let mut maker =
            Maker { plan: plan.clone(), random: Random(0x2545_f491_4f6c_dd1d), file: GgufWriter::default() };
        maker.metadata();
        let embedding = maker.matrix("token_embd.weight", plan.vocabulary, plan.width);
        let layers = (0..plan.layers).map(|layer| maker.layer(layer)).collect();
        let output_norm = maker.norm("output_norm.weight");
        let output =
            if plan.tied { embedding.clone() } else { maker.matrix("output.weight", plan.vocabulary, plan.width) };
        let pairs = plan.head_dim / 2;
        let rope_factors = if plan.rope_factors {
            maker.floats("rope_freqs.weight", pairs, |random| 4.0 + 3.0 * random.float())
        } else {
            vec![1.0; pairs]
        };
        Self { plan: plan.clone(), embedding, layers, output_norm, output, rope_factors, file: maker.file }
    }

    pub(crate) fn write(&self, folder: &Path) -> PathBuf {
        let path = folder.join("network.gguf");
        self.file.write(&path);
        path
    }
}

struct Maker {
    plan: Plan,
    random: Random,
    file: GgufWriter,
}

impl Maker {
    fn metadata(&mut self) {
        let plan = &self.plan;
        let key = |name: &str| format!("{}.{name}", plan.architecture);
        self.file
            .string("general.architecture", plan.architecture)
            .u32(&key("context_length"), 512)
            .u32(&key("block_count"), plan.layers as u32)
            .u32(&key("embedding_length"), plan.width as u32)
            .u32(&key("feed_forward_length"), plan.feed_width as u32)
            .u32(&key("attention.head_count"), plan.heads as u32)
            .u32(&key("attention.head_count_kv"), plan.kv_heads as u32)
            .u32(&key("attention.key_length"), plan.head_dim as u32)
            .f32(&key("attention.layer_norm_rms_epsilon"), 1e-5)
            .f32(&key("rope.freq_base"), plan.rope_base);
    }

    fn layer(&mut self, layer: usize) -> Layer {
        let plan = self.plan.clone();
        let name = |what: &str| format!("blk.{layer}.{what}");
        let (query_width, kv_width) = (plan.heads * plan.head_dim, plan.kv_heads * plan.head_dim);
        Layer {
            attention_norm: self.norm(&name("attn_norm.weight")),
            query: self.matrix(&name("attn_q.weight"), query_width, plan.width),
            key: self.matrix(&name("attn_k.weight"), kv_width, plan.width),
            value: self.matrix(&name("attn_v.weight"), kv_width, plan.width),
            query_bias: self.bias(&name("attn_q.bias"), query_width),
            key_bias: self.bias(&name("attn_k.bias"), kv_width),
            value_bias: self.bias(&name("attn_v.bias"), kv_width),
            attention_output: self.matrix(&name("attn_output.weight"), plan.width, query_width),
            feed_norm: self.norm(&name("ffn_norm.weight")),
            gate: self.matrix(&name("ffn_gate.weight"), plan.feed_width, plan.width),
            up: self.matrix(&name("ffn_up.weight"), plan.feed_width, plan.width),
            down: self.matrix(&name("ffn_down.weight"), plan.width, plan.feed_width),
        }
    }

    fn matrix(&mut self, name: &str, rows: usize, columns: usize) -> Matrix {
        let kind = self.plan.kind;
        let spread = 1.0 / (columns as f32).sqrt();
        let stored = random_blocks(&mut self.random, kind, rows * columns, spread);
        let weights = decode(kind, &stored);
        self.file.tensor(name, &[columns as u64, rows as u64], kind.number(), stored);
        Matrix { columns, weights }
    }

    fn norm(&mut self, name: &str) -> Vec<f32> {
        self.floats(name, self.plan.width, |random| 1.0 + 0.3 * random.float())
    }

    fn bias(&mut self, name: &str, length: usize) -> Vec<f32> {
        if self.plan.biases { self.floats(name, length, |random| 0.5 * random.float()) } else { vec![0.0; length] }
    }

    fn floats(&mut self, name: &str, length: usize, one: impl Fn(&mut Random) -> f32) -> Vec<f32> {
        let floats: Vec<f32> = (0..length).map(|_| one(&mut self.random)).collect();
        let stored = floats.iter().flat_map(|float| float.to_le_bytes()).collect();
        self.file.tensor(name, &[length as u64], Kind::F32.number(), stored);
        floats
    }
}

/// A whole model of some kilobytes with a byte-level vocabulary, whose network has room for at least so many tokens.
pub(crate) fn whole_model(tokens_min: usize) -> GgufWriter {
    let vocabulary: serde_json::Value =
        serde_json::from_str(include_str!("../../testdata/tiny_vocabulary.json")).expect("a golden is JSON");
    let texts = |key: &str| -> Vec<String> {
        let texts = vocabulary[key].as_array().expect("a list").iter();
        texts.map(|text| text.as_str().expect("a text").to_owned()).collect()
    };
    let mut tokens = texts("tokens");
    let mut types = vec![1; tokens.len()];
    let end = u32::try_from(tokens.len()).expect("a small vocabulary");
    tokens.push("<|end|>".to_owned());
    types.push(3);
    let plan = Plan { vocabulary: tokens.len().max(tokens_min), layers: 1, ..Plan::small("llama", Kind::Q4_0) };
    let mut file = Network::random(&plan).file;
    file.string("tokenizer.ggml.model", "gpt2")
        .string("tokenizer.ggml.pre", "smollm")
        .strings("tokenizer.ggml.tokens", &tokens)
        .i32s("tokenizer.ggml.token_type", &types)
        .strings("tokenizer.ggml.merges", &texts("merges"))
        .u32("tokenizer.ggml.eos_token_id", end)
        .string("tokenizer.chat_template", "{% for m in messages %}{{ m.role }}: {{ m.content }}<|end|>{% endfor %}");
    file
}
