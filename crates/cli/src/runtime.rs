//! The runtime that a subcommand's asynchronous work runs on.

use tokio::runtime::{Builder, Runtime};

use crate::failure::Failure;

/// A new one; one a process is enough.
pub(crate) fn new() -> Result<Runtime, Failure> {
    let built = Builder::new_multi_thread().enable_all().thread_name("gwanmun").build();
    built.map_err(|error| Failure::trouble(format!("the system gives no threads: {error}")))
}
