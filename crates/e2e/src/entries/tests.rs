//! Accounts that come out, and one of each kind that does not.

use serde_json::json;

use super::*;

fn decision(seq: u64) -> Value {
    json!({"kind": "decision", "seq": seq})
}

fn outcome(seq: u64, decision: u64) -> Value {
    json!({"kind": "outcome", "seq": seq, "decision": decision})
}

fn faults(entries: &[Value]) -> Vec<String> {
    Entries(entries.to_vec()).faults()
}

#[test]
fn each_decision_has_one_outcome_and_it_follows() {
    let start = json!({"kind": "start", "seq": 0});
    let none: [&str; 0] = [];
    assert_eq!(faults(&[start.clone(), decision(1), decision(2), outcome(3, 2), outcome(4, 1)]), none);
    assert_eq!(faults(&[start.clone(), decision(1)]), ["decision 1 has 0 outcomes"]);
    assert_eq!(faults(&[decision(0), outcome(1, 0), outcome(2, 0)]), ["decision 0 has 2 outcomes"]);
    assert_eq!(faults(&[start.clone(), outcome(1, 0)]), ["outcome 1 has no decision before it"]);
    let early = ["outcome 0 has no decision before it", "decision 1 has 0 outcomes"];
    assert_eq!(faults(&[outcome(0, 1), decision(1)]), early);
    assert_eq!(faults(&[json!({"kind": "outcome", "seq": 0})]), ["outcome 0 has no decision before it"]);
}

#[test]
fn numbers_run_on() {
    let start = |seq: Value| json!({"kind": "start", "seq": seq});
    assert_eq!(misplaced(&[start(json!(0)), start(json!("1")), start(json!(3))]), ["entry 2 says it is 3"]);
    assert_eq!(misplaced(&[json!({"kind": "start"})]), ["entry 0 says it is null"]);
}
