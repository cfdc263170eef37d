//! The bounds of the media room, with their units last. A queue that is full says what it sheds.

use std::time::Duration;

/// Datagrams larger than this are cut by the socket and then refused by the parser.
pub const DATAGRAM_BYTES_MAX: usize = 2_048;
/// Payload of one RTP packet that we accept: 60 ms of a 64 kbit/s codec, doubled for safety.
pub const PAYLOAD_BYTES_MAX: usize = 960;
/// Bytes of a 20 ms frame in G.711 and G.722 alike, and ticks of their RTP clock.
pub const FRAME_BYTES: usize = 160;
/// Longest payload of a 20 ms frame in any codec: Opus at 192 kbit/s, six times what we ask for.
pub const FRAME_BYTES_MAX: usize = 480;
/// Samples of a 20 ms frame at the widest rate that we handle (16 kHz).
pub const FRAME_SAMPLES_MAX: usize = 320;

/// Packets of a browser waiting for the coming tick, and packets for it waiting for its
/// connection; the newest is dropped.
pub const PIPE_PACKETS_MAX: usize = 64;
/// Datagrams read from one socket in one tick; the rest waits in the kernel, which sheds the
/// newest when its buffer is full.
pub const READS_PER_TICK_MAX: usize = 64;
/// Packets a second that a leg may send for long (the usual is 50); the excess is dropped.
pub const PACKETS_PER_SECOND_MAX: u32 = 200;
/// Packets that a leg may send at once after a pause of the network.
pub const PACKET_BURST_MAX: u32 = 100;
/// Packets held back by the jitter buffer; when full the oldest is dropped.
pub const JITTER_PACKETS_MAX: usize = 64;

/// Commands waiting for a pacing thread; a sender beyond it waits (at most a tick).
pub const COMMANDS_MAX: usize = 4_096;
/// Events waiting for the runtime, per call; beyond it they wait in the call, then the newest
/// is dropped and counted.
pub const EVENTS_MAX: usize = 256;
/// Events of a call that wait for a full channel.
pub const EVENTS_HELD_MAX: usize = 1_024;
/// Legs of one call: the caller, the agent, a supervisor, and some more.
pub const LEGS_PER_CALL_MAX: usize = 8;
/// Things queued to be played to one leg; the newest is refused (its `PlayEnded` comes at once).
pub const PLAYS_MAX: usize = 64;
/// Chunks of one play stream on their way to the leg.
pub const STREAM_CHUNKS_MAX: usize = 64;
/// Keys waiting to be sent on one leg; the newest is dropped.
pub const DIGITS_MAX: usize = 64;
/// Frames that a tap holds for its reader (4 s); when full the oldest is dropped and counted.
pub const TAP_FRAMES_MAX: usize = 200;
/// Longest clip, WAV or prompt.
pub const CLIP_MS_MAX: u64 = 30 * 60 * 1_000;
/// Largest WAV file that is read.
pub const WAV_BYTES_MAX: u64 = 400 * 1_024 * 1_024;

/// A pacing thread that is later than this skips ticks instead of sending a burst.
pub const CATCH_UP_MAX: Duration = Duration::from_millis(100);
/// No RTP on a leg that should send: reported once, with the address expected.
pub const SILENCE_HINT: Duration = Duration::from_secs(3);
/// A released RTP port rests so long, so that a late sender cannot reach the next call.
pub const PORT_REST: Duration = Duration::from_secs(30);
/// Mean time between RTCP reports of one leg (RFC 3550 section 6.2).
pub const RTCP_INTERVAL: Duration = Duration::from_secs(5);

/// Blocks of sound waiting for the recording thread, for all calls (100 ms each); when full the
/// newest is dropped and becomes silence of the same length in the file.
pub const RECORDER_BLOCKS_MAX: usize = 16_384;
/// Frames gathered before they go to the recording thread.
pub const RECORDER_BLOCK_FRAMES: usize = 5;
