//! Stage two: what the typed settings mean. Ranges, units, defaults, names, secrets; every mistake, not the first.
//!
//! It knows nothing of TOML.

use std::fmt::Display;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::mistakes::Finder;
use super::typed::{self, At, Typed};
use super::{
    Admission, AuditLog, Config, Limits, Local, LocalModelChoice, LogMode, Payloads, Server, Version, defaults, listed,
    nearest,
};

mod availability;
mod destination;
mod judged;
mod manner;
mod reach;

/// Gives the value of an environment variable. Handed in, so that a test can stand in an environment.
pub(super) type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Settings that hold a time: a day is longer than anything that waits for a caller.
const SECONDS: RangeInclusive<i64> = 1..=86_400;
/// More than this many of one thing is a mistyped number.
const COUNT: RangeInclusive<i64> = 1..=1_000_000;
/// Names of destinations and models, in bytes: entries and metrics hold them.
const NAME_BYTES_MAX: usize = 128;
/// Destinations, and models of one: an entry that names all of them stays below the log's limit.
const LISTED_MAX: usize = 128;

/// Checks what was typed.
pub(super) fn check(typed: Typed, version: Version, environment: Environment<'_>, mistakes: &mut Finder<'_>) -> Config {
    let local_defaults = Local::default();
    let mut numbers = Numbers { mistakes };
    let limits = limits(&typed.limits, &mut numbers);
    let admission = admission(&typed.admission, &mut numbers);
    let local = Local {
        model: None,
        embedding_model: None,
        threads: numbers.count("local.threads", typed.local.threads.as_ref(), 1..=1024),
        queue_jobs_max: numbers.or(
            "local.queue_jobs_max",
            typed.local.queue_jobs_max.as_ref(),
            COUNT,
            local_defaults.queue_jobs_max,
        ),
        sequences_max: numbers.or(
            "local.sequences_max",
            typed.local.sequences_max.as_ref(),
            1..=4096,
            local_defaults.sequences_max,
        ),
        cache_mib: numbers.or(
            "local.cache_mib",
            typed.local.cache_mib.as_ref(),
            16..=16_777_216,
            local_defaults.cache_mib,
        ),
        context_tokens_max: numbers.count(
            "local.context_tokens_max",
            typed.local.context_tokens_max.as_ref(),
            16..=16_777_216,
        ),
        answer_tokens_default: numbers.or(
            "local.answer_tokens_default",
            typed.local.answer_tokens_default.as_ref(),
            1..=1_048_576,
            local_defaults.answer_tokens_default,
        ),
        prefix_cache: typed.local.prefix_cache.unwrap_or(local_defaults.prefix_cache),
        speculation: typed.local.speculation.unwrap_or(local_defaults.speculation),
    };
    let mut chosen = |setting, typed: Option<At<String>>| typed.and_then(|typed| choice(setting, &typed, mistakes));
    let model = chosen("local.model", typed.local.model);
    let embedding_model = chosen("local.embedding_model", typed.local.embedding_model);
    let local = Local { model, embedding_model, ..local };
    let policy = judged::policy(&typed.policy, &typed.dictionaries, &typed.patterns, mistakes);
    let offered = judged::offered(&typed.destinations);
    let destinations = destination::destinations(typed.destinations, &policy, environment, mistakes);
    let mut config = Config {
        version,
        server: server(&typed.server, mistakes),
        limits,
        admission,
        local,
        audit_log: audit_log(&typed.audit_log, mistakes),
        routes: judged::routes(typed.routes, &offered, &destinations, mistakes),
        teams: judged::teams(typed.teams, mistakes),
        availability: availability::availability(typed.availability, environment, mistakes),
        notices: Vec::new(),
        policy,
        destinations,
    };
    // They speak of all else.
    config.notices = availability::notices(typed.notices, &config, mistakes);
    config
}

