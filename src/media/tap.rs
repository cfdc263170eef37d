//! Taps: the frames of a leg on their way from the pacing thread to whoever listens (speech
//! threads). The pacing thread never waits for a reader: a full tap drops its oldest frame and
//! counts it, a tap that is being read keeps the frame for the next tick.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};
use std::thread::Thread;
use std::time::Duration;

use crate::base::moment::Moment;

use super::limits::{FRAME_SAMPLES_MAX, TAP_FRAMES_MAX};

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameKind {
    /// Sound as it came, or as it was played.
    Sound,
    /// Made up by loss concealment.
    Concealed,
    /// Nothing came or was played (or comfort noise): the samples are silence.
    Silent,
}

/// 20 ms of a leg's sound.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    /// When the frame began, on the call's clock. Frames of one tap follow each other without a
    /// gap unless the reader was too slow.
    pub at: Moment,
    /// 8,000 or 16,000; may change with a new media plan.
    pub rate_hz: u32,
    pub kind: FrameKind,
    samples: [i16; FRAME_SAMPLES_MAX],
    count: usize,
}

impl Frame {
    /// Samples beyond a frame's length are dropped.
    pub fn new(at: Moment, rate_hz: u32, kind: FrameKind, samples: &[i16]) -> Self {
        let mut frame = Self { at, rate_hz, kind, samples: [0; FRAME_SAMPLES_MAX], count: 0 };
        frame.count = samples.len().min(FRAME_SAMPLES_MAX);
        frame.samples[..frame.count].copy_from_slice(&samples[..frame.count]);
        frame
    }

    pub fn samples(&self) -> &[i16] {
        self.samples.get(..self.count).unwrap_or(&self.samples)
    }
}

#[derive(Debug, Default)]
struct Shared {
    frames: Mutex<VecDeque<Frame>>,
    dropped: AtomicU64,
    closed: AtomicBool,
}

/// The reader's end. Dropping it ends the tap.
#[derive(Debug)]
pub struct Tap {
    shared: Arc<Shared>,
}

/// The pacing thread's end.
#[derive(Debug)]
pub struct TapWriter {
    shared: Arc<Shared>,
    /// Frames that could not be handed over because the reader was reading.
    held: VecDeque<Frame>,
}

/// A new tap: both ends.
pub fn tap() -> (TapWriter, Tap) {
    let shared = Arc::new(Shared::default());
    (TapWriter { shared: shared.clone(), held: VecDeque::new() }, Tap { shared })
}

impl TapWriter {
    /// Whether somebody still listens.
    pub fn is_open(&self) -> bool {
        !self.shared.closed.load(Ordering::Relaxed)
    }

    pub fn push(&mut self, frame: Frame) {
        self.held.push_back(frame);
        let mut dropped = 0;
        match self.shared.frames.try_lock() {
            Ok(mut frames) => {
                frames.extend(self.held.drain(..));
                while frames.len() > TAP_FRAMES_MAX {
                    frames.pop_front();
                    dropped += 1;
                }
            }
            Err(TryLockError::WouldBlock) => {
                if self.held.len() > TAP_FRAMES_MAX {
                    self.held.pop_front();
                    dropped = 1;
                }
            }
            Err(TryLockError::Poisoned(_)) => self.shared.closed.store(true, Ordering::Relaxed),
        }
        if dropped > 0 {
            self.shared.dropped.fetch_add(dropped, Ordering::Relaxed);
        }
    }
}

impl Drop for TapWriter {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::Relaxed);
    }
}

impl Tap {
    /// Moves all waiting frames to the end of `into`; never blocks for long.
    pub fn drain(&self, into: &mut Vec<Frame>) {
        let mut frames = self.shared.frames.lock().unwrap_or_else(PoisonError::into_inner);
        into.extend(frames.drain(..));
    }

    /// Frames lost because nobody read them in time.
    pub fn dropped(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }

    /// Whether the leg is gone. What waits can still be drained.
    pub fn is_closed(&self) -> bool {
        self.shared.closed.load(Ordering::Relaxed)
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::Relaxed);
    }
}

/// Wakes the threads that read taps, once a tick in which a frame was pushed.
#[derive(Clone, Debug, Default)]
pub struct Bell {
    listeners: Arc<Mutex<Vec<Thread>>>,
}

impl Bell {
    /// Enrols the current thread for good.
    pub fn enrol(&self) {
        let mut listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.push(std::thread::current());
    }

    /// Sleeps until the bell rings or `longest` has passed. Only for enrolled threads; wakes now
    /// and then without cause.
    pub fn wait(&self, longest: Duration) {
        std::thread::park_timeout(longest);
    }

    pub(super) fn ring(&self) {
        if let Ok(listeners) = self.listeners.try_lock() {
            listeners.iter().for_each(Thread::unpark);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(ms: u64) -> Frame {
        Frame::new(Moment(ms), 8_000, FrameKind::Sound, &[1; 160])
    }

    #[test]
    fn a_slow_reader_loses_the_oldest_and_is_told() {
        let (mut writer, tap) = tap();
        for index in 0..TAP_FRAMES_MAX as u64 + 5 {
            writer.push(frame(index));
        }
        let mut frames = Vec::new();
        tap.drain(&mut frames);
        assert_eq!((frames.len(), frames[0].at, tap.dropped()), (TAP_FRAMES_MAX, Moment(5), 5));
    }

    #[test]
    fn the_writer_never_waits_for_the_reader() {
        let (mut writer, tap) = tap();
        {
            let _reading = tap.shared.frames.lock().unwrap();
            writer.push(frame(0));
        }
        let mut frames = Vec::new();
        tap.drain(&mut frames);
        assert!(frames.is_empty());
        writer.push(frame(20));
        tap.drain(&mut frames);
        assert_eq!(frames.len(), 2);
    }

    #[test]
    fn each_end_sees_the_other_go() {
        let (writer, reader) = tap();
        assert!(writer.is_open() && !reader.is_closed());
        drop(reader);
        assert!(!writer.is_open());
        let (writer, reader) = tap();
        drop(writer);
        assert!(reader.is_closed());
    }
}
