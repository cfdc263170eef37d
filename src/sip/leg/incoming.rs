//! An INVITE to us: from its arrival to the ACK of our answer.

use std::sync::Arc;

use rsipstack::sip::{Request, Response};
use rsipstack::transaction::Transaction;
use tokio::time::Instant;

use super::super::admission;
use super::super::body;
use super::super::dialog::Dialog;
use super::super::endpoint::{Shared, locked};
use super::super::event::{Incoming, LegEvent, SipEvent};
use super::super::limits::{INCOMING_RING, T1X64};
use super::super::net::{Route, our_ip};
use super::super::receive;
use super::super::reliable::{Reliable, Todo};
use super::super::sdp::{self, LocalMedia, SessionDescription};
use super::super::session_timer::{Refresher, SessionTimer};
use super::super::settings::TrunkSettings;
use super::super::wire::{self, header, make};
use super::requests::{contact, follow_invite};
use super::{Asked, Leg, Phase, Seed, random_token};
use crate::base::caller::CallerInfo;
use crate::base::ids::TrunkId;
use crate::call::event::LegEnd;

/// Takes an admitted INVITE without To tag.
pub(crate) async fn incoming(shared: &Arc<Shared>, transaction: Transaction, route: Route) {
    let request = transaction.original.clone();
    let Some((seq, _)) = wire::cseq(&request) else { return };
    let from_tag = header(&request, "From").and_then(wire::tag_of).unwrap_or("").to_owned();
    let call_id = header(&request, "Call-ID").unwrap_or("");
    let merged = locked(&shared.legs).iter().any(|(key, entry)| {
        let invited = entry.invited.as_ref();
        key.call_id == call_id && invited.is_some_and(|(tag, was)| *tag == from_tag && *was == seq)
    });
    if merged {
        // RFC 3261 section 8.2.2.2: the same request by another way, or in a circle.
        return receive::reply(shared, transaction, 482, &[]).await;
    }
    let trunk = admission::trunk_of(&shared.settings, &request, route.peer.ip());
    let codecs = trunk.map_or(&shared.settings.codecs, |trunk| &trunk.codecs);
    let public = shared.public_address(trunk);
    let ours = shared.net.our_address(route.peer, route.by_tcp, public);
    let offer = match read_offer(&request, codecs, ours.ip()) {
        Ok(offer) => offer,
        Err((status, why)) => {
            let warning = format!("399 warmline \"{}\"", why.replace(['"', '\\'], "'"));
            return receive::reply(shared, transaction, status, &[("Warning", warning)]).await;
        }
    };
    if SessionTimer::as_server(&request, shared.settings.session_expires_s).is_err() {
        let least = super::super::limits::MIN_SE_S.to_string();
        return receive::reply(shared, transaction, 422, &[("Min-SE", least)]).await;
    }
    let local = contact(ours, route.by_tcp);
    let Some(dialog) = Dialog::as_server(&request, &random_token(), &local) else {
        return receive::reply(shared, transaction, 400, &[]).await;
    };
    begin(shared, transaction, route, dialog, offer, (from_tag, seq)).await;
}

async fn begin(
    shared: &Arc<Shared>,
    transaction: Transaction,
    route: Route,
    dialog: Dialog,
    offer: Option<SessionDescription>,
    invited: (String, u32),
) {
    let request = transaction.original.clone();
    let trunk = admission::trunk_of(&shared.settings, &request, route.peer.ip());
    let public_address = shared.public_address(trunk);
    let seq = invited.1;
    let seed = Seed {
        shared: shared.clone(),
        phase: Phase::Ringing,
        dialog,
        route: Some(route.clone()),
        public_address,
        invited: Some(invited),
    };
    let (mut leg, commands, queue) = Leg::new(seed);
    // It came before there was a ladder to write it into.
    shared.ladders.note(&request.clone().into(), super::super::ladder::Way::In, Some(route.peer));
    leg.asked = Some(Asked {
        seq,
        request: request.clone(),
        answer: transaction.tu_sender.clone(),
        accepted: false,
        acknowledged: false,
        first: true,
        we_offered: offer.is_none(),
    });
    leg.their_offer = body::read(&request, &request.body).sdp;
    leg.peer_updates = wire::lists(&request, "Allow", "UPDATE");
    leg.credentials = trunk.and_then(line_credentials);
    let required = wire::lists(&request, "Require", "100rel");
    let wanted = trunk.is_some_and(|trunk| trunk.reliable_provisional);
    if required || (wanted && wire::lists(&request, "Supported", "100rel")) {
        leg.reliable = Some(Reliable::new(rand::random(), seq));
    }
    leg.timers.patience = Some(Instant::now() + INCOMING_RING);
    if let Some(trying) = leg.invite_response(100) {
        // By the transaction's own task: a peer that stops reading must not hold up the others.
        leg.respond(trying);
    }
    tokio::spawn(follow_invite(transaction, seq, leg.wire.clone()));
    let bound = shared.net.udp_at.or(shared.net.tcp_at).map(|at| at.ip());
    let event = Incoming {
        leg: leg.handle.clone(),
        trunk: trunk.map_or_else(|| TrunkId::from("local"), |trunk| trunk.id.clone()),
        media_address: our_ip(bound, route.peer, public_address),
        source: route.peer,
        ..described(&request, offer, trunk.is_some(), leg.handle.clone())
    };
    // The task first: the runtime may command the leg at once.
    tokio::spawn(leg.run(commands, queue));
    shared.tell(SipEvent::Incoming(Box::new(event))).await;
}

