//! How long a listener waits, and for what.

use crate::base::language::Language;
use crate::base::limits::{HOLD_ON_AFTER_MS, PRE_ROLL_MS, UTTERANCE_MS_MAX};
use crate::base::listen::ListenMode;
use crate::understanding::heard::Standing;
use crate::understanding::{Tables, Understander};

use super::Listening;
use super::turn::SecondVoice;

/// Whether what was heard so far can stand as a whole turn. Judged by the understanding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// It fixes an intent with all it needs, an answer, or all the digits.
    Complete,
    /// It says nothing that we know; more may come.
    Open,
    /// It stops in the middle: "I want to, um", "my number is four two".
    Unfinished,
}

/// The understanding's judgement on a text, asked whenever a text is there.
pub trait CompletenessJudge: Send + Sync {
    fn judge(&self, text: &str, listening: &Listening) -> Completeness;

    /// What a text in `language` is worth; by the shipped tables where nobody says otherwise.
    fn standing(&self, text: &str, language: &Language) -> Standing {
        Understander::new(Tables::embedded_rules()).standing(text, language)
    }

    /// What the recogniser is given as the text before a turn in `language`; empty for none.
    fn text_before(&self, _language: &Language) -> &str {
        ""
    }

    /// Whether a text in `language`, said into a prompt, only means "I am listening".
    fn is_backchannel(&self, text: &str, language: &Language) -> bool {
        Understander::new(Tables::embedded_rules()).is_backchannel(text, language)
    }
}

impl<F> CompletenessJudge for F
where
    F: Fn(&str, &Listening) -> Completeness + Send + Sync,
{
    fn judge(&self, text: &str, listening: &Listening) -> Completeness {
        self(text, listening)
    }
}

/// Settings of a listener. All times in milliseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct ListenerSettings {
    /// Sound kept from before the voice was found.
    pub pre_roll_ms: u64,
    /// Voice of a short answer at most: where its text is not believed it is decoded once more,
    /// with more context. None while a prompt plays.
    pub closer_voiced_ms_max: u64,
    /// Only with so much voice the recogniser is given the text before a turn: of less it makes
    /// words that nobody said (one of babble in an hour, at 800 ms).
    pub text_before_voiced_ms_min: u64,
    /// Less voice than this is a click.
    pub voice_ms_min: u64,
    /// Voice that makes a speaker certain while no prompt plays.
    pub began_ms: u64,
    /// Voice over a prompt at which the prompt is ducked, until it is known what it is.
    pub suspect_ms: u64,
    /// So long after its begin a suspected voice that nothing confirmed is dismissed.
    pub suspect_ms_max: u64,
    /// Voice that interrupts a prompt without a look at its words; coughs and "uh-huh" are
    /// shorter.
    pub barge_in_ms: u64,
    /// Voice that does so when it has been there, with gaps, for `barge_in_span_ms`.
    pub barge_in_gapped_ms: u64,
    pub barge_in_span_ms: u64,
    /// A voice over a prompt that goes on so long is looked at: without words it is noise, and
    /// the prompt goes on.
    pub look_after_ms: u64,
    /// It is looked at so often after the second look: words may follow.
    pub look_every_ms: u64,
    /// Sound kept of what was noise so far: a word may have begun in it.
    pub noise_kept_ms: u64,
    /// After so many voices without words over prompts, each within `noise_about_ms` of the one
    /// before, there is noise about: only words interrupt then, a voice alone does not.
    pub noise_voices_max: u32,
    pub noise_about_ms: u64,
    /// While a prompt plays and nobody tells what it is, a voice is at least this loud, dBFS.
    pub barge_in_level_min_dbfs: f32,
    /// Silence after which a decode starts on the chance that the turn is over.
    pub speculate_after_ms: u64,
    /// Voice after silence that counts as going on, not as a click in the line.
    pub resume_ms: u64,
    /// Silence that ends a turn whose text is complete, open, unfinished.
    pub end_complete_ms: u64,
    pub end_open_ms: u64,
    pub end_unfinished_ms: u64,
    /// Whether somebody can tell by the sound if an open text was its speaker's last word (see
    /// `end_of_turn`), after how much silence they are asked, and the silence that ends the turn
    /// if it was or was not. Without an answer `end_open_ms` holds.
    pub second_voice: bool,
    pub second_voice_after_ms: u64,
    pub end_finished_ms: u64,
    pub end_going_on_ms: u64,
    /// The same while digits are spoken: all of them are there, or more may come. Between groups
    /// people pause up to 2 s; to the ear it is longer, by the faint begins and ends of words.
    pub digits_complete_ms: u64,
    pub digits_gap_ms: u64,
    /// The same while a caller waits for a person: a clause is no sentence, and nobody waits for
    /// its end.
    pub waiting_open_ms: u64,
    pub waiting_unfinished_ms: u64,
    /// Silence after which a decode starts while a caller waits: breaths are shorter.
    pub waiting_speculate_after_ms: u64,
    /// Silence that ends an utterance of a bridged conversation.
    pub conversation_end_ms: u64,
    /// Longest utterance; longer speech is cut here and goes on as the next.
    pub utterance_ms_max: u64,
    /// The same while the recognisers have too much to do.
    pub utterance_ms_max_pressed: u64,
    /// So long after their last voice a caller whose text is not there is told that we are there.
    pub late_after_ms: u64,
    /// A caller waits no longer than this for a text, from their last voice on; then speech counts
    /// as unavailable. They have been asked for a moment by then, and lose nothing by it; who is
    /// given up has to say it again.
    pub decode_wait_ms_max: u64,
    /// The same for bridge speech, for which nobody waits.
    pub conversation_wait_ms_max: u64,
    /// The text so far is asked for so often while somebody speaks; 0 for never.
    pub partial_every_ms: u64,
}

