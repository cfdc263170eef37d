//! The recorder: one stereo WAV a call, written by one thread for all calls. Headers are brought
//! up to date every second, files are synced in turn; the pacing threads never wait for a disk.
//! A full disk ends the recording, never the call.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use hound::{SampleFormat, WavSpec, WavWriter};
use tokio::sync::mpsc::Sender;

use super::event::{MediaEvent, RecordingFailure};
use super::limits::RECORDER_BLOCKS_MAX;
use super::wav::HEADER_BYTES;

/// Between two updates of a file's header; what a crash can cost of the end, at most.
const FLUSH_EVERY: Duration = Duration::from_millis(800);
/// Share of the thread's time that syncing to disk may take.
const SYNC_SHARE: f64 = 0.5;
/// Samples of silence written at once.
const SILENCE_SAMPLES: usize = 8_192;

/// A recording being written.
pub trait RecordingFile: Write + Seek + Send {
    /// Brings everything to the disk itself (fdatasync).
    ///
    /// # Errors
    /// What the disk says.
    fn sync(&mut self) -> io::Result<()>;
}

/// Where recordings are kept; a test's own may be full or broken.
pub trait RecordingStore: Send {
    /// Makes a new file for `name` (a call's id, safe in paths).
    ///
    /// # Errors
    /// What the disk says.
    fn create(&mut self, name: &str) -> io::Result<(PathBuf, Box<dyn RecordingFile>)>;

    /// Bytes that lie there already, for the quota.
    fn used_bytes(&self) -> u64;
}

/// A folder of WAV files, readable by our own user only.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Makes the folder if it is missing.
    ///
    /// # Errors
    /// What the disk says.
    pub fn open(path: &Path) -> io::Result<Self> {
        fs::create_dir_all(path)?;
        Ok(Self { path: path.to_owned() })
    }
}

impl RecordingFile for fs::File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

