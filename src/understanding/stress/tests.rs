//! Scripted callers, calm and stressed: the score keeps them apart and says why.

use crate::base::moment::Moment;
use crate::base::utterance::Utterance;
use crate::understanding::outcome::{Expecting, Stress, StressLevel};
use crate::understanding::stress::syllable;
use crate::understanding::{Memory, Tables, Understander};

/// One turn: words, pace in syllables a second, level in dB, whether over the prompt.
type Turn = (&'static str, f32, f32, bool);

fn play(turns: &[Turn]) -> Vec<Stress> {
    let tables = Tables::embedded();
    let english = tables.languages().next().expect("English");
    let understander = Understander::new(tables.clone());
    let mut memory = Memory::default();
    turns
        .iter()
        .enumerate()
        .map(|(place, (text, pace, level, over))| {
            let syllables = syllable::count(text, &english.stress) as f32;
            let voiced_ms = (syllables * 1_000.0 / pace) as u64;
            let mut turn = Utterance::typed(text, Moment(place as u64 * 10_000), voiced_ms);
            turn.level_dbfs = *level;
            turn.over_prompt = *over;
            understander.understand(&turn, &mut memory, &Expecting::Anything).stress
        })
        .collect()
}

const CALM: [&[Turn]; 6] = [
    &[
        ("What are your opening hours on Saturday?", 4.5, -26.0, false),
        ("And where is your store exactly?", 4.6, -26.0, false),
        ("Thank you very much for that.", 4.4, -26.0, false),
    ],
    // Fast from the first word to the last, and friendly.
    &[
        ("Hi, could you please tell me when you are open on Sundays?", 7.2, -25.0, false),
        ("And is it possible to pay with a credit card at the store?", 7.4, -25.0, false),
        ("Great, that was everything I needed, thank you so much.", 7.6, -25.0, false),
    ],
    &[
        ("My parcel has not arrived yet.", 4.2, -30.0, false),
        ("The order number is four two one seven.", 3.6, -29.0, false),
        ("No problem, I can wait for it.", 4.4, -30.0, false),
    ],
    // Speaks over the prompt because the answer is known already.
    &[
        ("I would like to book an appointment.", 5.0, -24.0, true),
        ("Next Tuesday in the morning would be good.", 5.2, -23.0, true),
        ("That is not bad, I take it.", 5.0, -24.0, false),
    ],
    // Grows quicker without any other sign.
    &[
        ("I have a question about my last invoice.", 4.5, -26.0, false),
        ("It says that I have to pay on Friday.", 5.4, -26.0, false),
        ("So could you just send me another copy of it please?", 6.8, -26.0, false),
    ],
    &[
        ("I want to return a jacket that I bought.", 4.0, -28.0, false),
        ("It is too small for me.", 4.1, -27.0, false),
        ("Okay, I will bring it to the store.", 4.2, -28.0, false),
    ],
];

const STRESSED: [&[Turn]; 6] = [
    &[
        ("Where is my order?", 4.8, -26.0, false),
        ("This is ridiculous, I have been waiting for weeks.", 6.4, -20.0, false),
        ("It is unacceptable, I already told you that!", 6.6, -18.0, true),
    ],
    &[
        ("You charged me twice and nobody helps me.", 5.6, -22.0, false),
        ("I am really angry, this is the third time I call.", 6.4, -18.0, true),
    ],
    &[
        ("I want to cancel my contract.", 4.4, -27.0, false),
        ("No, I am fed up with your terrible service.", 6.0, -22.0, true),
        ("Stop it, you are useless, useless idiots!", 6.8, -18.0, true),
    ],
    &[
        ("My internet is down again.", 5.0, -24.0, false),
        ("I am furious, I work from home, it is urgent!", 6.6, -19.0, false),
    ],
    &[
        ("My payment failed.", 4.6, -26.0, false),
        ("I'm not happy at all, this is a nightmare.", 5.8, -21.0, false),
        ("How many times do I have to say it? It is a disgrace.", 6.2, -19.0, true),
    ],
    &[
        ("I was promised a refund.", 4.2, -28.0, false),
        ("I am not satisfied, you lied to me.", 4.6, -24.0, false),
        ("It is outrageous and disgusting, I will call my lawyer.", 5.2, -22.0, false),
    ],
];

fn last(turns: &[Turn]) -> f32 {
    play(turns).last().map_or(0.0, |stress| stress.score)
}

#[test]
fn calm_and_stressed_callers_are_apart() {
    let (mut right, mut all) = (0, 0);
    for stressed in STRESSED {
        for calm in CALM {
            all += 1;
            right += u32::from(last(stressed) > last(calm));
        }
    }
    let area = right as f32 / all as f32;
    println!("stress: AUC {area:.3} over {all} pairs");
    assert!(area >= 0.95, "area under the curve {area}");
    for stressed in STRESSED {
        let end = play(stressed).pop().expect("a turn");
        assert!(end.level >= StressLevel::Raised, "{stressed:?} ends {end:?}");
    }
}

#[test]
fn pace_alone_never_makes_high_stress() {
    for calm in CALM {
        for stress in play(calm) {
            assert_ne!(stress.level, StressLevel::High, "{stress:?}");
        }
    }
    let racing = play(&[
        ("I would like to know where my parcel is.", 3.5, -26.0, false),
        ("It should have been here on Monday or Tuesday.", 9.0, -26.0, false),
        ("Could you have a look at the shipment for me?", 9.5, -26.0, false),
    ]);
    assert!(racing.iter().all(|stress| stress.level < StressLevel::High), "{racing:?}");
}

#[test]
fn a_fast_friendly_caller_stays_calm() {
    let fast = CALM.get(1).expect("the fast caller");
    assert!(play(fast).iter().all(|stress| stress.level == StressLevel::Calm));
}

#[test]
fn every_part_says_why() {
    let stresses = play(&[
        ("I would like to ask where my order is.", 4.5, -26.0, false),
        ("I already told you, this is absolutely ridiculous!", 6.1, -18.0, true),
    ]);
    let end = stresses.last().expect("a turn");
    let reasons: Vec<String> =
        end.parts.iter().map(|part| format!("{}: {}", part.name, part.reason)).collect();
    let told = reasons.join("\n");
    for expected in [
        "rate: 6.1 syllables/s, 1.6 above this caller's own pace",
        "loudness: 8 dB louder than this caller's own level",
        "negative: 1 negative word: 00:10 'ridiculous'",
        "repetition: says that it was said before",
        "interruption: spoke over the prompt",
    ] {
        assert!(told.contains(expected), "{expected} is not in:\n{told}");
    }
    let sum: f32 = end.parts.iter().map(|part| part.adds).sum();
    assert!((sum.min(1.0) - end.turn).abs() < 1e-5);
    let calm = stresses.first().expect("a turn");
    assert_eq!((calm.parts.len(), format!("{:.2}", calm.score).as_str()), (0, "0.00"));
}

#[test]
fn saying_the_same_again_counts_and_calming_down_helps() {
    let stresses = play(&[
        ("My washing machine is broken since Tuesday.", 4.5, -26.0, false),
        ("My washing machine is broken since Tuesday.", 4.5, -26.0, false),
        ("Thank you, that is very kind of you.", 4.5, -26.0, false),
    ]);
    let scores: Vec<f32> = stresses.iter().map(|stress| stress.score).collect();
    assert!(scores[1] > scores[0] && scores[2] < scores[1], "{scores:?}");
}
