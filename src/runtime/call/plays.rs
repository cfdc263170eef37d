//! Says things: rendered once, encoded once, streamed sentence by sentence, and known afterwards
//! for what was really heard.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;

use crate::base::ids::{LegId, PlayId};
use crate::base::limits::HOLD_ON_AFTER_MS;
use crate::base::moment::Moment;
use crate::base::spoken::{Heard, Spoken};
use crate::media::{Clip, StreamSender, play_stream};
use crate::policy::HOLD_ON;
use crate::runtime::clips::SpokenClip;
use crate::runtime::shared::{Inbound, locked};
use crate::speech::voice::Piece;
use crate::speech::voice::studio::Pieces;

use super::CallTask;

/// A sentence may be in the making for so long before the caller is asked for a moment, however
/// late its turn comes.
const RENDERING_MAX: Duration = Duration::from_millis(1_200);

/// One thing that is being said.
pub struct Playing {
    leg: LegId,
    /// Sentences with their length, as they were handed over.
    parts: Arc<Mutex<Vec<(String, u64)>>>,
    /// Nothing more of it is heard; its end is on its way.
    stopped: bool,
}

impl CallTask {
    pub(super) fn play(&mut self, leg: LegId, play: PlayId, what: Spoken) {
        let Some(open) = self.legs.get(&leg) else {
            let _ = self.inbox.try_send(Inbound::PlayFailed(play));
            return;
        };
        let (sender, stream) = play_stream();
        let parts: Arc<Mutex<Vec<(String, u64)>>> = Arc::default();
        let silent = !self.plays.values().any(|other| other.leg == leg && !other.stopped);
        self.plays.insert(play, Playing { leg, parts: parts.clone(), stopped: false });
        open.media.play_stream(play, stream);
        self.shared.ears.set_prompt((self.id.clone(), leg), true);
        let codec = open.media.codec();
        let fills = what.prompt.as_deref() == Some(HOLD_ON);
        if fills && leg == LegId::CALLER {
            self.shared.metrics.held_on.increment();
        }
        let ready = self.shared.clips.get(&what);
        let said_at = (leg == LegId::CALLER).then(|| self.awaiting_sound.take()).flatten();
        if let Some(clips) = ready {
            for spoken in clips {
                if let Some(codec) = codec {
                    spoken.clip.prepare(codec);
                }
                locked(&parts).push((spoken.text.clone(), spoken.clip.duration_ms()));
                let _ = sender.push(spoken.clip);
            }
            let _ = sender.finish();
            if let Some(ended) = said_at {
                let ms = self.now().since(ended).as_millis() as u64;
                self.shared.metrics.first_audio.observe_ms(ms);
            }
            return;
        }
        // Whoever hears something before it does not wait.
        let filler = match silent && !fills && leg == LegId::CALLER {
            true => self.shared.clips.get(&self.tables.policy.hold_on(&what.language)),
            false => None,
        };
        let job = Rendering {
            shared: self.shared.clone(),
            inbox: self.inbox.clone(),
            play,
            filler: filler.map(|clips| Filler { at: self.fill_at(said_at), clips }),
            began: self.began,
            said_at: said_at.map(|moment| moment.0),
        };
        tokio::spawn(job.run(what, sender, parts));
    }

    /// When a caller has waited long enough for something that is not rendered yet.
    fn fill_at(&self, words_ended: Option<Moment>) -> Instant {
        let soonest = Instant::now() + RENDERING_MAX;
        let silent_since = words_ended.unwrap_or_else(|| self.now());
        let due = self.began + Duration::from_millis(silent_since.0 + HOLD_ON_AFTER_MS);
        soonest.max(Instant::from_std(due))
    }

    pub(super) fn stop_playing(&mut self, leg: LegId) {
        if let Some(open) = self.legs.get(&leg) {
            open.media.stop_playing();
        }
        for playing in self.plays.values_mut().filter(|playing| playing.leg == leg) {
            playing.stopped = true;
        }
    }

    pub(super) fn forget_play(&mut self, play: PlayId) {
        self.plays.remove(&play);
    }

    /// What was heard of a play that ended; `None` for one that is not known.
    pub(super) fn play_ended(
        &mut self,
        leg: LegId,
        play: PlayId,
        played_ms: u64,
        complete: bool,
    ) -> Option<Heard> {
        let playing = self.plays.remove(&play)?;
        if !self.plays.values().any(|other| other.leg == leg) {
            self.shared.ears.set_prompt((self.id.clone(), leg), false);
        }
        let text = heard_text(&locked(&playing.parts), played_ms, complete);
        Some(Heard { complete, played_ms, text })
    }
}

/// What a caller hears when a sentence is long in the making, and when.
struct Filler {
    at: Instant,
    clips: Vec<SpokenClip>,
}

/// The next sentence; `Err` with what is to be heard first, once, if the first one is late.
async fn next_piece(
    pieces: &mut Pieces,
    filler: &mut Option<Filler>,
) -> Result<Option<Result<Piece, String>>, Vec<SpokenClip>> {
    let Some(Filler { at, .. }) = filler else { return Ok(pieces.recv().await) };
    match tokio::time::timeout_at(*at, pieces.recv()).await {
        Ok(piece) => {
            *filler = None;
            Ok(piece)
        }
        Err(_) => Err(filler.take().map(|filler| filler.clips).unwrap_or_default()),
    }
}

