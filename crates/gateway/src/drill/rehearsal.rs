//! One drill from its first entry to its report: what it does to the server, what it counts, when it ends.

use std::{collections::VecDeque, path::PathBuf, sync::Arc};

use audit_log::{Action, Administration, Log, LogError, Reader, Text, Word};
use jiff::{SignedDuration, Timestamp};

use super::{
    Follower, Mode, Progress, Why,
    measured::Measured,
    reference::Score,
    replayed::replayed,
    report::{self, LogRange, Pair, Quality, Report, ReportError},
    store::{self, Drill},
};
use crate::{
    availability::Availability,
    database::DatabaseError,
    judge::Judgement,
    record::RecordError,
    tasks::Stop,
    traffic::{Counter, Traffic},
    what_if::{self, Question},
    withdrawal::Subject,
};

/// Between two looks at the log and at whether somebody wants it to end.
const LOOK_EVERY: std::time::Duration = std::time::Duration::from_secs(1);
/// The last requests over which the answered share of a live drill is watched.
const WATCHED: u64 = 50;
/// Fewer say nothing: it does not stop over them.
const WATCHED_MIN: u64 = 20;

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
}

/// A live withdrawal, taken back when this is dropped, however the drill ends.
struct Taken<'a>(&'a Availability);

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.0.rehearse(None);
    }
}

impl Follower {
    /// Carries it out; its row and the log say how it ended.
    pub(super) async fn carry_out(&self, drill: &Drill, stop: &Stop) {
        let began = self.clock.wall();
        if let Err(error) = self.run(drill, began, stop).await {
            tracing::error!(drill = %drill.id, %error, "the drill {} could not be carried out: {error}", drill.id);
            self.give_up(drill, Why::Failed, Some(&error.to_string())).await;
        }
    }

    /// Ends a drill that leaves no report.
    pub(super) async fn give_up(&self, drill: &Drill, why: Why, error: Option<&str>) {
        let detail = [Some(("why", why.word())), error.map(|error| ("error", error))];
        let entry = self.entry(Action::DrillEnd, drill, &detail.into_iter().flatten().collect::<Vec<_>>());
        let entry = self.recorder.administration(entry).await.unwrap_or_default();
        let at = self.clock.wall();
        let ended = store::Ended { id: &drill.id, why, at, entry, report_sha256: None };
        if let Err(error) = store::ended(&self.database, &ended).await {
            tracing::error!(drill = %drill.id, %error, "how the drill {} ended could not be written down: {error}", drill.id);
        }
    }

    async fn run(&self, drill: &Drill, began: Timestamp, stop: &Stop) -> Result<(), DrillError> {
        let log = Arc::clone(self.recorder.log().ok_or(DrillError::LogOff)?);
        let reader = Reader::open(log.dir())?;
        let force = self.app.in_force();
        let judgement = &force.judgement;
        let plan = &drill.plan;
        let asked = match plan.mode {
            Mode::Live => self.ask_reference(plan, None).await,
            Mode::Replay | Mode::Shadow => None,
        };
        let withdraw = plan.withdraw.join(" ");
        let seconds = plan.seconds.to_string();
        let begin = [("mode", plan.mode.word()), ("withdraw", &withdraw), ("seconds", &seconds)];
        let begin = self.recorder.administration(self.entry(Action::DrillBegin, drill, &begin)).await?;
        store::begun(&self.database, &drill.id, begin).await?;
        let first = begin.unwrap_or(0);
        let found = match plan.mode {
            Mode::Replay => self.replay(drill, judgement, &log, began).await?,
            Mode::Live => self.live(drill, judgement, &log, (began, first), asked, stop).await?,
            Mode::Shadow => self.shadow(drill, judgement, &log, (began, first), stop).await?,
        };
        let pairs = pairs(judgement, &plan.subjects());
        self.report(drill, found, pairs, judgement, began, (&log, &reader)).await
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
        let before = Some(Measured::of(judgement, &traffic));
        let range = (traffic.read.first, traffic.read.end);
        Ok(Found { why: Why::Time, during: replayed.measured, before, not_measured, quality: None, range })
    }

