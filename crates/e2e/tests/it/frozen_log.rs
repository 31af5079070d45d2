//! A log that is frozen, failing or full (promise 7): no byte of an answer and no request to a provider without a durable decision,
//! no end of an answer without a durable outcome, an honest 503 instead, and everything right again afterwards.

use std::io;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use e2e::client::{Answer, Open};
use e2e::harness::{Setup, TestGateway};
use e2e::hooked_disk::{HookedDisk, Synced};
use e2e::wall::Role;
use local_model::scripted::Script;
use tokio::sync::watch;

use crate::views::{asking, streaming};

/// How long a caller listens for bytes that must not come.
const LISTENING: Duration = Duration::from_millis(200);

/// The real disk with a gate before every sync of a segment.
#[derive(Clone, Default)]
struct Gated(Arc<Gate>);

#[derive(Default)]
struct Gate {
    state: Mutex<State>,
    changed: Condvar,
    /// Syncs that have come to the gate.
    came: watch::Sender<u64>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Open,
    Shut,
    Failing,
}

impl Gated {
    fn set(&self, state: State) {
        *self.0.state.lock().unwrap() = state;
        self.0.changed.notify_all();
    }

    /// Waits until one more sync than `before` stands at the gate or has passed it.
    async fn until_asked(&self, before: u64) {
        self.0.came.subscribe().wait_for(|came| *came > before).await.unwrap();
    }

    fn asked(&self) -> u64 {
        *self.0.came.borrow()
    }

    /// A sync of a segment comes to the gate.
    fn pass(&self) -> io::Result<()> {
        let Gated(gate) = self;
        gate.came.send_modify(|came| *came += 1);
        let state = gate.changed.wait_while(gate.state.lock().unwrap(), |state| *state == State::Shut).unwrap();
        match *state {
            State::Failing => Err(io::Error::other("the disk is broken, as the test wants it")),
            State::Open | State::Shut => Ok(()),
        }
    }
}

/// A gateway with both kinds of destination, whose log stands behind a gate and lets so many entries wait.
async fn gated(waiting_max: usize) -> (TestGateway, Gated) {
    let gate = Gated::default();
    let at_the_gate = gate.clone();
    let disk = Arc::new(HookedDisk::new(move |synced| match synced {
        Synced::Entries => at_the_gate.pass(),
        Synced::Other => Ok(()),
    }));
    let setup = Setup::local(Script::new().answer("?", "here"))
        .remote(Role::National, &["wall-small", "hold-after-2"])
        .log(move |settings| {
            settings.disk = disk;
            settings.waiting_max = waiting_max;
        });
    (setup.start().await, gate)
}

/// One caller of each kind: local and remote, whole and streamed.
async fn four(gateway: &TestGateway) -> Vec<Open> {
    let mut callers = Vec::new();
    for model in ["scripted", "wall-small"] {
        callers.push(gateway.client.open_chat(&asking(model, "?")).await);
        callers.push(gateway.client.open_chat(&streaming(model, "?")).await);
    }
    callers
}

/// Whether not one byte comes while anybody could expect one.
async fn silent(caller: &mut Open) -> bool {
    tokio::time::timeout(LISTENING, caller.is_closed()).await.is_err()
}

fn is_refused(answer: &Answer) -> bool {
    answer.status == 503
        && answer.whole
        && answer.json()["error"]["code"].is_string()
        && answer.head.get("retry-after").is_some()
        && answer.head.get("x-gwanmun-entry").is_none()
}

#[tokio::test]
async fn while_the_log_is_frozen_nobody_hears_anything() {
    let (gateway, gate) = gated(64).await;
    let before = gate.asked();
    gate.set(State::Shut);
    let mut callers = four(&gateway).await;
    gate.until_asked(before).await;
    for caller in &mut callers {
        assert!(silent(caller).await, "a byte was let out");
    }
    assert_eq!(gateway.wall.heard().0.len(), 0, "a provider was contacted");
    // What needs no entry goes on.
    assert_eq!(gateway.client.get("/health/live").await.status, 200);
    gate.set(State::Open);
    for caller in callers {
        let answer = caller.rest().await;
        assert!(answer.claims_to_be_complete(), "{answer}");
    }
    let log = gateway.end().await;
    assert_eq!((log.of("decision").count(), log.of("outcome").count()), (4, 4));
}

/// The outcome comes before the end: a stream shows its text and not that it is over.
#[tokio::test]
async fn while_the_outcome_is_frozen_no_answer_ends() {
    let (gateway, gate) = gated(64).await;
    let mut held = gateway.client.open_chat(&streaming("hold-after-2", "?")).await;
    held.next_event().await.unwrap();
    let before = gate.asked();
    gate.set(State::Shut);
    gateway.wall.release();
    gate.until_asked(before).await;
    let mut events = Vec::new();
    while let Ok(event) = tokio::time::timeout(LISTENING, held.next_event()).await {
        events.push(event.expect("it is not over"));
    }
    assert!(events.iter().any(|event| event.contains("Seoul")) && !events.iter().any(|event| event == "[DONE]"));
    gate.set(State::Open);
    assert_eq!(held.next_event().await.as_deref(), Some("[DONE]"));
    assert!(held.rest().await.claims_to_be_complete());
    gateway.end().await;
}

