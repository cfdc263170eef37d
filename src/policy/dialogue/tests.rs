//! Dialogues as scripts: what is heard on the left, what follows on the right.

use proptest::prelude::*;

use super::*;
use crate::base::card::SlotValue;
use crate::base::key::Key;
use crate::knowledge::lookup::{LookupFailure, LookupReply};
use crate::understanding::correction::{Correction, Place};
use crate::understanding::outcome::{CallerCommand, IntentMatch, Stress};

fn setup() -> Setup {
    Setup {
        language: Language::english(),
        company: "Northwind".into(),
        country: "US".into(),
        handling: Handling::Automatic,
        vip: false,
        consent: ConsentMode::Notice,
        open_now: true,
        speech_pressed: false,
    }
}

fn dialogue_of(setup: Setup) -> Dialogue {
    let words: IntentWords = Arc::new(|intent| Some(format!("wants {intent}")));
    Dialogue::new(Arc::new(Tables::embedded()), Arc::new(Knowledge::embedded()), setup, words)
}

/// Reads a script word: `intent:order_status`, `slot:order_number=4217`, `yes`, `bad:awful`…
fn heard(words: &str) -> Understanding {
    let mut out = Understanding::default();
    for word in words.split_whitespace() {
        let (kind, rest) = word.split_once(':').unwrap_or((word, ""));
        let hit = |group: &str| WordHit {
            at: Moment(1_000),
            phrase: rest.into(),
            group: group.into(),
            weight: 1.0,
        };
        let intent = IntentMatch {
            intent: IntentId::from(rest),
            confidence: 0.9,
            reasons: vec![Reason::new("a phrase")],
        };
        match kind {
            "intent" => out.intent = Some(intent),
            // Nothing but a likeness to the examples.
            "weak" => out.intent = Some(IntentMatch { confidence: 0.4, ..intent }),
            "or" => out.runner_up = Some(intent),
            "slot" => {
                let (name, value) = rest.split_once('=').unwrap_or((rest, ""));
                out.slots.push(SlotValue {
                    name: name.into(),
                    value: value.to_owned().into(),
                    source: value.to_owned().into(),
                });
            }
            "yes" => out.command = Some(CallerCommand::Yes),
            "no" => out.command = Some(CallerCommand::No),
            "person" => out.command = Some(CallerCommand::Person),
            "repeat" => out.command = Some(CallerCommand::Repeat),
            "slower" => out.command = Some(CallerCommand::Slower),
            "wait" => out.command = Some(CallerCommand::Wait),
            "back" => out.command = Some(CallerCommand::GoBack),
            "bye" => out.command = Some(CallerCommand::Goodbye),
            "dont_record" => out.command = Some(CallerCommand::DontRecord),
            "automatic" => out.command = Some(CallerCommand::Automatic),
            "assisted" => out.command = Some(CallerCommand::Assisted),
            "bad" => out.negative.push(hit("negative")),
            "urgent" => out.urgent.push(hit("outage")),
            "danger" => out.danger = Some(hit("fire")),
            "card" => out.card_number = true,
            "digits" => out.mostly_digits = true,
            "tense" => {
                out.stress = Stress { level: StressLevel::High, score: 0.9, ..Stress::default() };
            }
            "fix" => {
                let (wrong, right) = rest.split_once('>').unwrap_or((rest, ""));
                let (wrong, right) = (Some(wrong.to_owned()), right.to_owned());
                out.correction = Some(Correction { wrong, right, place: Place::Anywhere });
            }
            "hm" => {}
            other => unreachable!("no script word {other}"),
        }
    }
    out
}

/// One input of a script, in its own notation.
fn feed(dialogue: &mut Dialogue, input: &str, now: Moment) -> Vec<Step> {
    if let Some(keys) = input.strip_prefix("key ") {
        let mut steps = Vec::new();
        for key in keys.chars().filter_map(Key::new) {
            steps = dialogue.on_key(now, key);
        }
        return steps;
    }
    let request = RequestId(dialogue.requests);
    match input {
        "silence" => dialogue.on_no_input(now),
        "timeout" => dialogue.on_lookup(now, request, Err(LookupFailure::Timeout)),
        "unknown" => dialogue.on_lookup(now, request, Err(LookupFailure::NotFound)),
        "late" => dialogue.on_lookup(now, RequestId(99), Ok(LookupReply::default())),
        "failed" => dialogue.on_back_from_handover(now, BackReason::AllFailed),
        "closed" => dialogue.on_back_from_handover(now, BackReason::Closed),
        _ if input.starts_with("reply ") => {
            let fields = input["reply ".len()..]
                .split(' ')
                .filter_map(|pair| pair.split_once('=').map(|(k, v)| (k.to_owned(), v.to_owned())));
            dialogue.on_lookup(now, request, Ok(LookupReply { fields: fields.collect() }))
        }
        words => dialogue.on_turn(now, &Utterance::typed("x", now, 500), &heard(words)),
    }
}

