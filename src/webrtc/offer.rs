//! A browser's SDP offer: one audio stream, Opus before G.711, keys with the payload type and the
//! clock that the offer itself names (RFC 4733: browsers offer one per clock).

use thiserror::Error;

use crate::base::session::Codec;

use super::limits::SDP_BYTES_MAX;

/// Codecs that a browser's leg may have, best first.
const CODECS: [Codec; 3] = [Codec::Opus, Codec::Pcmu, Codec::Pcma];

/// What we take of an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreed {
    pub codec: Codec,
    pub payload_type: u8,
    /// Payload type of keys, on the codec's clock.
    pub keys: Option<u8>,
}

/// Why an offer is refused with 400 or 406.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum OfferRefusal {
    #[error("the offer is no SDP")]
    Malformed,
    #[error("the offer is longer than 16 KiB")]
    TooLong,
    #[error("the offer must hold one audio stream and nothing else")]
    NotOneAudio,
    #[error("the offer has neither Opus nor G.711")]
    NoCodec,
    #[error("the offer names no certificate (a=fingerprint) or no ICE credentials")]
    Unprotected,
    #[error("no connection could be made: {0}")]
    Connection(&'static str),
}

struct Mapped<'a> {
    payload_type: u8,
    name: &'a str,
    clock_hz: u32,
}

/// Reads an offer.
///
/// # Errors
/// [`OfferRefusal`], in words for the page.
pub fn read(sdp: &str) -> Result<Agreed, OfferRefusal> {
    if sdp.len() > SDP_BYTES_MAX {
        return Err(OfferRefusal::TooLong);
    }
    if !sdp.starts_with("v=0") {
        return Err(OfferRefusal::Malformed);
    }
    let media: Vec<&str> = sdp.lines().filter_map(|line| line.strip_prefix("m=")).collect();
    let [audio] = media.as_slice() else { return Err(OfferRefusal::NotOneAudio) };
    let mut words = audio.split_whitespace();
    if words.next() != Some("audio") || words.next() == Some("0") {
        return Err(OfferRefusal::NotOneAudio);
    }
    if !words.next().is_some_and(|profile| profile.ends_with("RTP/SAVPF")) {
        return Err(OfferRefusal::Unprotected);
    }
    let has = |name: &str| sdp.lines().any(|line| line.starts_with(name));
    if !has("a=fingerprint:") || !has("a=ice-ufrag:") || !has("a=ice-pwd:") {
        return Err(OfferRefusal::Unprotected);
    }
    let listed: Vec<u8> = words.filter_map(|word| word.parse().ok()).collect();
    let mapped = mapped(sdp, &listed);
    let find = |name: &str, clock_hz: u32| {
        let found = mapped
            .iter()
            .find(|one| one.name.eq_ignore_ascii_case(name) && one.clock_hz == clock_hz);
        found.map(|one| one.payload_type)
    };
    for codec in CODECS {
        let payload_type = find(codec.encoding_name(), codec.clock_rate_hz()).or(match codec {
            // Payload types that need no map (RFC 3551).
            Codec::Pcmu => listed.contains(&0).then_some(0),
            Codec::Pcma => listed.contains(&8).then_some(8),
            Codec::G722 | Codec::Opus => None,
        });
        if let Some(payload_type) = payload_type {
            let keys = find("telephone-event", codec.clock_rate_hz());
            return Ok(Agreed { codec, payload_type, keys });
        }
    }
    Err(OfferRefusal::NoCodec)
}

/// The offer with nothing in it but what we take: the crate would match keys of any clock.
pub fn narrowed(sdp: &str, agreed: Agreed) -> String {
    let taken = |payload_type: &str| {
        payload_type.parse().is_ok_and(|payload_type: u8| {
            payload_type == agreed.payload_type || agreed.keys == Some(payload_type)
        })
    };
    let mut out = String::with_capacity(sdp.len());
    for line in sdp.lines() {
        if let Some(audio) = line.strip_prefix("m=audio ") {
            let mut words = audio.split_whitespace();
            let head: Vec<&str> = words.by_ref().take(2).collect();
            let types: String = words.filter(|word| taken(word)).map(|t| format!(" {t}")).collect();
            out.push_str(&format!("m=audio {}{types}\r\n", head.join(" ")));
            continue;
        }
        let described = ["a=rtpmap:", "a=fmtp:", "a=rtcp-fb:"]
            .iter()
            .find_map(|name| line.strip_prefix(name))
            .and_then(|rest| rest.split([' ', '/']).next());
        if described.is_none_or(taken) {
            out.push_str(line);
            out.push_str("\r\n");
        }
    }
    out
}

