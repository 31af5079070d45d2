//! `cargo xtask promises`: the table of what the product promises, the tests that prove each, and which promises have none
//! yet. All of it is built for release. The table is data (`crates/e2e/promises.toml`); this file knows none of its lines.

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
    /// How often the server is killed and started again.
    #[arg(long, default_value_t = KILLS, value_name = "NUMBER")]
    kills: u32,
}

/// Kills of a whole run; the quick one with every test run has a tenth of them.
const KILLS: u32 = 200;

/// One line of the table.
#[derive(Debug)]
struct Promise {
    number: i64,
    text: String,
    /// Names of tests as the test runner prints them; each stands in one crate only.
    tests: Vec<String>,
    /// Those that plant the defect which the others must find.
    mutants: Vec<String>,
    /// Defects that were planted by hand, and what found them.
    planted: Vec<String>,
}

/// Whether every test named ran and passed.
pub(crate) fn run(repository: &Repository, options: &Options) -> Result<bool> {
    let file = repository.root().join("crates/e2e/promises.toml");
    let text = fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))?;
    let promises = read(&text)?;
    for Promise { number, text, tests, mutants, planted } in &promises {
        let state = match (tests.len(), mutants.len() + planted.len()) {
            (0, _) => "no test yet".to_owned(),
            (tests, 0) => format!("{tests} tests"),
            (tests, defects) => format!("{tests} tests, {defects} of their defects"),
        };
        println!("{number:>3}  {state:<28}  {text}");
    }
    let mut names: Vec<&String> =
        promises.iter().flat_map(|promise| promise.tests.iter().chain(&promise.mutants)).collect();
    names.sort_unstable();
    names.dedup();
    let proved = promises.iter().filter(|promise| !promise.tests.is_empty()).count();
    println!("{proved} of {} promises have a test", promises.len());
    if options.list || names.is_empty() {
        return Ok(true);
    }
    // Built for release: what is held is what is shipped, and tests do all they can only without debug assertions.
    let built = ["--release", "--quiet", "--workspace", "--lib", "--bins", "--tests"];
    if !children::run(repository.command("cargo").arg("build").args(built))? {
        bail!("what is to be tested does not build");
    }
    let mut count = Count::default();
    let mut command = repository.command("cargo");
    command
        .arg("test")
        .args(built)
        .args(["--no-fail-fast", "--", "--exact"])
        .args(&names)
        .env("GWANMUN_TEST_BINARY", repository.built("release", "gwanmun"))
        .env("GWANMUN_TEST_KILLS", options.kills.to_string())
        // Every byte of a stream, where the quick run tries one in ten.
        .env("GWANMUN_TEST_OFFSETS", "1");
    let good = children::reading_along(&mut command, |line| count.read(line))?;
    let ran = count.passed + count.failed;
    if ran < names.len() as u64 {
        println!("{} tests are named, {ran} ran: the table names tests that do not exist", names.len());
    }
    for (title, why) in children::left_out() {
        println!("{title}: {why}");
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
        let listed = |name| row.get(name).and_then(toml_edit::Item::as_array).map(names);
        let (tests, mutants) = (listed("tests").context("a promise without a list of tests")?, listed("mutants"));
        let (mutants, planted) = (mutants.unwrap_or_default(), listed("planted").unwrap_or_default());
        if promises.iter().any(|promise| promise.number >= number) {
            bail!("promise {number} is out of order or stands twice");
        }
        promises.push(Promise { number, text, tests, mutants, planted });
    }
    Ok(promises)
}

fn names(list: &toml_edit::Array) -> Vec<String> {
    list.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect()
}
