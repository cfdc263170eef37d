//! The bounded pool of recognisers: one thread each, at a lower priority than the media threads.
//!
//! In: decodes with a class and a deadline. Out: exactly one answer to each, by callback. The
//! queue says who comes first and who is shed; a watcher replaces a worker that hangs; a worker
//! that crashes answers its job and goes on with a new recogniser. A caller's decode that is alone
//! gets two cores, and another worker rests for as long.

mod figures;
mod pace;
mod queue;
#[cfg(test)]
mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use thread_priority::{ThreadPriority, ThreadPriorityValue, set_current_thread_priority};

use crate::base::audio::SPEECH_RATE_HZ;
use crate::base::limits::DECODE_QUEUE_MAX;

use super::order::{DecodeClass, DecodeFailure};
use super::transcript::{Hint, StopFlag, TranscribeError, Transcriber, Transcript};
use pace::{Pace, Work};
use queue::{DecodeQueue, Waiting};

pub use figures::{DECODE_MS_BOUNDS, Figures};

/// On Linux about nice +6: media threads at nice 0 always come first.
const PRIORITY: u8 = 33;
/// How often the watcher looks for workers that hang.
const WATCH_EVERY: Duration = Duration::from_millis(50);
/// Callers waiting for each worker at which the pool is pressed.
const PRESSED_PER_WORKER: usize = 2;
/// A recogniser that cannot be made is tried again after this.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Settings of the pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolSettings {
    /// Worker threads; one a core.
    pub workers: usize,
    /// Jobs that may wait.
    pub queue_max: usize,
    /// A decode that takes longer hangs: its worker is given up and replaced.
    pub hang_after: Duration,
    /// Given-up threads that may exist at once; beyond this a worker is not replaced.
    pub stuck_max: usize,
    /// Whether a caller's decode that is alone gets two cores.
    pub two_cores: bool,
}

impl Default for PoolSettings {
    fn default() -> Self {
        Self {
            workers: thread::available_parallelism().map_or(1, usize::from),
            queue_max: DECODE_QUEUE_MAX,
            hang_after: Duration::from_secs(8),
            stuck_max: 4,
            two_cores: true,
        }
    }
}

/// Makes a recogniser; called on each worker's own thread, again after a crash.
pub type MakeTranscriber =
    Arc<dyn Fn() -> Result<Box<dyn Transcriber>, TranscribeError> + Send + Sync>;

/// Takes the answer, on a thread of the pool: hand it on and return at once.
pub type Reply = Box<dyn FnOnce(Result<Transcript, DecodeFailure>) + Send>;

/// One decode to be done.
pub struct Job {
    /// Mono, 16 kHz.
    pub samples: Arc<[i16]>,
    pub hint: Hint,
    pub class: DecodeClass,
    pub deadline: Instant,
    pub reply: Reply,
}

/// Names a job of the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket(u64);

/// The pool. Dropping it answers all that waits with `Closed` and lets the threads end.
pub struct Pool {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    work: Condvar,
    make: MakeTranscriber,
    settings: PoolSettings,
}

struct State {
    queue: DecodeQueue<Task>,
    slots: Vec<Slot>,
    next_ticket: u64,
    stuck: usize,
    closing: bool,
    figures: Figures,
    pace: Pace,
}

struct Task {
    samples: Arc<[i16]>,
    hint: Hint,
    submitted: Instant,
    reply: Reply,
}

impl State {
    /// Whether the worker of this generation is no longer wanted.
    fn is_over(&self, place: usize, generation: u64) -> bool {
        self.closing || self.slots.get(place).is_none_or(|slot| slot.generation != generation)
    }

    /// Whether a worker is free and has a core.
    fn has_room(&self) -> bool {
        let free = self.slots.iter().any(|slot| slot.alive && slot.running.is_none());
        free && self.cores_busy() < self.slots.len()
    }

