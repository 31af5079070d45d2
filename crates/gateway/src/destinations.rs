//! The places that can answer. Two kinds, one seam: [`Destination::send`] gives a [`Source`], a source gives pieces.
//!
//! What a destination is asked has been decided and recorded; nothing here may judge it again.

pub(crate) mod local;
pub(crate) mod remote;

use std::sync::Arc;

use http::StatusCode;
use wire::error::Code;

use crate::{
    error::ApiError,
    read::Ask,
    relay::{Partial, Piece, Usage, continuing},
};

/// One place that can answer.
#[derive(Debug)]
pub(crate) enum Destination {
    /// The local floor.
    Local(local::Floor),
    /// What makes vectors of texts on this machine.
    Embedder(local::Embedder),
    /// An OpenAI-compatible service outside.
    Remote(Box<remote::Remote>),
}

/// One request on its way to a destination.
#[derive(Debug)]
pub(crate) struct Errand {
    /// What is asked.
    pub(crate) ask: Arc<Ask>,
    /// The model, as the configuration calls it at that destination.
    pub(crate) model: Arc<str>,
    /// Whose request it is, for fairness in queues: the key's id.
    pub(crate) caller: Arc<str>,
    /// Whom that key was given to: what is computed for one team never serves another.
    pub(crate) team: Arc<str>,
    /// The request's name, which answers made here carry.
    pub(crate) answer_id: Arc<str>,
    /// When the answer begins, in seconds since 1970.
    pub(crate) created: u64,
    /// Whether the answer is wanted as a stream.
    pub(crate) stream: bool,
    /// What another destination had answered before it broke off: this one is to go on from there.
    pub(crate) continuing: Option<Partial>,
}

/// Where the pieces of one answer come from. Dropping it stops the work.
#[derive(Debug)]
pub(crate) enum Source {
    /// The local floor.
    Local(Box<local::Reply>),
    /// Vectors made on this machine.
    Vectors(Box<local::VectorsReply>),
    /// A remote.
    Remote(Box<remote::Reply>),
}

impl Errand {
    /// Where it is to go on with what another had answered: the request that asks for that in words.
    fn asked_to_go_on(mut self) -> Result<Self, ApiError> {
        if let Some(partial) = self.continuing.take() {
            let asked = continuing(&self.ask, &partial).ok_or_else(|| {
                let message = "too little was given of the answer, or nothing is left of its limit of tokens";
                ApiError::gateway(StatusCode::BAD_GATEWAY, Code::AnswerInterrupted, message)
            })?;
            self.ask = Arc::new(asked);
        }
        Ok(self)
    }
}

impl Destination {
    /// Sends the request; comes back when an answer has begun.
    pub(crate) async fn send(&self, errand: Errand) -> Result<Source, ApiError> {
        match self {
            Self::Local(floor) => Ok(Source::Local(Box::new(floor.send(errand).await?))),
            Self::Embedder(embedder) => Ok(Source::Vectors(Box::new(embedder.send(&errand).await?))),
            Self::Remote(remote) => Ok(Source::Remote(Box::new(remote.send(errand.asked_to_go_on()?).await?))),
        }
    }
}

impl Source {
    /// The next piece of the answer. A [`Piece::Part`] is never given before something is said: until then another
    /// destination may answer in this one's place. After [`Piece::Complete`] or [`Piece::Broken`] nothing follows. A wait that is given up
    /// loses the answer, not a piece of it: it is given up only together with the source.
    pub(crate) async fn next(&mut self) -> Piece {
        match self {
            Self::Local(reply) => reply.next().await,
            Self::Vectors(reply) => reply.next().await,
            Self::Remote(reply) => reply.next().await,
        }
    }

    /// Whether the pieces so far hold anything of an answer: a word, a thought, a call of a tool, a refusal.
    pub(crate) fn says_something(&self) -> bool {
        match self {
            Self::Local(reply) => reply.says_something(),
            // They come whole.
            Self::Vectors(_) => false,
            Self::Remote(reply) => reply.says_something(),
        }
    }

    /// What the pieces given so far took.
    pub(crate) fn usage(&self) -> Usage {
        match self {
            Self::Local(reply) => reply.usage(),
            Self::Vectors(reply) => reply.usage(),
            Self::Remote(reply) => reply.usage(),
        }
    }
}
