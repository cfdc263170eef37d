//! From the command line to one file each. Every command ends with an exit code: 0 done, 1 not
//! as expected, 2 could not begin.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub mod check;
pub mod init;

/// A self-hosted voice IVR call router: answers, understands, and warm-transfers.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write a configuration with editable copies of the tables and prompts.
    Init(init::InitArgs),
    /// Read the configuration and report every fault at once.
    Check(check::CheckArgs),
}

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Init(args) => init::run(&args),
        Command::Check(args) => check::run(&args),
    }
}
