//! What the operator sets reaches the wire: UDP ports, public address, how many may call. And a
//! server that may not serve others says why.

use std::io::{BufRead, BufReader};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, ORIGIN, RETRY_AFTER};
use warmline::base::session::Codec;
use warmline::webrtc::Client;

use super::browser::{aside, base_of, ended, hang_up, offer};
use super::ports;
use super::server::{BINARY, Server, have_models, models_folder};

const PUBLIC: &str = "203.0.113.7";

/// Address and port of each candidate.
fn candidates(sdp: &str) -> Vec<(IpAddr, u16)> {
    let lines = sdp.lines().filter_map(|line| line.strip_prefix("a=candidate:"));
    let parts = lines.filter_map(|line| {
        let words: Vec<&str> = line.split(' ').collect();
        Some((words.get(4)?.parse().ok()?, words.get(5)?.parse().ok()?))
    });
    parts.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_answer_shows_what_is_set_and_one_call_too_many_is_busy() {
    if !have_models("browser: wiring") {
        return;
    }
    let first = ports();
    let last = first + 8;
    let extra = format!(
        "[browser]\nudp_port_min = {first}\nudp_port_max = {last}\ncalls_max = 1\n\
         public_address = \"{PUBLIC}\"\nlisten = [\"127.0.0.1\", \"0.0.0.0\"]\n"
    );
    let server = Arc::new(aside(move || Server::start(&extra)).await);
    let (base, http) = (base_of(&server), reqwest::Client::new());
    let (voice, path) = offer(&http, &base, "/call", None).await.unwrap();
    let path = path.unwrap();

    let post = async || {
        let (client, sdp) = Client::offer(([127, 0, 0, 1], 0).into(), Codec::Opus).await.unwrap();
        let reply = http
            .post(format!("{base}/call"))
            .header(CONTENT_TYPE, "application/sdp")
            .header(ORIGIN, &base)
            .body(sdp)
            .send()
            .await
            .unwrap();
        (client, reply)
    };
    let (client, busy) = post().await;
    assert_eq!(busy.status(), 503, "a second call, where one is the most");
    assert!(busy.headers().contains_key(RETRY_AFTER));
    client.close().await;
    hang_up(&http, &base, &path).await;
    voice.close().await;
    ended(&server, 1, Duration::from_secs(30)).await;

    // The place is given back, a moment after the call is over.
    let mut answer = None;
    for _ in 0..100 {
        let (client, reply) = post().await;
        if reply.status() == 201 {
            answer = Some((client, reply.text().await.unwrap()));
            break;
        }
        client.close().await;
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    let (client, answer) = answer.expect("the place was never given back");
    let all = candidates(&answer);
    assert!(!all.is_empty(), "{answer}");
    for (address, port) in &all {
        assert!((first..=last).contains(port), "{address}:{port} is outside {first} to {last}");
    }
    let public: IpAddr = PUBLIC.parse().unwrap();
    let ports_of = |wanted: &dyn Fn(&IpAddr) -> bool| -> Vec<u16> {
        all.iter().filter(|(address, _)| wanted(address)).map(|(_, port)| *port).collect()
    };
    let shown = ports_of(&|address| *address == public);
    let own = ports_of(&|at| at.is_ipv4() && !at.is_loopback() && *at != public);
    if own.is_empty() {
        println!("public address: not looked at, this machine has loopback alone");
    } else {
        assert_eq!(shown, own, "the public address beside each of our own: {answer}");
    }
    client.close().await;
}

/// Without a certificate browsers give no microphone, and passwords would go in the clear.
#[test]
fn a_web_without_https_serves_this_machine_alone_and_says_why() {
    if !have_models("browser: plain web") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let port = ports();
    let config = format!(
        "[company]\nname = \"Northwind\"\ncountry = \"US\"\n[sip]\nudp = \"127.0.0.1:{}\"\n\
         tcp = \"127.0.0.1:{}\"\n[web]\nlisten = \"0.0.0.0:{port}\"\n",
        port + 2,
        port + 2
    );
    std::fs::write(folder.path().join("warmline.toml"), config).expect("is writable");
    let log = folder.path().join("log.txt");
    let mut child = Command::new(BINARY)
        .args(["serve", "--config"])
        .arg(folder.path().join("warmline.toml"))
        .env("WARMLINE_MODELS", models_folder())
        .stdout(Stdio::piped())
        .stderr(std::fs::File::create(&log).expect("a log"))
        .spawn()
        .expect("the binary starts");
    let out = BufReader::new(child.stdout.take().expect("is piped"));
    // The output ends where the server does.
    let ready = out.lines().map_while(Result::ok).any(|line| line.starts_with("ready"));
    let own = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port))).is_ok();
    let other = other_address().map(|address| {
        let at = SocketAddr::new(address, port);
        TcpStream::connect_timeout(&at, Duration::from_secs(5)).is_ok()
    });
    let _ = child.kill();
    let _ = child.wait();
    let told = std::fs::read_to_string(&log).unwrap_or_default();
    assert!(ready && own, "{told}");
    assert_ne!(other, Some(true), "another address is served without HTTPS");
    assert!(told.contains("only this machine is served") && told.contains("HTTPS"), "{told}");
}

/// An address of this machine that others could reach; nothing is sent to find it.
fn other_address() -> Option<IpAddr> {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback()).then_some(address)
}
