//! A server with users and example calls, and a client that keeps its cookies.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock};

use reqwest::{Client, RequestBuilder, Response, StatusCode, redirect};
use warmline::base::ids::{AgentId, CallId, OfferId};
use warmline::base::language::Language;
use warmline::call::event::Event;
use warmline::desk::{Agent, Desk, Settings};
use warmline::knowledge::Knowledge;
use warmline::publish::Metrics;
use warmline::runtime::desk::pages::Pages;
use warmline::runtime::desk::{self, DeskHandle};
use warmline::store::users::{self, Role};
use warmline::store::{Store, StoreSettings};
use warmline::web::{
    self, ActiveCall, DeskAgent, DeskLine, DeskView, Live, Part, PartState, WebSettings, WebState,
};

pub const PASSWORD: &str = "correct horse";

/// What the runtime would say.
#[derive(Default)]
pub struct TestLive {
    pub active: Mutex<Vec<ActiveCall>>,
    pub not_ready: Mutex<Option<String>>,
    pub answers: Mutex<Vec<(CallId, OfferId, bool)>>,
    /// What would reach the calls.
    pub events: Arc<Mutex<Vec<(CallId, Event)>>>,
    pages: OnceLock<Arc<Pages>>,
}

impl Live for TestLive {
    fn active(&self) -> Vec<ActiveCall> {
        self.active.lock().expect("a lock").clone()
    }

    fn parts(&self) -> Vec<Part> {
        let part = |name: &str, state, detail: &str| Part {
            name: name.into(),
            state,
            detail: detail.into(),
        };
        vec![
            part("recogniser", PartState::Ok, "ggml-base-q8_0, 2 workers, 0 wait"),
            part("voice", PartState::Degraded, "espeak-ng: the Piper voice is not there"),
            part("trunk_office", PartState::Ok, "registered, 3,214 s left"),
            part("recordings", PartState::Ok, "on, 1.2 of 20 GiB"),
        ]
    }

    fn not_ready(&self) -> Option<String> {
        self.not_ready.lock().expect("a lock").clone()
    }

    fn desk(&self) -> DeskView {
        let agent = |id: &str, name: &str, presence: &str| DeskAgent {
            id: id.into(),
            name: name.into(),
            presence: presence.into(),
        };
        DeskView {
            agents: vec![
                agent("anna", "Anna Schmidt", "talking"),
                agent("bert", "Bert Okafor", "free"),
                agent("cara", "Cara Lindqvist", "away"),
            ],
            waiting: 1,
            longest_wait_s: 42,
        }
    }

    fn changes(&self) -> tokio::sync::watch::Receiver<u64> {
        self.pages.get().expect("the desk is there").changes()
    }

    fn open_desk(&self, agent: Option<&AgentId>, name: &str) -> Option<DeskLine> {
        self.pages.get().and_then(|pages| pages.open(agent, name))
    }

    fn desk_schema(&self) -> serde_json::Value {
        warmline::desk::wire::schema()
    }

    fn answer_offer(&self, call: &CallId, offer: OfferId, accept: bool) -> bool {
        self.answers.lock().expect("a lock").push((call.clone(), offer, accept));
        true
    }
}

pub struct Server {
    pub address: SocketAddr,
    pub store: Store,
    pub live: Arc<TestLive>,
    pub metrics: Arc<Metrics>,
    // Used by the desk's tests alone.
    #[allow(dead_code)]
    pub pages: Arc<Pages>,
    #[allow(dead_code)]
    pub desk: DeskHandle,
    _folder: tempfile::TempDir,
}

impl Server {
    /// Starts with users `admin`, `super`, `anna` and `bert`, all with [`PASSWORD`].
    pub async fn start() -> Self {
        Self::start_on("127.0.0.1:0", None).await
    }

    pub async fn start_on(listen: &str, public_url: Option<&str>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(StoreSettings::in_folder(folder.path())).expect("a store");
        for (name, role) in [
            ("admin", Role::Admin),
            ("super", Role::Supervisor),
            ("anna", Role::Agent),
            ("bert", Role::Agent),
        ] {
            users::add(&store, name, PASSWORD, role, None).await.expect("a user");
        }
        let listener = tokio::net::TcpListener::bind(listen).await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let (live, metrics) = (Arc::new(TestLive::default()), Arc::new(Metrics::default()));
        let (pages, desk) = desk_of(&store, &live);
        let own = format!("http://{address}");
        let state = WebState {
            store: store.clone(),
            metrics: metrics.clone(),
            browsers: None,
            live: live.clone(),
            settings: WebSettings::listening_on(address, public_url.unwrap_or(&own)),
        };
        tokio::spawn(web::serve(listener, None, web::router(state), std::future::pending()));
        Self { address, store, live, metrics, pages, desk, _folder: folder }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A browser that is not logged in.
    pub fn browser(&self) -> Browser<'_> {
        let client = Client::builder().redirect(redirect::Policy::none()).build().expect("built");
        Browser { server: self, client, cookies: Mutex::default() }
    }

