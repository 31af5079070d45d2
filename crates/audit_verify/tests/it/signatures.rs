//! Signatures that do not count: malformed, of other keys, over other bytes, by too few.

use audit_verify::{KeyError, Options, Policy, Report, VerifierKey, verify};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::writer::{self, Hash, Keys, ORIGIN, Story, TIME};

struct Setting {
    keys: Keys,
    witness: Keys,
    entries: Vec<Vec<u8>>,
    leaves: Vec<Hash>,
}

fn setting() -> Setting {
    let entries = Story::of(20).entries;
    let leaves = entries.iter().map(|entry| writer::leaf(entry)).collect();
    Setting { keys: Keys::new(ORIGIN, 1), witness: Keys::new("witness.example/w1", 2), entries, leaves }
}

impl Setting {
    fn text(&self) -> String {
        writer::checkpoint_text(self.leaves.len(), &writer::root(&self.leaves))
    }

    fn report(&self, checkpoint: &str, options: &Options) -> Report {
        let directory = tempfile::tempdir().unwrap();
        let mut files = writer::files(&self.entries, &self.keys, &[], 1 << 20);
        files.insert("checkpoint".to_owned(), checkpoint.as_bytes().to_vec());
        writer::write(directory.path(), &files);
        verify(directory.path(), options).unwrap()
    }

    fn options(&self) -> Options {
        Options { keys: VerifierKey::read_all(&self.keys.key_pub()).unwrap(), ..Options::default() }
    }

    fn kinds(&self, checkpoint: &str) -> Vec<&'static str> {
        self.report(checkpoint, &self.options()).findings.iter().map(|finding| finding.kind.word()).collect()
    }

    fn raw(&self, kind: u8) -> Vec<u8> {
        let line = self.keys.sign(kind, &self.text(), TIME);
        STANDARD.decode(line.trim_end().rsplit(' ').next().unwrap()).unwrap()[4..].to_vec()
    }
}

#[test]
fn each_of_the_logs_signatures_is_demanded() {
    let setting = setting();
    let text = setting.text();
    let (ed, ml) = (setting.keys.sign(1, &text, TIME), setting.keys.sign(6, &text, TIME));
    assert_eq!(setting.kinds(&format!("{text}\n{ed}{ml}")), Vec::<&str>::new());
    assert_eq!(setting.kinds(&format!("{text}\n{ml}{ed}")), Vec::<&str>::new());
    assert_eq!(setting.kinds(&format!("{text}\n{ed}")), ["not-signed"]);
    assert_eq!(setting.kinds(&format!("{text}\n{ml}")), ["not-signed"]);
    let stranger = Keys::new(ORIGIN, 9);
    let (other_ed, other_ml) = (stranger.sign(1, &text, TIME), stranger.sign(6, &text, TIME));
    assert_eq!(setting.kinds(&format!("{text}\n{other_ed}{other_ml}")), ["not-signed", "not-signed"]);
    // Signatures by keys that nobody named are ignored, as the format demands.
    assert_eq!(setting.kinds(&format!("{text}\n{ed}{ml}{other_ed}{other_ml}")), Vec::<&str>::new());
}

#[test]
fn signatures_of_other_bytes_or_lengths_do_not_count() {
    let setting = setting();
    let text = setting.text();
    let whole = |ed: &[u8], ml: &[u8]| format!("{text}\n{}{}", setting.keys.line(1, ed), setting.keys.line(6, ml));
    let (ed, ml) = (setting.raw(1), setting.raw(6));
    assert_eq!(setting.kinds(&whole(&ed, &ml)), Vec::<&str>::new());
    for at in [0, 31, 32, 63] {
        let mut bad = ed.clone();
        bad[at] ^= 1;
        assert_eq!(setting.kinds(&whole(&bad, &ml)), ["bad-signature"], "Ed25519, byte {at}");
    }
    for at in [0, 7, 8, 40, 1200, 2343, 2344, 2423, 2424, 2427] {
        let mut bad = ml.clone();
        bad[at] ^= 1;
        assert_eq!(setting.kinds(&whole(&ed, &bad)), ["bad-signature"], "ML-DSA-44, byte {at}");
    }
    for (bad_ed, bad_ml) in [
        (&ed[..63], &ml[..]),
        (&[&ed[..], &[0]].concat()[..], &ml[..]),
        (&ed[..], &ml[..2427]),
        (&ed[..], &[&ml[..], &[0]].concat()[..]),
        (&ed[..], &ml[..7]),
        (&ed[..], &[&[0xff; 8], &ml[8..]].concat()[..]),
    ] {
        assert_eq!(setting.kinds(&whole(bad_ed, bad_ml)), ["bad-signature"]);
    }
}

