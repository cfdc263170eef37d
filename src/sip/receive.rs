//! What arrives: datagrams and streams are read, admitted and parsed here; requests that pass
//! become transactions of rsipstack and reach a leg, the registrar or a plain answer.

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::BytesMut;
use futures_util::FutureExt as _;
use rsipstack::sip::{Method, Request, Response, SipMessage, Transport};
use rsipstack::transaction::key::{TransactionKey, TransactionRole};
use rsipstack::transaction::{Transaction, TransactionReceiver};
use rsipstack::transport::SipConnection;
use rsipstack::transport::tcp::TcpConnection;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

use super::admission::{self, Facts, Verdict, is_trusted};
use super::endpoint::{LegKey, Shared, locked};
use super::event::SipEvent;
use super::judge::{self, Refusal};
use super::ladder::Way;
use super::leg::{self, LegInput};
use super::limits::{TCP_CONNECTIONS_MAX, TCP_CONNECTIONS_PER_ADDRESS_MAX, TCP_IDLE, TCP_SEND};
use super::net::{Framed, Route, frame};
use super::registrar::{RegisterRefusal, Wish};
use super::wire::{self, header};
use crate::base::limits::SIP_MESSAGE_BYTES_MAX;

/// Starts the readers and the dispatcher.
pub(crate) fn start(
    shared: &Arc<Shared>,
    tcp: Option<TcpListener>,
    transactions: TransactionReceiver,
) {
    spawn(shared, read_datagrams(shared.clone()));
    if let Some(listener) = tcp {
        spawn(shared, accept(shared.clone(), listener));
    }
    spawn(shared, dispatch(shared.clone(), transactions));
    let stack = shared.stack.clone();
    spawn(shared, async move { stack.process_timer().await });
    spawn(shared, expire_phones(shared.clone()));
}

/// Runs until it ends or everything stops.
pub(crate) fn spawn(shared: &Arc<Shared>, task: impl Future<Output = ()> + Send + 'static) {
    let stop = shared.stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            () = stop.cancelled() => {}
            () = task => {}
        }
    });
}

async fn read_datagrams(shared: Arc<Shared>) {
    let Some(socket) = shared.net.udp.clone() else { return };
    let mut buffer = vec![0; SIP_MESSAGE_BYTES_MAX + 1];
    loop {
        let Ok((length, source)) = socket.recv_from(&mut buffer).await else { continue };
        if length > SIP_MESSAGE_BYTES_MAX {
            continue;
        }
        let Some(route) = shared.net.udp_route(source) else { return };
        let bytes = buffer.get(..length).unwrap_or_default();
        if bytes == b"\r\n\r\n" {
            let _ = socket.send_to(b"\r\n", source).await;
            continue;
        }
        receive(&shared, bytes, &route).await;
    }
}

async fn accept(shared: Arc<Shared>, listener: TcpListener) {
    loop {
        let Ok((stream, peer)) = listener.accept().await else {
            // Out of descriptors, most likely: let others close theirs.
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            continue;
        };
        let now_ms = shared.now_ms();
        let banned = locked(&shared.admission).is_banned(peer.ip(), now_ms);
        if banned && !is_trusted(&shared.settings, peer.ip()) {
            continue;
        }
        if let Ok((_, connection)) = shared.net.adopt(stream, peer) {
            let trusted = is_trusted(&shared.settings, peer.ip());
            read_stream(&shared, connection, peer, trusted);
        }
    }
}

/// Keeps a connection and reads it, if there is room for one more.
pub(crate) fn read_stream(
    shared: &Arc<Shared>,
    connection: TcpConnection,
    peer: SocketAddr,
    trusted: bool,
) {
    let per_address = if trusted { TCP_CONNECTIONS_MAX } else { TCP_CONNECTIONS_PER_ADDRESS_MAX };
    if !shared.net.add_stream(peer, &connection, (per_address, TCP_CONNECTIONS_MAX)) {
        return;
    }
    let inner = shared.clone();
    spawn(shared, async move {
        follow_stream(&inner, &connection, peer).await;
        inner.net.remove_stream(peer);
        let closing = SipConnection::Tcp(connection);
        let _ = tokio::time::timeout(TCP_SEND, closing.close()).await;
    });
}

