//! The project's own tasks, run as `cargo xtask TASK`: one file a task. No task is needed to build or to run the product,
//! and none is linked into it.
#![expect(clippy::print_stdout, reason = "a task talks to the person who started it")]

mod bench;
mod children;
mod demo;
mod prepare;
mod promises;
mod repository;
mod task;
mod test;
mod tidy;
mod vendor;

use std::process::ExitCode;

use clap::Parser as _;
use task::Task;

fn main() -> anyhow::Result<ExitCode> {
    let repository = repository::Repository::find()?;
    let good = match Task::parse() {
        Task::Test(options) => test::run(&repository, &options),
        Task::Tidy => tidy::run(&repository)?,
        Task::Promises(options) => promises::run(&repository, &options)?,
        Task::Bench(options) => bench::run(&repository, &options)?,
        Task::Demo(options) => demo::run(&repository, &options)?,
        Task::Vendor => vendor::run(&repository)?,
    };
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