    /// A browser that is logged in.
    pub async fn logged_in(&self, name: &str) -> Browser<'_> {
        let browser = self.browser();
        let response = browser.log_in(name, PASSWORD).await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER, "{name} logs in");
        browser
    }
}

/// A real desk with Anna and Bert, whose calls are the test's.
fn desk_of(store: &Store, live: &TestLive) -> (Arc<Pages>, DeskHandle) {
    let ids = ["anna", "bert"].map(AgentId::from);
    let pages = Pages::new(
        "Northwind".into(),
        warmline::config::settings::Desk::default(),
        ids.clone(),
        Arc::new(Knowledge::embedded()),
        store.clone(),
        Client::new(),
    );
    let agents = ids.map(|id| {
        let name = if id.as_str() == "anna" { "Anna Schmidt" } else { "Bert Okafor" };
        Agent::new(id, name.into(), Vec::new(), vec![Language::english()])
    });
    let settings = Settings { wrap_up: std::time::Duration::from_secs(60), ..Settings::default() };
    let told = live.events.clone();
    let tell = move |call: &CallId, event: Event| {
        told.lock().expect("a lock").push((call.clone(), event));
    };
    let desk = desk::start(Desk::new(settings, agents.into()), pages.clone(), tell);
    let told = live.events.clone();
    pages.reach_calls(move |call, event| {
        told.lock().expect("a lock").push((call.clone(), event));
        true
    });
    let _ = live.pages.set(pages.clone());
    (pages, desk)
}

pub struct Browser<'a> {
    server: &'a Server,
    client: Client,
    pub cookies: Mutex<Vec<(String, String)>>,
}

impl Browser<'_> {
    pub fn get(&self, path: &str) -> RequestBuilder {
        self.with_cookies(self.client.get(self.server.url(path)))
    }

    /// As a form of our own page is sent.
    pub fn post(&self, path: &str) -> RequestBuilder {
        let request = self.client.post(self.server.url(path));
        self.with_cookies(request)
            .header("Origin", self.server.url(""))
            .header("Sec-Fetch-Site", "same-origin")
    }

    /// Without `Origin` and without cookies.
    pub fn bare(&self, method: reqwest::Method, path: &str) -> RequestBuilder {
        self.client.request(method, self.server.url(path))
    }

    pub fn with_cookies(&self, request: RequestBuilder) -> RequestBuilder {
        let cookies = self.cookies.lock().expect("a lock");
        let all: Vec<String> =
            cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        request.header("Cookie", all.join("; "))
    }

    /// Sends and keeps the cookies that come back.
    pub async fn send(&self, request: RequestBuilder) -> Response {
        let response = request.send().await.expect("an answer");
        let mut cookies = self.cookies.lock().expect("a lock");
        for header in response.headers().get_all("set-cookie") {
            let text = header.to_str().expect("text");
            let (name, rest) = text.split_once('=').expect("a pair");
            let value = rest.split(';').next().unwrap_or_default();
            cookies.retain(|(known, _)| known != name);
            if !value.is_empty() {
                cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        drop(cookies);
        response
    }

    pub async fn text(&self, path: &str) -> String {
        let response = self.send(self.get(path)).await;
        let status = response.status();
        assert_eq!(status, StatusCode::OK, "{path}");
        response.text().await.expect("text")
    }

    pub async fn status(&self, path: &str) -> StatusCode {
        self.send(self.get(path)).await.status()
    }

    pub async fn log_in(&self, name: &str, password: &str) -> Response {
        let form = self.text("/login?next=%2Fcalls").await;
        let fields = [("name", name), ("password", password), ("csrf", &csrf_of(&form))];
        self.send(self.post("/login").form(&fields)).await
    }

    /// The token of this browser's session, as its pages hold it.
    pub async fn csrf(&self) -> String {
        csrf_of(&self.text("/calls").await)
    }
}

/// The token in the first form of a page.
pub fn csrf_of(page: &str) -> String {
    let after = page.split("name=\"csrf\" value=\"").nth(1).expect("a token on the page");
    after.split('"').next().unwrap_or_default().to_owned()
}
