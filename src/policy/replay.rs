//! Old calls under new tables: what the caller said is understood and decided again, turn by
//! turn, so that an operator sees what a change would have changed before it goes live. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;

use crate::base::caller::Handling;
use crate::base::consent::ConsentMode;
use crate::base::language::Language;
use crate::base::utterance::Utterance;
use crate::knowledge::Knowledge;
use crate::knowledge::connector::placeholders;
use crate::knowledge::lookup::LookupReply;
use crate::understanding::outcome::{StressLevel, Understanding};
use crate::understanding::{Memory, Understander};

use super::step::Step;
use super::{Dialogue, Setup, Tables};

/// One call as it was.
#[derive(Clone, Debug)]
pub struct PastCall {
    pub language: Language,
    pub company: String,
    pub vip: bool,
    /// The day on which "tomorrow" was said.
    pub today: Date,
    /// What the caller said, in order.
    pub said: Vec<Utterance>,
}

/// The tables that a call is played through.
#[derive(Clone)]
pub struct Rulebook {
    pub understander: Understander,
    pub policy: Arc<Tables>,
    pub knowledge: Arc<Knowledge>,
}

/// What one turn came to.
#[derive(Clone, Debug, PartialEq)]
pub struct TurnOutcome {
    /// `None`: not understood.
    pub intent: Option<String>,
    pub stress: f32,
    pub level: StressLevel,
    /// The decision, or the step that came of it: "answer opening_hours", "person: …".
    pub decision: String,
    pub rule: String,
}

/// A turn that comes out otherwise.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Place among the caller's turns, from 0.
    pub turn: usize,
    pub before: TurnOutcome,
    pub after: TurnOutcome,
}

/// Plays `call` through `book`. A look-up is answered by a stand-in that knows everything and
/// believes the caller, because the business system of then is not asked again.
pub fn play(call: &PastCall, book: &Rulebook) -> Vec<TurnOutcome> {
    let mut memory = Memory::new(call.today);
    let mut dialogue = begin(call, book);
    let mut out = Vec::with_capacity(call.said.len());
    for (place, said) in call.said.iter().enumerate() {
        let expecting = dialogue.expecting();
        let heard = book.understander.understand(said, &mut memory, &expecting);
        let mut steps = dialogue.on_turn(said.began, said, &heard);
        out.push(outcome(&heard, &steps));
        // The next turn may be the second fact: the stand-in's reply holds it.
        let next = call.said.get(place + 1);
        for _ in 0..LOOKUPS_MAX {
            let Some(Step::AwaitLookup { request, .. }) = steps.last() else { break };
            let request = *request;
            let reply = stand_in(book, call, next, &memory);
            steps = dialogue.on_lookup(said.began, request, Ok(reply));
            if let (Some(last), Some((rule, decision))) = (out.last_mut(), decided(&steps)) {
                (last.rule, last.decision) = (rule, format!("{}, {decision}", last.decision));
            }
        }
    }
    out
}

/// Look-ups that may follow one turn.
const LOOKUPS_MAX: usize = 4;

/// The turns that differ in intent, stress level, rule or decision.
pub fn compare(before: &[TurnOutcome], after: &[TurnOutcome]) -> Vec<Change> {
    let differs = |before: &TurnOutcome, after: &TurnOutcome| {
        before.intent != after.intent
            || before.level != after.level
            || before.decision != after.decision
            || before.rule != after.rule
    };
    before
        .iter()
        .zip(after)
        .enumerate()
        .filter(|(_, (before, after))| differs(before, after))
        .map(|(turn, (before, after))| Change {
            turn,
            before: before.clone(),
            after: after.clone(),
        })
        .collect()
}

fn begin(call: &PastCall, book: &Rulebook) -> Dialogue {
    let setup = Setup {
        language: call.language.clone(),
        company: call.company.clone(),
        country: "default".into(),
        handling: Handling::Automatic,
        vip: call.vip,
        // The question about recording was answered then; it is not asked again.
        consent: ConsentMode::Off,
        open_now: true,
        speech_pressed: false,
    };
    let words = Arc::new(|_: &_| None);
    let mut dialogue = Dialogue::new(book.policy.clone(), book.knowledge.clone(), setup, words);
    dialogue.open(crate::base::moment::Moment::ZERO);
    dialogue
}

fn outcome(heard: &Understanding, steps: &[Step]) -> TurnOutcome {
    let (rule, decision) = decided(steps).unwrap_or_else(|| (String::new(), last_step(steps)));
    TurnOutcome {
        intent: heard.intent.as_ref().map(|found| found.intent.to_string()),
        stress: heard.stress.score,
        level: heard.stress.level,
        decision,
        rule,
    }
}

