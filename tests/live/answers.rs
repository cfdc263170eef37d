//! A caller asks, and hears the answer: judged by what the caller's phone recorded.

use std::time::Duration;

use super::baresip::{self, Baresip};
use super::server::{self, Server, have_models, speak, transcribe};
use super::tone::{Part, compose};

/// A call of the simulated caller that must go as expected; otherwise the record is shown.
fn goes_well(server: &Server, arguments: &[&str]) -> serde_json::Value {
    let uri = server.uri();
    let arguments = [&["call", &uri], arguments].concat();
    let (status, out, error) = server::warmline(&arguments);
    let calls = server.ended_calls(1, Duration::from_secs(30));
    assert_eq!(status, 0, "{out}\n{error}\n{:#}", calls[0]);
    calls.into_iter().next().expect("one call")
}

/// baresip says "When are you open?" over the greeting's end and hears the hours.
#[test]
fn a_question_is_answered_aloud() {
    if !have_models("answers") || !baresip::is_there("answers") {
        return;
    }
    let server = Server::start("");
    let folder = tempfile::tempdir().expect("a folder");
    let question = speak(folder.path(), "question.wav", "When are you open?");
    let sound = folder.path().join("caller.wav");
    compose(&sound, &[Part::Silence(9.0), Part::File(&question), Part::Silence(14.0)]);

    let mut caller = Baresip::start(&sound, false);
    caller.dial(&server.uri());
    caller.wait_for("Call established", Duration::from_secs(15));
    std::thread::sleep(Duration::from_secs(22));
    caller.hang_up();
    let calls = server.ended_calls(1, Duration::from_secs(15));
    caller.quit();

    let heard = transcribe(&caller.received());
    assert!(heard.contains("automated"), "the notice is heard: {heard}");
    assert!(heard.contains("monday"), "the answer is heard: {heard}");
    let call = &calls[0];
    let text = call.to_string().to_lowercase();
    assert!(text.contains("opening_hours"), "{call:#}");
    assert!(text.contains("when are you open"), "{call:#}");
    assert!(server.is_recorded(call), "the recording opens: {call:#}");
}

/// Warmline's own simulated caller, told what to expect, judges by its exit code.
#[test]
fn the_simulated_caller_judges_what_it_hears() {
    if !have_models("simulated caller") {
        return;
    }
    let server = Server::start("");
    let (status, out, error) = server::warmline(&[
        "call",
        &server.uri(),
        "--say",
        "When are you open?",
        // Another caller: deeper, faster, in a car.
        "--pitch",
        "-150",
        "--pace",
        "0.9",
        "--snr",
        "25",
        "--expect",
        "Monday",
    ]);
    assert_eq!(status, 0, "{out}\n{error}");
    let (status, out, _) = server::warmline(&[
        "call",
        &server.uri(),
        "--say",
        "When are you open?",
        "--expect",
        "hippopotamus",
        "--listen-s",
        "6",
    ]);
    assert_eq!(status, 1, "what does not come is a failure:\n{out}");
}

/// Two turns: the order number is read back, the postcode proves the caller.
#[test]
fn an_order_is_looked_up_in_a_business_system() {
    if !have_models("order lookup") {
        return;
    }
    let server = Server::start_with_shop("");
    let turns = ["Four two one seven.", "Yes, that's right.", "One two three four five."];
    let mut arguments = vec!["--say", "Where is my order?"];
    arguments.extend(turns.iter().flat_map(|turn| ["--then", turn]));
    arguments.extend(["--expect", "postcode", "--expect", "on its way"]);
    let call = goes_well(&server, &arguments);
    let text = call.to_string();
    assert!(text.contains("order_status"), "{call:#}");
    assert!(text.contains("order: replied"), "{call:#}");
    assert_eq!(call["disposition"], "answered", "{call:#}");
    assert!(server.tasks().is_empty(), "asking does nothing");
}

/// A task is read back, done after the second fact, and once.
#[test]
fn an_order_is_cancelled_after_the_postcode_and_once() {
    if !have_models("task") {
        return;
    }
    let server = Server::start_with_shop("");
    let turns = ["Four two one seven.", "Yes, that's right.", "One two three four five."];
    let mut arguments = vec!["--say", "Please cancel my order."];
    arguments.extend(turns.iter().flat_map(|turn| ["--then", turn]));
    arguments.extend(["--expect", "cancel order", "--expect", "postcode", "--expect", "77"]);
    let call = goes_well(&server, &arguments);
    assert_eq!(call["disposition"], "answered", "{call:#}");
    let tasks = server.tasks();
    assert_eq!(tasks.len(), 1, "{tasks:?}");
    let id = call["id"].as_str().unwrap_or("no id");
    assert!(tasks[0].starts_with(&format!("POST /orders/4217/cancel {id}-")), "{tasks:?}");
}

