//! Who may call, from where, and how many.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use reqwest::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, CONTENT_TYPE, ORIGIN, RETRY_AFTER,
};
use sha1::Sha1;
use warmline::base::session::Codec;
use warmline::webrtc::Client;

use super::browser::{base_of, ended, offer, serve};
use super::server::have_models;

const SHOP: &str = "https://shop.example";

/// Short-lived, and the password is what coturn makes of the name: its HMAC-SHA1 under the shared
/// secret.
fn coturn_takes(user: &str, password: &str) {
    let (ends_s, name) = user.split_once(':').unwrap();
    let ends_s: u64 = ends_s.parse().unwrap();
    let now_s = jiff::Timestamp::now().as_second() as u64;
    assert!(ends_s > now_s + 600 && ends_s < now_s + 24 * 3_600, "{user} at {now_s}");
    let mut mac = Hmac::<Sha1>::new_from_slice(b"north").unwrap();
    mac.update(user.as_bytes());
    let expected = STANDARD.encode(mac.finalize().into_bytes());
    assert_eq!((name, password), ("warmline", expected.as_str()));
}

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
    coturn_takes(user, server_of["credential"].as_str().unwrap());
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
        let captions = http.get(format!("{base}{path}/captions")).send().await.unwrap();
        let open = if expect == 204 { 200 } else { expect };
        assert_eq!(captions.status().as_u16(), open, "captions of {path}");
        let url = format!("{base}{path}/hang-up");
        let reply = http.post(url).header(ORIGIN, &base).send().await.unwrap();
        assert_eq!(reply.status().as_u16(), expect, "{path}");
    }
    voice.close().await;
    client.close().await;
    ended(&server, 1, Duration::from_secs(20)).await;
    // A call that is over has no captions to give.
    let mut status = 0;
    for _ in 0..100 {
        status = http.get(format!("{base}{path}/captions")).send().await.unwrap().status().as_u16();
        if status == 404 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(status, 404, "a dead token still opens the captions");

    let back = |number: &str| {
        http.post(format!("{base}/call/back"))
            .header(ORIGIN, &base)
            .form(&[("number", number), ("name", "Ada <b>")])
            .send()
    };
    assert_eq!(back("+1 555 0100").await.unwrap().status(), 202);
    assert_eq!(back("call me").await.unwrap().status(), 400);
}
