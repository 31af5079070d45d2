//! Models in folders of Hugging Face's form: the small networks of real configurations against the same goldens as their
//! GGUF files, and tokenizers against the crate that wrote the form.

use std::path::Path;

use local_model::{Engine, Speaker, Turn};
use local_model_cpu::{FloatWeights, KernelChoice, Settings, file_sizes, foresee, inspect, load, load_engine};
use safetensors::tensor::Dtype;
use serde_json::{Value, json};

use crate::architectures::{Golden, NETWORKS, committed, prompts_at_once, token_by_token};
use crate::folder_writer::{FolderWriter, Tensor};
use crate::hostile_files::SETTINGS;
use crate::tokenizer_writer::{byte_level, digits_then_words, tokenizer, tokenizer_of_pieces};

/// The goldens whose classes are read from folders.
const READ: [&str; 17] = [
    "llama",
    "llama3",
    "llama-biases",
    "ax4",
    "qwen3",
    "qwen3-yarn",
    "gemma3",
    "exaone",
    "exaone4",
    "exaone4-small",
    "smollm3",
    "granite",
    "hyperclovax",
    "hyperclovax-plain",
    "qwen3moe",
    "exaone-moe",
    "solar",
];
/// How far logits may be from a golden's where weights and activations are rounded to 8 bits, in multiples of what is
/// allowed where they are not: the farthest, and in the mean.
const ROUNDED: (f64, f64) = (80.0, 80.0);
/// The same of mixtures, where experts that are nearly as good as each other change places: of random ones many are.
const ROUNDED_MIXTURE: (f64, f64) = (400.0, 150.0);
const AS_STORED: (f64, f64) = (1.0, 1.0);

fn engine(folder: &Path, float_weights: FloatWeights, kernels: KernelChoice) -> Box<dyn Engine> {
    let settings = Settings { threads: 2, cache_bytes: 16 << 20, kernels, float_weights, ..Settings::default() };
    load_engine(folder, &settings).unwrap()
}

fn bounds(name: &str) -> (f64, f64) {
    let (_, max, mean) = NETWORKS.into_iter().find(|(known, ..)| *known == name).unwrap();
    (max, mean)
}

/// Loads what was written, and says where its logits are too far away.
fn too_far(name: &str, form: &str, writer: &FolderWriter, floats: FloatWeights, factors: (f64, f64)) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    writer.write(folder.path());
    let golden = Golden::read(name);
    let (max, mean) = bounds(name);
    let mut engine = engine(folder.path(), floats, KernelChoice::Auto);
    let ways = [
        ("at once", prompts_at_once(engine.as_mut(), &golden)),
        ("100, then one by one", token_by_token(engine.as_mut(), &golden, 100)),
    ];
    let mut wrong = Vec::new();
    for (way, apart) in ways {
        let words = format!("{name}, {form}, {way}: max {:.6}, mean {:.6}", apart.max, apart.mean());
        println!("{words}");
        if apart.max > factors.0 * max || apart.mean() > factors.1 * mean {
            wrong.push(words);
        }
    }
    wrong
}

#[test]
fn every_class_computes_from_a_folder_what_hugging_face_computes() {
    let mut wrong = Vec::new();
    for name in READ {
        let writer = FolderWriter::of_golden(name);
        let rounded = if writer.config["moe_intermediate_size"].is_null() { ROUNDED } else { ROUNDED_MIXTURE };
        let older = writer.clone().in_the_older_form();
        let spread = FolderWriter { shards: 3, ..writer.clone() };
        wrong.extend(too_far(name, "as stored", &writer, FloatWeights::AsStored, AS_STORED));
        wrong.extend(too_far(name, "the older form", &older, FloatWeights::AsStored, AS_STORED));
        wrong.extend(too_far(name, "in shards, 8 bits", &spread, FloatWeights::EightBits, rounded));
        for dtype in [Dtype::BF16, Dtype::F16] {
            let halves = FolderWriter { dtype, ..writer.clone() };
            wrong.extend(too_far(name, &format!("{dtype}, 8 bits"), &halves, FloatWeights::EightBits, rounded));
        }
    }
    assert!(wrong.is_empty(), "too far away:\n{}", wrong.join("\n"));
}

