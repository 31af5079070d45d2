//! Tasks are counted under their names, told to stop, awaited, and dropped when they do not listen.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::oneshot;

use super::{Phase, Tasks};
use crate::clock::Clock;

#[tokio::test]
async fn tasks_are_counted_by_name_until_they_end() {
    let tasks = Tasks::new(Clock::system());
    let (go, gone) = oneshot::channel::<()>();
    tasks.start("one", |_| async { drop(gone.await) });
    tasks.start("two", |stop| async move { stop.draining().await });
    tasks.start("two", |stop| async move { stop.draining().await });
    let thread = tasks.start_thread("three", |stop| assert_eq!(stop.phase(), Phase::Running)).unwrap();
    thread.join().unwrap();
    assert_eq!(tasks.alive(), BTreeMap::from([("one", 1), ("two", 2)]));
    tasks.drain();
    go.send(()).unwrap();
    tasks.ended().await;
    assert_eq!(tasks.alive(), BTreeMap::new());
}

#[tokio::test]
async fn who_listens_finishes_and_who_does_not_is_dropped() {
    let (clock, hand) = Clock::by_hand(Timestamp::UNIX_EPOCH);
    let tasks = Tasks::new(clock);
    let (told, mut dropped) = oneshot::channel::<()>();
    tasks.start("deaf", |_| async move {
        let _told = told;
        std::future::pending::<()>().await;
    });
    let ending = tasks.end(Duration::from_secs(3));
    let moving = async {
        hand.awaited(Duration::from_secs(3)).await;
        assert!(dropped.try_recv().is_err());
        hand.advance(Duration::from_secs(3));
    };
    assert_eq!(tokio::join!(ending, moving), (false, ()));
    assert!(dropped.await.is_err(), "it was dropped, not finished");
    assert!(tasks.end(Duration::ZERO).await, "nothing is left to wait for");
}

#[tokio::test]
async fn phases_never_go_back_and_a_panic_leaves_no_count() {
    let tasks = Tasks::new(Clock::system());
    tasks.cancel();
    tasks.drain();
    assert_eq!(tasks.stop().phase(), Phase::Cancelled);
    let tasks = Tasks::new(Clock::system());
    tasks.start("defect", |_| async { panic!("on purpose") });
    tasks.ended().await;
}
