//! An agent's browser: one connection for the shift, calls from browsers and from SIP bridged to
//! it, and a reload in mid-call.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use reqwest::header::ORIGIN;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use super::baresip::{self, Baresip};
use super::browser::{
    PERSON_WISH, RATE_HZ, Voice, aside, base_of, ended, hang_up, offer, serve, tone, wants_a_person,
};
use super::server::{Server, have_models, speak};
use super::tone::{Part, compose, read, seconds_of};
use super::whole::Tells;

pub const ANNA: &str = "[[agents]]\nid = \"anna\"\nname = \"Anna\"\nbrowser = true\n\
    skills = [\"billing\", \"support\", \"orders\", \"general\"]\n";
const GREETING: Duration = Duration::from_secs(9);
const LONG: Duration = Duration::from_secs(40);
const CALLER_HZ: f32 = 1_000.0;
const AGENT_HZ: f32 = 600.0;

type Socket =
    tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

/// Anna's desk without a page: the socket, and the connection.
pub struct Desk {
    http: reqwest::Client,
    base: String,
    pub token: String,
    socket: Socket,
    pub voice: Voice,
    pub path: String,
}

/// What the agent with this name signs in with.
pub async fn token_of(server: &Arc<Server>, agent: &'static str) -> String {
    let own = server.clone();
    aside(move || own.token_of(agent, "agent", Some(agent))).await
}

impl Desk {
    /// The desk of the agent with this name, as she opens it for her shift.
    pub async fn of(server: &Arc<Server>, agent: &'static str) -> Desk {
        let token = token_of(server, agent).await;
        Self::open(&base_of(server), token).await
    }

    pub async fn open(base: &str, token: String) -> Desk {
        let http = reqwest::Client::new();
        let (voice, path) = offer(&http, base, "/desk/peer", Some(&token)).await.unwrap();
        Self::with_voice(base, token, voice, path.expect("a seat")).await
    }

    /// With a connection that stands already.
    pub async fn with_voice(base: &str, token: String, voice: Voice, path: String) -> Desk {
        let http = reqwest::Client::new();
        let url = format!("{}/desk/socket", base.replace("http", "ws"));
        let mut request = url.into_client_request().unwrap();
        let bearer = format!("Bearer {token}").parse().unwrap();
        request.headers_mut().insert("authorization", bearer);
        request.headers_mut().insert("origin", base.parse().unwrap());
        let (socket, _) = tokio_tungstenite::connect_async(request).await.expect("the desk opens");
        Desk { http, base: base.to_owned(), token, socket, voice, path }
    }

    /// What the desk is told next.
    pub async fn message(&mut self) -> Value {
        let next = async {
            loop {
                if let Some(Ok(Message::Text(text))) = self.socket.next().await {
                    return serde_json::from_str(&text).unwrap_or_default();
                }
            }
        };
        tokio::time::timeout(LONG, next).await.expect("the desk is told something")
    }

    /// The call on the desk once it stands at `stage`.
    pub async fn stage(&mut self, stage: &str) -> Value {
        let found = tokio::time::timeout(LONG, async {
            loop {
                let Some(Ok(Message::Text(text))) = self.socket.next().await else { continue };
                let message: Value = serde_json::from_str(&text).unwrap_or_default();
                if message["call"]["stage"] == stage {
                    return message["call"].clone();
                }
            }
        });
        found.await.unwrap_or_else(|_| panic!("the call never came to {stage}"))
    }

    pub async fn accept(&mut self) {
        self.accept_now().await;
        self.stage("talking").await;
    }

    /// Accepts as soon as it rings; when that was asked for.
    pub async fn accept_now(&mut self) -> Instant {
        let call = self.stage("ringing").await;
        assert!(!call["summary"].as_str().unwrap_or_default().is_empty(), "{call:#}");
        let began = Instant::now();
        self.send(&call, "accept").await;
        began
    }

    /// Presses a button of this call.
    pub async fn send(&mut self, call: &Value, what: &str) {
        let message = json!({
            "type": what, "call": call["call"], "offer": call["offer"], "three_way": false
        });
        self.socket.send(Message::text(message.to_string())).await.unwrap();
    }

