//! A model whose vectors count letters: for each of eight remainders, how many of a text's bytes leave it. Knows no meaning; must not
//! know the queue.

use std::sync::Arc;
use std::sync::mpsc::Receiver;

use super::codec::{BEGIN, END, VOCABULARY};
use crate::{CodecError, Embedder, EngineError, LoadedEmbedder, ModelCard, TextTokens, Token};

/// Numbers of its vectors.
pub const EMBEDDER_DIMENSIONS: usize = 8;
/// Tokens of one text at most: a byte each, and one at either end.
pub const EMBEDDER_TOKENS: usize = 64;
/// Tokens that it computes at once.
pub const EMBEDDER_BATCH_TOKENS: usize = 96;

/// The model, ready for [`crate::EmbeddingModel::start`].
pub fn embedder(name: &str) -> LoadedEmbedder {
    loaded(name, Counting { gate: None })
}

/// The same, which computes a batch for each word that it is sent, and none once it is sent no more.
pub fn gated_embedder(name: &str, gate: Receiver<()>) -> LoadedEmbedder {
    loaded(name, Counting { gate: Some(gate) })
}

fn loaded(name: &str, counting: Counting) -> LoadedEmbedder {
    let card = ModelCard {
        name: name.to_owned(),
        architecture: "scripted".to_owned(),
        context_tokens: EMBEDDER_TOKENS as u64,
        vocabulary: VOCABULARY as u64,
        dimensions: Some(EMBEDDER_DIMENSIONS as u64),
        ..ModelCard::default()
    };
    LoadedEmbedder { card, embedder: Box::new(counting), codec: Arc::new(Bytes) }
}

struct Counting {
    gate: Option<Receiver<()>>,
}

impl Embedder for Counting {
    fn batch_tokens_max(&self) -> usize {
        EMBEDDER_BATCH_TOKENS
    }

    fn embed(&mut self, texts: &[&[Token]]) -> Result<Vec<Vec<f32>>, EngineError> {
        if self.gate.as_ref().is_some_and(|gate| gate.recv().is_err()) {
            return Err(EngineError("the gate is gone".to_owned()));
        }
        let vector = |text: &&[Token]| {
            let mut counts = [0.0; EMBEDDER_DIMENSIONS];
            for token in text.iter().filter(|&&token| token < BEGIN) {
                if let Some(count) = counts.get_mut(*token as usize % EMBEDDER_DIMENSIONS) {
                    *count += 1.0;
                }
            }
            counts.to_vec()
        };
        Ok(texts.iter().map(vector).collect())
    }
}

struct Bytes;

impl TextTokens for Bytes {
    fn encode(&self, text: &str) -> Result<Vec<Token>, CodecError> {
        let bytes: Vec<Token> = text.bytes().map(Token::from).collect();
        Ok(self.whole(&bytes))
    }

    fn whole(&self, tokens: &[Token]) -> Vec<Token> {
        if tokens.first() == Some(&BEGIN) {
            return tokens.to_vec();
        }
        [&[BEGIN], tokens, &[END]].concat()
    }
}
