//! `warmline user add | passwd | token`: who may see the pages, beside a running service.

use std::io::BufRead;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::config::Config;
use crate::runtime::server::store_settings;
use crate::store::users::{self, Role};
use crate::store::{Store, StoreFault};

#[derive(Args)]
pub struct UserArgs {
    #[command(subcommand)]
    action: Action,
    /// The configuration whose store holds the users.
    #[arg(long, short, default_value = "warmline.toml", env = "WARMLINE_CONFIG", global = true)]
    config: PathBuf,
}

#[derive(Subcommand)]
enum Action {
    /// Add a user; the password (10 to 256 bytes) is read from standard input.
    Add {
        /// The user's name at the login.
        name: String,
        /// admin, supervisor or agent.
        #[arg(long, default_value = "supervisor")]
        role: String,
        /// The agent of the configuration whose calls this user sees; of an agent its own name.
        #[arg(long)]
        agent: Option<String>,
    },
    /// Set a password, read from standard input; ends the user's sessions and tokens.
    Passwd {
        /// The user's name at the login.
        name: String,
    },
    /// Make and print a token with which a program acts as the user (Authorization: Bearer TOKEN).
    Token {
        /// The user's name at the login.
        name: String,
        /// What the token is for.
        #[arg(long, default_value = "command line")]
        label: String,
    },
}

pub fn run(args: &UserArgs) -> ExitCode {
    let config = match Config::load(&args.config) {
        Ok(config) => config,
        Err(problems) => {
            eprint!("{problems}");
            return ExitCode::from(2);
        }
    };
    super::block_on(async {
        match act(&args.action, &config).await {
            Ok(said) => {
                println!("{said}");
                ExitCode::SUCCESS
            }
            Err(error) => {
                eprintln!("{error}");
                ExitCode::FAILURE
            }
        }
    })
}

async fn act(action: &Action, config: &Config) -> Result<String, StoreFault> {
    let store = Store::open_beside(store_settings(config))?;
    match action {
        Action::Add { name, role, agent } => {
            let role = Role::parse(role)
                .ok_or(StoreFault::Refused("a role is admin, supervisor or agent"))?;
            users::add(&store, name, &password(), role, agent.as_deref()).await?;
            Ok(format!("added {name}"))
        }
        Action::Passwd { name } => {
            users::set_password(&store, name, &password()).await?;
            Ok(format!("the password of {name} is set"))
        }
        Action::Token { name, label } => users::add_api_token(&store, name, label).await,
    }
}

fn password() -> String {
    eprintln!("password:");
    let mut line = String::new();
    let _ = std::io::stdin().lock().read_line(&mut line);
    line.trim_end_matches(['\r', '\n']).to_owned()
}
