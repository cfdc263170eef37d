//! Who may do what: login, sessions, forms of other sites, roles, links to offers.

use jiff::Timestamp;
use reqwest::{Method, StatusCode};
use warmline::base::disposition::Disposition;
use warmline::base::ids::{AgentId, OfferId};
use warmline::base::moment::Moment;
use warmline::call::command::TransferStep;
use warmline::store::users;
use warmline::web::routes::{self, Access};

use super::example;
use super::server::{PASSWORD, Server, csrf_of};

#[tokio::test(flavor = "multi_thread")]
async fn login_begins_a_new_session_and_logout_ends_it() {
    let server = Server::start().await;
    let browser = server.browser();
    let response = browser.send(browser.get("/calls?q=a%26b")).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    assert_eq!(response.headers()["location"], "/login?next=%2Fcalls%3Fq%3Da%2526b");

    let fixed = "A".repeat(32);
    browser.cookies.lock().expect("a lock").push(("warmline".into(), fixed.clone()));
    let wrong = browser.log_in("anna", "wrong password").await;
    assert_eq!(wrong.status(), StatusCode::FORBIDDEN);
    assert!(wrong.text().await.expect("text").contains("Name or password is wrong"));
    let right = browser.log_in("anna", PASSWORD).await;
    assert_eq!(right.status(), StatusCode::SEE_OTHER);
    let cookie = right
        .headers()
        .get_all("set-cookie")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .find(|value| value.starts_with("warmline="))
        .expect("a session")
        .to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    assert!(!cookie.contains(&fixed), "the token is new at login");
    assert_eq!(browser.status("/calls").await, StatusCode::OK);

    let token = browser.csrf().await;
    let kept = browser.cookies.lock().expect("a lock").clone();
    let out = browser.send(browser.post("/logout").form(&[("csrf", token)])).await;
    assert_eq!(out.status(), StatusCode::SEE_OTHER);
    *browser.cookies.lock().expect("a lock") = kept;
    assert_eq!(browser.status("/calls").await, StatusCode::SEE_OTHER, "the token is dead");
}

