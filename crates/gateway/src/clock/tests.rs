//! A clock by hand stands still, moves, and wakes exactly those whose time has come.

use std::time::Duration;

use futures_util::FutureExt as _;
use jiff::Timestamp;

use super::Clock;

#[tokio::test]
async fn by_hand_moves_both_times_and_only_when_moved() {
    let began: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
    let (clock, hand) = Clock::by_hand(began);
    let start = clock.now();
    assert_eq!(clock.wall(), began);
    hand.advance(Duration::from_secs(90));
    assert_eq!(clock.wall().to_string(), "2026-11-21T10:01:30Z");
    assert_eq!(clock.now().since(start), Duration::from_secs(90));
    assert_eq!(start.since(clock.now()), Duration::ZERO);
}

#[tokio::test]
async fn sleepers_wake_when_their_time_has_come_and_not_before() {
    let (clock, hand) = Clock::by_hand(Timestamp::UNIX_EPOCH);
    let mut short = clock.sleep(Duration::from_secs(5));
    let mut long = clock.sleep(Duration::from_secs(6));
    assert_eq!(hand.sleepers(), 2);
    assert_eq!((&mut short).now_or_never(), None);
    hand.advance(Duration::from_secs(5));
    assert_eq!((&mut short).now_or_never(), Some(()));
    assert_eq!((&mut long).now_or_never(), None);
    drop((short, long));
    assert_eq!(hand.sleepers(), 0);
}

#[tokio::test]
async fn within_gives_up_when_the_time_is_out_and_prefers_work_that_is_done() {
    let (clock, hand) = Clock::by_hand(Timestamp::UNIX_EPOCH);
    assert_eq!(clock.within(Duration::ZERO, async { 7 }).await, Some(7));
    let waited = clock.within(Duration::from_secs(1), std::future::pending::<()>());
    let (waited, ()) = tokio::join!(waited, async { hand.advance(Duration::from_secs(1)) });
    assert_eq!(waited, None);
}

#[tokio::test]
async fn the_machines_clock_goes_forward_and_wakes() {
    let clock = Clock::system();
    let start = clock.now();
    clock.sleep(Duration::from_millis(1)).await;
    assert!(clock.now().since(start) >= Duration::from_millis(1));
    assert!(clock.wall() > "2026-01-01T00:00:00Z".parse().unwrap());
}