impl Default for ListenerSettings {
    fn default() -> Self {
        Self {
            pre_roll_ms: PRE_ROLL_MS,
            closer_voiced_ms_max: 400,
            text_before_voiced_ms_min: 1_500,
            voice_ms_min: 60,
            began_ms: 300,
            suspect_ms: 60,
            suspect_ms_max: 700,
            barge_in_ms: 500,
            barge_in_gapped_ms: 340,
            barge_in_span_ms: 640,
            look_after_ms: 1_000,
            look_every_ms: 2_000,
            noise_kept_ms: 1_500,
            noise_voices_max: 2,
            noise_about_ms: 20_000,
            barge_in_level_min_dbfs: -45.0,
            speculate_after_ms: 80,
            resume_ms: 60,
            end_complete_ms: 200,
            end_open_ms: 700,
            end_unfinished_ms: 1_500,
            second_voice: false,
            second_voice_after_ms: 200,
            end_finished_ms: 600,
            end_going_on_ms: 1_300,
            digits_complete_ms: 400,
            digits_gap_ms: 2_500,
            waiting_open_ms: 700,
            waiting_unfinished_ms: 1_200,
            waiting_speculate_after_ms: 160,
            conversation_end_ms: 700,
            utterance_ms_max: UTTERANCE_MS_MAX,
            utterance_ms_max_pressed: 8_000,
            late_after_ms: HOLD_ON_AFTER_MS,
            decode_wait_ms_max: 6_000,
            conversation_wait_ms_max: 60_000,
            partial_every_ms: 1_000,
        }
    }
}

impl ListenerSettings {
    /// Whether so much voice, in so long a time since it began, interrupts a prompt.
    pub fn interrupts(&self, voiced_ms: u64, span_ms: u64) -> bool {
        voiced_ms >= self.barge_in_ms
            || (span_ms >= self.barge_in_span_ms && voiced_ms >= self.barge_in_gapped_ms)
    }

    /// How long after the begin of a voice over a prompt, or after the last of `looks`, it is
    /// looked at.
    pub fn look_every(&self, looks: u32) -> u64 {
        if looks < 2 { self.look_after_ms } else { self.look_every_ms }
    }

    /// Silence that ends a turn with such a text in `mode`, and what a second voice says of it.
    pub fn wait_heard_ms(
        &self,
        mode: ListenMode,
        completeness: Completeness,
        second: SecondVoice,
    ) -> u64 {
        match (mode, completeness, second) {
            (ListenMode::Turn, Completeness::Open, SecondVoice::Says { finished: true }) => {
                self.end_finished_ms
            }
            (ListenMode::Turn, Completeness::Open, SecondVoice::Says { finished: false }) => {
                self.end_going_on_ms
            }
            _ => self.wait_ms(mode, completeness),
        }
    }

    /// Silence that ends a turn with such a text in `mode`.
    pub fn wait_ms(&self, mode: ListenMode, completeness: Completeness) -> u64 {
        match (mode, completeness) {
            (ListenMode::Digits, Completeness::Complete) => self.digits_complete_ms,
            (ListenMode::Digits, Completeness::Open | Completeness::Unfinished) => {
                self.digits_gap_ms
            }
            (
                ListenMode::Turn | ListenMode::Waiting | ListenMode::KeysOnly,
                Completeness::Complete,
            ) => self.end_complete_ms,
            (ListenMode::Waiting, Completeness::Open) => self.waiting_open_ms,
            (ListenMode::Waiting, Completeness::Unfinished) => self.waiting_unfinished_ms,
            (ListenMode::Turn | ListenMode::KeysOnly, Completeness::Open) => self.end_open_ms,
            (ListenMode::Turn | ListenMode::KeysOnly, Completeness::Unfinished) => {
                self.end_unfinished_ms
            }
            (ListenMode::Conversation, _) => self.conversation_end_ms,
        }
    }

    /// Silence after which no text could keep the turn open any longer.
    pub fn wait_ms_max(&self, mode: ListenMode) -> u64 {
        let all = [Completeness::Complete, Completeness::Open, Completeness::Unfinished];
        all.map(|completeness| self.wait_ms(mode, completeness)).into_iter().max().unwrap_or(0)
    }

    /// Silence before a speculative decode of a turn of `turn_ms`: a long turn is dear to decode
    /// and rarely over at its first pause.
    pub fn speculate_after(&self, mode: ListenMode, turn_ms: u64) -> u64 {
        let shortest_ms = match mode {
            ListenMode::Waiting => self.waiting_speculate_after_ms,
            ListenMode::Turn
            | ListenMode::Digits
            | ListenMode::Conversation
            | ListenMode::KeysOnly => self.speculate_after_ms,
        };
        shortest_ms + (turn_ms.saturating_sub(6_000) / 50).min(200)
    }

    /// Silence after which a speculative decode counts as the final one: somebody waits for it.
    pub fn final_after(&self, mode: ListenMode) -> u64 {
        match mode {
            ListenMode::Waiting => self.waiting_open_ms,
            ListenMode::Turn
            | ListenMode::Digits
            | ListenMode::Conversation
            | ListenMode::KeysOnly => self.end_complete_ms,
        }
    }
}
