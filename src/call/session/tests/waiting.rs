//! How the ear listens while the caller waits for a person, and before and after.

use super::scripts::{BRIEFED, Call, run};
use crate::base::consent::ConsentMode;
use crate::base::listen::ListenMode::{self, Conversation, Turn, Waiting};

/// A call that has come to its first question.
fn asked() -> Call {
    let mut call = Call::begin(ConsentMode::Notice);
    call.heard_all();
    call.listens.clear();
    call
}

/// Plays a script; the ways in which the caller was to be listened to meanwhile.
fn listens(call: &mut Call, script: &[(&str, &str)]) -> Vec<ListenMode> {
    run(call, script);
    std::mem::take(&mut call.listens)
}

#[test]
fn who_waits_is_asked_nothing_and_heard_in_whole_sentences() {
    let mut call = asked();
    let wanted = [("say I want to talk to an agent", "transfer_start music")];
    assert_eq!(listens(&mut call, &wanted), [Waiting]);
    // Words in the queue, while it rings and during the briefing leave it so.
    let waits = [
        ("all_busy", "queue_wait"),
        ("say my name is Ada and I live in Boston", ""),
        ("agent anna", "ring:anna"),
        ("say please don't record this", "record:Stop recording_stopped"),
        ("answers", "music @briefing @agent_menu"),
        ("say the parcel was brown", ""),
    ];
    assert_eq!(listens(&mut call, &waits), [Waiting; 3]);
    let joined = [("heard", ""), ("agent_key 1", "connected JOIN")];
    assert_eq!(listens(&mut call, &joined), [Conversation]);
    let lost = [
        ("heard", ""),
        ("agent_lost", "one_moment music ring:anna"),
        ("say hello are you there", ""),
    ];
    assert_eq!(listens(&mut call, &lost), [Waiting; 2]);
}

#[test]
fn who_chooses_the_machine_is_asked_again_and_heard_in_turns() {
    let mut call = asked();
    let script =
        [("say I want to talk to an agent", "transfer_start music"), ("all_busy", "queue_wait")];
    assert_eq!(listens(&mut call, &script), [Waiting]);
    call.step("say let the machine do it");
    assert_eq!(call.listens.last(), Some(&Turn), "{:?}", call.listens);
}

#[test]
fn a_declined_offer_leaves_the_caller_waiting() {
    let mut call = asked();
    let declined =
        [("agent_key 2", "drop_agent free:anna:Declined music"), ("agent ben", "ring:ben")];
    let listened = listens(&mut call, &[&BRIEFED[..], &declined].concat());
    assert!(listened.iter().all(|mode| *mode == Waiting), "{listened:?}");
}
