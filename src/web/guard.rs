//! Stands before every handler: who asks, may they, and does the form come from our own page.

use std::net::{IpAddr, Ipv4Addr};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::CookieJar;
use jiff::Timestamp;
use subtle::ConstantTimeEq;

use crate::store::users::{self, Role, User};

use super::body::Refused;
use super::limits::BODY_BYTES_MAX;
use super::listen::Client;
use super::routes::Access;
use super::{App, Shared, WebSettings, page};

#[derive(Clone)]
pub(super) struct Guard {
    pub(super) app: Shared,
    pub(super) access: Access,
}

/// Who asks. Made only by the guard.
#[derive(Clone, Debug)]
pub struct Actor {
    pub(super) user: User,
    /// For forms of a logged-in browser; empty for a program's token.
    pub(super) csrf: String,
    pub(super) address: IpAddr,
}

impl Actor {
    /// The agent to whose calls this user is bound; `None` if all calls may be seen.
    pub(super) fn only_agent(&self) -> Option<String> {
        match self.user.role {
            // An agent without an agent's name sees nothing: no name matches the empty one.
            Role::Agent => Some(self.user.agent.clone().unwrap_or_default()),
            Role::Supervisor | Role::Admin => None,
        }
    }

    pub(super) fn is(&self, role: Role) -> bool {
        self.user.role >= role
    }
}

/// The name of the session's cookie. `__Host-` binds it to this host and to HTTPS.
pub(super) fn cookie_name(settings: &WebSettings) -> &'static str {
    if settings.is_https() { "__Host-warmline" } else { "warmline" }
}

pub(super) async fn stand_before(
    State(guard): State<Guard>,
    request: Request,
    next: Next,
) -> Response {
    if guard.access == Access::Caller {
        return stand_before_callers(&guard.app, request, next).await;
    }
    if let Some(refused) = request.extensions().get::<Refused>() {
        return refused.answer(guard.access);
    }
    match admit(&guard, request).await {
        Ok(request) => next.run(request).await,
        Err(refusal) => refusal,
    }
}

/// From where a caller's page asks. Made only by the guard.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub(super) address: IpAddr,
}

/// The page's origin, where it is not our own.
#[derive(Clone, Debug)]
pub(super) struct CallerOrigin {
    pub(super) foreign: Option<String>,
}

/// Callers need no login, but their page must be ours or of an allowed site.
async fn stand_before_callers(app: &App, mut request: Request, next: Next) -> Response {
    let origin = match caller_origin(app, request.headers(), request.method()) {
        Ok(origin) => origin,
        Err(why) => return refuse_with(Access::Caller, StatusCode::FORBIDDEN, why),
    };
    let address = behind_proxy(address_of(&request), request.headers());
    request.extensions_mut().insert(Asked { address });
    let mut response = match request.extensions().get::<Refused>() {
        Some(refused) => refused.answer(Access::Caller),
        None => next.run(request).await,
    };
    super::dial::share(&mut response, &origin);
    response
}

fn caller_origin(
    app: &App,
    headers: &HeaderMap,
    method: &Method,
) -> Result<CallerOrigin, &'static str> {
    let Some(origin) = headers.get(header::ORIGIN) else {
        // Browsers name the origin of everything but a page's own reading.
        return match *method == Method::GET {
            true => Ok(CallerOrigin { foreign: None }),
            false => Err("the request does not say where it comes from"),
        };
    };
    let origin = origin.to_str().map_err(|_| "the request comes from nowhere known")?;
    if is_own(app, origin) {
        return Ok(CallerOrigin { foreign: None });
    }
    let allowed = app
        .browsers
        .as_ref()
        .is_some_and(|browsers| browsers.allowed_origins().iter().any(|allowed| allowed == origin));
    match allowed {
        true => Ok(CallerOrigin { foreign: Some(origin.to_owned()) }),
        false => Err("this site may not call here"),
    }
}

/// A proxy on this machine names whom it speaks for, last in the list; nobody else is believed.
fn behind_proxy(address: IpAddr, headers: &HeaderMap) -> IpAddr {
    let named = headers.get("x-forwarded-for").and_then(|value| value.to_str().ok());
    let last = named.and_then(|list| list.rsplit(',').next()?.trim().parse().ok());
    last.filter(|_| address.is_loopback()).unwrap_or(address)
}

async fn admit(guard: &Guard, mut request: Request) -> Result<Request, Response> {
    let (app, access) = (&guard.app, guard.access);
    let role = match access {
        // Those of callers were stopped before.
        Access::Open | Access::Caller => return Ok(request),
        Access::OpenForm => {
            own_page(app, request.headers()).map_err(|why| refuse(access, why))?;
            return Ok(request);
        }
        Access::Page(role) | Access::Api(role) => role,
        Access::Socket(role) => {
            // Browsers let any site open a WebSocket and send our cookies with it (RFC 6455, 10.2).
            own_page(app, request.headers()).map_err(|why| refuse(access, why))?;
            role
        }
    };
    let address = address_of(&request);
    // Only the headers: a body may not be shared across an await.
    let known = authenticate(app, request.headers(), address).await;
    let (actor, by_cookie) = known.map_err(|()| failure(access))?;
    let Some(actor) = actor else { return Err(to_login(access, &request)) };
    if !actor.is(role) {
        return Err(refuse(access, "your role does not allow this"));
    }
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if !safe {
        // A program's token comes with no browser's help; but where an Origin is named it is
        // held to the same rule.
        if by_cookie || request.headers().contains_key(header::ORIGIN) {
            own_page(app, request.headers()).map_err(|why| refuse(access, why))?;
        }
        if by_cookie {
            request = with_right_token(request, &actor.csrf)
                .await
                .map_err(|status| refuse_with(access, status, "the form is out of date"))?;
        }
    }
    request.extensions_mut().insert(actor);
    Ok(request)
}

