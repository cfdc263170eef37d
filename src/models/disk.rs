//! Small files of ours on the disk: the user's cache, and files that nobody reads by half.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The file `name` in the user's own cache folder; `None` without a home.
pub fn cached(name: &str) -> Option<PathBuf> {
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let folder = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(home);
    folder.map(|folder| folder.join("warmline").join(name))
}

/// Writes `bytes` beside `file`, then in its place, with the folders that it needs.
///
/// # Errors
/// Those of the disk; then `file` is as it was, and nothing lies beside it.
pub fn replace(file: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let part = file.with_extension(format!("{}.part", std::process::id()));
    let written = fs::write(&part, bytes).and_then(|()| fs::rename(&part, file));
    if written.is_err() {
        let _ = fs::remove_file(&part);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_or_not_at_all() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("below/a/list");
        replace(&file, b"one").expect("is writable");
        replace(&file, b"two").expect("is writable");
        assert_eq!(fs::read(&file).expect("is there"), b"two");
        // A folder is not replaced by a file.
        let place = folder.path().join("below/a");
        replace(&place, b"three").expect_err("is a folder");
        assert_eq!(fs::read(&file).expect("is as it was"), b"two");
        let beside = fs::read_dir(folder.path().join("below")).expect("is there").count();
        assert_eq!(beside, 1, "nothing is left behind");
    }
}
