//! What is copied works as it stands, nobody is shown a secret, and who may not see the gate sees no configuration.

use gateway::keys::OWN_KEYS_MAX;
use http::StatusCode;

use super::*;
use crate::accounts::Role;
use crate::rig::Rig;

const CONFIG: &str = r#"
[policy]
home = "KR"

[[destination]]
name     = "near"
base_url = "http://10.0.0.5:8000/v1"
models   = ["solar"]
provider = "own"
"#;

#[test]
fn clients_are_sent_where_the_api_listens() {
    let base = |listening: &str, host| base(listening.parse().unwrap(), host);
    assert_eq!(base("127.0.0.1:4000", "elsewhere:4001"), "http://127.0.0.1:4000/v1");
    assert_eq!(base("[::1]:4000", "x"), "http://[::1]:4000/v1");
    assert_eq!(base("0.0.0.0:4000", "gate.example.kr:4001"), "http://gate.example.kr:4000/v1");
    assert_eq!(base("[::]:4000", "[2001:db8::1]:4001"), "http://[2001:db8::1]:4000/v1");
    assert_eq!(base("0.0.0.0:80", "[::1]"), "http://[::1]:80/v1");
    assert_eq!(base("0.0.0.0:80", "gate"), "http://gate:80/v1");
}

#[test]
fn a_model_s_name_cannot_break_out_of_what_is_copied() {
    let [_, curl, python, javascript] = snippets("http://127.0.0.1:4000/v1", "it's \"so\"", KEY);
    assert!(curl.code.contains(r#""model":"it'\''s \"so\"""#), "{}", curl.code);
    for code in [python.code, javascript.code] {
        assert!(code.contains(r#""it's \"so\"""#), "{code}");
    }
}

#[tokio::test]
async fn everybody_sees_how_to_ask_and_those_who_may_what_is_in_force() {
    let rig = Rig::new(CONFIG).await;
    for role in Role::ALL {
        let browser = rig.browser(role).await;
        let page = rig.get(&browser, "/set-up").await.text;
        assert!(page.contains("http://127.0.0.1:4000/v1") && page.contains(KEY), "{role}");
        let sees = role.may(Permission::SeeGate);
        assert_eq!(page.contains("limits.head_bytes_max"), sees, "{role}");
        assert_eq!(page.contains(&rig.site.app.in_force().config.version.to_string()), sees, "{role}");
        assert!(page.contains("href=\"/set-up\" aria-current"), "{role}: it is in the navigation");
    }
}

#[tokio::test]
async fn people_make_keys_of_their_own_and_end_nobody_elses() {
    let rig = Rig::new(CONFIG).await;
    let (user, other) = (rig.browser(Role::User).await, rig.browser(Role::Operator).await);
    let made = rig.post(&user, "/set-up/keys", &[("name", "laptop")]).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text);
    let (_, rest) = made.text.split_once("id=\"made-key\">").unwrap();
    let key = rest.split('<').next().unwrap();
    assert_eq!(made.text.matches(key).count(), 5, "shown once, and in each of the four snippets");
    assert!(!made.text.contains(KEY));
    let page = rig.get(&user, "/set-up").await.text;
    assert!(page.contains("<strong>laptop</strong>") && !page.contains(key), "{page}");
    rig.site.keys.refill().await.unwrap();
    let caller = rig.site.keys.ring().find(key.as_bytes()).unwrap();
    let account = rig.site.accounts.list().await.unwrap().into_iter().find(|it| it.role == Role::User).unwrap();
    assert_eq!((&*caller.name, &caller.team), ("laptop", &account.team));
    assert!(rig.get(&other, "/keys").await.text.contains("for themself"), "whoever runs the gate sees whose it is");

    // Nobody ends another's, or an operator's, by its id.
    let listed = rig.site.keys.of_account(&account.name).await.unwrap();
    let theirs = rig.post(&other, "/set-up/keys/end", &[("id", &listed[0].id)]).await;
    assert_eq!(theirs.status, StatusCode::UNPROCESSABLE_ENTITY);
    let taken = rig.post(&other, "/set-up/keys", &[("name", "laptop")]).await;
    assert!(
        taken.status == StatusCode::UNPROCESSABLE_ENTITY && taken.text.contains("value=\"laptop\""),
        "{}",
        taken.text
    );
    assert!(rig.site.keys.ring().find(key.as_bytes()).is_ok());
    let auditor = rig.browser(Role::Auditor).await;
    assert_eq!(rig.post(&auditor, "/set-up/keys", &[("name", "a")]).await.status, StatusCode::FORBIDDEN);

    for number in 1..OWN_KEYS_MAX {
        let made = rig.post(&user, "/set-up/keys", &[("name", &format!("more-{number}"))]).await;
        assert_eq!(made.status, StatusCode::OK, "{number}");
    }
    let more = rig.post(&user, "/set-up/keys", &[("name", "one-too-many")]).await;
    assert_eq!(more.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", more.text);
    assert_eq!(rig.post(&user, "/set-up/keys/end", &[("id", &listed[0].id)]).await.status, StatusCode::SEE_OTHER);
    assert!(rig.site.keys.ring().find(key.as_bytes()).is_err(), "it is refused at once");
    assert_eq!(rig.site.keys.of_account(&account.name).await.unwrap().len(), OWN_KEYS_MAX - 1);
}

#[tokio::test]
async fn keys_of_ones_own_end_with_the_account_and_with_its_team() {
    let rig = Rig::new(CONFIG).await;
    let (user, owner) = (rig.browser(Role::User).await, rig.browser(Role::Owner).await);
    let account = rig.site.accounts.list().await.unwrap().into_iter().find(|it| it.role == Role::User).unwrap();
    let own = async || rig.site.keys.of_account(&account.name).await.unwrap().len();
    let change = async |role: &str, team: &str| {
        let fields = [("name", &*account.name), ("role", role), ("team", team), ("present", crate::rig::PASSWORD)];
        rig.post(&owner, "/accounts/change", &fields).await.status
    };
    rig.post(&user, "/set-up/keys", &[("name", "laptop")]).await;
    assert_eq!((change("operator", &account.team).await, own().await), (StatusCode::SEE_OTHER, 1), "the same team");
    assert_eq!((change("operator", "another").await, own().await), (StatusCode::SEE_OTHER, 0), "another team");
    rig.post(&user, "/set-up/keys", &[("name", "laptop")]).await;
    assert_eq!(own().await, 1);
    assert_eq!((change("auditor", "another").await, own().await), (StatusCode::SEE_OTHER, 0), "auditors do not ask");
    change("user", "another").await;
    rig.post(&user, "/set-up/keys", &[("name", "laptop")]).await;
    assert_eq!(own().await, 1);
    assert_eq!(rig.post(&owner, "/accounts/close", &[("name", &account.name)]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(own().await, 0);
    let bodies: Vec<String> = sqlx::query_scalar("SELECT body FROM changes ORDER BY id")
        .fetch_all(rig.site.keys.database().pool())
        .await
        .unwrap();
    let told = |action: &str| bodies.iter().filter(|body| body.contains(&format!("\"{action}\""))).count();
    assert_eq!((told("key.create"), told("key.revoke")), (3, 3), "{bodies:?}");
}

#[tokio::test]
async fn the_page_speaks_five_languages() {
    let rig = Rig::new(CONFIG).await;
    let owner = rig.browser(Role::Owner).await;
    for (tag, word) in [("en", "Set-up"), ("ko", "설정"), ("vi", "Thiết lập"), ("fr", "Mise en place"), ("ja", "設定")]
    {
        rig.post(&owner, "/language", &[("language", tag), ("back", "/set-up")]).await;
        let page = rig.get(&owner, "/set-up").await.text;
        assert!(page.contains(&format!("<h1>{word}</h1>")), "{tag}: {page}");
        assert!(!page.contains(">set-up-") && !page.contains(" set-up-"), "{tag}");
    }
}
