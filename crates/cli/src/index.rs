//! `gwanmun index rebuild|show`: the request index, which is made from the audit log and can be made from it again.

use std::path::{Path, PathBuf};

use audit_log::Reader;
use clap::{Args, Subcommand};
use gateway::{
    clock::Clock,
    data_dir::DataDir,
    indexing::{self, Feed},
    tasks::Tasks,
};
use request_index::Index;
use serde::Serialize;

use crate::{
    assembly::Plan,
    failure::{Answer, Failure},
    place::Place,
    runtime,
    terminal::Terminal,
    what_if,
};

/// Beside the index while it is made; what a process left that died is made anew.
const MAKING: &str = "making";

const EXAMPLES: &str = "\
Examples:
  gwanmun index show        how far the index has got
  gwanmun index rebuild     make it again from the audit log, while no server runs

Exit status of `show`: 1 when the index lacks entries that the log has signed, or has others.";

/// Look at the request index, or make it again from the audit log
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct IndexArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Make it again from the audit log; no server may run on the data directory
    Rebuild {
        /// The configuration, which says whose law reaches each destination [default: gwanmun.toml in the data directory, where there is one]
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Show how far it has got
    Show {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

/// How far an index has got.
#[derive(Serialize)]
struct Stand {
    path: PathBuf,
    /// Entries that it has taken in.
    indexed: u64,
    /// Entries that the newest checkpoint of the log covers.
    signed: u64,
    /// Whether the log has the entry that was taken in last: where not, the log was put back to an earlier state.
    of_this_log: bool,
    requests: u64,
}

impl IndexArgs {
    pub(crate) fn run(self, place: &Place, terminal: &mut Terminal) -> Result<Answer, Failure> {
        let path = place.data_dir();
        if !path.exists() {
            return Err(Failure::trouble(format!("there is no data directory `{}`", path.display()))
                .hint("`gwanmun serve` makes it; another is named with `--data-dir`"));
        }
        match self.verb {
            Verb::Rebuild { config, json } => {
                let plan = Plan { config_file: config, ..Plan::in_place(path) };
                tell(&rebuild(&plan, terminal)?, json, terminal)?;
                Ok(Answer::Yes)
            }
            Verb::Show { json } => {
                let stand = show(&path)?;
                tell(&stand, json, terminal)?;
                Ok(if stand.of_this_log && stand.indexed == stand.signed { Answer::Yes } else { Answer::No })
            }
        }
    }
}

/// Made aside and put in place whole. It holds the data directory alone: a server would go on writing to the index that is replaced.
fn rebuild(plan: &Plan, terminal: &mut Terminal) -> Result<Stand, Failure> {
    if let Some(running) = DataDir::running(&plan.data_dir) {
        return Err(Failure::trouble(format!("the server at {} writes to this index", running.url))
            .hint("end the server first; it takes in by itself whatever the index lacks"));
    }
    let config = plan.config()?;
    let judgement = what_if::judgement(plan, &config);
    let clock = Clock::system();
    let data_dir = DataDir::open(&plan.data_dir, &clock)?;
    let (path, tasks) = (data_dir.request_index(), Tasks::new(clock));
    let aside = path.with_extension(MAKING);
    request_index::remove(&aside)?;
    runtime::new()?.block_on(async {
        let feed = Feed::open(&data_dir.log(), &aside).await?;
        let mut told = 0;
        let (indexed, signed) = loop {
            let (indexed, signed) = feed.advance(&judgement, &tasks).await?;
            if indexed >= signed {
                break (indexed, signed);
            }
            // Each tenth of the way.
            let tenth = indexed * 10 / signed.max(1);
            if Terminal::is_watched() && tenth > told {
                told = tenth;
                terminal.note(&format!("{indexed} of {signed} entries"));
            }
        };
        let requests = feed.index().requests().await?;
        feed.close().await;
        request_index::replace(&aside, &path)?;
        Ok(Stand { path, indexed, signed, of_this_log: true, requests })
    })
}

fn show(data_dir: &Path) -> Result<Stand, Failure> {
    let data_dir = DataDir::join(data_dir, &Clock::system())?;
    let path = data_dir.request_index();
    if !path.exists() {
        return Err(Failure::trouble(format!("there is no request index `{}`", path.display()))
            .hint("`gwanmun serve` makes it while it runs, `gwanmun index rebuild` at once"));
    }
    let reader = Reader::open(&data_dir.log())?;
    let signed = reader.checkpoint()?.checkpoint.size;
    runtime::new()?.block_on(async {
        let index = Index::open(&path).await?;
        let ((indexed, last_leaf), requests) = (index.reached().await?, index.requests().await?);
        index.close().await;
        let of_this_log = indexing::has_taken(&reader, indexed, last_leaf)?;
        Ok(Stand { path, indexed, signed, of_this_log, requests })
    })
}

fn tell(stand: &Stand, json: bool, terminal: &mut Terminal) -> Result<(), Failure> {
    if json {
        return terminal.json(stand);
    }
    let Stand { path, indexed, signed, of_this_log, requests } = stand;
    let behind = signed.saturating_sub(*indexed);
    writeln!(terminal.out(), "{}", path.display())?;
    writeln!(terminal.out(), "{requests} requests, from {indexed} of {signed} signed entries; {behind} behind")?;
    if !of_this_log {
        writeln!(
            terminal.out(),
            "it was made from another history of this log: the last entry that it has is not in the log; a server makes it again \
             by itself, and so does `gwanmun index rebuild`"
        )?;
    }
    Ok(())
}
