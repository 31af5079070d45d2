//! A shadow drill's side of the road: of a sample of requests, each is asked again beside its own answer, as if something were withdrawn.
//!
//! What is asked again walks the whole road, from the same bytes: it is judged by the same policy, permitted by entries of its own,
//! metered, and its answer read to the end and thrown away. It never goes where the request itself may not go. A caller waits for nothing
//! of it.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use arc_swap::ArcSwapOption;
use axum::body::Body;
use http::{Request, request::Parts};
use http_body_util::BodyExt as _;
use tokio::sync::Semaphore;

use crate::{
    app::App,
    availability::Cause,
    decide::{Decision, Sick, Skipped},
    judge::Judgement,
    read::{Ask, Surface},
    routes::Arrival,
    traffic::{DRILL_TEAM, SHADOW},
    withdrawal::{Subject, subject::withdrawn_by},
};

/// Requests that are asked again at once: what is beyond is left out and counted.
const AT_ONCE_MAX: u32 = 8;

/// What of the traffic is asked again, if anything is.
#[derive(Debug, Default)]
pub(crate) struct Shadows(ArcSwapOption<Sampling>);

/// A shadow drill under way.
#[derive(Debug)]
struct Sampling {
    without: Arc<[Subject]>,
    permille: u64,
    room: Arc<Semaphore>,
    left_out: AtomicU64,
}

/// Sampling that goes on until this is dropped.
#[derive(Debug)]
pub(super) struct Running<'a> {
    shadows: &'a Shadows,
    sampling: Arc<Sampling>,
}

impl Shadows {
    /// From now on so many of a thousand requests are asked again, as if these were withdrawn.
    pub(super) fn begin(&self, without: Vec<Subject>, permille: u64) -> Running<'_> {
        let room = Arc::new(Semaphore::new(AT_ONCE_MAX as usize));
        let sampling = Arc::new(Sampling { without: without.into(), permille, room, left_out: AtomicU64::new(0) });
        self.0.store(Some(Arc::clone(&sampling)));
        Running { shadows: self, sampling }
    }

    /// Asks the request again, if it is of a sample. It has been read and let in.
    pub(crate) fn beside(
        &self,
        app: &Arc<App>,
        surface: Surface,
        arrival: &Arrival,
        team: &str,
        head: &Parts,
        ask: &Ask,
    ) {
        let Some(sampling) = self.0.load_full() else { return };
        if arrival.without.is_some() || team == DRILL_TEAM || !sampling.takes(&arrival.id) {
            return;
        }
        let Ok(room) = Arc::clone(&sampling.room).try_acquire_owned() else {
            sampling.left_out.fetch_add(1, Ordering::Relaxed);
            return;
        };
        let mut request = Request::new(Body::from(ask.bytes.clone()));
        *request.headers_mut() = head.headers.clone();
        for wish in crate::relay::WISHES {
            request.headers_mut().remove(wish);
        }
        *request.uri_mut() = head.uri.clone();
        *request.method_mut() = head.method.clone();
        let again = Arrival {
            id: format!("{}{SHADOW}", arrival.id).into(),
            at: app.clock().now(),
            without: Some(Arc::clone(&sampling.without)),
        };
        let asking = ask_again(Arc::clone(app), surface, again, request);
        app.tasks().start("shadow", |_| async move {
            if !asking.await {
                sampling.left_out.fetch_add(1, Ordering::Relaxed);
            }
            drop(room);
        });
    }
}

/// Whether the log has it. Boxed, for the road calls what calls the road.
fn ask_again(
    app: Arc<App>,
    surface: Surface,
    arrival: Arrival,
    request: Request<Body>,
) -> std::pin::Pin<Box<dyn Future<Output = bool> + Send>> {
    Box::pin(async move {
        match crate::chat::road(surface, &app, &arrival, request).await {
            Ok((response, _)) => {
                let mut body = response.into_body();
                // Read to its end and thrown away; the outcome says how it ended.
                while let Some(Ok(_)) = body.frame().await {}
                true
            }
            Err(error) => {
                tracing::debug!(request = %arrival.id, %error, "a shadow request was not answered");
                // What was turned away before it was decided on has left no entry.
                error.marks().is_some()
            }
        }
    })
}

impl Sampling {
    /// Whether the request of that name is one of the sample: chance, but the same for the same name.
    fn takes(&self, id: &str) -> bool {
        let mixed = id
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        (mixed ^ (mixed >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32 & 0xffff_ffff < self.permille * 4_294_967
    }
}

impl Running<'_> {
    /// Takes no more, and waits for what is under way; gives how many were left out, for want of room or because they were not let in.
    pub(super) async fn end(self) -> u64 {
        self.shadows.0.store(None);
        // Never closed; all of the room is free again when nothing is under way.
        let _all = self.sampling.room.acquire_many(AT_ONCE_MAX).await;
        self.sampling.left_out.load(Ordering::Relaxed)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.shadows.0.store(None);
    }
}

/// The decision as it would be if what the arrival names were withdrawn: places are left out, none is added.
pub(crate) fn as_if(decision: Decision, arrival: &Arrival, judgement: &Judgement) -> Decision {
    let (Some(without), Decision::Permitted(permitted)) = (&arrival.without, &decision) else { return decision };
    let gone = |judged: usize| {
        let place = judgement.judge().destinations().get(judged);
        place.is_none_or(|place| withdrawn_by(without, place, judgement.catalog()))
    };
    let (mut standing, mut skipped) = (Vec::new(), Vec::new());
    for (index, place) in permitted.places().iter().enumerate() {
        if gone(place.link.judged) {
            skipped.push(Skipped { label: Arc::clone(&place.link.label), how: Sick::Withdrawn(Cause::Drill) });
        } else {
            standing.push(index);
        }
    }
    match decision {
        Decision::Permitted(permitted) => permitted.arranged(&standing, skipped),
        Decision::Refused(_) => decision,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_about_as_large_as_it_was_asked_for() {
        let (room, left_out) = (Arc::new(Semaphore::new(1)), AtomicU64::new(0));
        let sampling = Sampling { without: Arc::from([]), permille: 50, room, left_out };
        let taken = (0..100_000_u32).filter(|number| sampling.takes(&format!("0123456789abcdef{number:08x}"))).count();
        assert!((4_500..5_500).contains(&taken), "{taken}");
        let all = Sampling { permille: 1000, ..sampling };
        assert!((0..1000_u32).all(|number| all.takes(&format!("{number:08x}"))));
    }
}
