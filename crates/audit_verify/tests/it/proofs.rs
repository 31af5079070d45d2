//! Proofs of single entries: any entry of any tree, and nothing else.

use audit_verify::{Policy, ProofError, VerifierKey, check_proof};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use crate::writer::{self, Keys, ORIGIN, Story, TIME};

struct Setting {
    keys: Keys,
    witness: Keys,
    vkeys: Vec<VerifierKey>,
    policy: Policy,
    entries: Vec<Vec<u8>>,
}

fn setting(length: usize) -> Setting {
    let (keys, witness) = (Keys::new(ORIGIN, 1), Keys::new("witness.example/w1", 2));
    let vkeys = VerifierKey::read_all(&keys.key_pub()).unwrap();
    let policy = format!("witness w {}\nquorum w\n", witness.vkey(4)).parse().unwrap();
    let mut entries = Story::of(length).entries;
    entries.truncate(length);
    Setting { keys, witness, vkeys, policy, entries }
}

impl Setting {
    fn proof(&self, at: usize) -> String {
        let leaves: Vec<_> = self.entries.iter().map(|entry| writer::leaf(entry)).collect();
        let mut proof = format!("c2sp.org/tlog-proof@v1\nextra {}\nindex {at}\n", STANDARD.encode(&self.entries[at]));
        for hash in path(at, &leaves) {
            proof.push_str(&STANDARD.encode(hash));
            proof.push('\n');
        }
        proof + "\n" + &writer::checkpoint(&self.keys, &[&self.witness], &leaves, TIME)
    }
}

/// RFC 6962, section 2.1.1.
fn path(at: usize, leaves: &[writer::Hash]) -> Vec<writer::Hash> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(writer::split(leaves.len()));
    if at < left.len() {
        [path(at, left), vec![writer::root(right)]].concat()
    } else {
        [path(at - left.len(), right), vec![writer::root(left)]].concat()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_entry_of_any_tree_is_proved_and_no_other(length in 1_usize..300, place in any::<prop::sample::Index>()) {
        let setting = setting(length);
        let at = place.index(length);
        let proof = setting.proof(at);
        let proved = check_proof(&proof, &setting.vkeys, Some(&setting.policy)).unwrap();
        prop_assert_eq!(proved.index, at as u64);
        prop_assert_eq!(proved.entry.as_bytes(), setting.entries[at].as_slice());
        prop_assert_eq!(proved.checkpoint.signatures.len(), 3);

        let other = proof.replacen(&format!("index {at}\n"), &format!("index {}\n", (at + 1) % (length + 1)), 1);
        prop_assert!(check_proof(&other, &setting.vkeys, None).is_err());
        let edited = String::from_utf8(setting.entries[at].clone()).unwrap().replace("\"seq\":", "\"seq\":1");
        let other = proof.replacen(&STANDARD.encode(&setting.entries[at]), &STANDARD.encode(edited), 1);
        prop_assert!(check_proof(&other, &setting.vkeys, None).is_err());
    }

    #[test]
    fn no_changed_character_proves_anything_else(change in any::<prop::sample::Index>(), to in 0x20_u8..0x7f) {
        let setting = setting(37);
        let proof = setting.proof(20);
        let mut bytes = proof.clone().into_bytes();
        let at = change.index(bytes.len());
        prop_assume!(bytes[at] != to);
        bytes[at] = to;
        if let Ok(text) = String::from_utf8(bytes) {
            prop_assert!(check_proof(&text, &setting.vkeys, Some(&setting.policy)).is_err(), "byte {at} to {to}");
        }
    }

    #[test]
    fn no_text_makes_it_fall(text in "(c2sp.org/tlog-proof@v1\n)?(extra [a-zA-Z0-9+/=]{0,20}\n)?(index [0-9]{1,20}\n)?(\n|.){0,200}") {
        let setting = setting(1);
        prop_assert!(check_proof(&text, &setting.vkeys, None).is_err());
    }
}

#[test]
fn what_is_wrong_with_a_proof_is_said() {
    let setting = setting(10);
    let proof = setting.proof(4);
    let told = |proof: &str| check_proof(proof, &setting.vkeys, Some(&setting.policy)).unwrap_err().to_string();
    let line_out =
        |begin: &str| -> String { proof.split_inclusive('\n').filter(|line| !line.starts_with(begin)).collect() };
    assert_eq!(told(""), "not a proof: it has no empty line before its checkpoint");
    assert_eq!(told(&line_out("c2sp")), "not a proof: its first line is not `c2sp.org/tlog-proof@v1`");
    assert_eq!(told(&line_out("extra")), "not a proof: it does not bring the entry as `extra`");
    assert_eq!(told(&line_out("index")), "not a proof: it does not name the entry's index");
    assert_eq!(told(&proof.replace("index 4", "index 04")), "not a proof: it does not name the entry's index");
    assert_eq!(
        told(&proof.replace("index 4", "index 5")),
        "the entry is not the one at 5 of the log's first 10 entries: it was changed, or the proof was"
    );
    assert!(told(&line_out("\u{2014} witness")).contains("the quorum `w` of the policy is not met"));
    assert_eq!(check_proof(&proof, &[], Some(&setting.policy)).unwrap_err(), ProofError::NoKeys);
    let strangers = VerifierKey::read_all(&Keys::new(ORIGIN, 9).key_pub()).unwrap();
    let error = check_proof(&proof, &strangers, None).unwrap_err().to_string();
    assert!(error.contains("it has no Ed25519 by a known key of"), "{error}");
}

#[test]
fn a_signed_entry_outside_the_schema_is_told_apart() {
    let mut setting = setting(3);
    setting.entries[1] = b"{\"v\":2}".to_vec();
    let error = check_proof(&setting.proof(1), &setting.vkeys, None).unwrap_err();
    assert_eq!(error, ProofError::Entry("`v` is not 1, the version this reader knows".to_owned()));
}
