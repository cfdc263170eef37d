//! A call drawn on one line of time: who spoke, how stressed, where it was decided. Inline SVG.

use maud::{Markup, html};

use crate::base::card::Speaker;
use crate::store::record::{CallRecord, LineRecord};

use super::page;

const WIDTH: f64 = 1_000.0;
const STRESS_TOP: f64 = 8.0;
const STRESS_BOTTOM: f64 = 58.0;
const LANE_TOP: f64 = 66.0;
const LANE_STEP: f64 = 11.0;
const LANE_HEIGHT: f64 = 8.0;

/// The drawing; empty for a call in which nothing was said.
pub(super) fn draw(call: &CallRecord) -> Markup {
    let last = call.lines.iter().map(end_ms).max().unwrap_or(0);
    let length_ms = call.head.length_ms.unwrap_or(0).max(last);
    if call.lines.is_empty() || length_ms <= 0 {
        return html! {};
    }
    let x = |ms: i64| (ms.clamp(0, length_ms) as f64 / length_ms as f64 * WIDTH).round();
    let stressed: Vec<(&LineRecord, f64)> =
        call.lines.iter().filter_map(|line| Some((line, line.stress?))).collect();
    let points: Vec<String> = stressed
        .iter()
        .map(|(line, stress)| format!("{},{}", x(line.at.as_ms() as i64), stress_y(*stress)))
        .collect();
    let bridged = call.transfer_steps.iter().find(|step| step.step == "bridged");
    html! {
        svg.timeline viewBox="0 0 1000 112" role="img"
            aria-label="Who spoke when, and the caller's stress over time" {
            @for level in [0.35, 0.6] {
                line.level x1="0" x2="1000" y1=(stress_y(level)) y2=(stress_y(level)) {}
            }
            @if let Some(step) = bridged {
                @let at = x(step.at.as_ms() as i64);
                rect.bridged x=(at) y="0" width=(WIDTH - at) height="100" {
                    title { (super::stream::step(step)) }
                }
            }
            @for line in &call.lines {
                @let from = x(line.at.as_ms() as i64);
                rect class=(lane(line.speaker).1) x=(from) y=(lane_y(line.speaker))
                    width=((x(end_ms(line)) - from).max(3.0)) height=(LANE_HEIGHT) rx="2" {
                    title { (line.at.clock()) " " (line.text.reveal()) }
                }
            }
            @if points.len() > 1 { polyline.stressed points=(points.join(" ")) {} }
            @for (line, stress) in &stressed {
                circle class={ "turn " (page::stress_level(*stress)) }
                    cx=(x(line.at.as_ms() as i64)) cy=(stress_y(*stress)) r="4.500" {
                    title { (turn_words(line, *stress)) }
                }
            }
            @for decision in &call.decisions {
                @let at = x(decision.at.as_ms() as i64);
                path.tick d={ "M" (at) " 102l4 8h-8z" } {
                    title { (decision.at.clock()) " " (decision.decision) }
                }
            }
        }
        p.legend {
            span.key.caller { "Caller" } span.key.machine { "Machine" } span.key.agent { "Agent" }
            span.key.stressed { "Stress" } span.key.tick { "Decision" }
            span.end { (page::span(length_ms)) }
        }
    }
}

fn stress_y(stress: f64) -> f64 {
    (STRESS_BOTTOM - stress.clamp(0.0, 1.0) * (STRESS_BOTTOM - STRESS_TOP)).round()
}

fn lane(speaker: Speaker) -> (f64, &'static str) {
    match speaker {
        Speaker::Caller => (0.0, "lane caller"),
        Speaker::Machine => (1.0, "lane machine"),
        Speaker::Agent => (2.0, "lane agent"),
    }
}

fn lane_y(speaker: Speaker) -> f64 {
    LANE_TOP + lane(speaker).0 * LANE_STEP
}

/// Where a line ends; what the machine says has no measured end, so some 70 ms a letter.
fn end_ms(line: &LineRecord) -> i64 {
    let began = line.at.as_ms() as i64;
    let guessed = began + line.text.reveal().chars().count() as i64 * 70;
    line.ended_ms.unwrap_or(guessed).max(began)
}

fn turn_words(line: &LineRecord, stress: f64) -> String {
    let reasons: Vec<String> = line.reasons.iter().map(ToString::to_string).collect();
    let percent = (stress * 100.0).round();
    format!("{} stress {percent}\n{}", line.at.clock(), reasons.join("\n"))
}
