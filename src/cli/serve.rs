//! `warmline serve`: answers calls until it is told to stop.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use crate::config::Config;
use crate::runtime::server::{DRAIN, Options};
use crate::runtime::{Server, StartFault};

#[derive(Args)]
pub struct ServeArgs {
    /// The configuration to run.
    #[arg(long, short, default_value = "warmline.toml", env = "WARMLINE_CONFIG")]
    pub config: PathBuf,
}

pub fn run(args: &ServeArgs) -> ExitCode {
    super::log::start("info");
    let config = match Config::load(&args.config) {
        Ok(config) => config,
        Err(problems) => {
            eprint!("{problems}");
            return ExitCode::from(2);
        }
    };
    super::block_on(async move {
        match serve(config).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("warmline did not start: {error}");
                ExitCode::from(2)
            }
        }
    })
}

async fn serve(config: Config) -> Result<(), StartFault> {
    let server = Server::start(config, Options::default()).await?;
    if let Some(password) = &server.admin_password {
        println!("The pages' user is admin, the password {password} (shown this once).");
    }
    println!("{}", ready_line(&server));
    stop_signal().await;
    println!("stopping: running calls go on to their end");
    tokio::select! {
        () = server.stop(DRAIN) => {}
        () = second_signal() => {}
    }
    Ok(())
}

/// A second request to stop is meant.
async fn second_signal() {
    tokio::time::sleep(Duration::from_millis(200)).await;
    stop_signal().await;
}

/// One line that says where everything is.
pub fn ready_line(server: &Server) -> String {
    let mut line = "ready:".to_owned();
    for (name, address) in [("sip udp", server.sip_udp()), ("sip tcp", server.sip_tcp())] {
        if let Some(address) = address {
            line.push_str(&format!(" {name} {address},"));
        }
    }
    format!("{line} web http://{}", server.web)
}

/// Resolves at SIGTERM or Ctrl-C.
pub async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut term), Ok(mut int)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        std::future::pending::<()>().await;
        return;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
}
