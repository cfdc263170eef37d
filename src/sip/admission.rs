//! Who may have a dialog: ban, rate, form, right, capacity, in this order, before anything is
//! allocated for a request. Request and facts in, verdict out; the clock is an argument.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::{IpAddr, SocketAddr};

use rsipstack::sip::{Method, Request};

use super::digest::{Challenger, Fields, Proof};
use super::judge::{self, Refusal};
use super::settings::{AcceptAnyone, Credentials, Settings, Strangers, TrunkSettings};
use super::sources::{Offence, Sources};
use super::wire::{self, header};

/// What to do with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Pass,
    Answer(Refusal),
    /// No answer at all.
    Drop,
}

/// What is known beside the request itself.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    pub source: SocketAddr,
    /// A phone of ours is registered from that address.
    pub registered: bool,
    /// Its tags name a dialog of ours.
    pub known_dialog: bool,
    /// Its Call-ID is that of a leg of ours.
    pub known_call: bool,
    /// Inbound calls at this moment.
    pub calls: usize,
    /// Warmline is ending: no new calls.
    pub draining: bool,
    /// Milliseconds on the monotonic clock, and Unix seconds.
    pub now_ms: u64,
    pub now_s: u64,
    /// Random, for the jitter of Retry-After.
    pub dice: u32,
}

/// To whom a request belongs.
#[derive(Clone, Copy, Debug)]
pub enum Origin<'a> {
    Trunk(&'a TrunkSettings),
    /// Let in by `accept_anyone`.
    Anyone,
    Stranger,
}

/// The trunk, or the lack of one, behind an address.
pub fn origin(settings: &Settings, address: IpAddr) -> Origin<'_> {
    let address = address.to_canonical();
    if let Some(trunk) = settings.trunk_at(address) {
        return Origin::Trunk(trunk);
    }
    match settings.accept_anyone {
        AcceptAnyone::Yes => Origin::Anyone,
        AcceptAnyone::Loopback if address.is_loopback() => Origin::Anyone,
        AcceptAnyone::Loopback | AcceptAnyone::No => Origin::Stranger,
    }
}

/// The trunk of an INVITE that was admitted: by address, or by the user that it proved to be.
pub fn trunk_of<'a>(
    settings: &'a Settings,
    request: &Request,
    address: IpAddr,
) -> Option<&'a TrunkSettings> {
    match origin(settings, address) {
        Origin::Trunk(trunk) => Some(trunk),
        Origin::Anyone | Origin::Stranger => {
            proved_user(request).and_then(|fields| settings.trunk_of_user(fields.get("username")))
        }
    }
}

/// The Digest fields of a request, if it has them.
pub fn proved_user(request: &Request) -> Option<Fields> {
    header(request, "Authorization").and_then(Fields::parse)
}

/// The gate. One for the whole endpoint.
pub struct Admission {
    challenger: Challenger,
    sources: Sources,
}

impl Admission {
    pub fn new(key: [u8; 32], settings: &Settings) -> Self {
        let challenger = Challenger::new(key, &settings.realm);
        Self { challenger, sources: Sources::default() }
    }

    /// Before the bytes are looked at: `false` means that nothing more is done with them.
    /// `dialled`: we placed a call to that address, so that its messages are wanted.
    pub fn admit_bytes(
        &mut self,
        settings: &Settings,
        source: SocketAddr,
        dialled: bool,
        now_ms: u64,
    ) -> bool {
        let trusted = dialled || !settings.bans || is_trusted(settings, source.ip());
        self.sources.admit(source.ip(), trusted, now_ms)
    }

    /// Bytes that are no SIP came.
    pub fn nonsense(&mut self, settings: &Settings, source: SocketAddr, now_ms: u64) {
        self.offend(settings, source.ip(), Offence::Nonsense, now_ms);
    }

    pub fn is_banned(&self, address: IpAddr, now_ms: u64) -> bool {
        self.sources.is_banned(address, now_ms)
    }

    fn offend(&mut self, settings: &Settings, address: IpAddr, offence: Offence, now_ms: u64) {
        if !settings.bans || is_trusted(settings, address) {
            return;
        }
        if self.sources.offend(address, offence, now_ms) {
            tracing::warn!(%address, ?offence, "SIP source banned for ten minutes");
        }
    }