async fn authenticate(
    app: &App,
    headers: &HeaderMap,
    address: IpAddr,
) -> Result<(Option<Actor>, bool), ()> {
    if let Some(token) = bearer(headers) {
        let user = users::by_api_token(&app.store, token).await.map_err(log)?;
        return Ok((user.map(|user| Actor { user, csrf: String::new(), address }), false));
    }
    let jar = CookieJar::from_headers(headers);
    let Some(cookie) = jar.get(cookie_name(&app.settings)) else { return Ok((None, true)) };
    let session = app.store.session(cookie.value(), Timestamp::now()).await.map_err(log)?;
    let actor = session.map(|found| Actor { user: found.user, csrf: found.csrf, address });
    Ok((actor, true))
}

fn log(fault: crate::store::StoreFault) {
    tracing::error!(%fault, "web: the store did not answer");
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ").map(str::trim)
}

/// Where the request came from; loopback where the server does not say.
pub(super) fn address_of(request: &Request) -> IpAddr {
    let peer = request.extensions().get::<ConnectInfo<Client>>();
    peer.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |info| info.0.0.ip())
}

/// A request that changes something must name one of our origins (RFC 6454), and browsers that
/// say where it was made must say that it was made here.
fn own_page(app: &App, headers: &HeaderMap) -> Result<(), &'static str> {
    if let Some(site) = headers.get("sec-fetch-site")
        && site != "same-origin"
    {
        return Err("the request was made by another site");
    }
    let origin = headers.get(header::ORIGIN).and_then(|value| value.to_str().ok());
    let Some(origin) = origin else { return Err("the request does not say where it comes from") };
    if is_own(app, origin) { Ok(()) } else { Err("the request comes from another site") }
}

fn is_own(app: &App, origin: &str) -> bool {
    let settings = &app.settings;
    origin_of(&settings.public_url) == Some(origin)
        || settings.origins.iter().any(|own| own == origin)
}

/// `https://host:port` of an address, without what follows.
fn origin_of(url: &str) -> Option<&str> {
    let after = url.find("://")? + 3;
    let end = url.get(after..)?.find('/').map_or(url.len(), |slash| after + slash);
    url.get(..end)
}

/// Compares the session's token with the header `X-CSRF-Token` or the form's field `csrf`; the
/// body is read (within its bound) and put back.
async fn with_right_token(request: Request, right: &str) -> Result<Request, StatusCode> {
    let (parts, body) = request.into_parts();
    let bytes: Bytes =
        to_bytes(body, BODY_BYTES_MAX).await.map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)?;
    let header = parts.headers.get("x-csrf-token").and_then(|value| value.to_str().ok());
    let given = match header {
        Some(token) => token.to_owned(),
        None => form_token(&bytes),
    };
    let same: bool = given.as_bytes().ct_eq(right.as_bytes()).into();
    if right.is_empty() || !same {
        return Err(StatusCode::FORBIDDEN);
    }
    Ok(Request::from_parts(parts, Body::from(bytes)))
}

fn form_token(body: &[u8]) -> String {
    let field = super::query::fields(body).into_iter().find(|(name, _)| name == "csrf");
    field.map(|(_, value)| value).unwrap_or_default()
}

fn to_login(access: Access, request: &Request) -> Response {
    match access {
        Access::Api(_) | Access::Socket(_) => {
            refuse_with(access, StatusCode::UNAUTHORIZED, "log in or send a token")
        }
        Access::Page(_) | Access::Open | Access::OpenForm | Access::Caller => {
            if *request.method() != Method::GET {
                return refuse_with(access, StatusCode::FORBIDDEN, "log in first");
            }
            let next = request.uri().path_and_query().map_or("/", |text| text.as_str());
            let next = super::query::encode(next);
            Redirect::to(&format!("/login?next={next}")).into_response()
        }
    }
}

fn refuse(access: Access, why: &str) -> Response {
    refuse_with(access, StatusCode::FORBIDDEN, why)
}

fn failure(access: Access) -> Response {
    refuse_with(access, StatusCode::SERVICE_UNAVAILABLE, "the store does not answer")
}

pub(super) fn refuse_with(access: Access, status: StatusCode, why: &str) -> Response {
    match access {
        Access::Api(_) | Access::Socket(_) | Access::Caller => super::api::error(status, why),
        Access::Page(_) | Access::Open | Access::OpenForm => page::notice(status, why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_proxy_on_this_machine_is_believed() {
        let mut headers = HeaderMap::new();
        let (own, other): (IpAddr, IpAddr) = ([127, 0, 0, 1].into(), [192, 0, 2, 1].into());
        assert_eq!(behind_proxy(own, &headers), own);
        headers.insert("x-forwarded-for", "10.9.9.9, 203.0.113.7".parse().unwrap());
        assert_eq!(behind_proxy(own, &headers), IpAddr::from([203, 0, 113, 7]));
        assert_eq!(behind_proxy(other, &headers), other);
    }

    #[test]
    fn origins_are_cut_from_addresses() {
        for (url, origin) in [
            ("https://a.example/x/y", Some("https://a.example")),
            ("http://127.0.0.1:8080", Some("http://127.0.0.1:8080")),
            ("nonsense", None),
        ] {
            assert_eq!(origin_of(url), origin, "{url}");
        }
    }
}
