//! After the call: the result is kept, a ticket is filed, and the desk is free for the next one.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::base::ids::{AgentId, CallId, RequestId};
use crate::base::pii::Pii;
use crate::desk::Presence;
use crate::desk::board::NOTES_CHARS_MAX;
use crate::desk::wire::{AgentState, Level, Stage, WrapUpResult};
use crate::runtime::desk::DeskMessage;
use crate::runtime::lookups;
use crate::runtime::shared::locked;
use crate::store::record::Summary;
use crate::store::wrap_ups::WrapUp;

use super::{OneDesk, Pages};

/// What one press of "more time" gives.
const MORE_TIME: Duration = Duration::from_secs(60);
/// Characters of one sentence of the summary, and of a code.
const SUMMARY_CHARS_MAX: usize = 1_000;
const CODE_CHARS_MAX: usize = 60;
/// The number of the ticket's request: the same call is the same ticket, however often filed.
const TICKET: RequestId = RequestId(u32::MAX);

impl Pages {
    pub(super) fn more_time(&self, agent: &AgentId) {
        if let Some(desk) = self.desk.get() {
            desk.send(DeskMessage::MoreTime(agent.clone(), MORE_TIME));
        }
    }

    /// The agent has saved the result.
    pub(super) fn take_result(self: &Arc<Self>, agent: &AgentId, call: &str, result: WrapUpResult) {
        let mut ready = false;
        let mut values = Vec::new();
        let known = self.with_board(agent, call, |board| {
            ready = board.stage() == Stage::WrapUp;
            values = board.values();
            let card = &board.card;
            for (name, text) in
                [("caller_name", &card.caller_name), ("caller_number", &card.caller_number)]
            {
                let text = text.as_ref().map(|text| text.reveal().clone());
                values.push((name.to_owned(), text.unwrap_or_default()));
            }
        });
        let Some(call) = known.filter(|_| ready) else { return };
        let (pages, agent) = (self.clone(), agent.clone());
        let kept = kept(&result);
        tokio::spawn(async move {
            let store = &pages.store;
            let ack = store.wrap_up(&call, &agent, kept, Timestamp::now()).await;
            if ack.await.is_err() {
                pages.tell_agent(&agent, Level::Warn, "Not saved: the disk does not answer.");
                return;
            }
            // Whoever sees the agent free finds the wrap-up closed.
            let _ = store.wrap_up_ended(&call, &agent, Timestamp::now()).await.await;
            pages.clear(&agent, &call);
            pages.free(&agent);
            pages.tell_agent(&agent, Level::Info, "Saved.");
            if result.ticket {
                pages.file_ticket(&agent, &call, &result, values).await;
            }
        });
    }

    /// The time for the wrap-up is over, or the next call is there.
    pub(super) fn keep_as_it_is(&self, desk: &mut OneDesk) {
        let Some(board) = desk.board.take() else { return };
        if !board.was_taken() {
            return;
        }
        let summary = board.summary();
        let result = WrapUp {
            code: String::new(),
            summary: Summary {
                situation: Pii::new(summary.situation),
                tried: Pii::new(summary.tried),
                outcome: Pii::new(summary.outcome),
            },
            notes: board.notes.clone(),
            machine_right: None,
        };
        let (store, call, agent) = (self.store.clone(), board.call.clone(), board.agent.clone());
        tokio::spawn(async move {
            drop(store.wrap_up(&call, &agent, result, Timestamp::now()).await);
            drop(store.wrap_up_ended(&call, &agent, Timestamp::now()).await);
        });
        desk.send_call();
        desk.notice(Level::Info, "The wrap-up time is over; the summary was kept as it was.");
    }

    fn clear(&self, agent: &AgentId, call: &CallId) {
        let mut inner = locked(&self.inner);
        if let Some(desk) = inner.desks.get_mut(agent)
            && desk.board.as_ref().is_some_and(|board| board.call == *call)
        {
            desk.board = None;
            desk.send_call();
        }
    }

    /// The wrap-up is done: the next call may come. A break stays a break.
    fn free(&self, agent: &AgentId) {
        let wrapping = locked(&self.inner)
            .agents
            .iter()
            .any(|one| one.agent == agent.as_str() && one.state == AgentState::WrapUp);
        if let Some(desk) = self.desk.get().filter(|_| wrapping) {
            desk.send(DeskMessage::Presence(agent.clone(), Presence::Available));
        }
    }

    pub(super) fn tell_agent(&self, agent: &AgentId, level: Level, text: &str) {
        if let Some(desk) = locked(&self.inner).desks.get_mut(agent) {
            desk.notice(level, text);
        }
    }

    async fn file_ticket(
        &self,
        agent: &AgentId,
        call: &CallId,
        result: &WrapUpResult,
        mut values: Vec<(String, String)>,
    ) {
        let Some(connector) = self.knowledge.connector(&"ticket".into()) else { return };
        for (name, text) in [
            ("call", call.as_str()),
            ("agent", agent.as_str()),
            ("code", &result.code),
            ("situation", &result.situation),
            ("tried", &result.tried),
            ("outcome", &result.outcome),
            ("notes", &result.notes),
        ] {
            values.push((name.to_owned(), text.to_owned()));
        }
        match lookups::ask(&self.http, connector, &values, call, TICKET).await {
            Ok(reply) => {
                let reference = reply.fields.get("reference").cloned().unwrap_or_default();
                drop(self.store.ticket(call, agent, &reference).await);
                self.tell_agent(agent, Level::Info, &format!("Ticket {reference} is filed."));
            }
            Err(failure) => {
                tracing::warn!(%call, ?failure, "a ticket could not be filed");
                let text = "The ticket was not filed: the ticket system does not answer.";
                self.tell_agent(agent, Level::Warn, text);
            }
        }
    }
}

fn kept(result: &WrapUpResult) -> WrapUp {
    let cut = |text: &str, chars_max: usize| -> String { text.chars().take(chars_max).collect() };
    let sentence = |text: &str| Pii::new(cut(text, SUMMARY_CHARS_MAX));
    WrapUp {
        code: cut(&result.code, CODE_CHARS_MAX),
        summary: Summary {
            situation: sentence(&result.situation),
            tried: sentence(&result.tried),
            outcome: sentence(&result.outcome),
        },
        notes: cut(&result.notes, NOTES_CHARS_MAX),
        machine_right: result.machine_right,
    }
}
