//! What can be typed: the subcommands and what they share. Each subcommand's own flags stand in its file.

use std::process::ExitCode;

use clap::{Parser, Subcommand, builder::styling, error::ErrorKind};

use crate::{
    account, ask, audit, catalog, check, completions, drill,
    failure::{Answer, Exit, Failure},
    index, key, log, model, place, policy, restore, serve,
    terminal::Terminal,
    version, what_if, withdraw,
};

const ABOUT: &str = "One gate through which an organisation uses AI models under its own law";

const LONG_ABOUT: &str = "\
관문 (gwanmun), the gate at a frontier: one program through which an organisation uses AI models under its own law.

It speaks OpenAI's API. It answers from a model on this machine, passes on to others only what is permitted, and
records every decision before anything is sent. `gwanmun serve` is all it takes: the first start makes the data
directory, fetches a small model and prints a key.";

const EXAMPLES: &str = "\
Examples:
  gwanmun serve                                    start, with the starter model
  gwanmun serve --model ./my-model.gguf            start with a model of one's own
  gwanmun ask \"What is the capital of France?\"     one answer in the terminal
  gwanmun account create --name kim --role owner   who may use the console
  gwanmun key create --name app-1 --team payments  another key
  gwanmun audit verify                             does the log hold?
  gwanmun model fit                                which models fit this machine, and how fast?
  gwanmun policy test                              what do the policies decide?
  gwanmun what-if --withdraw US                    who would go dark, and what would answer instead?
  gwanmun withdraw openai --why \"…\" --yes          take a provider out of use
  gwanmun check                                    is everything in order?

Exit status: 0 yes; 1 the answer is no; 2 trouble; 64 wrong usage.";

const STYLES: styling::Styles = styling::Styles::styled()
    .header(styling::AnsiColor::Green.on_default().bold())
    .usage(styling::AnsiColor::Green.on_default().bold())
    .literal(styling::AnsiColor::Cyan.on_default())
    .placeholder(styling::AnsiColor::Cyan.on_default());

/// All that was typed.
#[derive(Parser)]
#[command(name = "gwanmun", version, about = ABOUT, long_about = LONG_ABOUT, after_help = EXAMPLES, styles = STYLES)]
#[command(max_term_width = 110, arg_required_else_help = true, subcommand_required = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    place: place::Place,
    #[command(flatten)]
    log: log::Log,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Serve(serve::Serve),
    Account(account::Account),
    Ask(ask::Ask),
    Audit(audit::Audit),
    Catalog(catalog::Catalog),
    Check(check::Check),
    Drill(drill::DrillArgs),
    Index(index::IndexArgs),
    Key(key::Key),
    Model(model::Model),
    Policy(policy::Policy),
    Restore(restore::Restore),
    WhatIf(what_if::WhatIfArgs),
    Withdraw(withdraw::Withdraw),
    Version(version::Version),
    Completions(completions::Completions),
}

impl Cli {
    /// Runs the subcommand, and tells how it ended.
    pub(crate) fn main(self) -> ExitCode {
        let mut terminal = Terminal::new();
        match self.run(&mut terminal) {
            Ok(answer) => answer.into(),
            Err(failure) => failure.tell(&mut terminal),
        }
    }

    fn run(self, terminal: &mut Terminal) -> Result<Answer, Failure> {
        self.log.start(matches!(self.command, Command::Serve(_)))?;
        match self.command {
            Command::Serve(serve) => serve.run(&self.place, terminal),
            Command::Account(account) => account.run(&self.place, terminal),
            Command::Ask(ask) => ask.run(&self.place, terminal),
            Command::Audit(audit) => audit.run(&self.place, terminal),
            Command::Catalog(catalog) => catalog.run(&self.place, terminal),
            Command::Check(check) => check.run(&self.place, terminal),
            Command::Index(index) => index.run(&self.place, terminal),
            Command::Key(key) => key.run(&self.place, terminal),
            Command::Model(model) => model.run(&self.place, terminal),
            Command::Policy(policy) => policy.run(&self.place, terminal),
            Command::Restore(restore) => restore.run(&self.place, terminal),
            Command::Withdraw(withdraw) => withdraw.run(&self.place, terminal),
            Command::Version(version) => version.run(terminal),
            Command::WhatIf(what_if) => what_if.run(&self.place, terminal),
            Command::Completions(completions) => completions.run(terminal),
            Command::Drill(drill) => drill.run(&self.place, terminal),
        }
    }
}

/// Reads the command line; on a wrong one, or where only help was wanted, tells and gives the exit status.
pub(crate) fn read() -> Result<Cli, ExitCode> {
    Cli::try_parse().map_err(|error| {
        #[expect(clippy::wildcard_enum_match_arm, reason = "all that is not a wish for help is wrong usage")]
        let exit = match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Yes,
            _ => Exit::Usage,
        };
        // Where even that cannot be written, nobody is there to be told.
        let _ = error.print();
        exit.into()
    })
}
