//! The desk's task: alone owns the agents, and gives each call its events.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use crate::base::ids::{AgentId, CallId};
use crate::base::moment::Moment;
use crate::call::command::AgentOutcome;
use crate::call::event::{Event, ReservationRequest};
use crate::desk::{Desk, DeskEvent, Presence};
use crate::web::{DeskAgent, DeskView};

use super::shared::locked;

/// Messages that wait for the desk.
const MESSAGES_MAX: usize = 4_096;
const HOUR: Duration = Duration::from_secs(3_600);

#[derive(Debug)]
pub enum DeskMessage {
    Reserve(CallId, Box<ReservationRequest>),
    Leave(CallId),
    Release(CallId, AgentId, AgentOutcome),
    Presence(AgentId, Presence),
}

#[derive(Clone)]
pub struct DeskHandle {
    messages: mpsc::Sender<DeskMessage>,
    view: Arc<Mutex<DeskView>>,
}

impl DeskHandle {
    pub fn send(&self, message: DeskMessage) {
        if self.messages.try_send(message).is_err() {
            tracing::error!("the desk does not keep up: a message is lost");
        }
    }

    pub fn view(&self) -> DeskView {
        locked(&self.view).clone()
    }
}

/// Starts the task; `tell` hands an event to a call.
pub fn start(mut desk: Desk, tell: impl Fn(&CallId, Event) + Send + 'static) -> DeskHandle {
    let (messages, mut inbox) = mpsc::channel(MESSAGES_MAX);
    let view = Arc::new(Mutex::new(view_of(&desk)));
    let shown = view.clone();
    tokio::spawn(async move {
        let began = Instant::now();
        let now = || Moment(began.elapsed().as_millis() as u64);
        loop {
            let due = desk.next_timeout();
            let wait = due.map_or(HOUR, |at| at.since(now()) + Duration::from_millis(1));
            let message = tokio::select! {
                message = inbox.recv() => match message {
                    Some(message) => Some(message),
                    None => return,
                },
                () = tokio::time::sleep(wait) => None,
            };
            match message {
                Some(DeskMessage::Reserve(call, request)) => desk.reserve(&call, *request, now()),
                Some(DeskMessage::Leave(call)) => desk.leave(&call),
                Some(DeskMessage::Release(call, agent, outcome)) => {
                    desk.release(&agent, &call, outcome, now());
                }
                Some(DeskMessage::Presence(agent, presence)) => {
                    desk.set_presence(&agent, presence, now());
                }
                None => desk.handle_timeout(now()),
            }
            while let Some(event) = desk.poll() {
                match event {
                    DeskEvent::Reserved { call, agent, name } => {
                        tell(&call, Event::Reserved { agent, name });
                    }
                    DeskEvent::NotReserved { call, why } => {
                        tell(&call, Event::NotReserved { why });
                    }
                    DeskEvent::QueuePosition { call, position } => {
                        tell(&call, Event::QueuePosition { position });
                    }
                }
            }
            *locked(&shown) = view_of(&desk);
        }
    });
    DeskHandle { messages, view }
}

fn view_of(desk: &Desk) -> DeskView {
    let agents = desk.agents().map(|agent| DeskAgent {
        id: agent.id.to_string(),
        name: agent.name.clone(),
        presence: match (agent.call.is_some(), agent.presence) {
            (true, _) => "talking",
            (false, Presence::Available) => "free",
            (false, Presence::WrapUp) => "wrap_up",
            (false, Presence::Paused | Presence::Busy | Presence::Offline) => "away",
        }
        .to_owned(),
    });
    DeskView { agents: agents.collect(), waiting: desk.waiting() as u32, longest_wait_s: 0 }
}
