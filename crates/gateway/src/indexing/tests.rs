//! Whose law reaches a name of entries; a log in batches; an index that does not belong to its log.

use std::time::Duration as Span;

use audit_log::{Log, Settings};

use super::*;
use crate::{
    clock::Clock,
    config::Config,
    judge::FloorModel,
    traffic::tests::{decision, outcome},
};

fn judgement() -> Judgement {
    let config = "[policy]\nuse = \"open\"\nhome = \"KR\"\n\
        [[destination]]\nname = \"own\"\nbase_url = \"http://127.0.0.1:9/v1\"\nmodels = [\"m\", \"n\"]\nprovider = \"own\"\n\
        [[destination]]\nname = \"far\"\nbase_url = \"http://127.0.0.1:9/v1\"\nmodels = [\"m\"]\n\
        [[route]]\nmodel = \"chain\"\ndestinations = [\"own/m\", \"far/m\", \"local\"]\n";
    let config = Config::parse(config, "test.toml").unwrap_or_else(|mistakes| panic!("{mistakes}"));
    Judgement::new(&config, Some(&FloorModel { name: "floor".into(), context_tokens: 120, serves: [].into() }))
}

#[test]
fn a_name_of_entries_is_under_the_law_of_its_place() {
    let judgement = judgement();
    // Who licenses the model, nobody has said: another law may reach it.
    let controlled_by = || ["KR", "?"].map(str::to_owned).to_vec();
    let home = || Some(Axes { processed_in: vec!["KR".to_owned()], controlled_by: controlled_by() });
    assert_eq!(axes(&judgement, "chain", "own/m"), home());
    assert_eq!(axes(&judgement, "m", "own"), home());
    assert_eq!(axes(&judgement, "a model that has gone", "own"), home(), "all of its models are under the same law");
    assert_eq!(axes(&judgement, "chain", "local").map(|axes| axes.processed_in), Some(vec!["KR".to_owned()]));
    assert_eq!(axes(&judgement, "m", "far"), Some(Axes::default()), "nobody has said where that is");
    assert_eq!(axes(&judgement, "m", "a place that has gone"), None);
}

/// A log of five requests, of which one has ended, and no start.
fn log(folder: &Path, requests: usize) -> Log {
    let settings = || Settings::new(Arc::new(|| Span::from_secs(1_790_000_000)));
    Log::create(folder, "test.example/log", &settings()).unwrap();
    let (log, _) = Log::open(folder, settings()).unwrap();
    for number in 0..requests {
        log.append_and_wait(&decision("a", &format!("r{number}"))).unwrap();
    }
    log.append_and_wait(&outcome(0, "answered", "far", 1_000)).unwrap();
    log
}

#[tokio::test]
async fn a_log_is_taken_in_batch_by_batch_and_an_index_is_held_to_its_log() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    let requests = usize::try_from(BATCH).unwrap() + 5;
    log(&first, requests).close().unwrap();
    let (path, tasks, judgement) = (folder.path().join("index"), Tasks::new(Clock::system()), judgement());
    let feed = Feed::open(&first, &path).await.unwrap();
    let held = BATCH + 6;
    assert_eq!(feed.advance(&judgement, &tasks).await.unwrap(), (BATCH, held));
    assert_eq!(feed.advance(&judgement, &tasks).await.unwrap(), (held, held));
    assert_eq!(feed.advance(&judgement, &tasks).await.unwrap(), (held, held), "there is no more");
    let totals = feed.index().totals(0..u64::MAX).await.unwrap();
    assert_eq!((totals.answered, totals.open), (1, BATCH + 4));
    feed.close().await;

    // The same name, fewer entries: a log that was put back from a copy.
    log(&second, 3).close().unwrap();
    let feed = Feed::open(&second, &path).await.unwrap();
    let ahead = feed.advance(&judgement, &tasks).await.unwrap_err().to_string();
    assert!(ahead.contains("which has 4") && ahead.contains("gwanmun index rebuild"), "{ahead}");
}

#[tokio::test]
async fn a_log_that_was_put_back_and_has_grown_again_is_told_from_the_one_that_was_taken_in() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    log(&first, 3).close().unwrap();
    let (path, tasks, judgement) = (folder.path().join("index"), Tasks::new(Clock::system()), judgement());
    let feed = Feed::open(&first, &path).await.unwrap();
    assert_eq!(feed.advance(&judgement, &tasks).await.unwrap(), (4, 4));
    let (next, leaf) = feed.index().reached().await.unwrap();
    assert!(has_taken(&Reader::open(&first).unwrap(), next, leaf).unwrap());
    feed.close().await;

    // The same name, more entries, and another one where the last stood that was taken in.
    log(&second, 9).close().unwrap();
    assert!(!has_taken(&Reader::open(&second).unwrap(), next, leaf).unwrap());
    let feed = Feed::open(&second, &path).await.unwrap();
    let error = feed.advance(&judgement, &tasks).await.unwrap_err();
    assert!(matches!(error, IndexingError::OtherHistory { indexed: 4, held: 10, .. }), "{error}");
    assert_eq!(feed.index().requests().await.unwrap(), 3, "nothing is mixed");
    // It is forgotten, and made again from this log.
    feed.index().forget().await.unwrap();
    assert_eq!(feed.index().reached().await.unwrap(), (0, None));
    assert_eq!(feed.advance(&judgement, &tasks).await.unwrap(), (10, 10));
    assert_eq!(feed.index().requests().await.unwrap(), 9);
}
