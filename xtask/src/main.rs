//! The project's own tasks, run as `cargo xtask TASK`: one file a task. No task is needed to build or to run the product,
//! and none is linked into it.
#![expect(clippy::print_stdout, reason = "a task talks to the person who started it")]

mod bench;
mod children;
mod demo;
mod prepare;
mod promises;
mod repository;
mod test;
mod tidy;

use std::process::ExitCode;

use clap::Parser as _;

/// Tasks of this repository.
#[derive(clap::Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Task {
    /// Installs what tests need, then runs every check and every test.
    Test(test::Options),
    /// Checks what compiler and linter can't: sizes, names, arrows between crates, openings of files.
    Tidy,
    /// Runs the tests that prove the promises, and says which promises have none yet.
    Promises(promises::Options),
    /// Measures the road against nginx and a direct call, the floor against llama.cpp, the audit log against its disk.
    Bench(bench::Options),
    /// Shows the product at work, and checks what it shows.
    Demo(demo::Options),
}

fn main() -> anyhow::Result<ExitCode> {
    let repository = repository::Repository::find()?;
    let good = match Task::parse() {
        Task::Test(options) => test::run(&repository, &options),
        Task::Tidy => tidy::run(&repository)?,
        Task::Promises(options) => promises::run(&repository, &options)?,
        Task::Bench(options) => bench::run(&repository, &options)?,
        Task::Demo(options) => demo::run(&repository, &options)?,
    };
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
