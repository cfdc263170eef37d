//! Handed over warm: offer with the transcript, briefing, accept, and both hear each other.

use std::path::Path;
use std::time::{Duration, Instant};

use super::baresip::{self, Baresip};
use super::server::{Server, have_models, ports, speak, transcribe, warmline};
use super::sipp::{self, OFFER, Sipp, pause};
use super::tone::{Part, compose, read, seconds_of};

const CALLER_HZ: f32 = 1_000.0;
const AGENT_HZ: f32 = 600.0;
const RATE_HZ: u32 = 8_000;

fn agent(contact: &str, attach: bool) -> String {
    format!(
        "[[agents]]\nid = \"anna\"\nname = \"Anna\"\ncontact = \"{contact}\"\n\
         skills = [\"billing\", \"support\", \"orders\", \"general\"]\n\
         attach_transcript = {attach}\n"
    )
}

/// The caller complains, and later sends a tone; the agent's phone sends another tone.
fn sounds(folder: &Path) -> (std::path::PathBuf, std::path::PathBuf) {
    let words = speak(folder, "words.wav", "I want to talk to an agent, please.");
    let caller = folder.join("caller.wav");
    compose(
        &caller,
        &[
            Part::Silence(9.0),
            Part::File(&words),
            Part::Silence(12.0),
            Part::Tone { hz: CALLER_HZ, seconds: 30.0 },
        ],
    );
    let agent = folder.join("agent.wav");
    compose(&agent, &[Part::Tone { hz: AGENT_HZ, seconds: 80.0 }]);
    (caller, agent)
}

/// baresip to baresip: the briefing is private, then tones cross the bridge both ways.
#[test]
fn a_person_is_briefed_accepts_and_both_hear_each_other() {
    if !have_models("transfer") || !baresip::is_there("transfer") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let (caller_sound, agent_sound) = sounds(folder.path());
    let mut agent_phone = Baresip::start(&agent_sound, true);
    let server = Server::start(&agent(&agent_phone.contact(), false));
    let mut caller = Baresip::start(&caller_sound, false);

    caller.dial(&server.uri());
    caller.wait_for("Call established", Duration::from_secs(15));
    let connected = Instant::now();
    agent_phone.wait_for("Call established", Duration::from_secs(40));
    std::thread::sleep(Duration::from_secs(5));
    let accepted = connected.elapsed();
    agent_phone.press('1');
    std::thread::sleep(Duration::from_secs(16));
    caller.hang_up();
    let calls = server.ended_calls(1, Duration::from_secs(60));
    caller.quit();
    agent_phone.quit();

    let agent_heard = read(&agent_phone.received());
    let caller_heard = read(&caller.received());
    let tone = seconds_of(&agent_heard, RATE_HZ, CALLER_HZ);
    assert!(tone > 3.0, "the agent hears the caller: {tone} s\n{}", server.log());
    let tone = seconds_of(&caller_heard, RATE_HZ, AGENT_HZ);
    assert!(tone > 3.0, "the caller hears the agent: {tone} s\n{}", server.log());
    // The agent's phone sent its tone from its answer on: none of it is heard before the 1. A
    // second for the phone to say that it is connected.
    let before = (accepted.as_secs_f32() - 1.0) * RATE_HZ as f32;
    let early = seconds_of(&caller_heard[..before as usize], RATE_HZ, AGENT_HZ);
    assert!(early == 0.0, "the briefing is private: {early} s of the agent in the caller's ear");
    assert!(accepted > Duration::from_secs(10), "there was a briefing: {accepted:?}");

    let briefing = transcribe(&agent_phone.received());
    assert!(briefing.contains("press"), "the agent is told the keys: {briefing}");
    assert!(briefing.contains("person"), "the agent is told why: {briefing}");
    let figures = server.get("/metrics").1;
    for figure in [
        "warmline_time_to_person_seconds_count 1",
        "warmline_calls_ended_total{disposition=\"transferred\"} 1",
        "warmline_offers_ended_total{outcome=\"served\"} 1",
    ] {
        assert!(figures.lines().any(|line| line == figure), "{figure}\n{figures}");
    }
    assert_eq!(calls[0]["disposition"], "transferred", "{:#}", calls[0]);
    assert!(server.is_recorded(&calls[0]));
}

