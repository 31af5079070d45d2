//! Model files: fetched by name, stopped, removed on a second page. What a fetch does is `model_files`'s.

use askama::Template;
use axum::response::Response;
use gateway::config::{Edit, LocalModelChoice};
use model_store::{ModelName, Record, StoreError};

use crate::answer::{self, Refused};
use crate::call::Call;
use crate::model_files::NotDone;
use crate::page::{self, Page};
use crate::screens::configuring;

#[derive(Template)]
#[template(path = "model_remove.html")]
struct Removal {
    page: Page,
    name: ModelName,
    /// What is known of it; else what is wrong with it.
    record: Result<Record, StoreError>,
    /// The local model runs from it: it stays.
    runs: bool,
    /// The configuration names it for the next start.
    configured: bool,
}

/// `POST /models/pull`: begins to fetch a known model.
pub(crate) async fn pull(call: Call) -> Result<Response, Refused> {
    let name = call.required("name", "models-name-wanted")?;
    let begun = call.site.models.fetch(name, &call.account()?.name).await;
    begun.map_err(|why| told(&call, name, why))?;
    answer::see("/models")
}

/// `POST /models/pull/stop`: tells the fetch that is under way to stop.
pub(crate) async fn stop(call: Call) -> Result<Response, Refused> {
    call.site.models.stop();
    answer::see("/models")
}

/// `POST /models/choose`: the local model of the next start.
pub(crate) async fn choose(call: Call) -> Result<Response, Refused> {
    let name = call.required("name", "models-name-wanted")?;
    let parsed: ModelName = name.parse().map_err(|_| Refused::NotFound)?;
    let (stored, _) = call.site.models.one(parsed).await?;
    stored.map_err(|why| told(&call, name, NotDone::Store(why)))?;
    configuring::change(&call, vec![Edit::LocalModel(name.to_owned())], Vec::new()).await?;
    answer::see("/models")
}

/// `GET /models/{name}/remove`: asks whether it shall go. It changes nothing.
pub(crate) async fn ask_remove(call: Call) -> Result<Response, Refused> {
    let name: ModelName = call.named(0)?.parse().map_err(|_| Refused::NotFound)?;
    let (stored, runs) = call.site.models.one(name.clone()).await?;
    let record = match stored {
        Ok(stored) => Ok(stored.record),
        Err(StoreError::NotThere(_)) => return Err(Refused::NotFound),
        Err(error) => Err(error),
    };
    let chosen = &call.site.app.in_force().config.local.model;
    let configured = matches!(chosen, Some(LocalModelChoice::Named(chosen)) if **chosen == *name.as_str());
    page::render(&Removal { page: call.page("models"), name, record, runs, configured })
}

/// `POST /models/remove`: removes it, unless the local model runs from it.
pub(crate) async fn remove(call: Call) -> Result<Response, Refused> {
    let name = call.required("name", "models-name-wanted")?;
    let parsed: ModelName = name.parse().map_err(|_| Refused::NotFound)?;
    let removed = call.site.models.remove(parsed, &call.account()?.name).await;
    removed.map_err(|why| told(&call, name, why))?;
    answer::see("/models")
}

/// Why it is not done, in the reader's language; what the store alone can say is said in its words.
fn told(call: &Call, name: &str, why: NotDone) -> Refused {
    let language = call.language;
    let with = |message: &str, also: &[(&str, &str)]| {
        let named: Vec<(&str, &str)> = [("name", name)].into_iter().chain(also.iter().copied()).collect();
        Refused::Wrong(language.text_with(message, &named))
    };
    match why {
        NotDone::Unknown => with("models-not-known", &[]),
        NotDone::UnderWay(other) => with("models-fetch-under-way", &[("other", other.as_str())]),
        NotDone::NoRoom { needed, free } => {
            with("models-no-room", &[("needed", &language.size(needed)), ("free", &language.size(free))])
        }
        NotDone::Runs => with("models-remove-runs", &[]),
        NotDone::Store(StoreError::AlreadyThere(_)) => with("models-already-there", &[]),
        NotDone::Store(StoreError::NotThere(_)) => with("models-not-there", &[]),
        NotDone::Store(error) => {
            let hint = error.hint().map(|hint| format!(" ({hint})")).unwrap_or_default();
            with("models-store-says", &[("why", &format!("{error}{hint}"))])
        }
        NotDone::Ours(why) => Refused::ours(why),
    }
}

#[cfg(test)]
mod tests;
