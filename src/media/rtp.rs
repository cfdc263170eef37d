//! RTP packets (RFC 3550 section 5.1): bytes from outside → `Packet`, and back.
//! The parser checks every length and never panics.

use thiserror::Error;

/// Bytes of a header without CSRCs and extension.
pub const HEADER_BYTES: usize = 12;

/// One RTP packet, read in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    pub marker: bool,
    /// 0 to 127.
    pub payload_type: u8,
    pub sequence: u16,
    pub timestamp: u32,
    pub ssrc: u32,
    /// Without padding and header extension.
    pub payload: &'a [u8],
}

/// Why bytes are no RTP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RtpError {
    #[error("shorter than its header says")]
    TooShort,
    #[error("version is not 2")]
    BadVersion,
    #[error("padding is longer than the payload")]
    BadPadding,
}

impl<'a> Packet<'a> {
    /// Reads one datagram.
    ///
    /// # Errors
    /// [`RtpError`] for anything that is not a whole RTP version 2 packet.
    pub fn parse(bytes: &'a [u8]) -> Result<Packet<'a>, RtpError> {
        let (head, rest) = bytes.split_first_chunk::<HEADER_BYTES>().ok_or(RtpError::TooShort)?;
        let [first, second, s0, s1, t0, t1, t2, t3, c0, c1, c2, c3] = *head;
        if first >> 6 != 2 {
            return Err(RtpError::BadVersion);
        }
        let csrc_bytes = usize::from(first & 0x0f) * 4;
        let mut payload = rest.get(csrc_bytes..).ok_or(RtpError::TooShort)?;
        if first & 0x10 != 0 {
            payload = skip_extension(payload)?;
        }
        if first & 0x20 != 0 {
            payload = strip_padding(payload)?;
        }
        Ok(Packet {
            marker: second & 0x80 != 0,
            payload_type: second & 0x7f,
            sequence: u16::from_be_bytes([s0, s1]),
            timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            ssrc: u32::from_be_bytes([c0, c1, c2, c3]),
            payload,
        })
    }

    /// Writes the packet into `out`, which is cleared first.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.clear();
        let second = (u8::from(self.marker) << 7) | (self.payload_type & 0x7f);
        out.extend_from_slice(&[0x80, second]);
        out.extend_from_slice(&self.sequence.to_be_bytes());
        out.extend_from_slice(&self.timestamp.to_be_bytes());
        out.extend_from_slice(&self.ssrc.to_be_bytes());
        out.extend_from_slice(self.payload);
    }
}

/// RTCP that strays onto the RTP port (RFC 5761 section 4): its second byte is 192 to 223.
pub fn looks_like_rtcp(bytes: &[u8]) -> bool {
    matches!(bytes, [first, 192..=223, ..] if first >> 6 == 2)
}

fn skip_extension(bytes: &[u8]) -> Result<&[u8], RtpError> {
    let (head, rest) = bytes.split_first_chunk::<4>().ok_or(RtpError::TooShort)?;
    let words = usize::from(u16::from_be_bytes([head[2], head[3]]));
    rest.get(words * 4..).ok_or(RtpError::TooShort)
}

fn strip_padding(bytes: &[u8]) -> Result<&[u8], RtpError> {
    let count = usize::from(*bytes.last().ok_or(RtpError::BadPadding)?);
    let kept = bytes.len().checked_sub(count).ok_or(RtpError::BadPadding)?;
    if count == 0 { Err(RtpError::BadPadding) } else { Ok(&bytes[..kept]) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(hex: &[u8], expect: Result<&[u8], RtpError>) {
        assert_eq!(Packet::parse(hex).map(|packet| packet.payload), expect);
    }

    #[test]
    fn headers_of_every_shape() {
        let plain = [0x80, 0x80, 0, 1, 0, 0, 0, 160, 0, 0, 0, 9];
        let with = |first: u8, tail: &[u8]| {
            let mut bytes = plain.to_vec();
            bytes[0] = first;
            bytes.extend_from_slice(tail);
            bytes
        };
        check(&with(0x80, b"abc"), Ok(b"abc"));
        check(&with(0x80, b""), Ok(b""));
        check(&with(0x81, b"CSRCabc"), Ok(b"abc"));
        check(&with(0x8f, b"abc"), Err(RtpError::TooShort));
        check(&with(0x90, &[0, 0, 0, 1, 1, 2, 3, 4, 7]), Ok(&[7]));
        check(&with(0x90, &[0, 0, 0xff, 0xff, 7]), Err(RtpError::TooShort));
        check(&with(0xa0, &[7, 8, 0, 2]), Ok(&[7, 8]));
        check(&with(0xa0, &[7, 9]), Err(RtpError::BadPadding));
        check(&with(0xa0, &[7, 0]), Err(RtpError::BadPadding));
        check(&with(0xa0, &[]), Err(RtpError::BadPadding));
        check(&with(0x40, b"abc"), Err(RtpError::BadVersion));
        check(&plain[..11], Err(RtpError::TooShort));
    }

    #[test]
    fn rtcp_is_told_apart() {
        assert!(looks_like_rtcp(&[0x80, 200, 0, 6]));
        assert!(!looks_like_rtcp(&[0x80, 0x80, 0, 6]));
        assert!(!looks_like_rtcp(&[]));
    }

    proptest! {
        #[test]
        fn any_bytes_parse_or_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(packet) = Packet::parse(&bytes) {
                prop_assert!(packet.payload.len() + HEADER_BYTES <= bytes.len());
            }
        }

        #[test]
        fn what_is_written_reads_back(
            marker: bool, payload_type in 0u8..128, sequence: u16, timestamp: u32, ssrc: u32,
            payload in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let packet =
                Packet { marker, payload_type, sequence, timestamp, ssrc, payload: &payload };
            let mut bytes = Vec::new();
            packet.write(&mut bytes);
            prop_assert_eq!(Packet::parse(&bytes), Ok(packet));
        }
    }
}
