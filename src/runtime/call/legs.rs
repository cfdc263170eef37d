//! The legs' signalling: what the peers do, and how agents are dialled.

use crate::base::card::{OfferCard, Speaker};
use crate::base::ids::{AgentId, LegId};
use crate::base::session::Direction;
use crate::call::command::HangUpCause;
use crate::call::event::{DialFailure, Event, LegEnd};
use crate::runtime::shared::{Inbound, Shared, locked};
use crate::sip::sdp::{self, LocalMedia, SessionDescription};
use crate::sip::{BodyPart, Dial, DialTarget, LegEvent, SipLegId};
use crate::store::LadderRow;
use crate::web;

use super::signal::Signal;
use super::{CallTask, Leg};

/// Longest value of one of our headers, characters.
const HEADER_CHARS_MAX: usize = 120;

impl CallTask {
    fn leg_of(&self, sip: SipLegId) -> Option<LegId> {
        let is_it = |leg: &Leg| leg.signal.sip().is_some_and(|leg| leg.id() == sip);
        self.legs.iter().find(|(_, leg)| is_it(leg)).map(|(id, _)| *id)
    }

    pub(super) async fn take_sip(&mut self, sip: SipLegId, event: LegEvent) {
        let Some(leg) = self.leg_of(sip) else { return };
        match event {
            LegEvent::Ringing { .. } => {
                if let Some(open) = self.legs.get_mut(&leg) {
                    open.rang = true;
                }
                self.happen(Event::LegRinging { leg }).await;
            }
            LegEvent::Answered { answer } => self.agent_answered(leg, &answer).await,
            LegEvent::Failed { failure, status } => {
                self.alarm_if_broken(leg, failure, status);
                self.end_leg(leg, "failed").await;
                self.happen(Event::LegFailed { leg, failure }).await;
            }
            LegEvent::Acked { answer } => self.caller_acked(leg, answer).await,
            LegEvent::Change { offer } => self.changed(leg, &offer).await,
            LegEvent::Changed { answer } => {
                // Our own re-INVITE: the sound may go elsewhere from now on.
                let _ = self.legs.get(&leg).is_some_and(|open| open.obeys(&answer));
            }
            LegEvent::ChangeRefused { .. } => {}
            LegEvent::Key { key, .. } => self.happen(Event::KeyPressed { leg, key }).await,
            LegEvent::Ended { end, .. } => {
                self.end_leg(leg, &format!("{end:?}")).await;
                self.happen(Event::LegEnded { leg, end }).await;
            }
        }
    }

    /// The leg's media closes; its ear still brings the last words.
    pub(super) async fn end_leg(&mut self, leg: LegId, how: &str) {
        self.shared.ears.close((self.id.clone(), leg));
        self.keep_ladder(leg).await;
        if let Some(open) = self.legs.remove(&leg)
            && let Some(sip) = open.signal.sip()
        {
            locked(&self.shared.by_leg).remove(&sip.id());
        }
        drop(self.shared.store.leg_ended(&self.id, leg, self.now(), how).await);
    }

    async fn keep_ladder(&self, leg: LegId) {
        let Some(sip) = self.legs.get(&leg).and_then(|open| open.signal.sip()) else { return };
        let began_ms = self.wall.as_millisecond().max(0) as u64;
        for line in sip.ladder() {
            let headers: Vec<String> =
                line.headers.iter().map(|header| header.reveal().clone()).collect();
            let row = LadderRow {
                at: crate::base::moment::Moment(line.unix_ms.saturating_sub(began_ms)),
                leg,
                outbound: line.way == crate::sip::Way::Out,
                peer: line.peer.map(|peer| peer.to_string()).unwrap_or_default(),
                summary: line.first_line.reveal().clone(),
                message: headers.join("\n"),
            };
            drop(self.shared.store.ladder(&self.id, row).await);
        }
    }

    pub(super) async fn media_lost(&mut self, leg: LegId) {
        if let Some(open) = self.legs.get(&leg) {
            open.signal.hang_up(HangUpCause::MediaLost);
            self.end_leg(leg, "MediaLost").await;
            self.happen(Event::LegEnded { leg, end: LegEnd::MediaLost }).await;
        }
    }