async fn follow_stream(shared: &Arc<Shared>, connection: &TcpConnection, peer: SocketAddr) {
    let Some(mut half) = connection.inner.read_half.lock().await.take() else { return };
    let route = Route { connection: SipConnection::Tcp(connection.clone()), peer, by_tcp: true };
    let mut buffer = BytesMut::with_capacity(4_096);
    loop {
        match tokio::time::timeout(TCP_IDLE, half.read_buf(&mut buffer)).await {
            Ok(Ok(length)) if length > 0 => {}
            Ok(Ok(_) | Err(_)) | Err(_) => return,
        }
        loop {
            match frame(&mut buffer) {
                Ok(Some(Framed::Message(bytes))) => {
                    if !receive(shared, &bytes, &route).await {
                        return;
                    }
                }
                Ok(Some(Framed::Ping)) => {
                    let pong = connection.inner.send_raw(b"\r\n");
                    if !matches!(tokio::time::timeout(TCP_SEND, pong).await, Ok(Ok(()))) {
                        return;
                    }
                }
                Ok(None) => break,
                Err(_) => {
                    locked(&shared.admission).nonsense(&shared.settings, peer, shared.now_ms());
                    return;
                }
            }
        }
    }
}

/// One message from the network, behind a net: a panic over some bytes, in rsipstack's parser or
/// in ours, costs that message and never the reader. `false` if its connection is not worth
/// keeping.
async fn receive(shared: &Arc<Shared>, bytes: &[u8], route: &Route) -> bool {
    let caught = AssertUnwindSafe(take(shared, bytes, route)).catch_unwind().await;
    caught.unwrap_or_else(|_| {
        tracing::error!(source = %route.peer, length = bytes.len(), "panic over a SIP message");
        false
    })
}

async fn take(shared: &Arc<Shared>, bytes: &[u8], route: &Route) -> bool {
    let (source, settings) = (route.peer, &shared.settings);
    let dialled = locked(&shared.dialled).contains_key(&source.ip());
    let now_ms = shared.now_ms();
    let admitted = locked(&shared.admission).admit_bytes(settings, source, dialled, now_ms);
    if !admitted {
        return !route.by_tcp;
    }
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return true;
    }
    let transport = if route.by_tcp { Transport::Tcp } else { Transport::Udp };
    let sound = judge::first_line_is_sound(bytes);
    let parsed = SipMessage::try_from(bytes).ok().filter(|_| sound).and_then(|mut message| {
        if let SipMessage::Request(request) = &mut message {
            wire::harden_via(request);
        }
        SipConnection::update_msg_received(message, source, transport).ok()
    });
    let Some(message) = parsed else {
        return unparsed(shared, bytes, route).await;
    };
    shared.ladders.note(&message, Way::In, Some(source));
    match message {
        SipMessage::Request(request) => request_came(shared, request, route).await,
        SipMessage::Response(response) => response_came(shared, response, route).await,
    }
}

/// Trusted peers learn what was wrong with their bytes; others only lose by them.
async fn unparsed(shared: &Arc<Shared>, bytes: &[u8], route: &Route) -> bool {
    if !is_trusted(&shared.settings, route.peer.ip()) {
        let now_ms = shared.now_ms();
        locked(&shared.admission).nonsense(&shared.settings, route.peer, now_ms);
        return false;
    }
    let allow = admission::allow(&shared.settings);
    let Some(answer) = judge::answer_unparsed(bytes, route.peer, allow) else { return true };
    match &route.connection {
        SipConnection::Tcp(connection) => {
            let sent = connection.inner.send_raw(answer.as_bytes());
            matches!(tokio::time::timeout(TCP_SEND, sent).await, Ok(Ok(())))
        }
        _ => {
            if let Some(socket) = &shared.net.udp {
                let _ = socket.send_to(answer.as_bytes(), route.peer).await;
            }
            true
        }
    }
}

async fn request_came(shared: &Arc<Shared>, request: Request, route: &Route) -> bool {
    match decide(shared, &request, route.peer) {
        Verdict::Drop => !route.by_tcp,
        Verdict::Answer(refusal) => send_refusal(shared, &request, &refusal, route).await,
        Verdict::Pass => {
            let (connection, addr) = (route.connection.clone(), route.addr());
            let fallback = request.clone();
            let passed = shared.stack.on_received_message(request.into(), connection, &addr).await;
            if passed.is_err() && fallback.method != Method::Ack {
                // rsipstack found a header malformed that the judge does not read.
                let refusal = Refusal::new(400, "malformed");
                return send_refusal(shared, &fallback, &refusal, route).await;
            }
            true
        }
    }
}

