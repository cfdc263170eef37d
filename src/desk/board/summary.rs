//! The summary after a call, by rule: situation, what was tried, outcome. The agent edits it.

use crate::desk::wire::{SpeakerNow, SummaryNow};

use super::{Board, STRESS_HIGH, STRESS_RAISED};

impl Board {
    pub fn summary(&self) -> SummaryNow {
        SummaryNow { situation: self.situation(), tried: self.tried(), outcome: self.outcome() }
    }

    fn situation(&self) -> String {
        let card = &self.card;
        let who = card.caller_name.as_ref().map_or("The caller", |name| name.reveal().as_str());
        let why = card.intent.as_deref().unwrap_or("wanted a person");
        let mut text = format!("{who} {why}.");
        let given: Vec<String> = self
            .slots
            .iter()
            .map(|slot| format!("{} {}", slot.name.replace('_', " "), slot.value))
            .collect();
        if !given.is_empty() {
            text.push_str(&format!(" Given: {}.", given.join(", ")));
        }
        text
    }

    fn tried(&self) -> String {
        if self.card.tried.is_empty() {
            return "Nothing before the hand-over.".into();
        }
        format!("The machine {}.", self.card.tried.join("; "))
    }

    fn outcome(&self) -> String {
        let (Some(began), Some(ended)) = (self.talk_at, self.talk_ended) else {
            return "The call ended before a conversation.".into();
        };
        let seconds = ended.since(began).as_secs();
        let mut text = format!("Spoke for {}:{:02}.", seconds / 60, seconds % 60);
        let highest = self.stress_line.iter().map(|point| point.score).fold(0.0, f32::max);
        let last = self.stress_line.last().map_or(0.0, |point| point.score);
        let mood = match (highest, last) {
            (high, last) if high >= STRESS_RAISED && last < STRESS_RAISED => {
                " The caller calmed down."
            }
            (_, last) if last >= STRESS_HIGH => " The caller was still very tense at the end.",
            (_, last) if last >= STRESS_RAISED => " The caller was still tense at the end.",
            (_, _) => "",
        };
        text.push_str(mood);
        match self.answers_read {
            0 => {}
            1 => text.push_str(" One answer was read from the knowledge table."),
            n => text.push_str(&format!(" {n} answers were read from the knowledge table.")),
        }
        let promise = self.lines.iter().rev().find(|line| {
            let text = line.text.to_lowercase();
            line.speaker == SpeakerNow::Agent
                && ["i will", "i'll", "we will", "we'll"].iter().any(|word| text.contains(word))
        });
        if let Some(line) = promise {
            text.push_str(&format!(" Promised: \"{}\"", line.text.trim()));
        }
        text
    }
}
