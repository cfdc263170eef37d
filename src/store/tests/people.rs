//! Users, sessions, tokens, offers and the audit.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;

use crate::base::card::{OfferCard, Priority};
use crate::base::disposition::Disposition;
use crate::base::ids::{AgentId, OfferId};
use crate::base::language::Language;
use crate::base::moment::Moment;
use crate::call::command::TransferStep;
use crate::store::limits::{SESSION_IDLE_MAX, SESSION_LIFE_MAX};
use crate::store::users::{self, Role};
use crate::store::{Store, StoreFault};

use super::{call_id, caller, now, open, step};

fn later(at: Timestamp, span: Duration) -> Timestamp {
    at + SignedDuration::try_from(span).expect("a short span")
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_are_checked_and_changed() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(folder.path());
    let admin = users::ensure_admin(&store).await.expect("made").expect("a password");
    assert_eq!(users::ensure_admin(&store).await.expect("made"), None, "shown once");
    let found = users::verify(&store, "admin", &admin).await.expect("an answer");
    assert_eq!(found.map(|user| user.role), Some(Role::Admin));
    assert_eq!(users::verify(&store, "admin", "wrong password").await.expect("an answer"), None);
    assert_eq!(users::verify(&store, "nobody", &admin).await.expect("an answer"), None);
    let session = store.session_begin("admin", now()).await.expect("begun");
    users::set_password(&store, "admin", "another password").await.expect("set");
    assert!(store.session(&session, now()).await.expect("an answer").is_none());
    assert!(users::verify(&store, "admin", "another password").await.expect("ok").is_some());
    for (name, password) in [("", "long enough 1"), ("a b", "long enough 1"), ("short", "123")] {
        let outcome = users::add(&store, name, password, Role::Agent, None).await;
        assert!(matches!(outcome, Err(StoreFault::Refused(_))), "{name:?}");
    }
    let again = users::add(&store, "admin", "long enough 1", Role::Agent, None).await;
    assert!(matches!(again, Err(StoreFault::Refused(_))), "the name is taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_end_idle_and_absolutely() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(folder.path());
    users::add(&store, "anna", "long enough 1", Role::Agent, None).await.expect("added");
    let began = now();
    let token = store.session_begin("anna", began).await.expect("begun");
    let alive = |store: Store, token: String, at| async move {
        store.session(&token, at).await.expect("an answer").is_some()
    };
    let almost_idle = later(began, SESSION_IDLE_MAX - Duration::from_secs(1));
    assert!(!alive(store.clone(), token.clone(), later(began, SESSION_IDLE_MAX)).await);
    assert!(alive(store.clone(), token.clone(), almost_idle).await, "and this is a use");
    // Writes go in order: once this one is kept, the use before it is.
    store.audit("test", "barrier", "", "").await.await.expect("kept");
    assert!(alive(store.clone(), token.clone(), later(began, SESSION_IDLE_MAX)).await);
    let mut at = almost_idle;
    while at < later(began, SESSION_LIFE_MAX) {
        assert!(alive(store.clone(), token.clone(), at).await, "used at {at}");
        store.audit("test", "barrier", "", "").await.await.expect("kept");
        at = later(at, SESSION_IDLE_MAX - Duration::from_secs(61));
    }
    assert!(!alive(store.clone(), token.clone(), later(began, SESSION_LIFE_MAX)).await);
    let other = store.session_begin("anna", began).await.expect("begun");
    assert_ne!(other, token);
    store.session_end(&other).await.expect("ended");
    assert!(!alive(store, other, began).await);
}

/// Parameters as OWASP has them for argon2id: 19 MiB, two passes, one lane.
#[tokio::test(flavor = "multi_thread")]
async fn passwords_are_kept_as_argon2id_with_a_salt_of_their_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(folder.path());
    for name in ["anna", "bert"] {
        users::add(&store, name, "long enough 1", Role::Agent, None).await.expect("added");
    }
    store.close().await.expect("closed");
    let kept = Connection::open(folder.path().join("warmline.db")).expect("opens");
    let mut rows = kept.prepare("SELECT password_hash FROM users ORDER BY name").expect("a table");
    let hashes: Vec<String> = rows
        .query_map([], |row| row.get(0))
        .expect("rows")
        .collect::<Result<_, _>>()
        .expect("texts");
    let [anna, bert] = hashes.as_slice() else { panic!("two users: {hashes:?}") };
    for hash in [anna, bert] {
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
    }
    assert_ne!(anna, bert, "the same password under another salt");
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_and_passwords_are_not_in_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(folder.path());
    users::add(&store, "anna", "long enough 1", Role::Agent, None).await.expect("added");
    let api = users::add_api_token(&store, "anna", "crm").await.expect("made");
    let nobody = users::add_api_token(&store, "nobody", "crm").await.expect_err("refused");
    assert_eq!(nobody.to_string(), "there is no such user");
    let session = store.session_begin("anna", now()).await.expect("begun");
    let user = users::by_api_token(&store, &api).await.expect("an answer").expect("known");
    assert_eq!(user.agent.as_deref(), Some("anna"));
    store.close().await.expect("closed");
    let bytes = std::fs::read(folder.path().join("warmline.db")).expect("the file");
    for secret in [api.as_str(), session.as_str(), "long enough 1"] {
        assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
    }
}

