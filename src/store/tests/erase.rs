//! Erasing and retention: what goes is gone, what stays stays.

use std::fs;
use std::path::Path;

use jiff::ToSpan;

use crate::base::disposition::Disposition;
use crate::base::ids::LegId;
use crate::base::moment::Moment;
use crate::store::record::CallFilter;
use crate::store::{LadderRow, Store};

use super::{call_id, caller, now, open, said};

const CANARY: &str = "xylophonecanary";
const NUMBER: &str = "+4915155501234";

async fn write_call(store: &Store, number: u8, from: &str, words: &str, age_days: i64) {
    let call = call_id(number);
    let wall = now() - (age_days * 24).hours();
    store.arrived(&call, wall, &caller(from)).await.await.expect("kept");
    for turn in 0..40 {
        let fact = said(turn * 1_000, &format!("{words} turn {turn}"));
        drop(store.note(&call, Moment(turn * 1_000), wall, fact).await);
    }
    let row = LadderRow {
        at: Moment(0),
        leg: LegId::CALLER,
        outbound: false,
        peer: "192.0.2.1:5060".into(),
        summary: "INVITE".into(),
        message: format!("INVITE sip:100@here\r\nFrom: {from} {words}\r\n"),
    };
    drop(store.ladder(&call, row).await);
    let file = format!("{call}.wav");
    fs::write(store.recordings().join(&file), format!("RIFF {words}")).expect("a recording");
    drop(store.recording(&call, &file, Moment(0)).await);
    let end = store.ended(&call, Moment(40_000), wall, Disposition::Answered).await;
    end.await.expect("kept");
}

/// How many files below `folder` hold `word`, in any letter case.
fn files_with(folder: &Path, word: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files_with(&path, word));
            continue;
        }
        let bytes = fs::read(&path).unwrap_or_default().to_ascii_lowercase();
        let word = word.to_ascii_lowercase();
        if bytes.windows(word.len()).any(|window| window == word.as_bytes()) {
            found.push(path.display().to_string());
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_caller_leaves_no_byte() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(folder.path());
    for number in 0..20 {
        let (from, words) = match number % 4 {
            0 => (NUMBER, CANARY),
            _ => ("+4930999", "ordinary words of others"),
        };
        write_call(&store, number, from, words, 0).await;
    }
    for (number, name) in [("0049 151 5550 1234", CANARY), ("+49 30 999", "another")] {
        store.want_call_back(number, name, now()).await.expect("kept");
    }
    assert!(!files_with(folder.path(), CANARY).is_empty(), "the test would see it");
    assert!(!files_with(folder.path(), NUMBER).is_empty(), "the test would see it");

    let erased = store.erase_caller("0049 151 555-01234", "admin").await.expect("erased");
    assert_eq!((erased.calls, erased.recordings, erased.live_left), (5, 5, 0));
    assert_eq!((erased.call_backs, store.call_backs().await.expect("rows").len()), (1, 1));
    assert_eq!(files_with(folder.path(), "0049 151 5550 1234"), Vec::<String>::new());
    assert_eq!(files_with(folder.path(), CANARY), Vec::<String>::new());
    assert_eq!(files_with(folder.path(), NUMBER), Vec::<String>::new());
    assert_eq!(files_with(folder.path(), &NUMBER[1..]), Vec::<String>::new());

    let others = CallFilter { search: Some("ordinary".into()), limit: 50, ..Default::default() };
    assert_eq!(store.calls(others).await.expect("a list").1, 15);
    assert_eq!(store.audit_broken_at().await.expect("a check"), None);
    let rows = store.audit_rows(10).await.expect("rows");
    assert!(rows.iter().any(|row| row.what == "erase_caller" && row.who == "admin"));
    // The store writes on.
    write_call(&store, 90, "+4930999", "afterwards", 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_call_is_not_erased() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(folder.path());
    let call = call_id(1);
    store.arrived(&call, now(), &caller(NUMBER)).await.await.expect("kept");
    let erased = store.erase_caller(NUMBER, "admin").await.expect("an answer");
    assert_eq!((erased.calls, erased.live_left), (0, 1));
    assert!(store.call(&call).await.expect("an answer").is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn old_calls_go_and_young_ones_stay() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(folder.path());
    write_call(&store, 1, "+49301", "old", 31).await;
    write_call(&store, 2, "+49302", "young", 29).await;
    fs::write(store.recordings().join("unknown.wav"), "RIFF").expect("a young orphan");
    for (number, days) in [("+49301", 31), ("+49302", 29)] {
        store.want_call_back(number, "", now() - (days * 24).hours()).await.expect("kept");
    }
    assert_eq!(store.sweep(now()).await.expect("swept"), 1);
    assert!(store.call(&call_id(1)).await.expect("an answer").is_none());
    assert!(store.call(&call_id(2)).await.expect("an answer").is_some());
    assert!(!store.recordings().join(format!("{}.wav", call_id(1))).exists());
    assert!(store.recordings().join(format!("{}.wav", call_id(2))).exists());
    assert!(store.recordings().join("unknown.wav").exists());
    let kept = store.call_backs().await.expect("rows");
    assert!(kept.len() == 1 && kept[0].number.reveal() == "+49302", "{kept:?}");
    // The log keeps what was written until it is checkpointed, at the latest at closing.
    store.close().await.expect("closed");
    assert_eq!(files_with(folder.path(), "old turn 7"), Vec::<String>::new());
}
