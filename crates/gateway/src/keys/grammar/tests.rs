//! A key has one form; whatever differs from it in one character has not.

use std::collections::HashSet;

use super::{KeyText, LEN, Malformed};

#[test]
fn a_new_key_has_the_form_and_no_two_are_alike() {
    let keys: HashSet<String> = (0..1000).map(|_| KeyText::generate().unwrap().reveal().to_owned()).collect();
    assert_eq!(keys.len(), 1000);
    for key in keys {
        assert_eq!(key.len(), 50);
        assert!(key.starts_with("sk-gwm-"));
        assert_eq!(KeyText::parse(key.as_bytes()).unwrap().reveal(), key);
    }
}

#[test]
fn one_other_character_anywhere_is_noticed() {
    let key = KeyText::generate().unwrap();
    for at in 0..LEN {
        for other in [b'0', b'Z', b'-', b' ', 0, 0xff] {
            let mut bytes = *key.as_bytes().first_chunk::<LEN>().unwrap();
            if bytes[at] != other {
                bytes[at] = other;
                assert_eq!(KeyText::parse(&bytes), Err(Malformed), "at {at} with {other}");
            }
        }
    }
}

#[test]
fn other_lengths_and_trimmings_are_refused() {
    let key = KeyText::generate().unwrap().reveal().to_owned();
    for text in ["", "sk-gwm-", "sk-", key.split_at(49).0, &format!("{key}0"), &format!(" {key}"), &format!("{key}\n")]
    {
        assert_eq!(KeyText::parse(text.as_bytes()), Err(Malformed), "{text:?}");
    }
    assert_eq!(KeyText::parse(key.to_uppercase().as_bytes()), Err(Malformed));
}

#[test]
fn debug_tells_nothing() {
    assert_eq!(format!("{:?}", KeyText::generate().unwrap()), "KeyText(hidden)");
}
