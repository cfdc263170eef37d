//! `warmline models list | fetch | import | verify`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::models::{self, Catalogue, Fetcher, Model, Verdict, verify};

#[derive(Args)]
pub struct ModelsArgs {
    #[command(subcommand)]
    action: Action,
    /// The folder of the models.
    #[arg(long, global = true)]
    folder: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Action {
    /// What there is, with languages, licence, and what lies here.
    List,
    /// Bring models and verify them.
    Fetch {
        ids: Vec<String>,
        /// The recogniser, the voice, the embedding and the ear for the ends of turns that a fresh
        /// installation uses.
        #[arg(long)]
        default: bool,
    },
    /// Take a file that was brought by hand; it is known by its hash.
    Import { file: PathBuf },
    /// Check size and hash of what lies here; what is wrong is deleted and named.
    Verify,
}

pub fn run(args: &ModelsArgs) -> ExitCode {
    let catalogue = match Catalogue::embedded() {
        Ok(catalogue) => catalogue,
        Err(problems) => {
            eprint!("{problems}");
            return ExitCode::from(2);
        }
    };
    let folder = args.folder.clone().unwrap_or_else(|| {
        models::search_path(None).into_iter().next().unwrap_or_else(|| "models".into())
    });
    match &args.action {
        Action::List => list(&catalogue, args.folder.as_deref()),
        Action::Fetch { ids, default } => fetch(&catalogue, ids, *default, &folder),
        Action::Import { file } => import(&catalogue, file, &folder),
        Action::Verify => verify_all(&catalogue, &folder),
    }
}

fn list(catalogue: &Catalogue, folder: Option<&std::path::Path>) -> ExitCode {
    for model in &catalogue.models {
        let here = if models::locate(model, folder).is_ok() { "here" } else { "-" };
        let mib = model.files.iter().map(|file| file.bytes).sum::<u64>() >> 20;
        let default = if model.is_default { " (default)" } else { "" };
        println!(
            "{:<22} {:>5} MiB  {:<5} {:<12} {}{default}",
            model.id,
            mib,
            here,
            model.languages.join(","),
            model.licence
        );
    }
    ExitCode::SUCCESS
}

fn fetch(
    catalogue: &Catalogue,
    ids: &[String],
    default: bool,
    folder: &std::path::Path,
) -> ExitCode {
    let mut wanted: Vec<&Model> = Vec::new();
    for id in ids {
        match catalogue.find(id) {
            Some(model) => wanted.push(model),
            None => {
                eprintln!("there is no model {id}; see warmline models list");
                return ExitCode::from(2);
            }
        }
    }
    if default {
        wanted.extend(catalogue.defaults());
    }
    let fetcher = Fetcher::into(folder);
    let mut failed = false;
    for model in wanted {
        match fetcher.fetch(model) {
            Ok(()) => println!("{}: verified", model.id),
            Err(error) => {
                failed = true;
                eprintln!("{}: {error}", model.id);
            }
        }
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn import(catalogue: &Catalogue, file: &std::path::Path, folder: &std::path::Path) -> ExitCode {
    for model in &catalogue.models {
        for known in &model.files {
            if verify::check(known, file) == Verdict::Good {
                return match Fetcher::into(folder).import(known, file) {
                    Ok(()) => {
                        println!("{}: {} is verified and in place", model.id, known.name);
                        ExitCode::SUCCESS
                    }
                    Err(error) => {
                        eprintln!("{error}");
                        ExitCode::FAILURE
                    }
                };
            }
        }
    }
    eprintln!("{}: no model of the manifest has this size and hash", file.display());
    ExitCode::FAILURE
}

fn verify_all(catalogue: &Catalogue, folder: &std::path::Path) -> ExitCode {
    let mut failed = false;
    for file in catalogue.models.iter().flat_map(|model| &model.files) {
        let path = folder.join(&file.name);
        match verify::check(file, &path) {
            Verdict::Good => println!("{}: good", file.name),
            Verdict::Missing { .. } => {}
            bad => {
                failed = true;
                let _ = std::fs::remove_file(&path);
                println!("{bad}: deleted");
            }
        }
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
