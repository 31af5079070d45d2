//! A cut-off rehearsed without anybody being cut off: a practice provider in this process, a few questions, a live drill that takes it
//! away, the same questions, its return. All of it is real (configuration, policy, drill, log) but for the provider, and for its words.
//!
//! It leaves the configuration as it was.

use std::sync::Arc;
use std::time::Duration;

use axum::routing::post;
use axum::{Json, Router};
use gateway::config::{Change, Edit, Editor, NewDestination};
use gateway::drill::{Mode, Plan, store};
use gateway::withdrawal::Subject;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::accounts::Account;
use crate::answer::Refused;
use crate::asking::{self, Answered};
use crate::call::Call;
use crate::language::Language;
use crate::screens::configuring;
use crate::site::Site;

/// How the practice provider is called in the configuration, and its model.
pub(crate) const NAME: &str = "practice";
/// Questions before, while it is taken away, and after.
const QUESTIONS: [usize; 3] = [2, 3, 2];
/// The drill ends by itself after this, should nobody be there to end it.
const DRILL_SECONDS: u64 = 300;
/// Between two looks at how far the drill is.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Looks, before it is given up: half a minute.
const LOOKS_MAX: usize = 120;

/// The one that is under way, or was the last.
#[derive(Default)]
pub(crate) struct State(watch::Sender<Option<Told>>);

/// How far it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    /// What it is about, as messages call it: `before`, `during`, `after`; `over` where it has ended.
    pub(crate) stage: &'static str,
    /// What was asked: at which stage, and what came of it.
    pub(crate) rows: Vec<(&'static str, Answered)>,
    /// The drill.
    pub(crate) drill: Option<String>,
    /// Why it ended before its time: a message.
    pub(crate) broken_off: Option<&'static str>,
}

impl State {
    pub(crate) fn told(&self) -> Option<Told> {
        self.0.borrow().clone()
    }

    /// Whether this one may begin; another may be under way.
    fn begin(&self) -> bool {
        self.0.send_if_modified(|told| {
            let free = told.as_ref().is_none_or(|told| told.stage == "over");
            if free {
                *told = Some(Told { stage: "before", ..Told::default() });
            }
            free
        })
    }

    fn note(&self, note: impl FnOnce(&mut Told)) {
        self.0.send_modify(|told| note(told.get_or_insert_default()));
    }

    /// Waits until it is over.
    #[cfg(test)]
    pub(super) async fn over(&self) -> Told {
        let mut told = self.0.subscribe();
        let over = told.wait_for(|told| told.as_ref().is_some_and(|told| told.stage == "over")).await;
        over.unwrap().clone().unwrap()
    }
}

/// Why it broke off: a message that says so.
type BrokenOff = &'static str;

/// Begins; the page follows how far it is.
pub(super) async fn begin(call: &Call) -> Result<(), Refused> {
    let editor = configuring::editor(call)?.clone();
    let wrong = |message: &str| Refused::Wrong(call.language.text(message));
    if call.site.recorder.log().is_none() {
        return Err(wrong("cut-off-drill-log-off"));
    }
    let drills = store::list(call.site.keys.database()).await.map_err(Refused::ours)?;
    if drills.iter().any(|drill| drill.state != "ended") {
        return Err(wrong("cut-off-drill-under-way"));
    }
    // One that broke off with its process is on this machine too; any other is somebody's.
    let in_force = call.site.app.in_force();
    let others =
        in_force.config.destinations.iter().any(|it| *it.name == *NAME && it.base_url.host() != Some("127.0.0.1"));
    if others {
        return Err(wrong("practice-name-taken"));
    }
    if !call.site.practice.begin() {
        return Err(wrong("practice-under-way"));
    }
    let rehearsal = Rehearsal {
        site: Arc::clone(&call.site),
        account: Arc::clone(call.account()?),
        by: call.by()?,
        language: call.language,
        editor,
    };
    call.site.tasks.start("practice", |_| rehearsal.held());
    Ok(())
}

struct Rehearsal {
    site: Arc<Site>,
    account: Arc<Account>,
    by: String,
    language: Language,
    editor: Editor,
}

impl Rehearsal {
    async fn held(self) {
        let held = match TcpListener::bind("127.0.0.1:0").await {
            Ok(listener) => self.with_provider(listener).await,
            Err(error) => {
                tracing::error!(%error, "the practice provider has no port: {error}");
                Err("practice-no-port")
            }
        };
        // Whatever happened: nothing of it stays in the configuration.
        let edits = vec![Edit::RemoveRoute(NAME.to_owned()), Edit::RemoveDestination(NAME.to_owned())];
        let cleared = self.change(edits).await;
        self.site.practice.note(|told| {
            told.stage = "over";
            told.broken_off = held.and(cleared).err();
        });
    }

