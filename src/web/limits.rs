//! Bounds of the web, units last.

use std::time::Duration;

/// Connections at once, and from one address, behind which a whole office may be; a proxy on this
/// machine may have all.
pub const CONNECTIONS_MAX: usize = 2_048;
pub const CONNECTIONS_PER_ADDRESS_MAX: usize = 512;
/// A client that has not finished its TLS handshake by then is let go.
pub const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
/// So is one whose next request has not begun and come to the end of its head.
pub const HEAD_WITHIN: Duration = Duration::from_secs(30);

/// Path and query of a request, bytes; longer ones get 414.
pub const URI_BYTES_MAX: usize = 2_048;
/// Body of a form or of a JSON request, bytes; larger ones get 413.
pub const BODY_BYTES_MAX: usize = 16_384;
/// How much of a body that is too large is still read, bytes, so that the answer arrives.
pub const BODY_DRAINED_BYTES_MAX: usize = 1_048_576;
/// Within this time of its head a request has to be there as a whole; then 408.
pub const BODY_WITHIN: Duration = Duration::from_secs(10);
/// One filter of the list, characters.
pub const FILTER_CHARS_MAX: usize = 200;
/// Calls on one page unless asked otherwise.
pub const PAGE_CALLS: u32 = 50;
/// The farthest page.
pub const PAGE_MAX: u32 = 10_000;
/// Sound read at once from a recording, bytes.
pub const AUDIO_CHUNK_BYTES: usize = 65_536;

/// One message of a desk's page, bytes.
pub const SOCKET_BYTES_MAX: usize = 32_768;
/// How often a desk's session is looked at, and its page is asked whether it is there.
pub const SOCKET_LOOK_EVERY: Duration = Duration::from_secs(20);

/// Streams of changes that one user has open, and all together; further pages poll.
pub const STREAMS_OF_USER_MAX: usize = 16;
pub const STREAMS_MAX: usize = 512;
/// Changes within this time are told as one. The store commits what happened well within it.
pub const CHANGES_EVERY: Duration = Duration::from_millis(300);
/// How long news waits for a slower disk.
pub const ON_DISK_WITHIN: Duration = Duration::from_secs(5);
/// When a page whose stream broke comes back.
pub const STREAM_COMES_AGAIN: Duration = Duration::from_secs(2);

/// Passwords hashed at the same time.
pub const HASHES_AT_ONCE: usize = 2;
/// How long a login waits for its turn to be hashed; then 503.
pub const HASH_WAIT_MAX: Duration = Duration::from_secs(5);
/// Failed logins are counted over this time.
pub const GATE_WINDOW: Duration = Duration::from_secs(600);
/// Failed logins from one address, for one name from one address, and for one name from all.
pub const GATE_ADDRESS_TRIES_MAX: u32 = 30;
pub const GATE_PAIR_TRIES_MAX: u32 = 8;
pub const GATE_NAME_TRIES_MAX: u32 = 100;
/// A user's looks at one call within this time are one row of the audit.
pub const VIEW_EVERY: Duration = Duration::from_secs(600);
/// Keys the gate remembers; beyond it the oldest are forgotten.
pub const GATE_KEYS_MAX: usize = 10_000;
/// Wishes to be called back that are taken from one address within the gate's window.
pub const CALL_BACKS_MAX: u32 = 5;
