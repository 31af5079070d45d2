//! The highest class that each conversation has had. In memory, bounded for each team: the older half is forgotten first. It
//! knows names and classes, no texts.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use ::policy::Class;

/// Conversations remembered at least, of each team; at most twice as many. A conversation takes some hundred bytes.
const REMEMBERED: usize = 16_384;

/// By team: a name means nothing outside its team, and no team makes another's be forgotten. There are no more teams than keys.
#[derive(Debug, Default)]
pub(crate) struct Conversations(Mutex<HashMap<Arc<str>, Generations>>);

/// Two generations: a conversation that is heard of again moves to the younger one.
#[derive(Debug, Default)]
struct Generations {
    young: HashMap<Arc<str>, Class>,
    old: HashMap<Arc<str>, Class>,
}

impl Conversations {
    /// A request of this class belongs to the conversation: gives the highest class that it has had by now.
    pub(crate) fn raise(&self, team: &Arc<str>, conversation: &Arc<str>, class: Class) -> Class {
        // The lock is held for a few look-ups. A poisoned map is still a map: nothing in it can be half done.
        let mut teams = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = teams.entry(Arc::clone(team)).or_default();
        let before = known.young.get(conversation).or_else(|| known.old.get(conversation)).copied();
        let highest = before.map_or(class, |before| before.max(class));
        // One that never was more than open is like one that was never heard of.
        if highest == Class::Open {
            return highest;
        }
        if known.young.len() >= REMEMBERED && !known.young.contains_key(conversation) {
            known.old = std::mem::take(&mut known.young);
        }
        known.young.insert(Arc::clone(conversation), highest);
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
    fn what_is_heard_of_again_outlives_what_is_not_and_teams_do_not_meet() {
        let conversations = Conversations::default();
        let (team, other): (Arc<str>, Arc<str>) = ("t".into(), "u".into());
        conversations.raise(&team, &"kept".into(), Class::Classified);
        conversations.raise(&other, &"theirs".into(), Class::Classified);
        for number in 0..3 * REMEMBERED {
            conversations.raise(&team, &format!("c-{number}").into(), Class::Sensitive);
            if number % 10_000 == 0 {
                assert_eq!(conversations.raise(&team, &"kept".into(), Class::Open), Class::Classified);
            }
        }
        assert_eq!(conversations.raise(&other, &"theirs".into(), Class::Open), Class::Classified);
        let teams = conversations.0.lock().unwrap();
        let known = &teams[&team];
        assert!(known.young.len() <= REMEMBERED && known.old.len() <= REMEMBERED);
    }
}
