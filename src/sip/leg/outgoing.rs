//! An INVITE of ours: the way to the peer, challenges, CANCEL with its races, and every failure
//! by its type.

use std::sync::Arc;

use rsipstack::sip::{Method, Request, Response};
use tokio::time::Instant;

use super::super::body;
use super::super::dialog::Dialog;
use super::super::digest;
use super::super::endpoint::Shared;
use super::super::event::{Dial, LegEvent, LegHandle};
use super::super::judge::ALLOW;
use super::super::limits::{DIAL_SILENCE, T1X64};
use super::super::net::{NoRoute, Route};
use super::super::receive;
use super::super::registrar::Binding;
use super::super::sdp;
use super::super::session_timer::{self, SessionTimer};
use super::super::wire::{self, header, make};
use super::incoming::line_credentials;
use super::requests::{contact, via};
use super::{Leg, LegInput, Phase, Seed, Sent, random_token, reason_header};
use crate::call::command::HangUpCause;
use crate::call::event::DialFailure;

/// An INVITE that is on its way.
pub(super) struct Outgoing {
    headers: Vec<(String, String)>,
    content_type: String,
    body: Vec<u8>,
    session_expires_s: u32,
    /// The last INVITE sent, with its Via, for CANCEL.
    sent: Option<Request>,
    seq: u32,
    proved: bool,
    /// A response other than 100 or a final one came.
    ringing: bool,
    /// Any response came.
    heard: bool,
    cancel: Option<HangUpCause>,
    cancel_sent: bool,
}

/// Starts a leg to `uri`, or to where a phone registered from.
pub(crate) fn dial(
    shared: Arc<Shared>,
    dial: Dial,
    uri: String,
    binding: Option<Binding>,
) -> LegHandle {
    let trunk = shared.settings.trunks.iter().find(|trunk| Some(&trunk.id) == dial.trunk.as_ref());
    let public_address = shared.public_address(trunk);
    let credentials = trunk.and_then(line_credentials);
    let session_expires_s = shared.settings.session_expires_s;
    let call_id = format!("{}{}", random_token(), random_token());
    // From and Contact name our address, which the way to the peer decides: set when it is found.
    let remote = format!("<{uri}>");
    let dialog = Dialog::as_client(call_id, random_token(), "", &remote, &uri, "");
    let phase = Phase::Dialling;
    let seed = Seed { shared, phase, dialog, route: None, public_address, invited: None };
    let (mut leg, commands, queue) = Leg::new(seed);
    leg.credentials = credentials;
    let offer = leg.origin.stamp(&dial.offer);
    let (content_type, body) = body::write(&offer, &dial.parts, &random_token());
    leg.our_sdp = Some(offer);
    let clean = |(name, value): &(String, String)| body::clean_header(name, value);
    leg.outgoing = Some(Outgoing {
        headers: dial.headers.iter().filter_map(clean).collect(),
        content_type,
        body,
        session_expires_s,
        sent: None,
        seq: 0,
        proved: false,
        ringing: false,
        heard: false,
        cancel: None,
        cancel_sent: false,
    });
    leg.set_from(&dial);
    leg.timers.patience = Some(Instant::now() + DIAL_SILENCE);
    let handle = leg.handle.clone();
    tokio::spawn(find(leg.shared.clone(), leg.size_guess(), uri, binding, leg.wire.clone()));
    tokio::spawn(leg.run(commands, queue));
    handle
}

/// Finds the way to the peer, beside the leg, which may be cancelled meanwhile.
async fn find(
    shared: Arc<Shared>,
    size: usize,
    uri: String,
    binding: Option<Binding>,
    wire: tokio::sync::mpsc::Sender<LegInput>,
) {
    let found = find_route(&shared, size, &uri, binding).await;
    let _ = wire.send(LegInput::Found(found)).await;
}

