//! A caller's page: asks and hears the answer, presses keys, goes and comes back, hangs up.

use std::time::Duration;

use reqwest::header::ORIGIN;
use warmline::base::key::Key;
use warmline::base::session::Codec;

use super::browser::{
    aside, base_of, captions_until, ended, hang_up, offer, offer_of, serve, words, write,
};
use super::server::{have_models, transcribe};

const ANSWER: Duration = Duration::from_secs(14);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_is_answered_aloud_and_in_captions() {
    if !have_models("browser: question") {
        return;
    }
    let server = serve("").await;
    let (base, http) = (base_of(&server), reqwest::Client::new());
    let folder = tempfile::tempdir().unwrap();
    let question = words("Tell me your opening hours, please.").await;

    let (voice, path) = offer(&http, &base, "/call", None).await.unwrap();
    let path = path.unwrap();
    voice.listen().await;

    let url = format!("{base}{path}/captions");
    // A recogniser may write "you're" for "your".
    let asked = |all: &str| {
        let mut caller = all.lines().filter(|line| line.contains(r#""who":"caller""#));
        caller.any(|line| line.to_lowercase().contains("opening hours"))
    };
    // Who is misheard, on a machine that stalls, says it again.
    let mut shown = String::new();
    for _ in 0..3 {
        voice.say(question.clone()).await;
        shown = captions_until(&http, &url, ANSWER, asked).await;
        if asked(&shown) {
            break;
        }
    }
    assert!(asked(&shown), "{shown}");
    voice.listen().await;
    let heard = folder.path().join("heard.wav");
    write(&heard, &voice.take());
    assert!(shown.contains(r#""who":"machine""#), "{shown}");
    let hang_up = format!("{base}{path}/hang-up");
    let reply = http.post(hang_up).header(ORIGIN, &base).send().await.unwrap();
    assert_eq!(reply.status(), 204);

    let calls = ended(&server, 1, Duration::from_secs(20)).await;
    let said = aside(move || transcribe(&heard)).await;
    assert!(said.contains("automated") && said.contains("monday"), "heard: {said}");
    let call = calls[0].to_string().to_lowercase();
    assert!(call.contains("opening_hours"), "{call}");
    assert!(call.contains("browser"), "{call}");
}

/// A reload within the grace goes on; the second time nobody comes back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_comes_back_goes_on_and_one_that_does_not_is_lost() {
    if !have_models("browser: reload") {
        return;
    }
    let server = serve("").await;
    let (base, http) = (base_of(&server), reqwest::Client::new());
    let (voice, path) = offer(&http, &base, "/call", None).await.unwrap();
    let path = path.unwrap();
    let leave = || async {
        let left = http.delete(format!("{base}{path}")).header(ORIGIN, &base).send().await;
        left.unwrap().status().as_u16()
    };
    tokio::time::sleep(Duration::from_secs(2)).await;
    voice.close().await;
    assert_eq!(leave().await, 204);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (voice, again) = offer(&http, &base, &path, None).await.unwrap();
    assert_eq!(again, None);
    voice.press(Key::ONE).await;
    tokio::time::sleep(Duration::from_secs(12)).await;
    let loudest = voice.take().iter().map(|sample| sample.unsigned_abs()).max();
    assert!(loudest > Some(1_000), "nothing is heard after the reload: {loudest:?}");
    let asked = server.clone();
    let running = aside(move || asked.heads()).await;
    assert!(running[0]["disposition"].is_null(), "the grace ended a call that was back");
    let left_ms = jiff::Timestamp::now().as_millisecond();
    assert_eq!(leave().await, 204);
    voice.close().await;
    let calls = ended(&server, 1, Duration::from_secs(60)).await;
    assert_eq!(calls[0]["disposition"], "caller_lost", "{:#}", calls[0]);
    // Ten seconds of grace: neither ended at once, nor found by ICE's own patience alone.
    let away_ms = calls[0]["ended_ms"].as_i64().unwrap() - left_ms;
    assert!((9_500..14_500).contains(&away_ms), "ended {away_ms} ms after the page was left");
    let keys: Vec<&str> = calls[0]["events"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["kind"] == "key")
        .filter_map(|event| event["detail"].as_str())
        .collect();
    assert_eq!(keys, ["1 (leg 0)"], "the key that was pressed after the reload");
    let gone = offer(&http, &base, &path, None).await;
    assert_eq!(gone.map(|_| ()).unwrap_err().0, 404);
}

/// G.711 from end to end: speaks over the greeting, which gives way, and presses a key.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_without_opus_speaks_over_the_greeting_and_presses_keys() {
    if !have_models("browser: G.711") {
        return;
    }
    let server = serve("").await;
    let (base, http) = (base_of(&server), reqwest::Client::new());
    let question = words("When are you open?").await;
    let offered = offer_of(Codec::Pcmu, &http, &base, "/call", None).await;
    let (voice, path) = offered.unwrap();
    let path = path.as_ref().unwrap();
    let captions = format!("{base}{path}/captions");
    let begun = captions_until(&http, &captions, Duration::from_secs(60), |all| {
        all.contains("press 0, for a person")
    });
    assert!(begun.await.contains("press 0, for a person"));
    voice.say(question).await;
    let shown = captions_until(&http, &captions, Duration::from_secs(60), |all| {
        let asked = all.to_lowercase().find("you open?");
        asked.is_some_and(|at| all[at..].contains(r#""who":"machine""#))
    });
    let shown = shown.await;
    assert!(shown.to_lowercase().contains("when are you open"), "{shown}");
    tokio::time::sleep(Duration::from_secs(2)).await;
    let loudest = voice.take().iter().map(|sample| sample.unsigned_abs()).max();
    assert!(loudest > Some(1_000), "nothing is heard over G.711: {loudest:?}");
    voice.press(Key::new('5').unwrap()).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    hang_up(&http, &base, path).await;
    let calls = ended(&server, 1, Duration::from_secs(60)).await;
    let call = &calls[0];
    assert_eq!(call["legs"][0]["codec"], "PCMU", "{:#}", call["legs"]);
    // The record says what was heard of the greeting: not its end.
    let said: Vec<&str> =
        call["lines"].as_array().unwrap().iter().filter_map(|l| l["text"].as_str()).collect();
    let greeting = "Welcome to Northwind. I am an automated assistant, and this call is transcribed \
                    and recorded. Say don't record, or press star 7, to stop that.";
    let is_begun = |line: &&str| line.starts_with("Welcome") && greeting.starts_with(*line);
    assert!(said.iter().any(is_begun), "{said:?}");
    assert!(!said.iter().any(|line| line.contains("How can I help")), "not stopped: {said:?}");
    assert!(call["events"].to_string().contains("5 (leg 0)"), "{:#}", call["events"]);
}
