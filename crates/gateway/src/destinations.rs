//! The places that can answer. Two kinds, one seam: [`Destination::send`] gives a [`Source`], a source gives pieces.
//!
//! What a destination is asked has been decided and recorded; nothing here may judge it again.

pub(crate) mod local;
pub(crate) mod remote;

use std::sync::Arc;

use crate::{
    error::ApiError,
    read::Ask,
    relay::{Piece, Usage},
};

/// One place that can answer.
#[derive(Debug)]
pub(crate) enum Destination {
    /// The local floor.
    Local(local::Floor),
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
    /// The request's name, which answers made here carry.
    pub(crate) answer_id: Arc<str>,
    /// When the answer begins, in seconds since 1970.
    pub(crate) created: u64,
    /// Whether the answer is wanted as a stream.
    pub(crate) stream: bool,
}

/// Where the pieces of one answer come from. Dropping it stops the work.
#[derive(Debug)]
pub(crate) enum Source {
    /// The local floor.
    Local(Box<local::Reply>),
    /// A remote.
    Remote(Box<remote::Reply>),
}

impl Destination {
    /// Sends the request; comes back when an answer has begun.
    pub(crate) async fn send(&self, errand: Errand) -> Result<Source, ApiError> {
        match self {
            Self::Local(floor) => Ok(Source::Local(Box::new(floor.send(errand).await?))),
            Self::Remote(remote) => Ok(Source::Remote(Box::new(remote.send(errand).await?))),
        }
    }
}

impl Source {
    /// The next piece of the answer. After [`Piece::Complete`] or [`Piece::Broken`] nothing follows. A wait that is given up
    /// loses the answer, not a piece of it: it is given up only together with the source.
    pub(crate) async fn next(&mut self) -> Piece {
        match self {
            Self::Local(reply) => reply.next().await,
            Self::Remote(reply) => reply.next().await,
        }
    }

    /// What the pieces given so far took.
    pub(crate) fn usage(&self) -> Usage {
        match self {
            Self::Local(reply) => reply.usage(),
            Self::Remote(reply) => reply.usage(),
        }
    }
}
