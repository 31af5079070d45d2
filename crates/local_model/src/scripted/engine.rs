//! The scripted engine: holds each sequence's tokens and gives logits that favour what the script says. It holds its
//! caller to the [`Engine`] contract: a run out of place is an error that names it.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Beginning, Capacity, Engine, EngineError, Logits, Run, Slot, Token};

use super::codec::{self, END, VOCABULARY};
use super::{Probe, Rule, Script, Then};

/// The scripted token's logit. So far above the rest that even at temperature 2 no test ever draws another.
const CERTAIN: f32 = 60.0;
/// Logits of the tokens that follow it in the vocabulary: likely enough to be told as rivals, never drawn.
const RIVALS: [f32; 3] = [20.0, 19.0, 18.0];
/// The spread of logits where all letters are likely.
const CHANCE_SPREAD: f32 = 3.0;
/// Tokens that the engine of real models keeps together.
const PAGE_TOKENS: usize = 64;

pub(super) struct ScriptedEngine {
    script: Script,
    held: BTreeMap<usize, Held>,
    cache_tokens_held: usize,
    /// What was shared, and by whom.
    shared: BTreeSet<(String, Vec<Token>)>,
    logits: Vec<f32>,
}

/// A sequence that holds a slot.
struct Held {
    /// Its place in [`super::Seen::sequences`].
    number: usize,
    reserved: usize,
    tokens: Vec<Token>,
    /// Where the answer begins: after the first token whose logits were asked for; and the rule that the prompt met.
    answer: Option<(usize, Rule)>,
}

impl ScriptedEngine {
    pub(super) fn new(script: Script) -> Self {
        Self { script, held: BTreeMap::new(), cache_tokens_held: 0, shared: BTreeSet::new(), logits: Vec::new() }
    }

    fn check(&self, runs: &[Run<'_>]) -> Result<(), EngineError> {
        let wrong = |what: &str| Err(EngineError(format!("the caller broke the contract: {what}")));
        let tokens: usize = runs.iter().map(|run| run.tokens.len()).sum();
        if runs.is_empty() || tokens > self.script.capacity.batch_tokens_max {
            return wrong(&format!("{} runs of {tokens} tokens", runs.len()));
        }
        let mut slots = BTreeSet::new();
        for run in runs {
            let Some(held) = self.held.get(&run.slot.0) else {
                return wrong("a slot that is not reserved");
            };
            if !slots.insert(run.slot.0) {
                return wrong("two runs of one slot");
            }
            // Only what was guessed may be taken back.
            let earliest = held.answer.as_ref().map_or(held.tokens.len(), |&(begin, _)| begin);
            if run.tokens.is_empty() || !(earliest..=held.tokens.len()).contains(&run.position) {
                return wrong("a run that is empty or out of place");
            }
            if run.logits > run.tokens.len() {
                return wrong("more logits than tokens");
            }
            if run.position + run.tokens.len() > held.reserved {
                return wrong("more tokens than were reserved");
            }
            if run.tokens.iter().any(|&token| token as usize >= VOCABULARY) {
                return wrong("a token outside the vocabulary");
            }
        }
        Ok(())
    }
}

impl Engine for ScriptedEngine {
    fn capacity(&self) -> Capacity {
        self.script.capacity
    }

    fn reserve(&mut self, tokens: usize) -> Option<Slot> {
        let capacity = &self.script.capacity;
        let room = capacity.cache_tokens_max.saturating_sub(self.cache_tokens_held);
        if tokens > room || tokens > capacity.context_tokens_max || self.held.len() >= capacity.slots_max {
            return None;
        }
        let slot = (0..capacity.slots_max).find(|slot| !self.held.contains_key(slot))?;
        let mut number = 0;
        self.script.probe.note(|seen| {
            number = seen.sequences.len();
            seen.sequences.push(super::SeenSequence { reserved: tokens, live: true, ..Default::default() });
        });
        self.cache_tokens_held += tokens;
        self.held.insert(slot, Held { number, reserved: tokens, tokens: Vec::new(), answer: None });
        Some(Slot(slot))
    }

    fn begin(&mut self, beginning: &Beginning<'_>) -> Option<(Slot, usize)> {
        let slot = self.reserve(beginning.tokens)?;
        let Beginning { owner, prompt, .. } = beginning;
        let whole = self
            .shared
            .iter()
            .filter(|(of, known)| of == owner && known.len() < prompt.len() && prompt.starts_with(known));
        let whole = whole.map(|(_, known)| known.len());
        // Of what goes on further a part that is long enough to be a page's.
        let long = prompt.len() > PAGE_TOKENS;
        let beyond = long && self.shared.iter().any(|(of, known)| of == owner && known.starts_with(prompt));
        // Never all of it: the last token's logits are asked for.
        let longest =
            whole.chain(beyond.then_some(prompt.len())).max().unwrap_or(0).min(prompt.len().saturating_sub(1));
        let known: Vec<Token> = prompt.iter().take(longest).copied().collect();
        let computed = known.len();
        if let Some(held) = self.held.get_mut(&slot.0) {
            held.tokens = known;
        }
        Some((slot, computed))
    }

