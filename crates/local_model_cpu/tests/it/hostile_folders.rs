//! Folders that are wrong: each is refused with words that say what and where, and none takes the process down or fills its
//! memory.
#![expect(clippy::disallowed_methods, reason = "a test's own files, which no crash can harm")]

use std::fs;
use std::path::Path;

use local_model_cpu::{inspect, load, load_engine};
use proptest::prelude::*;
use safetensors::tensor::Dtype;
use serde_json::{Value, json};

use crate::folder_writer::{FolderWriter, Tensor};
use crate::hostile_files::{SETTINGS, largest_piece};
use crate::tokenizer_writer::{byte_level, digits_then_words, tokenizer, tokenizer_of_pieces};

/// More than anything that a folder of these sizes needs.
const PIECE_MAX: usize = 64 << 20;

/// A whole model.
fn good() -> FolderWriter {
    let file = tokenizer(&digits_then_words(), false, &Value::Null);
    let count = file["model"]["vocab"].as_object().unwrap().len() + 2;
    FolderWriter::small("LlamaForCausalLM", count).with_file("tokenizer.json", &file)
}

/// What loading and inspecting say alike.
fn refusal(name: &str, folder: &Path) -> String {
    let mut words = String::new();
    let largest = largest_piece(|| {
        words = load(folder, &SETTINGS).err().unwrap_or_else(|| panic!("{name} was accepted")).to_string();
        let told = inspect(folder).err().unwrap_or_else(|| panic!("{name} has a card")).to_string();
        assert_eq!(told, words, "{name}: what cannot be loaded is not taken in");
    });
    assert!(largest < PIECE_MAX, "{name} asked for {largest} bytes at once");
    words
}

#[test]
fn a_good_folder_is_loaded() {
    let folder = tempfile::tempdir().unwrap();
    good().write(folder.path());
    load(folder.path(), &SETTINGS).unwrap();
}

#[test]
fn each_field_that_cannot_be_is_told() {
    let rope = |kind: &str| json!({"rope_type": kind, "factor": 2.0});
    let table: [(&str, Value, &str); 41] = [
        ("mlp_bias", json!(true), "`mlp_bias` is true, but the weights have no such biases"),
        ("attention_bias", json!(true), "`attention_bias` is true, but the weights have no such biases"),
        ("architectures", json!(["MambaForCausalLM"]), "`architectures` says `MambaForCausalLM`, which is not read"),
        ("architectures", json!(null), "`architectures` is missing"),
        ("architectures", json!("Llama"), "`architectures` must be a list of texts"),
        ("hidden_size", json!(null), "`hidden_size` is missing"),
        ("hidden_size", json!(-64), "`hidden_size` must be a whole number that is not negative"),
        ("hidden_size", json!(1_u64 << 40), "`hidden_size` is 1099511627776; 1 to 65536"),
        ("hidden_size", json!(128), "has the sizes [64, 1002], but the metadata ask for [128, 1002]"),
        ("hidden_size", json!(65), "`hidden_size` gives a width of 65"),
        ("num_hidden_layers", json!(0), "`model.layers.0."),
        ("num_hidden_layers", json!(2), "`model.layers.1.input_layernorm.weight` is missing"),
        ("num_hidden_layers", json!(u64::MAX), "`num_hidden_layers` is 18446744073709551615"),
        ("num_attention_heads", json!(0), "`num_attention_heads` is 0"),
        ("num_key_value_heads", json!(3), "`num_key_value_heads` must divide"),
        ("head_dim", json!(24), "`head_dim` is 24; multiples of 16"),
        ("head_dim", json!(1_u64 << 40), "`head_dim` is 1099511627776"),
        ("rms_norm_eps", json!(null), "`rms_norm_eps` is missing"),
        ("rms_norm_eps", json!("small"), "`rms_norm_eps` must be a number"),
        ("rms_norm_eps", json!(-1.0), "`rms_norm_eps` must be a small positive number"),
        ("rope_theta", json!(0.0), "`rope_theta` must be a positive number"),
        ("rope_scaling", rope("longrope"), "`rope_scaling.rope_type` is `longrope`"),
        ("rope_scaling", rope("llama3"), "`rope_scaling.low_freq_factor` is missing"),
        ("rope_scaling", json!({"type": "yarn"}), "`rope_scaling.factor` is missing"),
        (
            "rope_scaling",
            json!({"type": "yarn", "factor": 2.0, "mscale": 1.0}),
            "`rope_scaling.mscale` is not computed",
        ),
        ("rope_scaling", json!(2.0), "`rope_scaling` must be an object"),
        ("rope_parameters", json!({"full_attention": {}}), "`rope_parameters.full_attention` gives kinds of layers"),
        ("max_position_embeddings", json!(0), "`max_position_embeddings` is 0"),
        (
            "vocab_size",
            json!(4_000_000_000_u64),
            "`vocab_size` is 4000000000, but `model.embed_tokens.weight` has 1002 rows",
        ),
        ("vocab_size", json!(1001), "`vocab_size` is 1001, but"),
        ("hidden_act", json!("relu"), "`hidden_act` is `relu`; of this class `silu` is computed"),
        ("use_sliding_window", json!(true), "`use_sliding_window` is true"),
        ("layer_types", json!(["sliding_attention"]), "`layer_types` has layers of `sliding_attention`"),
        ("partial_rotary_factor", json!(0.5), "`partial_rotary_factor` turns heads in part"),
        ("final_logit_softcapping", json!(30.0), "`final_logit_softcapping` bounds scores"),
        ("quantization_config", json!({"quant_method": "awq"}), "quantised by `awq`"),
        ("tie_word_embeddings", json!(false), "tensor `lm_head.weight` is missing"),
        ("tie_word_embeddings", json!("yes"), "`tie_word_embeddings` must be true or false"),
        ("eos_token_id", json!("two"), "`eos_token_id` must be a whole number"),
        ("eos_token_id", json!(1_u64 << 40), "`eos_token_id` is 1099511627776"),
        ("eos_token_id", json!([1, 5000]), "`eos_token_id`"),
    ];
    let folder = tempfile::tempdir().unwrap();
    for (field, value, says) in table {
        let mut writer = good();
        writer.config[field] = value.clone();
        writer.write(folder.path());
        let words = refusal(field, folder.path());
        assert!(words.contains(says), "{field} {value}: {words}");
    }
}

