//! What requests a search shows, one in full, the file, and what cannot be searched for.

use audit_entry::Ending;
use http::StatusCode;

use super::table::cell;
use crate::accounts::Role;
use crate::rig::{Rig, entries};

async fn rig() -> Rig {
    let bodies = vec![
        entries::decided("r-1", "desk", &["far", "local"]),
        entries::attempted(1, "r-1", "local"),
        entries::ended(1, "r-1", Ending::Answered, "local"),
        entries::refused("r-2", "=1+1<script>"),
        entries::decided("r-3", "desk", &["local"]),
    ];
    Rig::with_log("", bodies).await
}

#[tokio::test]
async fn a_search_shows_what_fits_and_its_link_can_be_shared() {
    let rig = rig().await;
    let auditor = rig.browser(Role::Auditor).await;
    let shown = async |query: &str| {
        let text = rig.get(&auditor, &format!("/requests{query}")).await.text;
        ["r-1", "r-2", "r-3"].map(|id| text.contains(&format!("href=\"/requests/{id}\"")))
    };
    assert_eq!(shown("").await, [true, true, true]);
    for (query, fit) in [
        ("?team=desk", [true, false, true]),
        ("?state=refused", [false, true, false]),
        ("?state=open", [false, false, true]),
        ("?class=sensitive", [true, false, true]),
        ("?degraded=1", [true, false, false]),
        ("?finding=kr.rrn&key=k_1", [true, false, true]),
        ("?destination=local", [true, false, false]),
        ("?request=r-2", [false, true, false]),
        ("?entry=3", [true, false, false]),
        ("?from=2026-11-22", [true, true, true]),
        ("?until=2026-11-22T08:59", [false, false, false]),
        ("?until=2026-11-22T08:59:00.000Z", [false, false, false]),
        ("?from=2026-11-22T18:30:00%2B09:00", [false, false, false]),
        ("?range=hour&model=m", [true, false, true]),
        ("?before=4", [true, false, false]),
    ] {
        assert_eq!(shown(query).await, fit, "{query}");
    }
    let text = rig.get(&auditor, "/requests?team=desk&degraded=1").await.text;
    assert!(text.contains("name=\"team\" value=\"desk\"") && text.contains("value=\"1\" checked"));
    assert!(text.contains("/requests.csv?team=desk&#38;degraded=1"), "{text}");
    assert!(!rig.get(&auditor, "/requests").await.text.contains("<script>"), "a team's name is text");
}

#[tokio::test]
async fn what_cannot_be_searched_for_is_told() {
    let rig = rig().await;
    let auditor = rig.browser(Role::Auditor).await;
    for (query, word) in [
        ("?from=yesterday", "“yesterday” is no time"),
        ("?state=happy", "“happy” is no state"),
        ("?class=top", "“top” is no state or data class"),
        ("?entry=-1", "“-1” is no entry number"),
    ] {
        let got = rig.get(&auditor, &format!("/requests{query}")).await;
        assert!(got.text.contains(word) && got.text.contains("role=\"alert\""), "{query}: {}", got.text);
        assert!(!got.text.contains("href=\"/requests/r-1\""), "nothing is shown that was not asked for");
    }
    let user = rig.browser(Role::User).await;
    for path in ["/requests", "/requests.csv", "/requests/r-1"] {
        assert_eq!(rig.get(&user, path).await.status, StatusCode::FORBIDDEN, "{path}");
    }
}

