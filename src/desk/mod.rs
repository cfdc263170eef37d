//! The desk: who takes calls, who is claimed for which, and who waits. Sans-IO: time and events
//! in, events for calls out. No agent is ever in two calls.

mod agent;
pub mod board;
mod queue;
pub mod suggest;
pub mod wire;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::base::ids::{AgentId, CallId};
use crate::base::moment::Moment;
use crate::call::command::AgentOutcome;
use crate::call::event::{NotReserved, ReservationRequest};

pub use agent::{Agent, Presence};
use queue::Queue;
pub use queue::Waiting;

/// The desk's patience.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Calls that may wait; one more is told that the queue is full.
    pub queue_max: usize,
    /// How long an agent whose phone was busy is left alone.
    pub busy: Duration,
    /// Unanswered offers in a row after which an agent is paused.
    pub unanswered_max: u32,
    /// How long such a pause lasts.
    pub pause: Duration,
    /// Time for notes after a call.
    pub wrap_up: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            queue_max: 50,
            busy: Duration::from_secs(20),
            unanswered_max: 2,
            pause: Duration::from_secs(300),
            wrap_up: Duration::from_secs(30),
        }
    }
}

/// What the desk tells a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeskEvent {
    Reserved {
        call: CallId,
        agent: AgentId,
        name: String,
    },
    NotReserved {
        call: CallId,
        why: NotReserved,
    },
    /// 1 is next. Told on entry and when it changes.
    QueuePosition {
        call: CallId,
        position: u32,
    },
}

/// The pool of agents and the calls that wait for them.
#[derive(Debug)]
pub struct Desk {
    settings: Settings,
    agents: BTreeMap<AgentId, Agent>,
    queue: Queue,
    out: VecDeque<DeskEvent>,
}

impl Desk {
    pub fn new(settings: Settings, agents: Vec<Agent>) -> Self {
        let agents = agents.into_iter().map(|agent| (agent.id.clone(), agent)).collect();
        Self { settings, agents, queue: Queue::default(), out: VecDeque::new() }
    }

    /// Claims an agent for `call`, or queues it; the outcome comes from [`Desk::poll`]. A call that
    /// waits already is moved to its new priority and keeps its place among equals.
    pub fn reserve(&mut self, call: &CallId, request: ReservationRequest, now: Moment) {
        // Whoever has become free since serves the calls that wait already.
        self.serve_queue(now);
        let asks_colleague = request.only.is_some();
        if !asks_colleague && self.agents.values().any(|agent| agent.call.as_ref() == Some(call)) {
            // It waited here, and was served this very moment: one agent is enough.
            return;
        }
        let candidates = self.agents.values().filter(|agent| agent.fits(&request));
        if !candidates.clone().any(Agent::is_there) {
            self.queue.leave(call);
            self.tell_not(call, NotReserved::NobodyLoggedIn);
            return;
        }
        // Whoever has rested longest is asked first; nobody overtakes calls that wait.
        let free = candidates
            // A colleague is asked by a person who knows why.
            .filter(|agent| agent.is_free())
            .filter(|agent| asks_colleague || !self.queue.has_better(&request, call, agent))
            .min_by_key(|agent| (agent.free_since, agent.id.clone()))
            .map(|agent| agent.id.clone());
        match free {
            Some(agent) => {
                self.queue.leave(call);
                self.claim(&agent, call);
            }
            None if !request.queue => self.tell_not(call, NotReserved::AllBusy),
            None if !self.queue.holds(call) && self.queue.len() >= self.settings.queue_max => {
                self.tell_not(call, NotReserved::QueueFull);
            }
            None => {
                let entered = self.queue.enter(call, request, now);
                if entered {
                    self.tell_not(call, NotReserved::AllBusy);
                }
            }
        }
        self.tell_positions();
    }

    /// The call waits no longer. Nothing if it did not.
    pub fn leave(&mut self, call: &CallId) {
        self.queue.leave(call);
        self.tell_positions();
    }

