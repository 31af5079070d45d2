//! `gwanmun policy explain`: one request, what is known of it, where it may go and why not elsewhere, and what would go out. Found
//! text is shown only to whoever asks for it.

mod shown;

use std::{fs, path::PathBuf, sync::Arc};

use clap::Args;
use gateway::{
    clock::Clock,
    config::Registered,
    data_dir::DataDir,
    database::Database,
    judge::{Judgement, Question},
    keys::{KeyStore, ListedKey},
};
use policy::Class;
use serde_json::{Map, Value, json};

use super::{configured::Configured, proved::Unproved};
use crate::{
    failure::{Answer, Failure},
    place::Place,
    runtime,
    terminal::Terminal,
};

/// Whose a request is where nobody says: keys are made for this team.
const TEAM: &str = "default";

/// See what would become of a request: what is found in it, its class, where it may go and why not elsewhere
///
/// Nothing is sent and nothing recorded. Exit status 1 where no destination may have it, or the policy could not come into
/// force.
#[derive(Args)]
pub(super) struct Explain {
    /// Judge by this one [default: the configured one]
    #[arg(long, value_name = "NAME|FILE")]
    policy: Option<String>,
    /// What a user says
    #[arg(long, required_unless_present = "file", conflicts_with = "file")]
    text: Option<String>,
    /// The same from a file; or a whole request, as JSON with `messages`, a `prompt` or an `input`
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Whose request it is: a key's name or id
    #[arg(long, value_name = "NAME|ID", conflicts_with = "team")]
    key: Option<String>,
    /// The same for a team without a key
    #[arg(long)]
    team: Option<String>,
    /// What the caller declares in `x-gwanmun-class`: open, sensitive or classified
    #[arg(long)]
    class: Option<Class>,
    /// What is asked for [default: that of the request, else the first that there is]
    #[arg(long)]
    model: Option<String>,
    /// Show the text that was found, and what would go out, as they are
    #[arg(long)]
    show: bool,
    #[command(flatten)]
    configured: Configured,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Explain {
    pub(super) fn run(self, place: &Place, terminal: &mut Terminal) -> Result<Answer, Failure> {
        let mut config = self.configured.read(place)?;
        if let Some(named) = &self.policy {
            let policy = config.policy(named)?;
            config = config.with(policy);
        }
        let judgement = config.judgement();
        // The configured policy was proved when it was read.
        let asked = self.policy.iter().map(|_| &**judgement.judge());
        if let Some(unproved) = Unproved::of(asked) {
            unproved.tell(self.json, terminal)?;
            return Ok(Answer::No);
        }
        let body = self.body(&judgement)?;
        let question = self.question(body, place)?;
        let explained = judgement
            .explain(&question)
            .map_err(|wrong| Failure::usage(format!("that is not a request: {}", wrong.message())))?;
        let shown = shown::Shown { explained: &explained, question: &question, judgement: &judgement, show: self.show };
        if self.json {
            terminal.json(&shown.for_programs())?;
        } else {
            shown.write(terminal)?;
        }
        Ok(if shown.is_permitted() { Answer::Yes } else { Answer::No })
    }

    /// The request's body, with the model that is asked for.
    fn body(&self, judgement: &Judgement) -> Result<String, Failure> {
        let text = match (&self.text, &self.file) {
            (Some(text), _) => text.clone(),
            (None, Some(file)) => fs::read_to_string(file)
                .map_err(|error| Failure::trouble(format!("could not read `{}`: {error}", file.display())))?,
            (None, None) => String::new(),
        };
        let is_request =
            |body: &Map<String, Value>| ["messages", "prompt", "input"].iter().any(|key| body.contains_key(*key));
        let whole = serde_json::from_str::<Map<String, Value>>(&text).ok();
        let whole = whole.filter(|body| self.file.is_some() && is_request(body));
        // A whole request is read as it came, so that what is wrong with it is told as its caller would be told.
        if self.model.is_none() && whole.as_ref().is_some_and(|body| body.contains_key("model")) {
            return Ok(text);
        }
        let mut body = whole
            .unwrap_or_else(|| Map::from_iter([("messages".to_owned(), json!([{ "role": "user", "content": text }]))]));
        let first = || judgement.chains().first().map(|chain| chain.model.to_string());
        let model = self.model.clone().or_else(first).ok_or_else(nothing_answers)?;
        body.insert("model".to_owned(), model.into());
        Ok(Value::Object(body).to_string())
    }

    /// The request with whose it is.
    fn question(&self, body: String, place: &Place) -> Result<Question, Failure> {
        let (body, declared) = (body.into(), self.class);
        let Some(named) = &self.key else {
            let team: Arc<str> = self.team.as_deref().unwrap_or(TEAM).into();
            return Ok(Question { body, key: "-".into(), team, registered: Registered::default(), declared });
        };
        let data_dir = DataDir::join(&place.data_dir(), &Clock::system())?;
        let keys = runtime::new()?.block_on(async {
            let keys = KeyStore::open(Database::open(&data_dir.database()).await?, data_dir.key_hash_secret()?).await?;
            Ok::<_, Failure>(keys.list().await?)
        })?;
        let is_meant = |key: &&ListedKey| {
            key.revoked_at.is_none() && [key.name.as_str(), key.id.as_str()].contains(&named.as_str())
        };
        let key = keys.iter().find(is_meant).ok_or_else(|| {
            Failure::trouble(format!("no key in force has the name or id `{named}`"))
                .hint("`gwanmun key list` shows them; without one, name a team with `--team`")
        })?;
        let registered = Registered { class: key.class, ..Registered::default() };
        Ok(Question { body, key: key.id.as_str().into(), team: key.team.as_str().into(), registered, declared })
    }
}

fn nothing_answers() -> Failure {
    Failure::trouble("there is no model, on this machine or at a destination")
        .hint("name one with `--model`, or configure one; `gwanmun check` says what there is")
}
