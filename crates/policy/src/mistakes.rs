//! What is wrong with a policy, all of it, each where it stands and with how to mend it; and what is worth knowing of one that
//! is right. Knows nothing of Cedar.

use std::fmt;
use std::sync::Arc;

/// Everything that is wrong, in the order of the files and their lines; one line each: `hr.cedar:12: what`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistakes(pub(crate) Vec<Mistake>);

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// The file, as it was named.
    pub file: Arc<str>,
    /// The line, counted from 1; 0 when it is about the file as a whole.
    pub line: usize,
    /// What is wrong, and how to mend it.
    pub what: String,
}

/// What is worth knowing, though nothing is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    /// The file and line of the rule that it is about; none where it is about none or several.
    pub at: Option<(Arc<str>, usize)>,
    /// What is to be known.
    pub what: String,
}

impl Mistakes {
    /// All of them.
    pub fn list(&self) -> &[Mistake] {
        &self.0
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file, self.what),
            line => write!(f, "{}:{line}: {}", self.file, self.what),
        }
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, mistake) in self.0.iter().enumerate() {
            if number > 0 {
                f.write_str("\n")?;
            }
            mistake.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.at {
            Some((file, line)) => write!(f, "{file}:{line}: {}", self.what),
            None => f.write_str(&self.what),
        }
    }
}

/// Collects the mistakes of one file by the byte where each stands.
#[derive(Debug)]
pub(crate) struct Found<'a> {
    file: Arc<str>,
    text: &'a str,
    list: Vec<(usize, String)>,
}

impl<'a> Found<'a> {
    pub(crate) fn of(file: &str, text: &'a str) -> Self {
        Self { file: file.into(), text, list: Vec::new() }
    }

    pub(crate) fn add(&mut self, byte: usize, what: impl Into<String>) {
        self.list.push((byte, what.into()));
    }

    pub(crate) fn line(&self, byte: usize) -> usize {
        line(self.text, byte)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// In the order of the file, each once.
    pub(crate) fn finish(mut self) -> Vec<Mistake> {
        self.list.sort();
        self.list.dedup();
        let (file, text) = (self.file, self.text);
        self.list.into_iter().map(|(byte, what)| Mistake { file: file.clone(), line: line(text, byte), what }).collect()
    }
}

/// The line on which the byte stands, counted from 1.
pub(crate) fn line(text: &str, byte: usize) -> usize {
    1 + text.bytes().take(byte).filter(|byte| *byte == b'\n').count()
}
