//! Who may call, from where, and how many.

use std::time::Duration;

use reqwest::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, CONTENT_TYPE, ORIGIN, RETRY_AFTER,
};
use warmline::base::session::Codec;
use warmline::webrtc::Client;

use super::browser::{base_of, ended, offer, serve};
use super::server::have_models;

const SHOP: &str = "https://shop.example";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_allowed_pages_call_and_not_too_many() {
    if !have_models("browser: rules") {
        return;
    }
    let server = serve(
        "[browser]\nallowed_origins = [\"https://shop.example\"]\n\
                 calls_per_address_max = 2\ncalls_per_minute_max = 20\n\
                 [browser.turn]\nurls = [\"turn:turn.example:3478\"]\npassword = \"north\"\n",
    )
    .await;
    let base = base_of(&server);
    let http = reqwest::Client::new();
    let (client, sdp) = Client::offer(([127, 0, 0, 1], 0).into(), Codec::Opus).await.unwrap();
    let post = |origin: Option<&str>, kind: &str, body: &str| {
        let mut request =
            http.post(format!("{base}/call")).header(CONTENT_TYPE, kind).body(body.to_owned());
        if let Some(origin) = origin {
            request = request.header(ORIGIN, origin);
        }
        request.send()
    };
    for (origin, kind, body, expect) in [
        (None, "application/sdp", sdp.as_str(), 403),
        (Some("https://evil.example"), "application/sdp", &sdp, 403),
        (Some("null"), "application/sdp", &sdp, 403),
        (Some(base.as_str()), "text/plain", &sdp, 415),
        (Some(base.as_str()), "application/sdp", "v=0\r\nnonsense", 406),
        (Some(SHOP), "application/sdp", "", 406),
    ] {
        let reply = post(origin, kind, body).await.unwrap();
        assert_eq!(reply.status().as_u16(), expect, "{origin:?} {kind}");
    }
    let asked = http
        .request(reqwest::Method::OPTIONS, format!("{base}/call"))
        .header(ORIGIN, SHOP)
        .send()
        .await
        .unwrap();
    assert_eq!(asked.status(), 204);
    assert_eq!(asked.headers()[ACCESS_CONTROL_ALLOW_ORIGIN], SHOP);
    let evil = http
        .request(reqwest::Method::OPTIONS, format!("{base}/call"))
        .header(ORIGIN, "https://evil.example")
        .send()
        .await
        .unwrap();
    assert_eq!(evil.status(), 403);
    assert!(!evil.headers().contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));

    let entrance = http.get(format!("{base}/call/entrance")).send().await.unwrap();
    let entrance: serde_json::Value = entrance.json().await.unwrap();
    let server_of = &entrance["ice_servers"][0];
    let user = server_of["username"].as_str().unwrap();
    let made = warmline::webrtc::turn::credentials("north", "warmline", 0, 0);
    assert!(user.ends_with(":warmline") && user != made.user, "{user}");
    assert_eq!(server_of["urls"][0], "turn:turn.example:3478");

    let taken = post(Some(SHOP), "application/sdp", &sdp).await.unwrap();
    assert_eq!(taken.status(), 201);
    let exposed = taken.headers()[ACCESS_CONTROL_EXPOSE_HEADERS].to_str().unwrap().to_owned();
    assert!(exposed.contains("Location"), "{exposed}");
    let (voice, path) = offer(&http, &base, "/call", None).await.unwrap();
    let (status, why) = offer(&http, &base, "/call", None).await.map(|_| ()).unwrap_err();
    assert_eq!(status, 429, "{why}");
    let refused = post(Some(&base), "application/sdp", &sdp).await.unwrap();
    assert!(refused.headers().contains_key(RETRY_AFTER));

    // The token is the only key: another one opens nothing.
    let path = path.unwrap();
    let mut other = path.clone();
    other.replace_range(other.len() - 4.., "AAAA");
    for (path, expect) in [(other.as_str(), 404), ("/call/short", 404), (path.as_str(), 204)] {
        let url = format!("{base}{path}/hang-up");
        let reply = http.post(url).header(ORIGIN, &base).send().await.unwrap();
        assert_eq!(reply.status().as_u16(), expect, "{path}");
    }
    voice.close().await;
    client.close().await;
    ended(&server, 1, Duration::from_secs(20)).await;

    let back = |number: &str| {
        http.post(format!("{base}/call/back"))
            .header(ORIGIN, &base)
            .form(&[("number", number), ("name", "Ada <b>")])
            .send()
    };
    assert_eq!(back("+1 555 0100").await.unwrap().status(), 202);
    assert_eq!(back("call me").await.unwrap().status(), 400);
}
