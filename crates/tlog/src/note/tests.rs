//! Signed notes and verifier keys: the examples of the C2SP texts, and what must be refused.

use proptest::prelude::*;

use super::*;

/// The example of C2SP `tlog-cosignature`.
const EXAMPLE: &str = "example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
";

#[test]
fn the_published_example_is_read_and_written_the_same() {
    let note = Note::parse(EXAMPLE).unwrap();
    assert_eq!(note.signatures.len(), 2);
    assert_eq!(note.signatures[0].id, [0x03, 0x3d, 0xe0, 0xae]);
    assert_eq!(note.signatures[1].bytes.len(), 8 + 64);
    assert_eq!(note.to_string(), EXAMPLE);
}

#[test]
fn text_may_have_empty_lines_and_the_last_one_ends_it() {
    let note = Note::parse("a\n\nb\n\n— k AAAAAAA=\n").unwrap();
    assert_eq!(note.text, "a\n\nb\n");
}

#[test]
fn what_is_no_note_is_refused() {
    let line = "— k AAAAAAA=\n";
    for wrong in [
        String::new(),
        "text\n".to_owned(),
        format!("text\n{line}"),
        "text\n\n".to_owned(),
        format!("text\n\n{}", line.trim_end()),
        format!("te\txt\n\n{line}"),
        format!("text\r\n\r\n{line}"),
        "text\n\n- k AAAAAAA=\n".to_owned(),
        "text\n\n— k+1 AAAAAAA=\n".to_owned(),
        "text\n\n—  AAAAAAA=\n".to_owned(),
        "text\n\n— k AAAAAA==\n".to_owned(),
        "text\n\n— k AAAAAAA\n".to_owned(),
        "text\n\n— k AAAAAAB=\n".to_owned(),
        "text\n\n— k AAAAAAA= \n".to_owned(),
        format!("text\n\n{}", line.repeat(SIGNATURES_MAX + 1)),
        format!("{}\n\n{line}", "x".repeat(NOTE_BYTES_MAX)),
    ] {
        assert!(Note::parse(&wrong).is_err(), "{wrong:?} was read");
    }
    assert!(Note::parse(&format!("text\n\n{}", line.repeat(16))).is_ok(), "16 signatures must be taken");
}

#[test]
fn a_verifier_key_is_read_and_written_the_same_and_its_id_checked() {
    let key = VerifierKey::new("example.com/log", KeyKind::Ed25519, vec![7; 32]).unwrap();
    let text = key.to_string();
    assert_eq!(VerifierKey::parse(&text).unwrap(), key);
    let hash = Sha256::digest([b"example.com/log\n\x01".as_slice(), &[7; 32]].concat());
    assert_eq!(key.id(), hash[..4]);
    let post_quantum = VerifierKey::new("w", KeyKind::MlDsa44Cosignature, vec![9; 1312]).unwrap();
    assert_eq!(VerifierKey::parse(&post_quantum.to_string()).unwrap(), post_quantum);
    for wrong in [
        text.replace("example.com/log", "example.com/log2"),
        text.replace('+', "-"),
        text.replacen('+', " +", 1),
        format!("{text}A"),
        text.chars().take(text.len() - 4).collect(),
        String::new(),
        "a+00000000+".to_owned(),
    ] {
        assert!(VerifierKey::parse(&wrong).is_err(), "{wrong:?} was read");
    }
    assert!(VerifierKey::new("a", KeyKind::Ed25519, vec![7; 31]).is_err());
    assert!(VerifierKey::new("", KeyKind::Ed25519, vec![7; 32]).is_err());
}

proptest! {
    #[test]
    fn text_from_anywhere_never_panics(text in "\\PC{0,40}\n{0,3}(— [a-z+ ]{0,4} [A-Za-z0-9=]{0,12}\n){0,3}") {
        if let Ok(note) = Note::parse(&text) {
            prop_assert_eq!(note.to_string(), text.as_str());
        }
        let _ = VerifierKey::parse(&text);
    }
}
