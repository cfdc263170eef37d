//! What a caller hears while a sentence is long in the making: "one moment, please", whenever it
//! has been silent for too long. A play that waits behind another one is not silent; its time
//! begins when that one has ended.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};

use crate::base::limits::HOLD_ON_AFTER_MS;
use crate::runtime::clips::SpokenClip;
use crate::speech::voice::Piece;
use crate::speech::voice::studio::Pieces;

/// Silence that a caller is not left in.
const SILENCE_MAX: Duration = Duration::from_millis(HOLD_ON_AFTER_MS);

/// From when a play is the one that its leg hears.
pub(super) enum Turn {
    /// At once; what fills the wait for its first sentence is due then.
    Now(Instant),
    /// When the plays before it have ended, which is told, or none of it any more, by a drop.
    Later(oneshot::Receiver<()>),
}

/// Watches how long a play leaves its leg in silence.
pub(super) struct Filler {
    clips: Vec<SpokenClip>,
    silence_max: Duration,
    state: State,
}

enum State {
    /// Others sound; so much of this play waits behind them.
    Waits { turn: oneshot::Receiver<()>, sound: Duration },
    /// Silent for too long from this moment on, if nothing comes.
    Due(Instant),
    /// The play is over; nothing more is due.
    Over,
}

impl Filler {
    pub(super) fn new(clips: Vec<SpokenClip>, turn: Turn) -> Self {
        let state = match turn {
            Turn::Now(due) => State::Due(due),
            Turn::Later(turn) => State::Waits { turn, sound: Duration::ZERO },
        };
        Self { clips, silence_max: SILENCE_MAX, state }
    }

    /// So much was handed over to be heard.
    pub(super) fn handed_over(&mut self, ms: u64) {
        let more = Duration::from_millis(ms);
        match &mut self.state {
            State::Waits { sound, .. } => *sound += more,
            State::Due(due) => *due = (*due).max(Instant::now() + self.silence_max) + more,
            State::Over => {}
        }
    }

    /// Resolves once nothing has been heard for too long.
    async fn silent(&mut self) -> Vec<SpokenClip> {
        if let State::Waits { turn, sound } = &mut self.state {
            self.state = match turn.await {
                Ok(()) => State::Due(Instant::now() + *sound + self.silence_max),
                Err(_) => State::Over,
            };
        }
        match self.state {
            State::Due(due) => sleep_until(due).await,
            State::Waits { .. } | State::Over => std::future::pending().await,
        }
        self.clips.clone()
    }
}

/// The next sentence; `Err` with what is to be heard before it if it is late.
pub(super) async fn next_piece(
    pieces: &mut Pieces,
    filler: &mut Option<Filler>,
) -> Result<Option<Result<Piece, String>>, Vec<SpokenClip>> {
    let Some(filler) = filler else { return Ok(pieces.recv().await) };
    tokio::select! {
        biased;
        piece = pieces.recv() => Ok(piece),
        clips = filler.silent() => Err(clips),
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;
    use crate::base::audio::Pcm;
    use crate::media::Clip;

    const PATIENCE: Duration = Duration::from_millis(40);

    fn filler(turn: Turn) -> Option<Filler> {
        let clip = Clip::new(&Pcm::new(16_000, vec![0; 16]));
        let clips = vec![SpokenClip { clip, text: "One moment, please.".to_owned() }];
        Some(Filler { silence_max: PATIENCE, ..Filler::new(clips, turn) })
    }

    fn piece(text: &str) -> Result<Piece, String> {
        let pcm = Pcm::new(16_000, vec![0; 16]);
        Ok(Piece { pcm, text: text.to_owned(), marks: Vec::new() })
    }

    /// What comes next: the text of a sentence, or of what fills the wait.
    async fn next(pieces: &mut Pieces, filler: &mut Option<Filler>) -> String {
        match next_piece(pieces, filler).await {
            Ok(piece) => piece.expect("not the end").expect("rendered").text,
            Err(clips) => clips.into_iter().map(|clip| clip.text).collect(),
        }
    }

    const MOMENT: &str = "One moment, please.";

    #[tokio::test]
    async fn a_late_sentence_is_preceded_by_a_word_that_we_are_there() {
        let (out, mut pieces) = mpsc::unbounded_channel();
        let mut late = filler(Turn::Now(Instant::now()));
        assert_eq!(next(&mut pieces, &mut late).await, MOMENT);
        for text in ["One.", "Two."] {
            let _ = out.send(piece(text));
            assert_eq!(next(&mut pieces, &mut late).await, text);
        }
        // One in time needs none.
        let mut early = filler(Turn::Now(Instant::now() + Duration::from_secs(60)));
        let _ = out.send(piece("One."));
        assert_eq!(next(&mut pieces, &mut early).await, "One.");
    }

    /// The wait is counted from the end of what was heard, be it a sentence or what filled a wait.
    #[tokio::test]
    async fn a_late_second_sentence_is_preceded_by_it_too() {
        let (out, mut pieces) = mpsc::unbounded_channel();
        let mut late = filler(Turn::Now(Instant::now()));
        let _ = out.send(piece("One."));
        assert_eq!(next(&mut pieces, &mut late).await, "One.");
        let heard = Instant::now();
        late.as_mut().expect("a filler").handed_over(100);
        for silences in 1..=2 {
            assert_eq!(next(&mut pieces, &mut late).await, MOMENT);
            assert!(heard.elapsed() >= Duration::from_millis(100) + silences * PATIENCE);
            late.as_mut().expect("a filler").handed_over(0);
        }
        let _ = out.send(piece("Two."));
        assert_eq!(next(&mut pieces, &mut late).await, "Two.");
    }

    #[tokio::test]
    async fn behind_another_sentence_the_wait_begins_with_its_end() {
        let (out, mut pieces) = mpsc::unbounded_channel();
        let (ended, turn) = oneshot::channel();
        let mut late = filler(Turn::Later(turn));
        let waited = tokio::time::timeout(3 * PATIENCE, next(&mut pieces, &mut late)).await;
        assert!(waited.is_err(), "another sentence sounds");
        let _ = out.send(piece("One."));
        assert_eq!(next(&mut pieces, &mut late).await, "One.");
        late.as_mut().expect("a filler").handed_over(100);
        let (heard, _) = (Instant::now(), ended.send(()));
        assert_eq!(next(&mut pieces, &mut late).await, MOMENT);
        assert!(heard.elapsed() >= Duration::from_millis(100) + PATIENCE);

        // Of a play that is over before its turn nothing is waited for.
        let (ended, turn) = oneshot::channel();
        let mut over = filler(Turn::Later(turn));
        drop(ended);
        let waited = tokio::time::timeout(3 * PATIENCE, next(&mut pieces, &mut over)).await;
        assert!(waited.is_err());
    }
}
