//! A board from the offer to the wrap-up, fact by fact.

use super::*;
use crate::base::card::{Line, Priority, StressPoint};
use crate::base::ids::{CallId, IntentId, LegId};

fn card(agent: &str) -> OfferCard {
    OfferCard {
        call: CallId::new(1, [1; 10]),
        offer: OfferId(1),
        agent: AgentId::from(agent),
        summary: "Ada asks where the order is, tense".into(),
        caller_name: Some("Ada".to_owned().into()),
        caller_number: None,
        language: Language::english(),
        intent: Some("asks where the order is".into()),
        skill: None,
        priority: Priority::P2,
        stress: 0.5,
        reasons: vec![Reason::new("asked for a person"), Reason::new("asked for a person")],
        slots: Vec::new(),
        tried: vec!["looked up order 4217: no reply".into()],
        transcript: vec![line(1_000, Speaker::Caller, "Where is my order?")],
        stress_line: vec![StressPoint { at: Moment(1_000), score: 0.5, reasons: Vec::new() }],
        draft: None,
    }
}

fn line(at_ms: u64, speaker: Speaker, text: &str) -> Line {
    Line { at: Moment(at_ms), speaker, text: text.to_owned().into() }
}

fn said(at_ms: u64, speaker: Speaker, text: &str, stress: f32) -> Fact {
    let understanding = (speaker == Speaker::Caller).then(|| UnderstandingNote {
        intent: Some(IntentId::from("opening_hours")),
        stress,
        ..UnderstandingNote::default()
    });
    Fact::Said { line: line(at_ms, speaker, text), utterance: None, understanding }
}

fn anna(step: impl FnOnce(AgentId) -> TransferStep) -> Fact {
    Fact::Transfer { offer: Some(OfferId(1)), step: step(AgentId::from("anna")) }
}

fn ben(step: impl FnOnce(AgentId) -> TransferStep) -> Fact {
    Fact::Transfer { offer: Some(OfferId(2)), step: step(AgentId::from("ben")) }
}

fn board() -> Board {
    Board::offered(&card("anna"), 1_000_000, Moment(5_000))
}

fn talking() -> Board {
    let mut board = board();
    board.fact(Moment(9_000), &anna(|agent| TransferStep::Accepted { agent }));
    board.fact(Moment(9_100), &anna(|agent| TransferStep::Bridged { agent }));
    board
}

#[test]
fn an_offer_becomes_a_conversation() {
    let mut board = board();
    assert_eq!(board.stage(), Stage::Offered);
    assert_eq!(board.now().reasons, ["asked for a person"], "said once");
    for (fact, stage) in [
        (anna(|agent| TransferStep::Ringing { agent }), Stage::Ringing),
        (
            Fact::Steered { agent: AgentId::from("anna"), by: Steer::Accept { three_way: false } },
            Stage::Accepted,
        ),
        (anna(|agent| TransferStep::Accepted { agent }), Stage::Talking),
        (
            Fact::Transfer { offer: None, step: TransferStep::Held { leg: LegId::CALLER } },
            Stage::Held,
        ),
        (
            Fact::Transfer { offer: None, step: TransferStep::Resumed { leg: LegId::CALLER } },
            Stage::Talking,
        ),
        (anna(|agent| TransferStep::AgentLost { agent }), Stage::LineLost),
        (anna(|agent| TransferStep::Bridged { agent }), Stage::Talking),
        (Fact::Transfer { offer: None, step: TransferStep::Ended }, Stage::WrapUp),
    ] {
        let changed = board.fact(Moment(10_000), &fact);
        assert!(changed.call, "{fact:?}");
        assert_eq!(board.stage(), stage, "{fact:?}");
    }
    assert_eq!(board.now().talk_unix_ms, Some(1_010_000));
}

