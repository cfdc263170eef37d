//! Log in and out.

use std::time::Instant;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};
use jiff::Timestamp;
use maud::{Markup, html};
use subtle::ConstantTimeEq;

use crate::store::tokens;
use crate::store::users;

use super::guard::{Actor, cookie_name};
use super::limits::HASH_WAIT_MAX;
use super::listen::Client;
use super::{Shared, WebSettings, page, query};

/// Holds the token of the login form until there is a session.
const FORM_COOKIE: &str = "warmline_form";

pub(super) async fn form(State(app): State<Shared>, RawQuery(text): RawQuery) -> Response {
    let fields = query::fields(text.unwrap_or_default().as_bytes());
    let next = query::value(&fields, "next", 500).unwrap_or_default();
    fresh_form(&app.settings, StatusCode::OK, &next, None)
}

fn fresh_form(
    settings: &WebSettings,
    status: StatusCode,
    next: &str,
    wrong: Option<&str>,
) -> Response {
    let token = tokens::draw();
    let cookie = strict_cookie(settings, FORM_COOKIE, &token);
    let body = body(&settings.company, &token, &local_path(next), wrong);
    (status, CookieJar::new().add(cookie), page::bare("Log in", body)).into_response()
}

fn body(company: &str, token: &str, next: &str, wrong: Option<&str>) -> Markup {
    html! {
        main.login {
            h1 { (page::mark()) "Warmline" }
            p.quiet { "Calls of " (company) }
            form method="post" action="/login" {
                input type="hidden" name="csrf" value=(token);
                input type="hidden" name="next" value=(next);
                label for="name" { "Name" }
                input #name name="name" autocomplete="username" required autofocus maxlength="64";
                label for="password" { "Password" }
                input #password name="password" type="password" autocomplete="current-password"
                    required maxlength="256";
                @if let Some(wrong) = wrong { p.wrong role="alert" { (wrong) } }
                button.primary type="submit" { "Log in" }
            }
        }
    }
}

pub(super) async fn submit(
    State(app): State<Shared>,
    peer: Option<Extension<ConnectInfo<Client>>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let address = peer.map_or([127, 0, 0, 1].into(), |info| info.0.0.0.ip());
    let fields = query::fields(&body);
    let field = |name, max| query::value(&fields, name, max).unwrap_or_default();
    let (name, next) = (field("name", 65), field("next", 500));
    let password = fields.iter().find(|(name, _)| name == "password").map(|(_, text)| text);
    let again = |status, why| fresh_form(&app.settings, status, &next, Some(why));

    let jar = CookieJar::from_headers(&headers);
    let held = jar.get(FORM_COOKIE).map(|cookie| cookie.value().to_owned()).unwrap_or_default();
    let same: bool = held.as_bytes().ct_eq(field("csrf", 64).as_bytes()).into();
    if held.is_empty() || !same {
        return again(StatusCode::FORBIDDEN, "The form was out of date. Please try again.");
    }
    if let Some(wait) = app.gate.wait(address, &name, Instant::now()) {
        let why = format!("Too many tries. Please wait {} minutes.", wait.as_secs() / 60 + 1);
        let mut response = again(StatusCode::TOO_MANY_REQUESTS, &why);
        let seconds = HeaderValue::from(wait.as_secs().max(1));
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
        return response;
    }
    // Counted before the password is looked at, so that tries side by side are counted too.
    app.gate.failed(address, &name, Instant::now());
    let turn = tokio::time::timeout(HASH_WAIT_MAX, app.hashing.acquire()).await;
    let Ok(Ok(_turn)) = turn else {
        return again(StatusCode::SERVICE_UNAVAILABLE, "Too many log in now. Please try again.");
    };
    let verified = users::verify(&app.store, &name, password.map_or("", String::as_str)).await;
    let source = address.to_string();
    match verified {
        Ok(Some(user)) => {
            app.gate.passed(address, &name);
            drop(app.store.audit(&user.name, "login", "", &source).await);
            match app.store.session_begin(&user.name, Timestamp::now()).await {
                Ok(token) => enter(&app.settings, &token, &next),
                Err(_) => again(StatusCode::SERVICE_UNAVAILABLE, "The store does not answer."),
            }
        }
        Ok(None) => {
            drop(app.store.audit(&name, "login_refused", "", &source).await);
            again(StatusCode::FORBIDDEN, "Name or password is wrong.")
        }
        Err(_) => again(StatusCode::SERVICE_UNAVAILABLE, "The store does not answer."),
    }
}

fn enter(settings: &WebSettings, token: &str, next: &str) -> Response {
    let jar = CookieJar::new()
        .add(strict_cookie(settings, cookie_name(settings), token))
        .add(ended(settings, FORM_COOKIE));
    (jar, Redirect::to(&local_path(next))).into_response()
}

pub(super) async fn logout(
    State(app): State<Shared>,
    Extension(actor): Extension<Actor>,
    headers: HeaderMap,
) -> Response {
    let name = cookie_name(&app.settings);
    if let Some(cookie) = CookieJar::from_headers(&headers).get(name)
        && let Err(fault) = app.store.session_end(cookie.value()).await
    {
        tracing::error!(%fault, "web: a session could not be ended");
        return page::notice(StatusCode::SERVICE_UNAVAILABLE, "You are still logged in.");
    }
    drop(app.store.audit(&actor.user.name, "logout", "", &actor.address.to_string()).await);
    (CookieJar::new().add(ended(&app.settings, name)), Redirect::to("/login")).into_response()
}

fn strict_cookie(settings: &WebSettings, name: &'static str, value: &str) -> Cookie<'static> {
    Cookie::build((name, value.to_owned()))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Strict)
        .secure(settings.is_https())
        .build()
}

fn ended(settings: &WebSettings, name: &'static str) -> Cookie<'static> {
    let mut cookie = strict_cookie(settings, name, "");
    cookie.make_removal();
    cookie
}

/// A path of ours to go on to after the login; anything else leads home. `//host` and `/\host`
/// would lead browsers to another site.
fn local_path(next: &str) -> String {
    let good = next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains(['\\', '\n', '\r', '\t'])
        && next.is_ascii();
    if good { next.to_owned() } else { "/".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leads_nowhere_else() {
        for next in ["//evil.example", "/\\evil", "https://evil.example", "", "/a\r\nSet-Cookie:x"]
        {
            assert_eq!(local_path(next), "/", "{next:?}");
        }
        assert_eq!(local_path("/offer/abc?x=1"), "/offer/abc?x=1");
    }
}
