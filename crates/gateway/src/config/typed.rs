//! Stage one: what was typed. Values of the right kind, each with its place; what is missing stays missing.
//!
//! It knows which keys there are, and not what a value means.

use std::ops::Range;

use toml_edit::{Document, Item, TableLike};

use super::mistakes::Finder;

mod availability;
mod destination;
mod judged;

pub(super) use availability::{Availability, Notice};
pub(super) use destination::{Destination, Model};
pub(super) use judged::{Dictionary, Manner, Pattern, Registered, Route, Team};

/// A value that was typed, and where: a byte of the text.
#[derive(Clone, Debug)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) at: usize,
}

#[derive(Debug, Default)]
pub(super) struct Typed {
    pub(super) server: Server,
    pub(super) limits: Limits,
    pub(super) admission: Admission,
    pub(super) local: Local,
    pub(super) policy: Policy,
    pub(super) audit_log: AuditLog,
    pub(super) destinations: Vec<Destination>,
    pub(super) routes: Vec<Route>,
    pub(super) teams: Vec<Team>,
    pub(super) dictionaries: Vec<Dictionary>,
    pub(super) patterns: Vec<Pattern>,
    pub(super) availability: Availability,
    pub(super) notices: Vec<Notice>,
}

#[derive(Debug, Default)]
pub(super) struct Server {
    pub(super) listen: Option<At<String>>,
    pub(super) console: Option<At<String>>,
}

#[derive(Debug, Default)]
#[expect(clippy::struct_field_names, reason = "they are called as the file calls them")]
pub(super) struct Limits {
    pub(super) head_bytes_max: Option<At<i64>>,
    pub(super) head_seconds_max: Option<At<i64>>,
    pub(super) body_bytes_max: Option<At<i64>>,
    pub(super) body_seconds_max: Option<At<i64>>,
    pub(super) idle_seconds_max: Option<At<i64>>,
    pub(super) connections_max: Option<At<i64>>,
    pub(super) answer_seconds_max: Option<At<i64>>,
    pub(super) write_stall_seconds_max: Option<At<i64>>,
    pub(super) drain_seconds_max: Option<At<i64>>,
}

#[derive(Debug, Default)]
pub(super) struct Admission {
    pub(super) requests_in_flight_max: Option<At<i64>>,
    pub(super) requests_in_flight_per_key_max: Option<At<i64>>,
    pub(super) requests_per_minute_per_key: Option<At<i64>>,
    pub(super) tokens_in_flight_per_key_max: Option<At<i64>>,
}

#[derive(Debug, Default)]
pub(super) struct Local {
    pub(super) model: Option<At<String>>,
    pub(super) embedding_model: Option<At<String>>,
    pub(super) threads: Option<At<i64>>,
    pub(super) queue_jobs_max: Option<At<i64>>,
    pub(super) sequences_max: Option<At<i64>>,
    pub(super) cache_mib: Option<At<i64>>,
    pub(super) context_tokens_max: Option<At<i64>>,
    pub(super) answer_tokens_default: Option<At<i64>>,
    pub(super) prefix_cache: Option<bool>,
    pub(super) speculation: Option<bool>,
}

#[derive(Debug, Default)]
pub(super) struct Policy {
    pub(super) used: Option<At<String>>,
    pub(super) home: Option<At<String>>,
    pub(super) catalog: Option<At<String>>,
}

#[derive(Debug, Default)]
pub(super) struct AuditLog {
    pub(super) mode: Option<At<String>>,
    pub(super) payloads: Option<At<String>>,
    pub(super) witnesses: Option<At<String>>,
    pub(super) watch: Option<At<String>>,
    pub(super) private_witnesses: Option<bool>,
    pub(super) open_entries: Option<bool>,
}

/// Reads `text`; what is of the wrong kind or unknown goes to `mistakes` and counts as missing.
pub(super) fn read(text: &str, mistakes: &mut Finder<'_>) -> Typed {
    let document = match Document::parse(text) {
        Ok(document) => document,
        Err(error) => {
            let at = error.span().map_or(0, |span| span.start);
            mistakes.add(at, format!("this is not TOML: {}", error.message()));
            return Typed::default();
        }
    };
    let mut file = Section::new(document.as_table(), "", 0);
    let typed = Typed {
        server: file.section("server", mistakes).map(|section| server(section, mistakes)).unwrap_or_default(),
        limits: file.section("limits", mistakes).map(|section| limits(section, mistakes)).unwrap_or_default(),
        admission: file.section("admission", mistakes).map(|section| admission(section, mistakes)).unwrap_or_default(),
        local: file.section("local", mistakes).map(|section| local(section, mistakes)).unwrap_or_default(),
        policy: file.section("policy", mistakes).map(|section| policy(section, mistakes)).unwrap_or_default(),
        audit_log: file.section("audit_log", mistakes).map(|section| audit_log(section, mistakes)).unwrap_or_default(),
        destinations: destination::destinations(&mut file, mistakes),
        routes: judged::routes(&mut file, mistakes),
        teams: judged::teams(&mut file, mistakes),
        dictionaries: judged::dictionaries(&mut file, mistakes),
        patterns: judged::patterns(&mut file, mistakes),
        availability: availability::availability(&mut file, mistakes),
        notices: availability::notices(&mut file, mistakes),
    };
    file.finish(mistakes);
    typed
}

