//! How long verifying takes, and how much memory: makes a log of a million entries (or as many as the first argument says)
//! and verifies it in a process of its own. With a directory as the argument, verifies that.

#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "the tests' own writer, which may fall over")]
#[path = "../tests/it/writer.rs"]
mod writer;

use std::error::Error;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use audit_verify::{Options, verify};

fn main() -> Result<(), Box<dyn Error>> {
    let argument = std::env::args().nth(1).unwrap_or_else(|| "1000000".to_owned());
    if Path::new(&argument).is_dir() {
        return measure(Path::new(&argument));
    }
    let directory = tempfile::tempdir()?;
    let keys = writer::Keys::new(writer::ORIGIN, 1);
    let entries = writer::Story::of(argument.parse()?).entries;
    writer::write(directory.path(), &writer::files(&entries, &keys, &[], 64 << 20));
    Command::new(std::env::current_exe()?).arg(directory.path()).status()?;
    Ok(())
}

#[expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a measurement prints what the clock says")]
fn measure(directory: &Path) -> Result<(), Box<dyn Error>> {
    let begun = Instant::now();
    let report = verify(directory, &Options::default())?;
    let seconds = begun.elapsed().as_secs_f64();
    println!("{report}");
    println!("{} entries, {} bytes, in {seconds:.2} s", report.entries, report.entry_bytes);
    // Linux only; elsewhere nothing is said.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    println!("{}", status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default());
    Ok(())
}
