//! Checkpoints and their signatures, with a second implementation of ML-DSA-44 on the other side.

use fips204::ml_dsa_44;
use fips204::traits::{KeyGen as _, SerDes as _, Signer as _, Verifier as _};
use proptest::prelude::*;

use super::*;
use crate::keys::{Role, SigningKeys};

/// A debug build of the second implementation is slow; `cargo xtask promises` runs a release build with the whole number.
const MESSAGES: u64 = if cfg!(debug_assertions) { 300 } else { 10_000 };

fn signed(role: Role, size: u64) -> (SigningKeys, SignedCheckpoint) {
    let keys = SigningKeys::from_seeds("gwanmun.test/1", role, [[1; 32], [2; 32]]).unwrap();
    let checkpoint = Checkpoint { origin: "gwanmun.test/1".to_owned(), size, root: [5; 32] };
    let text = checkpoint.to_string();
    let signatures = keys.sign(&text, &checkpoint, 1_790_000_000).unwrap().into();
    (keys, SignedCheckpoint { checkpoint, note: Note { text, signatures } })
}

#[test]
fn what_is_signed_verifies_after_being_written_and_read() {
    for role in [Role::Log, Role::Witness] {
        let (keys, signed) = signed(role, 7);
        let read = SignedCheckpoint::parse(&signed.to_string()).unwrap();
        assert_eq!(read, signed);
        let held = read.verify(keys.public()).unwrap();
        let seconds: Vec<_> = held.iter().map(|verified| verified.seconds).collect();
        let classical = if role == Role::Log { None } else { Some(1_790_000_000) };
        assert_eq!(seconds, [classical, Some(1_790_000_000)]);
    }
}

#[test]
fn the_ml_dsa_message_is_the_structure_of_tlog_cosignature() {
    let checkpoint = Checkpoint { origin: "log".to_owned(), size: 258, root: [9; 32] };
    let message = checkpoint.cosigned_message("me", 3).unwrap();
    let mut wanted = b"subtree/v1\n\0\x02me".to_vec();
    wanted.extend([0, 0, 0, 0, 0, 0, 0, 3, 3]);
    wanted.extend(b"log");
    wanted.extend([0; 8]);
    wanted.extend([0, 0, 0, 0, 0, 0, 1, 2]);
    wanted.extend([9; 32]);
    assert_eq!(message, wanted);
}

#[test]
fn two_implementations_of_ml_dsa_agree_in_both_directions() {
    let seed = [2; 32];
    let keys = SigningKeys::from_seeds("gwanmun.test/1", Role::Log, [[1; 32], seed]).unwrap();
    let (other_public, other_secret) = ml_dsa_44::KG::keygen_from_seed(&seed);
    let public = &keys.public()[1];
    assert_eq!(public.key(), other_public.clone().into_bytes(), "one seed, two keys");
    for number in 0..MESSAGES {
        let root = crate::merkle::leaf_hash(&number.to_be_bytes());
        let checkpoint = Checkpoint { origin: format!("log/{}", number % 97), size: number, root };
        let (text, seconds) = (checkpoint.to_string(), number.wrapping_mul(0x9e37_79b9));
        let [_, ours] = keys.sign(&text, &checkpoint, seconds).unwrap();
        let message = checkpoint.cosigned_message(public.name(), seconds).unwrap();
        let bytes: [u8; 2420] = ours.bytes[8..].try_into().unwrap();
        assert!(other_public.verify(&message, &bytes, &[]), "theirs refuses ours, message {number}");
        let theirs = other_secret.try_sign_with_seed(&root, &message, &[]).unwrap();
        let bytes = [seconds.to_be_bytes().as_slice(), &theirs].concat();
        let note = Note { text: text.clone(), signatures: vec![Signature { bytes, ..ours.clone() }] };
        let signed = SignedCheckpoint { checkpoint: checkpoint.clone(), note };
        assert_eq!(signed.verify([public]).unwrap().len(), 1, "ours refuses theirs, message {number}");
        // One bit elsewhere at each turn, in turn over the whole signature: both refuse.
        let bit = number as usize * 61 % (2420 * 8);
        let mut broken = theirs;
        broken[bit / 8] ^= 1 << (bit % 8);
        assert!(!other_public.verify(&message, &broken, &[]));
        let bytes = [seconds.to_be_bytes().as_slice(), &broken].concat();
        let note = Note { text, signatures: vec![Signature { bytes, ..ours }] };
        assert!(SignedCheckpoint { checkpoint, note }.verify([public]).is_err(), "bit {bit} changed, message {number}");
    }
}

