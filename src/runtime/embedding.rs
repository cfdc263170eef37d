//! The embedding of sentences: its model from the models' folder, and the vectors of the tables'
//! examples, which are kept on the disk so that a start need not compute them again.

mod kept;

use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Once};

use crate::base::language::Language;
use crate::models::manifest::Kind;
use crate::models::wanted::Setting;
use crate::models::{Catalogue, Model};
use crate::understanding::classifier::{Classifier, Settings, Vectors};
use crate::understanding::embedding::{Embedder, Vector};
use crate::understanding::tables::{LanguageTables, Tables};

pub use kept::Kept;

/// The setting that takes no model.
pub const OFF: &str = "off";

/// A loaded model, and the languages that it knows.
#[derive(Clone, Debug)]
pub struct Embedding {
    embedder: Arc<Embedder>,
    languages: Vec<Language>,
    kept: Kept,
}

/// The model that the setting `id` means; none for `off`, and for `auto` where none is installed.
///
/// # Errors
/// A model that is named and not installed, or not whole, with what mends it.
pub fn load(id: &str, folder: Option<&Path>) -> Result<Option<Embedding>, String> {
    let catalogue = Catalogue::embedded().map_err(|problems| problems.to_string())?;
    let field = "[understanding] embedding";
    let setting = Setting { field, value: id, kind: Kind::Embedding, none: OFF };
    let Some((model, paths)) = setting.locate(&catalogue, folder)? else {
        tracing::info!("no embedding is used: sentences are understood by their words alone");
        return Ok(None);
    };
    read(&model, &paths).map(Some)
}

fn read(model: &Model, paths: &[PathBuf]) -> Result<Embedding, String> {
    let [weights, tokenizer] = paths else {
        return Err(format!("{}: expected weights and a tokenizer", model.id));
    };
    let bytes =
        |path: &Path| std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()));
    alone();
    let embedder = Embedder::from_bytes(&bytes(weights)?, &bytes(tokenizer)?)
        .map_err(|fault| format!("{}: {fault}", model.id))?;
    let languages = model.languages.iter().filter_map(|code| Language::new(code)).collect();
    Ok(Embedding { embedder: Arc::new(embedder), languages, kept: Kept::usual() })
}

/// Matrices are multiplied on the thread that asks: a sentence is too short to be shared out, and
/// the other cores have callers to hear.
fn alone() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build_global();
        if let Err(error) = pool {
            tracing::debug!(%error, "the pool of the matrices was there before");
        }
    });
}

impl Embedding {
    /// `tables` with this model for the languages that it knows.
    pub fn give(&self, tables: Tables) -> Tables {
        tables.with_embedder(Some(&self.embedder), |language| self.languages.contains(language))
    }

    pub fn embedder(&self) -> &Embedder {
        &self.embedder
    }

    /// Keeps vectors at `kept` instead of the user's cache.
    pub fn keeping(self, kept: Kept) -> Self {
        Self { kept, ..self }
    }
}

/// The classifier of one language, trained with the vectors of its examples where it has an
/// embedder, which up to `threads` threads compute.
pub fn learn(
    tables: &LanguageTables,
    embedding: Option<&Embedding>,
    settings: Settings,
    threads: usize,
) -> Classifier {
    let known = embedding.zip(tables.embedder.as_ref());
    match known.filter(|(ours, its)| ours.embedder.fingerprint() == its.fingerprint()) {
        None => Classifier::train(&tables.examples, settings),
        Some((embedding, embedder)) => {
            let texts: Vec<&str> = tables.examples.iter().map(|one| one.text.as_str()).collect();
            let fingerprint = embedder.fingerprint();
            let list = embedding
                .kept
                .vectors(fingerprint, &texts, |missing| embed_on(embedder, missing, threads));
            let vectors = Vectors { embedding: fingerprint, list };
            Classifier::train_with(&tables.examples, &vectors, settings)
        }
    }
}

/// Languages whose classifier was not trained from their examples and with their embedder.
pub fn untrained(tables: &Tables) -> Vec<LanguageTables> {
    tables
        .languages()
        .filter(|one| !one.examples.is_empty())
        .filter(|one| one.classifier.fingerprint() != one.fingerprint())
        .cloned()
        .collect()
}

/// `tables` with what is [`untrained`] in them trained, by all cores.
pub fn learned(mut tables: Tables, embedding: Option<&Embedding>) -> Tables {
    for one in untrained(&tables) {
        let model = learn(&one, embedding, Settings::default(), cores());
        tables = tables.with_classifier(&one.language, Arc::new(model));
    }
    tables
}

/// The threads that a tool may compute with.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The vectors of `texts` in their order, computed by up to `threads` threads.
pub fn embed_on(embedder: &Embedder, texts: &[&str], threads: usize) -> Vec<Vector> {
    let share = texts.len().div_ceil(threads.max(1)).max(1);
    std::thread::scope(|scope| {
        let parts = texts.chunks(share).map(|part| scope.spawn(|| embedder.embed_many(part)));
        let parts: Vec<_> = parts.collect();
        let joined = parts.into_iter().map(|part| part.join());
        // Without a part of them, the others would be taken for vectors of other texts.
        joined.flat_map(|part| part.unwrap_or_else(|panic| resume_unwind(panic))).collect()
    })
}

#[cfg(test)]
mod tests;
