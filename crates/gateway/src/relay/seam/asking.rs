//! How another destination is asked to go on: the conversation, what was given as the assistant's turn, and a request to repeat
//! its last words, in the language spoken. Knows nothing of what comes back.

use bytes::Bytes;
use inspect::language::{Language, guess};
use serde_json::{Value, json};
use wire::chat::ChatRequest;

use super::Partial;
use crate::read::{Ask, Words};

/// Tokens that repeating the anchor may take, beside those that are left for the answer: a character is a token at most, in
/// nearly every tokenizer.
const ANCHOR_TOKENS: u64 = super::ANCHOR_CHARS as u64;

/// The request that asks to go on after `partial`: nothing where there is nothing to ask for any more, or too little was given to
/// know it again by.
pub(crate) fn continuing(ask: &Ask, partial: &Partial) -> Option<Ask> {
    let Words::Chat(request) = &ask.words else { return None };
    let anchor = partial.anchor()?;
    let mut body: Value = serde_json::from_slice(&request.to_json(&request.model)).ok()?;
    let left = left(request, partial)?;
    for name in ["max_tokens", "max_completion_tokens"] {
        if let (Some(limit), Some(left)) = (body.get_mut(name).filter(|limit| limit.is_number()), left) {
            *limit = left.saturating_add(ANCHOR_TOKENS).into();
        }
    }
    let messages = body.get_mut("messages")?.as_array_mut()?;
    messages.push(json!({"role": "assistant", "content": partial.text()}));
    messages.push(json!({"role": "user", "content": instruction(spoken(request, partial), anchor)}));
    ask.rewritten(Bytes::from(serde_json::to_vec(&body).ok()?))
}

/// Tokens that are left of the answer's limit, if it has one; nothing where none is left.
#[expect(clippy::option_option, reason = "no limit and nothing left are two answers")]
fn left(request: &ChatRequest, partial: &Partial) -> Option<Option<u64>> {
    match request.answer_tokens_max() {
        None => Some(None),
        Some(most) => u64::from(most).checked_sub(partial.tokens()).filter(|left| *left > 0).map(Some),
    }
}

/// The answer's own language, or else that of the last thing said before it.
fn spoken(request: &ChatRequest, partial: &Partial) -> Language {
    let of_answer = guess(partial.text());
    if of_answer != Language::Unknown {
        return of_answer;
    }
    request.turns().last().map_or(Language::Unknown, |turn| guess(&turn.text))
}

fn instruction(language: Language, anchor: &str) -> String {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the list is open, and English is what most models know best")]
    let words = match language {
        Language::Korean => {
            "방금 답변이 기술적인 문제로 중간에 끊겼습니다. 끊긴 곳에서 그대로 이어서 써 주세요. 먼저 아래의 마지막 글자들을 \
             따옴표 없이 한 글자도 바꾸지 말고 그대로 되풀이한 다음, 바로 이어서 나머지를 쓰세요. 그 앞에 아무 말도 쓰지 \
             말고, 이어서 쓴다는 말도 하지 마세요."
        }
        Language::Japanese => {
            "直前の回答は技術的な理由で途中で切れました。切れたところからそのまま続けてください。まず次の末尾の文字列を、\
             引用符を付けず一字も変えずに繰り返し、すぐに残りを続けてください。その前には何も書かず、続けることにも\
             触れないでください。"
        }
        Language::Vietnamese => {
            "Câu trả lời vừa rồi bị ngắt giữa chừng vì lỗi kỹ thuật. Hãy viết tiếp đúng từ chỗ bị ngắt. Trước hết, lặp lại \
             nguyên văn những ký tự cuối dưới đây, không dùng dấu ngoặc kép, rồi viết tiếp ngay phần còn lại. Không viết gì \
             trước chúng và không nói rằng bạn đang viết tiếp."
        }
        Language::French => {
            "Votre réponse précédente a été interrompue par un incident technique. Reprenez-la exactement là où elle s’est \
             arrêtée. Commencez par répéter mot pour mot, sans guillemets, les derniers caractères ci-dessous, puis continuez \
             aussitôt. N’écrivez rien avant eux et ne dites pas que vous continuez."
        }
        _ => {
            "Your previous answer was cut off by a technical fault. Continue it exactly where it ended. Begin by repeating \
             the last characters below word for word, without quotation marks, then go straight on with the rest. Write \
             nothing before them, and do not say that you are continuing."
        }
    };
    format!("{words}\n\n{anchor}")
}

#[cfg(test)]
pub(super) fn instruction_in(language: Language, anchor: &str) -> String {
    instruction(language, anchor)
}
