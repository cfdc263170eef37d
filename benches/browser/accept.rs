//! From the press of "accept" to sound both ways, on the warm connection of an agent's shift: real
//! calls through the real server, with the `webrtc` crate as both browsers.

use std::time::{Duration, Instant};

use warmline::base::key::Key;
use warmline::media::tone::tone_level_dbfs;

use super::agents::Desk;
use super::browser::{RATE_HZ, Voice, aside, base_of, ended, hang_up, offer, serve, tone};
use super::server::have_models;

const ANNA: &str = "[[agents]]\nid = \"anna\"\nname = \"Anna\"\nbrowser = true\n\
    skills = [\"billing\", \"support\", \"orders\", \"general\"]\n\
    [transfer]\nring_s = 60\nwrap_up_s = 1\n\
    [browser]\ncalls_per_minute_max = 1000\n";
const CALLS: usize = 20;
/// High above ringback, music and most of a voice.
const CALLER_HZ: f64 = 2_900.0;
const AGENT_HZ: f64 = 2_300.0;
/// The tones are sent at -14; under "you are through to Anna" a voice is mixed 12 dB lower.
const HEARD_DBFS: f32 = -34.0;
/// A tone stands so far above what is beside it, which no voice does.
const ABOVE_DB: f32 = 12.0;
const BESIDE_HZ: f64 = 250.0;
const FRAME: usize = RATE_HZ as usize / 50;
const LONG: Duration = Duration::from_secs(60);

fn is_tone(frame: &[i16], hz: f64) -> bool {
    let level = |hz: f64| tone_level_dbfs(frame, RATE_HZ, hz);
    let beside = level(hz - BESIDE_HZ).max(level(hz + BESIDE_HZ));
    level(hz) > HEARD_DBFS.max(beside + ABOVE_DB)
}

/// When a frame with this tone came, by what came since the last look.
fn heard(voice: &Voice, hz: f64, began: Instant) -> Option<Duration> {
    let all = voice.take();
    all.chunks_exact(FRAME).any(|frame| is_tone(frame, hz)).then(|| began.elapsed())
}

/// Prints the figures; `false` where they are missing.
pub async fn figures() -> bool {
    if !have_models("browser accept") {
        return true;
    }
    let server = serve(ANNA).await;
    let (base, own) = (base_of(&server), server.clone());
    let token = aside(move || own.token_of("anna", "agent", Some("anna"))).await;
    let mut anna = Desk::open(&base, token).await;
    let http = reqwest::Client::new();
    let (mut to_agent, mut to_caller) = (Vec::new(), Vec::new());
    for round in 1..=CALLS {
        let (caller, path) = offer(&http, &base, "/call", None).await.expect("a call");
        tokio::time::sleep(Duration::from_secs(2)).await;
        caller.press(Key::ZERO).await;
        caller.say(tone(CALLER_HZ, 30_000)).await;
        anna.voice.say(tone(AGENT_HZ, 10_000)).await;
        let began = anna.accept_now().await;
        // What came before is not the bridge's; a frame of the caller's would be a leak.
        let early = heard(&anna.voice, CALLER_HZ, began).is_some();
        assert!(!early, "the agent heard the caller before accepting");
        caller.take();
        let (mut agent, mut other) = (None, None);
        while (agent.is_none() || other.is_none()) && began.elapsed() < LONG {
            agent = agent.or_else(|| heard(&anna.voice, CALLER_HZ, began));
            other = other.or_else(|| heard(&caller, AGENT_HZ, began));
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let (Some(agent), Some(other)) = (agent, other) else {
            println!("browser accept: no sound in call {round}: {agent:?}, {other:?}");
            return false;
        };
        to_agent.push(agent);
        to_caller.push(other);
        hang_up(&http, &base, &path.expect("a path")).await;
        ended(&server, round, LONG).await;
        // Her own words of this call are over before the next one.
        tokio::time::sleep(Duration::from_secs(9)).await;
        anna.voice.take();
    }
    let both = to_agent.iter().zip(&to_caller).map(|(one, other)| *one.max(other)).collect();
    for (what, mut all) in [
        ("the agent hears the caller", to_agent),
        ("the caller hears the agent", to_caller),
        ("both ways", both),
    ] {
        let all: &mut Vec<Duration> = &mut all;
        all.sort_unstable();
        let at = |share: f64| all[((CALLS - 1) as f64 * share).round() as usize].as_millis();
        println!(
            "browser accept to sound, warm connection, {what}: p50 {} ms, p95 {} ms ({CALLS} calls)",
            at(0.5),
            at(0.95)
        );
    }
    true
}
