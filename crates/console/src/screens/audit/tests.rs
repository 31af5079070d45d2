//! The log's head, what was changed, one entry and its proof: as the log itself has them.

use http::StatusCode;

use super::*;
use crate::accounts::Role;
use crate::rig::{Rig, entries};

async fn rig() -> Rig {
    let bodies = vec![
        entries::administered(Action::KeyCreate, "k_1", "account:kim"),
        entries::administered(Action::WithdrawalBegin, "<b>US</b>", "cli:park"),
        entries::decided("r-1", "desk", &["local"]),
    ];
    Rig::with_log("", bodies).await
}

#[tokio::test]
async fn the_head_is_the_newest_checkpoint_with_both_signatures() {
    let rig = rig().await;
    let auditor = rig.browser(Role::Auditor).await;
    let text = rig.get(&auditor, "/audit").await.text;
    let checkpoint = rig.site.recorder.log().unwrap().checkpoint();
    assert!(text.contains(&checkpoint.checkpoint.origin) && text.contains(&hex::encode(checkpoint.checkpoint.root)));
    assert!(text.contains(">Ed25519<") && text.contains(">ML-DSA-44<") && text.contains("2026-11-22T09:00:00Z"));
    assert!(text.contains("No witness has cosigned this log yet"));
    assert!(text.contains("gwanmun audit verify"), "what checks the post-quantum signature");
    let off = Rig::new("").await;
    let auditor = off.browser(Role::Auditor).await;
    assert!(off.get(&auditor, "/audit").await.text.contains("The audit log is off"));
    assert_eq!(off.get(&auditor, "/audit/proof/0").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_was_changed_is_found_by_what_to_what_and_by_whom() {
    let rig = rig().await;
    let auditor = rig.browser(Role::Auditor).await;
    for (query, fit) in [
        ("", [true, true, true]),
        ("?action=key.create", [false, true, false]),
        ("?action=start", [true, false, false]),
        ("?subject=k_1", [false, true, false]),
        ("?by=cli:park", [false, false, true]),
        ("?by=cli:park&action=key.create", [false, false, false]),
        ("?before=2", [true, true, false]),
    ] {
        let text = rig.get(&auditor, &format!("/audit{query}")).await.text;
        assert_eq!([0, 1, 2].map(|entry| text.contains(&format!("/audit/entry/{entry}\""))), fit, "{query}");
        assert!(!text.contains("<b>US"), "what was withdrawn is text");
    }
    assert_eq!(rig.get(&auditor, "/audit?entry=2").await.header("location"), "/audit/entry/2");
    assert_eq!(rig.get(&auditor, "/audit?entry=//x").await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn what_one_of_many_has_changed_fills_whole_pages() {
    // Every third is park's: 120 of them in 360, two full pages and a part.
    let bodies = (0..360).map(|number| {
        let by = if number % 3 == 0 { "cli:park" } else { "account:kim" };
        entries::administered(Action::KeyCreate, &format!("k_{number}"), by)
    });
    let rig = Rig::with_log("", bodies.collect()).await;
    let auditor = rig.browser(Role::Auditor).await;
    let (mut path, mut pages, mut subjects) = ("/audit?by=cli%3Apark".to_owned(), Vec::new(), Vec::new());
    loop {
        let text = rig.get(&auditor, &path).await.text;
        let told: Vec<String> =
            text.split("<td>k_").skip(1).map(|rest| rest.split('<').next().unwrap().to_owned()).collect();
        assert!(!text.contains("<td>account:kim</td>"), "{path}");
        pages.push(told.len());
        subjects.extend(told);
        let Some((_, rest)) = text.split_once("rel=\"next\" href=\"") else { break };
        path = rest.split('"').next().unwrap().replace("&#38;", "&");
    }
    assert_eq!(pages, [50, 50, 20], "a next page where there is one, and none where there is none");
    let all: Vec<String> = (0..360).rev().filter(|number| number % 3 == 0).map(|number| number.to_string()).collect();
    assert_eq!(subjects, all);
    let text = rig.get(&auditor, "/audit?by=nobody").await.text;
    assert!(!text.contains("rel=\"next\"") && !text.contains("<td>k_"), "{text}");
}

#[tokio::test]
async fn an_entry_is_shown_as_it_is_and_its_proof_holds() {
    let rig = rig().await;
    let auditor = rig.browser(Role::Auditor).await;
    let log = Arc::clone(rig.site.recorder.log().unwrap());
    let bytes = log.entries(2..3).unwrap().remove(0);
    let text = rig.get(&auditor, "/audit/entry/2").await.text;
    assert!(text.contains("&#60;b&#62;US&#60;/b&#62;") && !text.contains("<b>US"), "{text}");
    assert!(text.contains(&hex::encode(tlog::leaf_hash(&bytes))));
    let got = rig.get(&auditor, "/audit/proof/2").await;
    assert_eq!(got.header("content-disposition"), "attachment; filename=\"entry-2.proof\"");
    assert_eq!(got.text, log.prove(2).unwrap().to_string(), "as the command gives it");
    let proof = tlog::Proof::parse(&got.text).unwrap();
    assert!(proof.includes(&bytes));
    assert_eq!(proof.checkpoint.verify(&*log.public_keys()).unwrap().len(), 2);
    for path in
        ["/audit/entry/4", "/audit/proof/4", "/audit/entry/-1", "/audit/entry/x", "/audit/proof/99999999999999999999"]
    {
        assert_eq!(rig.get(&auditor, path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn only_who_may_see_the_log_does_and_in_every_language() {
    let rig = rig().await;
    let user = rig.browser(Role::User).await;
    for path in ["/audit", "/audit/entry/1", "/audit/proof/1"] {
        assert_eq!(rig.get(&user, path).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    let owner = rig.browser(Role::Owner).await;
    for (language, word) in [
        ("ko", "최신 체크포인트"),
        ("vi", "Điểm kiểm tra mới nhất"),
        ("fr", "Dernier point de contrôle"),
        ("ja", "最新のチェックポイント"),
    ] {
        rig.post(&owner, "/language", &[("language", language), ("back", "/")]).await;
        let text = rig.get(&owner, "/audit").await.text;
        assert!(text.contains(word) && !text.contains(">audit-") && !text.contains("\"audit-"), "{language}");
    }
}

#[test]
fn the_actions_to_choose_from_are_the_logs() {
    let actions: Vec<_> = actions().into_iter().map(|known| known.word).collect();
    assert!(actions.is_sorted());
    for action in actions.into_iter().filter(|action| !["start", "stop", "erasure"].contains(action)) {
        let read: Result<Action, _> = serde_json::from_value(action.into());
        assert!(read.is_ok(), "{action}");
    }
}
