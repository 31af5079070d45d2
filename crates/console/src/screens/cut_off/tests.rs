//! The cut-off board: what it shows, that nothing is done before the second page, and what is left for the log.

use gateway::availability::Cause;
use gateway::drill::{Mode, Plan, Progress};
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
models = ["large", "medium"]
provider = "azure"
region = "korea-central"

[[destination]]
name = "national"
base_url = "http://127.0.0.1:2/v1"
models = ["solar-pro2"]
provider = "upstage"

[[route]]
model = "assistant"
destinations = ["cloud/large", "national/solar-pro2"]

[[route]]
model = "only-abroad"
destinations = ["cloud/large"]
"#;

const WHY: &str = "export order of 12 June";

async fn site() -> (Rig, Browser) {
    let rig = Rig::new(SITE).await;
    let operator = rig.browser(Role::Operator).await;
    (rig, operator)
}

/// What waits for the log, in order: the entries' JSON, accounts' own aside.
async fn left_for_the_log(rig: &Rig) -> Vec<String> {
    let rows = sqlx::query_scalar("SELECT body FROM changes ORDER BY id");
    let rows: Vec<String> = rows.fetch_all(rig.site.keys.database().pool()).await.unwrap();
    rows.into_iter().filter(|row| row.contains("withdrawal.")).collect()
}

async fn in_force(rig: &Rig) -> Vec<String> {
    let rows = store::in_force(rig.site.keys.database()).await.unwrap();
    rows.iter().map(|it| format!("{} by {}: {}", it.subject, it.by, it.why)).collect()
}

fn leave(path: &std::path::Path, text: &str) {
    std::io::Write::write_all(&mut std::fs::File::create(path).unwrap(), text.as_bytes()).unwrap();
}

fn plan(mode: Mode) -> Plan {
    Plan {
        mode,
        withdraw: vec!["provider:azure".to_owned()],
        seconds: 900,
        sample_permille: 0,
        least_answered_permille: 950,
        reference_model: None,
        by: "account:kim".to_owned(),
    }
}

#[tokio::test]
async fn every_destination_and_model_stands_on_the_board() {
    let (rig, operator) = site().await;
    let text = rig.get(&operator, "/cut-off").await.text;
    for shown in ["cloud", "national", "large", "medium", "solar-pro2", "azure", "korea-central"] {
        assert!(text.contains(shown), "{shown}: {text}");
    }
    assert!(text.contains("data-live=\"availability\"") && text.contains("data-live=\"drills\""));
    assert_eq!(text.matches("<span class=\"tag good\">ready</span>").count(), 3, "{text}");
    let auditor = rig.browser(Role::Auditor).await;
    let text = rig.get(&auditor, "/cut-off").await.text;
    assert!(!text.contains("action=\"/cut-off/withdraw\"") && !text.contains("action=\"/cut-off/drill\""), "{text}");
}

#[tokio::test]
async fn nothing_is_withdrawn_before_the_second_page_says_what_it_takes() {
    let (rig, operator) = site().await;
    let asked = rig.get(&operator, "/cut-off/withdraw?subject=provider%3Aazure&why=export+order+of+12+June").await;
    assert_eq!(asked.status, StatusCode::OK, "{}", asked.text);
    for shown in ["cloud/large", "cloud/medium", "only-abroad", "nobody", WHY, "Nothing has been changed yet"] {
        assert!(asked.text.contains(shown), "{shown}: {}", asked.text);
    }
    assert!(!asked.text.contains("<th scope=\"row\">national/solar-pro2"), "what stays is not taken");
    assert!(in_force(&rig).await.is_empty() && left_for_the_log(&rig).await.is_empty());
    let done = rig.post(&operator, "/cut-off/withdraw", &[("subject", "provider:azure"), ("why", WHY)]).await;
    assert_eq!((done.status, done.header("location")), (StatusCode::SEE_OTHER, "/cut-off"));
    assert_eq!(in_force(&rig).await, [format!("provider:azure by account:operator: {WHY}")]);
    let left = left_for_the_log(&rig).await;
    assert_eq!(left.len(), 1);
    assert!(left[0].contains("withdrawal.begin") && left[0].contains("account:operator"), "{left:?}");
    let text = rig.get(&operator, "/cut-off").await.text;
    assert!(text.contains("the provider azure") && text.contains("by a person") && text.contains(WHY), "{text}");
    assert_eq!(text.matches("<span class=\"tag bad\">withdrawn</span>").count(), 2, "{text}");
    let again = rig.get(&operator, "/cut-off/withdraw?subject=provider%3Aazure&why=again").await.text;
    assert!(again.contains("withdrawn already") && !again.contains("Withdraw it now"), "{again}");
}

