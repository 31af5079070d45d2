//! The mistakes of a configuration file, all of them, each where it is and with how to mend it.
//!
//! Knows nothing of settings.

use std::fmt;

/// Everything that is wrong with a configuration and the files that it names. One line each, in the order of the files:
/// `gwanmun.toml:12: what`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistakes(Vec<Mistake>);

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The file, as it was named.
    pub file: String,
    /// The line, counted from 1; 0 when it is about the file as a whole.
    pub line: usize,
    /// What is wrong, and how to mend it.
    pub what: String,
}

impl Mistakes {
    /// One mistake about the file as a whole.
    pub(super) fn of_file(file: &str, what: String) -> Self {
        Self(vec![Mistake { file: file.to_owned(), line: 0, what }])
    }

    /// These, none of them in the configuration itself.
    pub(super) fn of(list: Vec<Mistake>) -> Self {
        Self(list)
    }

    /// The mistakes, in the order of the file.
    pub fn list(&self) -> &[Mistake] {
        &self.0
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, mistake) in self.0.iter().enumerate() {
            if number > 0 {
                f.write_str("\n")?;
            }
            match mistake.line {
                0 => write!(f, "{}: {}", mistake.file, mistake.what)?,
                line => write!(f, "{}:{line}: {}", mistake.file, mistake.what)?,
            }
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}

/// Collects mistakes while a file is read.
pub(super) struct Finder<'a> {
    text: &'a str,
    file: &'a str,
    found: Vec<(usize, String)>,
    /// In other files.
    elsewhere: Vec<Mistake>,
}

impl<'a> Finder<'a> {
    pub(super) fn new(text: &'a str, file: &'a str) -> Self {
        Self { text, file, found: Vec::new(), elsewhere: Vec::new() }
    }

    /// The file that is read, as it was named.
    pub(super) fn file(&self) -> &'a str {
        self.file
    }

    /// Notes a mistake at the byte `at` of the text.
    pub(super) fn add(&mut self, at: usize, what: impl Into<String>) {
        self.found.push((at, what.into()));
    }

    /// Notes mistakes of another file, which the text names.
    pub(super) fn add_elsewhere(&mut self, mistakes: impl IntoIterator<Item = Mistake>) {
        self.elsewhere.extend(mistakes);
    }

    /// The mistakes found, if there are any.
    pub(super) fn finish(mut self) -> Result<(), Mistakes> {
        if self.found.is_empty() && self.elsewhere.is_empty() {
            return Ok(());
        }
        self.found.sort();
        let line = |at| self.text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1;
        let here = self.found.iter().map(|(at, what)| Mistake {
            file: self.file.to_owned(),
            line: line(*at),
            what: what.clone(),
        });
        Err(Mistakes(here.chain(self.elsewhere).collect()))
    }
}
