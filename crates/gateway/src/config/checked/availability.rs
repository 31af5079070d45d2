//! What is done about withdrawals, and what is announced: words, addresses, days, subjects that exist.

use std::collections::BTreeSet;
use std::sync::Arc;

use http::Uri;
use jiff::civil::Date;

use super::super::typed::{self, At};
use super::super::{Availability, Config, Notice, Quality, Webhook, listed, nearest};
use super::reach::secret;
use super::{Environment, Finder, one_of};
use crate::address::{Host, Inside};
use crate::availability::Cause;
use crate::withdrawal::Subject;

/// The causes that a request without anybody's data can show to be over.
const CHECKABLE: [Cause; 6] =
    [Cause::Credentials, Cause::Account, Cause::Region, Cause::Model, Cause::Tls, Cause::Name];
/// Notices: more are a mistake.
const NOTICES_MAX: usize = 256;
/// What a notice says, in bytes: it stands in an entry.
const WHY_BYTES_MAX: usize = 512;

pub(super) fn availability(
    typed: typed::Availability,
    environment: Environment<'_>,
    mistakes: &mut Finder<'_>,
) -> Availability {
    let quality = one_of("availability.quality", typed.quality.as_ref(), &Quality::WORDS, mistakes).unwrap_or_default();
    let causes = typed.automatic_return.map(|typed| typed.value).unwrap_or_default();
    let automatic_return: BTreeSet<Cause> = causes.iter().filter_map(|typed| checkable(typed, mistakes)).collect();
    let key = typed.webhook_key.as_ref().and_then(|key| secret("availability.webhook_key", key, environment, mistakes));
    let webhook = typed.webhook.as_ref().and_then(|typed| url(typed, mistakes)).map(|url| Webhook { url, key });
    if let (None, Some(key)) = (&typed.webhook, &typed.webhook_key) {
        mistakes.add(key.at, "`availability.webhook_key` signs what is sent to `webhook`, and there is none: add one");
    }
    Availability { quality, automatic_return, webhook }
}

fn checkable(typed: &At<String>, mistakes: &mut Finder<'_>) -> Option<Cause> {
    let found = CHECKABLE.into_iter().find(|cause| cause.word() == typed.value);
    if found.is_none() {
        let words = CHECKABLE.map(Cause::word);
        let what = match Cause::of(&typed.value) {
            Some(_) => "which no request can show to be over: an operator has to say so".to_owned(),
            None => nearest(&typed.value, &words).map_or_else(
                || "which is no cause".to_owned(),
                |near| format!("which is no cause: did you mean `{near}`?"),
            ),
        };
        let value = typed.value.escape_debug();
        let known = listed(&words);
        mistakes.add(typed.at, format!("`availability.automatic_return` has `{value}`, {what}; it takes {known}"));
    }
    found
}

/// An address may hold a secret, so it is not repeated. It may be in the operator's own house, but nowhere that nothing is asked.
fn url(typed: &At<String>, mistakes: &mut Finder<'_>) -> Option<Uri> {
    let judged = typed.value.parse::<Uri>().map_err(|_| "is not a URL".to_owned()).and_then(|url| {
        let authority = url.authority().map_or("", |authority| authority.as_str());
        let what = match url.scheme_str() {
            _ if authority.is_empty() => "must be a URL with a host, such as `https://chat.example.org/hooks/1`",
            Some("http" | "https") if authority.contains('@') => "must not hold a user or password",
            Some("http" | "https") => "",
            Some(_) | None => "must begin with `https://` or `http://`",
        };
        if !what.is_empty() {
            return Err(what.to_owned());
        }
        match Host::of(&url).map_err(|bad| bad.to_string())? {
            Host::Name(_) => Ok(url),
            Host::Address(address) => match Inside::Private.admits(address) {
                Ok(()) => Ok(url),
                Err(told) => Err(format!("has an address that is {}, where nothing is asked", told.network.name)),
            },
        }
    });
    judged.map_err(|what| mistakes.add(typed.at, format!("`availability.webhook` {what}"))).ok()
}

/// Their subjects are those of `config`, all else of which has been checked.
pub(super) fn notices(typed: Vec<typed::Notice>, config: &Config, mistakes: &mut Finder<'_>) -> Vec<Notice> {
    if let Some(over) = typed.get(NOTICES_MAX) {
        mistakes.add(over.at, format!("there are more than {NOTICES_MAX} notices"));
    }
    typed.into_iter().take(NOTICES_MAX).filter_map(|typed| notice(typed, config, mistakes)).collect()
}

fn notice(typed: typed::Notice, config: &Config, mistakes: &mut Finder<'_>) -> Option<Notice> {
    for key in typed.missing {
        mistakes.add(typed.at, format!("this notice has no `{key}`: add one"));
    }
    let subject = typed.subject.and_then(|typed| {
        let parsed = Subject::parse(&typed.value, config);
        parsed.map_err(|error| mistakes.add(typed.at, format!("`notice.subject`: {error}"))).ok()
    });
    let from = typed.from.and_then(|typed| {
        let what = "must be a day such as `2026-12-31`";
        let value = typed.value.escape_debug();
        typed
            .value
            .parse::<Date>()
            .map_err(|_| mistakes.add(typed.at, format!("`notice.from` is `{value}`, and {what}")))
            .ok()
    });
    let why = typed.why.and_then(|typed| {
        let text = typed.value.trim();
        if text.is_empty() || text.len() > WHY_BYTES_MAX || text.chars().any(char::is_control) {
            let what = format!("must say in one line of at most {WHY_BYTES_MAX} bytes what was announced, and by whom");
            mistakes.add(typed.at, format!("`notice.why` {what}"));
            return None;
        }
        Some(Arc::from(text))
    });
    Some(Notice { subject: subject?, from: from?, why: why? })
}
