//! The endpoint: sockets opened, tasks started, and the handle by which the runtime dials, asks
//! and stops.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rsipstack::EndpointBuilder;
use rsipstack::sip::SipMessage;
use rsipstack::transaction::endpoint::{EndpointInnerRef, EndpointOption, MessageInspector};
use rsipstack::transport::SipAddr;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::admission::{self, Admission};
use super::event::{Dial, DialTarget, LegHandle, SipEvent, SipLegId, TrunkState};
use super::ladder::{Ladders, Way};
use super::leg::{self, LegInput};
use super::limits::{EVENTS_MAX, LEGS_PER_CALL_MAX};
use super::net::{self, Net, StartError};
use super::receive;
use super::registrar::{Binding, Registrar};
use super::settings::{Settings, TrunkSettings};
use super::trunk_line;
use crate::base::ids::TrunkId;

/// What a leg is found by.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct LegKey {
    pub call_id: String,
    pub local_tag: String,
}

/// A live leg.
pub(crate) struct LegEntry {
    pub wire: mpsc::Sender<LegInput>,
    /// From tag and CSeq of the INVITE that made it, for inbound legs.
    pub invited: Option<(String, u32)>,
}

/// What all tasks of the endpoint share.
pub(crate) struct Shared {
    pub settings: Settings,
    pub net: Net,
    pub stack: EndpointInnerRef,
    pub admission: Mutex<Admission>,
    pub registrar: Mutex<Registrar>,
    pub legs: Mutex<HashMap<LegKey, LegEntry>>,
    pub ladders: Ladders,
    pub events: mpsc::Sender<SipEvent>,
    pub trunk_states: Mutex<HashMap<TrunkId, TrunkState>>,
    /// Addresses that we placed calls to which are up, with their number: not strangers.
    pub dialled: Mutex<HashMap<IpAddr, usize>>,
    pub stop: CancellationToken,
    pub draining: AtomicBool,
    /// Our lines with providers, until they have been given back.
    pub lines: TaskTracker,
    /// Cancelled when they shall be.
    pub leaving: CancellationToken,
    began: Instant,
    next_leg: AtomicU64,
    /// Key of the tags that we give without keeping state.
    pub tag_key: u64,
}

pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub fn now_ms(&self) -> u64 {
        self.began.elapsed().as_millis() as u64
    }

    pub fn now_s(&self) -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
    }

    pub fn new_leg_id(&self) -> SipLegId {
        SipLegId(self.next_leg.fetch_add(1, Ordering::Relaxed))
    }

    /// Inbound legs alive.
    pub fn calls(&self) -> usize {
        locked(&self.legs).values().filter(|entry| entry.invited.is_some()).count()
    }

    /// The public address that `peer` sees us at.
    pub fn public_address(&self, trunk: Option<&TrunkSettings>) -> Option<IpAddr> {
        trunk.and_then(|trunk| trunk.public_address).or(self.settings.public_address)
    }

    pub async fn tell(&self, event: SipEvent) {
        // The runtime is gone only when everything ends.
        let _ = self.events.send(event).await;
    }

    pub fn set_trunk_state(&self, trunk: &TrunkId, state: TrunkState) {
        locked(&self.trunk_states).insert(trunk.clone(), state);
    }
}

/// Writes what rsipstack sends into the ladders.
struct Outgoing {
    ladders: Ladders,
}

impl MessageInspector for Outgoing {
    fn before_send(&self, message: SipMessage, to: Option<&SipAddr>) -> SipMessage {
        self.ladders.note(&message, Way::Out, to.and_then(|addr| addr.get_socketaddr().ok()));
        message
    }

    fn after_received(&self, message: SipMessage, _from: Option<&SipAddr>) -> SipMessage {
        message
    }
}

