//! Any speech server on the premises, asked as OpenAI's `/v1/audio/speech` is.

use std::time::Duration;

use futures_util::StreamExt;

use crate::base::audio::Pcm;
use crate::base::language::Language;

use super::engine::{SynthesisError, Synthesizer};

/// A sentence that is not there by then goes to the fallback.
const REPLY_MAX: Duration = Duration::from_secs(4);
/// Sound of one sentence, bytes; a minute at 24 kHz.
const SOUND_BYTES_MAX: usize = 24_000 * 2 * 60;

/// A speech server that gives WAV.
pub struct HttpVoice {
    url: String,
    client: reqwest::Client,
    runtime: tokio::runtime::Runtime,
}

impl HttpVoice {
    pub fn new(url: &str) -> Result<Self, SynthesisError> {
        Self::within(url, REPLY_MAX)
    }

    fn within(url: &str, reply_max: Duration) -> Result<Self, SynthesisError> {
        let fault = |error: String| SynthesisError::Server(error);
        let client = reqwest::Client::builder()
            .timeout(reply_max)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| fault(error.to_string()))?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| fault(error.to_string()))?;
        Ok(Self { url: url.to_owned(), client, runtime })
    }
}

impl Synthesizer for HttpVoice {
    fn name(&self) -> String {
        format!("http {}", self.url)
    }

    fn speaks(&self, _language: &Language) -> bool {
        true
    }

    fn synthesize(
        &mut self,
        sentence: &str,
        language: &Language,
        pace: f32,
    ) -> Result<Pcm, SynthesisError> {
        let fault = |error: String| SynthesisError::Server(error);
        let body = serde_json::json!({
            "input": sentence, "language": language.code(), "speed": 1.0 / pace,
            "response_format": "wav", "model": "default", "voice": "default",
        });
        let request = self.client.post(&self.url).json(&body);
        let bytes = self.runtime.block_on(async {
            let reply = request.send().await.map_err(|error| fault(error.to_string()))?;
            if !reply.status().is_success() {
                return Err(fault(format!("answers {}", reply.status())));
            }
            let mut bytes = Vec::new();
            let mut body = reply.bytes_stream();
            while let Some(piece) = body.next().await {
                bytes.extend_from_slice(&piece.map_err(|error| fault(error.to_string()))?);
                if bytes.len() > SOUND_BYTES_MAX {
                    return Err(fault(format!("sends more than {SOUND_BYTES_MAX} bytes")));
                }
            }
            Ok(bytes)
        })?;
        super::cache::read_wav(std::io::Cursor::new(bytes))
            .map_err(|error| fault(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::{Body, Bytes};
    use axum::http::StatusCode;
    use axum::routing::post;

    use super::*;

    /// A WAV of 100 samples at 24 kHz.
    fn good() -> Vec<u8> {
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: 24_000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut bytes = std::io::Cursor::new(Vec::new());
        let mut writer = hound::WavWriter::new(&mut bytes, spec).expect("is written");
        (0..100).for_each(|n| writer.write_sample(n as i16).expect("is written"));
        writer.finalize().expect("is written");
        bytes.into_inner()
    }

    fn server() -> std::net::SocketAddr {
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
                tell.send(listener.local_addr().expect("is bound")).expect("is awaited");
                let endless = || async {
                    let piece = || Ok::<_, std::io::Error>(Bytes::from(vec![0u8; 1 << 16]));
                    Body::from_stream(futures_util::stream::repeat_with(piece))
                };
                let app = Router::new()
                    .route("/good", post(|| async { good() }))
                    .route("/cut", post(|| async { good()[..150].to_vec() }))
                    .route("/text", post(|| async { "no sound" }))
                    .route("/broken", post(|| async { StatusCode::INTERNAL_SERVER_ERROR }))
                    .route("/endless", post(endless))
                    .route("/hangs", post(|| tokio::time::sleep(Duration::from_secs(30))));
                axum::serve(listener, app).await.expect("serves");
            });
        });
        told.recv().expect("is bound")
    }

    #[test]
    fn a_speech_server_may_fail_in_every_way() {
        let server = server();
        let speak = |path: &str, ms: u64| {
            HttpVoice::within(&format!("http://{server}/{path}"), Duration::from_millis(ms))
                .and_then(|mut voice| voice.synthesize("Hello.", &Language::english(), 1.0))
                .map_err(|error| error.to_string())
        };
        let pcm = speak("good", 20_000).expect("is spoken");
        assert_eq!((pcm.rate_hz, pcm.samples.len()), (24_000, 100));
        for (path, ms, expect) in [
            ("cut", 20_000, "no whole WAV"),
            ("text", 20_000, "no whole WAV"),
            ("broken", 20_000, "answers 500"),
            ("endless", 20_000, "sends more than"),
            ("hangs", 300, "does not reply"),
        ] {
            let error = speak(path, ms).expect_err("fails");
            assert!(error.contains(expect), "{path}: {error}");
        }
    }
}