/// The first failed sync is the last: those who wait are refused, and all after them; a new start finds everything in order.
#[tokio::test]
async fn a_failing_log_refuses_and_a_new_start_recovers() {
    let (gateway, gate) = gated(64).await;
    let whole = gateway.client.chat(&asking("wall-small", "?")).await;
    assert!(whole.claims_to_be_complete(), "{whole}");
    let mut under_way = gateway.client.open_chat(&streaming("hold-after-2", "?")).await;
    under_way.next_event().await.unwrap();
    let heard = gateway.wall.heard().requests().count();

    let before = gate.asked();
    gate.set(State::Shut);
    let waiting = four(&gateway).await;
    gate.until_asked(before).await;
    gate.set(State::Failing);
    for caller in waiting.into_iter().chain(four(&gateway).await) {
        let answer = caller.rest().await;
        assert!(is_refused(&answer), "{answer}");
    }
    // The disk is well again, but what it holds only a new start can find out.
    gate.set(State::Open);
    for caller in four(&gateway).await {
        let answer = caller.rest().await;
        assert!(is_refused(&answer), "{answer}");
    }
    // What had begun before must not look complete: its outcome can't be written.
    gateway.wall.release();
    let answer = under_way.rest().await;
    assert!(!answer.claims_to_be_complete() && !answer.text().contains("[DONE]"), "{answer}");
    assert_eq!(gateway.wall.heard().requests().count(), heard, "a provider was contacted");

    let log = gateway.end_failed().await;
    assert_eq!(log.faults(), Vec::<String>::new());
    let endings: Vec<&str> = log.of("outcome").filter_map(|outcome| outcome["ending"].as_str()).collect();
    assert_eq!(endings.iter().filter(|ending| **ending == "answered").count(), 1, "{endings:?}");
    assert!(endings.iter().filter(|ending| **ending == "lost").count() >= 1, "{endings:?}");
}

/// More callers than entries may wait: some are refused at once and told when to come again; the others are answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_log_refuses_what_it_cannot_keep() {
    const CALLERS: usize = 48;
    let (gateway, gate) = gated(8).await;
    let before = gate.asked();
    gate.set(State::Shut);
    let mut callers = vec![gateway.client.open_chat(&asking("wall-small", "?")).await];
    gate.until_asked(before).await;
    // One batch stands at the gate; eight entries may wait behind it.
    for _ in 1..CALLERS {
        callers.push(gateway.client.open_chat(&asking("wall-small", "?")).await);
    }
    let mut all = tokio::task::JoinSet::new();
    let (refused, mut refusals) = tokio::sync::mpsc::unbounded_channel();
    for caller in callers {
        let refused = refused.clone();
        all.spawn(async move {
            let answer = caller.rest().await;
            if answer.status == 503 {
                refused.send(()).unwrap();
            }
            answer
        });
    }
    for _ in 0..CALLERS - 9 {
        refusals.recv().await.unwrap();
    }
    assert_eq!(gateway.wall.heard().0.len(), 0, "a provider was contacted");
    gate.set(State::Open);
    let (answered, refused): (Vec<_>, Vec<_>) =
        all.join_all().await.into_iter().partition(Answer::claims_to_be_complete);
    assert!(refused.iter().all(is_refused), "{refused:?}");
    assert_eq!((answered.len(), refused.len()), (9, CALLERS - 9));
    assert_eq!(gateway.wall.heard().requests().count(), 9);
    let log = gateway.end().await;
    assert_eq!((log.of("decision").count(), log.of("outcome").count()), (9, 9));
}

/// An outcome claims the bytes that were handed over, and no end where there was none.
#[tokio::test]
async fn no_outcome_claims_what_was_not_sent() {
    let (gateway, _) = gated(64).await;
    let mut held = gateway.client.open_chat(&streaming("hold-after-2", "?")).await;
    let mut came = 0;
    for _ in 0..2 {
        came += "data: \n\n".len() + held.next_event().await.unwrap().len();
    }
    held.hang_up();
    gateway.wall.until(|heard| heard.open() == 0).await;
    let whole = gateway.client.chat(&asking("wall-small", "?")).await;
    let log = gateway.end().await;
    let bytes = |ending| {
        let outcome = log.of("outcome").find(|outcome| outcome["ending"] == ending);
        outcome.unwrap_or_else(|| panic!("nothing was {ending}"))["answer_bytes"].as_u64()
    };
    // All that was handed over before the stream was held has come: nothing was lost on the way.
    assert_eq!(bytes("cancelled"), Some(came as u64));
    assert_eq!(bytes("answered"), Some(whole.body.len() as u64));
}
