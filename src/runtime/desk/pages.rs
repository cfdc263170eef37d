//! The agents' pages: who has one open, what it shows, and what it asks. In: facts of calls, the
//! desk's changes, messages of pages. Out: messages to pages, events for calls, rows for the store.
//!
//! One live page an agent: whoever opens the desk last has it. A page that falls behind is closed;
//! it comes back and gets the whole state.

mod said;
mod wrap_up;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot, watch};

use crate::base::card::OfferCard;
use crate::base::disposition::Disposition;
use crate::base::ids::{AgentId, CallId, LegId};
use crate::base::moment::Moment;
use crate::call::command::{Fact, TransferStep};
use crate::call::event::Event;
use crate::config::settings;
use crate::desk::board::{Board, Changed};
use crate::desk::suggest::suggest;
use crate::desk::wire::*;
use crate::knowledge::Knowledge;
use crate::knowledge::lookup::{LookupFailure, LookupReply};
use crate::runtime::shared::locked;
use crate::store::Store;
use crate::web::DeskLine;

use super::DeskHandle;

/// Messages that wait for a slow page; then it is closed.
const PAGE_MESSAGES_MAX: usize = 256;
/// Pages of people who look on.
const VIEWERS_MAX: usize = 64;

type Tell = Box<dyn Fn(&CallId, Event) -> bool + Send + Sync>;

/// All pages. Cheap to share.
pub struct Pages {
    company: String,
    choices: settings::Desk,
    knowledge: Arc<Knowledge>,
    store: Store,
    http: reqwest::Client,
    desk: OnceLock<DeskHandle>,
    tell: OnceLock<Tell>,
    /// Counts what the lists of the web may want to know.
    changed: watch::Sender<u64>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    desks: HashMap<AgentId, OneDesk>,
    viewers: HashMap<u64, Line>,
    /// What is known of a call before and beside its card.
    sides: HashMap<CallId, Side>,
    agents: Vec<AgentNow>,
    queue: Vec<WaitingNow>,
    next_line: u64,
}

/// One agent's place.
#[derive(Default)]
struct OneDesk {
    board: Option<Board>,
    line: Option<Line>,
    /// Who waits for the card to be on the screen.
    awaited: Option<oneshot::Sender<()>>,
}

struct Line {
    id: u64,
    out: mpsc::Sender<Arc<str>>,
}

#[derive(Clone, Default)]
struct Side {
    recording: RecordingNow,
    customer: CustomerNow,
}

impl OneDesk {
    /// Sends to the page, if one is open; one that does not keep up is closed.
    fn send(&mut self, message: &ToPage) {
        if self.line.as_ref().is_some_and(|line| !line.send(message)) {
            self.line = None;
        }
    }

    fn send_call(&mut self) {
        let call = self.board.as_ref().map(|board| Box::new(board.now()));
        self.send(&ToPage::Call { now_unix_ms: now_unix_ms(), call });
    }

    /// The transcript from place `from` on.
    fn send_lines(&mut self, from: usize) {
        let Some(board) = &self.board else { return };
        let lines = board.lines_from(from).to_vec();
        let message = ToPage::Lines { call: board.call.to_string(), from, lines };
        self.send(&message);
    }

    fn notice(&mut self, level: Level, text: impl Into<String>) {
        self.send(&ToPage::Notice { level, text: text.into() });
    }
}

impl Line {
    fn send(&self, message: &ToPage) -> bool {
        let text = serde_json::to_string(message).unwrap_or_default();
        self.out.try_send(text.into()).is_ok()
    }
}

fn now_unix_ms() -> i64 {
    Timestamp::now().as_millisecond()
}

impl Pages {
    pub fn new(
        company: String,
        choices: settings::Desk,
        agents: impl IntoIterator<Item = AgentId>,
        knowledge: Arc<Knowledge>,
        store: Store,
        http: reqwest::Client,
    ) -> Arc<Pages> {
        let desks = agents.into_iter().map(|agent| (agent, OneDesk::default())).collect();
        Arc::new(Pages {
            company,
            choices,
            knowledge,
            store,
            http,
            desk: OnceLock::new(),
            tell: OnceLock::new(),
            changed: watch::Sender::new(0),
            inner: Mutex::new(Inner { desks, ..Inner::default() }),
        })
    }

