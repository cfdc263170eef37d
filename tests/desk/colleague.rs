//! A colleague is asked in, with three real phones: who hears whom is proved by tones.

use std::time::Duration;

use super::baresip::{self, Baresip};
use super::browser::{self, Chromium};
use super::phones::{Server, have_models, speak};
use super::tone::{Part, compose, read, seconds_of};
use super::whole::{PASSWORD, add_user};

const CALLER_HZ: f32 = 1_000.0;
const ANNA_HZ: f32 = 600.0;
const BEN_HZ: f32 = 800.0;
const RATE_HZ: u32 = 8_000;

async fn desk_of(server: &Server, name: &str) -> Chromium {
    add_user(server, name);
    let chromium = Chromium::open(&format!("http://127.0.0.1:{}", server.web_port)).await;
    chromium.log_in(name, PASSWORD).await;
    chromium.wait_text("Ready").await;
    chromium
}

#[tokio::test(flavor = "multi_thread")]
async fn a_colleague_is_asked_in_hears_the_agent_alone_and_takes_the_caller() {
    let test = "a colleague on the desk";
    if !browser::is_there(test) || !have_models(test) || !baresip::is_there(test) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let wish = speak(folder.path(), "wish.wav", "I want to talk to an agent, please.");
    let sound = |name: &str| folder.path().join(name);
    let tone = |hz| Part::Tone { hz, seconds: 200.0 };
    let begin = [Part::Silence(9.0), Part::File(&wish), Part::Silence(3.0), tone(CALLER_HZ)];
    compose(&sound("caller.wav"), &begin);
    compose(&sound("anna.wav"), &[tone(ANNA_HZ)]);
    compose(&sound("ben.wav"), &[tone(BEN_HZ)]);
    let mut phones = ["anna.wav", "ben.wav"].map(|name| Baresip::start(&sound(name), false));
    let [anna_phone, ben_phone] = &mut phones;
    let agents = format!(
        "[[agents]]\nid = \"anna\"\nname = \"Anna\"\ncontact = \"{}\"\n\
         [[agents]]\nid = \"ben\"\nname = \"Ben\"\ncontact = \"{}\"\n\
         [transfer]\nring_s = 60\nwrap_up_s = 300\n",
        anna_phone.contact(),
        ben_phone.contact()
    );
    let server = tokio::task::block_in_place(|| Server::start(&agents));
    let ben = desk_of(&server, "ben").await;
    // Ben is away until he is asked for.
    ben.press("b").await;
    ben.wait_text("On a break").await;
    let anna = desk_of(&server, "anna").await;
    let mut caller = Baresip::start(&sound("caller.wav"), false);
    caller.dial(&server.uri());
    anna.wait_stage("ringing").await;
    anna.press("a").await;
    anna_phone.answer();
    anna.wait_stage("talking").await;
    tokio::time::sleep(Duration::from_secs(6)).await;

    ben.press("v").await;
    ben.wait_text("Ready").await;
    anna.press("c").await;
    anna.wait(
        "a free colleague",
        "return !!document.querySelector(\"[data-choice='1']:not([disabled])\")",
    )
    .await;
    anna.press("1").await;
    ben.wait_stage("ringing").await;
    anna.wait_text("Ben's phone rings").await;
    ben_phone.answer();
    ben.wait_stage("asked_in").await;
    anna.wait_text("the caller holds").await;
    tokio::time::sleep(Duration::from_secs(6)).await;
    anna.shoot("30-consulting").await;
    anna.press("j").await;
    anna.wait_text("All three").await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    anna.press("o").await;
    anna.wait_stage("wrap_up").await;
    ben.wait_stage("talking").await;
    tokio::time::sleep(Duration::from_secs(6)).await;
    ben.press("x").await;
    ben.wait_stage("wrap_up").await;
    let calls = tokio::task::block_in_place(|| server.ended_calls(1, Duration::from_secs(60)));
    assert_eq!(calls[0]["disposition"], "transferred", "{:#}", calls[0]);
    caller.quit();
    anna_phone.quit();
    ben_phone.quit();

    let heard = |phone: &Baresip, hz| seconds_of(&read(&phone.received()), RATE_HZ, hz);
    let told = format!("{}\n{}", calls[0]["transfer_steps"], server.log());
    for (who, phone, hz) in [
        ("the caller hears Anna", &caller, ANNA_HZ),
        ("the caller hears Ben", &caller, BEN_HZ),
        ("Anna hears the caller", &*anna_phone, CALLER_HZ),
        ("Anna hears Ben", &*anna_phone, BEN_HZ),
        ("Ben hears Anna alone", &*ben_phone, ANNA_HZ),
        ("Ben hears the caller", &*ben_phone, CALLER_HZ),
    ] {
        let seconds = heard(phone, hz);
        assert!(seconds > 2.0, "{who}: {seconds} s\n{told}");
    }
    anna.close().await;
    ben.close().await;
}
