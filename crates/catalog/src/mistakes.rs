//! What is wrong with the files of a catalogue, all of it, each where it is and with how to mend it. Knows nothing of facts.

use std::fmt;

/// Everything that is wrong, in the order of the files and their lines; one line each: `models.toml:12: what`.
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
    /// One about a file or folder as a whole.
    pub(crate) fn of_file(file: &str, what: String) -> Self {
        Self(vec![Mistake { file: file.to_owned(), line: 0, what }])
    }

    /// All of them.
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

/// A place in the files: which file, and the byte of its text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct At {
    pub(crate) file: usize,
    pub(crate) byte: usize,
}

impl At {
    /// Another byte of the same file; the same place where there is none.
    pub(crate) fn or(self, span: Option<std::ops::Range<usize>>) -> Self {
        Self { byte: span.map_or(self.byte, |span| span.start), ..self }
    }
}

/// Collects mistakes while the files are read.
#[derive(Debug, Default)]
pub(crate) struct Found(Vec<(At, String)>);

impl Found {
    pub(crate) fn add(&mut self, at: At, what: impl Into<String>) {
        self.0.push((at, what.into()));
    }

    /// The mistakes found in `files`, given as names and texts; if there are any.
    pub(crate) fn finish(mut self, files: &[(String, &str)]) -> Result<(), Mistakes> {
        if self.0.is_empty() {
            return Ok(());
        }
        self.0.sort();
        self.0.dedup();
        let told = self.0.into_iter().map(|(at, what)| {
            let (file, line) =
                files.get(at.file).map_or((String::new(), 0), |(name, text)| (name.clone(), line(text, at)));
            Mistake { file, line, what }
        });
        Err(Mistakes(told.collect()))
    }
}

/// The line that `at` is on, counted from 1.
pub(crate) fn line(text: &str, at: At) -> usize {
    text.bytes().take(at.byte).filter(|byte| *byte == b'\n').count() + 1
}
