//! What the overview shows: nothing yet, figures of a time, whose law, what would be lost.

use audit_entry::Ending;
use request_index::{Axes, Totals};

use super::figures::shares;
use super::*;
use crate::accounts::Role;
use crate::rig::{Rig, entries};

const TWO_PLACES: &str = "[policy]\nuse = \"open\"\nhome = \"KR\"\n\
    [[destination]]\nname = \"far\"\nbase_url = \"http://127.0.0.1:9/v1\"\nmodels = [\"m\"]\nprovider = \"azure\"\nregion = \"korea-central\"\n";

#[tokio::test]
async fn before_the_first_request_it_says_how_to_ask_one() {
    let rig = Rig::with_log("", Vec::new()).await;
    let owner = rig.browser(Role::Owner).await;
    let text = rig.get(&owner, "/overview").await.text;
    assert!(
        text.contains("No request has come yet") && text.contains("curl http://127.0.0.1:4000/v1/chat/completions")
    );
    assert!(text.contains("id=\"points\""), "a plot of nothing is still a table");
    let off = Rig::new("").await;
    let owner = off.browser(Role::Owner).await;
    assert!(off.get(&owner, "/overview").await.text.contains("The audit log is off"));
}

#[tokio::test]
async fn requests_of_the_time_are_counted_and_the_time_is_chosen_by_a_link() {
    let bodies = vec![
        entries::decided("r1", "desk", &["far", "local"]),
        entries::ended(1, "r1", Ending::Answered, "far"),
        entries::decided("r2", "desk", &["far", "local"]),
        entries::ended(3, "r2", Ending::Answered, "local"),
        entries::refused("r3", "desk"),
    ];
    let rig = Rig::with_log(TWO_PLACES, bodies).await;
    let owner = rig.browser(Role::Owner).await;
    for range in ["hour", "day", "week", "month"] {
        let text = rig.get(&owner, &format!("/overview?range={range}")).await.text;
        assert!(text.contains(&format!("range={range}\" aria-current")), "{range}");
        assert!(text.contains("<dt>Answered</dt><dd>2 <small>66.6%</small>"), "{range}: {text}");
        assert!(text.contains("<dt>Of these degraded</dt><dd>1 <small>50.0%"), "{range}");
        assert!(text.contains("<dt>Refused</dt><dd>1</dd>"), "{range}");
        assert!(text.contains("<dt>Tokens</dt><dd>260</dd>"), "{range}");
        assert!(text.contains("data-values=\"2 1 1 0\""), "{range}: all in one point");
        assert!(text.contains("Your own machines"), "the floor served half, and nobody takes it away: {text}");
        // Half of all tokens were read under American law; without it the model has nothing here.
        assert!(text.contains("<th scope=\"row\">US <span"), "{range}");
        assert!(!text.contains("No request has come yet"));
    }
    let text = rig.get(&owner, "/overview?range=year").await.text;
    assert!(text.contains("range=day\" aria-current"), "another word means a day");
}

#[tokio::test]
async fn it_reads_in_every_language() {
    let rig = Rig::with_log(TWO_PLACES, vec![entries::refused("r", "desk")]).await;
    let owner = rig.browser(Role::Owner).await;
    for (language, word) in [("ko", "거부됨"), ("vi", "Bị từ chối"), ("fr", "Refusées"), ("ja", "拒否")] {
        rig.post(&owner, "/language", &[("language", language), ("back", "/")]).await;
        let text = rig.get(&owner, "/overview").await.text;
        assert!(text.contains(word) && !text.contains("overview-"), "{language}: {text}");
    }
}

#[test]
fn shares_are_thousandths_of_all_tokens() {
    let named = |name: &str, tokens, answered| (name.to_owned(), tokens, answered);
    let found = shares(vec![named("KR", 3, 1), named("US", 1, 1), named("JP", 0, 1), named("FR", 0, 0)]);
    let told: Vec<_> = found.iter().map(|share| (share.name.as_str(), share.permille)).collect();
    assert_eq!(told, [("KR", 750), ("US", 250), ("JP", 0)]);
    assert_eq!(shares(vec![named("KR", u64::MAX, 1), named("US", u64::MAX, 1)]).first().unwrap().permille, 500);
    assert_eq!(shares(vec![named("KR", 0, 1)]).first().unwrap().permille, 0, "nothing of nothing");
}

#[test]
fn what_is_lost_counts_a_place_once_for_each_who_could_take_it() {
    let of = |label: &str, processed: &str, controlled: &str, answered| request_index::OfDestination {
        label: label.to_owned(),
        axes: Axes {
            processed_in: vec![processed.to_owned()],
            controlled_by: vec![controlled.to_owned(), "?".to_owned()],
        },
        totals: Totals { answered, prompt_tokens: answered * 10, ..Totals::default() },
    };
    let run = |label: &str| match label {
        "far" => cuts::Run::By(["acme".to_owned()].into()),
        _ => cuts::Run::Own,
    };
    let (found, own) = cuts::lost(&[of("far", "KR", "US", 3), of("local", "KR", "KR", 1)], &run);
    let told: Vec<_> = found.iter().map(|(subject, cut)| (subject.to_string(), cut.answered, cut.tokens)).collect();
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(
        told.contains(&("jurisdiction:KR".to_owned(), 3, 30)),
        "one's own machines are not lost with them: {told:?}"
    );
    assert_eq!(own, Some(Own { answered: 1, answered_of: 4, tokens: 10, tokens_of: 40 }));
    assert_eq!(cuts::lost(&[of("far", "KR", "US", 3)], &run).1, None);
    assert!(
        told.contains(&("jurisdiction:US".to_owned(), 3, 30)) && told.contains(&("provider:acme".to_owned(), 3, 30))
    );
    assert!(found.iter().all(|(_, cut)| (cut.answered_of, cut.tokens_of) == (4, 40)));
}

#[tokio::test]
async fn a_floor_without_a_model_or_with_one_that_has_stopped_answers_nothing() {
    let rig = Rig::with_log(TWO_PLACES, Vec::new()).await;
    let owner = rig.browser(Role::Owner).await;
    let ready = "<dt>Destinations that answer</dt><dd>";
    let text = rig.get(&owner, "/overview").await.text;
    assert!(text.contains(&format!("{ready}1 of 1<")), "there is no floor: {text}");

    let (rig, running) = Rig::with_floor(TWO_PLACES).await;
    let owner = rig.browser(Role::Owner).await;
    assert!(rig.get(&owner, "/overview").await.text.contains(&format!("{ready}2 of 2<")));
    let [before, ..] = crate::live::look(&rig.site).await;
    tokio::task::spawn_blocking(move || running.stop(local_model::Stop::Cancel)).await.unwrap();
    let text = rig.get(&owner, "/overview").await.text;
    assert!(text.contains(&format!("{ready}1 of 2<")) && text.contains("<code>local</code>"), "{text}");
    let text = rig.get(&owner, "/cut-off").await.text;
    assert!(
        text.contains("<dt>Ready</dt><dd>1</dd>") && text.contains("<span class=\"tag bad\">stopped</span>"),
        "{text}"
    );
    assert!(rig.get(&owner, "/routes").await.text.contains("has stopped"));
    assert_ne!(crate::live::look(&rig.site).await[0], before, "open pages are told");
}
