//! Reads `slots.toml`: number words, months, currencies, date and time patterns, cues.

use std::collections::HashMap;

use crate::config::Table;
use crate::understanding::correction::CorrectionTables;
use crate::understanding::number::{NumberWord, NumberWords};
use crate::understanding::pattern::Pattern;
use crate::understanding::slots::SlotTables;
use crate::understanding::slots::clock::TimeKind;
use crate::understanding::slots::date::{DateKind, Unit};

use super::read::Reader;

pub(super) fn slots_file(reader: &mut Reader<'_>, table: &Table) -> SlotTables {
    let numbers = numbers(reader, table);
    let small = |reader: &mut Reader<'_>, key: &str, max: i64| -> HashMap<String, i8> {
        let list = whole_numbers(reader, table, key, 1, max);
        list.into_iter().map(|(word, number)| (word, number as i8)).collect()
    };
    let months = small(reader, "months", 12);
    let weekdays = small(reader, "weekdays", 7);
    let dates = dates(reader, table);
    let times = times(reader, table);
    let out = SlotTables {
        numbers,
        months,
        weekdays,
        units: units(reader, table),
        before_noon: table.strings("before_noon", reader.problems),
        after_noon: table.strings("after_noon", reader.problems),
        dates,
        past_words: table.strings("past_words", reader.problems),
        times,
        afternoon_hours: table.integer_in("afternoon_hours", 0..=11, 0, reader.problems) as i8,
        currencies: texts(reader, table, "currencies").into_iter().collect(),
        cents: table.strings("cents", reader.problems),
        tenths: table.bool_or("tenths", false, reader.problems),
        letters: letters(reader, table),
        letter_examples: table
            .strings("letter_examples", reader.problems)
            .iter()
            .map(|text| reader.words.cut(text))
            .collect(),
        cues: named_patterns(reader, table, "cues"),
        departments: named_patterns(reader, table, "departments"),
        correction: CorrectionTables {
            not: reader.patterns(table, "correction_not"),
            becomes: reader.patterns(table, "correction_becomes"),
            first: reader.patterns(table, "correction_first"),
            last: reader.patterns(table, "correction_last"),
        },
    };
    table.finish(reader.problems);
    out
}

fn texts(reader: &mut Reader<'_>, table: &Table, key: &str) -> Vec<(String, String)> {
    let list = table.table(key, reader.problems);
    list.map(|list| list.texts(reader.problems)).unwrap_or_default()
}

fn whole_numbers(
    reader: &mut Reader<'_>,
    table: &Table,
    key: &str,
    min: i64,
    max: i64,
) -> Vec<(String, i64)> {
    let Some(list) = table.table(key, reader.problems) else { return Vec::new() };
    list.keys()
        .into_iter()
        .map(|word| {
            let number = list.integer_in(&word, min..=max, min, reader.problems);
            (word, number)
        })
        .collect()
}

fn numbers(reader: &mut Reader<'_>, table: &Table) -> NumberWords {
    let mut out = NumberWords::default();
    const LARGEST: i64 = 1_000_000_000;
    for (key, min, max) in [
        ("digits", 0, 9),
        ("teens", 10, 19),
        ("tens", 20, 90),
        ("scales", 10, 1_000),
        ("big_scales", 1_000, LARGEST),
        ("ordinals", 1, 100),
        ("repeats", 2, 9),
    ] {
        for (word, number) in whole_numbers(reader, table, key, min, max) {
            let number = number.unsigned_abs();
            let small = u8::try_from(number).unwrap_or(u8::MAX);
            let meaning = match key {
                "digits" => NumberWord::Digit(small),
                "teens" => NumberWord::Teen(number),
                "tens" => NumberWord::Tens(number),
                "scales" => NumberWord::Scale(number),
                "big_scales" => NumberWord::BigScale(number),
                "ordinals" => NumberWord::Ordinal(number),
                _ => NumberWord::Repeat(small),
            };
            out.words.insert(word, meaning);
        }
    }
    for (word, digit) in whole_numbers(reader, table, "homophones", 0, 9) {
        out.homophones.insert(word, digit as u8);
    }
    out.and = table.strings("and", reader.problems).into_iter().collect();
    out.joiners = table.strings("joiners", reader.problems).into_iter().collect();
    out.implied_one = table.bool_or("implied_one", false, reader.problems);
    out
}

