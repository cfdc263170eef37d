//! # What always holds
//!
//! - **One way.** Sound and messages flow from the socket to the call, commands flow back; only
//!   [`crate::runtime`] sees both ends.
//! - **The core does no I/O and so cannot fail for want of the world.** `call`, `policy`,
//!   `understanding`, `knowledge` have no clock, socket, thread or random source, and read no file
//!   but their own tables, before a call has them. Time is an argument. `tests/tidy.rs` looks for
//!   what would break this.
//! - **One owner a call.** A call's session is driven by one task; nothing else touches it.
//! - **One disposition a call**, written when it ends and never changed.
//! - **One terminal step a batch.** Whatever the caller does, the dialogue's answer ends in
//!   waiting, asking a system, a person, or goodbye: never in nothing.
//! - **No agent in two calls.** A reservation is claimed and released in one place, the desk.
//! - **The briefing is private.** No sound crosses between caller and agent before the agent
//!   accepted; the mixer's routes change in one tick.
//! - **No recorder before consent**, none during card data, none of briefings.
//! - **Every play, lookup, dial and decode has an end** that reaches the call: done, stopped,
//!   failed, or its timer.
//! - **Nobody waits for us in silence.** However busy the recognisers are, a caller hears an
//!   answer, a question, music, or "one moment, please" 2.5 s after their last word, and within 4 s
//!   where a sentence of ours is long in the making. Of the sentences that follow, one that is late
//!   is preceded by the same 2.5 s after the last sound of ours.
//! - **Late events are ignored.** Offers, plays and requests carry numbers that are never reused.
//! - **Personal data prints itself nowhere.** It travels in [`crate::base::pii::Pii`].
//!
//! Deliberately absent: a language model or a cloud service on the path of a call; a task per RTP
//! packet; a session that waits for ever.
