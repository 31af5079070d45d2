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
    let got = rig.post(&owner, "/accounts", &[&fields[..], &[("present", PASSWORD)]].concat()).await;
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
        ("/\t/elsewhere.example/sign-in", "/"),
        ("/\u{0}/elsewhere.example", "/"),
        ("/\u{85}/elsewhere.example", "/"),
        ("\t//elsewhere.example", "/"),
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

#[tokio::test]
async fn a_stranger_sends_little() {
    let rig = Rig::new("").await;
    let owner = rig.browser(Role::Owner).await;
    let long = "x".repeat(10_000);
    let got = rig.post(&Browser::default(), "/sign-in", &[("name", "owner"), ("password", &long)]).await;
    assert_eq!(got.status, StatusCode::PAYLOAD_TOO_LARGE);
    let got = rig.post(&owner, "/sign-in", &[("name", "owner"), ("password", &long)]).await;
    assert_eq!(got.status, StatusCode::UNPROCESSABLE_ENTITY, "whoever is signed in pastes files");
}

#[tokio::test]
async fn too_many_at_once_are_asked_to_come_again() {
    let rig = Rig::new("").await;
    let owner = rig.browser(Role::Owner).await;
    let mut followed = Vec::new();
    let last = loop {
        let (status, body) = rig.follow(&owner).await;
        if status != StatusCode::OK {
            break status;
        }
        followed.push(body);
    };
    assert_eq!((last, followed.len()), (StatusCode::SERVICE_UNAVAILABLE, 16));
    let got = rig.get(&owner, "/live").await;
    assert_eq!(got.header("retry-after"), "5");
    followed.pop();
    assert_eq!(rig.follow(&owner).await.0, StatusCode::OK, "a page that goes makes room");
}

