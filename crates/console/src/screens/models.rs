//! Models: what the catalogue knows of those that are configured, each fact with its source and date; the local floor's own; and the
//! model files of this machine, with what can be fetched. What is not known is said as unknown.

mod cards;
pub(crate) mod files;

use std::borrow::Borrow;

use askama::Template;
use axum::response::Response;
use gateway::config::LocalModelChoice;
use gateway::judge::FRONTIER_FLOP;
use local_model::ModelCard;

use crate::accounts::Permission;
use crate::answer::Refused;
use crate::call::Call;
use crate::model_files::{Fetch, Here, Step};
use crate::page::{self, Page};
use crate::screens::configuring;

use cards::Card;

#[derive(Template)]
#[template(path = "models.html")]
struct ModelsPage {
    page: Page,
    local: Option<Floor>,
    /// The fetch that is under way, or was the last.
    fetch: Option<Fetch>,
    here: Here,
    may_change: bool,
    /// Whether the configuration may say which of them runs.
    may_choose: bool,
    /// The one that it says; none where it says none or a file.
    chosen: String,
    cards: Vec<Card>,
    /// Models at destinations that no card of the catalogue is known of: the destination and the model's name there.
    without: Vec<(String, String)>,
}

/// The model in this process.
struct Floor {
    card: ModelCard,
    running: u64,
    queued: u64,
    stopped: Option<String>,
}

pub(crate) async fn show(call: Call) -> Result<Response, Refused> {
    let in_force = call.site.app.in_force();
    let local = call.site.app.local().map(|local| Floor {
        card: local.card().clone(),
        running: local.load().running as u64,
        queued: local.load().queued as u64,
        stopped: local.stopped().map(str::to_owned),
    });
    let (cards, without) = cards::of(&in_force.judgement, FRONTIER_FLOP);
    let here = call.site.models.here().await?;
    let chosen = match &in_force.config.local.model {
        Some(LocalModelChoice::Named(name)) => name.to_string(),
        Some(LocalModelChoice::None | LocalModelChoice::File(_)) | None => String::new(),
    };
    let fetch = call.site.models.state().fetch;
    page::render(&ModelsPage {
        page: call.page("models"),
        local,
        fetch,
        here,
        may_change: call.may(Permission::ManageModels),
        may_choose: configuring::may(&call),
        chosen,
        cards,
        without,
    })
}

impl ModelsPage {
    /// Whether a fetch is under way: there is one at a time.
    fn fetching(&self) -> bool {
        self.fetch.as_ref().is_some_and(|fetch| !fetch.step.over())
    }

    /// Whether the disk has room for that many bytes more, as far as anybody knows.
    fn fits(&self, needed: impl Borrow<u64>) -> bool {
        self.here.free.is_none_or(|free| *needed.borrow() <= free)
    }
}

#[cfg(test)]
mod tests;
