//! The machine that is judged: looked at and measured here, or told. How fast memory is read decides how fast a model writes,
//! so it is read plainly for a second, on as many threads as the engine would take.

use clap::Args;
use gateway::clock::Clock;
use local_model_cpu::MemoryReader;
use serde::Serialize;

use crate::failure::Failure;

/// How long memory is read, and the fewest times; the fastest counts.
const MEASURED_MICROS: u64 = 1_000_000;
const READS_MIN: u32 = 3;

/// More than caches hold; of a small machine a quarter of what it has.
const READ_BYTES_MAX: u64 = 1 << 30;
const READ_BYTES_MIN: u64 = 64 << 20;

/// `--memory`, `--bandwidth`
#[derive(Args)]
pub(super) struct Told {
    /// Judge a machine with so much memory, in GB, instead of this one's
    #[arg(long, value_name = "GB", conflicts_with = "load", value_parser = giga)]
    memory: Option<u64>,
    /// Judge a machine that reads memory so fast, in GB a second, instead of measuring this one
    #[arg(long, value_name = "GB/S", conflicts_with = "load", value_parser = giga)]
    bandwidth: Option<u64>,
}

/// What is judged by.
#[derive(Serialize)]
pub(super) struct Machine {
    /// Bytes that a process can take.
    pub(super) memory_bytes: u64,
    /// Bytes that are read a second.
    pub(super) bandwidth_bytes_per_second: u64,
    /// Whether that was measured now; otherwise it was told.
    pub(super) bandwidth_is_measured: bool,
    pub(super) memory_is_this_machines: bool,
    pub(super) threads: usize,
    pub(super) kernels: &'static str,
}

impl Told {
    pub(super) fn look(&self) -> Result<Machine, Failure> {
        let here = local_model_cpu::machine();
        let memory_bytes = self.memory.or(here.memory_bytes).ok_or_else(|| {
            Failure::trouble("this system does not say how much memory can be taken").hint("say it with `--memory GB`")
        })?;
        let bandwidth_bytes_per_second = match self.bandwidth {
            Some(told) => told,
            None => measured(here.memory_bytes.unwrap_or(READ_BYTES_MAX), here.threads)?,
        };
        Ok(Machine {
            memory_bytes,
            bandwidth_bytes_per_second,
            bandwidth_is_measured: self.bandwidth.is_none(),
            memory_is_this_machines: self.memory.is_none(),
            threads: here.threads,
            kernels: here.kernels,
        })
    }
}

/// Bytes that a plain reader reads a second.
fn measured(memory_bytes: u64, threads: usize) -> Result<u64, Failure> {
    let bytes = (memory_bytes / 4).clamp(READ_BYTES_MIN, READ_BYTES_MAX);
    let refused = |error: &dyn std::fmt::Display| {
        Failure::trouble(format!("the speed of memory cannot be measured: {error}"))
            .hint("say it with `--bandwidth GB/S`")
    };
    let length = usize::try_from(bytes).map_err(|error| refused(&error))?;
    let mut reader = MemoryReader::new(length, threads).map_err(|error| refused(&error))?;
    let clock = Clock::system();
    let began = clock.now();
    let (mut fastest, mut reads) = (u64::MAX, 0);
    while reads < READS_MIN || clock.now().since(began).as_micros() < u128::from(MEASURED_MICROS) {
        let start = clock.now();
        reader.read();
        fastest = fastest.min(clock.now().as_micros().saturating_sub(start.as_micros()).max(1));
        reads += 1;
    }
    Ok(bytes.saturating_mul(1_000_000) / fastest)
}

/// `24`, `0.5`: in units of 10⁹, exactly.
fn giga(typed: &str) -> Result<u64, String> {
    let form = || format!("`{typed}` is no number of GB: write one over 0 and up to 1000000, such as `64` or `0.5`");
    let (whole, fraction) = typed.split_once('.').unwrap_or((typed, ""));
    let is_plain = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || fraction.len() > 9 || !is_plain(whole) || !is_plain(fraction) {
        return Err(form());
    }
    let whole = whole.parse::<u64>().ok().filter(|whole| *whole <= 1_000_000).ok_or_else(form)?;
    let fraction = format!("{fraction:0<9}").parse::<u64>().map_err(|_| form())?;
    match whole * 1_000_000_000 + fraction {
        0 => Err(form()),
        bytes => Ok(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact() {
        assert_eq!((giga("24"), giga("0.5"), giga("14.2")), (Ok(24_000_000_000), Ok(500_000_000), Ok(14_200_000_000)));
        for wrong in ["", "0", "0.0", "-1", "1e3", "1,5", ".5", "24GB", "1000001", "0.0000000001", "２"] {
            assert!(giga(wrong).is_err_and(|told| told.contains("is no number of GB")), "{wrong}");
        }
    }

    #[test]
    fn memory_is_read_at_some_speed() {
        let speed = measured(READ_BYTES_MIN, 1).unwrap();
        assert!(speed > 100_000_000, "{speed}");
    }
}
