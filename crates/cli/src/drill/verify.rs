//! `gwanmun drill verify`: whether a report is the one that the log vouches for. Offline; `audit_verify` judges the proof.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use audit_verify::{Signer, check_proof};
use clap::Args;
use gateway::drill::report::{self, Report};

use crate::{
    audit::trust::{self, Trust},
    failure::{Answer, Failure},
    place::Place,
    terminal::{BAD, GOOD, Terminal},
};

/// More than the longest report.
const REPORT_BYTES_MAX: u64 = 16 << 20;
/// More than the longest proof.
const PROOF_BYTES_MAX: u64 = 4 << 20;

/// See whether a drill's report is the one that the log vouches for
///
/// Without a network: the hashes of the report and of its pages, the entry that holds them, the path from that entry to the signed root,
/// and both signatures. Exit status 1 when one of them does not hold.
#[derive(Args)]
pub(super) struct Verify {
    /// A drill's folder, with report.json and report.proof in it
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    #[command(flatten)]
    trust: Trust,
}

/// What is in the way of a report that holds.
struct Doubt(String);

impl Verify {
    pub(super) fn run(self, place: &Place, terminal: &mut Terminal) -> Result<Answer, Failure> {
        let (report, json) = read(&self.folder)?;
        let proof = trust::text(&self.folder.join(report::PROOF), PROOF_BYTES_MAX)?;
        let (given, policy) = (self.trust.keys()?, self.trust.policy()?);
        let whose = if given.is_empty() && policy.is_none() { "this machine's own log" } else { "given" };
        let keys = if given.is_empty() && policy.is_none() { own_keys(place)? } else { given };
        let held = check_proof(&proof, &keys, policy.as_ref())
            .map_err(|error| Doubt(format!("its proof does not hold: {error}")))
            .and_then(|proved| holds(&self.folder, &report, &json, &proved));
        match held {
            Ok(line) => {
                writeln!(terminal.out(), "{GOOD}the report holds{GOOD:#}: {line}; the keys are {whose}")?;
                Ok(Answer::Yes)
            }
            Err(Doubt(why)) => {
                writeln!(terminal.out(), "{BAD}the report does not hold{BAD:#}: {why}")?;
                Ok(Answer::No)
            }
        }
    }
}

/// The folder's report, and its bytes.
pub(super) fn read(folder: &Path) -> Result<(Report, Vec<u8>), Failure> {
    let json = trust::bytes(&folder.join(report::JSON), REPORT_BYTES_MAX)?;
    Ok((super::read_report(folder, &json)?, json))
}

fn own_keys(place: &Place) -> Result<Vec<audit_verify::VerifierKey>, Failure> {
    let path = place.data_dir().join("log").join("key.pub");
    if !path.is_file() {
        return Err(Failure::usage("a report does not bring the keys it is held against, and this machine has no log of its own")
            .hint("name the log's public keys with `--key FILE`; whoever runs the log prints them with `gwanmun audit key show`"));
    }
    trust::keys_in(&path)
}

/// One line of what holds, or what does not.
fn holds(folder: &Path, report: &Report, json: &[u8], proved: &audit_verify::Proved) -> Result<String, Doubt> {
    let entry: serde_json::Value = serde_json::from_str(&proved.entry).map_err(|error| Doubt(error.to_string()))?;
    let text = |pointer: &str| entry.pointer(pointer).and_then(serde_json::Value::as_str).unwrap_or_default();
    if text("/action") != "drill.end" {
        return Err(Doubt("its proof is of another entry than the end of a drill".to_owned()));
    }
    if text("/detail/report") != report::sha256(json) {
        return Err(Doubt("report.json was changed: the log holds the hash of another".to_owned()));
    }
    if text("/detail/id") != report.id || proved.origin != report.log.origin || report.log.last >= proved.index {
        return Err(Doubt("its proof is of another drill".to_owned()));
    }
    if report.canonical().ok().as_deref().map(str::as_bytes) != Some(json) {
        return Err(Doubt("report.json is not in canonical form".to_owned()));
    }
    for (name, hash) in [(report::MARKDOWN, text("/detail/markdown")), (report::HTML, text("/detail/html"))] {
        let found =
            std::fs::read(folder.join(name)).map_err(|error| Doubt(format!("{name} cannot be read: {error}")))?;
        if report::sha256(&found) != hash {
            return Err(Doubt(format!("{name} was changed: the log holds the hash of another")));
        }
    }
    let signed = proved.checkpoint.signatures.iter().filter(|it| it.by == Signer::Log);
    let signed: BTreeSet<String> = signed.map(|it| it.algorithm.to_string()).collect();
    if signed.len() < 2 {
        return Err(Doubt("one of the log's two signatures is missing".to_owned()));
    }
    let signed: Vec<String> = signed.into_iter().collect();
    Ok(format!(
        "its hash stands in entry {} of {}, signed with {}, and the hashes of its pages",
        proved.index,
        proved.origin,
        signed.join(" and ")
    ))
}
