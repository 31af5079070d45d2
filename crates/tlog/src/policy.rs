//! Trust policies (C2SP `tlog-policy`): which logs, which witnesses, and how many of them must have cosigned.
//!
//! This file must not know where a policy comes from, nor how witnesses are asked.

use std::collections::{HashMap, HashSet};

use crate::checkpoint::SignedCheckpoint;
use crate::note::{KeyKind, NoteError, VerifierKey};

/// The longest policy that is read, in bytes: a line with an ML-DSA-44 key takes two thousand.
pub(crate) const POLICY_BYTES_MAX: usize = 1 << 20;

/// A log that the policy accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownLog {
    /// The key; its name is the log's origin.
    pub key: VerifierKey,
    /// Where the log is, if the policy says so.
    pub url: Option<String>,
}

/// A witness that the policy knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownWitness {
    /// The name it has in the policy, as bytes.
    pub name: Vec<u8>,
    /// The key that cosigns.
    pub key: VerifierKey,
    /// Where to submit checkpoints, if the policy says so.
    pub url: Option<String>,
}

/// Who can be part of a quorum; each stands after all that it names.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Voter {
    Witness(usize),
    Group { threshold: usize, members: Vec<usize> },
}

/// A policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<KnownLog>,
    witnesses: Vec<KnownWitness>,
    voters: Vec<Voter>,
    quorum: Quorum,
}

/// Why a policy can't be read, or does not accept a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// The text is no policy.
    #[error("line {line}: {what}")]
    Syntax {
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        what: String,
    },
    /// No log of the policy has signed.
    #[error("no log of the policy has signed the checkpoint")]
    NoLog,
    /// Too few witnesses have cosigned.
    #[error("the checkpoint has {cosigned} of the policy's witnesses, which is no quorum")]
    NoQuorum {
        /// How many have.
        cosigned: usize,
    },
    /// A signature by a known key does not hold.
    #[error(transparent)]
    Note(#[from] NoteError),
}

impl Policy {
    /// Reads a policy file.
    pub fn parse(file: &[u8]) -> Result<Policy, PolicyError> {
        let mut reader = Reader::default();
        if file.len() > POLICY_BYTES_MAX {
            return Err(PolicyError::Syntax {
                line: 1,
                what: format!("the policy is longer than {POLICY_BYTES_MAX} bytes"),
            });
        }
        let lines = file.strip_suffix(b"\n").unwrap_or(file).split(|byte| *byte == b'\n');
        let mut count = 0;
        for (line, text) in (1..).zip(lines) {
            reader.line(text).map_err(|what| PolicyError::Syntax { line, what })?;
            count = line;
        }
        let quorum =
            reader.quorum.ok_or(PolicyError::Syntax { line: count, what: "there is no `quorum` line".to_owned() })?;
        Ok(Policy { logs: reader.logs, witnesses: reader.witnesses, voters: reader.voters, quorum })
    }

    /// The logs it accepts.
    pub fn logs(&self) -> &[KnownLog] {
        &self.logs
    }

    /// The witnesses it knows.
    pub fn witnesses(&self) -> &[KnownWitness] {
        &self.witnesses
    }

    /// Whether one of its logs has signed this checkpoint and a quorum of its witnesses cosigned it.
    pub fn check(&self, signed: &SignedCheckpoint) -> Result<(), PolicyError> {
        let logs = self.logs.iter().map(|log| &log.key).filter(|key| key.name() == signed.checkpoint.origin);
        if signed.verify(logs)?.is_empty() {
            return Err(PolicyError::NoLog);
        }
        let mut cosigned = Vec::with_capacity(self.witnesses.len());
        for witness in &self.witnesses {
            cosigned.push(!signed.verify([&witness.key])?.is_empty());
        }
        let mut votes: Vec<bool> = Vec::with_capacity(self.voters.len());
        for voter in &self.voters {
            let vote = match voter {
                Voter::Witness(witness) => cosigned.get(*witness) == Some(&true),
                Voter::Group { threshold, members } => {
                    members.iter().filter(|member| votes.get(**member) == Some(&true)).count() >= *threshold
                }
            };
            votes.push(vote);
        }
        match self.quorum {
            Quorum::Voter(quorum) if votes.get(quorum) != Some(&true) => {
                Err(PolicyError::NoQuorum { cosigned: cosigned.iter().filter(|cosigned| **cosigned).count() })
            }
            Quorum::Voter(_) | Quorum::Nobody => Ok(()),
        }
    }
}

/// What has been read so far.
#[derive(Default)]
struct Reader {
    logs: Vec<KnownLog>,
    witnesses: Vec<KnownWitness>,
    voters: Vec<Voter>,
    names: HashMap<Vec<u8>, usize>,
    /// Voters that are members of a group already.
    taken: HashSet<usize>,
    quorum: Option<Quorum>,
}

