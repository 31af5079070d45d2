//! The whole console without a socket: who gets where, and what every answer carries.

use http::{Method, Request, StatusCode};

use super::*;
use crate::accounts::Role;
use crate::rig::{Browser, PASSWORD, Rig};

/// A path with something in place of what it names.
fn filled(path: &str) -> String {
    path.split('/').map(|part| if part.starts_with('{') { "0" } else { part }).collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn every_address_is_open_to_those_who_may_and_to_nobody_else() {
    let rig = Rig::new("").await;
    let addresses = table(&rig.site).listed;
    assert!(addresses.len() > 10);
    for role in Role::ALL {
        let browser = rig.browser(role).await;
        for Address { method, path, who } in &addresses {
            // These would end the very sessions that ask.
            if ["/sign-out", "/account/session", "/live"].contains(path) {
                continue;
            }
            let path = filled(path);
            let got = match *method {
                Method::GET => rig.get(&browser, &path).await,
                _ => rig.post(&browser, &path, &[]).await,
            };
            let permitted = match who {
                Who::Anyone | Who::SignedIn => true,
                Who::May(permission) => role.may(*permission),
            };
            assert_eq!(got.status != StatusCode::FORBIDDEN, permitted, "{role} {method} {path}: {}", got.status);
            assert_ne!(got.status, StatusCode::INTERNAL_SERVER_ERROR, "{role} {method} {path}");
        }
    }
    for Address { method, path, who } in &addresses {
        let path = filled(path);
        let got = match *method {
            Method::GET => rig.get(&Browser::default(), &path).await,
            _ => rig.post(&Browser::default(), &path, &[]).await,
        };
        let led_away = got.status == StatusCode::SEE_OTHER && got.header("location").starts_with("/sign-in");
        assert!(*who == Who::Anyone || led_away, "a stranger at {method} {path}: {}", got.status);
    }
}

#[tokio::test]
async fn nothing_is_changed_by_what_no_page_of_ours_has_sent() {
    let rig = Rig::new("").await;
    let owner = rig.browser(Role::Owner).await;
    let fields = [("name", "intruder"), ("role", "owner"), ("team", "x")];
    let without_token = Browser { form_token: String::new(), ..owner.clone() };
    assert_eq!(rig.post(&without_token, "/accounts", &fields).await.status, StatusCode::FORBIDDEN);
    let anothers = Browser { form_token: rig.browser(Role::User).await.form_token, ..owner.clone() };
    assert_eq!(rig.post(&anothers, "/accounts", &fields).await.status, StatusCode::FORBIDDEN);
    let body = format!("form_token={}&name=intruder&role=owner&team=x", owner.form_token);
    for (name, value) in
        [("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site"), ("origin", "https://elsewhere.example")]
    {
        let request =
            Request::post("/accounts").header(name, value).header("content-type", "application/x-www-form-urlencoded");
        let got = rig.send(&owner, request.body(body.clone().into()).unwrap()).await;
        assert_eq!(got.status, StatusCode::FORBIDDEN, "{name}: {value}");
    }
    assert!(!rig.site.accounts.list().await.unwrap().iter().any(|account| &*account.name == "intruder"));
    let got = rig.post(&owner, "/accounts", &fields).await;
    assert_eq!(got.status, StatusCode::OK, "{}", got.text);
    assert!(rig.site.accounts.list().await.unwrap().iter().any(|account| &*account.name == "intruder"));
}

#[tokio::test]
async fn every_answer_forbids_frames_foreign_scripts_and_keeping() {
    let rig = Rig::new("").await;
    let owner = rig.browser(Role::Owner).await;
    for path in ["/account", "/overview", "/accounts", "/assets/0/console.js"] {
        let got = rig.get(&owner, path).await;
        let policy = got.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe") && !policy.contains('*') && !policy.contains("http"), "{path}: {policy}");
        assert_eq!(got.header("x-content-type-options"), "nosniff");
        assert!(path.starts_with("/assets") || got.header("cache-control") == "no-store", "{path}");
    }
}

#[tokio::test]
async fn a_name_that_an_outsider_can_own_is_not_answered_to() {
    let rig = Rig::new("").await;
    let request =
        Request::get("/sign-in").header("host", "console.attacker.example").body(axum::body::Body::empty()).unwrap();
    let got = rig.send(&Browser::default(), request).await;
    assert_eq!(got.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!got.text.contains("password"));
}

#[tokio::test]
async fn somebody_signs_in_sees_their_page_and_signs_out() {
    let rig = Rig::new("").await;
    let stranger = Browser::default();
    let got = rig.get(&stranger, "/sign-in").await;
    assert!(got.text.contains("gwanmun account create"), "how the first account is made");
    let owner = rig.browser(Role::Owner).await;
    let wrong = rig.post(&stranger, "/sign-in", &[("name", "owner"), ("password", "no")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.text.contains("is wrong") && wrong.header("set-cookie").is_empty());
    for (back, to) in [
        ("/overview?x=1", "/overview?x=1"),
        ("//elsewhere.example", "/"),
        ("https://elsewhere.example", "/"),
        ("/\\elsewhere", "/"),
    ] {
        let got = rig.post(&stranger, "/sign-in", &[("name", "owner"), ("password", PASSWORD), ("back", back)]).await;
        assert_eq!((got.status, got.header("location")), (StatusCode::SEE_OTHER, to));
        let cookie = got.header("set-cookie");
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    }
    assert!(rig.get(&owner, "/overview").await.text.contains("Overview"));
    assert_eq!(rig.post(&owner, "/sign-out", &[]).await.header("location"), "/sign-in");
    assert_eq!(rig.get(&owner, "/overview").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_page_is_in_the_readers_language() {
    let rig = Rig::new("").await;
    for (accepted, word) in [("ko", "lang=\"ko\""), ("fr-FR", "lang=\"fr\""), ("xx", "lang=\"en\"")] {
        let request =
            Request::get("/sign-in").header("accept-language", accepted).body(axum::body::Body::empty()).unwrap();
        assert!(rig.send(&Browser::default(), request).await.text.contains(&format!("<html {word}>")), "{accepted}");
    }
    let owner = rig.browser(Role::Owner).await;
    let got = rig.post(&owner, "/language", &[("language", "vi"), ("back", "/account")]).await;
    assert_eq!(got.header("location"), "/account");
    assert!(rig.get(&owner, "/account").await.text.contains("<html lang=\"vi\">"));
}

#[tokio::test]
async fn what_people_are_called_is_shown_as_text() {
    let rig = Rig::new("").await;
    let owner = rig.browser(Role::Owner).await;
    let name = "<img/src=x/onerror=alert(1)>";
    let got = rig
        .post(&owner, "/accounts", &[("name", name), ("role", "user"), ("team", "\"><script>alert(1)</script>")])
        .await;
    assert_eq!(got.status, StatusCode::OK);
    let text = rig.get(&owner, "/accounts").await.text;
    assert!(!text.contains("<img/src") && !text.contains("<script>alert"), "{text}");
    assert!(text.contains("&#60;img/src=x/onerror=alert(1)&#62;"), "{text}");
}
