//! Notes taken apart.

use super::read;

#[test]
fn the_last_empty_line_divides_text_and_signatures() {
    let note = read("one\n\ntwo\n\n\u{2014} name AAAAAQI=\n".as_bytes()).unwrap();
    assert_eq!(note.text, "one\n\ntwo\n");
    assert_eq!((note.signatures[0].name, note.signatures[0].key_id), ("name", 1));
    assert_eq!(note.signatures[0].bytes, [2]);
}

#[test]
fn what_is_not_a_note_is_refused() {
    for bad in [
        "text\n",
        "text\n\n",
        "text\n\n\n",
        "text\n\n\u{2014} name AAAAAQI=",
        "text\n\n\u{2014} name AAAAAQ==\n",
        "text\n\n\u{2014} name AAAAAQJ=\n",
        "text\n\n\u{2014} name+ AAAAAQI=\n",
        "text\n\n\u{2014}  AAAAAQI=\n",
        "text\n\n- name AAAAAQI=\n",
        "te\tx\n\n\u{2014} name AAAAAQI=\n",
    ] {
        assert!(read(bad.as_bytes()).is_err(), "{bad:?}");
    }
    let many = format!("text\n\n{}", "\u{2014} name AAAAAQI=\n".repeat(129));
    assert!(read(many.as_bytes()).is_err());
}
