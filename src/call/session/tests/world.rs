//! A deterministic world around one session: it obeys commands as a runtime does, late, twice,
//! or not at all, and hangs up anywhere. Invariants are checked on the whole trace.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::base::caller::{CallerInfo, CustomerProfile};
use crate::base::card::Priority;
use crate::base::consent::ConsentMode;
use crate::base::ids::{AgentId, CallId, LegId, OfferId, PlayId, TrunkId};
use crate::base::key::Key;
use crate::base::language::Language;
use crate::base::moment::Moment;
use crate::base::spoken::Heard;
use crate::base::utterance::Utterance;
use crate::call::command::{Command, Fact, Recording, Route, TransferStep};
use crate::call::event::{DialFailure, Event, LegEnd, NotReserved};
use crate::call::steer::Steer;
use crate::call::{Output, Session, SessionSetup, TransferSetup};
use crate::knowledge::Knowledge;
use crate::knowledge::lookup::LookupFailure;
use crate::policy::Tables;
use crate::understanding::{self, Understander};

/// xorshift: the only source of chance.
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end.max(1)
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

pub fn setup(consent: ConsentMode) -> SessionSetup {
    use std::sync::{Arc, OnceLock};
    static UNDERSTANDER: OnceLock<Understander> = OnceLock::new();
    let understander =
        UNDERSTANDER.get_or_init(|| Understander::new(understanding::Tables::embedded())).clone();
    SessionSetup {
        call: CallId::new(1, [0; 10]),
        understander,
        policy: Arc::new(Tables::embedded()),
        knowledge: Arc::new(Knowledge::embedded()),
        company: "Northwind".into(),
        country: "US".into(),
        civil_now: "2026-11-20T10:00".parse().expect("is a time"),
        consent,
        speech_pressed: false,
        transfer: TransferSetup::default(),
        call_max: Duration::from_secs(3_600),
    }
}

pub fn caller() -> CallerInfo {
    CallerInfo {
        number: Some("12025550100".to_owned().into()),
        name: Some("Ada".to_owned().into()),
        dialled: "help".into(),
        trunk: TrunkId::from("t"),
        user_agent: None,
        language: Language::english(),
        peer: Some(([192, 0, 2, 7], 5_060).into()),
        profile: CustomerProfile::default(),
    }
}

const SAYINGS: [&str; 14] = [
    "When are you open?",
    "I want to talk to an agent.",
    "Where is my order?",
    "four two one seven",
    "yes",
    "no",
    "one two three four five",
    "This is ridiculous and unacceptable.",
    "goodbye",
    "there is a fire",
    "blah blah unrelated",
    "don't record this",
    "cancel my order",
    "my card is 4111 1111 1111 1111",
];

/// One session with what happens to it.
pub struct World {
    pub session: Session,
    pub now: Moment,
    pub trace: Vec<(Moment, Command)>,
    coming: BTreeMap<(Moment, u64), Event>,
    count: u64,
    chance: Chance,
}

impl World {
    pub fn new(seed: u64, consent: ConsentMode) -> Self {
        Self {
            session: Session::new(setup(consent)),
            now: Moment::ZERO,
            trace: Vec::new(),
            coming: BTreeMap::new(),
            count: 0,
            chance: Chance::new(seed),
        }
    }

    fn soon(&mut self, after_ms: u64, event: Event) {
        self.count += 1;
        self.coming.insert((self.now + Duration::from_millis(after_ms), self.count), event);
    }

    /// Runs to the call's end, or to `until`.
    pub fn run(&mut self, until: Moment) {
        self.soon(0, Event::Arrived { caller: Box::new(caller()) });
        self.drain();
        while !self.session.is_over() && self.now < until {
            let timeout = match self.session.poll_output() {
                Output::Timeout(at) => at,
                Output::Command(_) => unreachable!("drained"),
            };
            let event_at = self.coming.keys().next().map(|(at, _)| *at);
            match (event_at, timeout) {
                (Some(at), timer) if timer.is_none_or(|timer| at <= timer) => {
                    self.now = self.now.max(at);
                    if let Some((_, event)) = self.coming.pop_first() {
                        self.session.handle_event(self.now, event);
                    }
                }
                (_, Some(timer)) => {
                    self.now = self.now.max(timer);
                    self.session.handle_timeout(self.now);
                }
                (_, None) => self.caller_leaves(),
            }
            self.drain();
        }
    }

