//! Session timers (RFC 4028): who refreshes, how often, and when a session counts as dead.
//! Pure: headers in, intervals out; the leg keeps the clock.

use std::time::Duration;

use rsipstack::sip::HasHeaders;

use super::limits::MIN_SE_S;
use super::wire::{self, header};

/// Which side refreshes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresher {
    Us,
    Peer,
}

/// An agreed session timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionTimer {
    pub interval_s: u32,
    pub refresher: Refresher,
}

/// The peer wants less than the shortest interval: 422 with Min-SE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooSmall;

impl SessionTimer {
    /// As server (RFC 4028 section 9): the timer that our 2xx to `request` sets. `ours_s` is the
    /// interval that we would like.
    pub fn as_server<M: HasHeaders>(request: &M, ours_s: u32) -> Result<Self, TooSmall> {
        let peer_knows = wire::lists(request, "Supported", "timer");
        let floor = min_se(request).max(MIN_SE_S);
        let ours_s = ours_s.max(floor);
        let Some((wanted, refresher)) = session_expires(request) else {
            let refresher = Refresher::Us;
            return Ok(Self { interval_s: ours_s, refresher });
        };
        if wanted < MIN_SE_S && peer_knows {
            return Err(TooSmall);
        }
        let interval_s = wanted.min(ours_s).max(floor);
        let refresher = match (peer_knows, refresher) {
            // Without support at its end nobody but us can do it (table 2 of RFC 4028).
            (false, _) | (true, Some("uas")) => Refresher::Us,
            (true, _) => Refresher::Peer,
        };
        Ok(Self { interval_s, refresher })
    }

    /// As client: the timer that a 2xx sets, or none.
    pub fn as_client<M: HasHeaders>(response: &M) -> Option<Self> {
        let (interval_s, refresher) = session_expires(response)?;
        let refresher = match refresher {
            Some("uas") => Refresher::Peer,
            Some(_) | None => Refresher::Us,
        };
        Some(Self { interval_s: interval_s.max(MIN_SE_S), refresher })
    }

    /// The Session-Expires header of our 2xx.
    pub fn as_server_header(self) -> String {
        let who = if self.refresher == Refresher::Us { "uas" } else { "uac" };
        format!("{};refresher={who}", self.interval_s)
    }

    /// The Session-Expires header of our refresh request: the roles stay as they are.
    pub fn as_client_header(self) -> String {
        let who = if self.refresher == Refresher::Us { "uac" } else { "uas" };
        format!("{};refresher={who}", self.interval_s)
    }

    /// When to refresh (ours) or to give up (the peer's), from the last refresh.
    pub fn due(self) -> Duration {
        match self.refresher {
            Refresher::Us => Duration::from_secs(u64::from(self.interval_s / 2)),
            Refresher::Peer => {
                let early = (self.interval_s / 3).min(32);
                Duration::from_secs(u64::from(self.interval_s - early))
            }
        }
    }
}

/// The interval to try again with after a 422, if it is one that we can bear.
pub fn after_422<M: HasHeaders>(response: &M, asked_s: u32) -> Option<u32> {
    let wanted = min_se(response);
    (wanted > asked_s && wanted <= 86_400).then_some(wanted)
}

fn min_se<M: HasHeaders>(message: &M) -> u32 {
    let value = header(message, "Min-SE").unwrap_or("");
    value.split(';').next().and_then(|number| number.trim().parse().ok()).unwrap_or(0)
}

/// Interval and refresher of a Session-Expires header.
fn session_expires<M: HasHeaders>(message: &M) -> Option<(u32, Option<&'static str>)> {
    let value = header(message, "Session-Expires")?;
    let seconds = value.split(';').next()?.trim().parse().ok()?;
    let refresher = match wire::param(value, "refresher") {
        Some(who) if who.eq_ignore_ascii_case("uas") => Some("uas"),
        Some(who) if who.eq_ignore_ascii_case("uac") => Some("uac"),
        Some(_) | None => None,
    };
    Some((seconds, refresher))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rsipstack::sip::Request;

    fn request(lines: &str) -> Request {
        let text = format!("INVITE sip:a@h SIP/2.0\r\n{lines}\r\n\r\n");
        Request::try_from(text.as_bytes()).expect("well formed")
    }

    #[test]
    fn our_2xx_sets_the_timer() {
        use Refresher::{Peer, Us};
        for (lines, interval_s, refresher) in [
            ("Supported: timer\r\nSession-Expires: 600;refresher=uac", 600, Peer),
            ("k: x, timer\r\nx: 600;refresher=uas", 600, Us),
            ("Supported: timer\r\nSession-Expires: 600", 600, Peer),
            ("Supported: timer\r\nSession-Expires: 9000", 1_800, Peer),
            ("Supported: timer\r\nSession-Expires: 9000\r\nMin-SE: 3600", 3_600, Peer),
            ("Supported: timer", 1_800, Us),
            ("Subject: old phone", 1_800, Us),
            ("Session-Expires: 600;refresher=uac", 600, Us),
            ("Supported: timer\r\nSession-Expires: x", 1_800, Us),
        ] {
            let timer = SessionTimer::as_server(&request(lines), 1_800);
            assert_eq!(timer, Ok(SessionTimer { interval_s, refresher }), "{lines}");
        }
    }

    #[test]
    fn too_small_is_refused_where_the_peer_understands_that() {
        let small = request("Supported: timer\r\nSession-Expires: 30");
        assert_eq!(SessionTimer::as_server(&small, 1_800), Err(TooSmall));
        let old = SessionTimer::as_server(&request("Session-Expires: 30"), 1_800);
        assert_eq!(old.map(|timer| timer.interval_s), Ok(90));
    }

    #[test]
    fn a_2xx_to_us_sets_the_timer_and_the_deadlines() {
        let timer = SessionTimer::as_client(&request("Session-Expires: 600;refresher=uas"));
        let timer = timer.expect("agreed");
        assert_eq!((timer.refresher, timer.due().as_secs()), (Refresher::Peer, 568));
        let timer = SessionTimer::as_client(&request("x: 90;refresher=uac")).expect("agreed");
        assert_eq!((timer.refresher, timer.due().as_secs()), (Refresher::Us, 45));
        assert_eq!(SessionTimer::as_client(&request("Subject: x")), None);
        let short = SessionTimer { interval_s: 90, refresher: Refresher::Peer };
        assert_eq!(short.due().as_secs(), 60);
    }

    #[test]
    fn a_422_is_followed_upwards_only() {
        assert_eq!(after_422(&request("Min-SE: 3600"), 1_800), Some(3_600));
        assert_eq!(after_422(&request("Min-SE: 1800"), 1_800), None);
        assert_eq!(after_422(&request("Subject: x"), 1_800), None);
        assert_eq!(after_422(&request("Min-SE: 999999"), 1_800), None);
    }
}
