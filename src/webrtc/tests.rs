//! Our peer and the crate's own client on loopback: sound, keys, restart, refusal, leaks.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::sync::mpsc;

use super::*;
use crate::base::key::Key;
use crate::base::session::Codec;

const LONG: Duration = Duration::from_secs(20);

fn loopback() -> SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

/// A line that gathers what the browser says, and a way to speak to it.
fn line() -> (Line, mpsc::Receiver<Vec<u8>>, mpsc::Sender<Vec<u8>>) {
    let (heard_in, heard) = mpsc::channel(4_096);
    let (said, said_out) = mpsc::channel(64);
    let heard_in = move |packet| {
        let _ = heard_in.try_send(packet);
    };
    (Line::new(heard_in, said_out), heard, said)
}

fn rtp(ssrc: u32, sequence: u16, payload_type: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x80, payload_type];
    bytes.extend(sequence.to_be_bytes());
    bytes.extend((u32::from(sequence) * 960).to_be_bytes());
    bytes.extend(ssrc.to_be_bytes());
    bytes.extend(payload);
    bytes
}

async fn connected(codec: Codec) -> (Peer, Client, mpsc::Receiver<PeerEvent>) {
    let (mut client, offer) = Client::offer(loopback(), codec).await.unwrap();
    let (peer, answer, mut events) = Peer::answer(&Settings::default(), &offer).await.unwrap();
    client.accept(&answer).await.unwrap();
    assert!(client.connected(LONG).await, "{answer}");
    let first = tokio::time::timeout(LONG, events.recv()).await.unwrap();
    assert_eq!(first, Some(PeerEvent::Connected));
    (peer, client, events)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sound_and_keys_pass_both_ways() {
    for codec in [Codec::Opus, Codec::Pcma] {
        let (peer, mut client, _events) = connected(codec).await;
        let agreed = peer.agreed();
        assert_eq!((agreed.codec, agreed.keys), (codec, Some(110)));
        let (line, mut heard, said) = line();
        peer.attach(&line);
        for index in 0..50u16 {
            client.send(&[0xf8, 0xff, 0xfe, index as u8]).await;
            said.send(rtp(5, index, VOICE, &[index as u8; 40])).await.unwrap();
            tokio::time::sleep(Duration::from_millis(4)).await;
        }
        let mut numbers = Vec::new();
        while let Some(packet) = client.receive(Duration::from_millis(300)).await {
            assert_eq!(packet.payload_type, agreed.payload_type);
            numbers.push(packet.payload[0]);
        }
        assert!(numbers.len() >= 45 && numbers.is_sorted(), "{numbers:?}");
        let mut bytes = 0;
        while let Ok(packet) = heard.try_recv() {
            assert_eq!(packet[1] & 0x7f, VOICE);
            bytes += 1;
        }
        assert!(bytes >= 45, "{bytes}");
        if agreed.keys.is_some() {
            client.press(Key::ONE).await;
            let mut events = 0;
            while let Ok(Some(packet)) =
                tokio::time::timeout(Duration::from_millis(300), heard.recv()).await
            {
                events += usize::from(packet[1] & 0x7f == KEYS && packet[12] == 1);
            }
            assert_eq!(events, 8);
        }
        client.close().await;
        peer.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_call_goes_on_in_the_same_stream() {
    let (peer, mut client, _events) = connected(Codec::Opus).await;
    let mut packets = Vec::new();
    for (ssrc, first) in [(5, 100), (9, 7_000)] {
        let (line, _heard, said) = line();
        peer.attach(&line);
        for index in 0..20 {
            said.send(rtp(ssrc, first + index, VOICE, &[1; 40])).await.unwrap();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        while let Some(packet) = client.receive(Duration::from_millis(200)).await {
            packets.push(packet);
        }
    }
    assert!(packets.len() >= 38, "{}", packets.len());
    for pair in packets.windows(2) {
        assert_eq!(pair[0].ssrc, pair[1].ssrc);
        let steps = pair[1].sequence.wrapping_sub(pair[0].sequence);
        let ticks = pair[1].timestamp.wrapping_sub(pair[0].timestamp);
        assert!((1..=3).contains(&steps) && (960..96_000).contains(&ticks), "{pair:?}");
    }
    client.close().await;
    peer.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_keeps_the_sound() {
    let (peer, mut client, _events) = connected(Codec::Opus).await;
    let (line, mut heard, _said) = line();
    peer.attach(&line);
    let mut fragments = Vec::new();
    for _ in 0..2 {
        let offer = client.restart().await.unwrap();
        let answer = peer.restart(&offer).await.unwrap();
        client.accept(&answer).await.unwrap();
        let fragment = answer.lines().find(|line| line.starts_with("a=ice-ufrag:"));
        fragments.push(fragment.unwrap().to_owned());
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_ne!(fragments[0], fragments[1], "the answers hold the same ICE credentials");
    // The old pair is over when this is: without answers it is given up after five seconds.
    for _ in 0..300 {
        client.send(&[0xf8, 0xff, 0xfe]).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    while heard.try_recv().is_ok() {}
    let mut came = 0;
    for _ in 0..100 {
        client.send(&[0xf8, 0xff, 0xfe]).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        came += usize::from(heard.try_recv().is_ok());
    }
    assert!(came >= 50, "{came} of 100 packets were heard after the restart");
    client.close().await;
    peer.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_fingerprint_is_refused() {
    let (mut client, offer) = Client::offer(loopback(), Codec::Opus).await.unwrap();
    let at = offer.find("a=fingerprint:sha-256 ").unwrap() + "a=fingerprint:sha-256 ".len();
    let mut forged = offer.clone();
    let other = if &offer[at..at + 2] == "00" { "11" } else { "00" };
    forged.replace_range(at..at + 2, other);
    let (peer, answer, mut events) = Peer::answer(&Settings::default(), &forged).await.unwrap();
    let (line, mut heard, _said) = line();
    peer.attach(&line);
    client.accept(&answer).await.unwrap();
    let verdict = tokio::time::timeout(LONG, async {
        loop {
            client.send(&[0xf8, 0xff, 0xfe]).await;
            tokio::time::sleep(Duration::from_millis(20)).await;
            if let Ok(event) = events.try_recv() {
                return event;
            }
        }
    });
    assert_ne!(verdict.await.unwrap(), PeerEvent::Connected);
    tokio::time::sleep(Duration::from_millis(500)).await;
    while let Ok(event) = events.try_recv() {
        assert_ne!(event, PeerEvent::Connected);
    }
    assert!(heard.try_recv().is_err(), "something passed");
    client.close().await;
    peer.close().await;
}

fn port_of(sdp: &str) -> u16 {
    let candidate = sdp.lines().find(|line| line.starts_with("a=candidate:")).expect("one");
    candidate.split(' ').nth(5).and_then(|port| port.parse().ok()).expect("a port")
}

/// RFC 7983: what a datagram is, by its first byte.
fn is_dtls(datagram: &[u8]) -> bool {
    datagram.first().is_some_and(|first| (20..64).contains(first))
}

/// A ClientHello without extensions (RFC 6347): enough for a server that would answer anybody.
fn client_hello() -> Vec<u8> {
    let mut body = vec![0xfe, 0xfd];
    body.extend([7; 32]);
    // No session, no cookie, one suite, no compression.
    body.extend([0, 0, 0, 2, 0xc0, 0x2b, 1, 0]);
    let length = body.len() as u8;
    let mut hello = vec![22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, length + 12];
    hello.extend([1, 0, 0, length, 0, 0, 0, 0, 0, 0, 0, length]);
    hello.extend(body);
    hello
}

/// A candidate that does not answer ICE gets no DTLS, and an address that nobody offered no reply.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dtls_is_spoken_on_pairs_alone_that_ice_checked() {
    let bound = || tokio::net::UdpSocket::bind("127.0.0.1:0");
    let (near, far, other) =
        (bound().await.unwrap(), bound().await.unwrap(), bound().await.unwrap());
    let port = |socket: &tokio::net::UdpSocket| socket.local_addr().unwrap().port();
    let (mut client, offer) = Client::offer(loopback(), Codec::Opus).await.unwrap();
    let client_port = port_of(&offer);
    let moved = |sdp: &str, from: u16, to: u16| {
        sdp.replace(&format!(" {from} typ host"), &format!(" {to} typ host"))
    };
    let offer = moved(&offer, client_port, port(&far));
    let (peer, answer, mut events) = Peer::answer(&Settings::default(), &offer).await.unwrap();
    let peer_port = port_of(&answer);
    let (client_at, peer_at) = (("127.0.0.1", client_port), ("127.0.0.1", peer_port));
    let (mut checks, mut datagram) = (0, [0u8; 2_048]);
    let until = tokio::time::Instant::now() + Duration::from_secs(3);
    for socket in [&other, &far] {
        socket.send_to(&client_hello(), peer_at).await.unwrap();
    }
    while let Ok(Ok(count)) = tokio::time::timeout_at(until, far.recv(&mut datagram)).await {
        assert!(!is_dtls(&datagram[..count]), "DTLS before ICE: {:?}", &datagram[..count]);
        checks += 1;
    }
    assert!(checks > 0, "ICE never tried the candidate: this test would see nothing");
    assert!(other.try_recv(&mut datagram).is_err(), "a stranger got an answer");
    assert!(events.try_recv().is_err(), "told of a connection that nobody made");

    // The same two sockets carry the client's checks now: DTLS follows them.
    client.accept(&moved(&answer, peer_port, port(&near))).await.unwrap();
    let mut dtls = 0;
    let carrying = async {
        let (mut to_client, mut to_peer) = ([0u8; 2_048], [0u8; 2_048]);
        loop {
            tokio::select! {
                Ok(count) = far.recv(&mut to_client) => {
                    dtls += usize::from(is_dtls(&to_client[..count]));
                    let _ = near.send_to(&to_client[..count], client_at).await;
                }
                Ok((count, _)) = near.recv_from(&mut to_peer) => {
                    let _ = far.send_to(&to_peer[..count], peer_at).await;
                }
            }
        }
    };
    tokio::select! {
        () = carrying => {}
        up = client.connected(LONG) => assert!(up, "{answer}"),
    }
    assert!(dtls > 0, "connected without DTLS");
    client.close().await;
    peer.close().await;
}
