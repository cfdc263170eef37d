//! Whisper through whisper.cpp: a model loaded once, and a transcriber for each worker thread.
//!
//! In: a turn of mono sound at 16 kHz. Out: its [`Transcript`]. The audio context is cut to the
//! turn, which makes a decode about eight times cheaper than the plain one, and the end guard
//! keeps the model from repeating itself for want of a visible end. One thread, greedy, no
//! temperature fallback, flash attention off (with it on, a context that is no multiple of 256
//! lets stale values leak in).

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use whisper_rs::{
    FullParams, SamplingStrategy, WhisperContext, WhisperContextParameters, WhisperState,
};

use crate::base::audio::SPEECH_RATE_HZ;
use crate::base::language::Language;

use super::end_guard::{EndGuard, TokenMap};
use super::grammar::DigitGrammar;
use super::guard_ffi::{self, Limits};
use super::model_file::{self, ModelError, ModelHeader};
use super::transcript::{Hint, StopFlag, TextEnd, TranscribeError, Transcriber, Transcript};
use super::words::{self, Token};

/// Whisper hears 30 s; a second of it is the margin after the turn.
const TURN_MS_MAX: u64 = 28_000;
/// whisper.cpp writes nothing for less than 100 ms.
const TURN_MS_MIN: u64 = 120;
/// More threads than this help no single decode.
const THREADS_MAX: u8 = 8;
/// One position of the encoder.
const POSITION_MS: u64 = 20;

/// How much of whisper's 30 s window is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Context {
    /// The turn and a margin after it, at least so many positions of 20 ms, with the end guard.
    Cut { margin_ms: u64, positions_min: u64 },
    /// All of it, without the guard: whisper.cpp's plain decode, for comparison.
    Full,
}

impl Context {
    /// As measured best for sentences: turn + 1 s, never under 256 positions (5 s).
    pub const SENTENCES: Context = Context::Cut { margin_ms: 1_000, positions_min: 256 };
    /// For spoken digits and a closer look at a short answer: turn + 2 s, never under 384 (a digit
    /// alone suffers most).
    pub const DIGITS: Context = Context::Cut { margin_ms: 2_000, positions_min: 384 };

    /// Positions to compute for a turn; 0 means all.
    fn positions(self, turn_ms: u64, positions_max: u64) -> u64 {
        match self {
            Context::Full => 0,
            Context::Cut { margin_ms, positions_min } => {
                (turn_ms + margin_ms).div_ceil(POSITION_MS).max(positions_min).min(positions_max)
            }
        }
    }
}

/// Settings of a transcriber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WhisperSettings {
    pub sentences: Context,
    pub digits: Context,
    /// Threads of one decode, 1 to 8. More than one only where cores are idle: on a busy machine
    /// they spin for each other.
    pub threads: u8,
    /// Beams of the search, 1 is greedy.
    pub beams: u8,
    /// Where digits are expected nothing but numbers is written.
    pub digit_grammar: bool,
}

impl WhisperSettings {
    /// What the benchmark `whisper` found best.
    pub const MEASURED: WhisperSettings = WhisperSettings {
        sentences: Context::SENTENCES,
        digits: Context::DIGITS,
        threads: 1,
        beams: 1,
        digit_grammar: false,
    };
    /// The plain full-context decode, for the benchmark's other column.
    pub const PLAIN: WhisperSettings =
        WhisperSettings { sentences: Context::Full, digits: Context::Full, ..Self::MEASURED };
}

impl Default for WhisperSettings {
    fn default() -> Self {
        Self::MEASURED
    }
}

/// A loaded model, shared by all its transcribers.
#[derive(Clone, Debug)]
pub struct WhisperModel {
    context: Arc<WhisperContext>,
    header: ModelHeader,
}

impl WhisperModel {
    /// Checks the file and loads it (0.1 s for base).
    pub fn load(path: &Path) -> Result<Self, ModelError> {
        Self::load_with(path, false)
    }

