//! `kill -9` while facts are written: what was acknowledged is there afterwards.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::base::disposition::Disposition;
use crate::base::moment::Moment;

use super::{call_id, caller, now, open, said};

const FOLDER: &str = "WARMLINE_TEST_CRASH_FOLDER";
const ROUNDS: u32 = 10;
const WRITERS: u8 = 8;

/// The child: eight calls write at once, and each acknowledged fact is told to the parent. Does
/// nothing where it is run as a test of its own.
#[test]
fn child_that_is_killed() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let store = open(folder.as_ref());
        // Which round this is: calls of former rounds are closed by now.
        let round = store.calls(Default::default()).await.expect("a count").1 as u8;
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let store = store.clone();
                tokio::spawn(async move {
                    let call = call_id(round + writer);
                    store.arrived(&call, now(), &caller("+4930123")).await.await.expect("kept");
                    for number in 0_u64.. {
                        let fact = said(number, &format!("fact {number}"));
                        let ack = store.note(&call, Moment(number), now(), fact).await;
                        ack.await.expect("kept");
                        let mut out = std::io::stdout().lock();
                        let _ = writeln!(out, "\nkept {call} {number}");
                        let _ = out.flush();
                    }
                })
            })
            .collect();
        for writer in writers {
            let _ = writer.await;
        }
    });
}

#[test]
fn nothing_acknowledged_is_lost_by_kill_9() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut told: Vec<(String, u64)> = Vec::new();
    for round in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "store::tests::crash::child_that_is_killed", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the child starts");
        let out = child.stdout.take().expect("its output");
        let (lines, heard) = std::sync::mpsc::channel();
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if let Some(rest) = line.strip_prefix("kept ") {
                    let _ = lines.send(rest.to_owned());
                }
            }
        });
        let first = heard.recv_timeout(Duration::from_secs(20)).expect("a first fact");
        let mut kept = vec![first];
        // A different moment each round, in the midst of a commit as often as not.
        let until = Instant::now() + Duration::from_millis(u64::from(150 + round * 37));
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            kept.extend(heard.recv_timeout(left));
        }
        child.kill().expect("SIGKILL");
        child.wait().expect("its end");
        reader.join().expect("the reader ends");
        kept.extend(heard.try_iter());
        told.extend(kept.iter().filter_map(|line| {
            let (call, number) = line.split_once(' ')?;
            Some((call.to_owned(), number.parse().ok()?))
        }));
    }
    assert!(told.len() > 100, "only {} facts were told of", told.len());

    let store = open(folder.path());
    assert_eq!(store.recovered().len(), usize::from(WRITERS), "the last round's calls");
    let file = folder.path().join("warmline.db");
    let db = Connection::open(file).expect("the file opens");
    let report: String =
        db.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("a report");
    assert_eq!(report, "ok");
    let mut find = db.prepare("SELECT 1 FROM lines WHERE call = ?1 AND at_ms = ?2").expect("SQL");
    for (call, number) in &told {
        let there = find.exists((call, *number as i64)).expect("an answer");
        assert!(there, "fact {number} of {call} was acknowledged and is gone");
    }
    let open_calls: i64 = db
        .query_row("SELECT count(*) FROM calls WHERE disposition IS NULL", [], |row| row.get(0))
        .expect("a count");
    assert_eq!(open_calls, 0);
    let failed: i64 = db
        .query_row(
            "SELECT count(*) FROM calls WHERE disposition = ?1",
            [Disposition::SystemFailure.name()],
            |row| row.get(0),
        )
        .expect("a count");
    assert_eq!(failed, i64::from(ROUNDS) * i64::from(WRITERS));
    println!("{} acknowledged facts found again after {ROUNDS} kills", told.len());
}
