//! The highest class that each conversation has had. In memory, bounded: the oldest half is forgotten first. It knows names
//! and classes, no texts.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use ::policy::Class;

/// Conversations remembered at least; at most twice as many. A conversation takes some hundred bytes.
const REMEMBERED: usize = 65_536;

/// Team and conversation: a name means nothing outside its team.
type Name = (Arc<str>, Arc<str>);

/// Two generations: a conversation that is heard of again moves to the younger one.
#[derive(Debug, Default)]
pub(crate) struct Conversations(Mutex<Generations>);

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<Name, Class>,
    old: HashMap<Name, Class>,
}

impl Conversations {
    /// A request of this class belongs to the conversation: gives the highest class that it has had by now.
    pub(crate) fn raise(&self, team: &Arc<str>, conversation: &Arc<str>, class: Class) -> Class {
        // The lock is held for two look-ups. A poisoned map is still a map: nothing in it can be half done.
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let name = (Arc::clone(team), Arc::clone(conversation));
        let before = known.young.get(&name).or_else(|| known.old.get(&name)).copied();
        let highest = before.map_or(class, |before| before.max(class));
        if known.young.len() >= REMEMBERED && !known.young.contains_key(&name) {
            known.old = std::mem::take(&mut known.young);
        }
        known.young.insert(name, highest);
        highest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation_keeps_its_highest_class_within_its_team() {
        let conversations = Conversations::default();
        let (hr, sales, name): (Arc<str>, Arc<str>, Arc<str>) = ("hr".into(), "sales".into(), "c-1".into());
        assert_eq!(conversations.raise(&hr, &name, Class::Open), Class::Open);
        assert_eq!(conversations.raise(&hr, &name, Class::Classified), Class::Classified);
        assert_eq!(conversations.raise(&hr, &name, Class::Open), Class::Classified);
        assert_eq!(conversations.raise(&sales, &name, Class::Open), Class::Open, "another team's is another");
    }

    #[test]
    fn what_is_heard_of_again_outlives_what_is_not() {
        let conversations = Conversations::default();
        let team: Arc<str> = "t".into();
        conversations.raise(&team, &"kept".into(), Class::Sensitive);
        for number in 0..REMEMBERED + 10 {
            conversations.raise(&team, &format!("c-{number}").into(), Class::Open);
            if number % 10_000 == 0 {
                assert_eq!(conversations.raise(&team, &"kept".into(), Class::Open), Class::Sensitive);
            }
        }
        let known = conversations.0.lock().unwrap();
        assert!(known.young.len() <= REMEMBERED && known.old.len() <= REMEMBERED);
    }
}
