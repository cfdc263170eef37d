//! SIPp as the caller: one scenario a behaviour, written from short steps.

use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Duration;

use warmline::base::key::Key;
use warmline::call::event::LegEnd;
use warmline::sip::{LegEvent, Settings};

use crate::harness::{Answerer, Manner, local, open_settings};

const SDP: &str = "v=0\no=- 53 1 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\n\
    m=audio 6000 RTP/AVP 8 101\na=rtpmap:101 telephone-event/8000\n";

/// `true` if SIPp is here. In CI it must be.
fn have_sipp() -> bool {
    let found = Command::new("sipp").arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if found.is_ok() {
        return true;
    }
    assert!(std::env::var_os("CI").is_none(), "sipp is not installed (package sip-tester)");
    println!("skipped: sipp is not installed (package sip-tester)");
    false
}

/// A request of SIPp, in the dialog where `to` carries the tag.
fn send(method: &str, cseq: u32, to: &str, extra: &str, body: &str) -> String {
    let retrans = if method == "ACK" { "" } else { " retrans=\"500\"" };
    let kind = if body.starts_with("v=") { "Content-Type: application/sdp\n" } else { "" };
    format!(
        "<send{retrans}><![CDATA[\n{method} sip:ivr@[remote_ip]:[remote_port] SIP/2.0\n\
         Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch];rport\n\
         From: \"Test\" <sip:+4915112345678@[local_ip]:[local_port]>;tag=[pid]s[call_number]\n\
         To: <sip:ivr@[remote_ip]:[remote_port]>{to}\nCall-ID: [call_id]\nCSeq: {cseq} {method}\n\
         Contact: <sip:test@[local_ip]:[local_port];transport=[transport]>\nMax-Forwards: 70\n\
         Allow: INVITE, ACK, BYE, CANCEL\n{extra}{kind}Content-Length: [len]\n\n{body}\n]]></send>\n"
    )
}

fn invite(extra: &str) -> String {
    send("INVITE", 1, "", extra, SDP)
}

fn within(method: &str, cseq: u32, extra: &str, body: &str) -> String {
    send(method, cseq, "[peer_tag_param]", extra, body)
}

fn maybe(status: u16) -> String {
    format!("<recv response=\"{status}\" optional=\"true\"></recv>\n")
}

/// A response that must come, with a text that must be in it.
fn recv(status: u16, text: &str) -> String {
    if text.is_empty() {
        return format!("<recv response=\"{status}\" rtd=\"true\"></recv>\n");
    }
    format!(
        "<recv response=\"{status}\"><action><ereg regexp=\"{text}\" search_in=\"msg\" \
         check_it=\"true\" assign_to=\"9\"/></action></recv>\n<Reference variables=\"9\"/>\n"
    )
}

fn answered() -> String {
    [maybe(100), maybe(180), recv(200, ""), within("ACK", 1, "", "")].concat()
}

fn hang_up(cseq: u32) -> String {
    [pause(50), within("BYE", cseq, "", ""), recv(200, "")].concat()
}

fn pause(ms: u32) -> String {
    format!("<pause milliseconds=\"{ms}\"/>\n")
}

/// Runs a scenario; SIPp's own words if it did not go as written.
async fn run(name: &str, steps: &[String], to: SocketAddr, more: &[&str]) {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("scenario.xml");
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"ISO-8859-1\" ?>\n<scenario name=\"{name}\">\n{}\
         </scenario>\n",
        steps.concat()
    );
    std::fs::write(&file, text).expect("written");
    let mut command = tokio::process::Command::new("sipp");
    command.args(["-sf"]).arg(&file).arg(to.to_string()).current_dir(folder.path());
    command.args(["-i", "127.0.0.1", "-m", "1", "-nostdin", "-timeout", "15", "-timeout_error"]);
    command.args(["-trace_err", "-error_file", "errors.log"]).args(more);
    let output = command.output().await.expect("sipp runs");
    let errors = std::fs::read_to_string(folder.path().join("errors.log")).unwrap_or_default();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {}\n{errors}\n{said}", output.status);
}

