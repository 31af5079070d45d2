//! Whether the destinations of a configuration can be reached from here: for whoever checks it before it serves.
//!
//! Each is asked for its list of models, with its key and nobody's data.

use std::sync::Arc;

use futures_util::future::join_all;

use crate::{
    clock::Clock,
    config::Config,
    destinations::remote::{Offered, Remote, Ways},
};

/// What came of asking one destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// Its name.
    pub destination: Arc<str>,
    /// What it said, or why nothing.
    pub outcome: Outcome,
}

/// What a destination said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It answers, and lists the models that are configured, but for these.
    Lists {
        /// Those that it does not list, as it would call them.
        absent: Vec<Arc<str>>,
    },
    /// It answers, and lists no models.
    NoList,
    /// There was no answer, or a refusal.
    Failed {
        /// What happened, for people.
        what: String,
        /// What is known beyond that.
        detail: String,
    },
}

/// Asks all of them at once. Reads the system's roots, which blocks for a moment.
pub async fn ask(config: &Config, clock: &Clock) -> Vec<Reached> {
    let ways = Ways::of_system();
    let asking = config.destinations.iter().map(|about| {
        let remote = Remote::new(Arc::clone(about), &ways, clock);
        async move {
            let outcome = match remote.probe().await {
                Ok(Offered::NoList) => Outcome::NoList,
                Ok(Offered::Models(listed)) => {
                    let upstream = about.models.iter().map(|model| &model.upstream);
                    let absent = upstream.filter(|name| !listed.contains(&***name)).cloned().collect();
                    Outcome::Lists { absent }
                }
                Err(error) => Outcome::Failed {
                    what: error.message().to_owned(),
                    detail: error.for_operator().unwrap_or_default().to_owned(),
                },
            };
            Reached { destination: Arc::clone(&about.name), outcome }
        }
    });
    join_all(asking).await
}
