//! One drill from its first entry to its report: what it does to the server, what it counts, when it ends.

use std::{path::PathBuf, pin::pin, sync::Arc, time::Duration};

use audit_log::{Action, Administration, Log, LogError, Reader, Text, Word};
use jiff::{SignedDuration, Timestamp};

use super::{
    Follower, Mode, Plan, Progress, SECONDS_MAX, Why,
    follow::Answers,
    measured::Measured,
    reference::Score,
    replayed::replayed,
    report::{self, LogRange, Pair, Quality, Report, ReportError},
    store::{self, Drill},
    verdict::{Shares, held},
};
use crate::{
    availability::Availability,
    database::DatabaseError,
    judge::Judgement,
    record::RecordError,
    tasks::Stop,
    traffic::{Counter, Traffic},
    what_if::{self, Question},
    withdrawal::{Subject, subject::withdrawn_by},
};

/// Between two looks at the log and at whether somebody wants it to end.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A request that has been open for as many seconds of a live drill counts as unanswered.
const OPEN_LONG_SECONDS: u64 = 30;

/// Why a drill could not be carried out.
#[derive(Debug, thiserror::Error)]
pub(super) enum DrillError {
    /// A drill is measured by the log.
    #[error("the audit log is off, and a drill is measured by it: set `[audit_log] mode = \"synced\"`")]
    LogOff,
    /// The log could not be read or written.
    #[error(transparent)]
    Log(#[from] LogError),
    /// An entry could not be written.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The database.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The report could not be made.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// Its files could not be written.
    #[error("the report's files cannot be written in `{}`: {error}", folder.display())]
    Files {
        /// Where.
        folder: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// Nothing would be rehearsed.
    #[error(
        "no destination of the configuration in force is taken by {0}: `gwanmun what-if` tells what each one takes"
    )]
    NothingTaken(String),
    /// Longer than drills last.
    #[error("a shadow or live drill lasts {SECONDS_MAX} s at most, not {0}")]
    TooLong(u64),
    /// A thread of ours ended before its work was done.
    #[error("reading the log was broken off")]
    BrokenOff,
}

/// What a drill found, before it is a report.
struct Found {
    why: Why,
    during: Measured,
    before: Option<Measured>,
    not_measured: Vec<String>,
    quality: Option<Quality>,
    /// The entries that it was counted from: the first, and one past the last.
    range: (u64, u64),
    /// When it was in force.
    times: (Timestamp, Timestamp),
}

/// A live withdrawal, taken back when this is dropped, however the drill ends.
struct Taken<'a> {
    availability: &'a Availability,
    drill: &'a Drill,
}

impl<'a> Taken<'a> {
    fn new(availability: &'a Availability, drill: &'a Drill, now: Timestamp) -> Self {
        let (id, told, seconds) = (&drill.id, drill.plan.told(), drill.plan.seconds);
        let until = now.saturating_add(Duration::from_secs(seconds)).unwrap_or(Timestamp::MAX);
        availability.rehearse(Some(drill.plan.subjects()), until);
        tracing::warn!(
            drill = %id, by = %drill.plan.by,
            "a live drill withdraws {told} for every caller, for {seconds} s at most; `gwanmun drill stop {id}` ends it"
        );
        Self { availability, drill }
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.availability.rehearse(None, Timestamp::MAX);
        let (id, told) = (&self.drill.id, self.drill.plan.told());
        tracing::warn!(drill = %id, "the live drill {id} has ended: {told} is no longer withdrawn by it");
    }
}

impl Follower {
    /// Carries it out; its row and the log say how it ended.
    pub(super) async fn carry_out(&self, drill: &Drill, stop: &Stop) {
        if let Err(error) = self.run(drill, stop).await {
            tracing::error!(drill = %drill.id, %error, "the drill {} could not be carried out: {error}", drill.id);
            self.give_up(drill, Why::Failed, Some(&error.to_string())).await;
        }
    }

