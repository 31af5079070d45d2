//! What was not proved beforehand is checked when it occurs: whatever the rules are, a destination is open only if it is open for
//! every lower class, without the signals, and for content that is read; and then it is open.

use std::collections::BTreeSet;
use std::hash::{BuildHasher as _, RandomState};

use super::equal::{Chance, rules, some_destinations};
use super::{PLAIN, permitted, read};
use crate::{Action, Class, Facts, Judge};

const POLICIES: usize = 150;
const REQUESTS: usize = 40;
const SIGNALS: [&str; 2] = ["signal.override", "signal.reveal"];

fn open(judge: &Judge, facts: &Facts<'_>) -> BTreeSet<String> {
    permitted(judge, facts).into_iter().collect()
}

/// Every request that differs only by a lower class, fewer signals or content that is read; this one too.
fn at_most<'a>(facts: &Facts<'a>, subsets: &'a [Vec<&'a str>]) -> Vec<Facts<'a>> {
    let mut list = Vec::new();
    for class in Class::ALL.into_iter().filter(|class| *class <= facts.class) {
        for unread in [false, true].into_iter().filter(|unread| *unread <= facts.unread) {
            for signals in subsets {
                list.push(Facts { class, signals, unread, ..*facts });
            }
        }
    }
    list
}

#[test]
fn nothing_opens_against_the_order_of_classes_and_signals() {
    let seed = RandomState::new().hash_one(1);
    println!("seed {seed:#x}");
    let mut chance = Chance(seed);
    let (mut closed, mut opened, mut sound) = (0, 0, 0);
    for _ in 0..POLICIES {
        let text = rules(&mut chance);
        let policy = read(&text).unwrap();
        let destinations = some_destinations(&mut chance);
        let free = policy.compile_without_table(destinations.clone()).unguarded();
        let guarded = policy.compile_without_table(destinations.clone());
        let proof = policy.compile(destinations).prove();
        let proved = proof.complete && !proof.mistakes.iter().any(|mistake| mistake.what.contains("must not open"));
        sound += usize::from(proved);
        for _ in 0..REQUESTS {
            let count = chance.below(3);
            let signals: Vec<&str> = SIGNALS.into_iter().take(count).collect();
            let subsets: Vec<Vec<&str>> = (0..1_usize << count)
                .map(|bits| {
                    signals.iter().enumerate().filter(|(bit, _)| bits >> bit & 1 == 1).map(|(_, word)| *word).collect()
                })
                .collect();
            let action = Action::ALL[chance.below(2)];
            let facts = Facts {
                class: Class::ALL[chance.below(3)],
                team: chance.of(&["hr", "sales"]),
                action,
                surface: if action == Action::Embed { "embeddings" } else { "chat" },
                high_impact: chance.below(2) == 0,
                unread: chance.below(2) == 0,
                signals: &signals,
                ..PLAIN
            };
            let alone = open(&free, &facts);
            let lower = at_most(&facts, &subsets).into_iter().map(|facts| open(&free, &facts));
            let always = lower.reduce(|one, other| one.intersection(&other).cloned().collect()).unwrap();
            assert_eq!(open(&guarded, &facts), always, "seed {seed:#x}\n{text}\n{facts:?}");
            // What is proved beforehand needs no guard.
            assert!(!proved || alone == always, "seed {seed:#x}\n{text}\n{facts:?}");
            closed += alone.len() - always.len();
            opened += always.len();
        }
    }
    println!("{closed} closed, {opened} open, {sound} of {POLICIES} policies proved");
    assert!(closed > 20 && opened > 500 && sound > 5, "seed {seed:#x}: {closed} closed, {opened} open, {sound} proved");
}
