//! A call's facts as a person follows them in a terminal, a line each, as they happen.

use crate::base::card::Speaker;
use crate::base::moment::Moment;
use crate::call::command::{Fact, TransferStep, UnderstandingNote};

const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";
const CYAN: &str = "\x1b[36m";
const GREEN: &str = "\x1b[32m";
const YELLOW: &str = "\x1b[33m";
const RESET: &str = "\x1b[0m";

/// The lines that `fact` is shown in; empty for what only the record needs.
pub fn lines(at: Moment, fact: &Fact) -> Vec<String> {
    match fact {
        Fact::Said { line, understanding, .. } => {
            let (colour, who) = match line.speaker {
                Speaker::Caller => (CYAN, "caller "),
                Speaker::Machine => (GREEN, "machine"),
                Speaker::Agent => (YELLOW, "agent  "),
            };
            let mut out = vec![format!(
                "{DIM}{}{RESET}  {colour}{who}{RESET}  {}",
                line.at.clock(),
                line.text.reveal()
            )];
            out.extend(understanding.as_ref().and_then(understood));
            out
        }
        Fact::NotKept { .. } => {
            vec![format!("{DIM}{}  card data, not kept{RESET}", at.clock())]
        }
        Fact::Decided { rule, decision, priority, reasons } => {
            let why: Vec<String> = reasons.iter().map(ToString::to_string).collect();
            let why = if why.is_empty() { String::new() } else { format!(": {}", why.join("; ")) };
            vec![format!(
                "{DIM}{}{RESET}  {BOLD}→ {decision}{RESET} {DIM}[{rule}, {priority:?}]{why}{RESET}",
                at.clock()
            )]
        }
        Fact::Transfer { step, .. } => {
            vec![format!("{DIM}{}{RESET}  {YELLOW}⇄ {}{RESET}", at.clock(), step_words(step))]
        }
        Fact::Looked { connector, outcome } => {
            vec![format!("{DIM}{}  asked {connector}: {outcome}{RESET}", at.clock())]
        }
        Fact::Consent { recording } => {
            vec![format!("{DIM}{}  recording: {recording:?}{RESET}", at.clock())]
        }
        Fact::Key { key, .. } => vec![format!("{DIM}{}  key {key}{RESET}", at.clock())],
        Fact::Satisfied { yes } => {
            vec![format!("{DIM}{}  satisfied: {yes}{RESET}", at.clock())]
        }
        Fact::Steered { agent, by } => {
            vec![format!("{DIM}{}  {agent} {}{RESET}", at.clock(), by.words())]
        }
        Fact::WrapUp { agent, result } => {
            vec![format!("{DIM}{}  {agent} wraps up: {result}{RESET}", at.clock())]
        }
    }
}

fn understood(note: &UnderstandingNote) -> Option<String> {
    let bar: String =
        (0..10).map(|step| if note.stress * 10.0 > step as f32 { '▮' } else { '▯' }).collect();
    let intent = match &note.intent {
        Some(intent) => format!("{intent} {:.0} %", note.confidence * 100.0),
        None => "no intent".into(),
    };
    let why: Vec<String> = note.reasons.iter().take(4).map(ToString::to_string).collect();
    Some(format!(
        "         {DIM}{intent} · stress {bar} {:.2} · {}{RESET}",
        note.stress,
        why.join("; ")
    ))
}

/// A transfer step in words.
pub fn step_words(step: &TransferStep) -> String {
    match step {
        TransferStep::Wanted { .. } => "a person is wanted".into(),
        TransferStep::Queued { position } => format!("waits at place {position}"),
        TransferStep::Offered { agent } => format!("offered to {agent}"),
        TransferStep::Ringing { agent } => format!("{agent} rings"),
        TransferStep::Failed { agent, failure } => format!("{agent} not reached: {failure:?}"),
        TransferStep::Briefing { agent } => format!("{agent} is briefed in private"),
        TransferStep::Accepted { agent } => format!("{agent} accepts"),
        TransferStep::Declined { agent } => format!("{agent} declines"),
        TransferStep::Unconfirmed { agent } => format!("{agent} pressed no key"),
        TransferStep::AgentLeft { agent } => format!("{agent} left before the bridge"),
        TransferStep::Bridged { agent } => format!("caller and {agent} are joined"),
        TransferStep::Held { leg } => format!("leg {leg} holds"),
        TransferStep::Resumed { leg } => format!("leg {leg} is back from hold"),
        TransferStep::AgentLost { agent } => format!("{agent} was lost"),
        TransferStep::Consulting { agent } => format!("{agent} was asked in, the caller holds"),
        TransferStep::Joined { agent } => format!("{agent} was asked in, all three are joined"),
        TransferStep::ConsultEnded { agent } => format!("{agent}, who was asked in, left"),
        TransferStep::HandedOver { agent } => format!("{agent} handed the caller over"),
        TransferStep::ReturnedToMachine { agent } => {
            format!("{agent} gave the caller back to the machine")
        }
        TransferStep::CallerLost => "the caller's line broke".into(),
        TransferStep::CallingBack => "the caller is called back".into(),
        TransferStep::CallerLeft => "the caller left".into(),
        TransferStep::GaveUp => "nobody could take it: back to the machine".into(),
        TransferStep::Ended => "the conversation ended".into(),
    }
}