#[test]
fn an_offer_that_comes_to_nothing_leaves_the_desk() {
    for (fact, why) in [
        (anna(|agent| TransferStep::Declined { agent }), Gone::Declined),
        (anna(|agent| TransferStep::Unconfirmed { agent }), Gone::Missed),
        (
            anna(|agent| TransferStep::Failed { agent, failure: DialFailure::NoAnswer }),
            Gone::Missed,
        ),
        (
            anna(|agent| TransferStep::Failed { agent, failure: DialFailure::ServerError(503) }),
            Gone::Failed,
        ),
        (Fact::Transfer { offer: None, step: TransferStep::CallerLeft }, Gone::CallerLeft),
    ] {
        assert_eq!(board().fact(Moment(9_000), &fact).gone, Some(why), "{fact:?}");
    }
    // Somebody else's.
    assert_eq!(board().fact(Moment(1), &ben(|agent| TransferStep::Declined { agent })).gone, None);
}

#[test]
fn lines_stand_in_the_order_in_which_they_were_said() {
    let mut board = talking();
    board.fact(Moment(14_000), &said(13_000, Speaker::Agent, "Hello", 0.0));
    let changed = board.fact(Moment(15_000), &said(12_000, Speaker::Caller, "Hello?", 0.2));
    // A line that comes late changes all from its place on.
    assert_eq!((changed.said, changed.lines), (true, Some(1)));
    let texts: Vec<_> = board.lines_from(0).iter().map(|line| line.text.as_str()).collect();
    assert_eq!(texts, ["Where is my order?", "Hello?", "Hello"]);
    assert_eq!(board.said_last(), Some(("Hello?", Some("opening_hours"))));
}

#[test]
fn a_colleague_comes_and_goes() {
    let mut board = talking();
    let agent = AgentId::from("anna");
    let consult = Steer::Consult { agent: AgentId::from("ben") };
    board.fact(Moment(1), &Fact::Steered { agent, by: consult });
    let state = |board: &Board| board.now().consult.map(|consult| consult.state);
    assert_eq!(state(&board), Some(ConsultState::Asking));
    board.fact(Moment(2), &ben(|agent| TransferStep::Ringing { agent }));
    assert_eq!(state(&board), Some(ConsultState::Ringing));
    board.fact(Moment(3), &ben(|agent| TransferStep::Consulting { agent }));
    assert_eq!(state(&board), Some(ConsultState::Apart));
    board.fact(Moment(4), &Fact::Steered { agent: AgentId::from("anna"), by: Steer::Swap });
    assert_eq!(state(&board), Some(ConsultState::Parked));
    board.fact(Moment(5), &ben(|agent| TransferStep::ConsultEnded { agent }));
    assert_eq!(state(&board), None);
    // The colleague's own desk.
    let mut other = Board::offered(&card("ben"), 0, Moment(0));
    other.fact(Moment(3), &ben(|agent| TransferStep::Consulting { agent }));
    assert_eq!(other.stage(), Stage::AskedIn);
    other.fact(Moment(6), &anna(|agent| TransferStep::HandedOver { agent }));
    other.fact(Moment(6), &ben(|agent| TransferStep::Accepted { agent }));
    assert_eq!(other.stage(), Stage::Talking);
}

#[test]
fn the_summary_is_filled_in_by_rule() {
    let mut board = talking();
    board.fact(Moment(20_000), &said(19_000, Speaker::Caller, "Good", 0.1));
    board.fact(Moment(22_000), &said(21_000, Speaker::Agent, "I'll send it again today.", 0.0));
    board.fact(Moment(72_000), &Fact::Transfer { offer: None, step: TransferStep::Ended });
    // What the caller says to the machine afterwards is not this agent's.
    board.fact(Moment(80_000), &said(79_000, Speaker::Caller, "Later", 0.9));
    let summary = board.now().draft_summary.expect("a summary");
    assert_eq!(summary.situation, "Ada asks where the order is.");
    assert_eq!(summary.tried, "The machine looked up order 4217: no reply.");
    assert_eq!(
        summary.outcome,
        "Spoke for 1:03. The caller calmed down. Promised: \"I'll send it again today.\""
    );
}
