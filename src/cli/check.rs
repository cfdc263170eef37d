//! `warmline check`: every fault of the configuration at once, with file, line and field.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::config::Config;
use crate::runtime::tables::Tables;
use crate::runtime::{embedding, speech};
use crate::web;

#[derive(Args)]
pub struct CheckArgs {
    /// The configuration to read.
    #[arg(long, short, default_value = "warmline.toml", env = "WARMLINE_CONFIG")]
    pub config: PathBuf,
}

pub fn run(args: &CheckArgs) -> ExitCode {
    let checked = Config::load(&args.config).and_then(|config| {
        Tables::load(&config)?;
        Ok(config)
    });
    let config = match checked {
        Ok(config) => config,
        Err(problems) => {
            eprint!("{problems}");
            eprintln!("{} faults.", problems.len());
            return ExitCode::FAILURE;
        }
    };
    let faults = named_files(&config);
    if !faults.is_empty() {
        for fault in &faults {
            eprintln!("{}: {fault}", args.config.display());
        }
        eprintln!("{} faults.", faults.len());
        return ExitCode::FAILURE;
    }
    println!(
        "{}: good. {} trunks, {} agents, {} numbers.",
        args.config.display(),
        config.trunks.len(),
        config.agents.len(),
        config.numbers.len(),
    );
    ExitCode::SUCCESS
}

/// What is wrong with models and certificates that the configuration names, and that a start
/// would stop at.
fn named_files(config: &Config) -> Vec<String> {
    let folder = config.speech.models_folder.as_deref();
    let embedding = embedding::load(&config.understanding.embedding, folder).err();
    let second = speech::end_of_turn(&config.speech.end_of_turn, folder).err();
    let certificate = config.web.certificate.as_ref().and_then(|(certificate, key)| {
        let fault = web::Certificate::load(certificate, key).err()?;
        Some(format!("[web] {fault}"))
    });
    [embedding, second, certificate].into_iter().flatten().collect()
}
