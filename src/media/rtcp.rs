//! RTCP (RFC 3550 section 6): sender and receiver reports with a CNAME, BYE at the end; and the
//! little that we read of the peer's. Bytes from outside never panic.

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const SOURCE_DESCRIPTION: u8 = 202;
const GOODBYE: u8 = 203;

/// Seconds between 1900 (NTP) and 1970 (Unix).
const NTP_OFFSET_S: u64 = 2_208_988_800;

/// What we send about our own stream, where we sent any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderInfo {
    /// NTP timestamp: seconds since 1900 and 2⁻³² fractions.
    pub ntp: u64,
    pub rtp_timestamp: u32,
    pub packets: u32,
    pub octets: u32,
}

/// One report block: how a stream arrives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReportBlock {
    pub ssrc: u32,
    /// Lost since the last report, in 1/256.
    pub fraction_lost: u8,
    /// Lost since the beginning; may be negative with duplicates. 24 bits on the wire.
    pub lost: i32,
    pub highest_sequence: u32,
    /// Interarrival jitter in RTP clock ticks.
    pub jitter: u32,
    /// Middle 32 bits of the NTP time in the last SR received.
    pub last_sr: u32,
    /// Since that SR, in 1/65,536 s.
    pub delay_since_last_sr: u32,
}

/// What the peer told us in one compound packet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// Middle 32 bits of the NTP time of an SR.
    pub sender_report: Option<u32>,
    /// The block about our own SSRC.
    pub about_us: Option<ReportBlock>,
    pub goodbye: bool,
}

/// NTP time from the wall clock.
pub fn ntp_time(unix_us: u64) -> u64 {
    let seconds = unix_us / 1_000_000 + NTP_OFFSET_S;
    let fraction = ((unix_us % 1_000_000) << 32) / 1_000_000;
    (seconds << 32) | fraction
}

/// The middle 32 bits of an NTP time.
pub fn ntp_middle(ntp: u64) -> u32 {
    (ntp >> 16) as u32
}

/// Writes a compound packet into `out`: SR or RR, SDES with `cname` (at most 255 bytes are
/// used), and BYE if `goodbye`.
pub fn write(
    out: &mut Vec<u8>,
    ssrc: u32,
    sender: Option<SenderInfo>,
    block: Option<ReportBlock>,
    cname: &str,
    goodbye: bool,
) {
    out.clear();
    let blocks = u8::from(block.is_some());
    let block_words = u16::from(blocks) * 6;
    match sender {
        Some(info) => {
            push_head(out, blocks, SENDER_REPORT, 6 + block_words, ssrc);
            out.extend_from_slice(&info.ntp.to_be_bytes());
            out.extend_from_slice(&info.rtp_timestamp.to_be_bytes());
            out.extend_from_slice(&info.packets.to_be_bytes());
            out.extend_from_slice(&info.octets.to_be_bytes());
        }
        None => push_head(out, blocks, RECEIVER_REPORT, 1 + block_words, ssrc),
    }
    if let Some(block) = block {
        push_block(out, &block);
    }
    push_cname(out, ssrc, cname);
    if goodbye {
        push_head(out, 1, GOODBYE, 1, ssrc);
    }
}

fn push_head(out: &mut Vec<u8>, count: u8, kind: u8, words: u16, ssrc: u32) {
    out.extend_from_slice(&[0x80 | count, kind]);
    out.extend_from_slice(&words.to_be_bytes());
    out.extend_from_slice(&ssrc.to_be_bytes());
}

fn push_block(out: &mut Vec<u8>, block: &ReportBlock) {
    out.extend_from_slice(&block.ssrc.to_be_bytes());
    let lost = block.lost.clamp(-0x80_0000, 0x7f_ffff).to_be_bytes();
    out.extend_from_slice(&[block.fraction_lost, lost[1], lost[2], lost[3]]);
    out.extend_from_slice(&block.highest_sequence.to_be_bytes());
    out.extend_from_slice(&block.jitter.to_be_bytes());
    out.extend_from_slice(&block.last_sr.to_be_bytes());
    out.extend_from_slice(&block.delay_since_last_sr.to_be_bytes());
}