/// User and password for a trunk that challenges our requests: its line's, or its own.
pub(super) fn line_credentials(
    trunk: &TrunkSettings,
) -> Option<super::super::settings::Credentials> {
    let line = trunk.register.as_ref().map(|line| super::super::settings::Credentials {
        user: line.user.clone(),
        password: line.password.clone(),
    });
    line.or_else(|| trunk.credentials.clone())
}

/// The offer of an INVITE, if it has one that we could meet.
fn read_offer(
    request: &Request,
    codecs: &[crate::base::session::Codec],
    address: std::net::IpAddr,
) -> Result<Option<SessionDescription>, (u16, String)> {
    let carried = body::read(request, &request.body);
    let Some(text) = carried.sdp else {
        return if request.body.is_empty() {
            Ok(None)
        } else {
            Err((400, "no session description in the body".to_owned()))
        };
    };
    let offer = sdp::parse(&text).map_err(|error| match error {
        sdp::SdpError::TooLong(_) => (413, error.to_string()),
        other => (400, other.to_string()),
    })?;
    let ours = LocalMedia { codecs: codecs.to_vec(), ..LocalMedia::new(address, 9) };
    match sdp::negotiate(&offer, &ours) {
        Ok(_) => Ok(Some(offer)),
        Err(refusal) => Err((sdp::SdpRefusal::STATUS, refusal.to_string())),
    }
}

/// The caller as the INVITE describes it.
fn described(
    request: &Request,
    offer: Option<SessionDescription>,
    from_trunk: bool,
    leg: super::LegHandle,
) -> Incoming {
    let from = header(request, "From").unwrap_or("");
    // Only a trunk's word on identity counts (RFC 3325 section 5).
    let asserted = header(request, "P-Asserted-Identity").filter(|_| from_trunk);
    let asserted = asserted.and_then(|value| wire::split_list(value).into_iter().next());
    let private = wire::lists(request, "Privacy", "id")
        || header(request, "Privacy").is_some_and(|value| value.contains("id"));
    let identity = asserted.unwrap_or(from);
    let number = wire::user_of(wire::uri_of(identity));
    let hidden = private
        || wire::uri_of(identity).to_ascii_lowercase().contains("anonymous.invalid")
        || number.as_deref().is_some_and(|user| user.eq_ignore_ascii_case("anonymous"));
    let carried = body::read(request, &request.body);
    let shown = request.headers.iter().filter(|header| body::may_carry(header.name())).take(16);
    Incoming {
        leg,
        trunk: TrunkId::from("local"),
        number: number.filter(|_| !hidden).map(Into::into),
        name: wire::display_of(identity).filter(|_| !hidden).map(Into::into),
        dialled: wire::user_of(&request.uri.to_string()).unwrap_or_default(),
        user_agent: header(request, "User-Agent").map(wire::printable),
        offer,
        media_address: std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST),
        source: ([127, 0, 0, 1], 0).into(),
        headers: shown
            .filter_map(|header| body::clean_header(header.name(), header.value()))
            .collect(),
        parts: carried.parts,
    }
}

impl Incoming {
    /// The caller for `Event::Arrived`; language and profile are the runtime's to fill.
    pub fn caller_info(&self, language: crate::base::language::Language) -> CallerInfo {
        CallerInfo {
            number: self.number.clone(),
            name: self.name.clone(),
            dialled: self.dialled.clone(),
            trunk: self.trunk.clone(),
            user_agent: self.user_agent.clone(),
            language,
            peer: Some(self.source),
            profile: Default::default(),
        }
    }
}

impl Leg {
    pub(super) fn ring(&mut self) {
        if self.phase != Phase::Ringing {
            return;
        }
        if let Some(response) = self.invite_response(180) {
            self.provisional(response);
        }
    }

    /// 183 with our answer; it stands in the 200 again (RFC 3261 section 13.2.1).
    pub(super) fn progress(&mut self, text: &str) {
        if self.phase != Phase::Ringing {
            return;
        }
        if self.asked.as_ref().is_some_and(|asked| asked.we_offered) {
            return self.ring();
        }
        let Some(mut response) = self.invite_response(183) else { return };
        let stamped = self.origin.stamp(text);
        wire::set_body(&mut response, Some("application/sdp"), stamped.len());
        response.body = stamped.into_bytes();
        self.provisional(response);
    }