/// An ML-DSA signature whose hint names a place twice unpacks to the same hint; FIPS 204 (algorithm 21) demands that it be
/// refused, and implementations have failed to.
#[test]
fn a_repeated_hint_is_refused() {
    let setting = setting();
    let text = setting.text();
    let signature = setting.raw(6);
    let hint_at = signature.len() - 84;
    let mut bad = signature.clone();
    let hint = &mut bad[hint_at..];
    let (first, all) = (usize::from(hint[80]), usize::from(hint[83]));
    assert!(first > 0 && all < 80, "this signature has room for one more place");
    hint.copy_within(first - 1..all, first);
    hint[80..84].iter_mut().for_each(|cut| *cut += 1);
    assert_ne!(bad, signature);
    let note = format!("{text}\n{}{}", setting.keys.sign(1, &text, TIME), setting.keys.line(6, &bad));
    assert_eq!(setting.kinds(&note), ["bad-signature"]);
}

/// An Ed25519 signature with the group's order added to its scalar satisfies the equation; RFC 8032 demands that it be
/// refused.
#[test]
fn a_second_spelling_of_an_ed25519_signature_is_refused() {
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let setting = setting();
    let text = setting.text();
    let mut bad = setting.raw(1);
    let mut carry = 0_u16;
    for (byte, order) in bad[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    let note = format!("{text}\n{}{}", setting.keys.line(1, &bad), setting.keys.sign(6, &text, TIME));
    assert_eq!(setting.kinds(&note), ["bad-signature"]);
}

#[test]
fn checkpoints_in_another_form_are_refused() {
    let setting = setting();
    let text = setting.text();
    let resign =
        |text: &str| format!("{text}\n{}{}", setting.keys.sign(1, text, TIME), setting.keys.sign(6, text, TIME));
    let size = setting.leaves.len();
    for (bad, kind) in [
        (text.replace(&format!("\n{size}\n"), &format!("\n0{size}\n")), "malformed-checkpoint"),
        (text.replace(&format!("\n{size}\n"), "\n18446744073709551616\n"), "malformed-checkpoint"),
        (format!("{text}extension\n"), "malformed-checkpoint"),
        (text.replace("=\n", "\n"), "malformed-checkpoint"),
        (text.replace(ORIGIN, "gwanmun.local/other"), "other-origin"),
    ] {
        // Whatever the line says, the signatures are made over it as over any text.
        let note = match bad.lines().nth(1).and_then(|size| size.parse::<u64>().ok()) {
            Some(_) if STANDARD.decode(bad.lines().nth(2).unwrap()).is_ok() => resign(&bad),
            _ => format!("{bad}\n{}{}", setting.keys.sign(1, &text, TIME), setting.keys.sign(6, &text, TIME)),
        };
        assert_eq!(setting.kinds(&note)[0], kind, "{bad}");
    }
    let good = resign(&text);
    for bad in [
        good.trim_end().to_owned(),
        format!("{good}\n"),
        good.replace('\n', "\r\n"),
        good.replace('\u{2014}', "-"),
        text.clone(),
        String::new(),
    ] {
        assert_eq!(setting.kinds(&bad), ["malformed-checkpoint"], "{bad}");
    }
}

#[test]
fn witnesses_count_as_the_policy_says() {
    let setting = setting();
    let text = setting.text();
    let others: Vec<Keys> = (3..6).map(|seed| Keys::new(&format!("witness.example/w{seed}"), seed)).collect();
    let log = format!("{text}\n{}{}", setting.keys.sign(1, &text, TIME), setting.keys.sign(6, &text, TIME));
    let policy = format!(
        "# three, of which two\nwitness a {}\nwitness b {}\nwitness c {}\ngroup abc 2 a b c\nquorum abc\n",
        others[0].vkey(4),
        others[1].vkey(6),
        setting.witness.vkey(6),
    );
    let policy: Policy = policy.parse().unwrap();
    let options = Options { policy: Some(policy), ..setting.options() };
    let met = |more: &str| {
        let report = setting.report(&format!("{log}{more}"), &options);
        let met = report.checkpoint.as_ref().unwrap().quorum.as_ref().unwrap().met;
        assert_eq!(met, report.holds(), "{report}");
        met
    };
    let (a, b) = (others[0].sign(4, &text, TIME), others[1].sign(6, &text, TIME));
    assert!(!met(""));
    assert!(!met(&a));
    assert!(!met(&format!("{a}{a}")), "one witness is not two");
    assert!(met(&format!("{a}{b}")));
    assert!(!met(&format!("{a}{}", others[1].sign(4, &text, TIME))), "another kind than the policy names");
    assert!(!met(&format!("{a}{}", others[2].sign(6, &text, TIME))), "a stranger");
}

/// A log in use signs each second and asks its witnesses more rarely.
#[test]
fn a_quorum_may_have_seen_a_little_less_than_the_newest() {
    let setting = setting();
    let policy = format!("witness w {}\nquorum w\n", setting.witness.vkey(4)).parse().unwrap();
    let options = Options { policy: Some(policy), ..setting.options() };
    // A minute after the last entry of the story.
    let soon = 1_777_593_660;
    let report_at = |newest: u64, cosigned: &[Hash], time: u64| {
        let directory = tempfile::tempdir().unwrap();
        let mut files = writer::files(&setting.entries, &setting.keys, &[], 1 << 20);
        let newest = writer::checkpoint(&setting.keys, &[], &setting.leaves, newest);
        files.insert("checkpoint".to_owned(), newest.into_bytes());
        let note = writer::checkpoint(&setting.keys, &[&setting.witness], cosigned, time);
        files.insert("cosigned".to_owned(), note.into_bytes());
        writer::write(directory.path(), &files);
        verify(directory.path(), &options).unwrap()
    };
    let report = |cosigned: &[Hash], time: u64| report_at(soon, cosigned, time);
    let good = report(&setting.leaves[..17], soon - 30);
    assert!(good.holds(), "{good}");
    let seen = good.cosigned.as_ref().unwrap();
    assert_eq!((seen.size, seen.root_matches, seen.quorum.as_ref().unwrap().met), (17, Some(true), true));
    assert!(good.to_string().contains("cosigned    17 entries"), "{good}");
    let words = |report: &Report| report.findings.iter().map(|finding| finding.kind.word()).collect::<Vec<_>>();
    assert_eq!(words(&report(&setting.leaves[..17], soon - 3600)), ["quorum-not-met"], "nobody looked for an hour");
    // The witness signs what it has seen again at any time; nobody outside has seen the months since.
    let unseen = report_at(TIME, &setting.leaves[..17], TIME);
    assert_eq!(words(&unseen), ["quorum-not-met"], "entries of long ago, unseen");
    let mut forked = setting.leaves[..17].to_vec();
    forked[3] = [9; 32];
    assert_eq!(words(&report(&forked, soon)), ["history-rewritten"]);
    let mut beyond = setting.leaves.clone();
    beyond.push([9; 32]);
    assert_eq!(words(&report(&beyond, soon)), ["entries-missing"], "the tail that the witness has seen is cut");
}

#[test]
fn keys_are_read_strictly() {
    let keys = Keys::new(ORIGIN, 1);
    let good = keys.vkey(1);
    assert!(good.parse::<VerifierKey>().is_ok());
    let parts: Vec<&str> = good.splitn(3, '+').collect();
    let with = |name: &str, id: &str, key: &str| format!("{name}+{id}+{key}").parse::<VerifierKey>().unwrap_err();
    assert_eq!(with("other", parts[1], parts[2]), KeyError::Id("other".to_owned()));
    assert_eq!(with(ORIGIN, "00000000", parts[2]), KeyError::Id(ORIGIN.to_owned()));
    assert!(matches!(
        with(ORIGIN, &parts[1].to_uppercase().replace(char::is_numeric, "A"), parts[2]),
        KeyError::Shape(_)
    ));
    assert!(matches!(with("", parts[1], parts[2]), KeyError::Shape(_)));
    assert!(matches!(with(ORIGIN, parts[1], "AQ=="), KeyError::Bytes(_)));
    assert!(matches!(with(ORIGIN, parts[1], &STANDARD.encode([2; 33])), KeyError::Type { kind: 2, .. }));
    let mut neutral = [0; 33];
    (neutral[0], neutral[1]) = (1, 1);
    assert!(matches!(with(ORIGIN, parts[1], &STANDARD.encode(neutral)), KeyError::Weak(_)));
    assert_eq!(VerifierKey::read_all("\n \n").unwrap_err(), KeyError::Empty);
}

#[test]
fn of_keys_given_in_their_order_only_the_last_sign_the_newest() {
    let setting = setting();
    let (old, new) = (Keys::new(ORIGIN, 1), Keys::new(ORIGIN, 9));
    let text = setting.text();
    let by = |keys: &Keys| format!("{text}\n{}{}", keys.sign(1, &text, TIME), keys.sign(6, &text, TIME));
    let both = format!("{}{}", old.key_pub(), new.key_pub());
    let options = Options { keys: VerifierKey::read_all(&both).unwrap(), ..Options::default() };
    assert!(setting.report(&by(&new), &options).holds());
    assert!(!setting.report(&by(&old), &options).holds(), "a key that was replaced signs again");
    let mixed = format!("{text}\n{}{}", old.sign(1, &text, TIME), new.sign(6, &text, TIME));
    assert!(!setting.report(&mixed, &options).holds());
}

#[test]
fn replaced_keys_count_for_the_trees_of_their_time() {
    let setting = setting();
    let (old, new) = (Keys::new(ORIGIN, 1), Keys::new(ORIGIN, 9));
    let directory = tempfile::tempdir().unwrap();
    let mut files = writer::files(&setting.entries, &new, &[], 1 << 20);
    files.insert("key.pub.10".to_owned(), old.key_pub().into_bytes());
    writer::write(directory.path(), &files);
    let kept = |size: usize| audit_verify::Kept {
        name: format!("kept-{size}"),
        note: writer::checkpoint(&old, &[], &setting.leaves[..size], TIME).into_bytes(),
    };
    let consistent = |size| {
        let report = verify(directory.path(), &Options { kept: vec![kept(size)], ..Options::default() }).unwrap();
        assert_eq!(report.holds(), report.kept[0].consistent, "{report}");
        report.holds()
    };
    assert!(consistent(10));
    assert!(!consistent(11), "the old key signed beyond its time");
}
