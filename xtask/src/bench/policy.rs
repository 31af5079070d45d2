//! The judge measured: how long a policy of 500 rules takes to load and to be proved for 200 destinations, what a decision takes
//! when it is asked again and when it is first seen, and how often Cedar would have to be asked instead. A decision of the judge
//! is for all destinations; Cedar's is for one of them, taken in the same process. And how fast texts are searched.

use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};

use super::median;
use crate::children;
use crate::repository::Repository;

const PROGRAM: &str = "policy_bench";
const SCAN: &str = "scan_speed";
/// How the verdicts are kept, and what is said of it.
const MEMORIES: [(&str, &str); 2] = [("table", "all verdicts in a table"), ("cache", "too many combinations, cached")];
const ROUNDS: usize = 3;
const DECISIONS: &str = "1000000";
const DECISIONS_QUICK: &str = "20000";

/// Measures and prints the table; the same as JSON.
pub(super) fn run(repository: &Repository, quick: bool) -> Result<Value> {
    println!("building (release) …");
    let build = ["build", "--release", "--quiet", "-p", "policy", "--example", PROGRAM];
    if !children::run(repository.command("cargo").args(build))? {
        anyhow::bail!("the release build failed");
    }
    let (rounds, decisions) = if quick { (1, DECISIONS_QUICK) } else { (ROUNDS, DECISIONS) };
    let mut told = Map::new();
    for (memory, meaning) in MEMORIES {
        let mut all = Vec::new();
        for _ in 0..rounds {
            let program = repository.built("release", "examples").join(PROGRAM);
            let output = children::quietly(repository.command(program).args([memory, decisions]))?;
            let line = output.lines().last().unwrap_or_default();
            all.push(serde_json::from_str(line).context("a measurement printed no JSON object")?);
        }
        told.insert(memory.to_owned(), tell(meaning, &all)?);
    }
    told.insert("scan".to_owned(), scan(repository)?);
    Ok(Value::Object(told))
}

/// How fast texts are searched for identifiers on one core, as the reader's own example tells it: printed as it comes.
fn scan(repository: &Repository) -> Result<Value> {
    let build = ["build", "--release", "--quiet", "-p", "inspect", "--example", SCAN];
    if !children::run(repository.command("cargo").args(build))? {
        anyhow::bail!("the release build failed");
    }
    let output = children::quietly(&mut repository.command(repository.built("release", "examples").join(SCAN)))?;
    println!("texts searched for identifiers, one core");
    let mut speeds = Map::new();
    for line in output.lines() {
        println!("  {line}");
        if let [plain, with_own, _, name] = line.split_whitespace().collect::<Vec<_>>()[..]
            && let (Ok(plain), Ok(with_own)) = (plain.parse::<f64>(), with_own.parse::<f64>())
        {
            speeds.insert(name.to_owned(), json!({"mb_per_s": plain, "with_own_mb_per_s": with_own}));
        }
    }
    anyhow::ensure!(!speeds.is_empty(), "the search told no speed");
    Ok(Value::Object(speeds))
}

/// Prints the medians of some rounds.
fn tell(meaning: &str, rounds: &[Value]) -> Result<Value> {
    let of = |path: &str| -> Result<f64> {
        let value = |round: &Value| round.pointer(path).and_then(Value::as_f64);
        let values: Option<Vec<f64>> = rounds.iter().map(value).collect();
        Ok(median(values.with_context(|| format!("a measurement told no `{path}`"))?))
    };
    let (rules, destinations) = (of("/rules")?, of("/destinations")?);
    println!("{meaning}: {rules:.0} rules, {destinations:.0} destinations, {:.0} combinations", of("/combinations")?);
    let parts = [of("/read_s")?, of("/compile_s")?, of("/prove_s")?];
    let [read, compile, prove] = parts;
    println!(
        "  {:<26}{:>10.2} s   read {read:.2}, compile {compile:.2}, prove {prove:.2}",
        "load and proof",
        of("/load_s")?
    );
    let mut figures = Map::new();
    for (name, what) in [("again", "a decision, asked again"), ("first", "a decision, first seen")] {
        let [p50, p99, p999, max] = ["p50", "p99", "p999", "max"].map(|share| of(&format!("/{name}/{share}_ns")));
        let (p50, p99, p999, max) = (p50?, p99?, p999?, max?);
        println!("  {what:<26}{p50:>10.0} ns   p99 {p99:.0}, p99.9 {p999:.0}, max {max:.0}");
        figures.insert(name.to_owned(), json!({"p50_ns": p50, "p99_ns": p99, "p999_ns": p999, "max_ns": max}));
    }
    let (cedar, mean) = (of("/cedar_ns")?, of("/mean_ns")?);
    let ratio = cedar / mean;
    println!(
        "  {:<26}{cedar:>10.0} ns   {ratio:.0} decisions of the judge, each for all {destinations:.0}",
        "Cedar, one destination"
    );
    figures.extend([
        ("load_s".to_owned(), json!(of("/load_s")?)),
        ("read_s".to_owned(), json!(read)),
        ("compile_s".to_owned(), json!(compile)),
        ("prove_s".to_owned(), json!(prove)),
        ("cedar_ns".to_owned(), json!(cedar)),
        ("mean_ns".to_owned(), json!(mean)),
        ("cedar_per_decision".to_owned(), json!(ratio)),
    ]);
    Ok(Value::Object(figures))
}
