//! What is written is read back; the disk may refuse; other processes and versions may come.

use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::base::card::{Priority, SlotValue, Speaker};
use crate::base::consent::ConsentState;
use crate::base::disposition::Disposition;
use crate::base::ids::{AgentId, IntentId, LegId, RuleId};
use crate::base::moment::Moment;
use crate::base::reason::Reason;
use crate::base::utterance::Utterance;
use crate::call::command::{Fact, TransferStep, UnderstandingNote};
use crate::call::event::DialFailure;
use crate::store::record::CallFilter;
use crate::store::{LegRow, Store, StoreFault, StoreSettings};

use super::{call_id, caller, now, open, said, step};

async fn note(store: &Store, at_ms: u64, fact: Fact) {
    store.note(&call_id(1), Moment(at_ms), now(), fact).await.await.expect("kept");
}

fn understood() -> Fact {
    let Fact::Said { line, .. } = said(4_000, "Where is order 4217?") else { unreachable!() };
    let understanding = UnderstandingNote {
        stress_reasons: Vec::new(),
        intent: Some(IntentId::from("order_status")),
        confidence: 0.75,
        stress: 0.5,
        reasons: vec![Reason::at(Moment(4_000), "keyword 'order'")],
        slots: vec![SlotValue {
            name: "order_number".into(),
            value: "4217".to_owned().into(),
            source: "4217".to_owned().into(),
        }],
    };
    let utterance = Utterance::typed("Where is order 4217?", Moment(4_000), 1_500);
    Fact::Said { line, utterance: Some(utterance), understanding: Some(understanding) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_reads_back_as_it_was_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(folder.path());
    let call = call_id(1);
    store.arrived(&call, now(), &caller("+49 30 123")).await.await.expect("kept");
    let leg = LegRow {
        leg: LegId::CALLER,
        role: "caller",
        agent: None,
        peer: Some("192.0.2.1:5060".into()),
        codec: Some("PCMA".into()),
        began: Moment(0),
    };
    store.leg_began(&call, leg).await.await.expect("kept");
    note(&store, 4_000, understood()).await;
    let reasons = vec![Reason::new("asked for")];
    let decided = Fact::Decided {
        rule: RuleId::from("asked"),
        decision: "person: asked for".into(),
        priority: Priority::P1,
        reasons: reasons.clone(),
    };
    note(&store, 5_000, decided).await;
    note(&store, 5_100, Fact::Consent { recording: ConsentState::Notified }).await;
    note(&store, 6_000, step(TransferStep::Wanted { reasons })).await;
    let anna = AgentId::from("anna");
    let failure = DialFailure::ServerError(503);
    note(&store, 7_000, step(TransferStep::Failed { agent: anna.clone(), failure })).await;
    note(&store, 16_000, step(TransferStep::Bridged { agent: anna.clone() })).await;
    note(&store, 20_000, Fact::Satisfied { yes: true }).await;
    store.leg_ended(&call, LegId::CALLER, Moment(30_000), "hung_up").await.await.expect("kept");
    let end = store.ended(&call, Moment(30_000), now(), Disposition::Transferred).await;
    end.await.expect("kept");
    let again = store.ended(&call, Moment(31_000), now(), Disposition::TooLong).await;
    again.await.expect("a second end changes nothing");
    note(&store, 31_000, Fact::WrapUp { agent: anna, result: "solved".into() }).await;

    let read = store.call(&call).await.expect("an answer").expect("the call");
    assert_eq!(read.head.disposition.as_deref(), Some("transferred"));
    assert_eq!(read.head.intent.as_deref(), Some("order_status"));
    assert_eq!(read.head.priority.as_deref(), Some("P1"));
    assert_eq!((read.head.to_person_ms, read.head.length_ms), (Some(10_000), Some(30_000)));
    assert_eq!(read.head.stress_max, 0.5);
    assert_eq!(read.head.satisfied, Some(true));
    assert_eq!(read.head.consent.as_deref(), Some("notified"));
    assert_eq!(read.agents, ["anna"]);
    assert_eq!(read.lines.len(), 1);
    let line = &read.lines[0];
    assert_eq!((line.speaker, line.ended_ms), (Speaker::Caller, Some(5_500)));
    assert_eq!(line.slots[0].value.reveal(), "4217");
    assert_eq!(line.reasons[0].to_string(), "00:04 keyword 'order'");
    assert_eq!(read.transfer_steps[1].detail, "server_error 503");
    assert_eq!(read.legs[0].how.as_deref(), Some("hung_up"));
    assert_eq!(read.wrap_ups[0].result.as_deref(), Some("solved"));
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_filtered_and_searched() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(folder.path());
    for number in 0..30_u8 {
        let call = call_id(number);
        let from = format!("+4930{number:03}");
        drop(store.arrived(&call, now(), &caller(&from)).await);
        let words = if number % 3 == 0 { "my parcel is lost" } else { "opening hours please" };
        let ack = store.note(&call, Moment(1), now(), said(1, words)).await;
        ack.await.expect("kept");
        if number < 20 {
            let how = if number % 2 == 0 { Disposition::Answered } else { Disposition::TooLong };
            store.ended(&call, Moment(9), now(), how).await.await.expect("kept");
        }
    }
    let count = |filter: CallFilter| {
        let store = store.clone();
        async move { store.calls(CallFilter { limit: 7, ..filter }).await.expect("a list") }
    };
    let search = |text: &str| CallFilter { search: Some(text.into()), ..Default::default() };
    let ended = |name: &str| CallFilter { disposition: Some(name.into()), ..Default::default() };
    let (page, total) = count(CallFilter::default()).await;
    assert_eq!((page.len(), total), (7, 30));
    assert!(page.windows(2).all(|pair| pair[0].began_ms >= pair[1].began_ms), "newest first");
    assert_eq!(count(search("parc")).await.1, 10, "the last word may be a beginning");
    assert_eq!(count(search("lost parcel")).await.1, 10);
    assert_eq!(count(search("parc lost")).await.1, 0, "but not the others");
    assert_eq!(count(search("+49 30 004")).await.1, 1, "a number");
    assert_eq!(count(search("muster")).await.1, 30, "a name");
    assert_eq!(count(search("\" OR 1=1 --")).await.1, 0);
    assert_eq!(count(ended("answered")).await.1, 10);
    assert_eq!(count(ended("live")).await.1, 10);
    let nobody = CallFilter { agent: Some("anna".into()), ..Default::default() };
    assert_eq!(count(nobody).await.1, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_stalls_and_recovers_without_loss() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(folder.path());
    let call = call_id(1);
    store.arrived(&call, now(), &caller("+49301")).await.await.expect("kept");
    let pages = "PRAGMA max_page_count = 1"; // clamped to the present size
    store.alone(|db| db.query_row(pages, [], |_| Ok(()))).await.expect("limited");
    let mut acks = Vec::new();
    let long = "word ".repeat(300);
    for number in 0..200 {
        let began = Instant::now();
        let fact = said(number, &format!("{long}{number}"));
        acks.push(store.note(&call, Moment(number), now(), fact).await);
        assert!(began.elapsed() < Duration::from_millis(500), "the call goes on");
    }
    let until = Instant::now() + Duration::from_secs(5);
    while store.health().is_working() && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(!store.health().is_working(), "the alarm: {:?}", store.health());

    // The limit belongs to the writer's connection, so the writer lifts it, between two tries.
    crate::store::writer::testing::lift_page_limit();
    for ack in acks {
        tokio::time::timeout(Duration::from_secs(15), ack).await.expect("in time").expect("kept");
    }
    assert!(store.health().is_working());
    let read = store.call(&call).await.expect("an answer").expect("the call");
    assert_eq!(read.lines.len(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_write_is_refused_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(folder.path());
    let (known, unknown) = (call_id(1), call_id(2));
    let first = store.arrived(&known, now(), &caller("+49301")).await;
    let lost = store.note(&unknown, Moment(1), now(), said(1, "nobody's words")).await;
    let name = store.recording(&known, "../../etc/passwd", Moment(0)).await;
    let last = store.note(&known, Moment(2), now(), said(2, "kept")).await;
    assert!(first.await.is_ok());
    assert!(matches!(lost.await, Err(StoreFault::Sql(_))));
    assert!(matches!(name.await, Err(StoreFault::Sql(_))));
    assert!(last.await.is_ok());
    assert_eq!(store.health().refused, 2);
    let read = store.call(&known).await.expect("an answer").expect("the call");
    assert_eq!((read.lines.len(), read.recording), (1, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_in_flight_are_closed_at_the_next_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let call = call_id(1);
    {
        let store = open(folder.path());
        store.arrived(&call, now(), &caller("+49301")).await.await.expect("kept");
        note(&store, 7_000, said(7_000, "hello")).await;
        note(&store, 9_000, step(TransferStep::Bridged { agent: AgentId::from("anna") })).await;
        store.close().await.expect("closed");
    }
    let store = open(folder.path());
    assert_eq!(store.recovered(), std::slice::from_ref(&call));
    let read = store.call(&call).await.expect("an answer").expect("the call");
    assert_eq!(read.head.disposition.as_deref(), Some("system_failure"));
    assert_eq!(read.head.length_ms, Some(9_000));
    assert_eq!(read.wrap_ups.len(), 1, "the agent's wrap-up is open");
    assert_eq!(read.wrap_ups[0].closed_ms, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_service_and_no_older_program() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = StoreSettings::in_folder(folder.path());
    let store = open(folder.path());
    assert!(matches!(Store::open(settings.clone()), Err(StoreFault::InUse { .. })));
    let call = call_id(1);
    store.arrived(&call, now(), &caller("+49301")).await.await.expect("kept");
    let beside = Store::open_beside(settings.clone()).expect("a tool may");
    assert!(beside.recovered().is_empty(), "a tool closes nobody's calls");
    store.close().await.expect("closed");
    drop((store, beside));
    let db = Connection::open(&settings.file).expect("the file opens");
    db.pragma_update(None, "user_version", 99).expect("set");
    drop(db);
    assert!(matches!(Store::open(settings.clone()), Err(StoreFault::Newer { .. })));
    std::fs::write(&settings.file, vec![7; 8_192]).expect("written over");
    assert!(Store::open(settings).is_err(), "damaged");
}

/// A measure, printed: facts of 200 calls at once.
#[tokio::test(flavor = "multi_thread")]
async fn many_calls_share_commits() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(folder.path());
    for number in 0..200_u8 {
        drop(store.arrived(&call_id(number), now(), &caller("+49301")).await);
    }
    let began = Instant::now();
    let mut acks = Vec::new();
    for turn in 0..50 {
        for number in 0..200_u8 {
            let fact = said(turn, "where is my order please");
            acks.push(store.note(&call_id(number), Moment(turn), now(), fact).await);
        }
    }
    for ack in acks {
        ack.await.expect("kept");
    }
    let (took, commits) = (began.elapsed(), store.health().commits);
    println!("10,000 facts of 200 calls: {} ms, {commits} commits", took.as_millis());
    assert!(commits < 500, "{commits} commits: they are not shared");
}
