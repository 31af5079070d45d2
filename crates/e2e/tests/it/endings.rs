//! Reloads and shutdowns: nothing that has begun is dropped, nothing new gets in, a change holds for the next request.

use std::sync::Arc;

use e2e::client::Client;
use e2e::harness::Setup;
use e2e::wall::Role;
use gateway::config::{Config, Judged, Version};

use crate::views::{asking, streaming};

#[tokio::test]
async fn a_change_holds_for_the_next_request_and_not_for_those_under_way() {
    let gateway = Setup::empty().remote(Role::National, &["hold-after-2", "wall-small"]).start().await;
    let mut under_way = gateway.client.open_chat(&streaming("hold-after-2", "?")).await;
    under_way.next_event().await.unwrap();
    let mut config = Config::clone(&gateway.config.load());
    config.policy = Judged::shipped("local").unwrap();
    config.version = Version::of("changed");
    gateway.config.store(Arc::new(config));
    assert_eq!(gateway.client.chat(&asking("wall-small", "?")).await.status, 403);
    gateway.wall.release();
    assert!(under_way.rest().await.claims_to_be_complete());
    let log = gateway.end().await;
    let changed = hex::encode(Version::of("changed").hash());
    assert_eq!(log.of("refusal").map(|entry| &entry["config"]).collect::<Vec<_>>(), [&changed]);
}

#[tokio::test]
async fn a_shutdown_lets_a_stream_finish_and_lets_nothing_in() {
    let gateway = Setup::empty().remote(Role::National, &["hold-after-2"]).start().await;
    let mut under_way = gateway.client.open_chat(&streaming("hold-after-2", "?")).await;
    under_way.next_event().await.unwrap();
    gateway.drain();
    assert!(!accepts(&gateway.client).await, "a new connection was served while ending");
    gateway.wall.release();
    let answer = under_way.rest().await;
    assert!(answer.claims_to_be_complete(), "{answer}");
    let log = gateway.end().await;
    assert_eq!(log.of("outcome").map(|outcome| &outcome["ending"]).collect::<Vec<_>>(), ["answered"]);
}

/// Whether a new connection is answered with success; refused, closed and 503 all mean no.
async fn accepts(client: &Client) -> bool {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let Ok(mut stream) = tokio::net::TcpStream::connect(client.address).await else { return false };
    let request = client.request("POST", "/v1/chat/completions", asking("hold-after-2", "?").to_string().as_bytes());
    if stream.write_all(&request).await.is_err() {
        return false;
    }
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer).await);
    answer.starts_with(b"HTTP/1.1 200")
}
