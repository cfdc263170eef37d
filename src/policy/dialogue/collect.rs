//! Getting a number or a date: asked, heard or keyed, read back, corrected.

use crate::base::card::Priority;
use crate::base::moment::Moment;
use crate::base::reason::Reason;
use crate::policy::step::Step;
use crate::understanding::outcome::{CallerCommand, Understanding};

use super::{Dialogue, Matter, State};

/// Confidence from which another intent is a change of mind.
const CHANGED_MIND_MIN: f32 = 0.5;

impl Dialogue {
    /// Begins a matter: what is missing is asked for, what was said already is used.
    pub(super) fn begin(
        &mut self,
        matter: Matter,
        heard: &Understanding,
        reasons: Vec<Reason>,
        steps: &mut Vec<Step>,
    ) {
        self.decided("green", format!("begin {}", matter.intent), reasons, steps);
        match value_of(&matter, heard) {
            Some(value) => self.got(matter, value, steps),
            None if matter.slot.is_none() => self.confirm_or_look(matter, steps),
            None => {
                self.ask_for(&matter, false, steps);
                self.enter(State::Collecting { matter });
                self.await_caller(steps);
            }
        }
    }

    pub(super) fn ask_for(&mut self, matter: &Matter, again: bool, steps: &mut Vec<Step>) {
        let slot = matter.slot.as_deref().unwrap_or("date");
        let name = if again { format!("ask_again_{slot}") } else { format!("ask_{slot}") };
        self.say(&name, &[], steps);
    }

    /// A turn while collecting.
    pub(super) fn collected(
        &mut self,
        now: Moment,
        heard: &Understanding,
        mut matter: Matter,
        steps: &mut Vec<Step>,
    ) {
        if let Some(value) = value_of(&matter, heard) {
            self.unrecognised = 0;
            self.got(matter, value, steps);
            return;
        }
        // Somebody who changes their mind is not asked for a number again.
        if changed_mind(&matter, heard) && heard.slots.is_empty() {
            self.enter(State::Listening);
            self.request(now, heard, steps);
            return;
        }
        matter.tries += 1;
        if matter.tries >= self.tables.rules.collect_max {
            return self.give_up(&matter, steps);
        }
        self.ask_for(&matter, true, steps);
        self.state = State::Collecting { matter };
        self.await_caller(steps);
    }

    /// What was read back is wrong: asked for again, a few times.
    pub(super) fn not_right(&mut self, mut matter: Matter, steps: &mut Vec<Step>) {
        matter.tries += 1;
        matter.value = None;
        if matter.slot.is_none() {
            self.say("not_done", &[], steps);
            self.enter(State::Listening);
            self.say("more", &[], steps);
        } else if matter.tries >= self.tables.rules.collect_max {
            return self.give_up(&matter, steps);
        } else {
            self.ask_for(&matter, true, steps);
            self.enter(State::Collecting { matter });
        }
        self.await_caller(steps);
    }

    /// So often asked and not understood, the number is a person's matter.
    fn give_up(&mut self, matter: &Matter, steps: &mut Vec<Step>) {
        let what = matter.slot.clone().unwrap_or_default().replace('_', " ");
        let reason = Reason::new(format!("no {what} after {} tries", matter.tries));
        let hand_over = self.plain_hand_over(Priority::P2, vec![reason]);
        self.decide("collect", "person: number not understood", &hand_over, steps);
        self.hand_over(hand_over, steps);
    }

    /// A value is there: read it back.
    pub(super) fn got(&mut self, mut matter: Matter, value: String, steps: &mut Vec<Step>) {
        matter.value = Some(value);
        self.confirm_or_look(matter, steps);
    }

    fn confirm_or_look(&mut self, matter: Matter, steps: &mut Vec<Step>) {
        self.read_back(&matter, steps);
        self.enter(State::Confirming { matter });
        self.await_caller(steps);
    }

    pub(super) fn read_back(&mut self, matter: &Matter, steps: &mut Vec<Step>) {
        let value = matter.value.clone().unwrap_or_default();
        let name = match matter.task {
            true => format!("confirm_{}", matter.intent),
            false => format!("read_back_{}", matter.slot.as_deref().unwrap_or("date")),
        };
        self.say(&name, &[("value", &value)], steps);
    }

    /// Yes, no, or a correction.
    pub(super) fn confirmed(
        &mut self,
        now: Moment,
        heard: &Understanding,
        matter: Matter,
        steps: &mut Vec<Step>,
    ) {
        let mended = heard.correction.as_ref().and_then(|one| one.apply(matter.value.as_deref()?));
        let corrected = mended
            .filter(|value| fits(&matter, value))
            .or_else(|| value_of(&matter, heard))
            .filter(|new| Some(new) != matter.value.as_ref());
        match (heard.command, corrected) {
            (_, Some(value)) => self.got(matter, value, steps),
            (Some(CallerCommand::Yes), None) => self.look_up(matter, steps),
            (Some(CallerCommand::No), None) => self.not_right(matter, steps),
            (_, None) if changed_mind(&matter, heard) => {
                self.enter(State::Listening);
                self.request(now, heard, steps);
            }
            (_, None) => self.misunderstood(heard, steps),
        }
    }
}

/// Whether the caller asks for something else: less sure, it is a word about the number that was
/// not understood.
fn changed_mind(matter: &Matter, heard: &Understanding) -> bool {
    let other = heard.intent.as_ref().filter(|intent| intent.intent != matter.intent);
    other.is_some_and(|intent| {
        intent.intent.as_str() != "thanks" && intent.confidence >= CHANGED_MIND_MIN
    })
}

/// `true` if `value` is as long as the matter's numbers are.
fn fits(matter: &Matter, value: &str) -> bool {
    match matter.digits {
        None => !value.is_empty(),
        Some((min, max)) => {
            let digits = value.chars().filter(char::is_ascii_digit).count();
            let only = value.chars().all(|c| c.is_ascii_alphanumeric());
            only && (usize::from(min)..=usize::from(max)).contains(&digits)
        }
    }
}

/// The matter's value in what was heard: the slot by name, or digits of a fitting length.
fn value_of(matter: &Matter, heard: &Understanding) -> Option<String> {
    let slot = matter.slot.as_deref()?;
    let fits = |value: &str| fits(matter, value);
    let named = heard.slots.iter().find(|found| found.name == slot && fits(found.value.reveal()));
    let digits = || {
        let strings = ["digits", "number", "order_number", "customer_number", "postcode"];
        heard
            .slots
            .iter()
            .filter(|_| matter.digits.is_some())
            .find(|found| strings.contains(&found.name.as_str()) && fits(found.value.reveal()))
    };
    named.or_else(digits).map(|found| found.value.reveal().clone())
}
