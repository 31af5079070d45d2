//! `gwanmun audit proof`: one entry's proof, read from the log beside a running server.

use std::{path::PathBuf, thread, time::Duration};

use clap::Args;
use tlog::SignedCheckpoint;

use super::{
    held::{self, Held, Which},
    out,
};
use crate::{
    failure::{Answer, Failure},
    place::Place,
    terminal::Terminal,
};

/// A checkpoint covers an entry within a second of it; twice that, and somebody must be told.
const WAITED_MAX: Duration = Duration::from_secs(2);
/// Witnesses are asked every ten seconds.
const COSIGNED_WAITED_MAX: Duration = Duration::from_secs(30);
/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(50);

const EXAMPLES: &str = "\
Examples:
  gwanmun audit proof 12                        on standard output
  gwanmun audit proof 12 --out entry-12.proof   into a new file

`gwanmun audit check` checks it, on any machine.";

/// Make a proof that an entry stands in the log
///
/// One text file (C2SP tlog-proof) with the entry, its path to the root, and the signed checkpoint.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Prove {
    /// The entry's number, as an answer's header `x-gwanmun-entry` says it
    #[arg(value_name = "ENTRY")]
    entry: u64,
    /// Write it into this file, which must not be there yet
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Under the newest checkpoint that witnesses have cosigned; new entries wait for them up to half a minute
    #[arg(long)]
    cosigned: bool,
    #[command(flatten)]
    which: Which,
}

impl Prove {
    pub(super) fn run(self, place: &Place, terminal: &mut Terminal) -> Result<Answer, Failure> {
        let held = self.which.open(place)?;
        let proof = if self.cosigned {
            held.reader.prove_under(&cosigned(&held, self.entry)?, self.entry)?
        } else {
            wait_for(&held, self.entry)?;
            held.reader.prove(self.entry)?
        };
        out::to(self.out.as_deref(), terminal, |to| Ok(write!(to, "{proof}")?))?;
        Ok(Answer::Yes)
    }
}

/// Waits until a checkpoint covers the entry.
fn wait_for(held: &Held, entry: u64) -> Result<(), Failure> {
    let mut size = held.size;
    let mut waited = Duration::ZERO;
    while size <= entry {
        if waited >= WAITED_MAX {
            return Err(held::unknown(entry, size));
        }
        thread::sleep(LOOK_EVERY);
        waited += LOOK_EVERY;
        size = held::covered(&held.reader)?;
    }
    Ok(())
}

/// Waits until a checkpoint that witnesses have cosigned covers the entry.
fn cosigned(held: &Held, entry: u64) -> Result<SignedCheckpoint, Failure> {
    if entry >= held.size {
        wait_for(held, entry)?;
    }
    let mut waited = Duration::ZERO;
    loop {
        let cosigned = held.reader.cosigned()?;
        if let Some(cosigned) = cosigned.filter(|cosigned| cosigned.checkpoint.size > entry) {
            return Ok(cosigned);
        }
        if waited >= COSIGNED_WAITED_MAX {
            return Err(Failure::trouble(format!("no witness has cosigned a checkpoint that covers entry {entry}"))
                .hint("`[audit_log] witnesses` names whom the server asks; without `--cosigned` the proof has the log's word alone"));
        }
        thread::sleep(LOOK_EVERY);
        waited += LOOK_EVERY;
    }
}
