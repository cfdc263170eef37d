//! Says things: rendered once, encoded once, streamed sentence by sentence, and known afterwards
//! for what was really heard.

use std::sync::{Arc, Mutex};

use crate::base::ids::{LegId, PlayId};
use crate::base::spoken::{Heard, Spoken};
use crate::media::{Clip, StreamSender, play_stream};
use crate::runtime::shared::{CLIPS_MAX, Inbound, SpokenClip, locked};

use super::CallTask;

/// One thing that is being said.
pub struct Playing {
    leg: LegId,
    /// Sentences with their length, as they were handed over.
    parts: Arc<Mutex<Vec<(String, u64)>>>,
}

impl CallTask {
    pub(super) fn play(&mut self, leg: LegId, play: PlayId, what: Spoken) {
        let Some(open) = self.legs.get(&leg) else {
            let _ = self.inbox.try_send(Inbound::PlayFailed(play));
            return;
        };
        let (sender, stream) = play_stream();
        let parts: Arc<Mutex<Vec<(String, u64)>>> = Arc::default();
        self.plays.insert(play, Playing { leg, parts: parts.clone() });
        open.media.play_stream(play, stream);
        self.shared.ears.set_prompt((self.id.clone(), leg), true);
        let codec = open.media.codec();
        let key = format!("{}\0{}\0{}", what.language, what.slow, what.text);
        let ready = locked(&self.shared.clips).get(&key).cloned();
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
        let job = Rendering {
            shared: self.shared.clone(),
            inbox: self.inbox.clone(),
            play,
            key,
            began: self.began,
            said_at: said_at.map(|moment| moment.0),
        };
        tokio::spawn(job.run(what, sender, parts));
    }

    pub(super) fn stop_playing(&mut self, leg: LegId) {
        if let Some(open) = self.legs.get(&leg) {
            open.media.stop_playing();
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

struct Rendering {
    shared: Arc<crate::runtime::shared::Shared>,
    inbox: crate::runtime::shared::Inbox,
    play: PlayId,
    key: String,
    began: std::time::Instant,
    said_at: Option<u64>,
}

impl Rendering {
    async fn run(self, what: Spoken, sender: StreamSender, parts: Arc<Mutex<Vec<(String, u64)>>>) {
        let fixed = what.fixed;
        let wished = std::time::Instant::now();
        let mut pieces = self.shared.studio.render(what);
        let mut clips = Vec::new();
        let mut whole = true;
        while let Some(piece) = pieces.recv().await {
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
        if fixed && whole {
            let mut known = locked(&self.shared.clips);
            if known.len() >= CLIPS_MAX {
                known.clear();
            }
            known.insert(self.key, clips);
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
    use super::heard_text;

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