    async fn with_provider(&self, listener: TcpListener) -> Result<(), BrokenOff> {
        let port = listener.local_addr().map_err(|_| "practice-no-port")?.port();
        let provider = provider(self.language.text("practice-words"));
        tokio::select! {
            rehearsed = self.rehearsed(port) => rehearsed,
            // It serves until it is dropped.
            _ = axum::serve(listener, provider) => Err("practice-no-port"),
        }
    }

    async fn rehearsed(&self, port: u16) -> Result<(), BrokenOff> {
        self.change(self.edits(port)).await?;
        let [before, during, after] = QUESTIONS;
        self.ask("before", before).await?;
        let answered = self.site.practice.told().unwrap_or_default().rows;
        if answered.iter().any(|(_, answered)| answered.destination != NAME) {
            return Err("practice-not-permitted");
        }
        let drill = self.drill().await?;
        let asked = self.ask("during", during).await;
        // It ends, whatever came of the questions.
        let database = self.site.keys.database();
        store::stop(database, &drill).await.map_err(|_| "practice-no-drill")?;
        self.until(&drill, |drill| drill.state == "ended").await?;
        asked?;
        self.ask("after", after).await
    }

    /// What the configuration has while it lasts.
    fn edits(&self, port: u16) -> Vec<Edit> {
        let in_force = self.site.app.in_force();
        let mut destinations = vec![format!("{NAME}/{NAME}")];
        if self.site.app.local().is_some() {
            destinations.push("local".to_owned());
        }
        let provider = in_force.config.policy.home.is_some().then(|| "own".to_owned());
        vec![
            Edit::Destination(NewDestination {
                name: NAME.to_owned(),
                base_url: format!("http://127.0.0.1:{port}/v1"),
                models: vec![NAME.to_owned()],
                provider,
                ..NewDestination::default()
            }),
            Edit::Route { model: NAME.to_owned(), destinations },
        ]
    }

    async fn change(&self, edits: Vec<Edit>) -> Result<(), BrokenOff> {
        let change = Change { edits, files: Vec::new(), by: self.by.clone() };
        self.editor.change(change).await.map(drop).map_err(|error| {
            tracing::error!(%error, "the practice provider could not be put into the configuration, or taken out: {error}");
            "practice-configuration"
        })
    }

    /// Asks the same question so many times.
    async fn ask(&self, stage: &'static str, times: usize) -> Result<(), BrokenOff> {
        self.site.practice.note(|told| told.stage = stage);
        let question = self.language.text("first-steps-question");
        for _ in 0..times {
            let answered = asking::short(&self.site, &self.account, NAME, &question).await;
            let answered = answered.map_err(|_| "practice-unasked")?;
            self.site.practice.note(|told| told.rows.push((stage, answered)));
        }
        Ok(())
    }

    /// Begins a live drill, and waits until it is in force.
    async fn drill(&self) -> Result<String, BrokenOff> {
        let plan = Plan {
            mode: Mode::Live,
            withdraw: vec![Subject::Destination(NAME.into()).to_string()],
            seconds: DRILL_SECONDS,
            sample_permille: 0,
            least_answered_permille: 0,
            reference_model: None,
            by: self.by.clone(),
        };
        let (database, now) = (self.site.keys.database(), self.site.clock.wall());
        let id = store::new_id().map_err(|_| "practice-no-drill")?;
        if !store::want_alone(database, &id, &plan, now).await.map_err(|_| "practice-no-drill")? {
            return Err("cut-off-drill-under-way");
        }
        self.site.practice.note(|told| told.drill = Some(id.clone()));
        self.until(&id, |drill| drill.state == "running" && drill.begin_entry.is_some()).await?;
        Ok(id)
    }

    async fn until(&self, id: &str, is: impl Fn(&store::Drill) -> bool) -> Result<(), BrokenOff> {
        for _ in 0..LOOKS_MAX {
            let drill = store::get(self.site.keys.database(), id).await.ok().flatten();
            if drill.as_ref().is_some_and(&is) {
                return Ok(());
            }
            self.site.clock.sleep(LOOK_EVERY).await;
        }
        Err("practice-no-drill")
    }
}

/// A service that speaks OpenAI's API, and always says the same.
fn provider(words: String) -> Router {
    let answer = move |Json(asked): Json<Value>| {
        let words = words.clone();
        async move {
            Json(json!({
                "id": "chatcmpl-practice",
                "object": "chat.completion",
                "created": 0,
                "model": asked.get("model"),
                "choices": [{
                    "index": 0,
                    "message": { "role": "assistant", "content": words },
                    "finish_reason": "stop",
                }],
                "usage": { "prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2 },
            }))
        }
    };
    Router::new().route("/v1/chat/completions", post(answer))
}
