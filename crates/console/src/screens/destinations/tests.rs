//! A destination that is added on the page is in the file and in force, its key nowhere else; what is wrong is told and changes nothing.
#![expect(clippy::disallowed_methods, reason = "a test's own configuration")]

use http::StatusCode;

use crate::accounts::Role;
use crate::rig::{Browser, Rig};

const KEY: &str = "sk-live-7f3a91c0";
const NEW: [(&str, &str); 5] =
    [("name", "seoul"), ("operator", "upstage"), ("base_url", ""), ("models", "solar-pro2, solar-mini"), ("key", KEY)];

fn with<'a>(name: &'a str, value: &'a str) -> Vec<(&'a str, &'a str)> {
    NEW.iter().map(|(known, usual)| (*known, if *known == name { value } else { *usual })).collect()
}

async fn add(rig: &Rig, browser: &Browser) {
    let got = rig.post(browser, "/destinations", &NEW).await;
    assert_eq!(
        (got.status, got.header("location")),
        (StatusCode::SEE_OTHER, "/destinations?added=seoul"),
        "{}",
        got.text
    );
}

fn file(rig: &Rig) -> String {
    std::fs::read_to_string(&rig.site.settings.path).unwrap()
}

/// The files of secrets, and what they hold.
fn secrets(rig: &Rig) -> Vec<String> {
    let folder = rig.site.settings.path.parent().unwrap().join("secrets");
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries.map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap()).collect()
}

#[tokio::test]
async fn one_is_added_with_its_key_and_is_in_force_at_once() {
    let rig = Rig::with_log("# ours\n[policy]\nuse = \"open\"\n", Vec::new()).await;
    let operator = rig.browser(Role::Operator).await;
    let empty = rig.get(&operator, "/destinations").await.text;
    assert!(empty.contains("There are none") && empty.contains("Upstage"), "{empty}");
    let log = rig.site.recorder.log().unwrap();
    let before = log.size();
    add(&rig, &operator).await;
    let config = rig.site.app.in_force().config.clone();
    let seoul = &config.destinations[0];
    assert_eq!(seoul.base_url.to_string(), "https://api.upstage.ai/v1/solar", "the catalogue's");
    assert_eq!(seoul.models.iter().map(|it| &*it.name).collect::<Vec<_>>(), ["solar-pro2", "solar-mini"]);
    assert_eq!(seoul.key.as_ref().unwrap().reveal(), KEY);
    let written = file(&rig);
    assert!(written.starts_with("# ours\n") && !written.contains(KEY), "{written}");
    assert_eq!(secrets(&rig), [KEY]);
    let page = rig.get(&operator, "/destinations?added=seoul").await.text;
    assert!(
        page.contains("seoul is added and in force") && page.contains("solar-mini") && !page.contains(KEY),
        "{page}"
    );
    // Who did it is in the log.
    assert_eq!(log.size(), before + 1);
    log.wait_for_checkpoint(log.size()).unwrap();
    let entries = audit_log::Reader::open(log.dir()).unwrap().entries(before..before + 1).unwrap();
    let entry = String::from_utf8_lossy(&entries[0]);
    assert!(entry.contains("account:operator") && entry.contains("configuration.change"), "{entry}");
}

#[tokio::test]
async fn what_is_wrong_is_told_with_the_form_as_it_was_filled() {
    let rig = Rig::new("[policy]\nuse = \"open\"\n").await;
    let operator = rig.browser(Role::Operator).await;
    let before = file(&rig);
    for (name, value, told) in [
        ("name", "", "Give the destination a name"),
        ("name", "Seoul Office", "lower-case letters"),
        ("models", " , ", "Name at least one model"),
        ("base_url", "ftp://example.com", "must begin with"),
        ("base_url", "http://169.254.169.254/v1", "where nothing is asked"),
        ("operator", "nobody", "Give the address of its API"),
        ("operator", "upstage/atlantis", "atlantis"),
        ("operator", "own", "Give the address of its API"),
        ("operator", "", "Give the address of its API"),
        ("key", "two words", "This cannot be a key"),
    ] {
        let got = rig.post(&operator, "/destinations", &with(name, value)).await;
        assert_eq!(got.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}: {value}");
        assert!(got.text.contains(told), "{name}: {value}: {}", got.text);
        assert!(!got.text.contains(KEY), "a key is never shown again");
        assert_eq!(file(&rig), before, "{name}: {value}");
        assert!(secrets(&rig).is_empty(), "{name}: {value}");
    }
    add(&rig, &operator).await;
    let again = rig.post(&operator, "/destinations", &NEW).await;
    assert!(again.text.contains("There is a destination “seoul” already"), "{}", again.text);
    assert!(again.text.contains("value=\"solar-pro2, solar-mini\""), "{}", again.text);
}

