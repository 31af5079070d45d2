//! The kernel's view: holds what `strace` saw of a server against what it promises. Nobody may be told of an entry, of the end
//! of an answer or of a checkpoint before the disk must have kept what stands behind it; no destination may be asked before the
//! decision is durable. Shares no code with the server: it reads calls, the log's format and HTTP.

mod answers;
mod calls;
mod durable;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use answers::{Answers, Claim};
use calls::{Call, Event, Shown, Target};
use durable::{Covered, Durable, Kind};

pub use calls::TRACED;

/// What must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// An entry is durable before its number goes to a caller.
    Told,
    /// An outcome is durable before its answer's end goes to a caller.
    Ended,
    /// A decision is durable before its request goes to a destination.
    Sent,
    /// `signed` is durable before `checkpoint` is replaced, and so is all that the checkpoint covers.
    Signed,
    /// A record says no more than is true of how many entries were durable before it.
    Recorded,
    /// All that is done to the log's files and told to callers is done in ways that are followed here.
    Followed,
}

/// A rule broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// Which.
    pub rule: Rule,
    /// Where in the trace, from line 1.
    pub line: usize,
    /// How.
    pub what: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "line {}: {:?}: {}", self.line, self.rule, self.what)
    }
}

/// How much was there to be judged: a trace in which nothing happens keeps every rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Numbers of entries that went to callers.
    pub told: usize,
    /// Ends of answers that went to callers.
    pub ended: usize,
    /// Requests that went to destinations.
    pub sent: usize,
    /// Checkpoints put in place.
    pub checkpoints: usize,
    /// Segments begun.
    pub segments: usize,
}

/// Who is who in a trace.
#[derive(Clone, Copy, Debug)]
pub struct World<'a> {
    /// Where the server takes requests.
    pub listen: SocketAddr,
    /// Where its destinations are.
    pub destinations: IpAddr,
    /// Its log's directory.
    pub log: &'a Path,
}

/// The judge of one trace, made before the trace begins: it reads what the log holds then.
#[derive(Debug)]
pub struct Judge<'a> {
    world: World<'a>,
    disk: Durable,
    /// What each thread has asked for and not been given yet.
    asked: BTreeMap<u32, Asked>,
    /// By the caller's address.
    callers: BTreeMap<SocketAddr, Answers>,
    breaches: Vec<Breach>,
    seen: Seen,
}

#[derive(Debug)]
struct Asked {
    call: Call,
    covered: Option<Covered>,
}

/// What stands at the beginning of a request to a destination.
const REQUEST: &[u8] = b"POST /v1/chat/completions HTTP/1.1\r\n";

impl<'a> Judge<'a> {
    /// Reads the log as it stands before the traced start.
    pub fn new(world: World<'a>) -> Self {
        Self::of(world, Durable::of_directory(world.log))
    }

    fn of(world: World<'a>, disk: Durable) -> Self {
        let (asked, callers, breaches, seen) = Default::default();
        Self { world, disk, asked, callers, breaches, seen }
    }

    /// Judges a whole trace; an error where it can't be read.
    pub fn judge(mut self, trace: &str) -> Result<(Seen, Vec<Breach>), String> {
        for shown in calls::read(trace)? {
            self.show(shown);
        }
        self.seen.segments = self.disk.begun;
        Ok((self.seen, self.breaches))
    }

    fn show(&mut self, Shown { line, thread, event }: Shown) {
        match event {
            Event::Begun(call) => {
                self.begun(line, &call);
                let covered = match &call {
                    Call::Sync(path) => Some(self.disk.covered(path)),
                    Call::Open { .. } | Call::Write { .. } | Call::Rename { .. } | Call::Other(..) => None,
                };
                self.asked.insert(thread, Asked { call, covered });
            }
            Event::Ended { result, opened } => {
                if let Some(asked) = self.asked.remove(&thread).filter(|_| result >= 0) {
                    self.ended(line, asked, usize::try_from(result).unwrap_or_default(), opened.as_deref());
                }
            }
        }
    }