fn audit_log(typed: &typed::AuditLog, mistakes: &mut Finder<'_>) -> AuditLog {
    let modes = [("synced", LogMode::Synced), ("off", LogMode::Off)];
    let payloads = [("none", Payloads::None), ("sealed", Payloads::Sealed)];
    let mut file = |setting: &str, typed: Option<&At<String>>| {
        let typed = typed?;
        if typed.value.is_empty() {
            mistakes.add(typed.at, format!("`{setting}` must name a file"));
        }
        Some(typed.value.clone().into())
    };
    let witnesses = file("audit_log.witnesses", typed.witnesses.as_ref());
    let watch = file("audit_log.watch", typed.watch.as_ref());
    AuditLog {
        mode: one_of("audit_log.mode", typed.mode.as_ref(), &modes, mistakes).unwrap_or(LogMode::Synced),
        payloads: one_of("audit_log.payloads", typed.payloads.as_ref(), &payloads, mistakes).unwrap_or(Payloads::None),
        witnesses,
        watch,
        private_witnesses: typed.private_witnesses.unwrap_or(false),
        open_entries: typed.open_entries.unwrap_or(false),
    }
}

fn limits(typed: &typed::Limits, numbers: &mut Numbers<'_, '_>) -> Limits {
    let of = Limits::default();
    Limits {
        // The upper end is what the buffers below hold.
        head_bytes_max: numbers.or(
            "limits.head_bytes_max",
            typed.head_bytes_max.as_ref(),
            1024..=65_536,
            of.head_bytes_max,
        ),
        head_time_max: numbers.seconds("limits.head_seconds_max", typed.head_seconds_max.as_ref(), of.head_time_max),
        body_bytes_max: numbers.or(
            "limits.body_bytes_max",
            typed.body_bytes_max.as_ref(),
            1024..=1_073_741_824,
            of.body_bytes_max,
        ),
        body_time_max: numbers.seconds("limits.body_seconds_max", typed.body_seconds_max.as_ref(), of.body_time_max),
        idle_time_max: numbers.seconds("limits.idle_seconds_max", typed.idle_seconds_max.as_ref(), of.idle_time_max),
        connections_max: numbers.or(
            "limits.connections_max",
            typed.connections_max.as_ref(),
            COUNT,
            of.connections_max,
        ),
        answer_time_max: numbers.seconds(
            "limits.answer_seconds_max",
            typed.answer_seconds_max.as_ref(),
            of.answer_time_max,
        ),
        write_stall_time_max: numbers.seconds(
            "limits.write_stall_seconds_max",
            typed.write_stall_seconds_max.as_ref(),
            of.write_stall_time_max,
        ),
        drain_time_max: numbers.seconds(
            "limits.drain_seconds_max",
            typed.drain_seconds_max.as_ref(),
            of.drain_time_max,
        ),
    }
}

fn admission(typed: &typed::Admission, numbers: &mut Numbers<'_, '_>) -> Admission {
    let of = Admission::default();
    Admission {
        requests_in_flight_max: numbers.or(
            "admission.requests_in_flight_max",
            typed.requests_in_flight_max.as_ref(),
            COUNT,
            of.requests_in_flight_max,
        ),
        requests_in_flight_per_key_max: numbers.or(
            "admission.requests_in_flight_per_key_max",
            typed.requests_in_flight_per_key_max.as_ref(),
            COUNT,
            of.requests_in_flight_per_key_max,
        ),
        requests_per_minute_per_key: numbers.count(
            "admission.requests_per_minute_per_key",
            typed.requests_per_minute_per_key.as_ref(),
            COUNT,
        ),
        tokens_in_flight_per_key_max: numbers.or(
            "admission.tokens_in_flight_per_key_max",
            typed.tokens_in_flight_per_key_max.as_ref(),
            1..=1_000_000_000_000,
            of.tokens_in_flight_per_key_max,
        ),
    }
}