#[tokio::test]
async fn a_basic_call_over_udp_and_tcp() {
    if !have_sipp() {
        return;
    }
    let ours = Answerer::start(open_settings(), Manner::Answer);
    let steps = [invite(""), answered(), hang_up(2)];
    run("udp", &steps, ours.udp, &["-t", "u1"]).await;
    run("tcp", &steps, ours.tcp, &["-t", "t1"]).await;
    let ended = LegEvent::Ended { end: LegEnd::HungUp, reason: None };
    assert!(ours.until(2, |heard| heard.events.iter().filter(|e| **e == ended).count() == 2).await);
    let heard = ours.heard.lock().expect("whole");
    let number = heard.incoming.first().and_then(|call| call.number.clone());
    assert_eq!(number.expect("shown").reveal(), "+4915112345678");
    assert_eq!(heard.incoming.first().map(|call| call.dialled.as_str()), Some("ivr"));
}

#[tokio::test]
async fn many_short_calls_and_none_lost() {
    if !have_sipp() {
        return;
    }
    let ours = Answerer::start(open_settings(), Manner::Answer);
    let steps = [invite(""), answered(), hang_up(2)];
    let more = ["-m", "100", "-r", "50", "-l", "200", "-t", "u1"];
    run("many", &steps, ours.udp, &more).await;
    let ended = |heard: &crate::harness::Heard| {
        heard.events.iter().filter(|event| matches!(event, LegEvent::Ended { .. })).count()
    };
    assert!(ours.until(3, |heard| ended(heard) == 100).await);
    assert_eq!(ours.settles(3).await, (0, 0), "legs or ladders stay");
}

#[tokio::test]
async fn a_caller_gives_up() {
    if !have_sipp() {
        return;
    }
    let ours = Answerer::start(open_settings(), Manner::Ring);
    // CANCEL and the ACK of a 487 carry the branch of the INVITE.
    let same = |text: String| text.replace("[branch]", "[branch-2]");
    let cancel = send("CANCEL", 1, "", "Reason: SIP;cause=200;text=\"x\"\n", "")
        .replace("[branch]", "[branch-3]");
    let steps = [
        invite(""),
        maybe(100),
        recv(180, ""),
        cancel,
        recv(200, "CSeq: 1 CANCEL"),
        recv(487, "CSeq: 1 INVITE"),
        same(within("ACK", 1, "", "")),
    ];
    run("cancel", &steps, ours.udp, &[]).await;
    assert!(
        ours.until(2, |heard| heard
            .events
            .iter()
            .any(|event| { matches!(event, LegEvent::Ended { end: LegEnd::Cancelled, .. }) }))
            .await
    );
}

#[tokio::test]
async fn hold_resume_and_a_new_address() {
    if !have_sipp() {
        return;
    }
    let ours = Answerer::start(open_settings(), Manner::Answer);
    let held = format!("{}a=sendonly\n", SDP.replace("53 1", "53 2"));
    let moved = SDP.replace("53 1", "53 3").replace("6000", "6100");
    let steps = [
        invite(""),
        answered(),
        pause(50),
        within("INVITE", 2, "", &held),
        maybe(100),
        recv(200, "a=recvonly"),
        within("ACK", 2, "", ""),
        within("UPDATE", 3, "", &moved),
        recv(200, "a=sendrecv"),
        within("UPDATE", 4, "", ""),
        recv(200, "Content-Length: 0"),
        within("OPTIONS", 5, "", ""),
        recv(200, "Allow: INVITE"),
        within("INVITE", 4, "", &held),
        recv(500, ""),
        within("ACK", 4, "", ""),
        hang_up(6),
    ];
    run("hold", &steps, ours.udp, &[]).await;
    let offers: Vec<(bool, u16)> = ours
        .heard
        .lock()
        .expect("whole")
        .events
        .iter()
        .filter_map(|event| match event {
            LegEvent::Change { offer } => Some((offer.holds(), offer.audio()?.port)),
            _ => None,
        })
        .collect();
    assert_eq!(offers, [(true, 6_000), (false, 6_100)]);
}

