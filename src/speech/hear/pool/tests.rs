//! The pool with recognisers that sleep, crash and hang on command.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver};

use super::*;

/// What the stub does is written in the first sample.
const QUICK: i16 = 0;
const CRASH: i16 = -1;
const HANG: i16 = -2;
const UNTIL_STOPPED: i16 = -3;

struct Stub;

impl Transcriber for Stub {
    fn transcribe(
        &mut self,
        pcm_16k: &[i16],
        _hint: &Hint,
        stop: &StopFlag,
    ) -> Result<Transcript, TranscribeError> {
        match pcm_16k.first().copied().unwrap_or(QUICK) {
            CRASH => std::panic::resume_unwind(Box::new("crash on command")),
            HANG => thread::sleep(Duration::from_millis(700)),
            UNTIL_STOPPED => {
                while !stop.is_stopped() {
                    thread::sleep(Duration::from_millis(1));
                }
                return Err(TranscribeError::Stopped);
            }
            ms => thread::sleep(Duration::from_millis(u64::try_from(ms).unwrap_or(0))),
        }
        Ok(Transcript { text: format!("{pcm_16k:?}"), ..Transcript::default() })
    }
}

fn pool(workers: usize, queue_max: usize) -> Pool {
    let settings = PoolSettings {
        workers,
        queue_max,
        hang_after: Duration::from_millis(200),
        stuck_max: 1,
        two_cores: false,
    };
    Pool::start(settings, Arc::new(|| Ok(Box::new(Stub)))).unwrap()
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
    answers.recv_timeout(Duration::from_secs(5)).expect("an answer within 5 s")
}

const FINAL: DecodeClass = DecodeClass::CallerFinal;

#[test]
fn the_urgent_are_decoded_first() {
    let pool = pool(1, 8);
    let (_, first) = submit(&pool, &[(100, FINAL, 5_000)]);
    thread::sleep(Duration::from_millis(30));
    let (_, answers) = submit(
        &pool,
        &[
            (1, DecodeClass::Partial, 5_000),
            (1, DecodeClass::Conversation, 5_000),
            (1, FINAL, 5_000),
        ],
    );
    assert_eq!(next(&answers), (0, Err(DecodeFailure::Shed)), "no worker is free for it");
    assert!(next(&first).1.is_ok());
    let order: Vec<usize> = (0..2).map(|_| next(&answers).0).collect();
    assert_eq!(order, [2, 1]);
    assert_eq!(pool.figures().decoded, 3);
}

#[test]
fn a_text_so_far_is_decoded_where_nothing_else_is_to_be_done_and_stops_for_a_final() {
    let pool = pool(1, 8);
    let (_, partial) = submit(&pool, &[(QUICK, DecodeClass::Partial, 5_000)]);
    assert!(next(&partial).1.is_ok());
    let (_, partial) = submit(&pool, &[(UNTIL_STOPPED, DecodeClass::Partial, 5_000)]);
    thread::sleep(Duration::from_millis(30));
    let (_, answers) = submit(&pool, &[(QUICK, FINAL, 5_000)]);
    assert_eq!(next(&partial), (0, Err(DecodeFailure::Cancelled)));
    assert!(next(&answers).1.is_ok());
}

#[test]
fn a_crash_is_answered_and_the_worker_goes_on() {
    let pool = pool(1, 8);
    let (_, answers) = submit(&pool, &[(CRASH, FINAL, 5_000), (QUICK, FINAL, 5_001)]);
    assert_eq!(next(&answers), (0, Err(DecodeFailure::Crashed)));
    assert!(next(&answers).1.is_ok());
    assert_eq!((pool.figures().crashed, pool.figures().alive), (1, 1));
}

#[test]
fn a_worker_that_hangs_is_replaced_and_its_job_answered() {
    let pool = pool(1, 8);
    let asked = Instant::now();
    let (_, answers) = submit(&pool, &[(HANG, FINAL, 5_000), (QUICK, FINAL, 5_001)]);
    assert_eq!(next(&answers), (0, Err(DecodeFailure::Hung)));
    assert!(next(&answers).1.is_ok());
    assert!(asked.elapsed() < Duration::from_millis(650), "before the hang was over");
    assert_eq!((pool.figures().hung, pool.figures().alive), (1, 1));
    // The stuck thread comes back, finds its place taken, and frees the allowance for another.
    thread::sleep(Duration::from_millis(800));
    let (_, answers) = submit(&pool, &[(HANG, FINAL, 5_000), (QUICK, FINAL, 5_001)]);
    assert_eq!(next(&answers), (0, Err(DecodeFailure::Hung)));
    assert!(next(&answers).1.is_ok());
}

