//! The model's one thread: takes jobs, starts their choices as slots free up, and computes step by step, each step one token
//! for every answer that its reader keeps up with (more where guesses prove right) and a part of the prompts that wait. Knows
//! nothing of HTTP or of how the engine computes.
//!
//! A slot is reserved for the whole of prompt and answer before a choice starts, so nothing is ever thrown out half-way.
//! Whatever could let the thread go on (a job, a reader who has read or left, a stop) arrives as a [`Message`]; when there
//! is nothing to compute, it blocks on its inbox and costs nothing.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};

use crate::gauges::Gauges;
use crate::pace::{Pace, Step};
use crate::queue::{JobId, Queue};
use crate::reader::Reader;
use crate::sampling::Scratch;
use crate::sequence::{Place, Sequence};
use crate::text::Piece;
use crate::{Beginning, Capacity, Clock, Engine, Event, Job, Load, Run, Settings, Stop, TextCodec, Token, batch};

/// What the thread is told.
pub(crate) enum Message {
    /// A job to do, and who reads the answer. It has its place in the queue already.
    Job(Box<Job>, Reader),
    /// Something may have changed: a reader has read, or left.
    Look,
    /// An end to all this.
    Stop(Stop),
}

pub(crate) struct Scheduler {
    engine: Box<dyn Engine>,
    codec: Arc<dyn TextCodec>,
    inbox: Receiver<Message>,
    gauges: Arc<Gauges>,
    clock: Clock,
    capacity: Capacity,
    sequences_max: usize,
    reuses: bool,
    guesses: bool,
    /// Jobs that are not completely delivered, oldest first.
    jobs: BTreeMap<JobId, Underway>,
    jobs_ever: JobId,
    /// Those among them with choices that have not started.
    queue: Queue,
    pace: Pace,
    scratch: Scratch,
    /// Totals only; the rest is counted when it is told.
    totals: Load,
    stopping: bool,
}

/// A job that the thread has taken.
struct Underway {
    job: Job,
    prompt: Arc<[Token]>,
    reader: Reader,
    /// Choices started so far.
    started: u32,
    /// Those of them that are not complete.
    running: Vec<Sequence>,
}

/// Tokens in a step with guesses, those of all answers together, at most: where many answers are written, each guess costs
/// nearly as much as a token.
const ROWS_WITH_GUESSES_MAX: usize = 8;

/// Tokens from which on a prompt is computed once for all choices of a job: shorter ones cost less than a step does.
const SHARED_PROMPT_TOKENS_MIN: usize = 128;

/// A sequence's part in a step.
struct Part {
    job: JobId,
    choice: u32,
    /// What is computed: tokens that are known, then those that are guessed.
    tokens: Vec<Token>,
    known: usize,
    /// Whether the known tokens are the last before one is chosen.
    chooses: bool,
    in_prompt: bool,
}

impl Part {
    fn guessed(&self) -> &[Token] {
        self.tokens.get(self.known..).unwrap_or_default()
    }

    /// Rows of logits that it wants.
    fn logits(&self) -> usize {
        if self.chooses { self.guessed().len().saturating_add(1) } else { 0 }
    }
}

/// What a step did for a sequence.
enum Advance {
    /// It goes on.
    Goes,
    /// Its choice is complete.
    Complete(Box<Sequence>),
    /// No token could be chosen, and why.
    Lost(String),
}

impl Scheduler {
    pub(crate) fn new(
        engine: Box<dyn Engine>,
        codec: Arc<dyn TextCodec>,
        inbox: Receiver<Message>,
        gauges: Arc<Gauges>,
        settings: Settings,
    ) -> Self {
        let capacity = engine.capacity();
        let capacity = Capacity { batch_tokens_max: capacity.batch_tokens_max.max(1), ..capacity };
        // Every running sequence must fit into a step with at least one token.
        let sequences_max = settings.sequences_max.min(capacity.slots_max).min(capacity.batch_tokens_max).max(1);
        Self {
            engine,
            codec,
            inbox,
            gauges,
            clock: settings.clock,
            capacity,
            sequences_max,
            reuses: settings.prefix_cache,
            guesses: settings.speculation,
            jobs: BTreeMap::new(),
            jobs_ever: 0,
            queue: Queue::default(),
            pace: Pace::new(capacity.batch_tokens_max),
            scratch: Scratch::default(),
            totals: Load::default(),
            stopping: false,
        }
    }

