//! The local floor of this process: which model it runs, loaded and started. What a model computes is the engine's.

use std::{path::PathBuf, sync::Arc};

use gateway::{
    clock::Clock,
    config::{self, LocalModelChoice},
};
use local_model::{LocalModel, Running, Settings, Stop};
use model_store::{AnswerDefaults, STARTER, Store};

use crate::{failure::Failure, models, terminal::Terminal};

/// Which model to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    None,
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
}

/// A model that answers.
pub(crate) struct Floor {
    pub(crate) model: LocalModel,
    /// What its users should know.
    pub(crate) notes: Vec<String>,
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
        let (path, record) = match choice {
            Choice::None => return Ok(None),
            Choice::File(path) => (path.clone(), None),
            Choice::Named(name) => {
                let stored = models::stored_or_pulled(store, name, terminal)?;
                (stored.path, Some(stored.record))
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
        let mut loaded = local_model_cpu::load(&path, &engine).map_err(|error| unusable(&path, &error))?;
        let mut notes = Vec::new();
        if let Some(record) = record {
            let card = &mut loaded.card;
            card.name = record.name.to_string();
            card.sha256 = Some(record.sha256.to_string());
            card.licence = record.licence;
            card.languages = record.languages;
            let AnswerDefaults { system, temperature, top_p } = record.defaults;
            card.defaults = local_model::AnswerDefaults { system, temperature, top_p };
            notes = record.notes;
        }
        let now = clock.clone();
        let origin = now.now();
        let since_start: local_model::Clock = Arc::new(move || now.now().since(origin));
        let mut queue = Settings::new(since_start);
        queue.queue_jobs_max = settings.queue_jobs_max;
        queue.sequences_max = settings.sequences_max;
        let (model, running) = LocalModel::start(loaded, queue)
            .map_err(|error| Failure::trouble(format!("the system gives no thread to the model: {error}")))?;
        Ok(Some(Self { model, notes, running }))
    }

    /// Stops the model's thread and waits for it. What it still computes is dropped.
    pub(crate) fn end(self) {
        self.running.tell(Stop::Cancel);
        self.running.join();
    }
}

fn unusable(path: &std::path::Path, error: &local_model_cpu::LoadError) -> Failure {
    // One of them names the file itself.
    let message = if matches!(error, local_model_cpu::LoadError::Open { .. }) {
        error.to_string()
    } else {
        format!("the model `{}` cannot be served: {error}", path.display())
    };
    Failure::trouble(message).hint("another model: `--model FILE.gguf`; without a model: `--no-model`")
}

#[cfg(test)]
mod tests;
