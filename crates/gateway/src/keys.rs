//! Keys: who may call. Created, listed and revoked in a small database; looked up in memory, by keyed hash only.
//!
//! A request never reaches the database: [`KeyRing`] holds what it says, and follows it within a second. The text of a key
//! exists once, when it is made; the database holds its keyed hash. Knows nothing of HTTP.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::config::Registered;

pub use grammar::{KeyText, Malformed};
pub use secret::{HashSecret, KeyHash};
pub use store::{KeyStore, KeyStoreError, ListedKey, NewKey, OWN_KEYS_MAX, WantedKey, end_of_account};

mod grammar;
mod secret;
mod store;

/// Whose key it is. Shared, because every request of the key holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Names the key in records, logs and lists: the first 12 hex digits of its keyed hash.
    pub key_id: Arc<str>,
    /// What the operator called the key.
    pub name: Arc<str>,
    /// Whom it was given to.
    pub team: Arc<str>,
    /// What its requests are registered with.
    pub registered: Registered,
}

/// Why a presented key is not taken. Callers are told the same in both cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoSuchKey {
    /// It does not have the form of a key, so nothing was looked up.
    #[error("the key does not have the form of a key")]
    Malformed,
    /// It was never made here, or it was revoked.
    #[error("the key is not known")]
    Unknown,
}

/// The keys in force, in memory. Cheap to clone; clones see the same keys.
#[derive(Clone)]
pub struct KeyRing(Arc<Ring>);

struct Ring {
    secret: HashSecret,
    /// Owner: whoever follows the database ([`KeyRing::replace`]).
    known: ArcSwap<HashMap<KeyHash, Arc<Caller>>>,
    /// Keys that live as long as the process, beside those of the database.
    ephemeral: ArcSwap<HashMap<KeyHash, Arc<Caller>>>,
}

impl KeyRing {
    /// A ring without keys, which hashes with `secret`.
    pub fn new(secret: HashSecret) -> Self {
        Self(Arc::new(Ring { secret, known: ArcSwap::default(), ephemeral: ArcSwap::default() }))
    }

    /// Whose key `presented` is. Its form and checksum are checked first; then its keyed hash is looked up, so that how
    /// long it takes says nothing about keys that exist.
    pub fn find(&self, presented: &[u8]) -> Result<Arc<Caller>, NoSuchKey> {
        let text = KeyText::parse(presented).map_err(|Malformed| NoSuchKey::Malformed)?;
        let hash = self.0.secret.hash(&text);
        let known = self.0.known.load();
        let found = known.get(&hash).cloned().or_else(|| self.0.ephemeral.load().get(&hash).cloned());
        found.ok_or(NoSuchKey::Unknown)
    }

    /// Puts the keys of the database in place of those it held before.
    pub fn replace(&self, known: HashMap<KeyHash, Arc<Caller>>) {
        self.0.known.store(Arc::new(known));
    }

    /// Takes out every key of the database that is not in `known`; adds none.
    pub fn keep_only(&self, known: &HashMap<KeyHash, Arc<Caller>>) {
        self.0.known.rcu(|held| {
            let kept = held.iter().filter(|(hash, _)| known.contains_key(*hash));
            kept.map(|(hash, caller)| (*hash, Arc::clone(caller))).collect::<HashMap<_, _>>()
        });
    }

    /// Makes a key that is valid until the ring is gone, whatever the database says.
    pub fn add_ephemeral(&self, name: &str, team: &str) -> Result<KeyText, getrandom::Error> {
        let text = KeyText::generate()?;
        let hash = self.0.secret.hash(&text);
        let caller = Arc::new(Caller {
            key_id: hash.id(),
            name: name.into(),
            team: team.into(),
            registered: Registered::default(),
        });
        self.0.ephemeral.rcu(|keys| {
            let mut keys = HashMap::clone(keys);
            keys.insert(hash, Arc::clone(&caller));
            keys
        });
        Ok(text)
    }
}
