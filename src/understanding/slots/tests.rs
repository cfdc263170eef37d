//! Whatever way a value is said, the same value is read.

use proptest::prelude::*;

use crate::base::moment::Moment;
use crate::base::number_words::{BELOW_TWENTY, TENS};
use crate::base::utterance::Utterance;
use crate::understanding::outcome::Expecting;
use crate::understanding::{Memory, Tables, Understander};

const TODAY: jiff::civil::Date = jiff::civil::date(2026, 11, 21);
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

fn slots(text: &str, expecting: &Expecting) -> Vec<(String, String, String)> {
    let understander = Understander::new(Tables::embedded_rules());
    let mut memory = Memory::new(TODAY);
    let utterance = Utterance::typed(text, Moment(0), 1_500);
    let heard = understander.understand(&utterance, &mut memory, expecting);
    let plain = |slot: &crate::base::card::SlotValue| {
        (slot.name.clone(), slot.value.reveal().clone(), slot.source.reveal().clone())
    };
    heard.slots.iter().map(plain).collect()
}

fn below_hundred(number: usize) -> String {
    match number {
        0..=19 => BELOW_TWENTY[number].to_owned(),
        _ if number.is_multiple_of(10) => TENS[number / 10 - 2].to_owned(),
        _ => format!("{}-{}", TENS[number / 10 - 2], BELOW_TWENTY[number % 10]),
    }
}

/// Says `digits` as people do; `ways` chooses for each piece.
fn say_digits(digits: &str, ways: &[u8]) -> String {
    let list: Vec<usize> = digits.bytes().map(|byte| usize::from(byte - b'0')).collect();
    let mut out: Vec<String> = Vec::new();
    let (mut at, mut ways) = (0, ways.iter().cycle());
    while at < list.len() {
        let way = ways.next().copied().unwrap_or(0);
        let same = |count: usize| {
            at + count <= list.len() && list[at..at + count].iter().all(|one| *one == list[at])
        };
        match way % 5 {
            0 if same(3) => {
                out.push(format!("triple {}", BELOW_TWENTY[list[at]]));
                at += 3;
            }
            0 | 1 if same(2) => {
                out.push(format!("double {}", BELOW_TWENTY[list[at]]));
                at += 2;
            }
            // "Sixty, five" could be 65: a round ten is said as two digits.
            2 if at + 1 < list.len() && list[at] > 0 && (list[at] == 1 || list[at + 1] > 0) => {
                out.push(below_hundred(list[at] * 10 + list[at + 1]));
                at += 2;
            }
            3 if list[at] == 0 => {
                out.push("oh".to_owned());
                at += 1;
            }
            4 => {
                out.push(list[at].to_string());
                at += 1;
            }
            _ => {
                out.push(BELOW_TWENTY[list[at]].to_owned());
                at += 1;
            }
        }
    }
    out.join(" ")
}

/// A word for each letter, as spelling alphabets and children's books have them.
const EXAMPLES: [&str; 26] = [
    "alpha",
    "bravo",
    "Charlie",
    "David",
    "echo",
    "Freddie",
    "golf",
    "hotel",
    "India",
    "Juliet",
    "kilo",
    "lemon",
    "mother",
    "Nora",
    "orange",
    "Peter",
    "queen",
    "Robert",
    "sugar",
    "Tom",
    "uncle",
    "Victor",
    "water",
    "xylophone",
    "yellow",
    "zebra",
];
/// Those that every spelling alphabet has, said alone.
const ALONE: [&str; 26] = [
    "alpha", "bravo", "Charlie", "delta", "echo", "foxtrot", "golf", "hotel", "India", "Juliet",
    "kilo", "Lima", "Mike", "November", "Oscar", "papa", "Quebec", "Romeo", "Sierra", "tango",
    "uniform", "Victor", "whisky", "x-ray", "yankee", "Zulu",
];

