//! Hashes that were computed before, so that a start does not read 240 MB again. A file that
//! changed in any way (size, time of change, place) is hashed anew.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::disk;
use super::manifest::ModelFile;
use super::verify::{self, Verdict};

/// Files that are remembered; beyond, the list begins anew.
const FILES_MAX: usize = 200;
/// A file that changed so shortly ago may change again within the same tick of its clock.
const SETTLED: Duration = Duration::from_secs(2);

/// A list of hashes on the disk, one a line: `SHA-256 BYTES INODE CHANGED MODIFIED PATH`.
///
/// It lies in the user's own cache folder, not beside the models: who may write a model must not
/// thereby be able to vouch for it.
pub struct Remembered {
    list: Option<PathBuf>,
}

impl Remembered {
    /// The user's list; without a home nothing is remembered.
    pub fn usual() -> Self {
        Self { list: disk::cached("verified") }
    }

    /// A list of its own.
    pub fn at(list: &Path) -> Self {
        Self { list: Some(list.to_owned()) }
    }

    /// Judges `path` as [`verify::check`] does, and hashes only what is not remembered.
    pub fn check(&self, file: &ModelFile, path: &Path) -> Verdict {
        verify::check_with(file, path, |path| self.hash(path))
    }

    fn hash(&self, path: &Path) -> io::Result<String> {
        let Some(list) = &self.list else { return verify::hash_file(path) };
        let before = stamp(path)?;
        let mut known = read(list);
        if let Some(hash) = known.get(&before) {
            return Ok(hash.clone());
        }
        let hash = verify::hash_file(path)?;
        if is_settled(path) && stamp(path)? == before {
            let place = place_of(&before).to_owned();
            known.retain(|stamp, _| place_of(stamp) != place);
            if known.len() >= FILES_MAX {
                known.clear();
            }
            known.insert(before, hash.clone());
            // A list that cannot be written only costs the next start its time.
            let _ = write(list, &known);
        }
        Ok(hash)
    }
}

/// Everything that changes when a file does, and last its place.
fn stamp(path: &Path) -> io::Result<String> {
    let meta = fs::metadata(path)?;
    let place = fs::canonicalize(path)?;
    Ok(format!(
        "{} {} {}.{:09} {}.{:09} {}",
        meta.len(),
        meta.ino(),
        meta.ctime(),
        meta.ctime_nsec(),
        meta.mtime(),
        meta.mtime_nsec(),
        place.display()
    ))
}

fn place_of(stamp: &str) -> &str {
    stamp.splitn(5, ' ').nth(4).unwrap_or_default()
}

fn is_settled(path: &Path) -> bool {
    let Ok(meta) = fs::metadata(path) else { return false };
    let changed = Duration::new(meta.ctime().max(0) as u64, 0);
    let changed = SystemTime::UNIX_EPOCH + changed;
    SystemTime::now().duration_since(changed).is_ok_and(|age| age > SETTLED)
}

fn read(list: &Path) -> BTreeMap<String, String> {
    let text = fs::read_to_string(list).unwrap_or_default();
    let lines = text.lines().filter_map(|line| {
        let (hash, stamp) = line.split_once(' ')?;
        let is_hash = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hash.then(|| (stamp.to_owned(), hash.to_owned()))
    });
    lines.collect()
}

fn write(list: &Path, known: &BTreeMap<String, String>) -> io::Result<()> {
    let text: String = known.iter().map(|(stamp, hash)| format!("{hash} {stamp}\n")).collect();
    disk::replace(list, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use sha2::{Digest, Sha256};

    use super::*;

    fn file(bytes: &[u8]) -> ModelFile {
        ModelFile {
            name: "m.json".into(),
            bytes: bytes.len() as u64,
            sha256: verify::hex(&Sha256::digest(bytes)),
            url: String::new(),
            pip: None,
        }
    }

    /// Waits until the file's last change counts as settled.
    fn settle(path: &Path) {
        while !is_settled(path) {
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    #[test]
    fn a_hash_is_remembered_until_the_file_changes() {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, list) = (folder.path().join("m.json"), folder.path().join("cache/verified"));
        fs::write(&path, b"good bytes").expect("is writable");
        settle(&path);
        let known = Remembered::at(&list);
        assert_eq!(known.check(&file(b"good bytes"), &path), Verdict::Good);
        let line = fs::read_to_string(&list).expect("is written");
        assert_eq!(line.lines().count(), 1, "{line}");

        // What the list says is believed: so a wrong line in it is seen here.
        let forged = line.replace(&file(b"good bytes").sha256, &"0".repeat(64));
        fs::write(&list, forged).expect("is writable");
        let verdict = known.check(&file(b"good bytes"), &path);
        assert!(matches!(verdict, Verdict::WrongHash { .. }), "not hashed again: {verdict}");

        // Other bytes of the same length with the old time put back: hashed again.
        Command::new("cp").arg("-p").arg(&path).arg(folder.path().join("old")).status().ok();
        fs::write(&path, b"evil bytes").expect("is writable");
        Command::new("touch").arg("-r").arg(folder.path().join("old")).arg(&path).status().ok();
        settle(&path);
        assert_eq!(known.check(&file(b"evil bytes"), &path), Verdict::Good);
        let verdict = known.check(&file(b"good bytes"), &path);
        assert!(matches!(verdict, Verdict::WrongHash { .. }), "{verdict}");
        assert_eq!(fs::read_to_string(&list).expect("is there").lines().count(), 1);
    }

    #[test]
    fn a_file_just_written_and_a_list_that_cannot_be_are_no_fault() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("m.json");
        fs::write(&path, b"new").expect("is writable");
        let list = folder.path().join("verified");
        assert_eq!(Remembered::at(&list).check(&file(b"new"), &path), Verdict::Good);
        assert!(!list.exists(), "it may change within the same tick");
        settle(&path);
        let nowhere = Remembered::at(&path.join("below/a/file"));
        assert_eq!(nowhere.check(&file(b"new"), &path), Verdict::Good);
        assert_eq!(Remembered { list: None }.check(&file(b"new"), &path), Verdict::Good);
    }
}
