//! What the media plane costs: prompt-playing calls on our pacing thread beside the usual way (a
//! task per leg, encoding each frame), and each codec operation. Figures in one line each.

use std::fs;
use std::hint::black_box;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use warmline::base::audio::Pcm;
use warmline::base::ids::{LegId, PlayId};
use warmline::base::session::{Codec, Direction, MediaPlan};
use warmline::media::codec::{Decoder, Encoder};
use warmline::media::conceal::Concealer;
use warmline::media::g711::ulaw_encode;
use warmline::media::jitter::JitterBuffer;
use warmline::media::payload::Payload;
use warmline::media::resample::{Downsampler, Upsampler};
use warmline::media::rtp::Packet;
use warmline::media::tone::sine;
use warmline::media::{Clip, Engine, Settings};

/// Measured time of each load run.
const MEASURE: Duration = Duration::from_secs(4);
const WARM_UP: Duration = Duration::from_millis(800);

fn main() {
    // `cargo bench` and `cargo test --benches` pass options that mean nothing here.
    codec_costs();
    for calls in [200, 500] {
        // Each in a process of its own, so that memory is measured apart.
        if let Some(way) = std::env::var_os("WARMLINE_BENCH_WAY") {
            if std::env::var("WARMLINE_BENCH_CALLS").is_ok_and(|text| text == calls.to_string()) {
                run_way(&way.to_string_lossy(), calls);
            }
            continue;
        }
        let usual = in_process("task-per-leg", calls);
        let ours = in_process("pacing-thread", calls);
        let receiving = in_process("pacing-both-ways", calls);
        report("task per leg, tokio interval, encodes each frame", calls, &usual);
        report("pacing thread, encoded once", calls, &ours);
        report("pacing thread, callers speak too", calls, &receiving);
        println!(
            "media {calls} prompt-playing calls: ours / usual = {:.2} of the CPU, {:.2} of p99",
            ours.cpu_percent / usual.cpu_percent,
            ours.p99_us as f64 / usual.p99_us.max(1) as f64
        );
    }
}

/// What one run gave.
#[derive(Default)]
struct Figures {
    cpu_percent: f64,
    kib_per_call: f64,
    packets: u64,
    p50_us: u64,
    p99_us: u64,
    max_us: u64,
}

fn report(way: &str, calls: usize, figures: &Figures) {
    println!(
        "media {calls} calls, {way}: {:.2} % of a core ({:.4} % a call), {:.1} KiB a call, \
         {} packets, lateness p50 {} µs, p99 {} µs, max {} µs",
        figures.cpu_percent,
        figures.cpu_percent / calls as f64,
        figures.kib_per_call,
        figures.packets,
        figures.p50_us,
        figures.p99_us,
        figures.max_us
    );
}

/// Runs one way in a child process and reads its figures.
fn in_process(way: &str, calls: usize) -> Figures {
    let child = std::env::current_exe().and_then(|path| {
        std::process::Command::new(path)
            .env("WARMLINE_BENCH_WAY", way)
            .env("WARMLINE_BENCH_CALLS", calls.to_string())
            .output()
    });
    let text = child.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let text = text.unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("FIGURES ")).unwrap_or_default();
    let numbers: Vec<f64> = line.split(' ').filter_map(|word| word.parse().ok()).collect();
    let at = |index: usize| numbers.get(index).copied().unwrap_or(f64::NAN);
    Figures {
        cpu_percent: at(0),
        kib_per_call: at(1),
        packets: at(2) as u64,
        p50_us: at(3) as u64,
        p99_us: at(4) as u64,
        max_us: at(5) as u64,
    }
}

fn run_way(way: &str, calls: usize) {
    let figures = match way {
        "task-per-leg" => usual_way(calls),
        "pacing-thread" => our_way(calls, false),
        _ => our_way(calls, true),
    };
    println!(
        "FIGURES {} {} {} {} {} {}",
        figures.cpu_percent,
        figures.kib_per_call,
        figures.packets,
        figures.p50_us,
        figures.p99_us,
        figures.max_us
    );
}

/// A socket that nobody reads: the kernel drops what does not fit.
fn sink() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback");
    let address = socket.local_addr().expect("address");
    (socket, address)
}

fn prompt() -> Pcm {
    Pcm::new(8_000, sine(8_000, 440.0, 8_000, -26.0))
}

