//! Whole sentences against what they mean; the cases lie as data in `cases/`.

use super::*;
use crate::base::moment::Moment;

const TODAY: jiff::civil::Date = jiff::civil::date(2026, 11, 21);

fn understander() -> Understander {
    Understander::new(Tables::embedded())
}

fn hear(text: &str, expecting: &Expecting) -> Understanding {
    let utterance = Utterance::typed(text, Moment(1_000), 1_500);
    understander().understand(&utterance, &mut Memory::new(TODAY), expecting)
}

/// Lines of a case file: fields between bars, comments after `#` at the begin of a line.
fn cases(text: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    text.lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
        .map(|line| line.split('|').map(str::trim).collect())
}

#[test]
fn new_sentences_find_their_intents() {
    let (mut all, mut wrong) = (0, Vec::new());
    for case in cases(include_str!("cases/intents_new.txt")) {
        let (wanted, text) = (case[0], case[1]);
        let found = hear(text, &Expecting::Anything);
        let name = found.intent.as_ref().map_or("none", |one| one.intent.as_str());
        all += 1;
        if name != wanted {
            wrong.push(format!("{wanted} ← {name}: {text}  {:?}", found.intent));
        }
    }
    let share = 1.0 - wrong.len() as f32 / all as f32;
    println!("intents: {:.1} % of {all}; wrong:\n{}", share * 100.0, wrong.join("\n"));
    assert!(share >= 0.95, "{share} right; wrong:\n{}", wrong.join("\n"));
}

#[test]
fn new_mandarin_sentences_find_their_intents() {
    let mut wrong = Vec::new();
    let all: Vec<_> = cases(include_str!("cases/intents_zh.txt")).collect();
    for case in &all {
        let found = hear(case[1], &Expecting::Anything);
        let name = found.intent.as_ref().map_or("none", |one| one.intent.as_str());
        if name != case[0] {
            wrong.push(format!("{} ← {name}: {}  {:?}", case[0], case[1], found.intent));
        }
    }
    let share = 1.0 - wrong.len() as f32 / all.len() as f32;
    println!("Mandarin intents: {:.1} % of {}", share * 100.0, all.len());
    assert!(share >= 0.95, "{share} right; wrong:\n{}", wrong.join("\n"));
}

fn expecting(text: &str) -> Expecting {
    match text {
        "any" => Expecting::Anything,
        "yesno" => Expecting::YesNo,
        "digits" => Expecting::Digits { min: 4, max: 4 },
        "code" => Expecting::Code { slot: "postcode".into(), signs: 5 },
        _ => Expecting::Slot(text.strip_prefix("slot:").expect("slot:NAME").to_owned()),
    }
}

