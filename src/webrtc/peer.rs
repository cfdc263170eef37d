//! A browser's peer as the runtime holds it: made from an offer, restarted by another, closed
//! once. A line (one leg's packets) is attached to it and may be replaced by the next call's.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use rand::Rng;
use rtc::shared::marshal::{Marshal, Unmarshal};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};
use webrtc::peer_connection::{
    PeerConnectionEventHandler, RTCIceGatheringState, RTCPeerConnectionState, RTCSessionDescription,
};

use super::connection::{Connection, sockets};
use super::limits::PEER_EVENTS_MAX;
use super::offer::{self, Agreed, OfferRefusal};
use super::stream::Stream;
use super::{Settings, answer};
use crate::base::session::Codec;

/// What a connection tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerEvent {
    /// Checked by ICE, keys agreed: sound flows. Again after an interruption.
    Connected,
    /// No answer for 5 s: the network, or a closed tab. It may come back.
    Interrupted,
    /// Gone for good: no answer for 25 s more, a wrong certificate, or closed by the browser.
    Lost,
}

/// Payload types of a line's packets, whatever the browser calls them: the next connection that
/// carries the line may be another browser's.
pub const VOICE: u8 = 96;
pub const KEYS: u8 = 97;

/// One leg's packets, both ways. It outlives the connections that carry it, one after the other:
/// a page that was loaded anew takes it up where the last one let go.
#[derive(Clone)]
pub struct Line {
    heard: Take,
    said: Arc<tokio::sync::Mutex<mpsc::Receiver<Vec<u8>>>>,
}

impl Line {
    /// `heard` takes a whole RTP packet of the browser and must not block; `said` gives whole RTP
    /// packets for it, and the line ends with it.
    pub fn new(
        heard: impl Fn(Vec<u8>) + Send + Sync + 'static,
        said: mpsc::Receiver<Vec<u8>>,
    ) -> Self {
        Self { heard: Arc::new(heard), said: Arc::new(tokio::sync::Mutex::new(said)) }
    }
}

type Take = Arc<dyn Fn(Vec<u8>) + Send + Sync>;
type Heard = Arc<Mutex<Option<Take>>>;

/// A browser's connection. Dropped without [`Peer::close`] it closes by itself, a moment later.
pub struct Peer {
    agreed: Agreed,
    settings: Settings,
    connection: Connection,
    heard: Heard,
    stream: Arc<Mutex<Stream>>,
    gathered: Arc<Notify>,
    line: Mutex<Option<JoinHandle<()>>>,
    runtime: tokio::runtime::Handle,
}

struct Handler {
    events: mpsc::Sender<PeerEvent>,
    agreed: Agreed,
    heard: Heard,
    gathered: Arc<Notify>,
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            self.gathered.notify_one();
        }
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        let event = match state {
            RTCPeerConnectionState::Connected => PeerEvent::Connected,
            RTCPeerConnectionState::Disconnected => PeerEvent::Interrupted,
            RTCPeerConnectionState::Failed | RTCPeerConnectionState::Closed => PeerEvent::Lost,
            RTCPeerConnectionState::Unspecified
            | RTCPeerConnectionState::New
            | RTCPeerConnectionState::Connecting => return,
            // The crate may learn new words; none of them ends a call.
            _ => return,
        };
        let _ = self.events.try_send(event);
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        // This is the driver's own task: it must not wait for packets that it brings itself.
        tokio::spawn(read(track, self.agreed, self.heard.clone()));
    }
}

/// Reads the browser's packets until its track ends.
async fn read(track: Arc<dyn TrackRemote>, agreed: Agreed, heard: Heard) {
    while let Some(event) = track.poll().await {
        if let TrackRemoteEvent::OnRtpPacket(mut packet) = event {
            let payload_type = &mut packet.header.payload_type;
            *payload_type = match *payload_type {
                voice if voice == agreed.payload_type => VOICE,
                keys if Some(keys) == agreed.keys => KEYS,
                // Not agreed.
                _ => continue,
            };
            let line = heard.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if let Some(line) = line
                && let Ok(bytes) = packet.marshal()
            {
                line(bytes.to_vec());
            }
        }
    }
}

