//! Passwords: how long they must be, and how they are kept (argon2id, RFC 9106). It must not know whose they are.

use argon2::{
    Argon2,
    password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// The fewest characters, by NIST SP 800-63B-4 where a password stands alone.
pub(super) const CHARS_MIN: usize = 15;
/// The most bytes: so that nobody makes us hash a book.
pub(super) const BYTES_MAX: usize = 1024;
/// Bytes of chance in a password that we make: 24 characters.
const MADE_BYTES: usize = 18;
/// Bytes of chance in a salt (RFC 9106, section 3.1).
const SALT_BYTES: usize = 16;

/// Why a password cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// It can be guessed.
    #[error("the password has {0} characters: take {CHARS_MIN} or more, such as five words")]
    TooShort(usize),
    /// Nobody types that.
    #[error("the password is longer than {BYTES_MAX} bytes")]
    TooLong,
    /// There is no chance to be had.
    #[error("the system gives no random bytes: {0}")]
    Chance(#[from] getrandom::Error),
    /// It could not be hashed.
    #[error("the password cannot be hashed: {0}")]
    Hash(argon2::password_hash::Error),
    /// The process ended, or hashing did.
    #[error("hashing the password ended without an answer")]
    Unfinished,
}

/// A password that nobody has to think of.
pub fn generate() -> Result<String, PasswordError> {
    let mut chance = [0; MADE_BYTES];
    getrandom::fill(&mut chance)?;
    Ok(URL_SAFE_NO_PAD.encode(chance))
}

/// Whether it may be somebody's.
pub(super) fn check(password: &str) -> Result<(), PasswordError> {
    let chars = password.chars().count();
    if chars < CHARS_MIN {
        return Err(PasswordError::TooShort(chars));
    }
    if password.len() > BYTES_MAX {
        return Err(PasswordError::TooLong);
    }
    Ok(())
}

/// As it is kept. Takes tens of milliseconds and 19 MiB, on purpose.
pub(super) fn hash(password: &str) -> Result<String, PasswordError> {
    check(password)?;
    let mut salt = [0; SALT_BYTES];
    getrandom::fill(&mut salt)?;
    let hash = Argon2::default().hash_password_with_salt(password.as_bytes(), &salt).map_err(PasswordError::Hash)?;
    let hash: PasswordHash = hash;
    Ok(hash.to_string())
}

/// Whether it is that password. Without a kept one it takes as long and says no, so that nobody learns which names there are.
pub(super) fn verify(password: &str, kept: Option<&str>) -> bool {
    if password.len() > BYTES_MAX {
        return false;
    }
    let Some(kept) = kept.and_then(|kept| PasswordHash::new(kept).ok()) else {
        let salt = [0; SALT_BYTES];
        let _as_long: Result<PasswordHash, _> = Argon2::default().hash_password_with_salt(password.as_bytes(), &salt);
        return false;
    };
    Argon2::default().verify_password(password.as_bytes(), &kept).is_ok()
}

#[cfg(test)]
mod tests;