    async fn run(&self, drill: &Drill, stop: &Stop) -> Result<(), DrillError> {
        let log = Arc::clone(self.recorder.log().ok_or(DrillError::LogOff)?);
        let reader = Reader::open(log.dir())?;
        let force = self.app.in_force();
        let judgement = &force.judgement;
        let plan = &drill.plan;
        if plan.mode != Mode::Replay && plan.seconds > SECONDS_MAX {
            return Err(DrillError::TooLong(plan.seconds));
        }
        if !takes_any(judgement, &plan.subjects()) {
            return Err(DrillError::NothingTaken(plan.told()));
        }
        if !store::take_up(&self.database, &drill.id).await? {
            // Somebody wants it no longer, which the next look finds.
            return Ok(());
        }
        let mut asked = Answers::none();
        if plan.mode == Mode::Live
            && let Some(why) = self.ask_before(drill, &mut asked, stop).await?
        {
            self.give_up(drill, why, None).await;
            return Ok(());
        }
        let withdraw = plan.withdraw.join(" ");
        let seconds = plan.seconds.to_string();
        let told = [("mode", plan.mode.word()), ("withdraw", &withdraw), ("seconds", &seconds)];
        let entry = self.recorder.administration(entry(Action::DrillBegin, drill, &told)).await?;
        let began = self.clock.wall();
        if store::begun(&self.database, &drill.id, entry).await? {
            self.give_up(drill, Why::Stopped, None).await;
            return Ok(());
        }
        let first = entry.unwrap_or(0);
        let mut found = match plan.mode {
            Mode::Replay => self.replay(drill, judgement, &log, began).await?,
            Mode::Live => self.live(drill, judgement, &log, (began, first), asked, stop).await?,
            Mode::Shadow => self.shadow(drill, judgement, &log, (began, first), stop).await?,
        };
        found.not_measured.extend(changed(judgement, &self.app.in_force().judgement));
        found.not_measured.extend(what_if::strategies(judgement));
        let pairs = pairs(judgement, &plan.subjects());
        self.report(drill, found, pairs, judgement, (&log, &reader)).await
    }

    /// Asks the reference questions before anything is withdrawn; says why it is to end, if that comes first.
    async fn ask_before(&self, drill: &Drill, asked: &mut Answers, stop: &Stop) -> Result<Option<Why>, DrillError> {
        let asking = pin!(self.ask_reference(&drill.plan, None, asked));
        let unwanted = async {
            loop {
                tokio::select! {
                    () = stop.draining() => return Ok::<_, DrillError>(Why::ServerStopped),
                    () = self.clock.sleep(LOOK_EVERY) => {}
                }
                if store::advanced(&self.database, &drill.id, &Progress::default()).await? {
                    return Ok(Why::Stopped);
                }
            }
        };
        tokio::select! {
            why = unwanted => why.map(Some),
            () = asking => Ok(None),
        }
    }

    async fn replay(
        &self,
        drill: &Drill,
        judgement: &Judgement,
        log: &Arc<Log>,
        began: Timestamp,
    ) -> Result<Found, DrillError> {
        let since = began.checked_sub(seconds(drill.plan.seconds)).unwrap_or(Timestamp::UNIX_EPOCH);
        let log = Arc::clone(log);
        let read = move || {
            log.wait_for_checkpoint(log.size())?;
            Traffic::since(&Reader::open(log.dir())?, since)
        };
        let traffic = self.tasks.blocking("drill", read).await.ok_or(DrillError::BrokenOff)??;
        let replayed = replayed(judgement, &drill.plan.subjects(), &traffic);
        let mut not_measured = vec![
            "quality: a replay asks nobody anything".to_owned(),
            "how a place bears more than it had: times are those that each place was seen to take".to_owned(),
        ];
        if replayed.of_unknown_time > 0 {
            let count = replayed.of_unknown_time;
            not_measured
                .push(format!("the time of {count} requests, whose substitute never answered in this part of the log"));
        }
        if replayed.unresolved > 0 {
            let count = replayed.unresolved;
            not_measured.push(format!("{count} requests, whose places the configuration no longer has"));
        }
        let before = Measured::of(judgement, &traffic);
        let undecided = before.requests.saturating_sub(replayed.measured.requests + replayed.unresolved);
        if undecided > 0 {
            not_measured.push(format!(
                "{undecided} requests, for which no place was left at the time: their refusals do not say which had been permitted"
            ));
        }
        // Its row shows what it found, as those of drills that are watched do.
        store::advanced(&self.database, &drill.id, &replayed.measured.progress(drill.plan.seconds)).await?;
        let before = Some(before);
        let range = (traffic.read.first, traffic.read.end);
        let times = (began, self.clock.wall());
        Ok(Found { why: Why::Time, during: replayed.measured, before, not_measured, quality: None, range, times })
    }

