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
    let mut told = Map::new();
    for threads in ["1", "2"] {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            let example = ["run", "--release", "--quiet", "-p", "local_model_cpu", "--example", "floor_bench", "--"];
            ours.push(figures(repository.command("cargo").args(example).arg(&model).args([threads, "1"]))?);
            if let Some(python) = &compared.python {
                let script = "crates/e2e/python/llama_bench.py";
                theirs.push(figures(repository.command(python).arg(script).arg(&model).arg(threads))?);
            }
        }
        tell(threads, &ours, &theirs, &mut told);
    }
    Ok(Value::Object(told))
}

/// One line a figure of speed: ours, theirs, ours as a multiple of theirs.
fn tell(threads: &str, ours: &[Map<String, Value>], theirs: &[Map<String, Value>], told: &mut Map<String, Value>) {
    let names = ours.first().into_iter().flat_map(Map::keys).filter(|name| name.ends_with("_per_second"));
    for name in names {
        let Some(value) = middle(ours, name) else { continue };
        let theirs = middle(theirs, name);
        let ratio = theirs.filter(|theirs| *theirs > 0.0).map(|theirs| value / theirs);
        let beside =
            theirs.map_or(String::new(), |theirs| format!("   llama.cpp {theirs:.1}   {:.2} ×", ratio.unwrap_or(0.0)));
        let name = format!("{name}, {threads} threads");
        println!("{name:<52}ours {value:.1}{beside}");
        told.insert(name, json!({"ours": value, "llama_cpp": theirs, "ratio": ratio}));
    }
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
