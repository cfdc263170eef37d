//! Whole calls as scripts: what happens on the left, the short trace on the right.

use super::world::{caller, setup};
use crate::base::caller::CallerInfo;
use crate::base::card::Priority;
use crate::base::consent::ConsentMode;
use crate::base::ids::{AgentId, LegId, OfferId, PlayId, RequestId};
use crate::base::key::Key;
use crate::base::language::Language;
use crate::base::listen::ListenMode;
use crate::base::moment::Moment;
use crate::base::spoken::{Heard, Spoken};
use crate::base::utterance::Utterance;
use crate::call::command::{Command, Fact, Recording, Route, TransferStep};
use crate::call::event::{DialFailure, Event, LegEnd, NotReserved};
use crate::call::steer::Steer;
use crate::call::{Output, Session, SessionSetup};
use crate::knowledge::lookup::{LookupFailure, LookupReply};
use crate::understanding::outcome::Expecting;

pub(super) struct Call {
    pub(super) session: Session,
    now: Moment,
    playing: Vec<PlayId>,
    /// How often what the caller heard was stopped.
    pub(super) stops: usize,
    /// How the caller was to be listened to, one after another.
    pub(super) listens: Vec<ListenMode>,
    /// How urgently agents were asked for.
    pub(super) urgency: Vec<Priority>,
    leg: LegId,
    request: RequestId,
    /// The offer that the first agent's page shows.
    offer: OfferId,
    asked_in: bool,
    /// What the caller is listened to for.
    pub(super) expecting: Expecting,
    /// The language in which the caller is heard.
    pub(super) language: Language,
    /// What the caller was told.
    pub(super) spoken: Vec<Spoken>,
}

impl Call {
    pub(super) fn begin(consent: ConsentMode) -> Self {
        Self::begin_with(setup(consent), caller())
    }

    pub(super) fn begin_with(setup: SessionSetup, caller: CallerInfo) -> Self {
        let mut call = Self {
            session: Session::new(setup),
            now: Moment::ZERO,
            playing: Vec::new(),
            stops: 0,
            listens: Vec::new(),
            urgency: Vec::new(),
            leg: LegId(1),
            request: RequestId(1),
            offer: OfferId(0),
            asked_in: false,
            expecting: Expecting::Anything,
            language: Language::english(),
            spoken: Vec::new(),
        };
        call.event(Event::Arrived { caller: Box::new(caller) });
        call.event(Event::CallerConnected);
        call.event(Event::MediaSeen { leg: LegId::CALLER });
        call
    }

    fn event(&mut self, event: Event) -> String {
        self.session.handle_event(self.now, event);
        self.trace()
    }

    /// The commands since, short.
    fn trace(&mut self) -> String {
        let mut out = Vec::new();
        while let Output::Command(command) = self.session.poll_output() {
            match &command {
                Command::Play { leg, play, what } => {
                    self.playing.push(*play);
                    if *leg == LegId::CALLER {
                        self.spoken.push(what.clone());
                    }
                }
                Command::StopPlaying { leg } if *leg == LegId::CALLER => self.stops += 1,
                Command::Reserve { request } => {
                    self.urgency.push(request.priority);
                    self.asked_in = request.only.is_some();
                }
                Command::DialAgent { leg, card, .. } => {
                    self.leg = *leg;
                    if !std::mem::take(&mut self.asked_in) {
                        self.offer = card.offer;
                    }
                }
                Command::Lookup { request, .. } => self.request = *request,
                Command::Listen { leg: LegId::CALLER, mode, language, expecting } => {
                    self.listens.push(*mode);
                    self.language = language.clone();
                    self.expecting = expecting.clone();
                }
                _ => {}
            }
            out.extend(short(&command));
        }
        out.join(" ")
    }

