//! Scripted callers, calm and stressed: mood, pace and turns of each, what is heard of them, and
//! how well a score keeps them apart.

use warmline::base::language::Language;
use warmline::base::moment::Moment;
use warmline::base::utterance::Utterance;
use warmline::understanding::outcome::{Expecting, Stress};
use warmline::understanding::{Memory, Understander};

pub struct Caller {
    pub stressed: bool,
    /// Words; of Mandarin callers characters.
    pub per_minute: u64,
    pub language: Language,
    pub turns: Vec<&'static str>,
}

pub fn english() -> Vec<Caller> {
    read(include_str!("stress_en.tsv"), Language::english())
}

pub fn mandarin() -> Vec<Caller> {
    read(include_str!("stress_zh.tsv"), Language::mandarin())
}

fn read(file: &'static str, language: Language) -> Vec<Caller> {
    let lines = file.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            let [mood, rate, turns] = fields.as_slice() else { panic!("three fields: {line}") };
            Caller {
                stressed: *mood == "stressed",
                per_minute: rate.parse().expect("words a minute"),
                language: language.clone(),
                turns: turns.split(" | ").collect(),
            }
        })
        .collect()
}

impl Caller {
    /// The stress of each turn, four a minute.
    pub fn heard_by(&self, understander: &Understander) -> Vec<Stress> {
        let turns: Vec<(&str, u64)> =
            self.turns.iter().map(|text| (*text, self.per_minute)).collect();
        stress_of(understander, &self.language, &turns)
    }
}

/// The stress of each turn of one caller: its text, and how many words (of Mandarin: characters)
/// a minute it is said with.
pub fn stress_of(
    understander: &Understander,
    language: &Language,
    turns: &[(&str, u64)],
) -> Vec<Stress> {
    let mut memory = Memory::new(jiff::civil::date(2026, 11, 21));
    let turns = turns.iter().enumerate().map(|(place, (text, per_minute))| {
        let count = match *language == Language::mandarin() {
            true => text.chars().count(),
            false => text.split(' ').count(),
        };
        let voiced_ms = count as u64 * 60_000 / per_minute;
        let mut turn = Utterance::typed(text, Moment(place as u64 * 15_000), voiced_ms);
        turn.language = language.clone();
        understander.understand(&turn, &mut memory, &Expecting::Anything).stress
    });
    turns.collect()
}

/// The chance that a stressed caller (`true`) scores above a calm one.
pub fn area(list: &[(bool, f32)]) -> f32 {
    let (mut won, mut all) = (0.0_f32, 0.0_f32);
    for (_, stressed) in list.iter().filter(|one| one.0) {
        for (_, calm) in list.iter().filter(|one| !one.0) {
            all += 1.0;
            won += match stressed.total_cmp(calm) {
                std::cmp::Ordering::Greater => 1.0,
                std::cmp::Ordering::Equal => 0.5,
                std::cmp::Ordering::Less => 0.0,
            };
        }
    }
    won / all.max(1.0)
}
