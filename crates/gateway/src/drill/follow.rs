//! Takes up the drills that commands leave, one after the other, for as long as the server lives. A drill never survives its server:
//! what a process that died left behind is ended at the next start.

use std::{path::PathBuf, sync::Arc, time::Duration};

use axum::body::Body;
use futures_util::StreamExt as _;
use http::{Request, header};
use http_body_util::BodyExt as _;
use jiff::Timestamp;

use super::{
    Plan, Why,
    reference::{self, Question, Score},
    store::{self, Drill},
};
use crate::{
    app::App,
    availability::Availability,
    clock::Clock,
    database::{Database, Watch},
    keys::KeyRing,
    read::Surface,
    record::Recorder,
    routes::Arrival,
    tasks::{Phase, Stop, Tasks},
    traffic::DRILL_TEAM,
    withdrawal::Subject,
};

/// Between two looks at whether a command has left a drill.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// A drill that has been wanted for longer is not taken up: its command does not wait for it any more.
const WANTED_MAX_SECONDS: i64 = 10;
/// Reference questions under way at once.
const QUESTIONS_MAX: usize = 4;
/// The longest answer to a reference question, in tokens.
const ANSWER_TOKENS_MAX: u32 = 48;
/// And in bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// What a drill needs of the server that it is held on.
pub struct Follower {
    /// The server.
    pub app: Arc<App>,
    /// What is withdrawn while a live drill lasts.
    pub availability: Availability,
    /// Where commands leave drills.
    pub database: Database,
    /// Who may call: the reference questions are asked with a key of their own.
    pub keys: KeyRing,
    /// What measures it.
    pub recorder: Recorder,
    /// The folder in which reports are left.
    pub folder: PathBuf,
    /// The time.
    pub clock: Clock,
    /// The tasks of the process.
    pub tasks: Tasks,
}

/// Follows the database until the server ends.
pub fn follow(follower: Follower) {
    let tasks = follower.tasks.clone();
    tasks.start("drills", |stop| async move {
        follower.bury().await;
        let mut watch = Watch::default();
        loop {
            tokio::select! {
                () = stop.draining() => break,
                () = follower.clock.sleep(LOOK_EVERY) => {}
            }
            follower.look(&mut watch, &stop).await;
        }
    });
}

impl Follower {
    /// Ends what the last process left, begun or not.
    async fn bury(&self) {
        for drill in self.drills().await.iter().filter(|drill| drill.state != "ended") {
            tracing::warn!(drill = %drill.id, "the drill {} ended with the server that it was left to", drill.id);
            if !self.was_reported(drill).await {
                self.give_up(drill, Why::ServerStopped, None).await;
            }
        }
    }

    async fn look(&self, watch: &mut Watch, stop: &Stop) {
        let state = match watch.look(&self.database).await {
            Ok(Some(state)) => state,
            Ok(None) => return,
            Err(error) => {
                tracing::debug!(%error, "drills cannot be looked for");
                return;
            }
        };
        watch.settle(state);
        // The newest comes first: they are taken in the order in which they were wanted.
        for drill in self.drills().await.iter().rev().filter(|drill| drill.state == "wanted") {
            if stop.phase() != Phase::Running {
                return;
            }
            // Those before it may have taken long.
            match store::get(&self.database, &drill.id).await {
                Ok(Some(drill)) if drill.state == "wanted" => self.take_up(&drill, stop).await,
                Ok(_) => {}
                Err(error) => tracing::error!(%error, "the drill {} cannot be read: {error}", drill.id),
            }
        }
    }

    async fn take_up(&self, drill: &Drill, stop: &Stop) {
        if drill.stop_wanted {
            self.give_up(drill, Why::Stopped, None).await;
        } else if is_late(drill, self.clock.wall()) {
            let late = format!("it was wanted more than {WANTED_MAX_SECONDS} s before it could be taken up");
            self.give_up(drill, Why::Failed, Some(&late)).await;
        } else {
            self.carry_out(drill, stop).await;
        }
    }

    async fn drills(&self) -> Vec<Drill> {
        store::list(&self.database).await.unwrap_or_else(|error| {
            tracing::error!(%error, "drills cannot be read: {error}");
            Vec::new()
        })
    }

    /// Asks the reference questions on the road, as the team `drill`, as if `without` were withdrawn; none where no model is named. What
    /// has come is in `answers` also when this is dropped before its end.
    pub(super) async fn ask_reference(&self, plan: &Plan, without: Option<Vec<Subject>>, answers: &mut Answers) {
        let Some(model) = plan.reference_model.as_deref() else { return };
        let Ok(key) = self.keys.add_ephemeral(DRILL_TEAM, DRILL_TEAM) else { return };
        let (model, key): (Arc<str>, Arc<str>) = (model.into(), key.reveal().into());
        let without: Option<Arc<[Subject]>> = without.map(Arc::from);
        let ask = |question: &'static Question| {
            ask(Arc::clone(&self.app), question, Arc::clone(&model), Arc::clone(&key), without.clone())
        };
        let numbered = |(number, question)| {
            let asked = ask(question);
            async move { (number, asked.await) }
        };
        let asking: Vec<_> = reference::shipped().iter().enumerate().map(numbered).collect();
        let mut answered = futures_util::stream::iter(asking).buffer_unordered(QUESTIONS_MAX);
        while let Some((number, answer)) = answered.next().await {
            if let Some(place) = answers.0.get_mut(number) {
                *place = answer;
            }
        }
    }
}

/// The answers to the reference questions, as far as they have come.
pub(super) struct Answers(Vec<Option<(String, bool)>>);

impl Answers {
    pub(super) fn none() -> Self {
        Self(vec![None; reference::shipped().len()])
    }

    /// What has not come is not answered.
    pub(super) fn score(&self) -> Score {
        Score::of(&self.0)
    }
}

/// Whether its command does not wait for it any more.
fn is_late(drill: &Drill, now: Timestamp) -> bool {
    let wanted: Option<Timestamp> = drill.wanted_at.parse().ok();
    wanted.is_none_or(|wanted| now.duration_since(wanted).as_secs().abs() > WANTED_MAX_SECONDS)
}

/// Who answered, and whether it is right; none where no whole answer came.
async fn ask(
    app: Arc<App>,
    question: &'static Question,
    model: Arc<str>,
    key: Arc<str>,
    without: Option<Arc<[Subject]>>,
) -> Option<(String, bool)> {
    let body = serde_json::json!({
        "model": &*model,
        "messages": [{ "role": "user", "content": question.ask }],
        "max_tokens": ANSWER_TOKENS_MAX,
        "temperature": 0,
    });
    let request = Request::builder()
        .header(header::AUTHORIZATION, format!("Bearer {key}"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_string()))
        .ok()?;
    let arrival = Arrival { without, ..app.arrival() };
    let (response, _) = crate::chat::road(Surface::Chat, &app, &arrival, request).await.ok()?;
    let named = response.headers().get("x-gwanmun-destination")?.to_str().ok()?.to_owned();
    let body = http_body_util::Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await.ok()?.to_bytes();
    let answer: serde_json::Value = serde_json::from_slice(&body).ok()?;
    let text = answer.pointer("/choices/0/message/content")?.as_str()?;
    Some((named, question.is_right(text)))
}