/// A batch in short: prompts by name, then what it ends with.
fn brief(steps: &[Step]) -> String {
    let words = steps.iter().filter_map(|step| match step {
        Step::Say(spoken) => Some(spoken.prompt.clone().unwrap_or_else(|| "(stressed)".into())),
        Step::Decided(_) | Step::Tried(_) => None,
        Step::Consent(state) => Some(format!("{state:?}")),
        Step::PauseKeeping { .. } => Some("pause".into()),
        Step::ResumeKeeping => Some("resume".into()),
        Step::Satisfied(yes) => Some(format!("satisfied={yes}")),
        Step::AwaitLookup { connector, fields, .. } => {
            Some(format!("look:{connector}:{}", fields[0].1))
        }
        Step::Await { listen: ListenMode::Digits, .. } => Some("digits".into()),
        Step::Await { .. } => Some("await".into()),
        Step::HandOver(hand_over) => {
            let danger = if hand_over.danger { " danger" } else { "" };
            Some(format!("person {:?}{danger}", hand_over.priority))
        }
        Step::Finish(how) => Some(format!("{how:?}")),
    });
    words.collect::<Vec<_>>().join(" ")
}

fn check(setup: Setup, script: &[(&str, &str)]) {
    let mut dialogue = dialogue_of(setup);
    let opened = dialogue.open(Moment::ZERO);
    assert!(is_whole(&opened));
    for (turn, (input, expected)) in script.iter().enumerate() {
        let now = Moment(1_000 + turn as u64 * 5_000);
        let steps = feed(&mut dialogue, input, now);
        assert_eq!(brief(&steps), *expected, "turn {turn}: {input}");
    }
}

fn is_whole(steps: &[Step]) -> bool {
    let terminal = |step: &Step| {
        matches!(
            step,
            Step::Await { .. } | Step::AwaitLookup { .. } | Step::HandOver(_) | Step::Finish(_)
        )
    };
    steps.iter().filter(|step| terminal(step)).count() == 1 && steps.last().is_some_and(terminal)
}

#[test]
fn facts_are_answered_and_the_answer_is_judged() {
    check(
        setup(),
        &[
            ("intent:opening_hours", "answer_opening_hours anything_else await"),
            ("intent:address", "answer_address anything_else await"),
            ("yes", "satisfied=true goodbye Answered"),
        ],
    );
    check(
        setup(),
        &[
            ("intent:opening_hours", "answer_opening_hours anything_else await"),
            ("no", "satisfied=false sorry_more await"),
        ],
    );
}

#[test]
fn the_caller_chooses_the_language_by_name_or_key() {
    let chosen = |input: &str| {
        let mut dialogue = dialogue_of(setup());
        dialogue.open(Moment::ZERO);
        let steps = match input.strip_prefix("key ") {
            Some(_) => feed(&mut dialogue, input, Moment(5_000)),
            None => {
                let said = Utterance::typed(input, Moment(5_000), 900);
                dialogue.on_turn(Moment(5_000), &said, &Understanding::default())
            }
        };
        let spoken = steps.iter().find_map(|step| match step {
            Step::Say(spoken) => Some(spoken.language.code().to_owned()),
            _ => None,
        });
        (dialogue.language().code().to_owned(), spoken.unwrap_or_default())
    };
    let (zh, en) = (("zh".to_owned(), "zh".to_owned()), ("en".to_owned(), "en".to_owned()));
    for input in ["中文", "我想说中文", "Do you speak Mandarin?", "Chinese, please.", "key 2"]
    {
        assert_eq!(chosen(input), zh, "{input}");
    }
    // As a recogniser that listens for English writes them.
    for input in ["Zhongwen.", "Zhong wen, please.", "Jungwen", "Mandarin", "Chinese"] {
        assert_eq!(chosen(input), zh, "{input}");
    }
    for input in ["English please", "key 3", "I bought a Chinese vase and it came broken"] {
        assert_eq!(chosen(input), en, "{input}");
    }
}

