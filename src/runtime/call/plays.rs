//! Says things: rendered once, encoded once, streamed sentence by sentence, and known afterwards
//! for what was really heard.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::base::ids::{LegId, PlayId};
use crate::base::limits::HOLD_ON_AFTER_MS;
use crate::base::moment::Moment;
use crate::base::spoken::{Heard, Spoken};
use crate::media::{Clip, StreamSender, play_stream};
use crate::policy::fills_a_wait;
use crate::runtime::clips::SpokenClip;
use crate::runtime::shared::{Inbound, locked};

use super::CallTask;
use super::filler::{Filler, Turn, next_piece};

/// A sentence may be in the making for so long before the caller is asked for a moment, however
/// late its turn comes.
const RENDERING_MAX: Duration = Duration::from_millis(1_200);

/// Sentences with their length in milliseconds, as they were handed over.
type Parts = Arc<Mutex<Vec<(String, u64)>>>;

/// One thing that is being said.
pub struct Playing {
    leg: LegId,
    parts: Parts,
    /// Nothing more of it is heard; its end is on its way.
    stopped: bool,
    /// Tells what is still being rendered that the plays before it have ended.
    turn: Option<oneshot::Sender<()>>,
}

impl CallTask {
    pub(super) fn play(&mut self, leg: LegId, play: PlayId, what: Spoken) {
        let Some(open) = self.legs.get(&leg) else {
            let _ = self.inbox.try_send(Inbound::PlayFailed(play));
            return;
        };
        let (sender, stream) = play_stream();
        let parts = Parts::default();
        let silent = !self.plays.values().any(|other| other.leg == leg && !other.stopped);
        let playing = Playing { leg, parts: parts.clone(), stopped: false, turn: None };
        self.plays.insert(play, playing);
        open.media.play_stream(play, stream);
        self.shared.ears.set_prompt((self.id.clone(), leg), true);
        let codec = open.media.codec();
        let fills = fills_a_wait(&what);
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
        let filler = match !fills && leg == LegId::CALLER {
            true => self.shared.clips.get(&self.tables.policy.hold_on(&what.language)),
            false => None,
        };
        let filler = filler.map(|clips| Filler::new(clips, self.turn_of(play, silent, said_at)));
        let job = Rendering {
            shared: self.shared.clone(),
            inbox: self.inbox.clone(),
            play,
            filler,
            began: self.began,
            said_at: said_at.map(|moment| moment.0),
        };
        tokio::spawn(job.run(what, sender, parts));
    }

    /// Whoever hears something before a play does not wait for it yet.
    fn turn_of(&mut self, play: PlayId, silent: bool, words_ended: Option<Moment>) -> Turn {
        if silent {
            return Turn::Now(self.fill_at(words_ended));
        }
        let (told, turn) = oneshot::channel();
        if let Some(playing) = self.plays.get_mut(&play) {
            playing.turn = Some(told);
        }
        Turn::Later(turn)
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
        if let Some(playing) = self.plays.remove(&play) {
            self.next_turn(playing.leg);
        }
    }

    /// The play that the leg hears now learns it.
    fn next_turn(&mut self, leg: LegId) {
        let on_leg = self.plays.iter_mut().filter(|(_, other)| other.leg == leg && !other.stopped);
        let first = on_leg.min_by_key(|(play, _)| **play);
        if let Some(turn) = first.and_then(|(_, playing)| playing.turn.take()) {
            let _ = turn.send(());
        }
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
        self.next_turn(leg);
        if !self.plays.values().any(|other| other.leg == leg) {
            self.shared.ears.set_prompt((self.id.clone(), leg), false);
        }
        let text = heard_text(&locked(&playing.parts), played_ms, complete);
        Some(Heard { complete, played_ms, text })
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
    async fn run(mut self, what: Spoken, sender: StreamSender, parts: Parts) {
        let kept = what.fixed.then(|| what.clone());
        let wished = std::time::Instant::now();
        let mut pieces = self.shared.studio.render(what);
        let mut clips = Vec::new();
        let mut whole = true;
        loop {
            let piece = match next_piece(&mut pieces, &mut self.filler).await {
                Ok(Some(piece)) => piece,
                Ok(None) => break,
                Err(clips) => {
                    for SpokenClip { clip, text } in clips {
                        if !self.hand_over(&sender, &parts, clip, text) {
                            return;
                        }
                    }
                    self.shared.metrics.held_on.increment();
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
            if !self.hand_over(&sender, &parts, clip.clone(), piece.text.clone()) {
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

    /// `false` if nobody hears the play any more.
    fn hand_over(
        &mut self,
        sender: &StreamSender,
        parts: &Parts,
        clip: Arc<Clip>,
        text: String,
    ) -> bool {
        let ms = clip.duration_ms();
        locked(parts).push((text, ms));
        if let Some(filler) = &mut self.filler {
            filler.handed_over(ms);
        }
        sender.push(clip).is_ok()
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