    pub(super) fn meet(&self, desk: DeskHandle) {
        let _ = self.desk.set(desk);
    }

    /// How events reach the calls; `false` if the call is gone.
    pub fn reach_calls(&self, tell: impl Fn(&CallId, Event) -> bool + Send + Sync + 'static) {
        let _ = self.tell.set(Box::new(tell));
    }

    /// Counts up whenever a call, an agent or the queue changes.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    pub(in crate::runtime) fn something_changed(&self) {
        self.changed.send_modify(|count| *count = count.wrapping_add(1));
    }

    fn knows_tickets(&self) -> bool {
        self.knowledge.connector(&"ticket".into()).is_some()
    }

    /// A page was opened: by an agent, or by somebody who only looks on. `None` if that agent
    /// is not configured, or too many look on.
    pub fn open(self: &Arc<Self>, agent: Option<&AgentId>, name: &str) -> Option<DeskLine> {
        let (out, to_page) = mpsc::channel(PAGE_MESSAGES_MAX);
        let mut inner = locked(&self.inner);
        inner.next_line += 1;
        let id = inner.next_line;
        let line = Line { id, out };
        let shown = agent.and_then(|agent| inner.agents.iter().find(|a| a.agent == agent.as_str()));
        let hello = ToPage::Hello(Hello {
            agent: agent.map(ToString::to_string),
            name: shown.map_or_else(|| name.to_owned(), |agent| agent.name.clone()),
            company: self.company.clone(),
            now_unix_ms: now_unix_ms(),
            breaks: self.choices.breaks.clone(),
            declines: self.choices.declines.clone(),
            codes: self.choices.codes.clone(),
            tickets: self.knows_tickets(),
        });
        line.send(&hello);
        line.send(&inner.desk_now(agent));
        match agent {
            None if inner.viewers.len() >= VIEWERS_MAX => return None,
            None => {
                inner.viewers.insert(id, line);
            }
            Some(agent) => {
                let desk = inner.desks.get_mut(agent)?;
                if let Some(old) = desk.line.replace(line) {
                    old.send(&ToPage::Taken);
                }
                desk.send_lines(0);
                desk.send_call();
            }
        }
        let (said_by, closed_by) = (self.clone(), self.clone());
        let (who, whose) = (agent.cloned(), agent.cloned());
        Some(DeskLine::new(
            to_page,
            move |text| said_by.said(who.as_ref(), id, text),
            move || closed_by.closed(whose.as_ref(), id),
        ))
    }

    fn closed(&self, agent: Option<&AgentId>, id: u64) {
        let mut inner = locked(&self.inner);
        inner.viewers.remove(&id);
        if let Some(desk) = agent.and_then(|agent| inner.desks.get_mut(agent))
            && desk.line.as_ref().is_some_and(|line| line.id == id)
        {
            desk.line = None;
        }
    }

    /// The desk's task: somebody's presence or the queue changed.
    pub(super) fn desk_changed(&self, agents: Vec<AgentNow>, queue: Vec<WaitingNow>) {
        let mut inner = locked(&self.inner);
        if inner.agents == agents && inner.queue == queue {
            return;
        }
        let before = std::mem::replace(&mut inner.agents, agents);
        inner.queue = queue;
        self.something_changed();
        let was = |id: &AgentId, state: AgentState, among: &[AgentNow]| {
            among.iter().any(|agent| agent.agent == id.as_str() && agent.state == state)
        };
        let ids: Vec<AgentId> = inner.desks.keys().cloned().collect();
        for id in ids {
            let message = inner.desk_now(Some(&id));
            // From a wrap-up, not from a call whose end the desk has yet to be told.
            let over = was(&id, AgentState::WrapUp, &before)
                && was(&id, AgentState::Available, &inner.agents);
            let Some(desk) = inner.desks.get_mut(&id) else { continue };
            desk.send(&message);
            if over && desk.board.as_ref().is_some_and(|board| board.stage() == Stage::WrapUp) {
                // The time is over: what the rule filled in is kept.
                self.keep_as_it_is(desk);
            }
        }
        let message = inner.desk_now(None);
        inner.viewers.retain(|_, line| line.send(&message));
    }

    /// The card, before the phone rings. Where a page is open, the receiver tells when it is on
    /// the screen.
    pub fn offered(
        &self,
        card: &OfferCard,
        began_unix_ms: i64,
        now: Moment,
    ) -> Option<oneshot::Receiver<()>> {
        let mut inner = locked(&self.inner);
        let side = inner.sides.get(&card.call).cloned().unwrap_or_default();
        let desk = inner.desks.get_mut(&card.agent)?;
        match &mut desk.board {
            Some(board) if board.call == card.call && board.stage() != Stage::WrapUp => {
                board.rung_again(card, now);
            }
            _ => {
                self.keep_as_it_is(desk);
                let mut board = Board::offered(card, began_unix_ms, now);
                board.recording = side.recording;
                board.customer = side.customer;
                self.suggest_for(&mut board);
                desk.board = Some(board);
            }
        }
        let (tell, shown) = oneshot::channel();
        desk.awaited = Some(tell);
        desk.send_lines(0);
        desk.send_call();
        desk.line.is_some().then_some(shown)
    }

    /// A fact of a call, as it happens.
    pub fn fact(&self, call: &CallId, at: Moment, fact: &Fact) {
        self.something_changed();
        let mut inner = locked(&self.inner);
        let names: Vec<(String, String)> = match fact {
            Fact::Steered { .. } => {
                inner.agents.iter().map(|a| (a.agent.clone(), a.name.clone())).collect()
            }
            _ => Vec::new(),
        };
        for desk in inner.desks.values_mut() {
            let Some(board) = desk.board.as_mut().filter(|board| board.call == *call) else {
                continue;
            };
            let changed = board.fact(at, fact);
            if let Some(asked) = board.colleague_asked().map(str::to_owned)
                && let Some((_, name)) = names.iter().find(|(agent, _)| *agent == asked)
            {
                board.name_colleague(name);
            }
            if changed.said {
                self.suggest_for(board);
            }
            if let Some(from) = changed.lines {
                desk.send_lines(from);
            }
            self.after(desk, changed);
        }
        if let Fact::Transfer { step: TransferStep::Wanted { .. }, .. } = fact {
            inner.sides.entry(call.clone()).or_default();
        }
    }

    fn after(&self, desk: &mut OneDesk, changed: Changed) {
        if let Some(gone) = changed.gone {
            desk.board = None;
            desk.send_call();
            desk.notice(Level::Info, gone.words());
        } else if changed.call {
            desk.send_call();
        }
    }

    fn suggest_for(&self, board: &mut Board) {
        let found = match board.said_last() {
            Some((said, intent)) => {
                suggest(&self.knowledge, &board.language, said, intent, &board.values())
            }
            None => Vec::new(),
        };
        board.suggestions = found;
    }

    /// The call is over for everybody.
    pub fn ended(&self, call: &CallId, at: Moment, disposition: Disposition) {
        self.something_changed();
        let mut inner = locked(&self.inner);
        inner.sides.remove(call);
        for desk in inner.desks.values_mut() {
            let Some(board) = desk.board.as_mut().filter(|board| board.call == *call) else {
                continue;
            };
            if board.stage() == Stage::WrapUp {
                continue;
            }
            if board.was_taken() {
                let broke = disposition == Disposition::SystemFailure;
                board.end(at, broke.then(|| "The call broke off by a fault of ours.".to_owned()));
            } else {
                desk.board = None;
                desk.notice(Level::Info, "The caller hung up before you could take the call.");
            }
            desk.send_call();
        }
    }

    /// Calls that a former process left in flight: their agents read what happened.
    pub async fn restored(&self, calls: &[CallId]) {
        for id in calls {
            let (Ok(Some(call)), Ok(cards)) =
                (self.store.call(id).await, self.store.cards_of(id).await)
            else {
                continue;
            };
            for card in cards {
                let at = Moment(call.head.length_ms.unwrap_or(0).max(0) as u64);
                let taken = call.transfer_steps.iter().find(|step| {
                    step.step == "accepted" && step.agent.as_deref() == Some(card.agent.as_str())
                });
                let mut board = Board::offered(&card, call.head.began_ms, Moment::ZERO);
                board.restore(&call_lines(&call), taken.map(|step| step.at), at);
                board.notes = notes_of(&call, &card.agent);
                // The time first: the desk never sees a wrap-up of somebody who is available.
                self.more_time(&card.agent);
                let mut inner = locked(&self.inner);
                if let Some(desk) = inner.desks.get_mut(&card.agent) {
                    desk.board = Some(board);
                    desk.send_lines(0);
                    desk.send_call();
                }
            }
        }
    }

    /// A voice began on a leg: its words are on their way.
    pub fn speaking(&self, call: &CallId, leg: LegId, so_far: Option<&str>) {
        let (caller, so_far) = (leg == LegId::CALLER, so_far.map(str::to_owned));
        let message = ToPage::Speaking { call: call.to_string(), caller, agent: !caller, so_far };
        self.each(call, |desk| desk.send(&message));
    }

    pub fn recording(&self, call: &CallId, now: RecordingNow) {
        let begins = now == RecordingNow::On;
        locked(&self.inner).side(call, begins, |side| side.recording = now);
        self.each(call, |desk| {
            if let Some(board) = &mut desk.board {
                board.recording = now;
            }
            desk.send_call();
        });
    }

    /// The business system is asked, or has replied.
    pub fn customer(&self, call: &CallId, now: CustomerNow) {
        let begins = now == CustomerNow::Pending;
        locked(&self.inner).side(call, begins, |side| side.customer = now.clone());
        self.each(call, |desk| {
            if let Some(board) = &mut desk.board {
                board.customer = now.clone();
                self.suggest_for(board);
            }
            desk.send_call();
        });
    }

    fn each(&self, call: &CallId, mut act: impl FnMut(&mut OneDesk)) {
        let mut inner = locked(&self.inner);
        for desk in inner.desks.values_mut() {
            if desk.board.as_ref().is_some_and(|board| board.call == *call) {
                act(desk);
            }
        }
    }
}

