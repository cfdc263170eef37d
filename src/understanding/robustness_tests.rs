//! Whatever arrives as text, understanding ends, quickly and without a panic.

use proptest::prelude::*;

use super::outcome::Expecting;
use super::{Memory, Tables, Understander, redact};
use crate::base::language::Language;
use crate::base::moment::Moment;
use crate::base::utterance::Utterance;

fn any_expecting() -> impl Strategy<Value = Expecting> {
    prop_oneof![
        Just(Expecting::Anything),
        Just(Expecting::YesNo),
        (any::<u8>(), any::<u8>()).prop_map(|(min, max)| Expecting::Digits { min, max }),
        "[a-z_]{0,12}".prop_map(Expecting::Slot),
        ("[a-z_]{0,12}", 0..9_u8).prop_map(|(slot, signs)| Expecting::Code { slot, signs }),
    ]
}

/// Any Unicode, and sentences of words that mean something here.
fn any_text() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "double",
        "five",
        "hundred",
        "thousand",
        "4217",
        "1,234",
        "12.50",
        "$",
        "of",
        "May",
        "third",
        "next",
        "Tuesday",
        "A",
        "as in",
        "quarter to",
        "order number",
        "not",
        "refund",
        "99999999999",
        "四",
        "十",
        "万",
        "下周",
        "点半",
        "年",
        "元",
        "…",
        "'",
        ":",
        "-",
        "million",
        "billion",
        "pm",
        "2026-02-30",
        "@",
        "a@b.c",
        "31",
        "February",
        "ago",
        "months",
        "in",
        "١٢٣",
        "①",
        "ﬁ",
    ]);
    prop_oneof![
        any::<String>(),
        prop::collection::vec(words, 0..40).prop_map(|list| list.join(" ")),
        "[0-9 ,.-]{0,80}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn never_panics(
        text in any_text(),
        expecting in any_expecting(),
        voiced_ms in any::<u32>(),
        level_dbfs in any::<f32>(),
        over_prompt in any::<bool>(),
    ) {
        let understander = Understander::new(Tables::embedded());
        let mut utterance = Utterance::typed(&text, Moment(7), u64::from(voiced_ms));
        utterance.level_dbfs = level_dbfs;
        utterance.over_prompt = over_prompt;
        let mut memory = Memory::new(jiff::civil::date(2026, 11, 21));
        for _ in 0..2 {
            let found = understander.understand(&utterance, &mut memory, &expecting);
            prop_assert!((0.0..=1.0).contains(&found.stress.score));
            prop_assert!(found.intent.is_none_or(|one| (0.0..=1.0).contains(&one.confidence)));
            for slot in &found.slots {
                prop_assert!(text.contains(slot.source.reveal().as_str()));
            }
        }
        understander.completeness(&text, &Language::english(), &expecting);
    }

    #[test]
    fn masking_twice_changes_nothing(text in any_text()) {
        let once = redact(&text);
        prop_assert_eq!(redact(&once), once.clone());
    }

    #[test]
    fn no_card_survives_masking(head in "[a-z ]{0,10}", body in 0_u64..1_000_000_000_000_000) {
        let check = (0..10)
            .map(|digit| format!("{body:015}{digit}"))
            .find(|digits| super::card_number::luhn_valid(digits));
        if let Some(card) = check {
            let spaced: Vec<String> = card.chars().map(String::from).collect();
            let spoken = format!("{head} {}", spaced.join(" "));
            prop_assert!(!redact(&spoken).contains(&spaced.join(" ")));
            prop_assert!(!redact(&card).contains(&card));
        }
    }
}
