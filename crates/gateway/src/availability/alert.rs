//! What the operator is told where nobody reads the log: one message to the webhook for each withdrawal that begins or ends, signed,
//! tried a few times. Never a word of a request, nor of what a provider wrote.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderValue, Method, Request, StatusCode, header};
use http_body_util::Full;
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::sync::mpsc;

use super::{Availability, Cause, Withdrawal};
use crate::{
    clock::Clock,
    config::Webhook,
    destinations::remote::{
        chain,
        connection::{self, Terms, Ways},
    },
    tasks::Tasks,
    withdrawal::Subject,
};

/// Messages that wait: more subjects than any configuration has destinations.
const WAITING_MAX: usize = 256;
/// After which waits a message is tried again: a receiver that restarts is reached by the third, one that is gone is given up.
const TRIES_AFTER: [Duration; 5] =
    [Duration::ZERO, Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(25), Duration::from_secs(125)];
/// To connect, TLS included.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);
/// From the first byte of a message to the head of its answer.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(15);

/// One message.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Alert(Value);

/// The messages that wait to be sent.
#[derive(Debug)]
pub(super) struct Alerts {
    send: mpsc::Sender<Waiting>,
    /// Taken by the task that sends.
    waiting: Mutex<Option<mpsc::Receiver<Waiting>>>,
}

/// A message, and of which withdrawal's beginning it tells.
#[derive(Debug)]
struct Waiting {
    alert: Alert,
    of: Option<Withdrawal>,
}

impl Alert {
    /// A withdrawal has begun.
    pub(super) fn begun(withdrawal: &Withdrawal) -> Self {
        let Withdrawal { subject, cause, since, by, why, .. } = withdrawal;
        let text = format!(
            "Gwanmun: {} is withdrawn ({}): {why}. It is not asked until `gwanmun restore {subject} --approve`.",
            subject.told(),
            cause.word()
        );
        Self(json!({
            "event": "withdrawal.begin", "subject": subject.to_string(), "cause": cause.word(), "at": told(*since),
            "by": &**by, "why": &**why, "text": text,
        }))
    }

    /// A withdrawal has ended.
    pub(super) fn ended(subject: &Subject, cause: Cause, now: Timestamp) -> Self {
        let text = format!("Gwanmun: {} is asked again: its withdrawal ({}) has ended.", subject.told(), cause.word());
        Self(json!({
            "event": "withdrawal.end", "subject": subject.to_string(), "cause": cause.word(), "at": told(now), "text": text,
        }))
    }

    /// A place seems to have changed, and the configuration wants no more than to be told.
    pub(super) fn suspected(subject: &Subject, cause: Cause, why: &str, now: Timestamp) -> Self {
        let text =
            format!("Gwanmun: {} seems to have changed ({}): {why}. It is still asked.", subject.told(), cause.word());
        Self(json!({
            "event": "withdrawal.suspect", "subject": subject.to_string(), "cause": cause.word(), "at": told(now),
            "why": why, "text": text,
        }))
    }
}

fn told(at: Timestamp) -> String {
    format!("{at:.0}")
}

impl Default for Alerts {
    fn default() -> Self {
        let (send, waiting) = mpsc::channel(WAITING_MAX);
        Self { send, waiting: Mutex::new(Some(waiting)) }
    }
}

impl Alerts {
    /// Leaves a message to be sent. With too many waiting it is dropped: the log says the same.
    pub(super) fn send(&self, alert: Alert) {
        self.leave(alert, None);
    }

    /// Leaves one of a withdrawal that has begun. That it was taken is kept, so what is lost with this process the next one sends.
    pub(super) fn send_of(&self, alert: Alert, of: Withdrawal) {
        self.leave(alert, Some(of));
    }

    fn leave(&self, alert: Alert, of: Option<Withdrawal>) {
        if self.send.try_send(Waiting { alert, of }).is_err() {
            tracing::warn!("too many alerts wait for the webhook; one more is not sent");
        }
    }
}