#[tokio::test]
async fn what_we_do_not_serve_is_refused_by_the_book() {
    if !have_sipp() {
        return;
    }
    let ours = Answerer::start(open_settings(), Manner::Answer);
    let bodies = |body: &str| send("INVITE", 1, "", "", body);
    let savp = SDP.replace("RTP/AVP", "RTP/SAVP");
    let foreign = SDP.replace("8 101", "18").replace("a=rtpmap:101 telephone-event/8000\n", "");
    let timer = "Supported: timer\nSession-Expires: 30\n";
    for (name, request, status, text) in [
        ("require", invite("Require: frobnicate\n"), 420, "Unsupported: frobnicate"),
        ("savp", bodies(&savp), 488, "Warning: 399"),
        ("codec", bodies(&foreign), 488, "no common codec"),
        ("no media", bodies("v=0\no=- 1 1 IN IP4 127.0.0.1\ns=-\n"), 400, "no m= line"),
        ("nonsense", bodies("v=0\nhello\n"), 400, "Warning"),
        ("brief", invite(timer), 422, "Min-SE: 90"),
        ("hops", invite("").replace("Forwards: 70", "Forwards: 0"), 483, ""),
    ] {
        let ack = within("ACK", 1, "", "").replace("[branch]", "[branch-2]");
        run(name, &[request, maybe(100), recv(status, text), ack], ours.udp, &[]).await;
    }
    let message = send("MESSAGE", 1, "", "", "");
    run("message", &[message, recv(405, "Allow: INVITE, ACK")], ours.udp, &[]).await;
    let options = send("OPTIONS", 1, "", "", "");
    run("options", &[options.clone(), recv(200, "Accept: application/sdp")], ours.udp, &[]).await;
    run("options", &[options, recv(200, "Supported: timer")], ours.tcp, &["-t", "t1"]).await;
    let unknown = send("FROBNICATE", 1, "", "", "");
    run("unknown", &[unknown.clone(), recv(405, "Allow: ")], ours.udp, &[]).await;
    run("unknown", &[unknown, recv(405, "Allow: ")], ours.tcp, &["-t", "t1"]).await;
    let stray = send("BYE", 1, ";tag=nobody", "", "");
    run("stray", &[stray, recv(481, "")], ours.udp, &[]).await;
    assert!(ours.heard.lock().expect("whole").incoming.is_empty(), "the runtime saw one");
}

#[tokio::test]
async fn above_capacity_is_told_to_come_back() {
    if !have_sipp() {
        return;
    }
    let settings = Settings { calls_max: 1, ..open_settings() };
    let ours = Answerer::start(settings, Manner::Answer);
    // It lasts until the second was surely refused, however slowly SIPp starts.
    let first = [invite(""), answered(), pause(8_000), hang_up(2)];
    let held = run("first", &first, ours.udp, &[]);
    let second = async {
        assert!(ours.until(5, |heard| !heard.incoming.is_empty()).await);
        let ack = within("ACK", 1, "", "").replace("[branch]", "[branch-2]");
        let steps = [invite(""), recv(503, "Retry-After: [0-9]+"), ack];
        run("second", &steps, ours.udp, &[]).await;
    };
    tokio::join!(held, second);
    let steps = [invite(""), answered(), hang_up(2)];
    assert_eq!(ours.settles(2).await, (0, 0));
    run("afterwards", &steps, ours.udp, &[]).await;
}

#[tokio::test]
async fn provisional_responses_are_reliable_where_required() {
    if !have_sipp() {
        return;
    }
    let ours = Answerer::start(open_settings(), Manner::AnswerSoon);
    let rseq = "<recv response=\"180\"><action><ereg regexp=\"RSeq: ([0-9]+)\" search_in=\"msg\" \
        check_it=\"true\" assign_to=\"1,2\"/><ereg regexp=\"Require: 100rel\" search_in=\"msg\" \
        check_it=\"true\" assign_to=\"1\"/></action></recv>\n";
    let rack = |cseq: u32, wrong: &str| {
        within("PRACK", cseq, &format!("RAck: [$2]{wrong} 1 INVITE\n"), "")
    };
    let steps = [
        invite("Require: 100rel\n"),
        maybe(100),
        rseq.to_owned(),
        rack(2, "7"),
        recv(481, ""),
        rack(3, ""),
        recv(200, "CSeq: 3 PRACK"),
        recv(200, "CSeq: 1 INVITE"),
        within("ACK", 1, "", ""),
        hang_up(4),
    ];
    run("prack", &steps, ours.udp, &[]).await;
}

