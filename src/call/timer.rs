//! A call's timers, in one table.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::base::moment::Moment;

/// Every timer that a call can have; at most one of each runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// The caller has said nothing since the last prompt was heard.
    NoInput,
    /// A voice began and no words came of it: the recogniser is lost.
    Turn,
    /// A business system was asked and the runtime gave no end to it.
    Lookup,
    /// A business system takes its time: the caller hears that we are still there.
    StillLooking,
    /// What was said to the caller has no end.
    Plays,
    /// A prompt gave way to a voice, and nobody told what became of it.
    GivenWay,
    /// An offer rings.
    Ring,
    /// The agent has heard the briefing and pressed nothing.
    Briefing,
    /// Joined, and sound was not yet seen from both.
    BridgeProof,
    /// The agent was lost in mid-call: how long the caller is held for the same one.
    AgentBack,
    /// An agent's leg without sound was asked anew for it.
    MediaBack,
    /// The caller's line broke: how long the agent may have them called back.
    CallerBack,
    /// A colleague who was asked in is rung.
    Consult,
    /// The longest wait for a person.
    QueueMax,
    /// Nobody could be reached in danger, or the lost agent's phone failed: ask again.
    Retry,
    /// The agent says how it went.
    WrapUp,
    /// The caller left: the recogniser may still bring the last words.
    LastWords,
    /// A leg was hung up and does not end.
    HangUp,
    /// The longest permitted call.
    CallMax,
}

/// The running timers.
#[derive(Clone, Debug, Default)]
pub struct Timers(BTreeMap<Timer, Moment>);

impl Timers {
    pub fn set(&mut self, timer: Timer, now: Moment, after: Duration) {
        self.0.insert(timer, now + after);
    }

    /// What is left of a running timer; nothing of one that does not run.
    pub fn left(&self, timer: Timer, now: Moment) -> Duration {
        self.0.get(&timer).map_or(Duration::ZERO, |due| due.since(now))
    }

    pub fn stop(&mut self, timer: Timer) {
        self.0.remove(&timer);
    }

    pub fn stop_all(&mut self) {
        self.0.clear();
    }

    pub fn is_running(&self, timer: Timer) -> bool {
        self.0.contains_key(&timer)
    }

    pub fn next(&self) -> Option<Moment> {
        self.0.values().min().copied()
    }

    /// Takes one timer that is due, earliest first.
    pub fn take_due(&mut self, now: Moment) -> Option<Timer> {
        let due = self.0.iter().filter(|(_, at)| **at <= now).min_by_key(|(_, at)| **at);
        let timer = due.map(|(timer, _)| *timer)?;
        self.0.remove(&timer);
        Some(timer)
    }
}
