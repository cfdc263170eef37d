//! Example calls, written as the runtime would write them.

use jiff::{Timestamp, ToSpan};
use warmline::base::caller::{CallerInfo, CustomerProfile};
use warmline::base::card::{Line, OfferCard, Priority, SlotValue, Speaker};
use warmline::base::consent::ConsentState;
use warmline::base::disposition::Disposition;
use warmline::base::ids::{
    AgentId, CallId, ConnectorId, IntentId, LegId, OfferId, RuleId, TrunkId,
};
use warmline::base::language::Language;
use warmline::base::moment::Moment;
use warmline::base::reason::Reason;
use warmline::base::utterance::Utterance;
use warmline::call::command::{Fact, TransferStep, UnderstandingNote};
use warmline::store::{LadderRow, LegRow, Store};

pub fn call_id(number: u8) -> CallId {
    CallId::new(1_763_000_000_000 + u64::from(number), [number; 10])
}

pub fn caller(name: &str, number: &str) -> CallerInfo {
    CallerInfo {
        number: Some(number.to_owned().into()),
        name: Some(name.to_owned().into()),
        dialled: "+49 30 555 0100".into(),
        trunk: TrunkId::from("office"),
        user_agent: Some("Grandstream GXP2170 1.0.11".into()),
        language: Language::english(),
        peer: None,
        profile: CustomerProfile { vip: number.ends_with('7'), ..Default::default() },
    }
}

pub fn said(at_ms: u64, speaker: Speaker, text: &str) -> Fact {
    let line = Line { at: Moment(at_ms), speaker, text: text.to_owned().into() };
    let utterance = (speaker != Speaker::Machine)
        .then(|| Utterance::typed(text, Moment(at_ms), text.len() as u64 * 60));
    Fact::Said { line, utterance, understanding: None }
}

pub fn understood(at_ms: u64, text: &str, intent: &str, stress: f32, reasons: &[&str]) -> Fact {
    let Fact::Said { line, utterance, .. } = said(at_ms, Speaker::Caller, text) else {
        unreachable!("said makes lines")
    };
    let note = UnderstandingNote {
        intent: (!intent.is_empty()).then(|| IntentId::from(intent)),
        confidence: 0.86,
        stress,
        stress_reasons: Vec::new(),
        reasons: reasons.iter().map(|text| Reason::at(Moment(at_ms), *text)).collect(),
        slots: text
            .contains("4217")
            .then(|| SlotValue {
                name: "order_number".into(),
                value: "4217".to_owned().into(),
                source: "forty-two seventeen".to_owned().into(),
            })
            .into_iter()
            .collect(),
    };
    Fact::Said { line, utterance, understanding: Some(note) }
}

fn decided(rule: &str, what: &str, priority: Priority, reasons: &[&str]) -> Fact {
    Fact::Decided {
        rule: RuleId::from(rule),
        decision: what.into(),
        priority,
        reasons: reasons.iter().map(|text| Reason::new(*text)).collect(),
    }
}

pub fn transfer(step: TransferStep) -> Fact {
    Fact::Transfer { offer: Some(OfferId(1)), step }
}

/// A complaint that goes to Anna, with everything that a call can have.
pub async fn complaint(store: &Store, number: u8, began: Timestamp) -> CallId {
    let call = call_id(number);
    let who = caller("Marta Ellison", "+49 151 555 0137");
    drop(store.arrived(&call, began, &who).await);
    drop(store.leg_began(&call, leg(0, "caller", None, 0)).await);
    drop(store.leg_began(&call, leg(1, "agent", Some("anna"), 38_000)).await);
    for (at_ms, fact) in complaint_facts() {
        let wall = began + (at_ms as i64).milliseconds();
        drop(store.note(&call, Moment(at_ms), wall, fact).await);
    }
    for (at_ms, leg, outbound, summary) in [
        (0, 0, false, "INVITE"),
        (2, 0, true, "100 Trying (INVITE)"),
        (40, 0, true, "200 OK (INVITE)"),
        (62, 0, false, "ACK"),
        (34_100, 1, true, "INVITE"),
        (34_180, 1, false, "180 Ringing (INVITE)"),
        (38_000, 1, false, "200 OK (INVITE)"),
        (38_010, 1, true, "ACK"),
        (96_000, 0, false, "BYE"),
        (96_002, 0, true, "200 OK (BYE)"),
        (96_010, 1, true, "BYE"),
        (96_050, 1, false, "481 Call Does Not Exist (BYE)"),
    ] {
        let row = LadderRow {
            at: Moment(at_ms),
            leg: LegId(leg),
            outbound,
            peer: "192.0.2.17:5060".into(),
            summary: summary.into(),
            message: format!("{summary}\r\nVia: SIP/2.0/UDP 192.0.2.17:5060;rport\r\n\r\n"),
        };
        drop(store.ladder(&call, row).await);
    }
    call
}

fn leg(number: u32, role: &'static str, agent: Option<&str>, began_ms: u64) -> LegRow {
    LegRow {
        leg: LegId(number),
        role,
        agent: agent.map(AgentId::from),
        peer: Some("192.0.2.17:5060".into()),
        codec: Some("PCMA".into()),
        began: Moment(began_ms),
    }
}

fn complaint_facts() -> Vec<(u64, Fact)> {
    let mut all = before_the_offer();
    all.extend(from_the_offer_on());
    all
}

