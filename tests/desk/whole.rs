//! The whole: the real binary, a caller and an agent's phone (both baresip, with real audio), and
//! the agent's desk in Chromium.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::baresip::{self, Baresip};
use super::browser::{self, Chromium};
use super::phones::{BINARY, Server, have_models, models_folder, speak};
use super::shop::{Mood, Shop};
use super::tone::{Part, compose};

pub const PASSWORD: &str = "correct horse";

/// Adds a user beside the running server.
pub fn add_user(server: &Server, name: &str) {
    let config = server.folder.join("warmline.toml");
    let mut child = Command::new(BINARY)
        .args(["user", "add", name, "--role", "agent", "--config"])
        .arg(config)
        .env("WARMLINE_MODELS", models_folder())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary runs");
    let mut input = child.stdin.take().expect("is piped");
    writeln!(input, "{PASSWORD}").expect("written");
    drop(input);
    assert!(child.wait().expect("ends").success(), "the user is added");
}

fn sounds(folder: &Path) -> (std::path::PathBuf, std::path::PathBuf) {
    let wish = speak(folder, "wish.wav", "I want to talk to an agent, please.");
    let question = speak(folder, "question.wav", "When are you open on Saturday?");
    let caller = folder.join("caller.wav");
    // The call's sound begins with the answer; what follows repeats until somebody hears it.
    compose(
        &caller,
        &[
            Part::Silence(9.0),
            Part::File(&wish),
            Part::Silence(16.0),
            Part::File(&question),
            Part::Silence(10.0),
            Part::File(&question),
            Part::Silence(60.0),
        ],
    );
    let hello = speak(folder, "hello.wav", "Hello, this is Anna. I can help you with that.");
    let agent = folder.join("agent.wav");
    compose(
        &agent,
        &[
            Part::Silence(3.0),
            Part::File(&hello),
            Part::Silence(10.0),
            Part::File(&hello),
            Part::Silence(80.0),
        ],
    );
    (caller, agent)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_is_taken_by_click_and_the_wrap_up_is_saved() {
    let test = "a whole call on the desk";
    if !browser::is_there(test) || !have_models(test) || !baresip::is_there(test) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let (caller_sound, agent_sound) = sounds(folder.path());
    // Answers when it is told to: a person's phone.
    let phone = Baresip::start(&agent_sound, false);
    let agents = format!(
        "[[agents]]\nid = \"anna\"\nname = \"Anna\"\ncontact = \"{}\"\n\
         [transfer]\nring_s = 60\nwrap_up_s = 300\n",
        phone.contact()
    );
    let shop = Shop::open();
    shop.connect(folder.path());
    let mut server = tokio::task::block_in_place(|| Server::start_in(folder.path(), &agents));
    add_user(&server, "anna");
    let anna = Chromium::open(&format!("http://127.0.0.1:{}", server.web_port)).await;
    anna.log_in("anna", PASSWORD).await;
    anna.wait_text("Ready").await;
    anna.run(
        "window.stages = []; new MutationObserver(() => { const s = document.body.dataset.stage; \
         if (stages.at(-1) !== s) stages.push(s); }) \
         .observe(document.body, {attributes: true, attributeFilter: ['data-stage']})",
    )
    .await;

    let mut caller = Baresip::start(&caller_sound, false);
    caller.dial(&server.uri());
    // The card is on the screen before the phone knows of the call.
    anna.wait("the card", "return window.stages.includes('offered')").await;
    phone.wait_for("Incoming call", Duration::from_secs(30));
    anna.wait_stage("ringing").await;
    let stages = anna.run("return window.stages.filter((stage) => stage !== 'idle')").await;
    assert_eq!(stages, serde_json::json!(["offered", "ringing"]));
    anna.wait_text("talk to an agent").await;
    // The customer and the last orders, from the business system.
    anna.wait_text("Oak shelf, 2 pieces").await;
    anna.wait_text("88-1204").await;
    anna.shoot("20-whole-ringing").await;

    anna.click("[data-act=A]").await;
    anna.wait_stage("accepted").await;
    phone.answer();
    anna.wait_stage("talking").await;
    // Both sides, live.
    let said = |who: &str, word: &str| {
        format!(
            "return [...document.querySelectorAll('.lines .{who} .text')]\
             .some((line) => line.textContent.toLowerCase().includes('{word}'))"
        )
    };
    anna.wait("the agent's words", &said("agent", "anna")).await;
    anna.wait("the caller's question", &said("caller", "saturday")).await;
    anna.wait_text("On Sunday we are closed").await;
    anna.shoot("21-whole-talking").await;
    // In mid-call the page is loaded again; nobody is dropped.
    anna.driver.refresh().await.expect("loaded again");
    anna.wait_stage("talking").await;
    anna.wait("the transcript", &said("caller", "saturday")).await;
    // The suggestion is read to the caller by one click, and stands in the transcript.
    anna.click(".answers button").await;
    anna.wait("the machine's line", &said("machine", "sunday we are closed")).await;
    anna.press("h").await;
    anna.wait_stage("held").await;
    anna.press("h").await;
    anna.wait_stage("talking").await;
    anna.find("#notes").await.send_keys("asked about Saturday").await.expect("typed");

    anna.press("\u{e00c}").await;
    anna.click("[data-act=X]").await;
    anna.wait_stage("wrap_up").await;
    anna.shoot("22-whole-wrap-up").await;
    anna.click(".bar .choice").await;
    anna.click("#wrap-ticket").await;
    anna.click(".bar .primary").await;
    anna.wait_stage("idle").await;
    anna.wait_text("Ticket T-1001 is filed").await;
    let calls = tokio::task::block_in_place(|| server.ended_calls(1, Duration::from_secs(60)));
    let wrap_up = &calls[0]["wrap_ups"][0];
    assert_eq!(calls[0]["disposition"], "transferred", "{:#}", calls[0]);
    assert_eq!(wrap_up["result"], "Solved", "{wrap_up:#}");
    assert_eq!(wrap_up["notes"], "asked about Saturday");
    assert!(wrap_up["summary"]["outcome"].as_str().is_some_and(|text| text.contains("Spoke for")));

    ticket_is_filed_once(&shop, &calls[0]);
    caller.quit();
    killed_in_a_call(&mut server, &anna, &phone, &caller_sound, &shop).await;
    anna.close().await;
}

/// What the ticket system was told, under a key that makes the same call the same ticket.
fn ticket_is_filed_once(shop: &Shop, call: &serde_json::Value) {
    let tickets = shop.tickets();
    let [(key, ticket)] = tickets.as_slice() else { panic!("one ticket: {tickets:?}") };
    let id = call["id"].as_str().expect("an id");
    assert!(key.starts_with(id), "{key}");
    assert_eq!(ticket["call"], id, "{ticket:#}");
    assert_eq!(ticket["agent"], "anna");
    assert_eq!(ticket["result"], "Solved");
    assert_eq!(ticket["notes"], "asked about Saturday");
    assert!(ticket["outcome"].as_str().is_some_and(|text| text.contains("Spoke for")));
}

/// A second call, and the process is killed in the middle of it. The business system is slow now,
/// and down when the ticket is to be filed.
async fn killed_in_a_call(
    server: &mut Server,
    anna: &Chromium,
    phone: &Baresip,
    caller_sound: &Path,
    shop: &Shop,
) {
    shop.is_now(Mood::Slow);
    let mut caller = Baresip::start(caller_sound, false);
    caller.dial(&server.uri());
    anna.wait_stage("ringing").await;
    // The card waits for nobody; after three seconds it says what is missing.
    anna.wait_text("The business system: no reply in time").await;
    anna.shoot("24-whole-slow-shop").await;
    anna.click("[data-act=A]").await;
    phone.answer();
    anna.wait_stage("talking").await;
    // What the disk has not is lost with the process.
    tokio::task::block_in_place(|| server.step_on_disk("accepted", 2, Duration::from_secs(30)));
    server.kill();
    anna.wait("the page says so", "return document.body.classList.contains('lost')").await;
    tokio::task::block_in_place(|| server.restart());
    anna.wait_stage("wrap_up").await;
    anna.wait_text("started again during this call").await;
    anna.shoot("23-whole-restarted").await;
    shop.is_now(Mood::Down);
    anna.click("#wrap-ticket").await;
    anna.click(".bar .primary").await;
    anna.wait_stage("idle").await;
    anna.wait_text("The ticket was not filed").await;
    assert_eq!(shop.tickets().len(), 1);
    caller.quit();
}
