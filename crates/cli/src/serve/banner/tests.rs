//! The banner at the first start and later, as a person reads it.

use super::*;

fn card() -> ModelCard {
    ModelCard {
        name: "smollm2-135m-instruct-q4_1".into(),
        bytes: 98_362_432,
        licence: Some("Apache-2.0".into()),
        languages: vec!["en".into()],
        ..ModelCard::default()
    }
}

fn shown(banner: &Banner<'_>) -> String {
    let lines = banner.lines().join("\n");
    anstream::adapter::strip_str(&lines).to_string()
}

#[test]
fn the_first_start_says_all_that_is_needed_in_twenty_lines() {
    let card = card();
    let notes = ["it answers in English only".to_owned()];
    let vectors =
        ModelCard { name: "all-minilm-l6-v2".into(), bytes: 90_868_376, dimensions: Some(384), ..ModelCard::default() };
    let banner = Banner {
        version: "0.1.0",
        listen: "0.0.0.0:4000".parse().unwrap(),
        console: "127.0.0.1:4001".parse().unwrap(),
        data_dir: "/home/a/.local/share/gwanmun",
        key: Some("sk-gwm-KEY"),
        model: Some(&card),
        notes: &notes,
        embedder: Some(&vectors),
    };
    assert!(banner.lines().len() <= 20);
    assert_eq!(
        shown(&banner),
        r#"관문 Gwanmun 0.1.0
  key     sk-gwm-KEY
          keep it: it is not shown again; `gwanmun key create` makes others
  API     http://127.0.0.1:4000/v1
  model   smollm2-135m-instruct-q4_1 (98 MB, Apache-2.0, speaks English only)
          it answers in English only
  vectors all-minilm-l6-v2 (91 MB, 384 numbers each)
  console http://127.0.0.1:4001 (who may sign in: `gwanmun account create`)
  data    /home/a/.local/share/gwanmun
  stop    Ctrl-C; answers under way are finished first
try it:
  curl http://127.0.0.1:4000/v1/chat/completions -H 'Authorization: Bearer sk-gwm-KEY' \
    -H 'Content-Type: application/json' -d '{"model":"smollm2-135m-instruct-q4_1","messages":[{"role":"user","content":"What is the capital of France?"}]}'
  gwanmun ask --data-dir '/home/a/.local/share/gwanmun' "What is the capital of France?""#
    );
}

#[test]
fn later_starts_are_shorter_and_show_no_key() {
    let banner = Banner {
        version: "0.1.0",
        listen: "[::]:4000".parse().unwrap(),
        console: "[::1]:4001".parse().unwrap(),
        data_dir: "/d",
        key: None,
        model: None,
        notes: &[],
        embedder: None,
    };
    assert_eq!(
        shown(&banner),
        "관문 Gwanmun 0.1.0\n  API     http://[::1]:4000/v1\n  model   none on this machine: only configured destinations answer\n  \
         console http://[::1]:4001 (who may sign in: `gwanmun account create`)\n  data    /d\n  \
         stop    Ctrl-C; answers under way are finished first"
    );
}

#[test]
fn what_is_not_known_of_a_model_is_said() {
    let mut card = card();
    card.licence = None;
    card.languages = vec!["ko".into(), "vi".into()];
    let banner = Banner {
        version: "0",
        listen: "127.0.0.1:1".parse().unwrap(),
        console: "127.0.0.1:2".parse().unwrap(),
        data_dir: "/d",
        key: None,
        model: Some(&card),
        notes: &[],
        embedder: None,
    };
    assert!(shown(&banner).contains("(98 MB, no licence stated, ko vi)"));
}
