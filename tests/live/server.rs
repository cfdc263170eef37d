//! Starts the real binary in a folder of its own, and asks it over HTTP what became of calls.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

pub const BINARY: &str = env!("CARGO_BIN_EXE_warmline");
/// How long a server may take to become ready: models and prompts load on a busy machine.
const READY_WITHIN: Duration = Duration::from_secs(180);

/// A running Warmline; killed when dropped.
pub struct Server {
    pub folder: PathBuf,
    pub sip_port: u16,
    pub web_port: u16,
    /// The token that the tests' API calls carry.
    token: String,
    child: Option<Child>,
    tasks: Tasks,
    _keep: Option<tempfile::TempDir>,
}

/// Where tests look for ports: below those that the system gives to outgoing connections (from
/// 32,768) and those of our own RTP (from 20,000), which would come and go under our eyes.
const PORTS: std::ops::Range<u16> = 10_000..16_000;

/// A block of ten free ports, even first, that no other test was given, of this process or of
/// another: the last one stays bound for as long as the process lives.
pub fn ports() -> u16 {
    static TAKEN: Mutex<Vec<TcpListener>> = Mutex::new(Vec::new());
    let blocks = usize::from((PORTS.end - PORTS.start) / 10);
    // Processes beside this one begin elsewhere.
    let first = std::process::id() as usize * 37 % blocks;
    for block in (first..first + blocks).map(|block| (block % blocks) as u16) {
        let port = PORTS.start + block * 10;
        let Ok(lock) = TcpListener::bind(("127.0.0.1", port + 9)) else { continue };
        let free = (port..port + 9).all(|port| {
            UdpSocket::bind(("127.0.0.1", port)).is_ok()
                && TcpListener::bind(("127.0.0.1", port)).is_ok()
        });
        if free {
            TAKEN.lock().expect("no test panics here").push(lock);
            return port;
        }
    }
    panic!("no ten free ports together in {PORTS:?}");
}

impl Server {
    /// Starts with the tests' configuration and `extra` TOML after it.
    pub fn start(extra: &str) -> Server {
        let keep = tempfile::tempdir().expect("a folder for the server");
        let mut server = Self::start_in(keep.path(), extra);
        server._keep = Some(keep);
        server
    }

    /// Starts with `sip` as further lines of the `[sip]` section.
    pub fn start_with_sip(sip: &str) -> Server {
        let keep = tempfile::tempdir().expect("a folder for the server");
        let mut server = Self::start_whole(keep.path(), sip, "");
        server._keep = Some(keep);
        server
    }

    /// Starts on all addresses of this machine, with `sip` as further lines of `[sip]`.
    #[allow(dead_code)] // for the tests of signalling
    pub fn start_on_all(sip: &str, extra: &str) -> Server {
        let keep = tempfile::tempdir().expect("a folder for the server");
        let mut server = Self::start_listening(keep.path(), "0.0.0.0", sip, extra);
        server._keep = Some(keep);
        server
    }

    /// Starts with a business system that knows order 4217.
    pub fn start_with_shop(extra: &str) -> Server {
        let (shop, tasks) = shop();
        let keep = tempfile::tempdir().expect("a folder for the server");
        let tables = keep.path().join("tables/knowledge");
        fs::create_dir_all(&tables).expect("is writable");
        let connectors = include_str!("../../src/knowledge/tables/connectors.toml");
        let connectors = connectors.replace("127.0.0.1:8099", &format!("127.0.0.1:{shop}"));
        let connectors = connectors.replace("timeout_ms = 3000", "timeout_ms = 1000");
        fs::write(tables.join("connectors.toml"), connectors).expect("is writable");
        let mut server =
            Self::start_whole(keep.path(), "", &format!("[[numbers]]\ndialled = \"x\"\n{extra}"));
        server._keep = Some(keep);
        server.tasks = tasks;
        server
    }

    /// What the business system was told to do so far, with the keys of the tasks.
    #[allow(dead_code)] // for the tests of answers
    pub fn tasks(&self) -> Vec<String> {
        self.tasks.lock().expect("no test panics here").clone()
    }

