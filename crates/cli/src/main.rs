//! The command `gwanmun`: reads what was typed, runs one subcommand, tells how it ended.

mod account;
mod args;
mod ask;
mod assembly;
mod audit;
mod catalog;
mod check;
mod completions;
mod drill;
mod embedder;
mod failure;
mod floor;
mod index;
mod key;
mod log;
mod model;
mod models;
mod operator;
mod paragraph;
mod place;
mod policy;
mod progress;
mod restore;
mod road;
mod runtime;
mod serve;
mod table;
mod terminal;
mod version;
mod what_if;
mod withdraw;

use std::process::ExitCode;

fn main() -> ExitCode {
    args::read().map_or_else(|ended| ended, args::Cli::main)
}
