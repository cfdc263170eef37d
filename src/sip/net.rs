//! Sockets: our own UDP and TCP reading in front of rsipstack, so that admission comes before its
//! parser, its queues and its transactions. rsipstack only ever writes to them.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use rsipstack::sip::{Host, Param, Scheme, Transport, Uri};
use rsipstack::transport::tcp::TcpConnection;
use rsipstack::transport::transport_layer::{DefaultDomainResolver, DomainResolver as _};
use rsipstack::transport::udp::{UdpConnection, UdpInner};
use rsipstack::transport::{SipAddr, SipConnection};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

use super::limits::{TCP_CONNECT, TCP_CONNECT_TRY, TCP_STALL};
use crate::base::limits::{SIP_MESSAGE_BYTES_MAX, SIP_UDP_REQUEST_BYTES_MAX};

/// Why the endpoint could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another program has the port; the runtime may try the next one.
    #[error("{transport} {address} is in use by another program")]
    PortInUse { transport: &'static str, address: SocketAddr },
    #[error("{transport} {address} cannot be opened: {source}")]
    Bind { transport: &'static str, address: SocketAddr, source: io::Error },
    #[error("neither UDP nor TCP is configured")]
    NoTransport,
    #[error("the SIP stack did not start: {0}")]
    Stack(String),
}

/// Why a peer cannot be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoRoute {
    #[error("the address is no SIP URI that we can dial")]
    BadUri,
    #[error("the host name is unknown")]
    NoHost,
    #[error("no connection")]
    NoConnection,
}

/// What a URI says about the transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    Udp,
    Tcp,
    Either,
}

/// A way to a peer.
#[derive(Clone, Debug)]
pub struct Route {
    pub connection: SipConnection,
    pub peer: SocketAddr,
    pub by_tcp: bool,
}

impl Route {
    pub fn addr(&self) -> SipAddr {
        let transport = if self.by_tcp { Transport::Tcp } else { Transport::Udp };
        SipAddr::new(transport, self.peer.into())
    }
}

/// The sockets, opened.
pub struct Sockets {
    pub udp: Option<UdpSocket>,
    pub tcp: Option<TcpListener>,
}

/// Opens what is configured. Must run inside a tokio runtime.
pub fn open(udp: Option<SocketAddr>, tcp: Option<SocketAddr>) -> Result<Sockets, StartError> {
    if udp.is_none() && tcp.is_none() {
        return Err(StartError::NoTransport);
    }
    let udp = udp.map(|at| open_udp(at).map_err(|error| bind_error("UDP", at, error)));
    let udp = udp.transpose()?;
    let tcp = tcp.map(|at| open_tcp(at).map_err(|error| bind_error("TCP", at, error)));
    Ok(Sockets { udp, tcp: tcp.transpose()? })
}

fn bind_error(transport: &'static str, address: SocketAddr, source: io::Error) -> StartError {
    match source.kind() {
        io::ErrorKind::AddrInUse => StartError::PortInUse { transport, address },
        _ => StartError::Bind { transport, address, source },
    }
}

fn open_udp(at: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(at), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    // A burst of calls must not overflow the default of some 200 kB; less is granted quietly.
    let _ = socket.set_recv_buffer_size(4 << 20);
    socket.bind(&at.into())?;
    UdpSocket::from_std(socket.into())
}

fn open_tcp(at: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(at), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    socket.set_reuse_address(true)?;
    socket.bind(&at.into())?;
    socket.listen(512)?;
    TcpListener::from_std(socket.into())
}

/// All ways out, and the live TCP connections.
pub struct Net {
    pub udp: Option<Arc<UdpSocket>>,
    udp_connection: Option<SipConnection>,
    pub udp_at: Option<SocketAddr>,
    pub tcp_at: Option<SocketAddr>,
    streams: Mutex<HashMap<SocketAddr, TcpConnection>>,
    names: DefaultDomainResolver,
}

