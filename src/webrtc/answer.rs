//! What goes back to the browser: the connection's answer, with packets of 20 ms asked for, and
//! with our public address beside the private one where a 1:1 NAT stands before us (the crate's
//! own setting for that does nothing).

use std::net::IpAddr;

/// Highest rate that a browser should send us Opus at: speech needs no more.
const OPUS_BITS_PER_SECOND: u32 = 40_000;

/// The answer as the browser is to see it. `opus` is the payload type of Opus, if agreed.
pub fn shaped(sdp: &str, public_address: Option<IpAddr>, opus: Option<u8>) -> String {
    let mut out = String::with_capacity(sdp.len() + 512);
    let mut asked = false;
    for line in sdp.lines() {
        if let Some(public) = public_address
            && let Some(candidate) = at_address(line, public)
        {
            push(&mut out, &candidate);
        }
        let fmtp = opus.map(|payload_type| format!("a=fmtp:{payload_type} "));
        match fmtp {
            Some(fmtp) if line.starts_with(&fmtp) => {
                push(&mut out, &format!("{line};maxaveragebitrate={OPUS_BITS_PER_SECOND}"));
            }
            Some(_) | None => push(&mut out, line),
        }
        if line.starts_with("a=rtcp-mux") && !asked {
            asked = true;
            push(&mut out, "a=ptime:20");
            push(&mut out, "a=maxptime:20");
        }
    }
    out
}

fn push(out: &mut String, line: &str) {
    out.push_str(line);
    out.push_str("\r\n");
}

/// A host candidate (RFC 8839 section 5.1) with the public address in place of its own; `None`
/// for another line, another family, or an address of this machine alone.
fn at_address(line: &str, public: IpAddr) -> Option<String> {
    let words: Vec<&str> = line.strip_prefix("a=candidate:")?.split(' ').collect();
    let [foundation, component, transport, priority, address, port, "typ", "host", rest @ ..] =
        words.as_slice()
    else {
        return None;
    };
    let address: IpAddr = address.parse().ok()?;
    if address.is_ipv4() != public.is_ipv4() || address.is_loopback() || address == public {
        return None;
    }
    let rest: String = rest.iter().map(|word| format!(" {word}")).collect();
    Some(format!(
        "a=candidate:{foundation}9 {component} {transport} {priority} {public} {port} typ host{rest}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtcp-mux\r\n\
        a=fmtp:111 minptime=10\r\na=candidate:1 1 udp 2130706431 10.0.0.5 4000 typ host\r\n\
        a=candidate:2 1 udp 2130706431 127.0.0.1 4002 typ host\r\na=end-of-candidates\r\n";

    #[test]
    fn the_public_address_stands_beside_the_private_one() {
        let shown = shaped(ANSWER, Some([203, 0, 113, 7].into()), Some(111));
        assert!(shown.contains(
            "a=candidate:19 1 udp 2130706431 203.0.113.7 4000 typ host\r\n\
             a=candidate:1 1 udp 2130706431 10.0.0.5 4000 typ host\r\n"
        ));
        assert_eq!(shown.matches("203.0.113.7").count(), 1, "loopback is nobody else's: {shown}");
        assert!(shown.contains("a=fmtp:111 minptime=10;maxaveragebitrate=40000\r\n"));
        assert_eq!(shown.matches("a=ptime:20\r\n").count(), 1);
    }

    #[test]
    fn without_one_nothing_is_added() {
        let shown = shaped(ANSWER, None, None);
        assert_eq!(shown.matches("a=candidate").count(), 2);
        assert!(!shown.contains("maxaveragebitrate"));
        let v6 = shaped(ANSWER, Some("2001:db8::1".parse().unwrap()), None);
        assert_eq!(v6.matches("a=candidate").count(), 2, "another family");
    }
}