#[tokio::test]
async fn a_call_without_an_offer_gets_ours() {
    if !have_sipp() {
        return;
    }
    let ours = Answerer::start(open_settings(), Manner::Answer);
    let steps = [
        send("INVITE", 1, "", "", ""),
        maybe(100),
        maybe(180),
        recv(200, "m=audio 40000 RTP/AVP 8 0 9 13 101"),
        within("ACK", 1, "", SDP),
        hang_up(2),
    ];
    run("no offer", &steps, ours.udp, &[]).await;
    let with = |event: &LegEvent| matches!(event, LegEvent::Acked { answer: Some(_) });
    assert_eq!(ours.count(with), 1);
}

#[tokio::test]
async fn keys_by_info_and_session_timers() {
    if !have_sipp() {
        return;
    }
    let ours = Answerer::start(open_settings(), Manner::Answer);
    let info = |cseq, kind: &str, body: &str| {
        within("INFO", cseq, &format!("Content-Type: {kind}\n"), body)
    };
    let timer = "Supported: timer\nSession-Expires: 600;refresher=uac\n";
    let steps = [
        invite(timer),
        maybe(100),
        maybe(180),
        recv(200, "Session-Expires: 600;refresher=uac"),
        within("ACK", 1, "", ""),
        info(2, "application/dtmf-relay", "Signal=4\nDuration=200\n"),
        recv(200, ""),
        info(3, "application/dtmf", "#"),
        recv(200, ""),
        info(4, "text/plain", "hello"),
        recv(415, "Accept: application/dtmf-relay"),
        within("UPDATE", 5, "Supported: timer\nSession-Expires: 60\n", ""),
        recv(422, "Min-SE: 90"),
        hang_up(6),
    ];
    run("info", &steps, ours.udp, &[]).await;
    let keys: Vec<(char, u16)> = ours
        .heard
        .lock()
        .expect("whole")
        .events
        .iter()
        .filter_map(|event| match event {
            LegEvent::Key { key, duration_ms } => Some((Key::symbol(*key), *duration_ms)),
            _ => None,
        })
        .collect();
    assert_eq!(keys, [('4', 200), ('#', 160)]);
}

#[tokio::test]
async fn strangers_hear_nothing() {
    if !have_sipp() {
        return;
    }
    let settings = Settings { udp: Some(local()), tcp: Some(local()), ..Settings::default() };
    let ours = Answerer::start(settings, Manner::Answer);
    let ping = crate::harness::options(ours.udp, 1);
    let quiet = Duration::from_millis(400);
    let udp = ours.udp;
    let answer =
        tokio::task::spawn_blocking(move || crate::harness::ask(udp, ping.as_bytes(), quiet));
    assert_eq!(answer.await.expect("ran"), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement: cargo test --release --test sip_live -- --ignored figures --nocapture"]
async fn figures() {
    if !have_sipp() {
        return;
    }
    for (rate, calls) in [("20", "200"), ("200", "2000")] {
        let ours = Answerer::start(open_settings(), Manner::Answer);
        let (handle, udp) = (ours.handle.clone(), ours.udp.to_string());
        let folder = tempfile::tempdir().expect("folder");
        let mut command = tokio::process::Command::new("sipp");
        command.args(["-sn", "uac", &udp, "-i", "127.0.0.1", "-m", calls, "-r", rate, "-d", "0"]);
        command.args(["-l", "5000", "-nostdin", "-timeout", "30", "-trace_rtt", "-rtt_freq", "1"]);
        let status = command.current_dir(folder.path()).output().await.expect("sipp runs").status;
        let mut times = Vec::new();
        for entry in std::fs::read_dir(folder.path()).expect("read").flatten() {
            let text = std::fs::read_to_string(entry.path()).unwrap_or_default();
            let read = |line: &str| line.split(';').nth(1)?.parse::<f64>().ok();
            times.extend(text.lines().skip(1).filter_map(read));
        }
        times.sort_by(f64::total_cmp);
        let at = |part: f64| times.get((times.len() as f64 * part) as usize).copied();
        let count = times.len();
        let (p50, p95, p99, max) = (at(0.5), at(0.95), at(0.99), times.last());
        println!("{rate} calls/s x {calls}: {status}, INVITE to 200, ms, {count} samples:");
        println!("  p50 {p50:?} p95 {p95:?} p99 {p99:?} max {max:?}, kept {:?}", handle.kept());
    }
}
