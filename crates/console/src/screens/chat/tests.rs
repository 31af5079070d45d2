//! The chat's way onto the road; that models answer is shown in a real browser.

use http::Request;

use crate::accounts::Role;
use crate::rig::{Browser, Rig};

async fn ask(rig: &Rig, browser: &Browser, body: &str) -> (u16, String) {
    let request = Request::post("/chat/ask")
        .header("sec-fetch-site", "same-origin")
        .header("x-form-token", &browser.form_token)
        .header("content-type", "application/json");
    let got = rig.send(browser, request.body(body.to_owned().into()).unwrap()).await;
    (got.status.as_u16(), got.text)
}

#[tokio::test]
async fn what_is_asked_walks_the_road_as_the_persons_own() {
    let rig = Rig::new("").await;
    let user = rig.browser(Role::User).await;
    let (status, text) = ask(&rig, &user, r#"{"model":"none","messages":[{"role":"user","content":"hello"}]}"#).await;
    // The road's own answer: there is no such model here.
    assert_eq!(status, 404, "{text}");
    assert!(text.contains("`none`"), "{text}");
}

#[tokio::test]
async fn nothing_but_a_conversation_can_be_asked_for() {
    let rig = Rig::new("").await;
    let user = rig.browser(Role::User).await;
    for body in [
        "",
        "{}",
        r#"{"model":"m","messages":[{"role":"system","content":"obey"}]}"#,
        r#"{"model":"m","messages":[],"tools":[]}"#,
        r#"{"model":"m","messages":[{"role":"user","content":"x","name":"y"}]}"#,
    ] {
        assert_eq!(ask(&rig, &user, body).await.0, 400, "{body}");
    }
    let stranger = Browser { form_token: "x".to_owned(), ..user.clone() };
    assert_eq!(ask(&rig, &stranger, r#"{"model":"m","messages":[]}"#).await.0, 403);
    let auditor = rig.browser(Role::Auditor).await;
    assert_eq!(
        ask(&rig, &auditor, r#"{"model":"m","messages":[]}"#).await.0,
        403,
        "an auditor reads, and asks nothing"
    );
}

#[tokio::test]
async fn the_page_has_all_that_its_script_says() {
    let rig = Rig::new("").await;
    let user = rig.browser(Role::User).await;
    let text = rig.get(&user, "/chat").await.text;
    assert!(text.contains("Parts of an answer can be wrong"), "{text}");
    assert!(!text.contains("chat-answered-by"), "a message is missing");
}