#[test]
fn an_order_needs_its_number_and_a_second_fact() {
    check(
        setup(),
        &[
            ("intent:order_status", "ask_order_number digits"),
            ("slot:order_number=4217", "read_back_order_number await"),
            ("slot:digits=4219", "read_back_order_number await"),
            ("no fix:9>8", "read_back_order_number await"),
            ("no fix:8>9", "read_back_order_number await"),
            // A correction that fits nowhere is a plain no.
            ("fix:7>9 hm", "read_back_order_number await"),
            ("yes", "one_second look:order:4219"),
            ("late", "await"),
            (
                "reply number=4219 status=sent arrives=today postcode=12345",
                "ask_proof_postcode digits",
            ),
            ("slot:postcode=99999", "wrong_proof digits"),
            ("slot:postcode=12345", "answer_order_status anything_else await"),
        ],
    );
}

#[test]
fn keys_do_all_that_words_do() {
    check(
        setup(),
        &[
            ("intent:order_status", "ask_order_number digits"),
            ("key 4201", "read_back_order_number await"),
            ("key 1", "one_second look:order:4201"),
            (
                "reply number=4201 status=sent arrives=today postcode=12345",
                "ask_proof_postcode digits",
            ),
            ("key 12345", "answer_order_status anything_else await"),
            ("key 0", "transfer_start person P2"),
        ],
    );
    check(
        setup(),
        &[
            ("intent:order_status", "ask_order_number digits"),
            ("key *", "digits"),
            ("silence", "transfer_start person P2"),
        ],
    );
    check(setup(), &[("key *7", "Refused recording_stopped await")]);
    let asked = ("intent:order_status", "ask_order_number digits");
    check(setup(), &[asked, ("key *7", "Refused recording_stopped digits"), ("key 42", "digits")]);
    check(setup(), &[asked, ("key *0", "transfer_start person P2")]);
    check(setup(), &[("key *8", "more await"), ("intent:address", "transfer_assisted person P2")]);
    let assisted = Setup { handling: Handling::Assisted, ..setup() };
    let automatic = ("key *9", "handling_automatic how_can_i_help await");
    check(assisted, &[automatic, ("intent:address", "answer_address anything_else await")]);
}

#[test]
fn what_a_person_must_decide_goes_to_a_person() {
    for (input, expected) in [
        ("person", "transfer_start person P2"),
        ("intent:billing_dispute", "transfer_start person P1"),
        ("intent:refund_request", "transfer_start person P2"),
        ("urgent:outage", "transfer_start person P1"),
        ("danger:fire", "danger person P0 danger"),
        ("bad:awful bad:ridiculous", "transfer_start person P1"),
        ("intent:a_new_one", "transfer_start person P2"),
    ] {
        check(setup(), &[(input, expected)]);
    }
    check(setup(), &[("bad:awful", "clarify await"), ("bad:silly", "transfer_start person P1")]);
    check(
        setup(),
        &[
            ("hm", "clarify await"),
            ("hm", "clarify_again await"),
            ("hm", "transfer_start person P2"),
        ],
    );
    check(
        setup(),
        &[
            ("silence", "no_input await"),
            ("silence", "no_input_again await"),
            ("silence", "transfer_start person P2"),
        ],
    );
    check(setup(), &[("tense", "(stressed) await"), ("tense", "(stressed) person P1")]);
}

#[test]
fn a_person_is_called_at_once_for_some() {
    for (vip, handling) in [(true, Handling::Automatic), (false, Handling::Person)] {
        let mut dialogue = dialogue_of(Setup { vip, handling, ..setup() });
        let opened = dialogue.open(Moment::ZERO);
        assert!(matches!(opened.last(), Some(Step::HandOver(_))), "{}", brief(&opened));
    }
    let assisted = Setup { handling: Handling::Assisted, ..setup() };
    check(assisted.clone(), &[("intent:opening_hours", "transfer_assisted person P2")]);
    let automatic = ("automatic", "handling_automatic how_can_i_help await");
    check(assisted, &[automatic, ("intent:address", "answer_address anything_else await")]);
    check(
        setup(),
        &[("assisted", "more await"), ("intent:address", "transfer_assisted person P2")],
    );
}

#[test]
fn words_that_work_everywhere() {
    check(
        setup(),
        &[
            ("intent:order_status", "ask_order_number digits"),
            ("repeat", "ask_order_number digits"),
            ("wait", "waiting digits"),
            ("back", "how_can_i_help await"),
            ("dont_record", "Refused recording_stopped await"),
            ("bye", "goodbye Unanswered"),
        ],
    );
}