#[test]
fn each_fault_of_a_mixture_is_told() {
    type Spoil = fn(&mut FolderWriter);
    let faults: [(Spoil, &str); 15] = [
        (|w| w.config["num_experts"] = json!(null), "`num_experts` is missing"),
        (
            |w| {
                w.config["num_experts"] = json!(null);
                w.config["num_local_experts"] = json!(2);
            },
            "`num_experts_per_tok` is 3; 1 to 2",
        ),
        (
            |w| {
                w.config.as_object_mut().unwrap().remove("sliding_window");
            },
            "`sliding_window` is missing",
        ),
        (
            |w| w.config["layer_types"] = json!(vec!["full_attention"; 5]),
            "`sliding_window` is said, and no layer has it",
        ),
        (
            |w| {
                w.tensor("model.layers.1.mlp.experts.3.up_proj.weight").name =
                    "model.layers.1.mlp.experts.down_proj".into();
            },
            "tensor `model.layers.1.mlp.experts.down_proj` holds all experts in one",
        ),
        (
            |w| {
                w.config["architectures"] = json!(["Qwen3MoeForCausalLM"]);
                w.config["layer_types"] = json!(null);
            },
            "tensor `model.layers.1.mlp.gate.e_score_correction_bias` is not of a network",
        ),
        (|w| w.config["num_experts"] = json!(1_u64 << 40), "`num_experts` is 1099511627776; 1 to 4096"),
        (|w| w.config["num_experts_per_tok"] = json!(9), "`num_experts_per_tok` is 9; 1 to 8"),
        (|w| w.config["norm_topk_prob"] = json!(null), "`norm_topk_prob` is missing"),
        (|w| w.config["n_group"] = json!(2), "`n_group` is 2; 1 is computed"),
        (|w| w.config["scoring_func"] = json!("softmax"), "`scoring_func` is `softmax`; `sigmoid`"),
        (
            |w| w.config["mlp_layer_types"] = json!(["dense", "sparse", "dense", "sparse", "sparse"]),
            "`mlp_layer_types` puts a layer without experts behind one with",
        ),
        (|w| w.config["moe_intermediate_size"] = json!(64), "tensor `model.layers.1.mlp.experts.0.gate_proj.weight`"),
        (
            |w| w.tensors.retain(|tensor| !tensor.name.ends_with("2.mlp.experts.5.up_proj.weight")),
            "tensor `model.layers.2.mlp.experts.5.up_proj.weight` is missing",
        ),
        (
            |w| w.tensor("model.layers.1.mlp.experts.3.up_proj.weight").name += "_scale",
            "tensor `model.layers.1.mlp.experts.3.up_proj.weight_scale` is not of a network that is computed",
        ),
    ];
    let folder = tempfile::tempdir().unwrap();
    for (spoil, says) in faults {
        let mut writer = FolderWriter::of_golden("exaone-moe");
        spoil(&mut writer);
        writer.write(folder.path());
        let words = load_engine(folder.path(), &SETTINGS).err().unwrap_or_else(|| panic!("{says}")).to_string();
        assert!(words.contains(says), "{says}: {words}");
    }
}