    /// All that plays is heard to its end.
    pub(super) fn heard_all(&mut self) -> String {
        let mut out = Vec::new();
        while !self.playing.is_empty() {
            let play = self.playing.remove(0);
            let heard = Heard { complete: true, played_ms: 1_000, text: "…".into() };
            out.push(self.event(Event::PlayEnded { play, heard }));
        }
        out.retain(|part| !part.is_empty());
        out.join(" ")
    }

    fn pass(&mut self, ms: u64) -> String {
        self.now = Moment(self.now.0 + ms);
        self.session.handle_timeout(self.now);
        self.trace()
    }

    pub(super) fn step(&mut self, input: &str) -> String {
        let (word, rest) = input.split_once(' ').unwrap_or((input, ""));
        let leg = self.leg;
        let key = |text: &str| Key::new(text.chars().next().unwrap_or('0')).expect("is a key");
        let failure = |text: &str| match text {
            "busy" => DialFailure::Busy,
            "declined" => DialFailure::Declined,
            "no_answer" => DialFailure::NoAnswer,
            _ => DialFailure::ServerError(503),
        };
        match word {
            "say" => {
                let mut utterance = Box::new(Utterance::typed(rest, self.now, 900));
                utterance.language = self.language.clone();
                self.event(Event::Heard { leg: LegId::CALLER, utterance })
            }
            "heard" => self.heard_all(),
            "suspected" => self.event(Event::SpeechSuspected { leg: LegId::CALLER }),
            "dismissed" => self.event(Event::SpeechDismissed { leg: LegId::CALLER }),
            "began" => self.event(Event::SpeechBegan { leg: LegId::CALLER }),
            "late" => self.event(Event::WordsLate { leg: LegId::CALLER }),
            "so_far" => self.event(Event::WordsSoFar { leg: LegId::CALLER, text: rest.to_owned() }),
            "nothing" => self.event(Event::HeardNothing { leg: LegId::CALLER }),
            "unavailable" => self.event(Event::SpeechUnavailable { leg: LegId::CALLER }),
            "wait" => self.pass(rest.parse().expect("is a number")),
            "key" => self.event(Event::KeyPressed { leg: LegId::CALLER, key: key(rest) }),
            "agent" => {
                let agent = AgentId::from(rest);
                self.event(Event::Reserved { agent, name: rest.to_uppercase() })
            }
            "nobody" => self.event(Event::NotReserved { why: NotReserved::NobodyLoggedIn }),
            "queue_full" => self.event(Event::NotReserved { why: NotReserved::QueueFull }),
            "closed" => self.event(Event::NotReserved { why: NotReserved::Closed }),
            "all_busy" => self.event(Event::NotReserved { why: NotReserved::AllBusy }),
            "position" => {
                let position = rest.parse().expect("is a number");
                self.event(Event::QueuePosition { position })
            }
            "fails" => self.event(Event::LegFailed { leg, failure: failure(rest) }),
            "answers" => {
                let said = self.event(Event::LegAnswered { leg });
                self.event(Event::MediaSeen { leg });
                said
            }
            "agent_key" => self.event(Event::KeyPressed { leg, key: key(rest) }),
            "answers_silent" => self.event(Event::LegAnswered { leg }),
            "agent_seen" => self.event(Event::MediaSeen { leg }),
            "caller_lost" => {
                self.event(Event::LegEnded { leg: LegId::CALLER, end: LegEnd::MediaLost })
            }
            "caller_answers" => {
                let said = self.event(Event::LegAnswered { leg: LegId::CALLER });
                self.event(Event::MediaSeen { leg: LegId::CALLER });
                said
            }
            "caller_fails" => {
                let failure = DialFailure::NoAnswer;
                self.event(Event::LegFailed { leg: LegId::CALLER, failure })
            }
            "agent_silent" => self.event(Event::MediaSilent { leg }),
            "agent_ends" => self.event(Event::LegEnded { leg, end: LegEnd::HungUp }),
            "agent_lost" => self.event(Event::LegEnded { leg, end: LegEnd::MediaLost }),
            "agent_gone" => self.event(Event::LegEnded { leg, end: LegEnd::ByUs }),
            "agent_holds" => self.event(Event::LegHeld { leg }),
            "agent_resumes" => self.event(Event::LegResumed { leg }),
            "caller_ends" => {
                self.event(Event::LegEnded { leg: LegId::CALLER, end: LegEnd::HungUp })
            }
            "page" => {
                let by = steer(rest);
                self.event(Event::Steered { offer: self.offer, by })
            }
            "late_page" => {
                let by = steer(rest);
                self.event(Event::Steered { offer: OfferId(77), by })
            }
            "first_ends" => self.event(Event::LegEnded { leg: LegId(1), end: LegEnd::HungUp }),
            "timeout" => {
                let (request, result) = (self.request, Err(LookupFailure::Timeout));
                self.event(Event::LookupEnded { request, result })
            }
            "reply" => {
                let fields = [
                    ("number", "4217"),
                    ("status", "is on its way"),
                    ("arrives", "tomorrow"),
                    ("postcode", "12345"),
                ];
                let fields = fields.map(|(k, v)| (k.to_owned(), v.to_owned()));
                let reply = LookupReply { fields: fields.into_iter().collect() };
                self.event(Event::LookupEnded { request: self.request, result: Ok(reply) })
            }
            other => unreachable!("no script word {other}"),
        }
    }
}