impl Net {
    pub async fn new(udp: Option<UdpSocket>, tcp_at: Option<SocketAddr>) -> Self {
        let udp = udp.map(Arc::new);
        let udp_at = udp.as_ref().and_then(|socket| socket.local_addr().ok());
        let udp_connection = match (&udp, udp_at) {
            (Some(socket), Some(at)) => {
                let addr = SipAddr::new(Transport::Udp, at.into());
                let inner = UdpInner { conn: socket.clone(), addr };
                Some(SipConnection::Udp(UdpConnection::attach(inner, None, None).await))
            }
            _ => None,
        };
        let names = DefaultDomainResolver::new();
        Self { udp, udp_connection, udp_at, tcp_at, streams: Mutex::default(), names }
    }

    pub fn udp_route(&self, peer: SocketAddr) -> Option<Route> {
        let connection = self.udp_connection.clone()?;
        Some(Route { connection, peer, by_tcp: false })
    }

    fn streams(&self) -> std::sync::MutexGuard<'_, HashMap<SocketAddr, TcpConnection>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The live connection with `peer`.
    pub fn tcp_route(&self, peer: SocketAddr) -> Option<Route> {
        let connection = SipConnection::Tcp(self.streams().get(&peer)?.clone());
        Some(Route { connection, peer, by_tcp: true })
    }

    /// Notes a live connection. `false` if its address has too many, or all have.
    pub fn add_stream(
        &self,
        peer: SocketAddr,
        stream: &TcpConnection,
        most: (usize, usize),
    ) -> bool {
        let mut streams = self.streams();
        let of_peer = streams.keys().filter(|known| known.ip() == peer.ip()).count();
        if of_peer >= most.0 || streams.len() >= most.1 {
            return false;
        }
        streams.insert(peer, stream.clone());
        true
    }

    pub fn remove_stream(&self, peer: SocketAddr) {
        self.streams().remove(&peer);
    }

    /// Host, port and transport of a SIP URI, resolved.
    pub async fn resolve(&self, uri: &str) -> Result<(SocketAddr, Wanted), NoRoute> {
        let uri = Uri::try_from(uri).map_err(|_| NoRoute::BadUri)?;
        if uri.scheme != Some(Scheme::Sip) {
            return Err(NoRoute::BadUri);
        }
        let wanted = match uri.params.iter().find_map(|param| match param {
            Param::Transport(transport) => Some(*transport),
            _ => None,
        }) {
            None => Wanted::Either,
            Some(Transport::Udp) => Wanted::Udp,
            Some(Transport::Tcp) => Wanted::Tcp,
            Some(_) => return Err(NoRoute::BadUri),
        };
        let port = uri.host_with_port.port.map(|port| port.0);
        let name = match &uri.host_with_port.host {
            Host::IpAddr(ip) => return Ok((SocketAddr::new(*ip, port.unwrap_or(5_060)), wanted)),
            Host::Domain(name) => name.0.clone(),
        };
        let lookup = self.look_up(&name, port, wanted, &uri);
        match tokio::time::timeout(Duration::from_secs(4), lookup).await {
            Ok(Some(found)) => Ok((found, wanted)),
            Ok(None) | Err(_) => Err(NoRoute::NoHost),
        }
    }

    async fn look_up(
        &self,
        name: &str,
        port: Option<u16>,
        wanted: Wanted,
        uri: &Uri,
    ) -> Option<SocketAddr> {
        if port.is_none() && name.contains('.') {
            let transport = match wanted {
                Wanted::Tcp => Transport::Tcp,
                Wanted::Udp | Wanted::Either => Transport::Udp,
            };
            let target = SipAddr::new(transport, uri.host_with_port.clone());
            if let Ok(found) = self.names.resolve(&target).await {
                return found.get_socketaddr().ok();
            }
        }
        let found: Vec<SocketAddr> =
            tokio::net::lookup_host((name, port.unwrap_or(5_060))).await.ok()?.collect();
        let same = |at: &&SocketAddr| {
            self.udp_at.or(self.tcp_at).is_none_or(|ours| ours.is_ipv4() == at.is_ipv4())
        };
        found.iter().find(same).or(found.first()).copied()
    }