#[test]
fn what_is_refused_is_foreseen_without_weights() {
    let folder = tempfile::tempdir().unwrap();
    let file = tokenizer(&digits_then_words(), false, &Value::Null);
    let count = file["model"]["vocab"].as_object().unwrap().len() + 2;
    let mut writer = FolderWriter::small("LlamaForCausalLM", count).with_file("tokenizer.json", &file);
    for (field, value) in [
        ("eos_token_id", json!(count - 1)),
        ("architectures", json!(["MambaForCausalLM"])),
        ("quantization_config", json!({"quant_method": "fp8"})),
    ] {
        writer.config[field] = value;
        writer.write(folder.path());
        let with_weights = inspect(folder.path()).map(drop).map_err(|error| error.to_string());
        std::fs::remove_file(folder.path().join("model.safetensors")).unwrap();
        let without = foresee(folder.path()).map_err(|error| error.to_string());
        assert_eq!(without, with_weights, "{field}");
        assert_eq!(without.is_ok(), field == "eos_token_id", "{field}");
    }
}

#[test]
fn of_a_mixture_what_a_token_reads_is_less_than_all() {
    let (golden, writer) = (committed("qwen3moe"), FolderWriter::of_golden("qwen3moe"));
    let folder = tempfile::tempdir().unwrap();
    FolderWriter { dtype: Dtype::BF16, ..writer.clone() }.write(folder.path());
    let sizes = file_sizes(folder.path()).unwrap();
    let config = &golden["config"];
    let [count, used] = ["num_experts", "num_experts_per_tok"].map(|key| config[key].as_u64().unwrap());
    let of_experts = |tensor: &&Tensor| tensor.name.contains(".experts.");
    let weights: usize = writer.tensors.iter().filter(of_experts).map(|tensor| tensor.values.len()).sum();
    // 8 bits a weight, and a scale of 16 for each 32.
    let unread = weights as u64 * 17 / 16 / count * (count - used);
    let embedding = 64 * 64 * 17 / 16;
    assert_eq!(sizes.read_bytes, sizes.weight_bytes - unread - embedding);
}

#[test]
fn exaones_own_class_is_read_under_its_own_names() {
    let writer = FolderWriter::of_golden("exaone").in_exaones_own_form();
    let mut wrong = too_far("exaone", "its own names", &writer, FloatWeights::AsStored, AS_STORED);
    wrong.extend(too_far("exaone", "8 bits", &writer, FloatWeights::EightBits, ROUNDED));
    assert!(wrong.is_empty(), "too far away:\n{}", wrong.join("\n"));
    let told = |spoil: fn(&mut FolderWriter)| {
        let mut writer = writer.clone();
        spoil(&mut writer);
        let folder = tempfile::tempdir().unwrap();
        writer.write(folder.path());
        load_engine(folder.path(), &SETTINGS).err().unwrap().to_string()
    };
    let words = told(|writer| writer.config["layer_norm_epsilon"] = Value::Null);
    assert!(words.contains("`layer_norm_epsilon` is missing"), "{words}");
    let words = told(|writer| writer.config["activation_function"] = json!("gelu"));
    assert!(words.contains("`activation_function` is `gelu`; of this class `silu`"), "{words}");
    let words = told(|writer| writer.config["num_layers"] = json!(2048));
    assert!(words.contains("`num_layers` is 2048"), "{words}");
    let words = told(|writer| writer.tensors.retain(|tensor| !tensor.name.ends_with("1.mlp.c_fc_0.weight")));
    assert!(words.contains("tensor `transformer.h.1.mlp.c_fc_0.weight` is missing"), "{words}");
}

fn split(regex: &str) -> Value {
    let split = json!({"type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated", "invert": false});
    json!({"type": "Sequence", "pretokenizers": [split, byte_level(false)]})
}

const LLAMA_3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN_2: &str =
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