    async fn live(
        &self,
        drill: &Drill,
        judgement: &Judgement,
        log: &Arc<Log>,
        (began, first): (Timestamp, u64),
        asked: Answers,
        stop: &Stop,
    ) -> Result<Found, DrillError> {
        let plan = &drill.plan;
        let mut asking = Answers::none();
        let watched = {
            let _taken = Taken::new(&self.availability, drill, self.clock.wall());
            let watching = self.watch(drill, judgement, log, Counter::callers(), first, stop);
            until_end(watching, self.ask_reference(plan, None, &mut asking)).await
        };
        let ended = self.clock.wall();
        let (why, counter) = watched?;
        let (during, open_for_long) = self.counted(log, counter, first).await?;
        let before = self.before(log, began, ended, first).await?;
        let mut not_measured = vec![
            "what would come after hours or weeks: prices, habits and loads change".to_owned(),
            "the first byte: the log holds how long whole answers took".to_owned(),
            TURNED_AWAY.to_owned(),
        ];
        let quality = quality(plan, &asked, &asking, &mut not_measured);
        let range = (first, during.read.end);
        let during = Measured::of(judgement, &during).with_waiting(&during, open_for_long);
        let before = Some(Measured::of(judgement, &before).with_waiting(&before, 0));
        if during.left > 0 {
            let count = during.left;
            not_measured.push(format!(
                "{count} requests, which had been open for less than {OPEN_LONG_SECONDS} s when it ended"
            ));
        }
        Ok(Found { why, during, before, not_measured, quality, range, times: (began, ended) })
    }

    async fn shadow(
        &self,
        drill: &Drill,
        judgement: &Judgement,
        log: &Arc<Log>,
        (began, first): (Timestamp, u64),
        stop: &Stop,
    ) -> Result<Found, DrillError> {
        let plan = &drill.plan;
        let sampling = self.app.shadows().begin(plan.subjects(), plan.sample_permille);
        let watching = self.watch(drill, judgement, log, Counter::shadows(), first, stop);
        let (mut asked, mut asking) = (Answers::none(), Answers::none());
        let reference = async {
            self.ask_reference(plan, None, &mut asked).await;
            self.ask_reference(plan, Some(plan.subjects()), &mut asking).await;
        };
        let watched = until_end(watching, reference).await;
        let ended = self.clock.wall();
        let skipped = sampling.end().await;
        let (why, counter) = watched?;
        let (during, _) = self.counted(log, counter, first).await?;
        // What the same stretch gave the callers themselves.
        let (beside, _) = self.counted(log, Counted { counter: Counter::callers(), next: first }, first).await?;
        let mut not_measured = vec![
            "how the substitutes bear all of the traffic: they were asked a sample of it".to_owned(),
            "`before` is what the callers were answered in the same time, all of them".to_owned(),
            TURNED_AWAY.to_owned(),
        ];
        if skipped > 0 {
            not_measured.push(format!("{skipped} requests of the sample, which were not asked again for want of room, or were not let in again"));
        }
        let quality = quality(plan, &asked, &asking, &mut not_measured);
        let range = (first, during.read.end);
        let (during, before) = (Measured::of(judgement, &during), Some(Measured::of(judgement, &beside)));
        Ok(Found { why, during, before, not_measured, quality, range, times: (began, ended) })
    }

    /// Counts until it is over, and says how far it is.
    async fn watch(
        &self,
        drill: &Drill,
        judgement: &Judgement,
        log: &Arc<Log>,
        counter: Counter,
        first: u64,
        stop: &Stop,
    ) -> Result<(Why, Counted), DrillError> {
        let plan = &drill.plan;
        let since = self.clock.now();
        let mut so_far = Counted { counter, next: first };
        let mut shares = Shares::default();
        loop {
            tokio::select! {
                () = stop.draining() => return Ok((Why::ServerStopped, so_far)),
                () = self.clock.sleep(LOOK_EVERY) => {}
            }
            so_far = self.count_on(log, so_far).await?;
            let seconds = self.clock.now().since(since).as_secs();
            let traffic = so_far.counter.so_far();
            let mut measured = Measured::of(judgement, traffic);
            if plan.mode == Mode::Live {
                measured = measured.with_waiting(traffic, self.open_for_long(&so_far.counter));
            }
            let progress = measured.progress(seconds);
            let stop_wanted = store::advanced(&self.database, &drill.id, &progress).await?;
            shares.add(&progress);
            if stop_wanted {
                return Ok((Why::Stopped, so_far));
            }
            if plan.mode == Mode::Live && shares.are_below(plan.least_answered_permille) {
                return Ok((Why::AnsweredShare, so_far));
            }
            if seconds >= plan.seconds {
                return Ok((Why::Time, so_far));
            }
        }
    }

