//! `gwanmun audit check`: one proof held against keys. Offline. `audit_verify` judges.
//!
//! A proof brings everything but trust. Without `--key`, the only keys that are taken are those of this machine's own log,
//! which its operator trusts already; and it is said whose they are.

use std::path::PathBuf;

use audit_verify::{CheckpointSeen, Policy, Proof, ProofError, Proved, Signer, VerifierKey, check_proof};
use clap::Args;
use serde::Serialize;
use serde_json::value::RawValue;

use super::{
    entry::Entry,
    lines::{Mark, plain, write},
    place,
    signatures::{cosigned, signed_by, signed_tree},
    trust::{self, Trust},
};
use crate::{
    failure::{Answer, Failure},
    place::Place,
    terminal::{BAD, GOOD, STRONG, Terminal},
};

/// More than the longest proof; what is longer is told by whoever checks.
const PROOF_BYTES_MAX: u64 = 4 << 20;

const EXAMPLES: &str = "\
Examples:
  gwanmun audit check entry-12.proof --key key.pub
  gwanmun audit check entry-12.proof --key key.pub --witness policy

Exit status 1 when the proof does not hold.";

/// See whether a proof holds, and show the entry that it proves
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Check {
    /// A proof, as `gwanmun audit proof` makes it (C2SP tlog-proof)
    #[arg(value_name = "PROOF")]
    proof: PathBuf,
    #[command(flatten)]
    trust: Trust,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Whose word the keys are.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum KeysFrom {
    Given,
    Policy,
    ThisMachine,
}

/// What came out, for programs.
#[derive(Serialize)]
#[serde(untagged)]
enum Checked<'a> {
    Held {
        holds: bool,
        keys_from: KeysFrom,
        origin: &'a str,
        index: u64,
        kind: &'a str,
        entry: &'a RawValue,
        checkpoint: &'a CheckpointSeen,
    },
    Refused {
        holds: bool,
        keys_from: KeysFrom,
        wrong: String,
    },
}

impl Check {
    pub(super) fn run(self, place: &Place, terminal: &mut Terminal) -> Result<Answer, Failure> {
        let shown = self.proof.display().to_string();
        let text = trust::text(&self.proof, PROOF_BYTES_MAX)?;
        // What is no proof needs no keys to be told so.
        Proof::read(&text).map_err(|error| no_proof(&shown, &error))?;
        let (policy, given) = (self.trust.policy()?, self.trust.keys()?);
        let (keys_from, keys) = if !given.is_empty() {
            (KeysFrom::Given, given)
        } else if policy.as_ref().is_some_and(|policy| names_a_log(&text, policy)) {
            (KeysFrom::Policy, given)
        } else {
            (KeysFrom::ThisMachine, own_keys(place)?)
        };
        match check_proof(&text, &keys, policy.as_ref()) {
            Ok(proved) => {
                if self.json {
                    held_json(&proved, keys_from, terminal)?;
                } else {
                    let from = match keys_from {
                        KeysFrom::Given => self.trust.key_files(),
                        KeysFrom::Policy => "the policy".to_owned(),
                        KeysFrom::ThisMachine => format!("{BAD}this machine's own log{BAD:#}; `--key` names others"),
                    };
                    held(&proved, (keys_from, &from), policy.is_some(), terminal)?;
                }
                Ok(Answer::Yes)
            }
            Err(error @ (ProofError::Form(_) | ProofError::NoKeys)) => Err(no_proof(&shown, &error)),
            Err(error) => {
                let wrong = error.to_string();
                if self.json {
                    terminal.json(&Checked::Refused { holds: false, keys_from, wrong })?;
                } else {
                    if keys_from == KeysFrom::ThisMachine {
                        terminal.note("the keys are those of this machine's own log; `--key` names others");
                    }
                    writeln!(terminal.out(), "{BAD}the proof does not hold{BAD:#}: {}", plain(&wrong))?;
                }
                Ok(Answer::No)
            }
        }
    }
}

/// Whether a policy brings a log's keys: without any, that is the first thing told of a proof that can be read.
fn names_a_log(proof: &str, policy: &Policy) -> bool {
    !matches!(check_proof(proof, &[], Some(policy)), Err(ProofError::NoKeys))
}

fn no_proof(shown: &str, error: &ProofError) -> Failure {
    Failure::trouble(format!("`{shown}` is {error}"))
        .hint("a proof is one file as `gwanmun audit proof ENTRY` writes it; it begins with `c2sp.org/tlog-proof@v1`")
}

/// The keys of the log in this machine's data directory.
fn own_keys(place: &Place) -> Result<Vec<VerifierKey>, Failure> {
    let log = place::log(place, None).map_err(|_| {
        Failure::usage("a proof does not bring the keys it is held against, and this machine has no log of its own")
            .hint("name the log's public keys with `--key FILE`; whoever runs the log prints them with `gwanmun audit key show`")
    })?;
    trust::keys_in(&log.join("key.pub"))
}

fn held_json(proved: &Proved, keys_from: KeysFrom, terminal: &mut Terminal) -> Result<(), Failure> {
    let entry: &RawValue = serde_json::from_str(&proved.entry)?;
    terminal.json(&Checked::Held {
        holds: true,
        keys_from,
        origin: &proved.origin,
        index: proved.index,
        kind: proved.kind,
        entry,
        checkpoint: &proved.checkpoint,
    })
}

fn held(
    proved: &Proved,
    (keys_from, from): (KeysFrom, &str),
    witnesses: bool,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    let entry = Entry::read(proved.index, proved.entry.as_bytes())?;
    writeln!(terminal.out(), "{STRONG}entry {} of {}{STRONG:#}", proved.index, plain(&proved.origin))?;
    entry.write_all_fields(terminal)?;
    writeln!(terminal.out())?;
    let checkpoint = &proved.checkpoint;
    let signed = format!("{}\n{}", signed_tree(checkpoint), signed_by(checkpoint, Signer::Log));
    write(terminal, Mark::Good, "checkpoint", &signed)?;
    let (mark, found) = cosigned(checkpoint, witnesses);
    write(terminal, mark, "witnesses", &found)?;
    let mark = if keys_from == KeysFrom::ThisMachine { Mark::Warn } else { Mark::Good };
    write(terminal, mark, "keys", &format!("from {from}"))?;
    writeln!(
        terminal.out(),
        "{GOOD}the proof holds{GOOD:#}: this entry stands in the log, unchanged since it was signed"
    )?;
    Ok(())
}
