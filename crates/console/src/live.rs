//! What tells open pages that something has changed: server-sent events that name a topic, nothing more. The page then asks again for
//! the part of itself that shows it, under the reader's own rights. It must not know what pages show.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use gateway::drill;
use http::{HeaderValue, header};
use http_body::Frame;
use http_body_util::StreamBody;
use sha2::{Digest as _, Sha256};
use tokio::sync::{Semaphore, watch};

use crate::answer::Refused;
use crate::call::Call;
use crate::site::Site;

/// How often it is looked whether something has changed.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often a connection says that it is alive, in looks.
const ALIVE_EVERY: u32 = 15;
/// Pages that follow at once.
const FOLLOWERS_MAX: usize = 256;

/// What pages can follow.
const TOPICS: [&str; 4] = ["availability", "drills", "models", "requests"];

/// A piece of the stream; it does not fail.
type Event = Result<Frame<Bytes>, Infallible>;

/// How often each topic has changed.
type Versions = [u64; TOPICS.len()];

/// What each topic looks like, as a hash.
type Looks = [[u8; 32]; TOPICS.len()];

/// What pages follow.
pub(crate) struct Live {
    versions: watch::Sender<Versions>,
    followers: Arc<Semaphore>,
}

impl Default for Live {
    fn default() -> Self {
        Self { versions: watch::Sender::new(Versions::default()), followers: Arc::new(Semaphore::new(FOLLOWERS_MAX)) }
    }
}

/// Looks, as long as the process runs.
pub(crate) fn follow(site: &Arc<Site>) {
    let followed = Arc::clone(site);
    site.tasks.start("console live", |stop| async move {
        let mut seen = [[0; 32]; TOPICS.len()];
        loop {
            // Nobody looks: nothing is worked out.
            if followed.live.versions.receiver_count() > 0 {
                let now = look(&followed).await;
                followed.live.versions.send_if_modified(|versions| count(versions, &now, &seen));
                seen = now;
            }
            tokio::select! {
                () = stop.draining() => return,
                () = followed.clock.sleep(LOOK_EVERY) => {}
            }
        }
    });
}

/// Counts the topics that look otherwise than before; whether there were any.
fn count(versions: &mut Versions, now: &Looks, seen: &Looks) -> bool {
    let mut changed = false;
    for ((version, now), seen) in versions.iter_mut().zip(now).zip(seen) {
        *version += u64::from(now != seen);
        changed |= now != seen;
    }
    changed
}

/// What each topic looks like now, as a hash.
async fn look(site: &Site) -> Looks {
    let in_force = site.app.in_force();
    let places = in_force.judgement.judge().destinations();
    let states: Vec<_> = places.iter().map(|place| format!("{:?}", site.availability.state(place).word())).collect();
    let withdrawals = site.availability.withdrawals();
    let withdrawn: Vec<_> =
        withdrawals.iter().map(|withdrawal| (withdrawal.subject.to_string(), withdrawal.cause.word())).collect();
    // A database that cannot be read now is told where it is asked for.
    let drills = drill::store::list(site.keys.database()).await.unwrap_or_default();
    let drills: Vec<_> = drills
        .iter()
        .map(|drill| (&drill.id, &drill.state, drill.progress.as_ref().map(|progress| progress.requests)))
        .collect();
    let models = site.models.state();
    let entries = site.recorder.log().map(|log| log.size());
    let hash = |text: String| <[u8; 32]>::from(Sha256::digest(text));
    [format!("{states:?} {withdrawn:?}"), format!("{drills:?}"), format!("{models:?}"), format!("{entries:?}")]
        .map(hash)
}

/// `GET /live`: an event each time something has changed, until the page goes or the process ends.
pub(crate) async fn events(call: Call) -> Result<Response, Refused> {
    let site = Arc::clone(&call.site);
    let turn = Arc::clone(&site.live.followers).try_acquire_owned();
    let turn = turn.map_err(|_| Refused::Wrong(call.language.text("refused-busy")))?;
    let versions = site.live.versions.subscribe();
    let known = *versions.borrow();
    let stop = site.tasks.stop();
    let began = (site, turn, versions, known, stop, 0_u32, true);
    let events = stream::unfold(began, |(site, turn, mut versions, known, stop, mut quiet, first)| async move {
        // Said at once, so that the page knows that it is followed.
        if first {
            return Some((event(": following\n\n".to_owned()), (site, turn, versions, known, stop, quiet, false)));
        }
        loop {
            tokio::select! {
                () = stop.draining() => return None,
                changed = versions.changed() => changed.ok()?,
                () = site.clock.sleep(LOOK_EVERY) => {
                    quiet += 1;
                    if quiet >= ALIVE_EVERY {
                        return Some((event(": alive\n\n".to_owned()), (site, turn, versions, known, stop, 0, false)));
                    }
                    continue;
                }
            }
            let now = *versions.borrow_and_update();
            let changed = TOPICS.iter().zip(now.iter().zip(&known)).filter(|(_, (now, known))| now != known);
            let text = changed.fold(String::new(), |mut text, (topic, (now, _))| {
                // Into memory: it does not fail.
                let _written = write!(text, "event: {topic}\ndata: {now}\n\n");
                text
            });
            if !text.is_empty() {
                return Some((event(text), (site, turn, versions, now, stop, 0, false)));
            }
        }
    });
    let mut response = Response::new(Body::new(StreamBody::new(events)));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    Ok(response)
}

#[expect(clippy::unnecessary_wraps, reason = "what the stream is made of")]
fn event(text: String) -> Event {
    Ok(Frame::data(Bytes::from(text)))
}