#[tokio::test]
async fn what_is_withdrawn_returns_by_an_approval_with_a_reason() {
    let (rig, operator) = site().await;
    rig.post(&operator, "/cut-off/withdraw", &[("subject", "jurisdiction:US"), ("why", WHY)]).await;
    let asked = rig.get(&operator, "/cut-off/restore?subject=jurisdiction%3AUS").await;
    assert!(asked.text.contains(WHY) && asked.text.contains("Approve its return"), "{}", asked.text);
    let without = rig.post(&operator, "/cut-off/restore", &[("subject", "jurisdiction:US")]).await;
    assert_eq!(without.status, StatusCode::UNPROCESSABLE_ENTITY, "a reason is wanted");
    assert_eq!(in_force(&rig).await.len(), 1);
    let fields = [("subject", "jurisdiction:US"), ("why", "the order was lifted")];
    assert_eq!(rig.post(&operator, "/cut-off/restore", &fields).await.status, StatusCode::SEE_OTHER);
    assert!(in_force(&rig).await.is_empty());
    let left = left_for_the_log(&rig).await;
    let actions: Vec<bool> = ["withdrawal.begin", "approval.give", "withdrawal.end"]
        .iter()
        .zip(&left)
        .map(|(action, row)| row.contains(action))
        .collect();
    assert_eq!(actions, [true, true, true], "{left:?}");
    let text = rig.get(&operator, "/cut-off").await.text;
    assert!(text.contains("the order was lifted") && text.contains("Withdrawals that ended"), "{text}");
    let twice = rig.post(&operator, "/cut-off/restore", &fields).await;
    assert!(twice.status == StatusCode::UNPROCESSABLE_ENTITY && twice.text.contains("is not withdrawn"));
}

