//! Our lines with providers: REGISTER with digest, refreshed in time, with back-off when it
//! fails, given back when we go (RFC 3261, 10.2.2), and its state published. One task a trunk.

use std::sync::Arc;
use std::time::Duration;

use rsipstack::sip::{Method, Request, Response};
use tokio::sync::mpsc;

use super::dialog::Dialog;
use super::digest;
use super::endpoint::Shared;
use super::event::{SipEvent, TrunkState};
use super::leg::{LegInput, Sent, random_token};
use super::net::Route;
use super::receive;
use super::settings::{Credentials, RegisterSettings, TrunkSettings};
use super::wire::{self, header, make};

/// Shortest and longest pause after a failure.
const RETRY_S_MIN: u32 = 5;
const RETRY_S_MAX: u32 = 300;

/// Starts a task for each trunk that registers.
pub(crate) fn start(shared: &Arc<Shared>) {
    for trunk in shared.settings.trunks.clone() {
        if let Some(line) = trunk.register.clone() {
            let inner = shared.clone();
            let kept = shared.lines.track_future(keep(inner, trunk, line));
            receive::spawn(shared, kept);
        }
    }
}

/// Seconds until the next attempt after `failures` in a row, without jitter.
pub fn back_off_s(failures: u32) -> u32 {
    RETRY_S_MIN.saturating_mul(1 << failures.saturating_sub(1).min(8)).min(RETRY_S_MAX)
}

/// Seconds until a registration of `expires_s` is refreshed: early enough for a second attempt.
pub fn refresh_s(expires_s: u32) -> u32 {
    if expires_s > 120 { expires_s * 85 / 100 } else { (expires_s / 2).max(1) }
}

async fn keep(shared: Arc<Shared>, trunk: TrunkSettings, line: RegisterSettings) {
    let leaving = shared.leaving.clone();
    let mut task = Line {
        call_id: format!("{}{}", random_token(), random_token()),
        tag: random_token(),
        seq: 0,
        expires_s: line.expires_s.max(60),
        shared,
        trunk,
        line,
    };
    let mut failures = 0;
    loop {
        if failures == 0 && task.seq == 0 {
            task.publish(TrunkState::Registering).await;
        }
        let wait_s = match task.register().await {
            Ok(expires_s) => {
                failures = 0;
                task.publish(TrunkState::Registered { expires_s }).await;
                refresh_s(expires_s)
            }
            Err(why) => {
                failures += 1;
                let base = back_off_s(failures);
                let retry_s = base + rand::random::<u32>() % (base / 4 + 1);
                tracing::warn!(trunk = %task.trunk.id, %why, retry_s, "trunk not registered");
                task.publish(TrunkState::Failed { why, retry_s }).await;
                retry_s
            }
        };
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(u64::from(wait_s))) => {}
            () = leaving.cancelled() => break,
        }
    }
    if failures == 0 {
        task.expires_s = 0;
        if let Err(why) = task.register().await {
            tracing::warn!(trunk = %task.trunk.id, %why, "the line was not given back");
        }
    }
}

struct Line {
    shared: Arc<Shared>,
    trunk: TrunkSettings,
    line: RegisterSettings,
    call_id: String,
    tag: String,
    seq: u32,
    expires_s: u32,
}

impl Line {
    async fn publish(&self, state: TrunkState) {
        self.shared.set_trunk_state(&self.trunk.id, state.clone());
        self.shared.tell(SipEvent::Trunk { trunk: self.trunk.id.clone(), state }).await;
    }

    /// One registration, with its challenge: the seconds that it holds, or why not.
    async fn register(&mut self) -> Result<u32, String> {
        let net = &self.shared.net;
        let found = net.resolve(&self.line.registrar).await.map_err(|error| error.to_string())?;
        let (peer, wanted) = found;
        let connected = net.connect(peer, wanted, 0).await.map_err(|error| error.to_string())?;
        let (route, fresh) = connected;
        if let Some(connection) = fresh {
            receive::read_stream(&self.shared, connection, peer, true);
        }
        let mut proof = None;
        for _ in 0..4 {
            let request = self.request(&route, proof.take()).ok_or("the registrar's URI")?;
            let response = self.ask(request, &route).await.ok_or("no reply")?;
            let status = response.status_code.code();
            match status {
                200..=299 => return Ok(self.granted(&response)),
                401 | 407 => proof = Some(self.prove(status, &response)?),
                423 => {
                    let least = header(&response, "Min-Expires").and_then(|v| v.parse().ok());
                    let least: u32 = least.filter(|s| *s <= 86_400).ok_or("423 without time")?;
                    if least <= self.expires_s {
                        return Err("423 for no reason".to_owned());
                    }
                    self.expires_s = least;
                }
                status => return Err(format!("the registrar answered {status}")),
            }
        }
        Err("the registrar does not accept user or password".to_owned())
    }

