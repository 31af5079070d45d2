//! Asks one witness for each new checkpoint, follows what it says it knows, and tells when it turns silent, returns, or has
//! seen another history of this log.
//!
//! This file must not know how a request travels.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use audit_log::Log;
use tlog::{Note, NoteError, Signature, SignedCheckpoint, VerifierKey};
use tlog_witness::AddCheckpoint;

use crate::clock::Clock;
use crate::tasks::{Stop, Tasks};

use super::post::Reply;
use super::{Round, Standing, Witness};

/// How long a witness that does not cosign is left alone at first: longer than a round.
pub(super) const ASK_AGAIN: Duration = Duration::from_secs(20);
/// The longest time between two requests to one that does not.
const ASK_AGAIN_MAX: Duration = Duration::from_mins(5);
/// Requests of one turn: to learn what it knows, and to ask from there; once more where somebody else asked in between.
const REQUESTS_MAX: usize = 3;

/// One witness, and where it stands.
pub(super) struct Asking {
    witness: Arc<Witness>,
    log: Arc<Log>,
    round: Round,
    standing: Standing,
    clock: Clock,
    tasks: Tasks,
    /// How many entries it has cosigned, as it said last.
    known: u64,
    /// The text of the checkpoint that it cosigned last.
    cosigned: Option<String>,
    /// Nothing before its first answer.
    now: Option<Mood>,
    pause: Duration,
}

/// How the last turn went; a change is told once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Cosigns,
    Silent,
    Refuses,
    Alarmed,
}

/// Why a turn brought no cosignature.
#[derive(Debug)]
enum Trouble {
    /// No answer, or none that can be used.
    Silent(String),
    /// An answer that will be the same next time, unless somebody changes something.
    Refuses(u16, String),
    /// It has seen another history.
    Alarm(Alarm),
}

/// What a witness knows that this log does not.
#[derive(Debug, PartialEq, Eq)]
enum Alarm {
    /// It has cosigned more than there is.
    KnowsMore { cosigned: u64, here: u64 },
    /// It has cosigned as much, with another root.
    OtherRoot { cosigned: u64 },
    /// What is here does not extend what it has cosigned.
    NotConsistent { cosigned: u64 },
}

impl fmt::Display for Alarm {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Alarm::KnowsMore { cosigned, here } => write!(
                to,
                "it has cosigned {cosigned} entries of this log, which holds {here} here: the data directory was put back to \
                 an older copy, or somebody else signs with the log's key"
            ),
            Alarm::OtherRoot { cosigned } => write!(
                to,
                "it has cosigned another history of the same {cosigned} entries: the data directory was put back to an older \
                 copy and used, or somebody else signs with the log's key"
            ),
            Alarm::NotConsistent { cosigned } => write!(
                to,
                "the entries here do not extend the {cosigned} that it has cosigned: the data directory was put back to an \
                 older copy and used, or somebody else signs with the log's key, or the log's tiles are damaged (`gwanmun \
                 audit verify` tells, `gwanmun audit rebuild` mends)"
            ),
        }
    }
}

impl Asking {
    pub(super) fn new(
        witness: Witness,
        log: Arc<Log>,
        round: Round,
        standing: Standing,
        clock: Clock,
        tasks: Tasks,
    ) -> Self {
        let witness = Arc::new(witness);
        let (known, cosigned, now) = (0, None, None);
        Self { witness, log, round, standing, clock, tasks, known, cosigned, now, pause: ASK_AGAIN }
    }

    /// Asks until told to stop.
    pub(super) async fn run(mut self, stop: Stop) {
        tokio::select! {
            biased;
            () = stop.draining() => {}
            () = self.keep_asking() => {}
        }
    }

    async fn keep_asking(&mut self) {
        loop {
            let asked = Arc::clone(&self.round.borrow_and_update());
            if self.cosigned.as_ref() == Some(&asked.note.text) {
                if self.round.changed().await.is_err() {
                    // Nobody asks any more.
                    return;
                }
                continue;
            }
            let turn = self.turn(&asked).await;
            let mood = self.tell(&turn);
            self.now = Some(mood);
            if mood == Mood::Cosigns {
                self.pause = ASK_AGAIN;
            } else {
                self.clock.sleep(self.pause).await;
                self.pause = self.pause.saturating_mul(2).min(ASK_AGAIN_MAX);
            }
        }
    }

    /// Asks for that checkpoint. Comes back with how many entries are cosigned now.
    async fn turn(&mut self, asked: &Arc<SignedCheckpoint>) -> Result<u64, Trouble> {
        for _ in 0..REQUESTS_MAX {
            let Some(request) = self.request(asked).await? else {
                // Somebody brought it a newer checkpoint of ours: there is nothing to ask before the next round.
                self.cosigned = Some(asked.note.text.clone());
                return Ok(self.known);
            };
            match self.witness.post.ask(request.to_string()).await.map_err(Trouble::Silent)? {
                Reply::Cosigned(lines) => {
                    let checkpoint = &request.checkpoint.checkpoint;
                    let size = checkpoint.size;
                    let text = request.checkpoint.note.text.clone();
                    self.keep(request.checkpoint, lines).await?;
                    (self.known, self.cosigned) = (size, Some(text));
                    return Ok(size);
                }
                Reply::Knows(known) => self.follow(known, &request)?,
                Reply::NotConsistent => return Err(Trouble::Alarm(Alarm::NotConsistent { cosigned: request.old })),
                Reply::Refused(status, words) => return Err(Trouble::of(status, &words)),
            }
        }
        Err(Trouble::Silent("it names another size each time that it is asked".to_owned()))
    }

