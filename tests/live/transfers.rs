//! Handed over warm: offer with the transcript, briefing, accept, and both hear each other.

use std::path::Path;
use std::time::Duration;

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
    agent_phone.wait_for("Call established", Duration::from_secs(40));
    std::thread::sleep(Duration::from_secs(5));
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
    // What the agent's phone sent before 1 was pressed never reached the caller: it sent its tone
    // for some five seconds of briefing more than the caller heard.
    assert!(tone < 20.0, "the briefing was private: {tone} s");

    let briefing = transcribe(&agent_phone.received());
    assert!(briefing.contains("press"), "the agent is told the keys: {briefing}");
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
    assert!(heard.contains("sorry"), "an apology is heard (still there: {established}): {heard}");
    assert!(record.contains("gave_up") || record.contains("failed"), "{record}");
}

/// The link in the offer opens for that offer's agent alone, until wrap-up ends.
#[test]
fn the_offer_s_link_opens_for_its_agent_until_wrap_up_ends() {
    if !have_models("offer link") || !sipp::is_there("offer link") {
        return;
    }
    let mut phone = Sipp::start(&accepting_agent(), "127.0.0.1:9", &["-m", "1", "-timeout", "90"]);
    let contact = format!("sip:anna@127.0.0.1:{}", phone.port);
    let server = Server::start(&format!("{}[transfer]\nwrap_up_s = 25\n", agent(&contact, false)));
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
        wait_for(Duration::from_secs(60), || (server.get_as(&anna, &link).0 == 404).then_some(()));
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
