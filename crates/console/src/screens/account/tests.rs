//! One's own account and everybody's: what is asked for before something is done, and what the log is left to say.

use http::StatusCode;

use crate::accounts::{Entered, Role, Source};
use crate::rig::{Browser, PASSWORD, Rig};

const OTHER: &str = "five other words, not those";

impl Rig {
    async fn enters(&self, name: &str, password: &str) -> Entered {
        let from = Source { agent: "a browser", browser: None };
        self.site.accounts.enter(name, password, &from, self.site.clock.wall()).await.unwrap()
    }

    async fn role_of(&self, name: &str) -> Option<Role> {
        let known = self.site.accounts.list().await.unwrap();
        known.into_iter().find(|account| &*account.name == name).map(|account| account.role)
    }

    async fn metrics(&self) -> String {
        let request =
            http::Request::get("/metrics").header("host", "localhost").body(axum::body::Body::empty()).unwrap();
        let answered = tower::ServiceExt::oneshot(self.site.api.clone(), request).await.unwrap();
        let bytes = http_body_util::BodyExt::collect(answered.into_body()).await.unwrap().to_bytes();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    /// How many changes of accounts by the owner wait for the log.
    async fn changes_by_the_owner(&self) -> usize {
        let rows: Vec<String> = sqlx::query_scalar("SELECT body FROM changes")
            .fetch_all(self.site.accounts.database().pool())
            .await
            .unwrap();
        rows.iter().filter(|row| row.contains("account.change") && row.contains("account:owner")).count()
    }
}

#[tokio::test]
async fn a_new_password_is_given_to_whoever_knows_the_present_one() {
    let rig = Rig::new("").await;
    let user = rig.browser(Role::User).await;
    for present in ["", "a guess that is wrong"] {
        let fields = [("present", present), ("password", OTHER), ("again", OTHER)];
        let got = rig.post(&user, "/account/password", &fields).await;
        assert_eq!(got.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(got.text.contains("present password is wrong"), "{}", got.text);
    }
    assert!(matches!(rig.enters("user", PASSWORD).await, Entered::In(_)));
    let fields = [("present", PASSWORD), ("password", OTHER), ("again", OTHER)];
    assert_eq!(rig.post(&user, "/account/password", &fields).await.header("location"), "/sign-in");
    assert!(matches!(rig.enters("user", OTHER).await, Entered::In(_)));
}

#[tokio::test]
async fn an_owner_is_made_by_an_owner_who_says_their_password_once_more() {
    let rig = Rig::new("").await;
    let owner = rig.browser(Role::Owner).await;
    rig.browser(Role::User).await;
    let wanted = [("name", "user"), ("role", "owner"), ("team", "desk")];
    let got = rig.post(&owner, "/accounts/change", &wanted).await;
    assert_eq!(got.status, StatusCode::OK);
    assert!(got.text.contains("name=\"present\"") && got.text.contains("value=\"user\""), "{}", got.text);
    let wrong = [&wanted[..], &[("present", "a guess that is wrong")]].concat();
    assert_eq!(rig.post(&owner, "/accounts/change", &wrong).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(rig.role_of("user").await, Some(Role::User));
    let right = [&wanted[..], &[("present", PASSWORD)]].concat();
    assert_eq!(rig.post(&owner, "/accounts/change", &right).await.header("location"), "/accounts");
    assert_eq!(rig.role_of("user").await, Some(Role::Owner));
    // One who is an owner already, and one who is to be less.
    assert_eq!(rig.post(&owner, "/accounts/change", &wanted).await.header("location"), "/accounts");
    let less = [("name", "user"), ("role", "auditor"), ("team", "desk")];
    assert_eq!(rig.post(&owner, "/accounts/change", &less).await.header("location"), "/accounts");
    let new = [("name", "second"), ("role", "owner"), ("team", "desk")];
    rig.post(&owner, "/accounts", &new).await;
    assert_eq!(rig.role_of("second").await, None);
    let got = rig.post(&owner, "/accounts", &[&new[..], &[("present", PASSWORD)]].concat()).await;
    assert!(got.text.contains("class=\"secret\""), "{}", got.text);
    assert_eq!(rig.role_of("second").await, Some(Role::Owner));
}

#[tokio::test]
async fn an_owner_gives_another_a_new_password() {
    let rig = Rig::new("").await;
    let (owner, user) = (rig.browser(Role::Owner).await, rig.browser(Role::User).await);
    let got = rig.get(&owner, "/accounts/password?name=user").await;
    assert!(got.text.contains("A new password for user"), "{}", got.text);
    assert_eq!(rig.get(&owner, "/accounts/password?name=nobody").await.status, StatusCode::NOT_FOUND);
    let got = rig.post(&owner, "/accounts/password", &[("name", "user"), ("present", "a wrong guess here")]).await;
    assert_eq!(got.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(rig.get(&user, "/account").await.status, StatusCode::OK, "nothing is done yet");
    let got = rig.post(&owner, "/accounts/password", &[("name", "user"), ("present", PASSWORD)]).await;
    let new = got.text.split("class=\"secret\">").nth(1).and_then(|rest| rest.split('<').next()).unwrap();
    assert!(matches!(rig.enters("user", new).await, Entered::In(_)));
    assert_eq!(rig.get(&user, "/account").await.status, StatusCode::SEE_OTHER, "signed out everywhere");
    assert_eq!(rig.changes_by_the_owner().await, 1);
}

#[tokio::test]
async fn an_owner_lets_another_in_again() {
    let rig = Rig::new("").await;
    let owner = rig.browser(Role::Owner).await;
    rig.browser(Role::User).await;
    assert!(!rig.get(&owner, "/accounts").await.text.contains("Let in again"));
    for _ in 0..5 {
        let got = rig.post(&Browser::default(), "/sign-in", &[("name", "user"), ("password", "a wrong guess")]).await;
        assert_eq!(got.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert!(rig.get(&owner, "/accounts").await.text.contains("Let in again"));
    assert!(matches!(rig.enters("user", PASSWORD).await, Entered::Resting(_)));
    assert_eq!(rig.post(&owner, "/accounts/unlock", &[("name", "user")]).await.header("location"), "/accounts");
    assert!(matches!(rig.enters("user", PASSWORD).await, Entered::In(_)));
    assert_eq!(rig.changes_by_the_owner().await, 1);
    let got = rig.post(&owner, "/accounts/unlock", &[("name", "nobody")]).await;
    assert_eq!(got.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn ones_own_browser_is_known_by_a_cookie_that_outlives_the_session() {
    let rig = Rig::new("").await;
    rig.browser(Role::User).await;
    let stranger = Browser::default();
    let fields = [("name", "user"), ("password", PASSWORD)];
    let got = rig.post(&stranger, "/sign-in", &fields).await;
    let cookies = got.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap());
    let known = cookies.into_iter().find(|cookie| cookie.starts_with("gwanmun_browser=")).unwrap();
    assert!(
        known.contains("HttpOnly") && known.contains("SameSite=Strict") && known.contains("Path=/sign-in"),
        "{known}"
    );
    let own = Browser { cookie: known.split(';').next().map(str::to_owned), ..Browser::default() };
    for _ in 0..5 {
        rig.post(&stranger, "/sign-in", &[("name", "user"), ("password", "a wrong guess")]).await;
    }
    assert_eq!(rig.post(&stranger, "/sign-in", &fields).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(rig.post(&own, "/sign-in", &fields).await.status, StatusCode::SEE_OTHER);
    let metrics = rig.metrics().await;
    for counted in ["result=\"in\"} 2", "result=\"wrong\"} 4", "result=\"resting\"} 2"] {
        assert!(metrics.contains(&format!("gwanmun_sign_ins_total{{{counted}")), "{counted}: {metrics}");
    }
}
