//! What is played to one leg: a queue of clips and streams of clips, one frame a tick.
//! In: plays. Out: the frame of this tick, and the end of each play, exactly once.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};

use crate::base::audio::FRAME_MS;
use crate::base::ids::PlayId;

use super::clip::Clip;
use super::limits::{PLAYS_MAX, STREAM_CHUNKS_MAX};

/// How a play ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    pub play: PlayId,
    pub played_ms: u64,
    pub complete: bool,
}

/// The writer of a play stream: the voice pushes sentence after sentence as it renders them.
/// Dropped without [`StreamSender::finish`], the play ends as incomplete.
#[derive(Debug)]
pub struct StreamSender {
    chunks: SyncSender<Chunk>,
}

/// The player's end of a stream.
#[derive(Debug)]
pub struct PlayStream {
    chunks: Receiver<Chunk>,
}

#[derive(Debug)]
enum Chunk {
    Sound(Arc<Clip>),
    Finished,
}

/// Why a chunk was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamClosed {
    /// The play was stopped or its leg is gone: render no more.
    Stopped,
    /// 64 chunks wait: the reader does not keep up.
    Full,
}

/// A stream of sound that is still being rendered.
pub fn play_stream() -> (StreamSender, PlayStream) {
    let (sender, receiver) = sync_channel(STREAM_CHUNKS_MAX);
    (StreamSender { chunks: sender }, PlayStream { chunks: receiver })
}

impl StreamSender {
    /// Appends a sentence. Call [`Clip::prepare`] first where the codec is known.
    ///
    /// # Errors
    /// [`StreamClosed`] if the play was stopped, or far too much waits.
    pub fn push(&self, clip: Arc<Clip>) -> Result<(), StreamClosed> {
        self.send(Chunk::Sound(clip))
    }

    /// Nothing follows: the play is complete when what was pushed has been heard.
    ///
    /// # Errors
    /// [`StreamClosed`] if the play was stopped.
    pub fn finish(self) -> Result<(), StreamClosed> {
        self.send(Chunk::Finished)
    }

    fn send(&self, chunk: Chunk) -> Result<(), StreamClosed> {
        self.chunks.try_send(chunk).map_err(|error| match error {
            TrySendError::Full(_) => StreamClosed::Full,
            TrySendError::Disconnected(_) => StreamClosed::Stopped,
        })
    }
}

/// What is to be played.
#[derive(Debug)]
pub enum Sound {
    Clip(Arc<Clip>),
    Stream(PlayStream),
}

#[derive(Debug)]
struct Play {
    id: PlayId,
    stream: Option<PlayStream>,
    clip: Option<Arc<Clip>>,
    index: usize,
    played_ms: u64,
}

/// One leg's player.
#[derive(Debug, Default)]
pub struct Player {
    queue: VecDeque<Play>,
    /// The frame after the last one of a stopped clip: it is faded out, so that nothing clicks.
    fading: Option<(Arc<Clip>, usize)>,
    /// Silent, and everything stays where it is.
    paused: bool,
    /// The next frame goes on after a pause: it comes in softly.
    rising: bool,
    ended: VecDeque<Ended>,
}

/// How a frame begins or ends in the middle of a clip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    None,
    /// The clip goes on after a pause: this frame comes in softly.
    In,
    /// The clip was stopped or paused: only the fading beginning of this frame is to be heard.
    Out,
}

/// The frame of this tick.
#[derive(Debug)]
pub struct Playing<'a> {
    pub clip: &'a Clip,
    pub index: usize,
    pub edge: Edge,
}

impl Player {
    /// Queues a play; with 64 waiting it ends at once, unplayed.
    pub fn push(&mut self, id: PlayId, sound: Sound) {
        if self.queue.len() >= PLAYS_MAX {
            self.ended.push_back(Ended { play: id, played_ms: 0, complete: false });
            return;
        }
        let (clip, stream) = match sound {
            Sound::Clip(clip) => (Some(clip), None),
            Sound::Stream(stream) => (None, Some(stream)),
        };
        self.queue.push_back(Play { id, stream, clip, index: 0, played_ms: 0 });
    }

