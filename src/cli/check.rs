//! `warmline check`: every fault of the configuration at once, with file, line and field.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::config::Config;

#[derive(Args)]
pub struct CheckArgs {
    /// The configuration to read.
    #[arg(long, short, default_value = "warmline.toml", env = "WARMLINE_CONFIG")]
    pub config: PathBuf,
}

pub fn run(args: &CheckArgs) -> ExitCode {
    let checked = Config::load(&args.config).and_then(|config| {
        crate::runtime::tables::Tables::load(&config)?;
        Ok(config)
    });
    match checked {
        Ok(config) => {
            let folder = config.speech.models_folder.as_deref();
            if let Err(told) =
                crate::runtime::embedding::load(&config.understanding.embedding, folder)
            {
                eprintln!("{}: {told}", args.config.display());
                return ExitCode::FAILURE;
            }
            if let Some((certificate, key)) = &config.web.certificate
                && let Err(fault) = crate::web::Certificate::load(certificate, key)
            {
                eprintln!("{}: [web] {fault}", args.config.display());
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
        Err(problems) => {
            eprint!("{problems}");
            eprintln!("{} faults.", problems.len());
            ExitCode::FAILURE
        }
    }
}
