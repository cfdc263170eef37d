//! Connections that come and go leave nothing behind: no task, no socket, no memory; neither the
//! bare ones, in a process of their own, nor whole calls, in the server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use warmline::base::session::Codec;
use warmline::webrtc::{Client, Line, Peer, Settings};

use super::browser::{aside, base_of, hang_up, offer, serve};
use super::server::{Server, have_models};

/// A connection that stayed would keep hundreds.
const KEPT_KIB_MAX: u64 = 60;
/// The same for a whole call; pools, caches and the store's pages grow a little by themselves.
const CALL_KEPT_KIB_MAX: u64 = 600;

const CYCLES: usize = 100;
/// Calls through the real server: each has a task, a session, media, captions and a gate's place.
const CALLS: usize = 30;

async fn cycle() {
    let listen: SocketAddr = ([127, 0, 0, 1], 0).into();
    let (mut client, offer) = Client::offer(listen, Codec::Opus).await.unwrap();
    let (peer, answer, _events) = Peer::answer(&Settings::default(), &offer).await.unwrap();
    client.accept(&answer).await.unwrap();
    assert!(client.connected(Duration::from_secs(20)).await);
    let (_said, out) = mpsc::channel(8);
    peer.attach(&Line::new(|_| {}, out));
    client.send(&[0xf8, 0xff, 0xfe]).await;
    client.close().await;
    peer.close().await;
}

fn udp_sockets() -> usize {
    // Of this process alone: inodes of /proc/net/udp that its own descriptors name.
    let Ok(table) = std::fs::read_to_string("/proc/net/udp") else { return 0 };
    let inodes: Vec<String> = table
        .lines()
        .skip(1)
        .filter_map(|line| line.split_whitespace().nth(9).map(|inode| format!("socket:[{inode}]")))
        .collect();
    let Ok(entries) = std::fs::read_dir("/proc/self/fd") else { return 0 };
    let links = entries.flatten().filter_map(|entry| std::fs::read_link(entry.path()).ok());
    links.filter(|link| inodes.iter().any(|inode| *link.to_string_lossy() == **inode)).count()
}

/// Resident memory of a process, `self` for this one.
fn resident_kib(process: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// What `count` gives, once it gave the same for a second: what was closed goes in its own time.
async fn still<T: PartialEq>(count: impl Fn() -> T) -> T {
    let (began, mut since, mut last) = (Instant::now(), Instant::now(), count());
    while since.elapsed() < Duration::from_secs(1) {
        assert!(began.elapsed() < Duration::from_secs(60), "it never stands still");
        tokio::time::sleep(Duration::from_millis(50)).await;
        let now = count();
        if now != last {
            (since, last) = (Instant::now(), now);
        }
    }
    last
}

/// In a process of its own: the test starts itself anew with this one test alone.
#[test]
fn cycles_leave_no_task_and_no_socket() {
    if std::env::var_os("WARMLINE_CYCLES").is_none() {
        let own = std::env::current_exe().unwrap();
        let status = std::process::Command::new(own)
            .args(["--exact", "cycles::cycles_leave_no_task_and_no_socket", "--nocapture"])
            .env("WARMLINE_CYCLES", "1")
            .status()
            .unwrap();
        assert!(status.success());
        return;
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        // The first ones fill the allocator's own stores.
        for _ in 0..10 {
            cycle().await;
        }
        let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
        let (before, sockets_before) = still(|| (tasks(), udp_sockets())).await;
        let memory_before = resident_kib("self");
        for _ in 0..CYCLES {
            cycle().await;
        }
        let (began, mut left) = (Instant::now(), (tasks(), udp_sockets()));
        while (left.0 > before || left.1 > sockets_before)
            && began.elapsed() < Duration::from_secs(60)
        {
            tokio::time::sleep(Duration::from_millis(100)).await;
            left = (tasks(), udp_sockets());
        }
        assert!(left.0 <= before, "tasks are left: {}, {before} before", left.0);
        assert!(left.1 <= sockets_before, "sockets are left: {}, {sockets_before} before", left.1);
        let grown = resident_kib("self").saturating_sub(memory_before) / CYCLES as u64;
        println!("{grown} KiB of memory a cycle are left, after {CYCLES} cycles");
        assert!(grown < KEPT_KIB_MAX, "{grown} KiB a cycle are left");
    });
}

/// Open descriptors of a process: sockets, files.
fn descriptors(process: &str) -> usize {
    let folder = std::fs::read_dir(format!("/proc/{process}/fd"));
    folder.map_or(0, |entries| entries.flatten().count())
}

async fn call(http: &reqwest::Client, base: &str) {
    let (voice, path) = offer(http, base, "/call", None).await.unwrap();
    hang_up(http, base, &path.unwrap()).await;
    voice.close().await;
}

/// Until no call runs, and no more than so many descriptors are open; how many are.
async fn settled(server: &Arc<Server>, most: usize) -> usize {
    let process = server.pid().to_string();
    for _ in 0..240 {
        let own = server.clone();
        let live = aside(move || own.json("/api/live")).await;
        let idle = live["calls"].as_array().is_some_and(Vec::is_empty);
        if idle && descriptors(&process) <= most {
            break;
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    descriptors(&process)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_from_browsers_leave_nothing_in_the_server() {
    if !have_models("browser: calls that leave nothing") {
        return;
    }
    // Two places: a place that is not given back would be missed at the third call.
    let server = serve("[browser]\ncalls_max = 2\ncalls_per_minute_max = 1000\n").await;
    let (base, http) = (base_of(&server), reqwest::Client::new());
    let process = server.pid().to_string();
    for _ in 0..10 {
        call(&http, &base).await;
        settled(&server, usize::MAX).await;
    }
    // RTP ports rest for a while, but piped legs have none.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let (before, memory_before) = (descriptors(&process), resident_kib(&process));
    for _ in 0..CALLS {
        call(&http, &base).await;
        settled(&server, usize::MAX).await;
    }
    // Connections of our own to the web come and go.
    let after = settled(&server, before).await;
    assert!(after <= before + 4, "{before} descriptors before {CALLS} calls, {after} after");
    let grown = resident_kib(&process).saturating_sub(memory_before) / CALLS as u64;
    println!("{grown} KiB of the server's memory a call are left, after {CALLS} calls");
    assert!(grown < CALL_KEPT_KIB_MAX, "{grown} KiB a call are left");
    let heads = aside(move || server.ended_heads(10 + CALLS, Duration::from_secs(30))).await;
    assert_eq!(heads.len(), 10 + CALLS);
}
