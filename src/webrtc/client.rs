//! The browser's side, for tests and benchmarks: offers, connects, sends and receives RTP as a
//! page would, without a page.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rand::Rng;
use rtc::rtp;
use tokio::sync::{Notify, mpsc, watch};
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};
use webrtc::peer_connection::{
    PeerConnectionEventHandler, RTCIceGatheringState, RTCPeerConnectionState, RTCSessionDescription,
};

use crate::base::key::Key;
use crate::base::session::Codec;

use super::connection::Connection;
use super::limits::CLIENT_PACKETS_MAX;
use super::offer::{Agreed, OfferRefusal};

/// A packet as the client got it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    pub payload_type: u8,
    pub sequence: u16,
    pub timestamp: u32,
    pub ssrc: u32,
    pub payload: Bytes,
}

/// The other side of a connection.
pub struct Client {
    agreed: Agreed,
    connection: Connection,
    gathered: Arc<Notify>,
    state: watch::Receiver<RTCPeerConnectionState>,
    received: mpsc::Receiver<Received>,
    sequence: u16,
    timestamp: u32,
}

struct Handler {
    gathered: Arc<Notify>,
    state: watch::Sender<RTCPeerConnectionState>,
    received: mpsc::Sender<Received>,
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            self.gathered.notify_one();
        }
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        let _ = self.state.send(state);
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        let received = self.received.clone();
        tokio::spawn(async move {
            while let Some(event) = track.poll().await {
                if let TrackRemoteEvent::OnRtpPacket(packet) = event {
                    let _ = received.try_send(Received {
                        payload_type: packet.header.payload_type,
                        sequence: packet.header.sequence_number,
                        timestamp: packet.header.timestamp,
                        ssrc: packet.header.ssrc,
                        payload: packet.payload,
                    });
                }
            }
        });
    }
}

impl Client {
    /// A client on a socket of `listen`, and its offer of one codec and of keys.
    ///
    /// # Errors
    /// [`OfferRefusal::Connection`] if no socket could be had.
    pub async fn offer(listen: SocketAddr, codec: Codec) -> Result<(Client, String), OfferRefusal> {
        let payload_type = match codec {
            Codec::Opus => 111,
            Codec::Pcmu => 0,
            Codec::Pcma => 8,
            Codec::G722 => 9,
        };
        let agreed = Agreed { codec, payload_type, keys: Some(110) };
        let gathered = Arc::new(Notify::new());
        let (state_in, state) = watch::channel(RTCPeerConnectionState::New);
        let (packets, received) = mpsc::channel(CLIENT_PACKETS_MAX);
        let handler =
            Arc::new(Handler { gathered: gathered.clone(), state: state_in, received: packets });
        let connection = Connection::open(agreed, &[listen], handler).await?;
        let (sequence, timestamp) = (rand::rng().random(), rand::rng().random());
        let client = Client { agreed, connection, gathered, state, received, sequence, timestamp };
        let offer = client.describe().await?;
        Ok((client, offer))
    }

    /// An offer that restarts ICE on the same connection.
    ///
    /// # Errors
    /// [`OfferRefusal::Connection`] if the connection is gone.
    pub async fn restart(&self) -> Result<String, OfferRefusal> {
        let broken = |_| OfferRefusal::Connection("restart");
        self.connection.inner.restart_ice().await.map_err(broken)?;
        self.describe().await
    }

    async fn describe(&self) -> Result<String, OfferRefusal> {
        let broken = |_| OfferRefusal::Connection("offer");
        let inner = &self.connection.inner;
        let offer = inner.create_offer(None).await.map_err(broken)?;
        inner.set_local_description(offer).await.map_err(broken)?;
        self.connection.gathered(&self.gathered).await
    }

    /// Takes the server's answer.
    ///
    /// # Errors
    /// [`OfferRefusal::Malformed`] if it is none.
    pub async fn accept(&self, answer: &str) -> Result<(), OfferRefusal> {
        let answer = RTCSessionDescription::answer(answer.to_owned())
            .map_err(|_| OfferRefusal::Malformed)?;
        let taken = self.connection.inner.set_remote_description(answer).await;
        taken.map_err(|_| OfferRefusal::Malformed)
    }

    /// Waits until sound flows; `false` if it failed, or took longer.
    pub async fn connected(&mut self, longest: Duration) -> bool {
        let wanted = self.state.wait_for(|state| {
            matches!(
                state,
                RTCPeerConnectionState::Connected
                    | RTCPeerConnectionState::Failed
                    | RTCPeerConnectionState::Closed
            )
        });
        let reached = tokio::time::timeout(longest, wanted).await;
        matches!(reached, Ok(Ok(state)) if *state == RTCPeerConnectionState::Connected)
    }

    /// Waits until the connection is over.
    pub async fn ended(&mut self, longest: Duration) -> bool {
        let wanted = self.state.wait_for(|state| {
            matches!(
                state,
                RTCPeerConnectionState::Disconnected
                    | RTCPeerConnectionState::Failed
                    | RTCPeerConnectionState::Closed
            )
        });
        matches!(tokio::time::timeout(longest, wanted).await, Ok(Ok(_)))
    }

    /// Sends one frame of 20 ms.
    pub async fn send(&mut self, payload: &[u8]) {
        let (payload_type, timestamp) = (self.agreed.payload_type, self.timestamp);
        self.write(payload_type, timestamp, payload).await;
        self.timestamp = self.timestamp.wrapping_add(self.frame_ticks());
    }

    /// Presses a key for 100 ms, in place of sound (RFC 4733).
    pub async fn press(&mut self, key: Key) {
        let Some(payload_type) = self.agreed.keys else { return };
        let (began, ticks) = (self.timestamp, self.frame_ticks());
        for step in 1..=8u32 {
            let end = if step > 5 { 0x80 } else { 0 };
            let [high, low] = ((step.min(5) * ticks) as u16).to_be_bytes();
            self.write(payload_type, began, &[key.event(), end | 10, high, low]).await;
            self.timestamp = self.timestamp.wrapping_add(ticks);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn frame_ticks(&self) -> u32 {
        self.agreed.codec.clock_rate_hz() / 50
    }

    async fn write(&mut self, payload_type: u8, timestamp: u32, payload: &[u8]) {
        let header = rtp::Header {
            version: 2,
            payload_type,
            sequence_number: self.sequence,
            timestamp,
            ssrc: self.connection.ssrc,
            ..rtp::Header::default()
        };
        self.sequence = self.sequence.wrapping_add(1);
        let packet = rtp::Packet { header, payload: Bytes::copy_from_slice(payload) };
        let _ = self.connection.track.write_rtp(packet).await;
    }

    /// The next packet; `None` if none came for so long.
    pub async fn receive(&mut self, longest: Duration) -> Option<Received> {
        tokio::time::timeout(longest, self.received.recv()).await.ok().flatten()
    }

    /// The next packet if it is there already.
    pub fn try_receive(&mut self) -> Option<Received> {
        self.received.try_recv().ok()
    }

    pub async fn close(&self) {
        let _ = self.connection.inner.close().await;
    }
}