    /// The agent is done with `call`. Ignored if the agent is claimed for another.
    pub fn release(&mut self, agent: &AgentId, call: &CallId, outcome: AgentOutcome, now: Moment) {
        let settings = self.settings;
        if let Some(agent) = self.agents.get_mut(agent)
            && agent.call.as_ref() == Some(call)
        {
            agent.release(outcome, now, &settings);
        }
        self.serve_queue(now);
    }

    /// Presence set by a person, a page, or the registration of a phone.
    pub fn set_presence(&mut self, agent: &AgentId, presence: Presence, now: Moment) {
        if let Some(agent) = self.agents.get_mut(agent) {
            agent.set_presence(presence, now);
        }
        self.serve_queue(now);
    }

    /// A break, with its reason.
    pub fn pause(&mut self, agent: &AgentId, reason: String, now: Moment) {
        if let Some(agent) = self.agents.get_mut(agent) {
            agent.set_presence(Presence::Paused, now);
            agent.until = None;
            agent.reason = Some(reason);
        }
        self.tell_positions();
    }

    /// The agent's phone came or went: a break stays a break.
    pub fn set_phone(&mut self, agent: &AgentId, there: bool, now: Moment) {
        if let Some(agent) = self.agents.get_mut(agent)
            && agent.phone != there
        {
            agent.phone = there;
            agent.free_since = now;
        }
        self.serve_queue(now);
    }

    /// Notes need more time: the wrap-up ends `more` later, or begins if there is none.
    pub fn extend_wrap_up(&mut self, agent: &AgentId, more: Duration, now: Moment) {
        if let Some(agent) = self.agents.get_mut(agent) {
            let from = agent.until.filter(|_| agent.presence == Presence::WrapUp).unwrap_or(now);
            agent.wrap_up(from + more);
        }
    }

    /// Ends pauses and wrap-ups whose time is over, and offers who became free.
    pub fn handle_timeout(&mut self, now: Moment) {
        self.serve_queue(now);
    }

    /// When [`Desk::handle_timeout`] is next wanted.
    pub fn next_timeout(&self) -> Option<Moment> {
        self.agents.values().filter_map(|agent| agent.until).min()
    }

    pub fn poll(&mut self) -> Option<DeskEvent> {
        self.out.pop_front()
    }

    pub fn agents(&self) -> impl Iterator<Item = &Agent> {
        self.agents.values()
    }

    pub fn agent(&self, id: &AgentId) -> Option<&Agent> {
        self.agents.get(id)
    }

    /// The calls that wait, best first.
    pub fn queue(&self) -> impl Iterator<Item = &Waiting> {
        self.queue.iter()
    }

    /// Calls that wait.
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    fn claim(&mut self, agent: &AgentId, call: &CallId) {
        let Some(agent) = self.agents.get_mut(agent) else { return };
        debug_assert!(agent.call.is_none(), "an agent is claimed once");
        agent.claim(call);
        let (agent, name) = (agent.id.clone(), agent.name.clone());
        self.out.push_back(DeskEvent::Reserved { call: call.clone(), agent, name });
    }

    fn refresh(&mut self, now: Moment) {
        for agent in self.agents.values_mut() {
            agent.refresh(now);
        }
    }

    fn serve_queue(&mut self, now: Moment) {
        self.refresh(now);
        while let Some((call, agent)) = self.queue.next_match(&self.agents) {
            self.queue.leave(&call);
            self.claim(&agent, &call);
        }
        self.tell_positions();
    }

    fn tell_not(&mut self, call: &CallId, why: NotReserved) {
        self.out.push_back(DeskEvent::NotReserved { call: call.clone(), why });
    }

    fn tell_positions(&mut self) {
        for (call, position) in self.queue.changed_positions() {
            self.out.push_back(DeskEvent::QueuePosition { call, position });
        }
    }
}

#[cfg(test)]
mod tests;
