//! What happened in a call, in order: lines, decisions, transfer steps, consent, keys.

use maud::{Markup, html};

use crate::base::card::Speaker;
use crate::base::moment::Moment;
use crate::base::reason::Reason;
use crate::store::record::{
    CallRecord, ConsentRecord, DecisionRecord, EventRecord, LineRecord, StepRecord,
};

use super::page;

enum Entry<'a> {
    Line(&'a LineRecord),
    Decision(&'a DecisionRecord),
    Step(&'a StepRecord),
    Consent(&'a ConsentRecord),
    Event(&'a EventRecord),
}

/// The call as an ordered list. A time is a button where there is sound to jump to.
pub(super) fn transcript(call: &CallRecord) -> Markup {
    let mut entries: Vec<(Moment, Entry<'_>)> = Vec::new();
    entries.extend(call.lines.iter().map(|row| (row.at, Entry::Line(row))));
    entries.extend(call.decisions.iter().map(|row| (row.at, Entry::Decision(row))));
    entries.extend(call.transfer_steps.iter().map(|row| (row.at, Entry::Step(row))));
    entries.extend(call.consents.iter().map(|row| (row.at, Entry::Consent(row))));
    entries.extend(call.events.iter().map(|row| (row.at, Entry::Event(row))));
    // Stable: what was written first at a moment stays first within its kind.
    entries.sort_by_key(|(at, _)| *at);
    html! {
        ol.transcript {
            @for (_, entry) in &entries {
                @match entry {
                    Entry::Line(row) => (line(call, row)),
                    Entry::Decision(row) => (decision(row)),
                    Entry::Step(row) => (note(row.at, "step", &step(row))),
                    Entry::Consent(row) => (note(row.at, "step", &consent(row))),
                    Entry::Event(row) => (note(row.at, "step", &event(row))),
                }
            }
        }
    }
}

fn speaker(speaker: Speaker) -> (&'static str, &'static str) {
    match speaker {
        Speaker::Caller => ("caller", "Caller"),
        Speaker::Machine => ("machine", "Machine"),
        Speaker::Agent => ("agent", "Agent"),
    }
}

fn line(call: &CallRecord, row: &LineRecord) -> Markup {
    let (class, name) = speaker(row.speaker);
    html! {
        li class={ "said " (class) } {
            (clock(call, row.at))
            span.speaker { (name) }
            div {
                p.text { (row.text.reveal()) }
                @if row.stress.is_some() || row.intent.is_some() { (understood(row)) }
            }
        }
    }
}

fn understood(row: &LineRecord) -> Markup {
    html! {
        div.meta {
            @if let Some(intent) = &row.intent {
                span.chip.intent { (page::words(intent))
                    @if let Some(sure) = row.intent_confidence { " " span.quiet { (percent(sure)) } } }
            }
            @for slot in &row.slots {
                span.chip.slot { (page::words(&slot.name)) ": " strong { (slot.value.reveal()) } }
            }
            @if let Some(stress) = row.stress { (page::stress_bar(stress)) }
            @if !row.reasons.is_empty() {
                details.why { summary { "why" } (reasons(&row.reasons)) }
            }
        }
    }
}

fn decision(row: &DecisionRecord) -> Markup {
    html! {
        li.decided {
            span.time { (row.at.clock()) }
            span.speaker { "Decision" }
            div {
                p { strong { (row.decision) } " " span.quiet { (row.priority) " · rule " (page::words(&row.rule)) } }
                @if !row.reasons.is_empty() { (reasons(&row.reasons)) }
            }
        }
    }
}

fn note(at: Moment, class: &str, text: &str) -> Markup {
    html! { li class=(class) { span.time { (at.clock()) } span.speaker {} p { (text) } } }
}

/// Reasons as a list of short lines.
pub(super) fn reasons(all: &[Reason]) -> Markup {
    html! { ul.reasons { @for reason in all { li { (reason) } } } }
}

fn clock(call: &CallRecord, at: Moment) -> Markup {
    let began = call.recording_began_ms.unwrap_or(0);
    let seconds = (at.as_ms() as i64 - began).max(0) as f64 / 1_000.0;
    html! {
        @if call.head.has_recording && call.head.ended_ms.is_some() {
            button.time type="button" data-seek=(seconds) title="Play from here" { (at.clock()) }
        } @else { span.time { (at.clock()) } }
    }
}

/// A step of the transfer in words.
pub(super) fn step(row: &StepRecord) -> String {
    let agent = row.agent.as_deref().unwrap_or("the agent");
    let detail = page::words(&row.detail);
    match row.step.as_str() {
        "wanted" => format!("A person is wanted: {detail}"),
        "queued" => format!("Waits for a person, {detail}"),
        "offered" => format!("Offered to {agent}"),
        "ringing" => format!("{agent} is rung"),
        "failed" => format!("{agent} was not reached: {detail}"),
        "briefing" => format!("{agent} is briefed"),
        "accepted" => format!("{agent} accepted"),
        "declined" => format!("{agent} declined"),
        "unconfirmed" => format!("{agent} pressed no key in time"),
        "agent_left" => format!("{agent} left before the bridge"),
        "bridged" => format!("Caller and {agent} are connected"),
        "held" => "Put on hold".into(),
        "resumed" => "Taken from hold".into(),
        "agent_lost" => format!("{agent} was lost"),
        "consulting" => format!("{agent} was asked in and talks with the agent"),
        "joined" => format!("{agent} was asked in: all three are joined"),
        "consult_ended" => format!("{agent}, who was asked in, left"),
        "handed_over" => format!("{agent} handed the caller over"),
        "returned_to_machine" => format!("{agent} gave the caller back to the machine"),
        "caller_left" => "The caller left".into(),
        "gave_up" => "Nobody could take the call: back to the machine".into(),
        "ended" => "The transfer ended".into(),
        other => format!("{} {detail}", page::words(other)),
    }
}

fn consent(row: &ConsentRecord) -> String {
    match row.state.as_str() {
        "notified" => "Recording: the notice was heard".into(),
        "granted" => "Recording: the caller agreed".into(),
        "refused" => "Recording: the caller refused".into(),
        "off" => "Recording is off".into(),
        other => format!("Recording: {}", page::words(other)),
    }
}

fn event(row: &EventRecord) -> String {
    match row.kind.as_str() {
        "key" => format!("Key {}", row.detail),
        "looked" => format!("Looked up: {}", row.detail),
        "satisfied" => format!("\"Did that answer it?\" {}", row.detail),
        "desk" => row.detail.clone(),
        "wrap_up" => format!("Wrap-up by {}", row.detail),
        other => format!("{}: {}", page::words(other), row.detail),
    }
}

fn percent(share: f64) -> String {
    format!("{}%", (share.clamp(0.0, 1.0) * 100.0).round())
}