    /// Cores that decodes work on; those that are being stopped count no more.
    fn cores_busy(&self) -> usize {
        let running = self.slots.iter().filter_map(|slot| slot.running.as_ref());
        running.filter(|one| !one.cancelled).map(|one| if one.two_cores { 2 } else { 1 }).sum()
    }

    /// Whether the decode that begins now may have two cores: it is a caller's, no other wants one.
    fn spares_two_cores(&self, class: DecodeClass, work: Work, now: Instant) -> bool {
        let callers = matches!(class, DecodeClass::CallerSpeculative | DecodeClass::CallerFinal);
        let spare = self.cores_busy() + 2 <= self.slots.len() && self.queue.is_empty();
        callers && spare && self.pace.allows_two(now, work)
    }

    /// Whether a worker is free and nothing waits: only then is a text so far worth its time.
    fn is_idle(&self) -> bool {
        self.has_room() && self.queue.is_empty()
    }

    /// Stops decodes that take longer on two cores than on one would; `true` if there was one.
    fn stop_overruns(&mut self, now: Instant) -> bool {
        let mut any = false;
        for running in self.slots.iter_mut().filter_map(|slot| slot.running.as_mut()) {
            let took = now.saturating_duration_since(running.since);
            if running.two_cores && self.pace.is_overrun(took, running.work) {
                (running.two_cores, running.again) = (false, true);
                running.stop.stop();
                any = true;
            }
        }
        if any {
            self.pace.pause(now);
            self.figures.overrun += 1;
        }
        any
    }

    /// Where all workers are busy, one that decodes a text so far stops for what is wanted more.
    fn make_room(&mut self) {
        if self.has_room() {
            return;
        }
        let running = self.slots.iter_mut().filter_map(|slot| slot.running.as_mut());
        if let Some(partial) = running
            .filter(|running| running.class == DecodeClass::Partial && !running.cancelled)
            .min_by_key(|running| running.ticket)
        {
            partial.cancelled = true;
            partial.stop.stop();
        }
    }
}

/// The place of a worker. A worker whose generation is past has been given up.
#[derive(Default)]
struct Slot {
    generation: u64,
    alive: bool,
    running: Option<Running>,
}

struct Running {
    ticket: u64,
    class: DecodeClass,
    since: Instant,
    wait_ms: u64,
    stop: StopFlag,
    cancelled: bool,
    work: Work,
    /// No text is wanted of it: its time says nothing of others.
    end_of_turn: bool,
    two_cores: bool,
    /// Two cores took longer than one would have: it is done again.
    again: bool,
    reply: Reply,
}

/// An answer to be given once the lock is free.
type Answer = (Reply, Result<Transcript, DecodeFailure>);

