//! Obeys the session's commands, in order.

use std::sync::Arc;
use std::time::Duration;

use crate::base::card::Priority;
use crate::base::ids::{LegId, RequestId};
use crate::call::command::{Command, Fact, Recording, Route, TransferStep};
use crate::desk::wire::{CustomerNow, RecordingNow};
use crate::knowledge::lookup::LookupFailure;
use crate::runtime::desk::DeskMessage;
use crate::runtime::desk::pages::customer_of;
use crate::runtime::live::LiveFact;
use crate::runtime::lookups;
use crate::runtime::shared::{Inbound, locked};
use crate::speech::hear::listener::Listening;

use super::CallTask;

/// How long a ring waits for the card to be on the agent's screen.
const CARD_SHOWN_MAX: Duration = Duration::from_millis(300);
/// The session counts its own requests from zero.
const CUSTOMER_REQUEST: RequestId = RequestId(u32::MAX - 1);

/// How a call stands on the pages while danger is being spoken of.
const DANGER: &str = "danger";

impl CallTask {
    pub(super) async fn obey(&mut self, command: Command) {
        match command {
            Command::AnswerCaller => self.answer_caller(),
            Command::RefuseCaller { status } => {
                if let Some(leg) = self.legs.get(&LegId::CALLER) {
                    leg.signal.refuse(status);
                }
            }
            Command::DialAgent { leg, card, ring_ms_max: _ } => {
                // The card is there before the ring.
                let began = self.wall.as_millisecond();
                if let Some(shown) = self.shared.pages.offered(&card, began, self.now()) {
                    let _ = tokio::time::timeout(CARD_SHOWN_MAX, shown).await;
                }
                self.dial_agent(leg, *card).await;
            }
            Command::CallBack => self.call_back().await,
            Command::Refresh { leg } => self.offer_anew(leg),
            Command::HangUp { leg, cause } => {
                if cause == crate::call::command::HangUpCause::NoAnswer {
                    self.alarm_if_silent(leg);
                }
                if let Some(open) = self.legs.get(&leg) {
                    open.signal.hang_up(cause);
                }
            }
            Command::Play { leg, play, what } => {
                if let (LegId::CALLER, Some(captions)) = (leg, &self.captions) {
                    captions.machine_says(self.now(), &what.text);
                }
                self.play(leg, play, what);
            }
            Command::StopPlaying { leg } => self.stop_playing(leg),
            Command::GiveWay { leg, how } => {
                if let Some(open) = self.legs.get(&leg) {
                    open.media.give_way(how);
                }
            }
            Command::Route { routes } => self.media.set_routes(&routes),
            Command::Hear { hearing } => self.media.set_hearing(&hearing),
            Command::SendKey { leg, key } => {
                if let Some(open) = self.legs.get(&leg) {
                    open.media.send_digit(key);
                }
            }
            Command::Listen { leg, mode, language, expecting } => {
                let prompt = self.shared.config.speech.prompt(mode);
                let listening = Listening { mode, language, prompt, expecting };
                self.shared.ears.listen((self.id.clone(), leg), listening);
            }
            Command::Record { how } => self.record(how).await,
            Command::Reserve { request } => {
                self.shared.desk.send(DeskMessage::Reserve(self.id.clone(), request));
            }
            Command::LeaveQueue => self.shared.desk.send(DeskMessage::Leave(self.id.clone())),
            Command::ReleaseAgent { agent, outcome } => {
                self.shared.metrics.offer_ended(outcome);
                self.shared.desk.send(DeskMessage::Release(self.id.clone(), agent, outcome));
            }
            Command::Lookup { request, connector, fields } => {
                self.look_up(request, &connector, fields);
            }
            Command::Note { fact } => self.note(*fact).await,
            Command::End { disposition } => self.end(disposition).await,
        }
    }

    fn answer_caller(&mut self) {
        let after = self.shared.config.sip.answer_after;
        if after.is_zero() {
            self.answer_now();
            return;
        }
        if let Some(leg) = self.legs.get(&LegId::CALLER) {
            match leg.answer.clone().filter(|_| self.shared.config.sip.early_media) {
                Some(answer) => {
                    leg.signal.progress(answer);
                    self.media.set_routes(&[(LegId::CALLER, Route::Ringback)]);
                }
                None => leg.signal.ring(),
            }
        }
        let inbox = self.inbox.clone();
        tokio::spawn(async move {
            tokio::time::sleep(after).await;
            let _ = inbox.send(Inbound::AnswerNow).await;
        });
    }

    async fn record(&mut self, how: Recording) {
        self.media.record(how);
        self.shared.pages.recording(&self.id, shown(how));
        match how {
            Recording::Start => {
                let file = format!("{}.wav", self.id);
                drop(self.shared.store.recording(&self.id, &file, self.now()).await);
            }
            // The number was on the tape before anybody knew that it was one.
            Recording::Pause { from } => {
                self.media.erase_recording(from.unwrap_or(self.last_words), self.now());
            }
            Recording::Resume | Recording::Stop => {}
        }
    }

    fn look_up(
        &self,
        request: crate::base::ids::RequestId,
        connector: &crate::base::ids::ConnectorId,
        fields: Vec<(String, String)>,
    ) {
        let (shared, inbox, id) = (self.shared.clone(), self.inbox.clone(), self.id.clone());
        let connector = self.tables.knowledge.connector(connector).cloned();
        tokio::spawn(async move {
            let result = match &connector {
                Some(connector) => {
                    let task = lookups::task(connector, &fields);
                    lookups::ask(&shared.http, connector, &fields, &id, task).await
                }
                None => Err(LookupFailure::Unavailable),
            };
            let _ = inbox.send(Inbound::Lookup(request, result)).await;
        });
    }

