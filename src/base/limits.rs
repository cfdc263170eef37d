//! Every bound, with its unit last. A queue that is full says what it sheds.

use std::time::Duration;

/// SIP messages larger than this are refused before they are parsed.
pub const SIP_MESSAGE_BYTES_MAX: usize = 65_535;
/// Header lines in one SIP message.
pub const SIP_HEADERS_MAX: usize = 128;
/// SDP bodies larger than this are refused with 413.
pub const SDP_BYTES_MAX: usize = 8_192;
/// Lines of one SDP body.
pub const SDP_LINES_MAX: usize = 512;
/// Requests larger than this go by TCP where the contact allows (RFC 3261 section 18.1.1).
pub const SIP_UDP_REQUEST_BYTES_MAX: usize = 1_300;
/// The transcript attached to an offer's INVITE.
pub const OFFER_BODY_BYTES_MAX: usize = 4_096;
/// Simultaneous calls unless the configuration says otherwise.
pub const CALLS_MAX_DEFAULT: usize = 200;

/// A caller who waits for us hears that we are there after so much silence: whoever hears nothing
/// for 4 s thinks that the line is dead.
pub const HOLD_ON_AFTER_MS: u64 = 2_500;

/// What begins so soon after a turn's last voice may belong to its sentence.
pub const FOLLOWS_MS: u64 = 700;

/// One utterance; longer speech is cut here and goes on as the next.
pub const UTTERANCE_MS_MAX: u64 = 25_000;
/// Speech kept from before the voice was detected.
pub const PRE_ROLL_MS: u64 = 300;
/// Jobs waiting for a recogniser; partials are shed first, then the longest-waiting bridge speech.
pub const DECODE_QUEUE_MAX: usize = 64;
/// Text of one utterance kept, in characters.
pub const UTTERANCE_CHARS_MAX: usize = 2_000;
/// Turns kept for one call.
pub const TURNS_MAX: usize = 2_000;

/// Events waiting for one call's session; a call that falls this far behind is ended.
pub const CALL_EVENTS_MAX: usize = 1_024;
/// Commands drained from a session after one event; more is a bug in the session.
pub const COMMANDS_PER_EVENT_MAX: usize = 256;

/// Longest call unless the configuration says otherwise.
pub const CALL_DURATION_MAX: Duration = Duration::from_secs(2 * 3_600);
/// Silence on RTP that ends a leg, after the first packet.
pub const RTP_SILENCE: Duration = Duration::from_secs(15);
/// Silence on RTP that ends a leg which never sent a packet.
pub const RTP_SILENCE_FIRST: Duration = Duration::from_secs(30);
