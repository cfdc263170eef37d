//! The SIP ladder of a dialog: what crossed the wire, in order, in bounded memory and without
//! credentials. Message in, line kept.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use rsipstack::sip::{HasHeaders, SipMessage};
use serde::Serialize;

use super::limits::{LADDER_CHARS_MAX, LADDER_LINES_MAX};
use super::wire;
use crate::base::pii::Pii;

/// Headers worth a place beside the first line.
const KEY_HEADERS: [&str; 17] = [
    "From",
    "To",
    "Call-ID",
    "CSeq",
    "Contact",
    "Reason",
    "Warning",
    "Retry-After",
    "Require",
    "Unsupported",
    "Allow",
    "Session-Expires",
    "Min-SE",
    "RSeq",
    "RAck",
    "Content-Type",
    "User-Agent",
];

/// Which way a message went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    In,
    Out,
}

/// One message of the ladder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LadderLine {
    /// Milliseconds since 1970.
    pub unix_ms: u64,
    pub way: Way,
    /// The other end, where known.
    pub peer: Option<SocketAddr>,
    /// `INVITE sip:… SIP/2.0` or `SIP/2.0 200 OK`; the caller's number may be in it.
    pub first_line: Pii<String>,
    /// `CSeq: 1 INVITE` and so on.
    pub headers: Vec<Pii<String>>,
}

/// The lines of one dialog: the first half is kept, the newest replace the rest.
#[derive(Debug, Default)]
pub struct Ladder {
    first: Vec<LadderLine>,
    newest: VecDeque<LadderLine>,
    /// Lines that had to go.
    dropped: u64,
}

impl Ladder {
    fn push(&mut self, line: LadderLine) {
        if self.first.len() < LADDER_LINES_MAX / 2 {
            self.first.push(line);
            return;
        }
        if self.newest.len() >= LADDER_LINES_MAX / 2 {
            self.newest.pop_front();
            self.dropped += 1;
        }
        self.newest.push_back(line);
    }

    pub fn lines(&self) -> Vec<LadderLine> {
        self.first.iter().chain(&self.newest).cloned().collect()
    }
}

/// Ladders of the dialogs that have one, by Call-ID.
#[derive(Clone, Default)]
pub struct Ladders {
    table: Arc<Mutex<HashMap<String, Arc<Mutex<Ladder>>>>>,
}

impl Ladders {
    /// Begins (or finds) the ladder of a dialog.
    pub fn open(&self, call_id: &str) -> Arc<Mutex<Ladder>> {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        table.entry(call_id.to_owned()).or_default().clone()
    }

    /// The dialog is gone; whoever holds its ladder may still read it.
    pub fn close(&self, call_id: &str) {
        self.table.lock().unwrap_or_else(PoisonError::into_inner).remove(call_id);
    }

    /// Ladders that are open.
    pub fn count(&self) -> usize {
        self.table.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Notes a message, if its dialog has a ladder.
    pub fn note(&self, message: &SipMessage, way: Way, peer: Option<SocketAddr>) {
        let Some(call_id) = wire::header(message, "Call-ID") else { return };
        let ladder = {
            let table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
            table.get(call_id).cloned()
        };
        let Some(ladder) = ladder else { return };
        let line = line_of(message, way, peer);
        ladder.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }
}

fn line_of(message: &SipMessage, way: Way, peer: Option<SocketAddr>) -> LadderLine {
    let first_line = match message {
        SipMessage::Request(request) => {
            format!("{} {} {}", request.method, request.uri, request.version)
        }
        SipMessage::Response(response) => format!("{} {}", response.version, response.status_code),
    };
    let kept = message.headers().iter().filter(|header| KEY_HEADERS.contains(&header.name()));
    let headers = kept.take(24).map(|header| bounded(&header.to_string()).into()).collect();
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    LadderLine {
        unix_ms: since.as_millis() as u64,
        way,
        peer,
        first_line: bounded(&without_password(&first_line)).into(),
        headers,
    }
}

/// A URI may carry a password: `sip:user:password@host`.
fn without_password(line: &str) -> String {
    let Some((before, rest)) = line.split_once("sip:") else { return line.to_owned() };
    match rest.split_once('@') {
        Some((user, host)) if user.contains(':') && !user.contains(' ') => {
            let name = user.split(':').next().unwrap_or("");
            format!("{before}sip:{name}:***@{host}")
        }
        Some(_) | None => line.to_owned(),
    }
}

fn bounded(text: &str) -> String {
    text.chars().filter(|symbol| !symbol.is_control()).take(LADDER_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(cseq: u32) -> SipMessage {
        let text = format!(
            "OPTIONS sip:ann:hunter2@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\n\
             From: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\nCall-ID: c1\r\nCSeq: {cseq} OPTIONS\r\n\
             Authorization: Digest username=\"ann\", response=\"feedbeef\"\r\n\r\n"
        );
        SipMessage::try_from(text.as_bytes()).expect("well formed")
    }

    #[test]
    fn keeps_the_first_and_the_newest_without_credentials() {
        let ladders = Ladders::default();
        ladders.note(&message(0), Way::In, None);
        assert_eq!(ladders.count(), 0, "no ladder is opened by the peer");
        let ladder = ladders.open("c1");
        for number in 1..=200 {
            ladders.note(&message(number), Way::In, None);
        }
        let lines = ladder.lock().expect("whole").lines();
        assert_eq!(lines.len(), LADDER_LINES_MAX);
        let text = serde_json::to_string(&lines).expect("JSON");
        assert!(text.contains("CSeq: 1 OPTIONS") && text.contains("CSeq: 200 OPTIONS"));
        assert!(!text.contains("feedbeef") && !text.contains("hunter2"), "{text}");
        assert!(!format!("{lines:?}").contains("sip:a@h"), "Debug masks");
        ladders.close("c1");
        assert_eq!(ladders.count(), 0);
    }
}
