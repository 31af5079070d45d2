//! What is withdrawn and let back from the command line, without a server.

use gateway::{
    availability::{Cause, Withdrawal, store},
    database::Database,
};
use serde_json::Value;

use crate::bench::{Bench, Told};

const CONFIG: &str = "[policy]\nuse = \"open\"\n\
    [[destination]]\nname = \"abroad\"\nbase_url = \"https://abroad.example/v1\"\nmodels = [\"large\", \"small\"]\n\
    [[destination]]\nname = \"home\"\nbase_url = \"https://home.example/v1\"\nmodels = [\"large\"]\n\
    [[route]]\nmodel = \"assistant\"\ndestinations = [\"abroad/large\", \"home/large\"]\n";

fn bench() -> Bench {
    let bench = Bench::new();
    bench.ok(&["key", "create", "--name", "a"]);
    bench.put(".local/share/gwanmun/gwanmun.toml", CONFIG.as_bytes());
    bench
}

fn listed(bench: &Bench) -> Value {
    serde_json::from_str(&bench.ok(&["withdraw", "--list", "--json"])).unwrap()
}

#[test]
fn a_destination_is_withdrawn_listed_and_let_back() {
    let bench = bench();
    let told = bench.run(&["withdraw", "abroad", "--why", "contract ends"]);
    assert_eq!((told.exit, told.err.as_str()), (Some(1), "nothing was changed: add `--yes`\n"), "{}", told.out);
    assert!(told.out.contains("abroad/large") && told.out.contains("abroad/small"), "{}", told.out);
    assert!(
        told.out.contains("assistant: answered by abroad/large, home/large now, by home/large then"),
        "{}",
        told.out
    );
    assert!(told.out.contains("small: answered by abroad now, by nobody then"), "{}", told.out);
    assert_eq!(listed(&bench)["withdrawals"], serde_json::json!([]));

    let told = bench.run(&["withdraw", "abroad", "--why", "contract ends", "--yes"]);
    assert_eq!(told.exit, Some(0), "{}", told.err);
    assert!(
        told.err.starts_with("withdrawn: destination:abroad; no server runs from this data directory"),
        "{}",
        told.err
    );
    let list = listed(&bench);
    assert_eq!(list["withdrawals"][0]["subject"], "destination:abroad");
    assert_eq!(
        (&list["withdrawals"][0]["cause"], &list["withdrawals"][0]["why"]),
        (&"operator".into(), &"contract ends".into())
    );
    let states: Vec<&str> = list["places"].as_array().unwrap().iter().map(|it| it["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["withdrawn", "withdrawn", "not known"]);
    let again = bench.run(&["withdraw", "destination:abroad", "--why", "again", "--yes"]);
    assert_eq!(again.err, "destination:abroad is withdrawn already: contract ends\n");
    let table = bench.ok(&["withdraw", "--list"]);
    assert!(table.starts_with("WITHDRAWN") && table.lines().all(|line| line.trim_end() == line), "{table}");

    let told = bench.run(&["restore", "abroad"]);
    assert_eq!((told.exit, told.err.as_str()), (Some(1), "nothing was changed: add `--approve`\n"));
    assert!(told.out.contains("(operator): contract ends"), "{}", told.out);
    assert!(told.out.contains("small: answered by nobody now, by abroad then"), "{}", told.out);
    let told = bench.run(&["restore", "abroad", "--approve", "--why", "renewed"]);
    assert_eq!(told.exit, Some(0), "{}", told.err);
    assert_eq!(listed(&bench)["withdrawals"], serde_json::json!([]));
    assert!(bench.ok(&["withdraw", "--list"]).starts_with("nothing is withdrawn\n"));
}

/// What the gateway has withdrawn for a cause that may end by itself is an operator's as soon as one says so.
#[test]
fn an_operator_takes_over_what_the_gateway_has_withdrawn() {
    let bench = bench();
    let found = Withdrawal {
        subject: "destination:abroad".parse().unwrap(),
        cause: Cause::Tls,
        since: "2026-11-21T10:00:00Z".parse().unwrap(),
        by: "gateway".into(),
        why: "its certificate is not trusted".into(),
        notice: None,
    };
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let database = Database::open(&bench.data().join("gwanmun.db")).await.unwrap();
        assert!(store::begin(&database, &found).await.unwrap().1);
    });
    let told = bench.run(&["withdraw", "abroad", "--why", "contract ends"]);
    assert_eq!(told.exit, Some(1), "{}", told.err);
    assert!(
        told.err.contains("is withdrawn already (tls): its certificate is not trusted; withdrawn by you it returns by"),
        "{}",
        told.err
    );
    assert_eq!(listed(&bench)["withdrawals"][0]["cause"], "tls");
    let told = bench.run(&["withdraw", "abroad", "--why", "contract ends", "--yes"]);
    assert_eq!(told.exit, Some(0), "{}", told.err);
    let list = listed(&bench);
    assert_eq!(list["withdrawals"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&list["withdrawals"][0]["cause"], &list["withdrawals"][0]["why"]),
        (&"operator".into(), &"contract ends".into())
    );
}

