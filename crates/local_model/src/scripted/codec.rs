//! The scripted model's vocabulary: a token for each byte, and a few for control. Pure.

use crate::{CodecError, Conversation, Dialect, Opened, Speaker, TextCodec, Thought, Token};

/// Begin of text.
pub const BEGIN: Token = 256;
/// End of a turn.
pub const END: Token = 257;
/// Opens a system turn.
pub const SYSTEM: Token = 258;
/// Opens a user's turn.
pub const USER: Token = 259;
/// Opens the model's turn.
pub const ASSISTANT: Token = 260;
/// Opens what a tool gave back.
pub const TOOL: Token = 261;
/// Tokens in all.
pub const VOCABULARY: usize = 262;

/// It reasons where its script says `<think>`.
static DIALECT: Dialect = Dialect { thought: Some(Thought { open: "<think>", close: "</think>" }), ..Dialect::PLAIN };

/// Every byte, so that a token's text can be borrowed.
static BYTES: [u8; 256] = every_byte();

/// One byte, one token; a chat is `BEGIN (ROLE text END)* ASSISTANT`.
#[derive(Debug)]
pub(super) struct ByteCodec;

impl TextCodec for ByteCodec {
    fn encode(&self, text: &str) -> Result<Vec<Token>, CodecError> {
        Ok(text.bytes().map(Token::from).collect())
    }

    fn encode_prompt(&self, text: &str) -> Result<Vec<Token>, CodecError> {
        Ok(std::iter::once(BEGIN).chain(text.bytes().map(Token::from)).collect())
    }

    fn encode_own(&self, text: &str) -> Result<Vec<Token>, CodecError> {
        self.encode(text)
    }

    fn open(&self, conversation: &Conversation) -> Result<Opened, CodecError> {
        if conversation.turns.is_empty() {
            return Err(CodecError::Template("there is no message to answer".to_owned()));
        }
        let mut tokens = vec![BEGIN];
        for turn in &conversation.turns {
            tokens.push(opening(turn.speaker));
            tokens.extend(turn.text.bytes().map(Token::from));
            tokens.push(END);
        }
        tokens.push(ASSISTANT);
        Ok(Opened { tokens, thinking: false })
    }

    fn dialect(&self) -> &Dialect {
        &DIALECT
    }

    fn bytes(&self, token: Token) -> &[u8] {
        let index = token as usize;
        BYTES.get(index..=index).unwrap_or_default()
    }

    fn is_end(&self, token: Token) -> bool {
        token == END
    }
}

/// The text of these tokens, with a line break for each control token.
pub(super) fn text_of(tokens: &[Token]) -> String {
    let bytes: Vec<u8> = tokens.iter().map(|&token| u8::try_from(token).unwrap_or(b'\n')).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What the last user in this prompt said; the whole prompt where there are no turns.
pub(super) fn last_user_turn(prompt: &[Token]) -> Vec<u8> {
    let turn = prompt.rsplit(|&token| token == USER).next().unwrap_or_default();
    let said = turn.split(|&token| token == END).next().unwrap_or_default();
    said.iter().filter_map(|&token| u8::try_from(token).ok()).collect()
}

/// What stands of the assistant's turn that the prompt leaves open; nothing where it leaves none.
pub(super) fn begun_turn(prompt: &[Token]) -> Option<Vec<u8>> {
    let begin = prompt.iter().rposition(|&token| token == ASSISTANT)?;
    prompt.get(begin..)?.iter().skip(1).map(|&token| u8::try_from(token).ok()).collect()
}

fn opening(speaker: Speaker) -> Token {
    match speaker {
        Speaker::System => SYSTEM,
        Speaker::User => USER,
        Speaker::Assistant => ASSISTANT,
        Speaker::Tool => TOOL,
    }
}

const fn every_byte() -> [u8; 256] {
    let mut bytes = [0; 256];
    let mut rest: &mut [u8] = &mut bytes;
    let mut value = 0;
    while let [first, others @ ..] = rest {
        *first = value;
        value = value.wrapping_add(1);
        rest = others;
    }
    bytes
}
