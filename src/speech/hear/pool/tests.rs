//! The pool with recognisers that crash, hang and work for as long as a test wants.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};

use super::*;

/// What the stub does is written in the first sample; anything else is done at once.
const QUICK: i16 = 0;
const CRASH: i16 = -1;
/// Works, deaf to its stop flag, until the test opens the gate.
const HELD: i16 = -2;
const UNTIL_STOPPED: i16 = -3;

/// What takes longer than this will never come.
const LONG: Duration = Duration::from_secs(20);
/// A deadline, in ms, that no test comes near.
const FAR: u64 = 60_000;

/// Tells what it begins.
struct Stub {
    began: Sender<i16>,
    open: Arc<AtomicBool>,
}

impl Transcriber for Stub {
    fn transcribe(
        &mut self,
        pcm_16k: &[i16],
        _hint: &Hint,
        stop: &StopFlag,
    ) -> Result<Transcript, TranscribeError> {
        let what = pcm_16k.first().copied().unwrap_or(QUICK);
        // A test that has ended asks no more.
        let _ = self.began.send(what);
        let open = || self.open.load(Ordering::SeqCst);
        match what {
            CRASH => std::panic::resume_unwind(Box::new("crash on command")),
            HELD => wait(open),
            UNTIL_STOPPED => {
                wait(|| stop.is_stopped());
                return Err(TranscribeError::Stopped);
            }
            _ => {}
        }
        Ok(Transcript { text: format!("{pcm_16k:?}"), ..Transcript::default() })
    }
}

fn wait(until: impl Fn() -> bool) {
    while !until() {
        thread::sleep(Duration::from_millis(1));
    }
}

/// The same for a test, which fails where it waits in vain.
fn wait_long(until: impl Fn() -> bool) {
    let begun = Instant::now();
    wait(|| until() || begun.elapsed() >= LONG);
    assert!(until(), "waited in vain");
}

/// Holds the jobs that are [`HELD`]; lets them go when its test ends in any way.
struct Gate(Arc<AtomicBool>);

