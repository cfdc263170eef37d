//! The one table of routes: the router is built from it, and tests list it.

use axum::extract::DefaultBodyLimit;
use axum::http::Method;
use axum::routing::{MethodRouter, delete, get, options, patch, post};
use axum::{Router, middleware};

use crate::store::users::Role;

use super::limits::BODY_BYTES_MAX;
use super::{
    Shared, api, assets, audio, call, call_backs, calls, changes, desk, dial, dial_page, guard,
    headers, login, offer, openapi, peer, status,
};

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody: health, metrics, style sheet.
    Open,
    /// Anybody, but a form must come from our own page.
    OpenForm,
    /// A user of at least this role; others are led to the login.
    Page(Role),
    /// A user of at least this role; others get 401 or 403 as JSON.
    Api(Role),
    /// Callers' pages: ours, and those of allowed origins.
    Caller,
    /// A WebSocket of our own page, for a user of at least this role.
    Socket(Role),
}

/// A line of the table.
pub struct Route {
    pub method: Method,
    pub path: &'static str,
    pub access: Access,
    handler: fn() -> MethodRouter<Shared>,
}

impl Route {
    /// Whether a request by this route changes anything.
    pub fn changes_state(&self) -> bool {
        self.method != Method::GET
    }
}

/// All routes.
pub fn table() -> Vec<Route> {
    use Access::{Api, Caller, Open, OpenForm, Page, Socket};
    use Role::{Admin, Agent, Supervisor};
    let row = |method: Method, path, access, handler| Route { method, path, access, handler };
    vec![
        row(Method::GET, "/", Page(Agent), || get(calls::home)),
        row(Method::GET, "/login", Open, || get(login::form)),
        row(Method::POST, "/login", OpenForm, || post(login::submit)),
        row(Method::POST, "/logout", Page(Agent), || post(login::logout)),
        row(Method::GET, "/calls", Page(Agent), || get(calls::list)),
        row(Method::GET, "/calls/live", Page(Agent), || get(calls::live)),
        row(Method::GET, "/changes", Api(Agent), || get(changes::stream)),
        row(Method::GET, "/calls/{id}", Page(Agent), || get(call::page)),
        row(Method::GET, "/calls/{id}/audio", Page(Agent), || get(audio::play)),
        row(Method::POST, "/calls/{id}/erase", Page(Admin), || post(call::erase)),
        row(Method::GET, "/offer/{token}", Page(Agent), || get(offer::page)),
        row(Method::POST, "/offer/{token}/accept", Page(Agent), || post(offer::accept)),
        row(Method::POST, "/offer/{token}/decline", Page(Agent), || post(offer::decline)),
        row(Method::GET, "/desk", Page(Agent), || get(desk::page)),
        row(Method::GET, "/desk/socket", Socket(Agent), || get(desk::socket)),
        row(Method::GET, "/api/openapi.json", Api(Agent), || get(openapi::document)),
        row(Method::GET, "/api/desk.schema.json", Api(Agent), || get(desk::schema)),
        row(Method::GET, "/desk/peer", Api(Agent), || get(peer::entrance)),
        row(Method::POST, "/desk/peer", Api(Agent), || post(peer::sit_down)),
        row(Method::PATCH, "/desk/peer/{token}", Api(Agent), || patch(peer::restart)),
        row(Method::DELETE, "/desk/peer/{token}", Api(Agent), || delete(peer::leave)),
        row(Method::GET, "/call", Open, || get(dial_page::page)),
        row(Method::POST, "/call", Caller, || post(dial::call)),
        row(Method::OPTIONS, "/call", Caller, || options(dial::preflight)),
        row(Method::GET, "/call/entrance", Caller, || get(dial::entrance)),
        row(Method::POST, "/call/back", Caller, || post(dial::call_back)),
        row(Method::POST, "/call/{token}", Caller, || post(dial::resume)),
        row(Method::PATCH, "/call/{token}", Caller, || patch(dial::restart)),
        row(Method::DELETE, "/call/{token}", Caller, || delete(dial::left)),
        row(Method::OPTIONS, "/call/{token}", Caller, || options(dial::preflight)),
        row(Method::POST, "/call/{token}/hang-up", Caller, || post(dial::hang_up)),
        row(Method::GET, "/call/{token}/captions", Caller, || get(dial::captions)),
        row(Method::GET, "/status", Page(Supervisor), || get(status::page)),
        row(Method::GET, "/audit", Page(Admin), || get(status::audit)),
        row(Method::GET, "/call-backs", Page(Supervisor), || get(call_backs::page)),
        row(Method::POST, "/call-backs/{id}/done", Page(Supervisor), || post(call_backs::done)),
        row(Method::GET, "/api/calls", Api(Agent), || get(api::calls)),
        row(Method::GET, "/api/calls/{id}", Api(Agent), || get(api::call)),
        row(Method::GET, "/api/calls/{id}/vcon", Api(Agent), || get(api::vcon)),
        row(Method::GET, "/api/calls/{id}/ladder", Api(Supervisor), || get(api::ladder)),
        row(Method::GET, "/api/calls/{id}/audio", Api(Agent), || get(audio::play)),
        row(Method::POST, "/api/calls/{id}/erase", Api(Admin), || post(api::erase_call)),
        row(Method::POST, "/api/erase", Api(Admin), || post(api::erase_caller)),
        row(Method::GET, "/api/offers/{token}", Api(Agent), || get(api::offer)),
        row(Method::GET, "/api/live", Api(Supervisor), || get(api::live)),
        row(Method::GET, "/healthz", Open, || get(status::healthz)),
        row(Method::GET, "/readyz", Open, || get(status::readyz)),
        row(Method::GET, "/metrics", Open, || get(status::metrics)),
        row(Method::GET, "/assets/{name}", Open, || get(assets::file)),
    ]
}

pub(super) fn build(app: Shared) -> Router {
    let mut router = Router::new();
    for route in table() {
        let guard = guard::Guard { app: app.clone(), access: route.access };
        let handler = (route.handler)()
            .route_layer(middleware::from_fn_with_state(guard, guard::stand_before));
        router = router.route(route.path, handler);
    }
    router
        .fallback(status::not_found)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn_with_state(app.clone(), headers::around))
        .with_state(app)
}
