//! What cannot wait for the end of a sentence: danger and "don't record", out of words so far.
//!
//! Words so far may be wrong, and what they bring is undone without a trace or does no harm: the
//! desk's attention, a better place in the queue, a recording that pauses. Nothing is said, and
//! nobody is sent anywhere, before the turn is over.

use crate::base::card::Priority;
use crate::understanding::outcome::{CallerCommand, WordHit};

use super::*;

/// What the words so far of the turn that goes on have brought.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Early {
    danger: bool,
    recording_paused: bool,
}

impl Session {
    /// The words so far of a leg's turn; acts once on each thing in them.
    pub(super) fn words_so_far(&mut self, now: Moment, leg: LegId, text: &str) {
        let asked = matches!(self.phase, Phase::Dialogue | Phase::Person) && !self.is_talking();
        if leg != LegId::CALLER || !asked {
            return;
        }
        let pressing = self.setup.understander.pressing(text, &self.language(), now);
        if let Some(hit) = pressing.danger.filter(|_| !self.early.danger) {
            self.early.danger = true;
            self.attend(now, &hit);
        }
        if pressing.command == Some(CallerCommand::DontRecord) {
            self.pause_recording();
        }
    }

    /// The desk is told of danger, and a caller who waits comes first.
    fn attend(&mut self, now: Moment, hit: &WordHit) {
        let why = format!("\"{}\" is danger ({}), and the caller goes on", hit.phrase, hit.group);
        let reason = Reason::at(hit.at, why);
        self.note(Fact::Decided {
            rule: "danger_so_far".into(),
            decision: "attention at once".to_owned(),
            priority: Priority::P0,
            reasons: vec![reason.clone()],
        });
        self.put_first(now, reason);
    }

    fn pause_recording(&mut self) {
        let runs = self.keeping.started && !self.keeping.stopped && !self.keeping.paused;
        if runs && !self.early.recording_paused {
            self.early.recording_paused = true;
            self.record(Recording::Pause { from: None });
        }
    }

    /// The turn is over, and what it asked for is done: a recording that only words so far had
    /// paused goes on.
    pub(super) fn settle_early(&mut self) {
        let early = std::mem::take(&mut self.early);
        if early.recording_paused && !self.keeping.stopped && !self.keeping.paused {
            self.record(Recording::Resume);
        }
    }
}