fn decide(shared: &Arc<Shared>, request: &Request, source: SocketAddr) -> Verdict {
    let call_id = header(request, "Call-ID").unwrap_or("");
    let to_tag = header(request, "To").and_then(wire::tag_of);
    let legs = locked(&shared.legs);
    let known_dialog = to_tag.is_some_and(|tag| {
        let key = LegKey { call_id: call_id.to_owned(), local_tag: tag.to_owned() };
        legs.contains_key(&key)
    });
    let loose = matches!(request.method, Method::Ack | Method::Cancel) && !known_dialog;
    let known_call = loose && legs.keys().any(|key| key.call_id == call_id);
    let calls = legs.values().filter(|entry| entry.invited.is_some()).count();
    drop(legs);
    let registered = locked(&shared.registrar).is_home(source.ip(), shared.now_ms());
    let facts = Facts {
        source,
        registered,
        known_dialog,
        known_call,
        calls,
        draining: shared.draining.load(Ordering::Relaxed),
        now_ms: shared.now_ms(),
        now_s: shared.now_s(),
        dice: rand::random(),
    };
    locked(&shared.admission).decide(&shared.settings, request, &facts)
}

/// A refusal without state: a retransmission is judged again, and its ACK falls to the floor.
async fn send_refusal(
    shared: &Arc<Shared>,
    request: &Request,
    refusal: &Refusal,
    route: &Route,
) -> bool {
    tracing::debug!(status = refusal.status, why = refusal.why, source = %route.peer, "refused");
    let tag = stateless_tag(shared, request);
    let agent = &shared.settings.user_agent;
    let mut response = wire::response(request, refusal.status, Some(&tag), agent);
    for (name, value) in &refusal.headers {
        response.headers.push(wire::make(name, value.as_str()));
    }
    wire::set_body(&mut response, None, 0);
    send(shared, response.into(), route).await
}

/// The same request gets the same tag (RFC 3261 section 8.2.7).
fn stateless_tag(shared: &Shared, request: &Request) -> String {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hasher = DefaultHasher::new();
    shared.tag_key.hash(&mut hasher);
    for name in ["Call-ID", "From", "CSeq"] {
        header(request, name).hash(&mut hasher);
    }
    format!("{:016x}", hasher.finish())
}

/// Sends outside of transactions. `false` if the connection failed.
pub(crate) async fn send(shared: &Arc<Shared>, message: SipMessage, route: &Route) -> bool {
    shared.ladders.note(&message, Way::Out, Some(route.peer));
    let addr = route.addr();
    let sent = route.connection.send(message, Some(&addr));
    let done = matches!(tokio::time::timeout(TCP_SEND, sent).await, Ok(Ok(())));
    if !done && route.by_tcp {
        // A peer that stops reading is shed, so that nobody waits for it again.
        shared.net.remove_stream(route.peer);
    }
    done || !route.by_tcp
}

async fn response_came(shared: &Arc<Shared>, response: Response, route: &Route) -> bool {
    let Ok(key) = TransactionKey::from_response(&response, TransactionRole::Client) else {
        return true;
    };
    let known = shared.stack.transactions.get(&key).is_some();
    let late_2xx = !known
        && (200..300).contains(&response.status_code.code())
        && wire::cseq(&response).is_some_and(|(_, method)| method == "INVITE");
    if late_2xx {
        let leg = LegKey {
            call_id: header(&response, "Call-ID").unwrap_or("").to_owned(),
            local_tag: header(&response, "From").and_then(wire::tag_of).unwrap_or("").to_owned(),
        };
        let wire = locked(&shared.legs).get(&leg).map(|entry| entry.wire.clone());
        if let Some(wire) = wire {
            let _ = wire.try_send(LegInput::Late2xx(Box::new(response)));
        }
        return true;
    }
    if known {
        let (connection, addr) = (route.connection.clone(), route.addr());
        let _ = shared.stack.on_received_message(response.into(), connection, &addr).await;
    }
    true
}

/// Where a transaction's request came from, by the Via that we completed ourselves.
fn source_of(transaction: &Transaction) -> Option<(SocketAddr, bool)> {
    use rsipstack::sip::HeadersExt as _;
    if let Some(SipConnection::Tcp(connection)) = &transaction.connection {
        return Some((connection.inner.remote_addr.get_socketaddr().ok()?, true));
    }
    let via = transaction.original.via_header().ok()?;
    let (_, target) = SipConnection::parse_target_from_via(via).ok()?;
    Some((target.try_into().ok()?, false))
}

async fn dispatch(shared: Arc<Shared>, mut transactions: TransactionReceiver) {
    while let Some(transaction) = transactions.recv().await {
        let caught = AssertUnwindSafe(deliver(&shared, transaction)).catch_unwind().await;
        if caught.is_err() {
            tracing::error!("panic over a SIP transaction");
        }
    }
}

