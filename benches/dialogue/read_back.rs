//! Order numbers that the recogniser mishears, through whole calls: heard, read back, corrected as
//! callers correct, until the caller says yes or a person takes over. Baseline: the number as it
//! was first heard.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use warmline::base::caller::{CallerInfo, CustomerProfile};
use warmline::base::consent::ConsentMode;
use warmline::base::ids::{CallId, LegId, TrunkId};
use warmline::base::language::Language;
use warmline::base::moment::Moment;
use warmline::base::number_words::BELOW_TWENTY;
use warmline::base::spoken::Heard;
use warmline::base::utterance::Utterance;
use warmline::call::command::{Command, Fact};
use warmline::call::event::Event;
use warmline::call::{Output, Session, SessionSetup, TransferSetup};
use warmline::config::Problems;
use warmline::knowledge::Knowledge;
use warmline::policy;
use warmline::understanding::{self, Understander};

const CALLS: u32 = 2_000;
/// Turns after which a caller gives up.
const TURNS_MAX: usize = 12;
/// "Yes" and "no" are misheard as nothing so often, of 1,000.
const LOST_OF_1000: u64 = 20;

/// xorshift.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end.max(1)
    }

    fn of_1000(&mut self, share: u64) -> bool {
        self.below(1_000) < share
    }
}

#[derive(Default)]
struct Count {
    first_right: u32,
    /// Looked up after the caller's yes.
    taken: u32,
    right: u32,
    turns: usize,
    /// What the others ended with, as the journal says it.
    ended: BTreeMap<String, u32>,
}

/// Errors of digits as measured on human strings (5.6 %), and where 15 % of the strings and of the
/// digits are wrong.
pub fn measure(seed: u64) {
    let understander = Understander::new(understanding::Tables::embedded());
    let tables = Arc::new(numbers_of_any_length());
    let knowledge = Arc::new(Knowledge::embedded());
    let setup = || SessionSetup {
        call: CallId::new(1, [0; 10]),
        understander: understander.clone(),
        policy: tables.clone(),
        knowledge: knowledge.clone(),
        company: "Northwind".into(),
        country: "US".into(),
        civil_now: jiff::civil::date(2026, 11, 20).at(10, 0, 0, 0),
        consent: ConsentMode::Off,
        speech_pressed: false,
        transfer: TransferSetup::default(),
        call_max: Duration::from_secs(3_600),
    };
    for (what, errors_of_1000) in
        [("15 % of strings", 23), ("5.6 % of digits", 56), ("15 % of digits", 150)]
    {
        let mut chance = Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let mut count = Count::default();
        for _ in 0..CALLS {
            one_call(setup(), &mut chance, errors_of_1000, &mut count);
        }
        let share = |part: u32, all: u32| 100.0 * f64::from(part) / f64::from(all.max(1));
        println!(
            "read-back, {what} misheard, SEED={seed}: {:.2} % right of {} numbers taken; \
             {:.1} % as first heard; {:.1} % went on without a number; {:.1} turns a call",
            share(count.right, count.taken),
            count.taken,
            share(count.first_right, CALLS),
            share(CALLS - count.taken, CALLS),
            count.turns as f64 / f64::from(CALLS),
        );
        for (how, calls) in &count.ended {
            println!("  {:.1} % ended with: {how}", share(*calls, CALLS));
        }
    }
}

/// The shipped tables, with order numbers of 3 to 12 digits: where the length is known, a digit
/// that was lost is noticed before it is read back.
fn numbers_of_any_length() -> policy::Tables {
    const SHIPPED: &str = include_str!("../../src/policy/tables/intents.toml");
    let text = SHIPPED.replace("digits = [4, 4]", "digits = [3, 12]");
    assert_ne!(text, SHIPPED, "the length stands in the table");
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("intents.toml"), text).expect("is writable");
    let mut problems = Problems::new();
    let tables = policy::Tables::load(folder.path(), &mut problems);
    assert!(problems.is_empty(), "{problems}");
    tables
}

/// What the session did with what it was told.
#[derive(Default)]
struct Did {
    read_back: Option<String>,
    looked_up: Option<String>,
    asked: bool,
    handed_over: bool,
    decided: Option<String>,
}

fn one_call(setup: SessionSetup, chance: &mut Chance, errors: u64, count: &mut Count) {
    let mut session = Session::new(setup);
    let mut now = Moment::ZERO;
    let length = 4 + chance.below(7);
    let number: String = (0..length).map(|_| char::from(b'0' + chance.below(10) as u8)).collect();
    for event in [
        Event::Arrived { caller: Box::new(caller()) },
        Event::CallerConnected,
        Event::MediaSeen { leg: LegId::CALLER },
    ] {
        tell(&mut session, now, event);
    }
    let mut say = "Where is my order?".to_owned();
    let mut first = true;
    // What the caller was asked to judge.
    let mut reading: Option<String> = None;
    for _ in 0..TURNS_MAX {
        now = now + Duration::from_secs(6);
        count.turns += 1;
        let utterance = Box::new(Utterance::typed(&say, now, 900));
        let did = tell(&mut session, now, Event::Heard { leg: LegId::CALLER, utterance });
        if let Some(taken) = did.looked_up {
            count.taken += 1;
            count.right += u32::from(taken == number);
            return;
        }
        if did.handed_over || session.is_over() {
            *count.ended.entry(did.decided.unwrap_or_default()).or_default() += 1;
            return;
        }
        // Asked anew, the caller says all of it; after "I did not get that", the same again.
        reading = if did.asked { None } else { did.read_back.or(reading) };
        say = match &reading {
            Some(read) => judged(&number, read, chance, errors),
            None => {
                let heard = misheard(&number, chance, errors);
                if std::mem::take(&mut first) {
                    count.first_right += u32::from(heard == number);
                }
                spoken(&heard, chance)
            }
        };
    }
}

