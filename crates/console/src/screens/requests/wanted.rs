//! What is searched for: the fields of the form, which are the link too, and what the index is asked by them.

use audit_entry::Class;
use jiff::Timestamp;
use request_index::{Filter, State};

use crate::call::Fields;
use crate::language::Language;

pub(super) const STATES: [State; 7] =
    [State::Answered, State::Refused, State::Failed, State::Cancelled, State::Abandoned, State::Lost, State::Open];
const SECOND: u64 = 1_000_000;

/// As it was written into the form.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted {
    /// `hour`, `day`, `week`, `month`; all of the log without it.
    pub(super) range: String,
    /// Days, or times as RFC 3339 or without a zone, which then are UTC.
    pub(super) from: String,
    pub(super) until: String,
    pub(super) team: String,
    pub(super) key: String,
    pub(super) model: String,
    pub(super) destination: String,
    pub(super) class: String,
    pub(super) state: String,
    pub(super) degraded: bool,
    pub(super) finding: String,
    pub(super) request: String,
    pub(super) entry: String,
    pub(super) before: Option<u64>,
}

impl Wanted {
    pub(super) fn read(query: &Fields) -> Self {
        let text = |name: &str| query.get(name).unwrap_or_default().to_owned();
        Self {
            range: text("range"),
            from: text("from"),
            until: text("until"),
            team: text("team"),
            key: text("key"),
            model: text("model"),
            destination: text("destination"),
            class: text("class"),
            state: text("state"),
            degraded: query.get("degraded").is_some(),
            finding: text("finding"),
            request: text("request"),
            entry: text("entry"),
            before: query.get("before").and_then(|before| before.parse().ok()),
        }
    }

    /// A time as a page's field shows it: in UTC, to the minute; what is no time as it was written.
    pub(super) fn shown(text: &str) -> String {
        let at = micros(text).and_then(|micros| i64::try_from(micros).ok());
        let at = at.and_then(|micros| Timestamp::from_microsecond(micros).ok());
        at.map_or_else(|| text.to_owned(), |at| at.strftime("%Y-%m-%dT%H:%M").to_string())
    }

    /// The field of that name as it was written.
    pub(super) fn field(&self, name: &str) -> &str {
        match name {
            "team" => &self.team,
            "key" => &self.key,
            "model" => &self.model,
            "destination" => &self.destination,
            "finding" => &self.finding,
            _ => "",
        }
    }

    /// The address of this search; of the part before that entry.
    pub(super) fn link(&self, path: &str, before: Option<u64>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let texts = [
            ("range", &self.range),
            ("from", &self.from),
            ("until", &self.until),
            ("team", &self.team),
            ("key", &self.key),
            ("model", &self.model),
            ("destination", &self.destination),
            ("class", &self.class),
            ("state", &self.state),
            ("finding", &self.finding),
            ("request", &self.request),
            ("entry", &self.entry),
        ];
        for (name, value) in texts.into_iter().filter(|(_, value)| !value.is_empty()) {
            query.append_pair(name, value);
        }
        if self.degraded {
            query.append_pair("degraded", "1");
        }
        if let Some(before) = before {
            query.append_pair("before", &before.to_string());
        }
        let query = query.finish();
        if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
    }

    /// What the index is asked; else what cannot be read, in words.
    pub(super) fn filter(&self, now: Timestamp, language: Language) -> Result<Filter, String> {
        let wrong = |message: &str, value: &str| language.text_with(message, &[("value", value)]);
        let time = |text: &str| match text {
            "" => Ok(None),
            text => micros(text).map(Some).ok_or_else(|| wrong("requests-bad-time", text)),
        };
        let class = match self.class.as_str() {
            "" => None,
            word => Some(class_of(word).ok_or_else(|| wrong("requests-bad-word", word))?),
        };
        let state = match self.state.as_str() {
            "" => None,
            word => {
                let known = STATES.into_iter().find(|state| state.word() == word);
                Some(known.ok_or_else(|| wrong("requests-bad-word", word))?)
            }
        };
        let entry = match self.entry.as_str() {
            "" => None,
            number => Some(number.parse().map_err(|_| wrong("requests-bad-entry", number))?),
        };
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Ok(Filter {
            from: time(&self.from)?.or(since(&self.range, now)),
            until: time(&self.until)?,
            key: some(&self.key),
            team: some(&self.team),
            model: some(&self.model),
            destination: some(&self.destination),
            class,
            state,
            degraded: self.degraded,
            finding: some(&self.finding),
            request: some(&self.request),
            entry,
        })
    }
}

/// Where the range begins, in microseconds since 1970; none where it is none.
fn since(range: &str, now: Timestamp) -> Option<u64> {
    let hours: u64 = match range {
        "hour" => 1,
        "day" => 24,
        "week" => 7 * 24,
        "month" => 30 * 24,
        _ => return None,
    };
    let now = u64::try_from(now.as_microsecond()).unwrap_or(0);
    Some(now.saturating_sub(hours * 3600 * SECOND))
}

/// A time in microseconds since 1970: with a zone, or in UTC; a day alone is its beginning.
fn micros(text: &str) -> Option<u64> {
    let civil = || text.parse::<jiff::civil::DateTime>().ok();
    let day = || text.parse::<jiff::civil::Date>().ok().map(|date| date.at(0, 0, 0, 0));
    let in_utc = |time: jiff::civil::DateTime| time.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|time| time.timestamp());
    let at = text.parse::<Timestamp>().ok().or_else(|| civil().or_else(day).and_then(in_utc))?;
    u64::try_from(at.as_microsecond()).ok()
}

fn class_of(word: &str) -> Option<Class> {
    Class::ALL.into_iter().find(|class| class.word() == word)
}
