//! `cargo xtask promises`: the table of what the product promises, the tests that prove each, and which promises have none
//! yet. The table is data (`crates/e2e/promises.toml`); this file knows none of its lines.

use std::fs;

use anyhow::{Context as _, Result, bail};
use toml_edit::DocumentMut;

use crate::children;
use crate::repository::Repository;
use crate::test::Count;

/// What to do with the table.
#[derive(clap::Args, Debug)]
pub(crate) struct Options {
    /// Only print the table: run nothing.
    #[arg(long)]
    list: bool,
}

/// One line of the table.
#[derive(Debug)]
struct Promise {
    number: i64,
    text: String,
    /// Names of tests as the test runner prints them; each stands in one crate only.
    tests: Vec<String>,
}

/// Whether every test named ran and passed.
pub(crate) fn run(repository: &Repository, options: &Options) -> Result<bool> {
    let file = repository.root().join("crates/e2e/promises.toml");
    let text = fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))?;
    let promises = read(&text)?;
    for Promise { number, text, tests } in &promises {
        let state = if tests.is_empty() { "no test yet".to_owned() } else { format!("{} tests", tests.len()) };
        println!("{number:>3}  {state:<12}  {text}");
    }
    let mut names: Vec<&String> = promises.iter().flat_map(|promise| &promise.tests).collect();
    names.sort_unstable();
    names.dedup();
    let proved = promises.iter().filter(|promise| !promise.tests.is_empty()).count();
    println!("{proved} of {} promises have a test", promises.len());
    if options.list || names.is_empty() {
        return Ok(true);
    }
    let mut count = Count::default();
    let mut command = repository.command("cargo");
    command
        .args(["test", "--quiet", "--workspace", "--lib", "--bins", "--tests", "--no-fail-fast", "--", "--exact"])
        .args(&names);
    let good = children::reading_along(&mut command, |line| count.read(line))?;
    let ran = count.passed + count.failed;
    if ran < names.len() as u64 {
        println!("{} tests are named, {ran} ran: the table names tests that do not exist", names.len());
    }
    println!("{} passed, {} failed", count.passed, count.failed);
    Ok(good && ran >= names.len() as u64)
}

fn read(text: &str) -> Result<Vec<Promise>> {
    let document: DocumentMut = text.parse().context("the table of promises is not TOML")?;
    let rows = document
        .get("promise")
        .and_then(toml_edit::Item::as_array_of_tables)
        .context("the table of promises is empty")?;
    let mut promises: Vec<Promise> = Vec::new();
    for row in rows {
        let number = row.get("number").and_then(toml_edit::Item::as_integer).context("a promise without a number")?;
        let text = row.get("text").and_then(toml_edit::Item::as_str).context("a promise without words")?.to_owned();
        let tests =
            row.get("tests").and_then(toml_edit::Item::as_array).context("a promise without a list of tests")?;
        let tests = tests.iter().filter_map(|test| test.as_str().map(str::to_owned)).collect();
        if promises.iter().any(|promise| promise.number >= number) {
            bail!("promise {number} is out of order or stands twice");
        }
        promises.push(Promise { number, text, tests });
    }
    Ok(promises)
}
