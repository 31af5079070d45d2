//! The floor measured: tokens a second, reading and writing, of our engine and of llama.cpp in turns on the same model.
//! Each is a program that prints one JSON object of figures; this file knows what they are called, not what they mean.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};

use super::median;
use crate::repository::Repository;
use crate::{children, prepare};

/// What to measure with.
pub(super) struct Compared {
    pub(super) python: Option<PathBuf>,
    pub(super) model: Option<PathBuf>,
    pub(super) quick: bool,
}

/// Measures and prints the table; the same as JSON.
pub(super) fn run(repository: &Repository, compared: &Compared) -> Result<Value> {
    let model = match &compared.model {
        Some(model) => model.clone(),
        None => prepare::model(repository)?,
    };
    let rounds = if compared.quick { 1 } else { 3 };
    if compared.python.is_none() {
        println!(
            "no llama.cpp to compare with: give `--llama-python PATH` of an interpreter that has `llama-cpp-python`"
        );
    }
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let example = ["run", "--release", "--quiet", "-p", "local_model_cpu", "--example", "floor_bench", "--"];
        ours.push(figures(repository.command("cargo").args(example).arg(&model))?);
        if let Some(python) = &compared.python {
            theirs.push(figures(repository.command(python).arg("crates/e2e/python/llama_bench.py").arg(&model))?);
        }
    }
    let mut told = Map::new();
    for name in ours.first().map(|figures| figures.keys().cloned().collect::<Vec<_>>()).unwrap_or_default() {
        let (ours, theirs) = (middle(&ours, &name), middle(&theirs, &name));
        let Some(value) = ours else { continue };
        let ratio = theirs.filter(|theirs| *theirs > 0.0).map(|theirs| value / theirs);
        let beside =
            theirs.map_or(String::new(), |theirs| format!("   llama.cpp {theirs:.1}   {:.2} ×", ratio.unwrap_or(0.0)));
        println!("{name:<40}ours {value:.1}{beside}");
        told.insert(name, json!({"ours": value, "llama_cpp": theirs, "ratio": ratio}));
    }
    Ok(Value::Object(told))
}

fn figures(command: &mut std::process::Command) -> Result<Map<String, Value>> {
    let output = children::quietly(command)?;
    let line =
        output.lines().rev().find(|line| line.starts_with('{')).context("a measurement printed no JSON object")?;
    serde_json::from_str(line).context("a measurement printed something that is not JSON")
}

fn middle(rounds: &[Map<String, Value>], name: &str) -> Option<f64> {
    let values: Vec<f64> = rounds.iter().filter_map(|figures| figures.get(name)?.as_f64()).collect();
    (!values.is_empty()).then(|| median(values))
}