    /// Works until told to stop, or until nobody is left to ask. A panic, the engine's or our own, ends it with every
    /// answer failed and every later job refused: what an engine that broke off midway still holds cannot be trusted.
    pub(crate) fn run(mut self) {
        let why = match catch_unwind(AssertUnwindSafe(|| self.work())) {
            Ok(()) => "the local model was stopped".to_owned(),
            Err(panic) => {
                let why = format!("the local model broke and takes no more work: {}", panic_words(&*panic));
                tracing::error!(%why, "the local model's thread panicked");
                why
            }
        };
        self.gauges.stop(&why);
        // Jobs that came too late to be looked at fail like all others.
        while let Ok(message) = self.inbox.try_recv() {
            if let Message::Job(job, reader) = message {
                self.take(*job, reader);
            }
        }
        while let Some(&job) = self.jobs.keys().next() {
            self.fail(job, &why);
        }
    }

    fn work(&mut self) {
        let mut idle = true;
        while self.hear(idle) {
            self.let_go();
            self.deliver();
            self.start();
            if self.stopping && self.jobs.is_empty() {
                return;
            }
            self.publish();
            idle = !self.step();
        }
    }

    /// Takes what is in the inbox; waits for it when idle. Tells whether to go on.
    fn hear(&mut self, idle: bool) -> bool {
        let mut message =
            if idle { self.inbox.recv().map_err(|_| TryRecvError::Disconnected) } else { self.inbox.try_recv() };
        loop {
            match message {
                Ok(Message::Job(job, reader)) => self.take(*job, reader),
                Ok(Message::Look) => {}
                Ok(Message::Stop(Stop::Finish)) => self.stopping = true,
                Ok(Message::Stop(Stop::Cancel)) => return false,
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return !self.jobs.is_empty(),
            }
            message = self.inbox.try_recv();
        }
    }

    fn take(&mut self, mut job: Job, reader: Reader) {
        let id = self.jobs_ever;
        self.jobs_ever += 1;
        self.queue.push(&job.caller, id);
        let prompt = Arc::from(std::mem::take(&mut job.prompt));
        self.jobs.insert(id, Underway { job, prompt, reader, started: 0, running: Vec::new() });
    }

    /// Ends the jobs that nobody reads.
    fn let_go(&mut self) {
        let left = self.jobs.iter().filter(|(_, underway)| underway.reader.has_left());
        for job in left.map(|(&job, _)| job).collect::<Vec<_>>() {
            self.remove(job);
        }
    }

    /// Hands out what there is to read, and forgets the jobs that are complete.
    fn deliver(&mut self) {
        for underway in self.jobs.values_mut() {
            underway.reader.deliver();
        }
        self.jobs.retain(|_, underway| !underway.is_complete());
    }