#[test]
fn with_too_many_stuck_threads_the_pool_says_so_instead_of_waiting() {
    let pool = pool(2, 8);
    let (_, answers) = submit(&pool, &[(HANG, FINAL, 5_000), (HANG, FINAL, 5_000)]);
    assert_eq!(next(&answers).1, Err(DecodeFailure::Hung));
    assert_eq!(next(&answers).1, Err(DecodeFailure::Hung));
    assert_eq!(pool.figures().alive, 1, "one allowance, two stuck");
    let (_, answers) = submit(&pool, &[(QUICK, FINAL, 5_000)]);
    assert!(next(&answers).1.is_ok());
    thread::sleep(Duration::from_millis(800));
    assert_eq!(pool.figures().alive, 2, "the one without a successor took its place back");
}

#[test]
fn the_late_and_the_surplus_are_answered() {
    let pool = pool(1, 2);
    let (_, first) = submit(&pool, &[(150, FINAL, 5_000)]);
    thread::sleep(Duration::from_millis(30));
    let (_, answers) =
        submit(&pool, &[(1, FINAL, 20), (1, DecodeClass::Partial, 5_000), (1, FINAL, 5_000)]);
    assert_eq!(next(&answers), (1, Err(DecodeFailure::Shed)));
    assert_eq!(next(&answers), (0, Err(DecodeFailure::TooLate)));
    assert_eq!(next(&answers).0, 2);
    assert!(next(&first).1.is_ok());
    let figures = pool.figures();
    assert_eq!((figures.shed, figures.too_late, figures.decoded), (1, 1, 2));
}

#[test]
fn waiting_and_running_jobs_can_be_cancelled() {
    let pool = pool(1, 8);
    let (tickets, answers) = submit(&pool, &[(UNTIL_STOPPED, FINAL, 5_000), (QUICK, FINAL, 6_000)]);
    thread::sleep(Duration::from_millis(30));
    pool.cancel(tickets[1]);
    assert_eq!(next(&answers), (1, Err(DecodeFailure::Cancelled)));
    pool.cancel(tickets[0]);
    assert_eq!(next(&answers), (0, Err(DecodeFailure::Cancelled)));
    pool.cancel(tickets[0]);
    assert_eq!(pool.figures().cancelled, 2);
}

#[test]
fn every_job_is_answered_once_when_the_pool_ends() {
    let count = Arc::new(AtomicUsize::new(0));
    let pool = pool(1, 8);
    for _ in 0..5 {
        let count = Arc::clone(&count);
        pool.submit(Job {
            samples: Arc::from([UNTIL_STOPPED]),
            hint: Hint::default(),
            class: FINAL,
            deadline: Instant::now() + Duration::from_secs(9),
            reply: Box::new(move |_| {
                count.fetch_add(1, Ordering::SeqCst);
            }),
        });
    }
    thread::sleep(Duration::from_millis(30));
    drop(pool);
    thread::sleep(Duration::from_millis(200));
    assert_eq!(count.load(Ordering::SeqCst), 5);
}

#[test]
fn a_recogniser_that_cannot_be_made_fails_the_start() {
    let make: MakeTranscriber = Arc::new(|| Err(TranscribeError::Engine("no model".to_owned())));
    assert!(Pool::start(PoolSettings::default(), make).is_err());
}

#[tokio::test]
async fn async_callers_await_their_text() {
    let pool = pool(1, 8);
    let deadline = Instant::now() + Duration::from_secs(5);
    let text = pool.decode(Arc::from([7]), Hint::default(), FINAL, deadline).await.unwrap().text;
    assert_eq!(text, "[7]");
}

#[test]
fn the_pool_says_when_it_has_too_much_to_do() {
    let pool = pool(1, 8);
    assert!(!pool.is_pressed());
    let (_, answers) = submit(&pool, &[(UNTIL_STOPPED, FINAL, 60_000)]);
    thread::sleep(Duration::from_millis(30));
    let (waiting, more) = submit(&pool, &[(QUICK, FINAL, 60_000), (QUICK, FINAL, 60_000)]);
    assert!(pool.is_pressed());
    pool.cancel(waiting[0]);
    assert!(!pool.is_pressed());
    drop(pool);
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
