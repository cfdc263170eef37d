//! Any speech server on the premises, asked as OpenAI's `/v1/audio/speech` is.

use std::time::Duration;

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
        let fault = |error: String| SynthesisError::Server(error);
        let client = reqwest::Client::builder()
            .timeout(REPLY_MAX)
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
        let request = self.client.post(&self.url).json(&body).send();
        let bytes = self.runtime.block_on(async {
            let reply = request.await.map_err(|error| fault(error.to_string()))?;
            if !reply.status().is_success() {
                return Err(fault(format!("answers {}", reply.status())));
            }
            reply.bytes().await.map_err(|error| fault(error.to_string()))
        })?;
        if bytes.len() > SOUND_BYTES_MAX {
            return Err(fault(format!("sends {} bytes", bytes.len())));
        }
        super::cache::read_wav(std::io::Cursor::new(bytes)).map_err(fault)
    }
}
