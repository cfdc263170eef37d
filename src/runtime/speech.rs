//! Loads the recogniser, the second voice on ends of turns, and the voice that speaks, for the
//! server and the tools alike.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::settings::{Voice, VoiceEngine};
use crate::media::priority;
use crate::models::manifest::Kind;
use crate::models::wanted::{AUTO, Setting};
use crate::models::{self, Catalogue};
use crate::speech::hear::end_of_turn::{EndOfTurn, WithEndOfTurn};
use crate::speech::hear::pool::{MakeTranscriber, Pool, PoolSettings};
use crate::speech::hear::whisper::{WhisperModel, WhisperSettings};
use crate::speech::voice::espeak::Espeak;
use crate::speech::voice::http::HttpVoice;
use crate::speech::voice::piper::Piper;
use crate::speech::voice::{Settings, Studio, Synthesizer};

/// Files of a model of the manifest, verified.
pub fn files_of(id: &str, folder: Option<&Path>) -> Result<Vec<PathBuf>, String> {
    let catalogue = Catalogue::embedded().map_err(|problems| problems.to_string())?;
    let model = catalogue.find(id).ok_or_else(|| {
        let known: Vec<&str> = catalogue.models.iter().map(|model| model.id.as_str()).collect();
        format!("there is no model {id}; known are {}", known.join(", "))
    })?;
    models::locate(model, folder).map_err(|error| error.to_string())
}

/// Beside the models: the id of the one that `warmline bench models` found best here.
const ADVICE: &str = "advice.txt";
/// What is taken where nobody has measured.
const UNMEASURED: &str = "base-q8_0";

/// Writes down which model is best on this machine; gives the file.
pub fn write_advice(id: &str, folder: Option<&Path>) -> std::io::Result<PathBuf> {
    let folders = models::search_path(folder);
    let path = folders
        .into_iter()
        .find(|folder| folder.is_dir())
        .unwrap_or_else(|| PathBuf::from("models"))
        .join(ADVICE);
    std::fs::write(&path, format!("{id}\n"))?;
    Ok(path)
}

/// The model that `id` means here: itself, or for `auto` the one that was measured best.
pub fn chosen(id: &str, folder: Option<&Path>) -> String {
    if id != AUTO {
        return id.to_owned();
    }
    let advice = models::search_path(folder)
        .into_iter()
        .find_map(|folder| std::fs::read_to_string(folder.join(ADVICE)).ok())
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty());
    match advice {
        Some(advice) => advice,
        None => {
            tracing::info!("{UNMEASURED} is taken; `warmline bench models` measures what is best");
            UNMEASURED.to_owned()
        }
    }
}

/// Loads a Whisper model of the manifest, or the one chosen for the machine.
pub fn whisper(id: &str, folder: Option<&Path>) -> Result<WhisperModel, String> {
    let files = files_of(&chosen(id, folder), folder)?;
    let file = files.first().ok_or_else(|| format!("model {id} has no file"))?;
    WhisperModel::load(file).map_err(|error| error.to_string())
}

/// No second voice: the text alone says when a turn is over.
pub const TEXT: &str = "text";

/// The second voice that the setting `id` means; none for `text`, and for `auto` where none is
/// installed.
///
/// # Errors
/// A model that is named and not installed, or not whole, with what mends it.
pub fn end_of_turn(id: &str, folder: Option<&Path>) -> Result<Option<Arc<EndOfTurn>>, String> {
    let catalogue = Catalogue::embedded().map_err(|problems| problems.to_string())?;
    let field = "[speech] end_of_turn";
    let setting = Setting { field, value: id, kind: Kind::EndOfTurn, none: TEXT };
    let Some((model, paths)) = setting.locate(&catalogue, folder)? else { return Ok(None) };
    let path = paths.first().ok_or_else(|| format!("model {} has no file", model.id))?;
    EndOfTurn::load(path).map(|loaded| Some(Arc::new(loaded)))
}

/// Starts the recognisers, which answer for the `second` voice, too.
pub fn pool(
    model: WhisperModel,
    workers: usize,
    second: Option<Arc<EndOfTurn>>,
) -> Result<Pool, String> {
    let make: MakeTranscriber = Arc::new(move || {
        let recogniser = model.transcriber(WhisperSettings::default())?;
        Ok(match &second {
            Some(second) => Box::new(WithEndOfTurn { recogniser, second: second.clone() }),
            None => Box::new(recogniser),
        })
    });
    let mut settings = PoolSettings::default();
    if workers > 0 {
        // Two threads for one decode need two cores that no third decode works on.
        settings.two_cores = workers <= settings.workers;
        settings.workers = workers;
    }
    Pool::start(settings, make).map_err(|error| error.to_string())
}

/// The engine that is configured, or espeak-ng with one line in the log. `true` if it is the
/// fallback.
pub fn engine(voice: &Voice, folder: Option<&Path>) -> (Box<dyn Synthesizer>, bool) {
    let wanted: Result<Box<dyn Synthesizer>, String> = match voice.engine {
        VoiceEngine::Piper => files_of(&voice.model, folder).and_then(|files| {
            let onnx = files.first().ok_or_else(|| "the voice has no file".to_owned())?;
            let piper = Piper::load(onnx).map_err(|error| error.to_string())?;
            Ok(Box::new(piper) as Box<dyn Synthesizer>)
        }),
        VoiceEngine::Espeak => Ok(Box::new(Espeak)),
        VoiceEngine::Http => HttpVoice::new(voice.url.as_deref().unwrap_or_default())
            .map(|http| Box::new(http) as Box<dyn Synthesizer>)
            .map_err(|error| error.to_string()),
    };
    match wanted {
        Ok(engine) => (engine, false),
        Err(error) => {
            tracing::warn!("the voice cannot be used, espeak-ng speaks instead: {error}");
            (Box::new(Espeak), true)
        }
    }
}

/// Starts the studio with the configured voice.
pub fn studio(
    voice: &Voice,
    folder: Option<&Path>,
    prompts: Option<PathBuf>,
) -> std::io::Result<Studio> {
    let (engine, _) = engine(voice, folder);
    let on_start = Box::new(|| {
        priority::lower_for_speech();
    });
    let settings = Settings { cache: voice.cache.clone(), prompts, on_start: Some(on_start) };
    Studio::start(settings, engine)
}

#[cfg(test)]
mod tests {
    use super::{chosen, end_of_turn, write_advice};

    #[test]
    fn a_setting_that_means_no_second_voice_is_told() {
        let empty = tempfile::tempdir().unwrap();
        assert!(end_of_turn("text", Some(empty.path())).unwrap().is_none());
        for wrong in ["smart-turn-v1", "base-q8_0"] {
            let told = end_of_turn(wrong, Some(empty.path())).unwrap_err();
            assert!(told.starts_with("[speech] end_of_turn: found"), "{told}");
            assert!(told.contains("smart-turn-v3.2"), "{told}");
        }
    }

    #[test]
    fn auto_takes_the_advice_that_was_measured() {
        let folder = tempfile::tempdir().unwrap();
        let at = Some(folder.path());
        assert_eq!(chosen("small-q8_0", at), "small-q8_0");
        let written = write_advice("tiny.en-q8_0", at).unwrap();
        assert!(written.starts_with(folder.path()));
        assert_eq!(chosen("auto", at), "tiny.en-q8_0");
        assert_eq!(chosen("base-q8_0", at), "base-q8_0");
    }
}
