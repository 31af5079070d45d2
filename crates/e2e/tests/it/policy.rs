//! Data never leaves where policy allows it (promise 2, first form: the shipped policies `local` and `open`).

use e2e::harness::Setup;
use e2e::wall::Role;
use gateway::config::Judged;
use insta::assert_snapshot;
use local_model::scripted::Script;

use crate::views::{asking, streaming, views};

#[tokio::test]
async fn remote_denied() {
    let setup = Setup::empty().remote(Role::Foreign, &["wall-small"]);
    let gateway = setup.change(|config| config.policy = Judged::default()).start().await;
    let answer = gateway.client.chat(&asking("wall-small", "a secret of state")).await;
    assert_eq!(gateway.client.get("/v1/models").await.json()["data"].as_array().map(Vec::len), Some(0));
    let heard = gateway.wall.heard();
    assert_snapshot!(views(&answer, &heard, &gateway.end().await));
}

/// The local model breaks in every way it can, at several places; the model's name is offered abroad too, but policy denies
/// abroad. Not one connection is made there, by request, health probe or metrics.
#[tokio::test]
async fn denied_stays_denied_however_the_floor_breaks() {
    let cases = [
        Script::new().fail("a secret", ""),
        Script::new().fail("a secret", "begun"),
        Script::new().panic("a secret", ""),
        Script::new().panic("a secret", "begun"),
        Script::new().nonsense("a secret", "begun"),
    ];
    for script in cases {
        let setup = Setup::local(script).remote(Role::Foreign, &["scripted", "wall-small"]);
        let gateway = setup.change(|config| config.policy = Judged::default()).start().await;
        for request in
            [asking("scripted", "a secret"), streaming("scripted", "a secret"), asking("wall-small", "a secret")]
        {
            let answer = gateway.client.chat(&request).await;
            assert!(!answer.claims_to_be_complete(), "{answer}");
            gateway.client.get("/health/ready").await;
            gateway.client.get("/metrics").await;
        }
        assert_eq!(gateway.wall.heard().0.len(), 0, "a connection was made where policy forbids it");
        gateway.end().await;
    }
}

/// What a provider says of other places is not followed.
#[tokio::test]
async fn redirects_are_not_followed() {
    let gateway = Setup::empty().remote(Role::National, &["fault-redirect"]).start().await;
    for request in [asking("fault-redirect", "a secret"), streaming("fault-redirect", "a secret")] {
        let answer = gateway.client.chat(&request).await;
        assert_eq!(answer.status, 502, "{answer}");
        assert!(!answer.text().contains("127.0.3"), "{answer}");
    }
    let heard = gateway.wall.heard();
    assert_eq!((heard.of(Role::National).count() > 0, heard.of(Role::Foreign).count()), (true, 0));
    gateway.end().await;
}
