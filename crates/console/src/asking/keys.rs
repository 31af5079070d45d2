//! The keys by which signed-in people ask on the road: one an account and team, made when it is first needed, good while the process runs,
//! never seen outside it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use gateway::keys::{KeyRing, KeyText};

use crate::accounts::{Account, by};

/// Whose key: the account's name and team. Another team is another key.
type Whose = (Arc<str>, Arc<str>);

/// The keys of those who have asked.
#[derive(Default)]
pub(crate) struct Keys(Mutex<HashMap<Whose, Arc<KeyText>>>);

impl Keys {
    /// The key of that account; entries name it `account:NAME`.
    pub(crate) fn of(&self, ring: &KeyRing, account: &Account) -> Result<Arc<KeyText>, getrandom::Error> {
        let whose = (Arc::clone(&account.name), Arc::clone(&account.team));
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = known.get(&whose) {
            return Ok(Arc::clone(key));
        }
        let key = Arc::new(ring.add_ephemeral(&by(&account.name), &account.team)?);
        known.insert(whose, Arc::clone(&key));
        Ok(key)
    }
}
