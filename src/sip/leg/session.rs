//! A dialog that is up: the peer's requests in it, changes of the session both ways with their
//! glare, session timers, and the BYE.

use std::time::Duration;

use rsipstack::sip::{Method, Request, Response};
use rsipstack::transaction::Transaction;
use rsipstack::transaction::transaction::TransactionEvent;
use tokio::time::Instant;

use super::super::body;
use super::super::event::LegEvent;
use super::super::judge;
use super::super::keys;
use super::super::limits::{CHANGE_ANSWER, MIN_SE_S, T1X64};
use super::super::sdp;
use super::super::session_timer::{Refresher, SessionTimer};
use super::super::wire::{self, header, make};
use super::requests::follow_invite;
use super::{Asked, Leg, Pending, Phase, Sent, reason_header};
use crate::call::command::HangUpCause;
use crate::call::event::LegEnd;

impl Leg {
    /// A request within the dialog, already judged by the gate.
    pub(super) async fn request_came(&mut self, transaction: Box<Transaction>) {
        let transaction = *transaction;
        let request = transaction.original.clone();
        let tag = header(&request, "From").and_then(wire::tag_of).unwrap_or("");
        if !self.dialog.remote_tag.is_empty() && tag != self.dialog.remote_tag {
            return self.reply_status(transaction, 481, &[]);
        }
        let Some((seq, _)) = wire::cseq(&request) else { return };
        if !self.dialog.accept_seq(seq) {
            return self.reply_status(transaction, 500, &[]);
        }
        match request.method {
            Method::Invite => self.change_came(transaction, &request, seq).await,
            Method::Update => self.update_came(transaction, &request).await,
            Method::Bye => self.bye_came(transaction, &request).await,
            Method::Info => self.info_came(transaction, &request).await,
            Method::PRack => self.prack_came(transaction, &request),
            Method::Options => {
                let allow = super::super::admission::allow(&self.shared.settings);
                let headers = [("Allow", allow), ("Supported", judge::SUPPORTED)];
                self.reply_status(transaction, 200, &headers);
            }
            _ => self.reply_status(transaction, 405, &[("Allow", judge::ALLOW)]),
        }
    }

    async fn bye_came(&mut self, transaction: Transaction, request: &Request) {
        self.reply_status(transaction, 200, &[]);
        let reason = header(request, "Reason").map(wire::printable);
        match self.phase {
            Phase::Ringing => {
                // A BYE for an early dialog ends the INVITE as well (RFC 3261 section 15.1.2).
                if let Some(response) = self.invite_response(487) {
                    self.respond(response);
                }
                self.finish(LegEnd::Cancelled, reason).await;
            }
            Phase::Dialling | Phase::Up => self.finish(LegEnd::HungUp, reason).await,
            Phase::Closing => self.finish(LegEnd::ByUs, reason).await,
            Phase::Over => {}
        }
    }

    async fn info_came(&mut self, transaction: Transaction, request: &Request) {
        let kind = header(request, "Content-Type").unwrap_or("");
        match keys::read(kind, &request.body) {
            keys::Info::Key { key, duration_ms } => {
                self.reply_status(transaction, 200, &[]);
                self.tell(LegEvent::Key { key, duration_ms }).await;
            }
            keys::Info::Nothing => self.reply_status(transaction, 200, &[]),
            keys::Info::Malformed => self.reply_status(transaction, 400, &[]),
            keys::Info::Foreign => {
                let accept = "application/dtmf-relay, application/dtmf";
                self.reply_status(transaction, 415, &[("Accept", accept)]);
            }
        }
    }

    fn prack_came(&mut self, transaction: Transaction, request: &Request) {
        let rack = header(request, "RAck").unwrap_or("");
        let now_ms = self.shared.now_ms();
        let known = self.reliable.as_mut().map(|reliable| reliable.acknowledge(rack, now_ms));
        match known {
            Some(Ok(next)) => {
                self.reply_status(transaction, 200, &[]);
                if let Some(response) = next {
                    self.respond(response);
                }
            }
            Some(Err(())) | None => self.reply_status(transaction, 481, &[]),
        }
    }