/// Spells `code` as people do; `ways` chooses for each sign.
fn spell(code: &str, ways: &[u8]) -> String {
    let list: Vec<char> = code.chars().collect();
    let mut out: Vec<String> = Vec::new();
    let (mut at, mut ways) = (0, ways.iter().cycle());
    while at < list.len() {
        let way = ways.next().copied().unwrap_or(0);
        let sign = list[at];
        let same = list.get(at + 1) == Some(&sign);
        if let Some(digit) = sign.to_digit(10) {
            out.push(BELOW_TWENTY[digit as usize].to_owned());
        } else {
            let place = usize::from(sign as u8 - b'A');
            match (way % 6, sign) {
                (0, _) => out.push(format!("{sign} for {}", EXAMPLES[place])),
                (1, _) => out.push(format!("{sign} as in {}", EXAMPLES[place])),
                (2, _) => out.push(ALONE[place].to_owned()),
                // "Double U" is a W wherever it is said, and a lone "O" a zero.
                (_, 'O') => out.push(format!("O for {}", EXAMPLES[place])),
                (3, sign) if same && sign != 'U' => {
                    out.push(format!("double {sign}"));
                    at += 1;
                }
                (4, 'W') => out.push("double U".to_owned()),
                (4, 'Z') => out.push("zed".to_owned()),
                (5, 'Z') => out.push("zee".to_owned()),
                (_, _) => out.push(sign.to_string()),
            }
        }
        at += 1;
    }
    out.join(" ")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_spelled_code_comes_back_however_it_is_spelled(
        code in "[A-Z][A-Z0-9]{3,8}", ways in prop::collection::vec(any::<u8>(), 1..8),
    ) {
        let said = spell(&code, &ways);
        let found = slots(&said, &Expecting::Slot("postcode".into()));
        let values: String = found.iter().map(|(_, value, _)| value.as_str()).collect();
        prop_assert_eq!(&values, &code, "{}", said);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn digits_said_in_any_grouping_are_the_same_digits(
        digits in "[0-9]{3,12}", ways in prop::collection::vec(any::<u8>(), 1..8),
    ) {
        let said = say_digits(&digits, &ways);
        let found = slots(&said, &Expecting::Digits { min: 3, max: 12 });
        let values: String = found.iter().map(|(_, value, _)| value.as_str()).collect();
        prop_assert_eq!(&values, &digits, "{}", said);
    }

    #[test]
    fn a_day_of_any_month_is_found_whichever_way_it_is_said(
        month in 1_i8..=12, day in 1_i8..=28, way in 0_usize..3,
    ) {
        let ordinal = |day: i8| match day {
            1 | 21 => format!("{day}st"),
            2 | 22 => format!("{day}nd"),
            3 | 23 => format!("{day}rd"),
            _ => format!("{day}th"),
        };
        let name = MONTHS[month as usize - 1];
        let said = match way {
            0 => format!("on the {} of {name}", ordinal(day)),
            1 => format!("on {name} {}", ordinal(day)),
            _ => format!("{name} the {}", ordinal(day)),
        };
        let found = slots(&said, &Expecting::Anything);
        let this = jiff::civil::date(2026, month, day);
        let next = if this < TODAY { jiff::civil::date(2027, month, day) } else { this };
        let dates: Vec<&str> = found
            .iter()
            .filter(|(name, _, _)| name == "date")
            .map(|(_, value, _)| value.as_str())
            .collect();
        prop_assert_eq!(dates, vec![next.to_string()], "{}", said);
    }

    #[test]
    fn an_amount_keeps_its_words_and_its_value(whole in 1_usize..100, cents in 1_usize..100) {
        let (dollars, coins) = (below_hundred(whole), below_hundred(cents));
        let said = format!("I paid {dollars} dollars and {coins} cents");
        let found = slots(&said, &Expecting::Anything);
        prop_assert_eq!(found.len(), 1, "{}: {:?}", said, found);
        prop_assert_eq!(&found[0].1, &format!("{whole}.{cents:02} USD"));
        prop_assert!(said.contains(&found[0].2), "the words that it came from");
    }

    #[test]
    fn a_time_of_the_clock_is_found(
        hour in 1_i8..=12, quarter in 0_usize..4, after in any::<bool>(),
    ) {
        let half = if after { "in the evening" } else { "in the morning" };
        let words = below_hundred(hour as usize);
        let next = below_hundred(hour as usize % 12 + 1);
        let said = match quarter {
            0 => format!("at {words} o'clock {half}"),
            1 => format!("at quarter past {words} {half}"),
            2 => format!("at half past {words} {half}"),
            _ => format!("at quarter to {next} {half}"),
        };
        let found = slots(&said, &Expecting::Anything);
        let times: Vec<_> = found.iter().filter(|(name, _, _)| name == "time").collect();
        prop_assert_eq!(times.len(), 1, "{}: {:?}", said, found);
        let minutes = format!(":{:02}", quarter * 15);
        prop_assert!(times[0].1.ends_with(&minutes), "{}: {:?}", said, times);
    }
}
