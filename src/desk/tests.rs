//! Who is asked, in which order, and never twice at once.

use proptest::prelude::*;

use super::*;
use crate::base::card::Priority;
use crate::base::ids::Skill;
use crate::base::language::Language;

fn agent(id: &str, skills: &[&str]) -> Agent {
    let skills = skills.iter().map(|skill| Skill::from(*skill)).collect();
    Agent::new(AgentId::from(id), id.to_uppercase(), skills, vec![Language::english()])
}

fn call(n: u8) -> CallId {
    CallId::new(u64::from(n), [0; 10])
}

fn request(priority: Priority, skills: &[&str]) -> ReservationRequest {
    ReservationRequest {
        skills: skills.iter().map(|skill| Skill::from(*skill)).collect(),
        language: Language::english(),
        priority,
        except: Vec::new(),
        only: None,
        queue: true,
    }
}

/// All events so far, short: `1=anna`, `2:AllBusy`, `2#1`.
fn told(desk: &mut Desk) -> String {
    let short = |call: &CallId| (1..9).find(|n| self::call(*n) == *call).unwrap_or(0);
    let mut out = Vec::new();
    while let Some(event) = desk.poll() {
        out.push(match event {
            DeskEvent::Reserved { call, agent, .. } => format!("{}={agent}", short(&call)),
            DeskEvent::NotReserved { call, why } => format!("{}:{why:?}", short(&call)),
            DeskEvent::QueuePosition { call, position } => format!("{}#{position}", short(&call)),
        });
    }
    out.join(" ")
}

#[test]
fn one_agent_serves_calls_by_priority_then_arrival() {
    let mut desk = Desk::new(Settings::default(), vec![agent("anna", &[])]);
    for (n, priority) in
        [(1, Priority::P2), (2, Priority::P2), (3, Priority::P2), (4, Priority::P0)]
    {
        desk.reserve(&call(n), request(priority, &[]), Moment(u64::from(n)));
    }
    assert_eq!(told(&mut desk), "1=anna 2:AllBusy 2#1 3:AllBusy 3#2 4:AllBusy 4#1 2#2 3#3");
    desk.release(&AgentId::from("anna"), &call(1), AgentOutcome::Withdrawn, Moment(10));
    assert_eq!(told(&mut desk), "4=anna 2#1 3#2");
    desk.leave(&call(2));
    assert_eq!(told(&mut desk), "3#1");
}

#[test]
fn skills_language_and_who_was_asked_before() {
    let agents = vec![agent("anna", &["billing"]), agent("ben", &["support"]), agent("cleo", &[])];
    let mut desk = Desk::new(Settings::default(), agents);
    desk.reserve(&call(1), request(Priority::P2, &["support"]), Moment(1));
    let mut again = request(Priority::P2, &["support"]);
    again.except = vec![AgentId::from("ben"), AgentId::from("cleo")];
    desk.reserve(&call(2), again, Moment(2));
    let mut mandarin = request(Priority::P2, &[]);
    mandarin.language = Language::mandarin();
    desk.reserve(&call(3), mandarin, Moment(3));
    assert_eq!(told(&mut desk), "1=ben 2:NobodyLoggedIn 3:NobodyLoggedIn");
}

#[test]
fn busy_paused_and_wrapping_up_end_by_themselves() {
    let settings = Settings { unanswered_max: 2, ..Settings::default() };
    let anna = AgentId::from("anna");
    let mut desk = Desk::new(settings, vec![agent("anna", &[])]);
    for (outcome, away_s) in [
        (AgentOutcome::Served, 30),
        (AgentOutcome::Busy, 20),
        (AgentOutcome::NoAnswer, 0),
        (AgentOutcome::NoAnswer, 300),
    ] {
        let now = Moment(1_000_000);
        desk.reserve(&call(1), request(Priority::P2, &[]), now);
        assert_eq!(told(&mut desk), "1=anna", "{outcome:?}");
        desk.release(&anna, &call(1), outcome, now);
        desk.reserve(&call(2), request(Priority::P2, &[]), now);
        if away_s > 0 {
            assert_eq!(told(&mut desk), "2:AllBusy 2#1", "{outcome:?}");
            assert_eq!(desk.next_timeout(), Some(now + Duration::from_secs(away_s)));
            desk.handle_timeout(now + Duration::from_secs(away_s));
        }
        assert_eq!(told(&mut desk), "2=anna", "{outcome:?}");
        desk.release(&anna, &call(2), AgentOutcome::Withdrawn, now);
    }
}

