//! A page without a page: offers over HTTP, speaks and listens over Opus or G.711.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, LOCATION, ORIGIN};
use tokio::sync::{mpsc, oneshot};
use tokio::time::MissedTickBehavior;
use warmline::base::audio::Pcm;
use warmline::base::key::Key;
use warmline::base::session::Codec;
use warmline::media::codec::{Decoder, Encoder};
use warmline::media::resample::resample;
use warmline::webrtc::Client;

pub const RATE_HZ: u32 = 16_000;
pub const CONNECT: Duration = Duration::from_secs(20);

enum Do {
    Say(Vec<i16>),
    Press(Key),
    /// Restarts ICE: the offer, then the answer to it.
    Restart(oneshot::Sender<String>),
    Take(String),
    Close,
}

/// The sound of one connection: a microphone that may be spoken into, and all that was heard.
pub struct Voice {
    orders: mpsc::Sender<Do>,
    heard: Arc<Mutex<Vec<i16>>>,
}

impl Voice {
    /// Runs a connected client of this codec.
    pub fn start(client: Client, codec: Codec) -> Voice {
        let (orders, wanted) = mpsc::channel(64);
        let heard = Arc::new(Mutex::new(Vec::new()));
        tokio::spawn(run(client, codec, wanted, heard.clone()));
        Voice { orders, heard }
    }

    pub async fn say(&self, samples: Vec<i16>) {
        let _ = self.orders.send(Do::Say(samples)).await;
    }

    pub async fn press(&self, key: Key) {
        let _ = self.orders.send(Do::Press(key)).await;
    }

    /// Restarts ICE by PATCH, as a page does on another network; the status and the answer.
    pub async fn restart(
        &self,
        http: &reqwest::Client,
        base: &str,
        path: &str,
        token: Option<&str>,
    ) -> (u16, String) {
        let (ask, offered) = oneshot::channel();
        let _ = self.orders.send(Do::Restart(ask)).await;
        let mut request = http
            .patch(format!("{base}{path}"))
            .header(CONTENT_TYPE, "application/sdp")
            .header(ORIGIN, base)
            .body(offered.await.expect("an offer"));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let reply = request.send().await.expect("the server answers");
        let status = reply.status().as_u16();
        let answer = reply.text().await.unwrap_or_default();
        if status == 200 {
            let _ = self.orders.send(Do::Take(answer.clone())).await;
        }
        (status, answer)
    }

    /// Stops without a word to the server, as a crash would.
    pub async fn close(&self) {
        let _ = self.orders.send(Do::Close).await;
    }

    /// As a caller does: until what is said now has been silent for longer than between its
    /// sentences, however slow the machine is.
    pub async fn listen(&self) {
        let began = std::time::Instant::now();
        let is_loud = |part: &[i16]| part.iter().any(|sample| sample.unsigned_abs() > 1_000);
        let from = self.heard.lock().expect("a lock").len();
        loop {
            tokio::time::sleep(Duration::from_millis(100)).await;
            assert!(began.elapsed() < Duration::from_secs(90), "what is said has no end");
            let heard = self.heard.lock().expect("a lock").get(from..).unwrap_or_default().to_vec();
            let tenths: Vec<bool> = heard.chunks(RATE_HZ as usize / 10).map(is_loud).collect();
            let loud = tenths.iter().filter(|loud| **loud).count();
            let quiet = tenths.iter().rev().take_while(|loud| !**loud).count();
            if loud >= 15 && quiet >= 10 {
                return;
            }
        }
    }

    /// What came since the last time.
    pub fn take(&self) -> Vec<i16> {
        std::mem::take(&mut self.heard.lock().expect("a lock"))
    }
}

async fn run(
    mut client: Client,
    codec: Codec,
    mut orders: mpsc::Receiver<Do>,
    heard: Arc<Mutex<Vec<i16>>>,
) {
    let mut encoder = Encoder::new(codec).expect("an encoder");
    let mut decoder = Decoder::new(codec).expect("a decoder");
    let rate_hz = codec.sample_rate_hz();
    let (frame, repeat) = (rate_hz as usize / 50, (RATE_HZ / rate_hz) as usize);
    let mut speech: VecDeque<i16> = VecDeque::new();
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
    loop {
        tick.tick().await;
        while let Ok(order) = orders.try_recv() {
            match order {
                Do::Say(samples) => {
                    speech.extend(resample(&Pcm::new(RATE_HZ, samples), rate_hz).samples.iter());
                }
                Do::Press(key) => client.press(key).await,
                Do::Restart(reply) => {
                    let _ = reply.send(client.restart().await.expect("an offer"));
                }
                Do::Take(answer) => client.accept(&answer).await.expect("an answer"),
                Do::Close => return client.close().await,
            }
        }
        let mut samples = vec![0i16; frame];
        let count = speech.len().min(frame);
        for (to, from) in samples.iter_mut().zip(speech.drain(..count)) {
            *to = from;
        }
        let mut payload = [0u8; 480];
        let count = encoder.encode(&samples, &mut payload);
        client.send(&payload[..count]).await;
        while let Some(packet) = client.try_receive() {
            let mut samples = vec![0i16; frame];
            decoder.decode(&packet.payload, &mut samples);
            let samples = samples.into_iter().flat_map(|one| std::iter::repeat_n(one, repeat));
            heard.lock().expect("a lock").extend(samples);
        }
    }
}

