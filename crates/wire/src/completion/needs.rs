//! What a completion request needs beyond plain text. It does not know who offers it.

use super::CompletionRequest;
use crate::needs::{Need, Needed};

impl CompletionRequest {
    /// All that the request needs beyond text. Empty for a plain request.
    pub fn needs(&self) -> Vec<Needed> {
        let padded = self.stream_options.as_ref().and_then(|options| options.include_obfuscation);
        let asked = [
            (self.suffix.as_ref().is_some_and(|text| !text.is_empty()), Need::Suffix, "suffix"),
            (self.best_of.is_some_and(|best_of| best_of > self.choices()), Need::BestOf, "best_of"),
            (self.echo == Some(true) && self.logprobs.is_some(), Need::PromptLogprobs, "echo"),
            (padded == Some(true), Need::Obfuscation, "stream_options.include_obfuscation"),
        ];
        asked.into_iter().filter(|(wanted, ..)| *wanted).map(|(_, need, param)| Needed::new(need, param)).collect()
    }
}