/// A business system that does not answer in its time: an apology, and a person.
#[test]
fn a_system_that_hangs_leads_to_an_apology_and_a_person() {
    if !have_models("time-out") {
        return;
    }
    let server = Server::start_with_shop("");
    let turns = ["Nine zero three eight.", "Yes, that's right."];
    let mut arguments = vec!["--say", "Where is my order?"];
    arguments.extend(turns.iter().flat_map(|turn| ["--then", turn]));
    arguments.extend(["--expect", "does not answer"]);
    let call = goes_well(&server, &arguments);
    let text = call.to_string();
    assert!(text.contains("no reply in time"), "{call:#}");
    assert!(text.contains("\"wanted\""), "a person is asked for: {call:#}");
}

/// What a number's own line of the configuration says of consent holds: nothing is recorded.
#[test]
fn a_number_without_recording_leaves_none_and_says_so() {
    if !have_models("consent") {
        return;
    }
    let server = Server::start("[[numbers]]\ndialled = \"help\"\nconsent = \"off\"\n");
    let folder = tempfile::tempdir().expect("a folder");
    let question = speak(folder.path(), "question.wav", "When are you open?");
    let question = question.to_string_lossy().into_owned();
    // The caller's voice out of a file, as well.
    let call = goes_well(&server, &["--wav", &question, "--expect", "Monday"]);
    let said = call["lines"].to_string();
    assert!(said.contains("transcribed") && !said.contains("recorded"), "the notice: {call:#}");
    assert!(server.recordings().is_empty(), "{:?}", server.recordings());
}

/// A speech server on a free port whose voice is a tone of half a second; what it is asked to say
/// of order 4217 takes it two and a half seconds, and the question after it as long as it may.
fn slow_voice() -> u16 {
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        server::block_on(async move {
            let say = async |asked: String| {
                if asked.contains("heard order") {
                    tokio::time::sleep(Duration::from_millis(2_500)).await;
                } else if asked.contains("Is that right") {
                    tokio::time::sleep(Duration::from_millis(3_800)).await;
                }
                tone_wav()
            };
            let app = axum::Router::new().route("/", axum::routing::post(say));
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            tell.send(listener.local_addr().expect("is bound").port()).expect("is awaited");
            axum::serve(listener, app).await.expect("serves");
        });
    });
    told.recv().expect("is bound")
}

/// Half a second of a tone, 16 kHz.
fn tone_wav() -> Vec<u8> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 16_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut bytes = std::io::Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut bytes, spec).expect("is written");
    for at in 0..8_000 {
        let wave = (f64::from(at) * 440.0 * std::f64::consts::TAU / 16_000.0).sin();
        writer.write_sample((wave * 8_000.0) as i16).expect("is written");
    }
    writer.finalize().expect("is written");
    bytes.into_inner()
}

/// A voice that needs long for a sentence leaves nobody in silence: the caller is asked for a
/// moment first, once before each late sentence, and the sentence follows.
#[test]
fn a_slow_voice_asks_for_a_moment_first() {
    if !have_models("slow voice") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("http://127.0.0.1:{}/", slow_voice());
    let extra = format!("[voice]\nengine = \"http\"\nurl = \"{url}\"\ncache = \"voice\"\n");
    let server = Server::start_in(folder.path(), &extra);
    let turns = ["--say", "Where is my order?", "--then", "Four two one seven.", "--quiet-s", "4"];
    let call = goes_well(&server, &turns);
    let lines = call["lines"].as_array().cloned().unwrap_or_default();
    let said: Vec<&str> = lines.iter().filter_map(|line| line["text"].as_str()).collect();
    // Of this line alone: on a machine that stalls, a sentence of another may be late as well.
    let read_back = "One moment, please. I heard order 4217. One moment, please. Is that right?";
    let line = said.iter().find(|text| text.contains("heard order 4217"));
    assert!(line.is_some_and(|text| text.starts_with(read_back)), "{said:#?}");
    let metrics = server.get("/metrics").1;
    let held_on = metrics.lines().find_map(|line| line.strip_prefix("warmline_held_on_total "));
    let held_on: Option<u64> = held_on.and_then(|count| count.trim().parse().ok());
    assert!(held_on >= Some(2), "{metrics}");
}