/// Why a call cannot even be tried.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DialRefused {
    #[error("too many legs are up")]
    TooManyLegs,
    #[error("the phone {0} is not registered")]
    NotRegistered(String),
    #[error("{0} is no SIP address that we can dial")]
    BadTarget(String),
    #[error("there is no trunk {0}")]
    NoTrunk(TrunkId),
    #[error("the endpoint is stopping")]
    Stopping,
}

/// The SIP endpoint of this process.
pub struct Endpoint;

impl Endpoint {
    /// Opens the sockets and starts all tasks on `runtime`. The events must be drained.
    pub fn start(
        settings: Settings,
        runtime: &tokio::runtime::Handle,
    ) -> Result<(EndpointHandle, mpsc::Receiver<SipEvent>), StartError> {
        let _inside = runtime.enter();
        let sockets = net::open(settings.udp, settings.tcp)?;
        let (events, receiver) = mpsc::channel(EVENTS_MAX);
        let stop = CancellationToken::new();
        let ladders = Ladders::default();
        // The 2xx is ours to acknowledge: rsipstack would send the ACK to the Contact even where
        // a NAT makes that address meaningless.
        let option = EndpointOption { auto_ack_2xx: false, ..EndpointOption::default() };
        let stack = EndpointBuilder::new()
            .with_user_agent(&settings.user_agent)
            .with_option(option)
            .with_inspector(Box::new(Outgoing { ladders: ladders.clone() }))
            .with_cancel_token(stop.clone())
            .build();
        let transactions =
            stack.incoming_transactions().map_err(|error| StartError::Stack(error.to_string()))?;
        let tcp_at = sockets.tcp.as_ref().and_then(|listener| listener.local_addr().ok());
        let udp = sockets.udp;
        let net = futures_util::FutureExt::now_or_never(Net::new(udp, tcp_at))
            .ok_or_else(|| StartError::Stack("the sockets were not ready".to_owned()))?;
        let shared = Arc::new(Shared {
            admission: Mutex::new(Admission::new(rand::random(), &settings)),
            settings,
            net,
            stack: stack.inner.clone(),
            registrar: Mutex::default(),
            legs: Mutex::default(),
            ladders,
            events,
            trunk_states: Mutex::default(),
            dialled: Mutex::default(),
            stop,
            draining: AtomicBool::new(false),
            lines: TaskTracker::new(),
            leaving: CancellationToken::new(),
            began: Instant::now(),
            next_leg: AtomicU64::new(1),
            tag_key: rand::random(),
        });
        receive::start(&shared, sockets.tcp, transactions);
        trunk_line::start(&shared);
        Ok((EndpointHandle { shared }, receiver))
    }
}

/// Commands the endpoint; cheap to clone.
#[derive(Clone)]
pub struct EndpointHandle {
    shared: Arc<Shared>,
}

impl EndpointHandle {
    /// Where we listen, with the real ports.
    pub fn udp_address(&self) -> Option<SocketAddr> {
        self.shared.net.udp_at
    }

    pub fn tcp_address(&self) -> Option<SocketAddr> {
        self.shared.net.tcp_at
    }

    /// Places a call. `Ringing`, then `Answered` or `Failed` follow on the leg.
    pub fn dial(&self, dial: Dial) -> Result<LegHandle, DialRefused> {
        let shared = &self.shared;
        if shared.stop.is_cancelled() {
            return Err(DialRefused::Stopping);
        }
        let most = shared.settings.calls_max.saturating_mul(LEGS_PER_CALL_MAX).max(16);
        if locked(&shared.legs).len() >= most {
            return Err(DialRefused::TooManyLegs);
        }
        if let Some(id) = &dial.trunk
            && !shared.settings.trunks.iter().any(|trunk| trunk.id == *id)
        {
            return Err(DialRefused::NoTrunk(id.clone()));
        }
        let (uri, binding) = self.target(&dial.target)?;
        Ok(leg::dial(shared.clone(), dial, uri, binding))
    }

