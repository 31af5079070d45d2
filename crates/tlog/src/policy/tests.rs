//! Policies: the specification's example with real keys, every rule, and every line that must be refused.

use std::fmt::Write as _;

use super::*;
use crate::checkpoint::Checkpoint;
use crate::keys::{Role, SigningKeys};
use crate::note::Note;

fn keys(number: u8, role: Role) -> SigningKeys {
    let name = if role == Role::Log { "log".to_owned() } else { format!("witness.example/{number}") };
    SigningKeys::from_seeds(&name, role, [[number; 32], [number + 100; 32]]).unwrap()
}

/// Witnesses 1 to 3 are X, 4 to 6 are Y; odd ones are known by ML-DSA-44, even ones by Ed25519.
fn policy(rest: &str) -> String {
    let mut text = format!("# who watches\n\nlog {} https://log.example/\n", keys(0, Role::Log).public()[0]);
    for number in 1..=6_u8 {
        let name = if number <= 3 { format!("X{number}") } else { format!("Y{}", number - 3) };
        let keys = keys(number, Role::Witness);
        let key = &keys.public()[usize::from(number % 2)];
        writeln!(text, "\twitness {name}  {key} ").unwrap();
    }
    text + rest
}

const TWO_LEVELS: &str = "group X 2 X1 X2 X3\ngroup Y any Y1 Y2 Y3\ngroup both all X Y\nquorum both\n";

fn signed(by_log: bool, witnesses: &[u8]) -> SignedCheckpoint {
    let checkpoint = Checkpoint { origin: "log".to_owned(), size: 9, root: [3; 32] };
    let text = checkpoint.to_string();
    let mut signatures = Vec::new();
    if by_log {
        signatures.extend(keys(0, Role::Log).sign(&text, &checkpoint, 5).unwrap());
    }
    for number in witnesses {
        signatures.extend(keys(*number, Role::Witness).sign(&text, &checkpoint, 5).unwrap());
    }
    SignedCheckpoint { checkpoint, note: Note { text, signatures } }
}

#[test]
fn a_quorum_of_two_levels_is_counted() {
    let policy = Policy::parse(policy(TWO_LEVELS).as_bytes()).unwrap();
    assert_eq!((policy.logs().len(), policy.witnesses().len()), (1, 6));
    assert_eq!(policy.logs()[0].url.as_deref(), Some("https://log.example/"));
    for subset in 0..64_u8 {
        let witnesses: Vec<u8> = (1..=6).filter(|number| subset >> (number - 1) & 1 == 1).collect();
        let wanted = (subset & 7).count_ones() >= 2 && subset >> 3 != 0;
        assert_eq!(policy.check(&signed(true, &witnesses)).is_ok(), wanted, "{witnesses:?}");
    }
    assert_eq!(policy.check(&signed(false, &[1, 2, 3, 4, 5, 6])), Err(PolicyError::NoLog));
    assert_eq!(policy.check(&signed(true, &[1])), Err(PolicyError::NoQuorum { cosigned: 1 }));
}

#[test]
fn a_signature_that_does_not_hold_spoils_the_note() {
    let policy = Policy::parse(policy("quorum X1\n").as_bytes()).unwrap();
    let mut bad = signed(true, &[1, 2]);
    for line in &mut bad.note.signatures {
        let end = line.bytes.len() - 40;
        line.bytes[end] ^= 1;
    }
    assert!(matches!(policy.check(&bad), Err(PolicyError::Note(_))));
}

#[test]
fn no_witness_need_be_asked_for() {
    let policy = Policy::parse(policy("quorum none").as_bytes()).unwrap();
    assert_eq!(policy.check(&signed(true, &[])), Ok(()));
}

#[test]
fn what_is_no_policy_is_refused_with_its_line() {
    let key = |number| keys(number, Role::Witness).public()[0].to_string();
    for (rest, line) in [
        (String::new(), 9),
        ("quorum Z\n".to_owned(), 10),
        ("quorum X1\nquorum X1\n".to_owned(), 11),
        ("quorum X1 X2\n".to_owned(), 10),
        ("group G 0 X1\n".to_owned(), 10),
        ("group G 3 X1 X2\n".to_owned(), 10),
        ("group G any\n".to_owned(), 10),
        ("group G some X1\n".to_owned(), 10),
        ("group G 01 X1\n".to_owned(), 10),
        ("group G any X1 X1\n".to_owned(), 10),
        ("group G any X1\ngroup H any X1\n".to_owned(), 11),
        ("group G any G\n".to_owned(), 10),
        ("group G any none\n".to_owned(), 10),
        ("group none any X1\n".to_owned(), 10),
        ("group X1 any X2\n".to_owned(), 10),
        (format!("witness X9 {}\n", key(1).replace("witness.example/1", "w")), 10),
        (format!("witness X9 {}\n", key(2)), 10),
        (format!("witness X1 {}\n", key(9)), 10),
        (format!("log {}\n", key(9)), 10),
        (format!("log {}\n", keys(0, Role::Log).public()[0]), 10),
        (format!("witness X9 {} url more\n", key(9)), 10),
        ("observe X1\n".to_owned(), 10),
        ("quorum X1\r\n".to_owned(), 10),
        ("# \u{1}\n".to_owned(), 10),
    ] {
        match Policy::parse(policy(&rest).as_bytes()) {
            Err(PolicyError::Syntax { line: found, .. }) => assert_eq!(found, line, "{rest:?}"),
            other => panic!("{rest:?} gave {other:?}"),
        }
    }
}

#[test]
fn names_are_bytes_and_many_groups_are_no_burden() {
    let mut rest = b"group G0 any X1\n".to_vec();
    for number in 1..20_000 {
        rest.extend(format!("group G{number} all G{}\n", number - 1).bytes());
    }
    rest.extend(b"# \xff\xfe\ngroup \xe2\x84 any G19999\nquorum \xe2\x84\n");
    let policy = Policy::parse(&[policy("").as_bytes(), &rest].concat()).unwrap();
    assert_eq!(policy.check(&signed(true, &[1])), Ok(()));
    assert!(policy.check(&signed(true, &[2])).is_err());
}
