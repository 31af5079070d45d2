//! Encoders against goldens of `transformers` and `sentence-transformers`, and folders made to break them. The small networks
//! are written here, the real model's folder is named by an environment variable.
#![expect(clippy::disallowed_methods, reason = "a test's own files, which no crash can harm")]

use std::fs;
use std::path::Path;

use local_model::{EngineError, LoadedEmbedder, Token};
use local_model_cpu::{KernelChoice, LoadError, Settings, foresee, inspect, load_embedder};
use safetensors::tensor::Dtype;
use serde_json::{Value, json};

use crate::encoder_writer::{EncoderFolder, tiny};
use crate::goldens::model_path;

impl EncoderFolder {
    fn load(&self) -> Result<LoadedEmbedder, LoadError> {
        load_embedder(self.path(), &Settings { threads: 2, ..Settings::default() })
    }

    fn refusal(&self) -> String {
        let loaded = self.load().map(|_| ()).unwrap_err().to_string();
        assert_eq!(inspect(self.path()).unwrap_err().to_string(), loaded, "inspecting says the same");
        loaded
    }
}

fn testdata(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name);
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn tokens(case: &Value) -> Vec<Token> {
    case["tokens"].as_array().unwrap().iter().map(|token| token.as_u64().unwrap() as Token).collect()
}

fn floats(case: &Value) -> Vec<f64> {
    case["vector"].as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
}

/// The greatest difference of single numbers, and the cosine.
fn apart(ours: &[f32], golden: &[f64]) -> (f64, f64) {
    assert_eq!(ours.len(), golden.len());
    let ours: Vec<f64> = ours.iter().map(|value| f64::from(*value)).collect();
    let most = ours.iter().zip(golden).map(|(one, other)| (one - other).abs()).fold(0.0, f64::max);
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    (most, dot(&ours, golden) / (dot(&ours, &ours) * dot(golden, golden)).sqrt())
}

#[test]
fn small_networks_are_computed_as_transformers_does() {
    for pooling in ["mean", "first"] {
        let golden = tiny(pooling);
        let folder = EncoderFolder::new(&golden);
        for kernels in [KernelChoice::Portable, KernelChoice::Auto, KernelChoice::Avx2] {
            let settings = Settings { threads: 2, kernels, ..Settings::default() };
            let mut loaded = match load_embedder(folder.path(), &settings) {
                Err(LoadError::Machine(_)) => continue,
                loaded => loaded.unwrap(),
            };
            let cases = golden["cases"].as_array().unwrap();
            let texts: Vec<Vec<Token>> = cases.iter().map(tokens).collect();
            let views: Vec<&[Token]> = texts.iter().map(Vec::as_slice).collect();
            let together = loaded.embedder.embed(&views).unwrap();
            for ((case, text), vector) in cases.iter().zip(&views).zip(&together) {
                let (most, cosine) = apart(vector, &floats(case));
                assert!(most < 2e-5 && cosine > 0.999_999, "{pooling} {kernels:?} of {}: {most} {cosine}", text.len());
                let alone = loaded.embedder.embed(&[text]).unwrap();
                let (most, _) = apart(vector, &alone[0].iter().map(|value| f64::from(*value)).collect::<Vec<_>>());
                assert!(most < 1e-5, "{pooling} {kernels:?}: alone {} tokens are {most} apart", text.len());
            }
        }
    }
}

#[test]
fn an_encoder_is_foreseen_without_weights() {
    let folder = EncoderFolder::new(&tiny("mean"));
    fs::remove_file(folder.path().join("model.safetensors")).unwrap();
    foresee(folder.path()).unwrap();
    folder.put("tokenizer.json", "{}");
    assert!(foresee(folder.path()).unwrap_err().to_string().contains("`tokenizer.json` cannot be read"));
}

#[test]
fn weights_of_16_bits_and_older_names_are_read() {
    let golden = tiny("mean");
    let folder = EncoderFolder::new(&golden);
    let case = &golden["cases"][6];
    let embed = || folder.load().unwrap().embedder.embed(&[&tokens(case)]).unwrap().remove(0);
    let old =
        |name: &str| name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta");
    folder.weights(Dtype::F32, |name| Some(format!("bert.{}", old(name))));
    assert!(apart(&embed(), &floats(case)).0 < 2e-5);
    for (stored, most) in [(Dtype::F16, 4e-3), (Dtype::BF16, 4e-2)] {
        folder.weights(stored, |name| Some(name.to_owned()));
        let (found, cosine) = apart(&embed(), &floats(case));
        assert!(found < most && found > 1e-5 && cosine > 0.999, "{stored}: {found} {cosine}");
    }
}