fn card(offer: u32, agent: &str) -> OfferCard {
    OfferCard {
        call: call_id(1),
        offer: OfferId(offer),
        agent: AgentId::from(agent),
        summary: "Anna disputes a bill".into(),
        caller_name: None,
        caller_number: None,
        language: Language::english(),
        intent: None,
        skill: None,
        priority: Priority::P2,
        stress: 0.5,
        reasons: Vec::new(),
        slots: Vec::new(),
        tried: Vec::new(),
        transcript: Vec::new(),
        stress_line: Vec::new(),
        draft: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn offers_close_when_declined_and_after_wrap_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(folder.path());
    let (call, wall) = (call_id(1), now());
    store.arrived(&call, wall, &caller("+49301")).await.await.expect("kept");
    let bert = store.offer_opened(&card(1, "bert"), wall).await.expect("opened");
    let cara = store.offer_opened(&card(2, "cara"), wall).await.expect("opened");
    assert!(store.offer(&bert, wall).await.expect("an answer").is_some());
    let declined = step(TransferStep::Declined { agent: AgentId::from("bert") });
    store.note(&call, Moment(5), wall, declined).await.await.expect("kept");
    assert!(store.offer(&bert, wall).await.expect("an answer").is_none(), "declined");
    let accepted = step(TransferStep::Accepted { agent: AgentId::from("cara") });
    store.note(&call, Moment(9), wall, accepted).await.await.expect("kept");
    let ended = later(wall, Duration::from_secs(60));
    let end = store.ended(&call, Moment(60_000), ended, Disposition::Transferred).await;
    end.await.expect("kept");
    let in_wrap_up = later(ended, Duration::from_secs(119));
    assert!(store.offer(&cara, in_wrap_up).await.expect("an answer").is_some());
    let after = later(ended, Duration::from_secs(120));
    assert!(store.offer(&cara, after).await.expect("an answer").is_none());
    let early = later(ended, Duration::from_secs(10));
    let over = store.wrap_up_ended(&call, &AgentId::from("cara"), early).await;
    over.await.expect("kept");
    assert!(store.offer(&cara, early).await.expect("an answer").is_none(), "wrap-up is over");
    for wrong in ["", "x", "../../etc/passwd", &"a".repeat(32)] {
        assert!(store.offer(wrong, wall).await.expect("an answer").is_none(), "{wrong:?}");
    }
}

/// The INVITE with the link does not wait for the disk: whoever is faster than it finds the card.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_opens_before_a_slow_disk_has_its_row() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(folder.path());
    let (call, wall) = (call_id(1), now());
    store.arrived(&call, wall, &caller("+49301")).await.await.expect("kept");
    // The disk tells that it is at work, and is slow until `release` is sent or dropped.
    let (tell, mut begun) = tokio::sync::mpsc::unbounded_channel();
    let (release, released) = std::sync::mpsc::channel();
    let slow = store.alone(move |_| {
        let _ = tell.send(());
        let _ = released.recv();
        Ok(())
    });
    let opened = async {
        begun.recv().await.expect("the slow disk is at work");
        let (token, ack) = store.offer_opening(&card(1, "bert"), wall).await;
        assert!(!store.caught_up(Duration::from_millis(20)).await.expect("an answer"));
        let before = store.health().queued;
        // One more in the queue: the reader has found no row and waits behind what is written.
        let looked = async {
            while store.health().queued == before {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let let_go = async {
            let looked = tokio::time::timeout(Duration::from_secs(20), looked).await;
            looked.expect("the reader waits for the row");
            release.send(()).expect("the disk was slow until now");
        };
        let (found, ()) = tokio::join!(store.offer(&token, wall), let_go);
        assert_eq!(found.expect("an answer").expect("the card").agent, AgentId::from("bert"));
        ack.await.expect("kept");
        assert!(store.caught_up(Duration::ZERO).await.expect("an answer"));
    };
    let (slow, ()) = tokio::join!(slow, opened);
    slow.expect("ends");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_audit_row_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(folder.path());
    for number in 0..5 {
        let target = format!("call {number}");
        store.audit("admin", "view_call", &target, "127.0.0.1").await.await.expect("kept");
    }
    assert_eq!(store.audit_broken_at().await.expect("a check"), None);
    let db = Connection::open(folder.path().join("warmline.db")).expect("the file opens");
    db.execute("UPDATE audit SET who = 'eve' WHERE id = 3", []).expect("changed");
    assert_eq!(store.audit_broken_at().await.expect("a check"), Some(3));
    db.execute("UPDATE audit SET who = 'admin' WHERE id = 3", []).expect("changed back");
    db.execute("DELETE FROM audit WHERE id = 2", []).expect("deleted");
    assert_eq!(store.audit_broken_at().await.expect("a check"), Some(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wish_to_be_called_back_is_open_until_it_is_done() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(folder.path());
    let first = store.want_call_back("+1 555 0199", "Ada", now()).await.expect("kept");
    let second = store.want_call_back("+1 555 0100", "", now()).await.expect("kept");
    assert!(store.close_call_back(first, "super").await.expect("an answer"));
    assert!(!store.close_call_back(first, "other").await.expect("an answer"), "done already");
    let rows = store.call_backs().await.expect("rows");
    assert_eq!(rows.iter().map(|row| row.id).collect::<Vec<_>>(), [second, first]);
    assert_eq!((rows[0].name.as_ref(), rows[0].closed_ms), (None, None));
    assert_eq!(rows[1].closed_by.as_deref(), Some("super"));
    assert_eq!(rows[1].number.reveal(), "+1 555 0199");
    // What was kept is there after a restart.
    store.close().await.expect("closed");
    drop(store);
    assert_eq!(open(folder.path()).call_backs().await.expect("rows").len(), 2);
}
