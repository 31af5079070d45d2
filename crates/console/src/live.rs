//! What tells open pages that something has changed: server-sent events that name a topic, nothing more. The page then asks again for
//! the part of itself that shows it, under the reader's own rights. It must not know what pages show.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use gateway::clock::Moment;
use gateway::drill;
use gateway::tasks::Stop;
use http::{HeaderValue, header};
use http_body::Frame;
use http_body_util::StreamBody;
use sha2::{Digest as _, Sha256};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::accounts::{Permission, SessionToken, Still};
use crate::answer::Refused;
use crate::call::Call;
use crate::site::Site;

/// How often it is looked whether something has changed.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often a connection says that it is alive, in looks.
const ALIVE_EVERY: u32 = 15;
/// How often it is looked whether a page's session is over.
const CHECK_EVERY: Duration = Duration::from_secs(15);
/// Pages that follow at once.
const FOLLOWERS_MAX: usize = 256;
/// So many of these are of those alone who may see how the gate stands: others cannot make the board stand still.
const FOLLOWERS_KEPT: usize = 64;
/// Pages of one session that follow at once.
const FOLLOWERS_OF_ONE_MAX: usize = 16;

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
    /// Those of people who may not see how the gate stands.
    others: Arc<Semaphore>,
    /// By the session's id: how many of its pages follow.
    sessions: Mutex<HashMap<String, usize>>,
}

/// One page's place among those that follow, until it is dropped.
struct Place {
    site: Arc<Site>,
    session: String,
    _follower: OwnedSemaphorePermit,
    _other: Option<OwnedSemaphorePermit>,
}

impl Place {
    /// None where too many follow.
    fn take(site: &Arc<Site>, session: String, sees_gate: bool) -> Option<Self> {
        let live = &site.live;
        let other = if sees_gate { None } else { Some(Arc::clone(&live.others).try_acquire_owned().ok()?) };
        let follower = Arc::clone(&live.followers).try_acquire_owned().ok()?;
        let mut sessions = live.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let pages = sessions.entry(session.clone()).or_default();
        if *pages >= FOLLOWERS_OF_ONE_MAX {
            return None;
        }
        *pages += 1;
        drop(sessions);
        Some(Self { site: Arc::clone(site), session, _follower: follower, _other: other })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut sessions = self.site.live.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pages) = sessions.get_mut(&self.session) {
            *pages = pages.saturating_sub(1);
            if *pages == 0 {
                sessions.remove(&self.session);
            }
        }
    }
}

impl Default for Live {
    fn default() -> Self {
        Self {
            versions: watch::Sender::new(Versions::default()),
            followers: Arc::new(Semaphore::new(FOLLOWERS_MAX)),
            others: Arc::new(Semaphore::new(FOLLOWERS_MAX - FOLLOWERS_KEPT)),
            sessions: Mutex::default(),
        }
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
pub(crate) async fn look(site: &Site) -> Looks {
    let in_force = site.app.in_force();
    let places = in_force.judgement.judge().destinations();
    let states: Vec<_> = places.iter().map(|place| site.stand(place).word()).collect();
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
    // What pages can show: what is signed, and what the index has of it. It takes entries in a while after they were written.
    let signed = site.recorder.log().map(|log| log.checkpoint().checkpoint.size);
    let indexed = match site.index().await {
        Ok(Some(index)) => index.next_entry().await.ok(),
        Ok(None) | Err(_) => None,
    };
    let requests = format!("{signed:?} {indexed:?}");
    let hash = |text: String| <[u8; 32]>::from(Sha256::digest(text));
    [format!("{states:?} {withdrawn:?}"), format!("{drills:?}"), format!("{models:?}"), requests].map(hash)
}

/// A page that follows: what it knows, and by which session.
struct Follower {
    place: Place,
    token: SessionToken,
    versions: watch::Receiver<Versions>,
    known: Versions,
    stop: Stop,
    /// When its session was looked at last.
    checked: Moment,
    /// Looks since something was said last.
    quiet: u32,
    greeted: bool,
}

/// `GET /live`: an event each time something has changed, until the page goes, its session or the process ends.
pub(crate) async fn events(call: Call) -> Result<Response, Refused> {
    let token = call.visitor.as_ref().map(|visitor| visitor.token.clone()).ok_or(Refused::SignInFirst)?;
    let place = Place::take(&call.site, token.id(), call.may(Permission::SeeGate));
    let place = place.ok_or(Refused::Busy("refused-busy"))?;
    let versions = call.site.live.versions.subscribe();
    let known = *versions.borrow();
    let stop = call.site.tasks.stop();
    let follower =
        Follower { place, token, versions, known, stop, checked: call.site.clock.now(), quiet: 0, greeted: false };
    let events = stream::unfold(follower, |mut follower| async move {
        let text = follower.next().await?;
        Some((event(text), follower))
    });
    let mut response = Response::new(Body::new(StreamBody::new(events)));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    Ok(response)
}

impl Follower {
    /// What is said next; none at the end.
    async fn next(&mut self) -> Option<String> {
        // Said at once, so that the page knows that it is followed.
        if !self.greeted {
            self.greeted = true;
            return Some(": following\n\n".to_owned());
        }
        loop {
            let site = Arc::clone(&self.place.site);
            tokio::select! {
                () = self.stop.draining() => return None,
                changed = self.versions.changed() => changed.ok()?,
                () = site.clock.sleep(LOOK_EVERY) => {
                    self.quiet += 1;
                }
            }
            if self.is_over().await {
                return None;
            }
            if self.quiet >= ALIVE_EVERY {
                self.quiet = 0;
                return Some(": alive\n\n".to_owned());
            }
            let now = *self.versions.borrow_and_update();
            let changed = TOPICS.iter().zip(now.iter().zip(&self.known)).filter(|(_, (now, known))| now != known);
            let text = changed.fold(String::new(), |mut text, (topic, (now, _))| {
                // Into memory: it does not fail.
                let _written = write!(text, "event: {topic}\ndata: {now}\n\n");
                text
            });
            self.known = now;
            if !text.is_empty() {
                self.quiet = 0;
                return Some(text);
            }
        }
    }

    /// Whether its session is over: looked at now and then.
    async fn is_over(&mut self) -> bool {
        let site = &self.place.site;
        let now = site.clock.now();
        if now.since(self.checked) < CHECK_EVERY {
            return false;
        }
        self.checked = now;
        // Where it cannot be read, it is looked at again.
        matches!(site.accounts.signed_in(self.token.clone(), Still::Open, site.clock.wall()).await, Ok(None))
    }
}

#[expect(clippy::unnecessary_wraps, reason = "what the stream is made of")]
fn event(text: String) -> Event {
    Ok(Frame::data(Bytes::from(text)))
}

#[cfg(test)]
mod tests;