/// An agent that SIPp plays: what its INVITE carries, and that declining asks the next agent.
#[test]
fn the_offer_carries_the_transcript_and_a_decline_goes_on() {
    if !have_models("offer") || !sipp::is_there("offer") || !baresip::is_there("offer") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let (caller_sound, agent_sound) = sounds(folder.path());
    let mut second = Baresip::start(&agent_sound, true);
    let mut first = Sipp::start(&declining_agent(), "127.0.0.1:9", &["-m", "1", "-timeout", "90"]);
    let first_contact = format!("sip:first@127.0.0.1:{}", first.port);
    let agents = format!(
        "[[agents]]\nid = \"first\"\nname = \"First\"\ncontact = \"{first_contact}\"\n\
         attach_transcript = true\n[[agents]]\nid = \"second\"\nname = \"Second\"\n\
         contact = \"{}\"\n",
        second.contact()
    );
    let server = Server::start(&agents);
    let mut caller = Baresip::start(&caller_sound, false);
    caller.dial(&server.uri());
    second.wait_for("Call established", Duration::from_secs(60));
    std::thread::sleep(Duration::from_secs(4));
    second.press('1');
    std::thread::sleep(Duration::from_secs(6));
    caller.hang_up();
    let calls = server.ended_calls(1, Duration::from_secs(60));
    caller.quit();
    second.quit();

    assert_eq!(first.wait(), 0, "{}", first.errors());
    let invite = first.messages();
    for part in ["multipart/mixed", "User-to-User:", "Call-Info:", "/offer/"] {
        assert!(invite.contains(part), "the INVITE carries {part}:\n{invite}");
    }
    assert!(invite.to_lowercase().contains("talk to an agent"), "the transcript:\n{invite}");
    let record = calls[0].to_string();
    assert!(record.contains("declined"), "the decline is in the record: {record}");
    assert_eq!(calls[0]["disposition"], "transferred", "{:#}", calls[0]);
}

/// A reply without a body, as the agent that SIPp plays.
fn reply(status: &str) -> String {
    format!(
        "  <send><![CDATA[\nSIP/2.0 {status}\n[last_Via:]\n[last_From:]\n[last_To:];tag=first\n\
         [last_Call-ID:]\n[last_CSeq:]\nContact: <sip:first@[local_ip]:[local_port]>\n\
         Content-Length: 0\n\n]]></send>\n"
    )
}

fn declining_agent() -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"ISO-8859-1\" ?>\n<scenario name=\"declining\">\n\
         <recv request=\"INVITE\"/>\n{}{}{}<recv request=\"ACK\"/>\n</scenario>\n",
        reply("180 Ringing"),
        pause(1_000),
        reply("603 Decline"),
    )
}

/// Nobody answers: the machine comes back with an apology, and the caller is still there.
#[test]
fn when_nobody_answers_the_machine_comes_back() {
    if !have_models("nobody") || !baresip::is_there("nobody") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let (caller_sound, _) = sounds(folder.path());
    let contact = format!("sip:nobody@127.0.0.1:{}", ports());
    let server = Server::start(&format!("{}[transfer]\nring_s = 3\n", agent(&contact, false)));
    let mut caller = Baresip::start(&caller_sound, false);
    caller.dial(&server.uri());
    caller.wait_for("Call established", Duration::from_secs(15));
    std::thread::sleep(Duration::from_secs(40));
    let established = !caller.output().contains("terminated");
    caller.hang_up();
    let calls = server.ended_calls(1, Duration::from_secs(60));
    caller.quit();
    let heard = transcribe(&caller.received());
    let record = calls[0].to_string();
    assert!(established, "the caller is still there");
    assert!(heard.contains("sorry"), "an apology is heard: {heard}");
    assert!(record.contains("gave_up") && record.contains("failed"), "{record}");
    // An address where no phone is: somebody must look after it.
    let health = server.get("/healthz").1;
    assert!(health.contains("cannot be rung"), "{health}");
    assert!(server.log().contains("cannot be rung"), "{}", server.log());
}