fn push_cname(out: &mut Vec<u8>, ssrc: u32, cname: &str) {
    let name = cname.as_bytes();
    let name = name.get(..255).unwrap_or(name);
    // SSRC, item type and length, name, at least one zero, to a whole word.
    let words = (4 + 2 + name.len() + 1).div_ceil(4);
    let start = out.len();
    push_head(out, 1, SOURCE_DESCRIPTION, words as u16, ssrc);
    out.extend_from_slice(&[1, name.len() as u8]);
    out.extend_from_slice(name);
    out.resize(start + 4 + words * 4, 0);
}

/// Reads a compound packet, as far as it is well formed. `None` if it is no RTCP at all.
/// `ours` is the SSRC under which we send.
pub fn parse(bytes: &[u8], ours: u32) -> Option<Heard> {
    let mut heard = Heard::default();
    let mut rest = bytes;
    let mut packets = 0;
    while let Some((head, tail)) = rest.split_first_chunk::<4>() {
        let body_bytes = usize::from(u16::from_be_bytes([head[2], head[3]])) * 4;
        let Some(body) = tail.get(..body_bytes) else { break };
        if head[0] >> 6 != 2 {
            break;
        }
        read_one(&mut heard, head[1], head[0] & 0x1f, body, ours);
        packets += 1;
        rest = tail.get(body_bytes..).unwrap_or_default();
    }
    (packets > 0).then_some(heard)
}

fn read_one(heard: &mut Heard, kind: u8, count: u8, body: &[u8], ours: u32) {
    let blocks = match kind {
        SENDER_REPORT => {
            let ntp = body.get(4..12).and_then(|ntp| ntp.first_chunk::<8>());
            heard.sender_report = ntp.map(|ntp| ntp_middle(u64::from_be_bytes(*ntp)));
            body.get(24..)
        }
        RECEIVER_REPORT => body.get(4..),
        GOODBYE => {
            heard.goodbye = true;
            None
        }
        _ => None,
    };
    let blocks = blocks.unwrap_or_default().chunks_exact(24).take(usize::from(count));
    for block in blocks.filter_map(read_block) {
        if block.ssrc == ours {
            heard.about_us = Some(block);
        }
    }
}

fn read_block(bytes: &[u8]) -> Option<ReportBlock> {
    let word = |index: usize| {
        bytes.get(index * 4..index * 4 + 4)?.first_chunk::<4>().map(|w| u32::from_be_bytes(*w))
    };
    let losses = word(1)?;
    Some(ReportBlock {
        ssrc: word(0)?,
        fraction_lost: (losses >> 24) as u8,
        lost: ((losses << 8) as i32) >> 8,
        highest_sequence: word(2)?,
        jitter: word(3)?,
        last_sr: word(4)?,
        delay_since_last_sr: word(5)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_sender_report_reads_back() {
        let block = ReportBlock {
            ssrc: 7,
            fraction_lost: 12,
            lost: -3,
            highest_sequence: 70_000,
            jitter: 55,
            last_sr: 1,
            delay_since_last_sr: 2,
        };
        let info =
            SenderInfo { ntp: 0x1122_3344_5566_7788, rtp_timestamp: 9, packets: 3, octets: 4 };
        let mut bytes = Vec::new();
        write(&mut bytes, 42, Some(info), Some(block), "warmline", true);
        assert_eq!(bytes.len() % 4, 0);
        let heard = parse(&bytes, 7).unwrap();
        assert_eq!(heard.sender_report, Some(0x3344_5566));
        assert_eq!(heard.about_us, Some(block));
        assert!(heard.goodbye);
        assert_eq!(parse(&bytes, 8).unwrap().about_us, None);
    }

    #[test]
    fn ntp_of_the_epoch() {
        assert_eq!(ntp_time(0) >> 32, NTP_OFFSET_S);
        assert_eq!(ntp_time(500_000) & 0xffff_ffff, 0x8000_0000);
    }

    #[test]
    fn rubbish_is_no_rtcp() {
        for bytes in [&b""[..], b"abc", &[0x80, 200, 0xff, 0xff, 1], &[0, 200, 0, 0]] {
            assert_eq!(parse(bytes, 1), None);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..96)) {
            let _ = parse(&bytes, 1);
        }
    }
}
