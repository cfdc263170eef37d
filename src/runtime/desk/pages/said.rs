//! What a page says: presence for the desk, buttons for the call, notes for the store. Nothing of
//! it is trusted: the call must be the one on this agent's own desk.

use std::sync::Arc;

use crate::base::ids::{AgentId, CallId, OfferId};
use crate::base::key::Key;
use crate::call::event::Event;
use crate::call::steer::Steer;
use crate::desk::Presence;
use crate::desk::board::{Board, NOTES_CHARS_MAX};
use crate::desk::wire::{Choice, FromPage, Level, Stage};
use crate::runtime::desk::DeskMessage;
use crate::runtime::shared::locked;

use super::Pages;

/// Characters of a reason.
const REASON_CHARS_MAX: usize = 80;

impl Pages {
    pub(super) fn said(self: &Arc<Self>, agent: Option<&AgentId>, line: u64, text: &str) {
        // Who looks on has nothing to say.
        let Some(agent) = agent else { return };
        let live = {
            let inner = locked(&self.inner);
            let desk = inner.desks.get(agent);
            desk.and_then(|desk| desk.line.as_ref()).is_some_and(|own| own.id == line)
        };
        if !live {
            return;
        }
        match serde_json::from_str::<FromPage>(text) {
            Ok(message) => self.obey(agent, message),
            Err(error) => tracing::warn!(%agent, %error, "a page said what no page says"),
        }
    }

    fn obey(self: &Arc<Self>, agent: &AgentId, message: FromPage) {
        let (call, offer, by) = match message {
            FromPage::Presence { to, reason } => return self.choose(agent, to, reason),
            FromPage::Notes { call, text } => return self.take_notes(agent, &call, &text),
            FromPage::WrapUp { call, result } => return self.take_result(agent, &call, result),
            FromPage::Shown { call, offer } => return self.shown(agent, &call, OfferId(offer)),
            FromPage::MoreTime => return self.more_time(agent),
            FromPage::Ping => return,
            FromPage::Accept { call, offer, three_way } => {
                (call, offer, Steer::Accept { three_way })
            }
            FromPage::Decline { call, offer, reason } => {
                let reason = short(&reason.unwrap_or_default());
                (call, offer, Steer::Decline { reason })
            }
            FromPage::HearSummary { call, offer } => (call, offer, Steer::HearSummary),
            FromPage::Hold { call, offer, on: true } => (call, offer, Steer::Hold),
            FromPage::Hold { call, offer, on: false } => (call, offer, Steer::Resume),
            FromPage::Mute { call, offer, on } => (call, offer, Steer::Mute { on }),
            FromPage::Key { call, offer, key } => {
                let Some(key) = Key::new(key) else { return };
                (call, offer, Steer::Key { key })
            }
            FromPage::Record { call, offer, on } => (call, offer, Steer::Record { on }),
            FromPage::Say { call, offer, text } => (call, offer, Steer::Say { text }),
            FromPage::Consult { call, offer, agent } => {
                (call, offer, Steer::Consult { agent: AgentId(agent) })
            }
            FromPage::Complete { call, offer } => (call, offer, Steer::Complete),
            FromPage::Abort { call, offer } => (call, offer, Steer::Abort),
            FromPage::Swap { call, offer } => (call, offer, Steer::Swap),
            FromPage::ThreeWay { call, offer } => (call, offer, Steer::ThreeWay),
            FromPage::ToMachine { call, offer } => (call, offer, Steer::ToMachine),
            FromPage::HangUp { call, offer } => (call, offer, Steer::HangUp),
        };
        self.steer(agent, &call, OfferId(offer), by);
    }

    /// A button: handed to the call if it is the one on this desk, and the offer is the same.
    fn steer(&self, agent: &AgentId, call: &str, offer: OfferId, by: Steer) {
        let known = {
            let inner = locked(&self.inner);
            if let Steer::Consult { agent: colleague } = &by
                && !inner.desks.contains_key(colleague)
            {
                return;
            }
            let board = inner.desks.get(agent).and_then(|desk| desk.board.as_ref());
            board
                .filter(|board| board.call.as_str() == call && board.offer() == offer)
                .filter(|board| board.stage() != Stage::WrapUp)
                .map(|board| board.call.clone())
        };
        let Some(call) = known else { return };
        let event = Event::Steered { offer, by };
        if !self.tell.get().is_some_and(|tell| tell(&call, event)) {
            let text = "The call did not take that; it may be over.";
            self.tell_agent(agent, Level::Warn, text);
        }
    }

    /// The card is on the screen: the phone may ring.
    fn shown(&self, agent: &AgentId, call: &str, offer: OfferId) {
        let mut inner = locked(&self.inner);
        let Some(desk) = inner.desks.get_mut(agent) else { return };
        let board = desk.board.as_ref();
        if board.is_some_and(|board| board.call.as_str() == call && board.offer() == offer)
            && let Some(awaited) = desk.awaited.take()
        {
            let _ = awaited.send(());
        }
    }

    fn choose(&self, agent: &AgentId, to: Choice, reason: Option<String>) {
        let message = match to {
            Choice::Available => DeskMessage::Presence(agent.clone(), Presence::Available),
            Choice::Offline => DeskMessage::Presence(agent.clone(), Presence::Offline),
            Choice::Break => {
                let reason = short(&reason.unwrap_or_default());
                let reason = if reason.is_empty() { "Break".to_owned() } else { reason };
                DeskMessage::Pause(agent.clone(), reason)
            }
        };
        if let Some(desk) = self.desk.get() {
            desk.send(message);
        }
    }

    fn take_notes(&self, agent: &AgentId, call: &str, text: &str) {
        let text: String = text.chars().take(NOTES_CHARS_MAX).collect();
        let Some(call) = self.with_board(agent, call, |board| board.notes = text.clone()) else {
            return;
        };
        let (store, agent) = (self.store.clone(), agent.clone());
        tokio::spawn(async move {
            drop(store.notes(&call, &agent, &text, jiff::Timestamp::now()).await);
        });
    }

    /// Does something with the board of this agent, if it shows `call`.
    pub(super) fn with_board(
        &self,
        agent: &AgentId,
        call: &str,
        act: impl FnOnce(&mut Board),
    ) -> Option<CallId> {
        let mut inner = locked(&self.inner);
        let board = inner.desks.get_mut(agent)?.board.as_mut()?;
        if board.call.as_str() != call {
            return None;
        }
        act(board);
        Some(board.call.clone())
    }
}

fn short(text: &str) -> String {
    text.trim().chars().take(REASON_CHARS_MAX).collect()
}
