//! # What was decided, and why
//!
//! - **A back-to-back user agent.** The caller's dialog never changes; hold, briefing and bridge
//!   are moves of our mixer. Nothing a peer cannot do can spoil a transfer.
//! - **`rsipstack` behind `sip`.** It survived every torture message and held 2,000 calls a second
//!   here; what it lacks (session timers, reliable provisional responses as a server, the
//!   registrar, request checks, admission before a dialog exists) is ours.
//! - **The media loop belongs to few threads** that tick all legs every 20 ms by absolute
//!   deadlines. Prompts are encoded once a codec; a leg that plays one costs a copy and a send.
//! - **Whisper with its context cut to the turn** and an end guard: an eighth of the plain
//!   decode's time at about its errors. One thread a worker: two spin against each
//!   other. Lending a lone turn the idle core was tried: beside any other program one decode then
//!   takes 4.5 s instead of 0.4.
//! - **Voice activity by `earshot`**: 8 KB an instance and almost no time, because hundreds of
//!   calls listen at once.
//! - **Rules as tables, with reasons.** What an operator cannot read, an operator cannot trust.
//! - **SQLite with FULL and group commit**: a call's facts are on the disk within 50 ms, for all
//!   calls in one write.
//! - **One build profile.** `./dev run`, `test` and `bench` share it, so nothing is built twice.
//! - **For an agent whose phone is the browser the card is the briefing**: accepting joins at once.
//!   Who would rather hear it presses "hear summary" while it rings, which picks up in private as
//!   a phone does; in the talk the same button says it to the agent alone. What the caller is
//!   told (a person is called, who knows the matter) plays while it rings. The agent's name is
//!   said at the join, for until then it may be another's; it never delays the two voices.
//! - **Lists are told that something changed, never what**, and fetch by their own rights: one
//!   stream for all of them, closed while nobody looks, with polling behind it.
//! - **Smart Turn is asked where the text is open**, and only while a core is idle. `cargo bench
//!   --bench turns -- smart`: 16 human clips over G.711, quiet and at 20 dB, 299 places between
//!   words, 32 ends, pauses of 0.3 to 1.2 s at each. At a mean wait of 700 ms the text alone cuts
//!   off 39.8 % and both 21.1 %: 18.7 points less, 95 % of draws of clips from 12.6 to 22.9 (at
//!   600 ms 8.4, from 0.0 to 16.1). To be minded: the tables know none of these sentences, a cut
//!   between two words is plainer than a real hesitation, and on synthetic voices the model sees
//!   nothing. `[speech] end_of_turn = "text"` leaves it out.
//! - **Sentences are compared in whole numbers.** MiniLM's weights are rounded to 7 bits and what
//!   passes through them to 8: a quarter of the memory, the same vectors on every processor, and
//!   cosines within 0.03 of the exact ones. `rten-gemm` 0.27 mixes up the zeros of rows beyond its
//!   first tile where it is given one for each row; so they are taken off afterwards.
//! - **A voice over a prompt must show words.** Its length alone silences the prompt after half a
//!   second; a look at one second, and every one or two after it, finds words or lets the prompt go
//!   on where it was, with the ear open. Two such voices within 20 s, and only words interrupt: a
//!   television costs two short silences, not one for each of its sentences.
//! - **Words so far do only what can be undone**: attention, a place in the queue, a recording that
//!   pauses. They say nothing and send nobody anywhere; the whole turn does.
//! - **No partial's text is a turn's text.** One that ends within 120 ms of the last voice, as 12 %
//!   of turns have, changes 34 of 215 words in 12 of 24 turns, and saves 80 ms at most (`cargo
//!   bench --bench turns -- partials`). The decode in the pause hears the end of the last word.
//! - **A short answer gets a second look.** "Yep" was not lost by voice activity but by the guard:
//!   in a cut context its text is a doubtful "yeah" or "yet". Where no prompt plays and the
//!   first text of a short voice is not believed, it is decoded once more with 384 positions;
//!   `cargo bench --bench turns -- short` tells where answers are lost.
//! - **Timed tests are not tests.** Behaviour is tested; time is measured by `./dev bench` beside a
//!   baseline of the same run.
