//! The page of routes and its dry run, over a configuration with a foreign destination: what is shown, what would become of a request,
//! and what is told of one that is none.

use http::StatusCode;

use crate::accounts::Role;
use crate::rig::Rig;

const CONFIG: &str = r#"
[policy]
use  = "open"
home = "KR"

[[destination]]
name     = "far"
base_url = "https://far.openai.azure.com/openai/v1"
models   = ["gpt-x"]
provider = "azure"
region   = "korea-central"

[[destination]]
name     = "near"
base_url = "http://10.0.0.5:8000/v1"
models   = ["solar"]
provider = "own"

[[route]]
model        = "assistant"
destinations = ["far/gpt-x", "near/solar"]
class        = "sensitive"
purpose      = "case-work"
strategy     = "cheapest"

[[team]]
name  = "payments"
class = "classified"
"#;

#[tokio::test]
async fn each_route_is_shown_with_its_places_in_order_and_both_axes() {
    let rig = Rig::new(CONFIG).await;
    let auditor = rig.browser(Role::Auditor).await;
    let page = rig.get(&auditor, "/routes").await.text;
    for model in ["<h3>assistant</h3>", "<h3>gpt-x</h3>", "<h3>solar</h3>", "case-work", "The cheapest is asked first"]
    {
        assert!(page.contains(model), "{model}: {page}");
    }
    let (far, near) = (page.find("far/gpt-x").unwrap(), page.find("near/solar").unwrap());
    assert!(far < near, "in order");
    let row = page.split("<tr>").find(|row| row.contains("far/gpt-x")).unwrap();
    assert!(
        row.contains("<span class=\"tag\">KR</span>")
            && row.contains("<span class=\"tag\">US</span>")
            && row.contains("can be asked"),
        "{row}"
    );
    let row = page.split("<tr>").find(|row| row.contains("near/solar")).unwrap();
    assert!(row.contains("own machine") && row.contains("another model"), "{row}");
    assert!(!page.contains("id=\"try\""), "who may not try is not offered it");
    assert_eq!(rig.post(&auditor, "/routes", &[("text", "x")]).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_text_is_tried_and_each_place_says_why() {
    let rig = Rig::new(CONFIG).await;
    let officer = rig.browser(Role::Officer).await;
    let fields = [("text", "write to kim@example.com <b>now</b>"), ("model", "assistant"), ("team", "payments")];
    let page = rig.post(&officer, "/routes", &fields).await.text;
    let (_, tried) = page.split_once("id=\"tried\"").expect("a result");
    assert!(tried.contains("classified") && tried.contains("registered: classified"), "{tried}");
    assert!(tried.contains("<mark>kim@example.com</mark>") && tried.contains("<code>email</code>"), "{tried}");
    assert!(tried.contains("would be asked") && tried.contains("Rule <code>"), "{tried}");
    assert!(page.contains("&#60;b&#62;now") && !page.contains("<b>now"), "what was pasted is text");
    // As a key: its team and class.
    let keys = &rig.site.keys;
    let wanted = gateway::keys::WantedKey::new("billing", "payments");
    let id = keys.create(&wanted, "test", rig.site.clock.wall()).await.unwrap().listed.id;
    let page = rig.post(&officer, "/routes", &[("text", "x"), ("key", &id)]).await.text;
    assert!(page.contains("<dd>payments</dd>"), "{page}");
}

#[tokio::test]
async fn what_the_policy_refuses_names_its_rule() {
    let rig = Rig::new(&CONFIG.replace("\"open\"", "\"local\"")).await;
    let owner = rig.browser(Role::Owner).await;
    let page = rig.post(&owner, "/routes", &[("text", "hello"), ("model", "assistant")]).await.text;
    let (_, tried) = page.split_once("id=\"tried\"").unwrap();
    assert!(tried.contains("<span class=\"tag bad\">refused</span>"), "{tried}");
    assert!(!tried.contains("would be asked"), "{tried}");
}

#[tokio::test]
async fn a_place_that_is_withdrawn_is_skipped() {
    let rig =
        Rig::new(&format!("{CONFIG}\n[[notice]]\nsubject = \"far\"\nfrom = \"2026-01-01\"\nwhy = \"ended\"\n")).await;
    let (keys, availability) = (&rig.site.keys, &rig.site.availability);
    gateway::changes::take_in(keys, availability, &rig.site.recorder).await.unwrap();
    let owner = rig.browser(Role::Owner).await;
    let page = rig.post(&owner, "/routes", &[("text", "hello"), ("model", "assistant")]).await.text;
    let (_, tried) = page.split_once("id=\"tried\"").unwrap();
    let (tried, routes) = tried.split_once("id=\"chains\"").unwrap();
    assert!(
        tried.contains("permitted, skipped now") && tried.contains("<span class=\"soft\">announced</span>"),
        "{tried}"
    );
    assert!(tried.contains("<strong>near/solar</strong>") && tried.contains("would be asked"), "{tried}");
    assert!(routes.contains("<span class=\"tag bad\">withdrawn</span>"), "{routes}");
}

#[tokio::test]
async fn what_is_no_request_is_told_and_stays_in_the_form() {
    let rig = Rig::new(CONFIG).await;
    let owner = rig.browser(Role::Owner).await;
    for (text, key, word) in [
        ("", "", "Paste a text"),
        (r#"{"model":"assistant","messages":"x"}"#, "", "not a request"),
        ("x", "0123456789ab", "is in force: choose another"),
    ] {
        let got = rig.post(&owner, "/routes", &[("text", text), ("key", key)]).await;
        assert_eq!(got.status, StatusCode::UNPROCESSABLE_ENTITY, "{text}");
        assert!(got.text.contains(word) && got.text.contains(&text.replace('"', "&#34;")), "{text}: {}", got.text);
    }
    let got = rig.post(&owner, "/routes", &[("text", "x"), ("class", "secret")]).await;
    assert_eq!(got.status, StatusCode::BAD_REQUEST);
    let empty = Rig::new("").await;
    let owner = empty.browser(Role::Owner).await;
    assert!(empty.post(&owner, "/routes", &[("text", "x")]).await.text.contains("There is no model yet"));
}

#[tokio::test]
async fn the_page_speaks_five_languages() {
    let rig = Rig::new(CONFIG).await;
    let owner = rig.browser(Role::Owner).await;
    for (tag, word) in
        [("en", "Dry run"), ("ko", "모의 실행"), ("vi", "Chạy thử"), ("fr", "Essai à blanc"), ("ja", "試行")]
    {
        rig.post(&owner, "/language", &[("language", tag), ("back", "/routes")]).await;
        let page = rig.post(&owner, "/routes", &[("text", "kim@example.com"), ("model", "assistant")]).await.text;
        assert!(page.contains(&format!("<h2>{word}</h2>")), "{tag}");
        // A message that is missing shows its name.
        for name in [">routes-", ">keys-", ">guard-", " routes-", " guard-"] {
            assert!(!page.contains(name), "{tag}: {name}: {page}");
        }
    }
}
