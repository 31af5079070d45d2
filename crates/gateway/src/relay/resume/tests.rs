//! Tests of answers that are taken up: at every number, by their own key alone, within limits of time, bytes and number.

use std::time::Duration;

use ::policy::Class;
use axum::body::{Body, BodyDataStream};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, HeaderValue};
use tokio::sync::mpsc;

use super::{ANSWERS_PER_KEY_MAX, KEPT_BYTES_MAX, Making, Resumable, UNDER_WAY_MAX};
use crate::{clock::Clock, config::Registered, keys::Caller, relay::Marks, tasks::Tasks};

const SPAN: Duration = Duration::from_secs(30);

struct Rig {
    resumable: Resumable,
    tasks: Tasks,
    clock: Clock,
    hand: crate::clock::Hand,
}

impl Rig {
    fn new() -> Self {
        let (clock, hand) = Clock::by_hand(jiff::Timestamp::UNIX_EPOCH);
        Self { resumable: Resumable::default(), tasks: Tasks::new(clock.clone()), clock, hand }
    }

    /// An answer of one event for each message.
    fn keep(&self, id: &str, key: &str) -> (mpsc::Sender<Bytes>, Result<Body, Making>) {
        let (made, making) = mpsc::channel::<Bytes>(64);
        let making: Making = Box::pin(stream::unfold(making, async |mut making| Some((making.recv().await?, making))));
        let marks = Marks::of(None, Class::Open);
        let kept = self.resumable.keep((&id.into(), &key.into()), &marks, making, SPAN, (&self.tasks, &self.clock));
        (made, kept)
    }

    async fn take_up(&self, last: &str, key: &str) -> Result<BodyDataStream, u16> {
        let mut headers = HeaderMap::new();
        headers.insert("last-event-id", HeaderValue::from_str(last).unwrap());
        let caller =
            Caller { key_id: key.into(), name: "n".into(), team: "t".into(), registered: Registered::default() };
        let taken_up = self.resumable.take_up(&headers, &caller).await.unwrap();
        taken_up.map(|(body, _)| body.into_data_stream()).map_err(|error| error.status().as_u16())
    }

    async fn nothing_is_kept(&self) {
        self.tasks.ended().await;
        assert!(self.resumable.0.lock().unwrap().is_empty());
    }
}

fn event(number: usize) -> Bytes {
    format!("data: {number}\n\n").into()
}

fn numbered(range: std::ops::RangeInclusive<usize>) -> String {
    range.map(|number| format!("id: r.{number}\ndata: {number}\n\n")).collect::<Vec<_>>().concat()
}

async fn read(body: &mut BodyDataStream, events: usize) -> String {
    let mut read = String::new();
    for _ in 0..events {
        read.push_str(std::str::from_utf8(&body.next().await.unwrap().unwrap()).unwrap());
    }
    read
}

#[tokio::test]
async fn an_answer_is_taken_up_at_every_number() {
    let rig = Rig::new();
    let (made, kept) = rig.keep("r", "k");
    let mut first = kept.ok().unwrap().into_data_stream();
    for number in 1..=6 {
        made.send(event(number)).await.unwrap();
    }
    assert_eq!(read(&mut first, 3).await, numbered(1..=3));
    drop(first);
    // While it runs, at every number; a newer reader takes the older one's place.
    for last in 0..=6 {
        let mut again = rig.take_up(&format!("r.{last}"), "k").await.unwrap();
        if last < 6 {
            assert_eq!(read(&mut again, 6 - last).await, numbered(last + 1..=6), "after {last}");
        }
    }
    let mut older = rig.take_up("r.5", "k").await.unwrap();
    let mut newer = rig.take_up("r.6", "k").await.unwrap();
    assert_eq!(read(&mut older, 1).await, numbered(6..=6));
    made.send([event(7), event(8)].concat().into()).await.unwrap();
    drop(made);
    assert_eq!(read(&mut newer, 2).await, numbered(7..=8), "of a piece of several events each has its number");
    assert!(newer.next().await.is_none(), "it has all");
    assert!(older.next().await.is_some_and(|end| end.is_err()), "it is cut: another reads");
    // And after its end, until its time is over.
    let mut ended = rig.take_up("r.6", "k").await.unwrap();
    assert_eq!(read(&mut ended, 2).await, numbered(7..=8));
    assert!(ended.next().await.is_none());
    for (last, key) in [("r.6", "other"), ("q.6", "k"), ("r", "k"), ("r.x", "k"), ("r.9", "k")] {
        assert_eq!(rig.take_up(last, key).await.err(), Some(404), "{last} {key}");
    }
    drop(ended);
    rig.hand.advance(SPAN);
    rig.nothing_is_kept().await;
    assert_eq!(rig.take_up("r.6", "k").await.err(), Some(404));
}

#[tokio::test]
async fn an_answer_that_nobody_takes_up_is_given_up() {
    let rig = Rig::new();
    let (made, kept) = rig.keep("r", "k");
    made.send(event(1)).await.unwrap();
    let mut body = kept.ok().unwrap().into_data_stream();
    read(&mut body, 1).await;
    drop(body);
    rig.hand.awaited(SPAN).await;
    assert!(!made.is_closed(), "it goes on for a while");
    rig.hand.advance(SPAN);
    rig.nothing_is_kept().await;
    assert!(made.is_closed(), "what makes it is dropped, and with it the provider's connection");
}

#[tokio::test]
async fn what_is_kept_has_limits() {
    let rig = Rig::new();
    let kept: Vec<_> = (0..ANSWERS_PER_KEY_MAX).map(|number| rig.keep(&number.to_string(), "k")).collect();
    assert!(kept.iter().all(|(_, kept)| kept.is_ok()));
    assert!(rig.keep("one more", "k").1.is_err() && rig.keep("r", "other").1.is_ok());
    drop(kept);
    // Unread, an answer waits when its bytes are used up; read, the oldest go.
    let (made, kept) = rig.keep("large", "third");
    let mut body = kept.ok().unwrap().into_data_stream();
    let large: Bytes = format!("data: {}\n\n", "x".repeat(KEPT_BYTES_MAX / 8)).into();
    for _ in 0..64 {
        made.send(large.clone()).await.unwrap();
    }
    let mut taken = 0;
    while taken < 40 {
        taken += 1;
        assert!(body.next().await.unwrap().unwrap().starts_with(format!("id: large.{taken}\n").as_bytes()));
    }
    drop(body);
    assert_eq!(rig.take_up("large.1", "third").await.err(), Some(404), "it is not kept any more");
    // What was on its way to the reader counts as taken: what follows is kept.
    let mut last = taken;
    let mut body = loop {
        match rig.take_up(&format!("large.{last}"), "third").await {
            Ok(body) => break body,
            Err(_) => last += 1,
        }
        assert!(last <= taken + UNDER_WAY_MAX, "more than was on its way is gone");
    };
    assert!(body.next().await.unwrap().unwrap().starts_with(format!("id: large.{}\n", last + 1).as_bytes()));
    rig.tasks.end(Duration::ZERO).await;
}