fn units(reader: &mut Reader<'_>, table: &Table) -> HashMap<String, Unit> {
    let mut out = HashMap::new();
    for (word, unit) in texts(reader, table, "units") {
        let unit = match unit.as_str() {
            "day" => Unit::Day,
            "week" => Unit::Week,
            "month" => Unit::Month,
            "year" => Unit::Year,
            _ => {
                let expected = "day or week or month or year";
                table.fault("units", format!("{word} = {unit:?}"), expected, reader.problems);
                continue;
            }
        };
        out.insert(word, unit);
    }
    out
}

fn letters(reader: &mut Reader<'_>, table: &Table) -> HashMap<String, char> {
    let mut out = HashMap::new();
    for (word, letter) in texts(reader, table, "letters") {
        let mut signs = letter.chars();
        match (signs.next(), signs.next()) {
            (Some(sign), None) if sign.is_ascii_lowercase() => {
                out.insert(word, sign);
            }
            (_, _) => {
                let found = format!("{word} = {letter:?}");
                table.fault("letters", found, "one letter from a to z", reader.problems);
            }
        }
    }
    out
}

fn named_patterns(
    reader: &mut Reader<'_>,
    table: &Table,
    key: &str,
) -> Vec<(String, Vec<Pattern>)> {
    let Some(list) = table.table(key, reader.problems) else { return Vec::new() };
    list.keys()
        .into_iter()
        .map(|name| {
            let patterns = reader.patterns(&list, &name);
            (name, patterns)
        })
        .collect()
}

fn dates(reader: &mut Reader<'_>, table: &Table) -> Vec<(Pattern, DateKind)> {
    let kinds = [
        ("days", DateKind::Days(0)),
        ("weekday", DateKind::Weekday),
        ("weekday_past", DateKind::WeekdayPast),
        ("weekday_next", DateKind::WeekdayNext),
        ("calendar", DateKind::Calendar),
        ("ahead", DateKind::Ahead),
        ("back", DateKind::Back),
        ("day_of_month", DateKind::DayOfMonth),
    ];
    let mut out = Vec::new();
    for entry in table.tables("dates", reader.problems) {
        let kind = entry.choice("kind", &kinds, DateKind::Days(0), reader.problems);
        let kind = match kind {
            DateKind::Days(_) => {
                DateKind::Days(entry.integer_in("days", -3_650..=3_650, 0, reader.problems))
            }
            other => other,
        };
        let patterns = reader.patterns(&entry, "patterns");
        out.extend(patterns.into_iter().map(|pattern| (pattern, kind)));
        entry.finish(reader.problems);
    }
    out
}

fn times(reader: &mut Reader<'_>, table: &Table) -> Vec<(Pattern, TimeKind)> {
    let kinds = [
        ("clock", TimeKind::Clock),
        ("shifted", TimeKind::Shifted(0)),
        ("past", TimeKind::Past),
        ("to", TimeKind::To),
        ("fixed", TimeKind::Fixed(0)),
    ];
    let mut out = Vec::new();
    for entry in table.tables("times", reader.problems) {
        let kind = entry.choice("kind", &kinds, TimeKind::Clock, reader.problems);
        let minutes = |reader: &mut Reader<'_>, range| {
            entry.integer_in("minutes", range, 0, reader.problems) as i16
        };
        let kind = match kind {
            TimeKind::Shifted(_) => TimeKind::Shifted(minutes(reader, -59..=59)),
            TimeKind::Fixed(_) => TimeKind::Fixed(minutes(reader, 0..=1_439)),
            other => other,
        };
        let patterns = reader.patterns(&entry, "patterns");
        out.extend(patterns.into_iter().map(|pattern| (pattern, kind)));
        entry.finish(reader.problems);
    }
    out
}
