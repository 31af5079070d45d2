//! The text of a policy's settings, for what is told of its cases. The settings themselves are read by the crate `policy`.

use std::fs;
use std::path::Path;

use policy::Policy;

/// Where the cases of a policy stand, and in which words.
pub(super) struct Written {
    pub(super) file: String,
    text: String,
}

impl Written {
    /// Of a shipped policy by its name, or of a file of rules that has settings beside it; empty where there are none.
    pub(super) fn of(named: &str) -> Self {
        if let Some((_, settings)) = Policy::shipped_files(named) {
            return Self { file: settings.name.to_owned(), text: settings.text.to_owned() };
        }
        let beside = Path::new(named).with_extension("toml");
        Self { file: beside.display().to_string(), text: fs::read_to_string(&beside).unwrap_or_default() }
    }

    /// A case as it was written: what stands below the line with its heading, up to the next one.
    pub(super) fn case(&self, line: usize) -> impl Iterator<Item = &str> {
        let is_of_it = |line: &&str| !line.is_empty() && !line.starts_with(['[', '#']);
        self.text.lines().skip(line).take_while(is_of_it)
    }
}
