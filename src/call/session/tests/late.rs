//! Words that come late: the caller hears that we are there, once, and then the answer.

use super::scripts::{Call, check, run};
use crate::base::consent::ConsentMode;

#[test]
fn a_caller_whose_words_are_late_hears_that_we_are_there_and_then_the_answer() {
    let answer = ("say When are you open?", "answer_opening_hours anything_else");
    // The answer comes while we ask for a moment, and does not cut it off.
    let stops = check(&[("began", ""), ("late", "hold_on"), ("late", ""), answer, ("heard", "")]);
    assert_eq!(stops, 0);
    // Or after it.
    check(&[("began", ""), ("late", "hold_on"), ("heard", ""), answer]);
    // No words, or words lost, while it sounds: the caller is asked all the same.
    for end in ["nothing", "unavailable"] {
        check(&[("began", ""), ("late", "hold_on"), (end, "clarify"), ("heard", "")]);
        check(&[("began", ""), ("late", "hold_on"), ("heard", ""), (end, "clarify")]);
    }
}

#[test]
fn it_is_said_in_the_callers_language() {
    let mut call = Call::begin(ConsentMode::Notice);
    call.heard_all();
    run(&mut call, &[("key 2", "how_can_i_help"), ("heard", ""), ("late", "hold_on")]);
    let said = call.spoken.last().expect("something was said");
    assert_eq!((said.text.as_str(), said.barge_in), ("请稍等。", false));
}

#[test]
fn a_prompt_that_was_interrupted_is_said_again_if_nobody_said_anything() {
    let question = ("say When are you open?", "answer_opening_hours anything_else");
    let waits = [question, ("began", "give_way:Pause"), ("late", "hold_on")];
    let stops = check(&[&waits[..], &[("nothing", "answer_opening_hours anything_else")]].concat());
    assert_eq!(stops, 1);
    // Words, or lost ones, end it as ever.
    check(&[&waits[..], &[("say no, where is my order?", "ask_order_number")]].concat());
    check(&[&waits[..], &[("unavailable", "clarify"), ("nothing", "")]].concat());
    // And so does a key: what it brought is not said twice.
    check(&[&waits[..], &[("key 2", "sorry_more"), ("nothing", "")]].concat());
}

#[test]
fn who_hears_something_else_is_not_asked_for_a_moment() {
    // A prompt that goes on.
    check(&[("say When are you open?", "answer_opening_hours anything_else"), ("late", "")]);
    // Music.
    check(&[
        ("say I want to talk to an agent", "transfer_start music"),
        ("heard", ""),
        ("late", ""),
    ]);
    // The last words of a call.
    check(&[("say goodbye", "goodbye"), ("late", "")]);
    // A business system is asked, and the caller is told so on its own clock.
    check(&[
        ("say where is my order", "ask_order_number"),
        ("heard", ""),
        ("say four two one seven", "read_back_order_number"),
        ("heard", ""),
        ("say yes", "one_second look:order"),
        ("heard", ""),
        ("late", ""),
    ]);
}
