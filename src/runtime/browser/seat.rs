//! Agents' seats: one warm connection each for the whole shift, which carries any call that the
//! agent accepts. The mixer routes; nothing is negotiated anew. A page that was loaded anew sits
//! down again, and a running call goes on with it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::sync::mpsc;

use crate::base::ids::AgentId;
use crate::runtime::desk::DeskMessage;
use crate::runtime::shared::{Shared, locked};
use crate::store::tokens;
use crate::web::{Answered, Refused};
use crate::webrtc::{Agreed, Peer, PeerEvent};

use super::caller::refused;
use super::{BrowserLeg, CONNECT_MAX};

/// One agent's connection.
struct Seat {
    token: String,
    peer: Arc<Peer>,
    connected: bool,
    /// The number under which the leg of the running call knows this connection.
    number: Option<u32>,
}

#[derive(Default)]
struct Place {
    seat: Option<Seat>,
    /// The leg of the call that this agent has, or is rung for.
    leg: Option<Arc<BrowserLeg>>,
}

/// All seats.
#[derive(Default)]
pub struct Seats {
    places: Mutex<HashMap<AgentId, Place>>,
}

impl Seats {
    /// What was agreed with the agent's browser, if it is connected now.
    pub fn agreed(&self, agent: &AgentId) -> Option<Agreed> {
        let places = locked(&self.places);
        let seat = places.get(agent)?.seat.as_ref()?;
        seat.connected.then(|| seat.peer.agreed())
    }

    /// What was agreed with a browser of this agent that may be away for a moment.
    pub fn last_agreed(&self, agent: &AgentId) -> Option<Agreed> {
        locked(&self.places).get(agent)?.seat.as_ref().map(|seat| seat.peer.agreed())
    }

    /// Carries a leg of the agent's: at once if the browser is connected, else as soon as it is.
    pub fn carry(&self, agent: &AgentId, leg: Arc<BrowserLeg>) {
        let mut places = locked(&self.places);
        let place = places.entry(agent.clone()).or_default();
        place.leg = Some(leg);
        if let Some(seat) = &mut place.seat {
            // The number was that of the leg before: this one is not on the connection yet.
            seat.number = None;
        }
        place.join();
    }

    fn with_seat(&self, agent: &AgentId, token: &str, act: impl FnOnce(&mut Place)) -> bool {
        let mut places = locked(&self.places);
        let place = places.get_mut(agent);
        match place.filter(|place| place.seat.as_ref().is_some_and(|seat| seat.token == token)) {
            Some(place) => {
                act(place);
                true
            }
            None => false,
        }
    }
}

impl Place {
    /// Puts the leg on the connection, if both are there.
    fn join(&mut self) {
        let Some(leg) = self.leg.as_ref().filter(|leg| leg.is_open()) else { return };
        let Some(seat) = self.seat.as_mut().filter(|seat| seat.connected) else { return };
        let number = leg.carry(seat.peer.clone());
        seat.number = Some(number);
        leg.peer_told(number, PeerEvent::Connected);
    }
}

/// An agent's browser opens its connection; one before it is closed. A call of the agent's goes
/// on with the new one.
pub async fn sit_down(
    shared: &Arc<Shared>,
    agent: &AgentId,
    offer: &str,
) -> Result<Answered, Refused> {
    if !shared.config.browser.on || shared.agent(agent).is_none() {
        return Err(Refused::Off);
    }
    let settings = &shared.browsers.settings;
    let (peer, answer, events) = Peer::answer(settings, offer).await.map_err(refused)?;
    let peer = Arc::new(peer);
    let token = tokens::draw();
    let seat = Seat { token: token.clone(), peer: peer.clone(), connected: false, number: None };
    let before = {
        let mut places = locked(&shared.browsers.seats.places);
        places.entry(agent.clone()).or_default().seat.replace(seat)
    };
    if let Some(before) = before {
        tokio::spawn(async move { before.peer.close().await });
    }
    let watching = watch(shared.clone(), agent.clone(), token.clone(), peer, events);
    tokio::spawn(watching);
    Ok(Answered { token, answer })
}

/// Follows one connection of an agent's to its end.
async fn watch(
    shared: Arc<Shared>,
    agent: AgentId,
    token: String,
    peer: Arc<Peer>,
    mut events: mpsc::Receiver<PeerEvent>,
) {
    let mut first = true;
    loop {
        let next = match first {
            true => match tokio::time::timeout(CONNECT_MAX, events.recv()).await {
                Ok(event) => event,
                Err(_) => Some(PeerEvent::Lost),
            },
            false => events.recv().await,
        };
        first = false;
        let Some(event) = next else { break };
        tracing::debug!(%agent, ?event, "an agent's browser");
        let connected = event == PeerEvent::Connected;
        let ours = shared.browsers.seats.with_seat(&agent, &token, |place| {
            let Some(seat) = &mut place.seat else { return };
            seat.connected = connected;
            match (connected, seat.number, &place.leg) {
                (true, None, _) => place.join(),
                (_, Some(number), Some(leg)) => leg.peer_told(number, event),
                // It never came up, and the one before it is closed.
                (false, None, Some(leg)) => leg.left(),
                (_, _, None) => {}
            }
        });
        if !ours {
            break;
        }
        tell_desk(&shared, &agent, connected);
        if event == PeerEvent::Lost {
            break;
        }
    }
    peer.close().await;
}

fn tell_desk(shared: &Shared, agent: &AgentId, connected: bool) {
    let has_phone = shared
        .agent(agent)
        .is_some_and(|agent| agent.contact.is_some() || agent.password.is_some());
    // A SIP phone tells of itself.
    if connected || !has_phone {
        shared.desk.send(DeskMessage::Phone(agent.clone(), connected));
    }
}

/// ICE restart on the agent's connection, by the page whose seat it is.
pub async fn restart(
    shared: &Shared,
    agent: &AgentId,
    token: &str,
    offer: &str,
) -> Result<String, Refused> {
    let peer = {
        let places = locked(&shared.browsers.seats.places);
        let seat = places.get(agent).and_then(|place| place.seat.as_ref());
        seat.filter(|seat| seat.token == token).map(|seat| seat.peer.clone())
    };
    let peer = peer.ok_or(Refused::Gone)?;
    peer.restart(offer).await.map_err(refused)
}

/// The agent's page was left: its call hears "one moment" at once, not after ICE's patience.
pub fn leave(shared: &Shared, agent: &AgentId, token: &str) -> bool {
    let mut gone = None;
    let ours = shared.browsers.seats.with_seat(agent, token, |place| {
        if let Some(seat) = &mut place.seat {
            seat.connected = false;
            gone = Some(seat.peer.clone());
        }
        if let Some(leg) = &place.leg {
            leg.left();
        }
    });
    if let Some(peer) = gone {
        tell_desk(shared, agent, false);
        tokio::spawn(async move { peer.close().await });
    }
    ours
}
