//! Tokens' scores in the two forms that OpenAI's API has for them. It must not know choices or streams.

use local_model::TokenScore;
use wire::answer::{CompletionLogProbs, LogProbs, ScoredToken, TopToken};

/// As chats tell them: with bytes.
pub(super) fn chat(scores: Vec<TokenScore>) -> LogProbs {
    let told = |score: TokenScore| ScoredToken {
        token: text(&score.bytes),
        logprob: score.logprob,
        bytes: Some(score.bytes),
        top_logprobs: score
            .top
            .into_iter()
            .map(|(_, bytes, logprob)| TopToken { token: text(&bytes), logprob, bytes: Some(bytes) })
            .collect(),
    };
    LogProbs::of_text(scores.into_iter().map(told).collect())
}

/// As completions tell them: in lists, with places counted in `characters` from the beginning of the answer.
pub(super) fn completion(scores: Vec<TokenScore>, characters: &mut u64) -> CompletionLogProbs {
    let mut told = CompletionLogProbs { top_logprobs: Some(Vec::new()), ..CompletionLogProbs::default() };
    for score in scores {
        let token = text(&score.bytes);
        told.text_offset.push(*characters);
        *characters = characters.saturating_add(token.chars().count() as u64);
        told.tokens.push(token);
        told.token_logprobs.push(Some(score.logprob));
        let top = score.top.into_iter().map(|(_, bytes, logprob)| (text(&bytes), logprob)).collect();
        told.top_logprobs.get_or_insert_default().push(Some(top));
    }
    told
}

/// A token as text. Part of a character is no text: it is replaced, and the bytes tell.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
