//! Gateways as each other's witnesses: what is cosigned, what a policy then finds, and what becomes of one who holds a log's
//! key and tells its history anew.

use std::path::Path;
use std::time::Duration;

use audit_verify::{FindingKind, Kept, Options, Policy, Report, verify};
use e2e::harness::{Setup, TestGateway};
use e2e::place::Place;
use local_model::scripted::Script;

use crate::views::asking;

/// How long a witness may take to answer before it counts as a hang.
const PATIENCE: Duration = Duration::from_mins(1);

/// A gateway that goes on at `place` and watches the logs of `watched`, if there are any.
async fn start(place: Place, watched: &str) -> TestGateway {
    let watch = (!watched.is_empty()).then(|| place.write("watch", &format!("{watched}quorum none\n")));
    let setup = Setup::local(Script::new()).at(place);
    setup.change(|config| config.audit_log.watch = watch).start().await
}

async fn ask(gateway: &TestGateway, times: usize) {
    for _ in 0..times {
        assert_eq!(gateway.client.chat(&asking("scripted", "hello")).await.status, 200);
    }
}

/// What to ask `witness` by, and what to demand of it: both its keys.
async fn policy(log: &Place, witness: &TestGateway) -> String {
    let keys = witness.console.get("/witness/key.pub").await.text();
    let url = format!("http://{}/witness", witness.console.address);
    let lines = (1..).zip(keys.lines()).map(|(number, key)| format!("witness w{number} {key} {url}\n"));
    let witnesses: String = lines.collect();
    format!("{}{witnesses}group both all w1 w2\nquorum both\n", log.log_lines())
}

/// Waits until a metric of the witness says so.
async fn until(gateway: &TestGateway, metric: &str, wanted: u64) {
    let wanted = f64::from(u32::try_from(wanted).unwrap());
    let name = format!("gwanmun_witness_{metric}{{witness=\"w1\"}}");
    let reached = tokio::time::timeout(PATIENCE, async {
        while !(gateway.metric(&name).await - wanted).abs().lt(&f64::EPSILON) {}
    });
    assert!(reached.await.is_ok(), "`{name}` is {}, not {wanted}", gateway.metric(&name).await);
}

fn held_against(log: &Path, policy: &str, kept: &[&str]) -> Report {
    let kept = kept.iter().map(|note| Kept { name: "kept".to_owned(), note: note.as_bytes().to_vec() });
    let policy: Policy = policy.parse().unwrap();
    let options = Options { policy: Some(policy), kept: kept.collect(), ..Options::default() };
    verify(log, &options).unwrap()
}

fn has(report: &Report, kind: FindingKind) -> bool {
    report.findings.iter().any(|finding| finding.kind == kind)
}

#[tokio::test]
async fn two_gateways_cosign_each_others_logs_and_a_policy_that_asks_for_it_holds() {
    let places = [Place::new(), Place::new()];
    let lines = places.each_ref().map(Place::log_lines);
    let [first, second] = places;
    let (first, second) = (start(first, &lines[1]).await, start(second, &lines[0]).await);
    let mut policies = Vec::new();
    for (own, other) in [(&first, &second), (&second, &first)] {
        ask(own, 3).await;
        let size = own.signed().await;
        let policy = policy(own.place(), other).await;
        let before = held_against(&own.log_dir(), &policy, &[]);
        assert!(!before.holds() && has(&before, FindingKind::QuorumNotMet), "{before}");
        own.ask_witnesses(&policy);
        until(own, "cosigned_entries", size).await;
        let report = held_against(&own.log_dir(), &policy, &[]);
        assert!(report.holds(), "{report}");
        let seen = report.checkpoint.as_ref().unwrap();
        assert!(seen.size == size && seen.quorum.as_ref().unwrap().met && seen.signatures.len() == 4, "{report}");
        // The cosigned checkpoint is what strangers are shown.
        let shown = own.console.get("/log/checkpoint").await.text();
        assert_eq!(shown.lines().filter(|line| line.starts_with("— ")).count(), 4, "{shown}");
        assert_eq!(own.console.get("/log/cosigned").await.text(), shown);
        assert_eq!(own.metric("gwanmun_witness_alarms_total{witness=\"w1\"}").await.to_string(), "NaN");
        policies.push(policy);
    }
    for (gateway, policy) in [first, second].into_iter().zip(policies) {
        // The last entries of a log come when nobody can be asked any more.
        let cosigned = gateway.console.get("/log/cosigned").await.text();
        let (_, place) = gateway.leave().await;
        assert_eq!(std::fs::read_to_string(place.log_dir().join("cosigned")).unwrap(), cosigned);
        assert_ne!(std::fs::read_to_string(place.log_dir().join("checkpoint")).unwrap(), cosigned);
        let report = held_against(&place.log_dir(), &policy, &[]);
        assert!(report.holds(), "{report}");
    }
}