#[test]
fn texts_are_neither_cut_off_nor_filled_up() {
    let loaded = EncoderFolder::new(&tiny("mean")).load().unwrap();
    let codec = loaded.codec;
    assert_eq!(codec.encode("W4 w5 w6 w7, w8").unwrap(), [2, 4, 5, 6, 7, 1, 8, 3]);
    assert_eq!(codec.encode("").unwrap(), [2, 3]);
    assert_eq!(codec.whole(&[4, 5]), [2, 4, 5, 3]);
    assert_eq!(codec.whole(&[2, 4, 5, 3]), [2, 4, 5, 3]);
    assert_eq!(codec.whole(&[2]), [2, 2, 3], "a beginning without an end is text");
    assert_eq!((loaded.card.dimensions, loaded.card.context_tokens, loaded.card.vocabulary), (Some(64), 64, 61));
    assert_eq!((loaded.card.architecture.as_str(), loaded.card.quantisation.as_str()), ("bert", "F32"));
}

#[test]
fn what_does_not_fit_is_an_error_and_no_panic() {
    let mut loaded = EncoderFolder::new(&tiny("mean")).load().unwrap();
    let most = loaded.embedder.batch_tokens_max();
    let long = vec![1; 65];
    let many = vec![[1; 64].as_slice(); most / 64 + 1];
    for (texts, says) in [
        (vec![[].as_slice()], "1 to 64"),
        (vec![long.as_slice()], "1 to 64"),
        (vec![&[61]], "token 61"),
        (many, "exceeds"),
    ] {
        let EngineError(why) = loaded.embedder.embed(&texts).unwrap_err();
        assert!(why.contains(says), "{why}");
    }
    assert_eq!(loaded.embedder.embed(&[]).unwrap(), Vec::<Vec<f32>>::new());
}

#[test]
fn folders_that_are_not_understood_are_refused_by_name() {
    let golden = tiny("mean");
    let config = |key: &str, value: Value| {
        let mut config = golden["config"].clone();
        config[key] = value;
        config.to_string()
    };
    let module = |kind: &str, path: &str| {
        json!([{"type": "x.Transformer", "path": ""}, {"type": kind, "path": path}]).to_string()
    };
    let table = [
        ("config.json", config("model_type", json!("roberta")), "the model type is `roberta`"),
        ("config.json", config("hidden_act", json!("relu")), "`hidden_act` is `relu`"),
        ("config.json", config("position_embedding_type", json!("relative_key")), "`relative_key`"),
        ("config.json", config("is_decoder", json!(true)), "encoders only"),
        ("config.json", config("hidden_size", json!(65)), "`hidden_size` is 65; a multiple of 32"),
        ("config.json", config("hidden_size", json!(1u64 << 40)), "`hidden_size` is 1099511627776"),
        (
            "config.json",
            config("hidden_size", json!(128)),
            "has the sizes [64, 64], but `config.json` asks for [128, 128]",
        ),
        ("config.json", config("num_attention_heads", json!(0)), "`num_attention_heads` is 0"),
        ("config.json", config("num_attention_heads", json!(8)), "heads of a multiple of 16"),
        (
            "config.json",
            config("num_hidden_layers", json!(4)),
            "`encoder.layer.3.attention.self.query.weight` is missing",
        ),
        ("config.json", config("num_hidden_layers", json!(1u64 << 40)), "1 to 1024"),
        ("config.json", config("vocab_size", json!(60)), "up to number 60; the model has vectors for 60"),
        ("config.json", config("vocab_size", json!(4_000_000)), "asks for [4000000, 64]"),
        ("config.json", config("layer_norm_eps", json!(-1)), "`layer_norm_eps` is -1"),
        ("config.json", "{".to_owned(), "`config.json` cannot be read"),
        ("config.json", " ".repeat(2 << 20), "at most 1048576 bytes"),
        ("modules.json", module("x.Dense", "2_Dense"), "has the steps Transformer, Dense"),
        ("modules.json", module("x.Pooling", "../other"), "must be a folder beside it"),
        ("modules.json", module("x.Pooling", "/etc"), "must be a folder beside it"),
        ("modules.json", module("x.Pooling", "2_Pooling"), "names `2_Pooling/config.json`, which is not there"),
        ("1_Pooling/config.json", json!({"pooling_mode": "max"}).to_string(), "asks for another pooling"),
        (
            "1_Pooling/config.json",
            json!({"pooling_mode_mean_tokens": true, "pooling_mode_max_tokens": true}).to_string(),
            "asks for another pooling",
        ),
        (
            "config_sentence_transformers.json",
            json!({"default_prompt_name": "query"}).to_string(),
            "puts the prompt `query` before",
        ),
        ("sentence_bert_config.json", json!({"max_seq_length": 2}).to_string(), "allows 2 tokens"),
        ("tokenizer.json", "{}".to_owned(), "`tokenizer.json` cannot be read"),
        ("model.safetensors", String::new(), "is empty"),
        ("model.safetensors", "\u{8}\0\0\0\0\0\0\0not json".to_owned(), "no safetensors file, or damaged"),
        (
            "model.safetensors",
            "\u{7f}\u{7f}\u{7f}\u{7f}\u{7f}\u{7f}\u{7f}\u{7f}{}".to_owned(),
            "no safetensors file, or damaged",
        ),
    ];
    for (file, text, says) in table {
        let folder = EncoderFolder::new(&golden);
        folder.put(file, &text);
        let told = folder.refusal();
        assert!(told.contains(says), "{file} said: {told}");
    }
    for file in ["config.json", "tokenizer.json", "model.safetensors"] {
        let folder = EncoderFolder::new(&golden);
        fs::remove_file(folder.path().join(file)).unwrap();
        assert!(folder.refusal().contains(file), "{file}");
    }
}