    fn provisional(&mut self, response: Response) {
        let Some(reliable) = self.reliable.as_mut() else {
            self.respond(response);
            return;
        };
        let now_ms = self.shared.now_ms();
        let numbered = |rseq: u32| {
            let mut response: Response = response;
            response.headers.push(make("Require", "100rel"));
            response.headers.push(make("RSeq", rseq.to_string()));
            response
        };
        if let Some(first) = reliable.send(numbered, now_ms) {
            self.respond(first);
        }
    }

    pub(super) fn reliable_due(&mut self) {
        let now_ms = self.shared.now_ms();
        let Some(todo) =
            self.reliable.as_mut().and_then(|reliable| reliable.handle_timeout(now_ms))
        else {
            return;
        };
        match todo {
            Todo::Send(response) => self.respond(response),
            // RFC 3262 section 3: the call cannot go on. Answered through the usual refusal.
            Todo::GiveUp => self.timers.patience = Some(Instant::now()),
        }
    }

    /// 200 with our description.
    pub(super) async fn answer(&mut self, text: &str) {
        if self.phase != Phase::Ringing {
            return;
        }
        let Some(mut response) = self.invite_response(200) else { return };
        let stamped = self.origin.stamp(text);
        if let Some(asked) = self.asked.as_mut() {
            asked.accepted = true;
            let wanted_s = self.shared.settings.session_expires_s;
            if let Ok(timer) = SessionTimer::as_server(&asked.request, wanted_s) {
                response.headers.push(make("Session-Expires", timer.as_server_header()));
                if timer.refresher == Refresher::Peer {
                    response.headers.push(make("Require", "timer"));
                }
                self.timer = Some(timer);
            }
        }
        wire::set_body(&mut response, Some("application/sdp"), stamped.len());
        response.body = stamped.clone().into_bytes();
        if let Some(reliable) = self.reliable.as_mut() {
            reliable.stop();
        }
        self.our_sdp = Some(stamped);
        self.phase = Phase::Up;
        // The server transaction gives up by itself at 64·T1; this is only the net below it.
        self.timers.patience = Some(Instant::now() + T1X64 * 2);
        self.session_refreshed();
        self.respond(response);
    }

    pub(super) async fn refuse(&mut self, status: u16, retry_after_s: Option<u32>) {
        if self.phase != Phase::Ringing {
            return;
        }
        let status = if (300..700).contains(&status) { status } else { 500 };
        if let Some(mut response) = self.invite_response(status) {
            if let Some(seconds) = retry_after_s {
                response.headers.push(make("Retry-After", seconds.to_string()));
            }
            self.respond(response);
        }
        self.finish(LegEnd::ByUs, None).await;
    }

    /// The caller gave up before we answered.
    pub(super) async fn cancelled(&mut self, reason: Option<String>) {
        if self.phase != Phase::Ringing {
            // A CANCEL that crossed our answer, or one of a re-INVITE; a BYE will follow.
            return;
        }
        if let Some(response) = self.invite_response(487) {
            self.respond(response);
        }
        self.finish(LegEnd::Cancelled, reason).await;
    }

    pub(super) async fn ack_came(&mut self, seq: u32, ack: &Request) {
        let Some(asked) = self.asked.as_mut().filter(|asked| asked.seq == seq) else { return };
        asked.acknowledged = true;
        if !asked.accepted {
            return;
        }
        let (first, we_offered) = (asked.first, asked.we_offered);
        self.asked = None;
        if first {
            self.timers.patience = None;
        }
        let answer = match we_offered {
            true => body::read(ack, &ack.body).sdp.and_then(|text| sdp::parse(&text).ok()),
            false => None,
        };
        if first {
            self.tell(LegEvent::Acked { answer }).await;
        } else if let Some(answer) = answer {
            self.tell(LegEvent::Changed { answer }).await;
        }
        if let Some(cause) = self.hang_up {
            self.bye(cause).await;
        }
    }

    pub(super) async fn invite_done(&mut self, seq: u32) {
        let Some(asked) = self.asked.as_ref().filter(|asked| asked.seq == seq) else { return };
        let lost = asked.accepted && !asked.acknowledged;
        self.asked = None;
        if lost && self.phase == Phase::Up {
            self.ack_never_came().await;
        }
    }

    /// 64·T1 without an ACK: the session is ended (RFC 3261 section 13.3.1.4).
    pub(super) async fn ack_never_came(&mut self) {
        self.asked = None;
        let by_us = self.hang_up.is_some();
        if !by_us && !self.told {
            self.told = true;
            let reason = Some("no ACK".to_owned());
            self.tell(LegEvent::Ended { end: LegEnd::SignallingLost, reason }).await;
        }
        self.bye(self.hang_up.unwrap_or(crate::call::command::HangUpCause::Failure)).await;
    }
}
