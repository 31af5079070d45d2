//! What an answer says.

use super::*;
use crate::{Continuation, Dialect, Listener, Refused};

#[tokio::test]
async fn an_answer_comes_whole_and_counts_its_tokens() {
    let floor = floor(Script::new().answer("capital", "Paris"));
    let choices = read(floor.ask("a", "the capital of France?")).await.expect("an answer");
    assert_eq!(choices, [Choice { text: "Paris".to_owned(), scores: Vec::new(), finish: Some((Finish::Stop, 6)) }]);
    let load = floor.model.load();
    let prompt = floor.job("a", "the capital of France?").prompt.len() as u64;
    assert_eq!((load.prompts_total, load.prompt_tokens_total, load.answer_tokens_total), (1, prompt, 6));
    assert_eq!((load.running, load.queued, load.paused, load.cache_tokens_held), (0, 0, 0, 0));
    floor.leaves_nothing().await;
}

#[tokio::test]
async fn characters_of_several_tokens_come_whole() {
    let words = "\u{ac00}\u{1F600} na\u{ef}ve";
    let floor = floor(Script::new().answer_bytes("cut", b"ab\xf0\x9f"));
    assert_eq!(read_text(floor.ask("a", words)).await, words);
    assert_eq!(read_text(floor.ask("a", "cut")).await, "ab\u{fffd}");
    floor.leaves_nothing().await;
}

#[tokio::test]
async fn a_stop_string_ends_the_answer_and_is_not_told() {
    let floor = floor(Script::new().endless("count", "one two "));
    let stop = vec!["o one".to_owned(), "never".to_owned()];
    let job = Job { stop, top_logprobs: Some(1), ..floor.job("a", "count") };
    let choices = read(floor.model.submit(job).expect("room")).await.expect("an answer");
    assert_eq!(choices[0].text, "one tw");
    assert_eq!(choices[0].finish, Some((Finish::Stop, 11)));
    assert_eq!(choices[0].scores.len(), 6);
    floor.leaves_nothing().await;
}

#[tokio::test]
async fn an_answer_ends_at_its_length_or_at_the_contexts() {
    let floor = floor(Script::new().endless("count", "12345").capacity(small(32, 16)));
    let ask = |answer_tokens_max| {
        let job = Job { answer_tokens_max, stop: vec!["345x".to_owned()], ..floor.job("a", "count") };
        floor.model.submit(job).expect("room")
    };
    let choices = read(ask(4)).await.expect("an answer");
    assert_eq!((choices[0].text.as_str(), choices[0].finish), ("1234", Some((Finish::Length, 4))));
    let prompt = floor.job("a", "count").prompt.len();
    let choices = read(ask(u32::MAX)).await.expect("an answer");
    assert_eq!(choices[0].finish, Some((Finish::Length, u32::try_from(32 - prompt).expect("few"))));
    floor.leaves_nothing().await;
}

#[tokio::test]
async fn scores_come_with_every_token_that_has_text() {
    let floor = floor(Script::new());
    let job = Job { top_logprobs: Some(3), ..floor.job("a", "\u{e9}!") };
    let choices = read(floor.model.submit(job).expect("room")).await.expect("an answer");
    let bytes: Vec<&[u8]> = choices[0].scores.iter().map(|score| &score.bytes[..]).collect();
    assert_eq!(bytes, [&b"\xc3"[..], b"\xa9", b"!"]);
    for score in &choices[0].scores {
        assert!(score.logprob > -1e-3 && score.logprob <= 0.0);
        assert_eq!((score.top.len(), score.top[0].0), (3, score.token));
        assert!(score.top[1].2 < -30.0 && score.top[1].2 >= score.top[2].2);
    }
    floor.leaves_nothing().await;
}

