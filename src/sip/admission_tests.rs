//! Tests of the gate: who is let in, who is asked, who hears nothing.

use super::super::settings::{Cidr, PhoneSettings, Secret};
use super::*;
use crate::base::ids::AgentId;

const TRUNK: &str = "192.0.2.1:5060";
const STRANGER: &str = "203.0.113.9:5060";
const LOCAL: &str = "127.0.0.1:5070";

fn settings() -> Settings {
    let mut trunk = TrunkSettings::new("carrier");
    trunk.addresses = vec![Cidr::parse("192.0.2.0/28").expect("net")];
    Settings { trunks: vec![trunk], calls_max: 2, ..Settings::default() }
}

fn facts(source: &str) -> Facts {
    Facts {
        source: source.parse().expect("address"),
        registered: false,
        known_dialog: false,
        known_call: false,
        calls: 0,
        draining: false,
        now_ms: 1_000,
        now_s: 1_000,
        dice: 3,
    }
}

fn request(method: &str, to: &str, extra: &str) -> Request {
    let text = format!(
        "{method} sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\n\
         From: <sip:a@h>;tag=1\r\nTo: {to}\r\nCall-ID: c\r\nCSeq: 1 {method}\r\n\
         Contact: <sip:a@h>\r\n{extra}\r\n"
    );
    Request::try_from(text.as_bytes()).expect("well formed")
}

fn decide(settings: &Settings, request: &Request, facts: &Facts) -> Verdict {
    Admission::new([1; 32], settings).decide(settings, request, facts)
}

/// 0 for passed, 1 for no answer, else the status.
fn code(verdict: &Verdict) -> u16 {
    match verdict {
        Verdict::Pass => 0,
        Verdict::Drop => 1,
        Verdict::Answer(refusal) => refusal.status,
    }
}

#[test]
fn each_source_gets_what_it_should() {
    let plain = settings();
    let open = Settings { accept_anyone: AcceptAnyone::Yes, ..settings() };
    let local = Settings { accept_anyone: AcceptAnyone::Loopback, ..settings() };
    let rude = Settings { strangers: Strangers::Forbidden, ..settings() };
    for (settings, method, to, source, wanted) in [
        (&plain, "INVITE", "<sip:b@h>", TRUNK, 0),
        (&plain, "INVITE", "<sip:b@h>", STRANGER, 1),
        (&plain, "OPTIONS", "<sip:b@h>", STRANGER, 1),
        (&plain, "REGISTER", "<sip:b@h>", STRANGER, 1),
        (&plain, "INVITE", "<sip:b@h>", LOCAL, 1),
        (&plain, "OPTIONS", "<sip:b@h>", TRUNK, 0),
        (&plain, "REGISTER", "<sip:b@h>", TRUNK, 405),
        (&plain, "INVITE", "<sip:b@h>;tag=x", TRUNK, 481),
        (&plain, "BYE", "<sip:b@h>;tag=x", TRUNK, 481),
        (&plain, "BYE", "<sip:b@h>", TRUNK, 481),
        (&plain, "MESSAGE", "<sip:b@h>", TRUNK, 405),
        (&plain, "MESSAGE", "<sip:b@h>", STRANGER, 1),
        (&plain, "ACK", "<sip:b@h>", STRANGER, 1),
        (&plain, "CANCEL", "<sip:b@h>", STRANGER, 1),
        (&plain, "CANCEL", "<sip:b@h>", TRUNK, 0),
        (&rude, "INVITE", "<sip:b@h>", STRANGER, 403),
        (&open, "INVITE", "<sip:b@h>", STRANGER, 0),
        (&local, "INVITE", "<sip:b@h>", LOCAL, 0),
        (&local, "INVITE", "<sip:b@h>", STRANGER, 1),
    ] {
        let verdict = decide(settings, &request(method, to, ""), &facts(source));
        assert_eq!(code(&verdict), wanted, "{method} {to} from {source}: {verdict:?}");
    }
}

#[test]
fn requests_of_a_dialog_pass_from_anywhere_but_well_formed() {
    let known = Facts { known_dialog: true, ..facts(STRANGER) };
    let bye = request("BYE", "<sip:b@h>;tag=x", "");
    assert_eq!(decide(&settings(), &bye, &known), Verdict::Pass);
    let odd = request("BYE", "<sip:b@h>;tag=x", "Require: foo\r\n");
    assert_eq!(code(&decide(&settings(), &odd, &known)), 420);
}

#[test]
fn above_capacity_callers_are_told_when_to_come_back() {
    for facts in [Facts { calls: 2, ..facts(TRUNK) }, Facts { draining: true, ..facts(TRUNK) }] {
        let verdict = decide(&settings(), &request("INVITE", "<sip:b@h>", ""), &facts);
        let Verdict::Answer(refusal) = verdict else { panic!("{verdict:?}") };
        assert_eq!(refusal.status, 503);
        assert_eq!(refusal.headers, [("Retry-After", "8".to_owned())]);
    }
}

fn with_phone() -> Settings {
    let phone = PhoneSettings {
        user: "ann".into(),
        password: Secret::new("secret"),
        agent: AgentId::from("ann"),
    };
    Settings { phones: vec![phone], ..settings() }
}

