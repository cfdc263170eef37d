//! What a browser's leg costs the server: CPU and memory a leg at 50 and 100 legs, with and
//! without transcoding, the time from accept to sound both ways on a warm connection, and what
//! people in two Chromiums wait for (`pages`). The browsers of the load run in a process of their
//! own, so that only the server's side is counted. Parts by name: `load50`, `load100`,
//! `accept`, `pages`.

#[path = "browser/accept.rs"]
mod accept;
#[path = "browser/pages.rs"]
mod pages;

#[allow(dead_code, unused_imports)] // shared with the tests
#[path = "../tests/webrtc_live/agents.rs"]
mod agents;
#[allow(dead_code)]
#[path = "../tests/live/baresip.rs"]
mod baresip;

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

use server::ports;

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
use warmline::media::{self, CallMedia, LegHandle, Settings};
use warmline::webrtc::{self, Agreed, Client, Line, Peer};

const LEGS: [usize; 2] = [50, 100];
const MEASURE: Duration = Duration::from_secs(6);
const CONNECT: Duration = Duration::from_secs(60);
const AGENT: LegId = LegId(1);
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
    let mut whole = true;
    for one in 0..LEGS.len() * loads.len() {
        let legs = LEGS.get(one / loads.len()).copied().unwrap_or_default();
        if wanted(&format!("load{legs}")) {
            // Each in a process of its own: memory that the one before gave back would be reused.
            let own = std::env::current_exe().expect("our own path");
            let status = Command::new(own).env(LOAD, one.to_string()).status();
            whole &= status.is_ok_and(|status| status.success());
        }
    }
    if wanted("accept") {
        whole &= runtime.block_on(accept::figures());
    }
    if wanted("pages") {
        whole &= runtime.block_on(pages::figures());
    }
    if !whole {
        eprintln!("browser: figures are missing, see above");
        std::process::exit(1);
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