#[tokio::test]
async fn bad_input_is_told_and_changes_nothing() {
    let (rig, operator) = site().await;
    let long = "x".repeat(513);
    for (fields, told) in [
        (vec![("why", WHY)], "Choose what is to be withdrawn"),
        (vec![("subject", "provider:nobody"), ("why", WHY)], "names nothing"),
        (vec![("subject", "local"), ("why", WHY)], "names nothing"),
        (vec![("subject", "provider:azure")], "Say why"),
        (vec![("subject", "provider:azure"), ("why", "two\nlines")], "Say why"),
        (vec![("subject", "provider:azure"), ("why", &long)], "Say why"),
    ] {
        let got = rig.post(&operator, "/cut-off/withdraw", &fields).await;
        assert_eq!(got.status, StatusCode::UNPROCESSABLE_ENTITY, "{fields:?}");
        assert!(got.text.contains(told), "{fields:?}: {}", got.text);
    }
    assert!(in_force(&rig).await.is_empty());
    let officer = rig.browser(Role::Officer).await;
    let fields = [("subject", "provider:azure"), ("why", WHY)];
    assert_eq!(rig.post(&officer, "/cut-off/withdraw", &fields).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn what_the_gate_itself_withdrew_is_a_persons_to_keep_away() {
    let (rig, operator) = site().await;
    let withdrawal = Withdrawal {
        subject: "destination:cloud".parse().unwrap(),
        cause: Cause::Credentials,
        since: rig.site.clock.wall(),
        by: "gateway".into(),
        why: "<b>401</b> three times".into(),
        notice: None,
    };
    store::begin(rig.site.keys.database(), &withdrawal).await.unwrap();
    let text = rig.get(&operator, "/cut-off").await.text;
    assert!(text.contains("key refused") && text.contains("&#60;b&#62;401"), "{text}");
    let asked = rig.get(&operator, "/cut-off/withdraw?subject=destination%3Acloud&why=x").await.text;
    assert!(asked.contains("comes back only when a person restores it"), "{asked}");
}

#[tokio::test]
async fn a_drill_is_planned_watched_and_stopped() {
    let rig = Rig::new(SITE).await;
    // Live drills are for those who may withdraw.
    let operator = rig.browser(Role::Operator).await;
    let query = "/cut-off/drill?subject=provider%3Aazure&mode=live&time=15&unit=minutes&least=99.5&sample=5";
    let asked = rig.get(&operator, query).await;
    assert_eq!(asked.status, StatusCode::OK, "{}", asked.text);
    assert!(asked.text.contains("withdraws this for every caller") && asked.text.contains("99.5%"), "{}", asked.text);
    for (query, told) in [
        ("mode=live&time=25&unit=hours&subject=provider%3Aazure", "a day at most"),
        ("mode=live&time=0&unit=hours&subject=provider%3Aazure", "whole number"),
        ("mode=gentle&time=1&unit=hours&subject=provider%3Aazure", "replay, shadow or live"),
        ("mode=shadow&time=1&unit=hours&sample=101&subject=provider%3Aazure", "0 to 100"),
        ("mode=replay&time=1&unit=days&reference=nothing&subject=provider%3Aazure", "no model “nothing”"),
        ("mode=replay&time=1&unit=days", "Choose what"),
    ] {
        let got = rig.get(&operator, &format!("/cut-off/drill?{query}")).await;
        assert!(got.status == StatusCode::UNPROCESSABLE_ENTITY && got.text.contains(told), "{query}: {}", got.text);
    }
    let with_a_comma = rig.get(&operator, &query.replace("99.5", "99%2C5")).await;
    assert!(with_a_comma.status == StatusCode::OK && with_a_comma.text.contains("99.5%"), "{}", with_a_comma.text);
    // The rig keeps no log, and a drill is measured from it.
    let fields = [("subject", "provider:azure"), ("mode", "replay"), ("time", "1"), ("unit", "days")];
    let refused = rig.post(&operator, "/cut-off/drill", &fields).await;
    assert!(refused.text.contains("measured from the audit log"), "{}", refused.text);
    let database = rig.site.keys.database();
    let id = "00000000000000aa";
    drill::store::want(database, id, &plan(Mode::Live), rig.site.clock.wall()).await.unwrap();
    let text = rig.get(&operator, &format!("/cut-off/drills/{id}")).await.text;
    assert!(text.contains("waiting") && text.contains("action=\"/cut-off/drill/stop\""), "{text}");
    assert_eq!(rig.post(&operator, "/cut-off/drill/stop", &[("id", id)]).await.status, StatusCode::SEE_OTHER);
    assert!(drill::store::get(database, id).await.unwrap().unwrap().stop_wanted);
    let text = rig.get(&operator, "/cut-off").await.text;
    assert!(text.contains("stopping") && text.contains("account:kim"), "{text}");
    assert_eq!(rig.get(&operator, "/cut-off/drills/0000000000000000").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_report_is_shown_and_can_be_kept() {
    let rig = Rig::new(SITE).await;
    let auditor = rig.browser(Role::Auditor).await;
    let (database, id) = (rig.site.keys.database(), "00000000000000ab");
    drill::store::want(database, id, &plan(Mode::Replay), rig.site.clock.wall()).await.unwrap();
    let progress = serde_json::to_string(&Progress { requests: 40, answered: 38, ..Progress::default() }).unwrap();
    let ended = "UPDATE drills SET state = 'ended', why = 'time', report_sha256 = 'x', progress = ? WHERE id = ?";
    sqlx::query(ended).bind(progress).bind(id).execute(database.pool()).await.unwrap();
    let gone = rig.get(&auditor, &format!("/cut-off/drills/{id}")).await.text;
    assert!(gone.contains("are gone from the drills folder"), "{gone}");
    let report = serde_json::json!({
        "v": 1, "id": id, "plan": plan(Mode::Replay), "began": "2026-11-21T09:00:00Z", "ended": "2026-11-22T09:00:00Z", "why": "time",
        "log": { "origin": "o", "first": 3, "last": 1204, "checkpoint_size": 1300, "checkpoint_root": "r" },
        "policy": "p", "catalog": "c", "config": "f",
        "during": { "requests": 40, "answered": 38, "degraded": 7, "unanswered": 2, "left": 0, "refused": 1, "attempts": 40,
                    "reasons": [{ "code": "no_destination", "count": 2 }], "took_p50_us": 840_000, "took_p95_us": null,
                    "places": [{ "place": "national/solar-pro2", "answers": 31, "failed": 0, "prompt_tokens": 1,
                                 "completion_tokens": 1, "took_p50_us": null, "took_p95_us": null, "currency": null,
                                 "cost_micros": null }] },
        "before": null, "answered_permille": 950, "degraded_permille": 175, "held": true, "added_p50_us": null,
        "added_p95_us": null, "quality": null,
        "pairs": [{ "team": null, "model": "only-abroad", "classes": ["open"], "today": "cloud/large", "instead": null,
                    "fate": "dark" },
                  { "team": null, "model": "solar-pro2", "classes": ["open"], "today": "national", "instead": null,
                    "fate": "unchanged" }],
        "not_measured": ["how fast it would be: <i>replayed</i>"],
    });
    let folder = rig.site.drills.join(id);
    std::fs::create_dir_all(&folder).unwrap();
    leave(&folder.join("report.json"), &report.to_string());
    leave(&folder.join("report.md"), "# drill");
    let text = rig.get(&auditor, &format!("/cut-off/drills/{id}")).await.text;
    for shown in
        ["It held: at least 95.0%", "38 · 95.0%", "840 ms", "no_destination", "national/solar-pro2", "only-abroad"]
    {
        assert!(text.contains(shown), "{shown}: {text}");
    }
    assert!(text.contains("&#60;i&#62;replayed") && text.contains("One pair of team and model stayed"), "{text}");
    assert!(text.contains("/report.md\"") && !text.contains("/report.proof\""), "what is there can be kept: {text}");
    let kept = rig.get(&auditor, &format!("/cut-off/drills/{id}/report.md")).await;
    assert_eq!(kept.text, "# drill");
    assert!(kept.header("content-disposition").starts_with("attachment; filename="));
    for wrong in ["report.html", "report.exe", "..%2F..%2Fgwanmun.db"] {
        let got = rig.get(&auditor, &format!("/cut-off/drills/{id}/{wrong}")).await;
        assert_eq!(got.status, StatusCode::NOT_FOUND, "{wrong}");
    }
}

#[tokio::test]
async fn the_board_speaks_every_language() {
    let (rig, operator) = site().await;
    rig.post(&operator, "/cut-off/withdraw", &[("subject", "outside:KR"), ("why", WHY)]).await;
    for (language, word) in
        [("ko", "중단 상황판"), ("vi", "Bảng ngừng cung cấp"), ("fr", "Tableau des coupures"), ("ja", "提供停止ボード")]
    {
        rig.post(&operator, "/language", &[("language", language), ("back", "/cut-off")]).await;
        let text = rig.get(&operator, "/cut-off").await.text;
        assert!(text.contains(word) && !text.contains("cut-off-"), "{language}: {text}");
    }
}

#[tokio::test]
async fn a_live_drill_is_for_those_who_may_withdraw() {
    let rig = Rig::with_log(SITE, Vec::new()).await;
    let fields = |mode| [("subject", "destination:cloud"), ("mode", mode), ("time", "15"), ("unit", "minutes")];
    for (role, live) in [(Role::Officer, StatusCode::FORBIDDEN), (Role::Operator, StatusCode::SEE_OTHER)] {
        let browser = rig.browser(role).await;
        let offered = rig.get(&browser, "/cut-off").await.text.contains("value=\"live\"");
        assert_eq!(offered, live == StatusCode::SEE_OTHER, "{role}");
        let query = "/cut-off/drill?subject=destination:cloud&mode=live&time=15&unit=minutes";
        assert_eq!(rig.get(&browser, query).await.status == StatusCode::FORBIDDEN, !offered, "{role}");
        for (mode, status) in [("live", live), ("replay", StatusCode::SEE_OTHER)] {
            let got = rig.post(&browser, "/cut-off/drill", &fields(mode)).await;
            assert_eq!(got.status, status, "{role} {mode}: {}", got.text);
            sqlx::query("UPDATE drills SET state = 'ended'").execute(rig.site.keys.database().pool()).await.unwrap();
        }
    }
}

#[tokio::test]
async fn every_page_says_what_a_live_drill_takes_away_and_until_when() {
    let rig = Rig::new(SITE).await;
    let user = rig.browser(Role::User).await;
    assert!(!rig.get(&user, "/chat").await.text.contains("Drill, taken away"));
    let until = "2026-11-22T10:05:00Z".parse().unwrap();
    let subject = Subject::parse("destination:cloud", &config(&rig.site)).unwrap();
    rig.site.availability.rehearse(Some(vec![subject]), until);
    let text = rig.get(&user, "/chat").await.text;
    assert!(
        text.contains("Drill, taken away")
            && text.contains("datetime=\"2026-11-22T10:05:00Z\"")
            && text.contains("cloud"),
        "{text}"
    );
    rig.site.availability.rehearse(None, until);
    assert!(!rig.get(&user, "/chat").await.text.contains("Drill, taken away"));
}
