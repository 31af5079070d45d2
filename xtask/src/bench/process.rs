//! What the kernel says of a process: processor time, memory. Linux's `/proc`, read and nothing else.

use std::fs;

use anyhow::{Context as _, Result};

/// Clock ticks in a second as `/proc` counts them: the kernel's constant for programs on every Linux there is.
const TICKS_PER_SECOND: f64 = 100.0;

/// Processor seconds, user and system, of a process and of all that it has started and that still runs.
pub(super) fn cpu_seconds(pid: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).with_context(|| format!("process {pid} is gone"))?;
    // The second field is a name in brackets, which may hold spaces; the rest follow its bracket. utime and stime are the
    // 14th and 15th of all.
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let fields: Vec<f64> =
        after_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse().ok()).collect();
    let own = fields.iter().sum::<f64>() / TICKS_PER_SECOND;
    let started = children(pid).into_iter().map(cpu_seconds).sum::<Result<f64>>()?;
    Ok(own + started)
}

/// Resident memory in KiB, of a process and of what it has started.
pub(super) fn resident_kib(pid: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).with_context(|| format!("process {pid} is gone"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no resident memory told")?;
    let own: f64 = line.trim().trim_end_matches(" kB").parse()?;
    let started = children(pid).into_iter().map(resident_kib).sum::<Result<f64>>()?;
    Ok(own + started)
}

fn children(pid: u32) -> Vec<u32> {
    let list = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    list.split_whitespace().filter_map(|child| child.parse().ok()).collect()
}
