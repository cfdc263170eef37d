//! From a decode's tokens to words with times, without what nobody said.
//!
//! In: tokens with their probabilities. Out: a [`Transcript`]; and the judgement whether a text
//! is worth believing, given how much voice there was.

use crate::base::limits::UTTERANCE_CHARS_MAX;
use crate::understanding::heard::Standing;

use super::end_guard::{TIMESTAMP_STEP_MS, TokenMap};
use super::transcript::{TimedWord, Transcript};

/// One token of a decode.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Token {
    pub id: i32,
    pub probability: f32,
    /// The likeliest timestamp at this place, its share among timestamps, and their sum.
    pub time_id: i32,
    pub time_probability: f32,
    pub time_mass: f32,
    /// A piece of UTF-8, maybe not whole; a new word begins with a space.
    pub bytes: Vec<u8>,
}

/// Below these a timestamp beside a text token says nothing (whisper.cpp's own thresholds).
const TIME_PROBABILITY_MIN: f32 = 0.01;
const TIME_MASS_MIN: f32 = 0.01;

/// Takes the last `count` text tokens away, and all that stands behind the first of them.
pub fn drop_last_text(tokens: &mut Vec<Token>, map: TokenMap, count: usize) {
    let mut left = count;
    while left > 0 {
        match tokens.pop() {
            Some(token) if map.is_text(token.id) => left -= 1,
            Some(_) => {}
            None => return,
        }
    }
}

/// Words of `tokens`, in a turn of `turn_ms`. Tags in brackets are no words.
pub fn transcript(tokens: &[Token], map: TokenMap, turn_ms: u64) -> Transcript {
    let words = drop_tags(group(tokens, map, turn_ms));
    let text_tokens: Vec<f32> = tokens
        .iter()
        .filter(|token| map.is_text(token.id))
        .map(|token| token.probability)
        .collect();
    let mut text = String::new();
    for word in &words {
        text.push_str(&word.text);
    }
    let text: String = text.trim().chars().take(UTTERANCE_CHARS_MAX).collect();
    if text.is_empty() {
        return Transcript::default();
    }
    let count = text_tokens.len().max(1) as f32;
    Transcript {
        text,
        words: words
            .into_iter()
            .map(|word| TimedWord { text: word.text.trim().to_owned(), ..word })
            .filter(|word| !word.text.is_empty())
            .collect(),
        confidence: text_tokens.iter().sum::<f32>() / count,
        mean_logprob: text_tokens.iter().map(|p| p.max(1e-6).ln()).sum::<f32>() / count,
        ..Transcript::default()
    }
}

/// A word in the making.
struct Piece {
    bytes: Vec<u8>,
    /// A time at its beginning that the model is sure of.
    anchor_ms: Option<u64>,
    probability_sum: f32,
    tokens: usize,
}

/// Joins tokens to words (each with its leading space) and gives them times.
fn group(tokens: &[Token], map: TokenMap, turn_ms: u64) -> Vec<TimedWord> {
    let mut pieces: Vec<Piece> = Vec::new();
    let (mut next_anchor, mut closing) = (None, None);
    for token in tokens {
        if let Some(ms) = map.time_ms(token.id) {
            next_anchor = Some(ms);
            closing = Some(ms);
            continue;
        }
        if !map.is_text(token.id) {
            continue;
        }
        closing = None;
        let begins = token.bytes.first() == Some(&b' ') || next_anchor.is_some();
        match pieces.last_mut() {
            Some(piece) if !begins && !stands_alone(&piece.bytes) => piece.add(token),
            _ => {
                let mut piece = Piece {
                    bytes: Vec::new(),
                    anchor_ms: next_anchor.take().or_else(|| likely_time(token, map)),
                    probability_sum: 0.0,
                    tokens: 0,
                };
                piece.add(token);
                pieces.push(piece);
            }
        }
    }
    place(pieces, closing.unwrap_or(turn_ms).min(turn_ms))
}

impl Piece {
    fn add(&mut self, token: &Token) {
        self.bytes.extend_from_slice(&token.bytes);
        self.probability_sum += token.probability;
        self.tokens += 1;
    }
}

/// A whole character of a script without spaces (Chinese, Japanese) is a word of its own.
fn stands_alone(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes)
        .ok()
        .and_then(|text| text.chars().last())
        .is_some_and(|last| ('\u{3040}'..='\u{9fff}').contains(&last))
}