/// The `a=rtpmap` lines of the payload types that the stream lists.
fn mapped<'a>(sdp: &'a str, listed: &[u8]) -> Vec<Mapped<'a>> {
    let maps = sdp.lines().filter_map(|line| {
        let (payload_type, encoding) = line.strip_prefix("a=rtpmap:")?.split_once(' ')?;
        let payload_type: u8 = payload_type.parse().ok()?;
        let mut parts = encoding.trim().split('/');
        let (name, clock_hz) = (parts.next()?, parts.next()?.parse().ok()?);
        listed.contains(&payload_type).then_some(Mapped { payload_type, name, clock_hz })
    });
    maps.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(media: &str, maps: &str) -> String {
        format!(
            "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=fingerprint:sha-256 AA\r\n\
             m={media}\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:x\r\na=ice-pwd:y\r\n{maps}"
        )
    }

    const CHROMIUM: &str = "a=rtpmap:111 opus/48000/2\r\na=rtpmap:9 G722/8000\r\n\
        a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:110 telephone-event/48000\r\n\
        a=rtpmap:126 telephone-event/8000\r\n";

    #[test]
    fn the_rest_is_left_out() {
        let whole = offer("audio 9 UDP/TLS/RTP/SAVPF 111 0 110 126", CHROMIUM);
        let narrow = narrowed(&whole, read(&whole).unwrap());
        assert!(narrow.contains("m=audio 9 UDP/TLS/RTP/SAVPF 111 110\r\n"), "{narrow}");
        assert!(narrow.contains("a=rtpmap:111") && !narrow.contains("PCMU"));
        assert!(!narrow.contains("telephone-event/8000"));
        assert_eq!(read(&narrow), read(&whole));
    }

    #[test]
    fn what_is_taken() {
        let agreed = |codec, payload_type, keys| Ok(Agreed { codec, payload_type, keys });
        let audio = |types: &str| format!("audio 9 UDP/TLS/RTP/SAVPF {types}");
        for (media, maps, expect) in [
            (audio("111 63 9 0 8 13 110 126"), CHROMIUM, agreed(Codec::Opus, 111, Some(110))),
            // Without Opus the keys of the other clock.
            (audio("0 8 110 126"), CHROMIUM, agreed(Codec::Pcmu, 0, Some(126))),
            (audio("8"), "", agreed(Codec::Pcma, 8, None)),
            (audio("9"), CHROMIUM, Err(OfferRefusal::NoCodec)),
            (audio("111"), "a=rtpmap:111 opus/8000", Err(OfferRefusal::NoCodec)),
            ("video 9 UDP/TLS/RTP/SAVPF 96".into(), "", Err(OfferRefusal::NotOneAudio)),
            ("audio 0 UDP/TLS/RTP/SAVPF 0".into(), "", Err(OfferRefusal::NotOneAudio)),
            (audio("0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0"), "", Err(OfferRefusal::NotOneAudio)),
            ("audio 4000 RTP/AVP 0".into(), "", Err(OfferRefusal::Unprotected)),
        ] {
            assert_eq!(read(&offer(&media, maps)), expect, "{media}");
        }
        assert_eq!(read("nonsense"), Err(OfferRefusal::Malformed));
        assert_eq!(read(&"v".repeat(20_000)), Err(OfferRefusal::TooLong));
        let open = offer(&audio("0"), "").replace("a=fingerprint", "a=finger");
        assert_eq!(read(&open), Err(OfferRefusal::Unprotected));
    }
}
