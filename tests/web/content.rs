//! What pages and exports hold: text stays text, files stay in their folder, exports have their
//! shape, metrics name nobody.

use jiff::{Timestamp, ToSpan};
use reqwest::StatusCode;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use warmline::base::card::Speaker;
use warmline::base::disposition::Disposition;
use warmline::base::moment::Moment;
use warmline::web::ActiveCall;

use super::example;
use super::server::Server;

/// Strings that run where a page forgets to escape, each with one `%` for a number.
const XSS: [&str; 12] = [
    "<script>alert(%)</script>",
    "\"><script>alert(%)</script>",
    "'><img src=x onerror=alert(%)>",
    "<svg/onload=alert(%)>",
    "\" onmouseover=\"alert(%)",
    "</title><script>alert(%)</script>",
    "</textarea><iframe src=javascript:alert(%)>",
    "<a href=\"javascript:alert(%)\">x</a>",
    "<math><mi//xlink:href=\"data:x,<script>alert(%)</script>\">",
    "]]><script>alert(%)</script>",
    "<!--><img src=x onerror=alert(%)>-->",
    "\u{202e}<ScRiPt>alert(%)</sCrIpT>",
];

#[tokio::test(flavor = "multi_thread")]
async fn what_callers_send_is_text() {
    let server = Server::start().await;
    let began = Timestamp::now();
    let mut count = 0;
    let mut cards = Vec::new();
    for (number, text) in XSS.iter().enumerate() {
        let mut bad = |place: &str| {
            count += 1;
            format!("{place}{}", text.replace('%', &count.to_string()))
        };
        let call = example::call_id(number as u8);
        let mut who = example::caller(&bad("name"), &bad("number"));
        who.user_agent = Some(bad("agent"));
        who.dialled = bad("dialled");
        drop(server.store.arrived(&call, began, &who).await);
        let fact = example::understood(1, &bad("words"), &bad("intent"), 0.5, &[&bad("reason")]);
        drop(server.store.note(&call, Moment(1), began, fact).await);
        let fact = example::said(2, Speaker::Agent, &bad("agent words"));
        drop(server.store.note(&call, Moment(2), began, fact).await);
        let mut card = example::card(&call, "anna");
        card.summary = bad("summary");
        card.caller_name = Some(bad("card name").into());
        card.tried = vec![bad("tried")];
        card.draft = Some(bad("draft"));
        cards.push(server.store.offer_opened(&card, began).await.expect("opened"));
        if number % 2 == 0 {
            example::end(&server.store, &call, began, Disposition::Answered, 9_000).await;
        }
    }
    let (admin, anna) = (server.logged_in("admin").await, server.logged_in("anna").await);
    let mut pages = vec![admin.text("/calls").await, admin.text("/calls/live").await];
    for number in 0..XSS.len() {
        pages.push(admin.text(&format!("/calls/{}", example::call_id(number as u8))).await);
    }
    for token in &cards {
        pages.push(anna.text(&format!("/offer/{token}")).await);
    }
    for text in XSS {
        let query: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
        pages.push(admin.text(&format!("/calls?q={query}&intent={query}&from={query}")).await);
        pages.push(server.browser().text(&format!("/login?next={query}")).await);
    }
    assert!(count >= 60, "only {count} strings");
    assert!(pages.iter().any(|page| page.contains("alert(")), "they are shown, as text");
    for page in &pages {
        let lower = page.to_lowercase();
        for tag in ["<script>", "<img", "<iframe", "<math", "<svg/", "<!--", "href=\"javascript"] {
            assert!(!lower.contains(tag), "{tag} in {page}");
        }
        // A quote that closed an attribute would leave this outside of quotes.
        assert!(!lower.contains("\" onmouseover=\""), "{page}");
        assert_eq!(
            lower.matches("<script").count(),
            lower.matches("<script type=\"module\"").count()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_are_strict_everywhere() {
    let server = Server::start().await;
    let admin = server.logged_in("admin").await;
    for path in ["/calls", "/login", "/nothing", "/api/calls", "/healthz", "/assets/warmline.css"] {
        let response = admin.send(admin.get(path)).await;
        let header = |name: &str| {
            let value = response.headers().get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        let csp = header("content-security-policy");
        assert!(csp.starts_with("default-src 'none';"), "{path}: {csp}");
        assert!(!csp.contains("unsafe") && csp.contains("frame-ancestors 'none'"), "{path}: {csp}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        if !path.starts_with("/assets") {
            assert_eq!(header("cache-control"), "no-store", "{path}");
        }
        let body = response.text().await.expect("text");
        assert!(!body.contains(" style=") && !body.contains("<style"), "{path}: inline style");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_path_leads_out_of_the_folder() {
    let server = Server::start().await;
    let secret = server.store.recordings().parent().expect("a folder").join("secret.txt");
    std::fs::write(&secret, "TOP-SECRET").expect("written");
    let admin = server.logged_in("admin").await;
    let steps = ["../", "..%2f", "%2e%2e/", "%2e%2e%2f", "..%5c", "%252e%252e%252f", "....//"];
    let targets = ["secret.txt", "warmline.db", "etc/passwd", "secret.txt%00.wav"];
    let places = ["/assets/", "/calls/", "/offer/", "/api/calls/", "/api/offers/"];
    let mut tried = 0;
    for place in places {
        for step in steps {
            for target in targets {
                for depth in [1, 6] {
                    let path = format!("{place}{}{target}", step.repeat(depth));
                    let response = admin.send(admin.get(&path)).await;
                    let status = response.status();
                    let body = response.text().await.expect("text");
                    assert!(!body.contains("TOP-SECRET") && !body.contains("root:"), "{path}");
                    assert!(!status.is_server_error(), "{path}: {status}");
                    tried += 1;
                }
            }
        }
    }
    assert!(tried >= 200, "only {tried} paths");
}

#[tokio::test(flavor = "multi_thread")]
async fn recordings_play_in_ranges() {
    let server = Server::start().await;
    let began = Timestamp::now();
    let call = example::complaint(&server.store, 1, began).await;
    example::end(&server.store, &call, began, Disposition::Transferred, 96_000).await;
    let whole = std::fs::read(server.store.recordings().join(format!("{call}.wav"))).expect("it");
    let anna = server.logged_in("anna").await;
    let path = format!("/calls/{call}/audio");
    let response = anna.send(anna.get(&path)).await;
    assert_eq!(response.headers()["accept-ranges"], "bytes");
    assert_eq!(response.headers()["content-type"], "audio/wav");
    assert_eq!(response.bytes().await.expect("bytes"), whole);
    for (range, part) in [("bytes=44-143", 44..144), ("bytes=-10", whole.len() - 10..whole.len())] {
        let response = anna.send(anna.get(&path).header("Range", range)).await;
        assert_eq!(response.status(), StatusCode::PARTIAL_CONTENT);
        let about = format!("bytes {}-{}/{}", part.start, part.end - 1, whole.len());
        assert_eq!(response.headers()["content-range"], about.as_str());
        assert_eq!(response.bytes().await.expect("bytes"), whole[part]);
    }
    let beyond = anna.send(anna.get(&path).header("Range", "bytes=99999999-")).await;
    assert_eq!(beyond.status(), StatusCode::RANGE_NOT_SATISFIABLE);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vcon_has_its_shape() {
    let server = Server::start().await;
    let began = Timestamp::now();
    let call = example::complaint(&server.store, 1, began).await;
    example::end(&server.store, &call, began, Disposition::Transferred, 96_000).await;
    let admin = server.logged_in("admin").await;
    let text = admin.text(&format!("/api/calls/{call}/vcon")).await;
    let vcon: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(vcon["vcon"], "0.0.2");
    assert_eq!(vcon["uuid"].as_str().map(str::len), Some(36));
    let parties = vcon["parties"].as_array().expect("parties");
    assert_eq!(parties[0]["tel"], "+49 151 555 0137");
    assert_eq!(parties[2]["name"], "anna");
    let dialog = vcon["dialog"].as_array().expect("dialog");
    let record = server.store.call(&call).await.expect("an answer").expect("the call");
    assert_eq!(dialog.len(), record.lines.len() + 1);
    for entry in dialog {
        let start: Timestamp = entry["start"].as_str().expect("a time").parse().expect("RFC 3339");
        assert!(start >= began - 1.second() && start <= began + 96.seconds());
        let named = match &entry["parties"] {
            Value::Array(all) => all.len(),
            place => usize::from(place.as_u64().is_some_and(|at| (at as usize) < parties.len())),
        };
        assert!(named > 0, "{entry}");
    }
    let agent = dialog.iter().find(|entry| entry["parties"] == 2).expect("an agent's turn");
    assert!(agent["body"].as_str().is_some_and(|text| text.contains("this is Anna")));
    let sound = dialog.last().expect("the recording");
    assert_eq!(sound["type"], "recording");
    assert!(sound["url"].as_str().is_some_and(|url| url.ends_with("/audio")));
    let kinds: Vec<&str> = vcon["analysis"]
        .as_array()
        .expect("analysis")
        .iter()
        .filter_map(|entry| entry["type"].as_str())
        .collect();
    assert_eq!(kinds, ["transcript", "intent", "stress"]);
    assert!(vcon["attachments"].as_array().is_some_and(|all| all.len() == 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_and_health_name_nobody() {
    let server = Server::start().await;
    let call = example::complaint(&server.store, 1, Timestamp::now()).await;
    server.live.active.lock().expect("a lock").push(ActiveCall {
        call: call.clone(),
        state: "dialogue".into(),
        agent: None,
        stress: 0.5,
    });
    server.metrics.call_ended(Disposition::Transferred);
    server.metrics.first_audio.observe_ms(420);
    let stranger = server.browser();
    for path in ["/metrics", "/healthz", "/readyz"] {
        let text = stranger.text(path).await;
        for private in ["555", "0137", "Marta", "Ellison", "4217", call.as_str()] {
            assert!(!text.contains(private), "{private} in {path}");
        }
    }
    let text = stranger.text("/metrics").await;
    assert!(text.contains("warmline_calls_ended_total{disposition=\"transferred\"} 1"));
    assert!(text.contains("warmline_first_audio_seconds_bucket{le=\"0.5\"} 1"));
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let value = line.rsplit(' ').next().and_then(|value| value.parse::<f64>().ok());
        assert!(value.is_some(), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn draining_is_not_ready_and_still_healthy() {
    let server = Server::start().await;
    let stranger = server.browser();
    assert_eq!(stranger.status("/readyz").await, StatusCode::OK);
    *server.live.not_ready.lock().expect("a lock") = Some("draining".into());
    assert_eq!(stranger.status("/readyz").await, StatusCode::SERVICE_UNAVAILABLE);
    let health: Value = serde_json::from_str(&stranger.text("/healthz").await).expect("JSON");
    assert_eq!(health["ready"], false);
    assert_eq!(health["status"], "degraded");
    let names: Vec<&str> = health["parts"]
        .as_array()
        .expect("parts")
        .iter()
        .filter_map(|part| part["name"].as_str())
        .collect();
    assert!(names.contains(&"store") && names.contains(&"trunk_office"), "{names:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_erases_a_caller() {
    let server = Server::start().await;
    let began = Timestamp::now();
    for number in [1, 2] {
        let call = example::complaint(&server.store, number, began).await;
        example::end(&server.store, &call, began, Disposition::Transferred, 96_000).await;
    }
    let admin = server.logged_in("admin").await;
    let path = format!("/calls/{}/erase", example::call_id(1));
    let token = admin.csrf().await;
    let unsure = admin.post(&path).form(&[("csrf", token.as_str()), ("scope", "caller")]);
    assert_eq!(admin.send(unsure).await.status(), StatusCode::BAD_REQUEST);
    let sure = [("csrf", token.as_str()), ("scope", "caller"), ("sure", "yes")];
    let response = admin.send(admin.post(&path).form(&sure)).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    for number in [1, 2] {
        let call = server.store.call(&example::call_id(number)).await.expect("an answer");
        assert!(call.is_none());
    }
    assert_eq!(std::fs::read_dir(server.store.recordings()).expect("it").count(), 0);
    let audit = admin.text("/audit").await;
    assert!(audit.contains("chain whole") && audit.contains("erase caller"));
    assert!(!audit.contains("555 0137") && !audit.contains("5550137"));
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_bounded() {
    let server = Server::start().await;
    let admin = server.logged_in("admin").await;
    let long = format!("/calls?q={}", "a".repeat(4_000));
    assert_eq!(admin.status(&long).await, StatusCode::URI_TOO_LONG);
    let body = vec![("csrf", admin.csrf().await), ("x", "y".repeat(100_000))];
    let response = admin.send(admin.post("/logout").form(&body)).await;
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    for odd in ["page=0", "page=99999999999", "size=1000000", "page=-1&size=x", "from=2026-13-99"] {
        assert_eq!(admin.status(&format!("/calls?{odd}")).await, StatusCode::OK, "{odd}");
    }
}

/// A client that is refused while it sends hears why, and its connection goes on: once in some
/// hundred times the next request broke on it.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_breaks_no_connection() {
    let server = Server::start().await;
    let admin = server.logged_in("admin").await;
    let csrf = admin.csrf().await;
    let asks = |length: usize| {
        let (admin, csrf) = (&admin, csrf.as_str());
        async move {
            let body = [("csrf", csrf), ("x", &"y".repeat(length))];
            for _ in 0..50 {
                let response = admin.send(admin.post("/logout").form(&body)).await;
                assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
                let response = admin.send(admin.post("/calls").form(&body)).await;
                assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
                assert_eq!(admin.status("/healthz").await, StatusCode::OK);
            }
        }
    };
    futures_util::future::join_all((1..=16).map(|place| asks(place * 50_000))).await;

    // Two megabytes are not read to their end: the connection ends with the answer.
    let url = server.url("/login").replace("http://", "");
    let (address, path) = url.split_once('/').expect("a path");
    let mut line = tokio::net::TcpStream::connect(address).await.expect("connected");
    let head =
        format!("POST /{path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 2000000\r\n\r\n");
    line.write_all(head.as_bytes()).await.expect("sent");
    line.write_all(&vec![b'x'; 1_048_577]).await.expect("sent");
    let mut answer = String::new();
    line.read_to_string(&mut answer).await.expect("an answer, and the end");
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
}

/// Serves example data on port 8099 until it is stopped, for a look at the pages:
/// `cargo test --release --test web -- --ignored --nocapture serves_examples`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a person looks at it"]
async fn serves_examples() {
    let server = Server::start_on("127.0.0.1:8099", None).await;
    let endings = Disposition::ALL;
    for number in 0..24_u8 {
        let began = Timestamp::now() - (i64::from(number) * 37 + 9).minutes();
        let how = endings[usize::from(number) * 5 % endings.len()];
        if number % 3 == 0 {
            let call = example::complaint(&server.store, number, began).await;
            example::end(&server.store, &call, began, Disposition::Transferred, 96_000).await;
            continue;
        }
        let call = example::call_id(number);
        let who = example::caller("", &format!("+49 30 555 02{number:02}"));
        let who = warmline::base::caller::CallerInfo { name: None, ..who };
        drop(server.store.arrived(&call, began, &who).await);
        let stress = f32::from(number % 7) / 8.0;
        let fact = example::understood(900, "When are you open?", "opening_hours", stress, &[]);
        drop(server.store.note(&call, Moment(900), began, fact).await);
        let end = server.store.ended(&call, Moment(21_000 + 900 * u64::from(number)), began, how);
        end.await.await.expect("kept");
    }
    let live = example::complaint(&server.store, 200, Timestamp::now() - 70.seconds()).await;
    server.live.active.lock().expect("a lock").push(ActiveCall {
        call: live.clone(),
        state: "ringing anna".into(),
        agent: Some("anna".into()),
        stress: 0.81,
    });
    let card = example::card(&live, "anna");
    let token = server.store.offer_opened(&card, Timestamp::now()).await.expect("opened");
    let session = |name: &'static str| server.store.session_begin(name, Timestamp::now());
    println!("offer={token}");
    println!("admin={}", session("admin").await.expect("begun"));
    println!("anna={}", session("anna").await.expect("begun"));
    std::future::pending::<()>().await;
}