#[test]
fn a_late_release_of_another_call_changes_nothing() {
    let mut desk = Desk::new(Settings::default(), vec![agent("anna", &[])]);
    desk.reserve(&call(1), request(Priority::P2, &[]), Moment(1));
    desk.release(&AgentId::from("anna"), &call(2), AgentOutcome::Served, Moment(2));
    desk.reserve(&call(3), request(Priority::P2, &[]), Moment(3));
    assert_eq!(told(&mut desk), "1=anna 3:AllBusy 3#1");
}

#[test]
fn a_full_queue_says_so() {
    let settings = Settings { queue_max: 1, ..Settings::default() };
    let mut desk = Desk::new(settings, vec![agent("anna", &[])]);
    for n in 1..4 {
        desk.reserve(&call(n), request(Priority::P2, &[]), Moment(u64::from(n)));
    }
    assert_eq!(told(&mut desk), "1=anna 2:AllBusy 2#1 3:QueueFull");
}

/// A call that asks again while it waits, just as somebody becomes free, gets one agent, not two.
#[test]
fn asking_again_never_claims_a_second_agent() {
    let mut desk = Desk::new(Settings::default(), vec![agent("anna", &[]), agent("ben", &[])]);
    for n in [1, 2, 3] {
        desk.reserve(&call(n), request(Priority::P2, &[]), Moment(u64::from(n)));
    }
    told(&mut desk);
    for (id, n) in [("anna", 1), ("ben", 2)] {
        desk.release(&AgentId::from(id), &call(n), AgentOutcome::Busy, Moment(10));
    }
    desk.reserve(&call(3), request(Priority::P1, &[]), Moment(60_000));
    let said = told(&mut desk);
    assert_eq!(said.matches("3=").count(), 1, "{said}");
}

proptest! {
    /// Whatever happens in whatever order: nobody is in two calls, and nobody free is left while
    /// a call waits that they could take.
    #[test]
    fn never_two_calls_and_never_idle(
        steps in proptest::collection::vec((0..5u8, 1..8u8, 0..3u8), 1..80),
    ) {
        let agents = vec![agent("a", &[]), agent("b", &["x"]), agent("c", &["y"])];
        let mut desk = Desk::new(Settings::default(), agents);
        let mut holds: BTreeMap<CallId, AgentId> = BTreeMap::new();
        for (turn, (what, n, which)) in steps.into_iter().enumerate() {
            let now = Moment(turn as u64 * 7_000);
            let id = AgentId::from(["a", "b", "c"][usize::from(which)]);
            match what {
                0 if !holds.contains_key(&call(n)) => {
                    let skills: &[&str] = [&[][..], &["x"][..], &["y"][..]][usize::from(which)];
                    desk.reserve(&call(n), request(Priority::P2, skills), now);
                }
                1 => if let Some(agent) = holds.remove(&call(n)) {
                    desk.release(&agent, &call(n), AgentOutcome::Served, now);
                },
                2 => desk.leave(&call(n)),
                3 => desk.set_presence(&id, Presence::Offline, now),
                4 => desk.set_presence(&id, Presence::Available, now),
                _ => desk.handle_timeout(now),
            }
            while let Some(event) = desk.poll() {
                if let DeskEvent::Reserved { call, agent, .. } = event {
                    prop_assert!(!holds.values().any(|held| *held == agent), "{agent} twice");
                    prop_assert!(holds.insert(call, agent).is_none());
                }
            }
            prop_assert_eq!(desk.queue.next_match(&desk.agents), None);
        }
    }
}
