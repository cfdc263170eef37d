//! Whole sentences against what they mean: sets written by others than the tables' authors lie
//! as data in `sentences/`. Every other sentence is blind: it was never looked at.

use std::collections::BTreeMap;
use std::path::Path;

use warmline::base::moment::Moment;
use warmline::base::utterance::Utterance;
use warmline::config::Problems;
use warmline::understanding::outcome::{CallerCommand, Expecting, Understanding};
use warmline::understanding::{Memory, Tables, Understander};

/// What the caller gets: an emergency first, a person where one is asked for, then the intent.
fn outcome(heard: &Understanding) -> String {
    let safety = heard.urgent.iter().any(|hit| hit.group == "safety");
    if heard.danger.is_some() || safety {
        return "emergency".into();
    }
    if heard.command == Some(CallerCommand::Person) {
        return "talk_to_person".into();
    }
    heard.intent.as_ref().map_or("out_of_scope".into(), |found| found.intent.to_string())
}

/// The author's labels under the tables' names; more than one is right where the tables part
/// what the author does not.
fn known_as(label: &str) -> Vec<&str> {
    match label {
        "appointment_book" => vec!["book_appointment"],
        "appointment_change" => vec!["change_appointment", "cancel_appointment"],
        "human" => vec!["talk_to_person"],
        "price" => vec!["price_question"],
        "refund" => vec!["refund_request", "refund_dispute"],
        "reset_password" => vec!["password_reset"],
        "stolen_card" => vec!["card_stolen"],
        "technical_support" => vec!["technical_problem"],
        "change_order" => vec!["change_order", "change_address"],
        "complaint" => vec!["complaint", "legal_threat"],
        other => vec![other],
    }
}

#[derive(Default)]
struct Row {
    all: u32,
    right: u32,
    others: BTreeMap<String, u32>,
}

fn measure(blind: bool) -> f32 {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut problems = Problems::new();
    let tables = Tables::load(&root.join("src/understanding/tables"), &mut problems);
    assert!(problems.is_empty(), "{problems}");
    let understander = Understander::new(tables.trained().into());
    let file = std::fs::read_to_string(root.join("tests/sentences/demo_en.tsv")).expect("the set");
    let mut rows: BTreeMap<&str, Row> = BTreeMap::new();
    let cases = file.lines().filter(|line| !line.starts_with('#')).enumerate();
    for (number, line) in cases.filter(|(number, _)| (number % 2 == 1) == blind) {
        let (label, text) = line.split_once('\t').expect("label, tab, sentence");
        let utterance = Utterance::typed(text, Moment(1_000), 1_500);
        let mut memory = Memory::new(jiff::civil::date(2026, 11, 21));
        let heard = understander.understand(&utterance, &mut memory, &Expecting::Anything);
        let found = outcome(&heard);
        let row = rows.entry(label).or_default();
        row.all += 1;
        if known_as(label).contains(&found.as_str()) {
            row.right += 1;
            continue;
        }
        // The blind half stays blind: its sentences are never printed.
        if !blind {
            println!("{number}: {label} ← {found}: {text}  {:?}", heard.intent);
        }
        *row.others.entry(found).or_default() += 1;
    }
    for (label, row) in &rows {
        println!("{label:22} {:3} of {:3}  {:?}", row.right, row.all, row.others);
    }
    let (right, all) = rows.values().fold((0, 0), |sum, row| (sum.0 + row.right, sum.1 + row.all));
    println!("{} half: {right} of {all}", if blind { "blind" } else { "known" });
    right as f32 / all as f32
}

#[test]
fn the_known_half_finds_its_intents() {
    assert!(measure(false) > 0.5);
}

#[test]
fn the_blind_half_finds_its_intents() {
    assert!(measure(true) > 0.5);
}
