//! A caller's offer becomes a call: the same task, session and media as a SIP caller's.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use tokio::sync::mpsc;

use crate::base::caller::CallerInfo;
use crate::base::ids::{CallId, LegId, TrunkId};
use crate::base::limits::CALL_EVENTS_MAX;
use crate::base::pii::Pii;
use crate::runtime::call::signal::Signal;
use crate::runtime::call::{CallTask, Leg};
use crate::runtime::dispatch::{new_call_id, supervise};
use crate::runtime::shared::{CallEntry, Shared, locked};
use crate::store::tokens;
use crate::web::{Answered, CallerPage, Refused};
use crate::webrtc::{OfferRefusal, Peer, PeerEvent};

use super::captions::Captions;
use super::leg::{Keeps, Patience};
use super::{BrowserLeg, CALLER_GRACE, CONNECT_MAX, line_of, plan_of};

/// Name of the trunk that these calls seem to come by.
const TRUNK: &str = "browser";
/// Characters of a name that a page may give.
const NAME_CHARS_MAX: usize = 80;

/// A caller's page, as its token names it.
pub struct Page {
    pub call: CallId,
    pub leg: Arc<BrowserLeg>,
    pub captions: Arc<Captions>,
}

/// A refused offer as the routes tell it: ours if no port was free, else the page's.
pub fn refused(refusal: OfferRefusal) -> Refused {
    match refusal {
        OfferRefusal::Connection("no free port" | "sockets") => Refused::Busy { retry_after_s: 10 },
        other => Refused::Offer(other.to_string()),
    }
}

/// Takes an offer: the call's task runs when this returns.
pub async fn call(
    shared: &Arc<Shared>,
    offer: &str,
    page: CallerPage,
) -> Result<Answered, Refused> {
    if !shared.config.browser.on {
        return Err(Refused::Off);
    }
    let running = locked(&shared.calls).len();
    if shared.is_draining() || running >= shared.config.sip.calls_max {
        shared.metrics.calls_shed.increment();
        return Err(Refused::Busy { retry_after_s: 10 });
    }
    let place = Place::take(shared, page.address)?;
    let (peer, answer, events) =
        Peer::answer(&shared.browsers.settings, offer).await.map_err(refused)?;
    let token = begin(shared, page, place, Arc::new(peer), events)?;
    Ok(Answered { token, answer })
}

/// A place among the callers; given back when the call is over, or never began.
struct Place {
    shared: Arc<Shared>,
    address: IpAddr,
}

impl Place {
    fn take(shared: &Arc<Shared>, address: IpAddr) -> Result<Place, Refused> {
        shared.browsers.gate.enter(address, Instant::now()).inspect_err(|_| {
            shared.metrics.calls_shed.increment();
        })?;
        Ok(Place { shared: shared.clone(), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.shared.browsers.gate.leave(self.address);
    }
}

fn begin(
    shared: &Arc<Shared>,
    page: CallerPage,
    place: Place,
    peer: Arc<Peer>,
    events: mpsc::Receiver<PeerEvent>,
) -> Result<String, Refused> {
    let (wall, began) = (Timestamp::now(), Instant::now());
    let id = new_call_id(wall);
    let (media, media_events) = shared.media.open_call(id.as_str(), began);
    let broken = |_| Refused::Busy { retry_after_s: 10 };
    let (handle, inward, outward) = media.open_piped_leg(LegId::CALLER).map_err(broken)?;
    handle.set_plan(plan_of(peer.agreed())).map_err(|error| Refused::Offer(error.to_string()))?;
    let (inbox, inbound) = mpsc::channel(CALL_EVENTS_MAX);
    let patience =
        Patience { connect: Some(CONNECT_MAX), grace: CALLER_GRACE, repair: CALLER_GRACE };
    let line = line_of(inward, outward);
    let leg = BrowserLeg::open(LegId::CALLER, inbox.clone(), line, Keeps::Closes, patience);
    let number = leg.carry(peer);
    leg.listen_to(number, events);
    let signal = Signal::Browser(leg.clone());
    let entry = CallEntry { inbox: inbox.clone(), legs: vec![signal.clone()] };
    locked(&shared.calls).insert(id.clone(), entry);
    shared.metrics.calls_arrived.increment();
    shared.metrics.calls_active.add(1);
    let captions = Arc::new(Captions::default());
    let token = tokens::draw();
    let kept = Page { call: id.clone(), leg, captions: captions.clone() };
    locked(&shared.browsers.callers).insert(token.clone(), Arc::new(kept));
    let caller = caller_info(shared, page);
    let own = Leg::browser_caller(signal, handle);
    let task = CallTask::new(shared.clone(), id.clone(), began, wall, inbox, media, own, caller)
        .with_captions(captions.clone());
    let running = tokio::spawn(task.run(inbound, media_events));
    let (shared, forgotten) = (shared.clone(), token.clone());
    tokio::spawn(async move {
        supervise(shared.clone(), id, running).await;
        // Also of a call whose task broke off.
        captions.ended(crate::base::disposition::Disposition::SystemFailure);
        locked(&shared.browsers.callers).remove(&forgotten);
        drop(place);
    });
    Ok(token)
}

fn caller_info(shared: &Shared, page: CallerPage) -> CallerInfo {
    let config = &shared.config;
    let dialled = config.browser.dialled.clone();
    let trunk = TrunkId(TRUNK.to_owned());
    let language = page.language.unwrap_or_else(|| config.language(&trunk, &dialled).clone());
    let name = page.name.map(|name| name.chars().take(NAME_CHARS_MAX).collect::<String>());
    CallerInfo {
        number: None,
        name: name.filter(|name| !name.trim().is_empty()).map(Pii::new),
        trunk,
        user_agent: page.user_agent.map(|agent| format!("browser {agent}")),
        language,
        dialled,
        peer: None,
        profile: Default::default(),
    }
}

/// A page loaded anew takes its call up.
pub async fn resume(shared: &Arc<Shared>, token: &str, offer: &str) -> Result<String, Refused> {
    let page = find(shared, token)?;
    let before = page.leg.peer().map(|peer| peer.agreed());
    let (peer, answer, events) =
        Peer::answer(&shared.browsers.settings, offer).await.map_err(refused)?;
    if before.is_some_and(|before| before.codec != peer.agreed().codec) {
        return Err(Refused::Offer("another codec than before".into()));
    }
    if !page.leg.is_open() {
        return Err(Refused::Gone);
    }
    let number = page.leg.carry(Arc::new(peer));
    page.leg.listen_to(number, events);
    Ok(answer)
}

/// ICE restart on the connection that carries the call.
pub async fn restart(shared: &Arc<Shared>, token: &str, offer: &str) -> Result<String, Refused> {
    let page = find(shared, token)?;
    let peer = page.leg.peer().ok_or(Refused::Gone)?;
    peer.restart(offer).await.map_err(refused)
}

/// The page of a token.
pub fn find(shared: &Shared, token: &str) -> Result<Arc<Page>, Refused> {
    if !tokens::well_formed(token) {
        return Err(Refused::Gone);
    }
    locked(&shared.browsers.callers).get(token).cloned().ok_or(Refused::Gone)
}