#[tokio::test(flavor = "multi_thread")]
async fn cookies_are_secure_behind_https() {
    let server = Server::start_on("127.0.0.1:0", Some("https://calls.example.org")).await;
    let browser = server.browser();
    let form = browser.text("/login").await;
    let fields = [("name", "anna"), ("password", PASSWORD), ("csrf", &csrf_of(&form))];
    let request = browser.bare(Method::POST, "/login").form(&fields);
    let request = browser.with_cookies(request).header("Origin", "https://calls.example.org");
    let response = browser.send(request).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    assert!(response.headers().contains_key("strict-transport-security"));
    let cookies: Vec<&str> = response
        .headers()
        .get_all("set-cookie")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    let session = cookies.iter().find(|cookie| cookie.starts_with("__Host-warmline="));
    let session = session.expect("a session");
    assert!(session.contains("Secure") && session.contains("Path=/"), "{session}");
    assert!(!session.contains("Domain"), "{session}");
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_cannot_be_tried_at_speed() {
    let server = Server::start().await;
    let browser = server.browser();
    let mut refused = 0;
    for _ in 0..12 {
        let response = browser.log_in("anna", "wrong password").await;
        if response.status() == StatusCode::TOO_MANY_REQUESTS {
            assert!(response.headers().contains_key("retry-after"));
            refused += 1;
        }
    }
    assert_eq!(refused, 4, "eight tries, then a wait");
    let right = browser.log_in("anna", PASSWORD).await;
    assert_eq!(right.status(), StatusCode::TOO_MANY_REQUESTS, "even the right one waits");
    assert_eq!(browser.log_in("bert", PASSWORD).await.status(), StatusCode::SEE_OTHER);
}

/// A path of the table with its parameters filled in.
fn filled(path: &str) -> String {
    path.replace("{id}", example::call_id(1).as_str()).replace("{token}", &"a".repeat(32))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_state_is_refused_without_token_and_from_elsewhere() {
    let server = Server::start().await;
    example::complaint(&server.store, 1, Timestamp::now()).await;
    let admin = server.logged_in("admin").await;
    let token = admin.csrf().await;
    let own = server.url("");
    let mut tested = 0;
    for route in routes::table().into_iter().filter(routes::Route::changes_state) {
        let path = filled(route.path);
        let post = || admin.with_cookies(admin.bare(route.method.clone(), &path));
        let form = [("csrf", token.as_str()), ("sure", "yes"), ("name", "x"), ("number", "1")];
        let elsewhere = "https://evil.example";
        let wrong = [("csrf", "A".repeat(32))];
        let mut attempts = vec![
            ("no session", admin.bare(route.method.clone(), &path).form(&form)),
            ("no origin", post().form(&form)),
            ("another origin", post().header("Origin", elsewhere).form(&form)),
            ("a null origin", post().header("Origin", "null").form(&form)),
            ("our name as a prefix", post().header("Origin", format!("{own}.evil")).form(&form)),
            ("no token", post().header("Origin", &own).form(&[("sure", "yes")])),
            ("another token", post().header("Origin", &own).form(&wrong)),
            (
                "a cross-site fetch",
                post().header("Origin", &own).header("Sec-Fetch-Site", "cross-site").form(&form),
            ),
        ];
        if route.access == Access::OpenForm {
            // The login has no session yet; its token is in the form's own cookie.
            attempts.retain(|(why, _)| *why != "no session");
        }
        for (why, request) in attempts {
            let status = request.send().await.expect("an answer").status();
            let refused = [StatusCode::FORBIDDEN, StatusCode::UNAUTHORIZED];
            assert!(refused.contains(&status), "{path} with {why}: {status}");
            tested += 1;
        }
        let other = routes::table()
            .iter()
            .any(|known| known.path == route.path && known.method == Method::GET);
        if !other {
            let status = admin.status(&path).await;
            assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED, "GET {path}");
        }
    }
    assert!(tested > 40, "only {tested} attempts");
    let call = server.store.call(&example::call_id(1)).await.expect("an answer");
    assert!(call.is_some(), "nothing was erased");
    assert!(server.live.answers.lock().expect("a lock").is_empty(), "nothing was answered");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_but_the_open_ones_asks_for_a_login() {
    let server = Server::start().await;
    let stranger = server.browser();
    let open = ["/login", "/healthz", "/readyz", "/metrics", "/assets/{name}"];
    for route in routes::table().into_iter().filter(|route| !route.changes_state()) {
        let status = stranger.status(&filled(route.path)).await;
        match route.access {
            Access::Open => assert!(open.contains(&route.path), "{} is open", route.path),
            Access::OpenForm => panic!("{} is no form", route.path),
            Access::Page(_) => assert_eq!(status, StatusCode::SEE_OTHER, "{}", route.path),
            Access::Api(_) => assert_eq!(status, StatusCode::UNAUTHORIZED, "{}", route.path),
            // Without an Origin of ours nobody is even asked for a login.
            Access::Socket(_) => assert_eq!(status, StatusCode::FORBIDDEN, "{}", route.path),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_see_their_own_calls_only() {
    let server = Server::start().await;
    let began = Timestamp::now();
    let call = example::complaint(&server.store, 1, began).await;
    example::end(&server.store, &call, began, Disposition::Transferred, 96_000).await;
    let (anna, bert) = (server.logged_in("anna").await, server.logged_in("bert").await);
    for path in ["/calls/{id}", "/calls/{id}/audio", "/api/calls/{id}", "/api/calls/{id}/vcon"] {
        let path = filled(path);
        assert_eq!(anna.status(&path).await, StatusCode::OK, "anna {path}");
        assert_eq!(bert.status(&path).await, StatusCode::NOT_FOUND, "bert {path}");
    }
    assert!(anna.text("/calls").await.contains("Marta Ellison"));
    for path in ["/calls", "/calls?agent=anna", "/api/calls?agent=anna", "/calls/live"] {
        assert!(!bert.text(path).await.contains("Marta"), "bert {path}");
    }
    for path in ["/status", "/audit", "/api/live"] {
        assert_eq!(anna.status(path).await, StatusCode::FORBIDDEN, "{path}");
    }
    let supervisor = server.logged_in("super").await;
    assert_eq!(supervisor.status(&filled("/calls/{id}")).await, StatusCode::OK);
    assert_eq!(supervisor.status("/audit").await, StatusCode::FORBIDDEN);
    let form = [("csrf", supervisor.csrf().await), ("sure", "yes".into())];
    let request = supervisor.post(&filled("/calls/{id}/erase")).form(&form);
    assert_eq!(supervisor.send(request).await.status(), StatusCode::FORBIDDEN);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_opens_for_its_agent_until_wrap_up_ends() {
    let server = Server::start().await;
    let began = Timestamp::now();
    let call = example::complaint(&server.store, 1, began).await;
    let card = example::card(&call, "anna");
    let token = server.store.offer_opened(&card, began).await.expect("opened");
    let (page, json) = (format!("/offer/{token}"), format!("/api/offers/{token}"));
    let stranger = server.browser();
    assert_eq!(stranger.status(&page).await, StatusCode::SEE_OTHER, "log in first");
    assert_eq!(stranger.status(&json).await, StatusCode::UNAUTHORIZED);
    let (anna, bert) = (server.logged_in("anna").await, server.logged_in("bert").await);
    assert!(anna.text(&page).await.contains("order 4217 is a week late"));
    assert!(anna.text(&json).await.contains("\"offer\":1"));
    for browser in [&bert, &server.logged_in("admin").await] {
        assert_eq!(browser.status(&page).await, StatusCode::NOT_FOUND);
        assert_eq!(browser.status(&json).await, StatusCode::NOT_FOUND);
    }

    let form = [("csrf", anna.csrf().await)];
    let accept = anna.send(anna.post(&format!("{page}/accept")).form(&form)).await;
    assert_eq!(accept.status(), StatusCode::SEE_OTHER);
    let form = [("csrf", bert.csrf().await)];
    let stolen = bert.send(bert.post(&format!("{page}/accept")).form(&form)).await;
    assert_eq!(stolen.status(), StatusCode::NOT_FOUND);
    let answers = server.live.answers.lock().expect("a lock").clone();
    assert_eq!(answers, [(call.clone(), OfferId(1), true)]);
    assert!(!anna.text(&page).await.contains("/accept"), "who has the call need not accept it");

    let now = Timestamp::now();
    let end = server.store.ended(&call, Moment(96_000), now, Disposition::Transferred).await;
    end.await.expect("kept");
    assert_eq!(anna.status(&page).await, StatusCode::OK, "wrap-up");
    let over = server.store.wrap_up_ended(&call, &AgentId::from("anna"), Timestamp::now()).await;
    over.await.expect("kept");
    assert_eq!(anna.status(&page).await, StatusCode::NOT_FOUND, "wrap-up is over");
    assert_eq!(anna.status(&json).await, StatusCode::NOT_FOUND, "wrap-up is over");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_that_was_declined_is_closed() {
    let server = Server::start().await;
    let began = Timestamp::now();
    let call = example::complaint(&server.store, 1, began).await;
    let card = example::card(&call, "anna");
    let token = server.store.offer_opened(&card, began).await.expect("opened");
    let declined = TransferStep::Declined { agent: AgentId::from("anna") };
    let fact = example::transfer(declined);
    server.store.note(&call, Moment(1), Timestamp::now(), fact).await.await.expect("kept");
    let anna = server.logged_in("anna").await;
    assert_eq!(anna.status(&format!("/offer/{token}")).await, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_use_tokens() {
    let server = Server::start().await;
    let token = users::add_api_token(&server.store, "super", "crm").await.expect("made");
    let program = server.browser();
    let ask = |token: &str| {
        let request = program.bare(Method::GET, "/api/calls");
        request.header("Authorization", format!("Bearer {token}")).send()
    };
    assert_eq!(ask(&token).await.expect("an answer").status(), StatusCode::OK);
    let wrong = "A".repeat(32);
    assert_eq!(ask(&wrong).await.expect("an answer").status(), StatusCode::UNAUTHORIZED);
    users::set_password(&server.store, "super", "another password").await.expect("set");
    assert_eq!(ask(&token).await.expect("an answer").status(), StatusCode::UNAUTHORIZED);
}
