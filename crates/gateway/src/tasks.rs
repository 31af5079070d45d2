//! The only place where tasks and threads start: each is named, counted, awaited and told to stop.
//!
//! Knows nothing of what the tasks do.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::clock::Clock;

/// Starts tasks and threads, counts them, tells them to stop, awaits their end. Cheap to clone; clones share the count.
#[derive(Clone, Debug)]
pub struct Tasks(Arc<Shared>);

/// What a task watches to learn that it should end. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<Phase>);

/// How far the process is on its way out. Phases only go forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Work is taken on.
    Running,
    /// Nothing new is taken on; what has begun is finished.
    Draining,
    /// What has not finished is dropped.
    Cancelled,
}

#[derive(Debug)]
struct Shared {
    clock: Clock,
    phase: watch::Sender<Phase>,
    /// Owner: the running tasks themselves; each takes its own name out when it ends.
    alive: Mutex<BTreeMap<&'static str, usize>>,
    count: watch::Sender<usize>,
}

impl Tasks {
    /// No tasks yet. `clock` measures how long [`Tasks::end`] waits.
    pub fn new(clock: Clock) -> Self {
        let alive = Mutex::new(BTreeMap::new());
        Self(Arc::new(Shared { clock, phase: watch::Sender::new(Phase::Running), alive, count: watch::Sender::new(0) }))
    }

    /// Starts a task. It is given a [`Stop`] and must end soon after it is told to.
    /// On [`Phase::Cancelled`] the task is dropped wherever it waits.
    #[expect(clippy::disallowed_methods, reason = "this is the place that starts tasks")]
    pub fn start<F>(&self, name: &'static str, work: impl FnOnce(Stop) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let alive = Alive::enter(self, name);
        let stop = self.stop();
        let work = work(stop.clone());
        tokio::spawn(async move {
            let _alive = alive;
            tokio::select! {
                biased;
                () = stop.cancelled() => {}
                () = work => {}
            }
        });
    }

    /// Starts a thread, for work that blocks. It must end by itself soon after its [`Stop`] says so: a thread cannot be
    /// dropped.
    pub fn start_thread(
        &self,
        name: &'static str,
        work: impl FnOnce(Stop) + Send + 'static,
    ) -> std::io::Result<std::thread::JoinHandle<()>> {
        let alive = Alive::enter(self, name);
        let stop = self.stop();
        thread(name, move || {
            let _alive = alive;
            work(stop);
        })
    }

    /// Does work that blocks, on a thread kept for such, and comes back with what it gives: nothing if it panicked. Once begun
    /// it is done to its end, though nobody waits for it any more, and counts as a task until then.
    pub async fn blocking<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let alive = Alive::enter(self, name);
        let working = tokio::task::spawn_blocking(move || {
            let _alive = alive;
            work()
        });
        working.await.ok()
    }

    /// What tells the tasks to stop.
    pub fn stop(&self) -> Stop {
        Stop(self.0.phase.subscribe())
    }

    /// How many tasks of each name run now.
    pub fn alive(&self) -> BTreeMap<&'static str, usize> {
        self.0.alive.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tells all tasks to take on nothing new and to finish.
    pub fn drain(&self) {
        self.0.forward(Phase::Draining);
    }

    /// Tells all tasks to end now; those that wait are dropped where they wait.
    pub fn cancel(&self) {
        self.0.forward(Phase::Cancelled);
    }

    /// Waits until no task and no thread is left.
    pub async fn ended(&self) {
        let mut count = self.0.count.subscribe();
        // The sender lives as long as `self`, so the wait cannot fail.
        let _ = count.wait_for(|count| *count == 0).await;
    }

    /// Drains for at most `drain`, then cancels, and waits for what is left. True when everything finished by itself.
    pub async fn end(&self, drain: Duration) -> bool {
        self.drain();
        let finished = self.0.clock.within(drain, self.ended()).await.is_some();
        self.cancel();
        self.ended().await;
        finished
    }
}

impl Stop {
    /// The phase now.
    pub fn phase(&self) -> Phase {
        *self.0.borrow()
    }

    /// Waits until nothing new is to be taken on.
    pub async fn draining(&self) {
        self.reached(Phase::Draining).await;
    }

    /// Waits until everything is to end now.
    pub async fn cancelled(&self) {
        self.reached(Phase::Cancelled).await;
    }

    async fn reached(&self, phase: Phase) {
        let mut phases = self.0.clone();
        if phases.wait_for(|now| *now >= phase).await.is_err() {
            // Whoever could say stop is gone without saying it: nothing to wait for any more.
            std::future::pending::<()>().await;
        }
    }
}

impl Shared {
    fn forward(&self, to: Phase) {
        self.phase.send_if_modified(|phase| {
            let forward = *phase < to;
            if forward {
                *phase = to;
            }
            forward
        });
    }
}

/// Starts a thread that its owner, who holds the handle, ends and awaits: for the few that must outlive all tasks.
pub fn thread<T: Send + 'static>(
    name: &'static str,
    work: impl FnOnce() -> T + Send + 'static,
) -> std::io::Result<std::thread::JoinHandle<T>> {
    std::thread::Builder::new().name(name.to_owned()).spawn(work)
}

/// A running task's place in the count; leaves it when dropped, also when the task panics.
struct Alive {
    shared: Arc<Shared>,
    name: &'static str,
}

impl Alive {
    fn enter(tasks: &Tasks, name: &'static str) -> Self {
        let shared = Arc::clone(&tasks.0);
        *shared.alive.lock().unwrap_or_else(PoisonError::into_inner).entry(name).or_insert(0) += 1;
        shared.count.send_modify(|count| *count += 1);
        Self { shared, name }
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!(task = %self.name, "task `{}` ended by a defect in the program", self.name);
        }
        let mut alive = self.shared.alive.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = alive.get_mut(self.name) {
            *count -= 1;
            if *count == 0 {
                alive.remove(self.name);
            }
        }
        drop(alive);
        self.shared.count.send_modify(|count| *count -= 1);
    }
}

#[cfg(test)]
mod tests;