/// A button of the page.
fn steer(text: &str) -> Steer {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    match word {
        "accept" => Steer::Accept { three_way: false },
        "three_way_accept" => Steer::Accept { three_way: true },
        "decline" => Steer::Decline { reason: rest.into() },
        "summary" => Steer::HearSummary,
        "hold" => Steer::Hold,
        "resume" => Steer::Resume,
        "mute" => Steer::Mute { on: rest == "on" },
        "pause" => Steer::Record { on: false },
        "record" => Steer::Record { on: true },
        "say" => Steer::Say { text: rest.into() },
        "consult" => Steer::Consult { agent: AgentId::from(rest) },
        "complete" => Steer::Complete,
        "abort" => Steer::Abort,
        "swap" => Steer::Swap,
        "three_way" => Steer::ThreeWay,
        "machine" => Steer::ToMachine,
        "hang_up" => Steer::HangUp,
        other => unreachable!("no button {other}"),
    }
}

/// A command in a word; none for what a script does not tell.
fn short(command: &Command) -> Option<String> {
    Some(match command {
        Command::AnswerCaller => "answer".into(),
        Command::DialAgent { card, .. } => format!("ring:{}", card.agent),
        Command::HangUp { leg, .. } if *leg == LegId::CALLER => "hang_up".into(),
        Command::HangUp { .. } => "drop_agent".into(),
        Command::Play { leg, what, .. } => {
            let name = what.prompt.clone().unwrap_or_else(|| "(text)".into());
            if *leg == LegId::CALLER { name } else { format!("@{name}") }
        }
        Command::Route { routes } => {
            let joined = routes.iter().any(|(_, route)| matches!(route, Route::Bridge { .. }));
            let music = routes.iter().any(|(_, route)| *route == Route::Music);
            let caller = routes.iter().find(|(leg, _)| *leg == LegId::CALLER);
            match (joined, music, caller.map(|(_, route)| *route)) {
                (true, _, Some(Route::Music)) => "APART".into(),
                (true, _, Some(Route::Quiet)) => "MUTED".into(),
                (true, _, _) => "JOIN".into(),
                (_, true, _) => "music".into(),
                (_, _, _) => return None,
            }
        }
        Command::Hear { .. } => "ALL".into(),
        Command::Record { how: Recording::Pause { .. } } => "record:Pause".into(),
        Command::Record { how } => format!("record:{how:?}"),
        Command::CallBack => "call_back".into(),
        Command::Refresh { .. } => "refresh".into(),
        Command::ReleaseAgent { agent, outcome } => format!("free:{agent}:{outcome:?}"),
        Command::Lookup { connector, .. } => format!("look:{connector}"),
        Command::End { disposition } => format!("END:{}", disposition.name()),
        Command::Note { fact } => match fact.as_ref() {
            Fact::Transfer { step: TransferStep::GaveUp, .. } => "gave_up".into(),
            Fact::NotKept { .. } => "forget".into(),
            Fact::WrapUp { result, .. } => format!("result:{result}"),
            Fact::Decided { rule, .. } if rule.0 == "danger_so_far" => "attention".into(),
            _ => return None,
        },
        Command::GiveWay { how, .. } => format!("give_way:{how:?}"),
        Command::RefuseCaller { .. }
        | Command::StopPlaying { .. }
        | Command::Listen { .. }
        | Command::SendKey { .. }
        | Command::Reserve { .. }
        | Command::LeaveQueue => return None,
    })
}