    /// Starts choices while there is room. Who comes next waits for room even if a shorter one would fit, or a long prompt
    /// would wait for ever behind short ones.
    fn start(&mut self) {
        while let Some(id) = self.queue.next(|id| !self.waits_for_its_prompt(id)) {
            let running = self.running();
            if running >= self.sequences_max {
                return;
            }
            let Some(underway) = self.jobs.get_mut(&id) else {
                self.queue.remove(id);
                continue;
            };
            let tokens = underway.job.sequence_tokens(underway.prompt.len(), &self.capacity);
            let owner = if self.reuses { &*underway.job.owner } else { "" };
            let begun = match owner {
                "" => self.engine.reserve(tokens).map(|slot| (slot, 0)),
                owner => self.engine.begin(&Beginning { owner, prompt: &underway.prompt, tokens }),
            };
            let Some((slot, computed)) = begun else {
                if running > 0 {
                    return;
                }
                self.fail(id, "the local model has no room for a prompt and answer of this length");
                continue;
            };
            let choice = underway.started;
            let place = Place { slot, reserved: tokens, computed, lookup: self.guesses };
            underway.running.push(Sequence::new(&underway.job, &underway.prompt, choice, place));
            self.totals.prompt_tokens_cached_total += computed as u64;
            underway.started += 1;
            let started_all = underway.has_started();
            self.queue.end_turn(id);
            if started_all {
                self.queue.remove(id);
                self.gauges.leave_queue();
            }
        }
    }

    /// Whether a job's next choice is better started when its first has computed the prompt, which it then need not compute.
    fn waits_for_its_prompt(&self, job: JobId) -> bool {
        self.jobs.get(&job).is_some_and(|underway| self.reuses && underway.will_share_its_prompt())
    }

    /// Computes one step. Tells whether there was anything to compute.
    fn step(&mut self) -> bool {
        let parts = self.plan();
        if parts.is_empty() {
            return false;
        }
        let begun = (self.clock)();
        let computed = self.compute(&parts);
        let took = (self.clock)().saturating_sub(begun);
        match computed {
            Ok(lost) => {
                self.measure(&parts, took);
                self.publish();
                for (job, why) in lost {
                    self.fail(job, &why);
                }
            }
            Err(why) => {
                tracing::warn!(%why, "a step of the local model failed");
                for part in &parts {
                    self.fail(part.job, &why);
                }
            }
        }
        self.deliver();
        true
    }

    /// What the next step computes: a token for every answer and what is guessed to follow, and of the prompts what their pace
    /// allows.
    fn plan(&self) -> Vec<Part> {
        let reading = self.jobs.iter().filter(|(_, underway)| !underway.reader.is_behind());
        let sequences = reading.flat_map(|(&job, underway)| underway.running.iter().map(move |one| (job, one)));
        let (prompts, answers): (Vec<_>, Vec<_>) = sequences.partition(|(_, sequence)| sequence.prompt_left() > 0);
        let mut room = self.capacity.batch_tokens_max.saturating_sub(answers.len());
        let mut ahead = ROWS_WITH_GUESSES_MAX.saturating_sub(answers.len());
        let answering: Vec<Part> =
            answers.iter().map(|&(job, sequence)| answer_part(job, sequence, &mut room, &mut ahead)).collect();
        let room = if answers.is_empty() { room } else { room.min(self.pace.prompt_tokens()) };
        let left: Vec<usize> = prompts.iter().map(|(_, sequence)| sequence.prompt_left()).collect();
        let shares = batch::share(&left, room);

        let prompting = prompts.iter().zip(shares).filter(|&(_, tokens)| tokens > 0).map(|(&(job, sequence), most)| {
            let tokens: Vec<Token> = sequence.known().iter().take(most).copied().collect();
            let chooses = tokens.len() == sequence.prompt_left();
            Part { job, choice: sequence.choice, known: tokens.len(), tokens, chooses, in_prompt: true }
        });
        answering.into_iter().chain(prompting).collect()
    }

