//! What is computed ahead, or need not be computed again: the same answers, in fewer steps.

use super::*;
use crate::scripted::Gate;

/// An answer that says most things twice.
const TWICE: &str = "the gate is open and the road is long; the gate is open and the road is long; the gate is shut.";

fn floor_with_both(script: Script, prefix_cache: bool, speculation: bool) -> Floor {
    floor_with(script, Settings { prefix_cache, speculation, ..settings() })
}

/// What a job brings, and the steps that it took.
async fn told(speculation: bool, script: Script, job: impl Fn(&Floor) -> Job) -> (Vec<Choice>, u64) {
    let floor = floor_with_both(script, false, speculation);
    let choices = read(floor.model.submit(job(&floor)).expect("room")).await.expect("an answer");
    let (steps, load) = (floor.probe.seen().forwards, floor.model.load());
    assert_eq!(load.draft_tokens_total > 0, speculation, "{load:?}");
    assert!(load.draft_tokens_accepted_total <= load.draft_tokens_total, "{load:?}");
    floor.leaves_nothing().await;
    (choices, steps)
}

#[tokio::test]
async fn an_answer_that_repeats_itself_takes_fewer_steps_and_says_the_same() {
    let often = TWICE.repeat(2);
    let script = || Script::new().answer("say it", &often);
    let job = |floor: &Floor| Job { top_logprobs: Some(2), ..floor.job("a", "say it") };
    let (plain, steps) = told(false, script(), job).await;
    let (ahead, fewer) = told(true, script(), job).await;
    assert_eq!(plain, ahead);
    assert_eq!(ahead[0].text, often);
    assert!(fewer * 3 < steps * 2, "{fewer} instead of {steps}");
}

#[tokio::test]
async fn limits_and_stops_hold_inside_of_what_was_guessed() {
    let script = || Script::new().answer("say it", TWICE);
    for answer_tokens_max in 40..96 {
        let job = |floor: &Floor| Job { answer_tokens_max, ..floor.job("a", "say it") };
        let (plain, _) = told(false, script(), job).await;
        let (ahead, _) = told(true, script(), job).await;
        assert_eq!(plain, ahead, "{answer_tokens_max}");
    }
    for stop in ["long; the gate is o", "road is long; the gate is s", "shut"] {
        let job = |floor: &Floor| Job { stop: vec![stop.to_owned()], ..floor.job("a", "say it") };
        let (plain, _) = told(false, script(), job).await;
        let (ahead, _) = told(true, script(), job).await;
        assert_eq!(plain, ahead, "{stop}");
        assert_eq!(ahead[0].finish.expect("an end").0, Finish::Stop);
    }
}

#[tokio::test]
async fn what_is_drawn_by_chance_is_drawn_as_without_guesses() {
    for seed in 0..20 {
        let script = || Script::new().chance("dice", 300);
        let job = |floor: &Floor| {
            let sampling = Sampling { seed, temperature: 0.7, frequency_penalty: -0.5, ..Sampling::default() };
            // Few letters, so that three of them often stand together again.
            let logit_bias = (b'e'..=b'z').map(|letter| (letter.into(), -100.0)).collect();
            Job { choices: 2, sampling: Sampling { logit_bias, ..sampling }, ..floor.job("a", "dice") }
        };
        let (plain, _) = told(false, script(), job).await;
        let (ahead, _) = told(true, script(), job).await;
        assert_eq!(plain, ahead, "{seed}");
    }
}

/// How many tokens of the prompt were not computed for an answer, as its reader is told.
async fn cached(floor: &Floor, owner: &str, words: &str) -> usize {
    let job = Job { owner: Arc::from(owner), ..floor.job("a", words) };
    let mut answer = floor.model.submit(job).expect("room");
    while let Some(event) = answer.next().await {
        if let Event::Finished { cached_tokens, .. } = event {
            return cached_tokens;
        }
    }
    panic!("no end");
}

