//! Asks business systems over HTTP, within the connector's time.

use std::time::Duration;

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
