//! A stored call as a vCon (draft-ietf-vcon-vcon-core, version 0.0.2): parties, dialog, analysis,
//! attachments. In: a record of the store. Out: JSON.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::base::card::Speaker;
use crate::store::record::{CallRecord, LineRecord};

/// Version of the draft's container.
const VERSION: &str = "0.0.2";
/// Parties by their place in `parties`.
const CALLER: usize = 0;
const MACHINE: usize = 1;
const FIRST_AGENT: usize = 2;

/// The call as a vCon. `recording_url` is where the sound may be fetched, behind a login; the
/// recording is referred to, not contained.
pub fn from_call(call: &CallRecord, recording_url: Option<&str>) -> Value {
    let head = &call.head;
    let mut dialog: Vec<Value> = call.lines.iter().map(|line| text_turn(call, line)).collect();
    if let Some(url) = recording_url.filter(|_| head.has_recording) {
        dialog.push(recording(call, url));
    }
    json!({
        "vcon": VERSION,
        "uuid": uuid(head.id.as_str()),
        "created_at": time(head.began_ms),
        "updated_at": time(head.ended_ms.unwrap_or(head.began_ms)),
        "subject": head.intent,
        "parties": parties(call),
        "dialog": dialog,
        "analysis": analysis(call),
        "attachments": attachments(call),
    })
}

fn parties(call: &CallRecord) -> Value {
    let head = &call.head;
    let mut caller = json!({ "role": "caller" });
    if let Some(number) = &head.caller_number {
        caller["tel"] = json!(number.reveal());
    }
    if let Some(name) = &head.caller_name {
        caller["name"] = json!(name.reveal());
        // From the signalling: nobody proved it.
        caller["validation"] = json!("unverified");
    }
    let mut all = vec![caller, json!({ "role": "machine", "name": "Warmline" })];
    all.extend(call.agents.iter().map(|agent| json!({ "role": "agent", "name": agent })));
    Value::Array(all)
}

fn party_of(call: &CallRecord, line: &LineRecord) -> usize {
    match line.speaker {
        Speaker::Caller => CALLER,
        Speaker::Machine => MACHINE,
        // The line does not say which agent; the last one who had taken the call by then.
        Speaker::Agent => {
            let taken = call.transfer_steps.iter().filter(|step| {
                step.at <= line.at && matches!(step.step.as_str(), "accepted" | "bridged")
            });
            let name = taken.filter_map(|step| step.agent.as_ref()).next_back();
            let place = name.and_then(|name| call.agents.iter().position(|agent| agent == name));
            if call.agents.is_empty() { MACHINE } else { FIRST_AGENT + place.unwrap_or(0) }
        }
    }
}

fn text_turn(call: &CallRecord, line: &LineRecord) -> Value {
    let at_ms = line.at.as_ms() as i64;
    let length_ms = line.ended_ms.map_or(0, |ended| (ended - at_ms).max(0));
    json!({
        "type": "text",
        "start": time(call.head.began_ms.saturating_add(at_ms)),
        "duration": length_ms as f64 / 1_000.0,
        "parties": party_of(call, line),
        "mediatype": "text/plain",
        "encoding": "none",
        "body": line.text.reveal(),
    })
}

fn recording(call: &CallRecord, url: &str) -> Value {
    let head = &call.head;
    let began_ms = call.recording_began_ms.unwrap_or(0);
    let length_ms = head.length_ms.map_or(0, |length| (length - began_ms).max(0));
    let others: Vec<usize> = (MACHINE..FIRST_AGENT + call.agents.len()).collect();
    json!({
        "type": "recording",
        "start": time(head.began_ms.saturating_add(began_ms)),
        "duration": length_ms as f64 / 1_000.0,
        // Left channel the caller, right channel everybody else.
        "parties": [CALLER, others],
        "mediatype": "audio/x-wav",
        "filename": format!("{}.wav", head.id),
        "url": url,
    })
}

fn analysis(call: &CallRecord) -> Value {
    let turns: Vec<usize> = (0..call.lines.len()).collect();
    let transcript: Vec<Value> = call
        .lines
        .iter()
        .map(|line| {
            json!({
                "at_ms": line.at,
                "speaker": line.speaker,
                "text": line.text,
                "words": line.words,
                "confidence": line.confidence,
            })
        })
        .collect();
    let understood = || call.lines.iter().enumerate().filter(|(_, line)| line.stress.is_some());
    let intents: Vec<Value> = understood()
        .filter(|(_, line)| line.intent.is_some())
        .map(|(turn, line)| {
            json!({
                "dialog": turn,
                "intent": line.intent,
                "confidence": line.intent_confidence,
                "reasons": line.reasons,
                "slots": line.slots,
            })
        })
        .collect();
    let stress: Vec<Value> =
        understood().map(|(turn, line)| json!({ "dialog": turn, "stress": line.stress })).collect();
    let entry = |kind: &str, body: Vec<Value>| {
        json!({
            "type": kind,
            "dialog": turns,
            "vendor": "warmline",
            "product": concat!("warmline ", env!("CARGO_PKG_VERSION")),
            "mediatype": "application/json",
            "encoding": "json",
            "body": body,
        })
    };
    json!([entry("transcript", transcript), entry("intent", intents), entry("stress", stress)])
}

fn attachments(call: &CallRecord) -> Value {
    let start = time(call.head.began_ms);
    let entry = |purpose: &str, body: Value| {
        json!({
            "purpose": purpose,
            "start": start,
            "party": MACHINE,
            "mediatype": "application/json",
            "encoding": "json",
            "body": body,
        })
    };
    json!([
        entry("decisions", json!(call.decisions)),
        entry("transfer", json!(call.transfer_steps)),
        entry("consent", json!(call.consents)),
        entry(
            "disposition",
            json!({
                "disposition": call.head.disposition,
                "satisfied": call.head.satisfied,
                "wrap_ups": call.wrap_ups,
            })
        ),
    ])
}

fn time(unix_ms: i64) -> String {
    let at = Timestamp::from_millisecond(unix_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    at.round(jiff::Unit::Millisecond).unwrap_or(at).to_string()
}

/// A version 8 UUID (RFC 9562 section 5.8) made from the call's id: 122 of its 128 bits.
fn uuid(call: &str) -> String {
    let mut bits: u128 = 0;
    for byte in call.bytes() {
        let digit = b"0123456789abcdefghjkmnpqrstvwxyz".iter().position(|known| *known == byte);
        bits = (bits << 5) | digit.unwrap_or(0) as u128;
    }
    bits = bits & !(0xf << 76) | (8 << 76);
    bits = bits & !(0x3 << 62) | (2 << 62);
    let text = format!("{bits:032x}");
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_have_their_version_and_differ() {
        let one = uuid("01jd3q8w5n0000000000000000");
        let two = uuid("01jd3q8w5n0000000000000001");
        assert_ne!(one, two);
        assert_eq!(one.len(), 36);
        assert_eq!(one.as_bytes().get(14), Some(&b'8'));
        assert!(matches!(one.as_bytes().get(19), Some(b'8' | b'9' | b'a' | b'b')));
    }

    #[test]
    fn times_are_rfc_3339() {
        assert_eq!(time(0), "1970-01-01T00:00:00Z");
        assert_eq!(time(1_700_000_000_123), "2023-11-14T22:13:20.123Z");
    }
}
