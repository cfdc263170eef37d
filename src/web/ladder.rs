//! The SIP messages of a call as a ladder: caller, Warmline, agents. Inline SVG and the texts.

use maud::{Markup, html};

use crate::base::ids::LegId;
use crate::store::record::{LadderRow, LegRecord};

const COLUMN: i64 = 260;
const ROW: i64 = 26;
const TOP: i64 = 44;

/// The ladder and each message's text under it.
pub(super) fn draw(rows: &[LadderRow], legs: &[LegRecord]) -> Markup {
    if rows.is_empty() {
        return html! {};
    }
    let mut agents: Vec<LegId> =
        rows.iter().map(|row| row.leg).filter(|leg| *leg != LegId::CALLER).collect();
    agents.sort();
    agents.dedup();
    let width = COLUMN * (agents.len() as i64 + 1) + 140;
    let height = TOP + ROW * rows.len() as i64 + 10;
    let own = 70 + COLUMN;
    let peer = |leg: LegId| {
        let place = agents.iter().position(|agent| *agent == leg);
        place.map_or(70, |place| own + COLUMN * (place as i64 + 1))
    };
    html! {
        div.scroll {
            svg.ladder viewBox={ "0 0 " (width) " " (height) } width=(width) height=(height)
                role="img" aria-label="SIP messages between caller, Warmline and agents" {
                (life(70, height, "Caller"))
                (life(own, height, "Warmline"))
                @for leg in &agents { (life(peer(*leg), height, &name_of(*leg, legs))) }
                @for (index, row) in rows.iter().enumerate() {
                    (arrow(row, own, peer(row.leg), TOP + ROW * index as i64 + 14))
                }
            }
        }
        div.messages {
            @for row in rows {
                details {
                    summary {
                        span.time { (format!("{:.3} s", row.at.as_ms() as f64 / 1_000.0)) }
                        span.quiet { @if row.outbound { "→ " } @else { "← " } (row.peer) }
                        " " (row.summary)
                    }
                    pre { (row.message) }
                }
            }
        }
    }
}

/// The agent's name where the leg has one.
fn name_of(leg: LegId, legs: &[LegRecord]) -> String {
    let named = legs.iter().find(|row| row.leg == leg.0).and_then(|row| row.agent.clone());
    named.unwrap_or_else(|| format!("Leg {leg}"))
}

fn life(x: i64, height: i64, name: &str) -> Markup {
    html! {
        text.party x=(x) y="18" text-anchor="middle" { (name) }
        line.life x1=(x) x2=(x) y1="26" y2=(height) {}
    }
}

fn arrow(row: &LadderRow, own: i64, peer: i64, y: i64) -> Markup {
    let (from, to) = if row.outbound { (own, peer) } else { (peer, own) };
    let back = if to > from { -7 } else { 7 };
    let kind = match row.summary.chars().next() {
        Some('4'..='6') => "arrow bad",
        Some('1'..='3') => "arrow reply",
        Some(_) | None => "arrow",
    };
    let label: String = row.summary.chars().take(34).collect();
    html! {
        g class=(kind) {
            line x1=(from) x2=(to) y1=(y) y2=(y) {}
            path d={ "M" (to) " " (y) "l" (back) " -3.500v7z" } {}
            text x=((from + to) / 2) y=(y - 4) text-anchor="middle" { (label) }
        }
    }
}
