//! What the pages and the terminal are told of this very moment.

use std::sync::Arc;

use tokio::sync::watch;

use crate::base::ids::{AgentId, CallId, OfferId};
use crate::base::moment::Moment;
use crate::call::command::Fact;
use crate::call::event::Event;
use crate::sip::TrunkState;
use crate::web::{ActiveCall, DeskLine, DeskView, Live, Part, PartState};

use super::shared::{Shared, locked};

/// One fact of a running call, as it happens.
#[derive(Clone, Debug)]
pub struct LiveFact {
    pub call: CallId,
    pub at: Moment,
    pub what: Option<Arc<Fact>>,
    /// The caller's words so far, while they go on; they may still change, and are not kept.
    pub so_far: Option<String>,
    /// The call is over, in this way.
    pub ended: Option<crate::base::disposition::Disposition>,
}

pub struct LivePages(pub Arc<Shared>);

impl Live for LivePages {
    fn active(&self) -> Vec<ActiveCall> {
        locked(&self.0.active).values().cloned().collect()
    }

    fn parts(&self) -> Vec<Part> {
        let shared = &self.0;
        let part = |name: &str, state, detail: String| Part { name: name.into(), state, detail };
        let wanted = shared.config.voice.engine != crate::config::settings::VoiceEngine::Espeak;
        let fell_back = wanted && shared.studio.engine() == "espeak-ng";
        let voice = match fell_back || shared.studio.is_degraded() {
            _ if shared.studio.is_silent() => {
                part("voice", PartState::Down, "no voice works".into())
            }
            true => part("voice", PartState::Degraded, "espeak-ng speaks instead".into()),
            false => part("voice", PartState::Ok, shared.studio.engine().to_owned()),
        };
        let model = shared.config.speech.model.clone();
        let mut parts = vec![voice, part("recogniser", PartState::Ok, model)];
        let recording = shared.config.recording.on;
        let detail = if recording { "on" } else { "off" };
        let failed = shared.metrics.recordings_failed.value();
        parts.push(match failed {
            0 => part("recordings", PartState::Ok, detail.into()),
            _ => part("recordings", PartState::Degraded, format!("{failed} could not be written")),
        });
        match locked(&shared.broken_phones).len() {
            0 => {}
            count => {
                let detail = format!("{count} agents' phones cannot be rung: see the log");
                parts.push(part("phones", PartState::Degraded, detail));
            }
        }
        for (trunk, state) in shared.sip.trunk_states() {
            let name = format!("trunk {trunk}");
            parts.push(match state {
                TrunkState::Registered { expires_s } => {
                    part(&name, PartState::Ok, format!("registered for {expires_s} s"))
                }
                TrunkState::Registering => part(&name, PartState::Degraded, "registering".into()),
                TrunkState::Failed { why, retry_s } => {
                    part(&name, PartState::Down, format!("{why}; again in {retry_s} s"))
                }
            });
        }
        parts
    }

    fn not_ready(&self) -> Option<String> {
        self.0.is_draining().then(|| "draining".to_owned())
    }

    fn desk(&self) -> DeskView {
        self.0.desk.view()
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.0.pages.changes()
    }

    fn open_desk(&self, agent: Option<&AgentId>, name: &str) -> Option<DeskLine> {
        self.0.pages.open(agent, name)
    }

    fn desk_schema(&self) -> serde_json::Value {
        crate::desk::wire::schema()
    }

    fn answer_offer(&self, call: &CallId, offer: OfferId, accept: bool) -> bool {
        let event = match accept {
            true => Event::AgentAccepted { offer },
            false => Event::AgentDeclined { offer },
        };
        self.0.tell(call, event)
    }
}