/// An agent's phone has no fixed address: it registers with us, and is rung where it is.
#[test]
fn a_registered_phone_is_rung_where_it_is() {
    if !have_models("registered") || !baresip::is_there("registered") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let (caller_sound, agent_sound) = sounds(folder.path());
    let server = Server::start(
        "[[agents]]\nid = \"anna\"\nname = \"Anna\"\npassword = \"secret-of-anna-1\"\n",
    );
    let registrar = format!("127.0.0.1:{}", server.sip_port);
    let mut phone = Baresip::registered(&agent_sound, "anna", "secret-of-anna-1", &registrar);
    phone.wait_for("200 OK", Duration::from_secs(20));
    let mut caller = Baresip::start(&caller_sound, false);
    caller.dial(&server.uri());
    phone.wait_for("Call established", Duration::from_secs(60));
    std::thread::sleep(Duration::from_secs(4));
    phone.press('1');
    std::thread::sleep(Duration::from_secs(12));
    caller.hang_up();
    let calls = server.ended_calls(1, Duration::from_secs(60));
    caller.quit();
    phone.quit();
    assert_eq!(calls[0]["disposition"], "transferred", "{:#}", calls[0]);
    let tone = seconds_of(&read(&phone.received()), RATE_HZ, CALLER_HZ);
    assert!(tone > 1.0, "the agent hears the caller: {tone} s");
}

/// The caller's phone dies in the conversation: the agent presses 5, it is called back, and both
/// talk again.
#[test]
fn a_caller_who_was_cut_off_is_called_back() {
    if !have_models("call back") || !baresip::is_there("call back") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let (caller_sound, agent_sound) = sounds(folder.path());
    let mut agent_phone = Baresip::start(&agent_sound, true);
    let server = Server::start(&agent(&agent_phone.contact(), false));
    let caller = Baresip::start(&caller_sound, false);
    let port = caller.sip_port();
    caller.dial(&server.uri());
    agent_phone.wait_for("Call established", Duration::from_secs(60));
    std::thread::sleep(Duration::from_secs(4));
    agent_phone.press('1');
    let step = |name: &str, count: usize| {
        let found = wait_for(Duration::from_secs(60), || {
            let heads = server.heads();
            let call = server.json(&format!("/api/calls/{}", heads.first()?["id"].as_str()?));
            let steps = call["transfer_steps"].as_array()?;
            let there = steps.iter().filter(|step| step["step"] == name).count();
            (there >= count).then_some(())
        });
        let all = server.heads();
        assert!(found.is_some(), "{count} × {name}: {all:#?}\n{}", server.log());
    };
    step("bridged", 1);
    drop(caller);
    step("caller_lost", 1);
    let tone = folder.path().join("back.wav");
    compose(&tone, &[Part::Tone { hz: CALLER_HZ, seconds: 60.0 }]);
    let mut again = Baresip::start_on(port, &tone, true);
    agent_phone.press('5');
    step("bridged", 2);
    std::thread::sleep(Duration::from_secs(5));
    agent_phone.hang_up();
    let calls = server.ended_calls(1, Duration::from_secs(40));
    assert_eq!(calls[0]["disposition"], "transferred", "{:#}", calls[0]);
    agent_phone.quit();
    again.quit();
    let heard = seconds_of(&read(&again.received()), RATE_HZ, AGENT_HZ);
    assert!(heard > 2.0, "who was called back hears the agent: {heard} s");
    let heard = seconds_of(&read(&agent_phone.received()), RATE_HZ, CALLER_HZ);
    assert!(heard > 2.0, "the agent hears who was called back: {heard} s");
}