#[tokio::test]
async fn it_gets_another_key_and_is_taken_out_again() {
    let rig = Rig::new("[policy]\nuse = \"open\"\n").await;
    let operator = rig.browser(Role::Operator).await;
    add(&rig, &operator).await;
    let got = rig.post(&operator, "/destinations/key", &[("name", "seoul"), ("key", "sk-second")]).await;
    assert!(got.text.contains("seoul is asked with the new key"), "{}", got.text);
    assert_eq!(rig.site.app.in_force().config.destinations[0].key.as_ref().unwrap().reveal(), "sk-second");
    assert_eq!(secrets(&rig), ["sk-second"]);
    for (name, key) in [("seoul", ""), ("busan", "sk-third")] {
        let got = rig.post(&operator, "/destinations/key", &[("name", name), ("key", key)]).await;
        assert!(got.status.is_client_error(), "{name}");
    }
    let written = file(&rig);
    std::fs::write(
        &rig.site.settings.path,
        written + "\n[[route]]\nmodel = \"mini\"\ndestinations = [\"seoul/solar-mini\"]\n",
    )
    .unwrap();
    // The next change reads what is there by then.
    let got = rig.post(&operator, "/destinations/key", &[("name", "seoul"), ("key", "sk-third")]).await;
    assert_eq!(got.status, StatusCode::OK, "{}", got.text);
    let asked = rig.get(&operator, "/destinations/seoul/remove").await.text;
    assert!(asked.contains("mini"), "the route that goes with it: {asked}");
    assert_eq!(rig.site.app.in_force().config.destinations.len(), 1, "asking changes nothing");
    let got = rig.post(&operator, "/destinations/remove", &[("name", "seoul")]).await;
    assert_eq!(got.status, StatusCode::SEE_OTHER, "{}", got.text);
    let config = rig.site.app.in_force().config.clone();
    assert!(config.destinations.is_empty() && config.routes.is_empty(), "{}", file(&rig));
    assert!(secrets(&rig).is_empty());
    assert_eq!(rig.get(&operator, "/destinations/seoul/remove").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_file_that_was_named_is_shown_and_left_alone() {
    let rig = Rig::read_only("[policy]\nuse = \"open\"\n").await;
    let operator = rig.browser(Role::Operator).await;
    for path in ["/destinations", "/first-steps", "/jurisdictions/policy"] {
        let page = rig.get(&operator, path).await.text;
        assert!(page.contains("named on the command line") && !page.contains("name=\"operator\""), "{path}: {page}");
    }
    let got = rig.post(&operator, "/destinations", &NEW).await;
    assert_eq!(got.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(got.text.contains("named on the command line"), "{}", got.text);
    assert_eq!(file(&rig), "[policy]\nuse = \"open\"\n");
}

#[tokio::test]
async fn a_model_is_tried_down_the_road() {
    // The policy lets nothing leave: the API's own refusal is shown.
    let config = "[[destination]]\nname = \"far\"\nbase_url = \"http://127.0.0.1:9/v1\"\nmodels = [\"m\"]\n";
    let rig = Rig::new(config).await;
    let operator = rig.browser(Role::Operator).await;
    let got = rig.post(&operator, "/destinations/try", &[("model", "m")]).await;
    assert!(
        got.text.contains("What m answered") && got.text.contains("policy `local` permits no destination"),
        "{}",
        got.text
    );
    let got = rig.post(&operator, "/destinations/try", &[("model", "<script>")]).await;
    assert!(got.text.contains("&#60;script&#62;") && !got.text.contains("answered <script>"), "{}", got.text);
}
