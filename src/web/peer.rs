//! An agent's browser, under the agent's session: `POST /desk/peer` with an SDP offer opens the
//! one connection of the shift (201, `Location`, answer) or takes it up after a reload. On
//! `/desk/peer/{token}` `PATCH` restarts ICE and `DELETE` tells that this very page was left: 404
//! where another page has the seat now.

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::base::ids::AgentId;

use super::dial::{answered, offer_in, refusal};
use super::guard::Actor;
use super::{Answered, App, Browsers, Refused, Shared, api};

fn seat<'a>(app: &'a App, actor: &Actor) -> Result<(&'a dyn Browsers, AgentId), Response> {
    let agent = actor.user.agent.clone().map(AgentId);
    let agent = agent.ok_or_else(|| api::error(StatusCode::FORBIDDEN, "this user is no agent"))?;
    let browsers = app.browsers.as_deref().ok_or_else(|| refusal(Refused::Off))?;
    Ok((browsers, agent))
}

pub(super) async fn sit_down(
    State(app): State<Shared>,
    Extension(actor): Extension<Actor>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let seated = async {
        let offer = offer_in(&headers, &body)?;
        let (browsers, agent) = seat(&app, &actor)?;
        browsers.sit_down(&agent, offer).await.map_err(refusal)
    };
    match seated.await {
        Ok(Answered { token, answer }) => {
            answered(StatusCode::CREATED, Some(format!("/desk/peer/{token}")), answer)
        }
        Err(refusal) => refusal,
    }
}

pub(super) async fn restart(
    State(app): State<Shared>,
    Extension(actor): Extension<Actor>,
    Path(token): Path<String>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let restarted = async {
        let offer = offer_in(&headers, &body)?;
        let (browsers, agent) = seat(&app, &actor)?;
        browsers.restart_seat(&agent, &token, offer).await.map_err(refusal)
    };
    restarted.await.map_or_else(|no| no, |sdp| answered(StatusCode::OK, None, sdp))
}

pub(super) async fn leave(
    State(app): State<Shared>,
    Extension(actor): Extension<Actor>,
    Path(token): Path<String>,
) -> Response {
    match seat(&app, &actor) {
        Ok((browsers, agent)) if browsers.leave_seat(&agent, &token) => {
            StatusCode::NO_CONTENT.into_response()
        }
        Ok(_) => refusal(Refused::Gone),
        Err(refusal) => refusal,
    }
}

/// What the desk needs to connect: servers for TURN, if any.
pub(super) async fn entrance(
    State(app): State<Shared>,
    Extension(actor): Extension<Actor>,
) -> Response {
    match seat(&app, &actor) {
        Ok((browsers, _)) => axum::Json(browsers.entrance()).into_response(),
        Err(refusal) => refusal,
    }
}
