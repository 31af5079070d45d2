//! `cargo xtask bench`: the road against nginx and a direct call, the floor against llama.cpp, the audit log against its own
//! disk, the judge against Cedar, the request index against its aim. Everything compared is measured in one run, in turns, and told as medians and ratios: absolute times belong to one machine, ratios travel.

mod beside;
mod floor;
mod index;
mod log;
mod policy;
mod process;
mod road;
mod subject;

use std::path::PathBuf;

use anyhow::Result;
use serde_json::{Map, Value};

use crate::repository::Repository;

/// What to measure.
#[derive(clap::Args, Debug)]
pub(crate) struct Options {
    /// Only this part; all without it.
    #[arg(value_enum)]
    part: Option<Part>,
    /// One short round: shows that it works, proves nothing.
    #[arg(long)]
    quick: bool,
    /// One JSON object as the last line.
    #[arg(long)]
    json: bool,
    /// A Python interpreter that has `llama-cpp-python`, to measure the floor against.
    #[arg(long, value_name = "PATH")]
    llama_python: Option<PathBuf>,
    /// The model to measure the floor with; the starter model without it.
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// A text that the floor and llama.cpp are to predict, token by token.
    #[arg(long, value_name = "FILE")]
    perplexity: Option<PathBuf>,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// What the gateway adds to a request and to an event.
    Road,
    /// How fast the embedded model reads and writes.
    Floor,
    /// What the audit log takes a second, what it adds to a request, how soon it is read back.
    Log,
    /// How fast the request index takes entries in, and how long its queries take over a million requests.
    Index,
    /// How long a policy takes to load, and a decision.
    Policy,
}

/// Measures; whether everything that could be measured was.
pub(crate) fn run(repository: &Repository, options: &Options) -> Result<bool> {
    let mut told = Map::new();
    let wanted = |part| options.part.is_none_or(|only| only == part);
    if wanted(Part::Road) {
        told.insert("road".to_owned(), road::run(repository, options.quick)?);
    }
    if wanted(Part::Log) {
        told.insert("log".to_owned(), log::run(repository, options.quick)?);
    }
    if wanted(Part::Index) {
        told.insert("index".to_owned(), index::run(repository, options.quick)?);
    }
    if wanted(Part::Policy) {
        told.insert("policy".to_owned(), policy::run(repository, options.quick)?);
    }
    if wanted(Part::Floor) {
        let compared = floor::Compared {
            python: options.llama_python.clone(),
            model: options.model.clone(),
            text: options.perplexity.clone(),
            quick: options.quick,
        };
        told.insert("floor".to_owned(), floor::run(repository, &compared)?);
    }
    if options.json {
        println!("{}", Value::Object(told));
    }
    Ok(true)
}

/// The middle of what was measured; zero of nothing.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}
