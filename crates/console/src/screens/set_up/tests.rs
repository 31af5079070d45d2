//! What is copied works as it stands, nobody is shown a secret, and who may not see the gate sees no configuration.

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
    let [_, curl, python, javascript] = snippets("http://127.0.0.1:4000/v1", "it's \"so\"");
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