    /// Starts in `folder`, which stays.
    pub fn start_in(folder: &Path, extra: &str) -> Server {
        Self::start_whole(folder, "", extra)
    }

    fn start_whole(folder: &Path, sip: &str, extra: &str) -> Server {
        Self::start_listening(folder, "127.0.0.1", sip, extra)
    }

    fn start_listening(folder: &Path, on: &str, sip: &str, extra: &str) -> Server {
        let (sip_port, web_port) = (ports(), ports());
        let tables = match folder.join("tables").exists() {
            true => "tables = \"tables\"",
            false => "",
        };
        // Rendered once for all tests: two cores have enough to do.
        let voice = match extra.contains("[voice]") {
            true => String::new(),
            false => format!("[voice]\ncache = \"{}\"\n", voice_cache().display()),
        };
        // What a test says is understood by its words; learning more would take the cores.
        let embedding = match extra.contains("[understanding]") {
            true => "",
            false => "[understanding]\nembedding = \"off\"\n",
        };
        let config = format!(
            r#"
{tables}
[company]
name = "Northwind"
country = "US"
time_zone = "America/New_York"
[sip]
udp = "{on}:{sip_port}"
tcp = "{on}:{sip_port}"
{sip}
[web]
listen = "127.0.0.1:{web_port}"
[[trunks]]
id = "loopback"
addresses = ["127.0.0.1"]
{voice}{embedding}{extra}
"#
        );
        fs::write(folder.join("warmline.toml"), config).expect("the folder is writable");
        let child = Self::spawn(folder);
        let mut server = Server {
            folder: folder.to_owned(),
            sip_port,
            web_port,
            token: String::new(),
            child: Some(child),
            tasks: Tasks::default(),
            _keep: None,
        };
        server.wait_until_ready();
        let config = folder.join("warmline.toml");
        let (status, token, error) =
            warmline(&["user", "token", "admin", "--config", &config.to_string_lossy()]);
        assert_eq!(status, 0, "{error}");
        server.token = token.trim().to_owned();
        server
    }

