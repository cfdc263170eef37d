//! What is being said to whom, and what was really heard of it.

use std::time::Duration;

use crate::base::card::Speaker;
use crate::base::ids::LegId;
use crate::base::markup;
use crate::base::spoken::{Heard, Spoken};
use crate::call::command::Command;

use super::*;

/// Longer than any prompt: plays without an end are given up.
const PLAYS_MAX: Duration = Duration::from_secs(90);

/// Plays that have not ended.
#[derive(Debug, Default)]
pub(super) struct Plays {
    list: Vec<Playing>,
    next: u32,
}

#[derive(Debug)]
struct Playing {
    play: PlayId,
    leg: LegId,
    began: Moment,
    /// When it has been heard whole, recording may begin.
    notice: bool,
    said: bool,
}

impl Plays {
    pub fn on(&self, leg: LegId) -> bool {
        self.list.iter().any(|playing| playing.leg == leg)
    }
}

impl Session {
    /// Says something to a leg. Only what the caller hears goes into the transcript.
    pub(super) fn play(&mut self, now: Moment, leg: LegId, what: Spoken) -> PlayId {
        let play = PlayId(self.plays.next);
        self.plays.next += 1;
        let said = leg == LegId::CALLER;
        self.plays.list.push(Playing { play, leg, began: now, notice: false, said });
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

    pub(super) fn stop_playing(&mut self, leg: LegId) {
        if self.plays.on(leg) {
            self.command(Command::StopPlaying { leg });
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
    }
}