fn before_the_offer() -> Vec<(u64, Fact)> {
    let negative = ["2 negative words in 60 s: 00:21 'ridiculous', 00:28 'unacceptable'"];
    vec![
        (
            600,
            said(
                600,
                Speaker::Machine,
                "Hello, this is the automated assistant of Holm & \
            Sons. The call is transcribed and recorded. How can I help?",
            ),
        ),
        (6_800, Fact::Consent { recording: ConsentState::Notified }),
        (
            7_900,
            understood(
                7_900,
                "Hi, I'd like to know where my order 4217 is.",
                "order_status",
                0.12,
                &["keyword 'order' 0.6", "phrase 'where my order is'"],
            ),
        ),
        (
            11_000,
            decided(
                "green_lookup",
                "look up order 4217",
                Priority::P3,
                &["order_status is answered by the connector orders"],
            ),
        ),
        (
            12_100,
            Fact::Looked {
                connector: ConnectorId::from("orders"),
                outcome: "on its way, due Friday".into(),
            },
        ),
        (
            12_300,
            said(
                12_300,
                Speaker::Machine,
                "Order 4217 is on its way and should arrive on \
            Friday. Did that answer it?",
            ),
        ),
        (18_400, Fact::Satisfied { yes: false }),
        (
            18_600,
            understood(
                18_600,
                "No. It was due last Friday, this is ridiculous, I already \
            told your colleague.",
                "complaint",
                0.58,
                &[
                    "'ridiculous' is a negative word",
                    "5.9 syllables/s, 1.4 above this caller's own pace",
                    "repetition: 'already told'",
                ],
            ),
        ),
        (24_000, said(24_000, Speaker::Machine, "I am sorry that it is late.")),
        (
            26_500,
            understood(
                26_500,
                "That is completely unacceptable. I want to talk to a \
            person!",
                "talk_to_person",
                0.81,
                &[
                    "'unacceptable' is a negative word, stronger by \
            'completely'",
                    "6.4 syllables/s, 1.9 above this caller's own pace",
                    "8 dB louder than at first",
                ],
            ),
        ),
        (31_000, decided("negative_words", "person: 2 negative words", Priority::P1, &negative)),
        (31_100, transfer(TransferStep::Wanted { reasons: vec![Reason::new(negative[0])] })),
        (31_200, said(31_200, Speaker::Machine, "I understand. I am getting a person for you.")),
    ]
}

fn from_the_offer_on() -> Vec<(u64, Fact)> {
    let anna = || AgentId::from("anna");
    vec![
        (34_000, transfer(TransferStep::Offered { agent: anna() })),
        (34_200, transfer(TransferStep::Ringing { agent: anna() })),
        (38_000, transfer(TransferStep::Briefing { agent: anna() })),
        (44_000, transfer(TransferStep::Accepted { agent: anna() })),
        (44_300, transfer(TransferStep::Bridged { agent: anna() })),
        (
            45_500,
            said(
                45_500,
                Speaker::Agent,
                "Ms Ellison, this is Anna. I see that order 4217 \
            is a week late. I am sorry; let me look at the carrier right now.",
            ),
        ),
        (
            55_000,
            understood(
                55_000,
                "Thank you. At last somebody who knows what this is about.",
                "",
                0.37,
                &["5.1 syllables/s, 0.6 above this caller's own pace"],
            ),
        ),
        (
            64_000,
            said(
                64_000,
                Speaker::Agent,
                "It comes tomorrow before noon, and the shipping \
            is on us.",
            ),
        ),
        (
            74_000,
            understood(
                74_000,
                "That's fair. Thanks a lot, goodbye.",
                "goodbye",
                0.14,
                &["4.6 syllables/s, this caller's own pace"],
            ),
        ),
    ]
}

pub fn card(call: &CallId, agent: &str) -> OfferCard {
    OfferCard {
        call: call.clone(),
        offer: OfferId(1),
        agent: AgentId::from(agent),
        summary: "Marta Ellison: order 4217 is a week late, upset, wants a person".into(),
        caller_name: Some("Marta Ellison".to_owned().into()),
        caller_number: Some("+49 151 555 0137".to_owned().into()),
        language: Language::english(),
        intent: Some("complains about a late delivery".into()),
        skill: Some("billing".into()),
        priority: Priority::P1,
        stress: 0.81,
        reasons: vec![
            Reason::new("2 negative words in 60 s: 00:21 'ridiculous', 00:28 'unacceptable'"),
            Reason::new("6.4 syllables/s, 1.9 above this caller's own pace"),
        ],
        slots: vec![SlotValue {
            name: "order_number".into(),
            value: "4217".to_owned().into(),
            source: "forty-two seventeen".to_owned().into(),
        }],
        tried: vec!["looked up order 4217: on its way, due Friday".into()],
        transcript: complaint_facts()
            .into_iter()
            .filter_map(|(_, fact)| match fact {
                Fact::Said { line, .. } => Some(line),
                _ => None,
            })
            .take(6)
            .collect(),
        stress_line: Vec::new(),
        draft: None,
    }
}

/// Ends a call with a recording of two seconds.
pub async fn end(store: &Store, call: &CallId, began: Timestamp, how: Disposition, at_ms: u64) {
    let file = format!("{call}.wav");
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: 8_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut wav =
        hound::WavWriter::create(store.recordings().join(&file), spec).expect("a recording");
    for sample in 0..32_000_i16 {
        wav.write_sample(sample).expect("a sample");
    }
    wav.finalize().expect("closed");
    drop(store.recording(call, &file, Moment(6_800)).await);
    for leg in [0, 1] {
        drop(store.leg_ended(call, LegId(leg), Moment(at_ms), "hung_up").await);
    }
    let wall = began + (at_ms as i64).milliseconds();
    store.ended(call, Moment(at_ms), wall, how).await.await.expect("kept");
}