#[tokio::test]
async fn one_request_is_told_in_full_with_its_proof() {
    let rig = rig().await;
    let auditor = rig.browser(Role::Auditor).await;
    let text = rig.get(&auditor, "/requests/r-1").await.text;
    for part in ["rule-one", "gone (withdrawn)", "<code>timeout</code>", "X25519MLKEM768", "kr.rrn", "ai-written"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    for entry in [1, 3] {
        assert!(text.contains(&format!("href=\"/audit/proof/{entry}\"")), "{entry}");
    }
    assert_eq!(rig.get(&auditor, "/requests/none").await.status, StatusCode::NOT_FOUND);
    for (language, word) in
        [("ko", "요청 상세"), ("vi", "Một yêu cầu"), ("fr", "Une requête"), ("ja", "リクエストの詳細")]
    {
        rig.post(&auditor, "/language", &[("language", language), ("back", "/")]).await;
        for path in ["/requests/r-1", "/requests"] {
            let text = rig.get(&auditor, path).await.text;
            assert!(!text.contains(">requests-") && !text.contains("overview-range"), "{language} {path}");
        }
        assert!(rig.get(&auditor, "/requests/r-1").await.text.contains(word), "{language}");
    }
}

#[tokio::test]
async fn a_search_is_a_file_in_which_nothing_is_a_formula() {
    let rig = rig().await;
    let auditor = rig.browser(Role::Auditor).await;
    let got = rig.get(&auditor, "/requests.csv").await;
    assert!(got.header("content-disposition").starts_with("attachment; filename=\"requests-2026-11-22"));
    assert_eq!(got.header("content-type"), "text/csv; charset=utf-8");
    let lines: Vec<_> = got.text.split("\r\n").collect();
    assert_eq!(lines.len(), 5, "a head, three requests, and the end: {}", got.text);
    assert!(got.text.starts_with("\u{feff}entry,at,"), "spreadsheets are told that it is UTF-8: {}", got.text);
    assert!(got.text.contains(",\"'=1+1<script>\","), "{}", got.text);
    let one = rig.get(&auditor, "/requests.csv?request=r-1").await.text;
    assert!(one.contains(",r-1,desk,k_1,") && !one.contains("r-3"), "{one}");
    assert_eq!(rig.get(&auditor, "/requests.csv?entry=x").await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[test]
fn cells_are_text_to_any_spreadsheet() {
    for (text, written) in [
        ("desk", "desk"),
        ("통계청", "통계청"),
        ("a,b", "\"a,b\""),
        ("say \"hi\"", "\"say \"\"hi\"\"\""),
        ("=HYPERLINK(\"x\")", "\"'=HYPERLINK(\"\"x\"\")\""),
        ("  =1", "\"'  =1\""),
        ("+1", "\"'+1\""),
        ("-1", "\"'-1\""),
        ("@SUM(A1)", "\"'@SUM(A1)\""),
        ("\t=1", "\"'\t=1\""),
        ("＝1", "\"'＝1\""),
    ] {
        assert_eq!(cell(text), written);
    }
}

#[tokio::test]
async fn a_file_holds_all_that_fits_however_many_parts_it_takes() {
    let bodies = (0..450).map(|number| entries::refused(&format!("r-{number}"), "desk"));
    let rig = Rig::with_log("", bodies.collect()).await;
    let auditor = rig.browser(Role::Auditor).await;
    let text = rig.get(&auditor, "/requests.csv?team=desk").await.text;
    let ids: Vec<_> = text.lines().skip(1).map(|line| line.split(',').nth(2).unwrap().to_owned()).collect();
    assert_eq!(ids, (0..450).rev().map(|number| format!("r-{number}")).collect::<Vec<_>>());
    let none = rig.get(&auditor, "/requests.csv?team=nobody").await.text;
    assert_eq!(none.lines().count(), 1, "a head alone: {none}");
}

#[test]
fn times_are_shown_in_utc_as_a_pages_field_takes_them() {
    for (written, shown) in [
        ("2026-11-22", "2026-11-22T00:00"),
        ("2026-11-22T09:05", "2026-11-22T09:05"),
        ("2026-11-22T18:05:00+09:00", "2026-11-22T09:05"),
        ("2026-11-22T09:05:00.000Z", "2026-11-22T09:05"),
        ("yesterday", "yesterday"),
        ("", ""),
    ] {
        assert_eq!(super::Wanted::shown(written), shown);
    }
}