/// What the `quorum` line asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quorum {
    Nobody,
    Voter(usize),
}

impl Reader {
    fn line(&mut self, line: &[u8]) -> Result<(), String> {
        if line.iter().any(|byte| matches!(byte, 0..=8 | 10..=31 | 127)) {
            return Err("a control character".to_owned());
        }
        let words: Vec<&[u8]> =
            line.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty()).collect();
        match words.as_slice() {
            [] => Ok(()),
            [first, ..] if first.starts_with(b"#") => Ok(()),
            [b"log", key, url @ ..] => self.log(key, url),
            [b"witness", name, key, url @ ..] => self.witness(name, key, url),
            [b"group", name, threshold, members @ ..] => self.group(name, threshold, members),
            [b"quorum", name] => self.quorum(name),
            [first, ..] => Err(format!("`{}` with these words is no line of a policy", first.escape_ascii())),
        }
    }

    fn log(&mut self, key: &[u8], url: &[&[u8]]) -> Result<(), String> {
        let key = parse_key(key, &[KeyKind::Ed25519, KeyKind::MlDsa44Cosignature])?;
        if self.logs.iter().any(|log| log.key.key() == key.key()) {
            return Err("a log with this key is there already".to_owned());
        }
        self.logs.push(KnownLog { key, url: parse_url(url)? });
        Ok(())
    }

    fn witness(&mut self, name: &[u8], key: &[u8], url: &[&[u8]]) -> Result<(), String> {
        let key = parse_key(key, &[KeyKind::Ed25519Cosignature, KeyKind::MlDsa44Cosignature])?;
        if self.witnesses.iter().any(|witness| witness.key.key() == key.key()) {
            return Err("a witness with this key is there already".to_owned());
        }
        self.define(name, Voter::Witness(self.witnesses.len()))?;
        self.witnesses.push(KnownWitness { name: name.to_vec(), key, url: parse_url(url)? });
        Ok(())
    }

    fn group(&mut self, name: &[u8], threshold: &[u8], members: &[&[u8]]) -> Result<(), String> {
        let threshold = match threshold {
            b"all" => members.len(),
            b"any" => 1,
            digits => std::str::from_utf8(digits)
                .ok()
                .and_then(crate::checkpoint::parse_decimal)
                .and_then(|number| usize::try_from(number).ok())
                .ok_or_else(|| format!("`{}` is not `all`, `any` or a number", digits.escape_ascii()))?,
        };
        if threshold == 0 || threshold > members.len() {
            return Err(format!("{threshold} of {} members can't be asked for", members.len()));
        }
        let members = members.iter().map(|member| self.take(member)).collect::<Result<Vec<_>, _>>()?;
        self.define(name, Voter::Group { threshold, members })
    }

    fn quorum(&mut self, name: &[u8]) -> Result<(), String> {
        if self.quorum.is_some() {
            return Err("a second `quorum` line".to_owned());
        }
        self.quorum = Some(if name == b"none" { Quorum::Nobody } else { Quorum::Voter(self.find(name)?) });
        Ok(())
    }

    fn define(&mut self, name: &[u8], voter: Voter) -> Result<(), String> {
        if name == b"none" || self.names.contains_key(name) {
            return Err(format!("the name `{}` is taken", name.escape_ascii()));
        }
        self.names.insert(name.to_vec(), self.voters.len());
        self.voters.push(voter);
        Ok(())
    }

    fn find(&self, name: &[u8]) -> Result<usize, String> {
        self.names.get(name).copied().ok_or_else(|| format!("`{}` is not defined above", name.escape_ascii()))
    }

    /// Takes a voter into a group; each can be in one only, so that each witness counts once.
    fn take(&mut self, name: &[u8]) -> Result<usize, String> {
        let voter = self.find(name)?;
        if !self.taken.insert(voter) {
            return Err(format!("`{}` is a member already", name.escape_ascii()));
        }
        Ok(voter)
    }
}

fn parse_key(text: &[u8], kinds: &[KeyKind]) -> Result<VerifierKey, String> {
    let text = std::str::from_utf8(text).map_err(|_| "a key that is not UTF-8".to_owned())?;
    let key = VerifierKey::parse(text).map_err(|error| error.to_string())?;
    if kinds.contains(&key.kind()) { Ok(key) } else { Err("a key of a kind that does not belong here".to_owned()) }
}

fn parse_url(words: &[&[u8]]) -> Result<Option<String>, String> {
    match words {
        [] => Ok(None),
        [url] => Ok(Some(String::from_utf8_lossy(url).into_owned())),
        _ => Err("words after the URL".to_owned()),
    }
}

#[cfg(test)]
mod tests;