    /// A way to `peer` for a request of `size` bytes (RFC 3261 section 18.1.1). The second value
    /// is a fresh connection, which somebody must read.
    pub async fn connect(
        &self,
        peer: SocketAddr,
        wanted: Wanted,
        size: usize,
    ) -> Result<(Route, Option<TcpConnection>), NoRoute> {
        let large = size > SIP_UDP_REQUEST_BYTES_MAX;
        let no_udp = self.udp_connection.is_none();
        let patience = match wanted {
            Wanted::Tcp => Some(TCP_CONNECT),
            Wanted::Either if no_udp => Some(TCP_CONNECT),
            Wanted::Either if large => Some(TCP_CONNECT_TRY),
            Wanted::Either | Wanted::Udp => None,
        };
        if let Some(patience) = patience {
            if let Some(route) = self.tcp_route(peer) {
                return Ok((route, None));
            }
            if let Ok(Ok(stream)) = tokio::time::timeout(patience, TcpStream::connect(peer)).await {
                return self.adopt(stream, peer).map(|(route, fresh)| (route, Some(fresh)));
            }
            if wanted == Wanted::Tcp {
                return Err(NoRoute::NoConnection);
            }
        }
        self.udp_route(peer).map(|route| (route, None)).ok_or(NoRoute::NoConnection)
    }

    /// Makes a connection of ours out of a stream, either way.
    pub fn adopt(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
    ) -> Result<(Route, TcpConnection), NoRoute> {
        let _ = stream.set_nodelay(true);
        // A peer that stops reading is given up by the kernel, which frees whoever waits for it.
        let _ = socket2::SockRef::from(&stream).set_tcp_user_timeout(Some(TCP_STALL));
        let local = stream.local_addr().map_err(|_| NoRoute::NoConnection)?;
        let addr = SipAddr::new(Transport::Tcp, local.into());
        let connection =
            TcpConnection::from_stream(stream, addr, None).map_err(|_| NoRoute::NoConnection)?;
        let route =
            Route { connection: SipConnection::Tcp(connection.clone()), peer, by_tcp: true };
        Ok((route, connection))
    }

    /// The address and port by which `peer` reaches us.
    pub fn our_address(
        &self,
        peer: SocketAddr,
        by_tcp: bool,
        public: Option<IpAddr>,
    ) -> SocketAddr {
        let bound = if by_tcp { self.tcp_at } else { self.udp_at };
        let port = bound.or(self.udp_at).or(self.tcp_at).map_or(5_060, |at| at.port());
        SocketAddr::new(our_ip(bound.map(|at| at.ip()), peer, public), port)
    }
}

/// Our address as `peer` sees it: the public one unless the peer is this machine.
pub fn our_ip(bound: Option<IpAddr>, peer: SocketAddr, public: Option<IpAddr>) -> IpAddr {
    if peer.ip().is_loopback() {
        return bound.filter(|ip| ip.is_loopback()).unwrap_or(peer.ip());
    }
    if let Some(public) = public {
        return public;
    }
    if let Some(bound) = bound.filter(|ip| !ip.is_unspecified()) {
        return bound;
    }
    // Connecting a datagram socket sends nothing; it only asks the routing table.
    let any: SocketAddr = match peer {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (std::net::Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let routed = std::net::UdpSocket::bind(any).and_then(|socket| {
        socket.connect(peer)?;
        socket.local_addr()
    });
    routed.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |at| at.ip())
}

/// One unit of a TCP stream.
#[derive(Debug, PartialEq, Eq)]
pub enum Framed {
    Message(Bytes),
    /// CRLF CRLF, to be answered with CRLF (RFC 5626 section 3.5.1).
    Ping,
}

/// The stream cannot be followed any more; only closing it helps.
#[derive(Debug, PartialEq, Eq)]
pub struct Misframed;

/// Takes the next unit off the front of a stream (RFC 3261 section 18.3).
pub fn frame(buffer: &mut BytesMut) -> Result<Option<Framed>, Misframed> {
    if buffer.starts_with(b"\r\n\r\n") {
        buffer.advance(4);
        return Ok(Some(Framed::Ping));
    }
    while buffer.first().is_some_and(|byte| matches!(byte, b'\r' | b'\n')) {
        if buffer.as_ref() == b"\r" || buffer.as_ref() == b"\r\n" || buffer.as_ref() == b"\r\n\r" {
            return Ok(None);
        }
        buffer.advance(1);
    }
    let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") else {
        return if buffer.len() > SIP_MESSAGE_BYTES_MAX { Err(Misframed) } else { Ok(None) };
    };
    let head = buffer.get(..end).unwrap_or_default();
    let length = content_length(head).ok_or(Misframed)?;
    let whole = end + 4 + length;
    if length > SIP_MESSAGE_BYTES_MAX || whole > SIP_MESSAGE_BYTES_MAX {
        return Err(Misframed);
    }
    if buffer.len() < whole {
        return Ok(None);
    }
    Ok(Some(Framed::Message(buffer.split_to(whole).freeze())))
}