    /// Requests that have been open for long by now.
    fn open_for_long(&self, counter: &Counter) -> u64 {
        let now = u64::try_from(self.clock.wall().as_second()).unwrap_or(0);
        counter.open_since(now.saturating_sub(OPEN_LONG_SECONDS))
    }

    /// Counts what a checkpoint covers by now.
    async fn count_on(&self, log: &Arc<Log>, counted: Counted) -> Result<Counted, DrillError> {
        let log = Arc::clone(log);
        let read = move || {
            let Counted { mut counter, next } = counted;
            let end = log.checkpoint().checkpoint.size.max(next);
            counter.read(&Reader::open(log.dir())?, next, end)?;
            Ok::<_, LogError>(Counted { counter, next: end })
        };
        Ok(self.tasks.blocking("drill", read).await.ok_or(DrillError::BrokenOff)??)
    }

    /// Waits until all that was written is covered, and counts it; with how many requests have been open for long.
    async fn counted(&self, log: &Arc<Log>, counted: Counted, first: u64) -> Result<(Traffic, u64), DrillError> {
        let open_for_long = self.open_for_long(&counted.counter);
        let waiting = Arc::clone(log);
        let wait = move || waiting.wait_for_checkpoint(waiting.size().max(first + 1)).map(drop);
        self.tasks.blocking("drill", wait).await.ok_or(DrillError::BrokenOff)??;
        let counted = self.count_on(log, counted).await?;
        Ok((counted.counter.finish(log.origin()), open_for_long))
    }

    /// The traffic of as long a time before it began.
    async fn before(
        &self,
        log: &Arc<Log>,
        began: Timestamp,
        ended: Timestamp,
        first: u64,
    ) -> Result<Traffic, DrillError> {
        let since = began.checked_sub(ended.duration_since(began)).unwrap_or(Timestamp::UNIX_EPOCH);
        let log = Arc::clone(log);
        let read = move || Traffic::from_until(&Reader::open(log.dir())?, since, first);
        Ok(self.tasks.blocking("drill", read).await.ok_or(DrillError::BrokenOff)??)
    }

    async fn report(
        &self,
        drill: &Drill,
        found: Found,
        pairs: Vec<Pair>,
        judgement: &Judgement,
        (log, reader): (&Arc<Log>, &Reader),
    ) -> Result<(), DrillError> {
        let (hashes, checkpoint) = (judgement.hashes(), reader.checkpoint()?.checkpoint);
        let (began, ended) = found.times;
        let difference = |of: fn(&Measured) -> Option<u64>| {
            let (during, before) = (of(&found.during)?, of(found.before.as_ref()?)?);
            Some(i64::try_from(during).ok()? - i64::try_from(before).ok()?)
        };
        let (added_p50_us, added_p95_us) = (difference(|it| it.took_p50_us), difference(|it| it.took_p95_us));
        let answered_permille = found.during.answered_permille();
        let report = Report {
            v: report::VERSION,
            id: drill.id.clone(),
            plan: drill.plan.clone(),
            began: format!("{began:.0}"),
            ended: format!("{ended:.0}"),
            why: found.why,
            log: LogRange {
                origin: log.origin().to_owned(),
                first: found.range.0,
                last: found.range.1.max(found.range.0 + 1) - 1,
                checkpoint_size: checkpoint.size,
                checkpoint_root: hex::encode(checkpoint.root),
            },
            policy: hex::encode(hashes.policy),
            catalog: hex::encode(hashes.catalog),
            config: hex::encode(hashes.config.hash()),
            answered_permille,
            degraded_permille: found.during.degraded_permille(),
            held: held(found.why, &found.during, drill.plan.least_answered_permille),
            added_p50_us,
            added_p95_us,
            during: found.during,
            before: found.before,
            quality: found.quality,
            pairs,
            not_measured: found.not_measured,
        };
        self.publish(drill, &report, log).await
    }
}