fn our_way(calls: usize, speaking: bool) -> Figures {
    let engine = Engine::start(Settings::default()).expect("engine");
    let clip = Clip::new(&prompt());
    clip.prepare(Codec::Pcmu);
    std::thread::sleep(Duration::from_millis(700));
    let (_socket, to) = sink();
    let mut before = rss_kib();
    let mut held = Vec::new();
    let mut talkers = Vec::new();
    for index in 0..calls {
        let (call, events) = engine.open_call("bench", Instant::now());
        let leg = call.open_leg(LegId::CALLER).expect("leg");
        let talker = speaking.then(sink);
        let remote = talker.as_ref().map_or(to, |(_, address)| *address);
        let plan = MediaPlan {
            remote,
            rtcp_remote: None,
            codec: Codec::Pcmu,
            payload_type: 0,
            dtmf_payload_type: Some(101),
            comfort_noise_payload_type: None,
            ptime_ms: 20,
            direction: Direction::SendRecv,
        };
        leg.set_plan(plan).expect("plan");
        leg.play(PlayId(0), clip.clone());
        talkers.extend(talker.map(|(socket, _)| (socket, leg.local_port())));
        held.push((call, events, leg));
        if index == 0 {
            // The first leg pays for the thread and the tables.
            std::thread::sleep(Duration::from_millis(100));
            before = rss_kib();
        }
    }
    let media_cpu = || thread_cpu("media-");
    let speaker = speaking.then(|| speak(talkers));
    std::thread::sleep(WARM_UP);
    engine.reset_lateness();
    let (start, cpu, packets) = (Instant::now(), media_cpu(), engine.metrics().packets_out);
    std::thread::sleep(MEASURE);
    let cpu = media_cpu() - cpu;
    let metrics = engine.metrics();
    let figures = Figures {
        cpu_percent: 100.0 * cpu.as_secs_f64() / start.elapsed().as_secs_f64(),
        kib_per_call: rss_kib().saturating_sub(before) as f64 / calls as f64,
        packets: metrics.packets_out - packets,
        p50_us: metrics.late_p50.as_micros() as u64,
        p99_us: metrics.late_p99.as_micros() as u64,
        max_us: metrics.late_max.as_micros() as u64,
    };
    drop(speaker);
    figures
}

/// Sends 50 packets a second from every socket to its port, for the length of the run.
fn speak(talkers: Vec<(UdpSocket, u16)>) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let start = Instant::now();
        let mut bytes = Vec::new();
        for tick in 0..((WARM_UP + MEASURE).as_millis() as u32 / 20) {
            for (socket, port) in &talkers {
                let packet = Packet {
                    marker: false,
                    payload_type: 0,
                    sequence: tick as u16,
                    timestamp: tick * 160,
                    ssrc: u32::from(*port),
                    payload: &[0x90; 160],
                };
                packet.write(&mut bytes);
                let _ = socket.send_to(&bytes, ("127.0.0.1", *port));
            }
            let due = start + Duration::from_millis(20) * (tick + 1);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
    })
}

/// Counters of the usual way.
#[derive(Default)]
struct Lateness {
    us: std::sync::Mutex<Vec<u64>>,
    packets: AtomicU64,
}

fn usual_way(calls: usize) -> Figures {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("runtime");
    let (_socket, to) = sink();
    let pcm = prompt();
    let before = rss_kib();
    let lateness = Arc::new(Lateness::default());
    for _ in 0..calls {
        runtime.spawn(usual_leg(to, pcm.clone(), lateness.clone()));
    }
    std::thread::sleep(WARM_UP);
    lateness.us.lock().expect("lock").clear();
    let packets = lateness.packets.load(Ordering::Relaxed);
    let (start, cpu) = (Instant::now(), thread_cpu("tokio"));
    std::thread::sleep(MEASURE);
    let cpu = thread_cpu("tokio") - cpu;
    let seconds = start.elapsed().as_secs_f64();
    let mut us = std::mem::take(&mut *lateness.us.lock().expect("lock"));
    us.sort_unstable();
    let at = |share: f64| us.get((us.len() as f64 * share) as usize).copied().unwrap_or(0);
    Figures {
        cpu_percent: 100.0 * cpu.as_secs_f64() / seconds,
        kib_per_call: rss_kib().saturating_sub(before) as f64 / calls as f64,
        packets: lateness.packets.load(Ordering::Relaxed) - packets,
        p50_us: at(0.5),
        p99_us: at(0.99),
        max_us: us.last().copied().unwrap_or(0),
    }
}

