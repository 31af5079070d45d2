//! The model of this process that makes vectors of texts: which one, loaded and started. What it computes is the engine's.

use std::{path::PathBuf, sync::Arc};

use gateway::{
    changes::Change,
    clock::Clock,
    config::{self, LocalModelChoice},
    judge::FloorModel,
};
use local_model::{EmbedderRunning, EmbeddingModel, EmbeddingSettings, Stop};
use model_store::Store;
use wire::needs::Need;

use crate::{failure::Failure, floor, models, terminal::Terminal};

/// Which model to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Chosen {
    /// A folder on this machine.
    Folder(PathBuf),
    /// A stored model; a known one that is not there yet is pulled.
    Named(String),
}

impl Chosen {
    /// What is configured; without a word there the first stored model that makes vectors, by name, if there is one.
    pub(crate) fn of(configured: &config::Local, store: &Store) -> Result<Option<Self>, Failure> {
        Ok(match &configured.embedding_model {
            Some(LocalModelChoice::None) => None,
            Some(LocalModelChoice::File(path)) => Some(Self::Folder(path.clone())),
            Some(LocalModelChoice::Named(name)) => Some(Self::Named(name.to_string())),
            None => {
                let listing = store.list()?;
                let first = listing.models.into_iter().find(|stored| stored.record.facts.dimensions.is_some());
                first.map(|stored| Self::Named(stored.record.name.to_string()))
            }
        })
    }

    /// What is judged of it, without loading it: the name that callers ask for. None where there is no sound one.
    pub(crate) fn judged(configured: &config::Local, store: &Store) -> Option<FloorModel> {
        let (name, context_tokens) = match Self::of(configured, store).ok().flatten()? {
            Self::Folder(path) => local_model_cpu::inspect(&path).ok().map(|card| (card.name, card.context_tokens))?,
            Self::Named(name) => {
                let stored = name.parse().ok().and_then(|parsed| store.show(&parsed).ok());
                (name, stored.map_or(0, |stored| stored.record.facts.context_tokens))
            }
        };
        Some(FloorModel { name: name.into(), context_tokens, serves: [Need::Embeddings].into() })
    }
}

/// A model that makes vectors.
pub(crate) struct Embedder {
    pub(crate) model: EmbeddingModel,
    /// What was pulled for this start, for the audit log.
    pub(crate) pulled: Option<Change>,
    running: EmbedderRunning,
}

impl Embedder {
    /// Finds, where need be pulls, loads and starts the chosen model.
    pub(crate) fn start(
        chosen: Option<Chosen>,
        settings: &config::Local,
        store: &Store,
        clock: &Clock,
        terminal: &mut Terminal,
    ) -> Result<Option<Self>, Failure> {
        let (path, record, pulled) = match chosen {
            None => return Ok(None),
            Some(Chosen::Folder(path)) => (path, None, None),
            Some(Chosen::Named(name)) => {
                let (stored, pulled) = models::stored_or_pulled(store, &name, terminal)?;
                (stored.path, Some(stored.record), pulled)
            }
        };
        let engine = local_model_cpu::Settings { threads: settings.threads.unwrap_or(0), ..Default::default() };
        let mut loaded = local_model_cpu::load_embedder(&path, &engine).map_err(|error| {
            floor::unusable(&path, &error).hint("another one, or none: `[local] embedding_model = \"none\"`")
        })?;
        if let Some(record) = record {
            floor::complete(&mut loaded.card, record);
        }
        let now = clock.clone();
        let origin = now.now();
        let mut queue = EmbeddingSettings::new(Arc::new(move || now.now().since(origin)));
        queue.queue_jobs_max = settings.queue_jobs_max;
        let (model, running) = EmbeddingModel::start(loaded, queue)
            .map_err(|error| Failure::trouble(format!("the system gives no thread to the model: {error}")))?;
        Ok(Some(Self { model, pulled, running }))
    }

    /// Stops the model's thread and waits for it. What it still computes is dropped.
    pub(crate) fn end(self) {
        self.running.stop(Stop::Cancel);
    }
}
