//! A caller's page: asks and hears the answer, presses keys, goes and comes back, hangs up.

use std::time::Duration;

use reqwest::header::ORIGIN;
use warmline::base::key::Key;

use super::browser::{aside, base_of, captions_until, ended, offer, serve, words, write};
use super::server::{have_models, transcribe};

const GREETING: Duration = Duration::from_secs(9);
const ANSWER: Duration = Duration::from_secs(14);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_is_answered_aloud_and_in_captions() {
    if !have_models("browser: question") {
        return;
    }
    let server = serve("").await;
    let (base, http) = (base_of(&server), reqwest::Client::new());
    let folder = tempfile::tempdir().unwrap();
    let question = words("When are you open?").await;

    let (voice, path) = offer(&http, &base, "/call", None).await.unwrap();
    let path = path.unwrap();
    tokio::time::sleep(GREETING).await;
    voice.say(question).await;
    tokio::time::sleep(ANSWER).await;
    let heard = folder.path().join("heard.wav");
    write(&heard, &voice.take());

    let url = format!("{base}{path}/captions");
    let shown = captions_until(&http, &url, Duration::from_secs(10), |all| {
        all.to_lowercase().contains("when are you open")
    });
    let shown = shown.await;
    assert!(shown.to_lowercase().contains("when are you open"), "{shown}");
    assert!(shown.contains(r#""who":"machine""#), "{shown}");
    let hang_up = format!("{base}{path}/hang-up");
    let reply = http.post(hang_up).header(ORIGIN, &base).send().await.unwrap();
    assert_eq!(reply.status(), 204);

    let calls = ended(&server, 1, Duration::from_secs(20)).await;
    let said = aside(move || transcribe(&heard)).await;
    assert!(said.contains("automated") && said.contains("open"), "heard: {said}");
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
    assert_eq!(leave().await, 204);
    voice.close().await;
    let calls = ended(&server, 1, Duration::from_secs(30)).await;
    assert_eq!(calls[0]["disposition"], "caller_lost", "{:#}", calls[0]);
    let gone = offer(&http, &base, &path, None).await;
    assert_eq!(gone.map(|_| ()).unwrap_err().0, 404);
}
