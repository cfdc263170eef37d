//! Asks business systems over HTTP, within the connector's time.

use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::base::ids::{CallId, RequestId};
use crate::knowledge::connector::{Connector, Method};
use crate::knowledge::lookup::{LookupFailure, LookupReply};

/// A reply larger than this is no reply, bytes.
const REPLY_BYTES_MAX: usize = 256 * 1024;

/// Asks once. The same call and request carry the same idempotency key.
pub async fn ask(
    http: &reqwest::Client,
    connector: &Connector,
    fields: &[(String, String)],
    call: &CallId,
    request: RequestId,
) -> Result<LookupReply, LookupFailure> {
    let time = Duration::from_millis(connector.timeout_ms);
    match tokio::time::timeout(time, send(http, connector, fields, call, request)).await {
        Ok(reply) => reply,
        Err(_) => Err(LookupFailure::Timeout),
    }
}

/// Names what is asked of whom, so that the same task of a call is the same however often it is
/// asked for: a reply that never came may have been a task that was done.
pub fn task(connector: &Connector, fields: &[(String, String)]) -> RequestId {
    let wanted = connector.request(fields);
    let mut hash = Sha256::new();
    hash.update(wanted.url.as_bytes());
    hash.update(wanted.body.map(|body| body.to_string()).unwrap_or_default().as_bytes());
    let hash = hash.finalize();
    let number = hash.iter().take(4).fold(0, |number: u32, byte| number << 8 | u32::from(*byte));
    RequestId(number)
}

async fn send(
    http: &reqwest::Client,
    connector: &Connector,
    fields: &[(String, String)],
    call: &CallId,
    request: RequestId,
) -> Result<LookupReply, LookupFailure> {
    let wanted = connector.request(fields);
    let mut builder = match wanted.method {
        Method::Get => http.get(&wanted.url),
        Method::Post => {
            http.post(&wanted.url).header("Idempotency-Key", format!("{call}-{request}"))
        }
    };
    if let Some(body) = &wanted.body {
        builder = builder.json(body);
    }
    let mut reply = builder.send().await.map_err(failure)?;
    let status = reply.status().as_u16();
    let mut body = Vec::new();
    while let Some(piece) = reply.chunk().await.map_err(failure)? {
        body.extend_from_slice(&piece);
        if body.len() > REPLY_BYTES_MAX {
            return Err(LookupFailure::Unavailable);
        }
    }
    connector.map_reply(status, &String::from_utf8_lossy(&body))
}

fn failure(error: reqwest::Error) -> LookupFailure {
    if error.is_timeout() { LookupFailure::Timeout } else { LookupFailure::Unavailable }
}