/// The Content-Length of a head; 0 where there is none, `None` where it is no number or two.
fn content_length(head: &[u8]) -> Option<usize> {
    let mut found = None;
    for line in head.split(|byte| *byte == b'\n') {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let name = line.get(..colon).unwrap_or_default().trim_ascii();
        if name.eq_ignore_ascii_case(b"content-length") || name.eq_ignore_ascii_case(b"l") {
            let value = line.get(colon + 1..).unwrap_or_default().trim_ascii();
            let value: usize = std::str::from_utf8(value).ok()?.parse().ok()?;
            if found.is_some_and(|other| other != value) {
                return None;
            }
            found = Some(value);
        }
    }
    Some(found.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_cut_where_its_messages_end() {
        let one = "OPTIONS sip:a SIP/2.0\r\nContent-Length: 3\r\n\r\nabc";
        let two = "BYE sip:a SIP/2.0\r\nl: 0\r\n\r\n";
        let mut buffer = BytesMut::new();
        let mut seen = Vec::new();
        for byte in format!("\r\n\r\n{one}{two}").bytes() {
            buffer.extend_from_slice(&[byte]);
            while let Ok(Some(unit)) = frame(&mut buffer) {
                seen.push(unit);
            }
        }
        let message = |text: &str| Framed::Message(Bytes::copy_from_slice(text.as_bytes()));
        assert_eq!(seen, [Framed::Ping, message(one), message(two)]);
        assert!(buffer.is_empty());
    }

    #[test]
    fn lies_about_the_length_end_the_stream() {
        for length in ["x", "-1", "99999999999999999999", "70000", "1\r\nContent-Length: 2"] {
            let text = format!("BYE sip:a SIP/2.0\r\nContent-Length: {length}\r\n\r\n");
            assert_eq!(frame(&mut BytesMut::from(text.as_str())), Err(Misframed), "{length}");
        }
        let endless = "x".repeat(SIP_MESSAGE_BYTES_MAX + 1);
        assert_eq!(frame(&mut BytesMut::from(endless.as_str())), Err(Misframed));
    }

    #[test]
    fn a_taken_port_is_told_apart() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("runtime");
        let _inside = runtime.enter();
        let free: SocketAddr = "127.0.0.1:0".parse().expect("address");
        let taken = open(Some(free), None).expect("opens");
        let at = taken.udp.as_ref().and_then(|socket| socket.local_addr().ok());
        let again = open(at, None).err().expect("taken");
        assert!(matches!(again, StartError::PortInUse { transport: "UDP", .. }), "{again}");
        assert!(matches!(open(None, None), Err(StartError::NoTransport)));
        let foreign: SocketAddr = "192.0.2.1:0".parse().expect("address");
        assert!(matches!(open(None, Some(foreign)), Err(StartError::Bind { .. })));
    }
}
