//! Bounds of browsers' legs, units last.

use std::time::Duration;

/// Longest SDP that is read, bytes; a browser's audio offer has two to four thousand.
pub const SDP_BYTES_MAX: usize = 16_384;
/// Events of one peer that wait for the runtime; the newest is dropped.
pub const PEER_EVENTS_MAX: usize = 32;
/// Addresses of ours are gathered for at most so long; host addresses take milliseconds.
pub const GATHER_MAX: Duration = Duration::from_secs(3);
/// No answer to ICE's checks for so long is an interruption.
pub const INTERRUPTED_AFTER: Duration = Duration::from_secs(5);
/// An interruption of so long is a loss.
pub const LOST_AFTER: Duration = Duration::from_secs(25);
/// ICE's checks keep a working pair alive so often.
pub const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(2);
/// Ports of the range tried before a peer is refused.
pub const PORT_TRIES_MAX: u32 = 64;
/// Packets of a test's client that wait to be looked at; the newest is dropped.
pub const CLIENT_PACKETS_MAX: usize = 4_096;
