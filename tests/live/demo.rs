//! The demo as `./dev run --once` starts it: on taken ports, both calls, and the password once.

use std::net::{TcpListener, UdpSocket};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::server::{BINARY, have_models, models_folder};

/// All demos look for the same ports first: one test at a time has them.
fn the_ports() -> MutexGuard<'static, ()> {
    static PORTS: Mutex<()> = Mutex::new(());
    PORTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Both demo calls go as they should, live in the terminal, beside programs that have the ports.
#[test]
fn the_demo_plays_its_two_calls_on_the_next_free_ports() {
    if !have_models("demo") {
        return;
    }
    let _ports = the_ports();
    // Taken by us, or by somebody else already.
    let _sip = UdpSocket::bind("127.0.0.1:5060");
    let _tcp = TcpListener::bind("127.0.0.1:5060");
    let _web = TcpListener::bind("127.0.0.1:8080");
    let folder = tempfile::tempdir().expect("a folder");
    let (status, out, error) = demo(folder.path(), &[]);
    assert_eq!(status, 0, "{out}\n{error}");
    for words in [
        "Warmline is ready.",
        "sip:help@127.0.0.1:506",
        "http://127.0.0.1:808",
        "(shown this once)",
        "opening_hours",
        "answer opening_hours",
        "the call ended: answered",
        "stress",
        "anna is briefed in private",
        "caller and anna are joined",
        "the call ended: transferred",
        "Both demo calls went well.",
    ] {
        assert!(out.contains(words), "{words:?} in:\n{out}\n{error}");
    }
    assert!(!out.contains("sip:help@127.0.0.1:5060 "), "another port is named: {out}");
    for taken in ["UDP 127.0.0.1:5060 is in use", "web 127.0.0.1:8080 is in use"] {
        assert!(format!("{out}{error}").contains(taken), "{taken}:\n{out}\n{error}");
    }
}

/// The password is shown at the first start alone, and `--lan` says what a softphone needs.
#[test]
fn a_second_start_shows_no_password_and_lan_prints_a_softphone_s_settings() {
    if !have_models("demo again") {
        return;
    }
    let (_ports, folder) = (the_ports(), tempfile::tempdir().expect("a folder"));
    let first = started(folder.path(), &[]);
    assert!(first.contains("(shown this once)"), "{first}");
    let second = started(folder.path(), &["--lan"]);
    assert!(!second.contains("(shown this once)"), "{second}");
    assert!(second.contains("with the password shown at the first start"), "{second}");
    assert!(!first.contains("softphone of your network"), "{first}");
    for words in ["softphone of your network", "dial sip:help@", "PCMU, PCMA or G.722"] {
        assert!(second.contains(words), "{words:?} in {second}");
    }
}

fn demo(folder: &std::path::Path, more: &[&str]) -> (i32, String, String) {
    let out = Command::new(BINARY)
        .args(["demo", "--once", "--folder"])
        .arg(folder)
        .args(more)
        .env("WARMLINE_MODELS", models_folder())
        .output()
        .expect("the demo runs");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (out.status.code().unwrap_or(-1), text(out.stdout), text(out.stderr))
}

/// What it prints until it is ready; then it is ended.
fn started(folder: &std::path::Path, more: &[&str]) -> String {
    use std::io::{BufRead, BufReader};
    let mut child = Command::new(BINARY)
        .args(["demo", "--folder"])
        .arg(folder)
        .args(more)
        .env("WARMLINE_MODELS", models_folder())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("the demo starts");
    let out = BufReader::new(child.stdout.take().expect("is piped"));
    let mut said = String::new();
    for line in out.lines().map_while(Result::ok) {
        said.push_str(&line);
        said.push('\n');
        if line.contains("first call") {
            break;
        }
    }
    let _ = child.kill();
    let _ = child.wait();
    said
}
