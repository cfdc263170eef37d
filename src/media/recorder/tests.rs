//! The recording thread with good, full and broken stores.

use tokio::sync::mpsc::{Receiver as Events, channel};

use super::*;
use crate::media::wav;

/// A file in memory that has no room beyond `room` bytes.
struct SmallDisk {
    room: u64,
    kind: io::ErrorKind,
}

struct SmallFile {
    inner: io::Cursor<Vec<u8>>,
    room: u64,
    kind: io::ErrorKind,
}

impl Write for SmallFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.inner.position() + bytes.len() as u64 > self.room {
            return Err(self.kind.into());
        }
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for SmallFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

impl RecordingFile for SmallFile {
    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl RecordingStore for SmallDisk {
    fn create(&mut self, name: &str) -> io::Result<(PathBuf, Box<dyn RecordingFile>)> {
        let file = SmallFile { inner: io::Cursor::default(), room: self.room, kind: self.kind };
        Ok((PathBuf::from(name), Box::new(file)))
    }

    fn used_bytes(&self) -> u64 {
        0
    }
}

fn open(recorder: &Recorder, id: u64, name: &str) -> Events<MediaEvent> {
    let (events, receiver) = channel(16);
    let name = name.to_owned();
    recorder.sender().send(Message::Open { id, name, rate_hz: 8_000, events }).unwrap();
    receiver
}

fn block(recorder: &Recorder, id: u64, frames: usize, value: i16) {
    let samples = vec![value; frames * 320];
    recorder.sender().send(Message::Block { id, samples }).unwrap();
}

fn next(events: &mut Events<MediaEvent>) -> MediaEvent {
    let end = Instant::now() + Duration::from_secs(5);
    while Instant::now() < end {
        match events.try_recv() {
            Ok(event) => return event,
            Err(_) => std::thread::sleep(Duration::from_millis(2)),
        }
    }
    panic!("no event");
}

fn in_folder(path: &Path, quota_bytes: Option<u64>) -> Recorder {
    Recorder::start(Box::new(Folder::open(path).unwrap()), quota_bytes).unwrap()
}

#[test]
fn a_call_becomes_a_file_and_erasures_stay_silent() {
    let folder = tempfile::tempdir().unwrap();
    let recorder = in_folder(folder.path(), None);
    let mut events = open(&recorder, 1, "call");
    block(&recorder, 1, 10, 1_000);
    recorder.sender().send(Message::Silence { id: 1, frames: 5 }).unwrap();
    block(&recorder, 1, 10, 2_000);
    recorder.sender().send(Message::Erase { id: 1, from: 2, to: 4 }).unwrap();
    block(&recorder, 1, 1, 3_000);
    recorder.sender().send(Message::Close { id: 1 }).unwrap();
    let path = folder.path().join("call.wav");
    let closed = MediaEvent::RecordingClosed { path: path.clone(), duration_ms: 26 * 20 };
    assert_eq!(next(&mut events), closed);
    let channels = wav::read_channels(&path).unwrap();
    let frames: Vec<i16> = channels[0].samples.chunks(160).map(|frame| frame[80]).collect();
    let expected =
        [&[1_000; 2][..], &[0; 2], &[1_000; 6], &[0; 5], &[2_000; 10], &[3_000]].concat();
    assert_eq!(frames, expected);
    assert_eq!(channels[0], channels[1]);
}

#[test]
fn without_an_end_at_most_a_second_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let recorder = in_folder(folder.path(), None);
    let _events = open(&recorder, 1, "call");
    let path = folder.path().join("call.wav");
    let copy = folder.path().join("copy.wav");
    for _ in 0..30 {
        block(&recorder, 1, 5, 500);
        std::thread::sleep(Duration::from_millis(100));
    }
    // What another process finds at this moment is what a killed one leaves behind.
    fs::copy(&path, &copy).unwrap();
    let found = reader_duration_ms(&copy);
    assert!(found >= 2_000, "{found} ms of 3,000 without any mending");
    wav::repair(folder.path()).unwrap();
    assert!(reader_duration_ms(&copy) >= 2_900);
}

fn reader_duration_ms(path: &Path) -> u64 {
    let reader = hound::WavReader::open(path).unwrap();
    u64::from(reader.duration()) * 1_000 / 8_000
}

#[test]
fn a_full_disk_ends_that_recording_and_tells() {
    for (kind, why) in [
        (io::ErrorKind::StorageFull, RecordingFailure::DiskFull),
        (io::ErrorKind::Other, RecordingFailure::WriteError),
    ] {
        let recorder = Recorder::start(Box::new(SmallDisk { room: 5_000, kind }), None).unwrap();
        let mut events = open(&recorder, 1, "call");
        for _ in 0..10 {
            block(&recorder, 1, 5, 500);
        }
        assert_eq!(next(&mut events), MediaEvent::RecordingFailed { why });
        recorder.sender().send(Message::Close { id: 1 }).unwrap();
        // The next call is tried again: the disk may have been cleared.
        let mut others = open(&recorder, 2, "other");
        block(&recorder, 2, 2, 500);
        recorder.sender().send(Message::Close { id: 2 }).unwrap();
        assert!(matches!(next(&mut others), MediaEvent::RecordingClosed { duration_ms: 40, .. }));
        assert!(events.try_recv().is_err(), "told once");
    }
}

#[test]
fn the_quota_counts_what_lies_there() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("old.wav"), vec![0; 9_000]).unwrap();
    let recorder = in_folder(folder.path(), Some(12_000));
    let mut events = open(&recorder, 1, "call");
    block(&recorder, 1, 5, 500);
    let why = RecordingFailure::QuotaReached;
    assert_eq!(next(&mut events), MediaEvent::RecordingFailed { why });
}

#[test]
fn the_same_name_twice_is_two_files_and_nobody_else_reads_them() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let recorder = in_folder(folder.path(), None);
    let _first = open(&recorder, 1, "call");
    let _second = open(&recorder, 2, "call");
    drop(recorder);
    for name in ["call.wav", "call-2.wav"] {
        let mode = fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}
