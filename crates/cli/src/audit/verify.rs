//! `gwanmun audit verify`: a whole log held against its keys, its witnesses and checkpoints that somebody kept. Offline; reads
//! only. `audit_verify` judges; this asks it and tells a person or a program what it said.

mod told;

use std::{
    fs,
    path::{Path, PathBuf},
};

use audit_verify::{Kept, Options, Report, VerifyError};
use clap::Args;
use serde::Serialize;

use super::{place, trust, trust::Trust, waiting};
use crate::{
    failure::{Answer, Failure},
    place::Place,
    terminal::Terminal,
};

/// A checkpoint with many witnesses, or a whole proof.
const KEPT_BYTES_MAX: u64 = 2 << 20;
/// How a proof begins; it holds a checkpoint after its first empty line.
const PROOF_BEGINS: &[u8] = b"c2sp.org/tlog-proof@";

const EXAMPLES: &str = "\
Examples:
  gwanmun audit verify                               this machine's own log
  gwanmun audit verify ./copy --key key.pub          a copy, on any machine, with keys from elsewhere
  gwanmun audit verify ./copy --key key.pub --witness policy --kept last-year.checkpoint

Exit status 1 when the log does not hold.";

/// See whether a log holds: every entry, the tree, every signature, the accounts
///
/// Reads a log's directory and nothing else; needs no network and no server.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Verify {
    /// A log's directory, or a data directory [default: the data directory's own log]
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
    #[command(flatten)]
    trust: Trust,
    /// A checkpoint or a proof that was kept, which the log must extend; again for each
    #[arg(long, value_name = "CHECKPOINT")]
    kept: Vec<PathBuf>,
    /// Compare the files that others read over HTTP (`tile/`) too
    #[arg(long)]
    tiles: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// A report, for programs.
#[derive(Serialize)]
struct Verified<'a> {
    holds: bool,
    directory: String,
    #[serde(flatten)]
    report: &'a Report,
}

impl Verify {
    pub(super) fn run(self, place: &Place, terminal: &mut Terminal) -> Result<Answer, Failure> {
        let directory = place::log(place, self.directory.as_deref())?;
        let options = Options {
            keys: self.trust.keys()?,
            policy: self.trust.policy()?,
            kept: self.kept.iter().map(|path| kept(path)).collect::<Result<_, _>>()?,
            tiles: self.tiles,
            ..Options::default()
        };
        let report = judged(&directory, &options)?;
        if self.json {
            let directory = directory.display().to_string();
            terminal.json(&Verified { holds: report.holds(), directory, report: &report })?;
        } else {
            let asked = told::Asked {
                directory: &directory,
                key_files: self.trust.key_files(),
                witnesses: options.policy.is_some(),
                replaced: replaced(&directory, &options, &report),
            };
            told::tell(&report, &asked, terminal)?;
        }
        Ok(if report.holds() { Answer::Yes } else { Answer::No })
    }
}

/// A kept checkpoint; a proof brings the one it was made under.
fn kept(path: &Path) -> Result<Kept, Failure> {
    let bytes = trust::bytes(path, KEPT_BYTES_MAX)?;
    let checkpoint = bytes.windows(2).position(|two| two == b"\n\n").filter(|_| bytes.starts_with(PROOF_BEGINS));
    let note = checkpoint.and_then(|place| bytes.get(place + 2..)).map_or(bytes.clone(), <[u8]>::to_vec);
    Ok(Kept { name: path.display().to_string(), note })
}

fn judged(directory: &Path, options: &Options) -> Result<Report, Failure> {
    let report = waiting::during("verifying", directory, || audit_verify::verify(directory, options));
    report.map_err(|error| {
        let hint = match &error {
            VerifyError::NoKeys(_) => Some("name a file of them with `--key`"),
            VerifyError::Keys { .. } => Some("give the log's public keys from elsewhere with `--key`"),
            VerifyError::Read { .. } => Some("give this user the right to read the whole directory, or verify a copy"),
            VerifyError::Origin(_) => Some("bring the file back from a copy"),
            VerifyError::NotADirectory(_) | VerifyError::Empty(_) | VerifyError::NotALog(_) => None,
        };
        let failure = Failure::trouble(error.to_string());
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    })
}

/// Where the keys given are ones that the log has replaced: the size until which they signed.
fn replaced(directory: &Path, options: &Options, report: &Report) -> Option<u64> {
    if report.holds() || options.keys.is_empty() {
        return None;
    }
    let files = fs::read_dir(directory).ok()?.flatten();
    let sizes = files.filter_map(|file| {
        let size: u64 = file.file_name().to_str()?.strip_prefix("key.pub.")?.parse().ok()?;
        let keys = trust::keys_in(&file.path()).ok()?;
        keys.iter().any(|key| options.keys.contains(key)).then_some(size)
    });
    sizes.max()
}
