//! `gwanmun audit erase`: kept requests and answers of a team's month made unreadable, by destroying their keys. The log's
//! entries and every proof stay; an entry says what was erased.

use std::{
    io::{self, IsTerminal as _},
    thread,
    time::Duration,
};

use audit_log::{Reader, Text};
use clap::Args;
use gateway::{
    clock::Clock,
    data_dir::DataDir,
    database::Database,
    payloads::{self, Month, NotAMonth},
};
use serde::Serialize;

use super::{entry::Entry, held, lines::plain, opened, place};
use crate::{
    failure::{Answer, Failure},
    place::Place,
    runtime,
    terminal::Terminal,
};

/// A server looks for changes twice a second, and signs within another; the rest is for a busy machine.
const WAITED_MAX: Duration = Duration::from_secs(15);
/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// What has to be typed.
const AGREED: &str = "yes";

const ABOUT: &str = "\
What was sealed for that team in that month cannot be read any more, by anybody; a key made later in the month is not
touched by that. Copies of the data directory, such as backups, keep what they hold: docs/audit.md.

Examples:
  gwanmun audit erase --team payments --month 2026-11";

/// Erase kept requests and answers for good: destroy the keys of a team's month
#[derive(Args)]
#[command(after_help = ABOUT)]
pub(super) struct Erase {
    /// Whose
    #[arg(long)]
    team: String,
    /// Of which month, in UTC
    #[arg(long, value_name = "YYYY-MM")]
    month: String,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// What was erased, for programs.
#[derive(Serialize)]
struct Told<'a> {
    team: &'a str,
    month: String,
    keys: &'a [String],
    /// The entry that says so; none while no server runs that could write it.
    entry: Option<u64>,
}

impl Erase {
    pub(super) fn run(self, place: &Place, terminal: &mut Terminal) -> Result<Answer, Failure> {
        let month: Month = self.month.parse().map_err(|error: NotAMonth| Failure::usage(error.to_string()))?;
        let log = place::log(place, None)?;
        let clock = Clock::system();
        let data_dir = DataDir::join(&place.data_dir(), &clock)?;
        if !self.yes && !self.agreed(terminal)? {
            terminal.note("nothing was erased");
            return Ok(Answer::No);
        }
        let reader = Reader::open(&log)?;
        let before = held::covered(&reader)?;
        let by: Text = opened::by();
        let erased = runtime::new()?.block_on(async {
            let database = Database::open(&data_dir.database()).await?;
            let erased = payloads::erase(&database, &self.team, month, by, clock.wall()).await;
            erased.map_err(|error| Failure::trouble(error.to_string()))
        })?;
        let served = DataDir::running(data_dir.path()).is_some();
        let entry = if served { wait_for_entry(&reader, before, &erased.keys)? } else { None };
        if self.json {
            terminal.json(&Told { team: &self.team, month: month.to_string(), keys: &erased.keys, entry })?;
            return Ok(Answer::Yes);
        }
        let keys = erased.keys.join(", ");
        writeln!(terminal.out(), "erased: payloads of team {} in {month} (key {keys})", plain(&self.team))?;
        match entry {
            Some(entry) => writeln!(terminal.out(), "entry {entry} of the log says so")?,
            None if served => {
                terminal.note("the server has not written the entry yet: it will, at its next start at the latest");
            }
            None => terminal.note("no server runs: the next one to start writes the entry first"),
        }
        Ok(Answer::Yes)
    }

    /// Asks whoever sits there; a program has to say it beforehand.
    fn agreed(&self, terminal: &mut Terminal) -> Result<bool, Failure> {
        if !io::stdin().is_terminal() {
            return Err(Failure::usage("erasing cannot be taken back, and nobody is here to be asked")
                .hint("say `--yes` where that is meant"));
        }
        let (team, month) = (plain(&self.team), &self.month);
        terminal.note(&format!(
            "what is kept of team {team} in {month} can never be read again; type `{AGREED}` to erase it"
        ));
        terminal.out().flush()?;
        let mut typed = String::new();
        io::stdin().read_line(&mut typed)?;
        Ok(typed.trim() == AGREED)
    }
}

/// Waits until the log says that these keys were destroyed; gives the entry.
fn wait_for_entry(reader: &Reader, before: u64, keys: &[String]) -> Result<Option<u64>, Failure> {
    let (mut next, mut waited) = (before, Duration::ZERO);
    loop {
        let size = held::covered(reader)?;
        for (index, bytes) in (next..size).zip(reader.entries(next..size)?) {
            let entry = Entry::read(index, &bytes)?;
            let of_these = |named: &str| keys.iter().all(|key| named.contains(key.as_str()));
            if entry.kind() == "erasure" && entry.shown("keys").is_some_and(|named| of_these(&named)) {
                return Ok(Some(index));
            }
        }
        next = size;
        if waited >= WAITED_MAX {
            return Ok(None);
        }
        thread::sleep(LOOK_EVERY);
        waited += LOOK_EVERY;
    }
}
