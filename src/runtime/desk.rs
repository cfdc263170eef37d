//! The desk's task: alone owns the agents, gives each call its events, and keeps the pages told.

pub mod pages;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::mpsc;

use crate::base::ids::{AgentId, CallId};
use crate::base::moment::Moment;
use crate::call::command::AgentOutcome;
use crate::call::event::{Event, ReservationRequest};
use crate::desk::wire::{AgentNow, AgentState, WaitingNow, priority_name};
use crate::desk::{Agent, Desk, DeskEvent, Presence};
use crate::web::{DeskAgent, DeskView};

use super::shared::locked;
use pages::Pages;

/// Messages that wait for the desk.
const MESSAGES_MAX: usize = 4_096;
const HOUR: Duration = Duration::from_secs(3_600);

#[derive(Debug)]
pub enum DeskMessage {
    Reserve(CallId, Box<ReservationRequest>),
    Leave(CallId),
    Release(CallId, AgentId, AgentOutcome),
    Presence(AgentId, Presence),
    /// A break, with its reason.
    Pause(AgentId, String),
    /// The agent's phone came or went.
    Phone(AgentId, bool),
    /// The wrap-up gets this much more time, or begins.
    MoreTime(AgentId, Duration),
}

#[derive(Clone)]
pub struct DeskHandle {
    messages: mpsc::Sender<DeskMessage>,
    view: Arc<Mutex<Glance>>,
}

/// The desk as it was last changed; a wait goes on without a change.
struct Glance {
    view: DeskView,
    waits_since: Option<Instant>,
}

impl Glance {
    fn at(&self, now: Instant) -> DeskView {
        let longest =
            self.waits_since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
        DeskView { longest_wait_s: longest.as_secs(), ..self.view.clone() }
    }
}

impl DeskHandle {
    pub fn send(&self, message: DeskMessage) {
        if self.messages.try_send(message).is_err() {
            tracing::error!("the desk does not keep up: a message is lost");
        }
    }

    pub fn view(&self) -> DeskView {
        locked(&self.view).at(Instant::now())
    }
}

/// Starts the task; `tell` hands an event to a call.
pub fn start(
    desk: Desk,
    pages: Arc<Pages>,
    tell: impl Fn(&CallId, Event) + Send + 'static,
) -> DeskHandle {
    let (messages, inbox) = mpsc::channel(MESSAGES_MAX);
    let clock = Clock { began: Instant::now(), wall: Timestamp::now().as_millisecond() };
    let view = Arc::new(Mutex::new(glance_at(&desk, &clock)));
    let handle = DeskHandle { messages, view };
    pages.meet(handle.clone());
    publish(&desk, &clock, &handle, &pages);
    let task = Task { desk, clock, inbox, handle: handle.clone(), pages };
    tokio::spawn(task.run(tell));
    handle
}

/// The desk's own clock, and the wall's beside it.
struct Clock {
    began: Instant,
    wall: i64,
}

impl Clock {
    fn now(&self) -> Moment {
        Moment(self.began.elapsed().as_millis() as u64)
    }

    fn wall(&self, at: Moment) -> i64 {
        self.wall.saturating_add(i64::try_from(at.as_ms()).unwrap_or(i64::MAX))
    }
}

struct Task {
    desk: Desk,
    clock: Clock,
    inbox: mpsc::Receiver<DeskMessage>,
    handle: DeskHandle,
    pages: Arc<Pages>,
}

impl Task {
    async fn run(mut self, tell: impl Fn(&CallId, Event)) {
        loop {
            let now = self.clock.now();
            let due = self.desk.next_timeout();
            let wait = due.map_or(HOUR, |at| at.since(now) + Duration::from_millis(1));
            tokio::select! {
                message = self.inbox.recv() => match message {
                    Some(message) => self.take(message),
                    None => return,
                },
                () = tokio::time::sleep(wait) => self.desk.handle_timeout(self.clock.now()),
            }
            // Before the calls are told: the page knows that it is claimed before the card comes.
            publish(&self.desk, &self.clock, &self.handle, &self.pages);
            while let Some(event) = self.desk.poll() {
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
        }
    }

    fn take(&mut self, message: DeskMessage) {
        let (desk, now) = (&mut self.desk, self.clock.now());
        match message {
            DeskMessage::Reserve(call, request) => desk.reserve(&call, *request, now),
            DeskMessage::Leave(call) => desk.leave(&call),
            DeskMessage::Release(call, agent, outcome) => {
                desk.release(&agent, &call, outcome, now);
            }
            DeskMessage::Presence(agent, presence) => desk.set_presence(&agent, presence, now),
            DeskMessage::Pause(agent, reason) => desk.pause(&agent, reason, now),
            DeskMessage::Phone(agent, there) => desk.set_phone(&agent, there, now),
            DeskMessage::MoreTime(agent, more) => desk.extend_wrap_up(&agent, more, now),
        }
    }
}

fn publish(desk: &Desk, clock: &Clock, handle: &DeskHandle, pages: &Pages) {
    *locked(&handle.view) = glance_at(desk, clock);
    let agents = desk.agents().map(|agent| agent_now(agent, clock)).collect();
    let queue = desk.queue().map(|waiting| WaitingNow {
        priority: priority_name(waiting.request.priority),
        skill: waiting.request.skills.first().map(|skill| skill.as_str().to_owned()),
        language: waiting.request.language.code().to_owned(),
        since_unix_ms: clock.wall(waiting.since),
    });
    pages.desk_changed(agents, queue.collect());
}

fn agent_now(agent: &Agent, clock: &Clock) -> AgentNow {
    let state = match (agent.call.is_some(), agent.presence) {
        (true, _) => AgentState::OnCall,
        (false, Presence::Offline) => AgentState::Offline,
        (false, Presence::Paused) => AgentState::Break,
        (false, Presence::WrapUp) => AgentState::WrapUp,
        (false, Presence::Available | Presence::Busy) if !agent.phone => AgentState::NoPhone,
        (false, Presence::Busy) => AgentState::Busy,
        (false, Presence::Available) => AgentState::Available,
    };
    AgentNow {
        agent: agent.id.to_string(),
        name: agent.name.clone(),
        state,
        reason: agent.reason.clone(),
        until_unix_ms: agent.until.map(|at| clock.wall(at)),
    }
}

fn glance_at(desk: &Desk, clock: &Clock) -> Glance {
    let agents = desk.agents().map(|agent| DeskAgent {
        id: agent.id.to_string(),
        name: agent.name.clone(),
        presence: match (agent.call.is_some(), agent.presence) {
            (true, _) => "talking",
            (false, Presence::Available) if agent.phone => "free",
            (false, Presence::WrapUp) => "wrap_up",
            (
                false,
                Presence::Available | Presence::Paused | Presence::Busy | Presence::Offline,
            ) => "away",
        }
        .to_owned(),
    });
    let view = DeskView {
        agents: agents.collect(),
        waiting: desk.waiting() as u32,
        ..DeskView::default()
    };
    let first = desk.queue().map(|waiting| waiting.since).min();
    let waits_since = first.map(|since| clock.began + Duration::from_millis(since.as_ms()));
    Glance { view, waits_since }
}

#[test]
fn a_wait_grows_though_nothing_changes() {
    let began = Instant::now();
    let view = DeskView { waiting: 1, ..DeskView::default() };
    let glance = Glance { view: view.clone(), waits_since: Some(began) };
    let seen = glance.at(began + Duration::from_secs(42));
    assert_eq!((seen.waiting, seen.longest_wait_s), (1, 42));
    assert_eq!(Glance { view, waits_since: None }.at(began).longest_wait_s, 0);
}
