//! Who is decoded next, and who is shed when too many wait. Pure; time is an argument.

use std::time::Instant;

use super::super::order::DecodeClass;

/// Something that waits.
#[derive(Debug)]
pub struct Waiting<T> {
    pub ticket: u64,
    pub class: DecodeClass,
    pub deadline: Instant,
    pub what: T,
}

/// The bounded queue: by class, then by deadline, then in order of arrival.
#[derive(Debug)]
pub struct DecodeQueue<T> {
    waiting: Vec<Waiting<T>>,
    length_max: usize,
}

impl<T> DecodeQueue<T> {
    pub fn new(length_max: usize) -> Self {
        Self { waiting: Vec::new(), length_max: length_max.max(1) }
    }

    /// Takes `entry` in. If that is one too many, gives back the one that is shed for it: a
    /// partial first, then the oldest bridge speech, then a speculative decode; a final is shed
    /// only for want of all these, and then it is the newest.
    pub fn push(&mut self, entry: Waiting<T>) -> Option<Waiting<T>> {
        self.waiting.push(entry);
        if self.waiting.len() <= self.length_max {
            return None;
        }
        let place =
            [DecodeClass::Partial, DecodeClass::Conversation, DecodeClass::CallerSpeculative]
                .into_iter()
                .find_map(|class| self.waiting.iter().position(|one| one.class == class))
                .unwrap_or(self.waiting.len() - 1);
        Some(self.waiting.remove(place))
    }

    /// The most urgent one.
    pub fn pop(&mut self) -> Option<Waiting<T>> {
        let (place, _) = self
            .waiting
            .iter()
            .enumerate()
            .min_by_key(|(_, one)| (one.class, one.deadline, one.ticket))?;
        Some(self.waiting.remove(place))
    }

    /// Those whose deadline has passed at `now`.
    pub fn take_expired(&mut self, now: Instant) -> Vec<Waiting<T>> {
        self.waiting.extract_if(.., |one| one.deadline <= now).collect()
    }

    pub fn cancel(&mut self, ticket: u64) -> Option<Waiting<T>> {
        let place = self.waiting.iter().position(|one| one.ticket == ticket)?;
        Some(self.waiting.remove(place))
    }

    /// Makes a speculative decode a final one. `false` if it does not wait here.
    pub fn raise(&mut self, ticket: u64, deadline: Instant) -> bool {
        let found = self.waiting.iter_mut().find(|one| one.ticket == ticket);
        found.is_some_and(|one| {
            one.class = DecodeClass::CallerFinal;
            one.deadline = deadline;
            true
        })
    }

    pub fn take_all(&mut self) -> Vec<Waiting<T>> {
        std::mem::take(&mut self.waiting)
    }

    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    pub fn count(&self, class: DecodeClass) -> usize {
        self.waiting.iter().filter(|one| one.class == class).count()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use DecodeClass::{CallerFinal, CallerSpeculative, Conversation, Partial};

    /// Pushes `(class, deadline in ms)` with tickets 0, 1, 2…; the tickets shed on the way.
    fn filled(
        length_max: usize,
        entries: &[(DecodeClass, u64)],
    ) -> (DecodeQueue<()>, Vec<u64>, Instant) {
        let start = Instant::now();
        let mut queue = DecodeQueue::new(length_max);
        let mut shed = Vec::new();
        for (ticket, (class, ms)) in entries.iter().enumerate() {
            let deadline = start + Duration::from_millis(*ms);
            let entry = Waiting { ticket: ticket as u64, class: *class, deadline, what: () };
            shed.extend(queue.push(entry).map(|one| one.ticket));
        }
        (queue, shed, start)
    }

    fn order(mut queue: DecodeQueue<()>) -> Vec<u64> {
        std::iter::from_fn(|| queue.pop()).map(|one| one.ticket).collect()
    }

    #[test]
    fn finals_come_first_then_the_nearest_deadline() {
        let entries = [
            (Partial, 100),
            (Conversation, 100),
            (CallerSpeculative, 900),
            (CallerFinal, 800),
            (CallerFinal, 700),
            (CallerFinal, 800),
        ];
        assert_eq!(order(filled(9, &entries).0), [4, 3, 5, 2, 1, 0]);
    }

    #[test]
    fn partials_are_shed_first_and_finals_last() {
        let entries = [
            (CallerFinal, 1),
            (Conversation, 9),
            (Partial, 1),
            (Conversation, 5),
            (CallerSpeculative, 1),
            (CallerFinal, 1),
            (CallerFinal, 1),
        ];
        let (queue, shed, _) = filled(3, &entries);
        assert_eq!(shed, [2, 1, 3, 4]);
        assert_eq!(order(queue), [0, 5, 6]);
        let (queue, shed, _) = filled(2, &[(CallerFinal, 1); 4]);
        assert_eq!((shed, order(queue)), (vec![2, 3], vec![0, 1]));
    }

    #[test]
    fn a_partial_is_never_taken_in_for_a_final() {
        let (queue, shed, _) = filled(1, &[(CallerFinal, 5), (Partial, 1)]);
        assert_eq!((shed, order(queue)), (vec![1], vec![0]));
    }

    #[test]
    fn what_is_too_late_is_taken_out() {
        let (mut queue, _, start) = filled(9, &[(CallerFinal, 10), (Partial, 1_000)]);
        let late = queue.take_expired(start + Duration::from_millis(10));
        assert_eq!(late.iter().map(|one| one.ticket).collect::<Vec<_>>(), [0]);
        assert_eq!(queue.len(), 1);
    }

    #[test]
    fn a_speculative_decode_can_be_raised_or_cancelled() {
        let (mut queue, _, start) =
            filled(9, &[(CallerSpeculative, 10), (CallerSpeculative, 5), (Conversation, 1)]);
        assert!(queue.raise(0, start + Duration::from_secs(9)));
        assert!(!queue.raise(7, start));
        assert_eq!(queue.count(CallerFinal), 1);
        assert!(queue.cancel(2).is_some());
        assert!(queue.cancel(2).is_none());
        assert_eq!(order(queue), [0, 1]);
    }
}
