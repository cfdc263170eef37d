//! The HTTP interface as an OpenAPI 3.1 document, made from the table of routes and one line of
//! words for each. A test holds the two together.

use axum::Json;
use axum::http::Method;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::calls;
use super::routes::{self, Access, Route};

/// What a request's body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Body {
    None,
    /// The fields of a form, all texts.
    Form(&'static [&'static str]),
    /// An SDP offer.
    Sdp,
    /// The fields of a JSON object, all texts.
    Json(&'static [&'static str]),
}

struct Words {
    method: Method,
    path: &'static str,
    summary: &'static str,
    body: Body,
    /// The media type of the answer.
    answer: &'static str,
}

const HTML: &str = "text/html";
const JSON: &str = "application/json";
const WAV: &str = "audio/wav";
const SDP: &str = "application/sdp";
const NONE: &str = "text/plain";

#[rustfmt::skip]
fn words() -> Vec<Words> {
    let get = |path, summary, answer| {
        Words { method: Method::GET, path, summary, body: Body::None, answer }
    };
    let post = |path, summary, body, answer| {
        Words { method: Method::POST, path, summary, body, answer }
    };
    let by = |method, path, summary, body, answer| Words { method, path, summary, body, answer };
    vec![
        get("/", "Leads to the desk, or to the calls", HTML),
        get("/login", "The form to log in", HTML),
        post("/login", "Begins a session; the cookie is HttpOnly and SameSite=Strict",
            Body::Form(&["name", "password", "next", "csrf"]), HTML),
        post("/logout", "Ends the session", Body::Form(&["csrf"]), HTML),
        get("/calls", "The list of calls, with filters", HTML),
        get("/calls/live", "The running calls alone", HTML),
        get("/changes", "Says \"changed\" when calls, agents or the queue did", "text/event-stream"),
        get("/calls/{id}", "One call", HTML),
        get("/calls/{id}/audio", "The recording, in ranges", WAV),
        post("/calls/{id}/erase", "Erases a call or its caller",
            Body::Form(&["csrf", "sure", "scope"]), HTML),
        get("/offer/{token}", "The card behind an offer's link", HTML),
        post("/offer/{token}/accept", "The offered agent accepts", Body::Form(&["csrf"]), HTML),
        post("/offer/{token}/decline", "The offered agent declines", Body::Form(&["csrf"]), HTML),
        get("/desk", "The agent's desk", HTML),
        get("/desk/socket", "The desk's WebSocket; its messages are in /api/desk.schema.json", JSON),
        get("/desk/peer", "What an agent's browser needs to connect: TURN servers", JSON),
        post("/desk/peer", "Opens the agent's one connection of the shift, or takes it up", Body::Sdp, SDP),
        by(Method::PATCH, "/desk/peer/{token}", "Restarts ICE of the agent's connection", Body::Sdp, SDP),
        by(Method::DELETE, "/desk/peer/{token}", "The agent's page was left", Body::None, NONE),
        get("/call", "The callers' page", HTML),
        post("/call", "A call begins: 201, its secret path in Location, the answer", Body::Sdp, SDP),
        by(Method::OPTIONS, "/call", "Whether another site's page may call (CORS)", Body::None, NONE),
        get("/call/entrance", "What a page must know before it calls", JSON),
        post("/call/back", "A wish to be called back", Body::Form(&["number", "name"]), NONE),
        post("/call/{token}", "A page that was loaded anew takes its call up", Body::Sdp, SDP),
        by(Method::PATCH, "/call/{token}", "Restarts ICE of the call", Body::Sdp, SDP),
        by(Method::DELETE, "/call/{token}", "The page was left; 10 s to come back", Body::None, NONE),
        by(Method::OPTIONS, "/call/{token}", "The same for a call (CORS)", Body::None, NONE),
        post("/call/{token}/hang-up", "The caller ends the call", Body::None, NONE),
        get("/call/{token}/captions", "What is said and where the call stands", "text/event-stream"),
        get("/status", "How the service is", HTML),
        get("/audit", "Who did what", HTML),
        get("/call-backs", "Callers who want to be called back", HTML),
        post("/call-backs/{id}/done", "Somebody called back", Body::Form(&["csrf"]), HTML),
        get("/api/calls", "The list of calls, with the filters of the page", JSON),
        get("/api/calls/{id}", "One call with everything that is kept of it", JSON),
        get("/api/calls/{id}/vcon", "One call as vCon", "application/vcon+json"),
        get("/api/calls/{id}/ladder", "The SIP messages of a call", JSON),
        get("/api/calls/{id}/audio", "The recording, in ranges", WAV),
        post("/api/calls/{id}/erase", "Erases a call", Body::None, JSON),
        post("/api/erase", "Erases all calls of a number", Body::Json(&["number"]), JSON),
        get("/api/offers/{token}", "The card behind an offer's link", JSON),
        get("/api/live", "Running calls, agents and the queue", JSON),
        get("/api/openapi.json", "This document", JSON),
        get("/api/desk.schema.json", "The messages of the desk's WebSocket", "application/schema+json"),
        get("/healthz", "Whether it lives, part by part", JSON),
        get("/readyz", "Whether it takes calls", JSON),
        get("/metrics", "Figures for Prometheus", "text/plain"),
        get("/assets/{name}", "Style sheets and scripts", "text/plain"),
    ]
}

