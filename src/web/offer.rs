//! The page behind an offer's link: read in three seconds, open for that offer's agent.

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use maud::{Markup, html};

use crate::base::card::{Line, OfferCard, Speaker};

use super::guard::Actor;
use super::{App, Shared, page, status, stream};

/// Why an offer is not shown.
pub(super) enum Unseen {
    /// No such offer, closed, or another agent's: not told apart.
    Gone,
    StoreDown,
}

/// The card, if the link is open and belongs to this user's agent.
pub(super) async fn seen(app: &App, actor: &Actor, token: &str) -> Result<OfferCard, Unseen> {
    match app.store.offer(token, Timestamp::now()).await {
        Ok(Some(card)) if actor.user.agent.as_deref() == Some(card.agent.as_str()) => Ok(card),
        Ok(Some(_) | None) => Err(Unseen::Gone),
        Err(_) => Err(Unseen::StoreDown),
    }
}

fn refusal(unseen: Unseen) -> Response {
    match unseen {
        Unseen::Gone => {
            page::notice(StatusCode::NOT_FOUND, "this offer is over, or was made to somebody else")
        }
        Unseen::StoreDown => status::store_down(),
    }
}

pub(super) async fn page(
    State(app): State<Shared>,
    Extension(actor): Extension<Actor>,
    Path(token): Path<String>,
) -> Response {
    match seen(&app, &actor, &token).await {
        Ok(card) => {
            let stage = stage(&app, &card).await;
            let body = whole(&actor, &card, &token, stage);
            page::framed("Offer", "", &actor, body).into_response()
        }
        Err(unseen) => refusal(unseen),
    }
}

/// How far the offer has come.
#[derive(Clone, Copy)]
enum Stage {
    Open,
    Accepted,
    /// The call is over; wrap-up runs.
    Over,
}

async fn stage(app: &App, card: &OfferCard) -> Stage {
    match app.store.call(&card.call).await {
        Ok(Some(call)) if call.head.ended_ms.is_some() => Stage::Over,
        Ok(Some(call)) if call.agents.contains(&card.agent.0) => Stage::Accepted,
        Ok(Some(_) | None) | Err(_) => Stage::Open,
    }
}

pub(super) async fn accept(
    state: State<Shared>,
    actor: Extension<Actor>,
    token: Path<String>,
) -> Response {
    answer(state, actor, token, true).await
}

pub(super) async fn decline(
    state: State<Shared>,
    actor: Extension<Actor>,
    token: Path<String>,
) -> Response {
    answer(state, actor, token, false).await
}

async fn answer(
    State(app): State<Shared>,
    Extension(actor): Extension<Actor>,
    Path(token): Path<String>,
    yes: bool,
) -> Response {
    let card = match seen(&app, &actor, &token).await {
        Ok(card) => card,
        Err(unseen) => return refusal(unseen),
    };
    let what = if yes { "accept_offer" } else { "decline_offer" };
    let source = actor.address.to_string();
    drop(app.store.audit(&actor.user.name, what, card.call.as_str(), &source).await);
    match (app.live.answer_offer(&card.call, card.offer, yes), yes) {
        (true, true) => Redirect::to(&format!("/offer/{token}")).into_response(),
        (true, false) => Redirect::to("/calls").into_response(),
        (false, _) => page::notice(StatusCode::CONFLICT, "this call is no longer offered to you"),
    }
}

fn answering(actor: &Actor, card: &OfferCard, token: &str, stage: Stage) -> Markup {
    let call = format!("/calls/{}", card.call);
    html! {
        div.answer {
            @match stage {
                Stage::Open => {
                    form method="post" action={ "/offer/" (token) "/accept" } {
                        (page::csrf(actor)) button.primary type="submit" { "Accept" }
                    }
                    form method="post" action={ "/offer/" (token) "/decline" } {
                        (page::csrf(actor)) button type="submit" { "Decline" }
                    }
                    span.quiet { "or press 1 / 2 on the phone" }
                }
                Stage::Accepted => {
                    span.chip.live { "You have this call" } a href=(call) { "Go on with the live transcript" }
                }
                Stage::Over => {
                    span.chip.flat { "The call is over: wrap-up" } a href=(call) { "The whole call" }
                }
            }
        }
    }
}

fn whole(actor: &Actor, card: &OfferCard, token: &str, stage: Stage) -> Markup {
    let name = card.caller_name.as_ref().map(|text| text.reveal().as_str());
    let number = card.caller_number.as_ref().map(|text| text.reveal().as_str());
    html! {
        article.offer {
            p.summary { (card.summary) }
            div.headline {
                span.who { (page::caller(name, number)) }
                span class={ "chip " (if card.priority <= crate::base::card::Priority::P1 { "bad" } else { "flat" }) } {
                    (format!("{:?}", card.priority))
                }
                @if let Some(skill) = &card.skill {
                    span.chip.flat { (page::words(skill.as_str())) }
                }
                span.chip.flat { (card.language.code()) }
                (page::stress_bar(f64::from(card.stress)))
            }
            div #offer data-poll={ "/offer/" (token) } { (answering(actor, card, token, stage)) }
            div.columns {
                section {
                    h2 { "Transcript" }
                    ol.transcript { @for line in &card.transcript { (said(line)) } }
                }
                aside { (about(card)) }
            }
        }
    }
}

fn said(line: &Line) -> Markup {
    let (class, name) = match line.speaker {
        Speaker::Caller => ("said caller", "Caller"),
        Speaker::Machine => ("said machine", "Machine"),
        Speaker::Agent => ("said agent", "Agent"),
    };
    html! {
        li class=(class) {
            span.time { (line.at.clock()) } span.speaker { (name) }
            p.text { (line.text.reveal()) }
        }
    }
}

fn about(card: &OfferCard) -> Markup {
    html! {
        @if let Some(intent) = &card.intent { h2 { "Wants" } p { (intent) } }
        h2 { "Why a person" }
        (stream::reasons(&card.reasons))
        @if !card.slots.is_empty() {
            h2 { "Given" }
            dl { @for slot in &card.slots {
                dt { (page::words(&slot.name)) }
                dd title=(slot.source.reveal()) { strong { (slot.value.reveal()) } }
            } }
        }
        @if !card.tried.is_empty() {
            h2 { "Already tried" }
            ul.reasons { @for tried in &card.tried { li { (tried) } } }
        }
        @if let Some(draft) = &card.draft { h2 { "Drafted answer" } blockquote { (draft) } }
    }
}
