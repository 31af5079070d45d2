//! The road: HTTP in, nine steps, a destination, HTTP out.
//!
//! Its modules stand in the order in which a request meets them. It knows the words (`wire`) and the floor (`local_model`),
//! and no engine.

// The connection.
pub mod framing;
pub mod serve;

// What a request meets on the way.

pub mod keys;
pub mod record;

// What the road stands on.
pub mod clock;
pub mod config;
pub mod tasks;