#[tokio::test]
async fn choices_differ_and_a_seed_repeats_whatever_else_is_computed() {
    let floor = floor(Script::new().chance("dice", 40));
    let dice = |seed| {
        let sampling = Sampling { seed, ..Sampling::default() };
        Job { choices: 4, sampling, ..floor.job("a", "dice") }
    };
    let alone = read(floor.model.submit(dice(7)).expect("room")).await.expect("an answer");
    assert_eq!(alone.len(), 4);
    for (number, choice) in alone.iter().enumerate() {
        assert_eq!((choice.text.len(), choice.finish), (40, Some((Finish::Stop, 41))));
        assert!(alone[..number].iter().all(|other| other.text != choice.text));
    }
    let crowd: Vec<Answer> = (0..30).map(|seed| floor.model.submit(dice(seed)).expect("room")).collect();
    let mut among_others = Vec::new();
    for answer in crowd {
        among_others.push(read(answer).await.expect("an answer"));
    }
    assert_eq!(among_others[7], alone);
    assert_ne!(among_others[8], alone);
    floor.leaves_nothing().await;
}

#[tokio::test]
async fn what_cannot_be_served_is_refused_with_a_reason() {
    let floor = floor(Script::new().capacity(small(32, 16)));
    let good = floor.job("a", "hello");
    let refused = |job: Job| floor.model.submit(job).expect_err("refused");
    assert_eq!(refused(Job { prompt: vec![1; 32], ..good.clone() }), Refused::TooLong { prompt: 32, context: 32 });
    let sampling = |sampling: Sampling| Job { sampling, ..good.clone() };
    for (job, reason) in [
        (Job { prompt: Vec::new(), ..good.clone() }, "the prompt is empty"),
        (Job { prompt: vec![9_999], ..good.clone() }, "the prompt holds token 9999, which this model does not know"),
        (Job { choices: 0, ..good.clone() }, "no answer is asked for"),
        (Job { choices: 129, ..good.clone() }, "more than 128 answers are asked for"),
        (Job { answer_tokens_max: 0, ..good.clone() }, "no answer is asked for"),
        (Job { stop: vec![String::new()], ..good.clone() }, "a stop string is empty"),
        (sampling(Sampling { temperature: f32::NAN, ..Sampling::default() }), "`temperature` is out of range"),
        (sampling(Sampling { top_p: 1.1, ..Sampling::default() }), "`top_p` is out of range"),
        (sampling(Sampling { repetition_penalty: 0.0, ..Sampling::default() }), "`repetition_penalty` is out of range"),
        (
            sampling(Sampling { logit_bias: vec![(262, 1.0)], ..Sampling::default() }),
            "`logit_bias` names token 262, which this model does not know",
        ),
    ] {
        assert_eq!(refused(job), Refused::Unservable(reason.to_owned()));
    }
    assert_eq!(read_text(floor.model.submit(good).expect("room")).await, "hello");
    floor.leaves_nothing().await;
}

/// An answer cut anywhere, inside a character's bytes' neighbours or a word, is gone on with to the byte; what was given is not
/// told again, and the tokens taken back are chosen again.
#[tokio::test]
async fn a_begun_answer_is_gone_on_with() {
    let said = "The capital of Korea is Seoul (서울) 🇰🇷.";
    let floor = floor(Script::new().answer("capital", said));
    let cuts: Vec<usize> = said.char_indices().map(|(at, _)| at).skip(1).collect();
    for cut in cuts {
        let (given, rest) = said.split_at(cut);
        let begun = Continuation::of(given, floor.model.codec()).expect("any words");
        assert!(begun.taken_back > 0 && begun.tokens.len() + begun.taken_back == given.len(), "one byte, one token");
        let mut job = floor.job("a", "capital?");
        job.prompt.extend(&begun.tokens);
        job.begins_with = begun.begins_with;
        let choices = read(floor.model.submit(job).expect("room")).await.expect("an answer");
        assert_eq!(choices[0].text, rest, "cut at {cut}");
    }
    floor.leaves_nothing().await;
}

/// The likeliest token is passed over where it does not go on as it must.
#[tokio::test]
async fn what_an_answer_must_begin_with_comes_before_what_is_likely() {
    let floor = floor(Script::new().answer("capital", "Seoul."));
    let job = Job { begins_with: b"Xx".to_vec(), ..floor.job("a", "capital?") };
    let choices = read(floor.model.submit(job).expect("room")).await.expect("an answer");
    assert_eq!((choices[0].text.as_str(), choices[0].finish), ("oul.", Some((Finish::Stop, 7))));
    floor.leaves_nothing().await;
}