    /// The page goes, and comes back a moment later.
    async fn reload(&mut self) {
        self.voice.close().await;
        let url = format!("{}{}", self.base, self.path);
        let left = self.http.delete(url).header(ORIGIN, &self.base).bearer_auth(&self.token);
        assert_eq!(left.send().await.unwrap().status(), 204);
        self.stage("line_lost").await;
        let sat = offer(&self.http, &self.base, "/desk/peer", Some(&self.token)).await.unwrap();
        (self.voice, self.path) = (sat.0, sat.1.unwrap());
        self.stage("talking").await;
    }
}

fn seconds(samples: &[i16], hz: f32) -> f32 {
    seconds_of(samples, RATE_HZ, hz)
}

/// Browser to browser: tones pass both ways, also after the agent's page was loaded anew.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_and_an_agent_in_browsers_hear_each_other_through_a_reload() {
    if !have_models("browser agent") {
        return;
    }
    let server = serve(ANNA).await;
    let base = base_of(&server);
    let mut anna = Desk::of(&server, "anna").await;
    let (caller, path) = wants_a_person(&base).await;
    anna.accept().await;
    for reload in [false, true] {
        if reload {
            anna.reload().await;
        }
        // "You are through", and the agent's own announcement.
        tokio::time::sleep(Duration::from_secs(5)).await;
        caller.take();
        anna.voice.take();
        caller.say(tone(f64::from(CALLER_HZ), 4_000)).await;
        anna.voice.say(tone(f64::from(AGENT_HZ), 4_000)).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        let (to_caller, to_anna) = (caller.take(), anna.voice.take());
        assert!(seconds(&to_anna, CALLER_HZ) >= 2.0, "after a reload: {reload}");
        assert!(seconds(&to_caller, AGENT_HZ) >= 2.0, "after a reload: {reload}");
        assert!(seconds(&to_anna, AGENT_HZ) < 0.5, "the agent hears herself");
    }
    hang_up(&anna.http, &base, &path).await;
    let calls = ended(&server, 1, LONG).await;
    assert_eq!(calls[0]["disposition"], "transferred", "{:#}", calls[0]);
}

/// SIP to browser, with a phone that others made: G.711 on one side, Opus on the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sip_caller_and_an_agent_in_a_browser_hear_each_other() {
    if !have_models("SIP to browser") || !baresip::is_there("SIP to browser") {
        return;
    }
    let server = serve(ANNA).await;
    let _tells = Tells(server.clone());
    let mut anna = Desk::of(&server, "anna").await;
    let (folder, uri) = (tempfile::tempdir().expect("a folder"), server.uri());
    let own = folder.path().to_owned();
    let phone = aside(move || {
        let wish = speak(&own, "wish.wav", PERSON_WISH);
        let sound = own.join("caller.wav");
        let tone = Part::Tone { hz: CALLER_HZ, seconds: 120.0 };
        let begin = [Part::Silence(GREETING.as_secs_f32()), Part::File(&wish), Part::Silence(3.0)];
        compose(&sound, &begin.into_iter().chain([tone]).collect::<Vec<_>>());
        let phone = Baresip::start(&sound, false);
        phone.dial(&uri);
        phone
    });
    let mut phone = phone.await;
    anna.accept().await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    anna.voice.take();
    anna.voice.say(tone(f64::from(AGENT_HZ), 4_000)).await;
    tokio::time::sleep(Duration::from_secs(6)).await;
    let heard = seconds(&anna.voice.take(), CALLER_HZ);
    assert!(heard >= 2.0, "the agent heard the caller for {heard} s");
    let phone = aside(move || {
        phone.hang_up();
        // Closes its recordings.
        phone.quit();
        phone
    });
    let phone = phone.await;
    let calls = ended(&server, 1, LONG).await;
    assert_eq!(calls[0]["legs"][0]["codec"], "PCMU", "{:#}", calls[0]["legs"]);
    let heard = seconds_of(&read(&phone.received()), 8_000, AGENT_HZ);
    assert!(heard >= 2.0, "the caller heard the agent for {heard} s");
}
