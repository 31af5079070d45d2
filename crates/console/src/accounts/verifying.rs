//! Hashing passwords in turn: each takes 19 MiB and tens of milliseconds, so few are looked at together, on threads that answer nobody,
//! and few wait. It must not know whose they are.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{AccountError, PasswordError, password};

/// Passwords that are looked at together.
const AT_ONCE: usize = 2;
/// Those that may wait for it: about a second of work. Strangers must not be able to take all memory by waiting.
pub(super) const WAITING_MAX: usize = 32;

/// Who looks at passwords. Cheap to clone; clones share their turns.
#[derive(Clone, Debug)]
pub(super) struct Verifying {
    turns: Arc<Semaphore>,
    room: Arc<Semaphore>,
}

/// A turn, until it is dropped.
pub(super) struct Turn {
    _turn: OwnedSemaphorePermit,
}

impl Default for Verifying {
    fn default() -> Self {
        Self { turns: Arc::new(Semaphore::new(AT_ONCE)), room: Arc::new(Semaphore::new(WAITING_MAX)) }
    }
}

impl Verifying {
    /// Waits for a turn, unless too many wait already.
    pub(super) async fn turn(&self) -> Option<Turn> {
        if let Ok(turn) = Arc::clone(&self.turns).try_acquire_owned() {
            return Some(Turn { _turn: turn });
        }
        let _room = self.room.try_acquire().ok()?;
        let turn = Arc::clone(&self.turns).acquire_owned().await.ok()?;
        Some(Turn { _turn: turn })
    }

    /// As a password is kept.
    pub(super) async fn hash(&self, password: &str) -> Result<String, AccountError> {
        password::check(password)?;
        let turn = self.turn().await.ok_or(AccountError::Busy)?;
        let password = password.to_owned();
        let hashed = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            password::hash(&password)
        });
        hashed.await.map_err(|_| PasswordError::Unfinished)?.map_err(Into::into)
    }

    /// Whether it is that password, as [`password::verify`] says. The turn comes back with it: whoever asked may have gone meanwhile,
    /// and the work goes on.
    pub(super) async fn verify(turn: Turn, password: &str, kept: Option<String>) -> (Option<Turn>, bool) {
        let password = password.to_owned();
        let verified = tokio::task::spawn_blocking(move || (turn, password::verify(&password, kept.as_deref())));
        verified.await.map_or((None, false), |(turn, right)| (Some(turn), right))
    }
}