    /// The request for that checkpoint, from what the witness knows; none if it knows more of this log than the checkpoint.
    async fn request(&self, asked: &Arc<SignedCheckpoint>) -> Result<Option<AddCheckpoint>, Trouble> {
        let (log, known, under) = (Arc::clone(&self.log), self.known, Arc::clone(asked));
        let made = self.tasks.blocking("witness request", move || log.consistency_under(&under, known)).await;
        match made {
            Some(Ok(Some(proof))) => {
                Ok(Some(AddCheckpoint { old: known, proof, checkpoint: SignedCheckpoint::clone(asked) }))
            }
            Some(Ok(None)) if known > self.log.checkpoint().checkpoint.size => Err(self.knows_more(known)),
            Some(Ok(None)) => Ok(None),
            Some(Err(error)) => Err(Trouble::Silent(format!("this log gives no proof for it: {error}"))),
            None => Err(Trouble::Silent("no proof was made for it".to_owned())),
        }
    }

    /// It has cosigned another size than it was asked from.
    fn follow(&mut self, known: u64, request: &AddCheckpoint) -> Result<(), Trouble> {
        if known > self.log.checkpoint().checkpoint.size {
            return Err(self.knows_more(known));
        }
        if known == request.old {
            if known == request.checkpoint.checkpoint.size {
                return Err(Trouble::Alarm(Alarm::OtherRoot { cosigned: known }));
            }
            return Err(Trouble::Refuses(409, "it was asked from the size that it names".to_owned()));
        }
        self.known = known;
        Ok(())
    }

    fn knows_more(&self, cosigned: u64) -> Trouble {
        Trouble::Alarm(Alarm::KnowsMore { cosigned, here: self.log.checkpoint().checkpoint.size })
    }

    /// Keeps what it signed, once that is verified.
    async fn keep(&self, asked: SignedCheckpoint, lines: String) -> Result<(), Trouble> {
        let (log, witness) = (Arc::clone(&self.log), Arc::clone(&self.witness));
        let kept = self.tasks.blocking("witness answer", move || {
            let signed = signed_by(&asked, &lines, &witness.keys).map_err(|error| error.to_string())?;
            if signed == 0 {
                return Err("no signature in its answer is by the keys that the policy has of it".to_owned());
            }
            let kept = log.add_cosignatures(&asked, &lines, &witness.keys);
            kept.map(drop).map_err(|error| format!("its cosignature was not kept: {error}"))
        });
        match kept.await {
            Some(kept) => kept.map_err(|words| Trouble::Refuses(200, words)),
            None => Err(Trouble::Silent("its answer was not read".to_owned())),
        }
    }

    /// Tells the operator: a change once, an alarm each time.
    fn tell(&self, turn: &Result<u64, Trouble>) -> Mood {
        let witness = &*self.witness.name;
        match turn {
            Ok(entries) => {
                let seconds = u64::try_from(self.clock.wall().as_second()).unwrap_or(0);
                self.standing.cosigned(&self.witness.name, *entries, seconds);
                if self.now != Some(Mood::Cosigns) {
                    tracing::info!(witness, entries, "the witness `{witness}` cosigns");
                }
                Mood::Cosigns
            }
            Err(Trouble::Silent(why)) => {
                if self.now != Some(Mood::Silent) {
                    tracing::warn!(
                        witness,
                        why,
                        "the witness `{witness}` is silent, and is asked again until it answers: {why}"
                    );
                }
                Mood::Silent
            }
            Err(Trouble::Refuses(status, words)) => {
                if self.now != Some(Mood::Refuses) {
                    tracing::warn!(witness, status, words, "the witness `{witness}` does not cosign: {words}");
                }
                Mood::Refuses
            }
            Err(Trouble::Alarm(alarm)) => {
                self.standing.alarm(&self.witness.name);
                tracing::error!(
                    witness,
                    "alarm: the witness `{witness}` refuses this log: {alarm}. keep the data directory as it is, compare it \
                     with your copies, and tell those who rely on the log; if the key is in other hands, make a new one \
                     (`gwanmun audit key rotate`)"
                );
                Mood::Alarmed
            }
        }
    }
}

impl Trouble {
    fn of(status: u16, words: &str) -> Trouble {
        let told = words.escape_debug();
        match status {
            403 => Trouble::Refuses(
                status,
                format!("it knows this log by other keys: give its operator the log's `key.pub` ({told})"),
            ),
            404 => Trouble::Refuses(
                status,
                format!(
                    "it does not watch this log: give its operator the log's `key.pub`, or mend its address ({told})"
                ),
            ),
            300..=399 => Trouble::Refuses(status, format!("it redirects ({status}), and redirects are not followed")),
            429 | 500..=599 => Trouble::Silent(format!("it answers {status} ({told})")),
            _ => Trouble::Refuses(status, format!("it answers {status} ({told})")),
        }
    }
}

/// How many signatures by these keys the answer has; an error where one of them does not hold.
fn signed_by(asked: &SignedCheckpoint, lines: &str, keys: &[VerifierKey]) -> Result<usize, NoteError> {
    let signatures = lines.lines().map(Signature::parse).collect::<Result<Vec<_>, _>>()?;
    let note = Note { text: asked.note.text.clone(), signatures };
    Ok(SignedCheckpoint { checkpoint: asked.checkpoint.clone(), note }.verify(keys)?.len())
}