fn likely_time(token: &Token, map: TokenMap) -> Option<u64> {
    let sure = token.time_probability > TIME_PROBABILITY_MIN && token.time_mass > TIME_MASS_MIN;
    if sure { map.time_ms(token.time_id) } else { None }
}

/// Spreads the words between their anchors by their length in letters; times never fall.
fn place(pieces: Vec<Piece>, end_ms: u64) -> Vec<TimedWord> {
    let mut starts: Vec<Option<u64>> = Vec::with_capacity(pieces.len());
    let mut latest = 0;
    for (index, piece) in pieces.iter().enumerate() {
        let anchor = piece.anchor_ms.filter(|ms| *ms >= latest && *ms < end_ms);
        let anchor = if index == 0 { anchor.or(Some(0)) } else { anchor };
        latest = anchor.unwrap_or(latest);
        starts.push(anchor);
    }
    let mut times = vec![0_u64; pieces.len() + 1];
    if let Some(last) = times.last_mut() {
        *last = end_ms;
    }
    let mut from = 0;
    while from < pieces.len() {
        let to = (from + 1..pieces.len())
            .find(|index| starts.get(*index).copied().flatten().is_some())
            .unwrap_or(pieces.len());
        let begin = starts.get(from).copied().flatten().unwrap_or(0).min(end_ms);
        let finish = starts.get(to).copied().flatten().unwrap_or(end_ms).max(begin);
        let letters: u64 = pieces[from..to].iter().map(|piece| piece.bytes.len() as u64).sum();
        let mut passed = 0;
        for index in from..to {
            times[index] = begin + (finish - begin) * passed / letters.max(1);
            passed += pieces[index].bytes.len() as u64;
        }
        from = to;
    }
    pieces
        .iter()
        .zip(times.windows(2))
        .map(|(piece, span)| TimedWord {
            text: String::from_utf8_lossy(&piece.bytes).into_owned(),
            began_ms: span.first().copied().unwrap_or(0) / TIMESTAMP_STEP_MS * TIMESTAMP_STEP_MS,
            ended_ms: span.last().copied().unwrap_or(end_ms),
            confidence: piece.probability_sum / piece.tokens.max(1) as f32,
        })
        .collect()
}

/// Leaves out what stands in brackets, between asterisks or notes: "[Music]", "(wind blowing)",
/// "*laughs*", "♪ la la ♪". A tag that never closes reaches to the end.
fn drop_tags(words: Vec<TimedWord>) -> Vec<TimedWord> {
    let mut depth = 0_u32;
    let (mut starred, mut sung) = (false, false);
    let mut kept = Vec::with_capacity(words.len());
    for mut word in words {
        let mut text = String::with_capacity(word.text.len());
        for symbol in word.text.chars() {
            match symbol {
                '[' | '(' | '{' | '（' | '【' => depth += 1,
                ']' | ')' | '}' | '）' | '】' => depth = depth.saturating_sub(1),
                '*' => starred = !starred,
                '♪' | '♫' | '♬' => sung = !sung,
                _ if depth == 0 && !starred && !sung => text.push(symbol),
                _ => {}
            }
        }
        if text.chars().any(char::is_alphanumeric) {
            word.text = text;
            kept.push(word);
        } else if let Some(before) = kept.last_mut()
            && depth == 0
        {
            // Punctuation on its own stays with the word before.
            before.text.push_str(text.trim());
        }
    }
    kept
}

/// What was measured on the sound of a turn, for the judgement on its text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evidence {
    /// Time with a voice, and from its begin to its end.
    pub voiced_ms: u64,
    pub span_ms: u64,
    /// It began while a prompt played: a murmur is likelier than an answer.
    pub over_prompt: bool,
    /// Mean level of the voice, where it is known.
    pub level_dbfs: Option<f32>,
}

/// Voice and confidence that such a text needs, where it needs more than others.
fn needed(standing: Standing, over_prompt: bool) -> Option<(u64, f32)> {
    match standing {
        Standing::ShortAnswer if !over_prompt => {
            Some((SHORT_ANSWER_VOICED_MS_MIN, SHORT_ANSWER_CONFIDENCE_MIN))
        }
        Standing::ShortAnswer | Standing::Doubtful => {
            Some((DOUBTFUL_VOICED_MS_MIN, DOUBTFUL_CONFIDENCE_MIN))
        }
        Standing::Usual | Standing::Invented => None,
    }
}

