//! When a call goes to a person whatever it is about.

use crate::base::card::Priority;
use crate::base::moment::Moment;
use crate::base::reason::Reason;
use crate::policy::step::HandOver;
use crate::understanding::outcome::{CallerCommand, Understanding};

use super::Dialogue;

impl Dialogue {
    /// The first rule that calls a person, most pressing first; `None` if none does.
    pub(super) fn escalation(&mut self, now: Moment, heard: &Understanding) -> Option<HandOver> {
        if let Some(intent) = &heard.intent {
            self.last_intent = Some(intent.intent.clone());
        }
        self.danger(heard)
            .or_else(|| self.urgent(heard))
            .or_else(|| self.negative_words(now))
            .or_else(|| self.high_stress(heard))
            .or_else(|| self.asked_for(heard))
    }

    fn danger(&self, heard: &Understanding) -> Option<HandOver> {
        let hit = heard.danger.as_ref()?;
        let reason = Reason::at(hit.at, format!("\"{}\" is danger ({})", hit.phrase, hit.group));
        let mut hand_over = self.plain_hand_over(Priority::P0, vec![reason]);
        hand_over.danger = true;
        Some(hand_over)
    }

    fn urgent(&self, heard: &Understanding) -> Option<HandOver> {
        let hit = heard.urgent.first().filter(|_| self.tables.rules.urgent.on)?;
        let reason = Reason::at(hit.at, format!("\"{}\" is urgent ({})", hit.phrase, hit.group));
        Some(self.plain_hand_over(Priority::P1, vec![reason]))
    }

    fn negative_words(&self, now: Moment) -> Option<HandOver> {
        let rule = self.tables.rules.negative_words;
        let recent: Vec<_> =
            self.negative.iter().filter(|hit| now.since(hit.at) <= rule.window).collect();
        if !rule.on || recent.len() < rule.threshold as usize {
            return None;
        }
        let mut reasons = vec![Reason::new(format!(
            "{} negative words in {} s",
            recent.len(),
            rule.window.as_secs()
        ))];
        reasons.extend(recent.iter().map(|hit| Reason::at(hit.at, format!("\"{}\"", hit.phrase))));
        Some(self.plain_hand_over(Priority::P1, reasons))
    }

    fn high_stress(&self, heard: &Understanding) -> Option<HandOver> {
        let rule = self.tables.rules.high_stress;
        if !rule.on || self.high_stress_turns < rule.threshold {
            return None;
        }
        let head = format!("high stress for {} turns", self.high_stress_turns);
        let parts = heard.stress.parts.iter().map(|part| part.reason.clone());
        let reasons = std::iter::once(Reason::new(head)).chain(parts).collect();
        Some(self.plain_hand_over(Priority::P1, reasons))
    }

    fn asked_for(&self, heard: &Understanding) -> Option<HandOver> {
        (heard.command == Some(CallerCommand::Person)).then(|| {
            self.plain_hand_over(Priority::P2, vec![Reason::new("the caller asked for a person")])
        })
    }
}
