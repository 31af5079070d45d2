//! The floor measured: tokens a second, reading and writing, of one sequence and of several, of our engine and of llama.cpp
//! in turns on the same model; and how well both predict a text. Each is a program that prints one JSON object of
//! figures; this file knows what they are called, not what they mean.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde_json::{Map, Value, json};

use super::median;
use crate::repository::Repository;
use crate::{children, prepare};

/// What to measure with.
pub(super) struct Compared {
    pub(super) python: Option<PathBuf>,
    pub(super) model: Option<PathBuf>,
    /// A text to predict.
    pub(super) text: Option<PathBuf>,
    pub(super) quick: bool,
}

/// Sequences at once, in turn.
const SEQUENCES: &str = "1,8,32";
/// Pieces of the text at once: few, which are computed as whole numbers, and many, which may be as bfloat16s.
const PIECES_AT_ONCE: [&str; 2] = ["1", "48"];

/// Measures and prints the table; the same as JSON.
pub(super) fn run(repository: &Repository, compared: &Compared) -> Result<Value> {
    let model = match &compared.model {
        Some(model) => model.clone(),
        None => prepare::model(repository)?,
    };
    if compared.python.is_none() {
        println!(
            "no llama.cpp to compare with: give `--llama-python PATH` of an interpreter that has `llama-cpp-python`"
        );
    }
    let mut told = Map::new();
    if let Some(text) = &compared.text {
        predict(repository, compared, &model, text, &mut told)?;
    }
    let rounds = if compared.quick { 1 } else { 3 };
    for threads in ["1", "2"] {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            ours.push(figures(example(repository, "floor_bench").arg(&model).args([threads, SEQUENCES]))?);
            if let Some(python) = &compared.python {
                let script = "crates/e2e/python/llama_bench.py";
                theirs.push(figures(repository.command(python).arg(script).arg(&model).args([threads, SEQUENCES]))?);
            }
        }
        tell(threads, &ours, &theirs, &mut told);
    }
    Ok(Value::Object(told))
}

fn example(repository: &Repository, name: &str) -> Command {
    let mut command = repository.command("cargo");
    command.args(["run", "--release", "--quiet", "-p", "local_model_cpu", "--example", name, "--"]);
    command
}

/// The perplexity of both engines on the same tokens.
fn predict(
    repository: &Repository,
    compared: &Compared,
    model: &Path,
    text: &Path,
    told: &mut Map<String, Value>,
) -> Result<()> {
    for at_once in PIECES_AT_ONCE {
        let ours =
            children::quietly(example(repository, "floor_perplexity").arg(model).arg(text).args(["2", at_once]))?;
        let value = perplexity(&ours)?;
        let theirs = compared
            .python
            .as_ref()
            .map(|python| {
                let script = "crates/e2e/python/llama_perplexity.py";
                perplexity(&with_input(repository.command(python).arg(script).arg(model).arg("2"), &ours)?)
            })
            .transpose()?;
        let apart = theirs.map(|theirs| (value / theirs - 1.0) * 100.0);
        let beside =
            theirs.map_or(String::new(), |theirs| format!("   llama.cpp {theirs:.4}   {:+.3} %", apart.unwrap_or(0.0)));
        let name = format!("perplexity, {at_once} pieces at once");
        println!("{name:<52}ours {value:.4}{beside}");
        told.insert(name, json!({"ours": value, "llama_cpp": theirs, "percent_apart": apart}));
    }
    Ok(())
}

fn perplexity(output: &str) -> Result<f64> {
    object(output)?.get("perplexity").and_then(Value::as_f64).context("a measurement told no perplexity")
}

/// Runs a program on an input; what it has written.
fn with_input(command: &mut Command, input: &str) -> Result<String> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("the program to compare with could not be started")?;
    child.stdin.take().context("a child has no standard input")?.write_all(input.as_bytes())?;
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("the program to compare with failed; what it said stands above");
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// One line a figure: ours, theirs, ours as a multiple of theirs.
fn tell(threads: &str, ours: &[Map<String, Value>], theirs: &[Map<String, Value>], told: &mut Map<String, Value>) {
    let names = ours.first().into_iter().flat_map(Map::keys).filter(|name| *name != "threads");
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

fn figures(command: &mut Command) -> Result<Map<String, Value>> {
    object(&children::quietly(command)?)
}

fn object(output: &str) -> Result<Map<String, Value>> {
    let line =
        output.lines().rev().find(|line| line.starts_with('{')).context("a measurement printed no JSON object")?;
    serde_json::from_str(line).context("a measurement printed something that is not JSON")
}

fn middle(rounds: &[Map<String, Value>], name: &str) -> Option<f64> {
    let values: Vec<f64> = rounds.iter().filter_map(|figures| figures.get(name)?.as_f64()).collect();
    (!values.is_empty()).then(|| median(values))
}