    fn spawn(folder: &Path) -> Child {
        // With few file handles, as systems give them; the server asks for more.
        Command::new("sh")
            .args(["-c", "ulimit -Sn 512; exec \"$0\" \"$@\"", BINARY, "serve", "--config"])
            .arg(folder.join("warmline.toml"))
            .env("WARMLINE_MODELS", models_folder())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(folder.join("log.txt")).expect("a log"))
            .spawn()
            .expect("the binary starts")
    }

    fn wait_until_ready(&mut self) {
        let child = self.child.as_mut().expect("is running");
        let out = child.stdout.take().expect("is piped");
        let (tell, ready) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                let _ = tell.send(line);
            }
        });
        let begun = Instant::now();
        while begun.elapsed() < READY_WITHIN {
            match ready.recv_timeout(Duration::from_secs(1)) {
                Ok(line) if line.starts_with("ready") => return,
                Ok(_) | Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
            }
        }
        panic!("the server did not become ready:\n{}", self.log());
    }

    /// The server's log so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log.txt")).unwrap_or_default()
    }

    pub fn uri(&self) -> String {
        format!("sip:help@127.0.0.1:{}", self.sip_port)
    }

    /// GET `path` with the API token; the status and the body.
    pub fn get(&self, path: &str) -> (u16, String) {
        let url = format!("http://127.0.0.1:{}{path}", self.web_port);
        block_on(async move {
            let reply = reqwest::Client::new().get(url).bearer_auth(&self.token).send().await;
            match reply {
                Ok(reply) => (reply.status().as_u16(), reply.text().await.unwrap_or_default()),
                Err(error) => (0, error.to_string()),
            }
        })
    }

    /// GET `path` with another user's token.
    pub fn get_as(&self, token: &str, path: &str) -> (u16, String) {
        let url = format!("http://127.0.0.1:{}{path}", self.web_port);
        block_on(async move {
            match reqwest::Client::new().get(url).bearer_auth(token).send().await {
                Ok(reply) => (reply.status().as_u16(), reply.text().await.unwrap_or_default()),
                Err(error) => (0, error.to_string()),
            }
        })
    }

    /// Adds a user beside the running service, and makes a token for it.
    pub fn token_of(&self, name: &str, role: &str, agent: Option<&str>) -> String {
        let config = self.folder.join("warmline.toml").to_string_lossy().into_owned();
        let mut add = vec!["user", "add", name, "--role", role, "--config", &config];
        add.extend(agent.iter().flat_map(|agent| ["--agent", agent]));
        let (status, out, error) = warmline_with_input(&add, "a long enough password\n");
        assert_eq!(status, 0, "{out}{error}");
        let (status, token, error) = warmline(&["user", "token", name, "--config", &config]);
        assert_eq!(status, 0, "{error}");
        token.trim().to_owned()
    }

    pub fn json(&self, path: &str) -> serde_json::Value {
        let (status, body) = self.get(path);
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).expect("is JSON")
    }

    /// The heads of all calls, page by page.
    pub fn heads(&self) -> Vec<serde_json::Value> {
        let mut heads: Vec<serde_json::Value> = Vec::new();
        for page in 1..100 {
            let list = self.json(&format!("/api/calls?page={page}"));
            let calls = list["calls"].as_array().cloned().unwrap_or_default();
            if calls.is_empty() {
                break;
            }
            heads.extend(calls);
        }
        heads
    }

    /// Waits until `count` calls have ended, and returns their heads.
    pub fn ended_heads(&self, count: usize, within: Duration) -> Vec<serde_json::Value> {
        let begun = Instant::now();
        loop {
            let heads = self.heads();
            let ended = heads.iter().filter(|call| !call["disposition"].is_null()).count();
            if ended >= count {
                return heads;
            }
            assert!(begun.elapsed() < within, "{ended} of {count} calls ended\n{}", self.log());
            std::thread::sleep(Duration::from_millis(250));
        }
    }

    /// Waits until the disk has `step` of the transfers of `count` calls.
    #[allow(dead_code)] // for the tests of the desk
    pub fn step_on_disk(&self, step: &str, count: usize, within: Duration) {
        let begun = Instant::now();
        let has = |id: &str| {
            let call = self.json(&format!("/api/calls/{id}"));
            let steps = call["transfer_steps"].as_array().cloned().unwrap_or_default();
            steps.iter().any(|one| one["step"] == step)
        };
        loop {
            let heads = self.heads();
            let found = heads.iter().filter_map(|call| call["id"].as_str()).filter(|id| has(id));
            let found = found.count();
            if found >= count {
                return;
            }
            assert!(begun.elapsed() < within, "{step} of {found} of {count}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Waits until `count` calls have ended, and returns all, each whole.
    pub fn ended_calls(&self, count: usize, within: Duration) -> Vec<serde_json::Value> {
        let heads = self.ended_heads(count, within);
        let ids = heads.iter().filter_map(|call| call["id"].as_str());
        ids.map(|id| self.json(&format!("/api/calls/{id}"))).collect()
    }

    /// `true` if the call's recording lies there, opens, and holds sound.
    pub fn is_recorded(&self, call: &serde_json::Value) -> bool {
        let Some(id) = call["id"].as_str() else { return false };
        self.recordings().iter().any(|file| {
            file.to_string_lossy().contains(id)
                && hound::WavReader::open(file).is_ok_and(|wav| wav.duration() > 8_000)
        })
    }

    /// All recordings in the server's folder.
    pub fn recordings(&self) -> Vec<PathBuf> {
        let mut out = Vec::new();
        let mut folders = vec![self.folder.join("data/recordings")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|ending| ending == "wav") {
                    out.push(path);
                }
            }
        }
        out
    }

    /// SIGKILL, as a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// SIGTERM, and the time until it ended with its status.
    pub fn terminate(&mut self, within: Duration) -> (Option<i32>, Duration) {
        let mut child = self.child.take().expect("is running");
        let begun = Instant::now();
        let _ = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
        while begun.elapsed() < within {
            if let Ok(Some(status)) = child.try_wait() {
                return (status.code(), begun.elapsed());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = child.kill();
        let _ = child.wait();
        panic!("did not end within {within:?}:\n{}", self.log());
    }

    pub fn signal_terminate(&self) {
        if let Some(child) = &self.child {
            let _ = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
        }
    }

    /// The process id of the running server.
    #[allow(dead_code)] // for the benchmarks
    pub fn pid(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
    }

    pub fn is_alive(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    /// Starts again in the same folder on the same ports.
    pub fn restart(&mut self) {
        self.kill();
        self.child = Some(Self::spawn(&self.folder));
        self.wait_until_ready();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Tasks that a business system was given: method, path and idempotency key.
type Tasks = Arc<Mutex<Vec<String>>>;

/// A small business system on a free port, and what it was told to do. Order 9038 hangs.
fn shop() -> (u16, Tasks) {
    use axum::extract::{Path, State};
    use axum::http::HeaderMap;
    use axum::routing::{get, post};
    let tasks = Tasks::default();
    let kept = tasks.clone();
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        block_on(async move {
            let order = async |Path(number): Path<String>| {
                if number == "9038" {
                    tokio::time::sleep(Duration::from_secs(30)).await;
                }
                format!(
                    r#"{{"number":"{number}","status":"is on its way","arrives":"tomorrow",
                        "customer":{{"postcode":"12345"}}}}"#
                )
            };
            let cancel =
                async |State(tasks): State<Tasks>, Path(number): Path<String>, head: HeaderMap| {
                    let key = head.get("idempotency-key").and_then(|key| key.to_str().ok());
                    let task = format!("POST /orders/{number}/cancel {}", key.unwrap_or("no key"));
                    tasks.lock().expect("no test panics here").push(task);
                    r#"{"reference":"77"}"#
                };
            let app = axum::Router::new()
                .route("/orders/{number}", get(order))
                .route("/orders/{number}/cancel", post(cancel))
                .with_state(kept);
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            tell.send(listener.local_addr().expect("is bound").port()).expect("is awaited");
            axum::serve(listener, app).await.expect("serves");
        });
    });
    (told.recv().expect("is bound"), tasks)
}

/// Where the tests' servers keep what they rendered.
pub fn voice_cache() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("voice-cache")
}

