//! Requests that Schemathesis makes up from the OpenAPI document, by the thousand, against the real
//! binary: what is asked may be refused, but nothing may break.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use reqwest::header::{COOKIE, ORIGIN, SET_COOKIE};
use warmline::runtime::peer::Peer;

#[allow(dead_code)] // shared with the live tests, which use more of it
#[path = "live/server.rs"]
mod server;

use server::{Server, warmline_with_input};

const PASSWORD: &str = "correct horse";
const NAME: &str = "eve";
/// Some of the operations refuse at once; the whole still makes this many cases.
const CASES: usize = 1_000;
const CASES_FULL: usize = 10_000;

/// How the tool writes an SDP offer: as the text that it made up.
const HOOKS: &str = "import schemathesis

@schemathesis.serializer('application/sdp')
def sdp(ctx, value):
    return value if isinstance(value, bytes) else str(value).encode('utf-8', 'replace')
";

fn schemathesis() -> Option<PathBuf> {
    let there = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/schemathesis/bin/schemathesis");
    there.exists().then_some(there)
}

fn is_full() -> bool {
    std::env::var_os("WARMLINE_FULL").is_some()
}

fn add_admin(server: &Server) {
    let config = server.folder.join("warmline.toml").to_string_lossy().into_owned();
    let add = ["user", "add", NAME, "--role", "admin", "--agent", "anna", "--config", &config];
    let (status, out, error) = warmline_with_input(&add, &format!("{PASSWORD}\n"));
    assert_eq!(status, 0, "{out}{error}");
}

/// `name="csrf" value="…"` of the first form.
fn csrf_in(page: &str) -> String {
    let after = page.split_once("name=\"csrf\" value=\"").expect("a form").1;
    after.split_once('"').expect("a value").0.to_owned()
}

fn cookies(reply: &reqwest::Response) -> String {
    let set = reply.headers().get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
    set.filter_map(|text| text.split(';').next()).collect::<Vec<_>>().join("; ")
}

/// Logs in as a browser would: the session's cookie, and the token of its forms.
async fn log_in(base: &str) -> (String, String) {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    let http = client.build().expect("a client");
    let form = http.get(format!("{base}/login")).send().await.expect("the login");
    let cookie = cookies(&form);
    let csrf = csrf_in(&form.text().await.expect("a page"));
    let fields = [("name", NAME), ("password", PASSWORD), ("csrf", csrf.as_str())];
    let post = http.post(format!("{base}/login")).header(ORIGIN, base).header(COOKIE, cookie);
    let entered = post.form(&fields).send().await.expect("the login");
    assert!(entered.status().is_redirection(), "not logged in: {}", entered.status());
    let cookie =
        cookies(&entered).split("; ").find(|one| one.starts_with("warmline=")).map(str::to_owned);
    let cookie = cookie.expect("a session");
    let page = http.get(format!("{base}/calls")).header(COOKIE, &cookie).send().await;
    let csrf = csrf_in(&page.expect("the calls").text().await.expect("a page"));
    (cookie, csrf)
}

/// A short call, so that there is something to look at.
fn a_call(server: &Server) -> String {
    server::block_on(async {
        let peer = Peer::start().expect("a phone");
        let mut call = peer.dial(&server.uri(), "12025550143", "Ada").await.expect("answered");
        call.listen(Duration::from_secs(1)).await;
        call.hang_up();
    });
    let heads = server.ended_heads(1, Duration::from_secs(30));
    heads[0]["id"].as_str().expect("an id").to_owned()
}

/// One run of the tool; the cases that it made up. Any answer of 5xx fails, with the request.
fn run(tool: &Path, base: &str, folder: &Path, settings: &str, arguments: &[String]) -> usize {
    let file = folder.join("schemathesis.toml");
    std::fs::write(&file, settings).expect("is writable");
    std::fs::write(folder.join("hooks.py"), HOOKS).expect("is writable");
    let mut command = Command::new(tool);
    command
        .args(["--no-color", "--config-file"])
        .arg(&file)
        .args(["run", &format!("{base}/api/openapi.json")])
        .args(["--checks", "not_a_server_error", "--phases", "coverage,fuzzing"])
        .args(["--suppress-health-check", "all", "--request-timeout", "20", "--warnings", "off"])
        .args(["--header", &format!("Origin: {base}"), "--continue-on-failure"])
        .args(arguments)
        .env("SCHEMATHESIS_HOOKS", "hooks")
        .env("PYTHONPATH", folder)
        .current_dir(folder);
    let out = command.output().expect("schemathesis runs");
    let told = String::from_utf8_lossy(&out.stdout).into_owned();
    let error = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{told}\n{error}");
    let generated = told.lines().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let at = words.iter().position(|word| word.trim_end_matches(',') == "generated")?;
        words.get(at.checked_sub(1)?)?.replace(',', "").parse().ok()
    });
    generated.unwrap_or_else(|| panic!("no count of cases in:\n{told}"))
}

#[test]
fn made_up_requests_bring_no_5xx() {
    let Some(tool) = schemathesis() else {
        assert!(std::env::var_os("CI").is_none(), "CI must have installed schemathesis");
        return println!("made-up requests: skipped, no schemathesis (./dev test installs it)");
    };
    let agents = "[[agents]]\nid = \"anna\"\nname = \"Anna\"\nbrowser = true\n";
    let mut server = Server::start(agents);
    add_admin(&server);
    let id = a_call(&server);
    let base = format!("http://127.0.0.1:{}", server.web_port);
    let folder = tempfile::tempdir().expect("a folder");
    let (cookie, csrf) = server::block_on(log_in(&base));
    let seed: u32 = rand::random();
    println!("made-up requests: seed {seed}");
    let session = |cases: usize, more: &[&str]| -> Vec<String> {
        let (seed, cases) = (seed.to_string(), cases.to_string());
        let (cookie, csrf) = (format!("Cookie: {cookie}"), format!("X-CSRF-Token: {csrf}"));
        let own =
            ["--header", &cookie, "--header", &csrf, "--seed", &seed, "--max-examples", &cases];
        own.iter().chain(more).map(|word| (*word).to_owned()).collect()
    };
    let (each, wanted) = if is_full() { (250, CASES_FULL) } else { (15, CASES) };
    // A call that is there: nothing may erase it before the others have looked.
    let known = format!("[parameters]\nid = \"{id}\"\n");
    let reading = session(each, &["--include-path-regex", r"\{id\}", "--exclude-method", "POST"]);
    let mut cases = run(&tool, &base, folder.path(), &known, &reading);
    // Everything but the end of the session, and the stream, whose answer has no end.
    let everything = session(each, &["--exclude-path", "/logout", "--exclude-path", "/changes"]);
    cases += run(&tool, &base, folder.path(), "", &everything);
    let still = server::block_on(async {
        let http = reqwest::Client::new();
        http.get(format!("{base}/api/calls")).header(COOKIE, &cookie).send().await.expect("asked")
    });
    assert_eq!(still.status(), 200, "the session ended before the cases did");
    cases += run(&tool, &base, folder.path(), "", &session(20, &["--include-path", "/logout"]));
    println!("made-up requests: {cases} cases, none of them 5xx");
    assert!(cases >= wanted, "only {cases} cases");
    assert!(server.is_alive(), "{}", server.log());
    assert!(!server.log().contains("panicked"), "{}", server.log());
    assert_eq!(server.get("/healthz").0, 200, "not healthy afterwards");
}