/// The link in the offer opens for that offer's agent alone, until wrap-up ends.
#[test]
fn the_offer_s_link_opens_for_its_agent_until_wrap_up_ends() {
    if !have_models("offer link") || !sipp::is_there("offer link") {
        return;
    }
    let mut phone = Sipp::start(&accepting_agent(), "127.0.0.1:9", &["-m", "1", "-timeout", "90"]);
    let contact = format!("sip:anna@127.0.0.1:{}", phone.port);
    let server = Server::start(&format!("{}[transfer]\nwrap_up_s = 45\n", agent(&contact, false)));
    let anna = server.token_of("anna", "agent", Some("anna"));
    let ben = server.token_of("ben", "agent", Some("ben"));
    let uri = server.uri();
    let caller = std::thread::spawn(move || {
        warmline(&["call", &uri, "--say", "I want to talk to an agent.", "--listen-s", "14"])
    });
    let link = wait_for(Duration::from_secs(60), || {
        let invite = phone.messages();
        let at = invite.find("/offer/")? + "/offer/".len();
        let token =
            invite.get(at..)?.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_');
        Some(format!("/api/offers/{}", token.into_iter().next()?))
    });
    let link = link.unwrap_or_else(|| panic!("no link in the INVITE:\n{}", phone.messages()));
    let (status, card) = server.get_as(&anna, &link);
    assert_eq!(status, 200, "{card}");
    assert!(card.to_lowercase().contains("agent"), "the transcript is there: {card}");
    assert_eq!(server.get_as(&ben, &link).0, 404, "another agent sees nothing");
    let (status, out, error) = caller.join().expect("the caller ends");
    assert_eq!(status, 0, "{out}\n{error}");
    let calls = server.ended_calls(1, Duration::from_secs(30));
    assert_eq!(calls[0]["disposition"], "transferred", "{:#}", calls[0]);
    assert_eq!(server.get_as(&anna, &link).0, 200, "wrap-up still runs");
    let closed =
        wait_for(Duration::from_secs(90), || (server.get_as(&anna, &link).0 == 404).then_some(()));
    assert!(closed.is_some(), "the link closes when wrap-up ends");
    assert_eq!(phone.wait(), 0, "{}", phone.errors());
}

/// Tries until there is something, at most for `within`.
fn wait_for<T>(within: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let begun = std::time::Instant::now();
    while begun.elapsed() < within {
        if let Some(found) = look() {
            return Some(found);
        }
        std::thread::sleep(Duration::from_millis(250));
    }
    None
}

/// Answers, presses 1 during the briefing, and talks until we hang up.
fn accepting_agent() -> String {
    let answer = "  <send retrans=\"500\"><![CDATA[\nSIP/2.0 200 OK\n[last_Via:]\n[last_From:]\n\
        [last_To:];tag=first\n[last_Call-ID:]\n[last_CSeq:]\n\
        Contact: <sip:anna@[local_ip]:[local_port]>\nContent-Type: application/sdp\n\
        Content-Length: [len]\n\n";
    format!(
        "<?xml version=\"1.0\" encoding=\"ISO-8859-1\" ?>\n<scenario name=\"accepting\">\n\
         <recv request=\"INVITE\"/>\n{}{}{answer}{OFFER}]]></send>\n<recv request=\"ACK\"/>\n\
         {}{}{}<recv request=\"BYE\"/>\n{}</scenario>\n",
        reply("180 Ringing"),
        pause(500),
        pause(2_500),
        sipp::key('1'),
        pause(1_000),
        reply("200 OK").replace(";tag=first", ""),
    )
}
