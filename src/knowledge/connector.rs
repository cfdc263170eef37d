//! Connectors to business systems: what is asked, and how the reply is read. The asking itself
//! is the runtime's.

use std::collections::BTreeMap;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::base::ids::ConnectorId;
use crate::config::{Problems, Table};

use super::lookup::{LookupFailure, LookupReply};

/// Characters of one mapped field; longer ones are cut.
const FIELD_CHARS_MAX: usize = 200;
/// Time-out of a connector whose table does not say, milliseconds.
const TIMEOUT_MS_DEFAULT: i64 = 3_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Get,
    /// Carries an `Idempotency-Key`, so that a repeated request is one task.
    Post,
}

/// One row of `connectors.toml`.
#[derive(Clone, Debug, PartialEq)]
pub struct Connector {
    pub id: ConnectorId,
    pub method: Method,
    /// With `{field}` placeholders, which are percent-encoded.
    pub url: String,
    /// JSON fields of a POST's body with `{field}` placeholders.
    pub body: Vec<(String, String)>,
    /// Our flat name → dotted path in the JSON reply.
    pub fields: Vec<(String, String)>,
    pub timeout_ms: u64,
}

/// A request ready to be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub method: Method,
    pub url: String,
    pub body: Option<Value>,
}

impl Connector {
    pub fn read(id: &str, table: &Table, problems: &mut Problems) -> Option<Self> {
        let methods = [("GET", Method::Get), ("POST", Method::Post)];
        let method = table.choice("method", &methods, Method::Get, problems);
        let timeout = table.integer_in("timeout_ms", 100..=10_000, TIMEOUT_MS_DEFAULT, problems);
        let mut texts = |key: &str| {
            table.table(key, problems).map(|fields| fields.texts(problems)).unwrap_or_default()
        };
        let (body, fields) = (texts("body"), texts("fields"));
        let url = table.required_string("url", problems);
        table.finish(problems);
        let url = url?;
        if !(url.starts_with("http://") || url.starts_with("https://")) {
            let expected = "an address that begins with http:// or https://";
            table.fault("url", format!("{url:?}"), expected, problems);
        }
        let id = ConnectorId(id.to_owned());
        Some(Self { id, method, url, body, fields, timeout_ms: timeout as u64 })
    }

    /// Fills the placeholders from `values`; one without a value becomes empty.
    pub fn request(&self, values: &[(String, String)]) -> Request {
        let url = fill(&self.url, values, |value| {
            utf8_percent_encode(value, NON_ALPHANUMERIC).to_string()
        });
        let body = (self.method == Method::Post).then(|| {
            let fields = self.body.iter().map(|(name, template)| {
                (name.clone(), Value::String(fill(template, values, str::to_owned)))
            });
            Value::Object(fields.collect())
        });
        Request { method: self.method, url, body }
    }

    /// Reads a reply: 404 is `NotFound`, any other status than 2xx and a body that is no JSON is
    /// `Unavailable`; a field that is absent is left out.
    /// Where no field is wanted an empty body will do.
    pub fn map_reply(&self, status: u16, body: &str) -> Result<LookupReply, LookupFailure> {
        match status {
            200..=299 => {}
            404 => return Err(LookupFailure::NotFound),
            _ => return Err(LookupFailure::Unavailable),
        }
        let json: Value = match body.trim() {
            // A system that is only told something need not answer in words.
            "" if self.fields.is_empty() => Value::Null,
            body => serde_json::from_str(body).map_err(|_| LookupFailure::Unavailable)?,
        };
        let mut fields = BTreeMap::new();
        for (name, path) in &self.fields {
            let found = path.split('.').try_fold(&json, |value, key| match value {
                Value::Array(list) => key.parse::<usize>().ok().and_then(|at| list.get(at)),
                Value::Object(object) => object.get(key),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
            });
            let text = match found {
                Some(Value::String(text)) => text.clone(),
                Some(Value::Number(number)) => number.to_string(),
                Some(Value::Bool(yes)) => yes.to_string(),
                Some(Value::Null | Value::Array(_) | Value::Object(_)) | None => continue,
            };
            fields.insert(name.clone(), text.chars().take(FIELD_CHARS_MAX).collect());
        }
        Ok(LookupReply { fields })
    }
}

/// Replaces `{name}` by its value, encoded by `encode`; an unknown name becomes nothing.
pub fn fill(
    template: &str,
    values: &[(String, String)],
    encode: impl Fn(&str) -> String,
) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let Some((name, behind)) = after.split_once('}') else {
            out.push('{');
            rest = after;
            continue;
        };
        if let Some((_, value)) = values.iter().find(|(known, _)| known == name) {
            out.push_str(&encode(value));
        }
        rest = behind;
    }
    out.push_str(rest);
    out
}

/// The placeholders of a template, in order.
pub fn placeholders(template: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = template;
    while let Some((_, after)) = rest.split_once('{') {
        let Some((name, behind)) = after.split_once('}') else { break };
        names.push(name.to_owned());
        rest = behind;
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connector() -> Connector {
        let text = "method = \"POST\"\nurl = \"http://h/orders/{number}\"\n\
                    body = { why = \"{why}\" }\n\
                    fields = { status = \"order.status\", first = \"list.0\", n = \"n\" }\n";
        let mut problems = Problems::new();
        let table = Table::parse("c.toml", text, &mut problems).expect("is TOML");
        let connector = Connector::read("order", &table, &mut problems).expect("is whole");
        assert!(problems.is_empty(), "{problems}");
        connector
    }

    #[test]
    fn what_a_caller_says_cannot_bend_the_address_or_the_body() {
        let values = vec![
            ("number".to_owned(), "../../admin?x=1#".to_owned()),
            ("why".to_owned(), "\",\"admin\":\"true".to_owned()),
        ];
        let request = connector().request(&values);
        assert_eq!(request.url, "http://h/orders/%2E%2E%2F%2E%2E%2Fadmin%3Fx%3D1%23");
        let body = request.body.map(|body| body.to_string());
        assert_eq!(body.as_deref(), Some(r#"{"why":"\",\"admin\":\"true"}"#));
    }

    #[test]
    fn replies_are_read_field_by_field() {
        let reply = r#"{"order":{"status":"sent"},"list":["a"],"n":3,"secret":"x"}"#;
        let read = connector().map_reply(200, reply).expect("is good");
        let fields: Vec<_> = read.fields.iter().map(|(k, v)| format!("{k}={v}")).collect();
        assert_eq!(fields, ["first=a", "n=3", "status=sent"]);
        assert_eq!(connector().map_reply(404, ""), Err(LookupFailure::NotFound));
        assert_eq!(connector().map_reply(500, "{}"), Err(LookupFailure::Unavailable));
        assert_eq!(connector().map_reply(200, "<html>"), Err(LookupFailure::Unavailable));
        assert_eq!(connector().map_reply(204, ""), Err(LookupFailure::Unavailable), "no status");
        let told = Connector { fields: Vec::new(), ..connector() };
        assert!(told.map_reply(204, "").is_ok());
    }
}