    async fn caller_acked(&mut self, leg: LegId, answer: Option<SessionDescription>) {
        if let Some(answer) = answer {
            let planned = self.legs.get(&leg).is_some_and(|open| open.obeys(&answer));
            if !planned {
                if let Some(open) = self.legs.get(&leg) {
                    open.signal.hang_up(HangUpCause::Failure);
                }
                return;
            }
        }
        self.open_ear(leg);
        self.happen(Event::CallerConnected).await;
    }

    pub(super) fn answer_now(&mut self) {
        if let Some(leg) = self.legs.get_mut(&LegId::CALLER)
            && let Some(answer) = leg.answer.take()
            && let Some(sip) = leg.signal.sip()
        {
            let _ = sip.answer(answer);
        }
    }

    /// Hold, resume, another address or codec.
    async fn changed(&mut self, leg: LegId, offer: &SessionDescription) {
        let Some(open) = self.legs.get_mut(&leg) else { return };
        let (Some(sip), Some(local)) = (open.signal.sip(), &open.local) else { return };
        let (text, plan) = match sdp::negotiate(offer, local) {
            Ok(agreed) => agreed,
            Err(_) => {
                let _ = sip.refuse_change(sdp::SdpRefusal::STATUS);
                return;
            }
        };
        let held = matches!(plan.direction, Direction::RecvOnly | Direction::Inactive);
        if open.media.set_plan(plan).is_err() {
            let _ = sip.refuse_change(sdp::SdpRefusal::STATUS);
            return;
        }
        let _ = sip.answer_change(text);
        if open.held != held {
            open.held = held;
            let event = if held { Event::LegHeld { leg } } else { Event::LegResumed { leg } };
            self.happen(event).await;
        }
    }

    async fn agent_answered(&mut self, leg: LegId, answer: &SessionDescription) {
        let Some(open) = self.legs.get(&leg) else { return };
        if !open.obeys(answer) {
            open.signal.hang_up(HangUpCause::Failure);
            self.end_leg(leg, "no common media").await;
            let failure = DialFailure::NoCommonMedia;
            self.happen(Event::LegFailed { leg, failure }).await;
            return;
        }
        self.agent_is_there(leg).await;
    }

    pub(super) async fn agent_is_there(&mut self, leg: LegId) {
        self.open_ear(leg);
        // A caller who was called back has a row already.
        if leg != LegId::CALLER {
            self.begin_leg_row(leg, "agent").await;
        }
        let open = self.legs.get_mut(&leg);
        if let Some(agent) = open.and_then(|open| {
            open.rang = true;
            open.agent.clone()
        }) {
            locked(&self.shared.broken_phones).remove(&agent);
        }
        self.happen(Event::LegAnswered { leg }).await;
    }

    /// Busy and nobody there is daily life; a phone that cannot be rung is the engineer's matter.
    fn alarm_if_broken(&self, leg: LegId, failure: DialFailure, status: Option<u16>) {
        let agent = self.legs.get(&leg).and_then(|open| open.agent.clone());
        match (failure, agent) {
            (
                DialFailure::NotFound
                | DialFailure::Forbidden
                | DialFailure::NoCommonMedia
                | DialFailure::ServerError(_)
                | DialFailure::Unreachable
                | DialFailure::Other(_),
                Some(agent),
            ) => {
                tracing::warn!(call = %self.id, %agent, ?failure, ?status, "cannot be rung");
                locked(&self.shared.broken_phones).insert(agent);
            }
            (_, _) => {
                tracing::info!(call = %self.id, leg = leg.0, ?failure, ?status, "not reached");
            }
        }
    }

    /// Nobody answered: a phone that did not even ring is not there.
    pub(super) fn alarm_if_silent(&self, leg: LegId) {
        let Some(open) = self.legs.get(&leg).filter(|open| !open.rang) else { return };
        if let (Some(agent), Some(_)) = (&open.agent, open.signal.sip()) {
            tracing::warn!(call = %self.id, %agent, "cannot be rung: the phone says nothing");
            locked(&self.shared.broken_phones).insert(agent.clone());
        }
    }