/// What is heard of a caller's judgement on what was read back.
fn judged(number: &str, read: &str, chance: &mut Chance, errors: u64) -> String {
    if chance.of_1000(LOST_OF_1000) {
        return "hm".to_owned();
    }
    if number == read {
        let yes = ["Yes.", "Yes, that's right.", "Yeah.", "Correct.", "That's it, yes."];
        return yes[chance.below(yes.len() as u64) as usize].to_owned();
    }
    let (want, got): (Vec<char>, Vec<char>) = (number.chars().collect(), read.chars().collect());
    let differ: Vec<usize> = match want.len() == got.len() {
        true => (0..want.len()).filter(|at| want[*at] != got[*at]).collect(),
        false => Vec::new(),
    };
    let word = |sign: char| BELOW_TWENTY[sign.to_digit(10).unwrap_or(0) as usize];
    match (differ.as_slice(), chance.below(4)) {
        ([at], 0) => {
            let right = misheard(&want[*at].to_string(), chance, errors);
            format!("No, {}, not {}.", spoken(&right, chance), word(got[*at]))
        }
        ([at], 1) if *at + 1 == want.len() => {
            let right = misheard(&want[*at].to_string(), chance, errors);
            format!("No, the last digit is {}.", spoken(&right, chance))
        }
        (_, 2) => format!("No, it's {}.", spoken(&misheard(number, chance, errors), chance)),
        (_, _) => "No.".to_owned(),
    }
}

/// The digits as the recogniser hears them: of 100 errors 70 another digit, 20 lost, 10 doubled.
fn misheard(digits: &str, chance: &mut Chance, errors_of_1000: u64) -> String {
    let mut out = String::new();
    for digit in digits.chars() {
        if !chance.of_1000(errors_of_1000) {
            out.push(digit);
            continue;
        }
        match chance.below(10) {
            0..7 => {
                let other = (digit as u8 - b'0' + 1 + chance.below(9) as u8) % 10;
                out.push(char::from(b'0' + other));
            }
            7..9 => {}
            _ => out.extend([digit, digit]),
        }
    }
    out
}

/// In words, or in figures, as recognisers write them.
fn spoken(digits: &str, chance: &mut Chance) -> String {
    if chance.below(2) == 0 {
        return digits.to_owned();
    }
    let words = digits.chars().filter_map(|digit| digit.to_digit(10));
    words.map(|digit| BELOW_TWENTY[digit as usize]).collect::<Vec<_>>().join(" ")
}

/// Tells the session, lets all that it says be heard, and notes what came of it.
fn tell(session: &mut Session, now: Moment, event: Event) -> Did {
    let mut did = Did::default();
    let mut events = vec![event];
    while let Some(event) = events.pop() {
        session.handle_event(now, event);
        while let Output::Command(command) = session.poll_output() {
            match command {
                Command::Play { leg: LegId::CALLER, play, what } => {
                    let prompt = what.prompt.clone().unwrap_or_default();
                    if prompt.starts_with("read_back") {
                        let inside = what.text.split("<digits>").nth(1);
                        did.read_back =
                            inside.and_then(|rest| rest.split('<').next()).map(str::to_owned);
                    }
                    did.asked |= prompt.starts_with("ask_");
                    did.handed_over |= prompt == "not_done" || prompt == "transfer_start";
                    let text = what.text.clone();
                    let heard = Heard { complete: true, played_ms: 1_000, text };
                    events.push(Event::PlayEnded { play, heard });
                }
                Command::Lookup { fields, .. } => {
                    let mut numbers = fields.iter().filter(|(name, _)| name == "order_number");
                    did.looked_up = numbers.next().map(|(_, value)| value.clone());
                }
                Command::Note { fact } => {
                    if let Fact::Decided { decision, .. } = *fact {
                        did.decided = Some(decision);
                    }
                }
                Command::Reserve { .. } => did.handed_over = true,
                _ => {}
            }
        }
    }
    did
}

fn caller() -> CallerInfo {
    CallerInfo {
        number: None,
        name: None,
        dialled: "help".into(),
        trunk: TrunkId::from("t"),
        user_agent: None,
        language: Language::english(),
        peer: None,
        profile: CustomerProfile::default(),
    }
}
