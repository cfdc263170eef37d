//! The pages, the JSON API, health and metrics. In: HTTP requests. Out: HTML made on the server
//! and JSON; everything a caller said or sent is text in them, never markup.
//!
//! [`routes`] holds the one table from which the router is built and tests list what changes
//! state. [`guard`] stands before every handler. A page group is a module: `calls` (the list),
//! `call` (one call), `offer`, `desk`, `dial_page` (callers' page), `call_backs`, `status`.

mod api;
mod assets;
mod audio;
mod body;
pub mod browser;
mod call;
mod call_backs;
mod calls;
mod changes;
mod connections;
mod desk;
mod dial;
mod dial_page;
mod gate;
pub mod guard;
mod headers;
mod ladder;
pub mod limits;
mod listen;
pub mod live;
mod login;
mod offer;
pub mod openapi;
mod page;
mod peer;
mod query;
pub mod routes;
mod status;
mod stream;
mod timeline;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use jiff::tz::TimeZone;
use tokio::sync::Semaphore;

use crate::publish::Metrics;
use crate::store::Store;

pub use assets::FILES as ASSETS;
pub use browser::{
    Answered, Browsers, CallBack, CallerPage, Caption, Entrance, IceServer, Refused,
};
pub use listen::{Certificate, CertificateFault, serve};
pub use live::{ActiveCall, DeskAgent, DeskLine, DeskView, Live, Part, PartState};

/// What the operator sets for the web.
#[derive(Clone, Debug)]
pub struct WebSettings {
    /// How browsers reach us, `https://calls.example.org`; links in offers begin with it. With
    /// `https` cookies are `Secure` and HSTS is sent.
    pub public_url: String,
    /// Further origins from which forms are taken, `http://127.0.0.1:8080`.
    pub origins: Vec<String>,
    /// In which pages show times.
    pub time_zone: TimeZone,
    pub company: String,
    /// The operator's copies of style sheet and scripts, in preference to the embedded ones.
    pub pages: Option<std::path::PathBuf>,
}

impl Default for WebSettings {
    fn default() -> Self {
        Self {
            public_url: "http://127.0.0.1:8080".into(),
            origins: Vec::new(),
            time_zone: TimeZone::system(),
            company: "Warmline".into(),
            pages: None,
        }
    }
}

impl WebSettings {
    /// Settings for a server that listens on `address`: its own addresses are origins too.
    pub fn listening_on(address: SocketAddr, public_url: &str) -> Self {
        let port = address.port();
        Self {
            public_url: public_url.trim_end_matches('/').to_owned(),
            origins: vec![
                format!("http://{address}"),
                format!("http://127.0.0.1:{port}"),
                format!("http://localhost:{port}"),
            ],
            ..Self::default()
        }
    }

    fn is_https(&self) -> bool {
        self.public_url.starts_with("https://")
    }
}

/// What the pages are made from.
#[derive(Clone)]
pub struct WebState {
    pub store: Store,
    pub metrics: Arc<Metrics>,
    pub live: Arc<dyn Live>,
    /// `None` where no browser may call.
    pub browsers: Option<Arc<dyn Browsers>>,
    pub settings: WebSettings,
}

/// The state that handlers share.
struct App {
    store: Store,
    metrics: Arc<Metrics>,
    live: Arc<dyn Live>,
    browsers: Option<Arc<dyn Browsers>>,
    settings: WebSettings,
    gate: gate::Gate,
    views: gate::Views,
    call_backs: gate::CallBacks,
    streams: changes::Streams,
    /// Passwords that are hashed at the same time: each takes 19 MiB and some 50 ms.
    hashing: Semaphore,
}

type Shared = Arc<App>;

/// Everything under `/`. The runtime binds the listener; see [`serve`].
pub fn router(state: WebState) -> Router {
    let app = Arc::new(App {
        store: state.store,
        metrics: state.metrics,
        live: state.live,
        browsers: state.browsers,
        settings: state.settings,
        gate: gate::Gate::default(),
        views: gate::Views::default(),
        call_backs: gate::CallBacks::default(),
        streams: changes::Streams::default(),
        hashing: Semaphore::new(limits::HASHES_AT_ONCE),
    });
    routes::build(app)
}

/// The link of an offer, as it goes into the INVITE.
pub fn offer_url(public_url: &str, token: &str) -> String {
    format!("{}/offer/{token}", public_url.trim_end_matches('/'))
}