async fn find_route(
    shared: &Arc<Shared>,
    size: usize,
    uri: &str,
    binding: Option<Binding>,
) -> Result<Route, NoRoute> {
    if let Some(binding) = binding {
        // Through its NAT, by the way that its REGISTER came.
        let way = match binding.by_tcp {
            true => shared.net.tcp_route(binding.source),
            false => shared.net.udp_route(binding.source),
        };
        return way.ok_or(NoRoute::NoConnection);
    }
    let (peer, wanted) = shared.net.resolve(uri).await?;
    let (route, fresh) = shared.net.connect(peer, wanted, size).await?;
    if let Some(connection) = fresh {
        receive::read_stream(shared, connection, peer, true);
    }
    Ok(route)
}

/// The typed failure of a final response.
pub(crate) fn failure_of(status: u16) -> DialFailure {
    match status {
        486 | 600 => DialFailure::Busy,
        603 => DialFailure::Declined,
        408 | 480 => DialFailure::NoAnswer,
        404 | 410 | 484 | 604 => DialFailure::NotFound,
        401 | 403 | 407 => DialFailure::Forbidden,
        488 | 606 => DialFailure::NoCommonMedia,
        487 => DialFailure::Cancelled,
        500..=599 => DialFailure::ServerError(status),
        other => DialFailure::Other(other),
    }
}

impl Leg {
    fn set_from(&mut self, dial: &Dial) {
        let user: String = dial
            .from_user
            .chars()
            .filter(|symbol| symbol.is_ascii_alphanumeric() || "+-_.*#".contains(*symbol))
            .take(64)
            .collect();
        let user = if user.is_empty() { "warmline".to_owned() } else { user };
        let name = dial.from_name.as_deref().map(wire::printable).unwrap_or_default();
        let name = name.replace(['"', '\\'], "");
        let name = if name.is_empty() { name } else { format!("\"{name}\" ") };
        self.dialog.set_local(name, user);
    }

    /// Bytes of the INVITE, near enough to choose a transport by.
    fn size_guess(&self) -> usize {
        let Some(outgoing) = &self.outgoing else { return 0 };
        let headers: usize =
            outgoing.headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
        let target = self.dialog.target.len() * 2;
        700 + target + headers + outgoing.body.len()
    }

    pub(super) async fn found(&mut self, route: Result<Route, NoRoute>) {
        if self.phase != Phase::Dialling {
            return;
        }
        let Ok(route) = route else {
            return self.fail(DialFailure::Unreachable, None).await;
        };
        let ours = self.shared.net.our_address(route.peer, route.by_tcp, self.public_address);
        self.dialog.contact = contact(ours, route.by_tcp);
        self.dialog.place_local(&ours.ip().to_string());
        self.settle_at(route.peer.ip());
        self.route = Some(route);
        self.timers.patience = Some(Instant::now() + DIAL_SILENCE);
        self.invite(None).await;
    }

