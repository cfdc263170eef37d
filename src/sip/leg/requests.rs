//! Requests and responses of a leg on their way: Via and Contact by route, client transactions on
//! tasks of their own, server INVITEs followed by a task that only forwards.

use std::net::SocketAddr;

use rsipstack::sip::{Method, Request, Response, SipMessage};
use rsipstack::transaction::Transaction;
use rsipstack::transaction::key::{TransactionKey, TransactionRole};
use rsipstack::transaction::transaction::TransactionEvent;
use tokio::sync::mpsc;

use super::super::dialog::Dialog;
use super::super::endpoint::Shared;
use super::super::net::Route;
use super::super::receive;
use super::super::wire::{self, header, make};
use super::{Leg, LegInput, Sent, random_token};

/// The Via of a new request on `route`.
pub(crate) fn via(ours: SocketAddr, by_tcp: bool) -> String {
    let transport = if by_tcp { "TCP" } else { "UDP" };
    format!("SIP/2.0/{transport} {ours};branch=z9hG4bK{};rport", random_token())
}

/// Our Contact on `route`.
pub(crate) fn contact(ours: SocketAddr, by_tcp: bool) -> String {
    let transport = if by_tcp { ";transport=tcp" } else { "" };
    format!("<sip:warmline@{ours}{transport}>")
}

/// Runs a client transaction to its end; what comes of it goes to `wire`.
pub(crate) async fn run_client(
    shared: std::sync::Arc<Shared>,
    request: Request,
    route: Route,
    to: Sent,
    wire: mpsc::Sender<LegInput>,
) {
    let mut answered = false;
    if let Ok(key) = TransactionKey::from_request(&request, TransactionRole::Client) {
        let (stack, connection) = (shared.stack.clone(), Some(route.connection.clone()));
        let mut transaction = Transaction::new_client(key, request, stack, connection);
        transaction.destination = Some(route.addr());
        if transaction.send().await.is_ok() {
            while let Some(message) = transaction.receive().await {
                let SipMessage::Response(response) = message else { continue };
                answered |= response.status_code.code() >= 200;
                let response = Box::new(response);
                if wire.send(LegInput::Reply { to, response }).await.is_err() {
                    // The leg is gone; the transaction still absorbs what comes again.
                    continue;
                }
            }
        }
    }
    if !answered {
        let _ = wire.send(LegInput::NoReply { to }).await;
    }
}

/// Follows a server INVITE: its CANCEL, its ACK, its end.
pub(crate) async fn follow_invite(
    mut transaction: Transaction,
    seq: u32,
    wire: mpsc::Sender<LegInput>,
) {
    while let Some(message) = transaction.receive().await {
        let SipMessage::Request(request) = message else { continue };
        let input = match request.method {
            Method::Ack => LegInput::Ack { seq, request: Box::new(request) },
            Method::Cancel => {
                let reason = header(&request, "Reason").map(wire::printable);
                LegInput::Cancel { reason }
            }
            _ => continue,
        };
        if wire.send(input).await.is_err() {
            continue;
        }
    }
    let _ = wire.send(LegInput::InviteDone { seq }).await;
}

impl Leg {
    /// Sends a request within the dialog by a transaction of its own.
    pub(super) async fn send_request(&mut self, mut request: Request, to: Sent) {
        let Some(route) = self.way().await else {
            let wire = self.wire.clone();
            tokio::spawn(async move {
                let _ = wire.send(LegInput::NoReply { to }).await;
            });
            return;
        };
        let ours = self.shared.net.our_address(route.peer, route.by_tcp, self.public_address);
        request.headers.push_front(make("Via", via(ours, route.by_tcp)));
        self.spawn_client(request, route, to);
    }

    pub(super) fn spawn_client(&self, request: Request, route: Route, to: Sent) {
        let (shared, wire) = (self.shared.clone(), self.wire.clone());
        tokio::spawn(run_client(shared, request, route, to, wire));
    }

