//! Callers that leave: their work stops, they leave one outcome, and those who stay notice nothing.

use e2e::harness::Setup;
use e2e::wall::Role;
use insta::assert_snapshot;
use local_model::scripted::{Gate, Script};

use crate::views::streaming;

#[tokio::test]
async fn a_provider_is_left_when_its_caller_leaves() {
    let gateway = Setup::empty().remote(Role::National, &["hold-after-3"]).start().await;
    let mut answer = gateway.client.open_chat(&streaming("hold-after-3", "?")).await;
    for _ in 0..3 {
        answer.next_event().await.unwrap();
    }
    answer.hang_up();
    gateway.wall.until(|heard| heard.requests().count() == 1 && heard.open() == 0).await;
    assert_snapshot!(gateway.end().await);
}

#[tokio::test]
async fn a_provider_is_left_when_its_caller_leaves_before_the_first_byte() {
    let gateway = Setup::empty().remote(Role::National, &["hang"]).start().await;
    let answer = gateway.client.open_chat(&streaming("hang", "?")).await;
    gateway.wall.until(|heard| heard.requests().count() == 1).await;
    answer.hang_up();
    gateway.wall.until(|heard| heard.open() == 0).await;
    assert_snapshot!(gateway.end().await);
}

/// The floor stops computing within one token of the caller's leaving: the engine is let on step by step, and the sequence
/// takes part in no step after the one under way.
#[tokio::test]
async fn the_floor_stops_within_one_token() {
    let gate = Gate::closed();
    let gateway = Setup::local(Script::new().endless("count", "1 ").gate(&gate)).start().await;
    let mut answer = gateway.client.open_chat(&streaming("scripted", "count")).await;
    gate.let_through(12);
    while !answer.next_event().await.unwrap().contains('1') {}
    gateway.engine().until(|seen| seen.forwards == 12 && seen.at_gate).await;
    answer.hang_up();
    gate.open();
    let seen = gateway.engine().until(|seen| seen.live() == 0).await;
    // However long the gateway takes to notice the closed connection, an endless answer would run to its 1,024 tokens.
    assert!(seen.sequences[0].answer_tokens < 1000, "{seen:?}");
    assert_snapshot!(without_counts(&gateway.end().await.to_string()));
}

/// Two hundred streams at once; half of them leave in the middle. The rest finish, whole and right; every one of the two
/// hundred has one decision and one outcome; no room is left taken.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_streams_and_half_of_them_leave() {
    let said = "하나 둘 셋 넷 다섯 ".repeat(6);
    let script = Script::new().answer("finish", &said).endless("leave", "going on ");
    let gateway = Setup::local(script).start().await;
    let mut callers = tokio::task::JoinSet::new();
    for number in 0..200 {
        let (client, said) = (gateway.client.clone(), said.clone());
        callers.spawn(async move {
            if number % 2 == 0 {
                let answer = client.chat(&streaming("scripted", &format!("finish {number}"))).await;
                assert!(answer.claims_to_be_complete(), "{answer}");
                assert_eq!(answer.said(0), said);
            } else {
                let mut answer = client.open_chat(&streaming("scripted", &format!("leave {number}"))).await;
                for _ in 0..=number % 7 {
                    answer.next_event().await.unwrap();
                }
                answer.hang_up();
            }
        });
    }
    callers.join_all().await;
    let seen = gateway.engine().until(|seen| seen.live() == 0 && seen.sequences.len() >= 100).await;
    assert!(seen.of("finish").count() == 100, "{} were computed", seen.of("finish").count());
    let log = gateway.end().await;
    assert_eq!((log.of("decision").count(), log.of("outcome").count()), (200, 200));
    let answered = log.of("outcome").filter(|outcome| outcome["ending"] == "answered").count();
    assert_eq!(answered, 100);
}

fn without_counts(log: &str) -> String {
    let words = log.split(' ').map(|word| match word.split_once('=') {
        Some((name @ ("answer_bytes" | "completion_tokens"), _)) => format!("{name}=…"),
        _ => word.to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}