    fn caller_leaves(&mut self) {
        self.soon(1, Event::LegEnded { leg: LegId::CALLER, end: LegEnd::HungUp });
        self.now = self.now + Duration::from_millis(1);
    }

    fn drain(&mut self) {
        while let Output::Command(command) = self.session.poll_output() {
            self.trace.push((self.now, command.clone()));
            self.obey(command);
        }
    }

    fn obey(&mut self, command: Command) {
        let late = self.chance.below(400);
        match command {
            Command::AnswerCaller => {
                self.soon(20 + late, Event::CallerConnected);
                self.soon(60 + late, Event::MediaSeen { leg: LegId::CALLER });
                // Every caller leaves some time.
                let stay = 2_000 + self.chance.below(90_000);
                let end = [LegEnd::HungUp, LegEnd::MediaLost, LegEnd::SignallingLost]
                    [self.chance.below(3) as usize];
                self.soon(stay, Event::LegEnded { leg: LegId::CALLER, end });
            }
            Command::Play { leg, play, what } => self.plays(leg, play, &what.text),
            Command::DialAgent { leg, card, .. } => {
                self.agent_rings(leg);
                self.agent_steers(card.offer);
            }
            Command::HangUp { leg, .. } => {
                if !self.chance.one_in(15) {
                    self.soon(late, Event::LegEnded { leg, end: LegEnd::ByUs });
                }
            }
            Command::Reserve { request } if request.only.is_some() => {
                let agent = request.only.unwrap_or_else(|| AgentId::from("a0"));
                let name = agent.to_string();
                match self.chance.below(3) {
                    0 => self.soon(late, Event::NotReserved { why: NotReserved::AllBusy }),
                    _ => self.soon(late, Event::Reserved { agent, name }),
                }
            }
            Command::Reserve { .. } => {
                let agent = AgentId(format!("a{}", self.chance.below(3)));
                let name = agent.to_string();
                match self.chance.below(5) {
                    0 => {
                        let why = [
                            NotReserved::NobodyLoggedIn,
                            NotReserved::Closed,
                            NotReserved::QueueFull,
                        ][self.chance.below(3) as usize];
                        self.soon(late, Event::NotReserved { why });
                    }
                    1 => {
                        self.soon(late, Event::NotReserved { why: NotReserved::AllBusy });
                        self.soon(late + 1, Event::QueuePosition { position: 2 });
                        self.soon(20_000 + late, Event::QueuePosition { position: 1 });
                        self.soon(30_000 + late, Event::Reserved { agent, name });
                    }
                    _ => self.soon(late, Event::Reserved { agent, name }),
                }
            }
            Command::Lookup { request, .. } => {
                if !self.chance.one_in(4) {
                    let failure = [LookupFailure::Timeout, LookupFailure::NotFound]
                        [self.chance.below(2) as usize];
                    self.soon(late, Event::LookupEnded { request, result: Err(failure) });
                }
            }
            Command::CallBack => {
                let leg = LegId::CALLER;
                if self.chance.one_in(2) {
                    self.soon(late, Event::LegFailed { leg, failure: DialFailure::NoAnswer });
                } else if !self.chance.one_in(10) {
                    // Sometimes when nobody waits any more.
                    let answer = if self.chance.one_in(5) { 31_000 } else { 4_000 };
                    self.soon(answer, Event::LegAnswered { leg });
                    self.soon(answer + 100, Event::MediaSeen { leg });
                    self.soon(answer + 20_000, Event::LegEnded { leg, end: LegEnd::MediaLost });
                }
            }
            Command::Refresh { leg } => {
                if self.chance.one_in(2) {
                    self.soon(late, Event::MediaSeen { leg });
                }
            }
            Command::RefuseCaller { .. }
            | Command::StopPlaying { .. }
            | Command::GiveWay { .. }
            | Command::Route { .. }
            | Command::Listen { .. }
            | Command::Hear { .. }
            | Command::SendKey { .. }
            | Command::Record { .. }
            | Command::LeaveQueue
            | Command::ReleaseAgent { .. }
            | Command::Note { .. }
            | Command::End { .. } => {}
        }
    }

    /// What is said is heard to its end, mostly: some cannot be rendered, some tell of no end.
    fn plays(&mut self, leg: LegId, play: PlayId, text: &str) {
        let (late, length) = (self.chance.below(400), 300 + text.len() as u64 * 20);
        if self.chance.one_in(25) {
            self.soon(late, Event::PlayFailed { play });
        } else if !self.chance.one_in(60) {
            let heard = Heard { complete: true, played_ms: length, text: text.to_owned() };
            self.soon(length, Event::PlayEnded { play, heard: heard.clone() });
            if self.chance.one_in(20) {
                self.soon(length + late, Event::PlayEnded { play, heard });
            }
        }
        if leg == LegId::CALLER {
            self.caller_reacts(length);
        } else {
            self.agent_reacts(leg, length);
        }
    }

