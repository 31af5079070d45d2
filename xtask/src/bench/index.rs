//! The request index measured: how fast it takes entries in, and how long the queries of the console's pages take over a million
//! requests. One process, one disk; nothing is compared, for an index has no rival here: the aim is a time.

use std::fs;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::children;
use crate::repository::Repository;

/// What a page may take at the server, in milliseconds: most of it is the query.
const PAGE_MS_MAX: f64 = 200.0;

/// Requests, and how often each query is asked.
const FULL: (u64, u64) = (1_000_000, 200);
const QUICK: (u64, u64) = (50_000, 20);

/// Measures and prints the table; the same as JSON.
pub(super) fn run(repository: &Repository, quick: bool) -> Result<Value> {
    println!("building (release) …");
    let build = ["build", "--release", "--quiet", "-p", "request_index", "--examples"];
    if !children::run(repository.command("cargo").args(build))? {
        anyhow::bail!("the release build failed");
    }
    let folder = repository.built("bench", &format!("index-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let (requests, rounds) = if quick { QUICK } else { FULL };
    let mut command = repository.command(repository.built("release", "examples/index_bench"));
    let measured = children::quietly(command.arg(&folder).arg(requests.to_string()).arg(rounds.to_string()));
    // What is left of a run that failed helps nobody.
    drop(fs::remove_dir_all(&folder));
    let told: Value = serde_json::from_str(measured?.lines().last().unwrap_or_default())
        .context("the measurement printed no JSON object")?;
    let number = |value: &Value, name: &str| value.get(name).and_then(Value::as_f64).unwrap_or(f64::NAN);
    println!(
        "{requests} requests: {:.0} entries/s taken in, {:.0} bytes a request",
        number(&told, "entries_s"),
        number(&told, "bytes_per_request")
    );
    let queries = told.get("queries").and_then(Value::as_object).context("the measurement told no queries")?;
    for (name, times) in queries {
        let (p50, p99) = (number(times, "p50_ms"), number(times, "p99_ms"));
        let missed = if p99 <= PAGE_MS_MAX { "" } else { "   MISSED: more than 200 ms" };
        println!("{name:<50}p50 {p50:>9.2} ms   p99 {p99:>9.2} ms{missed}");
    }
    Ok(told)
}
