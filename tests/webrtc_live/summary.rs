//! "Hear summary" where the browser is the agent's phone: pressed while it rings it is the spoken
//! briefing, in private; then the call is taken by the page.

use std::time::Duration;

use super::agents::{ANNA, Desk};
use super::browser::{aside, base_of, both_hear, serve, wants_a_person, write};
use super::server::{have_models, transcribe};
use super::whole::Tells;

/// The summary, and the menu after it.
const SPOKEN: Duration = Duration::from_secs(14);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_hears_the_summary_before_taking_the_call_and_the_caller_hears_none_of_it() {
    if !have_models("hear summary") {
        return;
    }
    let server = serve(ANNA).await;
    let _tells = Tells(server.clone());
    let mut anna = Desk::of(&server, "anna").await;
    let (caller, _) = wants_a_person(&base_of(&server)).await;
    let call = anna.stage("ringing").await;
    anna.send(&call, "hear_summary").await;
    let call = anna.stage("briefing").await;
    caller.take();
    anna.voice.take();
    tokio::time::sleep(SPOKEN).await;
    let kept = [anna.voice.take(), caller.take()];
    // At once: writing it down takes a busy machine longer than a briefing waits.
    anna.send(&call, "accept").await;
    anna.stage("talking").await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    both_hear(&caller, 1_000.0, &anna.voice, 600.0, "after the briefing").await;
    let folder = tempfile::tempdir().unwrap();
    let [anna_heard, caller_heard] = kept;
    let heard = [("anna.wav", anna_heard), ("caller.wav", caller_heard)].map(|(name, all)| {
        let file = folder.path().join(name);
        write(&file, &all);
        file
    });
    let [to_anna, to_caller] = aside(move || heard.map(|file| transcribe(&file))).await;
    assert!(to_anna.contains("person") && to_anna.contains("accept"), "{to_anna:?}");
    assert!(!to_caller.contains("accept"), "the briefing is private: {to_caller:?}");
}
