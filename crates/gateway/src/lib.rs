//! The road: HTTP in, nine steps, a destination, HTTP out.
//!
//! Its modules stand in the order in which a request meets them. It knows the words (`wire`) and the floor (`local_model`),
//! and no engine.

// The connection.
pub mod framing;
pub mod serve;

// What a request meets on the way.
pub mod app;
pub mod routes;

mod chat;
mod completions;
mod embeddings;
mod health;
mod models;

// The steps, in order; `keys` is what `identify` asks, `contents` what `inspect` reads, `judge` what `decide` asks, `outgoing` what a
// decision demands of the request, `permit` is the road's side of `record`, and of `payloads`.
mod identify;
pub mod keys;
mod read;

mod admit;
mod contents;
mod inspect;

mod decide;
pub mod judge;

mod disguise;
mod outgoing;

mod arrange;
mod reserve;

pub mod payloads;
mod permit;
pub mod record;

mod dispatch;

// How each place is doing; `dispatch` asks it before it sends, and tells it how that went.
pub mod availability;

mod destinations;

mod relay;

pub mod error;
mod metrics;

// What can be taken away, what would follow, how that is rehearsed, and what the log shows of the traffic.
pub mod drill;
pub mod traffic;
pub mod what_if;
pub mod withdrawal;

// Beside the road: the log for strangers, the index of requests, and witnesses.
pub mod indexing;
pub mod public_log;
pub mod witnesses;

// What the road stands on.
mod address;
pub mod changes;
pub mod clock;
pub mod config;
pub mod data_dir;
pub mod database;
pub mod reach;
pub mod tasks;

#[cfg(test)]
mod tests;