/// Plays a script; the times that what the caller heard was cut off.
pub(super) fn check(script: &[(&str, &str)]) -> usize {
    let mut call = Call::begin(ConsentMode::Notice);
    call.heard_all();
    run(&mut call, script);
    call.stops
}

/// Goes on with a call.
pub(super) fn run(call: &mut Call, script: &[(&str, &str)]) {
    for (turn, (input, expected)) in script.iter().enumerate() {
        assert_eq!(call.step(input), *expected, "step {turn}: {input}");
    }
}

/// From the wish for a person to a briefed agent.
pub(super) const BRIEFED: [(&str, &str); 4] = [
    ("say I want to talk to an agent", "transfer_start music"),
    ("agent anna", "ring:anna"),
    ("answers", "music @briefing @agent_menu"),
    ("heard", ""),
];

pub(super) fn after_briefing(script: &[(&str, &str)]) -> usize {
    check(&[&BRIEFED[..], script].concat())
}

/// From a briefed agent to the conversation.
pub(super) fn after_bridge(script: &[(&str, &str)]) -> usize {
    let joined = [("agent_key 1", "connected JOIN"), ("heard", "")];
    after_briefing(&[&joined[..], script].concat())
}

#[test]
fn recording_waits_for_the_notice_or_the_yes() {
    let mut call = Call::begin(ConsentMode::Notice);
    assert!(call.playing.len() >= 2, "the notice, then the question");
    assert_eq!(call.heard_all(), "record:Start");
    let mut call = Call::begin(ConsentMode::Ask);
    assert_eq!(call.heard_all(), "");
    assert_eq!(call.step("say yes"), "record:Start recording_yes how_can_i_help");
    assert_eq!(call.step("say please don't record this"), "record:Stop recording_stopped");
    let mut call = Call::begin(ConsentMode::Off);
    assert_eq!(call.heard_all(), "");
}

#[test]
fn a_question_is_answered_and_the_call_ends() {
    check(&[
        ("say When are you open?", "answer_opening_hours anything_else"),
        ("heard", ""),
        ("say yes", "goodbye"),
        ("heard", "hang_up"),
        ("caller_ends", "record:Stop"),
        ("wait 3000", "END:answered"),
    ]);
}

#[test]
fn an_order_is_looked_up_and_proved() {
    check(&[
        ("say Where is my order?", "ask_order_number"),
        ("say four two one seven", "read_back_order_number"),
        ("say yes", "one_second look:order"),
        ("reply", "ask_proof_postcode"),
        ("say one two three four five", "answer_order_status anything_else"),
        ("caller_ends", "record:Stop"),
        ("wait 3000", "END:answered"),
    ]);
    check(&[
        ("say Where is my order?", "ask_order_number"),
        ("say four two one seven", "read_back_order_number"),
        ("say yes", "one_second look:order"),
        ("timeout", "lookup_failed music"),
    ]);
}