#[test]
fn malformed_signatures_are_refused() {
    let (keys, good) = signed(Role::Log, 7);
    let broken = |change: &dyn Fn(&mut Signature)| {
        [0, 1].map(|which| {
            let mut changed = good.clone();
            change(&mut changed.note.signatures[which]);
            changed.verify(keys.public()).is_err()
        })
    };
    assert!(broken(&|line| line.bytes.truncate(line.bytes.len() - 1)) == [true; 2], "too short");
    assert!(broken(&|line| line.bytes.push(0)) == [true; 2], "too long");
    assert!(broken(&|line| line.bytes.clear()) == [true; 2], "empty");
    assert!(broken(&|line| line.bytes.fill(0)) == [true; 2], "zeros");
    assert!(broken(&|line| line.bytes.fill(0xff)) == [true; 2], "ones");
    // The hints at an ML-DSA signature's end must rise: a repeated or unsorted one is malformed, not another signature.
    let hints = |line: &mut Signature| {
        let end = line.bytes.len();
        line.bytes.swap(end - 84, end - 83);
    };
    let mut changed = good.clone();
    hints(&mut changed.note.signatures[1]);
    assert!(changed == good || changed.verify(keys.public()).is_err(), "hints out of order");
    let mut another_time = good.clone();
    another_time.note.signatures[1].bytes[7] ^= 1;
    assert!(another_time.verify(keys.public()).is_err(), "the time is signed");
    let mut late = good.clone();
    late.note.signatures[1].bytes[0] |= 0x80;
    assert!(late.verify(keys.public()).is_err(), "a time above 2^63 - 1");
    let mut renamed = good.clone();
    renamed.note.signatures.iter_mut().for_each(|line| line.name.push('x'));
    assert!(renamed.verify(keys.public()).unwrap().is_empty(), "an unknown name is passed over");
    let other = SigningKeys::from_seeds("gwanmun.test/1", Role::Log, [[3; 32], [4; 32]]).unwrap();
    assert!(good.verify(other.public()).unwrap().is_empty(), "an unknown key is passed over");
}

#[test]
fn one_keys_two_roles_do_not_stand_for_each_other() {
    let (log, signed_by_log) = signed(Role::Log, 7);
    let (witness, _) = signed(Role::Witness, 7);
    let mut passed_off = signed_by_log;
    passed_off.note.signatures[0].id = witness.public()[0].id();
    assert!(passed_off.verify(&witness.public()[..1]).is_err());
    assert_ne!(log.public()[0].id(), witness.public()[0].id());
}

#[test]
fn what_is_no_checkpoint_is_refused() {
    let root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
    for wrong in [
        String::new(),
        "log\n".to_owned(),
        format!("log\n07\n{root}\n"),
        format!("log\n+7\n{root}\n"),
        format!("log\n-7\n{root}\n"),
        format!("log\n\n{root}\n"),
        format!("log\n18446744073709551616\n{root}\n"),
        format!("\n7\n{root}\n"),
        format!("log\n7\n{root}"),
        format!("log\n7\n{root}\n\n"),
        "log\n7\nCsUY\n".to_owned(),
        format!("log\n7\n{}\n", root.replace("2I=", "2J=")),
    ] {
        assert!(Checkpoint::parse(&wrong).is_err(), "{wrong:?} was read");
    }
    assert_eq!(Checkpoint::parse(&format!("log\n0\n{root}\nextension\n")).unwrap().size, 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_signature_is_of_one_checkpoint_only(size in any::<u64>(), other in any::<u64>(), bit in 0_usize..256) {
        let (keys, good) = signed(Role::Log, size);
        prop_assert_eq!(good.verify(keys.public()).unwrap().len(), 2);
        let mut changed = good.checkpoint.clone();
        if size == other { changed.root[bit / 8] ^= 1 << (bit % 8) } else { changed.size = other }
        let note = Note { text: changed.to_string(), signatures: good.note.signatures };
        let changed = SignedCheckpoint { checkpoint: changed, note };
        for key in keys.public() {
            prop_assert!(changed.verify([key]).is_err());
        }
    }
}
