//! How long verifying takes: makes a log of a million entries (or as many as the first argument says) and times it.

#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "the tests' own writer, which may fall over")]
#[path = "../tests/it/writer.rs"]
mod writer;

use std::time::Instant;

use audit_verify::{Options, verify};

#[expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a measurement prints what the clock says")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let length: usize = std::env::args().nth(1).map_or(Ok(1_000_000), |text| text.parse())?;
    let directory = tempfile::tempdir()?;
    let keys = writer::Keys::new(writer::ORIGIN, 1);
    writer::write(directory.path(), &writer::files(&writer::Story::of(length).entries, &keys, &[], 64 << 20));
    // What making the log took shall not count: the kernel begins its peak anew.
    writer::put(std::path::Path::new("/proc/self/clear_refs"), b"5");
    let before = memory("VmRSS");
    let begun = Instant::now();
    let report = verify(directory.path(), &Options::default())?;
    let seconds = begun.elapsed().as_secs_f64();
    println!("{report}");
    println!("{} entries, {} bytes, in {seconds:.2} s", report.entries, report.entry_bytes);
    println!("memory before {before}, at most {}", memory("VmHWM"));
    Ok(())
}

/// A line of what Linux tells of this process.
fn memory(line: &str) -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().find_map(|told| told.strip_prefix(line)).unwrap_or_default().replace(['\t', ':'], "")
}