/// The repository's models, fetched by `./dev`.
pub fn models_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("models")
}

/// `true` if the default models lie there; otherwise says that the test skips.
pub fn have_models(test: &str) -> bool {
    let all = ["ggml-base-q8_0.bin", "en_US-joe-medium.onnx"]
        .iter()
        .all(|file| models_folder().join(file).exists());
    if !all {
        assert!(std::env::var_os("CI").is_none(), "CI must have fetched the models");
        println!("{test}: skipped, no models (./dev test fetches them)");
    }
    all
}

pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(work)
}

/// Runs the binary to its end; status, standard output and error.
pub fn warmline(arguments: &[&str]) -> (i32, String, String) {
    warmline_with_input(arguments, "")
}

/// The same, with `input` on its standard input.
pub fn warmline_with_input(arguments: &[&str], input: &str) -> (i32, String, String) {
    let mut child = Command::new(BINARY)
        .args(arguments)
        .env("WARMLINE_MODELS", models_folder())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    if let Some(mut pipe) = child.stdin.take() {
        let _ = pipe.write_all(input.as_bytes());
    }
    let out = child.wait_with_output().expect("the binary runs");
    (
        out.status.code().unwrap_or(-1),
        String::from_utf8_lossy(&out.stdout).into_owned(),
        String::from_utf8_lossy(&out.stderr).into_owned(),
    )
}

/// Renders `text` with the natural voice into `folder/name`, 8 kHz mono.
pub fn speak(folder: &Path, name: &str, text: &str) -> PathBuf {
    let file = folder.join(name);
    let (status, _, error) =
        warmline(&["say", text, "--rate", "8000", "--out", &file.to_string_lossy()]);
    assert_eq!(status, 0, "{error}");
    file
}

/// What a recording says, by our own recogniser, in lower case.
pub fn transcribe(file: &Path) -> String {
    let (status, out, error) = warmline(&["transcribe", "--json", &file.to_string_lossy()]);
    assert_eq!(status, 0, "{error}");
    let words: Vec<String> = out
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter_map(|line| line["text"].as_str().map(str::to_lowercase))
        .collect();
    words.join(" ")
}
