//! The one thread that writes. In: jobs. Out: a commit for many of them, then their acks.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::Store;
use super::ack::Ack;
use super::fault::{StoreFault, passes};
use super::health::{Gauges, StoreHealth};
use super::limits::{
    CLOSE_MAX, COMMIT_EVERY, COMMIT_JOBS_MAX, QUEUE_JOBS_MAX, RETRY_FIRST, RETRY_LONGEST,
};

/// A write that may be tried more than once: it must not keep anything from a failed try.
pub(super) type Work = Box<dyn FnMut(&Connection) -> rusqlite::Result<()> + Send>;

enum Job {
    /// Inside a transaction shared with others.
    Write {
        work: Work,
        ack: oneshot::Sender<Result<(), StoreFault>>,
    },
    /// Alone and outside of any transaction: checkpoint, vacuum.
    Alone {
        work: Work,
        ack: oneshot::Sender<Result<(), StoreFault>>,
    },
    Close {
        ack: oneshot::Sender<Result<(), StoreFault>>,
    },
}

/// The sending side of the writer thread.
pub(super) struct Writer {
    jobs: mpsc::Sender<Job>,
    gauges: Arc<Gauges>,
}

impl Writer {
    pub(super) fn start(connection: Connection) -> std::io::Result<Self> {
        let (jobs, inbox) = mpsc::channel(QUEUE_JOBS_MAX);
        let gauges = Arc::new(Gauges::default());
        let theirs = gauges.clone();
        thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || Loop { connection, inbox, gauges: theirs, last: None }.run())?;
        Ok(Self { jobs, gauges })
    }

    pub(super) fn health(&self) -> StoreHealth {
        self.gauges.read()
    }

    pub(super) async fn close(&self) -> Result<(), StoreFault> {
        let (ack, done) = oneshot::channel();
        self.send(Job::Close { ack }).await;
        done.await.unwrap_or(Ok(()))
    }

    async fn send(&self, job: Job) -> bool {
        self.gauges.queued.fetch_add(1, Ordering::Relaxed);
        let sent = self.jobs.send(job).await.is_ok();
        if !sent {
            self.gauges.queued.fetch_sub(1, Ordering::Relaxed);
        }
        sent
    }
}

impl Store {
    /// Queues a write; waits only while the queue is full.
    pub(super) async fn write<F>(&self, work: F) -> Ack
    where
        F: FnMut(&Connection) -> rusqlite::Result<()> + Send + 'static,
    {
        let (ack, done) = oneshot::channel();
        let sent = self.inner.writer.send(Job::Write { work: Box::new(work), ack }).await;
        if sent { Ack::waiting(done) } else { Ack::closed() }
    }

    /// Waits until what was queued before is on disk, at most for `within`; `false` if it is not.
    ///
    /// # Errors
    /// The store is closed.
    pub async fn caught_up(&self, within: Duration) -> Result<bool, StoreFault> {
        if self.inner.writer.gauges.queued.load(Ordering::Relaxed) == 0 {
            return Ok(true);
        }
        let behind = async { self.write(|_| Ok(())).await.await };
        match tokio::time::timeout(within, behind).await {
            Ok(done) => done.map(|()| true),
            Err(_) => Ok(false),
        }
    }

    /// A write that answers with something, after its commit.
    pub(super) async fn ask<T, F>(&self, mut work: F) -> Result<T, StoreFault>
    where
        T: Send + 'static,
        F: FnMut(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let slot = Arc::new(std::sync::Mutex::new(None));
        let theirs = slot.clone();
        self.write(move |db| {
            let answer = work(db)?;
            *theirs.lock().unwrap_or_else(|broken| broken.into_inner()) = Some(answer);
            Ok(())
        })
        .await
        .await?;
        let answer = slot.lock().unwrap_or_else(|broken| broken.into_inner()).take();
        answer.ok_or(StoreFault::Closed)
    }

    /// Runs `work` on the writing connection, outside of any transaction.
    pub(super) async fn alone<F>(&self, work: F) -> Result<(), StoreFault>
    where
        F: FnMut(&Connection) -> rusqlite::Result<()> + Send + 'static,
    {
        let (ack, done) = oneshot::channel();
        if !self.inner.writer.send(Job::Alone { work: Box::new(work), ack }).await {
            return Err(StoreFault::Closed);
        }
        done.await.unwrap_or(Err(StoreFault::Closed))
    }
}

struct Loop {
    connection: Connection,
    inbox: mpsc::Receiver<Job>,
    gauges: Arc<Gauges>,
    /// When the last commit began.
    last: Option<Instant>,
}

type Pending = Vec<(Work, oneshot::Sender<Result<(), StoreFault>>)>;

