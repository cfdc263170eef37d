//! The signalling of a leg, whatever it is made of: a SIP dialog or a browser.

use std::sync::Arc;

use crate::call::command::HangUpCause;
use crate::runtime::browser::BrowserLeg;
use crate::sip;

/// One party's signalling. Cheap to clone.
#[derive(Clone)]
pub enum Signal {
    Sip(sip::LegHandle),
    Browser(Arc<BrowserLeg>),
}

impl Signal {
    /// The SIP leg, where it is one.
    pub fn sip(&self) -> Option<&sip::LegHandle> {
        match self {
            Signal::Sip(leg) => Some(leg),
            Signal::Browser(_) => None,
        }
    }

    pub fn browser(&self) -> Option<&Arc<BrowserLeg>> {
        match self {
            Signal::Sip(_) => None,
            Signal::Browser(leg) => Some(leg),
        }
    }

    /// Ends the leg; its end is told as an event.
    pub fn hang_up(&self, cause: HangUpCause) {
        match self {
            Signal::Sip(leg) => {
                let _ = leg.hang_up(cause);
            }
            Signal::Browser(leg) => leg.hang_up(),
        }
    }

    /// Refuses a call that was not answered yet.
    pub fn refuse(&self, status: u16) {
        match self {
            Signal::Sip(leg) => {
                let _ = leg.refuse(status, None);
            }
            Signal::Browser(leg) => leg.hang_up(),
        }
    }

    /// Rings; with `early` (our answer) the caller hears us meanwhile.
    pub fn progress(&self, early: String) {
        if let Signal::Sip(leg) = self {
            let _ = leg.progress(early);
        }
    }

    pub fn ring(&self) {
        match self {
            Signal::Sip(leg) => {
                let _ = leg.ring();
            }
            // The page shows it by itself.
            Signal::Browser(_) => {}
        }
    }
}
