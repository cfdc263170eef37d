//! What one agent's page shows of one call: made from the offer's card, kept up by the call's
//! facts. Sans-IO; a page that is loaded again gets the same board.

mod summary;

use crate::base::card::{NOT_KEPT, OfferCard, Speaker};
use crate::base::ids::{AgentId, CallId, OfferId};
use crate::base::language::Language;
use crate::base::limits::TURNS_MAX;
use crate::base::moment::Moment;
use crate::base::reason::Reason;
use crate::call::command::{Fact, TransferStep, UnderstandingNote};
use crate::call::event::DialFailure;
use crate::call::steer::{ConsultState, Steer};

use super::wire::*;

/// From here on the stress is called raised, and high: as the understanding ships it.
const STRESS_RAISED: f32 = 0.3;
const STRESS_HIGH: f32 = 0.6;
/// Characters of notes that are kept.
pub const NOTES_CHARS_MAX: usize = 4_000;

/// What a fact changed for the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    pub call: bool,
    /// The transcript is another from this place on.
    pub lines: Option<usize>,
    /// The caller said something new: suggestions are due.
    pub said: bool,
    /// The call is no longer this agent's, and why.
    pub gone: Option<Gone>,
    /// The conversation is over; the wrap-up begins.
    pub ended: bool,
}

/// Why an offer left the desk before it was a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    Declined,
    Missed,
    CallerLeft,
    /// Taken back, or the phone could not be reached.
    Failed,
}

impl Gone {
    pub fn words(self) -> &'static str {
        match self {
            Gone::Declined => "You declined. The call goes to somebody else.",
            Gone::Missed => "You missed a call. It goes to somebody else.",
            Gone::CallerLeft => "The caller hung up before you could take the call.",
            Gone::Failed => "Your phone could not be reached. The call goes to somebody else.",
        }
    }
}

/// One call on one desk.
#[derive(Clone, Debug)]
pub struct Board {
    pub call: CallId,
    pub agent: AgentId,
    pub language: Language,
    pub card: OfferCard,
    stage: Stage,
    stage_at: Moment,
    /// The call's beginning on the wall's clock.
    began_unix_ms: i64,
    talk_at: Option<Moment>,
    talk_ended: Option<Moment>,
    stress_line: Vec<StressNow>,
    slots: Vec<SlotNow>,
    lines: Vec<LineNow>,
    pub customer: CustomerNow,
    pub recording: RecordingNow,
    muted: bool,
    consult: Option<ConsultNow>,
    pub suggestions: Vec<SuggestionNow>,
    pub notes: String,
    answers_read: u32,
    fate: Option<String>,
    last_intent: Option<String>,
}

impl Board {
    /// The card of an offer that is about to ring.
    pub fn offered(card: &OfferCard, began_unix_ms: i64, now: Moment) -> Self {
        let stress_line = card.stress_line.iter().map(|point| StressNow {
            at_ms: point.at.as_ms(),
            score: point.score,
            reasons: words(&point.reasons),
        });
        let lines = card.transcript.iter().map(|line| LineNow {
            at_ms: line.at.as_ms(),
            speaker: line.speaker.into(),
            text: line.text.reveal().clone(),
            stress: score_at(card, line.speaker, line.at),
        });
        let slots = card.slots.iter().map(|slot| SlotNow {
            name: slot.name.clone(),
            value: slot.value.reveal().clone(),
            source: slot.source.reveal().clone(),
        });
        Self {
            call: card.call.clone(),
            agent: card.agent.clone(),
            language: card.language.clone(),
            stage: Stage::Offered,
            stage_at: now,
            began_unix_ms,
            talk_at: None,
            talk_ended: None,
            stress_line: stress_line.collect(),
            slots: slots.collect(),
            lines: lines.collect(),
            customer: CustomerNow::None,
            recording: RecordingNow::Off,
            muted: false,
            consult: None,
            suggestions: Vec::new(),
            notes: String::new(),
            answers_read: 0,
            fate: None,
            last_intent: None,
            card: card.clone(),
        }
    }

    pub fn stage(&self) -> Stage {
        self.stage
    }

    pub fn offer(&self) -> OfferId {
        self.card.offer
    }

    /// Has become a conversation, or was one.
    pub fn was_taken(&self) -> bool {
        self.talk_at.is_some()
    }

    /// The same agent is rung again: the card changes, what is written down stays.
    pub fn rung_again(&mut self, card: &OfferCard, now: Moment) {
        self.card = card.clone();
        self.enter(Stage::LineLost, now);
    }

