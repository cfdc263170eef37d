//! A call on Anna's desk, played fact by fact as the session would note them.

use jiff::Timestamp;
use warmline::base::card::{OfferCard, Priority, Speaker, StressPoint};
use warmline::base::ids::{AgentId, CallId, LegId, OfferId};
use warmline::base::language::Language;
use warmline::base::moment::Moment;
use warmline::base::reason::Reason;
use warmline::call::command::{AgentOutcome, Fact, TransferStep};
use warmline::call::event::ReservationRequest;
use warmline::call::steer::Steer;
use warmline::desk::wire::{CustomerNow, FieldNow, RecordingNow};
use warmline::runtime::desk::DeskMessage;

use super::example;
use super::server::Server;

pub struct Play<'a> {
    pub server: &'a Server,
    pub call: CallId,
    pub card: OfferCard,
    pub agent: AgentId,
}

impl<'a> Play<'a> {
    /// A call of the store that is about to be offered to `agent`.
    pub async fn new(server: &'a Server, number: u8, agent: &str) -> Play<'a> {
        let call = example::complaint(&server.store, number, Timestamp::now()).await;
        let mut card = example::card(&call, agent);
        card.stress_line = [(8_000, 0.12), (21_000, 0.48), (28_000, 0.81)]
            .into_iter()
            .map(|(at_ms, score)| StressPoint {
                at: Moment(at_ms),
                score,
                reasons: vec![Reason::at(Moment(at_ms), "'ridiculous' is a negative word")],
            })
            .collect();
        Play { server, call, card, agent: AgentId::from(agent) }
    }

    pub fn reserve(&self) {
        self.want(Some(self.agent.clone()), false);
    }

    /// Any agent will do; waits until one is free.
    pub fn queue(&self) {
        self.want(None, true);
    }

    fn want(&self, only: Option<AgentId>, queue: bool) {
        let request = ReservationRequest {
            skills: Vec::new(),
            language: Language::english(),
            priority: Priority::P1,
            except: Vec::new(),
            only,
            queue,
        };
        self.server.desk.send(DeskMessage::Reserve(self.call.clone(), Box::new(request)));
    }

    pub fn offer(&self) {
        self.reserve();
        self.server.pages.recording(&self.call, RecordingNow::On);
        self.server.pages.customer(&self.call, CustomerNow::Pending);
        self.ring_again(&self.card);
    }

    pub fn ring_again(&self, card: &OfferCard) {
        let began = Timestamp::now().as_millisecond() - 34_000;
        drop(self.server.pages.offered(card, began, Moment(34_000)));
    }

    pub fn customer(&self) {
        let field = |name: &str, value: &str| FieldNow { name: name.into(), value: value.into() };
        self.server.pages.customer(
            &self.call,
            CustomerNow::Known {
                fields: vec![
                    field("customer_number", "88-1204"),
                    field("since", "2019"),
                    field("tier", "gold"),
                ],
                orders: vec![
                    vec![
                        field("number", "4217"),
                        field("status", "delayed"),
                        field("item", "Oak shelf, 2 pieces"),
                    ],
                    vec![field("number", "3998"), field("status", "delivered 2 Nov")],
                ],
            },
        );
    }

    pub fn fact(&self, at_ms: u64, fact: &Fact) {
        self.server.pages.fact(&self.call, Moment(at_ms), fact);
    }

    pub fn step(&self, at_ms: u64, step: TransferStep) {
        self.fact(at_ms, &Fact::Transfer { offer: Some(OfferId(1)), step });
    }

    pub fn own(&self, at_ms: u64, step: impl FnOnce(AgentId) -> TransferStep) {
        self.step(at_ms, step(self.agent.clone()));
    }

    pub fn steered(&self, at_ms: u64, by: Steer) {
        self.fact(at_ms, &Fact::Steered { agent: self.agent.clone(), by });
    }

    pub fn talk(&self) {
        self.own(38_000, |agent| TransferStep::Accepted { agent });
        self.own(38_200, |agent| TransferStep::Bridged { agent });
    }

    pub fn caller_says(&self, at_ms: u64, text: &str, intent: &str, stress: f32) {
        let mut fact = example::understood(at_ms, text, intent, stress, &[]);
        if let Fact::Said { understanding: Some(note), .. } = &mut fact {
            note.stress_reasons = vec![Reason::at(Moment(at_ms), "louder than usual")];
        }
        self.fact(at_ms + 900, &fact);
    }

    pub fn agent_says(&self, at_ms: u64, text: &str) {
        self.fact(at_ms + 900, &example::said(at_ms, Speaker::Agent, text));
    }

    pub fn hold(&self, at_ms: u64) {
        self.step(at_ms, TransferStep::Held { leg: LegId::CALLER });
    }

    /// The caller hangs up; the wrap-up begins.
    pub fn end(&self, at_ms: u64) {
        self.step(at_ms, TransferStep::Ended);
        self.release(AgentOutcome::Served);
    }

    /// The agent is the desk's again.
    pub fn release(&self, outcome: AgentOutcome) {
        let message = DeskMessage::Release(self.call.clone(), self.agent.clone(), outcome);
        self.server.desk.send(message);
    }

    /// What the page asked of the call, in order.
    pub fn asked(&self) -> Vec<Steer> {
        let events = self.server.live.events.lock().expect("a lock");
        events
            .iter()
            .filter_map(|(_, event)| match event {
                warmline::call::event::Event::Steered { by, .. } => Some(by.clone()),
                _ => None,
            })
            .collect()
    }
}
