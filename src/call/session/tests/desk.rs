//! The agent's page as scripts: accept, steer, ask a colleague in, give back.

use super::scripts::{after_bridge, after_briefing, check};

#[test]
fn the_page_accepts_before_and_after_the_phone() {
    let rung =
        [("say I want to talk to an agent", "transfer_start music"), ("agent anna", "ring:anna")];
    // Accepted while it rings: joined as soon as the phone is answered, without a briefing.
    let accepted = [("page accept", ""), ("answers", "connected JOIN")];
    let stops = check(&[&rung[..], &accepted].concat());
    assert_eq!(stops, 1, "what the caller hears while waiting is cut off");
    let three = ("answers", "connected JOIN three_way @three_way");
    check(&[&rung[..], &[("page three_way_accept", ""), three]].concat());
    check(
        &[&rung[..], &[("late_page accept", ""), ("answers", "music @briefing @agent_menu")]]
            .concat(),
    );
    check(
        &[&rung[..], &[("page decline at lunch", "drop_agent free:anna:Declined music")]].concat(),
    );
    after_briefing(&[("page summary", "@(text) @agent_menu"), ("page accept", "connected JOIN")]);
    after_briefing(&[("page decline", "drop_agent free:anna:Declined music")]);
}

#[test]
fn the_page_steers_the_conversation() {
    after_bridge(&[
        ("page hold", "music"),
        ("page say not now", ""),
        ("page hold", ""),
        ("page resume", "JOIN"),
        ("page mute on", "MUTED"),
        ("page mute off", "JOIN"),
        ("page pause", "record:Pause"),
        ("page record", "record:Resume"),
        ("page say We are open till six.", "(text) @(text)"),
        ("page summary", "@briefing"),
        ("page decline", ""),
        ("page hang_up", "drop_agent"),
        ("agent_gone", "free:anna:Served goodbye"),
    ]);
}

/// An agent who works on the page is not asked by voice how it went.
#[test]
fn the_page_asks_how_it_went() {
    after_briefing(&[
        ("page accept", "connected JOIN"),
        ("heard", ""),
        ("caller_ends", "record:Stop free:anna:Served drop_agent"),
        ("agent_gone", ""),
        ("wait 3000", "END:transferred"),
    ]);
}

#[test]
fn the_machine_takes_the_caller_back() {
    let back = ("page machine", "drop_agent free:anna:Served agent_returned");
    let before = after_bridge(&[back, ("agent_gone", "")]);
    let after = after_bridge(&[
        back,
        ("agent_gone", ""),
        ("say When are you open?", "answer_opening_hours anything_else"),
        ("caller_ends", "record:Stop"),
        ("wait 3000", "END:transferred"),
    ]);
    assert_eq!(after, before + 1, "the caller interrupts what the machine says");
}

#[test]
fn a_colleague_is_asked_in_and_takes_the_caller() {
    let asked = [("page consult ben", ""), ("agent ben", "ring:ben")];
    let talking = [&asked[..], &[("answers", "APART")]].concat();
    after_bridge(
        &[
            &talking[..],
            &[
                ("page swap", "JOIN"),
                ("page mute on", "MUTED"),
                ("page swap", "APART"),
                ("page three_way", "ALL"),
                ("page complete", "free:anna:Served drop_agent connected JOIN"),
                ("caller_ends", "record:Stop @wrap_up_menu"),
            ],
        ]
        .concat(),
    );
    // The agent just hangs up: the colleague has the caller.
    after_bridge(&[&talking[..], &[("first_ends", "free:anna:Served connected JOIN")]].concat());
    // Taken back.
    after_bridge(&[&talking[..], &[("page abort", "drop_agent free:ben:Withdrawn JOIN")]].concat());
    // The colleague hangs up.
    after_bridge(&[&talking[..], &[("agent_ends", "free:ben:Withdrawn JOIN")]].concat());
    // The caller leaves while the two talk.
    after_bridge(
        &[
            &talking[..],
            &[("caller_ends", "record:Stop drop_agent free:ben:Withdrawn @wrap_up_menu")],
        ]
        .concat(),
    );
}

#[test]
fn a_colleague_who_does_not_answer_leaves_the_caller_where_they_are() {
    let asked = [("page consult ben", ""), ("agent ben", "ring:ben")];
    after_bridge(&[("page consult ben", ""), ("all_busy", ""), ("page hold", "music")]);
    after_bridge(&[&asked[..], &[("fails busy", "free:ben:Busy JOIN")]].concat());
    after_bridge(&[&asked[..], &[("wait 15001", "drop_agent free:ben:NoAnswer JOIN")]].concat());
    // Blind: the agent leaves while it rings, and it goes on as any offer does.
    after_bridge(
        &[
            &asked[..],
            &[
                ("page complete", "free:anna:Served drop_agent"),
                ("fails no_answer", "free:ben:NoAnswer music"),
                ("agent cara", "ring:cara"),
            ],
        ]
        .concat(),
    );
}