    async fn live(
        &self,
        drill: &Drill,
        judgement: &Judgement,
        log: &Arc<Log>,
        (began, first): (Timestamp, u64),
        asked: Option<Score>,
        stop: &Stop,
    ) -> Result<Found, DrillError> {
        let plan = &drill.plan;
        let taken = Taken(&self.availability);
        self.availability.rehearse(Some(plan.subjects()));
        let watching = self.watch(drill, judgement, log, Counter::callers(), first, stop);
        let (watched, asking) = tokio::join!(watching, self.ask_reference(plan, None));
        drop(taken);
        let (why, counter) = watched?;
        let during = self.counted(log, counter, first).await?;
        let before = self.before(log, began, self.clock.wall(), first).await?;
        let quality = asked.zip(asking).and_then(|(before, during)| {
            let model = plan.reference_model.clone()?;
            Some(Quality { model, before, during })
        });
        let mut not_measured = vec![
            "what would come after hours or weeks: prices, habits and loads change".to_owned(),
            "the first byte: the log holds how long whole answers took".to_owned(),
        ];
        if quality.is_none() {
            not_measured.push("quality: no model was named for the reference questions".to_owned());
        }
        let range = (first, during.read.end);
        let (during, before) = (Measured::of(judgement, &during), Some(Measured::of(judgement, &before)));
        Ok(Found { why, during, before, not_measured, quality, range })
    }

