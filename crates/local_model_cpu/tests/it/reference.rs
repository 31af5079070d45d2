//! A network computed as its definition reads: plain loops over 64-bit floats, nothing packed or kept. It shares nothing
//! with the engine.

use crate::networks::{Matrix, Network};

/// What matrices are multiplied with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Activations {
    /// As the definition says.
    Exact,
    /// Rounded in blocks of 32 to 255 steps of the greatest among them: what the engine, like llama.cpp, promises to do
    /// before it multiplies with weights that are whole numbers.
    Rounded,
}

/// A row of logits after each token.
pub(crate) fn logits(network: &Network, activations: Activations, tokens: &[u32]) -> Vec<Vec<f64>> {
    let plan = &network.plan;
    let multiplied = |matrix: &Matrix, vector: &[f64]| match activations {
        Activations::Exact => multiplied(matrix, vector),
        Activations::Rounded => multiplied(matrix, &rounded(vector)),
    };
    let mut stream: Vec<Vec<f64>> = tokens.iter().map(|token| row(&network.embedding, *token as usize)).collect();
    for layer in &network.layers {
        let mut queries = Vec::new();
        let mut keys = Vec::new();
        let mut values = Vec::new();
        for (position, state) in stream.iter().enumerate() {
            let normed = normalised(state, &layer.attention_norm);
            queries.push(turned(network, added(multiplied(&layer.query, &normed), &layer.query_bias), position));
            keys.push(turned(network, added(multiplied(&layer.key, &normed), &layer.key_bias), position));
            values.push(added(multiplied(&layer.value, &normed), &layer.value_bias));
        }
        for (position, state) in stream.iter_mut().enumerate() {
            let mut attended = Vec::with_capacity(plan.heads * plan.head_dim);
            for head in 0..plan.heads {
                let at = head * plan.head_dim;
                let kv_at = head / (plan.heads / plan.kv_heads) * plan.head_dim;
                let query = &queries[position][at..at + plan.head_dim];
                let scores: Vec<f64> = keys[..=position]
                    .iter()
                    .map(|key| dot(query, &key[kv_at..kv_at + plan.head_dim]) / (plan.head_dim as f64).sqrt())
                    .collect();
                let peak = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let shares: Vec<f64> = scores.iter().map(|score| (score - peak).exp()).collect();
                let total: f64 = shares.iter().sum();
                attended.extend((0..plan.head_dim).map(|component| {
                    let weighted = shares.iter().zip(&values).map(|(share, value)| share * value[kv_at + component]);
                    weighted.sum::<f64>() / total
                }));
            }
            add_to(state, &multiplied(&layer.attention_output, &attended));
            let normed = normalised(state, &layer.feed_norm);
            let (gate, up) = (multiplied(&layer.gate, &normed), multiplied(&layer.up, &normed));
            let gated: Vec<f64> = gate.iter().zip(up).map(|(gate, up)| gate / (1.0 + (-gate).exp()) * up).collect();
            add_to(state, &multiplied(&layer.down, &gated));
        }
    }
    stream.iter().map(|state| multiplied(&network.output, &normalised(state, &network.output_norm))).collect()
}

fn row(matrix: &Matrix, index: usize) -> Vec<f64> {
    matrix.weights[index * matrix.columns..][..matrix.columns].iter().copied().map(f64::from).collect()
}

fn multiplied(matrix: &Matrix, vector: &[f64]) -> Vec<f64> {
    let rows = matrix.weights.chunks_exact(matrix.columns);
    rows.map(|row| row.iter().zip(vector).map(|(weight, value)| f64::from(*weight) * value).sum()).collect()
}

fn rounded(vector: &[f64]) -> Vec<f64> {
    let block = |block: &[f64]| {
        let greatest = block.iter().fold(0.0_f64, |greatest, value| greatest.max(value.abs()));
        let step = if greatest > 0.0 { greatest / 127.0 } else { 1.0 };
        block.iter().map(|value| (value / step).round() * step).collect::<Vec<f64>>()
    };
    vector.chunks(32).flat_map(block).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn added(mut vector: Vec<f64>, bias: &[f32]) -> Vec<f64> {
    vector.iter_mut().zip(bias).for_each(|(value, bias)| *value += f64::from(*bias));
    vector
}

fn add_to(state: &mut [f64], change: &[f64]) {
    state.iter_mut().zip(change).for_each(|(value, change)| *value += change);
}

fn normalised(state: &[f64], weights: &[f32]) -> Vec<f64> {
    let mean_square = dot(state, state) / state.len() as f64;
    let scale = 1.0 / (mean_square + 1e-5).sqrt();
    state.iter().zip(weights).map(|(value, weight)| value * scale * f64::from(*weight)).collect()
}

/// Rotary positions: neighbours turn together in `llama` files, halves in `qwen2` files.
fn turned(network: &Network, mut heads: Vec<f64>, position: usize) -> Vec<f64> {
    let plan = &network.plan;
    let half = plan.head_dim / 2;
    for head in heads.chunks_exact_mut(plan.head_dim) {
        for pair in 0..half {
            let frequency = f64::from(plan.rope_base).powf(-(pair as f64) / half as f64);
            let angle = position as f64 * frequency / f64::from(network.rope_factors[pair]);
            let (a, b) = if plan.architecture == "llama" { (2 * pair, 2 * pair + 1) } else { (pair, pair + half) };
            let (x, y) = (head[a], head[b]);
            head[a] = x * angle.cos() - y * angle.sin();
            head[b] = x * angle.sin() + y * angle.cos();
        }
    }
    heads
}
