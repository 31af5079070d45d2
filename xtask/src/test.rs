//! `cargo xtask test`: prepares, checks, builds once, runs every test. Every step runs though an earlier one failed (but
//! for tests that could not be built), so that one run tells all. Knows no test by name.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use crate::repository::Repository;
use crate::{children, prepare, tidy};

/// How much of it to run.
#[derive(clap::Args, Debug)]
pub(crate) struct Options {
    /// Leave out what takes longest: the real model, its Python client, and the documentation.
    #[arg(long)]
    quick: bool,
    /// Leave out formatting, lints, tidy and documentation: tests only.
    #[arg(long)]
    no_lint: bool,
}

/// Whether everything passed.
pub(crate) fn run(repository: &Repository, options: &Options) -> bool {
    let begun = children::now();
    let mut steps = Steps::default();
    let real = if options.quick { None } else { steps.prepare(repository) };
    if !options.no_lint {
        lint(repository, options, &mut steps);
    }
    if steps.cargo(repository, "build", &["build", "--workspace", "--all-targets"], &[]) {
        for suite in suites() {
            let mut command = repository.command("cargo");
            command.args(suite.arguments).env("GWANMUN_TEST_BINARY", repository.built("debug", "gwanmun"));
            command.env("NEXTEST_TEST_THREADS", at_once(suite).to_string());
            if let Some(real) = &real {
                real.told_to(&mut command);
            }
            steps.tests(suite.title, &mut command);
        }
        for (title, why) in children::left_out() {
            steps.note(title, why, Duration::ZERO);
        }
    }
    steps.conclude(begun.elapsed());
    steps.failed == 0
}

fn lint(repository: &Repository, options: &Options, steps: &mut Steps) {
    steps.cargo(repository, "formatting", &["fmt", "--all", "--", "--check"], &[]);
    steps.step("tidy", || tidy::run(repository));
    let clippy = ["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"];
    steps.cargo(repository, "lints", &clippy, &[]);
    if !options.quick {
        let doc = ["doc", "--quiet", "--workspace", "--no-deps"];
        steps.cargo(repository, "documentation", &doc, &[("RUSTDOCFLAGS", "-D warnings")]);
    }
}

/// What the real-model tests need.
struct Real {
    python: PathBuf,
    model: PathBuf,
    folder: PathBuf,
    wheels: PathBuf,
    embedder: PathBuf,
    browser: PathBuf,
}

impl Real {
    fn told_to(&self, command: &mut Command) {
        command.env("GWANMUN_TEST_MODEL", &self.model);
        command.env("GWANMUN_TEST_FOLDER", &self.folder);
        command.env("GWANMUN_TEST_WHEELS", &self.wheels);
        command.env("GWANMUN_TEST_EMBEDDER", &self.embedder);
        command.env("GWANMUN_TEST_PYTHON", &self.python);
        command.env("GWANMUN_TEST_BROWSER", &self.browser);
    }
}

struct Suite {
    title: &'static str,
    /// Whether its tests wait for other processes and for time more than they compute.
    waits: bool,
    arguments: &'static [&'static str],
}

/// How many tests of it run at once: as many as there are cores, and half as many again where they wait most of the time.
fn at_once(suite: &Suite) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    if suite.waits { cores + cores.div_ceil(2) } else { cores }
}

/// The whole workspace is named each time, and a filter does the choosing: naming a package would change which features
/// are on, and everything would be built again.
fn suites() -> &'static [Suite] {
    const NEXTEST: &[Suite] = &[
        Suite {
            title: "unit tests",
            waits: false,
            arguments: &["nextest", "run", "--workspace", "--no-fail-fast", "-E", "not package(e2e)"],
        },
        Suite {
            title: "whole product",
            waits: true,
            arguments: &["nextest", "run", "--workspace", "--no-fail-fast", "-E", "package(e2e)"],
        },
    ];
    const CARGO: &[Suite] = &[Suite {
        title: "tests",
        waits: false,
        arguments: &["test", "--workspace", "--no-fail-fast", "--lib", "--bins", "--tests"],
    }];
    if Command::new("cargo").args(["nextest", "--version"]).output().is_ok_and(|output| output.status.success()) {
        NEXTEST
    } else {
        CARGO
    }
}