    fn target(&self, target: &DialTarget) -> Result<(String, Option<Binding>), DialRefused> {
        match target {
            DialTarget::Uri(uri) => {
                let parsed = rsipstack::sip::Uri::try_from(uri.as_str());
                let plain = uri.len() <= 512 && uri.bytes().all(|byte| byte.is_ascii_graphic());
                let dialable =
                    parsed.is_ok_and(|uri| uri.scheme == Some(rsipstack::sip::Scheme::Sip));
                if plain && dialable && !uri.contains(['<', '>', '?']) {
                    return Ok((uri.clone(), None));
                }
                Err(DialRefused::BadTarget(uri.chars().take(80).collect()))
            }
            DialTarget::Phone(user) => {
                let now_ms = self.shared.now_ms();
                let list = locked(&self.shared.registrar).registered(user, now_ms);
                let best = list.into_iter().next();
                let binding = best.ok_or_else(|| DialRefused::NotRegistered(user.clone()))?;
                Ok((binding.contact.clone(), Some(binding)))
            }
        }
    }

    /// The address to put into our SDP for a call to `target`, before it is dialled.
    pub async fn media_address(&self, target: &DialTarget, trunk: Option<&TrunkId>) -> IpAddr {
        let shared = &self.shared;
        let trunk = shared.settings.trunks.iter().find(|known| Some(&known.id) == trunk);
        let public = shared.public_address(trunk);
        let bound = shared.net.udp_at.or(shared.net.tcp_at).map(|at| at.ip());
        let peer = match self.target(target) {
            Ok((_, Some(binding))) => Some(binding.source),
            Ok((uri, None)) => shared.net.resolve(&uri).await.ok().map(|(peer, _)| peer),
            Err(_) => None,
        };
        let nowhere = || SocketAddr::from(([192, 0, 2, 1], 9));
        net::our_ip(bound, peer.unwrap_or_else(nowhere), public)
    }

    /// How often a phone's user is registered now.
    pub fn registered(&self, user: &str) -> usize {
        locked(&self.shared.registrar).registered(user, self.shared.now_ms()).len()
    }

    /// States of the trunks' registrations, for `/healthz`.
    pub fn trunk_states(&self) -> Vec<(TrunkId, TrunkState)> {
        let table = locked(&self.shared.trunk_states);
        table.iter().map(|(id, state)| (id.clone(), state.clone())).collect()
    }

    /// Inbound calls and all legs alive now, for `/metrics`.
    pub fn legs(&self) -> (usize, usize) {
        (self.shared.calls(), locked(&self.shared.legs).len())
    }

    /// Transactions and dialogs that are kept in memory, for the leak test.
    pub fn kept(&self) -> (usize, usize) {
        let stats = self.shared.stack.get_stats();
        (stats.running_transactions, self.shared.ladders.count())
    }

    /// `true` if requests from `address` are dropped unread now.
    pub fn is_banned(&self, address: IpAddr) -> bool {
        locked(&self.shared.admission).is_banned(address, self.shared.now_ms())
    }

    /// The trunk that `address` belongs to.
    pub fn trunk_at(&self, address: IpAddr) -> Option<TrunkId> {
        match admission::origin(&self.shared.settings, address) {
            admission::Origin::Trunk(trunk) => Some(trunk.id.clone()),
            admission::Origin::Anyone | admission::Origin::Stranger => None,
        }
    }

    /// From now on new calls get 503, and providers are told to send none; what runs goes on.
    pub fn drain(&self) {
        self.shared.draining.store(true, Ordering::Relaxed);
        self.shared.leaving.cancel();
        self.shared.lines.close();
    }

    /// After [`Self::drain`]: until providers know it, at most so long.
    pub async fn lines_left(&self, longest: Duration) {
        let _ = tokio::time::timeout(longest, self.shared.lines.wait()).await;
    }

    /// Closes everything. Legs should have been hung up before.
    pub fn stop(&self) {
        self.shared.stop.cancel();
    }
}