impl Gate {
    fn open(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    fn shut(&self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.open();
    }
}

struct Scene {
    pool: Pool,
    began: Receiver<i16>,
    gate: Gate,
}

impl Scene {
    /// Waits until a worker has begun such a job.
    fn begun(&self, what: i16) {
        while self.began.recv_timeout(LONG).expect("it begins") != what {}
    }
}

fn scene_with(workers: usize, queue_max: usize, hang_after: Duration) -> Scene {
    let settings = PoolSettings { workers, queue_max, hang_after, stuck_max: 1, two_cores: false };
    let (tell, began) = mpsc::channel();
    let gate = Gate(Arc::default());
    let open = Arc::clone(&gate.0);
    let make: MakeTranscriber =
        Arc::new(move || Ok(Box::new(Stub { began: tell.clone(), open: Arc::clone(&open) })));
    Scene { pool: Pool::start(settings, make).unwrap(), began, gate }
}

/// Nothing hangs here, however slow the machine is.
fn scene(workers: usize, queue_max: usize) -> Scene {
    scene_with(workers, queue_max, LONG)
}

/// What is held hangs soon; not so soon that a quick job on a busy machine does.
fn hanging(workers: usize) -> Scene {
    scene_with(workers, 8, Duration::from_secs(1))
}

type Answers = Receiver<(usize, Result<Transcript, DecodeFailure>)>;

/// Submits jobs, one for each `(what, class, deadline in ms)`.
fn submit(pool: &Pool, jobs: &[(i16, DecodeClass, u64)]) -> (Vec<Ticket>, Answers) {
    let (sender, answers) = mpsc::channel();
    let tickets = jobs.iter().enumerate().map(|(number, (what, class, ms))| {
        let sender = sender.clone();
        pool.submit(Job {
            samples: Arc::from([*what]),
            hint: Hint::default(),
            class: *class,
            deadline: Instant::now() + Duration::from_millis(*ms),
            reply: Box::new(move |result| sender.send((number, result)).unwrap()),
        })
    });
    (tickets.collect(), answers)
}

fn next(answers: &Answers) -> (usize, Result<Transcript, DecodeFailure>) {
    answers.recv_timeout(LONG).expect("an answer")
}

const FINAL: DecodeClass = DecodeClass::CallerFinal;

#[test]
fn the_urgent_are_decoded_first() {
    let scene = scene(1, 8);
    let (pool, gate) = (&scene.pool, &scene.gate);
    let (_, first) = submit(pool, &[(HELD, FINAL, FAR)]);
    scene.begun(HELD);
    let (_, answers) = submit(
        pool,
        &[
            (QUICK, DecodeClass::Partial, FAR),
            (QUICK, DecodeClass::Conversation, FAR),
            (QUICK, FINAL, FAR),
        ],
    );
    assert_eq!(next(&answers), (0, Err(DecodeFailure::Shed)), "no worker is free for it");
    gate.open();
    assert!(next(&first).1.is_ok());
    let order: Vec<usize> = (0..2).map(|_| next(&answers).0).collect();
    assert_eq!(order, [2, 1]);
    assert_eq!(pool.figures().decoded, 3);
}

#[test]
fn a_text_so_far_is_decoded_where_nothing_else_is_to_be_done_and_stops_for_a_final() {
    let scene = scene(1, 8);
    let (_, partial) = submit(&scene.pool, &[(QUICK, DecodeClass::Partial, FAR)]);
    assert!(next(&partial).1.is_ok());
    let (_, partial) = submit(&scene.pool, &[(UNTIL_STOPPED, DecodeClass::Partial, FAR)]);
    scene.begun(UNTIL_STOPPED);
    let (_, answers) = submit(&scene.pool, &[(QUICK, FINAL, FAR)]);
    assert_eq!(next(&partial), (0, Err(DecodeFailure::Cancelled)));
    assert!(next(&answers).1.is_ok());
}

#[test]
fn a_crash_is_answered_and_the_worker_goes_on() {
    let pool = &scene(1, 8).pool;
    let (_, answers) = submit(pool, &[(CRASH, FINAL, FAR), (QUICK, FINAL, FAR + 1)]);
    assert_eq!(next(&answers), (0, Err(DecodeFailure::Crashed)));
    assert!(next(&answers).1.is_ok());
    assert_eq!((pool.figures().crashed, pool.figures().alive), (1, 1));
}

#[test]
fn a_worker_that_hangs_is_replaced_and_its_job_answered() {
    let Scene { pool, gate, .. } = &hanging(1);
    let (_, answers) = submit(pool, &[(HELD, FINAL, FAR), (QUICK, FINAL, FAR + 1)]);
    // Both before the hang is over: the gate is shut.
    assert_eq!(next(&answers), (0, Err(DecodeFailure::Hung)));
    assert!(next(&answers).1.is_ok());
    assert_eq!((pool.figures().hung, pool.figures().alive), (1, 1));
    // The stuck thread comes back, finds its place taken, and frees the allowance for another.
    gate.open();
    wait_long(|| pool.shared.lock().stuck == 0);
    assert_eq!(pool.figures().alive, 1, "its place is taken");
    gate.shut();
    let (_, answers) = submit(pool, &[(HELD, FINAL, FAR), (QUICK, FINAL, FAR + 1)]);
    assert_eq!(next(&answers), (0, Err(DecodeFailure::Hung)));
    assert!(next(&answers).1.is_ok());
}

#[test]
fn with_too_many_stuck_threads_the_pool_says_so_instead_of_waiting() {
    let Scene { pool, gate, .. } = &hanging(2);
    let (_, answers) = submit(pool, &[(HELD, FINAL, FAR), (HELD, FINAL, FAR)]);
    assert_eq!(next(&answers).1, Err(DecodeFailure::Hung));
    assert_eq!(next(&answers).1, Err(DecodeFailure::Hung));
    assert_eq!(pool.figures().alive, 1, "one allowance, two stuck");
    let (_, answers) = submit(pool, &[(QUICK, FINAL, FAR)]);
    assert!(next(&answers).1.is_ok());
    // The one without a successor takes its place back.
    gate.open();
    wait_long(|| pool.figures().alive == 2);
}

#[test]
fn the_late_and_the_surplus_are_answered() {
    let scene = scene(1, 2);
    let (_, first) = submit(&scene.pool, &[(HELD, FINAL, FAR)]);
    scene.begun(HELD);
    let jobs = [(QUICK, FINAL, 20), (QUICK, DecodeClass::Partial, FAR), (QUICK, FINAL, FAR)];
    let (_, answers) = submit(&scene.pool, &jobs);
    // On a slow machine 20 ms may be over before the surplus is taken in: either may be first.
    let mut failed = [next(&answers), next(&answers)];
    failed.sort_by_key(|(number, _)| *number);
    assert_eq!(failed, [(0, Err(DecodeFailure::TooLate)), (1, Err(DecodeFailure::Shed))]);
    scene.gate.open();
    assert_eq!(next(&answers).0, 2);
    assert!(next(&first).1.is_ok());
    let figures = scene.pool.figures();
    assert_eq!((figures.shed, figures.too_late, figures.decoded), (1, 1, 2));
}

#[test]
fn waiting_and_running_jobs_can_be_cancelled() {
    let scene = scene(1, 8);
    let jobs = [(UNTIL_STOPPED, FINAL, FAR), (QUICK, FINAL, FAR + 1_000)];
    let (tickets, answers) = submit(&scene.pool, &jobs);
    scene.begun(UNTIL_STOPPED);
    scene.pool.cancel(tickets[1]);
    assert_eq!(next(&answers), (1, Err(DecodeFailure::Cancelled)));
    scene.pool.cancel(tickets[0]);
    assert_eq!(next(&answers), (0, Err(DecodeFailure::Cancelled)));
    scene.pool.cancel(tickets[0]);
    assert_eq!(scene.pool.figures().cancelled, 2);
}

#[test]
fn every_job_is_answered_once_when_the_pool_ends() {
    let scene = scene(1, 8);
    let (_, answers) = submit(&scene.pool, &[(UNTIL_STOPPED, FINAL, FAR); 5]);
    scene.begun(UNTIL_STOPPED);
    drop(scene.pool);
    let mut answered: Vec<usize> = (0..5).map(|_| next(&answers).0).collect();
    answered.sort_unstable();
    assert_eq!(answered, [0, 1, 2, 3, 4]);
    // Nobody is left who could answer again.
    assert_eq!(answers.recv_timeout(LONG), Err(RecvTimeoutError::Disconnected));
}

#[test]
fn a_recogniser_that_cannot_be_made_fails_the_start() {
    let make: MakeTranscriber = Arc::new(|| Err(TranscribeError::Engine("no model".to_owned())));
    assert!(Pool::start(PoolSettings::default(), make).is_err());
}

#[tokio::test]
async fn async_callers_await_their_text() {
    let pool = &scene(1, 8).pool;
    let deadline = Instant::now() + LONG;
    let text = pool.decode(Arc::from([7]), Hint::default(), FINAL, deadline).await.unwrap().text;
    assert_eq!(text, "[7]");
}

#[test]
fn the_pool_says_when_it_has_too_much_to_do() {
    let scene = scene(1, 8);
    assert!(!scene.pool.is_pressed());
    let (_, answers) = submit(&scene.pool, &[(UNTIL_STOPPED, FINAL, FAR)]);
    scene.begun(UNTIL_STOPPED);
    let (waiting, more) = submit(&scene.pool, &[(QUICK, FINAL, FAR), (QUICK, FINAL, FAR)]);
    assert!(scene.pool.is_pressed());
    scene.pool.cancel(waiting[0]);
    assert!(!scene.pool.is_pressed());
    drop(scene.pool);
    drop((answers, more));
}

/// A stub to which two cores bring what the second sample says: percent of one core's time.
struct OnCores;

impl Transcriber for OnCores {
    fn transcribe(
        &mut self,
        pcm_16k: &[i16],
        hint: &Hint,
        stop: &StopFlag,
    ) -> Result<Transcript, TranscribeError> {
        let [ms, percent] = [pcm_16k[0], pcm_16k[1]].map(|one| u64::try_from(one).unwrap());
        let ms = if hint.two_cores { ms * percent / 100 } else { ms };
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(ms) {
            if stop.is_stopped() {
                return Err(TranscribeError::Stopped);
            }
            thread::sleep(Duration::from_millis(1));
        }
        let text = if hint.two_cores { "two cores" } else { "one core" };
        Ok(Transcript { text: text.to_owned(), ..Transcript::default() })
    }
}

/// What a decode of 600 ms, or of `percent` of it on two cores, gives; alone, or with others.
fn on_cores(pool: &Pool, class: DecodeClass, percent: i16, jobs: usize) -> Vec<String> {
    let (sender, answers) = mpsc::channel();
    for _ in 0..jobs {
        let sender = sender.clone();
        pool.submit(Job {
            samples: Arc::from([600, percent]),
            hint: Hint::default(),
            class,
            deadline: Instant::now() + Duration::from_secs(20),
            reply: Box::new(move |result| sender.send(result).unwrap()),
        });
    }
    let text = |result: Result<Transcript, DecodeFailure>| result.map(|one| one.text).unwrap();
    (0..jobs).map(|_| text(answers.recv_timeout(Duration::from_secs(20)).unwrap())).collect()
}

#[test]
fn a_callers_decode_that_is_alone_gets_two_cores_and_one_core_again_where_they_are_slower() {
    let settings = PoolSettings { workers: 2, ..PoolSettings::default() };
    let pool = Pool::start(settings, Arc::new(|| Ok(Box::new(OnCores)))).unwrap();
    let on = |class, percent, jobs| on_cores(&pool, class, percent, jobs);
    assert_eq!(on(FINAL, 1, 1), ["one core"], "its time is not known yet");
    assert_eq!(on(FINAL, 1, 1), ["two cores"]);
    assert_eq!(on(DecodeClass::CallerSpeculative, 1, 1), ["two cores"]);
    assert_eq!(on(DecodeClass::Conversation, 1, 1), ["one core"], "nobody waits for it");
    // Several: the first may have had two, the last is never left without a core.
    assert_eq!(on(FINAL, 1, 5).len(), 5);
    // The machine is busy: two threads wait for each other. Stopped, done on one, and not tried
    // again soon.
    let begun = Instant::now();
    assert_eq!(on(FINAL, 10_000, 1), ["one core"]);
    assert!(begun.elapsed() < Duration::from_secs(10), "the minute of two cores was waited for");
    assert_eq!(pool.figures().overrun, 1);
    assert_eq!(on(FINAL, 1, 1), ["one core"], "a while after it");
}

#[test]
fn a_decode_on_two_cores_holds_others_back_and_stops_for_its_caller() {
    let settings = PoolSettings { workers: 2, ..PoolSettings::default() };
    let pool = Pool::start(settings, Arc::new(|| Ok(Box::new(OnCores)))).unwrap();
    on_cores(&pool, FINAL, 1, 1);
    let (sender, answers) = mpsc::channel();
    let submit = |number: usize, class| {
        let sender = sender.clone();
        pool.submit(Job {
            samples: Arc::from([600, 100]),
            hint: Hint::default(),
            class,
            deadline: Instant::now() + Duration::from_secs(20),
            reply: Box::new(move |result| sender.send((number, result)).unwrap()),
        })
    };
    let first = submit(0, DecodeClass::CallerSpeculative);
    thread::sleep(Duration::from_millis(50));
    submit(1, DecodeClass::Partial);
    assert_eq!(answers.recv().unwrap(), (1, Err(DecodeFailure::Shed)), "no core for it");
    submit(2, FINAL);
    pool.cancel(first);
    assert_eq!(answers.recv().unwrap(), (0, Err(DecodeFailure::Cancelled)));
    assert!(answers.recv().unwrap().1.is_ok());
}
