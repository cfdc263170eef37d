//! `warmline init`: a configuration to start from, never over one that is there.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use crate::{knowledge, policy, understanding, web};

/// The configuration that `init` writes: every setting, with its default or an example.
pub const TEMPLATE: &str = include_str!("init/warmline.toml");

#[derive(Args)]
pub struct InitArgs {
    /// The folder to write into; a file that is there stays as it is.
    #[arg(default_value = ".")]
    pub folder: PathBuf,
}

pub fn run(args: &InitArgs) -> ExitCode {
    match write(&args.folder) {
        Ok(written) => {
            for file in &written {
                println!("wrote {}", file.display());
            }
            if written.is_empty() {
                println!("every file is there already: nothing was written");
            }
            let config = args.folder.join("warmline.toml");
            let config = config.display();
            println!(
                "Edit {config}, then: warmline check -c {config} && warmline serve -c {config}"
            );
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("cannot write into {}: {error}", args.folder.display());
            ExitCode::from(2)
        }
    }
}

/// Writes the configuration into `folder`; a file that is there stays as it is.
/// Returns what was written.
pub fn write(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut written = Vec::new();
    for (name, text) in files() {
        let path = folder.join(&name);
        if path.exists() {
            continue;
        }
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&path, text)?;
        written.push(path);
    }
    Ok(written)
}

/// Every file with its path below the folder.
fn files() -> Vec<(String, &'static str)> {
    let mut files = vec![("warmline.toml".to_owned(), TEMPLATE)];
    let rooms: [(&str, &[(&str, &'static str)]); 2] =
        [("policy", &policy::SHIPPED), ("knowledge", &knowledge::SHIPPED)];
    for (room, shipped) in rooms {
        files.extend(shipped.iter().map(|(name, text)| (format!("tables/{room}/{name}"), *text)));
    }
    for (language, texts) in understanding::tables::SHIPPED {
        let names = understanding::tables::FILES.iter().zip(texts);
        files
            .extend(names.map(|(name, text)| {
                (format!("tables/understanding/{language}/{name}.toml"), text)
            }));
    }
    files.extend(web::ASSETS.map(|(name, _, text)| (format!("pages/{name}"), text)));
    files
}

#[cfg(test)]
mod tests;
