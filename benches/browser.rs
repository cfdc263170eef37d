//! What a browser's leg costs the server: CPU and memory a leg at 50 and 100 legs, with and
//! without transcoding, the time from accept to sound both ways on a warm connection, and what
//! people in two Chromiums wait for (`pages`). The browsers of the load run in a process of their
//! own, so that only the server's side is counted. Parts by name: `load50`, `load100`,
//! `accept`, `pages`.

#[path = "browser/pages.rs"]
mod pages;

#[allow(dead_code)] // shared with the tests
#[path = "../tests/webrtc_live/browser.rs"]
mod browser;
#[allow(dead_code)]
#[path = "../tests/desk/browser.rs"]
mod chromium;
#[allow(dead_code)]
#[path = "../tests/webrtc_live/ear.rs"]
mod ear;
#[allow(dead_code, unused_imports)]
#[path = "../tests/webrtc_live/page.rs"]
mod page;
#[allow(dead_code)]
#[path = "../tests/live/server.rs"]
mod server;
#[allow(dead_code)]
#[path = "../tests/live/tone.rs"]
mod tone;
#[allow(dead_code, unused_imports)]
#[path = "../tests/webrtc_live/whole.rs"]
mod whole;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use warmline::base::ids::LegId;
use warmline::base::session::{Codec, Direction, MediaPlan};
use warmline::call::command::Route;
use warmline::media::codec::encode_all;
use warmline::media::tone::sine;
use warmline::media::{self, CallMedia, FrameKind, LegHandle, Settings};
use warmline::webrtc::{self, Agreed, Client, Line, Peer};

const LEGS: [usize; 2] = [50, 100];
const MEASURE: Duration = Duration::from_secs(6);
const CONNECT: Duration = Duration::from_secs(60);
const AGENT: LegId = LegId(1);
const ROUNDS: usize = 40;
const ROLE: &str = "WARMLINE_BENCH_BROWSERS";
const LOAD: &str = "WARMLINE_BENCH_LOAD";

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let Ok(runtime) = runtime else { return eprintln!("no runtime") };
    if let Ok(wanted) = std::env::var(ROLE) {
        return runtime.block_on(browsers(&wanted));
    }
    let loads = [
        ("Opus to Opus, forwarded", [Codec::Opus, Codec::Opus]),
        ("PCMU to PCMU, forwarded", [Codec::Pcmu, Codec::Pcmu]),
        ("Opus to PCMU, transcoded", [Codec::Opus, Codec::Pcmu]),
    ];
    let one = std::env::var(LOAD).ok().and_then(|text| text.parse::<usize>().ok());
    if let Some((legs, (name, codecs))) =
        one.and_then(|one| Some((LEGS.get(one / loads.len())?, loads.get(one % loads.len())?)))
    {
        return runtime.block_on(load(name, *codecs, *legs));
    }
    let parts: Vec<String> =
        std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|one| one == part);
    for one in 0..LEGS.len() * loads.len() {
        let legs = LEGS.get(one / loads.len()).copied().unwrap_or_default();
        if wanted(&format!("load{legs}")) {
            // Each in a process of its own: memory that the one before gave back would be reused.
            let own = std::env::current_exe().expect("our own path");
            let _ = Command::new(own).env(LOAD, one.to_string()).status();
        }
    }
    if wanted("accept") {
        runtime.block_on(accept_to_sound());
    }
    if wanted("pages") {
        runtime.block_on(pages::figures());
    }
}

fn plan(agreed: Agreed) -> MediaPlan {
    MediaPlan {
        remote: media::pipe::ADDRESS,
        rtcp_remote: None,
        codec: agreed.codec,
        payload_type: webrtc::VOICE,
        dtmf_payload_type: agreed.keys.map(|_| webrtc::KEYS),
        comfort_noise_payload_type: None,
        ptime_ms: 20,
        direction: Direction::SendRecv,
    }
}

fn open(call: &CallMedia, leg: LegId, peer: &Peer) -> LegHandle {
    let (handle, inward, outward) = call.open_piped_leg(leg).expect("a leg");
    handle.set_plan(plan(peer.agreed())).expect("a codec of ours");
    let heard = move |packet| {
        inward.push(packet);
    };
    peer.attach(&Line::new(heard, outward));
    handle
}

fn name_of(codec: Codec) -> &'static str {
    if codec == Codec::Opus { "opus" } else { "pcmu" }
}

/// The other process: makes an offer for each codec named, takes the answers, and speaks.
async fn browsers(wanted: &str) {
    let mut clients = Vec::new();
    for name in wanted.split(',') {
        let codec = if name == "opus" { Codec::Opus } else { Codec::Pcmu };
        let (client, offer) =
            Client::offer(([127, 0, 0, 1], 0).into(), codec).await.expect("an offer");
        println!("{}", STANDARD.encode(offer));
        clients.push((client, codec));
    }
    let mut lines = std::io::stdin().lines().map_while(Result::ok);
    for (client, _) in &clients {
        let answer = lines.next().and_then(|line| STANDARD.decode(line).ok()).expect("an answer");
        client.accept(&String::from_utf8_lossy(&answer)).await.expect("an answer");
    }
    for (client, _) in &mut clients {
        assert!(client.connected(CONNECT).await, "not connected");
    }
    println!("connected");
    for (mut client, codec) in clients {
        tokio::spawn(async move {
            let tone = sine(codec.sample_rate_hz(), 300.0, 2_000, -20.0);
            let voice = encode_all(codec, &tone);
            let mut tick = tokio::time::interval(Duration::from_millis(20));
            let mut index = 0;
            loop {
                tick.tick().await;
                client.send(voice.frame(index % voice.frames()).unwrap_or_default()).await;
                index += 1;
                while client.try_receive().is_some() {}
            }
        });
    }
    // Until the server closes our input.
    tokio::task::spawn_blocking(|| std::io::stdin().lines().for_each(drop)).await.expect("a wait");
}

