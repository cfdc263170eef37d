//! SIP events → calls. An INVITE becomes a call's task; what happens on a leg goes to its task.

use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use rand::Rng;
use tokio::sync::mpsc;

use crate::base::caller::{CallerInfo, CustomerProfile};
use crate::base::disposition::Disposition;
use crate::base::ids::{CallId, LegId};
use crate::base::limits::CALL_EVENTS_MAX;
use crate::base::pii::Pii;
use crate::call::command::HangUpCause;
use crate::config::Config;
use crate::sip::sdp::{self, LocalMedia};
use crate::sip::{Incoming, SipEvent};

use super::call::signal::Signal;
use super::call::{CallTask, Leg};
use super::desk::DeskMessage;
use super::shared::{CallEntry, Inbound, Shared, locked};

/// Seconds after which a refused caller may try again.
const RETRY_AFTER_S: u32 = 10;

/// Runs until the endpoint ends.
pub async fn run(shared: Arc<Shared>, mut events: mpsc::Receiver<SipEvent>) {
    while let Some(event) = events.recv().await {
        match event {
            SipEvent::Incoming(incoming) => incoming_call(&shared, *incoming),
            SipEvent::Leg { leg, event } => {
                let inbox = locked(&shared.by_leg).get(&leg).cloned();
                if let Some(inbox) = inbox
                    && inbox.try_send(Inbound::Sip(leg, event)).is_err()
                {
                    tracing::warn!("a call does not keep up with its signalling");
                }
            }
            SipEvent::Trunk { trunk, state } => tracing::info!(%trunk, ?state, "trunk"),
            SipEvent::Phone { agent, contacts, .. } => {
                shared.desk.send(DeskMessage::Phone(agent, contacts > 0));
            }
        }
    }
}

pub fn new_call_id(wall: Timestamp) -> CallId {
    CallId::new(wall.as_millisecond().max(0) as u64, rand::rng().random())
}

fn incoming_call(shared: &Arc<Shared>, incoming: Incoming) {
    let leg = incoming.leg.clone();
    if shared.is_draining() {
        shared.metrics.calls_shed.increment();
        let _ = leg.refuse(503, Some(RETRY_AFTER_S));
        return;
    }
    let (wall, began) = (Timestamp::now(), Instant::now());
    let id = new_call_id(wall);
    let (media, media_events) = shared.media.open_call(id.as_str(), began);
    let opened = match media.open_leg(LegId::CALLER) {
        Ok(opened) => opened,
        Err(error) => {
            tracing::error!(call = %id, %error, "no port for a caller");
            let _ = leg.refuse(503, Some(RETRY_AFTER_S));
            return;
        }
    };
    opened.set_signalling_host(incoming.source.ip());
    let mut local = LocalMedia::new(incoming.media_address, opened.local_port());
    let trunk = shared.config.trunks.iter().find(|trunk| trunk.id == incoming.trunk);
    if let Some(trunk) = trunk {
        local.codecs = trunk.codecs.clone();
    }
    let answer = match &incoming.offer {
        None => sdp::offer(&local),
        Some(offer) => match sdp::negotiate(offer, &local) {
            Ok((answer, plan)) => match opened.set_plan(plan) {
                Ok(()) => answer,
                Err(_) => {
                    let _ = leg.refuse(488, None);
                    return;
                }
            },
            Err(refusal) => {
                tracing::info!(call = %id, %refusal, "refused with 488");
                let _ = leg.refuse(sdp::SdpRefusal::STATUS, None);
                return;
            }
        },
    };
    let caller = caller_info(&shared.config, &incoming);
    let (inbox, inbound) = mpsc::channel(CALL_EVENTS_MAX);
    let entry = CallEntry { inbox: inbox.clone(), legs: vec![Signal::Sip(leg.clone())] };
    locked(&shared.calls).insert(id.clone(), entry);
    locked(&shared.by_leg).insert(leg.id(), inbox.clone());
    shared.metrics.calls_arrived.increment();
    shared.metrics.calls_active.add(1);
    let leg = Leg::caller(leg, opened, local, answer);
    let task = CallTask::new(shared.clone(), id.clone(), began, wall, inbox, media, leg, caller);
    let running = tokio::spawn(task.run(inbound, media_events));
    tokio::spawn(supervise(shared.clone(), id, running));
}

/// A call whose task breaks off is ended for everybody; no other call notices.
pub async fn supervise(shared: Arc<Shared>, id: CallId, running: tokio::task::JoinHandle<()>) {
    let broke = running.await.is_err();
    let entry = locked(&shared.calls).remove(&id);
    locked(&shared.active).remove(&id);
    shared.metrics.calls_active.add(-1);
    let Some(entry) = entry else { return };
    for leg in &entry.legs {
        if let Some(sip) = leg.sip() {
            locked(&shared.by_leg).remove(&sip.id());
        }
    }
    if broke {
        tracing::error!(call = %id, "a call's task broke off: its legs are ended");
        shared.metrics.call_panics.increment();
        shared.metrics.call_ended(Disposition::SystemFailure);
        for leg in &entry.legs {
            leg.refuse(500);
            leg.hang_up(HangUpCause::Failure);
        }
        let at = crate::base::moment::Moment::ZERO;
        let ended = shared.store.ended(&id, at, Timestamp::now(), Disposition::SystemFailure);
        drop(ended.await);
    }
}

fn caller_info(config: &Config, incoming: &Incoming) -> CallerInfo {
    let known = incoming.number.as_ref().and_then(|number| {
        config.customers.iter().find(|customer| same_number(&customer.number, number.reveal()))
    });
    let profile = known.map(|customer| CustomerProfile {
        name: customer.name.clone().map(Pii::new),
        vip: customer.vip,
        handling: customer.handling,
    });
    CallerInfo {
        number: incoming.number.clone(),
        name: incoming.name.clone(),
        dialled: incoming.dialled.clone(),
        trunk: incoming.trunk.clone(),
        user_agent: incoming.user_agent.clone(),
        language: config.language(&incoming.trunk, &incoming.dialled).clone(),
        peer: Some(incoming.source),
        profile: profile.unwrap_or_default(),
    }
}

/// Numbers are the same if their digits are.
fn same_number(one: &str, other: &str) -> bool {
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    if one.chars().any(|c| c.is_ascii_alphabetic()) {
        return one == other;
    }
    let (one, other) = (digits(one), digits(other));
    !one.is_empty() && one == other
}
