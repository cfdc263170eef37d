//! What a caller's page is shown: the words of both sides and where the call stands, from the
//! beginning for a page that comes late. Never the briefing: that is said to the agent alone.

use std::sync::Mutex;

use tokio::sync::mpsc;

use crate::base::card::{NOT_KEPT, Speaker};
use crate::base::disposition::Disposition;
use crate::base::moment::Moment;
use crate::call::command::{Fact, TransferStep};
use crate::runtime::shared::locked;
use crate::web::Caption;

/// Captions kept for a page that is loaded anew; the oldest are dropped.
const KEPT_MAX: usize = 400;
/// Pages that watch one call.
const WATCHERS_MAX: usize = 4;

#[derive(Debug, Default)]
struct State {
    kept: Vec<Caption>,
    watchers: Vec<mpsc::Sender<Caption>>,
    over: bool,
}

/// The captions of one call.
#[derive(Debug, Default)]
pub struct Captions {
    state: Mutex<State>,
}

impl Captions {
    /// A page begins to watch: all that was, then all that comes.
    pub fn watch(&self) -> mpsc::Receiver<Caption> {
        let (sender, receiver) = mpsc::channel(KEPT_MAX * 2);
        let mut state = locked(&self.state);
        for caption in &state.kept {
            let _ = sender.try_send(caption.clone());
        }
        if !state.over {
            if state.watchers.len() >= WATCHERS_MAX {
                state.watchers.remove(0);
            }
            state.watchers.push(sender);
        }
        receiver
    }

    /// The machine begins to say something to the caller.
    pub fn machine_says(&self, at: Moment, text: &str) {
        let text = crate::base::spoken::plain(text);
        if !text.is_empty() {
            self.add(Caption::Said { who: "machine", text, at_ms: at.as_ms() });
        }
    }

    /// Something happened in the call.
    pub fn fact(&self, fact: &Fact) {
        match fact {
            Fact::Said { line, .. } => {
                let who = match line.speaker {
                    Speaker::Caller => "caller",
                    Speaker::Agent => "agent",
                    // Shown when it began.
                    Speaker::Machine => return,
                };
                let text = line.text.reveal().clone();
                self.add(Caption::Said { who, text, at_ms: line.at.as_ms() });
            }
            Fact::NotKept { from } => self.not_kept(from.as_ms()),
            Fact::Transfer { step, .. } => self.step(step),
            _ => {}
        }
    }

    /// Card data: a page that comes again is not shown it.
    fn not_kept(&self, from_ms: u64) {
        for caption in &mut locked(&self.state).kept {
            if let Caption::Said { who: "caller", text, at_ms } = caption
                && *at_ms >= from_ms
            {
                *text = NOT_KEPT.to_owned();
            }
        }
    }

    fn step(&self, step: &TransferStep) {
        let (state, position) = match step {
            TransferStep::Wanted { .. } => ("waiting", None),
            TransferStep::Queued { position } => ("waiting", Some(*position)),
            TransferStep::Ringing { .. } => ("ringing", None),
            TransferStep::Bridged { .. } | TransferStep::Resumed { .. } => ("person", None),
            TransferStep::Held { .. } | TransferStep::AgentLost { .. } => ("held", None),
            TransferStep::GaveUp => ("machine", None),
            _ => return,
        };
        self.add(Caption::State { state, position });
    }

    /// The call is over: watchers are told, and their streams end.
    pub fn ended(&self, disposition: Disposition) {
        let how = match disposition {
            Disposition::SystemFailure | Disposition::CallerLost => "lost",
            _ => "ended",
        };
        self.add(Caption::Ended { how });
        let mut state = locked(&self.state);
        state.over = true;
        state.watchers.clear();
    }

    fn add(&self, caption: Caption) {
        let mut state = locked(&self.state);
        if state.over || state.kept.last() == Some(&caption) {
            return;
        }
        if state.kept.len() >= KEPT_MAX {
            state.kept.remove(0);
        }
        // One that does not keep up comes again and gets all.
        state.watchers.retain(|watcher| watcher.try_send(caption.clone()).is_ok());
        state.kept.push(caption);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_page_gets_all_and_a_call_that_is_over_ends_the_stream() {
        let captions = Captions::default();
        let mut early = captions.watch();
        captions.machine_says(Moment(100), "Hello <digits>42</digits>");
        captions.step(&TransferStep::Queued { position: 2 });
        captions.step(&TransferStep::Queued { position: 2 });
        let mut late = captions.watch();
        captions.ended(Disposition::Answered);
        for page in [&mut early, &mut late, &mut captions.watch()] {
            let mut all = Vec::new();
            while let Ok(caption) = page.try_recv() {
                all.push(caption);
            }
            let said = Caption::Said { who: "machine", text: "Hello 42".into(), at_ms: 100 };
            let state = Caption::State { state: "waiting", position: Some(2) };
            assert_eq!(all, [said, state, Caption::Ended { how: "ended" }]);
            assert!(matches!(page.try_recv(), Err(mpsc::error::TryRecvError::Disconnected)));
        }
    }
}
