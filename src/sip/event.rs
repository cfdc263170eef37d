//! What the SIP room tells the runtime, and the handle by which the runtime commands a leg.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;

use super::body::BodyPart;
use super::ladder::{Ladder, LadderLine};
use super::sdp::SessionDescription;
use crate::base::ids::{AgentId, TrunkId};
use crate::base::key::Key;
use crate::base::pii::Pii;
use crate::call::command::HangUpCause;
use crate::call::event::{DialFailure, LegEnd};

/// Names a SIP leg within this process; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SipLegId(pub u64);

/// Something that happened, for the runtime.
#[derive(Debug)]
pub enum SipEvent {
    /// An INVITE was admitted; 100 is sent. Ring it, answer it or refuse it within 180 s.
    Incoming(Box<Incoming>),
    /// Something happened on a leg. `Failed` and `Ended` are the last of it.
    Leg { leg: SipLegId, event: LegEvent },
    /// The registration of a trunk with its provider changed.
    Trunk { trunk: TrunkId, state: TrunkState },
    /// An agent's phone registered, refreshed or went away.
    Phone { agent: AgentId, user: String, contacts: usize },
}

/// A call to us.
#[derive(Debug)]
pub struct Incoming {
    pub leg: LegHandle,
    /// `local` for callers that only `accept_anyone` let in.
    pub trunk: TrunkId,
    /// As the trunk gave it (P-Asserted-Identity before From); `None` if withheld.
    pub number: Option<Pii<String>>,
    pub name: Option<Pii<String>>,
    /// User part of the Request-URI.
    pub dialled: String,
    pub user_agent: Option<String>,
    /// `None` if the caller wants us to offer: then the answer comes with `Acked`.
    pub offer: Option<SessionDescription>,
    /// The address to put into our SDP towards this peer.
    pub media_address: IpAddr,
    pub source: SocketAddr,
    /// User-to-User, Call-Info and X- headers; the peer's text.
    pub headers: Vec<(String, String)>,
    /// What came beside the SDP.
    pub parts: Vec<BodyPart>,
}

/// What happens on a leg.
#[derive(Clone, Debug, PartialEq)]
pub enum LegEvent {
    /// An outbound leg rings (180 to 183).
    Ringing { status: u16 },
    /// An outbound leg was answered; the ACK is sent.
    Answered { answer: SessionDescription },
    /// An outbound leg was never answered. Last.
    Failed { failure: DialFailure, status: Option<u16> },
    /// The caller's ACK came: an inbound leg is up. With the answer, if we had offered.
    Acked { answer: Option<SessionDescription> },
    /// The peer offers a change: hold, resume, another address. Answer it within 10 s with
    /// [`LegHandle::answer_change`] or [`LegHandle::refuse_change`].
    Change { offer: SessionDescription },
    /// The peer answered our [`LegHandle::reinvite`].
    Changed { answer: SessionDescription },
    /// The peer refused our change; the session stays as it was.
    ChangeRefused { status: u16 },
    /// A key by SIP INFO, once per press.
    Key { key: Key, duration_ms: u16 },
    /// The leg is over: BYE, CANCEL, session timer, no ACK. Last.
    Ended { end: LegEnd, reason: Option<String> },
}

/// State of a trunk's registration with its provider, for `/healthz`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrunkState {
    Registering,
    Registered {
        expires_s: u32,
    },
    /// In words without credentials, with the time to the next attempt.
    Failed {
        why: String,
        retry_s: u32,
    },
}

/// Commands to a leg.
#[derive(Debug)]
pub(crate) enum Command {
    Ring,
    Progress { sdp: String },
    Answer { sdp: String },
    Refuse { status: u16, retry_after_s: Option<u32> },
    HangUp { cause: HangUpCause },
    Reinvite { sdp: String },
    AnswerChange { sdp: String },
    RefuseChange { status: u16 },
}

/// The leg is gone, or so far behind that it counts as gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the SIP leg is gone")]
pub struct LegGone;