impl Loop {
    fn run(mut self) {
        while let Some(first) = self.inbox.blocking_recv() {
            let mut batch = Pending::new();
            let mut next = Some(first);
            let mut waited = false;
            while let Some(job) = next.take() {
                match job {
                    Job::Write { work, ack } => batch.push((work, ack)),
                    Job::Alone { mut work, ack } => {
                        self.commit(&mut batch, None);
                        let outcome = work(&self.connection).map_err(StoreFault::from);
                        self.gauges.queued.fetch_sub(1, Ordering::Relaxed);
                        let _ = ack.send(outcome);
                    }
                    Job::Close { ack } => return self.finish(batch, ack),
                }
                if batch.len() >= COMMIT_JOBS_MAX {
                    break;
                }
                next = self.inbox.try_recv().ok();
                if next.is_none() && !waited && !batch.is_empty() {
                    self.rest();
                    waited = true;
                    next = self.inbox.try_recv().ok();
                }
            }
            self.commit(&mut batch, None);
        }
    }

    /// Sleeps until a commit is due: at once after a quiet time, otherwise `COMMIT_EVERY` after
    /// the last one, so that what arrives meanwhile shares it.
    fn rest(&self) {
        if let Some(last) = self.last {
            thread::sleep(COMMIT_EVERY.saturating_sub(last.elapsed()));
        }
    }

    fn finish(mut self, mut batch: Pending, ack: oneshot::Sender<Result<(), StoreFault>>) {
        self.inbox.close();
        let until = Instant::now() + CLOSE_MAX;
        while let Ok(job) = self.inbox.try_recv() {
            if let Job::Write { work, ack } = job {
                batch.push((work, ack));
            }
        }
        let lost = self.commit(&mut batch, Some(until));
        // Leaves one file behind where nobody else reads; no harm where it cannot.
        let _ = self.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
        let outcome = if lost == 0 { Ok(()) } else { Err(StoreFault::Closed) };
        let _ = ack.send(outcome);
    }

    /// Commits the batch, again and again while the disk refuses; until `until` if given.
    /// Answers how many writes were given up.
    fn commit(&mut self, batch: &mut Pending, until: Option<Instant>) -> usize {
        if batch.is_empty() {
            return 0;
        }
        let mut pause = RETRY_FIRST;
        loop {
            let began = Instant::now();
            self.last = Some(began);
            match self.try_commit(batch) {
                Ok(outcomes) => {
                    self.gauges.clear();
                    self.gauges.commits.fetch_add(1, Ordering::Relaxed);
                    let took_ms = began.elapsed().as_millis() as u64;
                    self.gauges.last_commit_ms.store(took_ms, Ordering::Relaxed);
                    self.answer(batch, outcomes);
                    return 0;
                }
                Err(error) => self.gauges.stall(error.to_string()),
            }
            if until.is_some_and(|until| Instant::now() >= until) {
                tracing::error!(writes = batch.len(), "store: given up at closing");
                return batch.len();
            }
            thread::sleep(pause);
            pause = next_pause(pause);
            #[cfg(test)]
            testing::lift_if_told(&self.connection);
        }
    }

    fn answer(&self, batch: &mut Pending, outcomes: Vec<Result<(), StoreFault>>) {
        self.gauges.queued.fetch_sub(batch.len() as u64, Ordering::Relaxed);
        for ((_, ack), outcome) in batch.drain(..).zip(outcomes) {
            if let Err(fault) = &outcome {
                self.gauges.refused.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(%fault, "store: a write was refused");
            }
            let _ = ack.send(outcome);
        }
    }

    /// One transaction. `Err` means that nothing was written and the batch may be tried again;
    /// a write that is wrong in itself is taken back alone and reported in its place.
    fn try_commit(&mut self, batch: &mut Pending) -> rusqlite::Result<Vec<Result<(), StoreFault>>> {
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut outcomes = Vec::with_capacity(batch.len());
        for (work, _) in batch.iter_mut() {
            transaction.execute_batch("SAVEPOINT one")?;
            match work(&transaction) {
                Ok(()) => outcomes.push(Ok(())),
                Err(error) if passes(&error) => return Err(error),
                Err(error) => {
                    transaction.execute_batch("ROLLBACK TO one")?;
                    outcomes.push(Err(error.into()));
                }
            }
            transaction.execute_batch("RELEASE one")?;
        }
        transaction.commit()?;
        Ok(outcomes)
    }
}

fn next_pause(pause: Duration) -> Duration {
    (pause * 2).min(RETRY_LONGEST)
}

/// A disk that is full until a test says otherwise: SQLite's own page limit plays it.
#[cfg(test)]
pub(super) mod testing {
    use std::sync::atomic::{AtomicBool, Ordering};

    use rusqlite::Connection;

    static LIFT: AtomicBool = AtomicBool::new(false);

    pub(crate) fn lift_page_limit() {
        LIFT.store(true, Ordering::SeqCst);
    }

    pub(super) fn lift_if_told(connection: &Connection) {
        if LIFT.load(Ordering::SeqCst) {
            let lifted = "PRAGMA max_page_count = 1000000";
            connection.query_row(lifted, [], |_| Ok(())).expect("lifted");
        }
    }
}