impl Peer {
    /// Answers an offer: the peer, the answer, and what the connection will tell.
    ///
    /// # Errors
    /// [`OfferRefusal`] if it is no offer of ours, or no socket is free.
    pub async fn answer(
        settings: &Settings,
        sdp: &str,
    ) -> Result<(Peer, String, mpsc::Receiver<PeerEvent>), OfferRefusal> {
        let agreed = offer::read(sdp)?;
        let (events, received) = mpsc::channel(PEER_EVENTS_MAX);
        let heard = Heard::default();
        let gathered = Arc::new(Notify::new());
        let handler =
            Arc::new(Handler { events, agreed, heard: heard.clone(), gathered: gathered.clone() });
        let listen = sockets(&settings.listen, settings.ports.as_ref())?;
        let connection = Connection::open(agreed, &listen, handler).await?;
        let clock_hz = agreed.codec.clock_rate_hz();
        let stream = Stream::new(clock_hz, rand::rng().random(), rand::rng().random());
        let peer = Peer {
            agreed,
            settings: settings.clone(),
            connection,
            heard,
            stream: Arc::new(Mutex::new(stream)),
            gathered,
            line: Mutex::new(None),
            runtime: tokio::runtime::Handle::current(),
        };
        // On a refusal the peer is dropped, and closes.
        let answer = peer.negotiate(sdp).await?;
        Ok((peer, answer, received))
    }

    /// Answers a later offer of the same browser: an ICE restart, on the same certificates.
    ///
    /// # Errors
    /// [`OfferRefusal`] if the offer is none, or would change the codec.
    pub async fn restart(&self, sdp: &str) -> Result<String, OfferRefusal> {
        let agreed = offer::read(sdp)?;
        if agreed != self.agreed {
            return Err(OfferRefusal::Connection("another codec than before"));
        }
        self.negotiate(sdp).await
    }

    async fn negotiate(&self, sdp: &str) -> Result<String, OfferRefusal> {
        let offer = RTCSessionDescription::offer(offer::narrowed(sdp, self.agreed))
            .map_err(|_| OfferRefusal::Malformed)?;
        let inner = &self.connection.inner;
        let refused = |error: webrtc::error::Error| {
            tracing::debug!(%error, "webrtc: an offer was refused");
            OfferRefusal::Malformed
        };
        inner.set_remote_description(offer).await.map_err(refused)?;
        let answer = inner.create_answer(None).await.map_err(refused)?;
        inner.set_local_description(answer).await.map_err(refused)?;
        let sdp = self.connection.gathered(&self.gathered).await?;
        let opus = (self.agreed.codec == Codec::Opus).then_some(self.agreed.payload_type);
        Ok(answer::shaped(&sdp, self.settings.public_address, opus))
    }

    pub fn agreed(&self) -> Agreed {
        self.agreed
    }

    /// Carries this line from now on; the one before is let go.
    pub fn attach(&self, line: &Line) {
        let Line { heard, said } = line.clone();
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = Some(heard);
        let track = self.connection.track.clone();
        let way = Way { track, ssrc: self.connection.ssrc, agreed: self.agreed };
        let carrying = carry(way, self.stream.clone(), said);
        self.replace(Some(self.runtime.spawn(carrying)));
    }

    /// Carries nothing: the browser hears silence.
    pub fn detach(&self) {
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.replace(None);
    }

    fn replace(&self, next: Option<JoinHandle<()>>) {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = std::mem::replace(&mut *line, next) {
            before.abort();
        }
    }

    /// Ends the connection and its sockets.
    pub async fn close(&self) {
        self.detach();
        if let Err(error) = self.connection.inner.close().await {
            tracing::debug!(%error, "webrtc: a connection did not close well");
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.detach();
        let inner = self.connection.inner.clone();
        self.runtime.spawn(async move {
            let _ = inner.close().await;
        });
    }
}

/// Where the packets of a line go.
struct Way {
    track: Arc<TrackLocalStaticRTP>,
    ssrc: u32,
    agreed: Agreed,
}

/// Sends what a leg says, on the connection's own numbers, until the leg ends.
async fn carry(
    way: Way,
    stream: Arc<Mutex<Stream>>,
    said: Arc<tokio::sync::Mutex<mpsc::Receiver<Vec<u8>>>>,
) {
    // Held until this task ends or is replaced: the next connection waits for it here.
    let mut said = said.lock().await;
    while let Some(bytes) = said.recv().await {
        let Ok(mut packet) = rtc::rtp::Packet::unmarshal(&mut Bytes::from(bytes)) else {
            continue;
        };
        let header = &mut packet.header;
        let stamp = stream.lock().unwrap_or_else(PoisonError::into_inner).stamp(
            Instant::now(),
            header.ssrc,
            header.sequence_number,
            header.timestamp,
        );
        header.sequence_number = stamp.sequence;
        header.timestamp = stamp.timestamp;
        header.marker |= stamp.marker;
        header.ssrc = way.ssrc;
        header.payload_type = match (header.payload_type, way.agreed.keys) {
            (KEYS, Some(keys)) => keys,
            (KEYS, None) => continue,
            (_, _) => way.agreed.payload_type,
        };
        // An error is a connection that is not up yet, or no more: its events tell.
        let _ = way.track.write_rtp(packet).await;
    }
}