/// A REGISTER that answers the gate's own challenge.
fn proved(gate: &mut Admission, settings: &Settings, user: &str, to: &str, word: &str) -> Request {
    let bare = request("REGISTER", to, "");
    let verdict = gate.decide(settings, &bare, &facts(STRANGER));
    let Verdict::Answer(refusal) = verdict else { panic!("{verdict:?}") };
    assert_eq!(refusal.status, 401);
    let (_, challenge) = refusal.headers.first().expect("a challenge");
    let known = Credentials { user: user.into(), password: Secret::new(word) };
    let answer = super::super::digest::answer(challenge, &known, "REGISTER", "sip:b@h", "c");
    request("REGISTER", to, &format!("Authorization: {}\r\n", answer.expect("MD5")))
}

#[test]
fn a_phone_registers_itself_and_nobody_else() {
    let settings = with_phone();
    for (user, to, word, wanted) in [
        ("ann", "<sip:ann@h>", "secret", 0),
        ("ann", "<sip:ann@h>", "guess", 401),
        ("ann", "<sip:bob@h>", "secret", 401),
        ("bob", "<sip:bob@h>", "secret", 401),
        ("", "<sip:ann@h>", "", 401),
    ] {
        let mut gate = Admission::new([1; 32], &settings);
        let request = proved(&mut gate, &settings, user, to, word);
        let verdict = gate.decide(&settings, &request, &facts(STRANGER));
        assert_eq!(code(&verdict), wanted, "{user} {to} {word}");
    }
}

#[test]
fn known_and_unknown_users_get_the_same_answer() {
    let settings = with_phone();
    let answer = |user: &str| {
        let mut gate = Admission::new([1; 32], &settings);
        let to = format!("<sip:{user}@h>");
        let request = proved(&mut gate, &settings, user, &to, "guess");
        gate.decide(&settings, &request, &facts(STRANGER))
    };
    assert_eq!(answer("ann"), answer("zoe"));
}

#[test]
fn guessing_is_banned_within_ten_tries() {
    let settings = with_phone();
    let mut gate = Admission::new([1; 32], &settings);
    let request = proved(&mut gate, &settings, "ann", "<sip:ann@h>", "guess");
    let source: SocketAddr = STRANGER.parse().expect("address");
    let mut tries = 0;
    while gate.admit_bytes(&settings, source, false, 1_000) {
        tries += 1;
        gate.decide(&settings, &request, &facts(STRANGER));
        assert!(tries <= 10, "still not banned");
    }
    assert!(gate.is_banned(source.ip(), 1_000));
    let trunk: SocketAddr = TRUNK.parse().expect("address");
    assert!(gate.admit_bytes(&settings, trunk, false, 1_000), "the trunk is served on");
}

#[test]
fn a_trunk_may_have_to_prove_itself() {
    let mut settings = settings();
    let known = Credentials { user: "line".into(), password: Secret::new("secret") };
    settings.trunks[0].credentials = Some(known.clone());
    let mut roaming = TrunkSettings::new("roaming");
    roaming.credentials = Some(Credentials { user: "roam".into(), ..known });
    settings.trunks.push(roaming);
    let mut gate = Admission::new([1; 32], &settings);
    for (source, user, word, wanted) in [
        (TRUNK, "line", "secret", 0),
        (TRUNK, "line", "guess", 401),
        (TRUNK, "roam", "secret", 401),
        (STRANGER, "roam", "secret", 0),
        (STRANGER, "line", "secret", 401),
    ] {
        let bare = request("INVITE", "<sip:b@h>", "");
        let Verdict::Answer(refusal) = gate.decide(&settings, &bare, &facts(source)) else {
            panic!("{source} was not asked")
        };
        let (_, challenge) = refusal.headers.first().expect("a challenge");
        let given = Credentials { user: user.into(), password: Secret::new(word) };
        let answer = super::super::digest::answer(challenge, &given, "INVITE", "sip:b@h", "c");
        let proof = format!("Authorization: {}\r\n", answer.expect("MD5"));
        let mut gate = Admission::new([1; 32], &settings);
        let proved = request("INVITE", "<sip:b@h>", &proof);
        let verdict = gate.decide(&settings, &proved, &facts(source));
        assert_eq!(code(&verdict), wanted, "{source} {user} {word}");
    }
    let roaming = request("INVITE", "<sip:b@h>", "Authorization: Digest username=\"roam\"\r\n");
    let stranger: SocketAddr = STRANGER.parse().expect("address");
    let trunk = trunk_of(&settings, &roaming, stranger.ip()).map(|trunk| trunk.id.0.as_str());
    assert_eq!(trunk, Some("roaming"));
}

#[test]
fn a_registered_phone_may_ask_what_it_likes_without_being_shut_out() {
    let settings = with_phone();
    let mut gate = Admission::new([1; 32], &settings);
    let home = Facts { registered: true, ..facts(STRANGER) };
    for (method, wanted) in [("OPTIONS", 0), ("SUBSCRIBE", 405), ("INVITE", 403)] {
        for _ in 0..20 {
            let verdict = gate.decide(&settings, &request(method, "<sip:b@h>", ""), &home);
            assert_eq!(code(&verdict), wanted, "{method}");
        }
    }
    assert!(!gate.is_banned(home.source.ip(), home.now_ms));
}