/// Runs every case and fails with all that went wrong.
fn check_all(text: &'static str, check: impl Fn(&[&'static str]) -> Result<(), String>) {
    let wrong: Vec<String> = cases(text)
        .filter_map(|case| check(&case).err().map(|found| format!("{case:?} gave {found}")))
        .collect();
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

fn same(found: String, wanted: &str) -> Result<(), String> {
    if found == wanted { Ok(()) } else { Err(found) }
}

#[test]
fn commands_are_heard_and_only_where_meant() {
    check_all(include_str!("cases/commands.txt"), |case| {
        let found = hear(case[2], &expecting(case[1])).command;
        let name = found.map_or("none".to_owned(), |command| {
            serde_json::to_string(&command).unwrap_or_default().trim_matches('"').to_owned()
        });
        same(name, case[0])
    });
}

#[test]
fn slots_are_normalised() {
    check_all(include_str!("cases/slots.txt"), |case| {
        let slots = hear(case[1], &expecting(case[0])).slots;
        let list: Vec<_> =
            slots.iter().map(|slot| format!("{}={}", slot.name, slot.value.reveal())).collect();
        same(list.join("; "), case[2])
    });
}

#[test]
fn slots_keep_the_words_that_they_came_from() {
    let found = hear("My order number is double four, one seven okay?", &Expecting::Anything);
    let slot = found.slots.first().expect("a slot");
    assert_eq!(slot.value.reveal(), "4417");
    assert_eq!(slot.source.reveal(), "double four, one seven");
}

#[test]
fn danger_and_urgent_matters_ring_and_only_they() {
    check_all(include_str!("cases/alarms.txt"), |case| {
        let found = hear(case[2], &Expecting::Anything);
        let danger = found.danger.as_ref().map_or("-", |hit| hit.group.as_str());
        let urgent: Vec<_> = found.urgent.iter().map(|hit| hit.group.as_str()).collect();
        let right = match case[1] {
            "?" => true,
            "-" => urgent.is_empty(),
            group => urgent.contains(&group),
        };
        if danger == case[0] && right {
            Ok(())
        } else {
            Err(format!("{:?} {:?}", found.danger, found.urgent))
        }
    });
}

#[test]
fn negative_words_are_counted_with_their_negations() {
    check_all(include_str!("cases/tone.txt"), |case| {
        let found = hear(case[1], &Expecting::Anything).negative;
        if found.len().to_string() == case[0] { Ok(()) } else { Err(format!("{found:?}")) }
    });
}

#[test]
fn completeness_tells_the_end_of_a_turn() {
    check_all(include_str!("cases/completeness.txt"), |case| {
        let english = Language::english();
        if case[1] == "waiting" {
            let found = understander().completeness_waiting(case[2], &english);
            return same(format!("{found:?}").to_lowercase(), case[0]);
        }
        let found = understander().completeness(case[2], &english, &expecting(case[1]));
        let ranked = hear(case[2], &expecting(case[1]));
        let why = || format!("{found:?} {:?} {:?}", ranked.intent, ranked.runner_up);
        if format!("{found:?}").to_lowercase() == case[0] { Ok(()) } else { Err(why()) }
    });
}

#[test]
fn the_rest_of_a_sentence_that_was_answered_already_belongs_to_it() {
    let intent = |after_ms: u64, rest: &str, expecting: &Expecting| {
        let mut memory = Memory::new(TODAY);
        let first = Utterance::typed("What are your opening hours?", Moment(1_000), 1_500);
        understander().understand(&first, &mut memory, &Expecting::Anything);
        let rest = Utterance::typed(rest, Moment(2_500 + after_ms), 600);
        let heard = understander().understand(&rest, &mut memory, expecting);
        heard.intent.map(|found| found.intent.as_str().to_owned())
    };
    let hours = Some("opening_hours".to_owned());
    assert_eq!(intent(400, "On the weekend, I mean.", &Expecting::Anything), hours);
    assert_ne!(intent(900, "On the weekend, I mean.", &Expecting::Anything), hours);
    assert_ne!(intent(400, "On the weekend, I mean.", &Expecting::YesNo), hours);
    // What has a meaning of its own keeps it.
    let order = Some("order_status".to_owned());
    assert_eq!(intent(400, "And where is my order?", &Expecting::Anything), order);
    assert_eq!(intent(400, "No.", &Expecting::Anything), None);
}

#[test]
fn the_language_is_recognised() {
    for (text, usual, expected) in [
        ("我想查订单", "en", "zh"),
        ("What is the time?", "zh", "en"),
        ("OK", "zh", "zh"),
        ("", "en", "en"),
        ("我要 return 一个 order", "en", "zh"),
    ] {
        let usual = Language::new(usual).expect("a code");
        let found = language_guess::guess(&Tables::embedded(), text, &usual);
        assert_eq!(found.code(), expected, "{text}");
    }
}

#[test]
fn a_card_number_is_seen_in_one_turn_or_over_several() {
    let card = "four one one one, one one one one, one one one one, one one one one";
    assert!(hear(card, &Expecting::Anything).card_number);
    assert!(!hear("order four one one one", &Expecting::Anything).card_number);
    let mut memory = Memory::new(TODAY);
    let mut at = 0;
    let mut say = |text: &str| {
        let utterance = Utterance::typed(text, Moment(0), 1_500);
        at += 1_000;
        let utterance = Utterance { began: Moment(at), ..utterance };
        understander().understand(&utterance, &mut memory, &Expecting::Anything).card_began
    };
    // What a sentence ends with may be the beginning of the number; the words between are not.
    let turns = ["it is 99 I think", "my card is 4111", "1 1 1 1", "one one one one one one", "11"];
    assert_eq!(turns.map(&mut say), [None, None, None, None, Some(Moment(2_000))]);
    let turns = ["4111", "wait a moment please", "1 1 1 1", "one one one one", "one one one one"];
    assert_eq!(turns.map(&mut say), [None; 5]);
}

/// By their examples "one nine nine nine" was an emergency and "correct" a change of address.
#[test]
fn a_bare_number_or_answer_is_no_sentence() {
    for text in ["one nine nine nine", "nine nine nine four", "1995", "Correct.", "Yeah.", "No."] {
        let heard = hear(text, &Expecting::Anything);
        assert!(heard.intent.is_none() && heard.runner_up.is_none(), "{text}: {heard:?}");
    }
    let heard = hear("Call nine nine nine now.", &Expecting::Anything);
    assert!(heard.intent.is_some_and(|found| found.intent.as_str() == "emergency"));
}
