//! The mistakes of a configuration file, all of them, each where it is and with how to mend it.
//!
//! Knows nothing of settings.

use std::fmt;

/// Everything that is wrong with a configuration. One line each, in the order of the file: `gwanmun.toml:12: what`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistakes {
    file: String,
    list: Vec<Mistake>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The line, counted from 1; 0 when it is about the file as a whole.
    pub line: usize,
    /// What is wrong, and how to mend it.
    pub what: String,
}

impl Mistakes {
    /// One mistake about the file as a whole.
    pub(super) fn of_file(file: &str, what: String) -> Self {
        Self { file: file.to_owned(), list: vec![Mistake { line: 0, what }] }
    }

    /// The mistakes, in the order of the file.
    pub fn list(&self) -> &[Mistake] {
        &self.list
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, mistake) in self.list.iter().enumerate() {
            if number > 0 {
                f.write_str("\n")?;
            }
            match mistake.line {
                0 => write!(f, "{}: {}", self.file, mistake.what)?,
                line => write!(f, "{}:{line}: {}", self.file, mistake.what)?,
            }
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}

/// Collects mistakes while a file is read.
pub(super) struct Finder<'a> {
    text: &'a str,
    found: Vec<(usize, String)>,
}

impl<'a> Finder<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, found: Vec::new() }
    }

    /// Notes a mistake at the byte `at` of the text.
    pub(super) fn add(&mut self, at: usize, what: impl Into<String>) {
        self.found.push((at, what.into()));
    }

    /// The mistakes found in `file`, if there are any.
    pub(super) fn finish(mut self, file: &str) -> Result<(), Mistakes> {
        if self.found.is_empty() {
            return Ok(());
        }
        self.found.sort();
        let line = |at| self.text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1;
        let list = self.found.iter().map(|(at, what)| Mistake { line: line(*at), what: what.clone() }).collect();
        Err(Mistakes { file: file.to_owned(), list })
    }
}
