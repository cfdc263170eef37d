//! `warmline demo`: a ready configuration, a small shop behind it, two calls played by itself,
//! and then it stays up for yours.

mod agent;
mod shop;
pub mod show;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use tokio::sync::broadcast;

use crate::base::disposition::Disposition;
use crate::call::command::{Fact, TransferStep};
use crate::config::Config;
use crate::config::settings::Voice;
use crate::runtime::peer::Peer;
use crate::runtime::server::{DRAIN, Options};
use crate::runtime::{LiveFact, Server, speech};
use crate::sip::AcceptAnyone;
use crate::speech::voice::caller::CallerVoice;

use super::serve::{ready_line, stop_signal};

/// Where the shop of the shipped connectors listens.
const SHOP: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8099);
const CALL_WITHIN: Duration = Duration::from_secs(120);

#[derive(Args)]
pub struct DemoArgs {
    /// End after the two demo calls; status 0 only if both went as they should.
    #[arg(long)]
    once: bool,
    /// Accept phones of the network, and print a softphone's settings.
    #[arg(long)]
    lan: bool,
    /// Where the demo keeps its data.
    #[arg(long, default_value = "target/demo")]
    folder: PathBuf,
}

pub fn run(args: &DemoArgs) -> ExitCode {
    super::log::start("warn");
    super::block_on(async {
        match demo(args).await {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(error) => {
                eprintln!("{error}");
                ExitCode::from(2)
            }
        }
    })
}

async fn demo(args: &DemoArgs) -> Result<bool, String> {
    std::fs::create_dir_all(&args.folder)
        .map_err(|error| format!("{}: {error}", args.folder.display()))?;
    let shop = match shop::serve(SHOP).await {
        Ok(address) => address,
        Err(_) => {
            let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            shop::serve(free).await.map_err(|error| format!("the demo shop: {error}"))?
        }
    };
    write_tables(&args.folder, shop).map_err(|error| error.to_string())?;
    let agent = Peer::start().map_err(|error| error.to_string())?;
    let config = config(args, &agent.contact("anna"))?;
    let accept_anyone = if args.lan { AcceptAnyone::Yes } else { AcceptAnyone::Loopback };
    let options = Options { accept_anyone, visible: true };
    println!("starting: loading the recogniser and the voice");
    let server = Server::start(config, options).await.map_err(|error| error.to_string())?;
    let desk = server.agent_login("anna").await.map_err(|error| error.to_string())?;
    print_how_to_call(&server, args, &desk);
    let watching = tokio::spawn(show_all(server.watch()));
    let good = play_two(&server, agent).await;
    let good = good.unwrap_or_else(|error| {
        eprintln!("{error}");
        false
    });
    println!();
    println!("{}", if good { "Both demo calls went well." } else { "A demo call went wrong." });
    if !args.once {
        println!("{}\nCall now; Ctrl-C ends.", ready_line(&server));
        stop_signal().await;
    }
    server.stop(if args.once { Duration::from_secs(5) } else { DRAIN }).await;
    watching.abort();
    Ok(good)
}

/// The shipped connectors, pointed at the demo's shop.
fn write_tables(folder: &Path, shop: SocketAddr) -> std::io::Result<()> {
    let tables = folder.join("tables/knowledge");
    std::fs::create_dir_all(&tables)?;
    let shipped = crate::knowledge::SHIPPED.iter().find(|(name, _)| *name == "connectors.toml");
    let text = shipped.map_or("", |(_, text)| *text).replace(&SHOP.to_string(), &shop.to_string());
    std::fs::write(tables.join("connectors.toml"), text)
}

/// Writes the demo's configuration beside its data, so that the other commands can be told of it.
fn config(args: &DemoArgs, agent: &str) -> Result<Config, String> {
    let host = if args.lan { "0.0.0.0" } else { "127.0.0.1" };
    let text = format!(
        "# Written anew by each `warmline demo`.\ntables = \"tables\"\n[company]\nname = \"Northwind\"\ncountry = \"US\"\ntime_zone = \"America/New_York\"\n\
         [sip]\nudp = \"{host}:5060\"\ntcp = \"{host}:5060\"\nnext_free_port = true\n\
         [web]\nlisten = \"127.0.0.1:8080\"\nnext_free_port = true\n\
         [[agents]]\nid = \"anna\"\nname = \"Anna\"\ncontact = \"{agent}\"\n\
         attach_transcript = true\n"
    );
    let folder = std::fs::canonicalize(&args.folder).unwrap_or_else(|_| args.folder.clone());
    let file = folder.join("warmline.toml");
    std::fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()))?;
    Config::load(&file).map_err(|problems| problems.to_string())
}

