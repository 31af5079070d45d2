//! When to kill: after so many promises while it serves, or somewhere within a start, aimed at the time in which it holds the
//! log's lock and does not take requests yet. Knows the kernel's list of locks; nothing of what is killed.

use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// How often the kernel is asked whether a start has come so far.
const LOOK_EVERY: Duration = Duration::from_micros(200);

/// How long a start may take.
const START_TIME_MAX: Duration = Duration::from_mins(1);

/// Chance that a seed replays: `SplitMix64` (Steele, Lea, Flood 2014).
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// Of this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound.max(1)
    }

    /// The same for a place in a list.
    pub fn below_index(&mut self, bound: usize) -> usize {
        usize::try_from(self.below(bound as u64)).expect("a place in a list")
    }
}

/// When to kill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// While it serves: after so many promises and so much time more.
    Serving {
        /// Promises given since it started.
        promises: u64,
        /// And then.
        later: Duration,
    },
    /// While it starts, so many thousandths of a start after it began.
    Starting(u32),
    /// While it reads its log back, so many thousandths of the time that it takes for that.
    Recovering(u32),
}

impl Moment {
    /// One by chance.
    pub fn choose(starting: bool, chance: &mut Chance) -> Self {
        let thousandths = u32::try_from(chance.below(1000)).expect("below a thousand");
        match (starting, chance.below(4)) {
            (true, 0) => Self::Starting(thousandths),
            (true, _) => Self::Recovering(thousandths),
            (false, _) => {
                let promises = 1 + chance.below(200);
                Self::Serving { promises, later: Duration::from_micros(chance.below(3000)) }
            }
        }
    }
}

/// How long parts of a start take, as the last whole one showed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Starting {
    /// From its beginning until it holds the log's lock.
    pub to_lock: Duration,
    /// From then until it takes connections.
    pub to_open: Duration,
}

impl Starting {
    /// Follows the start of a process to its end.
    pub fn watch(process: u32, log: &Path, address: SocketAddr) -> Self {
        let begun = Instant::now();
        let to_lock = until(begun, process, || locked(process, log));
        let open = until(begun, process, || TcpStream::connect(address).is_ok());
        Self { to_lock, to_open: open.saturating_sub(to_lock) }
    }

    /// Waits for a moment within a start that has just begun; whether it takes no connections yet then.
    pub fn wait(&self, moment: Moment, process: u32, log: &Path, address: SocketAddr) -> bool {
        let begun = Instant::now();
        match moment {
            Moment::Serving { .. } => {}
            Moment::Starting(part) => {
                let at = (self.to_lock + self.to_open) * part / 1000;
                until(begun, process, || begun.elapsed() >= at);
            }
            Moment::Recovering(part) => {
                let at = until(begun, process, || locked(process, log)) + self.to_open * part / 1000;
                until(begun, process, || begun.elapsed() >= at);
            }
        }
        TcpStream::connect(address).is_err()
    }
}

fn until(begun: Instant, process: u32, mut reached: impl FnMut() -> bool) -> Duration {
    while !reached() {
        assert!(begun.elapsed() < START_TIME_MAX, "a start took longer than a minute");
        let state = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        assert!(state.contains(')') && !state.contains(") Z "), "it ended by itself instead of starting");
        std::thread::sleep(LOOK_EVERY);
    }
    begun.elapsed()
}

/// Whether the process holds the lock of the log, as the kernel's list says (proc(5), `/proc/locks`).
fn locked(process: u32, log: &Path) -> bool {
    let Ok(file) = std::fs::metadata(log.join("lock")) else { return false };
    let (process, file) = (process.to_string(), format!(":{}", file.ino()));
    let locks = std::fs::read_to_string("/proc/locks").expect("Linux lists locks");
    locks.lines().any(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        words.get(4) == Some(&process.as_str()) && words.get(5).is_some_and(|lock| lock.ends_with(&file))
    })
}