    fn caller_reacts(&mut self, after_ms: u64) {
        let leg = LegId::CALLER;
        let at = self.chance.below(after_ms + 3_000);
        match self.chance.below(8) {
            0 => {
                let key = Key::new(['0', '1', '2', '*', '#', '7'][self.chance.below(6) as usize]);
                self.soon(at, Event::KeyPressed { leg, key: key.expect("is a key") });
            }
            1 => self.soon(at, Event::HeardNothing { leg }),
            2 => self.soon(at, Event::SpeechUnavailable { leg }),
            3 => {}
            _ => {
                self.soon(at, Event::SpeechBegan { leg });
                let text = SAYINGS[self.chance.below(SAYINGS.len() as u64) as usize];
                let began = self.now + Duration::from_millis(at);
                let utterance = Box::new(Utterance::typed(text, began, 900));
                let late = self.chance.one_in(6);
                if late {
                    self.soon(at + 2_500, Event::WordsLate { leg });
                }
                let heard = at + if late { 2_600 + self.chance.below(2_000) } else { 1_200 };
                match self.chance.below(12) {
                    0 if late => self.soon(heard, Event::HeardNothing { leg }),
                    1 if late => self.soon(heard, Event::SpeechUnavailable { leg }),
                    _ => self.soon(heard, Event::Heard { leg, utterance }),
                }
            }
        }
    }

    fn agent_rings(&mut self, leg: LegId) {
        let late = self.chance.below(3_000);
        self.soon(late, Event::LegRinging { leg });
        let failures = [
            DialFailure::Busy,
            DialFailure::Declined,
            DialFailure::NoAnswer,
            DialFailure::ServerError(500),
            DialFailure::Unreachable,
        ];
        match self.chance.below(10) {
            n @ 0..5 => {
                let failure = failures[n as usize];
                self.soon(late + 500, Event::LegFailed { leg, failure });
            }
            5 => {}
            _ => {
                // Sometimes so late that the offer was taken back.
                let answer = if self.chance.one_in(5) { 19_000 } else { 1_500 };
                self.soon(late + answer, Event::LegAnswered { leg });
                self.soon(late + answer + 100, Event::MediaSeen { leg });
            }
        }
    }

    /// Buttons of the page, at any moment and in any order.
    fn agent_steers(&mut self, offer: OfferId) {
        let colleague = AgentId(format!("a{}", self.chance.below(4)));
        let all = [
            Steer::Accept { three_way: false },
            Steer::Accept { three_way: true },
            Steer::Decline { reason: "busy".into() },
            Steer::HearSummary,
            Steer::Hold,
            Steer::Resume,
            Steer::Mute { on: true },
            Steer::Mute { on: false },
            Steer::Key { key: Key::new('5').expect("is a key") },
            Steer::Record { on: false },
            Steer::Record { on: true },
            Steer::Say { text: "One moment.".into() },
            Steer::Consult { agent: colleague.clone() },
            Steer::Consult { agent: colleague },
            Steer::Complete,
            Steer::Abort,
            Steer::Swap,
            Steer::ThreeWay,
            Steer::ToMachine,
            Steer::HangUp,
        ];
        if self.chance.one_in(2) {
            return;
        }
        let mut at = 500;
        for _ in 0..self.chance.below(9) {
            at += self.chance.below(6_000);
            let by = all[self.chance.below(all.len() as u64) as usize].clone();
            self.soon(at, Event::Steered { offer, by });
        }
    }

    fn agent_reacts(&mut self, leg: LegId, after_ms: u64) {
        let at = self.chance.below(after_ms + 4_000);
        let key = |symbol| Event::KeyPressed { leg, key: Key::new(symbol).expect("is a key") };
        match self.chance.below(10) {
            9 => {
                self.soon(at, key('1'));
                for again in 1..4 {
                    self.soon(at + again * 9_000, key('5'));
                }
            }
            0 => self.soon(at, key('2')),
            1 => self.soon(at, key('3')),
            2 => self.soon(at, Event::LegEnded { leg, end: LegEnd::HungUp }),
            3 => self.soon(at, Event::MediaSilent { leg }),
            4 => {
                self.soon(at, key('1'));
                self.soon(at + 8_000, Event::LegEnded { leg, end: LegEnd::MediaLost });
            }
            5 => {
                self.soon(at, key('1'));
                self.soon(at + 9_000, Event::LegEnded { leg, end: LegEnd::HungUp });
            }
            6 => {}
            _ => self.soon(at, key('1')),
        }
    }
}

