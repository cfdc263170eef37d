//! Whole calls against the real binary: how soon a caller hears the answer, how soon a voice stops
//! a prompt, how fast calls are taken, and what a call that plays a prompt costs. Each figure
//! stands beside its baseline from the same run.

#[path = "calls/anew.rs"]
mod anew;
#[path = "calls/capture.rs"]
mod capture;
#[path = "../tests/live/likeness.rs"]
#[allow(dead_code)]
mod likeness;
#[path = "calls/over_prompts.rs"]
mod over_prompts;
#[path = "plots/page.rs"]
#[allow(dead_code)]
mod page;
#[path = "../tests/live/phone.rs"]
#[allow(dead_code)]
mod phone;
#[path = "../tests/live/server.rs"]
#[allow(dead_code)]
mod server;
#[path = "../tests/live/sipp.rs"]
#[allow(dead_code)]
mod sipp;
#[path = "whisper/sound.rs"]
#[allow(dead_code)]
mod sound;

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use server::{BINARY, Server, models_folder};
use warmline::speech::hear::transcript::{Hint, StopFlag, Transcriber};
use warmline::speech::hear::whisper::{WhisperModel, WhisperSettings};

use sipp::{ANSWERED, OFFER, Sipp, caller, expect, pause, request};

/// What the demo tables answer to the question, and the voice that says it.
const ANSWER: &str = "We are open Monday to Friday from nine to six, and on Saturday from ten to \
                      two. On Sunday we are closed.";
const VOICE: &str = "piper-rten-0.27 en_US-joe-medium";
/// Rounds of the first-audio figure, each a call of its own.
const ROUNDS: usize = 20;

/// No caller waits longer without a sound.
const SILENCE_MS_MAX: u64 = 4_000;

/// `cargo bench --bench calls -- [first [CALLERS…]] [anew] [barge] [signalling] [load]`: all
/// parts unless some are named. The first takes five minutes for each number of callers: 1, 4, 8
/// and 16 unless others are named.
fn main() {
    let words: Vec<String> =
        std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let wanted = |part: &str| words.is_empty() || words.iter().any(|word| word == part);
    if wanted("first") {
        capture::check();
        let numbers: Vec<usize> = words.iter().filter_map(|word| word.parse().ok()).collect();
        let numbers = if numbers.is_empty() { vec![1, 4, 8, 16] } else { numbers };
        let times: Vec<_> = numbers.into_iter().map(|one| (one, first_audio(one))).collect();
        histogram(&times);
    }
    if wanted("anew") {
        anew::measure(16);
    }
    if wanted("barge") {
        over_prompts::measure();
    }
    if wanted("signalling") {
        invite_to_answer();
    }
    if wanted("load") {
        prompt_playing(200);
        prompt_playing(500);
    }
}

