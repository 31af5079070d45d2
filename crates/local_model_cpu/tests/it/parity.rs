//! The engine against the plain reference: every kind of weights, both families, every set of kernels, however the
//! tokens are cut into runs.

use local_model::{Engine, Run, Slot};
use local_model_cpu::{KernelChoice, LoadError, Settings, load_engine};

use crate::blocks::{KINDS, Kind, Random};
use crate::networks::{Network, Plan};
use crate::reference::{self, Activations};

/// How much farther from the exact logits the engine may be than the reference with rounded activations is. The two
/// round alike, but a value that falls to the other side makes all later roundings others; only their size compares.
const ERROR_RATIO_MAX: f64 = 1.5;
/// What may come on top: keys and values in 16 bits, sums in 32. All there is where weights are floats.
const ERROR_FLOOR: f64 = 0.002;
/// In the test of long prompts: some times the error that the others measure.
const ERROR_MAX: f64 = 0.04;

/// The kernels that this machine can run. The portable ones always can.
fn engines(network: &Network) -> Vec<(KernelChoice, Box<dyn Engine>)> {
    let folder = tempfile::tempdir().unwrap();
    let path = network.write(folder.path());
    let mut engines = Vec::new();
    for kernels in [KernelChoice::Portable, KernelChoice::Avx2, KernelChoice::Avx512Vnni, KernelChoice::Amx] {
        let settings = Settings { threads: 2, cache_bytes: 16 << 20, kernels, ..Settings::default() };
        match load_engine(&path, &settings) {
            Ok(engine) => engines.push((kernels, engine)),
            Err(LoadError::Machine(reason)) if kernels != KernelChoice::Portable => println!("left out: {reason}"),
            Err(error) => panic!("{kernels:?}: {error}"),
        }
    }
    engines
}

fn random_tokens(count: usize, vocabulary: usize) -> Vec<u32> {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    (0..count).map(|_| random.below(vocabulary) as u32).collect()
}

/// The logits after the run.
fn forward(engine: &mut dyn Engine, slot: Slot, position: usize, tokens: &[u32]) -> Vec<f32> {
    let logits = engine.forward(&[Run { slot, position, tokens, logits: 1 }]).unwrap();
    logits.rows().next().unwrap().to_vec()
}

/// How far logits are from the reference's: the root of the mean squared difference over the reference's spread.
fn error<T: Copy + Into<f64>>(ours: &[T], reference: &[f64]) -> f64 {
    assert_eq!(ours.len(), reference.len());
    let mean = reference.iter().sum::<f64>() / reference.len() as f64;
    let spread: f64 = reference.iter().map(|value| (value - mean).powi(2)).sum();
    let apart: f64 = ours.iter().zip(reference).map(|(ours, value)| ((*ours).into() - value).powi(2)).sum();
    (apart / spread).sqrt()
}

fn root_mean_square(errors: &[f64]) -> f64 {
    (errors.iter().map(|error| error * error).sum::<f64>() / errors.len() as f64).sqrt()
}

/// How the engine multiplies with weights of a kind.
fn activations(kind: Kind) -> Activations {
    if kind.block_weights() == 1 { Activations::Exact } else { Activations::Rounded }
}

