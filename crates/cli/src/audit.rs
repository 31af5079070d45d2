//! `gwanmun audit …`: whether the log holds, what it proves to a stranger, and what is in it.
//!
//! One file a verb. Whether a log or a proof holds is decided by `audit_verify`, which shares no code with the writer; what
//! is read from a log beside a running server is read by `audit_log`. Nothing here knows how either is written on disk.

mod adopt;
mod check;
mod chosen;
mod entry;
mod erase;
mod export;
mod handover;
mod held;
mod key;
mod lines;
mod opened;
mod out;
mod payload;
mod place;
mod proof;
mod rebuild;
mod show;
mod signatures;
pub(crate) mod trust;
mod verify;
mod waiting;

use clap::{Args, Subcommand};

use crate::{
    failure::{Answer, Failure},
    place::Place,
    terminal::Terminal,
};

const EXAMPLES: &str = "\
Examples:
  gwanmun audit verify ./copy-of-log --key key.pub   does it hold? offline, on any machine
  gwanmun audit show                                 what happened
  gwanmun audit proof 12 --out entry-12.proof        a proof of one entry, for a stranger
  gwanmun audit check entry-12.proof --key key.pub   is this entry in that log?

A log is verified with public keys from elsewhere than beside it. docs/audit.md tells an auditor more.";

/// Prove what happened: verify the log, prove single entries, look into it
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Audit {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Verify(verify::Verify),
    Proof(proof::Prove),
    Check(check::Check),
    Show(show::Show),
    Export(export::Export),
    Key(key::Key),
    Rebuild(rebuild::Rebuild),
    Erase(erase::Erase),
    Adopt(adopt::Adopt),
}

impl Audit {
    pub(crate) fn run(self, place: &Place, terminal: &mut Terminal) -> Result<Answer, Failure> {
        match self.verb {
            Verb::Verify(verify) => verify.run(place, terminal),
            Verb::Proof(prove) => prove.run(place, terminal),
            Verb::Check(check) => check.run(place, terminal),
            Verb::Show(show) => show.run(place, terminal),
            Verb::Export(export) => export.run(place, terminal),
            Verb::Key(key) => key.run(place, terminal),
            Verb::Rebuild(rebuild) => rebuild.run(place, terminal),
            Verb::Erase(erase) => erase.run(place, terminal),
            Verb::Adopt(adopt) => adopt.run(place, terminal),
        }
    }
}
