//! The log: one line an event on standard error, as text or as JSON. What is logged is decided where it happens.

use clap::Args;
use tracing_subscriber::EnvFilter;

use crate::failure::Failure;

/// What `serve` logs, and what the other subcommands do, when not told otherwise.
const SERVING: &str = "info";
const OTHERWISE: &str = "error";

/// `--log`, `--log-json`
#[derive(Args, Clone, Debug)]
pub(crate) struct Log {
    /// What is logged: off, error, warn, info, debug, trace, or `gateway=debug,warn` and the like
    /// [default: info for serve, else error]
    #[arg(long, global = true, value_name = "FILTER")]
    log: Option<String>,
    /// Log one JSON object a line
    #[arg(long, global = true)]
    log_json: bool,
}

impl Log {
    /// Starts logging. To be called once.
    pub(crate) fn start(&self, serving: bool) -> Result<(), Failure> {
        let default = if serving { SERVING } else { OTHERWISE };
        let filter = self.log.as_deref().unwrap_or(default);
        let filter = EnvFilter::try_new(filter).map_err(|error| {
            Failure::usage(format!("`{filter}` does not say what to log: {error}"))
                .hint("a level such as `debug`, or `gateway=debug,warn`")
        })?;
        let colours = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr)
            .with_ansi(colours)
            .with_target(false);
        if self.log_json {
            subscriber.json().init();
        } else {
            subscriber.init();
        }
        Ok(())
    }
}
