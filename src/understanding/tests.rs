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
    println!("intents: {:.1} % of {all}", share * 100.0);
    assert!(share >= 0.95, "{share} right; wrong:\n{}", wrong.join("\n"));
}