impl Pool {
    /// Starts the workers; fails if the first recogniser cannot be made.
    pub fn start(settings: PoolSettings, make: MakeTranscriber) -> Result<Self, TranscribeError> {
        let workers = settings.workers.max(1);
        let mut first = Some(make()?);
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                queue: DecodeQueue::new(settings.queue_max),
                slots: (0..workers).map(|_| Slot { alive: true, ..Slot::default() }).collect(),
                next_ticket: 1,
                stuck: 0,
                closing: false,
                figures: Figures::default(),
                pace: Pace::default(),
            }),
            work: Condvar::new(),
            make,
            settings,
        });
        for place in 0..workers {
            shared.spawn_worker(place, 0, first.take())?;
        }
        let watched = Arc::clone(&shared);
        thread::Builder::new()
            .name("speech-watch".to_owned())
            .spawn(move || watched.watch())
            .map_err(|error| TranscribeError::Engine(error.to_string()))?;
        Ok(Self { shared })
    }

    /// Takes a job in. Its reply is called exactly once, maybe before this returns (when shed).
    pub fn submit(&self, job: Job) -> Ticket {
        let Job { samples, hint, class, deadline, reply } = job;
        let task = Task { samples, hint, submitted: Instant::now(), reply };
        let mut state = self.shared.lock();
        let ticket = state.next_ticket;
        state.next_ticket += 1;
        if class != DecodeClass::Partial {
            state.make_room();
        }
        let refused = if state.closing || state.slots.iter().all(|slot| !slot.alive) {
            Some((task, DecodeFailure::Closed))
        } else if class == DecodeClass::Partial && !state.is_idle() {
            Some((task, DecodeFailure::Shed))
        } else {
            let entry = Waiting { ticket, class, deadline, what: task };
            state.queue.push(entry).map(|one| (one.what, DecodeFailure::Shed))
        };
        let answer = refused.map(|(task, failure)| {
            state.figures.count_failure(&failure);
            (task.reply, Err(failure))
        });
        drop(state);
        self.shared.work.notify_one();
        give(answer);
        Ticket(ticket)
    }

    /// The same for async callers.
    pub async fn decode(
        &self,
        samples: Arc<[i16]>,
        hint: Hint,
        class: DecodeClass,
        deadline: Instant,
    ) -> Result<Transcript, DecodeFailure> {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        // A caller who went away needs no answer.
        let reply: Reply = Box::new(move |result| drop(sender.send(result)));
        self.submit(Job { samples, hint, class, deadline, reply });
        receiver.await.unwrap_or(Err(DecodeFailure::Closed))
    }

    /// Nobody wants this job any more: it is answered with `Cancelled`, at once if it waits.
    pub fn cancel(&self, ticket: Ticket) {
        let mut state = self.shared.lock();
        let answer = state.queue.cancel(ticket.0).map(|one| {
            state.figures.count_failure(&DecodeFailure::Cancelled);
            (one.what.reply, Err(DecodeFailure::Cancelled))
        });
        for running in state.slots.iter_mut().filter_map(|slot| slot.running.as_mut()) {
            if running.ticket == ticket.0 {
                running.cancelled = true;
                running.stop.stop();
            }
        }
        drop(state);
        give(answer);
    }

    /// A speculative decode is the final one now.
    pub fn raise(&self, ticket: Ticket, deadline: Instant) {
        self.shared.lock().queue.raise(ticket.0, deadline);
    }

    /// Whether callers wait whose turn no worker will come to soon: two for each worker.
    pub fn is_pressed(&self) -> bool {
        let state = self.shared.lock();
        let callers = state.queue.count(DecodeClass::CallerFinal)
            + state.queue.count(DecodeClass::CallerSpeculative);
        callers >= PRESSED_PER_WORKER * state.slots.len()
    }

    pub fn figures(&self) -> Figures {
        let state = self.shared.lock();
        let mut figures = state.figures.clone();
        figures.waiting = DecodeClass::ALL.map(|class| state.queue.count(class));
        figures.busy = state.slots.iter().filter(|slot| slot.running.is_some()).count();
        figures.alive = state.slots.iter().filter(|slot| slot.alive).count();
        figures
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.closing = true;
        let waiting = state.queue.take_all();
        for running in state.slots.iter().filter_map(|slot| slot.running.as_ref()) {
            running.stop.stop();
        }
        drop(state);
        self.shared.work.notify_all();
        give(waiting.into_iter().map(|one| (one.what.reply, Err(DecodeFailure::Closed))));
    }
}