#[tokio::test]
async fn people_who_may_not_see_the_gate_cannot_make_the_board_stand_still() {
    let rig = Rig::new("").await;
    let mut followed = Vec::new();
    let last = 'all: loop {
        let user = rig.browser(Role::User).await;
        for _ in 0..16 {
            let (status, body) = rig.follow(&user).await;
            if status != StatusCode::OK {
                break 'all status;
            }
            followed.push(body);
        }
    };
    assert_eq!((last, followed.len()), (StatusCode::SERVICE_UNAVAILABLE, 192));
    let officer = rig.browser(Role::Officer).await;
    assert_eq!(rig.follow(&officer).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_page_is_followed_as_long_as_its_session() {
    let rig = Rig::new("").await;
    let owner = rig.browser(Role::Owner).await;
    let (_, mut body) = rig.follow(&owner).await;
    let mut next = async || {
        let frame = http_body_util::BodyExt::frame(&mut body).await;
        frame.map(|frame| String::from_utf8(frame.unwrap().into_data().unwrap().to_vec()).unwrap())
    };
    assert_eq!(next().await.as_deref(), Some(": following\n\n"));
    let ended = async {
        while let Some(text) = next().await {
            assert!(text.starts_with(": alive"), "{text}");
        }
    };
    let moved = async {
        for minute in 0..62 {
            // Asked for by an open page, not by somebody.
            let request = Request::get("/overview").header("x-follows", "1").body(axum::body::Body::empty()).unwrap();
            let got = rig.send(&owner, request).await;
            let status = if minute <= 60 { StatusCode::OK } else { StatusCode::SEE_OTHER };
            assert_eq!(got.status, status, "minute {minute}");
            for _ in 0..60 {
                rig.hand.advance(std::time::Duration::from_secs(1));
                tokio::task::yield_now().await;
            }
        }
        loop {
            rig.hand.advance(std::time::Duration::from_secs(1));
            tokio::task::yield_now().await;
        }
    };
    let limit = std::time::Duration::from_mins(1);
    let first = async {
        tokio::select! {
            () = ended => {}
            _ = moved => panic!("it moves on for ever"),
        }
    };
    tokio::time::timeout(limit, first).await.expect("it ends with its session");
    assert!(rig.site.clock.now().since(gateway::clock::Moment::default()).as_secs() > 3600, "not before");
}

#[tokio::test]
async fn every_way_back_is_a_page() {
    let rig = Rig::new("").await;
    let owner = rig.browser(Role::Owner).await;
    for Address { method, path, who } in table(&rig.site).listed {
        if method == Method::GET || who == Who::Anyone {
            continue;
        }
        let got = rig.post(&Browser::default(), &filled(path), &[]).await;
        let to = got.header("location").strip_prefix("/sign-in?back=").unwrap().replace("%2F", "/");
        let got = rig.get(&owner, &to).await;
        let led_on = got.status == StatusCode::SEE_OTHER && to == "/";
        assert!(got.status == StatusCode::OK || led_on, "{path} leads back to {to}: {}", got.status);
    }
}

#[tokio::test]
async fn whoever_is_refused_keeps_their_frame_and_their_language() {
    let rig = Rig::new("").await;
    let auditor = rig.browser(Role::Auditor).await;
    rig.post(&auditor, "/language", &[("language", "ko"), ("back", "/account")]).await;
    let got = rig.get(&auditor, "/guard?x=1").await;
    assert_eq!(got.status, StatusCode::FORBIDDEN);
    assert!(got.text.contains("<html lang=\"ko\">") && got.text.contains("href=\"/audit\""), "{}", got.text);
    assert!(got.text.contains("name=\"back\" value=\"/guard?x=1\""), "{}", got.text);
    assert!(got.text.contains(&auditor.form_token));
}

#[tokio::test]
async fn the_language_switch_comes_back_to_the_whole_address() {
    let rig = Rig::new("").await;
    let owner = rig.browser(Role::Owner).await;
    let text = rig.get(&owner, "/requests?team=desk&amp=%26").await.text;
    assert!(text.contains("name=\"back\" value=\"/requests?team=desk&#38;amp=%26\""), "{text}");
    let got = rig.post(&owner, "/account/password", &[("password", "one"), ("again", "other")]).await;
    assert_eq!(got.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(got.text.contains("name=\"back\" value=\"/account\""), "{}", got.text);
}

#[tokio::test]
async fn people_get_a_page_where_there_is_none_and_programs_what_strangers_may_have() {
    let rig = Rig::new("").await;
    let owner = rig.browser(Role::Owner).await;
    let asked =
        |path: &str| Request::get(path).header("accept", "text/html,*/*").body(axum::body::Body::empty()).unwrap();
    let got = rig.send(&owner, asked("/nothing")).await;
    assert_eq!(got.status, StatusCode::NOT_FOUND);
    assert!(got.text.contains("<nav") && got.header("content-security-policy").contains("default-src 'none'"));
    let got = rig.send(&owner, asked("/keys/rotate")).await;
    assert_eq!(got.status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(got.text.contains("<nav") && got.header("content-security-policy").contains("default-src 'none'"));
    assert_eq!(rig.send(&owner, asked("/log/checkpoint")).await.text, "for strangers");
    assert_eq!(rig.get(&Browser::default(), "/nothing").await.text, "for strangers");
}

#[tokio::test]
async fn entries_of_the_log_are_for_those_who_may_see_it() {
    let rig = Rig::new("").await;
    let path = "/log/tile/entries/x001/000.p/3";
    for role in Role::ALL {
        let browser = rig.browser(role).await;
        let given = if role.may(P::SeeLog) { "with entries" } else { "for strangers" };
        assert_eq!(rig.get(&browser, path).await.text, given, "{role}");
    }
    assert_eq!(rig.get(&Browser::default(), path).await.text, "for strangers");
    assert_eq!(
        rig.get(&Browser::default(), "/log/tile/entries/x001/000.p/3").await.header("cache-control"),
        "no-store"
    );
}
