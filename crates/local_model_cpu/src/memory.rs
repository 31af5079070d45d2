//! How much memory this machine can still give, asked before a model is loaded: a clear refusal instead of a process
//! that the system kills. It must not know models.

use std::fs;

use crate::LoadError;

/// Refuses what would not fit; allows it where the system does not say.
pub(crate) fn ensure_available(bytes: usize, what: &str) -> Result<(), LoadError> {
    match available() {
        Some(available) if (bytes as u64) > available => Err(LoadError::Machine(format!(
            "{what} need {} MiB of memory, of which {} MiB are available; free some or take a smaller model",
            bytes >> 20,
            available >> 20
        ))),
        _ => Ok(()),
    }
}

/// Bytes that a process can take without others being pushed out: the least of what the system and the control group
/// (a container's limit) leave.
pub(crate) fn available() -> Option<u64> {
    let system = fs::read_to_string("/proc/meminfo").ok().and_then(|text| meminfo_available(&text));
    let group = group_left();
    system.into_iter().chain(group).min()
}

/// `MemAvailable` of Linux's `/proc/meminfo`, in bytes.
fn meminfo_available(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// What a version 2 control group has left, the caches of files in it counted as free.
fn group_left() -> Option<u64> {
    let read = |name: &str| fs::read_to_string(format!("/sys/fs/cgroup/{name}")).ok();
    let limit: u64 = read("memory.max")?.trim().parse().ok()?;
    let used: u64 = read("memory.current")?.trim().parse().ok()?;
    let cached = read("memory.stat").and_then(|text| stat(&text, "inactive_file")).unwrap_or(0);
    Some(limit.saturating_sub(used.saturating_sub(cached)))
}

/// An entry of a control group's `memory.stat`.
fn stat(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
}

#[cfg(test)]
mod tests;
