//! The offer on paper: who, why, how they feel, what was tried, what was said.

use crate::base::card::{OfferCard, Priority};
use crate::base::ids::AgentId;
use crate::policy::step::HandOver;

use super::*;

impl Session {
    pub(super) fn offer_card(
        &self,
        offer: OfferId,
        agent: &AgentId,
        hand_over: &HandOver,
    ) -> OfferCard {
        let caller = self.caller.as_ref();
        let name =
            caller.and_then(|caller| caller.profile.name.clone().or_else(|| caller.name.clone()));
        let number = caller.and_then(|caller| caller.number.clone());
        let mut reasons = hand_over.reasons.clone();
        reasons.extend(self.history.reasons.iter().cloned());
        OfferCard {
            call: self.setup.call.clone(),
            offer,
            agent: agent.clone(),
            summary: self.summary(name.as_ref().map(|name| name.reveal().as_str()), hand_over),
            caller_name: name,
            caller_number: number,
            language: self.language(),
            intent: hand_over.intent_words.clone(),
            skill: hand_over.skills.first().cloned(),
            priority: hand_over.priority,
            stress: self.history.stress,
            reasons,
            slots: self.history.slots.clone(),
            tried: self.history.tried.clone(),
            transcript: self.history.lines.clone(),
            stress_line: self.history.stress_line.clone(),
            draft: hand_over.draft.clone(),
        }
    }

    /// One line that is read in three seconds.
    fn summary(&self, name: Option<&str>, hand_over: &HandOver) -> String {
        let who = name.unwrap_or("Unknown caller");
        let why = hand_over.intent_words.as_deref().unwrap_or("wants a person");
        let mood = match self.history.level {
            StressLevel::High => ", very tense",
            StressLevel::Raised => ", tense",
            StressLevel::Calm => "",
        };
        let danger = if hand_over.priority == Priority::P0 { "DANGER: " } else { "" };
        format!("{danger}{who} {why}{mood}")
    }

    /// "More" for the agent: the caller's last lines.
    pub(super) fn last_lines(&self) -> String {
        const LINES: usize = 3;
        let said: Vec<&str> = self
            .history
            .lines
            .iter()
            .filter(|line| line.speaker == crate::base::card::Speaker::Caller)
            .map(|line| line.text.reveal().as_str())
            .collect();
        let from = said.len().saturating_sub(LINES);
        said.get(from..).unwrap_or_default().join(" … ")
    }
}