async fn usual_leg(to: SocketAddr, pcm: Pcm, lateness: Arc<Lateness>) {
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.expect("socket");
    let mut interval = tokio::time::interval(Duration::from_millis(20));
    let (mut sequence, mut bytes) = (0u16, Vec::new());
    loop {
        let due = interval.tick().await;
        let start = usize::from(sequence) * 160 % (pcm.samples.len() - 160);
        let frame = &pcm.samples[start..start + 160];
        let payload: Vec<u8> = frame.iter().map(|sample| ulaw_encode(*sample)).collect();
        let packet = Packet {
            marker: false,
            payload_type: 0,
            sequence,
            timestamp: u32::from(sequence) * 160,
            ssrc: 1,
            payload: &payload,
        };
        packet.write(&mut bytes);
        let _ = socket.send_to(&bytes, to).await;
        sequence = sequence.wrapping_add(1);
        let late = tokio::time::Instant::now().saturating_duration_since(due);
        lateness.packets.fetch_add(1, Ordering::Relaxed);
        lateness.us.lock().expect("lock").push(late.as_micros() as u64);
    }
}

/// CPU time of the threads whose name begins so.
fn thread_cpu(name: &str) -> Duration {
    let Ok(threads) = fs::read_dir("/proc/self/task") else { return Duration::ZERO };
    let of_thread = |path: std::path::PathBuf| {
        let own = fs::read_to_string(path.join("comm")).ok()?;
        let text = fs::read_to_string(path.join("schedstat")).ok()?;
        let ns: u64 = text.split(' ').next()?.parse().ok()?;
        own.starts_with(name).then_some(ns)
    };
    let total: u64 = threads.flatten().filter_map(|entry| of_thread(entry.path())).sum();
    Duration::from_nanos(total)
}

fn rss_kib() -> u64 {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().unwrap_or(0)
}

/// Prints the mean time of one run of `action`.
fn time(what: &str, mut action: impl FnMut()) {
    for _ in 0..200 {
        action();
    }
    let (start, mut runs) = (Instant::now(), 0u32);
    while start.elapsed() < Duration::from_millis(150) {
        for _ in 0..100 {
            action();
        }
        runs += 100;
    }
    let ns = start.elapsed().as_nanos() as f64 / f64::from(runs);
    println!("media cost of a 20 ms frame: {what}: {ns:.0} ns ({:.4} % of a core)", ns / 2e5);
}

fn codec_costs() {
    if std::env::var_os("WARMLINE_BENCH_WAY").is_some() {
        return;
    }
    let narrow = sine(8_000, 440.0, 20, -20.0);
    let wide = sine(16_000, 440.0, 20, -20.0);
    for codec in [Codec::Pcmu, Codec::Pcma, Codec::G722] {
        let samples = if codec == Codec::G722 { &wide } else { &narrow };
        let mut payload = [0u8; 160];
        let mut encoder = Encoder::new(codec).expect("built in");
        time(&format!("encode {}", codec.encoding_name()), || {
            encoder.encode(black_box(samples), &mut payload);
            black_box(&payload);
        });
        let (mut decoder, mut out) = (Decoder::new(codec).expect("built in"), [0i16; 320]);
        time(&format!("decode {}", codec.encoding_name()), || {
            decoder.decode(black_box(&payload), &mut out);
            black_box(&out);
        });
    }
    let clip = Clip::new(&prompt());
    clip.prepare(Codec::Pcmu);
    let mut index = 0;
    time("prompt frame, encoded once (a copy)", || {
        index = (index + 1) % 400;
        let mut payload = [0u8; 160];
        payload.copy_from_slice(clip.payload_frame(Codec::Pcmu, index).unwrap_or(&[0; 160]));
        black_box(&payload);
    });
    other_costs(&narrow, &wide);
}

fn other_costs(narrow: &[i16], wide: &[i16]) {
    let (mut up, mut out) = (Upsampler::default(), [0i16; 320]);
    time("resample 8 → 16 kHz", || {
        up.run(black_box(narrow), &mut out);
        black_box(&out);
    });
    let (mut down, mut out) = (Downsampler::default(), [0i16; 160]);
    time("resample 16 → 8 kHz", || {
        down.run(black_box(wide), &mut out);
        black_box(&out);
    });
    let mut concealer = Concealer::new(8_000);
    let mut frame = [0i16; 160];
    time("conceal a lost frame, and the join after it", || {
        frame.copy_from_slice(narrow);
        concealer.real(&mut frame);
        concealer.conceal(&mut frame);
        black_box(&frame);
    });
    let (mut buffer, mut timestamp) = (JitterBuffer::new(20, 120), 0u32);
    time("jitter buffer, one packet in, one frame out", || {
        buffer.insert(timestamp, &[1; 160]);
        timestamp = timestamp.wrapping_add(160);
        let mut frame = Payload::default();
        buffer.pull(false, &mut frame);
        black_box(&frame);
    });
}
