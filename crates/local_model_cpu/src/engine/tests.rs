//! The engine's promises: what a sequence gets does not depend on how its tokens are cut or who is beside it; what
//! cannot be computed is refused and harms nobody.

use super::*;
use crate::KernelChoice;
use crate::samples::{Random, opened, small_network};

fn engine(threads: usize, kernels: KernelChoice) -> Option<CpuEngine> {
    let settings = Settings { threads, cache_bytes: 1 << 20, context_tokens_max: 8192, kernels, ..Settings::default() };
    match CpuEngine::load(&opened(&small_network()), &settings) {
        Ok(engine) => Some(engine),
        Err(LoadError::Machine(_)) => None,
        Err(error) => panic!("{error}"),
    }
}

fn engines() -> Vec<CpuEngine> {
    let choices = [KernelChoice::Portable, KernelChoice::Avx2, KernelChoice::Avx512Vnni];
    choices.into_iter().filter_map(|kernels| engine(3, kernels)).collect()
}

fn tokens(seed: u64, count: usize) -> Vec<u32> {
    let mut random = Random(seed);
    (0..count).map(|_| (random.next() % 300) as u32).collect()
}

fn logits(engine: &mut CpuEngine, runs: &[Run<'_>]) -> Vec<Vec<f32>> {
    engine.forward(runs).unwrap().rows().map(<[f32]>::to_vec).collect()
}

/// A prompt's logits, computed `chunk` tokens at a time.
fn in_chunks(engine: &mut CpuEngine, prompt: &[u32], chunk: usize) -> Vec<f32> {
    let slot = engine.reserve(prompt.len()).unwrap();
    let mut last = Vec::new();
    for (index, tokens) in prompt.chunks(chunk).enumerate() {
        let position = index * chunk;
        let wanted = usize::from(position + tokens.len() == prompt.len());
        last = logits(engine, &[Run { slot, position, tokens, logits: wanted }]);
    }
    engine.release(slot);
    last.remove(0)
}

fn assert_near(a: &[f32], b: &[f32], what: &str) {
    let size = a.iter().map(|x| x.abs()).fold(0.0, f32::max);
    let off = a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(size > 0.0 && off <= 0.02 * size, "{what}: {off} of {size}");
}

#[test]
fn a_prompt_may_be_cut_anywhere() {
    for mut engine in engines() {
        let prompt = tokens(1, 150);
        let whole = in_chunks(&mut engine, &prompt, 150);
        for chunk in [1, 3, 8, 63, 64, 65, 149] {
            assert_near(&whole, &in_chunks(&mut engine, &prompt, chunk), &format!("chunks of {chunk}"));
        }
    }
}

#[test]
fn a_sequence_is_the_same_alone_and_among_others() {
    for mut engine in engines() {
        let prompts = [tokens(2, 90), tokens(3, 1), tokens(4, 70), tokens(5, 33)];
        let alone: Vec<Vec<f32>> = prompts.iter().map(|prompt| in_chunks(&mut engine, prompt, 256)).collect();
        let slots: Vec<Slot> = prompts.iter().map(|prompt| engine.reserve(prompt.len()).unwrap()).collect();
        // The first sequence writes its last token while the others' prompts are read.
        logits(&mut engine, &[Run { slot: slots[0], position: 0, tokens: &prompts[0][..89], logits: 0 }]);
        let runs: Vec<Run<'_>> = (0..4)
            .map(|index| {
                let position = if index == 0 { 89 } else { 0 };
                Run {
                    slot: slots[index],
                    position,
                    tokens: &prompts[index][position..],
                    logits: usize::from(index != 2),
                }
            })
            .collect();
        let together = logits(&mut engine, &runs);
        assert_eq!(together.len(), 3);
        for (together, index) in together.iter().zip([0, 1, 3]) {
            assert_near(&alone[index], together, &format!("sequence {index}"));
        }
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let prompt = tokens(6, 200);
    let mut expected: Option<Vec<f32>> = None;
    for threads in [1, 2, 4] {
        let mut engine = engine(threads, KernelChoice::Auto).unwrap();
        let computed = in_chunks(&mut engine, &prompt, 100);
        assert_near(expected.get_or_insert(computed.clone()), &computed, &format!("{threads} threads"));
    }
}

#[test]
fn room_that_was_used_by_others_is_as_good_as_new() {
    let mut engine = engine(2, KernelChoice::Auto).unwrap();
    let prompt = tokens(7, 100);
    let fresh = in_chunks(&mut engine, &prompt, 100);
    for seed in 8..12 {
        in_chunks(&mut engine, &tokens(seed, 300), 256);
    }
    assert_eq!(fresh, in_chunks(&mut engine, &prompt, 100));
}

/// What a prompt's logits are when it begins with what its owner asked before; how many tokens were not computed again.
fn begun(engine: &mut CpuEngine, owner: &str, prompt: &[u32]) -> (Vec<f32>, usize) {
    let (slot, known) = engine.begin(&Beginning { owner, prompt, tokens: prompt.len() }).unwrap();
    let last = logits(engine, &[Run { slot, position: known, tokens: &prompt[known..], logits: 1 }]);
    engine.share(slot, owner, prompt);
    engine.release(slot);
    (last.concat(), known)
}

#[test]
fn what_an_owner_asked_before_need_not_be_computed_again() {
    for mut engine in engines() {
        let prompt = tokens(14, 200);
        let (fresh, nothing) = begun(&mut engine, "one", &prompt);
        let (again, known) = begun(&mut engine, "one", &prompt);
        assert_eq!((nothing, known), (0, 192));
        assert_near(&fresh, &again, "the same prompt");
        assert_eq!(begun(&mut engine, "two", &prompt), (fresh, 0), "another's prompt");

        let other = [&prompt[..150], &tokens(15, 50)].concat();
        let alone = in_chunks(&mut engine, &other, 200);
        let (after, known) = begun(&mut engine, "one", &other);
        assert_eq!(known, 128);
        assert_near(&alone, &after, "a prompt that begins alike");
    }
}

#[test]
fn what_others_read_cannot_be_written() {
    let mut engine = engine(1, KernelChoice::Auto).unwrap();
    let prompt = tokens(16, 130);
    begun(&mut engine, "one", &prompt);
    let (slot, known) = engine.begin(&Beginning { owner: "one", prompt: &prompt, tokens: 130 }).unwrap();
    assert_eq!(known, 128);
    let error = engine.forward(&[Run { slot, position: 127, tokens: &prompt[127..], logits: 1 }]).unwrap_err();
    assert!(error.to_string().contains("what others read"), "{error}");
}

#[test]
fn logits_of_several_tokens_are_those_of_each_and_what_is_taken_back_leaves_nothing() {
    for mut engine in engines() {
        let prompt = tokens(17, 70);
        let each: Vec<Vec<f32>> = (65..=70).map(|end| in_chunks(&mut engine, &prompt[..end], 256)).collect();
        let slot = engine.reserve(80).unwrap();
        let wrong = [&prompt[..66], &tokens(18, 14)].concat();
        // Of 80 tokens the last 16: after the 65th, the 66th, and those that are wrong.
        let first = logits(&mut engine, &[Run { slot, position: 0, tokens: &wrong, logits: 16 }]);
        assert_eq!(first.len(), 16);
        assert_near(&each[0], &first[0], "65 tokens");
        assert_near(&each[1], &first[1], "66 tokens");
        let second = logits(&mut engine, &[Run { slot, position: 66, tokens: &prompt[66..], logits: 4 }]);
        for (index, row) in second.iter().enumerate() {
            assert_near(&each[index + 2], row, &format!("{} tokens", index + 67));
        }
    }
}

#[test]
fn room_ends_with_the_model_and_the_cache() {
    let mut engine = engine(1, KernelChoice::Auto).unwrap();
    let capacity = engine.capacity();
    assert_eq!((capacity.context_tokens_max, capacity.vocabulary), (400, 300));
    // A page of this network takes 2 layers · 2 heads · 64 tokens · 32 · 2 halves = 32 KiB.
    assert_eq!(capacity.cache_tokens_max, 32 * 64);
    assert_eq!(engine.reserve(401), None);
    let slots: Vec<Slot> = std::iter::from_fn(|| engine.reserve(400)).collect();
    assert_eq!(slots.len(), 4, "seven pages each, of 32");
    engine.release(slots[1]);
    assert_eq!(engine.reserve(400), Some(slots[1]));
}

#[test]
fn what_cannot_be_computed_is_refused_and_harms_nobody() {
    let mut engine = engine(2, KernelChoice::Auto).unwrap();
    let prompt = tokens(12, 20);
    let expected = in_chunks(&mut engine, &prompt, 20);
    let slot = engine.reserve(20).unwrap();
    let run = Run { slot, position: 0, tokens: &prompt, logits: 1 };
    let long = tokens(13, 257);
    let roomy = engine.reserve(300).unwrap();
    let refused = [
        (vec![Run { slot: Slot(77), ..run }], "slot 77 is not reserved"),
        (vec![Run { position: 1, ..run }], "leaves its room"),
        (vec![Run { position: usize::MAX, ..run }], "leaves its room"),
        (vec![Run { tokens: &[], ..run }], "empty"),
        (vec![Run { tokens: &[300], ..run }], "token 300"),
        (vec![Run { tokens: &prompt[..3], ..run }, run], "two runs"),
        (vec![Run { slot: roomy, tokens: &long, ..run }], "257 tokens"),
    ];
    for (runs, problem) in refused {
        let error = engine.forward(&runs).unwrap_err().to_string();
        assert!(error.contains(problem), "{problem}: {error}");
    }
    assert!(logits(&mut engine, &[]).is_empty());
    assert_eq!(logits(&mut engine, &[run]), [expected]);
}

#[test]
fn a_cache_too_small_for_a_page_is_refused() {
    let settings = Settings { threads: 1, cache_bytes: 1000, ..Settings::default() };
    let error = CpuEngine::load(&opened(&small_network()), &settings).err().unwrap().to_string();
    assert!(error.contains("holds no page"), "{error}");
}
