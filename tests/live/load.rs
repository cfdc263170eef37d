//! Many short calls: each has exactly one answer, one record and one disposition.

use std::net::TcpStream;
use std::time::Duration;

use super::server::Server;
use super::sipp::{self, ANSWERED, OFFER, Sipp, caller, expect, pause, request};

#[test]
fn two_hundred_calls_at_twenty_a_second_and_none_lost() {
    if !sipp::is_there("load") {
        return;
    }
    let server = Server::start("");
    let calls = short_calls(&server, 200);
    let ids: std::collections::BTreeSet<_> =
        calls.iter().filter_map(|c| c["id"].as_str()).collect();
    assert_eq!(ids.len(), 200, "each call has an id of its own");
    let open = calls.iter().filter(|call| !call["disposition"].is_string()).count();
    assert_eq!(open, 0, "each call has a disposition");
    let failed: Vec<_> =
        calls.iter().filter(|call| call["disposition"] == "system_failure").collect();
    assert!(failed.is_empty(), "{failed:#?}");
}

/// So many calls of a second each, 20 a second, and what became of them.
fn short_calls(server: &Server, count: usize) -> Vec<serde_json::Value> {
    let steps = format!(
        "{ANSWERED}{}{}{}{}",
        request("ACK", 1),
        pause(1_000),
        request("BYE", 2),
        expect(200)
    );
    let target = format!("127.0.0.1:{}", server.sip_port);
    let count_text = count.to_string();
    let arguments = ["-r", "20", "-m", &count_text, "-l", "200", "-timeout", "90"];
    let arguments = [&arguments[..], &["-timeout_error"]].concat();
    let mut peer = Sipp::start(&caller("", OFFER, &steps), &target, &arguments);
    assert_eq!(peer.wait(), 0, "{}\n{}", peer.errors(), server.log());
    let calls = server.ended_heads(count, Duration::from_secs(30));
    assert_eq!(calls.len(), count);
    calls
}

/// Whoever opens connections to the pages and says nothing takes no file handle from a call: more
/// than the server was started with.
#[test]
fn silent_connections_take_nothing_from_calls() {
    if !sipp::is_there("silent connections") {
        return;
    }
    let server = Server::start("");
    let silent: Vec<TcpStream> = (0..600)
        .map(|_| TcpStream::connect(("127.0.0.1", server.web_port)).expect("connects"))
        .collect();
    let calls = short_calls(&server, 20);
    let failed: Vec<_> =
        calls.iter().filter(|call| call["disposition"] == "system_failure").collect();
    assert!(failed.is_empty(), "{failed:#?}");
    assert_eq!(server.get("/healthz").0, 200, "{}", server.log());
    drop(silent);
}

/// Above the configured number of calls: 503 with Retry-After, and the calls that run go on.
#[test]
fn too_many_calls_are_refused_at_once() {
    if !sipp::is_there("capacity") {
        return;
    }
    let server = Server::start_with_sip("calls_max = 3");
    let hold = format!(
        "{ANSWERED}{}{}{}{}",
        request("ACK", 1),
        pause(6_000),
        request("BYE", 2),
        expect(200)
    );
    let target = format!("127.0.0.1:{}", server.sip_port);
    let mut holding =
        Sipp::start(&caller("", OFFER, &hold), &target, &["-r", "10", "-m", "3", "-timeout", "30"]);
    std::thread::sleep(Duration::from_secs(2));
    let refused = format!("  <recv response=\"100\" optional=\"true\"/>\n{}", expect(503));
    let mut fourth =
        Sipp::start(&caller("", OFFER, &refused), &target, &["-m", "1", "-timeout", "10"]);
    assert_eq!(fourth.wait(), 0, "{}\n{}", fourth.errors(), fourth.messages());
    assert!(fourth.messages().contains("Retry-After:"), "{}", fourth.messages());
    assert_eq!(holding.wait(), 0, "{}", holding.errors());
}
