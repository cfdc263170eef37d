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
    let (config, problems) = Config::load_anyway(&args.config);
    let tables = config.as_ref().and_then(|config| Tables::load(config).err()).unwrap_or_default();
    let found = config.as_ref().map(|config| Found::of(config, problems.is_empty()));
    let Found { faults, notes } = found.unwrap_or_default();
    eprint!("{problems}{tables}");
    for fault in &faults {
        eprintln!("{file}: {fault}");
    }
    let count = problems.len() + tables.len() + faults.len();
    let Some(config) = config.filter(|_| count == 0) else {
        eprintln!("{}", counted(count, "fault"));
        return ExitCode::FAILURE;
    };
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
    /// Beside what was read of a file with faults only the certificate is looked at: a model's name
    /// may be one of them.
    fn of(config: &Config, models_too: bool) -> Found {
        let mut found = Found::default();
        if models_too {
            found.models(config);
        }
        if let Some((certificate, key)) = &config.web.certificate {
            let fault = crate::web::Certificate::load(certificate, key).err();
            found.faults.extend(fault.map(|fault| format!("[web] {fault}")));
        }
        found
    }

    fn models(&mut self, config: &Config) {
        let folder = config.speech.models_folder.as_deref();
        let recogniser = speech::chosen(&config.speech.model, folder);
        self.model(Kind::Whisper, "[speech] model", &recogniser, folder, NOT_STARTED);
        if config.voice.engine == VoiceEngine::Piper {
            let id = &config.voice.model;
            self.model(Kind::Voice, "[voice] model", id, folder, "espeak-ng speaks");
        }
        self.faults.extend(speech::end_of_turn(&config.speech.end_of_turn, folder).err());
        self.faults.extend(embedding::load(&config.understanding.embedding, folder).err());
    }

    /// A model of `kind` that `setting` names: a broken one is a fault, one that is yet to be
    /// fetched is worth a note of what holds `until_then`.
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
        let is_named = |model: &&Model| model.kind == kind && model.id == id;
        // An unknown one is a fault of the file, and was told with it.
        let Some(model) = catalogue.models.iter().find(is_named) else { return };
        match models::locate(model, folder) {
            Ok(_) => {}
            Err(told @ LocateError::Missing { .. }) => {
                self.notes.push(format!("{told}; until then {until_then}"));
            }
            Err(told @ LocateError::Bad { .. }) => self.faults.push(format!("{setting}: {told}")),
        }
    }
}

/// "1 fault", "2 faults".
fn counted(count: usize, noun: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{ending}")
}