    pub fn lines_from(&self, from: usize) -> &[LineNow] {
        self.lines.get(from..).unwrap_or_default()
    }

    /// What the caller said last, with its intent.
    pub fn said_last(&self) -> Option<(&str, Option<&str>)> {
        let line = self.lines.iter().rev().find(|line| line.speaker == SpeakerNow::Caller)?;
        Some((line.text.as_str(), self.last_intent.as_deref()))
    }

    /// Slots and what the business system said, for answers with placeholders.
    pub fn values(&self) -> Vec<(String, String)> {
        let slots = self.slots.iter().map(|slot| (slot.name.clone(), slot.value.clone()));
        let fields = match &self.customer {
            CustomerNow::Known { fields, .. } => fields.as_slice(),
            CustomerNow::None
            | CustomerNow::Pending
            | CustomerNow::Unknown
            | CustomerNow::Failed { .. } => &[],
        };
        slots.chain(fields.iter().map(|f| (f.name.clone(), f.value.clone()))).collect()
    }

    fn enter(&mut self, stage: Stage, now: Moment) {
        if self.stage != stage {
            self.stage = stage;
            self.stage_at = now;
        }
    }

    /// The conversation is over, or will not be resumed: what is left is the wrap-up.
    pub fn end(&mut self, now: Moment, fate: Option<String>) {
        self.talk_ended.get_or_insert(now);
        self.consult = None;
        self.muted = false;
        self.suggestions.clear();
        self.fate = fate.or(self.fate.take());
        self.enter(Stage::WrapUp, now);
    }

    /// A call that a former process had: what was written down stands, the rest is over.
    pub fn restore(&mut self, lines: &[LineNow], taken: Option<Moment>, ended: Moment) {
        self.lines = lines.to_vec();
        self.talk_at = taken;
        let fate = "Warmline was started again during this call: the caller was cut off.";
        self.end(ended, Some(fate.to_owned()));
    }

    /// A fact of the call at `at`.
    pub fn fact(&mut self, at: Moment, fact: &Fact) -> Changed {
        let over = self.stage == Stage::WrapUp;
        match fact {
            Fact::Said { line, understanding, .. } => {
                let late = over && self.talk_ended.is_some_and(|ended| line.at > ended);
                if late {
                    // Said to the machine, or to a colleague, after this agent had left.
                    return Changed::default();
                }
                self.said(line.at, line.speaker, line.text.reveal(), understanding.as_ref())
            }
            Fact::NotKept { from } => self.not_kept(*from),
            Fact::Transfer { step, .. } if !over => self.step(at, step),
            Fact::Steered { agent, by } if *agent == self.agent && !over => self.steered(at, by),
            Fact::Transfer { .. }
            | Fact::Steered { .. }
            | Fact::Decided { .. }
            | Fact::Consent { .. }
            | Fact::Key { .. }
            | Fact::Looked { .. }
            | Fact::Satisfied { .. }
            | Fact::WrapUp { .. } => Changed::default(),
        }
    }

    fn said(
        &mut self,
        at: Moment,
        speaker: Speaker,
        text: &str,
        understanding: Option<&UnderstandingNote>,
    ) -> Changed {
        let caller = speaker == Speaker::Caller;
        if let Some(note) = understanding {
            if self.stress_line.len() < TURNS_MAX {
                self.stress_line.push(StressNow {
                    at_ms: at.as_ms(),
                    score: note.stress,
                    reasons: words(&note.stress_reasons),
                });
            }
            self.card.stress = note.stress;
            self.last_intent = note.intent.as_ref().map(|intent| intent.as_str().to_owned());
            for slot in &note.slots {
                self.slots.retain(|known| known.name != slot.name);
                self.slots.push(SlotNow {
                    name: slot.name.clone(),
                    value: slot.value.reveal().clone(),
                    source: slot.source.reveal().clone(),
                });
            }
        }
        let mut lines = None;
        if self.lines.len() < TURNS_MAX {
            let stress = understanding.map(|note| note.stress);
            let (speaker, text) = (speaker.into(), text.to_owned());
            let line = LineNow { at_ms: at.as_ms(), speaker, text, stress };
            // Lines come as they are recognised; they stand as they were said.
            let before = self.lines.iter().rposition(|known| known.at_ms <= line.at_ms);
            let place = before.map_or(0, |before| before + 1);
            self.lines.insert(place, line);
            lines = Some(place);
        }
        Changed { call: caller, lines, said: caller, ..Changed::default() }
    }

