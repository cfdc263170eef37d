//! Bounds of the store, units last.

use std::time::Duration;

/// At most one commit in this time; facts of all calls share it.
pub const COMMIT_EVERY: Duration = Duration::from_millis(45);
/// Writes in one commit.
pub const COMMIT_JOBS_MAX: usize = 4_096;
/// Writes that wait for the disk. Full: `note` and the others wait (nothing is shed), which
/// with 200 calls that speak once a second comes after some five minutes of a full disk.
pub const QUEUE_JOBS_MAX: usize = 65_536;
/// From this many waiting writes the store counts as stalled.
pub const QUEUE_JOBS_ALARM: usize = 16_384;
/// First and longest pause before a failed commit is tried again.
pub const RETRY_FIRST: Duration = Duration::from_millis(200);
pub const RETRY_LONGEST: Duration = Duration::from_secs(2);
/// Commits still tried after `close`, on a disk that refuses them.
pub const CLOSE_MAX: Duration = Duration::from_secs(5);

/// Connections that read.
pub const READERS: usize = 3;
/// How long a statement waits for another connection's lock.
pub const BUSY_MAX: Duration = Duration::from_secs(5);

/// SIP messages kept for one call; later ones are shed.
pub const LADDER_ROWS_MAX: u32 = 400;
/// Text kept of one SIP message, bytes.
pub const LADDER_TEXT_BYTES_MAX: usize = 8_192;
/// Lines, decisions, steps and events read for one call.
pub const CALL_ROWS_MAX: u32 = 4_000;
/// Calls on one page of the list.
pub const PAGE_CALLS_MAX: u32 = 200;
/// Words of one search.
pub const SEARCH_WORDS_MAX: usize = 12;
/// Wishes to be called back that may be open at once; further ones are refused.
pub const CALL_BACKS_OPEN_MAX: u32 = 5_000;
/// Rows of the page of call-backs.
pub const CALL_BACK_ROWS_MAX: u32 = 500;
/// Rows of one page of the audit.
pub const AUDIT_ROWS_MAX: u32 = 500;

/// Passwords, bytes. Longer ones are refused before they are hashed.
pub const PASSWORD_BYTES_MIN: usize = 10;
pub const PASSWORD_BYTES_MAX: usize = 256;
/// Length of a user's name, bytes.
pub const USER_NAME_BYTES_MAX: usize = 64;

/// A session unused for this long is over.
pub const SESSION_IDLE_MAX: Duration = Duration::from_secs(60 * 60);
/// A session is over after this time in any case.
pub const SESSION_LIFE_MAX: Duration = Duration::from_secs(12 * 60 * 60);
/// A session's use is written down at most this often.
pub const SESSION_TOUCH_EVERY: Duration = Duration::from_secs(60);
/// Sessions kept for one user; the oldest is ended first.
pub const SESSIONS_PER_USER_MAX: u32 = 20;
/// An offer whose call never ended is closed after this time.
pub const OFFER_LIFE_MAX: Duration = Duration::from_secs(4 * 60 * 60);
/// How long a link waits for its row while the disk is slow.
pub const OFFER_ON_DISK_MAX: Duration = Duration::from_secs(5);

/// Calls deleted in one commit of the retention sweep.
pub const SWEEP_CALLS_MAX: u32 = 200;
