//! A dialog (RFC 3261 section 12): its tags, numbers, targets and routes, and the requests that
//! follow from them. Pure; Via headers are the transport's business and are added later.

use std::net::{IpAddr, SocketAddr};

use rsipstack::sip::{HasHeaders, Method, Request, Response, Uri, Version};

use super::wire::{self, header, make};

/// One side's view of a dialog.
#[derive(Clone, Debug)]
pub struct Dialog {
    pub call_id: String,
    pub local_tag: String,
    /// Empty until the peer's first response with a tag.
    pub remote_tag: String,
    /// Our and the peer's name-addr, without tags.
    local: String,
    remote: String,
    /// Number of our last request.
    pub local_seq: u32,
    /// Number of the peer's last request.
    pub remote_seq: Option<u32>,
    /// Where the peer's Contact says that requests go.
    pub target: String,
    /// Route set, first hop first, each as a name-addr.
    pub routes: Vec<String>,
    /// Our Contact, as a name-addr.
    pub contact: String,
    pub user_agent: String,
}

impl Dialog {
    /// From an INVITE to us. `None` if its From, To or Contact is unusable.
    pub fn as_server(request: &Request, local_tag: &str, contact: &str) -> Option<Self> {
        let (from, to) = (header(request, "From")?, header(request, "To")?);
        let (number, _) = wire::cseq(request)?;
        Some(Self {
            call_id: header(request, "Call-ID")?.to_owned(),
            local_tag: local_tag.to_owned(),
            remote_tag: wire::tag_of(from)?.to_owned(),
            local: name_addr(to),
            remote: name_addr(from),
            local_seq: 0,
            remote_seq: Some(number),
            target: contact_uri(request)?,
            routes: record_routes(request),
            contact: contact.to_owned(),
            user_agent: String::new(),
        })
    }

    /// For an INVITE of ours: `local` and `remote` are name-addrs, `target` the Request-URI.
    pub fn as_client(
        call_id: String,
        local_tag: String,
        local: &str,
        remote: &str,
        target: &str,
        contact: &str,
    ) -> Self {
        Self {
            call_id,
            local_tag,
            remote_tag: String::new(),
            local: local.to_owned(),
            remote: remote.to_owned(),
            local_seq: 0,
            remote_seq: None,
            target: target.to_owned(),
            routes: Vec::new(),
            contact: contact.to_owned(),
            user_agent: String::new(),
        }
    }

    /// Our From before the address is known: the display name as it stands in the header.
    pub fn set_local(&mut self, name: String, user: String) {
        self.local = format!("{name}<sip:{user}@");
    }

    /// Completes [`Dialog::set_local`] with our address.
    pub fn place_local(&mut self, host: &str) {
        let bracket = host.contains(':');
        let host = if bracket { format!("[{host}]") } else { host.to_owned() };
        self.local.push_str(&format!("{host}>"));
    }

    /// A response to our INVITE sets the peer's tag, its target and, at the first 2xx, the
    /// routes. `false` if it belongs to another fork.
    pub fn learn(&mut self, response: &Response) -> bool {
        let tag = header(response, "To").and_then(wire::tag_of).unwrap_or("");
        if tag.is_empty() || (!self.remote_tag.is_empty() && self.remote_tag != tag) {
            return false;
        }
        let fresh = self.remote_tag.is_empty();
        self.remote_tag = tag.to_owned();
        if let Some(target) = contact_uri(response) {
            self.target = target;
        }
        if fresh {
            self.routes = record_routes(response);
            self.routes.reverse();
        }
        true
    }

    /// Forgets the peer's tag: an early dialog gave way to the fork that answered.
    pub fn forget_peer(&mut self) {
        self.remote_tag.clear();
        self.routes.clear();
    }

    /// A re-INVITE or UPDATE, or its 2xx, may move the target (RFC 3261 section 12.2).
    pub fn refresh_target<M: HasHeaders>(&mut self, message: &M) {
        if let Some(target) = contact_uri(message) {
            self.target = target;
        }
    }

    /// `true` if the peer's request is newer than all before, which is noted.
    pub fn accept_seq(&mut self, number: u32) -> bool {
        let newer = self.remote_seq.is_none_or(|last| number > last);
        if newer {
            self.remote_seq = Some(number);
        }
        newer
    }

    /// The next request of ours, without Via and body. `None` if the target is no SIP URI.
    pub fn request(&mut self, method: Method) -> Option<Request> {
        self.local_seq += 1;
        self.numbered(method, self.local_seq)
    }

    /// The ACK of a 2xx to our INVITE number `seq` (RFC 3261 section 13.2.2.4).
    pub fn ack(&self, seq: u32) -> Option<Request> {
        self.numbered(Method::Ack, seq)
    }

    fn numbered(&self, method: Method, seq: u32) -> Option<Request> {
        let uri = wire::request_uri(&self.target)?;
        let mut headers = vec![make("Max-Forwards", "70")];
        headers.extend(self.routes.iter().map(|route| make("Route", route.as_str())));
        headers.push(make("From", format!("{};tag={}", self.local, self.local_tag)));
        headers.push(match self.remote_tag.as_str() {
            "" => make("To", self.remote.as_str()),
            tag => make("To", format!("{};tag={tag}", self.remote)),
        });
        headers.push(make("Call-ID", self.call_id.as_str()));
        headers.push(make("CSeq", format!("{seq} {method}")));
        if matches!(method, Method::Invite | Method::Update) {
            headers.push(make("Contact", self.contact.as_str()));
        }
        if !self.user_agent.is_empty() {
            headers.push(make("User-Agent", self.user_agent.as_str()));
        }
        let (version, body) = (Version::V2, Vec::new());
        Some(Request { method, uri, version, headers: headers.into(), body })
    }