    /// Card data was in the caller's lines since `from`.
    fn not_kept(&mut self, from: Moment) -> Changed {
        let mut first = None;
        for (place, line) in self.lines.iter_mut().enumerate() {
            if line.speaker == Speaker::Caller.into() && line.at_ms >= from.as_ms() {
                self.slots.retain(|slot| !line.text.contains(&slot.source));
                line.text = NOT_KEPT.to_owned();
                first.get_or_insert(place);
            }
        }
        Changed { call: first.is_some(), lines: first, ..Changed::default() }
    }

    fn step(&mut self, at: Moment, step: &TransferStep) -> Changed {
        let changed = Changed { call: true, ..Changed::default() };
        let gone = |why| Changed { gone: Some(why), ..changed };
        match step {
            TransferStep::Ringing { agent } if *agent == self.agent => {
                if self.stage == Stage::Offered {
                    self.enter(Stage::Ringing, at);
                }
                changed
            }
            TransferStep::Briefing { agent } if *agent == self.agent => {
                self.enter(Stage::Briefing, at);
                changed
            }
            TransferStep::Accepted { agent } | TransferStep::Bridged { agent }
                if *agent == self.agent =>
            {
                self.consult = None;
                self.enter(Stage::Talking, at);
                self.talk_at.get_or_insert(at);
                changed
            }
            TransferStep::Failed { agent, failure } if *agent == self.agent => {
                gone(match failure {
                    DialFailure::NoAnswer | DialFailure::Busy => Gone::Missed,
                    _ => Gone::Failed,
                })
            }
            TransferStep::Declined { agent } if *agent == self.agent => gone(Gone::Declined),
            TransferStep::Unconfirmed { agent } if *agent == self.agent => gone(Gone::Missed),
            TransferStep::AgentLeft { agent } if *agent == self.agent => gone(Gone::Failed),
            TransferStep::AgentLost { agent } if *agent == self.agent => {
                self.enter(Stage::LineLost, at);
                changed
            }
            TransferStep::HandedOver { agent } | TransferStep::ReturnedToMachine { agent }
                if *agent == self.agent =>
            {
                self.end(at, None);
                Changed { ended: true, ..changed }
            }
            TransferStep::CallerLeft
            | TransferStep::Ended
            | TransferStep::ReturnedToMachine { .. }
                if !self.was_taken() =>
            {
                gone(Gone::CallerLeft)
            }
            TransferStep::CallerLeft | TransferStep::Ended if self.was_taken() => {
                self.end(at, None);
                Changed { ended: true, ..changed }
            }
            TransferStep::Held { .. } => {
                self.enter(Stage::Held, at);
                changed
            }
            TransferStep::Resumed { .. } => {
                self.enter(Stage::Talking, at);
                changed
            }
            TransferStep::Wanted { .. }
            | TransferStep::Queued { .. }
            | TransferStep::Offered { .. }
            | TransferStep::Ringing { .. }
            | TransferStep::Failed { .. }
            | TransferStep::Briefing { .. }
            | TransferStep::Accepted { .. }
            | TransferStep::Declined { .. }
            | TransferStep::Unconfirmed { .. }
            | TransferStep::AgentLeft { .. }
            | TransferStep::Bridged { .. }
            | TransferStep::AgentLost { .. }
            | TransferStep::Consulting { .. }
            | TransferStep::Joined { .. }
            | TransferStep::ConsultEnded { .. }
            | TransferStep::HandedOver { .. }
            | TransferStep::ReturnedToMachine { .. }
            | TransferStep::CallerLost
            | TransferStep::CallingBack
            | TransferStep::CallerLeft
            | TransferStep::GaveUp
            | TransferStep::Ended => self.colleague(at, step),
        }
    }

    /// What happens to the colleague whom this agent asked in, or to this one who was asked in.
    fn colleague(&mut self, at: Moment, step: &TransferStep) -> Changed {
        let (who, state) = match step {
            TransferStep::Offered { agent } => (agent, Some(ConsultState::Asking)),
            TransferStep::Ringing { agent } => (agent, Some(ConsultState::Ringing)),
            TransferStep::Consulting { agent } => (agent, Some(ConsultState::Apart)),
            TransferStep::Joined { agent } => (agent, Some(ConsultState::Joined)),
            TransferStep::ConsultEnded { agent } | TransferStep::Failed { agent, .. } => {
                (agent, None)
            }
            _ => return Changed::default(),
        };
        let changed = Changed { call: true, ..Changed::default() };
        if *who == self.agent {
            return match state {
                Some(ConsultState::Apart | ConsultState::Joined) => {
                    self.enter(Stage::AskedIn, at);
                    changed
                }
                Some(_) => Changed::default(),
                None => Changed { gone: Some(Gone::CallerLeft), ..changed },
            };
        }
        match (&mut self.consult, state) {
            (Some(consult), Some(state)) if consult.agent == who.as_str() => {
                consult.state = state;
                if state == ConsultState::Apart {
                    // A held caller is no longer on hold for this agent alone.
                    self.enter(Stage::Talking, at);
                }
                changed
            }
            (Some(consult), None) if consult.agent == who.as_str() => {
                self.consult = None;
                changed
            }
            (_, _) => Changed::default(),
        }
    }

