//! Connections that break and are repaired in mid-call: the network of the agent or of the caller
//! goes and comes back, and ICE is restarted as a page does it. The call stays the same call.

use std::sync::Arc;
use std::time::Duration;

use warmline::base::audio::Pcm;
use warmline::base::key::Key;
use warmline::runtime::peer::Peer;

use super::agents::{ANNA, Desk, token_of};
use super::baresip::{self, Baresip};
use super::browser::{
    RATE_HZ, Voice, aside, base_of, both_hear, captions_until, ended, hang_up, offer, serve, tone,
    ufrag,
};
use super::chromium::is_there;
use super::network::{self, Network, offer_through};
use super::server::{Server, have_models};
use super::tone::{Part, compose, read, seconds_of};
use super::whole::{self, Tells};
use super::{ear, page, ports};

const LONG: Duration = Duration::from_secs(60);
const CALLER_HZ: f32 = 1_000.0;
const AGENT_HZ: f32 = 600.0;
/// Shorter than ICE takes to notice.
const SHORT: Duration = Duration::from_secs(3);
/// Until sound is surely back after the network is: ICE looks every two seconds.
const SETTLE: Duration = Duration::from_secs(5);
/// Until "you are through" and the agent's own announcement are over.
const ANNOUNCED: Duration = Duration::from_secs(5);

/// The caller presses 0 and the agent accepts.
async fn talk(caller: &Voice, anna: &mut Desk) {
    tokio::time::sleep(Duration::from_secs(3)).await;
    caller.press(Key::ZERO).await;
    anna.accept().await;
    tokio::time::sleep(ANNOUNCED).await;
    both_hear(caller, CALLER_HZ, &anna.voice, AGENT_HZ, "before").await;
}

