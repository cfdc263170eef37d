//! A page without a page: offers over HTTP, speaks and listens over Opus.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, LOCATION, ORIGIN};
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;
use warmline::base::audio::Pcm;
use warmline::base::key::Key;
use warmline::base::session::Codec;
use warmline::media::opus::{OpusDecoder, OpusEncoder};
use warmline::media::resample::resample;
use warmline::webrtc::Client;

pub const RATE_HZ: u32 = 16_000;
const FRAME: usize = 320;
pub const CONNECT: Duration = Duration::from_secs(20);

enum Do {
    Say(Vec<i16>),
    Press(Key),
    Close,
}

/// The sound of one connection: a microphone that may be spoken into, and all that was heard.
pub struct Voice {
    orders: mpsc::Sender<Do>,
    heard: Arc<Mutex<Vec<i16>>>,
}

impl Voice {
    /// Runs a connected client.
    pub fn start(client: Client) -> Voice {
        let (orders, wanted) = mpsc::channel(64);
        let heard = Arc::new(Mutex::new(Vec::new()));
        tokio::spawn(run(client, wanted, heard.clone()));
        Voice { orders, heard }
    }

    pub async fn say(&self, samples: Vec<i16>) {
        let _ = self.orders.send(Do::Say(samples)).await;
    }

    pub async fn press(&self, key: Key) {
        let _ = self.orders.send(Do::Press(key)).await;
    }

    /// Stops without a word to the server, as a crash would.
    pub async fn close(&self) {
        let _ = self.orders.send(Do::Close).await;
    }

    /// What came since the last time.
    pub fn take(&self) -> Vec<i16> {
        std::mem::take(&mut self.heard.lock().expect("a lock"))
    }
}

async fn run(mut client: Client, mut orders: mpsc::Receiver<Do>, heard: Arc<Mutex<Vec<i16>>>) {
    let mut encoder = OpusEncoder::live().expect("an encoder");
    let mut decoder = OpusDecoder::new().expect("a decoder");
    let mut speech: Vec<i16> = Vec::new();
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
    loop {
        tick.tick().await;
        while let Ok(order) = orders.try_recv() {
            match order {
                Do::Say(samples) => speech.extend(samples),
                Do::Press(key) => client.press(key).await,
                Do::Close => return client.close().await,
            }
        }
        let mut frame = [0i16; FRAME];
        let count = speech.len().min(FRAME);
        for (to, from) in frame.iter_mut().zip(speech.drain(..count)) {
            *to = from;
        }
        let mut payload = [0u8; 480];
        let count = encoder.encode(&frame, &mut payload);
        client.send(&payload[..count]).await;
        while let Some(packet) = client.try_receive() {
            let mut frame = [0i16; FRAME];
            decoder.decode(&packet.payload, &mut frame);
            heard.lock().expect("a lock").extend_from_slice(&frame);
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
    let listen = ([127, 0, 0, 1], 0).into();
    let (mut client, sdp) = Client::offer(listen, Codec::Opus).await.expect("an offer");
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
    Ok((Voice::start(client), location))
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