/// A dialect that answers in messages.
fn in_messages() -> Dialect {
    Dialect::of_template("{{ tools }}<|channel|>")
}

#[tokio::test]
async fn an_answer_in_messages_is_over_where_its_last_message_is() {
    let rest = "<|start|>user<|message|>And then? ";
    let said = "<|channel|>analysis<|message|>two<|end|><|start|>assistant<|channel|>final<|message|>4<|end|>";
    let script = Script::new().dialect(in_messages()).answer("sum", &format!("{said}{rest}"));
    let floor = floor(script.answer("whole", "<|channel|>final<|message|>4<|return|>4"));
    let listener = Some(Listener::new(in_messages(), false, false));
    let mut answer = floor.model.submit(Job { listener: listener.clone(), ..floor.job("a", "sum") }).expect("room");
    let (mut text, mut found, mut finish) = (String::new(), Vec::new(), None);
    while let Some(event) = answer.next().await {
        match event {
            Event::Text { text: more, marks, .. } => {
                found.extend(marks.into_iter().map(|mark| text.len() + mark));
                text.push_str(&more);
            }
            Event::Finished { reason, completion_tokens, .. } => finish = Some((reason, completion_tokens)),
            Event::Failed { message } => panic!("{message}"),
        }
    }
    let marks: Vec<usize> = said.match_indices("<|").map(|(place, _)| place).collect();
    assert_eq!((text.as_str(), found), (said, marks), "nothing after its end, and every mark told as one");
    assert_eq!(finish, Some((Finish::Stop, 33)), "a token for each mark and for each letter");
    // Without a listener, it goes on to the end token; with one, an end token ends it all the same.
    assert_eq!(read_text(floor.ask("a", "sum")).await, format!("{said}{rest}"));
    let job = Job { listener, ..floor.job("a", "whole") };
    assert_eq!(read_text(floor.model.submit(job).expect("room")).await, "<|channel|>final<|message|>4");
    floor.leaves_nothing().await;
}

#[tokio::test]
async fn an_answer_in_messages_is_gone_on_with_in_its_words() {
    let floor =
        floor(Script::new().dialect(in_messages()).answer("capital", "<|channel|>final<|message|>Seoul. <|end|>"));
    let begun = Continuation::of("Seo", floor.model.codec()).expect("any words");
    assert_eq!((begun.begins_with.as_slice(), begun.taken_back), (b"Seo".as_slice(), 3));
    let mut job = floor.job("a", "capital?");
    job.listener = Some(Listener::going_on(in_messages()));
    job.prompt.extend(&begun.tokens);
    job.begins_with = begun.begins_with;
    let choices = read(floor.model.submit(job).expect("room")).await.expect("an answer");
    assert_eq!((choices[0].text.as_str(), choices[0].finish), ("ul. <|end|>", Some((Finish::Stop, 8))));
    floor.leaves_nothing().await;
}

#[tokio::test]
async fn stop_strings_and_scores_are_of_what_an_answer_in_messages_says() {
    let said = "<|channel|>analysis<|message|>two<|end|><|start|>assistant<|channel|>final<|message|>4 or so<|end|>";
    let floor = floor(Script::new().dialect(in_messages()).answer("sum", said));
    let listener = Some(Listener::new(in_messages(), false, false));
    let job = |stop: &str| {
        let stop = vec![stop.to_owned()];
        Job { listener: listener.clone(), stop, top_logprobs: Some(0), ..floor.job("a", "sum") }
    };
    for stop in ["assistant", "<|end|>", "final", "analysis", "<", "two<", "<|message|>4"] {
        let choices = read(floor.model.submit(job(stop)).expect("room")).await.expect("an answer");
        assert_eq!(choices[0].text, said, "{stop}");
        let scored: Vec<u8> = choices[0].scores.iter().flat_map(|score| score.bytes.clone()).collect();
        assert_eq!(String::from_utf8_lossy(&scored), "two4 or so", "{stop}");
    }
    let choices = read(floor.model.submit(job(" or")).expect("room")).await.expect("an answer");
    assert!(choices[0].text.ends_with("<|message|>4"), "{}", choices[0].text);
    floor.leaves_nothing().await;
}
