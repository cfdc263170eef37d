//! A network between a browser and the server: a relay that may lose datagrams, delay them so that
//! they overtake each other, or carry nothing at all for a while. Here the test of a bad one: one
//! datagram in twenty is lost, each is delayed by up to 60 ms.

use std::collections::HashMap;
use std::net::{SocketAddr, UdpSocket as StdSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use reqwest::header::{CONTENT_TYPE, LOCATION, ORIGIN};
use tokio::net::UdpSocket;
use warmline::base::session::Codec;
use warmline::webrtc::Client;

use super::browser::{CONNECT, Voice, aside, base_of, captions_until, ended, serve, tone, words};
use super::server::{Server, have_models};
use super::tone::seconds_of;
use super::whole::{Tells, channels};

const LONG: Duration = Duration::from_secs(60);
const ANSWER: Duration = Duration::from_secs(14);
const BAD: (f64, u64) = (0.05, 60);
/// Climbs: where an earlier step comes after a later one, sound was put in disorder.
const STEPS_HZ: [f32; 6] = [500.0, 700.0, 900.0, 1_100.0, 1_300.0, 1_500.0];
const STEP_MS: u64 = 1_500;
/// Windows of 100 ms in which each step must be heard, of 15.
const STEP_WINDOWS_MIN: usize = 10;
/// Windows on end in which the first step is no vowel of the words before it.
const NO_VOWEL_WINDOWS: usize = 3;
/// Windows before the first step that are looked at as well: no jitter is as long.
const BEFORE_WINDOWS: usize = 5;

/// What the network does to datagrams.
#[derive(Clone)]
pub struct Network {
    /// Of each that it is lost, 0 to 1.
    lost: f64,
    delay_ms_max: u64,
    seed: u64,
    away: Arc<AtomicBool>,
}

impl Network {
    /// One that does no harm, until it is told to go.
    pub fn good() -> Network {
        Network { lost: 0.0, delay_ms_max: 0, seed: 0, away: Arc::default() }
    }

    /// Carries nothing, or everything again.
    pub fn away(&self, is: bool) {
        self.away.store(is, Ordering::SeqCst);
    }
}

/// One way of the relay: what comes to `from` goes out at `to`, late or never.
async fn carry(from: Arc<UdpSocket>, to: Arc<UdpSocket>, target: SocketAddr, network: Network) {
    let mut random = StdRng::seed_from_u64(network.seed);
    let mut datagram = [0u8; 2_048];
    while let Ok((count, _)) = from.recv_from(&mut datagram).await {
        if random.random_bool(network.lost) || network.away.load(Ordering::SeqCst) {
            continue;
        }
        let late = Duration::from_millis(random.random_range(0..=network.delay_ms_max));
        let (datagram, to) = (datagram[..count].to_vec(), to.clone());
        tokio::spawn(async move {
            tokio::time::sleep(late).await;
            let _ = to.send_to(&datagram, target).await;
        });
    }
}

/// The port in the first candidate on IPv4 loopback.
fn port_of(sdp: &str) -> u16 {
    let candidates = sdp.lines().filter_map(|line| line.strip_prefix("a=candidate:"));
    let mut ports = candidates.filter_map(|line| {
        let words: Vec<&str> = line.split(' ').collect();
        (words.get(4) == Some(&"127.0.0.1")).then(|| words.get(5)?.parse().ok())?
    });
    ports.next().unwrap_or_else(|| panic!("no candidate in\n{sdp}"))
}

/// The description with one candidate alone: the relay.
fn through(sdp: &str, port: u16) -> String {
    let mut shown = false;
    let lines = sdp.lines().filter_map(|line| {
        if !line.starts_with("a=candidate:") {
            return Some(line.to_owned());
        }
        let first = !std::mem::replace(&mut shown, true);
        first.then(|| format!("a=candidate:1 1 udp 2130706431 127.0.0.1 {port} typ host"))
    });
    lines.map(|line| line + "\r\n").collect()
}

fn loopback() -> (Arc<UdpSocket>, u16) {
    let socket = StdSocket::bind("127.0.0.1:0").expect("a free port");
    socket.set_nonblocking(true).expect("is possible");
    let port = socket.local_addr().expect("is bound").port();
    (Arc::new(UdpSocket::from_std(socket).expect("a socket")), port)
}

/// A connection, by POST to `to`, whose every datagram goes through the network; and its path.
pub async fn offer_through(
    network: &Network,
    http: &reqwest::Client,
    base: &str,
    to: &str,
    token: Option<&str>,
) -> (Voice, String) {
    let listen = ([127, 0, 0, 1], 0).into();
    let (mut client, sdp) = Client::offer(listen, Codec::Opus).await.expect("an offer");
    let ((near, near_port), (far, far_port)) = (loopback(), loopback());
    let own: SocketAddr = ([127, 0, 0, 1], port_of(&sdp)).into();
    let request = http.post(format!("{base}{to}")).header(CONTENT_TYPE, "application/sdp");
    let mut request = request.header(ORIGIN, base).body(through(&sdp, far_port));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let reply = request.send().await.expect("the server answers");
    assert_eq!(reply.status(), 201);
    let path = reply.headers()[LOCATION].to_str().expect("a path").to_owned();
    let answer = reply.text().await.expect("an answer");
    let theirs: SocketAddr = ([127, 0, 0, 1], port_of(&answer)).into();
    tokio::spawn(carry(near.clone(), far.clone(), theirs, network.clone()));
    let back = Network { seed: network.seed.wrapping_add(1), ..network.clone() };
    tokio::spawn(carry(far, near, own, back));
    client.accept(&through(&answer, near_port)).await.expect("an answer");
    assert!(client.connected(CONNECT).await, "not connected by\n{answer}");
    (Voice::start(client, Codec::Opus), path)
}

/// A network before one port of the server's, as a NAT is: each address of the page's has one of
/// its own behind it. Answers the port that the page must send to.
pub fn before(network: &Network, server_port: u16) -> u16 {
    let (near, port) = loopback();
    let network = network.clone();
    tokio::spawn(async move {
        let mut behind: HashMap<SocketAddr, Arc<UdpSocket>> = HashMap::new();
        let target = SocketAddr::from(([127, 0, 0, 1], server_port));
        let mut datagram = [0u8; 2_048];
        while let Ok((count, from)) = near.recv_from(&mut datagram).await {
            let far = behind.entry(from).or_insert_with(|| {
                let (far, _) = loopback();
                tokio::spawn(carry(far.clone(), near.clone(), from, network.clone()));
                far
            });
            if !network.away.load(Ordering::SeqCst) {
                let _ = far.send_to(&datagram[..count], target).await;
            }
        }
    });
    port
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn loss_and_jitter_leave_speech_understood_and_in_order() {
    if !have_models("bad network") {
        return;
    }
    let seed: u64 = rand::random();
    println!("bad network: seed {seed}");
    let server = serve("[recording]\non = true\n").await;
    let _tells = Tells(server.clone());
    let (base, http) = (base_of(&server), reqwest::Client::new());
    let question = words("When are you open?").await;
    let (lost, delay_ms_max) = BAD;
    let bad = Network { lost, delay_ms_max, seed, ..Network::good() };
    let (voice, path) = offer_through(&bad, &http, &base, "/call", None).await;
    voice.listen().await;
    let url = format!("{base}{path}/captions");
    let asked = |all: &str| all.to_lowercase().contains("when are you open");
    // Who is misheard, because a word was among what the network lost, says it again.
    let mut shown = String::new();
    for _ in 0..3 {
        voice.say(question.clone()).await;
        shown = captions_until(&http, &url, ANSWER, asked).await;
        if asked(&shown) {
            break;
        }
    }
    assert!(asked(&shown), "{shown}");
    for hz in STEPS_HZ {
        voice.say(tone(f64::from(hz), STEP_MS)).await;
    }
    tokio::time::sleep(Duration::from_millis(STEP_MS * STEPS_HZ.len() as u64 + 2_000)).await;
    let hang_up = format!("{base}{path}/hang-up");
    assert_eq!(http.post(hang_up).header(ORIGIN, &base).send().await.unwrap().status(), 204);
    let calls = ended(&server, 1, LONG).await;
    assert!(calls[0].to_string().contains("opening_hours"), "{:#}", calls[0]);
    aside(move || climbs(&server)).await;
}

/// What the server recorded of the caller: every step, for most of its time, after the one before.
fn climbs(server: &Server) {
    let ([from_caller, _], rate_hz) = channels(server);
    let window = rate_hz as usize / 10;
    let at = |hz: f32| -> Vec<usize> {
        let parts = from_caller.chunks_exact(window).enumerate();
        parts.filter(|(_, part)| seconds_of(part, rate_hz, hz) > 0.0).map(|(at, _)| at).collect()
    };
    let mut steps = STEPS_HZ.map(at);
    // The words before the steps have a little of every pitch.
    let on_end = |run: &&[usize]| run[NO_VOWEL_WINDOWS - 1] == run[0] + NO_VOWEL_WINDOWS - 1;
    let first = steps[0].windows(NO_VOWEL_WINDOWS).find(on_end).map_or(0, |run| run[0]);
    for windows in &mut steps {
        windows.retain(|at| *at + BEFORE_WINDOWS >= first);
    }
    for (hz, windows) in STEPS_HZ.iter().zip(&steps) {
        assert!(windows.len() >= STEP_WINDOWS_MIN, "{hz} Hz: {windows:?}, of 15");
    }
    for pair in steps.windows(2) {
        assert!(pair[0].last() < pair[1].first(), "out of order: {steps:?}");
    }
}
