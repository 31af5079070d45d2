//! Which logs and how many witnesses (C2SP `tlog-policy`): reading the file, and whether a quorum is met.

use std::str::FromStr;

use super::{Algorithm, KeyError, VerifierKey};

/// Definitions in one file; the specification asks for at least 32 of each kind.
const NAMES_MAX: usize = 1024;

/// A trust policy, read and checked.
#[derive(Clone, Debug)]
pub struct Policy {
    pub(crate) logs: Vec<VerifierKey>,
    pub(crate) witnesses: Vec<Witness>,
    groups: Vec<Group>,
    quorum: Option<Member>,
    quorum_name: String,
}

/// A witness under the policy's own name for it.
#[derive(Clone, Debug)]
pub(crate) struct Witness {
    pub(crate) name: String,
    pub(crate) key: VerifierKey,
}

#[derive(Clone, Debug)]
struct Group {
    name: String,
    needed: usize,
    members: Vec<Member>,
}

/// A witness or an earlier group, by its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Member {
    Witness(usize),
    Group(usize),
}

/// What is wrong with a policy file, and in which line.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("line {line} of the policy: {wrong}")]
pub struct PolicyError {
    /// Counted from 1; the last line where something is missing at the end.
    pub line: usize,
    /// What is wrong.
    pub wrong: String,
}

impl Policy {
    /// Whether the witnesses for whom `has_signed` holds are enough.
    pub(crate) fn quorum_met(&self, has_signed: &dyn Fn(&VerifierKey) -> bool) -> bool {
        let signed: Vec<bool> = self.witnesses.iter().map(|witness| has_signed(&witness.key)).collect();
        let mut groups: Vec<bool> = Vec::with_capacity(self.groups.len());
        for group in &self.groups {
            let have = group.members.iter().filter(|member| holds(**member, &signed, &groups)).count();
            groups.push(have >= group.needed);
        }
        self.quorum.is_none_or(|member| holds(member, &signed, &groups))
    }

    /// The name after `quorum`; `none` where no witness is asked for.
    pub(crate) fn quorum_name(&self) -> &str {
        &self.quorum_name
    }

    fn find(&self, name: &str) -> Option<Member> {
        let witness = self.witnesses.iter().position(|witness| witness.name == name).map(Member::Witness);
        witness.or_else(|| self.groups.iter().position(|group| group.name == name).map(Member::Group))
    }

    fn read_line(&mut self, words: &[&str], used: &mut Vec<Member>) -> Result<(), String> {
        match words {
            ["log", key] | ["log", key, _] => self.read_log(key),
            ["witness", name, key] | ["witness", name, key, _] => self.read_witness(name, key),
            ["group", name, needed, members @ ..] => self.read_group(name, needed, members, used),
            ["quorum", name] => self.read_quorum(name),
            [word, ..] => Err(format!("`{word}` and what follows it is not a line a policy has")),
            [] => Ok(()),
        }
    }

    fn read_log(&mut self, key: &str) -> Result<(), String> {
        let key = read_key(key)?;
        if key.algorithm() == Algorithm::Ed25519Cosignature {
            return Err("a log does not sign with type 0x04".to_owned());
        }
        if self.logs.iter().any(|log| log.same_public_key(&key)) {
            return Err("the same log key stands in the policy twice".to_owned());
        }
        self.logs.push(key);
        Ok(())
    }

    fn read_witness(&mut self, name: &str, key: &str) -> Result<(), String> {
        let key = read_key(key)?;
        if key.algorithm() == Algorithm::Ed25519 {
            return Err("a witness signs with type 0x04 or 0x06, not with 0x01".to_owned());
        }
        if self.witnesses.iter().any(|witness| witness.key.same_public_key(&key)) {
            return Err("the same witness key stands in the policy twice".to_owned());
        }
        self.new_name(name)?;
        self.witnesses.push(Witness { name: name.to_owned(), key });
        Ok(())
    }

    fn read_group(&mut self, name: &str, needed: &str, names: &[&str], used: &mut Vec<Member>) -> Result<(), String> {
        self.new_name(name)?;
        let mut members = Vec::with_capacity(names.len());
        for name in names {
            let member = self.find(name).ok_or_else(|| format!("`{name}` is not defined on an earlier line"))?;
            if used.contains(&member) {
                return Err(format!("`{name}` is a member already"));
            }
            used.push(member);
            members.push(member);
        }
        let needed = match needed {
            "all" => members.len(),
            "any" => 1,
            number => crate::checkpoint::read_decimal(number)
                .and_then(|number| usize::try_from(number).ok())
                .ok_or_else(|| format!("`{number}` is neither `all`, `any` nor a number"))?,
        };
        if needed == 0 || needed > members.len() {
            return Err(format!("a group of {} members cannot need {needed}", members.len()));
        }
        self.groups.push(Group { name: name.to_owned(), needed, members });
        Ok(())
    }

    fn read_quorum(&mut self, name: &str) -> Result<(), String> {
        if !self.quorum_name.is_empty() {
            return Err("a policy has one quorum line".to_owned());
        }
        if name != "none" {
            self.quorum = Some(self.find(name).ok_or_else(|| format!("`{name}` is not defined on an earlier line"))?);
        }
        name.clone_into(&mut self.quorum_name);
        Ok(())
    }

    fn new_name(&self, name: &str) -> Result<(), String> {
        if name == "none" {
            return Err("`none` cannot be defined".to_owned());
        }
        if self.find(name).is_some() {
            return Err(format!("`{name}` is defined twice"));
        }
        if self.witnesses.len() + self.groups.len() >= NAMES_MAX {
            return Err(format!("more than {NAMES_MAX} witnesses and groups"));
        }
        Ok(())
    }
}

impl FromStr for Policy {
    type Err = PolicyError;

    fn from_str(text: &str) -> Result<Self, PolicyError> {
        let mut policy = Self {
            logs: Vec::new(),
            witnesses: Vec::new(),
            groups: Vec::new(),
            quorum: None,
            quorum_name: String::new(),
        };
        let mut used = Vec::new();
        let mut lines = 0;
        for (number, line) in text.split('\n').enumerate() {
            lines = number + 1;
            let told = |wrong: String| PolicyError { line: number + 1, wrong };
            if line.bytes().any(|byte| byte < 0x20 && byte != b'\t' || byte == 0x7f) {
                return Err(told("a control character".to_owned()));
            }
            let words: Vec<&str> = line.split([' ', '\t']).filter(|word| !word.is_empty()).collect();
            if words.first().is_some_and(|word| word.starts_with('#')) {
                continue;
            }
            policy.read_line(&words, &mut used).map_err(told)?;
        }
        if policy.quorum_name.is_empty() {
            return Err(PolicyError { line: lines, wrong: "the quorum line is missing".to_owned() });
        }
        Ok(policy)
    }
}

fn holds(member: Member, witnesses: &[bool], groups: &[bool]) -> bool {
    let held = match member {
        Member::Witness(at) => witnesses.get(at),
        Member::Group(at) => groups.get(at),
    };
    held.copied().unwrap_or(false)
}

fn read_key(text: &str) -> Result<VerifierKey, String> {
    text.parse().map_err(|error: KeyError| error.to_string())
}

#[cfg(test)]
mod tests;