pub(super) async fn document() -> Response {
    Json(whole()).into_response()
}

/// The document. A route without words gets its bare method and path.
pub fn whole() -> Value {
    let words = words();
    let mut paths: Map<String, Value> = Map::new();
    for route in routes::table() {
        let about = words.iter().find(|w| w.method == route.method && w.path == route.path);
        let entry = paths.entry(route.path).or_insert_with(|| json!({}));
        if let Value::Object(methods) = entry {
            methods.insert(route.method.as_str().to_lowercase(), operation(&route, about));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Warmline", "version": env!("CARGO_PKG_VERSION") },
        "paths": paths,
        "components": { "securitySchemes": {
            "token": { "type": "http", "scheme": "bearer",
                "description": "warmline user token NAME" },
            "session": { "type": "apiKey", "in": "cookie", "name": "warmline",
                "description": "After a login; behind HTTPS it is __Host-warmline. What changes \
                    something needs our own Origin, and the form's csrf field or X-CSRF-Token." },
        } },
    })
}

fn operation(route: &Route, about: Option<&Words>) -> Value {
    let mut answers = json!({ "200": { "description": "Done" } });
    if let Some(about) = about {
        answers["200"]["content"] = json!({ (about.answer): {} });
    }
    let mut asked = parameters(route.path);
    asked.extend(
        queries(route)
            .iter()
            .map(|name| json!({ "name": name, "in": "query", "schema": { "type": "string" } })),
    );
    let mut one = json!({ "parameters": asked });
    one["summary"] = about.map_or(route.path, |about| about.summary).into();
    let (security, role) = match route.access {
        Access::Open => (json!([]), None),
        Access::OpenForm | Access::Caller => (json!([]), None),
        Access::Page(role) | Access::Socket(role) => (json!([{ "session": [] }]), Some(role)),
        Access::Api(role) => (json!([{ "token": [] }, { "session": [] }]), Some(role)),
    };
    one["security"] = security;
    if let Some(role) = role {
        one["x-role"] = role.name().into();
        answers["401"] = json!({ "description": "Log in, or send a token" });
        answers["403"] = json!({ "description": "The role does not allow it, or not our page" });
    }
    if route.path.contains('{') {
        answers["404"] = json!({ "description": "There is none, or it is not yours" });
    }
    let fields = |names: &[&str]| {
        let fields: Map<String, Value> =
            names.iter().map(|name| ((*name).to_owned(), json!({ "type": "string" }))).collect();
        json!({ "schema": { "type": "object", "properties": fields } })
    };
    match about.map(|about| about.body) {
        Some(Body::Form(names)) => {
            let content = json!({ "application/x-www-form-urlencoded": fields(names) });
            one["requestBody"] = json!({ "required": true, "content": content });
        }
        Some(Body::Json(names)) => {
            let content = json!({ "application/json": fields(names) });
            one["requestBody"] = json!({ "required": true, "content": content });
        }
        Some(Body::Sdp) => {
            let content = json!({ SDP: { "schema": { "type": "string" } } });
            one["requestBody"] = json!({ "required": true, "content": content });
        }
        Some(Body::None) | None => {}
    }
    one["responses"] = answers;
    one
}

/// What a route reads from its address's query.
fn queries(route: &Route) -> &'static [&'static str] {
    match (route.method == Method::GET, route.path) {
        (true, "/calls" | "/api/calls") => calls::FILTERS,
        (true, "/login") => &["next"],
        (false, "/call") if route.method == Method::POST => &["name", "language"],
        _ => &[],
    }
}

fn parameters(path: &str) -> Vec<Value> {
    let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    names
        .map(|name| {
            json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_has_its_words_and_every_word_its_route() {
        let (words, table) = (words(), routes::table());
        for route in &table {
            let known = words.iter().any(|w| w.method == route.method && w.path == route.path);
            assert!(known, "no words for {} {}: add a line above", route.method, route.path);
        }
        assert_eq!(words.len(), table.len(), "words for a route that is gone, or twice");
        let document = whole();
        for route in &table {
            let one = &document["paths"][route.path][route.method.as_str().to_lowercase()];
            assert!(one["summary"].is_string() && one["responses"]["200"].is_object(), "{one}");
            let wanted = route.path.matches('{').count() + queries(route).len();
            assert_eq!(one["parameters"].as_array().map(Vec::len), Some(wanted), "{one}");
        }
    }
}
