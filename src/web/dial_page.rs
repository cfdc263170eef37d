//! The callers' page: one element, which the snippet fills. Another site needs the same two lines.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, html};

use super::{Shared, page};

pub(super) async fn page(State(app): State<Shared>) -> Response {
    let company = &app.settings.company;
    let body = html! {
        (DOCTYPE)
        html lang="en" {
            (page::head(&format!("Call {company}")))
            body.dial {
                main {
                    warmline-call {}
                    noscript { p { "Calling from this page needs JavaScript." } }
                }
                script type="module" src="/assets/call.js" {}
            }
        }
    };
    body.into_response()
}