fn print_how_to_call(server: &Server, args: &DemoArgs, desk: &str) {
    let port = server.sip_udp().map_or(5060, |address| address.port());
    println!();
    println!("Warmline is ready.");
    println!("  call      sip:help@127.0.0.1:{port}   (softphone, UDP or TCP)");
    println!(
        "  or        ./target/release/warmline call sip:help@127.0.0.1:{port} --say \"When are you open?\""
    );
    println!("  pages     http://{}", server.web);
    match &server.admin_password {
        Some(password) => println!("  login     admin / {password}   (shown this once)"),
        None => {
            let config = args.folder.join("warmline.toml");
            println!("  login     admin, with the password shown at the first start; another by:");
            println!("            warmline user -c {} passwd admin", config.display());
        }
    }
    println!("  desk      http://{}/desk   login anna / {desk}", server.web);
    println!("            (open it now: the second demo call comes to Anna)");
    if args.lan {
        let address = own_address().map_or_else(|| "ADDRESS".into(), |ip| ip.to_string());
        println!("  softphone of your network: no account needed; dial sip:help@{address}:{port},");
        println!("            transport UDP, codecs PCMU, PCMA or G.722, DTMF by RFC 2833");
    }
    println!();
}

/// The address by which this machine reaches others. Nothing is sent: a UDP socket is only told
/// its peer (192.0.2.1, RFC 5737: nobody's).
fn own_address() -> Option<std::net::IpAddr> {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    socket.local_addr().ok().map(|address| address.ip()).filter(|ip| !ip.is_unspecified())
}

/// Prints every fact as it happens.
async fn show_all(mut live: broadcast::Receiver<LiveFact>) {
    while let Ok(fact) = live.recv().await {
        if let Some(what) = &fact.what {
            for line in show::lines(fact.at, what) {
                println!("{line}");
            }
        }
        if let Some(ended) = fact.ended {
            println!("── the call ended: {}\n", ended.name());
        }
    }
}

/// A question answered, and a complaint handed to the simulated agent.
async fn play_two(server: &Server, agent: Peer) -> Result<bool, String> {
    let port = server.sip_udp().map_or(5060, |address| address.port());
    let uri = format!("sip:help@127.0.0.1:{port}");
    let say = |text: &'static str, pitch_cents: f32, length: f32| {
        tokio::task::spawn_blocking(move || {
            let (mut engine, _) = speech::engine(&Voice::default(), None);
            let voice = CallerVoice { pitch_cents, length, ..CallerVoice::default() };
            voice.speak(engine.as_mut(), text).map_err(|error| error.to_string())
        })
    };
    let question = say("Hello, when are you open?", 200.0, 1.0);
    let question = question.await.map_err(|error| error.to_string())??;
    let complaint = say(
        "This is ridiculous! I was charged twice for the same bill, and nobody helps me.",
        -200.0,
        0.85,
    );
    let complaint = complaint.await.map_err(|error| error.to_string())??;
    let voice =
        say("Hello, this is Anna. I can see what happened, let me sort that out.", 420.0, 1.0);
    let voice = voice.await.map_err(|error| error.to_string())??;

    println!("── first call: a question");
    let mut live = server.watch();
    let peer = Peer::start().map_err(|error| error.to_string())?;
    let call = peer.dial(&uri, "12025550143", "Ada").await;
    let mut call = call.map_err(|error| error.to_string())?;
    let quiet = Duration::from_millis(1_000);
    call.wait_for_turn(quiet, Duration::from_secs(25)).await;
    call.listen_afresh();
    call.say(&question).await;
    call.listen_afresh();
    call.wait_for_turn(quiet, Duration::from_secs(20)).await;
    call.hang_up();
    let first = outcome(&mut live).await;

    println!("── second call: a complaint, handed over warm");
    let mut live = server.watch();
    tokio::spawn(agent::serve(agent, voice));
    let peer = Peer::start().map_err(|error| error.to_string())?;
    let call = peer.dial(&uri, "12025550177", "Ben").await;
    let mut call = call.map_err(|error| error.to_string())?;
    call.wait_for_turn(quiet, Duration::from_secs(25)).await;
    call.say(&complaint).await;
    let bridged = wait_for_bridge(&mut live, &mut call).await;
    if bridged {
        call.listen(Duration::from_secs(9)).await;
    }
    call.hang_up();
    let second = outcome(&mut live).await;
    Ok(first == Some(Disposition::Answered) && bridged && second == Some(Disposition::Transferred))
}

async fn wait_for_bridge(
    live: &mut broadcast::Receiver<LiveFact>,
    call: &mut crate::runtime::peer::PeerCall,
) -> bool {
    let waiting = async {
        loop {
            call.listen(Duration::from_millis(20)).await;
            while let Ok(fact) = live.try_recv() {
                if let Some(Fact::Transfer { step: TransferStep::Bridged { .. }, .. }) =
                    fact.what.as_deref()
                {
                    return true;
                }
            }
            if call.is_over() {
                return false;
            }
        }
    };
    tokio::time::timeout(CALL_WITHIN, waiting).await.unwrap_or(false)
}

/// How the running call ended.
async fn outcome(live: &mut broadcast::Receiver<LiveFact>) -> Option<Disposition> {
    let waiting = async {
        loop {
            match live.recv().await {
                Ok(LiveFact { ended: Some(disposition), .. }) => return Some(disposition),
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    };
    tokio::time::timeout(CALL_WITHIN, waiting).await.ok().flatten()
}