#[test]
fn a_file_of_weights_that_lies_or_was_cut_is_refused() {
    let golden = tiny("mean");
    let folder = EncoderFolder::new(&golden);
    let whole = fs::read(folder.path().join("model.safetensors")).unwrap();
    for length in [1, 7, 8, 9, 500, whole.len() / 2, whole.len() - 1] {
        fs::write(folder.path().join("model.safetensors"), &whole[..length]).unwrap();
        assert!(folder.refusal().contains("damaged"), "cut to {length}");
    }
    folder.weights(Dtype::F32, |name| (!name.ends_with("2.output.dense.bias")).then(|| name.to_owned()));
    assert!(folder.refusal().contains("`encoder.layer.2.output.dense.bias` is missing"));
    // Sizes that multiply to more than there is.
    let header = br#"{"embeddings.word_embeddings.weight":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}}"#;
    let lie = [(header.len() as u64).to_le_bytes().as_slice(), header, &[0; 4]].concat();
    fs::write(folder.path().join("model.safetensors"), lie).unwrap();
    assert!(folder.refusal().contains("damaged"));
}

#[test]
fn the_real_model_makes_the_vectors_that_sentence_transformers_makes() {
    let Some(path) = model_path("GWANMUN_TEST_EMBEDDER") else {
        println!("left out: GWANMUN_TEST_EMBEDDER names no folder");
        return;
    };
    check_real(&path);
}

fn check_real(path: &Path) {
    let golden = testdata("embeddings.json");
    let mut loaded = load_embedder(path, &Settings::default()).unwrap();
    assert_eq!(loaded.card.context_tokens, golden["tokens_max"].as_u64().unwrap());
    let (mut worst, mut least) = (0.0_f64, 1.0_f64);
    let cases = golden["cases"].as_array().unwrap();
    for case in cases {
        let text = case["text"].as_str().unwrap();
        assert_eq!(loaded.codec.encode(text).unwrap(), tokens(case), "{text}");
        let vector = loaded.embedder.embed(&[&tokens(case)]).unwrap().remove(0);
        let (most, cosine) = apart(&vector, &floats(case));
        (worst, least) = (worst.max(most), least.min(cosine));
    }
    let texts: Vec<Vec<Token>> = cases.iter().map(tokens).filter(|text| text.len() < 40).collect();
    let views: Vec<&[Token]> = texts.iter().map(Vec::as_slice).collect();
    let together = loaded.embedder.embed(&views).unwrap();
    for (vector, case) in together.iter().zip(cases.iter().filter(|case| tokens(case).len() < 40)) {
        let (most, cosine) = apart(vector, &floats(case));
        (worst, least) = (worst.max(most), least.min(cosine));
    }
    println!("greatest difference of a number {worst:.2e}, least cosine {least:.9}");
    assert!(worst < 1e-5 && least > 0.999_999, "{worst} {least}");
    for case in golden["long"].as_array().unwrap() {
        let found = loaded.codec.encode(case["text"].as_str().unwrap()).unwrap();
        assert_eq!(found.len() as u64, case["tokens"].as_u64().unwrap());
        assert_eq!(loaded.embedder.embed(&[&found]).is_err(), found.len() > 256, "{} tokens", found.len());
    }
}