    /// The same with flash attention, which is right only for contexts that are a multiple of
    /// 256 and slower on the processors tried.
    pub fn load_with(path: &Path, flash_attention: bool) -> Result<Self, ModelError> {
        // Sends whisper.cpp's own chatter nowhere; what matters comes back as errors.
        whisper_rs::install_logging_hooks();
        let header = model_file::check(path)?;
        let mut parameters = WhisperContextParameters::default();
        parameters.use_gpu(false).flash_attn(flash_attention);
        let refused = |why: String| ModelError::Refused { path: path.to_owned(), why };
        let context = WhisperContext::new_with_params(path, parameters)
            .map_err(|error| refused(error.to_string()))?;
        if header.text_layers == 2 {
            // whisper.cpp then writes no timestamps, which the end guard needs.
            return Err(refused("distilled models give no timestamps".to_owned()));
        }
        Ok(Self { context: Arc::new(context), header })
    }

    pub fn header(&self) -> &ModelHeader {
        &self.header
    }

    /// Knows other languages than English.
    pub fn is_multilingual(&self) -> bool {
        self.header.multilingual
    }

    /// A transcriber with its own working memory (about 60 MB for base).
    pub fn transcriber(&self, settings: WhisperSettings) -> Result<Whisper, TranscribeError> {
        let state = self.context.create_state().map_err(engine)?;
        let grammar = settings.digit_grammar.then(|| self.digit_grammar());
        Ok(Whisper { model: self.clone(), state, settings, grammar, samples: Vec::new() })
    }

    fn digit_grammar(&self) -> DigitGrammar {
        let text_tokens = 0..self.context.token_eot();
        DigitGrammar::of(text_tokens.map(|id| self.context.token_to_bytes(id).unwrap_or_default()))
    }
}

/// One worker's recogniser.
#[derive(Debug)]
pub struct Whisper {
    model: WhisperModel,
    state: WhisperState,
    settings: WhisperSettings,
    grammar: Option<DigitGrammar>,
    /// The turn in the form that whisper wants, kept to save allocations.
    samples: Vec<f32>,
}

impl Transcriber for Whisper {
    fn transcribe(
        &mut self,
        pcm_16k: &[i16],
        hint: &Hint,
        stop: &StopFlag,
    ) -> Result<Transcript, TranscribeError> {
        let started = Instant::now();
        let turn_ms = pcm_16k.len() as u64 * 1_000 / u64::from(SPEECH_RATE_HZ);
        if turn_ms > TURN_MS_MAX {
            return Err(TranscribeError::TooLong { ms_max: TURN_MS_MAX });
        }
        if stop.is_stopped() {
            return Err(TranscribeError::Stopped);
        }
        if turn_ms < TURN_MS_MIN {
            return Ok(Transcript { language: hint.language.clone(), ..Transcript::default() });
        }
        let language = self.language(&hint.language)?;
        let context = if hint.is_close() { self.settings.digits } else { self.settings.sentences };
        let guard = match context {
            Context::Cut { .. } => Some(EndGuard::new(self.token_map(), turn_ms, hint.digits)),
            Context::Full => None,
        };
        let params = self.parameters(&language, context, turn_ms, hint);
        self.samples.clear();
        self.samples.extend(pcm_16k.iter().map(|sample| f32::from(*sample) / 32_768.0));
        let end = guard_ffi::decode(
            &mut self.state,
            params,
            &self.samples,
            Limits {
                guard: guard.as_ref(),
                grammar: self.grammar.as_ref().filter(|_| hint.digits),
                end_of_text: self.model.context.token_eot(),
            },
            stop,
        );
        let end = match end {
            Ok(end) => end,
            Err(_) if stop.is_stopped() => return Err(TranscribeError::Stopped),
            Err(error) => return Err(engine(error)),
        };
        let mut transcript = self.read(guard.as_ref(), end, turn_ms);
        transcript.language = language;
        transcript.no_speech = self.no_speech(hint);
        transcript.engine_ms = started.elapsed().as_millis() as u64;
        Ok(transcript)
    }
}

impl Whisper {
    /// The language to decode in: an English-only model knows no other.
    fn language(&self, wanted: &Language) -> Result<Language, TranscribeError> {
        if !self.model.is_multilingual() {
            return Ok(Language::english());
        }
        match whisper_rs::get_lang_id(wanted.code()) {
            Some(_) => Ok(wanted.clone()),
            None => Err(TranscribeError::UnknownLanguage(wanted.code().to_owned())),
        }
    }