#[test]
fn consent_is_asked_where_it_must_be() {
    let ask = Setup { consent: ConsentMode::Ask, ..setup() };
    let pressed = Setup { speech_pressed: true, ..ask.clone() };
    check(pressed, &[("yes", "Granted recording_yes greeting_busy await")]);
    check(ask.clone(), &[("yes", "Granted recording_yes how_can_i_help await")]);
    check(ask.clone(), &[("key 2", "Refused recording_no how_can_i_help await")]);
    check(ask, &[("intent:address", "Refused answer_address anything_else await")]);
}

#[test]
fn card_numbers_pause_the_record_and_it_resumes_by_itself() {
    check(
        setup(),
        &[
            ("card", "pause await"),
            ("card", "pause await"),
            ("digits", "await"),
            ("intent:address", "resume answer_address anything_else await"),
        ],
    );
}

#[test]
fn systems_that_do_not_reply_lead_to_a_person() {
    check(
        setup(),
        &[
            ("intent:order_status slot:order_number=4217", "read_back_order_number await"),
            ("yes", "one_second look:order:4217"),
            ("unknown", "not_found ask_again_order_number digits"),
            ("slot:order_number=4218", "read_back_order_number await"),
            ("yes", "one_second look:order:4218"),
            ("timeout", "lookup_failed person P2"),
            ("failed", "all_failed await"),
            ("person", "transfer_start person P2"),
            ("closed", "closed NobodyAvailable"),
        ],
    );
}

#[test]
fn a_number_that_is_read_back_wrong_too_often_is_a_persons_matter() {
    let asked = ("intent:order_status", "ask_order_number digits");
    let read = ("slot:digits=4219", "read_back_order_number await");
    let again = "ask_again_order_number digits";
    for course in [["no", "key 2", "no"], ["key 2", "no", "key 2"]] {
        let [one, two, three] = course;
        let end = "transfer_start person P2";
        check(setup(), &[asked, read, (one, again), read, (two, again), read, (three, end)]);
    }
}

#[test]
fn a_likeness_is_no_change_of_mind_while_a_number_is_read_back() {
    let asked = ("intent:order_status", "ask_order_number digits");
    let read = ("slot:digits=4219", "read_back_order_number await");
    let same = "read_back_order_number await";
    for word in ["intent:thanks", "weak:address"] {
        check(setup(), &[asked, read, (word, same), ("yes", "one_second look:order:4219")]);
    }
    let other = ("intent:address", "answer_address anything_else await");
    check(setup(), &[asked, read, other]);
}

#[test]
fn tasks_are_read_back_and_can_be_declined() {
    check(
        setup(),
        &[
            ("intent:cancel_order slot:order_number=4217", "confirm_cancel_order await"),
            ("no", "ask_again_order_number digits"),
            ("slot:order_number=4217", "confirm_cancel_order await"),
            // Nothing is done before it is known who asks.
            ("yes", "one_second look:order:4217"),
            ("reply number=4217 postcode=12345", "ask_proof_postcode digits"),
            ("slot:postcode=99999", "wrong_proof digits"),
            ("key 12345", "one_second look:cancel_order:4217"),
            ("reply reference=1001", "answer_cancel_order anything_else await"),
        ],
    );
    check(
        setup(),
        &[
            ("intent:password_reset slot:customer_number=8842", "confirm_password_reset await"),
            ("yes", "one_second look:account:8842"),
            ("reply number=8842 postcode=12345", "ask_proof_postcode digits"),
            ("slot:postcode=99999", "wrong_proof digits"),
            ("slot:postcode=99998", "transfer_start person P2"),
        ],
    );
    for task in ["book_appointment", "cancel_appointment"] {
        check(
            setup(),
            &[
                (&format!("intent:{task}"), "ask_date await"),
                ("slot:date=2026-12-01", &format!("confirm_{task} await")),
                ("yes", &format!("one_second look:{task}:2026-12-01")),
                ("reply reference=7", &format!("answer_{task} anything_else await")),
            ],
        );
    }
}

#[test]
fn what_is_shipped_is_good_in_every_language() {
    let mut problems = crate::config::Problems::new();
    let folder = tempfile::tempdir().expect("a folder");
    let tables = Tables::load(folder.path(), &mut problems);
    assert!(problems.is_empty(), "{problems}");
    let placeholders = crate::knowledge::connector::placeholders;
    for (language, name, prompt) in tables.prompts() {
        let other = if language.code() == "en" { "zh" } else { "en" };
        let other = Language::new(other).expect("is a code");
        let twin = tables.prompt_row(&other, name).expect("stands in the other language");
        assert_eq!(placeholders(&prompt.text), placeholders(&twin.text), "{name}");
        assert_ne!(prompt.text, twin.text, "{name} is not translated");
    }
}

