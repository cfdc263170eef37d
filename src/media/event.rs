//! What the media plane tells the runtime, through one bounded channel a call.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::base::ids::{LegId, PlayId};
use crate::base::key::Key;

use super::stats::LegStats;

/// One thing that happened on a call's media.
#[derive(Clone, Debug, PartialEq)]
pub enum MediaEvent {
    /// A key was pressed (RFC 4733), once per press, as soon as it is down.
    Digit { leg: LegId, key: Key },
    /// Something queued was played to its end (`complete`) or stopped; once for each play.
    PlayEnded { leg: LegId, play: PlayId, played_ms: u64, complete: bool },
    /// RTP came for the first time, or again after `MediaSilent`.
    MediaSeen { leg: LegId, from: SocketAddr },
    /// No RTP for 3 s on a leg that should send; `expected` is where it was to come from.
    MediaSilent { leg: LegId, expected: SocketAddr },
    /// Neither RTP nor RTCP for the time limit: the leg should be ended. Once.
    MediaLost { leg: LegId },
    /// The leg's sockets are closed and its port rests.
    LegClosed { leg: LegId, stats: LegStats },
    /// Recording could not be written; the call goes on, what was written is kept.
    RecordingFailed { why: RecordingFailure },
    /// The recording is closed and synced.
    RecordingClosed { path: PathBuf, duration_ms: u64 },
    /// A fault of ours ended this call's media. The legs are gone.
    Failed,
}

/// Why a recording was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RecordingFailure {
    /// No space left on the device (ENOSPC, EDQUOT).
    DiskFull,
    /// The directory's own quota is reached.
    QuotaReached,
    /// Any other error of reading or writing.
    WriteError,
    /// There is no recorder in this engine.
    NoRecorder,
}