    /// Computes the parts and chooses their tokens. Gives the jobs whose logits no token could be chosen from.
    fn compute(&mut self, parts: &[Part]) -> Result<Vec<(JobId, String)>, String> {
        let Self { engine, codec, jobs, scratch, pace, totals, reuses, .. } = self;
        let runs: Vec<Run<'_>> = parts.iter().filter_map(|part| jobs.get(&part.job)?.run(part)).collect();
        let logits = engine.forward(&runs).map_err(|error| error.to_string())?;
        if logits.rows().count() != parts.iter().map(Part::logits).sum::<usize>() {
            return Err("the engine gave not as many logits as it was asked for".to_owned());
        }
        let mut rows = logits.rows();
        let mut lost = Vec::new();
        let mut complete = Vec::new();
        for part in parts {
            let Some(underway) = jobs.get_mut(&part.job) else { continue };
            let rows: Vec<&[f32]> = rows.by_ref().take(part.logits()).collect();
            match underway.advance(part, &rows, &**codec, scratch, totals) {
                Advance::Goes => {}
                Advance::Lost(why) => lost.push((part.job, why)),
                Advance::Complete(sequence) => complete.push((part.job, sequence)),
            }
        }
        drop(rows);
        let share = |engine: &mut dyn Engine, underway: Option<&Underway>, sequence: &Sequence| {
            if let Some(owner) =
                underway.map(|underway| &*underway.job.owner).filter(|owner| *reuses && !owner.is_empty())
            {
                engine.share(sequence.slot, owner, sequence.computed());
            }
        };
        for part in parts.iter().filter(|part| part.in_prompt && part.chooses) {
            let underway = jobs.get(&part.job);
            if let Some(sequence) = underway.and_then(|underway| underway.sequence(part)) {
                share(engine.as_mut(), underway, sequence);
            }
        }
        for (job, sequence) in complete {
            pace.measure_answer(sequence.answer_tokens());
            share(engine.as_mut(), jobs.get(&job), &sequence);
            engine.release(sequence.slot);
        }
        Ok(lost)
    }

    fn measure(&mut self, parts: &[Part], took: std::time::Duration) {
        let prompt_tokens = parts.iter().filter(|part| part.in_prompt).map(|part| part.known).sum();
        let answer_tokens = parts.iter().filter(|part| !part.in_prompt).map(|part| part.known).sum();
        self.pace.measure(Step { prompt_tokens, answer_tokens, took });
        let count = |counted: &dyn Fn(&Part) -> bool| parts.iter().filter(|part| counted(part)).count() as u64;
        self.totals.prompt_tokens_total += prompt_tokens as u64;
        self.totals.prompts_total += count(&|part| part.in_prompt && part.chooses);
    }

    /// Tells the load before anyone can read the events of which it speaks.
    fn publish(&self) {
        let mut load = self.totals;
        for underway in self.jobs.values() {
            load.running += underway.running.len();
            load.paused += if underway.reader.is_behind() { underway.running.len() } else { 0 };
            load.cache_tokens_held += underway.running.iter().map(|sequence| sequence.reserved).sum::<usize>();
        }
        let waiting = self.queue.jobs().filter_map(|job| self.jobs.get(&job));
        let tokens = waiting.map(|underway| underway.tokens_likely(&self.pace)).sum();
        self.gauges.publish(load, self.pace.time_for(tokens));
    }

    fn running(&self) -> usize {
        self.jobs.values().map(|underway| underway.running.len()).sum()
    }

    /// Ends a job with bad news, if it has not ended already.
    fn fail(&mut self, job: JobId, why: &str) {
        if let Some(reader) = self.remove(job) {
            self.publish();
            reader.fail(why);
        }
    }

    /// Forgets a job and gives back what it held.
    fn remove(&mut self, job: JobId) -> Option<Reader> {
        let underway = self.jobs.remove(&job)?;
        if !underway.has_started() {
            self.queue.remove(job);
            self.gauges.leave_queue();
        }
        for sequence in &underway.running {
            self.engine.release(sequence.slot);
        }
        Some(underway.reader)
    }
}

impl Underway {
    fn has_started(&self) -> bool {
        self.started >= self.job.choices
    }

    fn is_complete(&self) -> bool {
        self.has_started() && self.running.is_empty() && !self.reader.is_behind()
    }