impl RecordingStore for Folder {
    fn create(&mut self, name: &str) -> io::Result<(PathBuf, Box<dyn RecordingFile>)> {
        // A second recording of the same call stands beside the first.
        for number in 1..100 {
            let suffix = if number == 1 { String::new() } else { format!("-{number}") };
            let path = self.path.join(format!("{name}{suffix}.wav"));
            let mut options = fs::OpenOptions::new();
            options.read(true).write(true).create_new(true).mode(0o600);
            match options.open(&path) {
                Ok(file) => return Ok((path, Box::new(file))),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    fn used_bytes(&self) -> u64 {
        let Ok(entries) = fs::read_dir(&self.path) else { return 0 };
        entries.flatten().filter_map(|entry| entry.metadata().ok()).map(|meta| meta.len()).sum()
    }
}

/// What the recording thread is told.
#[derive(Debug)]
pub enum Message {
    Open {
        id: u64,
        name: String,
        rate_hz: u32,
        events: Sender<MediaEvent>,
    },
    /// Interleaved samples of whole frames.
    Block {
        id: u64,
        samples: Vec<i16>,
    },
    Silence {
        id: u64,
        frames: u64,
    },
    /// Frames `from` to `to` (not included) become silence.
    Erase {
        id: u64,
        from: u64,
        to: u64,
    },
    Close {
        id: u64,
    },
    Stop,
}

/// The recording thread.
#[derive(Debug)]
pub struct Recorder {
    sender: SyncSender<Message>,
    thread: Option<JoinHandle<()>>,
}

impl Recorder {
    /// Starts the thread. `quota_bytes` bounds what the store holds altogether.
    ///
    /// # Errors
    /// If no thread could be made.
    pub fn start(store: Box<dyn RecordingStore>, quota_bytes: Option<u64>) -> io::Result<Self> {
        let (sender, receiver) = sync_channel(RECORDER_BLOCKS_MAX);
        let used_bytes = store.used_bytes();
        let writer = Writer { store, quota_bytes, used_bytes, open: HashMap::new() };
        let thread = std::thread::Builder::new()
            .name("recorder".to_owned())
            .spawn(move || writer.run(&receiver))?;
        Ok(Self { sender, thread: Some(thread) })
    }

    pub fn sender(&self) -> SyncSender<Message> {
        self.sender.clone()
    }
}

impl Drop for Recorder {
    /// Closes and syncs all files.
    fn drop(&mut self) {
        let _ = self.sender.send(Message::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The file shared by the WAV writer and the eraser, both on the one thread.
#[derive(Clone)]
struct SharedFile(Arc<Mutex<Box<dyn RecordingFile>>>);

impl SharedFile {
    fn with<T>(&self, action: impl FnOnce(&mut dyn RecordingFile) -> T) -> T {
        action(self.0.lock().unwrap_or_else(PoisonError::into_inner).as_mut())
    }
}

impl Write for SharedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.with(|file| file.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.with(|file| file.flush())
    }
}

impl Seek for SharedFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.with(|file| file.seek(to))
    }
}

struct Recording {
    wav: WavWriter<SharedFile>,
    file: SharedFile,
    path: PathBuf,
    rate_hz: u32,
    events: Sender<MediaEvent>,
    flushed: Instant,
    /// Written since the last sync.
    unsynced: bool,
    synced: Instant,
}

struct Writer {
    store: Box<dyn RecordingStore>,
    quota_bytes: Option<u64>,
    used_bytes: u64,
    open: HashMap<u64, Recording>,
}

impl Writer {
    fn run(mut self, messages: &Receiver<Message>) {
        let mut next_sync = Instant::now();
        let mut next_flush = Instant::now();
        loop {
            match messages.recv_timeout(Duration::from_millis(100)) {
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(message) => self.take(message),
                Err(RecvTimeoutError::Timeout) => {}
            }
            let now = Instant::now();
            if now >= next_flush {
                self.flush_due(now);
                next_flush = now + Duration::from_millis(50);
            }
            if now >= next_sync {
                let took = self.sync_one(now);
                let rest = took.mul_f64(1.0 / SYNC_SHARE - 1.0);
                next_sync = Instant::now() + rest.max(Duration::from_millis(2));
            }
        }
        let ids: Vec<u64> = self.open.keys().copied().collect();
        ids.into_iter().for_each(|id| self.close(id));
    }

    fn take(&mut self, message: Message) {
        let (id, result) = match message {
            Message::Open { id, name, rate_hz, events } => {
                self.open(id, &name, rate_hz, events);
                return;
            }
            Message::Close { id } => {
                self.close(id);
                return;
            }
            Message::Stop => return,
            Message::Block { id, samples } => (id, self.write(id, &samples)),
            Message::Silence { id, frames } => (id, self.write_silence(id, frames)),
            Message::Erase { id, from, to } => (id, self.erase(id, from, to)),
        };
        if let Err(why) = result {
            self.give_up(id, why);
        }
    }

    fn open(&mut self, id: u64, name: &str, rate_hz: u32, events: Sender<MediaEvent>) {
        match self.create(name, rate_hz, events.clone()) {
            Ok(recording) => {
                self.open.insert(id, recording);
            }
            Err(why) => {
                let _ = events.try_send(MediaEvent::RecordingFailed { why });
            }
        }
    }

    fn create(
        &mut self,
        name: &str,
        rate_hz: u32,
        events: Sender<MediaEvent>,
    ) -> Result<Recording, RecordingFailure> {
        self.within_quota(HEADER_BYTES)?;
        let (path, file) = self.store.create(name).map_err(|error| failure(&error))?;
        let file = SharedFile(Arc::new(Mutex::new(file)));
        let spec = WavSpec {
            channels: 2,
            sample_rate: rate_hz,
            bits_per_sample: 16,
            sample_format: SampleFormat::Int,
        };
        let mut wav = WavWriter::new(file.clone(), spec).map_err(wav_failure)?;
        wav.flush().map_err(wav_failure)?;
        let now = Instant::now();
        Ok(Recording {
            wav,
            file,
            path,
            rate_hz,
            events,
            flushed: now,
            unsynced: true,
            synced: now,
        })
    }

    fn write(&mut self, id: u64, samples: &[i16]) -> Result<(), RecordingFailure> {
        if !self.open.contains_key(&id) {
            return Ok(());
        }
        self.within_quota(samples.len() as u64 * 2)?;
        let Some(recording) = self.open.get_mut(&id) else { return Ok(()) };
        let mut writer = recording.wav.get_i16_writer(samples.len() as u32);
        samples.iter().for_each(|sample| writer.write_sample(*sample));
        writer.flush().map_err(wav_failure)?;
        recording.unsynced = true;
        Ok(())
    }

    fn write_silence(&mut self, id: u64, frames: u64) -> Result<(), RecordingFailure> {
        let Some(recording) = self.open.get(&id) else { return Ok(()) };
        let mut left = (frames * u64::from(recording.rate_hz / 50) * 2) as usize;
        while left > 0 {
            let now = left.min(SILENCE_SAMPLES);
            self.write(id, &[0; SILENCE_SAMPLES][..now])?;
            left -= now;
        }
        Ok(())
    }

    fn erase(&mut self, id: u64, from: u64, to: u64) -> Result<(), RecordingFailure> {
        let Some(recording) = self.open.get_mut(&id) else { return Ok(()) };
        let frame_bytes = u64::from(recording.rate_hz / 50) * 4;
        let written = u64::from(recording.wav.len()) * 2;
        let start = (from * frame_bytes).min(written);
        let end = (to * frame_bytes).min(written);
        recording.unsynced = true;
        recording.file.with(|file| zero(file, start, end)).map_err(|error| failure(&error))
    }

    fn within_quota(&mut self, bytes: u64) -> Result<(), RecordingFailure> {
        self.used_bytes += bytes;
        match self.quota_bytes {
            Some(quota) if self.used_bytes > quota => {
                self.used_bytes -= bytes;
                Err(RecordingFailure::QuotaReached)
            }
            Some(_) | None => Ok(()),
        }
    }

    fn flush_due(&mut self, now: Instant) {
        let due = self.open.iter().filter(|(_, one)| now - one.flushed >= FLUSH_EVERY);
        let due: Vec<u64> = due.map(|(id, _)| *id).collect();
        for id in due {
            let Some(recording) = self.open.get_mut(&id) else { continue };
            recording.flushed = now;
            if let Err(error) = recording.wav.flush() {
                self.give_up(id, wav_failure(error));
            }
        }
    }

    /// Syncs the file that waited longest, if any waited a second; says how long that took.
    fn sync_one(&mut self, now: Instant) -> Duration {
        let waiting = self.open.iter().filter(|(_, one)| one.unsynced);
        let oldest = waiting.min_by_key(|(_, one)| one.synced).map(|(id, _)| *id);
        let Some(id) = oldest else { return Duration::ZERO };
        let Some(recording) = self.open.get_mut(&id) else { return Duration::ZERO };
        if now - recording.synced < Duration::from_secs(1) {
            return Duration::ZERO;
        }
        let result = recording.file.with(|file| file.sync());
        let after = Instant::now();
        recording.synced = after;
        recording.unsynced = false;
        if let Err(error) = result {
            self.give_up(id, failure(&error));
        }
        after - now
    }

    fn give_up(&mut self, id: u64, why: RecordingFailure) {
        let Some(recording) = self.open.remove(&id) else { return };
        tracing::error!(path = %recording.path.display(), ?why, "recording given up");
        let _ = recording.events.try_send(MediaEvent::RecordingFailed { why });
        // What was written stays readable, if the header can still be written.
        let _ = recording.wav.finalize();
        let _ = recording.file.with(|file| file.sync());
    }

    fn close(&mut self, id: u64) {
        let Some(recording) = self.open.remove(&id) else { return };
        let duration_ms =
            u64::from(recording.wav.duration()) * 1_000 / u64::from(recording.rate_hz.max(1));
        let result = recording.wav.finalize().map_err(wav_failure).and_then(|()| {
            recording.file.with(|file| file.sync()).map_err(|error| failure(&error))
        });
        let event = match result {
            Ok(()) => MediaEvent::RecordingClosed { path: recording.path, duration_ms },
            Err(why) => MediaEvent::RecordingFailed { why },
        };
        let _ = recording.events.try_send(event);
    }
}

/// Writes zeros over the samples from byte `start` to `end`, and returns to where the file was.
fn zero(file: &mut dyn RecordingFile, start: u64, end: u64) -> io::Result<()> {
    let back = file.stream_position()?;
    file.seek(SeekFrom::Start(HEADER_BYTES + start))?;
    let mut left = end.saturating_sub(start);
    let zeros = [0u8; SILENCE_SAMPLES];
    while left > 0 {
        let now = left.min(SILENCE_SAMPLES as u64) as usize;
        file.write_all(&zeros[..now])?;
        left -= now as u64;
    }
    file.seek(SeekFrom::Start(back))?;
    Ok(())
}

fn failure(error: &io::Error) -> RecordingFailure {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => RecordingFailure::DiskFull,
        _ => RecordingFailure::WriteError,
    }
}

fn wav_failure(error: hound::Error) -> RecordingFailure {
    match error {
        hound::Error::IoError(error) => failure(&error),
        _ => RecordingFailure::WriteError,
    }
}

#[cfg(test)]
#[path = "recorder/tests.rs"]
mod tests;