    /// The URI whose host is the next hop: the first route, or the target.
    pub fn next_hop(&self) -> &str {
        self.routes.first().map_or(self.target.as_str(), |route| wire::uri_of(route))
    }

    /// Where requests really go: the next hop, unless that is a private address that its sender
    /// cannot be reached at, as we see it come from elsewhere (a NAT in between).
    pub fn behind_nat(&self, seen_at: SocketAddr) -> bool {
        if !self.routes.is_empty() {
            return false;
        }
        let Ok(uri) = Uri::try_from(self.target.as_str()) else { return true };
        match uri.host_with_port.host {
            rsipstack::sip::Host::IpAddr(ip) => ip != seen_at.ip() && is_private(ip),
            rsipstack::sip::Host::Domain(name) => name.0.ends_with(".invalid"),
        }
    }
}

/// Addresses that mean nothing outside their own network.
fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => {
            let [first, second, ..] = v4.octets();
            let shared = first == 100 && (64..128).contains(&second);
            v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_unspecified()
                || shared
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unspecified(),
    }
}

/// `"Name" <uri>` without header parameters.
fn name_addr(value: &str) -> String {
    match value.split_once('>') {
        Some((before, _)) if before.contains('<') => format!("{before}>"),
        Some(_) | None => format!("<{}>", wire::uri_of(value)),
    }
}

fn contact_uri<M: HasHeaders>(message: &M) -> Option<String> {
    let value = header(message, "Contact")?;
    let first = wire::split_list(value).into_iter().next()?;
    let uri = wire::uri_of(first);
    let usable = uri.len() <= 1_024 && Uri::try_from(uri).is_ok();
    usable.then(|| uri.to_owned())
}

fn record_routes<M: HasHeaders>(message: &M) -> Vec<String> {
    wire::headers(message, "Record-Route")
        .flat_map(wire::split_list)
        .take(16)
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const INVITE: &str = "INVITE sip:ivr@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\n\
        Record-Route: <sip:p1;lr>, <sip:p2;lr>\r\nFrom: \"A > B\" <sip:a@h>;tag=ft\r\n\
        To: <sip:ivr@h>\r\nCall-ID: c1\r\nCSeq: 5 INVITE\r\n\
        Contact: <sip:a@10.0.0.9:5070;transport=tcp>;expires=5\r\n\r\n";

    #[test]
    fn as_server_answers_along_the_recorded_routes() {
        let invite = Request::try_from(INVITE).expect("well formed");
        let mut dialog = Dialog::as_server(&invite, "lt", "<sip:us>").expect("usable");
        assert!(!dialog.accept_seq(5) && dialog.accept_seq(6) && !dialog.accept_seq(6));
        assert_eq!(dialog.next_hop(), "sip:p1;lr");
        let bye = dialog.request(Method::Bye).expect("request").to_string();
        for wanted in [
            "BYE sip:a@10.0.0.9:5070;transport=",
            "Route: <sip:p1;lr>\r\nRoute: <sip:p2;lr>",
            "From: <sip:ivr@h>;tag=lt",
            ";tag=ft",
            "CSeq: 1 BYE",
        ] {
            assert!(bye.contains(wanted), "{wanted} in {bye}");
        }
    }

    #[test]
    fn as_client_learns_from_the_first_fork_only() {
        let mut dialog =
            Dialog::as_client("c".into(), "lt".into(), "<sip:us>", "<sip:b@h>", "sip:b@h", "<u>");
        let response = |tag: &str| {
            let text = format!(
                "SIP/2.0 200 OK\r\nRecord-Route: <sip:p1;lr>\r\nRecord-Route: <sip:p2;lr>\r\n\
                 To: <sip:b@h>;tag={tag}\r\nContact: <sip:b@192.0.2.9>\r\nCSeq: 1 INVITE\r\n\r\n"
            );
            Response::try_from(text.as_bytes()).expect("well formed")
        };
        assert!(dialog.request(Method::Invite).is_some());
        assert!(dialog.learn(&response("x")));
        assert!(!dialog.learn(&response("y")));
        assert_eq!(dialog.next_hop(), "sip:p2;lr");
        let ack = dialog.ack(1).expect("request").to_string();
        assert!(ack.starts_with("ACK sip:b@192.0.2.9 SIP/2.0"), "{ack}");
        assert!(ack.contains("CSeq: 1 ACK") && ack.contains("tag=x"), "{ack}");
    }

    #[test]
    fn a_nat_in_between_is_seen() {
        let dialog = |target: &str| {
            Dialog::as_client("c".into(), "l".into(), "<sip:u>", "<sip:b>", target, "<u>")
        };
        let seen = "203.0.113.5:1024".parse().expect("address");
        assert!(dialog("sip:b@10.0.0.1").behind_nat(seen));
        assert!(dialog("sip:b@x.invalid;transport=ws").behind_nat(seen));
        assert!(!dialog("sip:b@198.51.100.1").behind_nat(seen));
        assert!(!dialog("sip:b@127.0.0.1").behind_nat("127.0.0.1:9".parse().expect("address")));
    }
}
