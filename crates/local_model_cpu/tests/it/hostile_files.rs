//! Model files that are wrong: each is refused with words that say what and where, and none takes the process down or
//! fills its memory.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::path::Path;

use local_model::{LoadedModel, Run, Speaker, Turn};
use local_model_cpu::{Settings, inspect, load};
use proptest::prelude::*;

use crate::gguf_writer::GgufWriter;
use crate::networks::whole_model;

/// Remembers the largest piece of memory that a thread asked for.
struct Watching;

thread_local! {
    static LARGEST: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Watching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LARGEST.set(LARGEST.get().max(layout.size()));
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        LARGEST.set(LARGEST.get().max(layout.size()));
        // SAFETY: the caller keeps the contract of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        LARGEST.set(LARGEST.get().max(size));
        // SAFETY: the caller keeps the contract of `realloc`.
        unsafe { System.realloc(memory, layout, size) }
    }
}

#[global_allocator]
static WATCHING: Watching = Watching;

/// The largest piece of memory that this thread asks for meanwhile, in bytes.
pub(crate) fn largest_piece(what: impl FnOnce()) -> usize {
    LARGEST.set(0);
    what();
    LARGEST.get()
}

pub(crate) const SETTINGS: Settings = Settings {
    threads: 1,
    cache_bytes: 4 << 20,
    context_tokens_max: 64,
    kernels: local_model_cpu::KernelChoice::Portable,
    float_weights: local_model_cpu::FloatWeights::EightBits,
};

fn loaded(path: &Path, writer: &GgufWriter) -> Result<LoadedModel, String> {
    writer.write(path);
    load(path, &SETTINGS).map_err(|error| error.to_string())
}

#[test]
fn a_good_file_is_loaded_and_answers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pond.gguf");
    let mut model = loaded(&path, &whole_model(0)).unwrap();
    assert_eq!(model.card, inspect(&path).unwrap());
    assert_eq!((model.card.name.as_str(), model.card.quantisation.as_str(), model.card.chat), ("pond", "Q4_0", true));
    assert_eq!(model.engine.capacity().vocabulary as u64, model.card.vocabulary);
    let turn = Turn::new(Speaker::User, "강과 바다".to_owned());
    let tokens = model.codec.encode_chat(&[turn]).unwrap();
    let slot = model.engine.reserve(tokens.len()).unwrap();
    let run = Run { slot, position: 0, tokens: &tokens, logits: 1 };
    let logits = model.engine.forward(&[run]).unwrap();
    assert!(logits.rows().next().unwrap().iter().all(|logit| logit.is_finite()));
}

#[test]
fn each_fault_is_told() {
    type Spoil = fn(&mut GgufWriter);
    let faults: [(&str, Spoil, &str); 18] = [
        (
            "architecture",
            |w| drop_it(w.string("general.architecture", "mamba")),
            "architecture `mamba` are not computed",
        ),
        ("no architecture", |w| drop_it(w.remove("general.architecture")), "entry `general.architecture` is missing"),
        ("no layers", |w| drop_it(w.u32("llama.block_count", 0)), "entry `llama.block_count` is 0"),
        ("too many layers", |w| drop_it(w.u32("llama.block_count", 2)), "tensor `blk.1.attn_norm.weight` is missing"),
        ("absurd layers", |w| drop_it(w.u32("llama.block_count", u32::MAX)), "`llama.block_count` is 4294967295"),
        ("absurd width", |w| drop_it(w.u32("llama.embedding_length", 65_536)), "tensor `"),
        ("no heads", |w| drop_it(w.u32("llama.attention.head_count", 0)), "`llama.attention.head_count` is 0"),
        (
            "shared heads",
            |w| drop_it(w.u32("llama.attention.head_count_kv", 2)),
            "`llama.attention.head_count_kv` must",
        ),
        (
            "text for a number",
            |w| drop_it(w.string("llama.block_count", "1")),
            "`llama.block_count` is a text, but must",
        ),
        (
            "endless epsilon",
            |w| drop_it(w.f32("llama.attention.layer_norm_rms_epsilon", f32::INFINITY)),
            "is not a finite",
        ),
        (
            "no angle",
            |w| drop_it(w.f32("llama.rope.freq_base", 0.0)),
            "`llama.rope.freq_base` must be a positive number",
        ),
        (
            "stretched",
            |w| drop_it(w.string("llama.rope.scaling.type", "longrope")),
            "stretches positions by `longrope`",
        ),
        (
            "stretched by what",
            |w| drop_it(w.string("llama.rope.scaling.type", "yarn")),
            "`llama.rope.scaling.factor` is missing",
        ),
        ("experts", |w| drop_it(w.u32("llama.expert_count", 8)), "mixtures of experts are not computed for"),
        (
            "a tensor missing",
            |w| drop_it(w.remove_tensor("output_norm.weight")),
            "tensor `output_norm.weight` is missing",
        ),
        (
            "a tensor of another shape",
            |w| drop_it(w.remove_tensor("output_norm.weight").tensor("output_norm.weight", &[32], 0, vec![0; 128])),
            "tensor `output_norm.weight` has the sizes [32], but the metadata ask for [96]",
        ),
        ("no merges", |w| drop_it(w.remove("tokenizer.ggml.merges")), "entry `tokenizer.ggml.merges` is missing"),
        ("pre-tokenizer", |w| drop_it(w.string("tokenizer.ggml.pre", "unheard")), "in the way `unheard`"),
    ];
    let folder = tempfile::tempdir().unwrap();
    for (name, spoil, expected) in faults {
        let mut writer = whole_model(0);
        spoil(&mut writer);
        let path = folder.path().join("a.gguf");
        let words = loaded(&path, &writer).err().unwrap_or_else(|| panic!("{name} was accepted"));
        assert!(words.contains(expected), "{name}: {words}");
        let told = inspect(&path).err().unwrap_or_else(|| panic!("{name} has a card"));
        assert_eq!(told.to_string(), words, "{name}: what cannot be loaded is not taken in");
    }
}