#[test]
fn negative_words_count_within_a_minute() {
    for (apart, expected) in [(59_000, "(stressed) person P1"), (61_000, "(stressed) await")] {
        let mut dialogue = dialogue_of(setup());
        dialogue.open(Moment::ZERO);
        let said = |at: u64| {
            let mut understanding = heard("bad:awful");
            understanding.negative[0].at = Moment(at);
            understanding.stress.level = StressLevel::Raised;
            understanding
        };
        let utterance = Utterance::typed("x", Moment(0), 500);
        dialogue.on_turn(Moment(1_000), &utterance, &said(1_000));
        let then = 1_000 + apart;
        let steps = dialogue.on_turn(Moment(then), &utterance, &said(then));
        assert_eq!(brief(&steps), expected, "{apart} ms apart");
    }
}

#[test]
fn slower_stays_slower() {
    let mut dialogue = dialogue_of(setup());
    dialogue.open(Moment::ZERO);
    let slow = |steps: &[Step]| -> Vec<bool> {
        steps
            .iter()
            .filter_map(|step| match step {
                Step::Say(spoken) => Some(spoken.slow),
                _ => None,
            })
            .collect()
    };
    let answered = feed(&mut dialogue, "intent:address", Moment(1_000));
    assert_eq!(slow(&answered), [false, false]);
    assert_eq!(slow(&feed(&mut dialogue, "slower", Moment(9_000))), [true, true]);
    assert_eq!(slow(&feed(&mut dialogue, "intent:opening_hours", Moment(19_000))), [true, true]);
}

/// The number is spoken digit by digit, and is the country's own.
#[test]
fn danger_names_the_number_of_the_country() {
    for (country, number) in [("US", "911"), ("GB", "999"), ("DE", "112"), ("XX", "112")] {
        let mut dialogue = dialogue_of(Setup { country: country.into(), ..setup() });
        dialogue.open(Moment::ZERO);
        let steps = feed(&mut dialogue, "danger:fire", Moment(1_000));
        let said = steps.iter().find_map(|step| match step {
            Step::Say(spoken) => Some(spoken.text.clone()),
            _ => None,
        });
        let said = said.expect("something is said");
        assert!(said.contains("hang up and dial"), "{said}");
        assert!(said.contains(&format!("<digits>{number}</digits>")), "{country}: {said}");
    }
}

#[test]
fn a_task_with_a_second_fact_names_where_it_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "[pay]\nline = \"green\"\nconnector = \"pay\"\ntask = true\nproof = \"postcode\"\n";
    std::fs::write(folder.path().join("intents.toml"), text).expect("is writable");
    let mut problems = crate::config::Problems::new();
    Tables::load(folder.path(), &mut problems);
    assert!(problems.to_string().contains("proof_connector"), "{problems}");
}

#[test]
fn faults_of_a_table_come_together() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "[unrecognised]\nthreshold = 0\n[patience]\nno_input = 3\n[nonsense]\n";
    std::fs::write(folder.path().join("rules.toml"), text).expect("is writable");
    let mut problems = crate::config::Problems::new();
    Tables::load(folder.path(), &mut problems);
    assert_eq!(problems.len(), 3, "{problems}");
}

const INPUTS: [&str; 31] = [
    "hm",
    "yes",
    "no",
    "person",
    "repeat",
    "slower",
    "wait",
    "back",
    "bye",
    "dont_record",
    "assisted",
    "bad:x",
    "urgent:x",
    "danger:x",
    "card",
    "tense",
    "silence",
    "timeout",
    "unknown",
    "late",
    "failed",
    "reply number=1 postcode=12345 status=x",
    "key 1",
    "key 2",
    "key 0",
    "key *",
    "key 123#",
    "intent:order_status",
    "intent:opening_hours or:address",
    "slot:order_number=4217",
    "slot:postcode=12345",
];

proptest! {
    /// Whatever callers do, in whatever order: every batch is whole, bounded, and says little.
    #[test]
    fn every_walk_gets_whole_batches(walk in proptest::collection::vec(0..INPUTS.len(), 1..60)) {
        let mut dialogue = dialogue_of(Setup { consent: ConsentMode::Ask, ..setup() });
        prop_assert!(is_whole(&dialogue.open(Moment::ZERO)));
        for (turn, input) in walk.into_iter().enumerate() {
            let steps = feed(&mut dialogue, INPUTS[input], Moment(turn as u64 * 3_000));
            prop_assert!(is_whole(&steps), "{}: {}", INPUTS[input], brief(&steps));
            let said = steps.iter().filter(|step| matches!(step, Step::Say(_))).count();
            prop_assert!(said <= 4, "{said} prompts");
        }
    }
}