fn start_browsers(wanted: &str) -> Child {
    let own = std::env::current_exe().expect("our own path");
    let mut command = Command::new(own);
    command.env(ROLE, wanted).stdin(Stdio::piped()).stdout(Stdio::piped());
    command.spawn().expect("ourselves")
}

async fn load(name: &str, codecs: [Codec; 2], legs: usize) {
    let engine = media::Engine::start(Settings::default()).expect("the media engine");
    let wanted: Vec<&str> = (0..legs).map(|index| name_of(codecs[index % 2])).collect();
    let mut child = start_browsers(&wanted.join(","));
    let mut input = child.stdin.take().expect("its input");
    let mut output = BufReader::new(child.stdout.take().expect("its output")).lines();
    let before_kib = rss_kib();
    let (mut peers, mut calls, mut handles) = (Vec::new(), Vec::new(), Vec::new());
    for index in 0..legs {
        let line = output.next().and_then(Result::ok).expect("an offer");
        let offer = String::from_utf8(STANDARD.decode(line).expect("base64")).expect("text");
        let settings = webrtc::Settings::default();
        let (peer, answer, events) = Peer::answer(&settings, &offer).await.expect("an answer");
        writeln!(input, "{}", STANDARD.encode(answer)).expect("it reads");
        let leg = if index % 2 == 0 { LegId::CALLER } else { AGENT };
        if leg == LegId::CALLER {
            calls.push(engine.open_call(&format!("bench-{index}"), Instant::now()));
        }
        let (call, _) = calls.last().expect("a call");
        handles.push(open(call, leg, &peer));
        call.set_routes(&[
            (LegId::CALLER, Route::Bridge { with: AGENT }),
            (AGENT, Route::Bridge { with: LegId::CALLER }),
        ]);
        peers.push((peer, events));
    }
    let told = tokio::task::spawn_blocking(move || output.next().and_then(Result::ok)).await;
    assert_eq!(told.expect("no panic").as_deref(), Some("connected"));
    tokio::time::sleep(Duration::from_secs(3)).await;
    let cpu = cpu_ms();
    tokio::time::sleep(MEASURE).await;
    let percent = (cpu_ms() - cpu) as f64 / MEASURE.as_millis() as f64 * 100.0;
    let kib = rss_kib().saturating_sub(before_kib) as f64 / legs as f64;
    let received: u64 = handles.iter().map(|leg| leg.stats().packets_in).sum();
    println!(
        "browser {legs} legs, {name}: {percent:.1} % of a core, {:.2} % a leg, {kib:.0} KiB a leg, \
         {received} packets in",
        percent / legs as f64
    );
    drop(input);
    let _ = child.kill();
    let _ = child.wait();
    for (peer, _) in &peers {
        peer.close().await;
    }
}

/// A warm connection takes a call: until the agent hears the caller, and we hear the agent.
async fn accept_to_sound() {
    let engine = media::Engine::start(Settings::default()).expect("the media engine");
    let (mut client, offer) =
        Client::offer(([127, 0, 0, 1], 0).into(), Codec::Opus).await.expect("an offer");
    let settings = webrtc::Settings::default();
    let (peer, answer, _events) = Peer::answer(&settings, &offer).await.expect("an answer");
    client.accept(&answer).await.expect("an answer");
    assert!(client.connected(CONNECT).await, "not connected");
    let voice = encode_all(Codec::Opus, &sine(16_000, 300.0, 2_000, -20.0));
    let mut took_ms = Vec::new();
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    let mut index = 0;
    for round in 0..ROUNDS {
        while client.try_receive().is_some() {}
        let began = Instant::now();
        let (call, _events) = engine.open_call(&format!("round-{round}"), began);
        let handle = open(&call, AGENT, &peer);
        call.set_routes(&[(AGENT, Route::Music)]);
        let tap = handle.tap_heard();
        let (mut heard, mut hears) = (None, None);
        while heard.is_none() || hears.is_none() {
            tokio::select! {
                _ = tick.tick() => {
                    client.send(voice.frame(index % voice.frames()).unwrap_or_default()).await;
                    index += 1;
                }
                () = tokio::time::sleep(Duration::from_millis(1)) => {}
            }
            if client.try_receive().is_some() {
                hears.get_or_insert(began.elapsed());
            }
            let mut frames = Vec::new();
            tap.drain(&mut frames);
            if frames.iter().any(|frame| frame.kind == FrameKind::Sound) {
                heard.get_or_insert(began.elapsed());
            }
        }
        took_ms.push(heard.max(hears).unwrap_or_default().as_secs_f64() * 1_000.0);
        drop(handle);
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
    took_ms.sort_by(f64::total_cmp);
    let at = |share: f64| took_ms[((ROUNDS - 1) as f64 * share) as usize];
    println!(
        "browser accept to sound both ways, warm connection: p50 {:.0} ms, p95 {:.0} ms",
        at(0.5),
        at(0.95)
    );
    client.close().await;
    peer.close().await;
}

/// User and system time of this process, milliseconds.
fn cpu_ms() -> u64 {
    let text = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = text.rsplit(')').next().unwrap_or_default();
    let fields: Vec<u64> =
        after.split_whitespace().skip(11).take(2).filter_map(|field| field.parse().ok()).collect();
    // A tick of the clock is 10 ms on Linux.
    fields.iter().sum::<u64>() * 10
}

fn rss_kib() -> u64 {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().unwrap_or(0)
}