/// Commands a leg; cheap to clone. Dropping it leaves the leg as it is.
#[derive(Clone, Debug)]
pub struct LegHandle {
    pub(crate) id: SipLegId,
    pub(crate) call_id: Arc<str>,
    pub(crate) commands: mpsc::Sender<Command>,
    pub(crate) ladder: Arc<Mutex<Ladder>>,
}

impl LegHandle {
    pub fn id(&self) -> SipLegId {
        self.id
    }

    /// The SIP Call-ID, for the log.
    pub fn call_id(&self) -> &str {
        &self.call_id
    }

    /// 180 Ringing.
    pub fn ring(&self) -> Result<(), LegGone> {
        self.send(Command::Ring)
    }

    /// 183 Session Progress with our answer: the caller hears us before the call is taken. Not
    /// for a caller who wants us to offer: then it is 180.
    pub fn progress(&self, sdp: String) -> Result<(), LegGone> {
        self.send(Command::Progress { sdp })
    }

    /// 200 with our answer (or our offer, if the caller made none).
    pub fn answer(&self, sdp: String) -> Result<(), LegGone> {
        self.send(Command::Answer { sdp })
    }

    /// A final refusal before the answer, 300 to 699; anything else becomes 500.
    pub fn refuse(&self, status: u16, retry_after_s: Option<u32>) -> Result<(), LegGone> {
        self.send(Command::Refuse { status, retry_after_s })
    }

    /// Ends the leg in whatever state it is: CANCEL, BYE, or a refusal; if the answer crosses the
    /// CANCEL, ACK and BYE. Idempotent.
    pub fn hang_up(&self, cause: HangUpCause) -> Result<(), LegGone> {
        self.send(Command::HangUp { cause })
    }

    /// Offers the peer a change of the session; `Changed` or `ChangeRefused` follows.
    pub fn reinvite(&self, sdp: String) -> Result<(), LegGone> {
        self.send(Command::Reinvite { sdp })
    }

    /// Answers the peer's `Change`.
    pub fn answer_change(&self, sdp: String) -> Result<(), LegGone> {
        self.send(Command::AnswerChange { sdp })
    }

    /// Refuses the peer's `Change`, usually with 488; the session stays as it was.
    pub fn refuse_change(&self, status: u16) -> Result<(), LegGone> {
        self.send(Command::RefuseChange { status })
    }

    /// The ladder so far; it can be read after the end as well.
    pub fn ladder(&self) -> Vec<LadderLine> {
        self.ladder.lock().unwrap_or_else(PoisonError::into_inner).lines()
    }

    fn send(&self, command: Command) -> Result<(), LegGone> {
        self.commands.try_send(command).map_err(|_| LegGone)
    }
}

/// Where to dial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DialTarget {
    /// `sip:agent@192.0.2.9:5070;transport=tcp`
    Uri(String),
    /// A phone that registers with us, by its user.
    Phone(String),
}

/// A call that we place.
#[derive(Clone, Debug)]
pub struct Dial {
    pub target: DialTarget,
    /// The trunk whose credentials, address and line are used, if it goes out by one.
    pub trunk: Option<TrunkId>,
    /// User part and display name of From.
    pub from_user: String,
    pub from_name: Option<String>,
    /// Our SDP offer, as [`super::sdp::offer`] makes it.
    pub offer: String,
    /// User-to-User, Call-Info and X- headers; others are left out.
    pub headers: Vec<(String, String)>,
    /// Transcript and so on; at most 4 kB together.
    pub parts: Vec<BodyPart>,
}

impl Dial {
    /// A plain call to a URI.
    pub fn to_uri(uri: &str, offer: String) -> Self {
        Self {
            target: DialTarget::Uri(uri.to_owned()),
            trunk: None,
            from_user: "warmline".to_owned(),
            from_name: None,
            offer,
            headers: Vec::new(),
            parts: Vec::new(),
        }
    }
}
