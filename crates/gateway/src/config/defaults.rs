//! Every default, with its reason. Knows nothing of the file.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::time::Duration;

use super::{Admission, AuditLog, Config, Judged, Limits, Local, LogMode, Payloads, Server, Version};

/// 4000, on loopback: nobody outside reaches a gateway whose operator has not yet chosen who may.
pub const LISTEN: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 4000));
/// The port after it, on loopback: administration is never by accident on the network.
pub const CONSOLE: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 4001));

/// 16 KiB: twice what common servers take, and what an unauthenticated caller can make us hold.
pub const HEAD_BYTES_MAX: usize = 16 * 1024;
/// 10 s: a head fits in one packet; ten seconds outlast several lost ones.
pub const HEAD_TIME_MAX: Duration = Duration::from_secs(10);
/// 16 MiB: the longest prompts of today in plain text, several times over.
pub const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;
/// 60 s: the largest body over 2.2 Mbit/s.
pub const BODY_TIME_MAX: Duration = Duration::from_mins(1);
/// 30 s: longer than the pools of common clients keep a connection unused between two requests of one job.
pub const IDLE_TIME_MAX: Duration = Duration::from_secs(30);
/// 4,096: some tens of MiB for connections alone, and well below common limits on open files once these are raised.
pub const CONNECTIONS_MAX: usize = 4096;
/// 15 min: a long answer of a small machine; the limit that official clients use is 10 min.
pub const ANSWER_TIME_MAX: Duration = Duration::from_mins(15);
/// 30 s: a reader that takes nothing for so long is gone or hostile.
pub const WRITE_STALL_TIME_MAX: Duration = Duration::from_secs(30);
/// 25 s: service managers kill after 30 s (Kubernetes) or 90 s (systemd); the last 5 s are for the audit log to be closed.
pub const DRAIN_TIME_MAX: Duration = Duration::from_secs(25);

/// 1,024: more waiting than any machine without a cluster behind it can answer in a useful time.
pub const REQUESTS_IN_FLIGHT_MAX: usize = 1024;
/// 256: one key can fill the local queue, and never the whole gateway.
pub const REQUESTS_IN_FLIGHT_PER_KEY_MAX: usize = 256;
/// 4 Mi tokens: 256 requests of 16 Ki tokens each.
pub const TOKENS_IN_FLIGHT_PER_KEY_MAX: u64 = 4 * 1024 * 1024;

/// 256: two hundred streams at once finish on the smallest machine.
pub const QUEUE_JOBS_MAX: usize = 256;
/// 16: beyond it a step of a small CPU grows as fast as what it answers.
pub const SEQUENCES_MAX: usize = 16;
/// 1 GiB: 16 sequences of a 1.5 B model at 2 Ki tokens each, with room.
pub const CACHE_MIB: usize = 1024;
/// 1,024 tokens: a page and a half; a caller who wants more says so.
pub const ANSWER_TOKENS_DEFAULT: u32 = 1024;

/// 5 s: three tries of a lost first packet.
pub const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);
/// 60 s: long prompts on busy clusters take tens of seconds to the first token.
pub const FIRST_BYTE_TIME_MAX: Duration = Duration::from_mins(1);
/// 30 s without a byte inside an answer: the stream is dead, however open its connection.
pub const REMOTE_IDLE_TIME_MAX: Duration = Duration::from_secs(30);
/// 10 min: the official clients' own limit.
pub const TOTAL_TIME_MAX: Duration = Duration::from_mins(10);

impl Default for Config {
    /// What holds when nothing is typed.
    fn default() -> Self {
        Self {
            version: Version::of(""),
            server: Server { listen: LISTEN, console: CONSOLE },
            limits: Limits::default(),
            admission: Admission::default(),
            local: Local::default(),
            policy: Judged::default(),
            routes: Vec::new(),
            teams: BTreeMap::new(),
            audit_log: AuditLog {
                mode: LogMode::Synced,
                payloads: Payloads::None,
                witnesses: None,
                watch: None,
                private_witnesses: false,
                open_entries: false,
            },
            destinations: Vec::new(),
            availability: super::Availability::default(),
            notices: Vec::new(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head_bytes_max: HEAD_BYTES_MAX,
            head_time_max: HEAD_TIME_MAX,
            body_bytes_max: BODY_BYTES_MAX,
            body_time_max: BODY_TIME_MAX,
            idle_time_max: IDLE_TIME_MAX,
            connections_max: CONNECTIONS_MAX,
            answer_time_max: ANSWER_TIME_MAX,
            write_stall_time_max: WRITE_STALL_TIME_MAX,
            drain_time_max: DRAIN_TIME_MAX,
        }
    }
}

impl Default for Admission {
    fn default() -> Self {
        Self {
            requests_in_flight_max: REQUESTS_IN_FLIGHT_MAX,
            requests_in_flight_per_key_max: REQUESTS_IN_FLIGHT_PER_KEY_MAX,
            requests_per_minute_per_key: None,
            tokens_in_flight_per_key_max: TOKENS_IN_FLIGHT_PER_KEY_MAX,
        }
    }
}

impl Default for Local {
    fn default() -> Self {
        Self {
            model: None,
            embedding_model: None,
            threads: None,
            queue_jobs_max: QUEUE_JOBS_MAX,
            sequences_max: SEQUENCES_MAX,
            cache_mib: CACHE_MIB,
            context_tokens_max: None,
            answer_tokens_default: ANSWER_TOKENS_DEFAULT,
            prefix_cache: true,
            speculation: true,
        }
    }
}
