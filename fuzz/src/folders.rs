//! Any bytes as one of the files of a model's folder, the others being good: refused in words, or a model that computes. It
//! must not know GGUF.

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

use local_model_cpu::{load, load_embedder, load_engine};
use serde_json::{Value, json};

use crate::encoder_writer::{EncoderFolder, tiny};
use crate::folder_writer::FolderWriter;
use crate::tokenizer_writer::{digits_then_words, tokenizer, tokenizer_of_pieces};
use crate::{BYTES_A_BYTE, FREE_BYTES, SETTINGS, compute, counting};

/// The files of a folder whose model answers, the larger ones first.
const CHAT_FILES: [&str; 7] = [
    "model-00001-of-00002.safetensors",
    "tokenizer.json",
    "config.json",
    "model.safetensors.index.json",
    "tokenizer_config.json",
    "generation_config.json",
    "chat_template.jinja",
];
/// The files of a folder whose model makes vectors.
const ENCODER_FILES: [&str; 6] = [
    "model.safetensors",
    "tokenizer.json",
    "config.json",
    "modules.json",
    "1_Pooling/config.json",
    "sentence_bert_config.json",
];

/// Both good folders, with what their files hold.
struct Good {
    chat: PathBuf,
    encoder: EncoderFolder,
    /// Absent where a good folder has no such file.
    files: Vec<(PathBuf, Option<Vec<u8>>)>,
}

impl Good {
    fn folders() -> &'static Self {
        static GOOD: OnceLock<Good> = OnceLock::new();
        GOOD.get_or_init(|| {
            let chat = std::env::temp_dir().join(format!("gwanmun-fuzz-{}", std::process::id()));
            fs::create_dir_all(&chat).expect("the system's folder for temporary files can be written to");
            chat_writer().write(&chat);
            let encoder = EncoderFolder::new(&tiny("mean"));
            let chat_files = CHAT_FILES.iter().map(|name| chat.join(name));
            let paths = chat_files.chain(ENCODER_FILES.iter().map(|name| encoder.path().join(name)));
            let files = paths.map(|path| (path.clone(), fs::read(path).ok())).collect();
            Self { chat, encoder, files }
        })
    }
}

fn chat_writer() -> FolderWriter {
    let file = tokenizer(&digits_then_words(), false, &Value::Null);
    let count = file["model"]["vocab"].as_object().map_or(0, serde_json::Map::len) + 2;
    let settings = json!({"bos_token": "<|begin|>", "eos_token": "<|end|>", "chat_template": "{{ messages[0].content }}"});
    let writer = FolderWriter { shards: 2, ..FolderWriter::small("Qwen3ForCausalLM", count) };
    let writer = writer.with_file("tokenizer.json", &file).with_file("tokenizer_config.json", &settings);
    writer.with_file("generation_config.json", &json!({"eos_token_id": [count - 1]}))
}

/// The first byte says which file the rest is.
pub fn any_folder(input: &[u8]) {
    let Some((which, rest)) = input.split_first() else { return };
    let good = Good::folders();
    let which = usize::from(*which) % good.files.len();
    let (path, held) = &good.files[which];
    fs::write(path, rest).expect("the folder can be written to");
    let others: usize = good.files.iter().filter_map(|(_, held)| held.as_ref()).map(Vec::len).sum();
    counting::bounded(FREE_BYTES + BYTES_A_BYTE * (others + rest.len()), || look(good, which));
    match held {
        Some(held) => fs::write(path, held),
        None => fs::remove_file(path),
    }
    .expect("the folder can be written to");
}

fn look(good: &Good, which: usize) {
    let refused = match CHAT_FILES.get(which).copied() {
        // The tokenizer, whose expressions take longer to build than all else, is read where it matters.
        Some("model-00001-of-00002.safetensors" | "model.safetensors.index.json") => {
            load_engine(&good.chat, &SETTINGS).map(|mut engine| compute(engine.as_mut(), &[0, 1, 2])).err()
        }
        Some(_) => load(&good.chat, &SETTINGS)
            .map(|mut model| {
                let tokens = model.codec.encode("river and sea 강").expect("plain text is encoded");
                compute(model.engine.as_mut(), &tokens);
            })
            .err(),
        None => load_embedder(good.encoder.path(), &SETTINGS)
            .map(|mut model| {
                let tokens = model.codec.encode("w5 w6 강");
                if let Some(tokens) = tokens.ok().filter(|tokens| !tokens.is_empty()) {
                    // What is too long, or no token of the model, is told.
                    let _ = model.embedder.embed(&[&tokens]);
                }
            })
            .err(),
    };
    assert!(refused.is_none_or(|error| !error.to_string().is_empty()));
}

/// Inputs to begin with: each good file, and a template.
pub(crate) fn seeds() -> Vec<(&'static str, String, Vec<u8>)> {
    let files = Good::folders().files.iter().enumerate();
    let seed = |(which, (path, held)): (usize, &(PathBuf, Option<Vec<u8>>))| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let held = held.clone().unwrap_or_else(|| b"{}".to_vec());
        let which = u8::try_from(which).expect("a few files");
        ("folder", format!("{which}-{name}"), [&[which][..], &held].concat())
    };
    let mut seeds: Vec<_> = files.map(seed).collect();
    let pieces = tokenizer_of_pieces().to_string().into_bytes();
    seeds.push(("folder", "pieces".to_owned(), [&[1][..], &pieces].concat()));
    seeds
}