#[test]
fn a_named_pipe_is_refused_and_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.gguf");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    let (told, heard) = std::sync::mpsc::channel();
    let look = move || told.send(inspect(&path).err().map(|error| error.to_string()));
    std::thread::Builder::new().spawn(look).unwrap();
    let words = heard.recv_timeout(std::time::Duration::from_secs(30)).expect("it waits for the pipe").unwrap();
    assert!(words.ends_with("is not a regular file"), "{words}");
}

fn drop_it(_: &mut GgufWriter) {}

#[test]
fn a_vocabulary_larger_than_the_output_is_refused() {
    let mut writer = whole_model(0);
    let rows = 64;
    writer.remove_tensor("token_embd.weight").remove_tensor("output.weight");
    for name in ["token_embd.weight", "output.weight"] {
        writer.tensor(name, &[96, rows], 2, vec![0; 96 / 32 * 18 * rows as usize]);
    }
    let folder = tempfile::tempdir().unwrap();
    let words = loaded(&folder.path().join("a.gguf"), &writer).err().expect("it was accepted");
    assert!(words.contains("`token_embd.weight` has 64 rows for a vocabulary of"), "{words}");
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.gguf");
    whole_model(0).write(&path);
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    let bytes = file.metadata().unwrap().len();
    for end in (0..bytes).rev().step_by(997) {
        file.set_len(end).unwrap();
        assert!(load(&path, &SETTINGS).is_err() && inspect(&path).is_err(), "cut at {end}");
    }
}

#[test]
fn a_template_that_doubles_what_it_has_ends_in_words_and_little_memory() {
    let mut writer = whole_model(0);
    let doubling = "{% set ns = namespace(s='ab') %}{% for i in range(60) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}";
    writer.string("tokenizer.chat_template", doubling);
    let folder = tempfile::tempdir().unwrap();
    let model = loaded(&folder.path().join("a.gguf"), &writer).unwrap();
    LARGEST.set(0);
    let turn = Turn::new(Speaker::User, "강");
    let words = model.codec.encode_chat(&[turn]).unwrap_err().to_string();
    assert!(words.contains("it makes a value of more than"), "{words}");
    assert!(LARGEST.get() < 32 << 20, "asked for {} bytes at once", LARGEST.get());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// Whatever bytes are changed: a model that computes or a refusal, and no more memory than the file's kind needs.
    #[test]
    fn a_changed_file_is_loaded_or_refused(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), any::<bool>()), 1..8),
    ) {
        let mut bytes = whole_model(0).bytes();
        let header_bytes = 40_000.min(bytes.len());
        for (at, value, anywhere) in changes {
            let within = if anywhere { bytes.len() } else { header_bytes };
            let at = at.index(within);
            bytes[at] = value;
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.gguf");
        write(&path, &bytes);
        LARGEST.set(0);
        if let Ok(mut model) = load(&path, &SETTINGS) {
            let tokens = model.codec.encode("river and sea").unwrap();
            prop_assume!(tokens.iter().all(|token| (*token as usize) < model.engine.capacity().vocabulary));
            if let Some(slot) = model.engine.reserve(tokens.len()) {
                let run = Run { slot, position: 0, tokens: &tokens, logits: 1 };
                prop_assert!(model.engine.forward(&[run]).is_ok());
            }
        }
        prop_assert!(LARGEST.get() < 64 << 20, "asked for {} bytes at once", LARGEST.get());
    }
}

#[expect(clippy::disallowed_methods, reason = "a test's own folder; nobody reads it before it is whole")]
fn write(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap();
}
