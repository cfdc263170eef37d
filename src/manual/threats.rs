//! # What is attacked, and what must hold
//!
//! | Attack | Our rule |
//! |---|---|
//! | RTP sprayed at our ports | the SDP's address first, locked early |
//! | SIP floods and scans | size, ban, rate, form, trunk, room: before a dialog exists |
//! | Torture messages | answered or dropped; the process lives |
//! | Foreign pages that call, or too often | allowed origins; limits by address and in total |
//! | A browser with another certificate than its offer's | no keys are agreed: nothing is heard |
//! | An old tab that restarts or leaves another tab's seat | the seat's own secret, not the login |
//! | Web connections that say nothing | so many, and of one address; 30 s a head, 10 s a body |
//! | Digest leaks | a challenge is answered only to the host of that trunk |
//! | Dial strings (`500&SIP/…`) | numbers are parsed into a type that holds nothing else |
//! | Markup in names, agents, transcripts | text nodes only, and no inline script runs |
//! | Another site opens the desk's line | our own Origin only; the call must be on that desk |
//! | Paths | files are named by our ids, never by a caller |
//! | Links guessed or kept | random, one agent's own, closed after wrap-up |
//! | A recording that fills the disk | a quota; the call goes on, an alarm is raised |
//! | Spoken card numbers | recorder and transcript pause; what slipped through is masked |
//! | Regressions of the above | `tests/` plays them against the real binary |
//!
//! Not defended here: a hostile operator, a stolen disk without encryption, SIP over the open
//! internet without TLS (not built yet; put a session border controller in front).
