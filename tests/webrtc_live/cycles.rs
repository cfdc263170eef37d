//! Connections that come and go leave nothing behind: no task, no socket, no memory. Alone in this process's count: the other
//! tests' sockets are waited for.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::sync::mpsc;
use warmline::base::session::Codec;
use warmline::webrtc::{Client, Line, Peer, Settings};

/// A connection that stayed would keep hundreds.
const KEPT_KIB_MAX: u64 = 60;

fn full() -> usize {
    if std::env::var_os("WARMLINE_FULL").is_some() { 100 } else { 20 }
}

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

/// Resident memory of this process.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
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
        tokio::time::sleep(Duration::from_secs(1)).await;
        let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
        let (before, sockets_before, memory_before) = (tasks(), udp_sockets(), resident_kib());
        for _ in 0..full() {
            cycle().await;
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(tasks(), before, "tasks are left");
        assert_eq!(udp_sockets(), sockets_before, "sockets are left");
        let grown = resident_kib().saturating_sub(memory_before) / full() as u64;
        println!("{grown} KiB of memory a cycle are left, after {} cycles", full());
        assert!(grown < KEPT_KIB_MAX, "{grown} KiB a cycle are left");
    });
}
