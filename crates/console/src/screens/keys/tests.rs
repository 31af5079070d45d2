//! What is done to keys on the page reaches the store and the log, is shown once, and says what is wrong.

use http::StatusCode;
use serde_json::Value;

use crate::accounts::Role;
use crate::rig::{Browser, Rig};

const CONFIG: &str = r#"
[[team]]
name = "hr"
class = "sensitive"
purpose = "hiring"
"#;

/// What waits for the log about keys.
async fn left(rig: &Rig) -> Vec<Value> {
    let bodies: Vec<String> = sqlx::query_scalar("SELECT body FROM changes ORDER BY id")
        .fetch_all(rig.site.keys.database().pool())
        .await
        .unwrap();
    let all = bodies.iter().map(|body| serde_json::from_str::<Value>(body).unwrap());
    all.filter(|body| body["action"].as_str().unwrap().starts_with("key.")).collect()
}

/// The key that a page shows.
fn shown(page: &str) -> Option<String> {
    let (_, after) = page.split_once("id=\"made-key\">")?;
    Some(after.split_once('<')?.0.to_owned())
}

async fn made(rig: &Rig, browser: &Browser, name: &str) -> (String, String) {
    let fields = [("name", name), ("team", "hr"), ("class", "classified"), ("continuity", "splice")];
    let got = rig.post(browser, "/keys", &fields).await;
    assert_eq!(got.status, StatusCode::OK, "{}", got.text);
    let key = rig.site.keys.list().await.unwrap().into_iter().find(|key| key.name == name && key.revoked_at.is_none());
    (shown(&got.text).expect("the key is shown"), key.unwrap().id)
}

#[tokio::test]
async fn a_key_is_made_shown_once_and_in_the_log() {
    let rig = Rig::new(CONFIG).await;
    let operator = rig.browser(Role::Operator).await;
    assert!(rig.get(&operator, "/keys").await.text.contains("hiring"), "a team without keys is shown too");
    let (text, id) = made(&rig, &operator, "billing").await;
    rig.site.keys.refill().await.unwrap();
    let caller = rig.site.keys.ring().find(text.as_bytes()).unwrap();
    assert_eq!((&*caller.name, &*caller.team, &*caller.key_id), ("billing", "hr", &*id));
    assert_eq!(caller.registered.class.unwrap().word(), "classified");
    assert_eq!(caller.registered.continuity.unwrap().word(), "splice");
    let page = rig.get(&operator, "/keys").await.text;
    assert!(page.contains("billing") && page.contains(&id) && !page.contains(&text), "never again");
    let left = left(&rig).await;
    assert_eq!(
        (left.len(), left[0]["action"].as_str(), left[0]["subject"].as_str()),
        (1, Some("key.create"), Some(&*id))
    );
    assert_eq!(left[0]["by"], "account:operator", "{}", left[0]);
}