    /// Decides on a parsed request.
    pub fn decide(&mut self, settings: &Settings, request: &Request, facts: &Facts) -> Verdict {
        let allow = allow(settings);
        let trusted = !matches!(origin(settings, facts.source.ip()), Origin::Stranger);
        if matches!(request.method, Method::Ack | Method::Cancel) {
            let ours = facts.known_dialog || facts.known_call;
            return if ours || trusted { Verdict::Pass } else { Verdict::Drop };
        }
        if facts.known_dialog {
            return judged(request, allow).map_or_else(Verdict::Answer, |()| Verdict::Pass);
        }
        if facts.registered && !trusted && request.method == Method::Invite {
            // Agents are called; they do not call in by their phone.
            return Verdict::Answer(Refusal::new(403, "a phone of ours"));
        }
        if !trusted && !facts.registered && !self.may_knock(settings, request) {
            self.offend(settings, facts.source.ip(), Offence::Uninvited, facts.now_ms);
            return match settings.strangers {
                Strangers::Silence => Verdict::Drop,
                Strangers::Forbidden => Verdict::Answer(Refusal::new(403, "stranger")),
            };
        }
        if let Err(refusal) = judged(request, allow) {
            return Verdict::Answer(refusal);
        }
        let in_dialog = header(request, "To").and_then(wire::tag_of).is_some();
        match request.method {
            Method::Register => self.register(settings, request, facts),
            Method::Options => Verdict::Pass,
            Method::Invite if !in_dialog => self.invite(settings, request, facts),
            _ => Verdict::Answer(Refusal::new(481, "no such dialog")),
        }
    }

    /// A stranger may try to prove who it is where somebody could.
    fn may_knock(&self, settings: &Settings, request: &Request) -> bool {
        match request.method {
            Method::Register => !settings.phones.is_empty(),
            Method::Invite => settings.trunks.iter().any(|trunk| trunk.addresses.is_empty()),
            _ => false,
        }
    }

    fn invite(&mut self, settings: &Settings, request: &Request, facts: &Facts) -> Verdict {
        let wanted = match origin(settings, facts.source.ip()) {
            Origin::Trunk(trunk) => trunk.credentials.as_ref().map(Some),
            Origin::Anyone => None,
            // An unknown user is checked against nobody, for the same answer in the same time.
            Origin::Stranger => Some(proved_user(request).and_then(|fields| {
                settings.trunk_of_user(fields.get("username"))?.credentials.as_ref()
            })),
        };
        if let Some(known) = wanted
            && let Err(verdict) = self.prove(settings, request, known, facts)
        {
            return verdict;
        }
        if facts.draining || facts.calls >= settings.calls_max {
            let seconds = 5 + facts.dice % 11;
            let refusal = Refusal::new(503, "no capacity");
            return Verdict::Answer(refusal.with("Retry-After", seconds.to_string()));
        }
        Verdict::Pass
    }

    fn register(&mut self, settings: &Settings, request: &Request, facts: &Facts) -> Verdict {
        let user = proved_user(request).map(|fields| fields.get("username").to_owned());
        let aor = header(request, "To").map(wire::uri_of).and_then(wire::user_of);
        // A phone registers itself and nobody else (RFC 3261 section 10.3 step 4).
        let phone = settings
            .phones
            .iter()
            .find(|phone| Some(&phone.user) == user.as_ref() && Some(&phone.user) == aor.as_ref());
        let known = phone.map(|phone| Credentials {
            user: phone.user.clone(),
            password: phone.password.clone(),
        });
        match self.prove(settings, request, known.as_ref(), facts) {
            Ok(()) => Verdict::Pass,
            Err(verdict) => verdict,
        }
    }

    fn prove(
        &mut self,
        settings: &Settings,
        request: &Request,
        known: Option<&Credentials>,
        facts: &Facts,
    ) -> Result<(), Verdict> {
        let address = facts.source.ip();
        let (offence, stale) = match proved_user(request) {
            None => (Some(Offence::Challenged), false),
            Some(fields) => {
                let method = request.method.to_string();
                let token = token(request);
                match self.challenger.check(&fields, &method, known, token, facts.now_s) {
                    Proof::Good => {
                        self.sources.succeed(address);
                        return Ok(());
                    }
                    Proof::Stale => (None, true),
                    Proof::Wrong => (Some(Offence::WrongPassword), false),
                    Proof::Replayed => (Some(Offence::Replay), true),
                }
            }
        };
        if let Some(offence) = offence {
            self.offend(settings, address, offence, facts.now_ms);
        }
        let challenge = self.challenger.challenge(facts.now_s, stale);
        let refusal = Refusal::new(401, "unproved").with("WWW-Authenticate", challenge);
        Err(Verdict::Answer(refusal))
    }
}

fn judged(request: &Request, allow: &str) -> Result<(), Refusal> {
    judge::judge(request, allow)
}

/// The Allow header.
pub fn allow(settings: &Settings) -> &'static str {
    if settings.phones.is_empty() { judge::ALLOW } else { judge::ALLOW_WITH_REGISTER }
}

/// Addresses whose messages are answered, however wrong.
pub fn is_trusted(settings: &Settings, address: IpAddr) -> bool {
    match origin(settings, address) {
        Origin::Trunk(_) => true,
        // Everybody is let in, but floods and guesses of everybody are not.
        Origin::Anyone => address.is_loopback(),
        Origin::Stranger => false,
    }
}

/// Tells one request from another, and not from its retransmission.
fn token(request: &Request) -> u64 {
    let mut hasher = DefaultHasher::new();
    header(request, "Call-ID").hash(&mut hasher);
    header(request, "CSeq").hash(&mut hasher);
    wire::branch(request).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
#[path = "admission_tests.rs"]
mod tests;
