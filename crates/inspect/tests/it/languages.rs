//! How often the language is guessed right, on news whose files are named by their language (`ko.txt` …), where a folder is
//! given in `GWANMUN_TEST_TEXTS`: wrong at most once in a hundred lines, unknown rather than wrong.

use std::path::Path;

use inspect::language::guess;

use crate::alarms::{folder, texts};

const TAGS: [&str; 5] = ["ko", "ja", "vi", "fr", "en"];

#[test]
fn lines_of_news() {
    let Some(folder) = folder() else {
        eprintln!("skipped: GWANMUN_TEST_TEXTS names no folder of news texts");
        return;
    };
    let mut seen = 0;
    for path in texts(Path::new(&folder)) {
        let tag = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        if !TAGS.contains(&tag) {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("a text");
        let lines: Vec<&str> = text.lines().filter(|line| line.chars().count() >= 20).collect();
        let (mut right, mut wrong) = (0, Vec::new());
        for line in &lines {
            match guess(line).tag() {
                "und" => {}
                guessed if guessed == tag => right += 1,
                guessed => wrong.push(format!("{guessed}: {line}")),
            }
        }
        eprintln!("{}: {right} of {} right, {} wrong", path.display(), lines.len(), wrong.len());
        assert!(wrong.len() * 100 <= lines.len(), "{wrong:#?}");
        assert!(right * 100 >= lines.len() * 80, "{tag}: {right} of {}", lines.len());
        seen += 1;
    }
    assert!(seen > 0, "no texts named by a language");
}
