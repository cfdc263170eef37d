//! Scripts of what holds in every state: keeping, danger, leaving, and a caller whose line broke.

use super::scripts::{BRIEFED, Call, after_bridge, after_briefing, check, run};
use super::world::{caller, setup};
use crate::base::card::NOT_KEPT;
use crate::base::consent::ConsentMode;
use crate::base::ids::LegId;
use crate::base::moment::Moment;
use crate::call::command::Command;
use crate::call::event::{Event, LegEnd};
use crate::call::{Output, Session};

const WANTED: (&str, &str) = ("say I want to talk to an agent", "transfer_start music");
const RUNG: [(&str, &str); 2] = [WANTED, ("agent anna", "ring:anna")];

#[test]
fn recording_can_be_refused_whoever_the_caller_talks_with() {
    let words = ("say please don't record this", "record:Stop recording_stopped");
    let keys = [("key *", ""), ("key 7", "record:Stop recording_stopped")];
    check(&[WANTED, ("all_busy", "queue_wait"), words]);
    check(&[&RUNG[..], &[words]].concat());
    check(&[&RUNG[..], &keys].concat());
    after_briefing(&[words]);
    after_briefing(&keys);
    // The machine does not talk into a conversation unasked.
    after_bridge(&[("say please don't record this", "record:Stop")]);
    after_bridge(&keys);
    // While digits are collected a star alone is a person, a moment later.
    let asked = ("say Where is my order?", "ask_order_number");
    let kept = [("key *", ""), ("key 7", "record:Stop recording_stopped")];
    let still = [("heard", ""), ("wait 1600", "")];
    check(&[&[asked], &kept[..], &still].concat());
    let silent = [("heard", ""), ("wait 1600", "transfer_start music")];
    check(&[&[asked, ("key *", "")], &silent[..]].concat());
    check(&[asked, ("key *", ""), ("key 4", "transfer_start music")]);
    check(&[asked, ("key *", ""), ("say four two", "transfer_start music")]);
}

#[test]
fn card_numbers_are_kept_from_a_conversation_too() {
    let card = ("say my card is 4111 1111 1111 1111", "record:Pause forget");
    let more = [("say and it runs until then", "record:Resume")];
    for before in [&[WANTED][..], &RUNG, &BRIEFED] {
        check(&[before, &[card, ("say oh five two seven", "")], &more].concat());
    }
    after_bridge(&[&[card, ("say oh five two seven", "")], &more[..]].concat());
    // What the agent paused, the agent resumes.
    after_bridge(&[
        ("page pause", "record:Pause"),
        card,
        ("say thank you very much", ""),
        ("page record", "record:Resume"),
    ]);
}

/// Words so far are shown before it is known what they become.
#[test]
fn words_so_far_show_no_card_number() {
    let mut call = Call::begin(ConsentMode::Notice);
    call.heard_all();
    let shown = call.session.shown_so_far("order 42 17, and my name");
    assert_eq!(shown, "order 42 17, and my name");
    assert_eq!(call.session.shown_so_far("it is 4111 1111 1"), "it is •••• •••• •");
    call.step("say my card number is 4111 1111 1111 1111");
    assert_eq!(call.session.shown_so_far("expires"), crate::base::card::NOT_KEPT);
}

#[test]
fn a_card_number_in_pieces_is_forgotten_from_its_first_words_on() {
    let mut call = Call::begin(ConsentMode::Notice);
    call.heard_all();
    let joined = [("agent_key 1", "connected JOIN"), ("heard", "")];
    run(&mut call, &[&BRIEFED[..], &joined].concat());
    run(
        &mut call,
        &[
            ("say it is about my bill", ""),
            ("wait 1000", ""),
            ("say the card is 4111", ""),
            ("wait 1000", ""),
            ("say one one one one one one", ""),
            ("wait 1000", ""),
            ("say one one one one one one", "record:Pause forget"),
        ],
    );
    let lines = &call.session.history.lines;
    let said: Vec<&str> =
        lines.iter().rev().take(4).map(|line| line.text.reveal().as_str()).collect();
    assert_eq!(said, [NOT_KEPT, NOT_KEPT, NOT_KEPT, "it is about my bill"]);
    let slots = &call.session.history.slots;
    assert!(slots.iter().all(|slot| !slot.value.reveal().contains("111")), "{slots:?}");
}

#[test]
fn danger_is_answered_wherever_it_is_heard() {
    let fire = ("say there is a fire in my house", "danger");
    check(&[WANTED, ("all_busy", "queue_wait"), fire]);
    check(&[&RUNG[..], &[fire, ("say there is a fire in my house", "")]].concat());
    after_briefing(&[fire]);
}

#[test]
fn words_that_work_everywhere_work_while_waiting() {
    let queued = [WANTED, ("all_busy", "queue_wait")];
    check(&[&queued[..], &[("say could you repeat that", "transfer_start")]].concat());
    check(&[&queued[..], &[("say please speak slower", "transfer_start")]].concat());
    check(
        &[&queued[..], &[("say goodbye", "goodbye_waiting"), ("agent anna", "ring:anna")]].concat(),
    );
    check(&[&queued[..], &[("say go back please", "all_failed")]].concat());
    check(&[&queued[..], &[("say wait a moment", "")]].concat());
    // Also in a turn that raises the priority.
    let mut call = Call::begin(ConsentMode::Notice);
    call.heard_all();
    run(&mut call, &queued);
    call.step("say this is ridiculous, I was charged twice");
    let told = call.step("say this is terrible, please don't record this");
    assert_eq!(told, "record:Stop recording_stopped");
}

