//! One agent: skills, presence, and the call that claims them.

use crate::base::ids::{AgentId, CallId, Skill};
use crate::base::language::Language;
use crate::base::moment::Moment;
use crate::call::command::AgentOutcome;
use crate::call::event::ReservationRequest;

use super::Settings;

/// Whether an agent takes calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    Available,
    /// By choice, or after unanswered offers.
    Paused,
    /// The phone said busy: left alone for a while.
    Busy,
    /// Notes after a call.
    WrapUp,
    /// Gone home: the agent said so.
    Offline,
}

#[derive(Clone, Debug)]
pub struct Agent {
    pub id: AgentId,
    pub name: String,
    pub skills: Vec<Skill>,
    pub languages: Vec<Language>,
    pub presence: Presence,
    /// Why, for a break: "lunch", "missed 2 calls".
    pub reason: Option<String>,
    /// A phone is there: registered, a fixed contact, or a browser that is connected.
    pub phone: bool,
    /// The call that claims this agent.
    pub call: Option<CallId>,
    /// When the presence ends by itself.
    pub until: Option<Moment>,
    /// Since when this agent is free; who has waited longest is asked first.
    pub free_since: Moment,
    unanswered: u32,
}

impl Agent {
    /// An agent who is available from the start.
    pub fn new(id: AgentId, name: String, skills: Vec<Skill>, languages: Vec<Language>) -> Self {
        Self {
            id,
            name,
            skills,
            languages,
            presence: Presence::Available,
            reason: None,
            phone: true,
            call: None,
            until: None,
            free_since: Moment::ZERO,
            unanswered: 0,
        }
    }

    pub fn is_free(&self) -> bool {
        self.is_there() && self.presence == Presence::Available && self.call.is_none()
    }

    /// Logged in, with a phone.
    pub fn is_there(&self) -> bool {
        self.phone && self.presence != Presence::Offline
    }

    /// Skills, language, and not asked before. An agent without skills in the table takes all.
    pub fn fits(&self, request: &ReservationRequest) -> bool {
        if let Some(only) = &request.only {
            return *only == self.id;
        }
        let skilled = self.skills.is_empty()
            || request.skills.iter().all(|skill| self.skills.contains(skill));
        skilled && self.languages.contains(&request.language) && !request.except.contains(&self.id)
    }

    pub(super) fn claim(&mut self, call: &CallId) {
        self.call = Some(call.clone());
    }

    pub(super) fn release(&mut self, outcome: AgentOutcome, now: Moment, settings: &Settings) {
        self.call = None;
        self.free_since = now;
        let presence = match outcome {
            AgentOutcome::Served => Some((Presence::WrapUp, settings.wrap_up)),
            AgentOutcome::Busy => Some((Presence::Busy, settings.busy)),
            AgentOutcome::NoAnswer | AgentOutcome::Failed => {
                self.unanswered += 1;
                (self.unanswered >= settings.unanswered_max)
                    .then_some((Presence::Paused, settings.pause))
            }
            AgentOutcome::Declined | AgentOutcome::Withdrawn => None,
        };
        if outcome == AgentOutcome::Served || outcome == AgentOutcome::Declined {
            self.unanswered = 0;
        }
        let keeps = matches!(self.presence, Presence::Paused | Presence::Offline);
        if let (Some((presence, length)), false) = (presence, keeps) {
            if presence == Presence::Paused {
                self.reason = Some(format!("missed {} calls", self.unanswered));
            }
            self.presence = presence;
            self.until = Some(now + length);
        }
    }

    pub(super) fn set_presence(&mut self, presence: Presence, now: Moment) {
        if self.presence != presence {
            self.presence = presence;
            self.until = None;
            self.unanswered = 0;
            self.free_since = now;
        }
        self.reason = None;
    }

    /// Time for the notes of a call that ended while nobody saw it end.
    pub(super) fn wrap_up(&mut self, until: Moment) {
        if self.presence == Presence::Available || self.presence == Presence::WrapUp {
            self.presence = Presence::WrapUp;
            self.until = Some(until);
        }
    }

    pub(super) fn refresh(&mut self, now: Moment) {
        if self.until.is_some_and(|until| until <= now) {
            self.until = None;
            self.unanswered = 0;
            self.reason = None;
            self.presence = Presence::Available;
        }
    }
}