    /// Ends everything that plays or waits.
    pub fn stop(&mut self) {
        self.fade_out();
        (self.paused, self.rising) = (false, false);
        for play in self.queue.drain(..) {
            let ended = Ended { play: play.id, played_ms: play.played_ms, complete: false };
            self.ended.push_back(ended);
        }
    }

    /// Silent from the next frame on, everything kept where it is; or on from there.
    pub fn set_paused(&mut self, paused: bool) {
        if paused {
            self.fade_out();
        } else if self.paused {
            self.fading = None;
            self.rising = true;
        }
        self.paused = paused;
    }

    /// The clip that is being heard ends softly.
    fn fade_out(&mut self) {
        if let Some(Play { clip: Some(clip), index, played_ms: 1.., .. }) = self.queue.front()
            && !self.paused
        {
            self.fading = Some((clip.clone(), *index));
        }
    }

    /// Whether anything plays or waits.
    pub fn is_busy(&self) -> bool {
        !self.queue.is_empty() || self.fading.is_some()
    }

    /// What to play in this tick; `None` if nothing (or the stream's next sentence is not ready).
    pub fn frame(&mut self) -> Option<Playing<'_>> {
        if self.fading.is_some() {
            let (clip, index) = self.fading.as_ref()?;
            return Some(Playing { clip, index: *index, edge: Edge::Out });
        }
        if self.paused {
            return None;
        }
        self.settle();
        let play = self.queue.front()?;
        let clip = play.clip.as_deref()?;
        let edge = if self.rising { Edge::In } else { Edge::None };
        Some(Playing { clip, index: play.index, edge })
    }

    /// The frame of this tick was sent.
    pub fn advance(&mut self) {
        if self.fading.take().is_some() || self.paused {
            return;
        }
        self.rising = false;
        if let Some(play) = self.queue.front_mut()
            && play.clip.is_some()
        {
            play.index += 1;
            play.played_ms += FRAME_MS;
        }
        self.settle();
    }

    /// The next play that ended.
    pub fn poll_ended(&mut self) -> Option<Ended> {
        self.ended.pop_front()
    }

    /// Ends plays that are over and fetches the next sentence of a stream.
    fn settle(&mut self) {
        while let Some(play) = self.queue.front_mut() {
            if play.clip.as_ref().is_some_and(|clip| play.index < clip.frames()) {
                return;
            }
            let complete = match next_chunk(play) {
                Next::Ready => continue,
                Next::Wait => return,
                Next::Over { complete } => complete,
            };
            let ended = Ended { play: play.id, played_ms: play.played_ms, complete };
            self.ended.push_back(ended);
            self.queue.pop_front();
        }
    }
}

enum Next {
    Ready,
    Wait,
    Over { complete: bool },
}