#[tokio::test]
async fn a_key_is_replaced_and_revoked_after_a_page_has_asked() {
    let rig = Rig::new("").await;
    let owner = rig.browser(Role::Owner).await;
    let (old, id) = made(&rig, &owner, "billing").await;
    rig.site.keys.refill().await.unwrap();
    let asks = rig.get(&owner, &format!("/keys/{id}/replace")).await;
    assert!(asks.status == StatusCode::OK && asks.text.contains("action=\"/keys/rotate\""), "{}", asks.text);
    assert!(rig.site.keys.ring().find(old.as_bytes()).is_ok(), "asking changes nothing");
    let got = rig.post(&owner, "/keys/rotate", &[("id", &id)]).await;
    let new = shown(&got.text).expect("the new key is shown");
    assert!(rig.site.keys.ring().find(old.as_bytes()).is_err(), "the old one is refused at once");
    rig.site.keys.refill().await.unwrap();
    let caller = rig.site.keys.ring().find(new.as_bytes()).unwrap();
    assert_eq!((&*caller.name, &*caller.team), ("billing", "hr"));
    let actions: Vec<_> = left(&rig).await.iter().map(|entry| entry["action"].as_str().unwrap().to_owned()).collect();
    assert_eq!(actions, ["key.create", "key.revoke", "key.create"]);
    // The old one's pages are gone; what was already done is told.
    assert_eq!(rig.get(&owner, &format!("/keys/{id}/revoke")).await.status, StatusCode::NOT_FOUND);
    let again = rig.post(&owner, "/keys/rotate", &[("id", &id)]).await;
    assert!(again.text.contains("meanwhile") && shown(&again.text).is_none(), "{}", again.text);
    let asks = rig.get(&owner, &format!("/keys/{}/revoke", caller.key_id)).await;
    assert!(asks.text.contains("action=\"/keys/revoke\""));
    let got = rig.post(&owner, "/keys/revoke", &[("id", &caller.key_id)]).await;
    assert_eq!((got.status, got.header("location")), (StatusCode::SEE_OTHER, "/keys"));
    assert!(rig.site.keys.ring().find(new.as_bytes()).is_err());
    assert!(rig.get(&owner, "/keys").await.text.contains("2 revoked keys"));
}

#[tokio::test]
async fn what_cannot_be_a_key_is_told_and_the_form_stays_filled() {
    let rig = Rig::new("").await;
    let owner = rig.browser(Role::Owner).await;
    made(&rig, &owner, "billing").await;
    let long = "x".repeat(65);
    for (name, team, word) in [
        ("billing", "hr", "is in force"),
        (&*long, "hr", "1 to 64 characters"),
        ("a", &*long, "team’s name"),
        ("", "hr", "Give the key a name"),
        ("a", "", "Give a team"),
    ] {
        let got = rig.post(&owner, "/keys", &[("name", name), ("team", team)]).await;
        assert!(got.text.contains(word), "{name} {team}: {}", got.text);
        assert!(shown(&got.text).is_none());
    }
    let got = rig.post(&owner, "/keys", &[("name", "billing"), ("team", "hr"), ("class", "open")]).await;
    assert!(got.text.contains("name=\"name\" value=\"billing\"") && got.text.contains("value=\"open\" selected"));
    for (field, value) in [("class", "secret"), ("continuity", "perhaps")] {
        let got = rig.post(&owner, "/keys", &[("name", "b"), ("team", "hr"), (field, value)]).await;
        assert_eq!(got.status, StatusCode::BAD_REQUEST);
    }
    assert_eq!(rig.site.keys.list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_auditor_sees_keys_and_is_offered_no_change_in_any_language() {
    let rig = Rig::new(CONFIG).await;
    let owner = rig.browser(Role::Owner).await;
    let (_, id) = made(&rig, &owner, "<img src=x>").await;
    let auditor = rig.browser(Role::Auditor).await;
    for (tag, word) in [
        ("en", "Teams and keys"),
        ("ko", "팀과 키"),
        ("vi", "Nhóm và khóa"),
        ("fr", "Équipes et clés"),
        ("ja", "チームとキー"),
    ] {
        rig.post(&auditor, "/language", &[("language", tag), ("back", "/keys")]).await;
        let page = rig.get(&auditor, "/keys").await.text;
        assert!(page.contains(&format!("<h1>{word}</h1>")), "{tag}");
        assert!(page.contains("&#60;img src=x&#62;") && !page.contains("<img src"), "{tag}: names are text");
        assert!(!page.contains("/revoke") && !page.contains("action=\"/keys\""), "{tag}");
    }
    for path in ["/keys/rotate", "/keys/revoke"] {
        assert_eq!(rig.post(&auditor, path, &[("id", &id)]).await.status, StatusCode::FORBIDDEN);
    }
    assert_eq!(rig.get(&auditor, &format!("/keys/{id}/revoke")).await.status, StatusCode::FORBIDDEN);
}
