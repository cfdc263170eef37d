//! Browsers as legs of this call: the caller's connects, an agent's is rung in the page and taken
//! by its button.

use std::time::Duration;

use crate::base::card::OfferCard;
use crate::base::ids::{AgentId, LegId};
use crate::call::event::{DialFailure, Event, LegEnd};
use crate::runtime::browser::leg::{Keeps, Patience};
use crate::runtime::browser::{AGENT_REPAIR, BrowserLeg, BrowserNews, line_of, plan_of};
use crate::runtime::shared::locked;

use super::signal::Signal;
use super::{CallTask, Leg};

impl CallTask {
    pub(super) async fn take_browser(&mut self, leg: LegId, news: BrowserNews) {
        match news {
            BrowserNews::Connected if leg == LegId::CALLER => {
                self.open_ear(leg);
                self.happen(Event::CallerConnected).await;
            }
            BrowserNews::Connected => self.agent_connected(leg).await,
            BrowserNews::Ended(end) => self.browser_ended(leg, end).await,
        }
    }

    async fn browser_ended(&mut self, leg: LegId, end: LegEnd) {
        let Some(open) = self.legs.get(&leg) else { return };
        let only_rang = open.agent.is_some() && !open.taken;
        self.end_leg(leg, &format!("{end:?}")).await;
        let event = match (only_rang, end) {
            (false, end) => Event::LegEnded { leg, end },
            (true, LegEnd::ByUs) => Event::LegFailed { leg, failure: DialFailure::Cancelled },
            (true, _) => Event::LegFailed { leg, failure: DialFailure::Unreachable },
        };
        self.happen(event).await;
    }

    /// Rings an agent's browser; `false` if there is none.
    pub(super) async fn dial_browser(
        &mut self,
        leg: LegId,
        card: &OfferCard,
    ) -> Result<bool, String> {
        let seats = &self.shared.browsers.seats;
        // An agent who had this call and lost the page is waited for; others must be there.
        let agreed = match self.had_it.contains(&card.agent) {
            true => seats.last_agreed(&card.agent),
            false => seats.agreed(&card.agent),
        };
        let Some(agreed) = agreed else { return Ok(false) };
        let opened = self.media.open_piped_leg(leg).map_err(|error| error.to_string())?;
        let (media, inward, outward) = opened;
        media.set_plan(plan_of(agreed)).map_err(|error| error.to_string())?;
        let patience = Patience { connect: None, grace: Duration::ZERO, repair: AGENT_REPAIR };
        let line = line_of(inward, outward);
        let own = BrowserLeg::open(leg, self.inbox.clone(), line, Keeps::Stays, patience);
        let signal = Signal::Browser(own.clone());
        if let Some(entry) = locked(&self.shared.calls).get_mut(&self.id) {
            entry.legs.push(signal.clone());
        }
        let agent = Some(card.agent.clone());
        let open = Leg {
            signal,
            media,
            local: None,
            answer: None,
            agent,
            held: false,
            taken: false,
            rang: true,
        };
        self.legs.insert(leg, open);
        self.shared.browsers.seats.carry(&card.agent, own);
        Ok(true)
    }

    /// An agent's browser carries the leg: it rings there, or goes on where it broke off.
    async fn agent_connected(&mut self, leg: LegId) {
        let Some(agent) = self.legs.get(&leg).and_then(|open| open.agent.clone()) else { return };
        if self.had_it.contains(&agent) {
            self.browser_answers(leg, agent).await;
        } else {
            self.happen(Event::LegRinging { leg }).await;
        }
    }

    /// The agent pressed a button: the browser that rings has answered.
    pub(super) async fn agent_picked_up(&mut self) {
        let waiting = self.legs.iter().find_map(|(leg, open)| {
            let rings = open.signal.browser().is_some() && !open.taken;
            open.agent.clone().filter(|_| rings).map(|agent| (*leg, agent))
        });
        if let Some((leg, agent)) = waiting {
            self.browser_answers(leg, agent).await;
        }
    }

    async fn browser_answers(&mut self, leg: LegId, agent: AgentId) {
        if let Some(open) = self.legs.get_mut(&leg) {
            open.taken = true;
        }
        if !self.had_it.contains(&agent) {
            self.had_it.push(agent);
        }
        self.agent_is_there(leg).await;
    }
}
