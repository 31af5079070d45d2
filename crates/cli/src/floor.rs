//! The local floor of this process: which model it runs, loaded and started. What a model computes is the engine's.

use std::{path::PathBuf, sync::Arc};

use gateway::{
    changes::Change,
    clock::Clock,
    config::{self, LocalModelChoice},
    judge::FloorModel,
};
use local_model::{AnswerDefaults, LocalModel, ModelCard, Running, Settings, Stop};
use model_store::{Record, STARTER, Store};

use crate::{failure::Failure, models, terminal::Terminal};

/// Which model to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    None,
    /// A GGUF file, or a model's folder.
    File(PathBuf),
    /// A stored model; a known one that is not there yet is pulled.
    Named(String),
}

impl Choice {
    /// What was typed goes before what is configured, and without either it is the starter.
    pub(crate) fn of(typed: Option<&str>, none_typed: bool, configured: Option<&LocalModelChoice>) -> Self {
        match (typed, configured) {
            _ if none_typed => Self::None,
            (Some(typed), _) if typed.contains('/') || typed.to_ascii_lowercase().ends_with(".gguf") => {
                Self::File(typed.into())
            }
            (Some(typed), _) => Self::Named(typed.to_owned()),
            (None, Some(LocalModelChoice::None)) => Self::None,
            (None, Some(LocalModelChoice::File(path))) => Self::File(path.clone()),
            (None, Some(LocalModelChoice::Named(name))) => Self::Named(name.to_string()),
            (None, None) => Self::Named(STARTER.to_owned()),
        }
    }

    /// What is judged of it, without loading it: the name that callers ask for and its context. None where there is no model,
    /// or no sound one.
    pub(crate) fn judged(&self, store: &Store) -> Option<FloorModel> {
        let (name, context_tokens, reasons) = match self {
            Self::None => return None,
            Self::File(path) => {
                local_model_cpu::inspect(path).ok().map(|card| (card.name, card.context_tokens, card.reasons))?
            }
            Self::Named(name) => {
                let stored = name.parse().ok().and_then(|parsed| store.show(&parsed).ok());
                // One that is not here yet is pulled at the first start; its context is not known before.
                let reasons = stored.as_ref().and_then(|stored| local_model_cpu::inspect(&stored.path).ok());
                let reasons = reasons.is_some_and(|card| card.reasons);
                (name.clone(), stored.map_or(0, |stored| stored.record.facts.context_tokens), reasons)
            }
        };
        Some(FloorModel { name: name.into(), context_tokens, serves: gateway::judge::local_serves(reasons) })
    }
}

/// A model that answers.
pub(crate) struct Floor {
    pub(crate) model: LocalModel,
    /// What its users should know.
    pub(crate) notes: Vec<String>,
    /// The file, or the folder, that it runs from.
    pub(crate) path: PathBuf,
    /// What was pulled for this start, for the audit log.
    pub(crate) pulled: Option<Change>,
    running: Running,
}

impl Floor {
    /// Finds, where need be pulls, loads and starts the chosen model.
    pub(crate) fn start(
        choice: &Choice,
        settings: &config::Local,
        store: &Store,
        clock: &Clock,
        terminal: &mut Terminal,
    ) -> Result<Option<Self>, Failure> {
        let (path, record, pulled) = match choice {
            Choice::None => return Ok(None),
            Choice::File(path) => (path.clone(), None, None),
            Choice::Named(name) => {
                let (stored, pulled) = models::stored_or_pulled(store, name, terminal)?;
                (stored.path, Some(stored.record), pulled)
            }
        };
        let engine = local_model_cpu::Settings {
            threads: settings.threads.unwrap_or(0),
            cache_bytes: settings.cache_mib.saturating_mul(1 << 20),
            ..local_model_cpu::Settings::default()
        };
        let engine = match settings.context_tokens_max {
            Some(context_tokens_max) => local_model_cpu::Settings { context_tokens_max, ..engine },
            None => engine,
        };
        if record.as_ref().is_some_and(|record| record.facts.dimensions.is_some()) {
            return Err(Failure::trouble(format!(
                "the model `{}` makes vectors of texts and answers nothing in words",
                path.display()
            ))
            .hint("name it under `[local] embedding_model`, and another as `model`"));
        }
        let mut loaded = local_model_cpu::load(&path, &engine).map_err(|error| unusable(&path, &error))?;
        let mut notes = Vec::new();
        if let Some(record) = record {
            notes.clone_from(&record.notes);
            complete(&mut loaded.card, record);
        }
        let now = clock.clone();
        let origin = now.now();
        let since_start: local_model::Clock = Arc::new(move || now.now().since(origin));
        let mut queue = Settings::new(since_start);
        queue.queue_jobs_max = settings.queue_jobs_max;
        queue.sequences_max = settings.sequences_max;
        queue.prefix_cache = settings.prefix_cache;
        queue.speculation = settings.speculation;
        let (model, running) = LocalModel::start(loaded, queue)
            .map_err(|error| Failure::trouble(format!("the system gives no thread to the model: {error}")))?;
        Ok(Some(Self { model, notes, path, pulled, running }))
    }

    /// Stops the model's thread and waits for it. What it still computes is dropped.
    pub(crate) fn end(self) {
        self.running.tell(Stop::Cancel);
        self.running.join();
    }
}

/// Puts on a card what the record knows and the file does not say.
pub(crate) fn complete(card: &mut ModelCard, record: Record) {
    card.name = record.name.to_string();
    card.sha256 = Some(record.sha256.to_string());
    card.licence = record.licence;
    card.languages = record.languages;
    let model_store::AnswerDefaults { system, temperature, top_p } = record.defaults;
    card.defaults = AnswerDefaults { system, temperature, top_p };
}

pub(crate) fn unusable(path: &std::path::Path, error: &local_model_cpu::LoadError) -> Failure {
    // One of them names the file itself.
    let message = if matches!(error, local_model_cpu::LoadError::Open { .. }) {
        error.to_string()
    } else {
        format!("the model `{}` cannot be served: {error}", path.display())
    };
    Failure::trouble(message)
        .hint("another model: `--model FILE.gguf` or `--model FOLDER/`; without a model: `--no-model`")
}

#[cfg(test)]
mod tests;