#[test]
fn each_fault_of_the_weights_is_told() {
    type Spoil = fn(&mut FolderWriter);
    const QUERY: &str = "model.layers.0.self_attn.q_proj.weight";
    let extra = |writer: &mut FolderWriter, name: &str| {
        writer.tensors.push(Tensor { name: name.to_owned(), shape: vec![64], values: vec![0.0; 64] });
    };
    let faults: [(Spoil, &str); 6] = [
        (
            |w| w.tensors.retain(|tensor| tensor.name != QUERY),
            "tensor `model.layers.0.self_attn.q_proj.weight` is missing",
        ),
        (|w| w.tensors.retain(|tensor| tensor.shape.len() == 1), "tensor `model.embed_tokens.weight` is missing"),
        (
            |w| w.tensor(QUERY).shape = vec![32, 128],
            "tensor `model.layers.0.self_attn.q_proj.weight` has the sizes [128, 32]",
        ),
        (|w| w.tensor("model.embed_tokens.weight").shape = vec![1002 * 64], "has 1 sizes; rows and columns"),
        (|w| w.dtype = Dtype::F64, "is stored as F64; F32, F16 and BF16 are computed"),
        (
            |w| w.tensor(QUERY).values[70] = f32::INFINITY,
            "`model.layers.0.self_attn.q_proj.weight` holds a weight that",
        ),
    ];
    let folder = tempfile::tempdir().unwrap();
    for (spoil, says) in faults {
        let mut writer = good();
        spoil(&mut writer);
        writer.write(folder.path());
        let words = load(folder.path(), &SETTINGS).err().expect("it was accepted").to_string();
        assert!(words.contains(says), "{says}: {words}");
    }
    for name in [
        "model.layers.0.self_attn.q_norm.weight",
        "model.layers.0.mlp.experts.0.gate_proj.weight",
        "model.layers.00.input_layernorm.weight",
        "model.layers.0.self_attn.q_proj.weight_scale",
        "vision_tower.patch.weight",
    ] {
        let mut writer = good();
        extra(&mut writer, name);
        writer.write(folder.path());
        let words = refusal(name, folder.path());
        assert!(words.contains(&format!("tensor `{name}` is not of a network that is computed")), "{words}");
    }
    let mut writer = good();
    extra(&mut writer, "model.layers.1.input_layernorm.weight");
    writer.write(folder.path());
    let words = refusal("a layer too many", folder.path());
    assert!(words.contains("is there, but `config.json` says `num_hidden_layers` is 1"), "{words}");
}

#[test]
fn a_file_of_weights_that_lies_or_was_cut_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    good().write(folder.path());
    let path = folder.path().join("model.safetensors");
    let whole = fs::read(&path).unwrap();
    for length in [0, 1, 7, 8, 9, 500, whole.len() / 2, whole.len() - 1] {
        fs::write(&path, &whole[..length]).unwrap();
        let words = refusal("cut", folder.path());
        assert!(words.contains("damaged") || words.contains("is empty"), "cut to {length}: {words}");
    }
    let lies = [
        r#"{"model.embed_tokens.weight":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}}"#,
        r#"{"model.embed_tokens.weight":{"dtype":"F32","shape":[1002,64],"data_offsets":[0,4]}}"#,
        r#"{"model.embed_tokens.weight":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
        r#"{"model.embed_tokens.weight":{"dtype":"F32","shape":[],"data_offsets":[18446744073709551612,0]}}"#,
    ];
    for header in lies {
        let lie = [(header.len() as u64).to_le_bytes().as_slice(), header.as_bytes(), &[0; 4]].concat();
        fs::write(&path, lie).unwrap();
        let words = refusal(header, folder.path());
        assert!(words.contains("damaged"), "{header}: {words}");
    }
    fs::write(&path, [0xff; 8].as_slice()).unwrap();
    assert!(refusal("an endless header", folder.path()).contains("damaged"));
}