impl Inner {
    /// Notes something beside the card. What comes when the call is over, as a slow business
    /// system's reply may, begins nothing anew.
    fn side(&mut self, call: &CallId, begins: bool, note: impl FnOnce(&mut Side)) {
        if begins {
            note(self.sides.entry(call.clone()).or_default());
        } else if let Some(side) = self.sides.get_mut(call) {
            note(side);
        }
    }

    fn desk_now(&self, agent: Option<&AgentId>) -> ToPage {
        let is_own = |one: &&AgentNow| agent.is_some_and(|agent| one.agent == agent.as_str());
        ToPage::Desk(DeskNow {
            now_unix_ms: now_unix_ms(),
            own: self.agents.iter().find(is_own).cloned(),
            colleagues: self.agents.iter().filter(|one| !is_own(one)).cloned().collect(),
            queue: self.queue.clone(),
        })
    }
}

/// What a business system's reply is on the card: `order_1_status` is the status of the newest
/// order; everything else is a field of the customer.
pub fn customer_of(reply: Result<LookupReply, LookupFailure>) -> CustomerNow {
    let reply = match reply {
        Ok(reply) => reply,
        Err(LookupFailure::NotFound) => return CustomerNow::Unknown,
        Err(LookupFailure::Timeout) => {
            return CustomerNow::Failed { why: "no reply in time".into() };
        }
        Err(LookupFailure::Unavailable) => {
            return CustomerNow::Failed { why: "not available".into() };
        }
    };
    let (mut fields, mut orders) = (Vec::new(), std::collections::BTreeMap::new());
    for (name, value) in reply.fields {
        let order = name.strip_prefix("order_").and_then(|rest| rest.split_once('_'));
        match order.and_then(|(place, name)| Some((place.parse::<u8>().ok()?, name))) {
            Some((place, name)) => {
                let field = FieldNow { name: name.to_owned(), value };
                orders.entry(place).or_insert_with(Vec::new).push(field);
            }
            None => fields.push(FieldNow { name, value }),
        }
    }
    CustomerNow::Known { fields, orders: orders.into_values().collect() }
}

fn call_lines(call: &crate::store::record::CallRecord) -> Vec<LineNow> {
    let lines = call.lines.iter().map(|line| LineNow {
        at_ms: line.at.as_ms(),
        speaker: line.speaker.into(),
        text: line.text.reveal().clone(),
        stress: line.stress.map(|stress| stress as f32),
    });
    lines.collect()
}

fn notes_of(call: &crate::store::record::CallRecord, agent: &AgentId) -> String {
    let own = call.wrap_ups.iter().find(|wrap_up| wrap_up.agent == agent.as_str());
    own.and_then(|own| own.notes.as_ref()).map(|notes| notes.reveal().clone()).unwrap_or_default()
}