#[test]
fn texts_are_cut_as_the_tokenizers_own_program_cuts_them() {
    let cases = [
        ("SmolLM2's", tokenizer(&digits_then_words(), false, &Value::Null)),
        ("Llama 3's", tokenizer(&split(LLAMA_3), true, &Value::Null)),
        ("Qwen's", tokenizer(&split(QWEN_2), false, &json!({"type": "NFC"}))),
        ("GPT-2's", tokenizer(&byte_level(true), false, &Value::Null)),
        ("Gemma's", tokenizer_of_pieces()),
    ];
    let corpus: Value = serde_json::from_str(include_str!("../../testdata/texts.json")).unwrap();
    let texts = ["sentences", "passages"].map(|key| corpus[key].as_array().unwrap().clone()).concat();
    for (name, file) in cases {
        let folder = tempfile::tempdir().unwrap();
        let vocabulary = file["model"]["vocab"].as_object().unwrap();
        let [begin, end] = if vocabulary.contains_key("<bos>") { ["<bos>", "<eos>"] } else { ["<|begin|>", "<|end|>"] };
        let count = vocabulary.len() + 2;
        // A picture's token, for which the network has no row.
        let mut file = file.clone();
        file["added_tokens"].as_array_mut().unwrap().push(json!({
            "id": count, "content": "<|picture|>", "special": true, "single_word": false, "lstrip": false,
            "rstrip": false, "normalized": false}));
        let settings = json!({"bos_token": begin, "eos_token": {"content": end}});
        let writer = FolderWriter::small("LlamaForCausalLM", count).with_file("tokenizer.json", &file);
        writer.with_file("tokenizer_config.json", &settings).write(folder.path());
        let codec = load(folder.path(), &SETTINGS).unwrap().codec;
        let theirs = tokenizers::Tokenizer::from_bytes(file.to_string().as_bytes()).unwrap();
        for text in &texts {
            let text = text.as_str().unwrap();
            let expected = theirs.encode(text, false).unwrap();
            assert_eq!(codec.encode(text).unwrap(), expected.get_ids(), "{name}: {text:?}");
            let expected = theirs.encode(text, true).unwrap();
            assert_eq!(
                codec.encode_prompt(text).unwrap(),
                expected.get_ids(),
                "{name}, with what stands round: {text:?}"
            );
        }
    }
}

#[test]
fn a_folder_answers_chats_and_has_a_card() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("Mill.Pond-1.5B");
    std::fs::create_dir(&folder).unwrap();
    let file = tokenizer(&digits_then_words(), false, &Value::Null);
    let count = file["model"]["vocab"].as_object().unwrap().len() + 2;
    let template = "{% for m in messages %}{{ m.role }}: {{ m.content }}{{ eos_token }}{% endfor %}";
    let settings = json!({"eos_token": "<|end|>", "chat_template": [
        {"name": "tool_use", "template": "none"}, {"name": "default", "template": template}]});
    // Ten rows more than there are tokens, as padded vocabularies have.
    let writer = FolderWriter::small("Qwen3ForCausalLM", count + 10).with_file("tokenizer.json", &file);
    let mut writer = writer.with_file("tokenizer_config.json", &settings);
    writer.config["eos_token_id"] = json!(count - 1);
    let writer = writer.with_file("generation_config.json", &json!({"eos_token_id": [count - 1, count - 3]}));
    writer.write(&folder);
    let mut model = load(&folder, &SETTINGS).unwrap();
    assert_eq!(model.card, inspect(&folder).unwrap());
    let card = &model.card;
    let weights: usize = writer.tensors.iter().map(|tensor| tensor.values.len()).sum();
    assert_eq!((card.name.as_str(), card.architecture.as_str()), ("mill.pond-1.5b", "qwen3"));
    assert_eq!((card.quantisation.as_str(), card.chat, card.parameters), ("BF16", true, weights as u64));
    assert_eq!((card.context_tokens, card.vocabulary), (512, count as u64 + 10));
    let ends = [count as u32 - 3, count as u32 - 1];
    assert!(ends.iter().all(|end| model.codec.is_end(*end)) && !model.codec.is_end(ends[0] - 1));
    let tokens = model.codec.encode_chat(&[Turn::new(Speaker::User, "강과 바다")]).unwrap();
    assert_eq!(tokens.last(), Some(&(count as u32 - 1)));
    // A byte a weight, and scales.
    let sizes = file_sizes(&folder).unwrap();
    assert!((weights as u64..weights as u64 * 5 / 4).contains(&sizes.weight_bytes), "{sizes:?} for {weights} weights");
    let slot = model.engine.reserve(tokens.len()).unwrap();
    let run = local_model::Run { slot, position: 0, tokens: &tokens, logits: 1 };
    let logits = model.engine.forward(&[run]).unwrap();
    assert!(logits.rows().next().unwrap().iter().all(|logit| logit.is_finite()));
}