/// Computes a prompt at once and some tokens one by one; holds the errors against their bounds.
fn check(name: &str, plan: &Plan) {
    const PROMPT: usize = 21;
    const TOKENS: usize = 29;
    let network = Network::random(plan);
    let tokens = random_tokens(TOKENS, plan.vocabulary);
    let exact = reference::logits(&network, Activations::Exact, &tokens);
    let rounded = reference::logits(&network, activations(plan.kind), &tokens);
    let rounding: Vec<f64> = rounded.iter().zip(&exact).map(|(row, exact)| error(row, exact)).collect();
    let rounding = root_mean_square(&rounding[PROMPT - 1..]);
    for (kernels, mut engine) in engines(&network) {
        let slot = engine.reserve(TOKENS).unwrap();
        let mut rows = vec![forward(engine.as_mut(), slot, 0, &tokens[..PROMPT])];
        rows.extend((PROMPT..TOKENS).map(|at| forward(engine.as_mut(), slot, at, &tokens[at..=at])));
        let ours: Vec<f64> = rows.iter().zip(&exact[PROMPT - 1..]).map(|(row, exact)| error(row, exact)).collect();
        let (ours, bound) = (root_mean_square(&ours), ERROR_RATIO_MAX * rounding + ERROR_FLOOR);
        println!("{name}, {kernels:?}: {:.3} %, rounding alone {:.3} %", ours * 100.0, rounding * 100.0);
        assert!(ours < bound, "{name}, {kernels:?}: {ours} of at most {bound}");
    }
}

#[test]
fn every_kind_and_family_computes_what_its_definition_says() {
    for kind in KINDS {
        for architecture in ["llama", "qwen2"] {
            check(&format!("{architecture} {kind:?}"), &Plan::small(architecture, kind));
        }
    }
}

#[test]
fn unusual_builds_compute_what_their_definition_says() {
    let llama = Plan::small("llama", Kind::Q8_0);
    let qwen = Plan::small("qwen2", Kind::Q4_0);
    let builds = [
        ("an untied qwen2", Plan { tied: false, ..qwen.clone() }),
        ("a tied llama", Plan { tied: true, ..llama.clone() }),
        ("a llama with biases", Plan { biases: true, ..llama.clone() }),
        ("a head for each key", Plan { heads: 3, kv_heads: 3, ..llama.clone() }),
        ("one key for all heads", Plan { heads: 6, kv_heads: 1, head_dim: 16, ..llama.clone() }),
        ("heads wider than the stream", Plan { heads: 4, kv_heads: 2, head_dim: 64, ..qwen }),
        ("factors for the angles", Plan { rope_factors: true, ..llama.clone() }),
        ("one layer, one token more than a strip", Plan { layers: 1, vocabulary: 17, ..llama }),
    ];
    for (name, plan) in builds {
        check(name, &plan);
    }
}

#[test]
fn a_long_prompt_is_the_same_in_pieces_and_beside_others() {
    const TOKENS: usize = 200;
    let plan = Plan::small("llama", Kind::Q4_1);
    let network = Network::random(&plan);
    let tokens = random_tokens(TOKENS, plan.vocabulary);
    let other: Vec<u32> = tokens.iter().rev().copied().collect();
    let expected = reference::logits(&network, Activations::Exact, &tokens);
    let expected_other = reference::logits(&network, Activations::Exact, &other);
    for (kernels, mut engine) in engines(&network) {
        let (slot, beside) = (engine.reserve(TOKENS).unwrap(), engine.reserve(TOKENS).unwrap());
        assert_ne!(slot, beside);
        let mut position = 0;
        for length in [1, 7, 16, 33, 64, 79] {
            let run = |slot, tokens| Run { slot, position, tokens, logits: 1 };
            let end = position + length;
            let runs = [run(slot, &tokens[position..end]), run(beside, &other[position..end])];
            let rows: Vec<Vec<f32>> = engine.forward(&runs).unwrap().rows().map(<[f32]>::to_vec).collect();
            let errors = [error(&rows[0], &expected[end - 1]), error(&rows[1], &expected_other[end - 1])];
            assert!(errors.iter().all(|error| *error < ERROR_MAX), "{kernels:?} at {end}: {errors:?}");
            position = end;
        }
        assert_eq!(position, TOKENS);
        // What was there before leaves no trace in a slot that is used again.
        engine.release(slot);
        let again = engine.reserve(TOKENS).unwrap();
        let row = forward(engine.as_mut(), again, 0, &other[..64]);
        assert!(error(&row, &expected_other[63]) < ERROR_MAX, "{kernels:?}");
    }
}