/// Four seconds without a sound are too many: a slow business system is told of.
#[test]
fn a_slow_look_up_is_no_silence() {
    check(&[
        ("say Where is my order?", "ask_order_number"),
        ("say four two one seven", "read_back_order_number"),
        ("say yes", "one_second look:order"),
        ("heard", ""),
        ("wait 3499", ""),
        ("wait 1", "still_looking"),
        // Nothing is said into what is being said.
        ("wait 3500", ""),
        ("heard", ""),
        ("wait 3500", "still_looking"),
        ("heard", ""),
        ("reply", "ask_proof_postcode"),
        ("heard", ""),
        ("wait 4000", ""),
    ]);
}

/// A whole answer ends its turn at once only where the ear knows the question.
#[test]
fn the_ear_is_told_what_was_asked() {
    let mut call = Call::begin(ConsentMode::Notice);
    call.heard_all();
    let postcode = Expecting::Code { slot: "postcode".into(), signs: 5 };
    let course = [
        ("say Where is my order?", ListenMode::Digits, Expecting::Digits { min: 4, max: 4 }),
        ("say four two one seven", ListenMode::Turn, Expecting::YesNo),
        ("reply", ListenMode::Digits, postcode),
        ("say one two three four five", ListenMode::Turn, Expecting::Anything),
    ];
    for (said, mode, expecting) in course {
        if said == "reply" {
            call.step("say yes");
        }
        call.step(said);
        assert_eq!((call.listens.last(), &call.expecting), (Some(&mode), &expecting), "{said}");
    }
}

#[test]
fn card_numbers_are_not_kept() {
    check(&[
        ("say my card number is 4111 1111 1111 1111", "record:Pause forget"),
        ("say oh five two seven", ""),
        ("say When are you open?", "record:Resume answer_opening_hours anything_else"),
    ]);
}

#[test]
fn three_silences_lead_to_a_person() {
    check(&[
        ("wait 9000", "no_input"),
        ("heard", ""),
        ("wait 9000", "no_input_again"),
        ("heard", ""),
        ("wait 9000", "transfer_start music"),
    ]);
}

#[test]
fn every_failed_offer_goes_to_the_next_agent_or_back() {
    for (failure, outcome) in
        [("busy", "Busy"), ("declined", "Declined"), ("no_answer", "NoAnswer"), ("error", "Failed")]
    {
        check(&[
            ("say I want to talk to an agent", "transfer_start music"),
            ("agent anna", "ring:anna"),
            (&format!("fails {failure}"), &format!("free:anna:{outcome} music")),
            ("nobody", "gave_up all_failed"),
        ]);
    }
    check(&[
        ("say I want to talk to an agent", "transfer_start music"),
        ("agent anna", "ring:anna"),
        ("wait 18001", "drop_agent free:anna:NoAnswer music"),
        ("agent ben", "ring:ben"),
    ]);
}

#[test]
fn a_briefing_can_end_in_every_way() {
    after_briefing(&[("agent_key 2", "drop_agent free:anna:Declined music")]);
    after_briefing(&[("agent_key 4", "connected JOIN three_way @three_way"), ("heard", "")]);
    after_briefing(&[("wait 15001", "drop_agent free:anna:NoAnswer music")]);
    after_briefing(&[("agent_ends", "free:anna:Declined music")]);
    // Nobody hears the briefing: the session is offered anew, once.
    after_briefing(&[
        ("agent_silent", "refresh"),
        ("wait 3001", "drop_agent free:anna:Failed music"),
    ]);
    after_briefing(&[("agent_silent", "refresh"), ("agent_seen", ""), ("wait 3001", "")]);
    after_briefing(
        &[("agent_key 3", "(text) @agent_menu")].map(|(input, _)| (input, "@(text) @agent_menu")),
    );
    after_briefing(&[
        ("caller_ends", "record:Stop free:anna:Withdrawn @agent_caller_left"),
        ("heard", "drop_agent"),
        ("agent_gone", ""),
        ("wait 3000", "END:abandoned_in_queue"),
    ]);
}

