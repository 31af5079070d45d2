//! What templates must not hold: words of their own, styles and scripts of their own, text that is not escaped.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use audit_log::Action;
use gateway::availability::{Cause, Outage};
use gateway::drill::Mode;
use policy::Class;

use crate::accounts::{Permission, Role};
use crate::language::Language;

/// Names that are the same in every language.
const NAMES: [&str; 5] = [
    "관문",
    "Gwanmun",
    "gwanmun account create --name you --role owner",
    "gwanmun audit verify",
    "gwanmun audit check",
];

fn templates() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    files
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read_to_string(&path).unwrap()))
        .collect()
}

/// The text without what stands between `open` and `close`, each time with a mark in its place.
fn without(text: &str, open: &str, close: &str, mark: &str) -> String {
    let mut parts = text.split(open);
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (_, after) = part.split_once(close).unwrap_or_else(|| panic!("`{open}` is not closed: {part}"));
        kept += mark;
        kept += after;
    }
    kept
}

fn has_words(text: &str) -> bool {
    let text = NAMES.iter().fold(text.to_owned(), |text, name| text.replace(name, ""));
    text.replace("&nbsp;", "").chars().any(char::is_alphabetic)
}

#[test]
fn every_word_of_a_template_is_a_message() {
    for (name, text) in templates() {
        let text = without(&text, "{#", "#}", "");
        let text = without(&without(&text, "{%", "%}", ""), "{{", "}}", "");
        let mut read = String::new();
        for piece in text.split('<') {
            let (tag, after) = piece.split_once('>').unwrap_or(("", piece));
            for attribute in ["alt", "title", "placeholder", "aria-label", "aria-description", "content", "label"] {
                let told = tag.split_once(&format!(" {attribute}=\"")).and_then(|(_, rest)| rest.split_once('"'));
                let viewport = tag.contains("name=\"viewport\"") || tag.contains("name=\"color-scheme\"");
                assert!(viewport || !told.is_some_and(|(words, _)| has_words(words)), "{name}: <{tag}>");
            }
            read += after;
            read += "\n";
        }
        let words: Vec<_> = read.lines().filter(|line| has_words(line)).collect();
        assert!(words.is_empty(), "{name} has words of its own: {words:?}");
    }
}

#[test]
fn no_template_goes_round_the_security_policy_or_the_escaping() {
    for (name, text) in templates() {
        for forbidden in
            ["|safe", "| safe", "style=\"", "javascript:", " onclick", " onload", " onchange", "http://", "https://"]
        {
            assert!(!text.contains(forbidden), "{name} has `{forbidden}`");
        }
        let scripts = text.matches("<script").count();
        assert_eq!(text.matches("<script src=\"{{ page.asset(").count(), scripts, "{name} has a script of its own");
        // The sign-in has nobody yet whose token it could carry.
        let posts = text.matches("method=\"post\"").count() - usize::from(name == "sign_in.html");
        assert_eq!(text.matches("name=\"form_token\"").count(), posts, "{name}: each form carries its token");
    }
}

#[test]
fn every_message_that_a_template_names_is_there() {
    let calls = ["page.t(\"", "page.t1(\"", "page.t2(\"", "page.tn(\""];
    let mut named = BTreeSet::new();
    for (_, text) in templates() {
        for call in calls {
            let uses = text.split(call).skip(1).filter_map(|rest| rest.split('"').next());
            named.extend(uses.map(str::to_owned));
        }
    }
    assert!(named.len() > 40);
    // These two say what they are called.
    let own = ["yes", "no"];
    let missing: Vec<_> =
        named.iter().filter(|name| Language::English.text(name) == **name && !own.contains(&name.as_str())).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// What each kind of message is put together with. A kind that is not here is a mistake: somebody would be shown a message's name.
fn which(kind: &str) -> Vec<String> {
    let all = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    match kind {
        "audit-did" => {
            let words = Action::ALL.iter().map(|action| action.word()).chain(["erasure", "start", "stop"]);
            words.map(|word| word.replace('.', "-")).collect()
        }
        "class" => all(&Class::ALL.map(Class::word)),
        "cut-off-cause" => all(&Cause::ALL.map(Cause::word)),
        "cut-off-outage" => all(&Outage::ALL.map(Outage::word)),
        "cut-off-mode" => all(&[Mode::Replay, Mode::Shadow, Mode::Live].map(Mode::word)),
        "cut-off-ended" => all(&["time", "stopped", "answered-share", "server-stopped", "failed"]),
        "cut-off-confirm" | "cut-off-do" | "cut-off-places" => all(&["withdraw", "restore"]),
        "may" => all(&Permission::ALL.map(Permission::word)),
        "role" => all(&Role::ALL.map(Role::word)),
        "jurisdictions-fate" => all(&["dark", "floor", "moves", "unchanged", "refused"]),
        "jurisdictions-lost" => all(&["capability", "context", "language", "price", "tokens", "unknown"]),
        "overview-kind" => all(&["jurisdiction", "provider"]),
        "overview-range" => all(&["hour", "day", "week", "month"]),
        "overview-state" => all(&["resting", "withdrawn"]),
        "overview-trouble" => all(&["stopping", "log", "payloads", "local-stopped"]),
        "requests-state" => all(&["answered", "refused", "failed", "cancelled", "abandoned", "lost", "open"]),
        "routes-state" => all(&["ready", "resting", "withdrawn"]),
        "set-up-by" => all(&["environment", "curl", "python", "javascript"]),
        _ => Vec::new(),
    }
}

#[test]
fn every_message_that_a_template_puts_together_is_there() {
    let mut kinds = BTreeSet::new();
    for (_, text) in templates() {
        kinds.extend(text.split("page.tt(\"").skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned));
    }
    assert!(kinds.len() > 30);
    let english: Vec<_> = Language::English.names();
    for kind in kinds {
        let begins = format!("{kind}-");
        assert!(english.iter().any(|name| name.starts_with(&begins)), "no message begins with `{begins}`");
        for word in which(&kind) {
            let name = format!("{begins}{word}");
            assert!(english.contains(&name), "no message `{name}`");
        }
    }
}