    /// A call that begins may have its whole effect at once.
    fn begun(&mut self, line: usize, call: &Call) {
        match call {
            Call::Write { to: Target::Socket { ours, theirs }, bytes } => self.going_out(line, *ours, *theirs, bytes),
            Call::Rename { from, to } if self.disk.is_checkpoint(to) => {
                self.seen.checkpoints += 1;
                if let Some(wrong) = self.disk.wrong_with_checkpoint(from) {
                    self.breach(Rule::Signed, line, wrong);
                }
            }
            Call::Rename { from, to } if from.is_relative() || to.is_relative() => {
                self.breach(Rule::Followed, line, "a relative name: start it with whole paths".to_owned());
            }
            Call::Other(name, Target::File(path)) if self.disk.follows(path) => {
                let what = format!("`{name}` on `{}`, which this check does not follow", path.display());
                self.breach(Rule::Followed, line, what);
            }
            Call::Other(name, Target::Socket { .. }) => {
                self.breach(
                    Rule::Followed,
                    line,
                    format!("`{name}` on a connection, which this check does not follow"),
                );
            }
            Call::Other(name, _) if name == "io_uring_setup" => {
                self.breach(Rule::Followed, line, "calls through io_uring are not seen".to_owned());
            }
            Call::Open { .. } | Call::Write { .. } | Call::Sync(_) | Call::Rename { .. } | Call::Other(..) => {}
        }
    }

    fn ended(&mut self, line: usize, Asked { call, covered }: Asked, result: usize, opened: Option<&Path>) {
        match call {
            Call::Open { fresh } => opened.into_iter().for_each(|path| self.disk.opened(path, fresh)),
            Call::Write { to: Target::File(path), bytes } => {
                let written = bytes.get(..result).unwrap_or(&bytes);
                if let Err(wrong) = self.disk.written(&path, written) {
                    self.breach(Rule::Recorded, line, wrong);
                }
            }
            Call::Write { to: Target::Socket { ours, theirs }, bytes } if ours == self.world.listen => {
                // Judged when it began, as if all had gone; what did not go will be sent again.
                self.callers.entry(theirs).or_default().push(bytes.get(..result).unwrap_or(&bytes));
            }
            Call::Sync(_) => covered.iter().for_each(|covered| self.disk.synced(covered)),
            Call::Rename { from, to } => self.disk.renamed(&from, &to),
            Call::Write { .. } | Call::Other(..) => {}
        }
    }

    fn going_out(&mut self, line: usize, ours: SocketAddr, theirs: SocketAddr, bytes: &[u8]) {
        let durable = self.disk.size();
        let written = self.disk.entries.as_slice();
        let there = written.get(..usize::try_from(durable).unwrap_or(written.len())).unwrap_or(written);
        if theirs.ip() == self.world.destinations {
            self.seen.sent += bytes.windows(REQUEST.len()).filter(|window| *window == REQUEST).count();
            let decisions = there.iter().filter(|kind| **kind == Kind::Decision).count();
            if self.seen.sent > decisions {
                let what = format!("{} requests are sent, and {decisions} decisions are durable", self.seen.sent);
                self.breach(Rule::Sent, line, what);
            }
            return;
        }
        if ours != self.world.listen {
            return;
        }
        let ended: BTreeSet<u64> = there.iter().filter_map(|kind| outcome_of(*kind)).collect();
        let refused = |entry| {
            let kind = usize::try_from(entry).ok().and_then(|entry| there.get(entry));
            kind.is_some_and(|kind| *kind == Kind::Other)
        };
        let claims = self.callers.get(&theirs).cloned().unwrap_or_default().push(bytes);
        let mut breaches = Vec::new();
        for claim in claims {
            match claim {
                Claim::Entry(entry) if entry >= durable => {
                    breaches.push((Rule::Told, format!("entry {entry} is told, and {durable} are durable")));
                }
                Claim::End(entry) if !ended.contains(&entry) && !refused(entry) => {
                    let what = format!("the answer to decision {entry} ends, and its outcome is not durable");
                    breaches.push((Rule::Ended, what));
                }
                Claim::Unreadable => breaches.push((Rule::Followed, "an answer without sound framing".to_owned())),
                Claim::Entry(_) | Claim::End(_) => {}
            }
            self.seen.told += usize::from(matches!(claim, Claim::Entry(_)));
            self.seen.ended += usize::from(matches!(claim, Claim::End(_)));
        }
        for (rule, what) in breaches {
            self.breach(rule, line, what);
        }
    }

    fn breach(&mut self, rule: Rule, line: usize, what: String) {
        self.breaches.push(Breach { rule, line, what });
    }
}

fn outcome_of(kind: Kind) -> Option<u64> {
    match kind {
        Kind::Outcome(decision) => Some(decision),
        Kind::Decision | Kind::Other => None,
    }
}

#[cfg(test)]
mod tests;
