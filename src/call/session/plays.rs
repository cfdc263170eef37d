//! What is being said to whom, and what was really heard of it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::base::card::Speaker;
use crate::base::ids::LegId;
use crate::base::markup;
use crate::base::spoken::{Heard, Spoken};
use crate::call::command::{Command, GiveWay};
use crate::policy::fills_a_wait;

use super::*;

/// Longer than any prompt: plays without an end are given up.
const PLAYS_MAX: Duration = Duration::from_secs(90);

/// What was suspected is known for what it was after this.
const DUCKED_MAX: Duration = Duration::from_secs(3);
/// The same for a voice: the longest utterance and its text.
const PAUSED_MAX: Duration = Duration::from_secs(36);

/// Plays that have not ended.
#[derive(Debug, Default)]
pub(super) struct Plays {
    list: Vec<Playing>,
    next: u32,
    /// Legs whose plays give way to a voice.
    giving_way: BTreeMap<LegId, GiveWay>,
    /// What the caller heard was cut off for a voice whose words are late.
    cut_off: bool,
}

#[derive(Debug)]
struct Playing {
    play: PlayId,
    leg: LegId,
    began: Moment,
    /// When it has been heard whole, recording may begin.
    notice: bool,
    said: bool,
    barge_in: bool,
    /// It only fills a wait: nothing is told and nothing is asked by it.
    fills: bool,
}

impl Plays {
    pub fn on(&self, leg: LegId) -> bool {
        self.list.iter().any(|playing| playing.leg == leg)
    }

    /// The same, but for what only fills a wait.
    pub fn tells(&self, leg: LegId) -> bool {
        self.list.iter().any(|playing| playing.leg == leg && !playing.fills)
    }

    /// Whether the leg plays something, and a voice may interrupt all of it.
    fn may_be_interrupted(&self, leg: LegId) -> bool {
        let mut on_leg = self.list.iter().filter(|playing| playing.leg == leg).peekable();
        on_leg.peek().is_some() && on_leg.all(|playing| playing.barge_in)
    }

    /// `true` once if something was cut off for words that have not come.
    pub(super) fn take_cut_off(&mut self) -> bool {
        std::mem::take(&mut self.cut_off)
    }

    pub(super) fn given_way(&self, leg: LegId) -> GiveWay {
        self.giving_way.get(&leg).copied().unwrap_or_default()
    }
}

impl Session {
    /// Says something to a leg. Only what the caller hears goes into the transcript.
    pub(super) fn play(&mut self, now: Moment, leg: LegId, what: Spoken) -> PlayId {
        let play = PlayId(self.plays.next);
        self.plays.next += 1;
        let said = leg == LegId::CALLER;
        let barge_in = what.barge_in;
        let fills = fills_a_wait(&what);
        // What was cut off is over once something else is said.
        self.plays.cut_off &= fills || !said;
        let playing = Playing { play, leg, began: now, notice: false, said, barge_in, fills };
        self.plays.list.push(playing);
        if said {
            self.timers.stop(Timer::NoInput);
            self.timers.set(Timer::Plays, now, PLAYS_MAX);
        }
        self.command(Command::Play { leg, play, what });
        play
    }

    /// Says the prompt `name` to a leg.
    pub(super) fn prompt(&mut self, now: Moment, leg: LegId, name: &str, values: &[(&str, &str)]) {
        let language = self.language();
        let stressed = leg == LegId::CALLER && self.stressed();
        let what = self.setup.policy.prompt(name, &language, values, stressed);
        self.play(now, leg, what);
    }

    /// The caller hears that we are there, if they hear nothing else.
    pub(super) fn hold_on(&mut self, now: Moment) {
        if self.plays.given_way(LegId::CALLER) == GiveWay::Pause {
            // Silent since they spoke into it; if they said nothing it is said again.
            self.stop_playing(LegId::CALLER);
            self.plays.cut_off = true;
        } else if self.plays.on(LegId::CALLER) {
            return;
        }
        let what = self.setup.policy.hold_on(&self.language());
        self.play(now, LegId::CALLER, what);
    }

    pub(super) fn stop_playing(&mut self, leg: LegId) {
        if self.plays.on(leg) {
            self.plays.giving_way.remove(&leg);
            self.command(Command::StopPlaying { leg });
        }
    }

    /// What the leg plays gives way to a voice, as far as it may be interrupted, or goes on.
    pub(super) fn give_way(&mut self, now: Moment, leg: LegId, how: GiveWay) {
        if how == GiveWay::No {
            return self.go_on_playing(leg);
        }
        if self.plays.given_way(leg) == how || !self.plays.may_be_interrupted(leg) {
            return;
        }
        self.plays.giving_way.insert(leg, how);
        if leg == LegId::CALLER {
            let longest = if how == GiveWay::Duck { DUCKED_MAX } else { PAUSED_MAX };
            self.timers.set(Timer::GivenWay, now, longest);
        }
        self.command(Command::GiveWay { leg, how });
    }

    /// What gave way goes on where it was.
    pub(super) fn go_on_playing(&mut self, leg: LegId) {
        if self.plays.giving_way.remove(&leg).is_none_or(|how| how == GiveWay::No) {
            return;
        }
        if leg == LegId::CALLER {
            self.timers.stop(Timer::GivenWay);
        }
        self.command(Command::GiveWay { leg, how: GiveWay::No });
    }

    /// Words came of a voice over a prompt: what may be interrupted is over.
    pub(super) fn interrupted(&mut self, leg: LegId) {
        if self.plays.may_be_interrupted(leg) {
            self.stop_playing(leg);
        }
    }

    /// The last play that was begun carries the notice of recording.
    pub(super) fn mark_notice(&mut self) {
        let first_notice = self.plays.list.iter_mut().find(|playing| playing.said);
        if let Some(playing) = first_notice {
            playing.notice = true;
        }
    }

    /// A play ended (`None`: it could not be rendered). One that ended already is ignored.
    pub(super) fn play_ended(&mut self, now: Moment, play: PlayId, heard: Option<Heard>) {
        let Some(place) = self.plays.list.iter().position(|playing| playing.play == play) else {
            return;
        };
        let playing = self.plays.list.remove(place);
        // What was queued behind it begins to be heard now.
        if let Some(next) = self.plays.list.iter_mut().find(|next| next.leg == playing.leg) {
            next.began = now;
        }
        let complete = heard.as_ref().is_some_and(|heard| heard.complete);
        if let Some(heard) = heard.filter(|heard| playing.said && !heard.text.is_empty()) {
            let line = self.line(playing.began, Speaker::Machine, markup::plain(&heard.text));
            self.add_line(line.clone());
            self.note(Fact::Said { line, utterance: None, understanding: None });
        }
        if playing.notice && complete {
            self.notice_heard();
        }
        if !self.plays.on(playing.leg) {
            self.go_on_playing(playing.leg);
        }
        match playing.leg {
            LegId::CALLER if !self.plays.on(LegId::CALLER) => {
                self.timers.stop(Timer::Plays);
                self.all_heard(now);
            }
            leg if !self.plays.on(leg) => self.agent_heard_all(now, leg),
            _ => {}
        }
    }

    /// The runtime gave no end to what was said: go on as if it had been heard.
    pub(super) fn plays_lost(&mut self, now: Moment) {
        self.stop_playing(LegId::CALLER);
        self.plays.list.retain(|playing| playing.leg != LegId::CALLER);
        self.all_heard(now);
    }

    pub(super) fn forget_plays(&mut self, leg: LegId) {
        self.plays.list.retain(|playing| playing.leg != leg);
        self.plays.giving_way.remove(&leg);
    }
}