/// A witness cosigns for those that it watches and for nobody else.
#[tokio::test]
async fn a_gateway_that_watches_nobody_cosigns_nothing() {
    let (own, other) = (start(Place::new(), "").await, Setup::local(Script::new()).start().await);
    own.signed().await;
    let (proof, checkpoint) = (String::new(), own.console.get("/log/checkpoint").await.text());
    let body = format!("old 0\n{proof}\n{checkpoint}");
    let answer = other.console.post_bytes("/witness/add-checkpoint", body.as_bytes()).await;
    assert_eq!(answer.status, 404, "{answer}");
    own.end().await;
    other.end().await;
}

/// Who holds the log's key puts the data directory back to an older copy and goes on: at each size the witness refuses it,
/// it is told, and whoever kept the cosigned checkpoint finds it too.
#[tokio::test]
async fn a_log_that_was_put_back_is_refused_by_its_witness_and_found_by_whoever_kept_a_cosigned_checkpoint() {
    let place = Place::new();
    let witness = start(Place::new(), &place.log_lines()).await;
    let policy = policy(&place, &witness).await;
    let honest = start(place, &witness.place().log_lines()).await;
    ask(&honest, 2).await;
    let (_, place) = honest.leave().await;
    let copy = place.copy();

    let honest = start(place, "").await;
    ask(&honest, 5).await;
    let size = honest.signed().await;
    honest.ask_witnesses(&policy);
    until(&honest, "cosigned_entries", size).await;
    let cosigned = honest.console.get("/log/checkpoint").await.text();
    let (_, place) = honest.leave().await;
    let report = held_against(&place.log_dir(), &log_only(&policy), &[&cosigned]);
    assert!(report.holds() && report.kept[0].consistent, "{report}");

    let rewritten = start(copy, "").await;
    let before = rewritten.signed().await;
    assert!(before < size);
    rewritten.ask_witnesses(&policy);
    until(&rewritten, "alarms_total", 1).await;
    let report = held_against(&rewritten.log_dir(), &log_only(&policy), &[&cosigned]);
    assert!(!report.holds() && has(&report, FindingKind::RolledBack), "{report}");
    let report = held_against(&rewritten.log_dir(), &policy, &[]);
    assert!(!report.holds() && has(&report, FindingKind::QuorumNotMet), "{report}");

    // Longer than what was cosigned, with another history behind it.
    ask(&rewritten, 9).await;
    assert!(rewritten.signed().await > size);
    rewritten.ask_witnesses(&policy);
    until(&rewritten, "alarms_total", 2).await;
    let report = held_against(&rewritten.log_dir(), &log_only(&policy), &[&cosigned]);
    assert!(!report.holds() && has(&report, FindingKind::HistoryRewritten), "{report}");
    let shown = rewritten.console.get("/log/checkpoint").await.text();
    assert_eq!(shown.lines().filter(|line| line.starts_with("— ")).count(), 2, "no cosignature: {shown}");
    rewritten.end().await;
    witness.end().await;
}

/// A log without its newest entries, checkpoint and all that says how long it was put back with it: against itself it holds.
#[tokio::test]
async fn a_cut_tail_is_found_against_a_cosigned_checkpoint() {
    let place = Place::new();
    let witness = start(Place::new(), &place.log_lines()).await;
    let policy = policy(&place, &witness).await;
    let gateway = start(place, "").await;
    ask(&gateway, 2).await;
    let (_, place) = gateway.leave().await;
    let cut = place.copy();
    let gateway = start(place, "").await;
    ask(&gateway, 2).await;
    let size = gateway.signed().await;
    gateway.ask_witnesses(&policy);
    until(&gateway, "cosigned_entries", size).await;
    let cosigned = gateway.console.get("/log/checkpoint").await.text();

    let alone = verify(&cut.log_dir(), &Options::default()).unwrap();
    assert!(alone.holds(), "nothing in it says that it was longer: {alone}");
    let report = held_against(&cut.log_dir(), &log_only(&policy), &[&cosigned]);
    assert!(!report.holds() && has(&report, FindingKind::RolledBack), "{report}");
    // With the cosigned checkpoint laid over it, the entries are missing.
    cut.write("log/checkpoint", &cosigned);
    let report = held_against(&cut.log_dir(), &policy, &[]);
    assert!(!report.holds() && has(&report, FindingKind::EntriesMissing), "{report}");
    gateway.end().await;
    witness.end().await;
}

/// The policy without what it asks of witnesses: for checkpoints that were never to be cosigned.
fn log_only(policy: &str) -> String {
    let logs: String = policy.lines().filter(|line| line.starts_with("log ")).flat_map(|line| [line, "\n"]).collect();
    format!("{logs}quorum none\n")
}
