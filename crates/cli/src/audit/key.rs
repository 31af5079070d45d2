//! `gwanmun audit key show|rotate`: the log's own keys. The secret ones never leave their file.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use audit_log::Reader;
use clap::{Args, Subcommand};
use gateway::{
    changes::{self, Change},
    clock::Clock,
    data_dir::DataDir,
    database::Database,
};
use serde::Serialize;
use tlog::Proof;

use super::{handover::Handover, opened, out, place};
use crate::{
    failure::{Answer, Failure},
    place::Place,
    runtime,
    terminal::{STRONG, Terminal},
};

/// A server looks for changes twice a second, and needs two checkpoints, a second each.
const WAITED_MAX: Duration = Duration::from_secs(15);
/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(100);

const EXAMPLES: &str = "\
Examples:
  gwanmun audit key show > key.pub    for whoever verifies; hand it over another way than the log
  gwanmun audit key rotate            new keys; a running server makes them itself
  gwanmun audit key rotate --proof handover.proof
                                      and what shows those who trust the old keys that the new ones are the log's";

/// Show and replace the keys that sign the log
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Key {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Print the public keys, one a line, as `--key` takes them
    Show {
        /// A log's directory, or a data directory [default: the data directory's own log]
        #[arg(long = "dir", value_name = "DIR")]
        directory: Option<PathBuf>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Replace the keys: an entry names the new ones, and a checkpoint by the old ones covers it
    Rotate {
        /// A log's directory, or a data directory [default: the data directory's own log]
        #[arg(long = "dir", value_name = "DIR")]
        directory: Option<PathBuf>,
        /// Write into this new file the proof that the old keys vouch for the new ones, for those who trust the old
        #[arg(long, value_name = "FILE")]
        proof: Option<PathBuf>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

/// A log's keys, for programs.
#[derive(Serialize)]
struct Told<'a> {
    origin: &'a str,
    keys: &'a [String],
    /// Where the public keys are kept that signed before.
    #[serde(skip_serializing_if = "Option::is_none")]
    old_keys: Option<String>,
}

impl Key {
    pub(super) fn run(self, place: &Place, terminal: &mut Terminal) -> Result<Answer, Failure> {
        match self.verb {
            Verb::Show { directory, json } => {
                let reader = open(&place::log(place, directory.as_deref())?)?;
                let keys = keys(&reader)?;
                if json {
                    terminal.json(&Told { origin: reader.origin(), keys: &keys, old_keys: None })?;
                } else {
                    keys.iter().try_for_each(|key| writeln!(terminal.out(), "{key}"))?;
                }
            }
            Verb::Rotate { directory, proof, json } => {
                let log = place::log(place, directory.as_deref())?;
                let reader = open(&log)?;
                if let Some(path) = &proof {
                    out::must_be_new(path)?;
                }
                let before = kept_files(&log);
                let mut handover = Handover::before(&reader)?;
                rotate(&log, &mut handover)?;
                let old_keys = kept_files(&log).difference(&before).max().map(|size| log.join(name(*size)));
                if let Some(path) = &proof {
                    keep(handover.proof(), path, terminal)?;
                }
                tell(&reader, old_keys.as_deref(), json, terminal)?;
            }
        }
        Ok(Answer::Yes)
    }
}

fn open(log: &Path) -> Result<Reader, Failure> {
    Ok(Reader::open(log)?)
}

/// The vkeys that sign now.
fn keys(reader: &Reader) -> Result<Vec<String>, Failure> {
    let keys = reader.public_keys()?;
    Ok(keys.iter().map(ToString::to_string).collect())
}

/// The sizes until which earlier keys signed, from the names of the files that keep them.
fn kept_files(log: &Path) -> BTreeSet<u64> {
    let names = fs::read_dir(log).into_iter().flatten().flatten().map(|file| file.file_name());
    names.filter_map(|name| name.to_str()?.strip_prefix("key.pub.")?.parse().ok()).collect()
}

fn name(size: u64) -> String {
    format!("key.pub.{size}")
}

/// Writes the proof that the old keys vouch for the new ones.
fn keep(proof: Option<Proof>, path: &Path, terminal: &mut Terminal) -> Result<(), Failure> {
    let Some(proof) = proof else {
        return Err(Failure::trouble(
            "the keys are replaced, but this machine was too slow to see the old ones vouch for them",
        )
        .hint("hand the new ones over as `gwanmun audit key show` prints them"));
    };
    out::to(Some(path), terminal, |to| Ok(write!(to, "{proof}")?))
}

/// Replaces them: here, or by asking the server that holds the log.
fn rotate(log: &Path, handover: &mut Handover<'_>) -> Result<(), Failure> {
    let Some((opened, _)) = opened::open(log, opened::settings())? else {
        return ask(log, handover);
    };
    thread::scope(|scope| {
        let replacing = thread::Builder::new()
            .name("rotate".to_owned())
            .spawn_scoped(scope, || opened.rotate_keys(opened::by()))
            .map_err(|error| Failure::trouble(format!("the system gives no thread: {error}")))?;
        while !replacing.is_finished() {
            handover.look();
            thread::sleep(LOOK_EVERY);
        }
        replacing.join().map_err(|_| Failure::trouble("the keys were not replaced: a thread of ours failed"))??;
        Ok::<(), Failure>(())
    })?;
    opened::close(&opened)
}

/// Leaves it to the server, and waits until it has done so.
fn ask(log: &Path, handover: &mut Handover<'_>) -> Result<(), Failure> {
    let clock = Clock::system();
    let held = || {
        Failure::trouble(format!(
            "`{}` is held by another process, which no data directory beside it tells of",
            log.display()
        ))
        .hint("end that process first")
    };
    let data_dir = log.parent().ok_or_else(held)?;
    let data_dir = DataDir::join(data_dir, &clock).map_err(|_| held())?;
    runtime::new()?.block_on(async {
        let database = Database::open(&data_dir.database()).await?;
        let change = changes::leave(&database, &Change::RotateKeys { by: opened::by() }).await?;
        let since = clock.now();
        while changes::waits(&database, change).await? {
            if clock.now().since(since) >= WAITED_MAX {
                let waited = WAITED_MAX.as_secs();
                return Err(Failure::trouble(format!("the server has not replaced the keys within {waited} seconds"))
                    .hint(
                        "it is asked to, and will, at its next start at the latest: `gwanmun audit key show` tells",
                    ));
            }
            handover.look();
            clock.sleep(LOOK_EVERY).await;
        }
        Ok(())
    })
}

fn tell(reader: &Reader, old_keys: Option<&Path>, json: bool, terminal: &mut Terminal) -> Result<(), Failure> {
    let keys = keys(reader)?;
    let old_keys = old_keys.map(|path| path.display().to_string());
    if json {
        return terminal.json(&Told { origin: reader.origin(), keys: &keys, old_keys });
    }
    writeln!(terminal.out(), "{STRONG}the keys that sign {} from now on:{STRONG:#}", reader.origin())?;
    keys.iter().try_for_each(|key| writeln!(terminal.out(), "{key}"))?;
    if let Some(old_keys) = old_keys {
        terminal.note(&format!("the public keys that signed before are kept in {old_keys}"));
    }
    terminal.note("hand the new ones to whoever verifies this log, another way than beside it");
    Ok(())
}