fn server(typed: &typed::Server, mistakes: &mut Finder<'_>) -> Server {
    let mut address = |name: &str, typed: Option<&At<String>>, otherwise: SocketAddr| {
        let Some(typed) = typed else { return otherwise };
        typed.value.parse().unwrap_or_else(|_| {
            let what = "must be an address and a port, such as `127.0.0.1:4000` or `[::1]:4000`";
            mistakes.add(typed.at, format!("`{name}` is `{}`, and {what}", typed.value));
            otherwise
        })
    };
    let listen = address("server.listen", typed.listen.as_ref(), defaults::LISTEN);
    let console = address("server.console", typed.console.as_ref(), defaults::CONSOLE);
    if listen == console && listen.port() != 0 {
        let at = typed.console.as_ref().or(typed.listen.as_ref()).map_or(0, |typed| typed.at);
        mistakes.add(at, format!("`server.listen` and `server.console` are both `{listen}`: give one another port"));
    }
    Server { listen, console }
}

fn choice(setting: &str, typed: &At<String>, mistakes: &mut Finder<'_>) -> Option<LocalModelChoice> {
    let value = typed.value.as_str();
    if value == "none" {
        Some(LocalModelChoice::None)
    } else if value.contains('/') || Path::new(value).extension().is_some_and(|ending| ending == "gguf") {
        Some(LocalModelChoice::File(value.into()))
    } else {
        name(setting, typed, mistakes).map(LocalModelChoice::Named)
    }
}

/// The name of a model: visible ASCII, for it stands in entries, metrics and addresses.
fn name(setting: &str, typed: &At<String>, mistakes: &mut Finder<'_>) -> Option<Arc<str>> {
    let value = typed.value.as_str();
    let proper = |byte: u8| byte.is_ascii_graphic() && !b"\"\\`".contains(&byte);
    if value.is_empty() || value.len() > NAME_BYTES_MAX || !value.bytes().all(proper) {
        let what = format!("a model's name must be 1 to {NAME_BYTES_MAX} visible ASCII characters without quotes");
        mistakes.add(typed.at, format!("`{setting}` has `{}`, and {what}", value.escape_debug()));
        return None;
    }
    Some(value.into())
}

fn one_of<T: Copy>(
    setting: &str,
    typed: Option<&At<String>>,
    words: &[(&'static str, T)],
    mistakes: &mut Finder<'_>,
) -> Option<T> {
    let typed = typed?;
    let found = words.iter().find(|(word, _)| *word == typed.value).map(|(_, meaning)| *meaning);
    if found.is_none() {
        let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
        let hint = nearest(&typed.value, &words).map(|near| format!(": did you mean `{near}`?")).unwrap_or_default();
        let what = format!("must be one of {}{hint}", listed(&words));
        mistakes.add(typed.at, format!("`{setting}` is `{}`, and {what}", typed.value.escape_debug()));
    }
    found
}

/// Checks numbers against their ranges.
struct Numbers<'a, 'b> {
    mistakes: &'a mut Finder<'b>,
}

impl Numbers<'_, '_> {
    /// The number typed, if it was and is in range.
    fn count<T: TryFrom<i64>>(
        &mut self,
        setting: &str,
        typed: Option<&At<i64>>,
        range: RangeInclusive<i64>,
    ) -> Option<T> {
        let typed = typed?;
        let proper = range.contains(&typed.value).then(|| T::try_from(typed.value).ok()).flatten();
        if proper.is_none() {
            let (least, most) = (range.start(), range.end());
            let what = format!("must be from {least} to {most}");
            self.mistakes.add(typed.at, format!("`{setting}` is {}, and {what}", typed.value));
        }
        proper
    }

    fn or<T: TryFrom<i64> + Display>(
        &mut self,
        setting: &str,
        typed: Option<&At<i64>>,
        range: RangeInclusive<i64>,
        default: T,
    ) -> T {
        self.count(setting, typed, range).unwrap_or(default)
    }

    fn seconds(&mut self, setting: &str, typed: Option<&At<i64>>, default: Duration) -> Duration {
        self.count(setting, typed, SECONDS).map_or(default, Duration::from_secs)
    }
}