/// The first decision of a batch, with its rule; a hand-over without one tells its reasons.
fn decided(steps: &[Step]) -> Option<(String, String)> {
    steps.iter().find_map(|step| match step {
        Step::Decided(decision) => Some((decision.rule.to_string(), decision.what.clone())),
        Step::HandOver(hand_over) => {
            let why = hand_over.reasons.first().map(ToString::to_string).unwrap_or_default();
            Some(("person".into(), format!("person: {why}")))
        }
        Step::Say(_)
        | Step::Consent(_)
        | Step::PauseKeeping { .. }
        | Step::ResumeKeeping
        | Step::Satisfied(_)
        | Step::Tried(_)
        | Step::AwaitLookup { .. }
        | Step::Await { .. }
        | Step::Finish(_) => None,
    })
}

/// What the batch said or ended with, where nothing was decided.
fn last_step(steps: &[Step]) -> String {
    let said = steps.iter().find_map(|step| match step {
        Step::Say(spoken) => spoken.prompt.clone(),
        _ => None,
    });
    match steps.last() {
        Some(Step::Finish(how)) => format!("end: {how:?}").to_lowercase(),
        Some(Step::AwaitLookup { connector, .. }) => format!("look up {connector}"),
        _ => said.map_or_else(|| "wait".to_owned(), |prompt| format!("say {prompt}")),
    }
}

/// A reply with every field that any answer speaks; a second fact is what the caller says next.
fn stand_in(
    book: &Rulebook,
    call: &PastCall,
    next: Option<&Utterance>,
    memory: &Memory,
) -> LookupReply {
    let mut fields = BTreeMap::new();
    for (_, text) in book.knowledge.answers(&call.language) {
        for name in placeholders(text) {
            fields.insert(name, "…".to_owned());
        }
    }
    for row in book.policy.intents() {
        let Some(proof) = &row.proof else { continue };
        let expecting = crate::understanding::outcome::Expecting::Slot(proof.clone());
        let mut memory = memory.clone();
        let heard = next.map(|said| book.understander.understand(said, &mut memory, &expecting));
        let value = heard.and_then(|heard| heard.slots.into_iter().next());
        let value = value.map_or_else(|| "…".to_owned(), |slot| slot.value.reveal().clone());
        fields.insert(proof.clone(), value);
    }
    fields.insert("company".into(), call.company.clone());
    LookupReply { fields }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::moment::Moment;
    use crate::config::Problems;

    fn book(edit: impl Fn(&str, String) -> String) -> Rulebook {
        let dir = tempfile::tempdir().expect("a folder");
        for (name, text) in super::super::SHIPPED {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, edit(name, text.to_owned())).expect("written");
        }
        let mut problems = Problems::new();
        let policy = Tables::load(dir.path(), &mut problems);
        assert!(problems.is_empty(), "{problems}");
        Rulebook {
            understander: Understander::new(crate::understanding::Tables::embedded()),
            policy: Arc::new(policy),
            knowledge: Arc::new(Knowledge::embedded()),
        }
    }

    fn call(said: &[&str]) -> PastCall {
        let turn = |(place, text): (usize, &&str)| {
            Utterance::typed(text, Moment(10_000 * place as u64), 1_500)
        };
        PastCall {
            language: Language::english(),
            company: "Example".into(),
            vip: false,
            today: jiff::civil::date(2026, 11, 21),
            said: said.iter().enumerate().map(turn).collect(),
        }
    }

    #[test]
    fn the_same_tables_change_nothing() {
        let book = book(|_, text| text);
        let call = call(&["When are you open?", "Where is my order?", "four two one seven", "yes"]);
        let (before, after) = (play(&call, &book), play(&call, &book));
        assert_eq!(compare(&before, &after), []);
        assert_eq!(before.first().map(|one| one.decision.as_str()), Some("answer opening_hours"));
        assert_eq!(before.get(1).map(|one| one.decision.as_str()), Some("begin order_status"));
    }

    #[test]
    fn a_new_line_for_an_intent_is_shown_at_its_turn() {
        let old = book(|_, text| text);
        let new = book(|name, text| match name {
            "intents.toml" => {
                text.replace("[address]\nline = \"green\"", "[address]\nline = \"red\"")
            }
            _ => text,
        });
        let call = call(&["When are you open?", "Where is your shop?"]);
        let changes = compare(&play(&call, &old), &play(&call, &new));
        let [change] = changes.as_slice() else { panic!("one change: {changes:?}") };
        assert_eq!(change.turn, 1);
        assert_eq!(change.before.decision, "answer address");
        assert!(change.after.decision.starts_with("person"), "{change:?}");
        assert_eq!(change.after.rule, "red");
    }

    #[test]
    fn a_look_up_is_answered_and_the_second_fact_believed() {
        let book = book(|_, text| text);
        let call = call(&["Where is my order?", "four two one seven", "yes", "one two three four"]);
        let turns = play(&call, &book);
        let last = turns.last().expect("four turns");
        assert_eq!(last.decision, "answer order_status", "{turns:?}");
    }
}
