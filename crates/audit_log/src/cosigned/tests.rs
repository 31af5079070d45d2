//! Which checkpoint is kept while witnesses answer early, late, twice or never.

use tlog::{Checkpoint, Note, Signature, SignedCheckpoint};

use super::Cosigned;

fn asked(size: u64) -> SignedCheckpoint {
    let checkpoint = Checkpoint { origin: "log".to_owned(), size, root: [u8::try_from(size).unwrap(); 32] };
    let note = Note { text: checkpoint.to_string(), signatures: vec![by("log")] };
    SignedCheckpoint { checkpoint, note }
}

fn by(name: &str) -> Signature {
    Signature { name: name.to_owned(), id: [1; 4], bytes: vec![7] }
}

/// What is kept: its size and who has signed it beside the log.
fn kept(cosigned: &Cosigned) -> Option<(u64, String)> {
    cosigned.kept().map(|kept| {
        let names = kept.note.signatures.iter().map(|signature| signature.name.as_str());
        (kept.checkpoint.size, names.filter(|name| *name != "log").collect())
    })
}

/// Runs answers (size, witness) through it, and tells what is kept after each.
fn after_each(answers: &[(u64, &str)]) -> Vec<(u64, String)> {
    let mut cosigned = Cosigned::default();
    let step = |(size, witness): &(u64, &str)| {
        if let Some(signed) = cosigned.add(&asked(*size), &[by(witness)]) {
            cosigned.keep(signed);
        }
        kept(&cosigned).unwrap()
    };
    answers.iter().map(step).collect()
}

fn expect(answers: &[(u64, &str)], after: &[(u64, &str)]) {
    let after: Vec<_> = after.iter().map(|(size, names)| (*size, (*names).to_owned())).collect();
    assert_eq!(after_each(answers), after, "{answers:?}");
}

#[test]
fn what_more_witnesses_have_seen_stays_until_as_many_have_seen_newer() {
    expect(&[(1, "a"), (1, "b"), (2, "a"), (2, "b")], &[(1, "a"), (1, "ab"), (1, "ab"), (2, "ab")]);
}

#[test]
fn a_witness_that_is_gone_holds_nothing_up_for_ever() {
    let mut answers = vec![(1, "a"), (1, "b")];
    answers.extend((2..40).map(|size| (size, "a")));
    let after = after_each(&answers);
    let last_of_both = after.iter().rposition(|(size, names)| *size == 1 && names == "ab").unwrap();
    assert_eq!(after[last_of_both + 1..].iter().map(|(_, names)| names.as_str()).collect::<String>(), "aaaaaaa");
    assert_eq!(after.last().unwrap().0, 39, "the newest again");
    assert_eq!(answers[last_of_both].0, 32, "thirty rounds after the first that was poorer");
}

#[test]
fn a_note_has_no_more_signatures_than_can_be_read_back() {
    let mut cosigned = Cosigned::default();
    for number in 0..50 {
        if let Some(signed) = cosigned.add(&asked(1), &[by(&format!("w{number}"))]) {
            cosigned.keep(signed);
        }
    }
    let kept = cosigned.kept().unwrap();
    assert_eq!(SignedCheckpoint::parse(&kept.to_string()).unwrap(), *kept);
}

#[test]
fn late_answers_and_repeated_ones_change_nothing_back() {
    expect(&[(1, "a"), (2, "a"), (1, "b"), (2, "a"), (2, "b")], &[(1, "a"), (2, "a"), (2, "a"), (2, "a"), (2, "ab")]);
}

#[test]
fn a_start_goes_on_from_what_was_kept() {
    let mut before = asked(5);
    before.note.signatures.push(by("a"));
    let mut cosigned = Cosigned::new(Some(before));
    assert!(cosigned.add(&asked(4), &[by("b")]).is_none(), "older");
    let more = cosigned.add(&asked(5), &[by("b")]).unwrap();
    cosigned.keep(more);
    assert_eq!(kept(&cosigned), Some((5, "ab".to_owned())));
    assert_eq!(cosigned.add(&asked(6), &[by("a")]), None);
}
