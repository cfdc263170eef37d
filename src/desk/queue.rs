//! Calls that wait: P0 ahead of all, then by priority, then by arrival.

use std::collections::BTreeMap;

use crate::base::ids::{AgentId, CallId};
use crate::base::moment::Moment;
use crate::call::event::ReservationRequest;

use super::agent::Agent;

/// A call that waits for somebody.
#[derive(Debug)]
pub struct Waiting {
    pub call: CallId,
    pub request: ReservationRequest,
    pub since: Moment,
    /// The place that the call was told last.
    told: u32,
}

/// The waiting calls, best first.
#[derive(Debug, Default)]
pub(super) struct Queue {
    list: Vec<Waiting>,
}

impl Queue {
    pub fn len(&self) -> usize {
        self.list.len()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Waiting> {
        self.list.iter()
    }

    pub fn holds(&self, call: &CallId) -> bool {
        self.list.iter().any(|waiting| waiting.call == *call)
    }

    /// `true` if the call is new here; one that waits keeps its time of arrival.
    pub fn enter(&mut self, call: &CallId, request: ReservationRequest, now: Moment) -> bool {
        let before = self.list.iter().position(|waiting| waiting.call == *call);
        let new = before.is_none();
        match before.and_then(|place| self.list.get_mut(place)) {
            Some(waiting) => waiting.request = request,
            None => {
                self.list.push(Waiting { call: call.clone(), request, since: now, told: 0 });
            }
        }
        self.list.sort_by(|a, b| {
            (a.request.priority, a.since, &a.call).cmp(&(b.request.priority, b.since, &b.call))
        });
        new
    }

    pub fn leave(&mut self, call: &CallId) {
        self.list.retain(|waiting| waiting.call != *call);
    }

    /// `true` if a call waits that `agent` could take, at least as pressing as `request`.
    pub fn has_better(&self, request: &ReservationRequest, call: &CallId, agent: &Agent) -> bool {
        self.list.iter().any(|waiting| {
            waiting.call != *call
                && waiting.request.priority <= request.priority
                && agent.fits(&waiting.request)
        })
    }

    /// The best waiting call that somebody free can take.
    pub fn next_match(&self, agents: &BTreeMap<AgentId, Agent>) -> Option<(CallId, AgentId)> {
        self.list.iter().find_map(|waiting| {
            agents
                .values()
                .filter(|agent| agent.is_free() && agent.fits(&waiting.request))
                .min_by_key(|agent| (agent.free_since, agent.id.clone()))
                .map(|agent| (waiting.call.clone(), agent.id.clone()))
        })
    }

    /// Calls whose place changed since they were told.
    pub fn changed_positions(&mut self) -> Vec<(CallId, u32)> {
        let mut changed = Vec::new();
        for (place, waiting) in self.list.iter_mut().enumerate() {
            let position = place as u32 + 1;
            if waiting.told != position {
                waiting.told = position;
                changed.push((waiting.call.clone(), position));
            }
        }
        changed
    }
}