    fn share(&mut self, slot: Slot, owner: &str, tokens: &[Token]) {
        // It is this slot's own beginning, or the caller broke the contract and gets nothing.
        if self.held.get(&slot.0).is_some_and(|held| held.tokens.starts_with(tokens)) {
            self.shared.insert((owner.to_owned(), tokens.to_vec()));
        }
    }

    fn release(&mut self, slot: Slot) {
        if let Some(held) = self.held.remove(&slot.0) {
            self.cache_tokens_held -= held.reserved;
            self.script.probe.note(|seen| {
                if let Some(sequence) = seen.sequences.get_mut(held.number) {
                    sequence.live = false;
                }
            });
        }
    }

    fn forward(&mut self, runs: &[Run<'_>]) -> Result<Logits<'_>, EngineError> {
        self.check(runs)?;
        let tokens: usize = runs.iter().map(|run| run.tokens.len()).sum();
        if let Some(step) = &self.script.before_forward {
            step(tokens);
        }
        if let Some(gate) = &self.script.gate {
            gate.pass(|waiting| self.script.probe.note(|seen| seen.at_gate = waiting));
        }
        self.script.probe.note(|seen| {
            seen.forwards += 1;
            seen.tokens += tokens as u64;
        });
        self.logits.clear();
        for run in runs {
            if let Some(held) = self.held.get_mut(&run.slot.0) {
                held.take(run, &self.script.rules, &self.script.probe);
                for unsaid in (0..run.logits).rev() {
                    held.say(held.tokens.len() - unsaid, &mut self.logits)?;
                }
            }
        }
        Ok(Logits::new(&self.logits, VOCABULARY))
    }
}

impl Held {
    /// Takes a run's tokens in; the first whose logits are wanted ends the prompt.
    fn take(&mut self, run: &Run<'_>, rules: &[Rule], probe: &Probe) {
        self.tokens.truncate(run.position);
        self.tokens.extend_from_slice(run.tokens);
        let in_prompt = self.answer.is_none();
        if in_prompt && run.logits > 0 {
            let prompt = codec::text_of(&self.tokens);
            let rule = rules.iter().find(|rule| prompt.contains(&rule.words)).cloned();
            let echo = || Rule { words: String::new(), answer: codec::last_user_turn(&self.tokens), then: Then::End };
            let rule = rule.unwrap_or_else(echo);
            // An answer that was begun is gone on with.
            let begun = codec::begun_turn(&self.tokens).filter(|begun| rule.answer.starts_with(begun));
            let begun = begun.map_or(0, |begun| begun.len());
            self.answer = Some((self.tokens.len().saturating_sub(begun), rule));
        }
        probe.note(|seen| {
            if let Some(sequence) = seen.sequences.get_mut(self.number) {
                sequence.forwards += 1;
                if in_prompt {
                    sequence.prompt_tokens += run.tokens.len();
                    sequence.prompt = codec::text_of(&self.tokens);
                } else {
                    sequence.answer_tokens += run.tokens.len();
                }
            }
        });
    }

    /// Adds a row of logits for what comes next after so many tokens.
    #[expect(clippy::panic, reason = "a test that asks for an engine's panic must get one")]
    fn say(&self, after: usize, logits: &mut Vec<f32>) -> Result<(), EngineError> {
        let Some((begin, rule)) = &self.answer else { return Ok(()) };
        let place = after - begin;
        let wrapped = if rule.then == Then::Again { place % rule.answer.len().max(1) } else { place };
        let next = match (rule.answer.get(wrapped), rule.then) {
            (Some(_), Then::Chance) => {
                let last = self.tokens.get(after - 1).copied().unwrap_or_default();
                logits.extend((0..VOCABULARY).map(|token| chance(token, last, place)));
                return Ok(());
            }
            (Some(&byte), _) => Token::from(byte),
            (None, Then::End | Then::Again | Then::Chance) => END,
            (None, Then::Nonsense) => {
                logits.extend([f32::NAN; VOCABULARY]);
                return Ok(());
            }
            (None, Then::Fail) => return Err(EngineError("the script says so".to_owned())),
            (None, Then::Panic) => panic!("the script says so"),
        };
        logits.extend((0..VOCABULARY).map(|token| {
            let distance = (token + VOCABULARY - next as usize) % VOCABULARY;
            if distance == 0 { CERTAIN } else { RIVALS.get(distance - 1).copied().unwrap_or(0.0) }
        }));
        Ok(())
    }
}

/// A letter's logit after the token `last` at some place of the answer: scattered, but always the same.
fn chance(token: usize, last: Token, place: usize) -> f32 {
    if !(usize::from(b'a')..=usize::from(b'z')).contains(&token) {
        return -CERTAIN;
    }
    let mixed = (token * 7_919 + last as usize * 104_729 + place * 1_299_709) % 1_000;
    #[expect(clippy::cast_precision_loss, reason = "below 1,000")]
    let share = mixed as f32 / 1_000.0;
    share * CHANCE_SPREAD
}