    async fn shadow(
        &self,
        drill: &Drill,
        judgement: &Judgement,
        log: &Arc<Log>,
        (_, first): (Timestamp, u64),
        stop: &Stop,
    ) -> Result<Found, DrillError> {
        let plan = &drill.plan;
        let sampling = self.app.shadows().begin(plan.subjects(), plan.sample_permille);
        let watching = self.watch(drill, judgement, log, Counter::shadows(), first, stop);
        let reference = async {
            let before = self.ask_reference(plan, None).await?;
            Some((before, self.ask_reference(plan, Some(plan.subjects())).await?))
        };
        let (watched, asked) = tokio::join!(watching, reference);
        let skipped = sampling.end().await;
        let (why, counter) = watched?;
        let during = self.counted(log, counter, first).await?;
        // What the same stretch gave the callers themselves.
        let beside = self.counted(log, Counted { counter: Counter::callers(), next: first }, first).await?;
        let quality = asked.and_then(|(before, during)| {
            let model = plan.reference_model.clone()?;
            Some(Quality { model, before, during })
        });
        let mut not_measured = vec![
            "how the substitutes bear all of the traffic: they were asked a sample of it".to_owned(),
            "`before` is what the callers were answered in the same time, all of them".to_owned(),
        ];
        if skipped > 0 {
            not_measured.push(format!("{skipped} requests of the sample, which were not asked again for want of room"));
        }
        if quality.is_none() {
            not_measured.push("quality: no model was named for the reference questions".to_owned());
        }
        let range = (first, during.read.end);
        let (during, before) = (Measured::of(judgement, &during), Some(Measured::of(judgement, &beside)));
        Ok(Found { why, during, before, not_measured, quality, range })
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
        let mut counted = Counted { counter, next: first };
        let mut shares = Shares::default();
        loop {
            tokio::select! {
                () = stop.draining() => return Ok((Why::ServerStopped, counted)),
                () = self.clock.sleep(LOOK_EVERY) => {}
            }
            counted = self.count_on(log, counted).await?;
            let seconds = self.clock.now().since(since).as_secs();
            let progress = Measured::of(judgement, counted.counter.so_far()).progress(seconds);
            let stop_wanted = store::advanced(&self.database, &drill.id, &progress).await?;
            shares.add(&progress);
            if stop_wanted {
                return Ok((Why::Stopped, counted));
            }
            if plan.mode == Mode::Live && shares.are_below(plan.least_answered_permille) {
                return Ok((Why::AnsweredShare, counted));
            }
            if seconds >= plan.seconds {
                return Ok((Why::Time, counted));
            }
        }
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

    /// Waits until all that was written is covered, and counts it.
    async fn counted(&self, log: &Arc<Log>, counted: Counted, first: u64) -> Result<Traffic, DrillError> {
        let waiting = Arc::clone(log);
        let wait = move || waiting.wait_for_checkpoint(waiting.size().max(first + 1)).map(drop);
        self.tasks.blocking("drill", wait).await.ok_or(DrillError::BrokenOff)??;
        let counted = self.count_on(log, counted).await?;
        Ok(counted.counter.finish(log.origin()))
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
        began: Timestamp,
        (log, reader): (&Arc<Log>, &Reader),
    ) -> Result<(), DrillError> {
        let (hashes, checkpoint) = (judgement.hashes(), reader.checkpoint()?.checkpoint);
        let ended = self.clock.wall();
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
            held: found.why != Why::AnsweredShare && answered_permille >= drill.plan.least_answered_permille,
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

    /// Has the log hold the report's hash, and leaves its files with the proof of that entry.
    async fn publish(&self, drill: &Drill, report: &Report, log: &Arc<Log>) -> Result<(), DrillError> {
        let json = report.canonical()?;
        let sha256 = report::sha256(json.as_bytes());
        let (answered, requests) = (report.answered_permille.to_string(), report.during.requests.to_string());
        let (first, last) = (report.log.first.to_string(), report.log.last.to_string());
        let detail = [
            ("why", report.why.word()),
            ("report", &sha256),
            ("requests", &requests),
            ("answered_permille", &answered),
            ("first", &first),
            ("last", &last),
        ];
        let entry = self.recorder.administration(self.entry(Action::DrillEnd, drill, &detail)).await?;
        let index = entry.ok_or(DrillError::LogOff)?;
        let proving = Arc::clone(log);
        let prove = move || {
            proving.wait_for_checkpoint(index + 1)?;
            proving.prove(index)
        };
        let proof = self.tasks.blocking("drill", prove).await.ok_or(DrillError::BrokenOff)??;
        let folder = self.folder.join(&drill.id);
        let (markdown, html) = (report.markdown()?, report.html()?);
        let files = [
            (report::JSON, json),
            (report::MARKDOWN, markdown),
            (report::HTML, html),
            (report::PROOF, proof.to_string()),
        ];
        let into = folder.clone();
        let write = move || write_files(&into, &files);
        let written = self.tasks.blocking("drill", write).await.ok_or(DrillError::BrokenOff)?;
        written.map_err(|error| DrillError::Files { folder, error })?;
        let at = self.clock.wall();
        let ended = store::Ended { id: &drill.id, why: report.why, at, entry, report_sha256: Some(&sha256) };
        Ok(store::ended(&self.database, &ended).await?)
    }

    fn entry(&self, action: Action, drill: &Drill, detail: &[(&str, &str)]) -> Administration {
        let id = [("id", drill.id.as_str())];
        let named = |(name, value): &(&str, &str)| Some((Word::new(*name).ok()?, Text::of(value)));
        let detail = id.iter().chain(detail).filter_map(named).collect();
        Administration {
            action,
            subject: Text::of(&drill.plan.withdraw.join(" ")),
            by: Text::of(&drill.plan.by),
            detail,
        }
    }
}

/// A count, and the entry that comes next.
pub(super) struct Counted {
    counter: Counter,
    next: u64,
}

/// How many of the last requests were answered.
#[derive(Default)]
struct Shares(VecDeque<(u64, u64)>);

impl Shares {
    fn add(&mut self, progress: &Progress) {
        self.0.push_back((progress.requests, progress.answered));
        // One that is older than all that are watched is enough to compare with.
        while self.0.get(1).is_some_and(|(requests, _)| requests + WATCHED <= progress.requests) {
            self.0.pop_front();
        }
    }

    /// Whether, of the last requests, less than so many thousandths were answered.
    fn are_below(&self, least_permille: u64) -> bool {
        let Some(newest) = self.0.back() else { return false };
        // Before as many have come, all that have count.
        let oldest = self.0.front().filter(|(requests, _)| requests + WATCHED <= newest.0).copied().unwrap_or_default();
        let (requests, answered) = (newest.0.saturating_sub(oldest.0), newest.1.saturating_sub(oldest.1));
        requests >= WATCHED_MIN && answered * 1000 < least_permille * requests
    }
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

fn write_files(folder: &std::path::Path, files: &[(&str, String)]) -> std::io::Result<()> {
    use std::io::Write as _;
    std::fs::create_dir_all(folder)?;
    for (name, text) in files {
        let mut file = std::fs::File::create(folder.join(name))?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
    }
    std::fs::File::open(folder)?.sync_all()
}

fn seconds(seconds: u64) -> SignedDuration {
    SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(steps: &[(u64, u64)]) -> Shares {
        let mut shares = Shares::default();
        for (requests, answered) in steps {
            shares.add(&Progress { requests: *requests, answered: *answered, ..Progress::default() });
        }
        shares
    }

    #[test]
    fn a_drill_stops_over_its_last_requests_and_not_over_few() {
        assert!(!shares(&[(19, 0)]).are_below(950), "too few to say");
        assert!(shares(&[(20, 0)]).are_below(950));
        assert!(!shares(&[(100, 96)]).are_below(950));
        assert!(shares(&[(100, 94)]).are_below(950));
        // A thousand good ones before do not hide fifty bad ones, nor are forgiven by them.
        assert!(shares(&[(1000, 1000), (1025, 1010), (1050, 1020)]).are_below(950));
        assert!(!shares(&[(50, 0), (100, 50), (150, 100)]).are_below(950), "the bad ones are long ago");
        assert!(!shares(&[(50, 0)]).are_below(0));
    }
}
