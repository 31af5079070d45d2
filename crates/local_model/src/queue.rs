//! Who comes next: callers take turns, one sequence each, however many jobs a caller has waiting. Pure.

use std::collections::VecDeque;
use std::sync::Arc;

/// Names a job on the model's thread; later jobs have higher numbers.
pub(crate) type JobId = u64;

/// Jobs that have sequences to start. Its length is bounded by whoever lets jobs in.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    /// Callers in the order of their turns, each with its jobs in the order in which they came; none without a job.
    turns: VecDeque<(Arc<str>, VecDeque<JobId>)>,
}

impl Queue {
    pub(crate) fn push(&mut self, caller: &Arc<str>, job: JobId) {
        match self.turns.iter_mut().find(|(one, _)| one == caller) {
            Some((_, jobs)) => jobs.push_back(job),
            None => self.turns.push_back((Arc::clone(caller), VecDeque::from([job]))),
        }
    }

    /// The job whose next sequence is to start first, of those that are `ready`.
    pub(crate) fn next(&self, ready: impl Fn(JobId) -> bool) -> Option<JobId> {
        self.turns.iter().flat_map(|(_, jobs)| jobs).copied().find(|&job| ready(job))
    }

    /// Ends the turn of the caller whose job this is.
    pub(crate) fn end_turn(&mut self, job: JobId) {
        let caller = self.turns.iter().position(|(_, jobs)| jobs.contains(&job));
        if let Some(turn) = caller.and_then(|place| self.turns.remove(place)) {
            self.turns.push_back(turn);
        }
    }

    /// Takes a job out, wherever it stands.
    pub(crate) fn remove(&mut self, job: JobId) {
        for (_, jobs) in &mut self.turns {
            jobs.retain(|&one| one != job);
        }
        self.turns.retain(|(_, jobs)| !jobs.is_empty());
    }

    /// All jobs, in no particular order.
    pub(crate) fn jobs(&self) -> impl Iterator<Item = JobId> {
        self.turns.iter().flat_map(|(_, jobs)| jobs).copied()
    }
}

#[cfg(test)]
mod tests;
