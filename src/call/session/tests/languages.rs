//! In which language a caller is spoken to and heard: the recogniser's order carries it.

use std::path::Path;

use super::scripts::{Call, run};
use super::world::{caller, setup};
use crate::base::caller::CallerInfo;
use crate::base::consent::ConsentMode;
use crate::base::language::Language;
use crate::call::SessionSetup;
use crate::config::Problems;
use crate::knowledge::Knowledge;
use crate::policy;
use crate::understanding::{self, Understander};

/// A call that begins in `code`, its greeting heard.
fn begun_in(code: &str) -> Call {
    let language = Language::new(code).expect("a code");
    let caller = CallerInfo { language, ..caller() };
    let mut call = Call::begin_with(setup(ConsentMode::Notice), caller);
    call.heard_all();
    call
}

/// Whether the caller is spoken to and heard in `code`.
fn is_in(call: &Call, code: &str) -> bool {
    let last = call.spoken.last();
    call.language.code() == code && last.is_some_and(|said| said.language.code() == code)
}

fn shown(call: &Call) -> String {
    format!("heard in {}, told {:?}", call.language, call.spoken.last())
}

#[test]
fn a_call_is_spoken_and_heard_in_the_language_that_it_begins_in() {
    for code in ["en", "zh"] {
        let call = begun_in(code);
        assert!(is_in(&call, code), "{code}: {}", shown(&call));
    }
}

#[test]
fn the_ear_follows_the_language_that_the_caller_chooses() {
    let mut call = begun_in("en");
    for (choice, code) in [("key 2", "zh"), ("say 英文", "en"), ("say Chinese please", "zh")] {
        call.step(choice);
        assert!(is_in(&call, code), "{choice}: {}", shown(&call));
        call.heard_all();
    }
    // It stays so for the rest: a question, its answer, and the way to a person.
    run(&mut call, &[("say 你们几点开门", "answer_opening_hours anything_else"), ("heard", "")]);
    assert!(is_in(&call, "zh"));
    run(&mut call, &[("say 转人工", "transfer_start music")]);
    assert!(is_in(&call, "zh"));
    run(&mut call, &[("agent anna", "ring:anna"), ("answers", "music @briefing @agent_menu")]);
    assert_eq!(call.language.code(), "zh", "also while an agent is briefed");
}

/// German, which is not shipped: folders that lie beside the tests, in a copy.
fn german() -> SessionSetup {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tongues");
    let mut problems = Problems::new();
    let policy = policy::Tables::load(&root.join("policy"), &mut problems);
    let knowledge = Knowledge::load(&root.join("knowledge"), &mut problems);
    let words = understanding::Tables::load(&root.join("understanding"), &mut problems);
    assert!(problems.is_empty(), "{problems}");
    SessionSetup {
        policy: policy.into(),
        knowledge: knowledge.into(),
        understander: Understander::new(words.into()),
        ..setup(ConsentMode::Notice)
    }
}

#[test]
fn a_language_that_is_only_a_folder_serves_a_whole_call() {
    let language = Language::new("de").expect("a code");
    let caller = CallerInfo { language, ..caller() };
    let mut call = Call::begin_with(german(), caller);
    call.heard_all();
    run(
        &mut call,
        &[
            ("say Wann haben Sie geöffnet?", "answer_opening_hours anything_else"),
            ("heard", ""),
            ("say Und wo bleibt mein Paket?", "ask_order_number"),
            ("heard", ""),
            ("say vier zwei eins sieben", "read_back_order_number"),
            ("heard", ""),
            ("say Ja, genau.", "one_second look:order"),
            ("heard", ""),
            ("reply", "ask_proof_postcode"),
            ("say eins zwei drei vier fünf", "answer_order_status anything_else"),
            ("heard", ""),
            ("say Ich möchte mit einem Menschen sprechen.", "transfer_start music"),
        ],
    );
    let told: Vec<&str> = call.spoken.iter().map(|said| said.text.as_str()).collect();
    let all = told.join(" ");
    for part in [
        "Willkommen bei Northwind.",
        "von neun bis achtzehn Uhr",
        "Wie ist Ihre Bestellnummer?",
        "Bestellung <digits>4217</digits>. Ist das richtig?",
        "ist unterwegs",
        "Ich verbinde Sie mit einem Menschen",
    ] {
        assert!(all.contains(part), "{part:?} is not in {told:#?}");
    }
    assert!(call.spoken.iter().all(|said| said.language.code() == "de"), "{told:#?}");
    assert!(is_in(&call, "de"));
}

#[test]
fn a_caller_chooses_the_added_language_by_name_and_key() {
    for choice in ["key 3", "say Deutsch, bitte", "say Sprechen Sie Deutsch?"] {
        let mut call = Call::begin_with(german(), caller());
        call.heard_all();
        call.step(choice);
        assert!(is_in(&call, "de"), "{choice}: {}", shown(&call));
    }
}
