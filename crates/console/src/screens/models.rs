//! Models: what the catalogue knows of those that are configured, each fact with its source and date, and the local floor's own. What is
//! not known is said as unknown.

mod cards;

use askama::Template;
use axum::response::Response;
use gateway::judge::FRONTIER_FLOP;
use local_model::ModelCard;

use crate::answer::Refused;
use crate::call::Call;
use crate::page::{self, Page};

use cards::Card;

#[derive(Template)]
#[template(path = "models.html")]
struct ModelsPage {
    page: Page,
    local: Option<Floor>,
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
    page::render(&ModelsPage { page: call.page("models"), local, cards, without })
}

#[cfg(test)]
mod tests;
