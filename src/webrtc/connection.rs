//! A peer connection of the `webrtc` crate, set up our way: one audio stream with exactly the
//! agreed codec, reports but no retransmission or bandwidth estimation (video's needs), no
//! mDNS sockets, the shared reactor.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::ops::RangeInclusive;
use std::sync::Arc;

use rand::Rng;
use rtc::media_stream::MediaStreamTrack;
use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodec, RTCRtpCodecParameters, RTCRtpCodingParameters, RTCRtpEncodingParameters,
    RtpCodecKind,
};
use tokio::sync::Notify;
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::peer_connection::{
    MediaEngine, PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, Registry,
    SettingEngineBuilder, configure_rtcp_reports,
};

use crate::base::session::Codec;

use super::limits::{GATHER_MAX, INTERRUPTED_AFTER, KEEP_ALIVE_EVERY, LOST_AFTER, PORT_TRIES_MAX};
use super::offer::{Agreed, OfferRefusal};

/// A connection before or after its negotiation, and the track it sends on.
pub(super) struct Connection {
    pub inner: Arc<dyn PeerConnection>,
    pub track: Arc<TrackLocalStaticRTP>,
    pub ssrc: u32,
}

fn failed(what: &'static str) -> impl Fn(webrtc::error::Error) -> OfferRefusal {
    move |error| {
        tracing::debug!(%error, "webrtc: {what}");
        OfferRefusal::Connection(what)
    }
}

impl Connection {
    /// A connection on these sockets whose only codec is the agreed one.
    pub async fn open(
        agreed: Agreed,
        listen: &[SocketAddr],
        handler: Arc<dyn PeerConnectionEventHandler>,
    ) -> Result<Connection, OfferRefusal> {
        let mut media = MediaEngine::default();
        let codec = codec_of(agreed.codec);
        let voice =
            RTCRtpCodecParameters { rtp_codec: codec.clone(), payload_type: agreed.payload_type };
        let keys = agreed.keys.map(|payload_type| RTCRtpCodecParameters {
            rtp_codec: keys_of(agreed.codec),
            payload_type,
        });
        let codecs: Vec<RTCRtpCodecParameters> = std::iter::once(voice).chain(keys).collect();
        for codec in &codecs {
            media.register_codec(codec.clone(), RtpCodecKind::Audio).map_err(failed("codec"))?;
        }
        let reports = configure_rtcp_reports(Registry::new());
        let settings = SettingEngineBuilder::new()
            .with_multicast_dns_mode(rtc::ice::mdns::MulticastDnsMode::Disabled)
            .with_include_loopback_candidate(true)
            .with_ice_timeouts(Some(INTERRUPTED_AFTER), Some(LOST_AFTER), Some(KEEP_ALIVE_EVERY))
            .build();
        let inner = PeerConnectionBuilder::new()
            .with_media_engine(media)
            .with_interceptor_registry(reports)
            .with_setting_engine(settings)
            .with_handler(handler)
            .with_udp_addrs(listen.to_vec())
            .build()
            .await
            .map_err(failed("sockets"))?;
        let inner: Arc<dyn PeerConnection> = Arc::new(inner);
        let ssrc = rand::rng().random_range(1..u32::MAX);
        let track = Arc::new(TrackLocalStaticRTP::new(MediaStreamTrack::new(
            "warmline".to_owned(),
            "voice".to_owned(),
            "voice".to_owned(),
            RtpCodecKind::Audio,
            vec![RTCRtpEncodingParameters {
                rtp_coding_parameters: RTCRtpCodingParameters {
                    ssrc: Some(ssrc),
                    ..RTCRtpCodingParameters::default()
                },
                codec,
                ..RTCRtpEncodingParameters::default()
            }],
        )));
        let sent: Arc<dyn TrackLocal> = track.clone();
        inner.add_track(sent).await.map_err(failed("track"))?;
        // Adding the track narrowed the codecs to its own; keys belong to it too.
        for transceiver in inner.get_transceivers().await {
            let preferred = transceiver.set_codec_preferences(codecs.clone()).await;
            preferred.map_err(failed("codecs"))?;
        }
        Ok(Connection { inner, track, ssrc })
    }

    /// The local description once all our addresses are in it.
    pub async fn gathered(&self, complete: &Notify) -> Result<String, OfferRefusal> {
        // Host addresses alone: this is over at once, or something is wrong with them.
        let _ = tokio::time::timeout(GATHER_MAX, complete.notified()).await;
        let local = self.inner.local_description().await;
        local.map(|local| local.sdp).ok_or(OfferRefusal::Connection("description"))
    }
}

fn codec_of(codec: Codec) -> RTCRtpCodec {
    let (name, channels, parameters) = match codec {
        Codec::Opus => ("audio/opus", 2, "minptime=10;useinbandfec=1"),
        Codec::Pcmu => ("audio/PCMU", 1, ""),
        Codec::Pcma => ("audio/PCMA", 1, ""),
        Codec::G722 => ("audio/G722", 1, ""),
    };
    RTCRtpCodec {
        mime_type: name.to_owned(),
        clock_rate: codec.clock_rate_hz(),
        channels,
        sdp_fmtp_line: parameters.to_owned(),
        rtcp_feedback: Vec::new(),
    }
}

fn keys_of(codec: Codec) -> RTCRtpCodec {
    RTCRtpCodec {
        mime_type: "audio/telephone-event".to_owned(),
        clock_rate: codec.clock_rate_hz(),
        channels: 1,
        sdp_fmtp_line: String::new(),
        rtcp_feedback: Vec::new(),
    }
}

/// One socket address for each of our addresses: any free port, or one of the range.
///
/// # Errors
/// If no port of the range is free.
pub(super) fn sockets(
    listen: &[IpAddr],
    ports: Option<&RangeInclusive<u16>>,
) -> Result<Vec<SocketAddr>, OfferRefusal> {
    let Some(ports) = ports else {
        return Ok(listen.iter().map(|address| SocketAddr::new(*address, 0)).collect());
    };
    let mut random = rand::rng();
    let mut chosen = Vec::with_capacity(listen.len());
    for address in listen {
        let free = (0..PORT_TRIES_MAX).find_map(|_| {
            let at = SocketAddr::new(*address, random.random_range(ports.clone()));
            // Bound and let go: the crate binds by itself. Another peer may come in between; its
            // browser then tries again.
            UdpSocket::bind(at).ok().map(|_| at)
        });
        chosen.push(free.ok_or(OfferRefusal::Connection("no free port"))?);
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_come_from_the_range_and_a_full_one_is_told() {
        let local = IpAddr::from([127, 0, 0, 1]);
        let at = sockets(&[local], Some(&(43_100..=43_120))).unwrap();
        assert!((43_100..=43_120).contains(&at[0].port()), "{at:?}");
        assert_eq!(sockets(&[local], None).unwrap()[0].port(), 0);
        let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        assert!(sockets(&[local], Some(&(port..=port))).is_err());
    }
}
