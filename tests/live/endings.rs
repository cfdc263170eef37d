//! What ends badly loses nothing: a killed process, a full disk, a request to stop.

use std::time::Duration;

use super::baresip::{self, Baresip};
use super::server::{Server, have_models};
use super::tone::{Part, compose};

fn a_call_of(seconds: f32, folder: &std::path::Path) -> Baresip {
    let sound = folder.join("caller.wav");
    compose(&sound, &[Part::Tone { hz: 440.0, seconds }]);
    Baresip::start(&sound, false)
}

fn place(caller: &Baresip, server: &Server) {
    caller.dial(&server.uri());
    caller.wait_for("Call established", Duration::from_secs(15));
}

#[test]
fn after_kill_nine_the_call_is_closed_and_its_recording_opens() {
    if !have_models("kill") || !baresip::is_there("kill") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let mut server = Server::start("");
    let caller = a_call_of(60.0, folder.path());
    place(&caller, &server);
    std::thread::sleep(Duration::from_secs(16));
    server.kill();
    server.restart();
    let calls = server.ended_calls(1, Duration::from_secs(5));
    assert_eq!(calls[0]["disposition"], "system_failure", "{:#}", calls[0]);
    let files = server.recordings();
    assert_eq!(files.len(), 1, "{files:?}");
    let wav = hound::WavReader::open(&files[0]).expect("the recording opens");
    // It began with the end of the notice, and at most a second of it may be lost; two more for
    // this test's own clock.
    let began = calls[0]["recording_began_ms"].as_u64().expect("the notice was heard");
    let expected = 16_000 - began - 3_000;
    let kept = u64::from(wav.duration()) * 1_000 / u64::from(wav.spec().sample_rate);
    assert!(kept >= expected, "{kept} ms are kept of {expected}: {:#}", calls[0]);
    let said = calls[0]["lines"].to_string();
    assert!(said.contains("How can I help"), "what was acknowledged is kept: {:#}", calls[0]);
    assert!(wav.spec().channels == 2, "stereo: caller left, machine right");
}

#[test]
fn a_full_disk_for_recordings_ends_no_call() {
    if !have_models("full disk") || !baresip::is_there("full disk") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    // The quota is used up before the first call; ENOSPC itself is held by the recorder's own
    // tests, where the writer returns it.
    let ballast = folder.path().join("data/recordings");
    std::fs::create_dir_all(&ballast).expect("is writable");
    std::fs::write(ballast.join("ballast.wav"), vec![0u8; 2 * 1024 * 1024]).expect("is writable");
    let quota = "[recording]\non = true\nquota_mib = 1\n";
    let server = Server::start_in(folder.path(), quota);
    let caller = a_call_of(40.0, folder.path());
    place(&caller, &server);
    std::thread::sleep(Duration::from_secs(14));
    assert!(!caller.output().contains("terminated"), "the call goes on: {}", caller.output());
    caller.hang_up();
    let calls = server.ended_calls(1, Duration::from_secs(10));
    assert_ne!(calls[0]["disposition"], "system_failure", "{:#}", calls[0]);
    assert!(
        server.log().contains("the recording cannot be written"),
        "an alarm:\n{}",
        server.log()
    );
    let health = server.get("/healthz").1;
    assert!(health.contains("could not be written"), "{health}");
}

#[test]
fn asked_to_stop_it_finishes_what_runs_and_takes_nothing_new() {
    if !have_models("drain") || !baresip::is_there("drain") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let mut server = Server::start("");
    let caller = a_call_of(60.0, folder.path());
    place(&caller, &server);
    server.signal_terminate();
    std::thread::sleep(Duration::from_millis(1_500));
    assert_eq!(server.get("/readyz").0, 503, "not ready while it drains");
    assert_eq!(server.get("/healthz").0, 200, "alive while it drains");
    assert!(!caller.output().contains("terminated"), "{}", caller.output());
    caller.hang_up();
    let (status, _) = server.terminate(Duration::from_secs(15));
    assert_eq!(status, Some(0));
}
