//! The desk's WebSocket and presence: who may open it, what it tells, what it takes.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use warmline::base::card::{Priority, Speaker};
use warmline::base::disposition::Disposition;
use warmline::base::ids::{AgentId, CallId, OfferId};
use warmline::base::language::Language;
use warmline::base::moment::Moment;
use warmline::call::command::{AgentOutcome, Fact, TransferStep};
use warmline::call::event::{Event, ReservationRequest};
use warmline::call::steer::Steer;
use warmline::runtime::desk::DeskMessage;
use warmline::store::users::{self, Role};

use super::example;
use super::server::{PASSWORD, Server};

type Line = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// One page of the desk.
struct Desk(Line);

async fn connect(server: &Server, cookies: &str, origin: Option<&str>) -> Result<Line, u16> {
    let url = format!("ws://{}/desk/socket", server.address);
    let mut request = url.into_client_request().expect("a request");
    request.headers_mut().insert("Cookie", cookies.parse().expect("a header"));
    if let Some(origin) = origin {
        request.headers_mut().insert("Origin", origin.parse().expect("a header"));
    }
    match connect_async(request).await {
        Ok((line, _)) => Ok(line),
        Err(Error::Http(response)) => Err(response.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

async fn cookies_of(server: &Server, name: &str) -> String {
    let browser = server.logged_in(name).await;
    let cookies = browser.cookies.lock().expect("a lock");
    let all: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    all.join("; ")
}

impl Desk {
    async fn open(server: &Server, name: &str) -> Desk {
        let cookies = cookies_of(server, name).await;
        let line = connect(server, &cookies, Some(&server.url(""))).await;
        Desk(line.expect("the desk opens"))
    }

    /// The next message of this type; others are passed over.
    async fn next(&mut self, kind: &str) -> Value {
        let wait = async {
            while let Some(message) = self.0.next().await {
                let Ok(Message::Text(text)) = message else { continue };
                let message: Value = serde_json::from_str(&text).expect("is JSON");
                if message["type"] == kind {
                    return message;
                }
            }
            panic!("the line ended before {kind:?}")
        };
        let patience = Duration::from_secs(20);
        tokio::time::timeout(patience, wait).await.unwrap_or_else(|_| panic!("no {kind:?}"))
    }

    /// Passes messages over until this agent is in `state`.
    async fn until(&mut self, state: &str) -> Value {
        loop {
            let desk = self.next("desk").await;
            if desk["own"]["state"] == state {
                return desk["own"].clone();
            }
        }
    }

    async fn send(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.expect("sent");
    }

    /// The close code.
    async fn closed(&mut self, within: Duration) -> Option<u16> {
        let wait = async {
            while let Some(Ok(message)) = self.0.next().await {
                if let Message::Close(frame) = message {
                    return frame.map(|frame| frame.code.into());
                }
            }
            None
        };
        tokio::time::timeout(within, wait).await.expect("it closes")
    }
}

fn reserve(server: &Server, call: &CallId, only: &str) {
    let request = ReservationRequest {
        skills: Vec::new(),
        language: Language::english(),
        priority: Priority::P2,
        except: Vec::new(),
        only: Some(AgentId::from(only)),
        queue: false,
    };
    server.desk.send(DeskMessage::Reserve(call.clone(), Box::new(request)));
}

fn release(server: &Server, call: &CallId, agent: &str, outcome: AgentOutcome) {
    server.desk.send(DeskMessage::Release(call.clone(), AgentId::from(agent), outcome));
}

fn step(server: &Server, call: &CallId, at_ms: u64, step: TransferStep) {
    let fact = Fact::Transfer { offer: Some(OfferId(1)), step };
    server.pages.fact(call, Moment(at_ms), &fact);
}

fn offered(server: &Server, call: &CallId, agent: &str) {
    let card = example::card(call, agent);
    let began = Timestamp::now().as_millisecond();
    drop(server.pages.offered(&card, began, Moment(34_000)));
}

fn steered(server: &Server) -> Vec<Steer> {
    let events = server.live.events.lock().expect("a lock");
    let steers = events.iter().filter_map(|(_, event)| match event {
        Event::Steered { by, .. } => Some(by.clone()),
        _ => None,
    });
    steers.collect()
}

/// The first thing that a page asks of a call, as soon as it is asked.
async fn first_steer(server: &Server) -> Option<Steer> {
    nth_steer(server, 0).await
}

/// The same, after `before` others.
async fn nth_steer(server: &Server, before: usize) -> Option<Steer> {
    for _ in 0..500 {
        if let Some(steer) = steered(server).get(before) {
            return Some(steer.clone());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    None
}

#[tokio::test(flavor = "multi_thread")]
async fn a_desk_opens_for_its_agent_from_our_own_page() {
    let server = Server::start().await;
    let own = server.url("");
    let anna = cookies_of(&server, "anna").await;
    for (why, cookies, origin, status) in [
        ("no login", "", Some(own.as_str()), 401),
        ("no origin", &anna, None, 403),
        ("another site", &anna, Some("https://evil.example"), 403),
        ("a null origin", &anna, Some("null"), 403),
        ("our name as a prefix", &anna, Some("http://127.0.0.1.evil"), 403),
    ] {
        let refused = connect(&server, cookies, origin).await.err();
        assert_eq!(refused, Some(status), "{why}");
    }
    users::add(&server.store, "guest", PASSWORD, Role::Agent, None).await.expect("a user");
    let guest = cookies_of(&server, "guest").await;
    assert_eq!(connect(&server, &guest, Some(&own)).await.err(), Some(404), "no such agent");
    let mut desk = Desk::open(&server, "anna").await;
    let hello = desk.next("hello").await;
    assert_eq!((&hello["agent"], &hello["name"]), (&json!("anna"), &json!("Anna Schmidt")));
    // A supervisor looks on, and is heard by nobody.
    let mut looker = Desk::open(&server, "super").await;
    assert_eq!(looker.next("hello").await["agent"], Value::Null);
    assert_eq!(looker.next("desk").await["colleagues"].as_array().map(Vec::len), Some(2));
    looker.send(json!({ "type": "presence", "to": "offline", "reason": null })).await;
    desk.send(json!({ "type": "presence", "to": "break", "reason": "Lunch" })).await;
    let own = desk.until("break").await;
    assert_eq!(own["reason"], "Lunch");
}

#[tokio::test(flavor = "multi_thread")]
async fn presence_is_what_the_agent_chooses_and_the_desk_sees() {
    let server = Server::start().await;
    let mut desk = Desk::open(&server, "anna").await;
    desk.until("available").await;
    let anna = AgentId::from("anna");
    server.desk.send(DeskMessage::Phone(anna.clone(), false));
    desk.until("no_phone").await;
    desk.send(json!({ "type": "presence", "to": "break", "reason": "<b>Lunch</b>" })).await;
    assert_eq!(desk.until("break").await["reason"], "<b>Lunch</b>");
    // A phone that comes back does not end a break.
    server.desk.send(DeskMessage::Phone(anna, true));
    server.desk.send(DeskMessage::Leave(example::call_id(1)));
    desk.send(json!({ "type": "presence", "to": "available", "reason": null })).await;
    desk.until("available").await;
    // Two missed offers pause the agent, with the reason.
    for number in [1, 2] {
        let call = example::call_id(number);
        reserve(&server, &call, "anna");
        desk.until("on_call").await;
        release(&server, &call, "anna", AgentOutcome::NoAnswer);
        let own = desk.until(if number == 1 { "available" } else { "break" }).await;
        assert_eq!(own["reason"], if number == 1 { Value::Null } else { json!("missed 2 calls") });
    }
    desk.send(json!({ "type": "presence", "to": "available", "reason": null })).await;
    assert_eq!(desk.until("available").await["reason"], Value::Null);
    // The presence outlives the page.
    desk.send(json!({ "type": "presence", "to": "offline", "reason": null })).await;
    desk.until("offline").await;
    drop(desk);
    let mut again = Desk::open(&server, "anna").await;
    again.until("offline").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_have_nothing_of_each_others_calls() {
    let server = Server::start().await;
    let call = example::complaint(&server.store, 1, Timestamp::now()).await;
    let mut anna = Desk::open(&server, "anna").await;
    let mut bert = Desk::open(&server, "bert").await;
    assert_eq!(anna.next("call").await["call"], Value::Null);
    assert_eq!(bert.next("call").await["call"], Value::Null);
    reserve(&server, &call, "anna");
    offered(&server, &call, "anna");
    let shown = anna.next("call").await;
    assert_eq!(shown["call"]["stage"], "offered");
    // Bert knows the ids, and says them.
    let id = call.as_str();
    for message in [
        json!({ "type": "accept", "call": id, "offer": 1, "three_way": false }),
        json!({ "type": "hang_up", "call": id, "offer": 1 }),
        json!({ "type": "notes", "call": id, "text": "mine now" }),
        json!({ "type": "to_machine", "call": id, "offer": 1 }),
        json!({ "type": "nonsense" }),
        json!(["not", "an", "object"]),
    ] {
        bert.send(message).await;
    }
    bert.0.send(Message::text("{not json")).await.expect("sent");
    bert.send(json!({ "type": "presence", "to": "break", "reason": "x" })).await;
    bert.until("break").await;
    assert!(steered(&server).is_empty(), "{:?}", steered(&server));
    // Of Anna's call Bert's page was told only that she is busy.
    server.pages.fact(&call, Moment(40_000), &example::said(40_000, Speaker::Caller, "secret"));
    assert!(anna.next("lines").await.to_string().contains("secret"));
    bert.send(json!({ "type": "presence", "to": "available", "reason": null })).await;
    let heard = loop {
        match bert.0.next().await {
            Some(Ok(Message::Text(text))) => {
                assert!(!text.contains("secret") && !text.contains("Ellison"), "{text}");
                let message: Value = serde_json::from_str(&text).expect("is JSON");
                if message["own"]["state"] == "available" {
                    break message;
                }
            }
            // The server asks now and then whether the page is there.
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(heard["colleagues"][0]["state"], "on_call");
    // What Anna says of an older offer is late.
    anna.send(json!({ "type": "accept", "call": id, "offer": 7, "three_way": false })).await;
    anna.send(json!({ "type": "accept", "call": id, "offer": 1, "three_way": true })).await;
    assert_eq!(first_steer(&server).await, Some(Steer::Accept { three_way: true }));
    assert_eq!(steered(&server).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_opens_late_gets_the_whole_and_takes_over() {
    let server = Server::start().await;
    let call = example::complaint(&server.store, 1, Timestamp::now()).await;
    let mut first = Desk::open(&server, "anna").await;
    reserve(&server, &call, "anna");
    offered(&server, &call, "anna");
    let agent = || AgentId::from("anna");
    step(&server, &call, 35_000, TransferStep::Ringing { agent: agent() });
    step(&server, &call, 38_000, TransferStep::Accepted { agent: agent() });
    server.pages.fact(&call, Moment(40_000), &example::said(39_000, Speaker::Agent, "Hello."));
    let mut second = Desk::open(&server, "anna").await;
    let lines = second.next("lines").await;
    assert_eq!((&lines["from"], lines["lines"].as_array().map(Vec::len)), (&json!(0), Some(7)));
    let now = second.next("call").await;
    assert_eq!(now["call"]["stage"], "talking");
    first.next("taken").await;
    assert_eq!(first.closed(Duration::from_secs(10)).await, Some(4_001));
    // Every message that was seen is in the schema.
    let schema = warmline::desk::wire::schema().to_string();
    for kind in ["hello", "desk", "call", "lines", "taken", "notice", "speaking"] {
        assert!(schema.contains(&format!("\"const\":\"{kind}\"")), "{kind} has no schema");
    }
    let supervisor = server.logged_in("super").await;
    let served = supervisor.text("/api/desk.schema.json").await;
    assert!(served.contains("from_page") && served.contains("three_way"));
    let document = supervisor.text("/api/openapi.json").await;
    assert!(document.contains("/desk/socket"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_is_kept_and_what_nobody_wrote_is_filled_in() {
    let server = Server::start().await;
    let call = example::complaint(&server.store, 1, Timestamp::now()).await;
    let mut anna = Desk::open(&server, "anna").await;
    let talk = |call: &CallId| {
        reserve(&server, call, "anna");
        offered(&server, call, "anna");
        let agent = AgentId::from("anna");
        step(&server, call, 38_000, TransferStep::Accepted { agent });
    };
    let end = |call: &CallId| {
        step(&server, call, 90_000, TransferStep::Ended);
        release(&server, call, "anna", AgentOutcome::Served);
    };
    talk(&call);
    anna.until("on_call").await;
    let result = json!({ "code": "Solved", "situation": "s", "tried": "t", "outcome": "o",
        "notes": "n", "machine_right": false, "ticket": false });
    let message = json!({ "type": "wrap_up", "call": call.as_str(), "result": result });
    // Not before the call is over; what comes after it shows that it was read.
    anna.send(message.clone()).await;
    let hold =
        |call: &CallId| json!({ "type": "hold", "call": call.as_str(), "offer": 1, "on": true });
    anna.send(hold(&call)).await;
    assert_eq!(first_steer(&server).await, Some(Steer::Hold));
    end(&call);
    let own = anna.until("wrap_up").await;
    assert!(own["until_unix_ms"].is_i64(), "{own}");
    anna.send(json!({ "type": "more_time" })).await;
    let longer = anna.until("wrap_up").await;
    assert!(longer["until_unix_ms"].as_i64() > own["until_unix_ms"].as_i64());
    anna.send(message).await;
    anna.until("available").await;
    let kept = server.store.call(&call).await.expect("an answer").expect("the call");
    let wrap_up = &kept.wrap_ups[0];
    assert_eq!((wrap_up.result.as_deref(), wrap_up.machine_right), (Some("Solved"), Some(false)));
    assert!(wrap_up.closed_ms.is_some());

    // The next call: nobody writes anything, and the time passes.
    let next = example::complaint(&server.store, 2, Timestamp::now()).await;
    talk(&next);
    anna.until("on_call").await;
    anna.send(json!({ "type": "notes", "call": next.as_str(), "text": "half a sen" })).await;
    // The call's end and the presence below come by another way, and could overtake them.
    anna.send(hold(&next)).await;
    assert_eq!(nth_steer(&server, 1).await, Some(Steer::Hold));
    end(&next);
    anna.until("wrap_up").await;
    let presence = warmline::desk::Presence::Available;
    server.desk.send(DeskMessage::Presence(AgentId::from("anna"), presence));
    anna.until("available").await;
    let mut kept = None;
    for _ in 0..100 {
        let call = server.store.call(&next).await.expect("an answer").expect("the call");
        kept = call.wrap_ups.into_iter().find(|wrap_up| wrap_up.closed_ms.is_some());
        if kept.is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let kept = kept.expect("kept by itself");
    assert_eq!(kept.result, None);
    let situation = kept.summary.map(|summary| summary.situation.reveal().clone());
    assert!(situation.is_some_and(|text| text.contains("late delivery")));
    assert_eq!(kept.notes.map(|notes| notes.reveal().clone()).as_deref(), Some("half a sen"));
}

/// A store whose process was killed: the desk says what happened, and the wrap-up waits.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_the_page_says_what_happened() {
    let server = Server::start().await;
    let began = Timestamp::now();
    let call = example::complaint(&server.store, 1, began).await;
    let card = example::card(&call, "anna");
    server.store.offer_opened(&card, began).await.expect("opened");
    let anna = AgentId::from("anna");
    drop(server.store.notes(&call, &anna, "as I wrote it", Timestamp::now()).await);
    let how = Disposition::SystemFailure;
    server.store.ended(&call, Moment(50_000), began, how).await.await.expect("kept");
    server.pages.restored(std::slice::from_ref(&call)).await;
    let mut desk = Desk::open(&server, "anna").await;
    desk.until("wrap_up").await;
    let now = desk.next("call").await["call"].clone();
    assert_eq!(now["stage"], "wrap_up");
    assert_eq!(now["notes"], "as I wrote it");
    let fate = now["fate"].as_str().unwrap_or_default();
    assert!(fate.contains("started again"), "{fate:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logout_elsewhere_closes_the_desk() {
    let server = Server::start().await;
    let browser = server.logged_in("anna").await;
    let cookies = {
        let cookies = browser.cookies.lock().expect("a lock");
        cookies.iter().map(|(n, v)| format!("{n}={v}")).collect::<Vec<_>>().join("; ")
    };
    let line = connect(&server, &cookies, Some(&server.url(""))).await;
    let mut desk = Desk(line.expect("opens"));
    desk.until("available").await;
    let token = browser.csrf().await;
    browser.send(browser.post("/logout").form(&[("csrf", token)])).await;
    assert_eq!(desk.closed(Duration::from_secs(60)).await, Some(4_002));
}