    /// Whether a choice is about to compute a prompt that others can begin with.
    fn will_share_its_prompt(&self) -> bool {
        let computes_much =
            |sequence: &Sequence| self.prompt.len().saturating_sub(sequence.cached_tokens) >= SHARED_PROMPT_TOKENS_MIN;
        let under_way = |sequence: &Sequence| sequence.prompt_left() > 0 && computes_much(sequence);
        !self.job.owner.is_empty() && self.running.iter().any(under_way)
    }

    fn sequence(&self, part: &Part) -> Option<&Sequence> {
        self.running.iter().find(|sequence| sequence.choice == part.choice)
    }

    fn run<'a>(&self, part: &'a Part) -> Option<Run<'a>> {
        let sequence = self.sequence(part)?;
        let (slot, position) = (sequence.slot, sequence.position());
        Some(Run { slot, position, tokens: &part.tokens, logits: part.logits() })
    }

    /// Takes in that a part has been computed, and the logits that it wanted; counts what was chosen.
    fn advance(
        &mut self,
        part: &Part,
        rows: &[&[f32]],
        codec: &dyn TextCodec,
        scratch: &mut Scratch,
        totals: &mut Load,
    ) -> Advance {
        let choice = part.choice;
        let Some(place) = self.running.iter().position(|sequence| sequence.choice == choice) else {
            return Advance::Goes;
        };
        let Some(sequence) = self.running.get_mut(place) else { return Advance::Goes };
        sequence.note_computed(part.known);
        if rows.is_empty() {
            return Advance::Goes;
        }
        let (chosen, computed) = (sequence.answer_tokens(), sequence.position());
        let progress = match sequence.choose(rows.iter().copied(), part.guessed(), codec, scratch) {
            Ok(progress) => progress,
            Err(why) => return Advance::Lost(why),
        };
        totals.answer_tokens_total += u64::from(sequence.answer_tokens().saturating_sub(chosen));
        totals.draft_tokens_total += part.guessed().len() as u64;
        totals.draft_tokens_accepted_total += sequence.position().saturating_sub(computed) as u64;
        for (piece, completion_tokens) in progress.pieces.into_iter().filter(|(piece, _)| !piece.is_empty()) {
            let Piece { text, marks, scores } = piece;
            self.reader.tell(Event::Text { choice, text, marks, tokens: scores, completion_tokens });
        }
        let Some(reason) = progress.finish else { return Advance::Goes };
        let completion_tokens = sequence.answer_tokens();
        let cached_tokens = sequence.cached_tokens;
        self.reader.tell(Event::Finished { choice, reason, completion_tokens, cached_tokens });
        Advance::Complete(Box::new(self.running.remove(place)))
    }

    /// Work that its choices which have not started will probably be.
    fn tokens_likely(&self, pace: &Pace) -> f64 {
        let choices = self.job.choices.saturating_sub(self.started);
        f64::from(choices) * pace.tokens_likely(self.prompt.len(), self.job.answer_tokens_max)
    }
}

/// The next tokens of an answer: one for sure; of those that follow it without choice what there is room for; and where these
/// are all, what is guessed to follow them.
fn answer_part(job: JobId, sequence: &Sequence, room: &mut usize, ahead: &mut usize) -> Part {
    let all = sequence.known();
    let mut tokens: Vec<Token> = all.iter().take(room.saturating_add(1)).copied().collect();
    *room = room.saturating_sub(tokens.len().saturating_sub(1));
    let known = tokens.len();
    let chooses = known == all.len();
    if chooses {
        let guessed = sequence.guess((*ahead).min(*room));
        tokens.extend_from_slice(guessed);
        *room = room.saturating_sub(guessed.len());
        *ahead = ahead.saturating_sub(guessed.len());
    }
    Part { job, choice: sequence.choice, tokens, known, chooses, in_prompt: false }
}

/// What a panic said, as far as it said anything.
fn panic_words(panic: &(dyn std::any::Any + Send)) -> &str {
    let words = panic.downcast_ref::<String>().map(String::as_str);
    words.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a word")
}

#[cfg(test)]
mod tests;
