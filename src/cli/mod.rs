//! From the command line to one file each. Every command ends with an exit code: 0 done, 1 not
//! as expected, 2 could not begin.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub mod bench;
pub mod call;
pub mod check;
pub mod demo;
pub mod init;
pub mod intents;
mod log;
pub mod models;
pub mod replay;
pub mod say;
pub mod serve;
pub mod transcribe;
pub mod user;

/// A self-hosted voice IVR call router: answers, understands, and warm-transfers.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write a configuration with editable copies of tables, prompts' texts and pages' scripts.
    Init(init::InitArgs),
    /// Read the configuration and its tables, and report every fault at once.
    Check(check::CheckArgs),
    /// Answer calls until told to stop.
    Serve(serve::ServeArgs),
    /// Start a ready demo, with two calls that play by themselves.
    Demo(demo::DemoArgs),
    /// List, fetch, import and verify the official speech models.
    Models(models::ModelsArgs),
    /// Speak a text into a WAV.
    Say(say::SayArgs),
    /// Write down text, timing, intent and stress of recordings.
    Transcribe(transcribe::TranscribeArgs),
    /// Time what is installed on this machine.
    Bench(bench::BenchArgs),
    /// Place a real call with a simulated caller's voice.
    Call(call::CallArgs),
    /// Train, test and explain what callers mean; propose tables from past cases.
    Intents(intents::IntentsArgs),
    /// Run new tables over stored calls and show what would have changed.
    Replay(replay::ReplayArgs),
    /// Say who may see the pages: add users, set passwords, make tokens.
    User(user::UserArgs),
}

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    let command = Arguments::parse().command;
    // A service outlives whoever reads its output.
    if !matches!(command, Command::Serve(_) | Command::Demo(_)) {
        end_with_the_reader();
    }
    match command {
        Command::Init(args) => init::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Serve(args) => serve::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Models(args) => models::run(&args),
        Command::Say(args) => say::run(&args),
        Command::Transcribe(args) => transcribe::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Call(args) => call::run(&args),
        Command::Intents(args) => intents::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::User(args) => user::run(&args),
    }
}

/// Whoever reads the output may have enough of it (`| head`): that ends a tool without a word.
fn end_with_the_reader() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let told = panic.payload_as_str().unwrap_or_default();
        if told.starts_with("failed printing to stdout") && told.contains("Broken pipe") {
            std::process::exit(0);
        }
        usual(panic);
    }));
}

/// Runs `work` on a runtime of its own.
fn block_on(work: impl Future<Output = ExitCode>) -> ExitCode {
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(work),
        Err(error) => {
            eprintln!("no runtime: {error}");
            ExitCode::from(2)
        }
    }
}
