//! `warmline bench models`: how fast the installed recognisers are here, and which to take.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::models::{self, Catalogue, manifest::Kind};
use crate::runtime::speech;
use crate::speech::hear::machine::{self, ALONE_GOAL_MS, Speed, TOGETHER_GOAL_MS};

#[derive(Args)]
pub struct BenchArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Time the installed recognisers and write down which one `model = "auto"` takes.
    ///
    /// For each: a turn of 3 s alone, with all recognisers busy at once, the first sound of the
    /// answer, and how many callers may speak at once. The advice is written beside the models.
    Models {
        /// A folder of models to look in before the usual ones.
        #[arg(long)]
        folder: Option<PathBuf>,
        /// Recognisers at once; 0 for one a core.
        #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u16).range(..=256))]
        workers: u16,
    },
}

pub fn run(args: &BenchArgs) -> ExitCode {
    match &args.what {
        What::Models { folder, workers } => models(folder.as_deref(), usize::from(*workers)),
    }
}

fn models(folder: Option<&Path>, workers: usize) -> ExitCode {
    let catalogue = match Catalogue::embedded() {
        Ok(catalogue) => catalogue,
        Err(problems) => {
            eprint!("{problems}");
            return ExitCode::from(2);
        }
    };
    if let Some(folder) = folder
        && let Err(error) = std::fs::read_dir(folder)
    {
        eprintln!("{}: {error}", folder.display());
        return ExitCode::from(2);
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = if workers == 0 { cores } else { workers };
    let mut here: Vec<_> = catalogue
        .models
        .iter()
        .filter(|model| model.kind == Kind::Whisper && models::locate(model, folder).is_ok())
        .collect();
    // The larger, the better it hears.
    here.sort_by_key(|model| model.files.iter().map(|file| file.bytes).sum::<u64>());
    let mut measured: Vec<(String, Speed)> = Vec::new();
    println!("{workers} recognisers on {cores} cores; a turn of 3 s; times in ms");
    println!("model            alone  all at once  first sound  callers within {TOGETHER_GOAL_MS}");
    for model in here {
        let speed = speech::whisper(&model.id, folder)
            .and_then(|whisper| machine::measure(&whisper, workers).map_err(|e| e.to_string()));
        match speed {
            Ok(speed) => {
                println!(
                    "{:<16} {:>5}  {:>11}  {:>11}  {:>6}",
                    model.id,
                    speed.alone_ms,
                    speed.together_ms,
                    speed.first_audio_ms(),
                    speed.callers_max(),
                );
                measured.push((model.id.clone(), speed));
            }
            Err(error) => eprintln!("{}: {error}", model.id),
        }
    }
    let Some(advice) = machine::advise(&measured) else {
        eprintln!("no recogniser is installed; see warmline models list");
        return ExitCode::FAILURE;
    };
    println!("advice: {advice} (first sound within {ALONE_GOAL_MS} ms if it can be)");
    match speech::write_advice(advice, folder) {
        Ok(path) => {
            println!("written to {}; speech.model = \"auto\" takes it", path.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("the advice could not be written: {error}");
            ExitCode::FAILURE
        }
    }
}