#[test]
fn an_index_names_files_of_its_folder_only() {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("model");
    fs::create_dir(&inside).unwrap();
    let writer = FolderWriter { shards: 2, ..good() };
    writer.write(&inside);
    load(&inside, &SETTINGS).unwrap();
    let index = inside.join("model.safetensors.index.json");
    let first = "model-00001-of-00002.safetensors";
    fs::copy(inside.join(first), folder.path().join(first)).unwrap();
    for away in ["../model-00001-of-00002.safetensors", "/etc/passwd", "..", ".", "", "a/b", r"..\b", "C:b"] {
        let whole = fs::read_to_string(&index).unwrap();
        fs::write(&index, json!({"weight_map": {"model.norm.weight": away}}).to_string()).unwrap();
        let words = refusal(away, &inside);
        assert!(words.contains("which is no file of the folder") || away.is_empty(), "{away}: {words}");
        fs::write(&index, whole).unwrap();
    }
    let table = [
        (json!({"weight_map": {}}), "names 0 files"),
        (json!({"weight_map": {"model.norm.weight": "model-00009.safetensors"}}), "cannot read the model file"),
        (json!({"weight_map": {"model.unheard": first}}), "tensor `model.unheard` is not in"),
        (json!({"weight_map": {"model.norm.weight": 7}}), "`model.safetensors.index.json` cannot be read"),
        (json!({"weight_map": {"model.embed_tokens.weight": first}}), "is missing"),
    ];
    for (text, says) in table {
        fs::write(&index, text.to_string()).unwrap();
        let words = refusal(says, &inside);
        assert!(words.contains(says), "{text}: {words}");
    }
    fs::remove_file(&index).unwrap();
    assert!(refusal("no weights", &inside).contains("holds no weights that are read"));
}

/// Each `tokenizer.json` in a folder that is good otherwise, and what is said of it.
fn each_is_told(table: &[(Value, &str)]) {
    let folder = tempfile::tempdir().unwrap();
    for (file, says) in table {
        let mut writer = good();
        writer.files.clear();
        writer.with_file("tokenizer.json", file).write(folder.path());
        let words = refusal(says, folder.path());
        assert!(words.contains(says), "{says}: {words}");
    }
}