fn server(mut section: Section<'_>, mistakes: &mut Finder<'_>) -> Server {
    let server = Server { listen: section.string("listen", mistakes), console: section.string("console", mistakes) };
    section.finish(mistakes);
    server
}

fn limits(mut section: Section<'_>, mistakes: &mut Finder<'_>) -> Limits {
    let mut whole = |key| section.whole(key, mistakes);
    let limits = Limits {
        head_bytes_max: whole("head_bytes_max"),
        head_seconds_max: whole("head_seconds_max"),
        body_bytes_max: whole("body_bytes_max"),
        body_seconds_max: whole("body_seconds_max"),
        idle_seconds_max: whole("idle_seconds_max"),
        connections_max: whole("connections_max"),
        answer_seconds_max: whole("answer_seconds_max"),
        write_stall_seconds_max: whole("write_stall_seconds_max"),
        drain_seconds_max: whole("drain_seconds_max"),
    };
    section.finish(mistakes);
    limits
}

fn admission(mut section: Section<'_>, mistakes: &mut Finder<'_>) -> Admission {
    let mut whole = |key| section.whole(key, mistakes);
    let admission = Admission {
        requests_in_flight_max: whole("requests_in_flight_max"),
        requests_in_flight_per_key_max: whole("requests_in_flight_per_key_max"),
        requests_per_minute_per_key: whole("requests_per_minute_per_key"),
        tokens_in_flight_per_key_max: whole("tokens_in_flight_per_key_max"),
    };
    section.finish(mistakes);
    admission
}

fn local(mut section: Section<'_>, mistakes: &mut Finder<'_>) -> Local {
    let model = section.string("model", mistakes);
    let embedding_model = section.string("embedding_model", mistakes);
    let prefix_cache = section.boolean("prefix_cache", mistakes);
    let speculation = section.boolean("speculation", mistakes);
    let mut whole = |key| section.whole(key, mistakes);
    let local = Local {
        model,
        embedding_model,
        threads: whole("threads"),
        queue_jobs_max: whole("queue_jobs_max"),
        sequences_max: whole("sequences_max"),
        cache_mib: whole("cache_mib"),
        context_tokens_max: whole("context_tokens_max"),
        answer_tokens_default: whole("answer_tokens_default"),
        prefix_cache,
        speculation,
    };
    section.finish(mistakes);
    local
}

fn policy(mut section: Section<'_>, mistakes: &mut Finder<'_>) -> Policy {
    let mut string = |key| section.string(key, mistakes);
    let policy = Policy { used: string("use"), home: string("home"), catalog: string("catalog") };
    section.finish(mistakes);
    policy
}

fn audit_log(mut section: Section<'_>, mistakes: &mut Finder<'_>) -> AuditLog {
    let private_witnesses = section.boolean("private_witnesses", mistakes);
    let open_entries = section.boolean("open_entries", mistakes);
    let mut string = |key| section.string(key, mistakes);
    let audit_log = AuditLog {
        mode: string("mode"),
        payloads: string("payloads"),
        witnesses: string("witnesses"),
        watch: string("watch"),
        private_witnesses,
        open_entries,
    };
    section.finish(mistakes);
    audit_log
}

/// A table being read: it remembers which keys it was asked for, and so which it does not know.
struct Section<'a> {
    table: &'a dyn TableLike,
    name: &'static str,
    at: usize,
    known: Vec<&'static str>,
}

impl<'a> Section<'a> {
    fn new(table: &'a dyn TableLike, name: &'static str, at: usize) -> Self {
        Self { table, name, at, known: Vec::new() }
    }

    /// What stands under `key`, and where.
    fn item(&mut self, key: &'static str) -> Option<(&'a Item, usize)> {
        self.known.push(key);
        let (key, item) = self.table.get_key_value(key)?;
        Some((item, start(key.span().or(item.span()), self.at)))
    }