/// Offers by POST and connects; the voice and the path of `Location`.
pub async fn offer(
    http: &reqwest::Client,
    base: &str,
    path: &str,
    token: Option<&str>,
) -> Result<(Voice, Option<String>), (u16, String)> {
    offer_of(Codec::Opus, http, base, path, token).await
}

/// The same with this codec alone.
pub async fn offer_of(
    codec: Codec,
    http: &reqwest::Client,
    base: &str,
    path: &str,
    token: Option<&str>,
) -> Result<(Voice, Option<String>), (u16, String)> {
    let listen = ([127, 0, 0, 1], 0).into();
    let (mut client, sdp) = Client::offer(listen, codec).await.expect("an offer");
    let mut request = http
        .post(format!("{base}{path}"))
        .header(CONTENT_TYPE, "application/sdp")
        .header(ORIGIN, base)
        .body(sdp);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let reply = request.send().await.expect("the server answers");
    let status = reply.status().as_u16();
    let location = reply.headers().get(LOCATION).map(|v| v.to_str().unwrap().to_owned());
    let answer = reply.text().await.unwrap_or_default();
    if status >= 300 {
        client.close().await;
        return Err((status, answer));
    }
    client.accept(&answer).await.expect("an answer");
    assert!(client.connected(CONNECT).await, "not connected by:\n{answer}");
    Ok((Voice::start(client, codec), location))
}

/// An 8 kHz WAV as a browser's sound.
pub fn sound_of(file: &Path) -> Vec<i16> {
    let samples = super::tone::read(file);
    resample(&Pcm::new(8_000, samples), RATE_HZ).samples.to_vec()
}

pub fn tone(hz: f64, ms: u64) -> Vec<i16> {
    warmline::media::tone::sine(RATE_HZ, hz, ms, -14.0)
}

pub fn write(file: &Path, samples: &[i16]) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: RATE_HZ,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut out = hound::WavWriter::create(file, spec).expect("is writable");
    for sample in samples {
        out.write_sample(*sample).expect("is writable");
    }
    out.finalize().expect("is writable");
}

/// Reads a call's captions until one fits, or the time is over; all that came.
pub async fn captions_until(
    http: &reqwest::Client,
    url: &str,
    longest: Duration,
    fits: impl Fn(&str) -> bool,
) -> String {
    let mut all = String::new();
    let mut reply = http.get(url).send().await.expect("captions");
    assert_eq!(reply.status(), 200);
    let reading = async {
        while let Ok(Some(part)) = reply.chunk().await {
            all.push_str(&String::from_utf8_lossy(&part));
            if fits(&all) {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(longest, reading).await;
    all
}

/// Work of the blocking test server, beside the runtime.
pub async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.expect("no panic aside")
}

/// Presses "hang up" on the caller's page.
pub async fn hang_up(http: &reqwest::Client, base: &str, path: &str) {
    let url = format!("{base}{path}/hang-up");
    let reply = http.post(url).header(ORIGIN, base).send().await.expect("an answer");
    assert_eq!(reply.status(), 204);
}

/// Both speak a tone of their own for four seconds; each must hear the other for most of it.
pub async fn both_hear(caller: &Voice, caller_hz: f32, agent: &Voice, agent_hz: f32, when: &str) {
    caller.take();
    agent.take();
    caller.say(tone(f64::from(caller_hz), 4_000)).await;
    agent.say(tone(f64::from(agent_hz), 4_000)).await;
    tokio::time::sleep(Duration::from_millis(5_500)).await;
    let heard = [(caller.take(), agent_hz), (agent.take(), caller_hz)]
        .map(|(samples, hz)| super::tone::seconds_of(&samples, RATE_HZ, hz));
    assert!(heard.iter().all(|s| *s >= 2.0), "{when}: caller, agent heard {heard:?} s");
}

/// The ICE user fragment of a description.
pub fn ufrag(sdp: &str) -> String {
    let found = sdp.lines().find_map(|line| line.strip_prefix("a=ice-ufrag:"));
    found.unwrap_or_else(|| panic!("no a=ice-ufrag in\n{sdp}")).to_owned()
}

/// Starts the server with further configuration.
pub async fn serve(extra: &'static str) -> Arc<super::server::Server> {
    Arc::new(aside(move || super::server::Server::start(extra)).await)
}

pub fn base_of(server: &super::server::Server) -> String {
    format!("http://127.0.0.1:{}", server.web_port)
}

/// Waits until so many calls have ended; each whole.
pub async fn ended(
    server: &Arc<super::server::Server>,
    count: usize,
    within: Duration,
) -> Vec<serde_json::Value> {
    let server = server.clone();
    aside(move || server.ended_calls(count, within)).await
}

/// Words of our own voice as a browser's sound.
pub async fn words(text: &'static str) -> Vec<i16> {
    aside(move || {
        let folder = tempfile::tempdir().expect("a folder");
        sound_of(&super::server::speak(folder.path(), "words.wav", text))
    })
    .await
}

/// What a caller says who wants a person.
pub const PERSON_WISH: &str = "I want to talk to an agent, please.";

/// A caller's page that heard the greeting and asked for a person, and its path.
pub async fn wants_a_person(base: &str) -> (Voice, String) {
    let wish = words(PERSON_WISH).await;
    let (caller, path) = offer(&reqwest::Client::new(), base, "/call", None).await.unwrap();
    caller.listen().await;
    caller.say(wish).await;
    (caller, path.expect("a call's path"))
}
