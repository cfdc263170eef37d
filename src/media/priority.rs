//! Thread priorities: the pacing threads above the rest, the speech threads below, learning last.
//! Without the permission nothing changes and nothing fails.

use thread_priority::unix::{
    NormalThreadSchedulePolicy, RealtimeThreadSchedulePolicy, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id,
};
use thread_priority::{ThreadPriority, ThreadPriorityValue};

/// Of 100, on the scale of the crate, where 50 is usual: niceness about +10.
const SPEECH: u8 = 25;
/// Niceness 19: only what nothing else wants.
const LEARNING: u8 = 0;
/// Niceness about −10.
const MEDIA: u8 = 75;
/// Lowest realtime priority but some: below the kernel's own threads.
const MEDIA_REALTIME: u8 = 10;

/// What could be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Granted {
    Realtime,
    Raised,
    Lowered,
    /// No permission: as before.
    Unchanged,
}

/// Raises the current thread for pacing: round-robin realtime, or else a better niceness.
pub fn raise_for_media() -> Granted {
    let realtime = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::RoundRobin);
    if set(MEDIA_REALTIME, realtime) {
        Granted::Realtime
    } else if set(MEDIA, ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Other)) {
        Granted::Raised
    } else {
        Granted::Unchanged
    }
}

/// Lowers the current thread for recognition and synthesis.
pub fn lower_for_speech() -> Granted {
    if set(SPEECH, ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Other)) {
        Granted::Lowered
    } else {
        Granted::Unchanged
    }
}

/// Lowers the current thread, and those that it starts, for learning beside running calls.
pub fn lower_for_learning() -> Granted {
    if set(LEARNING, ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Other)) {
        Granted::Lowered
    } else {
        Granted::Unchanged
    }
}

fn set(value: u8, policy: ThreadSchedulePolicy) -> bool {
    let Ok(value) = ThreadPriorityValue::try_from(value) else { return false };
    let priority = ThreadPriority::Crossplatform(value);
    set_thread_priority_and_policy(thread_native_id(), priority, policy).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lowering_needs_no_permission() {
        let granted = std::thread::spawn(lower_for_speech).join().unwrap();
        assert_eq!(granted, Granted::Lowered);
    }

    #[test]
    fn raising_never_fails() {
        let granted = std::thread::spawn(raise_for_media).join().unwrap();
        assert_ne!(granted, Granted::Lowered);
    }
}
