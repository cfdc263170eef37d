//! The sets of sentences with their intents: Banking77 and CLINC150 beside the project, the demo's
//! own in `tests/sentences`.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use warmline::understanding::classifier::Example;
use warmline::understanding::outcome::{CallerCommand, Understanding};

/// Every so many-eth sentence of Banking77 is held out.
const HELD_OUT: usize = 10;

/// The intent (none: out of scope) and the sentence.
pub type Sentence = (Option<String>, String);

/// What is learned from, and what is judged by.
pub struct Split {
    pub train: Vec<Sentence>,
    pub test: Vec<Sentence>,
}

pub fn words(text: &str) -> Vec<String> {
    let lower = text.to_lowercase().replace(['\'', '’'], "");
    let parts = lower.split(|sign: char| !sign.is_alphanumeric());
    parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

pub fn examples(list: &[Sentence]) -> Vec<Example> {
    list.iter()
        .zip(0..)
        .map(|((intent, text), group)| Example {
            intent: intent.clone(),
            words: words(text),
            text: text.clone(),
            group,
        })
        .collect()
}

/// Banking77's `train.csv`, our own tenth held out.
pub fn banking(file: &Path) -> Option<Split> {
    let text = fs::read_to_string(file).ok()?;
    let all: Vec<Sentence> = csv_rows(&text)
        .into_iter()
        .skip(1)
        .filter_map(|(text, label)| Some((Some(label?), text)))
        .collect();
    let part = |held: bool| -> Vec<Sentence> {
        let rows = all.iter().enumerate();
        let wanted = rows.filter(|(number, _)| (number % HELD_OUT == 7) == held);
        wanted.map(|(_, row)| row.clone()).collect()
    };
    Some(Split { train: part(false), test: part(true) })
}

/// CLINC150: train and oos_train, judged by val and oos_val.
pub fn clinc(file: &Path) -> Option<Split> {
    let text = fs::read_to_string(file).ok()?;
    let json: HashMap<String, Vec<(String, String)>> = serde_json::from_str(&text).ok()?;
    let list = |names: [&str; 2]| -> Vec<Sentence> {
        let rows = names.iter().filter_map(|name| json.get(*name)).flatten();
        let scoped = |label: &String| Some(label.clone()).filter(|label| label != "oos");
        rows.map(|(text, label)| (scoped(label), text.clone())).collect()
    };
    Some(Split { train: list(["train", "oos_train"]), test: list(["val", "oos_val"]) })
}

/// The demo's sentences: label and text.
pub fn demo() -> Vec<(String, String)> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sentences/demo_en.tsv");
    let text = fs::read_to_string(file).unwrap_or_default();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.split_once('\t'))
        .map(|(label, text)| (label.to_owned(), text.to_owned()))
        .collect()
}

/// What the caller gets: an emergency first, a person where one is asked for, then the intent.
pub fn outcome(heard: &Understanding) -> String {
    let safety = heard.urgent.iter().any(|hit| hit.group == "safety");
    if heard.danger.is_some() || safety {
        return "emergency".into();
    }
    if heard.command == Some(CallerCommand::Person) {
        return "talk_to_person".into();
    }
    heard.intent.as_ref().map_or("out_of_scope".into(), |found| found.intent.to_string())
}

/// The author's labels under the tables' names.
pub fn known_as(label: &str) -> Vec<&str> {
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

/// Rows of two columns; quoted fields may hold commas, quotes and line ends.
fn csv_rows(text: &str) -> Vec<(String, Option<String>)> {
    let (mut rows, mut fields, mut field) = (Vec::new(), Vec::new(), String::new());
    let mut quoted = false;
    for sign in text.chars() {
        match sign {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(std::mem::take(&mut field)),
            '\n' if !quoted => {
                fields.push(std::mem::take(&mut field));
                let mut row = std::mem::take(&mut fields).into_iter();
                rows.push((row.next().unwrap_or_default(), row.next()));
            }
            '\r' => {}
            _ => field.push(sign),
        }
    }
    rows
}
