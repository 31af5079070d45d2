//! Writes encoders' folders for tests: the small networks of the goldens. It must not know what the engine makes of them.
#![expect(clippy::disallowed_methods, reason = "a test's own files, which no crash can harm")]

use std::fs;
use std::path::Path;

use safetensors::tensor::{Dtype, TensorView};
use serde_json::{Value, json};

use crate::drawn::{Drawn, drawn};

/// A folder with one of the small networks.
pub(crate) struct EncoderFolder {
    home: tempfile::TempDir,
    golden: Value,
}

impl EncoderFolder {
    pub(crate) fn new(golden: &Value) -> Self {
        let folder = Self { home: tempfile::tempdir().unwrap(), golden: golden.clone() };
        folder.put("config.json", &golden["config"].to_string());
        let way = golden["pooling"].as_str().unwrap();
        folder.put(
            "1_Pooling/config.json",
            &json!({"pooling_mode_mean_tokens": way == "mean", "pooling_mode_cls_token": way == "first"}).to_string(),
        );
        let modules = ["Transformer", "Pooling"].map(|kind| {
            json!({"path": if kind == "Pooling" { "1_Pooling" } else { "" }, "type": format!("sentence_transformers.models.{kind}")})
        });
        folder.put("modules.json", &Value::from(modules.to_vec()).to_string());
        folder.put("tokenizer.json", &tokenizer().to_string());
        folder.weights(Dtype::F32, |name| Some(name.to_owned()));
        folder
    }

    pub(crate) fn path(&self) -> &Path {
        self.home.path()
    }

    pub(crate) fn put(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Writes the weights, stored so, each under the name that is given for it.
    pub(crate) fn weights(&self, stored: Dtype, name: impl Fn(&str) -> Option<String>) {
        let tensors: Vec<(String, Vec<usize>, Vec<u8>)> = (self.golden["tensors"].as_array().unwrap().iter())
            .filter_map(|tensor| {
                let Drawn { name: own_name, dims, values: floats } = drawn(tensor);
                let shape: Vec<usize> = dims.iter().rev().map(|length| *length as usize).collect();
                let bytes = match stored {
                    Dtype::BF16 => floats.iter().flat_map(|value| half::bf16::from_f32(*value).to_le_bytes()).collect(),
                    Dtype::F16 => floats.iter().flat_map(|value| half::f16::from_f32(*value).to_le_bytes()).collect(),
                    _ => floats.iter().flat_map(|value| value.to_le_bytes()).collect(),
                };
                Some((name(&own_name)?, shape, bytes))
            })
            .collect();
        let views =
            tensors.iter().map(|(name, shape, bytes)| (name, TensorView::new(stored, shape.clone(), bytes).unwrap()));
        fs::write(self.path().join("model.safetensors"), safetensors::serialize(views, None).unwrap()).unwrap();
    }
}

/// A tokenizer of 61 words, `w3` and the like, as BERT's.
fn tokenizer() -> Value {
    let words =
        ["[PAD]", "[UNK]", "[CLS]", "[SEP]"].map(str::to_owned).into_iter().chain((4..61).map(|n| format!("w{n}")));
    let vocabulary: serde_json::Map<String, Value> = words.zip(0..).map(|(word, id)| (word, Value::from(id))).collect();
    let special = |word: &str, id: u32| json!({"SpecialToken": {"id": word, "type_id": id}});
    json!({
        "version": "1.0", "truncation": {"max_length": 4, "strategy": "LongestFirst", "stride": 0, "direction": "Right"},
        "padding": {"strategy": {"Fixed": 9}, "direction": "Right", "pad_to_multiple_of": null, "pad_id": 0, "pad_type_id": 0, "pad_token": "[PAD]"},
        "added_tokens": [], "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null, "lowercase": true},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "TemplateProcessing",
            "single": [special("[CLS]", 0), {"Sequence": {"id": "A", "type_id": 0}}, special("[SEP]", 0)],
            "pair": [special("[CLS]", 0), {"Sequence": {"id": "A", "type_id": 0}}, special("[SEP]", 0), {"Sequence": {"id": "B", "type_id": 1}}, special("[SEP]", 1)],
            "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [2], "tokens": ["[CLS]"]}, "[SEP]": {"id": "[SEP]", "ids": [3], "tokens": ["[SEP]"]}}},
        "decoder": null,
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100, "vocab": vocabulary},
    })
}

/// The golden of a pooling, `mean` or `first`.
pub(crate) fn tiny(pooling: &str) -> Value {
    let networks = serde_json::from_str::<Value>(include_str!("../../testdata/tiny_encoders.json")).unwrap();
    networks.as_array().unwrap().iter().find(|network| network["pooling"] == pooling).unwrap().clone()
}
