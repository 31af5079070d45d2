//! What the history needs to know of an entry, once the schema has accepted it.

use jiff::Timestamp;

use crate::canonical::{self, Value};
use crate::schema::{self, Members};

/// An entry that is canonical and in the schema, reduced to what other entries are held against.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    /// Its `kind`.
    pub(crate) kind: &'static str,
    /// Microseconds since 1970.
    pub(crate) at: i64,
    pub(crate) seq: u64,
    pub(crate) replica: Box<str>,
    pub(crate) what: What,
}

/// What an entry does to the requests under way.
#[derive(Clone, Debug)]
pub(crate) enum What {
    Decision { request: Box<str>, destinations: Vec<Box<str>> },
    Attempt { decision: u64, request: Box<str>, destination: Box<str>, number: u64 },
    Outcome { decision: u64, request: Box<str>, destination: Option<Box<str>> },
    Other,
}

/// Why an entry is not one of this log's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is not JSON in canonical form.
    Form(String),
    /// It is, but says what the schema does not know or leaves out what it demands.
    Schema(String),
}

/// Reads an entry strictly.
pub(crate) fn read(entry: &[u8]) -> Result<Facts, Fault> {
    let value = canonical::read(entry)
        .map_err(|refusal| Fault::Form(format!("{}, at byte {} of the entry", refusal.wrong, refusal.at)))?;
    let Value::Object(members) = value else {
        return Err(Fault::Form("it is not an object".to_owned()));
    };
    let members = Members(&members);
    let kind = schema::check(&members).map_err(Fault::Schema)?;
    facts(kind, &members).ok_or_else(|| Fault::Schema("a field that every entry has is missing".to_owned()))
}

/// Nothing only if the schema let pass what it must not.
fn facts(kind: &'static str, members: &Members<'_, '_>) -> Option<Facts> {
    let at = members.text("at").and_then(read_time)?;
    let what = match kind {
        "decision" => What::Decision {
            request: members.text("request")?.into(),
            destinations: members.texts("destinations").map(Box::from).collect(),
        },
        "attempt" => What::Attempt {
            decision: members.whole("decision")?,
            request: members.text("request")?.into(),
            destination: members.text("destination")?.into(),
            number: members.whole("number")?,
        },
        "outcome" => What::Outcome {
            decision: members.whole("decision")?,
            request: members.text("request")?.into(),
            destination: members.text("destination").map(Box::from),
        },
        _ => What::Other,
    };
    Some(Facts { kind, at, seq: members.whole("seq")?, replica: members.text("replica")?.into(), what })
}

/// RFC 3339 in UTC with exactly six decimals, in microseconds since 1970.
pub(crate) fn read_time(text: &str) -> Option<i64> {
    let shape = b"dddd-dd-ddTdd:dd:dd.ddddddZ";
    let fits = |(byte, shape): (u8, &u8)| if *shape == b'd' { byte.is_ascii_digit() } else { byte == *shape };
    let in_shape = text.len() == shape.len() && text.bytes().zip(shape).all(fits);
    // A leap second has no place on the time line of the others; the library would move it.
    if !in_shape || text.get(17..19) == Some("60") {
        return None;
    }
    text.parse::<Timestamp>().ok().map(Timestamp::as_microsecond)
}

#[cfg(test)]
mod tests;