    fn request(&mut self, route: &Route, proof: Option<(&str, String)>) -> Option<Request> {
        let public = self.shared.public_address(Some(&self.trunk));
        let ours = self.shared.net.our_address(route.peer, route.by_tcp, public);
        let host = self.line.registrar.strip_prefix("sip:").unwrap_or(&self.line.registrar);
        let domain = host.split([';', '?']).next().unwrap_or(host);
        let domain = domain.rsplit('@').next().unwrap_or(domain);
        let aor = format!("<sip:{}@{domain}>", self.line.user);
        let (call_id, tag) = (self.call_id.clone(), self.tag.clone());
        let target = self.line.registrar.as_str();
        let mut dialog = Dialog::as_client(call_id, tag, &aor, &aor, target, "");
        dialog.user_agent = self.shared.settings.user_agent.clone();
        dialog.local_seq = self.seq;
        let mut request = dialog.request(Method::Register)?;
        self.seq = dialog.local_seq;
        request.headers.push_front(make("Via", super::leg::via(ours, route.by_tcp)));
        let transport = if route.by_tcp { ";transport=tcp" } else { "" };
        let contact = format!("<sip:{}@{ours}{transport}>", self.line.user);
        request.headers.push(make("Contact", contact));
        request.headers.push(make("Expires", self.expires_s.to_string()));
        if let Some((name, value)) = proof {
            request.headers.push(make(name, value));
        }
        wire::set_body(&mut request, None, 0);
        Some(request)
    }

    async fn ask(&self, request: Request, route: &Route) -> Option<Response> {
        let (sender, mut receiver) = mpsc::channel(8);
        let (shared, route) = (self.shared.clone(), route.clone());
        tokio::spawn(super::leg::run_client(shared, request, route, Sent::Other, sender));
        while let Some(input) = receiver.recv().await {
            if let LegInput::Reply { response, .. } = input
                && response.status_code.code() >= 200
            {
                return Some(*response);
            }
        }
        None
    }

    fn prove(&self, status: u16, response: &Response) -> Result<(&'static str, String), String> {
        let (asked, name) = match status {
            401 => ("WWW-Authenticate", "Authorization"),
            _ => ("Proxy-Authenticate", "Proxy-Authorization"),
        };
        let challenge = header(response, asked).ok_or("a challenge without its header")?;
        let credentials =
            Credentials { user: self.line.user.clone(), password: self.line.password.clone() };
        let uri = self.line.registrar.as_str();
        digest::answer(challenge, &credentials, "REGISTER", uri, &random_token())
            .map(|value| (name, value))
            .ok_or_else(|| "a challenge that we cannot answer (not MD5 with auth)".to_owned())
    }

    /// What our Contact, or else the Expires header, was given.
    fn granted(&self, response: &Response) -> u32 {
        let ours = format!("sip:{}@", self.line.user);
        let by_contact = wire::headers(response, "Contact")
            .flat_map(wire::split_list)
            .filter(|contact| contact.contains(&ours))
            .find_map(|contact| wire::param(contact, "expires")?.parse::<u32>().ok());
        let by_header = header(response, "Expires").and_then(|value| value.parse().ok());
        by_contact.or(by_header).unwrap_or(self.expires_s).clamp(30, 86_400)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_wait_longer_and_longer_but_not_for_ever() {
        let waits: Vec<u32> = (1..=9).map(back_off_s).collect();
        assert_eq!(waits, [5, 10, 20, 40, 80, 160, 300, 300, 300]);
    }

    #[test]
    fn refreshed_before_it_runs_out() {
        assert_eq!((refresh_s(3_600), refresh_s(60), refresh_s(1)), (3_060, 30, 1));
    }
}
