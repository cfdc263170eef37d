//! The web's routes for browsers, as the runtime answers them.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use tokio::sync::mpsc;

use crate::base::ids::{AgentId, ConnectorId, RequestId};
use crate::knowledge::connector::Connector;
use crate::runtime::lookups;
use crate::runtime::shared::Shared;
use crate::web::{Answered, CallBack, CallerPage, Caption, Entrance, IceServer, Refused, browser};
use crate::webrtc::turn;

use super::{caller, seat};

/// Credentials for TURN end after this: longer than any call.
const TURN_LASTS_S: u64 = 4 * 3_600;
/// The connector that is told of a wish to be called back, where the operator has one.
const CALL_BACK: &str = "call_back";
const REQUEST: RequestId = RequestId(0);
const DIGITS: std::ops::RangeInclusive<usize> = 4..=15;

/// The disk may take so long to keep a wish; then the page says that it did not work.
const KEEP_MAX: Duration = Duration::from_secs(5);
/// Whom a wish was passed on to, as the page of call-backs shows it.
const BUSINESS_SYSTEM: &str = "the business system";

/// The business system is told of a wish. It stays open here unless that system took it.
async fn pass_on(
    shared: Arc<Shared>,
    connector: Connector,
    fields: Vec<(String, String)>,
    id: i64,
) {
    let call = crate::runtime::dispatch::new_call_id(Timestamp::now());
    let told = lookups::ask(&shared.http, &connector, &fields, &call, REQUEST).await;
    let closed = match told {
        Ok(_) => shared.store.close_call_back(id, BUSINESS_SYSTEM).await,
        Err(why) => {
            tracing::warn!(?why, "the business system was not told of a call-back; it stays open");
            return;
        }
    };
    if let Err(fault) = closed {
        tracing::error!(%fault, "a call-back that was passed on could not be closed");
    }
}

/// Implements the web's trait over the running server.
pub struct Door(pub Arc<Shared>);

#[async_trait::async_trait]
impl browser::Browsers for Door {
    fn allowed_origins(&self) -> &[String] {
        &self.0.config.browser.allowed_origins
    }

    fn entrance(&self) -> Entrance {
        let config = &self.0.config;
        let mut ice_servers = Vec::new();
        if let Some(secret) = &config.browser.turn_secret {
            let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let made = turn::credentials(secret.reveal(), "warmline", unix.as_secs(), TURN_LASTS_S);
            ice_servers.push(IceServer {
                urls: config.browser.turn_urls.clone(),
                username: made.user,
                credential: made.password,
            });
        }
        Entrance {
            company: config.company.name.clone(),
            phone: config.browser.phone.clone(),
            ice_servers,
            recorded: config.recording.on,
        }
    }

    async fn call(&self, offer: &str, page: CallerPage) -> Result<Answered, Refused> {
        caller::call(&self.0, offer, page).await
    }

    async fn resume(&self, token: &str, offer: &str) -> Result<String, Refused> {
        caller::resume(&self.0, token, offer).await
    }

    async fn restart(&self, token: &str, offer: &str) -> Result<String, Refused> {
        caller::restart(&self.0, token, offer).await
    }

    fn left(&self, token: &str) -> bool {
        caller::find(&self.0, token).map(|page| page.leg.left()).is_ok()
    }

    fn hang_up(&self, token: &str) -> bool {
        caller::find(&self.0, token).map(|page| page.leg.hung_up()).is_ok()
    }

    fn captions(&self, token: &str) -> Option<mpsc::Receiver<Caption>> {
        caller::find(&self.0, token).ok().map(|page| page.captions.watch())
    }

    async fn call_back(&self, request: CallBack) -> Result<(), Refused> {
        let digits: String = request.number.chars().filter(char::is_ascii_digit).collect();
        if !DIGITS.contains(&digits.len()) {
            return Err(Refused::Number);
        }
        let shared = &self.0;
        let keeping = shared.store.want_call_back(&request.number, &request.name, Timestamp::now());
        let id = match tokio::time::timeout(KEEP_MAX, keeping).await {
            Ok(Ok(id)) => id,
            Ok(Err(fault)) => {
                tracing::error!(%fault, "a wish to be called back was not kept");
                return Err(Refused::Busy { retry_after_s: 60 });
            }
            Err(_) => return Err(Refused::Busy { retry_after_s: 60 }),
        };
        shared.pages.something_changed();
        // The audit outlives an erasure: a masked number, and no name.
        let detail = crate::base::pii::mask_numbers(&digits);
        let source = request.address.to_string();
        drop(shared.store.audit("caller", "call_back_wanted", &detail, &source).await);
        let connector =
            shared.tables.get().knowledge.connector(&ConnectorId(CALL_BACK.to_owned())).cloned();
        if let Some(connector) = connector {
            let fields = vec![
                ("caller_number".to_owned(), request.number),
                ("caller_name".to_owned(), request.name),
            ];
            tokio::spawn(pass_on(shared.clone(), connector, fields, id));
        }
        Ok(())
    }

    async fn sit_down(&self, agent: &AgentId, offer: &str) -> Result<Answered, Refused> {
        seat::sit_down(&self.0, agent, offer).await
    }

    async fn restart_seat(
        &self,
        agent: &AgentId,
        token: &str,
        offer: &str,
    ) -> Result<String, Refused> {
        seat::restart(&self.0, agent, token, offer).await
    }

    fn leave_seat(&self, agent: &AgentId, token: &str) -> bool {
        seat::leave(&self.0, agent, token)
    }
}
