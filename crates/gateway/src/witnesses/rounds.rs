//! Which checkpoint the witnesses are asked about: the same for all, so that their cosignatures come together under one. A log
//! in use signs a new one each second; a round takes ten.
//!
//! This file must not know the witnesses.

use std::sync::Arc;
use std::time::Duration;

use audit_log::Log;
use tlog::SignedCheckpoint;
use tokio::sync::watch;

use crate::clock::Clock;
use crate::tasks::Tasks;

/// How often a new checkpoint is looked for: logs sign one a second at most.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The least time between two rounds.
const ROUND_TIME: Duration = Duration::from_secs(10);

/// The checkpoint that is asked about now.
pub(super) type Round = watch::Receiver<Arc<SignedCheckpoint>>;

/// Begins the first round with the newest checkpoint, and another whenever there is a newer one, until the tasks are told to
/// drain.
pub(super) fn begin(log: &Arc<Log>, clock: &Clock, tasks: &Tasks) -> Round {
    let (asked, round) = watch::channel(log.checkpoint());
    let (log, clock) = (Arc::clone(log), clock.clone());
    tasks.start("witness rounds", |stop| async move {
        let rounds = async {
            clock.sleep(ROUND_TIME).await;
            loop {
                let newest = log.checkpoint();
                // Cosignatures are added to a checkpoint while it is the newest: that makes no other of it.
                let newer = newest.note.text != asked.borrow().note.text;
                if newer {
                    asked.send_replace(newest);
                }
                clock.sleep(if newer { ROUND_TIME } else { LOOK_EVERY }).await;
            }
        };
        tokio::select! {
            biased;
            () = stop.draining() => {}
            () = rounds => {}
        }
    });
    round
}
