//! Jurisdictions: the map's figures, the grid beside what the judge says, what-if, and policies compared before they are used.

use ::policy::{Action, Class, Outcome};
use http::StatusCode;

use super::*;
use crate::accounts::Role;
use crate::rig::{Browser, Rig};

const SITE: &str = r#"
[policy]
use = "open"
home = "KR"

[[destination]]
name = "cloud"
base_url = "http://127.0.0.1:1/v1"
models = ["large"]
provider = "azure"
region = "korea-central"

[[destination]]
name = "somewhere"
base_url = "http://127.0.0.1:2/v1"
models = ["unnamed"]

[[destination]]
name = "cluster"
base_url = "http://127.0.0.1:3/v1"
models = [{ name = "small", card = "smollm2-135m-instruct" }]
provider = "own"

[[route]]
model = "assistant"
destinations = ["cloud/large", "somewhere/unnamed", "cluster/small"]

[[route]]
model = "only-abroad"
destinations = ["cloud/large"]

[[team]]
name = "desk"
class = "open"
"#;

async fn site() -> (Rig, Browser) {
    let rig = Rig::new(SITE).await;
    let officer = rig.browser(Role::Officer).await;
    (rig, officer)
}

#[tokio::test]
async fn the_map_tells_what_is_processed_and_what_is_controlled_from_where() {
    let (rig, officer) = site().await;
    let in_force = rig.site.app.in_force();
    let countries = map::countries(&in_force.judgement, &[]);
    let of =
        |code: &str| countries.iter().find(|it| it.code == code).map(|it| (it.processed, it.controlled, it.look()));
    assert_eq!(of("KR"), Some((2, 1, "both")), "{countries:?}");
    assert_eq!(of("US"), Some((0, 1, "controlled")), "{countries:?}");
    let gone = map::countries(&in_force.judgement, &["provider:azure".parse().unwrap()]);
    let looks: Vec<_> = gone.iter().map(|it| (it.code.as_str(), it.withdrawn, it.look())).collect();
    assert_eq!(looks, [("KR", 1, "both"), ("US", 1, "gone")]);
    assert_eq!(map::unknown(&in_force.judgement), ["cloud/large", "somewhere/unnamed"]);
    let shapes = map::shapes(&countries);
    assert!(shapes.len() > 150 && shapes.contains(&("KR", "both")) && shapes.contains(&("MN", "land")));
    let text = rig.get(&officer, "/jurisdictions").await.text;
    assert!(text.contains("#KR\" class=\"both\"") && text.contains("somewhere/unnamed"), "{text}");
}

#[tokio::test]
async fn the_grid_has_what_the_judge_permits_and_nothing_else() {
    let (rig, officer) = site().await;
    let judgement = &rig.site.app.in_force().judgement;
    let lines = grid::lines(judgement, None, &[]);
    let mut shown = 0;
    for (number, class) in Class::ALL.into_iter().enumerate() {
        for chain in judgement.chains() {
            let verdict = judgement.plain(chain, None, class, Action::Infer);
            for link in &chain.links {
                let id = &judgement.judge().destinations()[link.judged].id;
                let permitted = verdict.of(link.judged).and_then(Outcome::terms).is_some();
                let told = lines.iter().any(|line| line.classes[number].iter().any(|it| *it.place == **id));
                assert_eq!(told, permitted, "{id} for {class:?}: {lines:?}");
                shown += usize::from(told);
            }
        }
    }
    assert!(shown > 0, "the policy permits something: {lines:?}");
    assert!(lines[0].name.is_empty(), "what is not known stands first");
    let text = rig.get(&officer, "/jurisdictions?team=desk").await.text;
    assert!(text.contains("<option selected>desk</option>") && text.contains("<dd>open</dd>"), "{text}");
    assert!(text.contains("combinations of facts"), "{text}");
}