    /// Whoever watches; nobody is no fault.
    fn tell_live(&self, fact: LiveFact) {
        let _ = self.shared.live.send(fact);
    }

    /// The words so far of somebody who goes on speaking: never written down.
    pub(super) fn show_so_far(&self, leg: LegId, text: &str) {
        let text = self.session.shown_so_far(text);
        self.shared.pages.speaking(&self.id, leg, Some(&text));
        if leg == LegId::CALLER {
            let (call, at) = (self.id.clone(), self.now());
            self.tell_live(LiveFact { call, at, what: None, so_far: Some(text), ended: None });
        }
    }

    /// Who is this? Asked as soon as a person is wanted, so that it is there with the card.
    fn ask_for_customer(&self) {
        let connector = self.tables.knowledge.connector(&"customer".into()).cloned();
        let (Some(connector), Some(number)) = (connector, &self.caller.number) else { return };
        let (shared, id) = (self.shared.clone(), self.id.clone());
        let fields = vec![("caller_number".to_owned(), number.reveal().clone())];
        shared.pages.customer(&id, CustomerNow::Pending);
        tokio::spawn(async move {
            let reply =
                lookups::ask(&shared.http, &connector, &fields, &id, CUSTOMER_REQUEST).await;
            shared.pages.customer(&id, customer_of(reply));
        });
    }

    async fn note(&mut self, fact: Fact) {
        let at = self.now();
        self.watch(&fact);
        self.shared.pages.fact(&self.id, at, &fact);
        if let Some(captions) = &self.captions {
            captions.fact(&fact);
        }
        let what = Some(Arc::new(fact.clone()));
        self.tell_live(LiveFact { call: self.id.clone(), at, what, so_far: None, ended: None });
        drop(self.shared.store.note(&self.id, at, self.wall_at(at), fact).await);
    }

    /// What figures and pages want of a fact.
    fn watch(&mut self, fact: &Fact) {
        match fact {
            Fact::Said { understanding: Some(note), .. } => {
                if let Some(active) = locked(&self.shared.active).get_mut(&self.id) {
                    active.stress = note.stress;
                    if matches!(active.state.as_str(), "greeting" | DANGER) {
                        active.state = "dialogue".to_owned();
                    }
                }
            }
            Fact::Transfer { step, .. } => match step {
                TransferStep::Wanted { .. } => {
                    self.person_wanted = Some(self.now());
                    self.ask_for_customer();
                    self.show("queued", None);
                }
                TransferStep::Queued { .. } => self.show("queued", None),
                TransferStep::Offered { agent } | TransferStep::Ringing { agent } => {
                    self.show(&format!("ringing {agent}"), Some(agent.to_string()));
                }
                TransferStep::Briefing { agent } => {
                    self.show("briefing", Some(agent.to_string()));
                }
                TransferStep::Bridged { agent } => {
                    self.show("bridged", Some(agent.to_string()));
                    if let Some(wanted) = self.person_wanted.take() {
                        let ms = self.now().since(wanted).as_millis() as u64;
                        self.shared.metrics.to_person.observe_ms(ms);
                    }
                }
                TransferStep::GaveUp | TransferStep::ReturnedToMachine { .. } => {
                    self.show("dialogue", None)
                }
                TransferStep::Failed { .. }
                | TransferStep::Accepted { .. }
                | TransferStep::Declined { .. }
                | TransferStep::Unconfirmed { .. }
                | TransferStep::AgentLeft { .. }
                | TransferStep::Held { .. }
                | TransferStep::Resumed { .. }
                | TransferStep::AgentLost { .. }
                | TransferStep::Consulting { .. }
                | TransferStep::Joined { .. }
                | TransferStep::ConsultEnded { .. }
                | TransferStep::HandedOver { .. }
                | TransferStep::CallerLost
                | TransferStep::CallingBack
                | TransferStep::CallerLeft
                | TransferStep::Ended => {}
            },
            // Shown before a person is even wanted.
            Fact::Decided { priority: Priority::P0, .. } => {
                if let Some(active) = locked(&self.shared.active).get_mut(&self.id)
                    && matches!(active.state.as_str(), "greeting" | "dialogue")
                {
                    active.state = DANGER.to_owned();
                }
            }
            Fact::Said { .. }
            | Fact::NotKept { .. }
            | Fact::Decided { .. }
            | Fact::Consent { .. }
            | Fact::Key { .. }
            | Fact::Looked { .. }
            | Fact::Satisfied { .. }
            | Fact::Steered { .. }
            | Fact::WrapUp { .. } => {}
        }
    }

    async fn end(&mut self, disposition: crate::base::disposition::Disposition) {
        let at = self.now();
        tracing::info!(call = %self.id, disposition = disposition.name(), "the call ended");
        self.shared.metrics.call_ended(disposition);
        if let Some(captions) = &self.captions {
            captions.ended(disposition);
        }
        self.shared.pages.ended(&self.id, at, disposition);
        drop(self.shared.store.ended(&self.id, at, self.wall_at(at), disposition).await);
        let ended = Some(disposition);
        let call = self.id.clone();
        self.tell_live(LiveFact { call, at, what: None, so_far: None, ended });
        self.over = true;
    }
}

fn shown(how: Recording) -> RecordingNow {
    match how {
        Recording::Start | Recording::Resume => RecordingNow::On,
        Recording::Pause { .. } => RecordingNow::Paused,
        Recording::Stop => RecordingNow::Off,
    }
}
