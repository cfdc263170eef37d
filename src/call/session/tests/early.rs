//! Words so far: what is done before a caller has finished, and undone when they meant another
//! thing.

use super::scripts::{Call, check, run};
use crate::base::card::Priority;
use crate::base::consent::ConsentMode;

const FIRE: &str = "so_far there is a fire in my kitchen and I";

#[test]
fn danger_has_the_desk_s_attention_once_while_the_caller_goes_on() {
    check(&[
        ("so_far I think", ""),
        (FIRE, "attention"),
        (FIRE, ""),
        ("say There is a fire in my kitchen and I do not know what to do", "danger music"),
    ]);
}

#[test]
fn a_wrong_word_so_far_sends_nobody_anywhere() {
    check(&[
        (FIRE, "attention"),
        ("say When are you open?", "answer_opening_hours anything_else"),
        // The next turn is looked at anew.
        (FIRE, "attention"),
        ("nothing", ""),
        (FIRE, "attention"),
    ]);
}

#[test]
fn a_demand_so_far_is_served_when_it_is_said_whole() {
    check(&[("so_far I want to talk to an agent", "")]);
    let mut call = Call::begin(ConsentMode::Off);
    call.heard_all();
    assert_eq!(call.step("so_far please don't record this"), "", "nothing is recorded");
}

#[test]
fn a_recording_pauses_at_once_and_stops_or_goes_on_with_the_whole_sentence() {
    let so_far = ("so_far please don't record this call", "record:Pause");
    check(&[so_far, ("so_far please don't record this call because", "")]);
    let mut call = Call::begin(ConsentMode::Notice);
    call.heard_all();
    call.step(so_far.0);
    let said = call.step("say Please don't record this call.");
    assert!(said.contains("record:Stop") && !said.contains("record:Resume"), "{said}");
    // It was another word, or none.
    check(&[
        so_far,
        ("say When are you open?", "answer_opening_hours anything_else record:Resume"),
    ]);
    check(&[so_far, ("nothing", "record:Resume clarify")]);
    check(&[so_far, ("unavailable", "record:Resume clarify")]);
}

#[test]
fn danger_puts_a_waiting_caller_first() {
    let mut call = Call::begin(ConsentMode::Notice);
    call.heard_all();
    run(
        &mut call,
        &[("say I want to talk to an agent", "transfer_start music"), ("all_busy", "queue_wait")],
    );
    call.step("position 3");
    let before = call.urgency.len();
    assert_eq!(call.step(FIRE), "attention");
    assert_eq!(call.urgency.get(before..), Some(&[Priority::P0][..]), "asked for anew, as P0");
}
