//! `warmline check`: every fault of the configuration and its tables at once, with file, line and
//! field; then whether the models and the certificate that it names are there.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use crate::config::Config;
use crate::config::settings::VoiceEngine;
use crate::models::manifest::Kind;
use crate::models::{self, Catalogue, LocateError, Model};
use crate::runtime::tables::Tables;
use crate::runtime::{embedding, speech};

#[derive(Args)]
pub struct CheckArgs {
    /// The configuration to read.
    #[arg(long, short, default_value = "warmline.toml", env = "WARMLINE_CONFIG")]
    pub config: PathBuf,
}

pub fn run(args: &CheckArgs) -> ExitCode {
    let file = args.config.display();
    let checked = Config::load(&args.config).and_then(|config| {
        Tables::load(&config)?;
        Ok(config)
    });
    let config = match checked {
        Ok(config) => config,
        Err(problems) => {
            eprint!("{problems}");
            eprintln!("{}", counted(problems.len(), "fault"));
            return ExitCode::FAILURE;
        }
    };
    let Found { faults, notes } = Found::of(&config);
    for fault in &faults {
        eprintln!("{file}: {fault}");
    }
    if !faults.is_empty() {
        eprintln!("{}", counted(faults.len(), "fault"));
        return ExitCode::FAILURE;
    }
    for note in notes {
        println!("{file}: note: {note}");
    }
    println!(
        "{file}: good. {}, {}, {}.",
        counted(config.trunks.len(), "trunk"),
        counted(config.agents.len(), "agent"),
        counted(config.numbers.len(), "number"),
    );
    ExitCode::SUCCESS
}

const NOT_STARTED: &str = "the service does not start";

/// What the service would not start with, or not as the configuration says.
#[derive(Default)]
struct Found {
    faults: Vec<String>,
    /// What is yet to be fetched.
    notes: Vec<String>,
}

impl Found {
    fn of(config: &Config) -> Found {
        let folder = config.speech.models_folder.as_deref();
        let mut found = Found::default();
        let recogniser = speech::chosen(&config.speech.model, folder);
        found.model(Kind::Whisper, "[speech] model", &recogniser, folder, NOT_STARTED);
        if config.voice.engine == VoiceEngine::Piper {
            let id = &config.voice.model;
            found.model(Kind::Voice, "[voice] model", id, folder, "espeak-ng speaks");
        }
        found.faults.extend(speech::end_of_turn(&config.speech.end_of_turn, folder).err());
        found.faults.extend(embedding::load(&config.understanding.embedding, folder).err());
        if let Some((certificate, key)) = &config.web.certificate {
            let fault = crate::web::Certificate::load(certificate, key).err();
            found.faults.extend(fault.map(|fault| format!("[web] {fault}")));
        }
        found
    }

    /// A model of `kind` that `setting` names: an unknown or a broken one is a fault, one that is
    /// yet to be fetched is worth a note of what holds `until_then`.
    fn model(
        &mut self,
        kind: Kind,
        setting: &str,
        id: &str,
        folder: Option<&Path>,
        until_then: &str,
    ) {
        let catalogue = match Catalogue::embedded() {
            Ok(catalogue) => catalogue,
            Err(problems) => return self.faults.push(problems.to_string()),
        };
        let known: Vec<&Model> =
            catalogue.models.iter().filter(|model| model.kind == kind).collect();
        match known.iter().find(|model| model.id == id) {
            Some(model) => match models::locate(model, folder) {
                Ok(_) => {}
                Err(told @ LocateError::Missing { .. }) => {
                    self.notes.push(format!("{told}; until then {until_then}"));
                }
                Err(told @ LocateError::Bad { .. }) => {
                    self.faults.push(format!("{setting}: {told}"));
                }
            },
            None => {
                let ids: Vec<&str> = known.iter().map(|model| model.id.as_str()).collect();
                let known = ids.join(", ");
                self.faults.push(format!("{setting}: found {id:?}; known are {known}"));
            }
        }
    }
}

/// "1 fault", "2 faults".
fn counted(count: usize, noun: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{ending}")
}