/// What must hold of every call.
fn judge(seed: u64, world: &World) {
    let tell = |what: &str| format!("SEED={seed}: {what}\n{}", shown(&world.trace));
    let ends = world.trace.iter().filter(|(_, c)| matches!(c, Command::End { .. })).count();
    assert_eq!(ends, 1, "{}", tell("one disposition"));
    let last = world.trace.last().map(|(_, command)| command);
    assert!(matches!(last, Some(Command::End { .. })), "{}", tell("End is last"));
    let (mut consented, mut started, mut stopped) = (false, false, false);
    // Who has said yes to this call, and whose leg is whose.
    let (mut accepted, mut legs) = (BTreeSet::new(), BTreeMap::new());
    let (mut danger, mut told) = (false, false);
    let mut reserved: i64 = 0;
    for (_, command) in &world.trace {
        match command {
            Command::Record { how: Recording::Start } => {
                assert!(!started && !stopped, "{}", tell("recorded twice, or after the stop"));
                started = true;
            }
            Command::Record { how: Recording::Stop } => stopped = true,
            Command::Note { fact } => match fact.as_ref() {
                Fact::Consent { .. } => consented = true,
                Fact::Transfer {
                    step: TransferStep::Accepted { agent } | TransferStep::Consulting { agent },
                    ..
                } => {
                    accepted.insert(agent.clone());
                }
                Fact::Decided { priority: Priority::P0, .. } => danger = true,
                Fact::Transfer { step: TransferStep::Offered { .. }, .. } => reserved += 1,
                _ => {}
            },
            Command::Route { routes } => {
                for (leg, route) in routes {
                    let agent = legs.get(leg);
                    if matches!(route, Route::Bridge { .. }) && *leg != LegId::CALLER {
                        let yes = agent.is_some_and(|agent| accepted.contains(agent));
                        assert!(yes, "{}", tell(&format!("leg {leg} is joined unaccepted")));
                    }
                }
            }
            Command::DialAgent { leg, card, .. } => {
                legs.insert(*leg, card.agent.clone());
            }
            Command::ReleaseAgent { agent, .. } => {
                accepted.remove(agent);
            }
            Command::Play { leg: LegId::CALLER, what, .. } => {
                told |= matches!(what.prompt.as_deref(), Some("danger" | "emergency"));
            }
            _ => {}
        }
    }
    assert!(!danger || told, "{}", tell("danger, and no number to dial"));
    assert!(!started || consented, "{}", tell("recorded without consent"));
    let released = world.trace.iter().filter(|(_, c)| matches!(c, Command::ReleaseAgent { .. }));
    let released = released.count() as i64;
    assert!(released >= reserved, "{}", tell(&format!("{reserved} offered, {released} released")));
    let output = world.session.timers.next().is_none();
    assert!(output, "{}", tell("a timer runs after the end"));
}

pub fn shown(trace: &[(Moment, Command)]) -> String {
    trace.iter().map(|(at, command)| format!("{:>7} {command:?}\n", at.0)).collect()
}

#[test]
fn every_world_ends_well() {
    let modes = [ConsentMode::Notice, ConsentMode::Ask, ConsentMode::Off];
    let one = std::env::var("SEED").ok().and_then(|seed| seed.parse::<u64>().ok());
    let count = if std::env::var_os("WARMLINE_FULL").is_some() { 20_000 } else { 2_000 };
    let seeds: Vec<u64> = one.map_or_else(|| (0..count).collect(), |seed| vec![seed]);
    for seed in seeds {
        let mut world = World::new(seed, modes[(seed % 3) as usize]);
        world.run(Moment(600_000));
        assert!(world.session.is_over(), "SEED={seed}: never ends\n{}", shown(&world.trace));
        judge(seed, &world);
    }
}

/// The same events at the same times give the same commands.
#[test]
fn a_call_can_be_replayed() {
    for seed in [3, 44, 505] {
        let run = || {
            let mut world = World::new(seed, ConsentMode::Notice);
            world.run(Moment(600_000));
            shown(&world.trace)
        };
        assert_eq!(run(), run());
    }
}
