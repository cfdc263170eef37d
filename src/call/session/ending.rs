//! The end of a call: every leg gone, one disposition, nothing after it.

use crate::call::command::Command;

use super::*;

impl Session {
    /// Ends the call if its disposition is known and nothing of it lives on.
    pub(super) fn end_if_done(&mut self) {
        let Phase::Ending(disposition) = self.phase else { return };
        if self.caller_alive
            || self.timers.is_running(Timer::LastWords)
            || self.transfer.as_ref().is_some_and(Transfer::is_live)
        {
            return;
        }
        self.transfer = None;
        self.timers.stop_all();
        self.command(Command::End { disposition });
        self.phase = Phase::Over;
    }

    /// A leg that was hung up gave no sign of having ended: it is counted as gone.
    pub(super) fn legs_lost(&mut self) {
        if let Phase::Ending(_) = self.phase {
            self.caller_alive = false;
            self.timers.stop(Timer::LastWords);
            self.transfer_lost();
            self.end_if_done();
        }
    }
}