    /// Offers the session as it is once more (RFC 3261 section 14).
    pub(super) fn offer_anew(&self, leg: LegId) {
        let Some(open) = self.legs.get(&leg) else { return };
        if let (Some(sip), Some(local)) = (open.signal.sip(), &open.local) {
            let _ = sip.reinvite(sdp::offer(local));
        }
    }

    /// Rings the caller whose line broke, where the call had come from.
    pub(super) async fn call_back(&mut self) {
        if let Err(why) = self.try_call_back().await {
            tracing::warn!(call = %self.id, "cannot call back: {why}");
            let event = Event::LegFailed { leg: LegId::CALLER, failure: DialFailure::Unreachable };
            let _ = self.inbox.try_send(Inbound::Event(event));
        }
    }

    async fn try_call_back(&mut self) -> Result<(), String> {
        let shared = self.shared.clone();
        let number = self.caller.number.as_ref().ok_or("the number is withheld")?;
        let peer = self.caller.peer.ok_or("it was no SIP call")?;
        // A user part of what the trunk gave: nothing in it can end the URI.
        let user: String = number
            .reveal()
            .chars()
            .filter(|symbol| symbol.is_ascii_alphanumeric() || "+*#-_.".contains(*symbol))
            .collect();
        let target = DialTarget::Uri(format!("sip:{}@{peer}", user.replace('#', "%23")));
        let trunk = shared.config.trunks.iter().find(|trunk| trunk.id == self.caller.trunk);
        let line = trunk.map(|trunk| trunk.id.clone());
        let media = self.media.open_leg(LegId::CALLER).map_err(|error| error.to_string())?;
        let address = shared.sip.media_address(&target, line.as_ref()).await;
        let mut local = LocalMedia::new(address, media.local_port());
        if let Some(trunk) = trunk {
            local.codecs = trunk.codecs.clone();
        }
        let dial = Dial {
            target,
            trunk: line,
            from_user: self.caller.dialled.clone(),
            from_name: Some(header_text(&shared.config.company.name)),
            offer: sdp::offer(&local),
            headers: Vec::new(),
            parts: Vec::new(),
        };
        self.place(dial, LegId::CALLER, media, local, None)
    }

    /// Sends the INVITE, and makes its leg known before any event of it can be dispatched.
    fn place(
        &mut self,
        dial: Dial,
        leg: LegId,
        media: crate::media::LegHandle,
        local: LocalMedia,
        agent: Option<AgentId>,
    ) -> Result<(), String> {
        let mut by_leg = locked(&self.shared.by_leg);
        let sip = self.shared.sip.dial(dial).map_err(|error| error.to_string())?;
        by_leg.insert(sip.id(), self.inbox.clone());
        drop(by_leg);
        if let Some(entry) = locked(&self.shared.calls).get_mut(&self.id) {
            entry.legs.push(Signal::Sip(sip.clone()));
        }
        let (signal, local) = (Signal::Sip(sip), Some(local));
        let (answer, held, taken, rang) = (None, false, true, false);
        let leg_now = Leg { signal, media, local, answer, agent, held, taken, rang };
        self.legs.insert(leg, leg_now);
        Ok(())
    }

    /// Rings an agent with the card attached.
    pub(super) async fn dial_agent(&mut self, leg: LegId, card: OfferCard) {
        if let Err(why) = self.try_dial(leg, &card).await {
            tracing::warn!(call = %self.id, agent = %card.agent, "cannot ring: {why}");
            if shared_phone(&self.shared, &card.agent) {
                locked(&self.shared.broken_phones).insert(card.agent.clone());
            }
            let failure = DialFailure::Unreachable;
            let _ = self.inbox.try_send(Inbound::Event(Event::LegFailed { leg, failure }));
        }
    }