    fn steered(&mut self, at: Moment, by: &Steer) -> Changed {
        match by {
            Steer::Accept { .. } if matches!(self.stage, Stage::Offered | Stage::Ringing) => {
                self.enter(Stage::Accepted, at);
            }
            Steer::Mute { on } => self.muted = *on,
            Steer::Say { .. } => self.answers_read += 1,
            Steer::Consult { agent } => {
                let (name, state) = (agent.to_string(), ConsultState::Asking);
                self.consult = Some(ConsultNow { agent: name.clone(), name, state });
            }
            Steer::Swap => {
                if let Some(consult) = &mut self.consult {
                    consult.state = match consult.state {
                        ConsultState::Apart => ConsultState::Parked,
                        ConsultState::Parked | ConsultState::Joined => ConsultState::Apart,
                        other @ (ConsultState::Asking | ConsultState::Ringing) => other,
                    };
                }
            }
            Steer::Accept { .. }
            | Steer::Decline { .. }
            | Steer::HearSummary
            | Steer::Hold
            | Steer::Resume
            | Steer::Key { .. }
            | Steer::Record { .. }
            | Steer::Complete
            | Steer::Abort
            | Steer::ThreeWay
            | Steer::ToMachine
            | Steer::HangUp => return Changed::default(),
        }
        Changed { call: true, ..Changed::default() }
    }

    /// A colleague's name, once the desk knows it.
    pub fn name_colleague(&mut self, name: &str) {
        if let Some(consult) = &mut self.consult {
            consult.name = name.to_owned();
        }
    }

    pub fn colleague_asked(&self) -> Option<&str> {
        self.consult.as_ref().map(|consult| consult.agent.as_str())
    }

    fn wall(&self, at: Moment) -> i64 {
        self.began_unix_ms.saturating_add(i64::try_from(at.as_ms()).unwrap_or(i64::MAX))
    }

    /// The whole, as the page gets it.
    pub fn now(&self) -> CallNow {
        let card = &self.card;
        let stress = card.stress;
        let text = |text: &Option<crate::base::pii::Pii<String>>| {
            text.as_ref().map(|text| text.reveal().clone())
        };
        CallNow {
            call: self.call.to_string(),
            offer: card.offer.0,
            stage: self.stage,
            stage_unix_ms: self.wall(self.stage_at),
            began_unix_ms: self.began_unix_ms,
            talk_unix_ms: self.talk_at.map(|at| self.wall(at)),
            summary: card.summary.clone(),
            caller_name: text(&card.caller_name),
            caller_number: text(&card.caller_number),
            language: card.language.code().to_owned(),
            intent: card.intent.clone(),
            skill: card.skill.as_ref().map(|skill| skill.as_str().to_owned()),
            priority: priority_name(card.priority),
            stress,
            stress_level: match stress {
                stress if stress >= STRESS_HIGH => Tension::High,
                stress if stress >= STRESS_RAISED => Tension::Raised,
                _ => Tension::Calm,
            },
            stress_line: self.stress_line.clone(),
            reasons: words(&card.reasons),
            slots: self.slots.clone(),
            tried: card.tried.clone(),
            draft: card.draft.clone(),
            customer: self.customer.clone(),
            recording: self.recording,
            muted: self.muted,
            consult: self.consult.clone(),
            suggestions: self.suggestions.clone(),
            notes: self.notes.clone(),
            draft_summary: (self.stage == Stage::WrapUp).then(|| self.summary()),
            fate: self.fate.clone(),
        }
    }
}

fn words(reasons: &[Reason]) -> Vec<String> {
    let mut said = Vec::with_capacity(reasons.len());
    for reason in reasons {
        let text = reason.to_string();
        if !said.contains(&text) {
            said.push(text);
        }
    }
    said
}

/// The stress beside a line of the caller that was said before the offer.
fn score_at(card: &OfferCard, speaker: Speaker, at: Moment) -> Option<f32> {
    let point = card.stress_line.iter().find(|point| point.at == at)?;
    (speaker == Speaker::Caller).then_some(point.score)
}

#[cfg(test)]
mod tests;
