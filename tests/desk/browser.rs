//! One Chromium with its driver, logged in to the pages; ended when dropped.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use thirtyfour::prelude::*;

const DRIVER: &str = "/usr/bin/chromedriver";
/// How long something may take to appear: a page on a busy machine is slow.
const PATIENCE: Duration = Duration::from_secs(60);
const ARGUMENTS: [&str; 14] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--window-size=1500,900",
    "--lang=en",
];

/// `false`, with a clear line, where Chromium is not installed (never in CI).
pub fn is_there(test: &str) -> bool {
    let there = Path::new(DRIVER).exists();
    if !there {
        assert!(std::env::var_os("CI").is_none(), "CI must have installed chromium-driver");
        println!("{test}: skipped, no chromedriver (./dev test installs it)");
    }
    there
}

pub struct Chromium {
    pub driver: WebDriver,
    base: String,
    process: Child,
    profile: tempfile::TempDir,
}

impl Drop for Chromium {
    fn drop(&mut self) {
        self.end_browser();
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Starts the driver on a port of its own choice: one that we looked for could be gone by then.
/// It finds one for IPv4 and gives up where IPv6 has it taken: then another is tried.
fn start_driver() -> (Child, String) {
    for _ in 0..10 {
        let mut process = Command::new(DRIVER)
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver starts");
        let mut said = BufReader::new(process.stdout.take().expect("is piped")).lines();
        let port = said.by_ref().map_while(Result::ok).find_map(|line| {
            Some(line.split_once("successfully on port ")?.1.trim_end_matches('.').to_owned())
        });
        if let Some(port) = port {
            // Nobody reads on, but a closed pipe would end it.
            std::thread::spawn(move || said.for_each(drop));
            return (process, port);
        }
        let _ = process.wait();
    }
    panic!("chromedriver finds no port");
}

impl Chromium {
    /// Opens Chromium for the pages at `base` (`http://127.0.0.1:8080`).
    pub async fn open(base: &str) -> Chromium {
        Self::open_with(base, &[]).await
    }

    /// The same, with further arguments; a later one overrules an earlier.
    pub async fn open_with(base: &str, more: &[&str]) -> Chromium {
        let profile = tempfile::tempdir().expect("a folder");
        let (process, port) = start_driver();
        let mut wanted = DesiredCapabilities::chrome();
        for argument in ARGUMENTS.iter().chain(more) {
            wanted.add_arg(argument).expect("an argument");
        }
        if std::env::var_os("WARMLINE_DARK").is_some() {
            // For the eye: the same pictures in the dark.
            wanted.add_arg("--force-dark-mode").expect("an argument");
        }
        let folder = format!("--user-data-dir={}", profile.path().display());
        wanted.add_arg(&folder).expect("an argument");
        let began = Instant::now();
        let driver = loop {
            match WebDriver::new(&format!("http://127.0.0.1:{port}"), wanted.clone()).await {
                Ok(driver) => break driver,
                Err(error) => {
                    assert!(began.elapsed() < PATIENCE, "Chromium does not start: {error}");
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            }
        };
        Chromium { driver, base: base.to_owned(), process, profile }
    }

    /// A driver that is killed leaves its browser behind: found by its own profile's folder.
    fn end_browser(&self) {
        let own = format!("--user-data-dir={}", self.profile.path().display());
        for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
            let told = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let is_ours = told.split(|byte| *byte == 0).any(|word| word == own.as_bytes());
            if let (true, Some(id)) = (is_ours, entry.file_name().to_str()) {
                let _ = Command::new("kill").args(["-KILL", id]).status();
            }
        }
    }

    pub async fn close(self) {
        let _ = self.driver.clone().quit().await;
    }

    /// Runs `script` in each page that is opened from now on, before the page's own scripts.
    #[allow(dead_code)] // for the tests of browsers' sound
    pub async fn before_each_page(&self, script: &str) {
        let add = serde_json::json!({ "source": script });
        let added = self.driver.cdp().send_raw("Page.addScriptToEvaluateOnNewDocument", add).await;
        added.expect("the script is taken");
    }

    pub async fn goto(&self, path: &str) {
        self.driver.goto(format!("{}{path}", self.base)).await.expect("the page opens");
    }

    pub async fn log_in(&self, name: &str, password: &str) {
        self.goto("/login").await;
        self.find("#name").await.send_keys(name).await.expect("typed");
        self.find("#password").await.send_keys(password).await.expect("typed");
        self.click("button[type=submit]").await;
        self.wait("the desk", "return !!document.querySelector('#desk, .filters')").await;
    }

    /// The element, as soon as it is there.
    pub async fn find(&self, css: &str) -> WebElement {
        let began = Instant::now();
        loop {
            if let Ok(element) = self.driver.find(By::Css(css.to_owned())).await {
                return element;
            }
            assert!(began.elapsed() < PATIENCE, "no {css} on the page:\n{}", self.text().await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Clicks as a person does: what is covered or switched off cannot be clicked.
    pub async fn click(&self, css: &str) {
        let began = Instant::now();
        loop {
            let outcome = self.find(css).await.click().await;
            match outcome {
                Ok(()) => return,
                Err(error) => {
                    assert!(began.elapsed() < PATIENCE, "cannot click {css}: {error}");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }

    /// Types into the page, not into a field.
    pub async fn press(&self, keys: &str) {
        self.find("body").await.send_keys(keys).await.expect("typed");
    }

    pub async fn run(&self, script: &str) -> serde_json::Value {
        let value = self.driver.execute(script, Vec::new()).await.expect("the script runs");
        value.json().clone()
    }

    /// Waits until `script` returns true.
    pub async fn wait(&self, what: &str, script: &str) {
        let began = Instant::now();
        while self.run(script).await != serde_json::Value::Bool(true) {
            assert!(began.elapsed() < PATIENCE, "{what}: not seen on\n{}", self.text().await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until the page's text holds `text`.
    pub async fn wait_text(&self, text: &str) {
        let text = serde_json::to_string(text).expect("is text");
        let script =
            format!("return document.body.innerText.toLowerCase().includes({text}.toLowerCase())");
        self.wait(&text, &script).await;
    }

    pub async fn wait_stage(&self, stage: &str) {
        self.wait(stage, &format!("return document.body.dataset.stage === '{stage}'")).await;
    }

    pub async fn text(&self) -> String {
        let text = self.run("return document.body.innerText").await;
        text.as_str().unwrap_or_default().to_owned()
    }

    /// A picture, where `WARMLINE_SHOTS` names a folder: for the eye, never for a test.
    pub async fn shoot(&self, name: &str) {
        if let Some(folder) = std::env::var_os("WARMLINE_SHOTS") {
            let file = Path::new(&folder).join(format!("{name}.png"));
            self.driver.screenshot(&file).await.expect("a picture");
        }
    }
}
