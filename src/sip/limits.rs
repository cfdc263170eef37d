//! Bounds of the SIP room, units last. The general ones are in `base::limits`.

use std::time::Duration;

/// Legs whose task may be alive at once, inbound and outbound together, per permitted call.
pub const LEGS_PER_CALL_MAX: usize = 8;
/// Events waiting for the runtime; legs wait when it is full.
pub const EVENTS_MAX: usize = 4_096;
/// Commands waiting for one leg; more are refused to the caller of the handle.
pub const LEG_COMMANDS_MAX: usize = 32;
/// Messages of the peer waiting for one leg; more are dropped, the peer sends them again.
pub const LEG_MESSAGES_MAX: usize = 64;
/// Lines of the SIP ladder kept for one dialog; the first half stays, the newest replace the rest.
pub const LADDER_LINES_MAX: usize = 64;
/// Characters of one line of the ladder.
pub const LADDER_CHARS_MAX: usize = 240;

/// Media lines in one SDP body; more is refused.
pub const SDP_MEDIA_MAX: usize = 16;
/// Formats looked at on one media line; the rest are ignored.
pub const SDP_FORMATS_MAX: usize = 64;

/// Parts looked at in one multipart body.
pub const BODY_PARTS_MAX: usize = 8;
/// Characters kept of a display name, number, User-Agent or other text of the peer.
pub const PEER_TEXT_CHARS_MAX: usize = 128;
/// Characters of one header that we attach to an offer.
pub const OFFER_HEADER_CHARS_MAX: usize = 512;

/// TCP connections from one address.
pub const TCP_CONNECTIONS_PER_ADDRESS_MAX: usize = 32;
/// TCP connections in all.
pub const TCP_CONNECTIONS_MAX: usize = 1_024;
/// A connection on which nothing arrives for so long is closed.
pub const TCP_IDLE: Duration = Duration::from_secs(600);
/// A connection that is not up by then is given up.
pub const TCP_CONNECT: Duration = Duration::from_secs(3);
/// The same where UDP is the way out.
pub const TCP_CONNECT_TRY: Duration = Duration::from_millis(700);
/// A peer that does not take a message by then has its connection closed.
pub const TCP_SEND: Duration = Duration::from_secs(5);

/// Sent bytes that the peer has not taken by then end the connection (TCP_USER_TIMEOUT).
pub const TCP_STALL: Duration = Duration::from_secs(10);

/// Addresses whose rate and score are remembered; the quietest are forgotten first.
pub const SOURCES_MAX: usize = 20_000;
/// Messages a second and in a burst from one unknown address; more are dropped unread.
pub const STRANGER_RATE_PER_S: f64 = 30.0;
pub const STRANGER_BURST: f64 = 120.0;
/// The same for a trunk.
pub const TRUNK_RATE_PER_S: f64 = 4_000.0;
pub const TRUNK_BURST: f64 = 8_000.0;
/// Score at which an address is banned, and the time over which it is counted.
pub const BAN_SCORE: u32 = 10;
pub const BAN_WINDOW: Duration = Duration::from_secs(600);
/// How long a ban lasts.
pub const BAN: Duration = Duration::from_secs(600);

/// How long a digest nonce may be used.
pub const NONCE_LIFE: Duration = Duration::from_secs(300);
/// Nonces whose count is remembered; above it all are asked to take a fresh one.
pub const NONCES_MAX: usize = 20_000;

/// Contacts kept for one phone's address; a further one is refused with 403.
pub const CONTACTS_MAX: usize = 8;
/// Shortest and longest registration we grant, and what we grant unasked, in seconds.
pub const REGISTER_EXPIRES_S_MIN: u32 = 60;
pub const REGISTER_EXPIRES_S_MAX: u32 = 3_600;

/// Shortest session interval we accept (RFC 4028 section 4), seconds.
pub const MIN_SE_S: u32 = 90;

/// RFC 3261 timers.
pub const T1: Duration = Duration::from_millis(500);
pub const T2: Duration = Duration::from_secs(4);
/// 64·T1: how long a transaction lives without an answer.
pub const T1X64: Duration = Duration::from_secs(32);
/// A request that no response at all answered by then counts as sent to nobody.
pub const DIAL_SILENCE: Duration = Duration::from_secs(8);
/// How long an answered call waits for its ACK before a BYE goes out all the same.
pub const BYE_WITHOUT_ACK: Duration = Duration::from_secs(5);
/// How long the runtime may think about an offer of the peer in an existing session.
pub const CHANGE_ANSWER: Duration = Duration::from_secs(10);
/// How long an INVITE may ring without the runtime's final answer.
pub const INCOMING_RING: Duration = Duration::from_secs(180);
