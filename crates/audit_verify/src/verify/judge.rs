//! Who signed a checkpoint, and whether that is enough.

use crate::checkpoint::Checkpoint;
use crate::note::{self, Note};
use crate::report::{CheckpointSeen, FindingKind, Quorum, SignatureSeen, Signer};
use crate::trust::{Algorithm, Policy, VerifierKey};

/// Keys that a log used together.
#[derive(Clone, Debug)]
pub(crate) struct KeySet {
    pub(crate) keys: Vec<VerifierKey>,
    /// The largest tree they signed, for keys that were replaced.
    pub(crate) until: Option<u64>,
}

/// What a checkpoint is judged by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Judge<'a> {
    /// Which log's it must be; any whose keys are known, when nothing.
    pub(crate) origin: Option<&'a str>,
    pub(crate) sets: &'a [KeySet],
    pub(crate) policy: Option<&'a Policy>,
}

/// What came out. A checkpoint without doubts is what its log signed and its witnesses saw.
#[derive(Debug, Default)]
pub(crate) struct Judged {
    pub(crate) claim: Option<Checkpoint>,
    pub(crate) seen: Option<CheckpointSeen>,
    /// When the log says it signed, in seconds since 1970.
    pub(crate) log_time: Option<u64>,
    /// When the first of its witnesses says that it cosigned, in seconds since 1970.
    pub(crate) witness_time: Option<u64>,
    pub(crate) doubts: Vec<(FindingKind, String)>,
}

impl Judge<'_> {
    /// Judges a signed note.
    pub(crate) fn judge(&self, note: &[u8]) -> Judged {
        let mut judged = Judged::default();
        let read = note::read(note).and_then(|note| Ok((Checkpoint::read(note.text)?, note)));
        let (claim, note) = match read {
            Ok(read) => read,
            Err(wrong) => {
                judged.doubts.push((FindingKind::MalformedCheckpoint, wrong.to_owned()));
                return judged;
            }
        };
        if let Some(origin) = self.origin.filter(|origin| *origin != claim.origin) {
            let wrong = format!("it is a checkpoint of `{}`, not of `{origin}`", claim.origin);
            judged.doubts.push((FindingKind::OtherOrigin, wrong));
        }
        let mut seen = CheckpointSeen::new(claim.size, &claim.root);
        let signed = Signatures::verify(&note, &claim, self);
        seen.unknown_signatures = signed.unknown;
        judged.doubts.extend(signed.broken.iter().cloned());
        self.demand_log(&claim, &signed, &mut judged.doubts);
        if let Some(policy) = self.policy {
            let met = policy.quorum_met(&|key| signed.holds_by(key));
            if !met {
                let wrong = format!("the quorum `{}` of the policy is not met", policy.quorum_name());
                judged.doubts.push((FindingKind::QuorumNotMet, wrong));
            }
            seen.quorum = Some(Quorum { name: policy.quorum_name().to_owned(), met });
        }
        for (key, by, time) in &signed.good {
            match by {
                Signer::Log => judged.log_time = judged.log_time.max(*time),
                Signer::Witness => judged.witness_time = [judged.witness_time, *time].into_iter().flatten().min(),
            }
            let (name, algorithm) = (key.name().to_owned(), key.algorithm());
            seen.signatures.push(SignatureSeen { name, algorithm, by: *by, time: *time });
        }
        judged.seen = Some(seen);
        judged.claim = Some(claim);
        judged
    }

    /// The log must have signed with every algorithm for which one of its keys is known.
    fn demand_log(&self, claim: &Checkpoint, signed: &Signatures<'_>, doubts: &mut Vec<(FindingKind, String)>) {
        let mine = |key: &&VerifierKey| key.name() == claim.origin;
        // Keys that were replaced count for the trees of their time only, and then instead of the newer ones.
        let mut sets: Vec<&KeySet> =
            self.sets.iter().filter(|set| set.until.is_none_or(|until| claim.size <= until)).collect();
        sets.sort_by_key(|set| set.until.unwrap_or(u64::MAX));
        let set = sets.iter().find(|set| set.keys.iter().filter(mine).any(|key| signed.named_by(key))).or(sets.last());
        let keys: Vec<&VerifierKey> = set.map(|set| set.keys.iter().filter(mine).collect()).unwrap_or_default();
        if keys.is_empty() {
            let wrong = format!("none of the keys is one of `{}`", claim.origin);
            doubts.push((FindingKind::NotSigned, wrong));
        }
        let mut demanded: Vec<Algorithm> = keys.iter().map(|key| key.algorithm()).collect();
        demanded.sort_unstable();
        demanded.dedup();
        for algorithm in demanded {
            let of_it = || keys.iter().filter(|key| key.algorithm() == algorithm);
            let told_already = of_it().any(|key| signed.named_by(key));
            if !told_already {
                let wrong = format!("it has no {algorithm} by a known key of `{}`", claim.origin);
                doubts.push((FindingKind::NotSigned, wrong));
            }
        }
    }
}

/// A note's signatures, each held against the key it names.
struct Signatures<'a> {
    good: Vec<(&'a VerifierKey, Signer, Option<u64>)>,
    /// Keys named by signatures that do not hold.
    bad: Vec<&'a VerifierKey>,
    broken: Vec<(FindingKind, String)>,
    unknown: u64,
}

impl<'a> Signatures<'a> {
    fn verify(note: &Note<'_>, claim: &Checkpoint, judge: &Judge<'a>) -> Self {
        let logs = judge.sets.iter().flat_map(|set| &set.keys).map(|key| (key, Signer::Log));
        let witnesses = judge.policy.map(|policy| policy.witnesses.as_slice()).unwrap_or_default();
        let witnesses = witnesses.iter().map(|witness| (&witness.key, Signer::Witness));
        let known: Vec<(&VerifierKey, Signer)> = logs.chain(witnesses).collect();
        let mut found = Self { good: Vec::new(), bad: Vec::new(), broken: Vec::new(), unknown: 0 };
        for signature in &note.signatures {
            let Some((key, by)) = known.iter().find(|(key, _)| key.made(signature)) else {
                found.unknown += 1;
                continue;
            };
            match key.verify(note.text, claim, &signature.bytes) {
                Ok(time) => found.good.push((key, *by, time)),
                Err(wrong) => {
                    found.bad.push(key);
                    found.broken.push((FindingKind::BadSignature, format!("{wrong}; key {key}")));
                }
            }
        }
        found
    }

    fn holds_by(&self, key: &VerifierKey) -> bool {
        self.good.iter().any(|(good, ..)| *good == key)
    }

    fn named_by(&self, key: &VerifierKey) -> bool {
        self.holds_by(key) || self.bad.contains(&key)
    }
}