    /// A re-INVITE.
    async fn change_came(&mut self, transaction: Transaction, request: &Request, seq: u32) {
        if self.inviting.is_some() {
            return self.reply_invite(transaction, 491, &[]);
        }
        if self.phase != Phase::Up || self.asked.is_some() || self.pending.is_some() {
            let seconds = (rand::random::<u32>() % 10).to_string();
            return self.reply_invite(transaction, 500, &[("Retry-After", seconds.as_str())]);
        }
        if self.too_small(request) {
            let least = MIN_SE_S.to_string();
            return self.reply_invite(transaction, 422, &[("Min-SE", least.as_str())]);
        }
        let offer = body::read(request, &request.body).sdp;
        let parsed = match offer.as_deref().map(sdp::parse).transpose() {
            Ok(parsed) => parsed,
            Err(_) => return self.reply_invite(transaction, 400, &[]),
        };
        self.dialog.refresh_target(request);
        self.asked = Some(Asked {
            seq,
            request: request.clone(),
            answer: transaction.tu_sender.clone(),
            accepted: false,
            acknowledged: false,
            first: false,
            we_offered: parsed.is_none(),
        });
        if let Some(trying) = self.invite_response(100) {
            self.respond(trying);
        }
        tokio::spawn(follow_invite(transaction, seq, self.wire.clone()));
        match parsed {
            // Nothing new, or nothing said: what holds goes on holding.
            None => self.accept_again(),
            Some(_) if offer == self.their_offer => self.accept_again(),
            Some(parsed) => {
                self.their_offer = offer;
                self.pending = Some(Pending::Invite);
                self.timers.change = Some(Instant::now() + CHANGE_ANSWER);
                self.tell(LegEvent::Change { offer: parsed }).await;
            }
        }
    }

    /// Accepts with the description that already holds.
    fn accept_again(&mut self) {
        let held = self.our_sdp.clone().unwrap_or_default();
        self.accept_invite(&held);
    }

    fn accept_invite(&mut self, text: &str) {
        let Some(mut response) = self.invite_response(200) else { return };
        let request = self.asked.as_ref().map(|asked| asked.request.clone());
        if let Some(request) = request {
            self.take_timer(&request, &mut response);
        }
        if let Some(asked) = self.asked.as_mut() {
            asked.accepted = true;
        }
        wire::set_body(&mut response, Some("application/sdp"), text.len());
        response.body = text.as_bytes().to_vec();
        self.respond(response);
    }

    async fn update_came(&mut self, transaction: Transaction, request: &Request) {
        if self.too_small(request) {
            let least = MIN_SE_S.to_string();
            return self.reply_status(transaction, 422, &[("Min-SE", least.as_str())]);
        }
        let offer = body::read(request, &request.body).sdp;
        if offer.is_some() {
            if self.inviting.is_some() {
                return self.reply_status(transaction, 491, &[]);
            }
            if self.phase != Phase::Up || self.pending.is_some() {
                return self.reply_status(transaction, 500, &[("Retry-After", "2")]);
            }
        }
        self.dialog.refresh_target(request);
        let parsed = match offer.as_deref().map(sdp::parse).transpose() {
            Ok(parsed) => parsed,
            Err(_) => return self.reply_status(transaction, 400, &[]),
        };
        match parsed {
            None => self.accept_update(transaction, None),
            Some(_) if offer == self.their_offer => {
                let held = self.our_sdp.clone();
                self.accept_update(transaction, held.as_deref());
            }
            Some(parsed) => {
                self.their_offer = offer;
                self.pending = Some(Pending::Update(Box::new(transaction)));
                self.timers.change = Some(Instant::now() + CHANGE_ANSWER);
                self.tell(LegEvent::Change { offer: parsed }).await;
            }
        }
    }

    fn accept_update(&mut self, transaction: Transaction, text: Option<&str>) {
        let agent = self.shared.settings.user_agent.clone();
        let mut response = wire::response(&transaction.original, 200, None, &agent);
        response.headers.push(make("Contact", self.dialog.contact.as_str()));
        self.take_timer(&transaction.original.clone(), &mut response);
        match text {
            Some(text) => {
                wire::set_body(&mut response, Some("application/sdp"), text.len());
                response.body = text.as_bytes().to_vec();
            }
            None => wire::set_body(&mut response, None, 0),
        }
        self.reply(transaction, response);
    }

    /// The runtime's answer to the peer's change.
    pub(super) async fn answer_change(&mut self, text: &str) {
        self.timers.change = None;
        let Some(pending) = self.pending.take() else { return };
        let stamped = self.origin.stamp(text);
        self.our_sdp = Some(stamped.clone());
        match pending {
            Pending::Invite => self.accept_invite(&stamped),
            Pending::Update(transaction) => self.accept_update(*transaction, Some(&stamped)),
        }
    }

    pub(super) async fn refuse_change(&mut self, status: u16) {
        self.timers.change = None;
        let status = if (400..700).contains(&status) { status } else { 500 };
        match self.pending.take() {
            Some(Pending::Invite) => {
                self.their_offer = None;
                if let Some(response) = self.invite_response(status) {
                    self.respond(response);
                }
            }
            Some(Pending::Update(transaction)) => {
                self.their_offer = None;
                self.reply_status(*transaction, status, &[]);
            }
            None => {}
        }
    }