fn give(answers: impl IntoIterator<Item = Answer>) {
    for (reply, result) in answers {
        // A reply that panics must not take a worker with it.
        let _ = catch_unwind(AssertUnwindSafe(|| reply(result)));
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that can panic runs under the lock; were it poisoned, its state is still whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn spawn_worker(
        self: &Arc<Self>,
        place: usize,
        generation: u64,
        ready: Option<Box<dyn Transcriber>>,
    ) -> Result<(), TranscribeError> {
        let shared = Arc::clone(self);
        thread::Builder::new()
            .name(format!("speech-{place}"))
            .spawn(move || shared.work(place, generation, ready))
            .map(drop)
            .map_err(|error| TranscribeError::Engine(error.to_string()))
    }

    /// A worker's life.
    fn work(&self, place: usize, generation: u64, ready: Option<Box<dyn Transcriber>>) {
        lower_priority();
        let mut generation = generation;
        let mut transcriber = ready;
        loop {
            let Some(recogniser) = transcriber.as_mut() else {
                match catch_unwind(AssertUnwindSafe(|| (self.make)())) {
                    Ok(Ok(made)) => transcriber = Some(made),
                    Ok(Err(error)) => {
                        tracing::warn!(%error, "a recogniser could not be made; trying again");
                        thread::sleep(RETRY_AFTER);
                    }
                    Err(_) => thread::sleep(RETRY_AFTER),
                }
                if self.is_over(place, generation) {
                    return;
                }
                continue;
            };
            let Some((samples, mut hint, stop)) = self.next(place, generation) else { return };
            let mut decode = |hint: &Hint, stop: &StopFlag| {
                catch_unwind(AssertUnwindSafe(|| recogniser.transcribe(&samples, hint, stop)))
            };
            let mut result = decode(&hint, &stop);
            if let (Ok(Err(_)), true) = (&result, hint.two_cores)
                && let Some(stop) = self.does_again(place, generation)
            {
                hint.two_cores = false;
                result = decode(&hint, &stop);
            }
            let result = match result {
                Ok(result) => result.map_err(DecodeFailure::Recogniser),
                Err(_) => {
                    // Its memory may be in any state: it is dropped, guarded, and made anew.
                    let broken = transcriber.take();
                    let _ = catch_unwind(AssertUnwindSafe(move || drop(broken)));
                    Err(DecodeFailure::Crashed)
                }
            };
            match self.finish(place, generation, result) {
                Some(next) => generation = next,
                None => return,
            }
        }
    }

    fn is_over(&self, place: usize, generation: u64) -> bool {
        self.lock().is_over(place, generation)
    }

    /// Waits for the next job; `None` when the worker's time is over.
    fn next(&self, place: usize, generation: u64) -> Option<(Arc<[i16]>, Hint, StopFlag)> {
        let mut state = self.lock();
        loop {
            if state.is_over(place, generation) {
                return None;
            }
            let expired = state.queue.take_expired(Instant::now());
            if !expired.is_empty() {
                state.figures.too_late += expired.len() as u64;
                drop(state);
                let late = expired.into_iter();
                give(late.map(|one| (one.what.reply, Err(DecodeFailure::TooLate))));
                state = self.lock();
                continue;
            }
            if state.has_room()
                && let Some(one) = state.queue.pop()
            {
                let Task { samples, mut hint, submitted, reply } = one.what;
                let stop = StopFlag::default();
                let since = Instant::now();
                let sound_ms = samples.len() as u64 * 1_000 / u64::from(SPEECH_RATE_HZ);
                let work = Work { sound_ms, close: hint.is_close() };
                hint.two_cores = self.settings.two_cores
                    && !hint.end_of_turn
                    && state.spares_two_cores(one.class, work, since);
                if let Some(slot) = state.slots.get_mut(place) {
                    slot.running = Some(Running {
                        ticket: one.ticket,
                        class: one.class,
                        since,
                        wait_ms: since.duration_since(submitted).as_millis() as u64,
                        stop: stop.clone(),
                        cancelled: false,
                        work,
                        end_of_turn: hint.end_of_turn,
                        two_cores: hint.two_cores,
                        again: false,
                        reply,
                    });
                }
                return Some((samples, hint, stop));
            }
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Whether a decode that was stopped on two cores is done again on one.
    fn does_again(&self, place: usize, generation: u64) -> Option<StopFlag> {
        let mut state = self.lock();
        let slot = state.slots.get_mut(place).filter(|slot| slot.generation == generation)?;
        let running = slot.running.as_mut().filter(|one| one.again && !one.cancelled)?;
        running.stop = StopFlag::default();
        Some(running.stop.clone())
    }

    /// Gives the answer of a decode, and says with which generation to go on. A worker that was
    /// given up meanwhile ends, or takes its place back if nobody has it.
    fn finish(
        &self,
        place: usize,
        generation: u64,
        result: Result<Transcript, DecodeFailure>,
    ) -> Option<u64> {
        let mut state = self.lock();
        let slot = state.slots.get_mut(place)?;
        if slot.generation != generation {
            // Its job was answered long ago.
            let free = !slot.alive;
            slot.alive = true;
            let generation = slot.generation;
            state.stuck = state.stuck.saturating_sub(1);
            return free.then_some(generation);
        }
        let Some(running) = slot.running.take() else { return Some(generation) };
        let result = if running.cancelled { Err(DecodeFailure::Cancelled) } else { result };
        match &result {
            Ok(_) => {
                let took = running.since.elapsed();
                state.figures.count_decoded(took.as_millis() as u64, running.wait_ms);
                if running.two_cores {
                    state.pace.note_two_cores(Instant::now(), took, running.work);
                } else if !running.again && !running.end_of_turn {
                    state.pace.note_one_core(took, running.work);
                }
            }
            Err(failure) => state.figures.count_failure(failure),
        }
        drop(state);
        if running.two_cores {
            self.work.notify_all();
        }
        give([(running.reply, result)]);
        Some(generation)
    }

    /// The watcher's life: gives up workers that hang, and answers jobs that wait too long.
    fn watch(self: &Arc<Self>) {
        loop {
            thread::sleep(WATCH_EVERY);
            let mut state = self.lock();
            if state.closing {
                return;
            }
            let now = Instant::now();
            let mut answers: Vec<Answer> = Vec::new();
            for one in state.queue.take_expired(now) {
                state.figures.count_failure(&DecodeFailure::TooLate);
                answers.push((one.what.reply, Err(DecodeFailure::TooLate)));
            }
            if state.stop_overruns(now) {
                tracing::info!("two cores were slower than one: for a while a decode gets one");
                self.work.notify_all();
            }
            let mut replaced = Vec::new();
            for place in 0..state.slots.len() {
                if let Some((answer, generation)) = self.give_up(&mut state, place, now) {
                    answers.push(answer);
                    replaced.extend(generation.map(|generation| (place, generation)));
                }
            }
            if state.slots.iter().all(|slot| !slot.alive) {
                for one in state.queue.take_all() {
                    state.figures.count_failure(&DecodeFailure::Closed);
                    answers.push((one.what.reply, Err(DecodeFailure::Closed)));
                }
            }
            drop(state);
            if !answers.is_empty() {
                // Cores are free that others may have waited for.
                self.work.notify_all();
            }
            give(answers);
            for (place, generation) in replaced {
                tracing::error!(place, "a recogniser hung; its worker was replaced");
                if let Err(error) = self.spawn_worker(place, generation, None) {
                    tracing::error!(%error, "no thread for a new recogniser");
                }
            }
        }
    }

    /// Gives a worker up if it hangs: the answer to its job, and the generation of its successor
    /// unless too many threads are stuck already.
    fn give_up(
        &self,
        state: &mut State,
        place: usize,
        now: Instant,
    ) -> Option<(Answer, Option<u64>)> {
        let stuck_max = self.settings.stuck_max;
        let may_replace = state.stuck < stuck_max;
        let slot = state.slots.get_mut(place)?;
        let hangs = |running: &mut Running| {
            now.saturating_duration_since(running.since) >= self.settings.hang_after
        };
        let running = slot.running.take_if(hangs)?;
        running.stop.stop();
        slot.generation += 1;
        slot.alive = may_replace;
        let successor = may_replace.then_some(slot.generation);
        state.stuck += 1;
        state.figures.count_failure(&DecodeFailure::Hung);
        Some(((running.reply, Err(DecodeFailure::Hung)), successor))
    }
}

/// Decodes may wait; frames may not.
fn lower_priority() {
    let lower = ThreadPriorityValue::try_from(PRIORITY).ok().is_some_and(|value| {
        set_current_thread_priority(ThreadPriority::Crossplatform(value)).is_ok()
    });
    if !lower {
        tracing::warn!("speech threads run at the usual priority: lowering it was refused");
    }
}