    fn section(&mut self, key: &'static str, mistakes: &mut Finder<'_>) -> Option<Section<'a>> {
        let (item, at) = self.item(key)?;
        let table = item.as_table_like();
        if table.is_none() {
            mistakes.add(at, format!("`{key}` must be a table: `[{key}]`, not {}", item.type_name()));
        }
        table.map(|table| Section::new(table, key, at))
    }

    fn string(&mut self, key: &'static str, mistakes: &mut Finder<'_>) -> Option<At<String>> {
        let (item, at) = self.item(key)?;
        let value = item.as_str().map(ToOwned::to_owned);
        if value.is_none() {
            mistakes.add(at, format!("`{}` must be a text in quotes, not {}", self.path(key), item.type_name()));
        }
        value.map(|value| At { value, at })
    }

    fn whole(&mut self, key: &'static str, mistakes: &mut Finder<'_>) -> Option<At<i64>> {
        let (item, at) = self.item(key)?;
        let value = item.as_integer();
        if value.is_none() {
            mistakes.add(at, format!("`{}` must be a whole number, not {}", self.path(key), item.type_name()));
        }
        value.map(|value| At { value, at })
    }

    fn boolean(&mut self, key: &'static str, mistakes: &mut Finder<'_>) -> Option<bool> {
        let (item, at) = self.item(key)?;
        let value = item.as_bool();
        if value.is_none() {
            mistakes.add(at, format!("`{}` must be `true` or `false`, not {}", self.path(key), item.type_name()));
        }
        value
    }

    /// A list of texts, each where it stands.
    fn strings(&mut self, key: &'static str, mistakes: &mut Finder<'_>) -> Option<At<Vec<At<String>>>> {
        let (item, at) = self.item(key)?;
        let Some(array) = item.as_array() else {
            let what = format!("`{}` must be a list of texts, not {}", self.path(key), item.type_name());
            mistakes.add(at, what);
            return None;
        };
        let mut texts = Vec::new();
        for value in array {
            let at = start(value.span(), at);
            match value.as_str() {
                Some(text) => texts.push(At { value: text.to_owned(), at }),
                None => mistakes
                    .add(at, format!("`{}` must be a list of texts, and has {}", self.path(key), value.type_name())),
            }
        }
        Some(At { value: texts, at })
    }

    /// A list of whole numbers, each where it stands.
    fn wholes(&mut self, key: &'static str, mistakes: &mut Finder<'_>) -> Option<At<Vec<At<i64>>>> {
        let (item, at) = self.item(key)?;
        let Some(array) = item.as_array() else {
            let what = format!("`{}` must be a list of whole numbers, not {}", self.path(key), item.type_name());
            mistakes.add(at, what);
            return None;
        };
        let mut numbers = Vec::new();
        for value in array {
            let at = start(value.span(), at);
            if let Some(number) = value.as_integer() {
                numbers.push(At { value: number, at });
            } else {
                let what = format!("must be a list of whole numbers, and has {}", value.type_name());
                mistakes.add(at, format!("`{}` {what}", self.path(key)));
            }
        }
        Some(At { value: numbers, at })
    }

    /// Reads each `[[key]]` as `read` does.
    fn tables<T>(
        &mut self,
        key: &'static str,
        mistakes: &mut Finder<'_>,
        read: impl Fn(Section<'_>, &mut Finder<'_>) -> T,
    ) -> Vec<T> {
        let Some((item, at)) = self.item(key) else { return Vec::new() };
        let Some(tables) = item.as_array_of_tables() else {
            mistakes.add(at, format!("`{key}` must be written as `[[{key}]]`, once for each"));
            return Vec::new();
        };
        tables.iter().map(|table| read(Section::new(table, key, start(table.span(), at)), mistakes)).collect()
    }

    /// Those of `keys` that are not there.
    fn missing(&self, keys: &[&'static str]) -> Vec<&'static str> {
        keys.iter().copied().filter(|key| !self.table.contains_key(key)).collect()
    }

    /// Tells of the keys that nobody asked for.
    fn finish(self, mistakes: &mut Finder<'_>) {
        for (key, item) in self.table.iter().filter(|(key, _)| !self.known.contains(key)) {
            let span = self.table.get_key_value(key).and_then(|(key, item)| key.span().or(item.span()));
            let at = start(span.or(item.span()), self.at);
            let near = super::nearest(key, &self.known);
            let hint = near.map_or_else(
                || format!("known are {}", super::listed(&self.known)),
                |near| format!("did you mean `{near}`?"),
            );
            mistakes.add(at, format!("`{}` is not a setting: {hint}", self.path(key)));
        }
    }

    fn path(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }
}

fn start(span: Option<Range<usize>>, otherwise: usize) -> usize {
    span.map_or(otherwise, |span| span.start)
}