#[tokio::test]
async fn what_an_owner_asked_before_is_not_computed_again() {
    let floor = floor_with_both(Script::new(), true, false);
    let words = "a long question, asked again and again";
    let prompt = floor.job("a", words).prompt.len();
    assert_eq!(cached(&floor, "one", words).await, 0);
    assert_eq!(cached(&floor, "two", words).await, 0, "another's");
    assert_eq!(cached(&floor, "", words).await, 0, "nobody's");
    // All but what comes after the last that was computed alike; what others share is none of it.
    let again = cached(&floor, "one", &format!("{words} and more")).await;
    assert_eq!(again, 0, "a scripted engine knows whole prompts only");
    let turn = [Turn::new(Speaker::User, words.to_owned()), Turn::new(Speaker::Assistant, words.to_owned())];
    let next = [&turn[..], &[Turn::new(Speaker::User, "more".to_owned())]].concat();
    let prompt_after = floor.model.codec().encode_chat(&next).expect("any words");
    let job = Job { owner: Arc::from("one"), prompt: prompt_after.clone(), ..floor.job("a", words) };
    let choices = read(floor.model.submit(job).expect("room")).await.expect("an answer");
    assert_eq!(choices[0].text, "more");
    let seen = floor.probe.seen();
    let last = seen.sequences.last().expect("it was computed");
    assert_eq!(last.prompt_tokens, prompt_after.len() - (prompt + words.len()), "prompt and answer of the first");
    assert_eq!(floor.model.load().prompt_tokens_cached_total, (prompt + words.len()) as u64);
    floor.leaves_nothing().await;
}

/// The prompt tokens that were computed for each choice of a job, in the order in which they started, what they say, and the steps
/// that it took.
async fn choices_computed(owner: &str, prefix_cache: bool, words: &str) -> (Vec<usize>, Vec<Choice>, u64) {
    let floor = floor_with_both(Script::new().chance("dice", 40), prefix_cache, false);
    let sampling = Sampling { seed: 7, temperature: 0.9, ..Sampling::default() };
    let job = Job { owner: Arc::from(owner), choices: 4, sampling, ..floor.job("a", words) };
    let choices = read(floor.model.submit(job).expect("room")).await.expect("an answer");
    let seen = floor.probe.seen();
    let computed = seen.sequences.iter().map(|sequence| sequence.prompt_tokens).collect();
    floor.leaves_nothing().await;
    (computed, choices, seen.forwards)
}

#[tokio::test]
async fn a_long_prompt_is_computed_once_for_all_choices() {
    let words = format!("{} dice", "a long prompt ".repeat(40));
    let (alone, plain, _) = choices_computed("one", false, &words).await;
    assert!(alone.iter().all(|tokens| *tokens == alone[0]) && alone.len() == 4, "{alone:?}");
    let (computed, choices, steps) = choices_computed("one", true, &words).await;
    assert_eq!(computed, [alone[0], 1, 1, 1]);
    assert_eq!(choices, plain);
    // The others start together, with the step that follows the prompt's last.
    let tokens = choices.iter().map(|choice| u64::from(choice.finish.expect("an end").1)).max().unwrap_or(0);
    let of_prompt = (alone[0] as u64).div_ceil(512) + 1;
    assert!(
        steps <= of_prompt + tokens + 1,
        "{steps} steps, {of_prompt} of them before the others start, {tokens} tokens"
    );
    assert_ne!(choices[0].text, choices[1].text, "each is drawn for itself");
    let (of_nobody, ..) = choices_computed("", true, &words).await;
    assert_eq!(of_nobody, alone, "nobody's are not kept");
    let (short, ..) = choices_computed("one", true, "dice").await;
    assert!(short.iter().all(|tokens| *tokens == short[0]), "short ones do not wait: {short:?}");
}

#[tokio::test]
async fn others_start_while_choices_wait_for_their_prompt() {
    let gate = Gate::closed();
    let floor = floor_with(Script::new().gate(&gate), Settings { prefix_cache: true, ..settings() });
    let words = "long ".repeat(400);
    let job = Job { owner: Arc::from("one"), choices: 3, ..floor.job("a", &words) };
    let many = floor.model.submit(job).expect("room");
    let other = floor.ask("a", "short");
    gate.let_through(1);
    floor.probe.until(|seen| seen.at_gate && seen.sequences.len() == 2).await;
    let seen = floor.probe.seen();
    assert!(seen.sequences[1].prompt.contains("short"), "{:?}", seen.sequences[1].prompt);
    gate.open();
    assert_eq!(read_text(other).await, "short");
    assert_eq!(read(many).await.expect("an answer").len(), 3);
    floor.leaves_nothing().await;
}

#[tokio::test]
async fn nothing_stays_where_nothing_is_to_stay() {
    let floor = floor_with_both(Script::new(), false, false);
    for _ in 0..3 {
        assert_eq!(cached(&floor, "one", "the same").await, 0);
    }
    floor.leaves_nothing().await;
}