    /// Sends the INVITE, for the first time or again with a proof.
    async fn invite(&mut self, proof: Option<(&'static str, String)>) {
        let (Some(mut request), Some(route)) =
            (self.dialog.request(Method::Invite), self.route.clone())
        else {
            return self.fail(DialFailure::Unreachable, None).await;
        };
        let ours = self.shared.net.our_address(route.peer, route.by_tcp, self.public_address);
        request.headers.push_front(make("Via", via(ours, route.by_tcp)));
        let Some(outgoing) = self.outgoing.as_mut() else { return };
        request.headers.push(make("Allow", ALLOW));
        // 100rel is ours as a server only: naming it here would promise a PRACK.
        request.headers.push(make("Supported", "timer"));
        let expires = outgoing.session_expires_s.to_string();
        request.headers.push(make("Session-Expires", expires));
        for (name, value) in &outgoing.headers {
            request.headers.push(make(name, value.as_str()));
        }
        if let Some((name, value)) = proof {
            request.headers.push(make(name, value));
        }
        wire::set_body(&mut request, Some(&outgoing.content_type), outgoing.body.len());
        request.body = outgoing.body.clone();
        outgoing.seq = self.dialog.local_seq;
        outgoing.sent = Some(request.clone());
        let seq = outgoing.seq;
        self.spawn_client(request, route, Sent::Invite(seq));
    }

    /// CANCEL now, or as soon as the peer answered at all (RFC 3261 section 9.1).
    pub(super) async fn cancel(&mut self, cause: HangUpCause) {
        let Some(outgoing) = self.outgoing.as_mut() else { return };
        outgoing.cancel = Some(cause);
        if outgoing.sent.is_none() {
            return self.fail(DialFailure::Cancelled, None).await;
        }
        if outgoing.heard {
            self.send_cancel().await;
        }
    }

    async fn send_cancel(&mut self) {
        let Some(outgoing) = self.outgoing.as_mut() else { return };
        let (Some(cause), Some(invite), false) =
            (outgoing.cancel, outgoing.sent.clone(), outgoing.cancel_sent)
        else {
            return;
        };
        outgoing.cancel_sent = true;
        let mut cancel = Request { method: Method::Cancel, body: Vec::new(), ..invite };
        cancel.headers.retain(|header| {
            matches!(header.name(), "Via" | "From" | "To" | "Call-ID" | "Route" | "Max-Forwards")
        });
        cancel.headers.push(make("CSeq", format!("{} CANCEL", outgoing.seq)));
        cancel.headers.push(make("Reason", reason_header(cause)));
        self.timers.patience = Some(Instant::now() + T1X64);
        if let Some(route) = self.route.clone() {
            self.spawn_client(cancel, route, Sent::Other);
        }
    }

    pub(super) async fn invite_replied(&mut self, seq: u32, response: Response) {
        let Some(outgoing) = self.outgoing.as_mut().filter(|outgoing| outgoing.seq == seq) else {
            return;
        };
        let status = response.status_code.code();
        // What rsipstack makes up itself (408, 503) has no To tag, as no peer wrote it.
        let local = header(&response, "To").and_then(wire::tag_of).is_none();
        outgoing.heard |= status < 200 || !local;
        match status {
            100..=199 => {
                let news = status > 100 && !std::mem::replace(&mut outgoing.ringing, status > 100);
                if outgoing.cancel.is_some() {
                    return self.send_cancel().await;
                }
                // From here on the ringing time is the runtime's to limit.
                self.timers.patience = None;
                if news {
                    self.tell(LegEvent::Ringing { status }).await;
                }
            }
            200..=299 => self.answered(seq, response).await,
            401 | 407 if !local => self.challenged(status, &response).await,
            422 if !local => {
                let asked_s = outgoing.session_expires_s;
                match session_timer::after_422(&response, asked_s) {
                    Some(wanted_s) if outgoing.cancel.is_none() => {
                        outgoing.session_expires_s = wanted_s;
                        self.invite(None).await;
                    }
                    Some(_) | None => self.fail(DialFailure::Other(422), Some(422)).await,
                }
            }
            408 if local && !outgoing.heard => self.fail(DialFailure::Unreachable, None).await,
            503 if local => self.fail(DialFailure::Unreachable, None).await,
            other => {
                let failure = match outgoing.cancel {
                    Some(_) => DialFailure::Cancelled,
                    None => failure_of(other),
                };
                self.fail(failure, Some(other)).await;
            }
        }
    }

    /// A challenge is answered only where it comes from the trunk that the password is for.
    async fn challenged(&mut self, status: u16, response: &Response) {
        let proof = self.proof(status, response, "INVITE");
        let Some(outgoing) = self.outgoing.as_mut() else { return };
        match proof {
            Some(proof) if !outgoing.proved && outgoing.cancel.is_none() => {
                outgoing.proved = true;
                self.invite(Some(proof)).await;
            }
            Some(_) | None => self.fail(DialFailure::Forbidden, Some(status)).await,
        }
    }

    /// The header that answers a challenge, if its sender may have one.
    pub(super) fn proof(
        &self,
        status: u16,
        response: &Response,
        method: &str,
    ) -> Option<(&'static str, String)> {
        let credentials = self.credentials.as_ref()?;
        let peer = self.route.as_ref()?.peer;
        let of_trunk = self.shared.settings.trunks.iter().any(|trunk| {
            let at_home = trunk.addresses.iter().any(|net| net.contains(peer.ip()));
            let same = line_credentials(trunk).as_ref() == Some(credentials);
            // A trunk without addresses is where its name led when we dialled, and nowhere else,
            // whatever Contact it gave since.
            let where_dialled = trunk.addresses.is_empty() && self.home == Some(peer.ip());
            same && (at_home || where_dialled)
        });
        if !of_trunk {
            return None;
        }
        let (challenge, name) = match status {
            401 => ("WWW-Authenticate", "Authorization"),
            _ => ("Proxy-Authenticate", "Proxy-Authorization"),
        };
        let challenge = header(response, challenge)?;
        let uri = self.dialog.target.as_str();
        digest::answer(challenge, credentials, method, uri, &random_token())
            .map(|value| (name, value))
    }

    /// A 2xx: the ACK, then up, or down again if we had cancelled.
    async fn answered(&mut self, seq: u32, response: Response) {
        if !self.dialog.learn(&response) {
            // A fork answered that had not rung before.
            self.dialog.forget_peer();
            if !self.dialog.learn(&response) {
                return self.fail(DialFailure::ServerError(500), None).await;
            }
        }
        self.peer_updates = wire::lists(&response, "Allow", "UPDATE");
        self.acknowledge(seq).await;
        let cancelled = self.outgoing.as_ref().and_then(|outgoing| outgoing.cancel);
        let answer = body::read(&response, &response.body).sdp;
        let answer = answer.and_then(|text| sdp::parse(&text).ok());
        match (cancelled, answer) {
            (Some(cause), _) => {
                // The answer crossed our CANCEL.
                self.tell_failed(DialFailure::Cancelled, None).await;
                self.bye(cause).await;
            }
            (None, None) => {
                self.tell_failed(DialFailure::NoCommonMedia, Some(200)).await;
                self.bye(HangUpCause::Failure).await;
            }
            (None, Some(answer)) => {
                self.phase = Phase::Up;
                self.timers.patience = None;
                self.timer = SessionTimer::as_client(&response);
                self.session_refreshed();
                self.tell(LegEvent::Answered { answer }).await;
            }
        }
    }

    /// Nobody said anything for too long, or our CANCEL had no effect. The INVITE may still reach
    /// a phone that wakes up: the leg stays until its transaction ends, to cancel it then.
    pub(super) async fn dialled_in_vain(&mut self) {
        let Some(outgoing) = self.outgoing.as_mut() else { return };
        let cancelled = outgoing.cancel.is_some();
        let failure = if cancelled { DialFailure::Cancelled } else { DialFailure::Unreachable };
        if self.told || outgoing.sent.is_none() {
            return self.fail(failure, None).await;
        }
        outgoing.cancel.get_or_insert(HangUpCause::NoAnswer);
        self.timers.patience = Some(Instant::now() + T1X64);
        self.tell_failed(failure, None).await;
    }

    /// The INVITE's transaction ended without a final response.
    pub(super) async fn invite_lost(&mut self, seq: u32) {
        if self.outgoing.as_ref().is_some_and(|outgoing| outgoing.seq == seq) {
            self.fail(DialFailure::Unreachable, None).await;
        }
    }

    async fn tell_failed(&mut self, failure: DialFailure, status: Option<u16>) {
        if !self.told {
            self.told = true;
            self.tell(LegEvent::Failed { failure, status }).await;
        }
    }

    pub(super) async fn fail(&mut self, failure: DialFailure, status: Option<u16>) {
        self.tell_failed(failure, status).await;
        self.phase = Phase::Over;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_has_its_type() {
        for (status, failure) in [
            (486, DialFailure::Busy),
            (600, DialFailure::Busy),
            (603, DialFailure::Declined),
            (480, DialFailure::NoAnswer),
            (408, DialFailure::NoAnswer),
            (404, DialFailure::NotFound),
            (484, DialFailure::NotFound),
            (403, DialFailure::Forbidden),
            (488, DialFailure::NoCommonMedia),
            (606, DialFailure::NoCommonMedia),
            (487, DialFailure::Cancelled),
            (503, DialFailure::ServerError(503)),
            (302, DialFailure::Other(302)),
            (420, DialFailure::Other(420)),
        ] {
            assert_eq!(failure_of(status), failure, "{status}");
        }
    }
}