/// Takes a transaction to the leg, the registrar or the answer that it is for.
async fn deliver(shared: &Arc<Shared>, transaction: Transaction) {
    let Some((source, by_tcp)) = source_of(&transaction) else { return };
    let Some(connection) = transaction.connection.clone() else { return };
    let route = Route { connection, peer: source, by_tcp };
    let request = &transaction.original;
    let to_tag = header(request, "To").and_then(wire::tag_of).map(str::to_owned);
    if let Some(local_tag) = to_tag {
        let call_id = header(request, "Call-ID").unwrap_or("").to_owned();
        let key = LegKey { call_id, local_tag };
        let wire = locked(&shared.legs).get(&key).map(|entry| entry.wire.clone());
        match wire {
            // A leg that is so far behind drops it; the peer sends it again.
            Some(wire) => drop(wire.try_send(LegInput::Request(Box::new(transaction)))),
            None => reply(shared, transaction, 481, &[]).await,
        }
        return;
    }
    match request.method {
        Method::Invite => leg::incoming(shared, transaction, route).await,
        Method::Options => {
            let allow = admission::allow(&shared.settings);
            let headers = [
                ("Allow", allow.to_owned()),
                ("Accept", "application/sdp, multipart/mixed".to_owned()),
                ("Supported", judge::SUPPORTED.to_owned()),
            ];
            reply(shared, transaction, 200, &headers).await;
        }
        Method::Register => register(shared, transaction, &route).await,
        _ => reply(shared, transaction, 481, &[]).await,
    }
}

/// The final response of a transaction that no leg owns.
pub(crate) async fn reply(
    shared: &Arc<Shared>,
    mut transaction: Transaction,
    status: u16,
    headers: &[(&'static str, String)],
) {
    let tag = stateless_tag(shared, &transaction.original);
    let agent = &shared.settings.user_agent;
    let mut response = wire::response(&transaction.original, status, Some(&tag), agent);
    for (name, value) in headers {
        response.headers.push(wire::make(name, value.as_str()));
    }
    wire::set_body(&mut response, None, 0);
    // On its own task, as a stream may be slow to take it.
    tokio::spawn(async move {
        let _ = tokio::time::timeout(TCP_SEND, transaction.respond(response)).await;
        if transaction.original.method == Method::Invite {
            while transaction.receive().await.is_some() {}
        }
    });
}

async fn register(shared: &Arc<Shared>, transaction: Transaction, route: &Route) {
    let request = transaction.original.clone();
    let user = admission::proved_user(&request).map(|fields| fields.get("username").to_owned());
    let user = user.unwrap_or_default();
    let agent = shared.settings.phones.iter().find(|phone| phone.user == user);
    let Some(agent) = agent.map(|phone| phone.agent.clone()) else {
        return reply(shared, transaction, 403, &[]).await;
    };
    let wish = Wish {
        contacts: wire::headers(&request, "Contact").flat_map(wire::split_list).take(32).collect(),
        expires_s: header(&request, "Expires").and_then(|value| value.parse().ok()),
        call_id: header(&request, "Call-ID").unwrap_or(""),
        cseq: wire::cseq(&request).map_or(0, |(number, _)| number),
        source: route.peer,
        by_tcp: route.by_tcp,
    };
    let now_ms = shared.now_ms();
    let result = locked(&shared.registrar).register(&user, &wish, now_ms);
    let (status, headers) = match &result {
        Ok(list) => {
            let line = |binding: &super::registrar::Binding| {
                let left = binding.expires_ms.saturating_sub(now_ms) / 1_000;
                ("Contact", format!("<{}>;expires={left}", binding.contact))
            };
            (200, list.iter().map(line).collect())
        }
        Err(RegisterRefusal::TooBrief) => {
            let least = super::limits::REGISTER_EXPIRES_S_MIN.to_string();
            (423, vec![("Min-Expires", least)])
        }
        Err(RegisterRefusal::TooMany) => (403, Vec::new()),
        Err(RegisterRefusal::OutOfOrder) => (500, Vec::new()),
        Err(RegisterRefusal::Malformed) => (400, Vec::new()),
    };
    reply(shared, transaction, status, &headers).await;
    if let Ok(list) = result {
        shared.tell(SipEvent::Phone { agent, user, contacts: list.len() }).await;
    }
}

/// Tells the runtime of phones that went away without a word.
async fn expire_phones(shared: Arc<Shared>) {
    let mut tick = tokio::time::interval(std::time::Duration::from_secs(5));
    loop {
        tick.tick().await;
        let gone = locked(&shared.registrar).expire(shared.now_ms());
        for user in gone {
            let phone = shared.settings.phones.iter().find(|phone| phone.user == user);
            if let Some(agent) = phone.map(|phone| phone.agent.clone()) {
                shared.tell(SipEvent::Phone { agent, user, contacts: 0 }).await;
            }
        }
    }
}