/// End of speech → first audio of a known answer, measured on the caller's side of the wire: on
/// the two-channel capture, beside what the caller's clock saw, and beside the usual way of the
/// same run.
fn first_audio(callers: usize) -> Vec<u64> {
    let server = Server::start("");
    let answer = capture::recording(&server::voice_cache(), VOICE, ANSWER);
    if answer.is_none() {
        println!("the answer's recording is not in the cache: the clock's figures only");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let (mut by_clock, mut by_capture) = (Vec::new(), Vec::new());
    let (mut silences, mut calls, mut questions) = (Vec::new(), 0, Vec::new());
    for round in 0..ROUNDS.div_ceil(callers) {
        let running: Vec<_> = (0..callers)
            .map(|number| {
                let file = folder.path().join(format!("{round}-{number}.wav"));
                let child = Command::new(BINARY)
                    .args(["call", &server.uri(), "--say", "When are you open?", "--json"])
                    // An answer that is late comes after "one moment, please".
                    .args(["--quiet-s", "5"])
                    .arg("--capture")
                    .arg(&file)
                    .env("WARMLINE_MODELS", models_folder())
                    .stdout(std::process::Stdio::piped())
                    .stderr(std::process::Stdio::null())
                    .spawn()
                    .expect("the simulated caller starts");
                (child, file)
            })
            .collect();
        for (child, file) in running {
            let out = child.wait_with_output().expect("the simulated caller ends");
            let text = String::from_utf8_lossy(&out.stdout).into_owned();
            by_clock.extend(text.lines().filter_map(first_audio_of));
            calls += 1;
            let Some(capture) = capture::Capture::read(&file) else { continue };
            by_capture.extend(answer.as_ref().and_then(|one| capture.first_audio_ms(one)));
            silences.extend(capture.silence_ms());
            if questions.len() < callers {
                questions.extend(capture.question());
            }
        }
    }
    drop(server);
    for (way, times) in [("capture", &mut by_capture), ("clock", &mut by_clock)] {
        times.sort_unstable();
        println!(
            "end of speech → first audio, {callers} caller(s), by the {way}: p50 {} ms, p95 {} ms, \
             most {} ms ({} answers in {calls} calls)",
            percentile(times, 50),
            percentile(times, 95),
            times.last().copied().unwrap_or(0),
            times.len()
        );
    }
    let long = silences.iter().filter(|ms| **ms > SILENCE_MS_MAX).count();
    println!(
        "  longest silence after a question {} ms; over {SILENCE_MS_MAX} ms: {long} of {}",
        silences.iter().max().copied().unwrap_or(0),
        silences.len()
    );
    let times = if by_capture.is_empty() { by_clock } else { by_capture };
    let usual = usual_way(questions);
    println!(
        "  the usual way (700 ms of silence, then the plain decode) of the same questions at once: \
         p50 {} ms, p95 {} ms; ratio {:.1}",
        percentile(&usual, 50),
        percentile(&usual, 95),
        percentile(&usual, 50) as f64 / percentile(&times, 50).max(1) as f64
    );
    times
}

/// How long the text of each question would take if a turn ended after 700 ms of silence and was
/// then decoded in the full context, all at once; without any answer's sound. Sorted.
fn usual_way(questions: Vec<Vec<i16>>) -> Vec<u64> {
    const SILENCE_MS: u64 = 700;
    let file = models_folder().join("ggml-base-q8_0.bin");
    let Ok(model) = WhisperModel::load(&file) else { return Vec::new() };
    let running: Vec<_> = questions
        .into_iter()
        .filter_map(|sound| {
            let mut whisper = model.transcriber(WhisperSettings::PLAIN).ok()?;
            Some(std::thread::spawn(move || {
                let begun = Instant::now();
                let text = whisper.transcribe(&sound, &Hint::default(), &StopFlag::default());
                text.is_ok().then(|| SILENCE_MS + begun.elapsed().as_millis() as u64)
            }))
        })
        .collect();
    let mut times: Vec<u64> =
        running.into_iter().filter_map(|one| one.join().ok().flatten()).collect();
    times.sort_unstable();
    times
}

/// A page with a histogram of the answers' delays for each number of callers.
fn histogram(all: &[(usize, Vec<u64>)]) {
    let mut body = String::from(
        "<p class=note>Milliseconds from the end of the caller's words to the answer's first \
         sound, found by cross-correlation on the caller's own two-channel capture.</p>",
    );
    for (callers, times) in all {
        let mut sorted = times.clone();
        sorted.sort_unstable();
        body += &format!(
            "<h2>{callers} speaking at once: p50 {} ms, p95 {} ms</h2>",
            percentile(&sorted, 50),
            percentile(&sorted, 95)
        );
        body += &page::histogram(times);
    }
    page::write("calls.html", "End of speech → first audio", &body);
}

fn first_audio_of(line: &str) -> Option<u64> {
    let line: serde_json::Value = serde_json::from_str(line).ok()?;
    line["first_audio_ms"].as_u64()
}

fn percentile(sorted: &[u64], share: usize) -> u64 {
    let place = (sorted.len() * share).div_ceil(100).max(1) - 1;
    sorted.get(place).copied().unwrap_or(0)
}

/// INVITE → 200 at 20 calls/s, beside SIPp answering SIPp in the same run.
fn invite_to_answer() {
    let server = Server::start("");
    let ours = response_time(&format!("127.0.0.1:{}", server.sip_port));
    let port = server::ports();
    let mut baseline = Command::new("sipp")
        .args(["-sn", "uas", "-i", "127.0.0.1", "-p", &port.to_string(), "-nostdin"])
        .env("TERM", "dumb")
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("SIPp answers");
    std::thread::sleep(Duration::from_millis(500));
    let theirs = response_time(&format!("127.0.0.1:{port}"));
    let _ = baseline.kill();
    let _ = baseline.wait();
    println!(
        "INVITE → 200 at 20 calls/s: {ours:.1} ms mean; SIPp answering SIPp: {theirs:.1} ms; \
         ratio {:.1}",
        ours / theirs.max(0.01)
    );
}

/// Mean milliseconds from INVITE to 200 over 200 calls, as SIPp's timer saw them.
fn response_time(target: &str) -> f64 {
    let timed = ANSWERED.replace("rrs=\"true\"", "rrs=\"true\" rtd=\"true\"");
    let steps =
        format!("{timed}{}{}{}{}", request("ACK", 1), pause(500), request("BYE", 2), expect(200));
    let scenario =
        caller("", OFFER, &steps).replace("<send retrans", "<send start_rtd=\"true\" retrans");
    // Only the INVITE starts the timer.
    let scenario = scenario.replacen("start_rtd=\"true\"", "start_rtd=\"1\"", 1);
    let scenario = scenario.replace(" start_rtd=\"true\"", "").replace("rtd=\"true\"", "rtd=\"1\"");
    let mut peer = Sipp::start(
        &scenario,
        target,
        &["-r", "20", "-m", "200", "-timeout", "60", "-trace_rtt", "-rtt_freq", "1"],
    );
    let _ = peer.wait();
    peer.response_times().iter().sum::<f64>() / peer.response_times().len().max(1) as f64
}

/// CPU and memory per call while `calls` callers hear a prompt.
fn prompt_playing(calls: usize) {
    let server = Server::start_with_sip(&format!("calls_max = {calls}"));
    let idle = usage(&server);
    let steps = format!(
        "{ANSWERED}{}{}{}{}",
        request("ACK", 1),
        pause(20_000),
        request("BYE", 2),
        expect(200)
    );
    let target = format!("127.0.0.1:{}", server.sip_port);
    let (count, rate) = (calls.to_string(), (calls / 5).to_string());
    let arguments = ["-r", &rate, "-m", &count, "-l", &count, "-timeout", "60"];
    let mut peer = Sipp::start(&caller("", OFFER, &steps), &target, &arguments);
    // All are there after 5 s, and the first one has heard its greeting after 13.
    std::thread::sleep(Duration::from_secs(6));
    let (before, begun) = (usage(&server), Instant::now());
    std::thread::sleep(Duration::from_secs(7));
    let (after, seconds) = (usage(&server), begun.elapsed().as_secs_f64());
    let cpu = (after.cpu_s - before.cpu_s) / seconds * 100.0;
    let memory = (after.resident_kib.saturating_sub(idle.resident_kib)) as f64 / calls as f64;
    let metrics = server.get("/metrics").1;
    let late: Vec<&str> =
        metrics.lines().filter(|line| line.contains("late") && !line.starts_with('#')).collect();
    println!(
        "{calls} prompt-playing calls: {cpu:.1} % of a core in all, {:.3} % a call, \
         {memory:.0} KiB a call; SIPp status {}\n  {}",
        cpu / calls as f64,
        peer.wait(),
        late.join("\n  ")
    );
}

struct Usage {
    cpu_s: f64,
    resident_kib: u64,
}

/// User and system time and resident memory of the server, from /proc.
fn usage(server: &Server) -> Usage {
    const TICKS_A_SECOND: f64 = 100.0;
    let pid = server.pid();
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|f| f.parse::<f64>().ok()).unwrap_or(0.0);
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let resident_kib = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|number| number.parse().ok())
        .unwrap_or(0);
    Usage { cpu_s: (ticks(11) + ticks(12)) / TICKS_A_SECOND, resident_kib }
}