/// Sends what comes, one after the other, for as long as the process lives.
pub(super) fn follow(availability: &Availability, tasks: &Tasks, clock: &Clock) {
    let shared = &availability.0;
    let Some(mut waiting) = shared.alerts.waiting.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
    let (availability, clock) = (availability.clone(), clock.clone());
    tasks.start("alerts", |stop| async move {
        loop {
            let next = tokio::select! {
                () = stop.draining() => break,
                next = waiting.recv() => next,
            };
            let Some(Waiting { alert, of }) = next else { break };
            let webhook = availability.0.config.load().availability.webhook.clone();
            let sent = match &webhook {
                None => Ok(()),
                Some(webhook) => tokio::select! {
                    () = stop.draining() => break,
                    sent = deliver(webhook, &alert, &clock) => sent,
                },
            };
            match (sent, of) {
                (Ok(()), Some(of)) => availability.told(&of),
                (Ok(()), None) => {}
                (Err(error), _) => tracing::error!(%error, "an alert could not be sent to the webhook: {error}"),
            }
        }
    });
}

/// Tries until it is taken, or has been tried often enough: then the last reason.
async fn deliver(webhook: &Webhook, alert: &Alert, clock: &Clock) -> Result<(), String> {
    let mut why = String::new();
    for wait in TRIES_AFTER {
        clock.sleep(wait).await;
        let tried = clock.within(ANSWER_TIME_MAX, post(webhook, alert, clock)).await;
        match tried.unwrap_or_else(|| Err(format!("no answer within {} s", ANSWER_TIME_MAX.as_secs()))) {
            Ok(()) => return Ok(()),
            Err(error) => why = error,
        }
    }
    Err(why)
}

async fn post(webhook: &Webhook, alert: &Alert, clock: &Clock) -> Result<(), String> {
    let is_tls = webhook.url.scheme_str() == Some("https");
    // A message a month: its connection and the roots are not kept. To read the roots blocks.
    let read = tokio::task::spawn_blocking(move || if is_tls { Ways::of_system() } else { Ways::without_roots() });
    let ways = read.await.map_err(|_| "the system's certificates cannot be read".to_owned())?;
    // It is the operator's own address, as often as not in the same house.
    let terms = Terms { private: true, ..Terms::plain(&webhook.url, CONNECT_TIME_MAX) };
    let client = connection::client(&ways, &terms, clock)?;
    let answer = client.request(request(webhook, alert, clock.wall())).await.map_err(|error| chain(&error))?;
    match answer.status() {
        status if status.is_success() => Ok(()),
        StatusCode::TOO_MANY_REQUESTS => Err("it takes no more for now (429)".to_owned()),
        status => Err(format!("it answered {}", status.as_u16())),
    }
}

/// The message as it is sent: `x-gwanmun-signature` is `v1=` and the HMAC-SHA-256, in hex, of the timestamp, a full stop and the body.
fn request(webhook: &Webhook, alert: &Alert, now: Timestamp) -> Request<Full<Bytes>> {
    let body = alert.0.to_string();
    let timestamp = now.as_second();
    let signature = webhook.key.as_ref().map(|key| signature(key.reveal().as_bytes(), timestamp, &body));
    let mut request = Request::new(Full::new(Bytes::from(body)));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = webhook.url.clone();
    let headers = request.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::USER_AGENT, HeaderValue::from_static(concat!("gwanmun/", env!("CARGO_PKG_VERSION"))));
    headers.insert("x-gwanmun-timestamp", HeaderValue::from(timestamp));
    if let Some(Ok(signature)) = signature.map(HeaderValue::try_from) {
        headers.insert("x-gwanmun-signature", signature);
    }
    request
}

fn signature(key: &[u8], timestamp: i64, body: &str) -> String {
    // HMAC takes keys of any length (RFC 2104, section 3), so there is always one.
    let Ok(mac) = Hmac::<Sha256>::new_from_slice(key) else { return String::new() };
    let mac = mac.chain_update(timestamp.to_string()).chain_update(".").chain_update(body);
    format!("v1={}", hex::encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests;