/// What passed and what failed: a check counts as one, a test as one.
#[derive(Default)]
struct Steps {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    told: Vec<String>,
}

impl Steps {
    fn prepare(&mut self, repository: &Repository) -> Option<Real> {
        let mut real = None;
        self.step("prepare", || {
            let (python, model) = (prepare::python(repository)?, prepare::model(repository)?);
            let (wheels, browser) = (prepare::wheels(repository)?, prepare::browser(repository)?);
            let (embedder, folder) = (prepare::embedder(repository)?, prepare::folder(repository)?);
            real = Some(Real { python, model, folder, wheels, embedder, browser });
            Ok(true)
        });
        real
    }

    fn cargo(&mut self, repository: &Repository, title: &str, arguments: &[&str], settings: &[(&str, &str)]) -> bool {
        let mut command = repository.command("cargo");
        command.args(arguments).envs(settings.iter().copied());
        self.step(title, || children::run(&mut command))
    }

    /// One check; an error in it is a failure like any other.
    fn step(&mut self, title: &str, check: impl FnOnce() -> Result<bool>) -> bool {
        println!("\n=== {title}");
        let begun = children::now();
        let good = check().unwrap_or_else(|error| {
            println!("{error:#}");
            false
        });
        self.passed += u64::from(good);
        self.failed += u64::from(!good);
        self.note(title, if good { "passed" } else { "FAILED" }, begun.elapsed());
        good
    }

    /// One run of a test runner, whose own count is added.
    fn tests(&mut self, title: &str, command: &mut Command) {
        println!("\n=== {title}");
        let begun = children::now();
        let mut count = Count::default();
        let good = children::reading_along(command, |line| count.read(line)).unwrap_or_else(|error| {
            println!("{error:#}");
            false
        });
        // A runner that failed without a failing test (it did not start, it was killed) must not look like success.
        count.failed = count.failed.max(u64::from(!good));
        self.passed += count.passed;
        self.failed += count.failed;
        self.note(title, &format!("{} passed, {} failed", count.passed, count.failed), begun.elapsed());
    }

    fn note(&mut self, title: &str, result: &str, took: Duration) {
        println!("--- {title}: {result} ({:.1} s)", took.as_secs_f64());
        self.told.push(format!("{title:<16}{result:<28}{:>7.1} s", took.as_secs_f64()));
    }

    fn conclude(&self, took: Duration) {
        println!("\n=== all\n{}\n{:<44}{:>7.1} s", self.told.join("\n"), "", took.as_secs_f64());
        println!("{} passed, {} failed", self.passed, self.failed);
    }
}

/// Reads a runner's own summary: nextest's `12 tests run: 11 passed, 1 failed, …` or the built-in runner's
/// `test result: ok. 12 passed; 0 failed; …`, of which there is one a binary.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

impl Count {
    /// Adds what the line says, if it is a summary.
    pub(crate) fn read(&mut self, line: &str) {
        let line = line.trim();
        if let Some((run, rest)) = line.split_once(" run: ").filter(|_| line.starts_with("Summary")) {
            let run: u64 = run
                .rsplit(' ')
                .nth(1)
                .and_then(|run| run.rsplit('/').next())
                .and_then(|run| run.parse().ok())
                .unwrap_or(0);
            // In place of all before it: nextest shows what failing tests printed, and their own summaries are among that.
            self.passed = number_before(rest, " passed");
            self.failed = run.saturating_sub(self.passed);
        } else if let Some(rest) = line.strip_prefix("test result: ") {
            self.passed += number_before(rest, " passed");
            self.failed += number_before(rest, " failed");
        }
    }
}

fn number_before(text: &str, word: &str) -> u64 {
    let number = text.split(word).next().filter(|before| before.len() < text.len());
    number.and_then(|before| before.rsplit(' ').next()).and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests;
