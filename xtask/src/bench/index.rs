//! The request index measured: how fast it takes entries in, how long the queries of the console's pages take over a million requests,
//! and how long the pages themselves take at the server. One process, one disk; nothing is compared, for an index has no rival here: the
//! aim is a time.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::children;
use crate::repository::Repository;

/// What a page may take at the server, in milliseconds.
const PAGE_MS_MAX: f64 = 200.0;

/// Requests, and how often each query is asked.
const FULL: (u64, u64) = (1_000_000, 200);
const QUICK: (u64, u64) = (50_000, 20);

/// Measures and prints the table; the same as JSON.
pub(super) fn run(repository: &Repository, quick: bool) -> Result<Value> {
    println!("building (release) …");
    let build = ["build", "--release", "--quiet", "-p", "request_index", "-p", "console", "--examples"];
    if !children::run(repository.command("cargo").args(build))? {
        anyhow::bail!("the release build failed");
    }
    let folder = repository.built("bench", &format!("index-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let measured = measured(repository, &folder, if quick { QUICK } else { FULL });
    // What is left of a run that failed helps nobody.
    drop(fs::remove_dir_all(&folder));
    measured
}

fn measured(repository: &Repository, folder: &Path, (requests, rounds): (u64, u64)) -> Result<Value> {
    let mut told = asked(repository, "index_bench", folder, &[requests, rounds])?;
    println!(
        "{requests} requests: {:.0} entries/s taken in, {:.0} bytes a request",
        number(&told, "entries_s"),
        number(&told, "bytes_per_request")
    );
    table(told.get("queries").context("the measurement told no queries")?)?;
    println!("the pages, from the request's head to the answer's last byte, without a socket");
    let pages = asked(repository, "page_bench", folder, &[rounds])?;
    let pages = pages.get("pages").context("the measurement told no pages")?;
    table(pages)?;
    if let Some(told) = told.as_object_mut() {
        told.insert("pages".to_owned(), pages.clone());
    }
    Ok(told)
}

/// What one of the programs measured in that folder.
fn asked(repository: &Repository, program: &str, folder: &Path, numbers: &[u64]) -> Result<Value> {
    let mut command = repository.command(repository.built("release", &format!("examples/{program}")));
    let measured = children::quietly(command.arg(folder).args(numbers.iter().map(u64::to_string)))?;
    serde_json::from_str(measured.lines().last().unwrap_or_default())
        .with_context(|| format!("`{program}` printed no JSON object"))
}

fn table(told: &Value) -> Result<()> {
    for (name, times) in told.as_object().context("the measurement told no times")? {
        let (p50, p99) = (number(times, "p50_ms"), number(times, "p99_ms"));
        let missed = if p99 <= PAGE_MS_MAX { "" } else { "   MISSED: more than 200 ms" };
        println!("{name:<50}p50 {p50:>9.2} ms   p99 {p99:>9.2} ms{missed}");
    }
    Ok(())
}

fn number(value: &Value, name: &str) -> f64 {
    value.get(name).and_then(Value::as_f64).unwrap_or(f64::NAN)
}
