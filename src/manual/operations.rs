//! # Running it
//!
//! - **Install**: `./dev run` on Debian or Ubuntu; then `warmline init FOLDER`, `warmline check`,
//!   `warmline serve --config FOLDER/warmline.toml`.
//! - **Stop**: SIGTERM or Ctrl-C. `/readyz` turns 503, new calls get 503, running calls go on to
//!   their end or half a minute, then hear an apology. A second signal ends at once.
//! - **Watch**: `/healthz` (200 while alive; its parts say what is degraded), `/readyz`, `/metrics`
//!   (calls by disposition, first-audio histogram, decode queue, late frames, time to a person).
//! - **Slow answers?** `warmline_held_on_total` counts callers who were asked for a moment, for
//!   their words or our sentence came late, `warmline_turns_lost_total` those who had to say it
//!   again, for their words did not come within 6 s. `warmline bench models` says how many may
//!   speak at once on this machine; another program on its cores slows all of them.
//! - **No sound?** Look for "no RTP from ADDRESS after 3 s": set `public_address` of `[sip]` or of
//!   the trunk, and open the RTP ports of `[media]`.
//! - **Calls refused, pages gone?** The log says at the start how many file handles calls and
//!   connections may need, where the system gives fewer: raise `LimitNOFILE` (or `ulimit -Hn`).
//! - **After a crash**: calls that ran are closed as `system_failure`, recordings are mended to
//!   their last flushed second.
//! - **Back up** the folder `data`: the database (with its `-wal`) and the recordings.
//! - **Call back** whom the page of call-backs shows (supervisors). A connector `call_back` passes
//!   each wish on to the business system; where that fails the wish stays open.
//! - **Erase a caller** on their page (admin), which takes records, search index, recordings and
//!   wishes to be called back.
//! - **Speed of the recogniser**: it is compiled for the machine it is built on (see
//!   `.cargo/config.toml`). After an update of Warmline in a folder that was built before, whisper
//!   may have to be built anew: `cargo clean --release -p whisper-rs-sys`. `warmline bench models`
//!   says what the machine can do; `speech.model = "auto"` takes the model it advises.
//! - **Add a language**: a folder of its code (`de`) in each of `policy`, `knowledge` and
//!   `understanding` of the tables: `language.toml` (how callers ask for it) and `prompts.toml`;
//!   `answers.toml`; `words`, `intents`, `commands`, `alarms`, `stress`, `slots`, `heard` and, if
//!   you like, `examples`. `warmline check` names what is missing, by file. Calls begin in the
//!   language of the dialled number, else the trunk's, else the company's.
//! - **Models by hand**: `warmline models import FILE` where no source is reached.
