//! Each step is done from the page, and is marked by what has happened; the rehearsal leaves everything as it was. With a model and with
//! a clock that runs it is rehearsed by the browser's tests.

use http::StatusCode;

use super::practice;
use crate::accounts::Role;
use crate::rig::Rig;

fn done(page: &str) -> usize {
    page.matches("class=\"card done\"").count()
}

#[tokio::test]
async fn a_new_gate_leads_to_its_first_steps_and_one_in_use_to_the_overview() {
    let rig = Rig::with_log("", Vec::new()).await;
    let (operator, officer) = (rig.browser(Role::Operator).await, rig.browser(Role::Officer).await);
    assert_eq!(rig.get(&operator, "/").await.header("location"), "/first-steps");
    assert_eq!(rig.get(&officer, "/").await.header("location"), "/overview", "it is not theirs to change");
    let page = rig.get(&operator, "/first-steps").await;
    assert_eq!((page.status, done(&page.text)), (StatusCode::OK, 0));
    assert!(page.text.contains("No model runs on this machine"), "{}", page.text);
    let got = rig.post(&operator, "/first-steps/ask", &[("question", "Who?")]).await;
    assert_eq!(got.status, StatusCode::UNPROCESSABLE_ENTITY);
    let chosen = [("policy", "kr-enterprise"), ("home", "KR"), ("back", "first-steps")];
    let got = rig.post(&operator, "/jurisdictions/policy/use", &chosen).await;
    assert_eq!(got.header("location"), "/first-steps#policy", "{}", got.text);
    let config = rig.site.app.in_force().config.clone();
    assert_eq!((config.policy.used.to_string().as_str(), config.policy.home.unwrap().code()), ("kr-enterprise", "KR"));
    let page = rig.get(&operator, "/first-steps").await.text;
    assert!(done(&page) == 1 && page.contains("value=\"kr-enterprise\" checked"), "{page}");
    assert_eq!(rig.get(&operator, "/").await.header("location"), "/overview");
}

#[tokio::test]
async fn a_text_of_ones_own_is_put_in_force_under_its_name() {
    let rig = Rig::new("").await;
    let operator = rig.browser(Role::Operator).await;
    let rules = "@id(\"all\")\npermit (principal, action, resource);";
    let compared = rig.post(&operator, "/jurisdictions/policy", &[("rules", rules)]).await.text;
    assert!(compared.contains("formaction=\"/jurisdictions/policy/use\""), "{compared}");
    for (name, rules, told) in [
        ("", rules, "Give the policy a name"),
        ("../up", rules, "Give the policy a name"),
        ("ours", "permit (", "unexpected end of input"),
        ("ours", "", "Paste the rules"),
    ] {
        let got = rig.post(&operator, "/jurisdictions/policy/use", &[("name", name), ("rules", rules)]).await;
        assert_eq!(got.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        assert!(got.text.contains(told) && got.text.contains("permit (") != rules.is_empty(), "{name}: {}", got.text);
    }
    let folder = rig.site.settings.path.parent().unwrap().join("policies");
    let files = || std::fs::read_dir(&folder).map_or(0, Iterator::count);
    assert_eq!(files(), 0, "what was wrong has left nothing");
    let settings = "[classes]\ndefault = \"open\"";
    let wanted = [("name", "ours"), ("rules", rules), ("settings", settings)];
    let got = rig.post(&operator, "/jurisdictions/policy/use", &wanted).await;
    assert_eq!(got.header("location"), "/jurisdictions", "{}", got.text);
    assert_eq!(files(), 2);
    let in_force = rig.site.app.in_force();
    assert!(in_force.judgement.policy().name().starts_with("ours-"), "{}", in_force.judgement.policy().name());
    assert_eq!(in_force.config.policy.rules.classes().default(), ::policy::Class::Open);
    // Back, and to it again: the same text is the same file.
    for fields in [&[("policy", "local")][..], &wanted] {
        let got = rig.post(&operator, "/jurisdictions/policy/use", fields).await;
        assert_eq!(got.status, StatusCode::SEE_OTHER, "{}", got.text);
    }
    assert_eq!(files(), 2);
}

#[tokio::test]
async fn a_rehearsal_needs_a_log_and_a_name_that_is_free() {
    let rig = Rig::new("").await;
    let operator = rig.browser(Role::Operator).await;
    let got = rig.post(&operator, "/first-steps/practice", &[]).await;
    assert_eq!(got.status, StatusCode::UNPROCESSABLE_ENTITY, "no log is kept");
    let config = "[[destination]]\nname = \"practice\"\nbase_url = \"https://practice.example/v1\"\nmodels = [\"m\"]\n";
    let rig = Rig::with_log(config, Vec::new()).await;
    let operator = rig.browser(Role::Operator).await;
    let got = rig.post(&operator, "/first-steps/practice", &[]).await;
    assert!(got.text.contains("needs that name"), "{}", got.text);
    assert_eq!(rig.site.practice.told(), None);
}

#[tokio::test]
async fn where_the_policy_lets_nothing_go_there_it_says_so_and_leaves_nothing() {
    let rig = Rig::with_log("# ours\n", Vec::new()).await;
    let operator = rig.browser(Role::Operator).await;
    let got = rig.post(&operator, "/first-steps/practice", &[]).await;
    assert_eq!(got.header("location"), "/first-steps#practice", "{}", got.text);
    let second = rig.post(&operator, "/first-steps/practice", &[]).await;
    assert!(second.status == StatusCode::SEE_OTHER || second.text.contains("under way already"), "{}", second.text);
    let told = rig.site.practice.over().await;
    assert_eq!((told.stage, told.broken_off), ("over", Some("practice-not-permitted")), "{told:?}");
    assert!(told.rows.iter().all(|(stage, answered)| *stage == "before" && answered.destination != practice::NAME));
    assert_eq!(std::fs::read_to_string(&rig.site.settings.path).unwrap().trim(), "# ours");
    let page = rig.get(&operator, "/first-steps").await.text;
    assert!(page.contains("The policy local lets nothing go to the practice provider"), "{page}");
}