/// The only call: how often its agent was lost.
async fn agent_lost(server: &Arc<Server>) -> usize {
    let calls = ended(server, 1, LONG).await;
    assert_eq!(calls.len(), 1, "a repair is no second call");
    assert_eq!(calls[0]["disposition"], "transferred", "{:#}", calls[0]);
    let steps = calls[0]["transfer_steps"].as_array().expect("steps");
    steps.iter().filter(|step| step["step"] == "agent_lost").count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agents_network_goes_and_the_same_agent_is_back() {
    if !have_models("the agent's network") {
        return;
    }
    let server = serve(ANNA).await;
    let _tells = Tells(server.clone());
    let (base, http) = (base_of(&server), reqwest::Client::new());
    let token = token_of(&server, "anna").await;
    let network = Network::good();
    let (voice, seat) = offer_through(&network, &http, &base, "/desk/peer", Some(&token)).await;
    let mut anna = Desk::with_voice(&base, token, voice, seat).await;
    let (caller, path) = offer(&http, &base, "/call", None).await.unwrap();
    let path = path.unwrap();
    talk(&caller, &mut anna).await;

    // Three seconds: nobody is told anything.
    network.away(true);
    tokio::time::sleep(SHORT).await;
    network.away(false);
    tokio::time::sleep(SETTLE).await;
    both_hear(&caller, CALLER_HZ, &anna.voice, AGENT_HZ, "after three seconds").await;

    // Until it is noticed, and longer: the caller hears "one moment" and music.
    caller.take();
    network.away(true);
    anna.stage("line_lost").await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let url = format!("{base}{path}/captions");
    let told = captions_until(&http, &url, LONG, |all| all.contains("get you back")).await;
    assert!(told.contains("One moment, please. I get you back to your agent."), "{told}");
    let music = caller.take();
    let last_second = &music[music.len().saturating_sub(RATE_HZ as usize)..];
    let loudest = last_second.iter().map(|sample| sample.unsigned_abs()).max();
    assert!(loudest > Some(300), "silence instead of music: {loudest:?}");
    network.away(false);
    anna.stage("talking").await;
    tokio::time::sleep(SETTLE).await;
    both_hear(&caller, CALLER_HZ, &anna.voice, AGENT_HZ, "after it was noticed").await;
    hang_up(&http, &base, &path).await;
    assert_eq!(agent_lost(&server).await, 1, "three seconds are no loss");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_callers_network_goes_and_the_call_goes_on() {
    if !have_models("the caller's network") {
        return;
    }
    let server = serve(ANNA).await;
    let _tells = Tells(server.clone());
    let (base, http) = (base_of(&server), reqwest::Client::new());
    let mut anna = Desk::of(&server, "anna").await;
    let network = Network::good();
    let (caller, path) = offer_through(&network, &http, &base, "/call", None).await;
    talk(&caller, &mut anna).await;
    for seconds in [3, 8] {
        network.away(true);
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        network.away(false);
        tokio::time::sleep(SETTLE).await;
        let when = format!("after {seconds} s");
        both_hear(&caller, CALLER_HZ, &anna.voice, AGENT_HZ, &when).await;
    }
    // What was lost is not heard later: no backlog of sound.
    anna.voice.take();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(seconds_of(&anna.voice.take(), RATE_HZ, CALLER_HZ) < 0.5, "old sound came late");
    hang_up(&http, &base, &path).await;
    assert_eq!(agent_lost(&server).await, 0);
}

/// As a page does on another network: PATCH, twice each, and the sound goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ice_restarts_by_patch_and_both_still_hear_each_other() {
    if !have_models("ICE restart") {
        return;
    }
    let server = serve(ANNA).await;
    let _tells = Tells(server.clone());
    let (base, http) = (base_of(&server), reqwest::Client::new());
    let mut anna = Desk::of(&server, "anna").await;
    let (caller, path) = offer(&http, &base, "/call", None).await.unwrap();
    let path = path.unwrap();
    talk(&caller, &mut anna).await;
    let (voice, seat, token) = (&anna.voice, &anna.path, Some(anna.token.as_str()));
    // Another page's seat, or call, is nobody's to restart.
    for (voice, path, token) in [(voice, seat, token), (&caller, &path, None)] {
        let mut other = path.clone();
        other.replace_range(other.len() - 4.., "AAAA");
        assert_eq!(voice.restart(&http, &base, &other, token).await.0, 404, "{other}");
    }
    for (voice, path, token) in [(voice, seat, token), (&caller, &path, None)] {
        let mut fragments = Vec::new();
        for _ in 0..2 {
            let (status, answer) = voice.restart(&http, &base, path, token).await;
            assert_eq!(status, 200, "{answer}");
            fragments.push(ufrag(&answer));
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
        assert_ne!(fragments[0], fragments[1], "ICE was not restarted");
    }
    // Longer than an old pair would be trusted without an answer.
    tokio::time::sleep(Duration::from_secs(8)).await;
    both_hear(&caller, CALLER_HZ, &anna.voice, AGENT_HZ, "after the restarts").await;
    hang_up(&http, &base, &path).await;
    assert_eq!(agent_lost(&server).await, 0, "a restart is no loss");
}

/// On the page: what it offers holds no address, what it is answered holds the network's alone, so
/// that every datagram of its goes there. Counts the page's own repairs.
fn through(port: u16) -> String {
    format!(
        "(() => {{ window.patches = 0; \
           const send = window.fetch; \
           window.fetch = (to, how) => {{ \
             if (how?.method === 'PATCH') window.patches += 1; \
             if (typeof how?.body !== 'string') return send(to, how); \
             return send(to, {{...how, body: how.body.replace(/a=candidate:.*\\r\\n/g, '')}}); \
           }}; \
           const own = 'a=candidate:1 1 udp 2130706431 127.0.0.1 {port} typ host\\r\\n'; \
           window.RTCPeerConnection = class extends RTCPeerConnection {{ \
             setRemoteDescription({{type, sdp}}) {{ \
               const all = sdp.split(/a=candidate:.*\\r\\n/); \
               const through = all[0] + own + all.slice(1).join(''); \
               return super.setRemoteDescription({{type, sdp: through}}); \
             }} \
           }}; }})()"
    )
}

/// A server whose browsers all come to one port, known beforehand.
async fn on_one_port(agents: &str) -> (Arc<Server>, u16) {
    let udp = ports();
    let extra = format!(
        "{agents}[browser]\nudp_port_min = {udp}\nudp_port_max = {udp}\nlisten = [\"127.0.0.1\"]\n"
    );
    (Arc::new(aside(move || Server::start(&extra)).await), udp)
}

/// The agent's page notices by itself, restarts ICE, and goes on with the call.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agents_page_repairs_its_own_connection() {
    let test = "a page's repair";
    if !have_models(test) || !is_there(test) {
        return;
    }
    // The caller comes by SIP.
    let (server, udp) = on_one_port(whole::ANNA).await;
    let _tells = Tells(server.clone());
    let folder = tempfile::tempdir().expect("a folder");
    let sound = folder.path().join("anna.wav");
    compose(&sound, &[Part::Tone { hz: AGENT_HZ, seconds: 20.0 }]);
    let own = server.clone();
    aside(move || whole::add_user(&own, "anna")).await;
    let network = Network::good();
    let anna = whole::with_microphone(&base_of(&server), &sound, "").await;
    anna.before_each_page(&through(network::before(&network, udp))).await;
    whole::headset_on(&anna, "anna").await;
    let phone = Peer::start().unwrap();
    let mut caller = phone.dial(&server.uri(), "ada", "Ada").await.unwrap();
    caller.listen(Duration::from_secs(3)).await;
    caller.press(Key::ZERO);
    anna.wait_stage("ringing").await;
    anna.press("a").await;
    anna.wait_stage("talking").await;
    let since = ear::now_ms();
    caller.say(&Pcm::new(RATE_HZ, tone(f64::from(CALLER_HZ), 3_000))).await;
    ear::first(&anna, CALLER_HZ, since).await;

    let is = |state: &str| format!("return document.querySelector('#line').dataset.state {state}");
    network.away(true);
    anna.wait("the page notices", &is("=== 'interrupted'")).await;
    anna.wait("the page tries", "return window.patches > 0").await;
    network.away(false);
    anna.wait("the page is back", &is("=== 'connected'")).await;
    anna.wait_stage("talking").await;
    caller.listen(ANNOUNCED).await;
    caller.heard.clear();
    let since = ear::now_ms();
    caller.say(&Pcm::new(RATE_HZ, tone(f64::from(CALLER_HZ), 4_000))).await;
    ear::first(&anna, CALLER_HZ, since).await;
    let heard = seconds_of(&caller.heard, caller.heard_rate_hz, AGENT_HZ);
    assert!(heard >= 2.0, "the caller heard the agent for {heard} s");
    caller.hang_up();
    assert!(agent_lost(&server).await <= 1);
    anna.close().await;
}

/// The caller's page does so, too: it says what is wrong, and the conversation goes on. The agent
/// has a phone: the only port is the page's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_callers_page_repairs_its_own_connection() {
    let test = "a caller's page's repair";
    if !have_models(test) || !is_there(test) || !baresip::is_there(test) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let tones = [("caller.wav", CALLER_HZ, 20.0), ("agent.wav", AGENT_HZ, 120.0)];
    let [sound, agents] = tones.map(|(name, hz, seconds)| {
        let file = folder.path().join(name);
        compose(&file, &[Part::Tone { hz, seconds }]);
        file
    });
    let phone = aside(move || Baresip::start(&agents, true)).await;
    let agent =
        format!("[[agents]]\nid = \"anna\"\nname = \"Anna\"\ncontact = \"{}\"\n", phone.contact());
    let (server, udp) = on_one_port(&agent).await;
    let _tells = Tells(server.clone());
    let network = Network::good();
    let caller = whole::with_microphone(&base_of(&server), &sound, "").await;
    caller.before_each_page(&through(network::before(&network, udp))).await;
    caller.goto("/call").await;
    page::wait_shown(&caller, "call northwind", LONG).await;
    page::click(&caller, "call").await;
    page::wait_shown(&caller, "automatic assistant", LONG).await;
    page::click(&caller, "keypad").await;
    page::click_on(&caller, ".pad button:nth-child(11)").await;
    let mut phone = aside(move || {
        phone.wait_for("Call established", LONG);
        phone
    })
    .await;
    // The menu of the briefing is there by then.
    tokio::time::sleep(SETTLE).await;
    phone.press('1');
    ear::first(&caller, AGENT_HZ, ear::now_ms()).await;
    tokio::time::sleep(SETTLE).await;

    network.away(true);
    page::wait_shown(&caller, "the connection is interrupted", LONG).await;
    caller.wait("the page tries", "return window.patches > 0").await;
    network.away(false);
    page::wait_quality(&caller).await;
    tokio::time::sleep(SETTLE).await;
    ear::first(&caller, AGENT_HZ, ear::now_ms()).await;
    page::click(&caller, "hang-up").await;
    page::wait_shown(&caller, "the call has ended", LONG).await;
    assert_eq!(agent_lost(&server).await, 0);
    phone.quit();
    // The tone, silence while the network was away, and the tone again.
    let heard = read(&phone.received());
    let heard = heard.chunks_exact(8_000).map(|second| seconds_of(second, 8_000, CALLER_HZ) > 0.5);
    let heard: Vec<bool> = heard.collect();
    let runs: Vec<(bool, usize)> =
        heard.chunk_by(|one, other| one == other).map(|run| (run[0], run.len())).collect();
    let long: Vec<bool> =
        runs.iter().filter(|(_, seconds)| *seconds >= 2).map(|(is, _)| *is).collect();
    assert!(long.windows(3).any(|run| run == [true, false, true]), "{runs:?}");
    caller.close().await;
}
