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
    let offer = client.restart().await.unwrap();
    let answer = peer.restart(&offer).await.unwrap();
    client.accept(&answer).await.unwrap();
    let mut came = false;
    for _ in 0..250 {
        client.send(&[0xf8, 0xff, 0xfe]).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        came |= heard.try_recv().is_ok();
    }
    assert!(came, "nothing was heard after the restart");
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
