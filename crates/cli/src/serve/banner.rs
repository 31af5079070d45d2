//! What `serve` says when it is ready: all that is needed to use it, in less than twenty lines. Pure.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use local_model::ModelCard;

use crate::{
    table,
    terminal::{FAINT, STRONG},
};

/// What there is to say.
pub(super) struct Banner<'a> {
    pub(super) version: &'a str,
    pub(super) listen: SocketAddr,
    pub(super) console: SocketAddr,
    pub(super) data_dir: &'a str,
    /// The first key; said at the first start only, for it cannot be shown again.
    pub(super) key: Option<&'a str>,
    pub(super) model: Option<&'a ModelCard>,
    pub(super) notes: &'a [String],
    /// What makes vectors of texts.
    pub(super) embedder: Option<&'a ModelCard>,
}

impl Banner<'_> {
    /// The lines, with colours.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("{STRONG}관문 Gwanmun{STRONG:#} {}", self.version)];
        let mut say = |what: &str, text: &str| lines.push(format!("  {STRONG}{what:<8}{STRONG:#}{text}"));
        if let Some(key) = self.key {
            say("key", key);
            say("", &format!("{FAINT}keep it: it is not shown again; `gwanmun key create` makes others{FAINT:#}"));
        }
        say("API", &format!("{}/v1", url(self.listen)));
        say("model", &self.model());
        if let Some(note) = self.notes.first() {
            say("", &format!("{FAINT}{note}{FAINT:#}"));
        }
        if let Some(embedder) = self.embedder {
            let dimensions = embedder.dimensions.unwrap_or(0);
            say("vectors", &format!("{} ({}, {dimensions} numbers each)", embedder.name, table::bytes(embedder.bytes)));
        }
        say("console", &format!("{} {FAINT}(who may sign in: `gwanmun account create`){FAINT:#}", url(self.console)));
        say("data", self.data_dir);
        say("stop", "Ctrl-C; answers under way are finished first");
        if let (Some(key), Some(model)) = (self.key, self.model) {
            lines.push("try it:".to_owned());
            lines.push(format!("  curl {}/v1/chat/completions -H 'Authorization: Bearer {key}' \\", url(self.listen)));
            let question = r#"{"role":"user","content":"What is the capital of France?"}"#;
            lines.push(format!(
                "    -H 'Content-Type: application/json' -d '{{\"model\":\"{}\",\"messages\":[{question}]}}'",
                model.name
            ));
            lines.push(format!("  gwanmun ask{} \"What is the capital of France?\"", self.data_dir_flag()));
        }
        lines
    }

    fn model(&self) -> String {
        let Some(model) = self.model else {
            return "none on this machine: only configured destinations answer".to_owned();
        };
        let licence = model.licence.as_deref().unwrap_or("no licence stated");
        let languages = match model.languages.as_slice() {
            [] => "languages not stated".to_owned(),
            [only] if only == "en" => "speaks English only".to_owned(),
            languages => languages.join(" "),
        };
        format!("{} ({}, {licence}, {languages})", model.name, table::bytes(model.bytes))
    }

    fn data_dir_flag(&self) -> String {
        format!(" --data-dir '{}'", self.data_dir.replace('\'', r"'\''"))
    }
}

/// An address that works on this machine, also where it listens on all.
pub(super) fn url(mut address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    format!("http://{address}")
}

#[cfg(test)]
mod tests;