#[test]
fn the_caller_may_leave_at_any_time() {
    check(&[("caller_ends", "record:Stop"), ("wait 3000", "END:abandoned_early")]);
    check(&[
        ("say I want to talk to an agent", "transfer_start music"),
        ("agent anna", "ring:anna"),
        ("caller_ends", "record:Stop drop_agent free:anna:Withdrawn"),
        ("fails no_answer", ""),
        ("wait 3000", "END:abandoned_in_queue"),
    ]);
    // A claim that crosses the caller's leaving is given back.
    check(&[
        ("say I want to talk to an agent", "transfer_start music"),
        ("caller_ends", "record:Stop"),
        ("agent anna", "free:anna:Withdrawn"),
        ("wait 3000", "END:abandoned_in_queue"),
    ]);
}

#[test]
fn a_conversation_ends_with_a_result() {
    after_bridge(&[
        ("caller_ends", "record:Stop @wrap_up_menu"),
        ("agent_key 1", "result:solved free:anna:Served @wrap_up_thanks"),
        ("heard", "drop_agent"),
        ("agent_gone", ""),
        ("wait 3000", "END:transferred"),
    ]);
    after_bridge(&[
        ("agent_ends", "free:anna:Served goodbye"),
        ("heard", "hang_up"),
        ("caller_ends", "record:Stop"),
        ("wait 3000", "END:transferred"),
    ]);
}

#[test]
fn hold_plays_music_to_the_other_side() {
    after_bridge(&[("agent_holds", "music"), ("agent_resumes", "JOIN")]);
}

#[test]
fn a_lost_agent_is_rung_again_and_then_others() {
    after_bridge(&[
        ("agent_lost", "one_moment music ring:anna"),
        ("answers", "@agent_back connected JOIN"),
    ]);
    // Their phone still believes in the old call: rung again for as long as they are waited for.
    after_bridge(&[
        ("agent_lost", "one_moment music ring:anna"),
        ("fails busy", ""),
        ("wait 3001", "ring:anna"),
        ("fails error", ""),
        ("wait 3001", "ring:anna"),
        ("answers", "@agent_back connected JOIN"),
    ]);
    after_bridge(&[
        ("agent_lost", "one_moment music ring:anna"),
        ("fails declined", "free:anna:Failed"),
        ("agent ben", "ring:ben"),
    ]);
    after_bridge(&[
        ("agent_lost", "one_moment music ring:anna"),
        ("wait 20001", "drop_agent free:anna:Failed"),
        ("agent ben", "ring:ben"),
    ]);
}

#[test]
fn waiting_tells_the_place_and_leads_back_by_key() {
    check(&[
        ("say I want to talk to an agent", "transfer_start music"),
        ("all_busy", "queue_wait"),
        ("position 3", "queue_position"),
        ("wait 5000", ""),
        ("position 2", ""),
        ("wait 15000", ""),
        ("position 1", "queue_position"),
        ("key #", "all_failed"),
    ]);
    check(&[
        ("say I want to talk to an agent", "transfer_start music"),
        ("nobody", "nobody_available"),
        ("heard", "hang_up"),
        ("caller_ends", "record:Stop"),
        ("wait 3000", "END:nobody_available"),
    ]);
}

#[test]
fn danger_is_ahead_of_all_and_nobody_gives_up() {
    check(&[
        ("say help there is a fire in my house", "danger music"),
        ("agent anna", "ring:anna"),
        ("fails busy", "free:anna:Busy music"),
        ("nobody", "gave_up emergency music"),
        ("wait 3001", ""),
        ("agent anna", "ring:anna"),
        ("caller_ends", "record:Stop drop_agent free:anna:Withdrawn"),
        ("fails no_answer", ""),
        ("wait 3000", "END:sent_to_emergency"),
    ]);
}
