//! Sources that fail in every way, against a server of our own.

use std::net::SocketAddr;

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use sha2::{Digest, Sha256};

use super::*;

const BODY: &[u8] = b"0123456789 the bytes of a model";

/// Serves /good (with ranges), /short, /wrong, /silent, /gone on a free port.
fn server() -> SocketAddr {
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
            tell.send(listener.local_addr().expect("is bound")).expect("is awaited");
            let app = Router::new()
                .route("/good", get(good))
                .route("/short", get(|| async { &BODY[..10] }))
                .route("/wrong", get(|| async { vec![b'x'; BODY.len()] }))
                .route(
                    "/silent",
                    get(|| async {
                        tokio::time::sleep(Duration::from_secs(30)).await;
                    }),
                );
            axum::serve(listener, app).await.expect("serves");
        });
    });
    told.recv().expect("is bound")
}

async fn good(headers: HeaderMap) -> (StatusCode, Vec<u8>) {
    let range = headers.get("range").and_then(|range| range.to_str().ok());
    let from =
        range.and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    match from {
        Some(from) => (StatusCode::PARTIAL_CONTENT, BODY.get(from..).unwrap_or_default().to_vec()),
        None => (StatusCode::OK, BODY.to_vec()),
    }
}

fn file(server: SocketAddr, path: &str) -> ModelFile {
    ModelFile {
        name: "model.bin".into(),
        bytes: BODY.len() as u64,
        sha256: verify::hex(&Sha256::digest(BODY)),
        url: format!("http://{server}/{path}"),
        pip: None,
    }
}

fn fetcher(folder: &Path) -> Fetcher {
    let silence_max = Duration::from_millis(400);
    let pip_max = Duration::from_secs(20);
    Fetcher { folder: folder.to_owned(), silence_max, pip_max, visible: false }
}

#[test]
fn a_half_fetched_file_is_resumed_and_moved_into_place() {
    let server = server();
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("model.bin.part"), &BODY[..7]).expect("is writable");
    fetcher(folder.path()).fetch_file(&file(server, "good")).expect("is fetched");
    assert_eq!(fs::read(folder.path().join("model.bin")).expect("is there"), BODY);
    assert!(!folder.path().join("model.bin.part").exists());
}

#[test]
fn every_failure_is_named_and_nothing_bad_is_left_to_be_loaded() {
    let server = server();
    for (path, expected) in [
        ("short", "has 10 bytes instead of 31"),
        ("wrong", "wrong SHA-256"),
        ("silent", "timed out"),
        ("gone", "404"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let error = fetcher(folder.path()).fetch_file(&file(server, path)).expect_err("fails");
        let text = error.to_string();
        assert!(text.contains(expected), "{path}: {text}");
        assert!(text.contains(&format!("/{path}")) && text.contains("import"), "{text}");
        assert!(!folder.path().join("model.bin").exists());
    }
}

#[test]
fn every_source_that_was_tried_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut file = file(SocketAddr::from(([127, 0, 0, 1], 9)), "x");
    file.pip = Some(PipSource {
        packages: vec!["/no/such/package-at-all".into()],
        parts: vec!["x".into()],
        convert: None,
    });
    let text = fetcher(folder.path()).fetch_file(&file).expect_err("fails").to_string();
    assert!(text.contains("http://127.0.0.1:9/x") && text.contains("pip /no/such"), "{text}");
}

#[test]
fn a_file_by_hand_is_verified_like_any_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = file(SocketAddr::from(([127, 0, 0, 1], 9)), "x");
    let (good, bad) = (folder.path().join("good"), folder.path().join("bad"));
    fs::write(&good, BODY).expect("is writable");
    fs::write(&bad, [b'y'; 31]).expect("is writable");
    let fetcher = fetcher(&folder.path().join("models"));
    assert!(fetcher.import(&file, &bad).is_err());
    fetcher.import(&file, &good).expect("is good");
    assert_eq!(verify::check(&file, &fetcher.folder.join("model.bin")), Verdict::Good);
}

#[test]
fn a_program_that_hangs_is_ended() {
    let hang = run_within(Command::new("sleep").arg("30"), Duration::from_millis(200));
    assert!(hang.is_err_and(|error| error.to_string().contains("longer than")));
    let fine = run_within(Command::new("true").arg("x"), Duration::from_secs(20));
    assert!(fine.is_ok_and(|out| out.status.success()));
}
