//! Prompts that give way to a voice, and go on or end.

use super::scripts::{Call, check};
use crate::base::consent::ConsentMode;

#[test]
fn a_prompt_gives_way_to_a_voice_and_goes_on_or_ends() {
    let question = ("say When are you open?", "answer_opening_hours anything_else");
    // "Uh-huh", a cough: lower for a moment.
    check(&[
        question,
        ("suspected", "give_way:Duck"),
        ("suspected", ""),
        ("dismissed", "give_way:No"),
        ("dismissed", ""),
    ]);
    // Noise that passed for a voice: the prompt goes on where it was.
    check(&[
        question,
        ("suspected", "give_way:Duck"),
        ("began", "give_way:Pause"),
        ("nothing", "give_way:No"),
    ]);
    // A real interruption ends it, and so do words that could not be heard.
    for (then, said) in
        [("say no, where is my order?", "ask_order_number"), ("unavailable", "clarify")]
    {
        let mut call = Call::begin(ConsentMode::Notice);
        call.heard_all();
        call.step(question.0);
        assert_eq!((call.step("began").as_str(), call.stops), ("give_way:Pause", 0));
        assert_eq!((call.step(then).as_str(), call.stops), (said, 1));
        assert_eq!(call.step("dismissed"), "", "nothing is left that gave way");
    }
    // Nobody ever tells: it goes on.
    check(&[question, ("suspected", "give_way:Duck"), ("wait 3001", "give_way:No")]);
    // After the last prompt nothing has to give way.
    check(&[question, ("suspected", "give_way:Duck"), ("heard", "give_way:No"), ("began", "")]);
}

#[test]
fn a_notice_gives_way_to_nobody() {
    let mut call = Call::begin(ConsentMode::Notice);
    assert_eq!(call.step("suspected"), "");
    assert_eq!(call.step("began"), "");
    assert_eq!(call.step("nothing"), "");
}