/// A doubtful text needs so much voice, or tokens that are this sure.
const DOUBTFUL_VOICED_MS_MIN: u64 = 160;
const DOUBTFUL_CONFIDENCE_MIN: f32 = 0.45;
/// To a prompt that has ended so little is enough of a short answer, for the recogniser shares
/// its belief between "yeah", "yep" and "yes".
const SHORT_ANSWER_VOICED_MS_MIN: u64 = 100;
const SHORT_ANSWER_CONFIDENCE_MIN: f32 = 0.35;
/// A voice as faint as the babble of a room needs tokens that are this sure; a quiet caller is
/// louder.
const FAINT_DBFS: f32 = -40.0;
const FAINT_CONFIDENCE_MIN: f32 = 0.55;
/// Under this mean logarithm of probability a text is a guess.
const MEAN_LOGPROB_MIN: f32 = -1.3;
/// Where the engine is surer than this that nobody spoke, its text must be better than a guess.
const NO_SPEECH_MAX: f32 = 0.7;
const NO_SPEECH_LOGPROB_MIN: f32 = -0.7;
/// Letters that can be said in a second (fast speech has about 20), and some for free.
const LETTERS_PER_S_MAX: u64 = 40;
const LETTERS_FREE: u64 = 12;

/// Whether the words of `transcript` were said, as far as can be told; `standing` is what its
/// language's tables say of the text.
pub fn credible(transcript: &Transcript, standing: Standing, evidence: Evidence) -> bool {
    let text = &transcript.text;
    let letters = text.chars().filter(|symbol| symbol.is_alphanumeric()).count() as u64;
    if letters == 0 || standing == Standing::Invented {
        return false;
    }
    let doubtful = needed(standing, evidence.over_prompt).is_some_and(|(voiced_ms, confidence)| {
        evidence.voiced_ms < voiced_ms || transcript.confidence < confidence
    });
    let silent = transcript.no_speech.is_some_and(|p| p > NO_SPEECH_MAX)
        && transcript.mean_logprob < NO_SPEECH_LOGPROB_MIN;
    let too_fast = letters > LETTERS_FREE + evidence.span_ms * LETTERS_PER_S_MAX / 1_000;
    let faint = evidence.level_dbfs.is_some_and(|level| level < FAINT_DBFS);
    let babble = faint && transcript.confidence < FAINT_CONFIDENCE_MIN;
    !doubtful && !silent && !too_fast && !babble && transcript.mean_logprob >= MEAN_LOGPROB_MIN
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::language::Language;

    const MAP: TokenMap = TokenMap { end_of_text: 1_000, first_timestamp: 1_100 };

    fn word(bytes: &str) -> Token {
        Token { id: 7, probability: 0.9, bytes: bytes.as_bytes().to_vec(), ..Token::default() }
    }

    fn time(ms: i32) -> Token {
        Token { id: MAP.first_timestamp + ms / 20, ..Token::default() }
    }

    /// The text of `tokens` in a turn of 3 s.
    fn check(tokens: &[Token], expect: &str) {
        assert_eq!(transcript(tokens, MAP, 3_000).text, expect);
    }

    #[test]
    fn tokens_become_words_and_words_text() {
        check(
            &[
                time(0),
                word(" Where"),
                word(" is"),
                word(" my"),
                word(" par"),
                word("cel"),
                word("?"),
                time(2_000),
            ],
            "Where is my parcel?",
        );
        check(&[], "");
        check(&[time(0), time(0)], "");
    }

    #[test]
    fn what_stands_in_brackets_is_no_word() {
        check(&[word(" ["), word("Music"), word("]")], "");
        check(&[word(" (wind"), word(" blowing"), word(")"), word(" Yes.")], "Yes.");
        check(&[word(" *"), word("laughs"), word("*"), word(" No")], "No");
        check(&[word(" ♪"), word(" la"), word(" la"), word(" ♪")], "");
        check(&[word(" Yes"), word(" [inaudible")], "Yes");
        check(&[word(" ..."), word(" -")], "");
    }

    #[test]
    fn times_lie_between_their_anchors_and_never_fall() {
        let tokens = [
            time(400),
            word(" one"),
            word(" two"),
            time(1_200),
            time(1_600),
            word(" three"),
            time(2_400),
        ];
        let words = transcript(&tokens, MAP, 3_000).words;
        let spans: Vec<(u64, u64)> = words.iter().map(|w| (w.began_ms, w.ended_ms)).collect();
        assert_eq!(spans, [(400, 1_000), (1_000, 1_600), (1_600, 2_400)]);
    }

    #[test]
    fn times_beyond_the_turn_are_not_believed() {
        let words = transcript(&[time(9_000), word(" hello"), time(29_000)], MAP, 3_000).words;
        assert!(words.iter().all(|word| word.ended_ms <= 3_000), "{words:?}");
    }

    #[test]
    fn a_repeated_tail_goes_with_the_times_in_it() {
        let mut tokens = vec![word(" a"), word(" b"), time(100), word(" a"), time(200)];
        drop_last_text(&mut tokens, MAP, 1);
        check(&tokens, "a b");
        drop_last_text(&mut tokens, MAP, 9);
        assert!(tokens.is_empty());
    }

    #[test]
    fn chinese_characters_are_words_even_when_tokens_split_them() {
        let [first, rest] = [&"广".as_bytes()[..2], &"广".as_bytes()[2..]];
        let piece = |bytes: &[u8]| Token { id: 7, bytes: bytes.to_vec(), ..Token::default() };
        let words = transcript(&[piece(first), piece(rest), word("州")], MAP, 1_000).words;
        let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
        assert_eq!(texts, ["广", "州"]);
    }

    fn believed(text: &str, confidence: f32, voiced_ms: u64) -> bool {
        let transcript = Transcript {
            text: text.to_owned(),
            confidence,
            mean_logprob: confidence.ln(),
            ..Transcript::default()
        };
        let span_ms = voiced_ms;
        let evidence = Evidence { voiced_ms, span_ms, over_prompt: false, level_dbfs: None };
        credible(&transcript, standing(text), evidence)
    }

    fn standing(text: &str) -> Standing {
        let tables = crate::understanding::Tables::embedded_rules();
        crate::understanding::Understander::new(tables).standing(text, &Language::english())
    }

    #[test]
    fn invented_phrases_are_not_believed() {
        assert!(!believed("Thank you for watching!", 0.95, 1_200));
        assert!(!believed("you", 0.9, 60));
        assert!(!believed("Thank you.", 0.3, 500));
        assert!(!believed("...", 0.9, 500));
        assert!(!believed("Something very unlikely", 0.2, 1_500));
        assert!(!believed("A whole long sentence out of a click in the line", 0.9, 100));
    }

    /// One of an hour of babble was heard as words, 0.47 sure.
    #[test]
    fn a_faint_voice_must_be_sure() {
        let believed = |confidence: f32, level_dbfs| {
            let text = "Where is my order?".to_owned();
            let mean_logprob = confidence.ln();
            let transcript = Transcript { text, confidence, mean_logprob, ..Transcript::default() };
            let evidence =
                Evidence { voiced_ms: 1_200, span_ms: 1_200, over_prompt: false, level_dbfs };
            credible(&transcript, Standing::Usual, evidence)
        };
        assert!(!believed(0.5, Some(-41.0)));
        assert!(believed(0.6, Some(-41.0)) && believed(0.5, Some(-39.0)) && believed(0.5, None));
    }

    #[test]
    fn a_short_yeah_is_an_answer_and_over_a_prompt_a_murmur() {
        assert!(believed("Yeah.", 0.4, 120));
        assert!(!believed("Yeah.", 0.3, 300));
        let transcript = Transcript {
            text: "Yeah.".to_owned(),
            confidence: 0.4,
            mean_logprob: -0.9,
            ..Transcript::default()
        };
        let murmur = Evidence { voiced_ms: 300, span_ms: 300, over_prompt: true, level_dbfs: None };
        assert!(!credible(&transcript, standing("Yeah."), murmur));
    }

    #[test]
    fn real_answers_are_believed() {
        assert!(believed("Thank you.", 0.8, 500));
        assert!(believed("No.", 0.5, 120));
        assert!(believed("Where is my order?", 0.7, 1_000));
    }
}