/// What a program reads as done has been done.
#[test]
fn json_says_changed_where_it_was() {
    let bench = bench();
    let changed = |arguments: &[&str]| {
        let told = bench.run(arguments);
        let told: Value = serde_json::from_str(&told.out).unwrap_or_else(|error| panic!("{error}: {}", told.out));
        told["changed"].as_bool().unwrap()
    };
    assert!(!changed(&["withdraw", "abroad", "--why", "x", "--json"]));
    assert!(changed(&["withdraw", "abroad", "--why", "x", "--json", "--yes"]));
    assert!(!changed(&["restore", "abroad", "--json"]));
    assert!(changed(&["restore", "abroad", "--json", "--approve"]));
    assert_eq!(listed(&bench)["withdrawals"], serde_json::json!([]));
}

#[test]
fn notices_are_told_before_their_day_and_after() {
    let bench = bench();
    let notice = |subject: &str, day: &str| {
        format!("[[notice]]\nsubject = \"{subject}\"\nfrom = \"{day}\"\nwhy = \"a letter of May\"\n")
    };
    let config = format!("{CONFIG}{}{}", notice("abroad", "2999-12-31"), notice("home", "2020-01-01"));
    bench.put(".local/share/gwanmun/gwanmun.toml", config.as_bytes());
    let told = bench.run(&["check"]);
    for said in [
        "announced: destination:abroad is withdrawn from 2999-12-31 on: a letter of May",
        "destination:home is withdrawn since 2020-01-01, unless it was let back: a letter of May",
    ] {
        assert!(told.out.split_whitespace().collect::<Vec<_>>().join(" ").contains(said), "{}", told.out);
    }
}

#[test]
fn what_is_wrong_is_told_and_how_to_mend_it() {
    let absent = Bench::new().run(&["withdraw", "--list"]);
    assert_eq!(absent.exit, Some(2));
    assert!(absent.err.starts_with("error: there is no data directory"), "{}", absent.err);
    let bench = bench();
    let table: [(&[&str], i32, &str); 6] = [
        (&["withdraw", "abrod", "--why", "x"], 64, "did you mean"),
        (&["withdraw", "local", "--why", "x"], 64, "nobody can take it away"),
        (&["withdraw", "abroad"], 64, "--why"),
        (&["withdraw", "abroad", "--why", " "], 64, "a reason is one line"),
        (&["restore", "abroad"], 2, "`destination:abroad` is not withdrawn"),
        (&["restore", "nowhere"], 64, "neither in the configuration nor in the catalogue"),
    ];
    for (arguments, exit, says) in table {
        let Told { exit: ended, err, .. } = bench.run(arguments);
        assert_eq!(ended, Some(exit), "{arguments:?}: {err}");
        assert!(err.contains(says), "{arguments:?}: {err}");
    }
    bench.ok(&["withdraw", "abroad", "--why", "x", "--yes"]);
    let told = bench.run(&["restore", "abroad/small"]);
    assert!(told.err.contains("it is taken away with `destination:abroad`: restore that"), "{}", told.err);
}