    /// A final response to a re-INVITE that we do not take up.
    fn reply_invite(
        &self,
        transaction: Transaction,
        status: u16,
        headers: &[(&'static str, &str)],
    ) {
        let agent = &self.shared.settings.user_agent;
        let mut response = wire::response(&transaction.original, status, None, agent);
        for (name, value) in headers {
            response.headers.push(make(name, *value));
        }
        wire::set_body(&mut response, None, 0);
        let mut transaction = transaction;
        let _ = transaction.tu_sender.send(TransactionEvent::Respond(response));
        tokio::spawn(async move { while transaction.receive().await.is_some() {} });
    }

    /// Offers the peer a change.
    pub(super) async fn reinvite(&mut self, text: String) {
        if self.phase != Phase::Up {
            return;
        }
        if self.inviting.is_some() || self.asked.is_some() || self.pending.is_some() {
            // Ours waits for theirs; the newest wish replaces an older one.
            self.retry_offer = Some(text);
            self.timers.glare.get_or_insert(Instant::now() + Duration::from_millis(500));
            return;
        }
        self.offering = Some(self.origin.stamp(&text));
        self.send_reinvite(None).await;
    }

    async fn send_reinvite(&mut self, proof: Option<(&'static str, String)>) {
        let Some(mut request) = self.dialog.request(Method::Invite) else { return };
        self.inviting = Some(self.dialog.local_seq);
        request.headers.push(make("Allow", judge::ALLOW));
        request.headers.push(make("Supported", "timer"));
        if let Some(timer) = self.timer {
            request.headers.push(make("Session-Expires", timer.as_client_header()));
        }
        if let Some((name, value)) = proof {
            request.headers.push(make(name, value));
        }
        let text = self.offering.clone().or_else(|| self.our_sdp.clone()).unwrap_or_default();
        wire::set_body(&mut request, Some("application/sdp"), text.len());
        request.body = text.into_bytes();
        let seq = self.dialog.local_seq;
        self.send_request(request, Sent::Reinvite(seq)).await;
    }

    pub(super) async fn glare_passed(&mut self) {
        if let Some(text) = self.retry_offer.take() {
            self.reinvite(text).await;
        }
    }

    /// Any response to any request of ours.
    pub(super) async fn replied(&mut self, to: Sent, response: Response) {
        let status = response.status_code.code();
        match to {
            Sent::Invite(seq) if self.phase == Phase::Dialling => {
                self.invite_replied(seq, response).await;
            }
            Sent::Invite(_) | Sent::Other => {}
            Sent::Reinvite(seq) => self.reinvite_replied(seq, status, response).await,
            Sent::Update if status >= 200 => self.refresh_replied(status, &response).await,
            Sent::Bye if status >= 200 => self.bye_replied(status, &response).await,
            Sent::Update | Sent::Bye => {}
        }
    }

    pub(super) async fn no_reply(&mut self, to: Sent) {
        match to {
            Sent::Invite(seq) if self.phase == Phase::Dialling => self.invite_lost(seq).await,
            Sent::Reinvite(_) | Sent::Update if self.phase == Phase::Up => {
                self.inviting = None;
                self.lost("no reply").await;
            }
            Sent::Bye => self.finish(LegEnd::ByUs, None).await,
            Sent::Invite(_) | Sent::Reinvite(_) | Sent::Update | Sent::Other => {}
        }
    }

    async fn reinvite_replied(&mut self, seq: u32, status: u16, response: Response) {
        if status < 200 || self.inviting != Some(seq) {
            return;
        }
        self.inviting = None;
        let offering = self.offering.take();
        match status {
            200..=299 => {
                self.our_sdp = offering.or(self.our_sdp.take());
                self.change_proved = false;
                self.dialog.refresh_target(&response);
                self.acknowledge(seq).await;
                self.timer = SessionTimer::as_client(&response).or(self.timer);
                self.session_refreshed();
                let answer = body::read(&response, &response.body).sdp;
                if let Some(answer) = answer.and_then(|text| sdp::parse(&text).ok()) {
                    self.tell(LegEvent::Changed { answer }).await;
                }
            }
            491 => {
                // RFC 3261 section 14.1: who made the Call-ID waits longer.
                let wait_ms = match self.outgoing {
                    Some(_) => 2_100 + rand::random::<u64>() % 1_900,
                    None => rand::random::<u64>() % 2_000,
                };
                self.retry_offer = offering.or_else(|| self.our_sdp.clone());
                self.timers.glare = Some(Instant::now() + Duration::from_millis(wait_ms));
            }
            401 | 407 => match self.proof(status, &response, "INVITE") {
                Some(proof) if !self.change_proved => {
                    self.change_proved = true;
                    self.offering = offering;
                    self.send_reinvite(Some(proof)).await;
                }
                Some(_) | None => self.tell(LegEvent::ChangeRefused { status }).await,
            },
            408 | 481 => self.lost("the peer does not know the dialog").await,
            _ => self.tell(LegEvent::ChangeRefused { status }).await,
        }
    }

    /// The refresh by UPDATE was answered.
    async fn refresh_replied(&mut self, status: u16, response: &Response) {
        match status {
            200..=299 => {
                self.dialog.refresh_target(response);
                self.timer = SessionTimer::as_client(response).or(self.timer);
                self.session_refreshed();
            }
            408 | 481 => self.lost("the peer does not know the dialog").await,
            // A peer that takes no UPDATE after all gets a re-INVITE next time.
            405 | 501 => {
                self.peer_updates = false;
                self.timers.session = Some(Instant::now() + Duration::from_secs(1));
            }
            _ => {}
        }
    }

    /// A deadline of the session timer: ours to refresh, or theirs that passed.
    pub(super) async fn session_due(&mut self) {
        let Some(timer) = self.timer.filter(|_| self.phase == Phase::Up) else { return };
        if timer.refresher == Refresher::Peer {
            return self.lost("session timer").await;
        }
        // The other half of the interval is the time that the refresh may take.
        let rest = Duration::from_secs(u64::from(timer.interval_s - timer.interval_s / 2));
        self.timers.session = Some(Instant::now() + rest.max(Duration::from_secs(1)));
        if self.inviting.is_some() || self.asked.is_some() {
            return;
        }
        if !self.peer_updates {
            return self.send_reinvite(None).await;
        }
        let Some(mut request) = self.dialog.request(Method::Update) else { return };
        request.headers.push(make("Supported", "timer"));
        request.headers.push(make("Session-Expires", timer.as_client_header()));
        wire::set_body(&mut request, None, 0);
        self.send_request(request, Sent::Update).await;
    }

    /// The session counts as fresh from now on.
    pub(super) fn session_refreshed(&mut self) {
        self.timers.session = self.timer.map(|timer| Instant::now() + timer.due());
    }

    fn too_small(&self, request: &Request) -> bool {
        SessionTimer::as_server(request, self.shared.settings.session_expires_s).is_err()
    }

    /// The peer's refresh sets the timer anew.
    fn take_timer(&mut self, request: &Request, response: &mut Response) {
        let wanted_s = self.shared.settings.session_expires_s;
        let Ok(timer) = SessionTimer::as_server(request, wanted_s) else { return };
        response.headers.push(make("Session-Expires", timer.as_server_header()));
        if timer.refresher == Refresher::Peer {
            response.headers.push(make("Require", "timer"));
        }
        self.timer = Some(timer);
        self.session_refreshed();
    }

    /// The peer is gone without a word: say so, and try to tell it.
    async fn lost(&mut self, why: &str) {
        if !self.told {
            self.told = true;
            let reason = Some(why.to_owned());
            self.tell(LegEvent::Ended { end: LegEnd::SignallingLost, reason }).await;
        }
        self.bye(HangUpCause::MediaLost).await;
    }

    /// BYE; the end is told when it is answered, or cannot be.
    pub(super) async fn bye(&mut self, cause: HangUpCause) {
        if matches!(self.phase, Phase::Closing | Phase::Over) {
            return;
        }
        self.phase = Phase::Closing;
        self.timers =
            super::Timers { patience: Some(Instant::now() + T1X64), ..Default::default() };
        self.send_bye(cause, None).await;
    }

    async fn send_bye(&mut self, cause: HangUpCause, proof: Option<(&'static str, String)>) {
        self.hang_up = Some(cause);
        let Some(mut request) = self.dialog.request(Method::Bye) else {
            return self.finish(LegEnd::ByUs, None).await;
        };
        request.headers.push(make("Reason", reason_header(cause)));
        if let Some((name, value)) = proof {
            request.headers.push(make(name, value));
        }
        wire::set_body(&mut request, None, 0);
        self.send_request(request, Sent::Bye).await;
    }

    /// A challenge to our BYE is answered for our trunk only: a caller that challenges us wants
    /// something to crack (RELIABILITY: digest leak).
    async fn bye_replied(&mut self, status: u16, response: &Response) {
        let proof = match status {
            401 | 407 if !self.bye_proved => self.proof(status, response, "BYE"),
            _ => None,
        };
        match (proof, self.hang_up) {
            (Some(proof), Some(cause)) => {
                self.bye_proved = true;
                self.send_bye(cause, Some(proof)).await;
            }
            _ => self.finish(LegEnd::ByUs, None).await,
        }
    }
}