#[test]
fn a_caller_whose_line_broke_is_called_back_by_one_key() {
    let lost = ("caller_lost", "@caller_lost_to_agent");
    let wrap_up = [
        ("agent_key 1", "result:solved free:anna:Served @wrap_up_thanks"),
        ("heard", "drop_agent"),
        ("agent_gone", ""),
        ("wait 3000", "END:transferred"),
    ];
    let called = [lost, ("agent_key 5", "call_back")];
    let back = [("caller_answers", "connected JOIN"), ("heard", "")];
    let ended = [("caller_ends", "record:Stop @wrap_up_menu")];
    after_bridge(&[&called[..], &back, &ended, &wrap_up].concat());
    // Twice is no harm.
    after_bridge(&[&called[..], &back, &called, &back, &ended, &wrap_up].concat());
    let failed = [("caller_fails", "hang_up record:Stop @wrap_up_menu")];
    after_bridge(&[&called[..], &failed, &wrap_up].concat());
    after_bridge(&[&[lost, ("wait 30001", "record:Stop @wrap_up_menu")], &wrap_up[..]].concat());
    // The agent hangs up instead; a late answer of the caller's phone is hung up.
    after_bridge(
        &[
            &called[..],
            &[
                ("agent_ends", "hang_up free:anna:Served record:Stop"),
                ("caller_answers", "hang_up"),
            ],
        ]
        .concat(),
    );
    // Who hung up is not called back.
    after_bridge(&[("caller_ends", "record:Stop @wrap_up_menu")]);
}

#[test]
fn a_bridge_without_sound_goes_to_the_next_agent() {
    let rung = [&RUNG[..], &[("answers_silent", "music @briefing @agent_menu"), ("heard", "")]];
    let accepted = [("agent_key 1", "connected JOIN")];
    let unproved = [("wait 1001", "drop_agent free:anna:Failed music"), ("agent ben", "ring:ben")];
    check(&[&rung.concat()[..], &accepted, &unproved].concat());
    check(&[&rung.concat()[..], &accepted, &[("agent_seen", ""), ("wait 1001", "")]].concat());
}

#[test]
fn patience_has_an_end() {
    let mut script = vec![WANTED];
    let names = ["agent a", "agent b", "agent c", "agent d", "agent e"];
    let rings = ["ring:a", "ring:b", "ring:c", "ring:d", "ring:e"];
    let frees = ["a", "b", "c", "d", "e"].map(|name| format!("free:{name}:Busy music"));
    for (place, free) in frees.iter().enumerate() {
        script.push((names[place], rings[place]));
        script.push(("fails busy", free));
    }
    let last = script.len() - 1;
    let gave_up = format!("{} gave_up all_failed", frees[4]);
    script[last].1 = &gave_up;
    check(&script);
    check(&[WANTED, ("all_busy", "queue_wait"), ("wait 300001", "gave_up all_failed")]);
    check(&[WANTED, ("queue_full", "nobody_available"), ("heard", "hang_up")]);
    check(&[WANTED, ("closed", "closed"), ("heard", "hang_up")]);
}

/// Hanging up in every state ends the call, frees whoever was claimed, and says how it went.
#[test]
fn the_caller_may_hang_up_in_every_state() {
    let asked = ("say Where is my order?", "ask_order_number");
    let given = ("say four two one seven", "read_back_order_number");
    let talking = [("agent_key 1", "connected JOIN"), ("heard", "")];
    let stop = "record:Stop";
    let gone = "record:Stop free:anna:Withdrawn @agent_caller_left";
    let end = |how: &'static str| ("wait 3000", how);
    let queued = [WANTED, ("all_busy", "queue_wait"), ("position 2", "queue_position")];
    let dialogue = "END:abandoned_in_dialogue";
    for (before, left, how) in [
        (&[][..], stop, "END:abandoned_early"),
        (&[asked], stop, dialogue),
        (&[asked, ("key 4", "")], stop, dialogue),
        (&[asked, given], stop, dialogue),
        (&[asked, given, ("say yes", "one_second look:order")], stop, dialogue),
        (&[WANTED], stop, "END:abandoned_in_queue"),
        (&queued, stop, "END:abandoned_in_queue"),
    ] {
        check(&[before, &[("caller_ends", left), end(how)]].concat());
    }
    // Proving: the agent is told, and free.
    let mut call = Call::begin(ConsentMode::Notice);
    call.heard_all();
    run(&mut call, &[&RUNG[..], &[("answers_silent", "music @briefing @agent_menu")]].concat());
    run(&mut call, &[("agent_key 1", "connected JOIN"), ("caller_ends", gone)]);
    run(&mut call, &[("heard", "drop_agent"), ("agent_gone", ""), end("END:abandoned_in_queue")]);
    // Held, and waiting for an agent who was lost.
    let held = [("agent_holds", "music"), ("caller_ends", "record:Stop @wrap_up_menu")];
    after_briefing(&[&talking[..], &held].concat());
    let lost = ("agent_lost", "one_moment music ring:anna");
    let left = ("caller_ends", "record:Stop drop_agent free:anna:Served");
    after_briefing(
        &[&talking[..], &[lost, left, ("agent_gone", ""), end("END:transferred")]].concat(),
    );
}

#[test]
fn a_caller_who_cancels_before_the_answer_has_called() {
    let mut session = Session::new(setup(ConsentMode::Notice));
    session.handle_event(Moment::ZERO, Event::Arrived { caller: Box::new(caller()) });
    let end = Event::LegEnded { leg: LegId::CALLER, end: LegEnd::Cancelled };
    session.handle_event(Moment(500), end);
    session.handle_timeout(Moment(4_000));
    let mut ended = None;
    while let Output::Command(command) = session.poll_output() {
        if let Command::End { disposition } = command {
            ended = Some(disposition.name());
        }
    }
    assert_eq!(ended, Some("cancelled"));
}
