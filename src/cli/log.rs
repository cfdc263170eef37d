//! The log: one line an event on standard error, numbers masked where they are written.

use tracing_subscriber::EnvFilter;

use crate::sip::LOG_DIRECTIVE;

/// Starts the log at `level`; `WARMLINE_LOG` overrides it.
pub fn start(level: &str) {
    let wanted = std::env::var("WARMLINE_LOG").unwrap_or_else(|_| level.to_owned());
    let filter = format!("{wanted},{LOG_DIRECTIVE},rten=warn,whisper_rs=warn,hyper=warn");
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false)
        .try_init();
}