#[tokio::test]
async fn what_if_shows_who_goes_dark_and_draws_it() {
    let (rig, officer) = site().await;
    let got = rig.get(&officer, "/jurisdictions?subject=jurisdiction%3AUS&subject=outside%3AKR").await;
    assert_eq!(got.status, StatusCode::OK, "{}", got.text);
    assert!(got.text.contains("everything outside KR") && got.text.contains(">dark</span>"), "{}", got.text);
    assert!(got.text.contains("/jurisdictions/what-if.svg?subject=jurisdiction%3AUS&#38;subject=outside%3AKR"));
    let drawn = rig.get(&officer, "/jurisdictions/what-if.svg?subject=jurisdiction%3AUS").await;
    assert_eq!(drawn.header("content-type"), "image/svg+xml");
    assert!(drawn.text.starts_with("<svg") && drawn.text.contains("assistant"));
    assert_eq!(rig.get(&officer, "/jurisdictions/what-if.svg").await.status, StatusCode::NOT_FOUND);
    let wrong = rig.get(&officer, "/jurisdictions?subject=provider%3Anobody").await;
    assert!(wrong.status == StatusCode::UNPROCESSABLE_ENTITY && wrong.text.contains("names nothing"));
}

#[tokio::test]
async fn a_policy_is_compared_before_anybody_uses_it() {
    let (rig, officer) = site().await;
    let (rules, settings) = ::policy::Policy::shipped_files("kr-enterprise").unwrap();
    let form = rig.get(&officer, "/jurisdictions/policy?from=kr-enterprise").await.text;
    assert!(form.contains("<textarea name=\"rules\"") && form.contains("permit"), "{form}");
    let fields = [("rules", rules.text), ("settings", settings.text)];
    let got = rig.post(&officer, "/jurisdictions/policy", &fields).await;
    assert_eq!(got.status, StatusCode::OK, "{}", got.text);
    assert!(got.text.contains(">closes</span>") && got.text.contains("The proof finds nothing wrong"), "{}", got.text);
    assert_eq!(rig.site.app.in_force().judgement.policy().name(), "open", "nothing came into force");
    let (rules, settings) = ::policy::Policy::shipped_files("open").unwrap();
    let fields = [("rules", rules.text), ("settings", settings.text)];
    let alike = rig.post(&officer, "/jurisdictions/policy", &fields).await.text;
    assert!(alike.contains("judges every request as the one in force"), "{alike}");
    let wrong = rig.post(&officer, "/jurisdictions/policy", &[("rules", "permit (principal, <b>")]).await.text;
    assert!(wrong.contains("rules.cedar:1") && !wrong.contains("<b>"), "{wrong}");
    let empty = rig.post(&officer, "/jurisdictions/policy", &[]).await;
    assert!(empty.status == StatusCode::UNPROCESSABLE_ENTITY && empty.text.contains("Paste the rules"));
    let auditor = rig.browser(Role::Auditor).await;
    assert_eq!(rig.post(&auditor, "/jurisdictions/policy", &fields).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn every_language_tells_it_whole() {
    let (rig, officer) = site().await;
    for (language, word) in [("ko", "관할권"), ("vi", "Khu vực pháp lý"), ("fr", "Juridictions"), ("ja", "法域")]
    {
        rig.post(&officer, "/language", &[("language", language), ("back", "/jurisdictions")]).await;
        for path in ["/jurisdictions?subject=jurisdiction%3AUS", "/jurisdictions/policy"] {
            let text = rig.get(&officer, path).await.text;
            assert!(text.contains(word), "{language}: {text}");
            assert!(!text.contains(">jurisdictions-") && !text.contains(">cut-off-"), "{language}: {text}");
        }
    }
}

#[tokio::test]
async fn what_takes_long_is_done_once_and_by_one_at_a_time() {
    let rig = Rig::new("").await;
    let owner = rig.browser(Role::Owner).await;
    let in_force = rig.site.app.in_force();
    let first = rig.site.proofs.of(&rig.site, &in_force).await.unwrap();
    let second = rig.site.proofs.of(&rig.site, &in_force).await.unwrap();
    assert!(Arc::ptr_eq(&first, &second), "the same policy is proved once");
    let turn = rig.site.comparing.clone().try_acquire_owned().unwrap();
    let fields = [("rules", "permit (principal, action, resource);")];
    let got = rig.post(&owner, "/jurisdictions/policy", &fields).await;
    assert_eq!((got.status, got.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "5"));
    drop(turn);
    assert_eq!(rig.post(&owner, "/jurisdictions/policy", &fields).await.status, StatusCode::OK);
    assert_eq!(rig.post(&owner, "/jurisdictions/policy", &fields).await.status, StatusCode::OK, "the turn comes back");
}
