//! False alarms on text that holds no identifiers: a small sample of our own, and news where a folder is given in
//! `GWANMUN_TEST_TEXTS` (files `*.txt`).

use std::path::Path;

use inspect::{Rules, scan};

/// Prose with dates, amounts, scores, versions, laws; written for this test.
const SAMPLE: &str = include_str!("../../fixtures/prose.txt");

#[test]
fn prose_of_our_own_raises_none() {
    let findings = scan(SAMPLE, &Rules::default());
    let shown: Vec<_> = findings.iter().map(|it| (it.kind.name(), &SAMPLE[it.range.clone()])).collect();
    assert!(findings.is_empty(), "{shown:?}");
}

#[test]
fn news_raises_one_in_a_hundred_kilobytes_at_most() {
    let Some(folder) = folder() else {
        eprintln!("skipped: GWANMUN_TEST_TEXTS names no folder of news texts");
        return;
    };
    let (mut bytes, mut shown) = (0, Vec::new());
    for path in texts(Path::new(&folder)) {
        let text = std::fs::read_to_string(&path).expect("a text");
        bytes += text.len();
        for finding in &scan(&text, &Rules::default()) {
            shown.push(format!("{}: {} `{}`", path.display(), finding.kind, &text[finding.range.clone()]));
        }
    }
    assert!(bytes > 0, "no texts in the folder");
    eprintln!("{} findings in {bytes} bytes: {shown:#?}", shown.len());
    assert!(shown.len() * 100_000 <= bytes, "{shown:#?}");
}

#[expect(clippy::disallowed_methods, reason = "where the texts are is nobody's business but this test's")]
pub(crate) fn folder() -> Option<std::ffi::OsString> {
    std::env::var_os("GWANMUN_TEST_TEXTS")
}

pub(crate) fn texts(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the folder of GWANMUN_TEST_TEXTS");
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .flat_map(|path| if path.is_dir() { texts(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    paths.sort();
    paths
}
