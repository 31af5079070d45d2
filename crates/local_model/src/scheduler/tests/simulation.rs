//! Random comings and goings. A failure names its seed; the interleaving of the threads is the machine's own.

use std::task::{Context, Poll, Waker};

use proptest::prelude::*;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use super::*;
use crate::Refused;
use crate::scripted::Gate;

/// What is asked and what must be answered.
struct Reading {
    answer: Answer,
    expected: String,
    choices: Vec<String>,
}

struct World {
    chance: Xoshiro256PlusPlus,
    floor: Floor,
    gate: Gate,
    readings: Vec<Reading>,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut chance = Xoshiro256PlusPlus::seed_from_u64(seed);
        let gate = Gate::closed();
        let context = chance.random_range(64..512);
        let capacity = Capacity {
            context_tokens_max: context,
            cache_tokens_max: chance.random_range(context / 2..context * 6),
            batch_tokens_max: chance.random_range(1..64),
            slots_max: chance.random_range(1..12),
            vocabulary: 0,
        };
        let (queue_jobs_max, prefix_cache, speculation) =
            (chance.random_range(1..12), chance.random(), chance.random());
        let settings = Settings { queue_jobs_max, prefix_cache, speculation, ..settings() };
        let script = Script::new().gate(&gate).capacity(capacity).fail("fail", "so far");
        Self { chance, floor: floor_with(script, settings), gate, readings: Vec::new() }
    }

    fn act(&mut self) {
        match self.chance.random_range(0..10) {
            0..=2 => self.ask(),
            3..=5 => self.gate.let_through(self.chance.random_range(1..20)),
            6..=8 => self.read_some(),
            _ => self.leave(),
        }
    }

    fn ask(&mut self) {
        let fails = self.chance.random_ratio(1, 60);
        let length = self.chance.random_range(0..60);
        let letters: String = (0..length).map(|_| self.chance.random_range('a'..='c')).collect();
        let words = if fails { "fail".to_owned() } else { format!("{letters}\u{ac00}") };
        let choices = self.chance.random_range(1..4);
        let caller = format!("caller {}", self.chance.random_range(0..4));
        let answer_tokens_max = self.chance.random_range(1..120_u32);
        let top_logprobs = self.chance.random_bool(0.3).then_some(2);
        let stop = vec!["abc".to_owned()];
        let job = Job { choices, answer_tokens_max, stop, top_logprobs, ..self.floor.job(&caller, &words) };
        let context = self.floor.model.capacity().context_tokens_max.min(self.floor.model.capacity().cache_tokens_max);
        let room = context.saturating_sub(job.prompt.len()).min(answer_tokens_max as usize);
        match self.floor.model.submit(job) {
            Ok(answer) => {
                let words = if fails { "so far" } else { &words };
                let until = words.find("abc").unwrap_or(words.len());
                // The stop string must have come completely to be recognised.
                let until = if until + 3 <= room || until == words.len() { until.min(room) } else { room };
                let expected = String::from_utf8_lossy(&words.as_bytes()[..until]).into_owned();
                self.readings.push(Reading { answer, expected, choices: vec![String::new(); choices as usize] });
            }
            Err(Refused::Busy { .. } | Refused::TooLong { .. }) => {}
            Err(other) => panic!("{other}"),
        }
    }

    /// Reads a random answer for a while, as far as there is something to read.
    fn read_some(&mut self) {
        if self.readings.is_empty() {
            return;
        }
        let place = self.chance.random_range(0..self.readings.len());
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..self.chance.random_range(1..40) {
            match self.readings[place].answer.poll_next(&mut context) {
                Poll::Ready(Some(event)) => self.readings[place].note(event),
                Poll::Ready(None) => {
                    self.readings.swap_remove(place);
                    return;
                }
                Poll::Pending => return,
            }
        }
    }

    fn leave(&mut self) {
        if !self.readings.is_empty() {
            let place = self.chance.random_range(0..self.readings.len());
            self.readings.swap_remove(place);
        }
    }
}

impl Reading {
    fn note(&mut self, event: Event) {
        match event {
            Event::Text { choice, text, .. } => self.choices[choice as usize].push_str(&text),
            Event::Finished { choice, .. } => assert_eq!(self.choices[choice as usize], self.expected),
            Event::Failed { message } => assert!(message.ends_with("the script says so"), "{message}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn whoever_comes_and_goes_nothing_is_lost_or_left_behind(seed: u64) {
        let mut world = World::new(seed);
        for _ in 0..400 {
            world.act();
        }
        world.gate.open();
        let World { floor, readings, .. } = world;
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async move {
            // All at once: a reader who waits for its turn holds a slot that another may need.
            let mut tasks = tokio::task::JoinSet::new();
            for mut reading in readings {
                tasks.spawn(async move {
                    while let Some(event) = reading.answer.next().await {
                        reading.note(event);
                    }
                });
            }
            tasks.join_all().await;
            // What is answered last is answered after all else has been let go.
            let last = loop {
                match floor.model.submit(Job { answer_tokens_max: 1, ..floor.job("last", "z") }) {
                    Ok(last) => break last,
                    Err(Refused::Busy { .. }) => std::thread::yield_now(),
                    Err(other) => panic!("{other}"),
                }
            };
            read(last).await.expect("an answer");
            floor.probe.until(|seen| seen.live() == 0).await;
            let load = floor.model.load();
            assert_eq!((load.running, load.queued, load.paused, load.cache_tokens_held), (0, 0, 0, 0));
            floor.leaves_nothing().await;
        });
    }
}