struct Rendering {
    shared: Arc<crate::runtime::shared::Shared>,
    inbox: crate::runtime::shared::Inbox,
    play: PlayId,
    filler: Option<Filler>,
    began: std::time::Instant,
    said_at: Option<u64>,
}

impl Rendering {
    async fn run(
        mut self,
        what: Spoken,
        sender: StreamSender,
        parts: Arc<Mutex<Vec<(String, u64)>>>,
    ) {
        let kept = what.fixed.then(|| what.clone());
        let wished = std::time::Instant::now();
        let mut pieces = self.shared.studio.render(what);
        let mut clips = Vec::new();
        let mut whole = true;
        loop {
            let piece = match next_piece(&mut pieces, &mut self.filler).await {
                Ok(Some(piece)) => piece,
                Ok(None) => break,
                Err(filler) => {
                    self.shared.metrics.held_on.increment();
                    for SpokenClip { clip, text } in filler {
                        locked(&parts).push((text, clip.duration_ms()));
                        if sender.push(clip).is_err() {
                            return;
                        }
                    }
                    continue;
                }
            };
            let Ok(piece) = piece.inspect_err(|error| tracing::error!(%error, "cannot speak"))
            else {
                whole = false;
                break;
            };
            if clips.is_empty() {
                let waited = wished.elapsed().as_millis() as u64;
                self.shared.metrics.first_sentence.observe_ms(waited);
            }
            let clip = Clip::new(&piece.pcm);
            locked(&parts).push((piece.text.clone(), clip.duration_ms()));
            if sender.push(clip.clone()).is_err() {
                return;
            }
            if clips.is_empty()
                && let Some(ended) = self.said_at
            {
                let now = self.began.elapsed().as_millis() as u64;
                self.shared.metrics.first_audio.observe_ms(now.saturating_sub(ended));
            }
            clips.push(SpokenClip { clip, text: piece.text });
        }
        if clips.is_empty() && !whole {
            // Before the stream is dropped: its end as "incomplete" then finds no play.
            let _ = self.inbox.send(Inbound::PlayFailed(self.play)).await;
            return;
        }
        let _ = sender.finish();
        if let Some(what) = kept.filter(|_| whole) {
            self.shared.clips.keep(&what, clips);
        }
    }
}

/// The words of the parts up to `played_ms`, cut at the word that was playing.
fn heard_text(parts: &[(String, u64)], played_ms: u64, complete: bool) -> String {
    let mut left = played_ms;
    let mut heard = Vec::new();
    for (text, length) in parts {
        if complete || left >= *length {
            heard.push(text.clone());
            left = left.saturating_sub(*length);
            continue;
        }
        let words: Vec<&str> = text.split_whitespace().collect();
        let count = words.len() as u64 * left / (*length).max(1);
        if count > 0 {
            heard.push(words.iter().take(count as usize).copied().collect::<Vec<_>>().join(" "));
        }
        break;
    }
    heard.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::audio::Pcm;

    /// A sentence that is long in the making is preceded by what fills the wait, once.
    #[tokio::test]
    async fn a_late_sentence_is_preceded_by_a_word_that_we_are_there() {
        let piece = |text: &str| {
            let pcm = Pcm::new(16_000, vec![0; 16]);
            Ok::<_, String>(Piece { pcm, text: text.to_owned(), marks: Vec::new() })
        };
        let filler = |after_ms| {
            let clip = Clip::new(&Pcm::new(16_000, vec![0; 16]));
            let clips = vec![SpokenClip { clip, text: "One moment, please.".to_owned() }];
            Some(Filler { at: Instant::now() + Duration::from_millis(after_ms), clips })
        };
        let (out, mut pieces) = tokio::sync::mpsc::unbounded_channel();
        let mut late = filler(0);
        let first = next_piece(&mut pieces, &mut late).await.expect_err("late");
        assert_eq!(first.first().map(|clip| clip.text.as_str()), Some("One moment, please."));
        for text in ["One.", "Two."] {
            let _ = out.send(piece(text));
            let next = next_piece(&mut pieces, &mut late).await.ok().flatten();
            assert_eq!(next.expect("a piece").expect("rendered").text, text);
        }
        // One in time needs none, however long the second takes.
        let mut early = filler(60_000);
        let _ = out.send(piece("One."));
        assert!(next_piece(&mut pieces, &mut early).await.is_ok());
        assert!(early.is_none());
    }

    #[test]
    fn a_transcript_shows_what_was_really_heard() {
        let parts = [("One two three four.".to_owned(), 1_000), ("Five six.".to_owned(), 500)];
        for (played, complete, heard) in [
            (1_500, true, "One two three four. Five six."),
            (0, false, ""),
            (500, false, "One two"),
            (1_250, false, "One two three four. Five"),
        ] {
            assert_eq!(heard_text(&parts, played, complete), heard, "{played} ms");
        }
    }
}
