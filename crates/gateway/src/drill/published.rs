//! How a drill ends for good: its report's files, the entry that holds their hashes, the proof of that entry, and its row. After the
//! entry with a report's hash no other end is ever written. It must not know what a drill measures.

use std::{path::Path, sync::Arc};

use audit_log::{Action, Body, Entry, Log, LogError, Reader, Text};

use super::{
    Follower, Why,
    rehearsal::{DrillError, entry},
    report::{self, Report},
    store::{self, Drill},
};

/// Entries that are looked through at once.
const STEP: u64 = 4096;

impl Follower {
    /// Ends a drill that leaves no report.
    pub(super) async fn give_up(&self, drill: &Drill, why: Why, error: Option<&str>) {
        let detail = [Some(("why", why.word())), error.map(|error| ("error", error))];
        let entry = entry(Action::DrillEnd, drill, &detail.into_iter().flatten().collect::<Vec<_>>());
        let entry = self.recorder.administration(entry).await.unwrap_or_default();
        if let Some(error) = error {
            let progress = drill.progress.clone().unwrap_or_default();
            let progress = super::Progress { error: Some(error.to_owned()), ..progress };
            if let Err(error) = store::advanced(&self.database, &drill.id, &progress).await {
                tracing::error!(drill = %drill.id, %error, "why the drill {} failed could not be written down: {error}", drill.id);
            }
        }
        let at = self.clock.wall();
        let ended = store::Ended { id: &drill.id, why, at, entry, report_sha256: None };
        if let Err(error) = store::ended(&self.database, &ended).await {
            tracing::error!(drill = %drill.id, %error, "how the drill {} ended could not be written down: {error}", drill.id);
        }
    }

    /// Writes the report, has the log hold its hash, and leaves the proof of that entry beside it. Fails before that entry only.
    pub(super) async fn publish(&self, drill: &Drill, report: &Report, log: &Arc<Log>) -> Result<(), DrillError> {
        let (json, markdown, html) = (report.canonical()?, report.markdown()?, report.html()?);
        let hash = |text: &str| report::sha256(text.as_bytes());
        let (sha256, markdown_sha256, html_sha256) = (hash(&json), hash(&markdown), hash(&html));
        let (answered, requests) = (report.answered_permille.to_string(), report.during.requests.to_string());
        let (first, last) = (report.log.first.to_string(), report.log.last.to_string());
        let detail = [
            ("why", report.why.word()),
            ("report", &sha256),
            ("markdown", &markdown_sha256),
            ("html", &html_sha256),
            ("requests", &requests),
            ("answered_permille", &answered),
            ("first", &first),
            ("last", &last),
        ];
        self.leave(drill, vec![(report::JSON, json), (report::MARKDOWN, markdown), (report::HTML, html)]).await?;
        store::reported(&self.database, &drill.id, &sha256).await?;
        let entry = self.recorder.administration(entry(Action::DrillEnd, drill, &detail)).await?;
        self.vouched_for(drill, report.why, entry.ok_or(DrillError::LogOff)?, &sha256, log).await;
        Ok(())
    }

    /// Whether the log holds the end of a drill that its server left no row of; the row and the proof are made up for.
    pub(super) async fn was_reported(&self, drill: &Drill) -> bool {
        let (Some(sha256), Some(log)) = (&drill.report_sha256, self.recorder.log()) else { return false };
        let (id, dir) = (drill.id.clone(), log.dir().to_owned());
        let first = drill.begin_entry.and_then(|entry| u64::try_from(entry).ok()).unwrap_or(0);
        let waiting = Arc::clone(log);
        let find = move || {
            waiting.wait_for_checkpoint(waiting.size())?;
            end_of(&Reader::open(&dir)?, &id, first)
        };
        match self.tasks.blocking("drill", find).await {
            Some(Ok(Some((index, why)))) => {
                self.vouched_for(drill, why, index, sha256, log).await;
                true
            }
            Some(Ok(None)) => false,
            Some(Err(error)) => {
                tracing::error!(drill = %drill.id, %error, "the log cannot be looked through for the end of the drill {}: {error}", drill.id);
                // Not known: a second end is worse than none.
                true
            }
            None => true,
        }
    }

    /// The entry stands: what still fails is told, and changes nothing of how it ended.
    async fn vouched_for(&self, drill: &Drill, why: Why, index: u64, sha256: &str, log: &Arc<Log>) {
        let (proving, id) = (Arc::clone(log), &drill.id);
        let prove = move || {
            proving.wait_for_checkpoint(index + 1)?;
            proving.prove(index)
        };
        let proved = match self.tasks.blocking("drill", prove).await {
            Some(Ok(proof)) => self.leave(drill, vec![(report::PROOF, proof.to_string())]).await,
            Some(Err(error)) => Err(error.into()),
            None => Err(DrillError::BrokenOff),
        };
        if let Err(error) = proved {
            tracing::error!(drill = %id, %error, "the drill {id} has a report, but no proof: {error}; `gwanmun audit prove {index}` makes one");
        }
        let ended = store::Ended { id, why, at: self.clock.wall(), entry: Some(index), report_sha256: Some(sha256) };
        if let Err(error) = store::ended(&self.database, &ended).await {
            tracing::error!(drill = %id, %error, "how the drill {id} ended could not be written down: {error}");
        }
    }

    async fn leave(&self, drill: &Drill, files: Vec<(&'static str, String)>) -> Result<(), DrillError> {
        let folder = self.folder.join(&drill.id);
        let into = folder.clone();
        let write = move || write_files(&into, &files);
        let written = self.tasks.blocking("drill", write).await.ok_or(DrillError::BrokenOff)?;
        written.map_err(|error| DrillError::Files { folder, error })
    }
}

/// The entry with which that drill ended with a report, and why it ended, if there is one.
fn end_of(reader: &Reader, id: &str, first: u64) -> Result<Option<(u64, Why)>, LogError> {
    let end = reader.checkpoint()?.checkpoint.size;
    let mut next = first;
    while next < end {
        let until = end.min(next - next % STEP + STEP);
        for (index, bytes) in (next..until).zip(reader.entries(next..until)?) {
            if let Some(why) = Entry::parse(&bytes).ok().and_then(|entry| why_ended(&entry, id)) {
                return Ok(Some((index, why)));
            }
        }
        next = until;
    }
    Ok(None)
}

fn why_ended(entry: &Entry, id: &str) -> Option<Why> {
    let Body::Administration(told) = &entry.body else { return None };
    let text =
        |name: &str| told.detail.iter().find(|(word, _)| word.as_str() == name).map(|(_, text)| Text::as_str(text));
    if told.action != Action::DrillEnd || text("id") != Some(id) || text("report").is_none() {
        return None;
    }
    let why = text("why")?;
    [Why::Time, Why::Stopped, Why::AnsweredShare, Why::ServerStopped, Why::Failed]
        .into_iter()
        .find(|it| it.word() == why)
}

fn write_files(folder: &Path, files: &[(&'static str, String)]) -> std::io::Result<()> {
    use std::io::Write as _;
    std::fs::create_dir_all(folder)?;
    for (name, text) in files {
        let mut file = std::fs::File::create(folder.join(name))?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
    }
    std::fs::File::open(folder)?.sync_all()
}