    fn token_map(&self) -> TokenMap {
        TokenMap {
            end_of_text: self.model.context.token_eot(),
            first_timestamp: self.model.context.token_beg(),
        }
    }

    fn parameters<'a>(
        &self,
        language: &'a Language,
        context: Context,
        turn_ms: u64,
        hint: &Hint,
    ) -> FullParams<'a, 'static> {
        let mut params = FullParams::new(match self.settings.beams {
            0 | 1 => SamplingStrategy::Greedy { best_of: 1 },
            beams => SamplingStrategy::BeamSearch { beam_size: i32::from(beams), patience: -1.0 },
        });
        let positions = context.positions(turn_ms, u64::from(self.model.header.audio_positions));
        params.set_audio_ctx(i32::try_from(positions).unwrap_or(0));
        params.set_n_threads(i32::from(self.threads(hint)));
        params.set_language(Some(language.code()));
        params.set_no_context(true);
        params.set_single_segment(true);
        params.set_no_timestamps(false);
        params.set_temperature(0.0);
        params.set_temperature_inc(0.0);
        // whisper.cpp reads this probability from a row of logits that it has not computed
        // (see `no_speech`): never let it drop a text for it.
        params.set_no_speech_thold(2.0);
        params.set_print_progress(false);
        params.set_print_realtime(false);
        params.set_print_timestamps(false);
        params.set_print_special(false);
        if let Some(prompt) = hint.prompt.as_deref().filter(|text| !text.contains('\0')) {
            params.set_initial_prompt(prompt);
        }
        params
    }

    /// With beams whisper.cpp would filter their logits on several threads at once, which the end
    /// guard must not see (`guard_ffi`): one thread then.
    fn threads(&self, hint: &Hint) -> u8 {
        let wanted = self.settings.threads.max(if hint.two_cores { 2 } else { 1 });
        if self.settings.beams > 1 { 1 } else { wanted.min(THREADS_MAX) }
    }

    /// Takes the tokens out of whisper's state, cuts a repeated tail and makes words of them.
    fn read(&self, guard: Option<&EndGuard>, end: TextEnd, turn_ms: u64) -> Transcript {
        let mut tokens = Vec::new();
        for segment in self.state.as_iter() {
            for index in 0..segment.n_tokens() {
                let Some(token) = segment.get_token(index) else { continue };
                let numbers = token.token_data();
                tokens.push(Token {
                    id: numbers.id,
                    probability: numbers.p.clamp(0.0, 1.0),
                    time_id: numbers.tid,
                    time_probability: numbers.pt,
                    time_mass: numbers.ptsum,
                    bytes: token.to_bytes().unwrap_or_default().to_vec(),
                });
            }
        }
        let count = tokens.len();
        let map = self.token_map();
        if let (Some(guard), TextEnd::Repetition) = (guard, end) {
            let ids: Vec<i32> = tokens.iter().map(|token| token.id).collect();
            words::drop_last_text(&mut tokens, map, guard.repeated_tail(&ids));
        }
        let mut transcript = words::transcript(&tokens, map, turn_ms);
        transcript.end = end;
        transcript.tokens = count;
        transcript
    }

    /// whisper.cpp computes the probability of "no speech" on the first row of the prompt's
    /// logits but asks the model only for the last: it is right only where the prompt is a
    /// single token, that is for English-only models without an initial prompt.
    fn no_speech(&self, hint: &Hint) -> Option<f32> {
        if self.model.is_multilingual() || hint.prompt.is_some() {
            return None;
        }
        self.state.get_segment(0).map(|segment| segment.no_speech_probability())
    }
}

fn engine(error: whisper_rs::WhisperError) -> TranscribeError {
    TranscribeError::Engine(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_context_follows_the_turn_between_its_bounds() {
        assert_eq!(Context::SENTENCES.positions(400, 1_500), 256);
        assert_eq!(Context::SENTENCES.positions(4_120, 1_500), 256);
        assert_eq!(Context::SENTENCES.positions(6_000, 1_500), 350);
        assert_eq!(Context::SENTENCES.positions(29_900, 1_500), 1_500);
        assert_eq!(Context::DIGITS.positions(8_000, 1_500), 500);
        assert_eq!(Context::DIGITS.positions(500, 1_500), 384);
        assert_eq!(Context::Full.positions(3_000, 1_500), 0);
    }
}