#[test]
fn each_fault_of_a_tokenizer_of_pieces_is_told() {
    let added = |content: &str, normalized: bool| json!({"id": 0, "content": content, "special": false, "normalized": normalized});
    let of_pieces = |pointer: &str, value: Value| {
        let mut file = tokenizer_of_pieces();
        *file.pointer_mut(pointer).unwrap() = value;
        file
    };
    let prepends = json!({"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}]});
    let metaspace = json!({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": false});
    each_is_told(&[
        (of_pieces("/normalizer", json!(null)), "cuts texts by a step `Split`"),
        (of_pieces("/normalizer", json!({"type": "Lowercase"})), "changes texts by `Lowercase`"),
        (of_pieces("/normalizer", prepends), "puts a space before each text"),
        (of_pieces("/pre_tokenizer", metaspace), "puts a space before each text"),
        (of_pieces("/pre_tokenizer", json!({"type": "Metaspace"})), "cuts texts at spaces"),
        (of_pieces("/pre_tokenizer/invert", json!(true)), "cuts texts by a step `Split`"),
        (of_pieces("/model/ignore_merges", json!(true)), "`ignore_merges`"),
        (of_pieces("/added_tokens/0", added("▁▁", true)), "looks for the token `▁▁` in changed texts"),
        (of_pieces("/added_tokens/0", added("e", false)), "adds a token of one letter that the piece"),
        (of_pieces("/model/merges", json!([["never", "heard"]])), "`model.merges` joins pieces that are not in"),
        (of_pieces("/model/vocab", json!({"a": 260})), "has no token for the byte `<0x00>`"),
    ]);
}

#[test]
fn each_fault_of_the_tokenizer_is_told() {
    let plain = || tokenizer(&digits_then_words(), false, &Value::Null);
    let with = |pointer: &str, value: Value| {
        let mut file = plain();
        let (above, name) = pointer.rsplit_once('/').unwrap();
        file.pointer_mut(above).unwrap()[name] = value;
        file
    };
    let other = json!({"type": "Split", "pattern": {"Regex": "a+"}, "behavior": "Isolated", "invert": false});
    let other = json!({"type": "Sequence", "pretokenizers": [other, byte_level(false)]});
    let twice = json!([{"id": 7, "content": "<|x|>", "special": true}]);
    let far = json!([{"id": 4_000_000_000_u32, "content": "<|x|>", "special": false}]);
    let strips = json!([{"id": 1000, "content": "<|begin|>", "special": true, "lstrip": true}]);
    let spaces = json!({"type": "ByteLevel", "add_prefix_space": true, "use_regex": true});
    let table = [
        (json!({}), "`tokenizer.json` cannot be read"),
        (with("/model/type", json!("Unigram")), "is of the kind `Unigram`"),
        (with("/model/vocab", json!(["a", "b"])), "`tokenizer.json` cannot be read"),
        (with("/model/byte_fallback", json!(true)), "cuts texts by a step `Digits`"),
        (with("/model/dropout", json!(0.5)), "has `dropout`"),
        (with("/model/merges", json!([["a b", "c"]])), "which have spaces in them"),
        (with("/model/merges", json!(["never heard"])), "`tokenizer.json`: `model.merges` does not fit the tokens"),
        (with("/pre_tokenizer", json!(null)), "says no way of cutting texts"),
        (with("/pre_tokenizer", json!({"type": "Metaspace"})), "does not cut texts into bytes"),
        (with("/pre_tokenizer", spaces), "puts a space before each text"),
        (with("/pre_tokenizer", other), "cuts texts by `a+`, which this engine does not know"),
        (with("/normalizer", json!({"type": "Lowercase"})), "changes texts by `Lowercase`"),
        (with("/post_processor", json!({"type": "BertProcessing"})), "puts tokens round texts by `BertProcessing`"),
        (with("/added_tokens", twice), "gives the number 7 to both"),
        (with("/added_tokens", far), "has a token of number 4000000000; the model has 1002"),
        (with("/added_tokens", strips), "gives the token `<|begin|>` a say over its neighbours"),
    ];
    each_is_told(&table);
    let folder = tempfile::tempdir().unwrap();
    good().write(folder.path());
    let others = [
        ("tokenizer_config.json", r#"{"eos_token": "<|never|>"}"#, "has no token `<|never|>`"),
        ("tokenizer_config.json", "[", "`tokenizer_config.json` cannot be read"),
        ("tokenizer_config.json", r#"{"chat_template": "{% endless"}"#, "template"),
        ("generation_config.json", r#"{"eos_token_id": "x"}"#, "`generation_config.json`: `eos_token_id` must be"),
        ("config.json", "{", "`config.json` cannot be read"),
    ];
    for (name, text, says) in others {
        let whole = fs::read(folder.path().join(name)).ok();
        fs::write(folder.path().join(name), text).unwrap();
        let words = refusal(says, folder.path());
        assert!(words.contains(says), "{says}: {words}");
        match whole {
            Some(whole) => fs::write(folder.path().join(name), whole).unwrap(),
            None => fs::remove_file(folder.path().join(name)).unwrap(),
        }
    }
    for name in ["tokenizer.json", "config.json"] {
        let whole = fs::read(folder.path().join(name)).unwrap();
        fs::remove_file(folder.path().join(name)).unwrap();
        assert!(refusal(name, folder.path()).contains(name));
        fs::write(folder.path().join(name), whole).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Whatever bytes of a folder's files are changed: a model or a refusal, and no more memory than the folder's kind needs.
    #[test]
    fn a_changed_folder_is_loaded_or_refused(
        changes in prop::collection::vec((0..3_usize, any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let folder = tempfile::tempdir().unwrap();
        good().write(folder.path());
        for (file, at, value) in changes {
            let path = folder.path().join(["config.json", "tokenizer.json", "model.safetensors"][file]);
            let mut bytes = fs::read(&path).unwrap();
            let within = bytes.len().min(4000);
            bytes[at.index(within)] = value;
            fs::write(&path, bytes).unwrap();
        }
        let largest = largest_piece(|| {
            let _ = load(folder.path(), &SETTINGS);
        });
        prop_assert!(largest < PIECE_MAX, "asked for {largest} bytes at once");
    }
}