    /// The way to the next hop: the one we have while it holds, or a new one.
    pub(super) async fn way(&mut self) -> Option<Route> {
        let known = self.route.clone();
        if let Some(route) = &known {
            let alive = !route.by_tcp || self.shared.net.tcp_route(route.peer).is_some();
            if alive && self.dialog.behind_nat(route.peer) {
                return known;
            }
        }
        let (peer, wanted) = self.shared.net.resolve(self.dialog.next_hop()).await.ok()?;
        if let Some(route) = &known
            && route.by_tcp
            && self.shared.net.tcp_route(route.peer).is_some()
            && route.peer.ip() == peer.ip()
        {
            // The connection that the dialog came by, whatever port its Contact names.
            return known;
        }
        let (route, fresh) = self.shared.net.connect(peer, wanted, 0).await.ok()?;
        if let Some(connection) = fresh {
            receive::read_stream(&self.shared, connection, peer, true);
        }
        self.route = Some(route.clone());
        Some(route)
    }

    /// Acknowledges a 2xx to our INVITE number `seq`, and remembers that for the next one.
    pub(super) async fn acknowledge(&mut self, seq: u32) {
        let Some(mut ack) = self.dialog.ack(seq) else { return };
        let Some(route) = self.way().await else { return };
        let ours = self.shared.net.our_address(route.peer, route.by_tcp, self.public_address);
        ack.headers.push_front(make("Via", via(ours, route.by_tcp)));
        wire::set_body(&mut ack, None, 0);
        receive::send(&self.shared, ack.clone().into(), &route).await;
        self.last_ack = Some((seq, ack));
    }

    /// A 2xx again: the same ACK again. From another fork: ACK and BYE, as one answer is enough.
    pub(super) async fn late_2xx(&mut self, response: Response) {
        let Some((number, _)) = wire::cseq(&response) else { return };
        let tag = header(&response, "To").and_then(wire::tag_of).unwrap_or("");
        let Some(route) = self.route.clone() else { return };
        if tag == self.dialog.remote_tag {
            if let Some((seq, ack)) = &self.last_ack
                && *seq == number
            {
                receive::send(&self.shared, ack.clone().into(), &route).await;
            }
            return;
        }
        let mut fork: Dialog = self.dialog.clone();
        fork.forget_peer();
        if !fork.learn(&response) {
            return;
        }
        fork.local_seq = number;
        let ours = self.shared.net.our_address(route.peer, route.by_tcp, self.public_address);
        for request in [fork.ack(number), fork.request(Method::Bye)] {
            let Some(mut request) = request else { continue };
            request.headers.push_front(make("Via", via(ours, route.by_tcp)));
            wire::set_body(&mut request, None, 0);
            if request.method == Method::Ack {
                receive::send(&self.shared, request.into(), &route).await;
            } else {
                self.spawn_client(request, route.clone(), Sent::Other);
            }
        }
    }

    /// A response to the INVITE that we are asked, with what every one of them carries.
    pub(super) fn invite_response(&self, status: u16) -> Option<Response> {
        let asked = self.asked.as_ref()?;
        let agent = &self.shared.settings.user_agent;
        let tag = Some(self.dialog.local_tag.as_str()).filter(|_| status > 100);
        let mut response = wire::response(&asked.request, status, tag, agent);
        if status > 100 && status < 300 {
            response.headers.push(make("Contact", self.dialog.contact.as_str()));
            let allow = super::super::admission::allow(&self.shared.settings);
            response.headers.push(make("Allow", allow));
            response.headers.push(make("Supported", super::super::judge::SUPPORTED));
        }
        wire::set_body(&mut response, None, 0);
        Some(response)
    }

    pub(super) fn respond(&self, response: Response) {
        if let Some(asked) = &self.asked {
            let _ = asked.answer.send(TransactionEvent::Respond(response));
        }
    }

    /// The final response of a request other than INVITE.
    pub(super) fn reply(&self, transaction: Transaction, response: Response) {
        tokio::spawn(async move {
            let mut transaction = transaction;
            let limit = super::super::limits::TCP_SEND;
            let _ = tokio::time::timeout(limit, transaction.respond(response)).await;
        });
    }

    /// The same with nothing but a status and headers.
    pub(super) fn reply_status(
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
        self.reply(transaction, response);
    }
}
