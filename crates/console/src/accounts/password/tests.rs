//! What is kept of passwords.

use super::*;

#[test]
fn a_password_is_known_again_and_another_is_not() {
    let kept = hash("five words that nobody guesses").unwrap();
    assert!(kept.starts_with("$argon2id$"), "{kept}");
    assert!(verify("five words that nobody guesses", Some(&kept)));
    assert!(!verify("five words that nobody guesse", Some(&kept)));
    assert!(!verify("five words that nobody guesses", None));
    assert!(!verify("five words that nobody guesses", Some("not a hash")));
}

#[test]
fn two_hashes_of_one_password_differ() {
    assert_ne!(hash("five words that nobody guesses").unwrap(), hash("five words that nobody guesses").unwrap());
}

#[test]
fn short_and_endless_passwords_are_not_taken() {
    // Characters are counted, not bytes: five words of Korean are long enough.
    assert!(hash("아무도 짐작하지 못하는 다섯 낱말").is_ok());
    assert!(matches!(hash("짐작하지 못하는"), Err(PasswordError::TooShort(8))));
    assert!(matches!(hash(&"x".repeat(BYTES_MAX + 1)), Err(PasswordError::TooLong)));
    assert_eq!(generate().unwrap().len(), 24);
    assert_ne!(generate().unwrap(), generate().unwrap());
}