fn next_chunk(play: &mut Play) -> Next {
    let Some(stream) = &play.stream else { return Next::Over { complete: true } };
    play.clip = None;
    match stream.chunks.try_recv() {
        Ok(Chunk::Sound(clip)) => {
            play.clip = Some(clip);
            play.index = 0;
            Next::Ready
        }
        Ok(Chunk::Finished) => Next::Over { complete: true },
        Err(TryRecvError::Empty) => Next::Wait,
        Err(TryRecvError::Disconnected) => Next::Over { complete: false },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::audio::Pcm;

    fn clip(ms: u64) -> Sound {
        Sound::Clip(Clip::new(&Pcm::silence(8_000, ms)))
    }

    /// Runs `ticks` and says what was played in each: `.` nothing, `p` a frame, `f` one that fades
    /// out, `r` one that comes in.
    fn run(player: &mut Player, ticks: usize) -> String {
        let mut out = String::new();
        for _ in 0..ticks {
            let symbol = match player.frame() {
                None => '.',
                Some(Playing { edge: Edge::Out, .. }) => 'f',
                Some(Playing { edge: Edge::In, .. }) => 'r',
                Some(_) => 'p',
            };
            if symbol != '.' {
                player.advance();
            }
            out.push(symbol);
        }
        out
    }

    fn ends(player: &mut Player) -> Vec<(u32, u64, bool)> {
        std::iter::from_fn(|| player.poll_ended())
            .map(|ended| (ended.play.0, ended.played_ms, ended.complete))
            .collect()
    }

    #[test]
    fn one_after_the_other_without_a_gap() {
        let mut player = Player::default();
        player.push(PlayId(1), clip(40));
        player.push(PlayId(2), clip(30));
        player.push(PlayId(3), clip(0));
        assert_eq!(run(&mut player, 5), "pppp.");
        assert_eq!(ends(&mut player), [(1, 40, true), (2, 40, true), (3, 0, true)]);
    }

    #[test]
    fn stopping_takes_a_frame_and_ends_all() {
        let mut player = Player::default();
        player.push(PlayId(1), clip(400));
        player.push(PlayId(2), clip(400));
        assert_eq!(run(&mut player, 3), "ppp");
        player.stop();
        assert_eq!(run(&mut player, 3), "f..");
        assert_eq!(ends(&mut player), [(1, 60, false), (2, 0, false)]);
        player.stop();
        assert!(ends(&mut player).is_empty() && !player.is_busy());
    }

    #[test]
    fn a_paused_clip_goes_on_where_it_was() {
        let mut player = Player::default();
        player.push(PlayId(1), clip(120));
        assert_eq!(run(&mut player, 2), "pp");
        player.set_paused(true);
        player.set_paused(true);
        assert_eq!(run(&mut player, 5), "f....");
        assert!(player.is_busy() && ends(&mut player).is_empty());
        player.set_paused(false);
        assert_eq!(run(&mut player, 5), "rppp.");
        assert_eq!(ends(&mut player), [(1, 120, true)], "nothing was lost, nothing said twice");
    }

    #[test]
    fn a_paused_clip_can_be_stopped_and_the_next_one_plays() {
        let mut player = Player::default();
        player.push(PlayId(1), clip(400));
        assert_eq!(run(&mut player, 2), "pp");
        player.set_paused(true);
        assert_eq!(run(&mut player, 3), "f..");
        player.stop();
        player.push(PlayId(2), clip(40));
        assert_eq!(run(&mut player, 3), "pp.");
        assert_eq!(ends(&mut player), [(1, 40, false), (2, 40, true)]);
    }

    #[test]
    fn a_pause_before_the_first_frame_holds_the_play_back() {
        let mut player = Player::default();
        player.set_paused(true);
        player.push(PlayId(1), clip(40));
        assert_eq!(run(&mut player, 3), "...");
        player.set_paused(false);
        assert_eq!(run(&mut player, 3), "rp.");
    }

    #[test]
    fn a_stream_waits_for_its_sentences() {
        let mut player = Player::default();
        let (sender, stream) = play_stream();
        player.push(PlayId(1), Sound::Stream(stream));
        player.push(PlayId(2), clip(20));
        assert_eq!(run(&mut player, 2), "..");
        sender.push(Clip::new(&Pcm::silence(8_000, 40))).unwrap();
        assert_eq!(run(&mut player, 3), "pp.");
        sender.push(Clip::new(&Pcm::silence(8_000, 20))).unwrap();
        sender.finish().unwrap();
        assert_eq!(run(&mut player, 3), "pp.");
        assert_eq!(ends(&mut player), [(1, 60, true), (2, 20, true)]);
    }

    #[test]
    fn a_voice_that_fails_ends_its_play_as_incomplete() {
        let mut player = Player::default();
        let (sender, stream) = play_stream();
        player.push(PlayId(1), Sound::Stream(stream));
        drop(sender);
        assert_eq!(run(&mut player, 1), ".");
        assert_eq!(ends(&mut player), [(1, 0, false)]);
        let (sender, stream) = play_stream();
        player.push(PlayId(2), Sound::Stream(stream));
        player.stop();
        let refused = sender.push(Clip::new(&Pcm::silence(8_000, 40)));
        assert_eq!(refused, Err(StreamClosed::Stopped));
    }

    #[test]
    fn too_many_plays_are_refused_and_told() {
        let mut player = Player::default();
        for index in 0..=PLAYS_MAX as u32 {
            player.push(PlayId(index), clip(20));
        }
        assert_eq!(ends(&mut player), [(PLAYS_MAX as u32, 0, false)]);
    }
}
