//! Provisional responses sent reliably (RFC 3262), the server's side: one at a time, sent again
//! until its PRACK comes. Pure; times are milliseconds on a monotonic clock.

use std::collections::VecDeque;

use super::limits::{T1, T1X64, T2};

/// What to do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Todo<R> {
    Send(R),
    /// The PRACK never came: refuse the INVITE with a 5xx.
    GiveUp,
}

struct Waiting<R> {
    rseq: u32,
    response: R,
    interval_ms: u64,
    next_ms: u64,
    give_up_ms: u64,
}

/// The reliable provisional responses of one INVITE.
pub struct Reliable<R> {
    next_rseq: u32,
    invite_cseq: u32,
    waiting: Option<Waiting<R>>,
    queue: VecDeque<(u32, R)>,
    stopped: bool,
}

impl<R: Clone> Reliable<R> {
    /// `first_rseq` is random, 1 to 2^31 − 1 (RFC 3262 section 3).
    pub fn new(first_rseq: u32, invite_cseq: u32) -> Self {
        let next_rseq = (first_rseq & 0x3fff_ffff).max(1);
        Self { next_rseq, invite_cseq, waiting: None, queue: VecDeque::new(), stopped: false }
    }

    /// Takes a response, made with the number that it must carry. It goes out now, or when the
    /// one before it is acknowledged; at most four wait.
    pub fn send(&mut self, make: impl FnOnce(u32) -> R, now_ms: u64) -> Option<R> {
        if self.queue.len() >= 4 {
            return None;
        }
        let rseq = self.next_rseq;
        self.next_rseq += 1;
        let response = make(rseq);
        if self.waiting.is_some() {
            self.queue.push_back((rseq, response));
            return None;
        }
        self.wait_for(rseq, response.clone(), now_ms);
        Some(response)
    }

    fn wait_for(&mut self, rseq: u32, response: R, now_ms: u64) {
        let interval_ms = T1.as_millis() as u64;
        let (next_ms, give_up_ms) = (now_ms + interval_ms, now_ms + T1X64.as_millis() as u64);
        self.waiting = Some(Waiting { rseq, response, interval_ms, next_ms, give_up_ms });
    }

    /// A PRACK with this RAck came. `Ok`: 200, and perhaps the next response; `Err`: 481.
    pub fn acknowledge(&mut self, rack: &str, now_ms: u64) -> Result<Option<R>, ()> {
        let mut words = rack.split_ascii_whitespace();
        let numbers = (words.next().and_then(number), words.next().and_then(number));
        let method = words.next().unwrap_or("");
        let (Some(rseq), Some(cseq)) = numbers else { return Err(()) };
        let waited = self.waiting.as_ref().is_some_and(|waiting| waiting.rseq == rseq);
        if !waited || cseq != self.invite_cseq || !method.eq_ignore_ascii_case("INVITE") {
            return Err(());
        }
        self.waiting = None;
        let Some((rseq, response)) = self.queue.pop_front() else { return Ok(None) };
        self.wait_for(rseq, response.clone(), now_ms);
        Ok(Some(response))
    }

    /// The INVITE has its final response: nothing more is sent, but a PRACK that crossed it is
    /// still welcome.
    pub fn stop(&mut self) {
        self.stopped = true;
        self.queue.clear();
    }

    pub fn next_timeout_ms(&self) -> Option<u64> {
        self.waiting.as_ref().filter(|_| !self.stopped).map(|waiting| waiting.next_ms)
    }

    pub fn handle_timeout(&mut self, now_ms: u64) -> Option<Todo<R>> {
        let running = !self.stopped;
        let waiting = self.waiting.as_mut().filter(|at| running && at.next_ms <= now_ms)?;
        if now_ms >= waiting.give_up_ms {
            self.stop();
            return Some(Todo::GiveUp);
        }
        waiting.interval_ms = (waiting.interval_ms * 2).min(T2.as_millis() as u64);
        waiting.next_ms = (now_ms + waiting.interval_ms).min(waiting.give_up_ms);
        Some(Todo::Send(waiting.response.clone()))
    }
}

fn number(word: &str) -> Option<u32> {
    word.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_and_in_order() {
        let mut reliable = Reliable::new(7, 1);
        assert_eq!(reliable.send(|rseq| rseq, 0), Some(7));
        assert_eq!(reliable.send(|rseq| rseq, 0), None, "waits for the first");
        assert_eq!(reliable.acknowledge("8 1 INVITE", 10), Err(()));
        assert_eq!(reliable.acknowledge("7 2 INVITE", 10), Err(()));
        assert_eq!(reliable.acknowledge("7 1 UPDATE", 10), Err(()));
        assert_eq!(reliable.acknowledge("7 1", 10), Err(()));
        assert_eq!(reliable.acknowledge("7 1 INVITE", 10), Ok(Some(8)));
        assert_eq!(reliable.acknowledge("7 1 INVITE", 10), Err(()), "only once");
        assert_eq!(reliable.acknowledge("8 1 INVITE", 10), Ok(None));
        assert_eq!(reliable.next_timeout_ms(), None);
    }

    #[test]
    fn sent_again_at_doubling_times_then_given_up() {
        let mut reliable = Reliable::new(1, 1);
        reliable.send(|rseq| rseq, 0);
        let mut sent = Vec::new();
        while let Some(at) = reliable.next_timeout_ms() {
            match reliable.handle_timeout(at) {
                Some(Todo::Send(_)) => sent.push(at),
                Some(Todo::GiveUp) => assert_eq!(at, 32_000),
                None => panic!("the timer was due"),
            }
        }
        assert_eq!(sent.get(..5), Some(&[500, 1_500, 3_500, 7_500, 11_500][..]));
    }

    #[test]
    fn the_final_response_ends_it() {
        let mut reliable = Reliable::new(1, 1);
        reliable.send(|rseq| rseq, 0);
        reliable.stop();
        assert_eq!(reliable.next_timeout_ms(), None);
        assert_eq!(reliable.handle_timeout(60_000), None);
        assert_eq!(reliable.acknowledge("1 1 INVITE", 1), Ok(None), "it crossed the 200");
        assert_eq!(reliable.acknowledge("1 1 INVITE", 1), Err(()));
    }
}
