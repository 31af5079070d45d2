//! The only place that writes to the terminal: answers on standard output, everything else on standard error. Colours are
//! dropped where nobody sees them (`NO_COLOR`, a file, a pipe).

use std::io::{self, IsTerminal as _, Write};

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use serde::Serialize;

/// For what is in order.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// For what is not.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// For what is worth a look.
pub(crate) const STRONG: Style = Style::new().bold();
/// For what is beside the point.
pub(crate) const FAINT: Style = Style::new().dimmed();

/// Standard output and standard error.
pub(crate) struct Terminal {
    out: AutoStream<io::Stdout>,
    err: AutoStream<io::Stderr>,
}

impl Terminal {
    pub(crate) fn new() -> Self {
        Self { out: AutoStream::auto(io::stdout()), err: AutoStream::auto(io::stderr()) }
    }

    /// Whether a person reads standard error.
    pub(crate) fn is_watched() -> bool {
        io::stderr().is_terminal()
    }

    /// Where answers go.
    pub(crate) fn out(&mut self) -> &mut dyn Write {
        &mut self.out
    }

    /// Writes an answer as JSON, for programs.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> Result<(), crate::failure::Failure> {
        serde_json::to_writer_pretty(&mut self.out, value)?;
        writeln!(self.out)?;
        Ok(())
    }

    /// Says what is going on, beside the answer.
    pub(crate) fn note(&mut self, text: &str) {
        // Where standard error is closed, nobody is there to be told.
        let _ = writeln!(self.err, "{text}");
    }

    /// Says what went wrong and how to mend it.
    pub(crate) fn error(&mut self, message: &str, hint: Option<&str>) {
        let _ = self.out.flush();
        let _ = writeln!(self.err, "{BAD}error:{BAD:#} {message}");
        if let Some(hint) = hint {
            let _ = writeln!(self.err, "{STRONG}hint:{STRONG:#} {hint}");
        }
    }
}