    async fn try_dial(&mut self, leg: LegId, card: &OfferCard) -> Result<(), String> {
        let shared = self.shared.clone();
        let agent = shared.agent(&card.agent).ok_or("no such agent")?;
        let wall = self.wall_at(self.now());
        let again = self.had_it.contains(&card.agent);
        if self.dial_browser(leg, card).await? {
            if !again {
                // Its link is nowhere needed, but the card is: after a restart, and in the record.
                drop(shared.store.offer_opening(card, wall).await);
            }
            return Ok(());
        }
        if agent.contact.is_none() && agent.password.is_none() {
            return Err("the agent's browser is not connected".into());
        }
        let target = match &agent.contact {
            Some(contact) => DialTarget::Uri(contact.clone()),
            None => DialTarget::Phone(agent.id.to_string()),
        };
        let (token, ack) = shared.store.offer_opening(card, wall).await;
        drop(ack);
        let url = web::offer_url(&shared.public_url, &token);
        let media = self.media.open_leg(leg).map_err(|error| error.to_string())?;
        let address = shared.sip.media_address(&target, None).await;
        let local = LocalMedia::new(address, media.local_port());
        let mut parts = Vec::new();
        if agent.attach_transcript {
            let body = transcript_text(card).into_bytes();
            parts.push(BodyPart { content_type: "text/plain;charset=utf-8".into(), body });
        }
        let dial = Dial {
            target,
            trunk: None,
            from_user: "warmline".into(),
            from_name: Some(header_text(&card.summary)),
            offer: sdp::offer(&local),
            headers: offer_headers(card, &url),
            parts,
        };
        self.place(dial, leg, media, local, Some(card.agent.clone()))
    }
}

impl Leg {
    /// The peer's answer to our offer, made the leg's media.
    fn obeys(&self, answer: &SessionDescription) -> bool {
        let Some(local) = &self.local else { return false };
        sdp::accept_answer(local, answer).is_ok_and(|plan| self.media.set_plan(plan).is_ok())
    }
}

/// `true` if the agent has a phone: a browser that is closed is no fault.
fn shared_phone(shared: &Shared, agent: &AgentId) -> bool {
    shared.agent(agent).is_some_and(|agent| agent.contact.is_some() || agent.password.is_some())
}

/// What an agent's phone shows of the offer without any page.
fn offer_headers(card: &OfferCard, url: &str) -> Vec<(String, String)> {
    let pointer = format!("{}/{}", card.call, card.offer);
    let hex: String = pointer.bytes().map(|byte| format!("{byte:02x}")).collect();
    let reason = card.reasons.first().map(|reason| reason.text.clone()).unwrap_or_default();
    let mut headers = vec![
        ("User-to-User".to_owned(), format!("{hex};encoding=hex")),
        ("Call-Info".to_owned(), format!("<{url}>;purpose=info")),
        ("X-Warmline-Priority".to_owned(), format!("{:?}", card.priority)),
        ("X-Warmline-Language".to_owned(), card.language.to_string()),
        ("X-Warmline-Stress".to_owned(), format!("{:.2}", card.stress)),
        ("X-Warmline-Reason".to_owned(), header_text(&reason)),
    ];
    if let Some(intent) = &card.intent {
        headers.push(("X-Warmline-Intent".to_owned(), header_text(intent)));
    }
    headers
}

/// Plain and short: nothing of a caller's words can end a header.
fn header_text(text: &str) -> String {
    text.chars()
        .filter(|symbol| symbol.is_ascii_graphic() || *symbol == ' ')
        .filter(|symbol| !matches!(symbol, '"' | '<' | '>' | '\\'))
        .take(HEADER_CHARS_MAX)
        .collect()
}

/// Summary, reasons and the last turns, newest last, within four kilobytes.
fn transcript_text(card: &OfferCard) -> String {
    const BYTES_MAX: usize = 3_500;
    let mut text = format!("{}\n", card.summary);
    for reason in card.reasons.iter().take(6) {
        text.push_str(&format!("- {reason}\n"));
    }
    for tried in card.tried.iter().rev().take(4) {
        text.push_str(&format!("tried: {tried}\n"));
    }
    let mut lines: Vec<String> = Vec::new();
    let mut left = BYTES_MAX.saturating_sub(text.len());
    for line in card.transcript.iter().rev() {
        let who = match line.speaker {
            Speaker::Caller => "Caller",
            Speaker::Machine => "Machine",
            Speaker::Agent => "Agent",
        };
        let line = format!("{} {who}: {}\n", line.at.clock(), line.text.reveal());
        if line.len() > left {
            break;
        }
        left -= line.len();
        lines.push(line);
    }
    text.extend(lines.into_iter().rev());
    text
}