/// An entry of that drill.
pub(super) fn entry(action: Action, drill: &Drill, detail: &[(&str, &str)]) -> Administration {
    let id = [("id", drill.id.as_str())];
    let named = |(name, value): &(&str, &str)| Some((Word::new(*name).ok()?, Text::of(value)));
    let detail = id.iter().chain(detail).filter_map(named).collect();
    Administration { action, subject: Text::of(&drill.plan.withdraw.join(" ")), by: Text::of(&drill.plan.by), detail }
}

/// What no count of the log shows.
const TURNED_AWAY: &str =
    "requests that the gate turned away before it decided on them, such as too many at once: they leave no entry";

/// Watches to the end; what is asked beside it is dropped then.
async fn until_end<T>(watching: impl Future<Output = T>, asking: impl Future<Output = ()>) -> T {
    let (mut watching, asking) = (pin!(watching), pin!(asking));
    tokio::select! {
        watched = &mut watching => watched,
        () = asking => watching.await,
    }
}

/// Whether the configuration has a place that would be gone.
fn takes_any(judgement: &Judgement, subjects: &[Subject]) -> bool {
    let mut places = judgement.judge().destinations().iter();
    places.any(|place| withdrawn_by(subjects, place, judgement.catalog()))
}

/// What judged otherwise at the end than at the beginning, in a sentence.
fn changed(then: &Judgement, now: &Judgement) -> Option<String> {
    let (then, now) = (then.hashes(), now.hashes());
    let differs = [
        (then.policy != now.policy, "the policy"),
        (then.catalog != now.catalog, "the catalogue"),
        (then.config.hash() != now.config.hash(), "the configuration"),
    ];
    let what: Vec<&str> = differs.into_iter().filter(|(differs, _)| *differs).map(|(_, what)| what).collect();
    let what = what.join(" and ");
    (!what.is_empty()).then(|| {
        format!("one state alone: {what} changed while it lasted, and the report names what was in force when it began")
    })
}

/// The reference questions before and during; says what is missing.
fn quality(plan: &Plan, before: &Answers, during: &Answers, not_measured: &mut Vec<String>) -> Option<Quality> {
    let Some(model) = plan.reference_model.clone() else {
        not_measured.push("quality: no model was named for the reference questions".to_owned());
        return None;
    };
    let (before, during): (Score, Score) = (before.score(), during.score());
    if before.unanswered + during.unanswered > 0 {
        not_measured.push(format!(
            "the answers to {} reference questions before and {} during, which had not come when it ended and count as not right",
            before.unanswered, during.unanswered
        ));
    }
    Some(Quality { model, before, during })
}

/// A count, and the entry that comes next.
pub(super) struct Counted {
    counter: Counter,
    next: u64,
}

fn pairs(judgement: &Judgement, subjects: &[Subject]) -> Vec<Pair> {
    let teams: Vec<Arc<str>> = judgement.teams().cloned().collect();
    let question = Question { subjects: subjects.to_vec(), ..Question::default() };
    let rows = what_if::what_if(judgement, &teams, &question, None).rows;
    let pair = |row: what_if::Row| Pair {
        team: row.team,
        model: row.model,
        classes: row.classes.into_iter().map(str::to_owned).collect(),
        today: row.today.map(|stand| stand.id),
        instead: row.instead.map(|stand| stand.id),
        fate: row.fate.word().to_owned(),
    };
    rows.into_iter().map(pair).collect()
}

fn seconds(seconds: u64) -> SignedDuration {
    SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_asked_beside_never_outlasts_the_watching() {
        assert_eq!(until_end(async { 1 }, std::future::pending()).await, 1);
        assert_eq!(until_end(async { 2 }, async {}).await, 2);
    }

    #[test]
    fn a_subject_that_takes_nothing_is_no_drill_and_a_changed_configuration_is_told() {
        let site = |name: &str| {
            let text = format!(
                "[policy]\nuse = \"open\"\nhome = \"KR\"\n[[destination]]\nname = \"{name}\"\nbase_url = \"http://127.0.0.1:1/v1\"\nmodels = [\"m\"]\n"
            );
            Judgement::new(&crate::config::Config::parse(&text, "test.toml").unwrap(), None)
        };
        let (one, other) = (site("one"), site("other"));
        let subject = |typed: &str| vec![typed.parse::<Subject>().unwrap()];
        assert!(takes_any(&one, &subject("destination:one")));
        assert!(!takes_any(&one, &subject("destination:other")));
        assert_eq!(changed(&one, &one), None);
        assert!(changed(&one, &other).unwrap().contains("the configuration changed while it lasted"));
    }
}
